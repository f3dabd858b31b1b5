package claim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/budget"
	"github.com/liangding/platform/finance/claim"
)

func TestAClaimAndItsCommitmentAreOneCommit(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "100.00"), v.voucher(2, "50.00"))

	assert.Equal(t, claim.Submitted, c.State)
	assert.Equal(t, cny("150.00"), c.Total)
	assert.Equal(t, "sales", c.Items[0].Centre)
	assert.Equal(t, "travel", c.Items[0].Category)
	v.budgeted("9850.00", "150.00", "0.00")

	d, err := v.Draft(v.as(cleaner), claim.Draft{Items: []claim.Voucher{v.voucher(3, "9850.01")}})
	require.NoError(t, err)
	_, err = v.Submit(v.as(cleaner), claim.Submit{Claim: d.ID})
	require.ErrorIs(t, err, budget.ErrExceeded)
	v.is(d, claim.Drafted)
	v.budgeted("9850.00", "150.00", "0.00")
	v.proved()
}

// Invariant 19.
func TestOfManyClaimsOnOneLineExactlyAsManyPassAsFit(t *testing.T) {
	t.Parallel()
	v := newWorld(t)

	told := crowd(32, func(i int) error {
		who := platform.Actor{ID: platform.NewID("stf", newYear, 1, uint64(100+i)), Kind: platform.Staff}
		_, err := v.submit(who, v.voucher(i, "700.00"))
		return err
	})

	assert.Equal(t, map[string]int{"": 14, "budget.exceeded": 18}, told)
	v.budgeted("200.00", "9800.00", "0.00")
	v.proved()
}

func TestAVoucherIsClaimedOnce(t *testing.T) {
	t.Parallel()
	same := func(change func(*claim.Voucher)) func(*claim.Voucher) { return change }
	for name, change := range map[string]func(*claim.Voucher){
		"the same file": same(func(x *claim.Voucher) { x.Number, x.SellerTaxID = "N-9", "99" }),
		"F26: the same number of the same seller, as another file": same(func(x *claim.Voucher) { x.File = strings.Repeat("ab", 32) }),
		"the number as somebody else types it": same(func(x *claim.Voucher) {
			x.File, x.Number, x.SellerTaxID = strings.Repeat("ab", 32), " n－1 ", "91310000ma1k1"
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newWorld(t)
			first := v.submitted(v.voucher(1, "100.00"))

			_, err := v.submit(cook, v.voucher(1, "100.00", change))

			require.ErrorIs(t, err, claim.ErrDuplicateVoucher)
			assert.NotContains(t, err.Error(), string(first.ID), "nothing of the other claim")
			assert.NotContains(t, fmt.Sprint(platform.Details(err)), string(cleaner.ID))
			v.budgeted("9900.00", "100.00", "0.00")
		})
	}
}

func TestAReceiptWithoutNumberIsKnownBySellerDayAndAmount(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	receipt := func(n int, amount string, date time.Time) claim.Voucher {
		return v.voucher(n, amount, func(x *claim.Voucher) {
			x.Kind, x.Number, x.SellerTaxID, x.Seller, x.Date = "receipt", "", "", "Kiosk", date
		})
	}
	v.submitted(receipt(1, "10.00", march))

	_, err := v.submit(cook, receipt(2, "10.00", march))
	require.ErrorIs(t, err, claim.ErrDuplicateVoucher)
	_, err = v.submit(cook, receipt(3, "10.01", march))
	require.NoError(t, err)
	_, err = v.submit(cook, receipt(4, "10.00", march.Add(-day)))
	require.NoError(t, err)
}

func TestAVoucherIsFreeAgainWhenItsClaimCameToNothing(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "100.00"))
	_, err := v.Withdraw(v.as(cleaner), claim.Withdraw{Claim: c.ID})
	require.NoError(t, err)
	v.budgeted("10000.00", "0.00", "0.00")
	c = v.submitted(v.voucher(1, "100.00"))
	_, err = v.Return(v.as(manager), claim.Return{Claim: c.ID, Reason: "blurred"})
	require.NoError(t, err)
	_, err = v.submit(cook, v.voucher(1, "100.00"))
	require.ErrorIs(t, err, claim.ErrDuplicateVoucher, "a returned claim keeps its vouchers")
	_, err = v.Submit(v.as(cleaner), claim.Submit{Claim: c.ID})
	require.NoError(t, err)
	_, err = v.Reject(v.as(manager), claim.Reject{Claim: c.ID, Reason: "private"})
	require.NoError(t, err)

	_, err = v.submit(cook, v.voucher(1, "100.00"))
	require.NoError(t, err)
	v.proved()
}

func TestOfManyWhoClaimOneVoucherOneGetsIt(t *testing.T) {
	t.Parallel()
	v := newWorld(t)

	told := crowd(16, func(i int) error {
		who := platform.Actor{ID: platform.NewID("stf", newYear, 1, uint64(100+i)), Kind: platform.Staff}
		_, err := v.submit(who, v.voucher(1, "100.00"))
		return err
	})

	assert.Equal(t, map[string]int{"": 1, "claim.duplicate_voucher": 15}, told)
	v.budgeted("9900.00", "100.00", "0.00")
}

func TestWhatIsNoProperVoucherIsRefused(t *testing.T) {
	t.Parallel()
	v := newWorld(t, func(_ *claim.Ports, terms *claim.Terms) {
		terms.Limits = []claim.Limit{{Category: "travel", Day: cny("1000.00")}}
	})
	for name, c := range map[string]struct {
		change func(*claim.Voucher)
		code   string
	}{
		"no file":            {func(x *claim.Voucher) { x.File = "" }, "claim.voucher"},
		"no seller":          {func(x *claim.Voucher) { x.Seller, x.SellerTaxID = "", "" }, "claim.voucher"},
		"no purpose":         {func(x *claim.Voucher) { x.Purpose = " " }, "claim.voucher"},
		"no line":            {func(x *claim.Voucher) { x.Line = "" }, "claim.voucher"},
		"an unknown line":    {func(x *claim.Voucher) { x.Line = platform.NewID("bgt", march, 1, 1) }, "budget.no_line"},
		"tomorrow":           {func(x *claim.Voucher) { x.Date = march.Add(day) }, "claim.age"},
		"181 days ago":       {func(x *claim.Voucher) { x.Date = march.Add(-181 * day) }, "claim.age"},
		"above the limit":    {func(x *claim.Voucher) { x.Amount = cny("1000.01") }, "claim.limit"},
		"nothing":            {func(x *claim.Voucher) { x.Amount = cny("0.00") }, "claim.amount"},
		"below zero":         {func(x *claim.Voucher) { x.Amount = cny("-1.00") }, "claim.amount"},
		"more tax than that": {func(x *claim.Voucher) { x.Tax = cny("100.01") }, "claim.amount"},
		"another currency":   {func(x *claim.Voucher) { x.Amount = platform.MustMoney("100", "JPY") }, "claim.currency"},
		"a file of words":    {func(x *claim.Voucher) { x.File = "photo.jpg" }, "field.len"},
		"a bell":             {func(x *claim.Voucher) { x.Seller = "\a" }, "text.control"},
	} {
		_, err := v.submit(cleaner, v.voucher(1, "100.00", c.change))
		require.Error(t, err, name)
		assert.Equal(t, c.code, platform.Code(err), "%s: %v", name, err)
	}
	_, err := v.submit(cleaner, v.voucher(1, "100.00"), v.voucher(1, "100.00"))
	require.ErrorIs(t, err, claim.ErrDuplicateVoucher, "twice in one claim")
	_, err = v.submit(cleaner, v.voucher(1, "100.00"), v.voucher(2, "1", func(x *claim.Voucher) { x.Amount = platform.MustMoney("1", "USD") }))
	assert.Equal(t, "claim.currency", platform.Code(err))
	page, err := v.Claims(v.as(cleaner), "")
	require.NoError(t, err)
	for _, c := range page.Items {
		assert.Equal(t, claim.Drafted, c.State)
		assert.NotEmpty(t, c.Items, "what is no claim at all leaves none")
	}
	v.budgeted("10000.00", "0.00", "0.00")
}

func TestAnExpenseGrowsTooOldInItsDraft(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c, err := v.Draft(v.as(cleaner), claim.Draft{Items: []claim.Voucher{v.voucher(1, "1.00")}})
	require.NoError(t, err)
	v.pass(178 * day)

	_, err = v.Submit(v.as(cleaner), claim.Submit{Claim: c.ID})

	assert.Equal(t, "claim.age", platform.Code(err))
}

func TestLimitsAreByCityClassRankAndDay(t *testing.T) {
	t.Parallel()
	v := newWorld(t, func(_ *claim.Ports, terms *claim.Terms) {
		terms.Limits = []claim.Limit{
			{Category: "travel", Class: "economy", Day: cny("100.00")},
			{Category: "travel", Class: "economy", City: "shanghai", Day: cny("200.00")},
			{Category: "travel", Class: "business", Rank: "director", Day: cny("500.00")},
		}
	})
	v.house.ranks[cook.ID] = "director"
	n := 0
	spend := func(who platform.Actor, amount, city, class string, days int, exception string) string {
		n++
		_, err := v.submit(who, v.voucher(n, amount, func(x *claim.Voucher) { x.City, x.Class, x.Days, x.Exception = city, class, days, exception }))
		return platform.Code(err)
	}

	assert.Empty(t, spend(cleaner, "100.00", "wuhan", "economy", 0, ""))
	assert.Equal(t, "claim.limit", spend(cleaner, "100.01", "wuhan", "economy", 1, ""))
	assert.Empty(t, spend(cleaner, "300.00", "wuhan", "economy", 3, ""))
	assert.Empty(t, spend(cleaner, "200.00", "shanghai", "economy", 1, ""))
	assert.Equal(t, "claim.limit", spend(cleaner, "10.00", "shanghai", "business", 1, ""), "not the class of this rank")
	assert.Empty(t, spend(cook, "500.00", "shanghai", "business", 1, ""))
	assert.Equal(t, "claim.limit", spend(cook, "10.00", "shanghai", "first", 1, ""))
	assert.Empty(t, spend(cook, "900.00", "shanghai", "first", 1, "last_seat"), "with a reason")
}

func TestAClaimIsItsClaimantsOwn(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c, err := v.Draft(v.as(cleaner), claim.Draft{Items: []claim.Voucher{v.voucher(1, "1.00")}})
	require.NoError(t, err)

	for name, call := range map[string]func() error{
		"submit":   func() error { _, err := v.Submit(v.as(cook), claim.Submit{Claim: c.ID}); return err },
		"withdraw": func() error { _, err := v.Withdraw(v.as(manager), claim.Withdraw{Claim: c.ID}); return err },
		"amend": func() error {
			_, err := v.Amend(v.as(cook), claim.Amend{Claim: c.ID, Items: []claim.Voucher{v.voucher(2, "1.00")}})
			return err
		},
		"see": func() error { _, err := v.Claim(v.as(cook), c.ID); return err },
	} {
		require.ErrorIs(t, call(), platform.ErrNotFound, name)
	}
	_, err = v.Draft(v.as(platform.Actor{ID: "cus", Kind: platform.Customer}), claim.Draft{Items: []claim.Voucher{v.voucher(1, "1.00")}})
	require.ErrorIs(t, err, platform.ErrDenied)
	page, err := v.Claims(v.as(cook), "")
	require.NoError(t, err)
	assert.Empty(t, page.Items)
}

func TestWhatIsPersonalIsSealed(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "1.00"))
	doc := fmt.Sprintf("%+v", c)
	for _, word := range []string{"Rail", "91310000MA1K", "N-1", "customer"} {
		assert.NotContains(t, doc, word)
	}
	assert.Equal(t, "staff.member/"+string(cleaner.ID)+"/finance.claim/"+string(c.ID)+"/details", strings.Join(strings.Split(string(c.Details), "/")[:5], "/"))

	bare := newWorld(t, func(p *claim.Ports, _ *claim.Terms) { p.Sealer = nil })
	_, err := bare.submit(cleaner, bare.voucher(1, "1.00"))
	require.ErrorIs(t, err, platform.ErrUnavailable)
}

func TestAReturnedClaimIsSubmittedAgainWithAnotherAmount(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "100.00"), v.voucher(2, "40.00", func(x *claim.Voucher) { x.Line = v.meals }))
	c, err := v.Return(v.as(manager), claim.Return{Claim: c.ID, Item: 2, Reason: "private"})
	require.NoError(t, err)
	assert.Equal(t, 2, c.Item)
	v.budgeted("9900.00", "100.00", "0.00")

	_, err = v.Amend(v.as(cleaner), claim.Amend{Claim: c.ID, Items: []claim.Voucher{v.voucher(1, "120.00")}})
	require.NoError(t, err)
	c, err = v.Submit(v.as(cleaner), claim.Submit{Claim: c.ID})
	require.NoError(t, err)

	v.budgeted("9880.00", "120.00", "0.00")
	for _, l := range v.lines() {
		if l.ID == v.meals {
			assert.Equal(t, cny("0.00"), l.Balance.Committed, "nothing is claimed there any more")
		}
	}
	assert.Equal(t, claim.Submitted, c.State)
	assert.Zero(t, c.At, "the chain begins anew")
	v.approve(c, manager)
	v.proved()
}

func TestTheBudgetOfAReturnedClaimIsKeptThirtyDays(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "100.00"))
	_, err := v.Return(v.as(manager), claim.Return{Claim: c.ID, Reason: "blurred"})
	require.NoError(t, err)
	v.pass(30*day - time.Second)
	assert.Zero(t, v.tick())
	v.budgeted("9900.00", "100.00", "0.00")
	v.pass(time.Second)
	assert.Equal(t, 1, v.tick())
	assert.Zero(t, v.tick())
	v.budgeted("10000.00", "0.00", "0.00")

	_, err = v.Submit(v.as(cleaner), claim.Submit{Claim: c.ID})
	require.NoError(t, err)
	v.budgeted("9900.00", "100.00", "0.00")
	v.proved()
}

func TestAReturnedClaimThatIsAmendedLosesItsBudgetAfterThirtyDaysToo(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.submitted(v.voucher(1, "100.00"))
	_, err := v.Return(v.as(manager), claim.Return{Claim: c.ID, Reason: "blurred"})
	require.NoError(t, err)
	_, err = v.Amend(v.as(cleaner), claim.Amend{Claim: c.ID, Items: []claim.Voucher{v.voucher(2, "90.00")}})
	require.NoError(t, err)
	v.pass(30 * day)

	assert.Equal(t, 1, v.tick())

	v.budgeted("10000.00", "0.00", "0.00")
	v.proved()
}

func TestReturnedClaimsMayLackTheirVouchers(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	unscanned := func(x *claim.Voucher) { x.File = "" }
	for n := range 2 {
		c := v.submitted(v.voucher(n, "100.00"))
		_, err := v.Return(v.as(manager), claim.Return{Claim: c.ID, Reason: "blurred"})
		require.NoError(t, err)
		_, err = v.Amend(v.as(cleaner), claim.Amend{Claim: c.ID, Items: []claim.Voucher{v.voucher(10+2*n, "10.00", unscanned), v.voucher(11+2*n, "10.00", unscanned)}})
		require.NoError(t, err, "what is not there is nobody else's")
	}
	v.proved()
}
