package payment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// goneBack checks that an attempt's money came as surplus and is back with the
// payer.
func (v *world) goneBack(t *testing.T, id platform.ID) {
	t.Helper()
	a := v.attempt(t, id)
	assert.Equal(t, payment.AttemptSurplus, a.State)
	assert.Equal(t, a.Received, a.Returned)
	r := read[payment.Return](t, v, "payment.return", id.As("rtn"))
	assert.Equal(t, payment.ReturnSucceeded, r.State)
	assert.Equal(t, a.Received, r.Amount)
	assert.Zero(t, v.balance(t, "surplus"))
	assert.Contains(t, v.events(t, a.Ref()), "payment.surplus")
	v.conserved(t)
}

// The institution said that it knows nothing, and took the money all the same.
func TestLateSuccessGoesBack(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	late, err := v.pay(o, sandbox.Late)
	require.NoError(t, err)
	require.NoError(t, v.after(4*time.Minute))
	require.Equal(t, payment.AttemptFailed, v.attempt(t, late.ID).State)
	second, err := v.pay(o, sandbox.OK)
	require.NoError(t, err)

	require.NoError(t, v.quiesce())

	v.goneBack(t, late.ID)
	assert.Equal(t, []platform.ID{second.ID}, v.intent(t, o).Paid)
	assert.Equal(t, price, v.sale(t, o).Captured)
	assert.Equal(t, sandbox.Totals{Charged: yuan("200.00"), Refunded: price, Charges: 2, Refunds: 1}, v.totals(t))
}

// The first institution took the money after all, when a second had it: the one that
// was recorded first counts, and the other gives it back.
func TestE2OfTwoInstitutionsThatTookTheMoneyOneGivesItBack(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	late, err := v.pay(o, sandbox.Late)
	require.NoError(t, err)
	require.NoError(t, v.after(4*time.Minute))
	require.Equal(t, payment.AttemptFailed, v.attempt(t, late.ID).State)
	second, err := v.s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.OK, Institution: "second"})
	require.NoError(t, err)
	require.Equal(t, payment.AttemptCaptured, second.State)

	require.NoError(t, v.quiesce())

	v.goneBack(t, late.ID)
	assert.Equal(t, []platform.ID{second.ID}, v.intent(t, o).Paid)
	assert.Equal(t, price, v.sale(t, o).Captured)
	assert.Equal(t, sandbox.Totals{Charged: price, Refunded: price, Charges: 1, Refunds: 1}, v.totals(t))
	there, err := v.second.Totals(price.Currency())
	require.NoError(t, err)
	assert.Equal(t, price, there.Charged)
	assert.Zero(t, there.Refunds)
}

// E4: the payer's time is over while the outcome is unknown.
func TestE4SuccessAfterExpiryGoesBack(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	v.hooks.silence(true)
	a, err := v.pay(o, sandbox.Timeout)
	require.NoError(t, err)
	v.clock.Advance(time.Minute)
	v.bank.Drain() // the notices are lost
	require.ErrorIs(t, v.cancel(o), payment.ErrAttemptActive)
	require.NoError(t, v.after(44*time.Minute-1))
	require.Equal(t, payment.IntentExpired, func() payment.IntentState {
		require.NoError(t, v.after(1))
		return v.intent(t, o).State
	}(), "half an hour past its due")
	require.NoError(t, v.cancel(o), "it is over already")

	v.hooks.silence(false)
	require.NoError(t, v.quiesce())

	v.goneBack(t, a.ID)
	assert.Equal(t, "open", v.sale(t, o).State)
	assert.Equal(t, nothing, v.sale(t, o).Captured)
}

// The order came to its end without payment hearing of it.
func TestMoneyForAnEndedSubjectGoesBack(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	a, err := v.pay(o, sandbox.RequiresAction)
	require.NoError(t, err)
	v.end(t, o)
	require.NoError(t, v.bank.Act(a.Key(), true))
	require.NoError(t, v.deliver())
	assert.Empty(t, v.intent(t, o).Active)

	require.NoError(t, v.quiesce())

	v.goneBack(t, a.ID)
	assert.Zero(t, v.balance(t, "escrow"))
}

func TestCancelWaitsForTheOutcome(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	a, err := v.pay(o, sandbox.RequiresAction)
	require.NoError(t, err)
	assert.Equal(t, payment.AttemptRequiresAction, a.State)
	assert.NotEmpty(t, a.Action)
	err = v.cancel(o)
	require.ErrorIs(t, err, payment.ErrAttemptActive)
	assert.Equal(t, a.ID, platform.Details(err)["attempt"])

	require.NoError(t, v.bank.Act(a.Key(), false))
	require.NoError(t, v.deliver())
	require.NoError(t, v.cancel(o))

	assert.Equal(t, "payer_refused", v.attempt(t, a.ID).Reason)
	assert.Equal(t, payment.IntentCancelled, v.intent(t, o).State)
	_, err = v.pay(o, sandbox.OK)
	require.ErrorIs(t, err, payment.ErrNotPayable)
	other := v.paid(t, sandbox.OK)
	require.NoError(t, v.cancel(other), "paid intents stay as they are")
	assert.Equal(t, payment.IntentCaptured, v.intent(t, other).State)
}

func TestPayerWhoNeverActsFails(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	a, err := v.pay(o, sandbox.RequiresAction)
	require.NoError(t, err)
	assert.Equal(t, noon.Add(15*time.Minute), a.Due)

	v.clock.Advance(15 * time.Minute)
	_, err = v.s.Tick(t.Context(), v.clock.Now(), 0)
	require.NoError(t, err)

	assert.Equal(t, payment.AttemptFailed, v.attempt(t, a.ID).State)
	assert.Equal(t, "expired", v.attempt(t, a.ID).Reason)
}

func TestUnaskedMoneyIsBookedOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	ref := v.bank.Deposit(yuan("7.00"))
	in := payment.Surplus{For: o.Ref(), Amount: yuan("7.00"), Institution: "sandbox", Reference: ref}

	a, err := v.s.Surplus(by(clerk), in)
	require.NoError(t, err)
	_, err = v.s.Surplus(by(clerk), in)
	require.ErrorIs(t, err, platform.ErrConflict)
	require.Equal(t, "taken", platform.Code(err))
	require.NoError(t, v.quiesce())
	v.goneBack(t, a.ID)

	in.Reference, in.Keep = v.bank.Deposit(yuan("7.00")), true
	kept, err := v.s.Surplus(by(clerk), in)
	require.NoError(t, err)
	require.NoError(t, v.quiesce())
	assert.True(t, v.attempt(t, kept.ID).Returned.Absent())
	assert.Equal(t, int64(-7_00), v.balance(t, "surplus"))
	v.conserved(t)

	for name, c := range map[string]struct {
		actor  platform.Actor
		change func(*payment.Surplus)
		want   error
	}{
		"customer":            {customer, func(*payment.Surplus) {}, platform.ErrDenied},
		"nothing":             {clerk, func(s *payment.Surplus) { s.Amount = nothing }, platform.ErrInvalid},
		"less":                {clerk, func(s *payment.Surplus) { s.Amount = yuan("-1.00") }, payment.ErrAmount},
		"unknown institution": {clerk, func(s *payment.Surplus) { s.Institution = "other" }, payment.ErrInstitution},
		"for nobody":          {clerk, func(s *payment.Surplus) { s.For = platform.Ref{} }, platform.ErrInvalid},
	} {
		in := payment.Surplus{For: o.Ref(), Amount: price, Institution: "sandbox", Reference: "new"}
		c.change(&in)
		_, err := v.s.Surplus(by(c.actor), in)
		require.ErrorIs(t, err, c.want, name)
	}
}

// Money that an attempt brought is not surplus besides.
func TestAnAttemptsOwnMoneyIsNoSurplus(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.paid(t, sandbox.OK)
	own := v.attempts(t)[0]

	_, err := v.s.Surplus(by(clerk), payment.Surplus{For: o.Ref(), Amount: price, Institution: "sandbox", Reference: own.Reference})

	require.ErrorIs(t, err, payment.ErrReferenceKnown)
	assert.Equal(t, own.ID, platform.Details(err)["attempt"])
	require.NoError(t, v.quiesce())
	assert.Len(t, v.attempts(t), 1)
	v.conserved(t)
}

// A statement shows money whose attempt is still unknown here, and somebody books it
// as surplus: it is booked once, goes back once, and the attempt brought nothing.
func TestSurplusIsNotBookedAgainByItsAttempt(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	v.hooks.silence(true)
	a, err := v.pay(o, sandbox.Timeout)
	require.NoError(t, err)
	require.Empty(t, a.Reference)
	v.clock.Advance(time.Minute)
	there, err := v.bank.Lookup(t.Context(), a.Key())
	require.NoError(t, err)
	early, err := v.s.Surplus(by(clerk), payment.Surplus{For: o.Ref(), Amount: price, Institution: "sandbox", Reference: there.Reference})
	require.NoError(t, err)

	v.hooks.silence(false)
	require.NoError(t, v.quiesce())

	v.goneBack(t, early.ID)
	a = v.attempt(t, a.ID)
	assert.Equal(t, payment.AttemptFailed, a.State)
	assert.Equal(t, platform.Code(payment.ErrReferenceKnown), a.Reason)
	assert.Equal(t, there.Reference, a.Reference)
	assert.Zero(t, v.balance(t, "escrow"))
	assert.Equal(t, sandbox.Totals{Charged: price, Refunded: price, Charges: 1, Refunds: 1}, v.totals(t))
	assert.Equal(t, nothing, v.sale(t, o).Captured)
}

// Whoever is first, of a surplus and its attempt's news at once one is booked.
func TestSurplusAndItsAttemptAreOne(t *testing.T) {
	t.Parallel()
	for range 20 {
		v := newWorld(setup{})
		o := v.placed(t)
		v.hooks.silence(true)
		a, err := v.pay(o, sandbox.Timeout)
		require.NoError(t, err)
		v.hooks.silence(false)
		v.clock.Advance(time.Minute)
		there, err := v.bank.Lookup(t.Context(), a.Key())
		require.NoError(t, err)
		_, errs := together(2, func(n int) (int, error) {
			if n == 0 {
				_, err := v.s.Surplus(by(clerk), payment.Surplus{For: o.Ref(), Amount: price, Institution: "sandbox", Reference: there.Reference})
				return 0, err
			}
			_, err := v.s.Look(by(clerk), payment.Look{Attempt: a.ID})
			return 0, err
		})
		require.NoError(t, errs[1])
		if errs[0] != nil {
			assert.Contains(t, []string{"taken", platform.Code(payment.ErrReferenceKnown)}, platform.Code(errs[0]))
		}
		require.NoError(t, v.quiesce())
		v.conserved(t)
		assert.Equal(t, errs[0] != nil, v.attempt(t, a.ID).State == payment.AttemptCaptured)
	}
}

func TestPromotionPaysTheRest(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	promote := func(actor platform.Actor, amount string) (payment.Attempt, error) {
		return v.s.Promote(by(actor), payment.Promote{Intent: full(o), Amount: yuan(amount), Reason: "voucher"})
	}

	_, err := promote(customer, "5.00")
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = promote(clerk, "100.01")
	require.ErrorIs(t, err, payment.ErrExceedsRest)
	_, err = promote(clerk, "-5.00")
	require.ErrorIs(t, err, payment.ErrAmount)
	gift, err := promote(clerk, "5.00")
	require.NoError(t, err)
	assert.Empty(t, gift.Institution)
	second, err := promote(clerk, "5.00")
	require.NoError(t, err, "each is a fact of its own in the books")
	a, err := v.pay(o, sandbox.RequiresAction)
	require.NoError(t, err)
	_, err = promote(clerk, "1.00")
	require.ErrorIs(t, err, payment.ErrAttemptActive)
	require.NoError(t, v.bank.Act(a.Key(), true))
	require.NoError(t, v.deliver())

	assert.Equal(t, yuan("90.00"), v.attempt(t, a.ID).Received)
	assert.Equal(t, []platform.ID{gift.ID, second.ID, a.ID}, v.intent(t, o).Paid)
	assert.Equal(t, "confirmed", v.sale(t, o).State)
	assert.Equal(t, int64(10_00), v.balance(t, "marketing"))
	assert.Equal(t, int64(-100_00), v.balance(t, "escrow"))
	_, err = promote(clerk, "1.00")
	require.ErrorIs(t, err, payment.ErrSecured)
	v.conserved(t)
}

func TestOperatorResolvesAQuarantine(t *testing.T) {
	t.Parallel()
	for taken, want := range map[platform.Money]payment.AttemptState{
		price: payment.AttemptCaptured, yuan("99.99"): payment.AttemptSurplus, {}: payment.AttemptFailed,
	} {
		v := newWorld(setup{})
		o := v.placed(t)
		a, err := v.pay(o, sandbox.Short)
		require.NoError(t, err)
		in := payment.Resolve{Attempt: a.ID, Taken: taken, Reason: "statement"}
		_, err = v.s.Resolve(by(customer), in)
		require.ErrorIs(t, err, platform.ErrDenied)

		a, err = v.s.Resolve(by(clerk), in)
		require.NoError(t, err)
		assert.Equal(t, want, a.State)
		assert.Empty(t, v.intent(t, o).Active)
		_, err = v.s.Resolve(by(clerk), in)
		require.ErrorIs(t, err, payment.ErrNotResolvable)
		require.NoError(t, v.quiesce())

		switch want {
		case payment.AttemptCaptured:
			assert.Equal(t, "confirmed", v.sale(t, o).State)
		case payment.AttemptSurplus:
			v.goneBack(t, a.ID)
		}
	}
}

// What waits for an operator keeps nobody from cancelling; its money goes back
// when it is found.
func TestCancelDoesNotWaitForAnOperator(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	a, err := v.pay(o, sandbox.Short)
	require.NoError(t, err)

	require.NoError(t, v.cancel(o))
	_, err = v.s.Resolve(by(clerk), payment.Resolve{Attempt: a.ID, Taken: price, Reason: "statement"})
	require.NoError(t, err)

	assert.Equal(t, payment.AttemptSurplus, v.attempt(t, a.ID).State)
	assert.Equal(t, payment.IntentCancelled, v.intent(t, o).State)
}

// A manual attempt waits for a person, who may ask again or decide; an order that
// is cancelled meanwhile gets its money back.
func TestManualAttemptIsResolved(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o, other, third := v.placed(t), v.placed(t), v.placed(t)
	v.hooks.silence(true)
	a, err := v.pay(o, sandbox.Timeout)
	require.NoError(t, err)
	b, err := v.pay(other, sandbox.Timeout)
	require.NoError(t, err)
	c, err := v.pay(third, sandbox.Lost)
	require.NoError(t, err)
	for range 30 {
		v.clock.Advance(time.Hour)
		v.bank.Drain()
		_, err := v.s.Tick(t.Context(), v.clock.Now(), 0)
		require.NoError(t, err)
	}
	require.Equal(t, payment.AttemptManual, v.attempt(t, a.ID).State)
	assert.Contains(t, v.events(t, a.Ref()), "payment.parked")
	still, err := v.s.Look(by(clerk), payment.Look{Attempt: a.ID})
	require.NoError(t, err)
	assert.Equal(t, v.attempt(t, a.ID), still, "no answer changes nothing")

	v.hooks.silence(false)
	found, err := v.s.Look(by(clerk), payment.Look{Attempt: a.ID})
	require.NoError(t, err)
	assert.Equal(t, payment.AttemptSurplus, found.State, "its intent has expired")
	_, err = v.s.Resolve(by(clerk), payment.Resolve{Attempt: b.ID, Taken: price, Reason: "statement"})
	require.NoError(t, err)
	_, err = v.s.Resolve(by(clerk), payment.Resolve{Attempt: c.ID, Reason: "statement"})
	require.NoError(t, err)
	require.NoError(t, v.quiesce())

	v.goneBack(t, a.ID)
	v.goneBack(t, b.ID)
	assert.Equal(t, payment.AttemptFailed, v.attempt(t, c.ID).State)
}

func TestPayerComesBackAndLooks(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	a, err := v.pay(o, sandbox.RequiresAction)
	require.NoError(t, err)
	look := func() payment.Attempt {
		seen, err := v.s.Look(by(customer), payment.Look{Attempt: a.ID})
		require.NoError(t, err)
		return seen
	}

	assert.Equal(t, payment.AttemptRequiresAction, look().State)
	require.NoError(t, v.bank.Act(a.Key(), true))
	assert.Equal(t, payment.AttemptCaptured, look().State)
	assert.Equal(t, payment.AttemptCaptured, look().State)
	_, err = v.s.Look(by(customer), payment.Look{Attempt: "att_1"})
	require.ErrorIs(t, err, platform.ErrInvalid)
	v.conserved(t)
}
