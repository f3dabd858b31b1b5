package refund_test

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/refund"
)

var (
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	order    = platform.NewID("ord", noon, 7, 1)
	merchant = platform.NewID("mer", noon, 7, 2)
	member   = platform.NewID("stf", noon, 7, 3)
	second   = platform.NewID("stf", noon, 7, 4)
	older    = platform.NewID("att", noon, 7, 5)
	newer    = platform.NewID("att", noon, 7, 6)
	invoice  = platform.NewID("inv", noon, 7, 7)
)

func yuan(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

func fen(minor int64) platform.Money {
	m, err := platform.FromMinor(minor, yuan("0.00").Currency())
	if err != nil {
		panic(err)
	}
	return m
}

// sold is an order of 100.00 in one line, with 10 % commission that has 6 % of
// tax inside, paid at once, completed and not yet closed.
func sold(change ...func(*refund.Facts)) refund.Facts {
	f := refund.Facts{
		Order: order, Merchant: merchant, Stage: refund.Sold,
		Lines: []refund.Line{{
			No: 1, Amount: yuan("100.00"), Tax: yuan("5.66"), Discount: yuan("20.00"),
			Fees: []refund.Fee{{Component: "commission", Amount: yuan("10.00"), Tax: yuan("0.57"), Back: refund.ProRata}},
		}},
		Payments:  []refund.Payment{{ID: older, Institution: "sandbox", Amount: yuan("100.00"), Captured: true}},
		Captured:  yuan("100.00"),
		Available: refund.Available{Earning: yuan("90.00")},
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

func closed(f *refund.Facts) {
	f.Stage, f.Available = refund.Closed, refund.Available{Payable: yuan("90.00")}
}

func paid(f *refund.Facts) {
	f.Stage, f.Available = refund.Paid, refund.Available{Escrow: f.Captured}
}

// whole asks for all that is left, out of the sale.
var whole = refund.Request{Bearer: refund.ByMerchant}

func part(amount string) refund.Request {
	return refund.Request{Amount: yuan(amount), Bearer: refund.ByMerchant}
}

// legs are a plan's legs in short.
func legs(p refund.Plan) map[string]string {
	all := map[string]string{}
	for _, l := range p.Legs {
		name := l.Role
		if l.Role == "receivable" || l.Role == "payable" {
			name += ":" + l.Party.Prefix()
		}
		all[name] = l.Amount.String()
	}
	return all
}

func plan(t *testing.T, f refund.Facts, r refund.Request) refund.Plan {
	t.Helper()
	p, err := f.Plan(r)
	require.NoError(t, err)
	return p
}

// Finance §10 step 5: the money comes from where it lies.
func TestTheSourceFollowsTheStage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts refund.Facts
		want  map[string]string
	}{
		"before the sale": {sold(paid), map[string]string{"escrow": "30.00 CNY", "refund_due": "-30.00 CNY"}},
		"before close": {sold(), map[string]string{
			"earning": "27.00 CNY", "commission": "2.83 CNY", "output_tax": "0.17 CNY", "refund_due": "-30.00 CNY",
		}},
		"after close": {sold(closed), map[string]string{
			"payable:mer": "27.00 CNY", "commission": "2.83 CNY", "output_tax": "0.17 CNY", "refund_due": "-30.00 CNY",
		}},
	} {
		assert.Equal(t, c.want, legs(plan(t, c.facts, part("30.00"))), name)
	}
}

// F13, F33: the merchant has been paid out or is insolvent; the customer is paid.
func TestTheCustomerWaitsForNoneOfTheMerchantsMoney(t *testing.T) {
	t.Parallel()
	poor := func(f *refund.Facts) {
		closed(f)
		f.Available = refund.Available{Payable: yuan("10.00"), Reserve: yuan("4.50"), Deposit: yuan("50.00")}
	}
	barred := plan(t, sold(poor), whole)
	allowed := plan(t, sold(poor, func(f *refund.Facts) { f.Agreement.Deposit = true }), whole)
	broke := plan(t, sold(closed, func(f *refund.Facts) { f.Available.Payable = yuan("0.00") }), whole)

	assert.Equal(t, "75.50 CNY", legs(barred)["receivable:mer"])
	assert.NotContains(t, legs(barred), "deposit")
	assert.Equal(t, map[string]string{
		"payable:mer": "10.00 CNY", "reserve": "4.50 CNY", "deposit": "50.00 CNY", "receivable:mer": "25.50 CNY",
		"commission": "9.43 CNY", "output_tax": "0.57 CNY", "refund_due": "-100.00 CNY",
	}, legs(allowed))
	assert.Equal(t, "90.00 CNY", legs(broke)["receivable:mer"])
}

// Finance §10 step 3.
func TestAFeeGoesBackAsItsComponentSays(t *testing.T) {
	t.Parallel()
	behave := func(b refund.Behaviour) func(*refund.Facts) {
		return func(f *refund.Facts) { f.Lines[0].Fees[0].Back = b }
	}
	for name, c := range map[string]struct {
		back    refund.Behaviour
		fault   string
		earning string
		fee     string
	}{
		"pro rata":             {refund.ProRata, "customer", "27.00 CNY", "2.83 CNY"},
		"kept":                 {refund.Kept, "merchant", "30.00 CNY", ""},
		"kept, customer":       {refund.KeptAtFault, "customer", "30.00 CNY", ""},
		"kept, not customer":   {refund.KeptAtFault, "merchant", "27.00 CNY", "2.83 CNY"},
		"kept, force majeure":  {refund.KeptAtFault, "force_majeure", "27.00 CNY", "2.83 CNY"},
		"kept, nobody's fault": {refund.KeptAtFault, "", "27.00 CNY", "2.83 CNY"},
	} {
		r := part("30.00")
		r.Fault = c.fault
		got := legs(plan(t, sold(behave(c.back)), r))
		assert.Equal(t, c.earning, got["earning"], name)
		assert.Equal(t, c.fee, got["commission"], name)
	}
	assert.Equal(t, "30.00 CNY", legs(plan(t, sold(paid, behave(refund.Kept)), part("30.00")))["escrow"], "no fee was taken yet")
	assert.Equal(t, map[string]string{"earning": "90.00 CNY", "receivable:mer": "10.00 CNY", "refund_due": "-100.00 CNY"},
		legs(plan(t, sold(behave(refund.Kept)), whole)), "more than it earned is owed")
}

// Finance §10 step 4.
func TestTheBearerIsWhoseMoneyGoesBack(t *testing.T) {
	t.Parallel()
	goodwill := plan(t, sold(), refund.Request{Amount: yuan("30.00"), Bearer: refund.ByPlatform})
	fault := plan(t, sold(), refund.Request{Amount: yuan("30.00"), Bearer: refund.AtFault, Fault: "platform"})
	theirs := plan(t, sold(), refund.Request{Amount: yuan("30.00"), Bearer: refund.AtFault, Fault: "staff"})

	assert.Equal(t, "refund.goodwill", goodwill.What)
	assert.Equal(t, map[string]string{"compensation": "30.00 CNY", "refund_due": "-30.00 CNY"}, legs(goodwill))
	assert.Equal(t, legs(goodwill), legs(fault))
	assert.Equal(t, "27.00 CNY", legs(theirs)["earning"])
	for _, r := range []refund.Request{{Bearer: "customer"}, {}, {Bearer: refund.AtFault}, {Bearer: refund.AtFault, Fault: "weather"}} {
		_, err := sold().Plan(r)
		require.ErrorIs(t, err, refund.ErrBearer)
	}
}

// F9: the last part of a line takes the odd units, also after one that the
// platform bore, and after one that was withdrawn.
func TestTheLastRefundOfALineTakesTheRest(t *testing.T) {
	t.Parallel()
	f := sold(func(f *refund.Facts) {
		l := &f.Lines[0]
		l.Amount, l.Tax, l.Discount = yuan("0.10"), yuan("0.00"), yuan("0.07")
		l.Fees[0].Amount, l.Fees[0].Tax = yuan("0.01"), yuan("0.00")
		f.Captured, f.Payments[0].Amount, f.Available.Earning = yuan("0.10"), yuan("0.10"), yuan("0.09")
	})
	var fees []int
	lapsed := int64(0)
	for n := range 10 {
		p := plan(t, f, part("0.01"))
		if len(p.Lines[0].Fees) > 0 {
			fees = append(fees, n+1)
		}
		lapsed += p.Lines[0].Discount.Minor()
		f = after(f, p)
	}
	assert.Equal(t, []int{6}, fees, "the one unit of commission goes back with the sixth")
	assert.Equal(t, int64(7), lapsed)
	assert.Zero(t, f.Refundable().Minor())

	odd := sold(func(f *refund.Facts) { // what stands took one unit of the fee too many
		f.Lines[0].Given, f.Lines[0].Fees[0].Given = yuan("30.00"), yuan("3.01")
		f.Refunded, f.Payments[0].Returned, f.Available.Earning = yuan("30.00"), yuan("30.00"), yuan("63.01")
	})
	assert.Equal(t, "63.01 CNY", legs(plan(t, odd, whole))["earning"])
}

// F10, F11.
func TestFeesOfNothingAndCurrenciesWithoutFractions(t *testing.T) {
	t.Parallel()
	tiny := sold(func(f *refund.Facts) {
		f.Lines[0] = refund.Line{No: 1, Amount: yuan("0.01"), Fees: []refund.Fee{{Component: "commission", Amount: yuan("0.00")}}}
		f.Captured, f.Payments[0].Amount, f.Available.Earning = yuan("0.01"), yuan("0.01"), yuan("0.01")
	})
	assert.Equal(t, map[string]string{"earning": "0.01 CNY", "refund_due": "-0.01 CNY"}, legs(plan(t, tiny, whole)))

	yen := func(amount string) platform.Money { return platform.MustMoney(amount, "JPY") }
	japan := refund.Facts{
		Order: order, Merchant: merchant, Stage: refund.Sold, Captured: yen("1000"),
		Lines:     []refund.Line{{No: 1, Amount: yen("1000"), Fees: []refund.Fee{{Component: "commission", Amount: yen("88"), Tax: yen("8")}}}},
		Payments:  []refund.Payment{{ID: older, Institution: "sandbox", Amount: yen("1000"), Captured: true}},
		Available: refund.Available{Earning: yen("912")},
	}
	got := legs(plan(t, japan, refund.Request{Amount: yen("333"), Bearer: refund.ByMerchant}))
	assert.Equal(t, map[string]string{"earning": "304 JPY", "commission": "26 JPY", "output_tax": "3 JPY", "refund_due": "-333 JPY"}, got)
}

// Invariant 13: what goes back is never above what came, however it is asked.
func TestRefundNeverExceedsCapture(t *testing.T) {
	t.Parallel()
	half := func(f *refund.Facts) {
		f.Lines[0].Given, f.Lines[0].Fees[0].Given = yuan("50.00"), yuan("5.00")
		f.Reserved, f.Payments[0].Returned, f.Available.Earning = yuan("50.00"), yuan("50.00"), yuan("45.00")
	}
	for name, c := range map[string]struct {
		facts refund.Facts
		ask   refund.Request
		want  error
	}{
		"above what is left":      {sold(half), part("50.01"), refund.ErrExceeds},
		"of a line":               {sold(half), refund.Request{Bearer: refund.ByMerchant, Lines: []refund.Ask{{Line: 1, Amount: yuan("50.01")}}}, refund.ErrExceeds},
		"charged back meanwhile":  {sold(half, func(f *refund.Facts) { f.ChargedBack = yuan("30.00") }), part("20.01"), refund.ErrExceeds},
		"a fee withheld":          {sold(half, func(f *refund.Facts) { f.Withheld = yuan("30.00") }), part("20.01"), refund.ErrExceeds},
		"disputed at the bank":    {sold(half, func(f *refund.Facts) { f.Payments[0].Disputed = true }), whole, refund.ErrChargeback},
		"by goodwill":             {sold(half), refund.Request{Amount: yuan("50.01"), Bearer: refund.ByPlatform}, refund.ErrExceeds},
		"nothing left":            {sold(func(f *refund.Facts) { f.ChargedBack = yuan("100.00") }), whole, refund.ErrExceeds},
		"nothing":                 {sold(), part("0.00"), refund.ErrAmount},
		"less than nothing":       {sold(), part("-1.00"), refund.ErrAmount},
		"another currency":        {sold(), refund.Request{Amount: platform.MustMoney("1.00", "EUR"), Bearer: refund.ByMerchant}, refund.ErrAmount},
		"no such line":            {sold(), refund.Request{Bearer: refund.ByMerchant, Lines: []refund.Ask{{Line: 2}}}, refund.ErrLine},
		"a line twice":            {sold(), refund.Request{Bearer: refund.ByMerchant, Lines: []refund.Ask{{Line: 1, Amount: yuan("1.00")}, {Line: 1}}}, refund.ErrLine},
		"lines and another sum":   {sold(), refund.Request{Amount: yuan("2.00"), Bearer: refund.ByMerchant, Lines: []refund.Ask{{Line: 1, Amount: yuan("1.00")}}}, refund.ErrAmount},
		"no such tip":             {sold(), refund.Request{Bearer: refund.ByMerchant, Tips: []refund.AskTip{{Member: member}}}, refund.ErrTip},
		"escrow was emptied":      {sold(paid, func(f *refund.Facts) { f.Available.Escrow = yuan("10.00") }), part("10.01"), refund.ErrSource},
		"facts without currency":  {refund.Facts{Stage: refund.Paid}, whole, refund.ErrFacts},
		"given above the amount":  {sold(func(f *refund.Facts) { f.Lines[0].Given = yuan("100.01") }), whole, refund.ErrFacts},
		"fees above the amount":   {sold(func(f *refund.Facts) { f.Lines[0].Fees[0].Amount = yuan("100.01") }), whole, refund.ErrFacts},
		"fees given without line": {sold(func(f *refund.Facts) { f.Lines[0].Fees[0].Given = yuan("1.00") }), whole, refund.ErrFacts},
	} {
		_, err := c.facts.Plan(c.ask)
		require.ErrorIs(t, err, c.want, name)
	}
	assert.Equal(t, "50.00 CNY", plan(t, sold(half), whole).Amount.String())
}

// free is what accounts have, by role.
type free map[string]string

func (f free) Free(_ context.Context, role string, _, _ platform.ID, _ platform.Currency) (platform.Money, error) {
	return yuan(cmp.Or(f[role], "0.00")), nil
}

func TestTheChainGoesOnWhereAnAccountEnds(t *testing.T) {
	t.Parallel()
	have := free{"payable": "10.00", "reserve": "4.50", "deposit": "50.00"}
	told := func(c refund.Chain, amount string) (all []string) {
		legs, err := c.Sources(t.Context(), merchant, yuan(amount))
		require.NoError(t, err)
		for _, l := range legs {
			all = append(all, l.Role+" "+l.Amount.String())
		}
		return all
	}
	assert.Equal(t, []string{"payable 10.00 CNY"}, told(refund.Chain{Books: have, Deposit: true}, "10.00"))
	assert.Equal(t, []string{"payable 10.00 CNY", "reserve 4.50 CNY", "receivable 75.50 CNY"}, told(refund.Chain{Books: have}, "90.00"))
	assert.Equal(t, []string{"payable 10.00 CNY", "reserve 4.50 CNY", "deposit 50.00 CNY", "receivable 25.50 CNY"}, told(refund.Chain{Books: have, Deposit: true}, "90.00"))
}

func TestAPlanIsStoredWithItsRefund(t *testing.T) {
	t.Parallel()
	p := plan(t, sold(), whole)
	of := platform.NewID("rfd", noon, 7, 9)

	s, err := p.For(of, noon)

	require.NoError(t, err)
	assert.Equal(t, platform.Ref{Kind: "refund.plan", ID: of.As("rpl")}, s.Ref())
	assert.Equal(t, p.Hash, s.Hash)
	assert.Contains(t, string(s.Plan), `"steps"`)
	for _, k := range refund.Kinds() {
		require.NoError(t, k.Fault())
	}
}

// What a plan takes of a merchant that was paid already is what the chain would
// have given at the moment of the same reading.
func TestAPlansSourcesAreThoseOfItsReading(t *testing.T) {
	t.Parallel()
	poor := sold(closed, func(f *refund.Facts) { f.Available = refund.Available{Payable: yuan("10.00"), Reserve: yuan("4.50")} })
	p := plan(t, poor, whole)

	chain, err := refund.Chain{Books: free{"payable": "10.00", "reserve": "4.50"}}.Sources(t.Context(), merchant, yuan("90.00"))

	require.NoError(t, err)
	assert.Equal(t, chain, p.Sources())
	assert.Nil(t, plan(t, sold(paid), whole).Sources(), "before the sale it is the order's own money")
}
