package claim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/budget"
	"github.com/liangding/platform/finance/claim"
)

func (v *world) pay(who platform.Actor, c claim.Claim) (claim.Claim, error) {
	return v.Pay(v.as(who), claim.Pay{Claim: c.ID})
}

func TestAnApprovedClaimIsBookedAndPaid(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.payable()
	v.on("expense:sales.travel", "94.00")
	v.on("input_tax:vat", "6.00")
	v.on("payable:"+string(cleaner.ID), "-100.00")
	v.budgeted("9900.00", "0.00", "100.00")

	c, err := v.pay(payer, c)

	require.NoError(t, err)
	assert.Equal(t, claim.Paid, c.State)
	v.on("payable:"+string(cleaner.ID), "0.00")
	v.on("clearing:house", "-100.00")
	v.proved()
}

func TestWhoeverClaimedOrApprovedDoesNotPay(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c, err := v.submit(planner, v.voucher(1, "6000.00"))
	require.NoError(t, err)
	c = v.approve(c, manager, director)
	v.tick()
	stands := payer
	stands.OnBehalf = director.ID

	for name, who := range map[string]platform.Actor{"claimant": planner, "first": manager, "last": director, "who stands in for one": stands} {
		_, err := v.pay(who, c)
		require.ErrorIs(t, err, claim.ErrPayer, name)
	}
	_, err = v.pay(payer, c)
	require.NoError(t, err)
}

func TestWhoApprovedBeforeAReturnDoesNotPayEither(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.approve(v.submitted(v.voucher(1, "6000.00")), manager)
	_, err := v.Return(v.as(director), claim.Return{Claim: c.ID, Reason: "blurred"})
	require.NoError(t, err)
	_, err = v.Submit(v.as(cleaner), claim.Submit{Claim: c.ID})
	require.NoError(t, err)
	v.approve(c, other, director)
	v.tick()

	_, err = v.pay(manager, c)
	require.ErrorIs(t, err, claim.ErrPayer)
}

func TestOfManyWhoPayOnePays(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.payable()

	told := crowd(16, func(i int) error { _, err := v.pay(operator(uint64(50+i)), c); return err })

	assert.Equal(t, map[string]int{"": 1, "claim.not_payable": 15}, told)
	assert.Len(t, v.bank.paid, 1)
	v.on("payable:"+string(cleaner.ID), "0.00")
}

func TestARepeatOfAPaymentPaysOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.payable()
	for range 2 {
		paid, err := v.Pay(platform.WithKey(v.as(payer), "one"), claim.Pay{Claim: c.ID})
		require.NoError(t, err)
		assert.Equal(t, claim.Paid, paid.State)
	}
	assert.Equal(t, 1, v.bank.calls)
}

// F35.
func TestAPaymentWhoseAnswerWasLostIsLookedUpAndNotSentAgain(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.bank.lose = true
	c, err := v.pay(payer, v.payable())
	require.NoError(t, err)
	assert.Equal(t, claim.Paying, c.State)
	v.pass(time.Minute)

	assert.Equal(t, 1, v.tick())

	v.is(c, claim.Paid)
	assert.Equal(t, 1, v.bank.calls)
	v.proved()
}

func TestAPaymentThatNeverArrivedGoesOutAgainUnderItsKey(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.bank.say = "absent"
	c, err := v.pay(payer, v.payable())
	require.NoError(t, err)
	key := c.Payment
	v.bank.say = ""
	for range 2 { // one look is not enough: the call may be under way
		assert.Equal(t, 1, v.bank.calls)
		v.pass(time.Hour)
		v.tick()
	}

	v.is(c, claim.Paid)
	assert.Equal(t, 2, v.bank.calls)
	assert.Contains(t, v.bank.paid, string(key))
}

func TestAPaymentThatFailedMayBeMadeAgain(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.bank.say = "failed"
	c, err := v.pay(payer, v.payable())
	require.NoError(t, err)
	assert.Equal(t, claim.PaymentFailed, c.State)
	assert.Equal(t, "no_account", c.Reason)
	v.on("payable:"+string(cleaner.ID), "-100.00")
	v.bank.say = ""

	c, err = v.pay(payer, c)

	require.NoError(t, err)
	assert.Equal(t, claim.Paid, c.State)
	v.proved()
}

func TestAPaymentThatIsUnknownForADayWaitsForAPerson(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.bank.say = "absent"
	c, err := v.pay(payer, v.payable())
	require.NoError(t, err)
	for range 40 {
		v.pass(time.Hour)
		v.tick()
	}
	v.is(c, claim.Paying)
	in := claim.ResolvePayment{Claim: c.ID, Outcome: "failed", Reason: "bank_says_no"}
	_, err = v.ResolvePayment(v.as(manager), in)
	require.ErrorIs(t, err, claim.ErrPayer, "who approved it")

	c, err = v.ResolvePayment(v.as(planner), in)

	require.NoError(t, err)
	assert.Equal(t, claim.PaymentFailed, c.State)
	_, err = v.ResolvePayment(v.as(planner), in)
	require.ErrorIs(t, err, claim.ErrNotPaying)
}

func TestWithoutAnInstitutionAnOperatorPaysAtTheBank(t *testing.T) {
	t.Parallel()
	v := newWorld(t, func(p *claim.Ports, _ *claim.Terms) { p.Funds = nil })
	c := v.payable()
	_, err := v.ResolvePayment(v.as(payer), claim.ResolvePayment{Claim: c.ID, Outcome: "paid", Reason: "x"})
	require.ErrorIs(t, err, claim.ErrNotPaying)
	c, err = v.pay(payer, c)
	require.NoError(t, err)
	assert.Equal(t, claim.Paying, c.State)
	v.pass(48 * time.Hour)
	assert.Zero(t, v.tick())

	c, err = v.ResolvePayment(v.as(planner), claim.ResolvePayment{Claim: c.ID, Outcome: "paid", Reference: "42", Reason: "transferred"})

	require.NoError(t, err)
	assert.Equal(t, claim.Paid, c.State)
	v.on("bank:house", "-100.00")
}

func TestAFalseVoucherIsNeverBooked(t *testing.T) {
	t.Parallel()
	for _, verdict := range []string{"fake", "cancelled"} {
		v := newWorld(t)
		x := v.voucher(2, "50.00")
		v.papers.verdicts[x.File] = verdict
		c := v.approve(v.submitted(v.voucher(1, "50.00"), x), manager)

		v.tick()

		c = v.is(c, claim.Rejected)
		assert.Equal(t, "voucher_"+verdict, c.Reason)
		assert.Equal(t, 2, c.Item)
		v.budgeted("10000.00", "0.00", "0.00")
		v.on("payable:"+string(cleaner.ID), "0.00")
	}
}

func TestAVoucherThatIsNotKnownIsAskedAboutAgain(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	x := v.voucher(1, "50.00")
	v.papers.verdicts[x.File] = "unknown"
	c := v.approve(v.submitted(x), manager)
	assert.Equal(t, 1, v.tick())
	assert.Zero(t, v.tick(), "not before it is due")
	assert.Equal(t, "voucher_unknown", v.is(c, claim.Approved).Reason)
	_, err := v.pay(payer, c)
	require.ErrorIs(t, err, claim.ErrNotPayable)
	v.pass(5 * time.Minute)
	assert.Equal(t, 1, v.tick())
	v.papers.verdicts[x.File] = "real"
	v.pass(time.Hour)
	assert.Equal(t, 1, v.tick())

	assert.Empty(t, v.is(c, claim.Payable).Reason)
}

// F24.
func TestAClaimWhoseBudgetYearIsOverWaitsForADecision(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.approve(v.submitted(v.voucher(1, "50.00")), manager)
	old := v.line
	_, err := v.budgets.Close(v.as(planner), budget.Close{Budget: v.budget, Reason: "year_over"})
	require.NoError(t, err)
	v.tick()
	assert.Equal(t, "budget.closed", v.is(c, claim.Approved).Reason, "never silently")
	open, err := v.budgets.Open(v.as(planner), old, "")
	require.NoError(t, err)
	v.plan()
	_, err = v.budgets.Carry(v.as(planner), budget.Carry{Commitment: open.Items[0].ID, To: v.line, Reason: "approved"})
	require.NoError(t, err)
	v.pass(time.Hour)

	v.tick()

	v.is(c, claim.Payable)
	v.budgeted("10000.00", "0.00", "50.00")
	v.proved()
}

func TestParallelTicksBookOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.approve(v.submitted(v.voucher(1, "50.00")), manager)

	told := crowd(8, func(int) error { _, err := v.Tick(t.Context(), v.w.Now(), 0); return err })

	assert.Equal(t, map[string]int{"": 8}, told)
	v.on("payable:"+string(cleaner.ID), "-50.00")
	v.proved()
}

func TestWhatWasPaidWronglyIsOwed(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	c := v.payable()
	_, err := v.Reclaim(v.as(payer), claim.Reclaim{Claim: c.ID, Reason: "fraud"})
	require.ErrorIs(t, err, claim.ErrNotReclaimable)
	c, err = v.pay(payer, c)
	require.NoError(t, err)

	c, err = v.Reclaim(v.as(payer), claim.Reclaim{Claim: c.ID, Reason: "voucher_cancelled"})

	require.NoError(t, err)
	assert.Equal(t, claim.Reclaimed, c.State)
	v.on("receivable:"+string(cleaner.ID), "100.00")
	v.on("expense:sales.travel", "0.00")
	v.on("input_tax:vat", "0.00")
	_, err = v.submit(cook, v.voucher(1, "1.00"))
	require.ErrorIs(t, err, claim.ErrDuplicateVoucher, "its vouchers stay taken")
	v.proved()
}

// granted is an advance of the cleaner's.
func (v *world) granted(amount string) claim.Advance {
	v.t.Helper()
	a, err := v.AskAdvance(v.as(cleaner), claim.AskAdvance{Amount: cny(amount), Reason: "trip"})
	require.NoError(v.t, err)
	a, err = v.GrantAdvance(v.as(payer), claim.GrantAdvance{Advance: a.ID})
	require.NoError(v.t, err)
	return a
}

func TestAnAdvanceIsSetOffFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		advance, left, net string
		state              claim.State
		then               claim.AdvanceState
	}{
		"a part of the claim": {"30.00", "0.00", "70.00", claim.Payable, claim.AdvanceSettled},
		"all of it":           {"100.00", "0.00", "0.00", claim.Paid, claim.AdvanceSettled},
		"more than the claim": {"130.00", "30.00", "0.00", claim.Paid, claim.AdvanceOpen},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newWorld(t)
			a := v.granted(c.advance)
			v.on("advance:"+string(cleaner.ID), c.advance)
			x := v.approve(v.submitted(v.voucher(1, "100.00")), manager)

			v.tick()

			assert.Equal(t, cny(c.net), v.is(x, c.state).Net)
			a, err := v.Advance(v.as(cleaner), a.ID)
			require.NoError(t, err)
			assert.Equal(t, cny(c.left), a.Left)
			assert.Equal(t, c.then, a.State)
			v.on("advance:"+string(cleaner.ID), c.left)
			v.proved()
			_, err = v.AskAdvance(v.as(cleaner), claim.AskAdvance{Amount: cny("1.00"), Reason: "more"})
			assert.Equal(t, c.then == claim.AdvanceOpen, err != nil, "one open a person")
		})
	}
}

func TestAPersonHasOneAdvance(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	asked := make([]claim.Advance, 8)
	for i := range asked {
		var err error
		asked[i], err = v.AskAdvance(v.as(cleaner), claim.AskAdvance{Amount: cny("10.00"), Reason: "trip"})
		require.NoError(t, err)
	}

	told := crowd(8, func(i int) error {
		_, err := v.GrantAdvance(v.as(payer), claim.GrantAdvance{Advance: asked[i].ID})
		return err
	})

	assert.Equal(t, map[string]int{"": 1, "claim.advance_open": 7}, told)
	v.on("advance:"+string(cleaner.ID), "10.00")
}

func TestNobodyGrantsOrSettlesTheirOwnAdvance(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	a, err := v.AskAdvance(v.as(payer), claim.AskAdvance{Amount: cny("10.00"), Reason: "trip"})
	require.NoError(t, err)
	_, err = v.GrantAdvance(v.as(payer), claim.GrantAdvance{Advance: a.ID})
	require.ErrorIs(t, err, claim.ErrAdvanceSelf)
	_, err = v.GrantAdvance(v.as(manager), claim.GrantAdvance{Advance: a.ID})
	require.NoError(t, err)
	_, err = v.ReturnAdvance(v.as(payer), claim.ReturnAdvance{Advance: a.ID})
	require.ErrorIs(t, err, claim.ErrAdvanceSelf)

	a, err = v.ReturnAdvance(v.as(manager), claim.ReturnAdvance{Advance: a.ID})

	require.NoError(t, err)
	assert.Equal(t, claim.AdvanceSettled, a.State)
	v.on("advance:"+string(payer.ID), "0.00")
	v.on("bank:house", "0.00")
	_, err = v.AskAdvance(v.as(payer), claim.AskAdvance{Amount: cny("10.00"), Reason: "again"})
	require.NoError(t, err)
}

func TestAnAdvanceIsOverdueAfterThirtyDays(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	a := v.granted("10.00")
	v.pass(30*day - time.Second)
	assert.Zero(t, v.tick())
	v.pass(time.Second)
	assert.Equal(t, 1, v.tick())
	assert.Zero(t, v.tick(), "told once")

	a, err := v.Advance(v.as(payer), a.ID)
	require.NoError(t, err)
	assert.True(t, a.Overdue)
	_, err = v.DeclineAdvance(v.as(payer), claim.DeclineAdvance{Advance: a.ID, Reason: "late"})
	require.ErrorIs(t, err, claim.ErrAdvance)
	_, err = v.Advance(v.as(cook), a.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
}

func TestWhoeverPaidAtTheBankDoesNotSayHowItWent(t *testing.T) {
	t.Parallel()
	v := newWorld(t, func(p *claim.Ports, _ *claim.Terms) { p.Funds = nil })
	c, err := v.pay(payer, v.payable())
	require.NoError(t, err)
	standIn := planner
	standIn.OnBehalf = payer.ID
	for _, who := range []platform.Actor{payer, standIn} {
		for _, outcome := range []string{"paid", "failed"} {
			_, err = v.ResolvePayment(v.as(who), claim.ResolvePayment{Claim: c.ID, Outcome: outcome, Reason: "x"})
			require.ErrorIs(t, err, claim.ErrPayer, "it could be paid twice on the word of one")
		}
	}
	v.is(c, claim.Paying)
}
