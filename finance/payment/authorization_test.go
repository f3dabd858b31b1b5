package payment_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

var later = &payment.Options{Later: true}

// held is a sale whose price an institution holds, and the authorisation.
func (v *world) held(t *testing.T, method string) (sale, payment.Attempt) {
	t.Helper()
	o := v.placed(t)
	a, err := v.pay(o, method)
	require.NoError(t, err)
	require.Equal(t, payment.AttemptAuthorized, a.State)
	return o, a
}

// capture is the sale's moment.
func (v *world) capture(o sale, amount platform.Money, final bool) error {
	return v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
		changes, err := v.asks.Capture(ctx, o.Ref(), amount, final, v.clock.Now())
		return append(changes, platform.Happened("order.started", o.Ref(), nil)), err
	})
}

// captures are the attempts that took money out of authorisations.
func (v *world) captures(t *testing.T) (list []payment.Attempt) {
	t.Helper()
	for _, a := range v.attempts(t) {
		if a.Of != "" {
			list = append(list, a)
		}
	}
	return list
}

func TestAuthorisedMoneySecuresAndIsCapturedAtTheOrdersMoment(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later})
	o, a := v.held(t, sandbox.OK)

	i := v.intent(t, o)
	assert.Equal(t, payment.IntentSecured, i.State)
	assert.Equal(t, price, i.Secured)
	assert.Equal(t, nothing, i.Captured)
	assert.Equal(t, "confirmed", v.sale(t, o).State)
	assert.Zero(t, v.balance(t, "escrow"), "authorising books nothing")
	assert.Equal(t, noon.AddDate(0, 0, 7), a.Expires, "its end is known")

	require.NoError(t, v.capture(o, platform.Money{}, true))
	require.NoError(t, v.after(time.Second))

	i = v.intent(t, o)
	assert.Equal(t, payment.IntentCaptured, i.State)
	assert.Equal(t, price, v.sale(t, o).Captured)
	assert.Equal(t, int64(-100_00), v.balance(t, "escrow"))
	assert.Equal(t, payment.AttemptReleased, v.attempt(t, a.ID).State)
	assert.Equal(t, sandbox.Totals{Charged: price, Refunded: nothing, Charges: 1}, v.totals(t))
	v.conserved(t)
}

// A part is a charge of its own, which refunds name.
func TestCaptureInPartsAndRefund(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later})
	o, a := v.held(t, sandbox.OK)
	for _, part := range []string{"30.00", "50.00"} {
		_, err := v.s.Draw(by(clerk), payment.Draw{Intent: full(o), Amount: yuan(part)})
		require.NoError(t, err)
		require.NoError(t, v.after(time.Second))
	}
	assert.Equal(t, yuan("80.00"), v.sale(t, o).Captured)
	assert.Equal(t, payment.IntentSecured, v.intent(t, o).State)
	_, err := v.s.Draw(by(clerk), payment.Draw{Intent: full(o), Amount: yuan("20.01")})
	require.ErrorIs(t, err, payment.ErrExceedsHeld)

	_, err = v.refund(o, yuan("60.00"))
	require.NoError(t, err)
	require.NoError(t, v.after(time.Second))

	assert.Equal(t, yuan("60.00"), v.sale(t, o).Given)
	assert.Len(t, v.captures(t), 2)
	assert.Equal(t, yuan("20.00"), v.attempt(t, a.ID).Left())
	v.conserved(t)
}

// A final capture lets go of the rest, and nobody asks for it any more.
func TestFinalCaptureLetsGoOfTheRest(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later})
	o, a := v.held(t, sandbox.OK)

	_, err := v.s.Draw(by(clerk), payment.Draw{Intent: full(o), Amount: yuan("70.00"), Final: true})

	require.NoError(t, err)
	require.NoError(t, v.after(time.Second))
	i := v.intent(t, o)
	assert.Equal(t, payment.IntentCaptured, i.State)
	assert.Equal(t, yuan("70.00"), i.Asked)
	assert.Equal(t, payment.AttemptReleased, v.attempt(t, a.ID).State)
	st, err := v.bank.Capture(t.Context(), payment.Capture{Key: "cap_x", Of: a.Key(), Amount: yuan("1.00")})
	require.ErrorIs(t, err, payment.ErrRefused, st)
	v.conserved(t)
}

func TestCancelVoids(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later})
	o, a := v.held(t, sandbox.OK)

	require.NoError(t, v.cancel(o))
	assert.Equal(t, payment.AttemptReleasing, v.attempt(t, a.ID).State)
	require.NoError(t, v.after(time.Second))

	assert.Equal(t, payment.AttemptReleased, v.attempt(t, a.ID).State)
	i := v.intent(t, o)
	assert.Equal(t, payment.IntentCancelled, i.State)
	assert.Equal(t, nothing, i.Secured)
	assert.Zero(t, v.totals(t).Charges)
	assert.Contains(t, v.events(t, a.Ref()), "payment.voided")
}

// Money that is authorised for a subject that takes none is let go of.
func TestAuthorisationForAnEndedSaleIsLetGo(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later})
	o := v.placed(t)
	v.end(t, o)

	a, err := v.pay(o, sandbox.OK)

	require.NoError(t, err)
	assert.Equal(t, payment.AttemptReleasing, a.State)
	require.NoError(t, v.after(time.Second))
	assert.Equal(t, payment.AttemptReleased, v.attempt(t, a.ID).State)
	assert.Empty(t, v.intent(t, o).Active)
}

// A day before the institution would let go, what is left is captured.
func TestLapsingAuthorisationIsCaptured(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later})
	o, a := v.held(t, sandbox.OK)
	require.NoError(t, v.after(6*24*time.Hour-time.Second))
	assert.Equal(t, payment.AttemptAuthorized, v.attempt(t, a.ID).State)

	require.NoError(t, v.after(time.Second))

	assert.Equal(t, payment.IntentCaptured, v.intent(t, o).State)
	v.conserved(t)
}

// One that ended all the same is told, and the payer is asked again, in time.
func TestLapsedAuthorisationAsksAgain(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later})
	o, a := v.held(t, sandbox.OK)
	v.clock.Advance(8 * 24 * time.Hour)

	require.NoError(t, v.after(0))

	assert.Equal(t, payment.AttemptReleased, v.attempt(t, a.ID).State)
	i := v.intent(t, o)
	assert.Equal(t, payment.IntentOpen, i.State)
	assert.Equal(t, nothing, i.Secured)
	assert.Contains(t, v.events(t, a.Ref()), "payment.authorization_lapsed")
	_, err := v.pay(o, sandbox.OK)
	require.NoError(t, err)
	assert.Equal(t, payment.IntentSecured, v.intent(t, o).State)
}

// A capture that is refused is tried again under another key, and leaves the
// money held.
func TestFailedCaptureIsTriedAgain(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later, faults: sandbox.Faults{RefundDecline: 1}})
	o, _ := v.held(t, sandbox.OK)
	require.NoError(t, v.capture(o, platform.Money{}, true))

	for range 10 {
		require.NoError(t, v.after(24*time.Hour))
	}

	tried := v.captures(t)
	assert.Greater(t, len(tried), 3)
	for _, c := range tried {
		assert.Equal(t, payment.AttemptFailed, c.State)
	}
	assert.Equal(t, nothing, v.intent(t, o).Secured, "the authorisation has ended by now")
	v.conserved(t)
}

// Invariant 15: where no end of the authorisation is known, its capture is tried on,
// once a day.
func TestCaptureOfAnEndlessAuthorisationIsNeverForgotten(t *testing.T) {
	t.Parallel()
	ends := noon.AddDate(0, 0, 7)
	for _, expires := range []time.Time{{}, ends} {
		a := payment.Attempt{Head: platform.Head{ID: platform.NewID("att", noon, 1, 1)}, State: payment.AttemptAuthorized, Held: true, Amount: price, Expires: expires}
		at := noon
		for range 5 {
			c := payment.Attempt{Head: platform.Head{ID: platform.NewID("att", noon, 1, 2)}, State: payment.AttemptFailed, Amount: price, Final: true}
			a.Capture, a.Drawn, a.Want = c.ID, price, platform.Money{}
			var err error
			a, err = a.Drew(c, at)
			require.NoError(t, err)
			require.True(t, a.Due.After(at), "something is still to come")
			at = at.Add(24 * time.Hour)
		}
		if assert.Equal(t, expires.IsZero(), a.Want == price); !expires.IsZero() {
			assert.Equal(t, expires.Add(-24*time.Hour), a.Due)
		}
	}
}

func TestWithoutAuthorizerMoneyIsTakenAtOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later})
	ports := payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{vague{v.bank, true}}}
	v.s = payment.New(v.w, payment.StoreOn(v.db), ports, later)
	o := v.placed(t)

	a, err := v.pay(o, sandbox.OK)

	require.NoError(t, err)
	assert.Equal(t, payment.AttemptCaptured, a.State)
	require.NoError(t, v.capture(o, platform.Money{}, true), "the moment changes nothing")
}

func TestDrawIsForThePlatform(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later})
	o, _ := v.held(t, sandbox.OK)
	_, err := v.s.Draw(by(customer), payment.Draw{Intent: full(o)})
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.s.Draw(by(clerk), payment.Draw{Intent: full(v.placed(t))})
	require.ErrorIs(t, err, payment.ErrNotHeld)
}

// Of many captures at once one is made.
func TestParallelDrawsCaptureOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later})
	o, _ := v.held(t, sandbox.OK)

	_, errs := together(8, func(int) (payment.Intent, error) { return v.s.Draw(by(clerk), payment.Draw{Intent: full(o)}) })

	for _, err := range errs {
		if err != nil {
			require.ErrorIs(t, err, platform.ErrState)
		}
	}
	require.NoError(t, v.after(time.Second))
	assert.Equal(t, 1, v.totals(t).Charges)
	assert.Equal(t, payment.IntentCaptured, v.intent(t, o).State)
	v.conserved(t)
}

// F35: wherever the process dies around a capture or a void, the next one ends
// it with the truth, and once.
func TestCaptureAndVoidCrashWithoutLosingMoney(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"capture", "void"} {
		for name, faults := range map[string]sandbox.Faults{"well": {}, "timeout": {RefundTimeout: 1}, "lost": {LostRefund: 1}} {
			for _, c := range crashes() {
				t.Run(fmt.Sprintf("%s %s %s", operation, name, c), func(t *testing.T) {
					t.Parallel()
					crashedHold(t, operation, faults, c)
				})
			}
		}
	}
}

func crashedHold(t *testing.T, operation string, faults sandbox.Faults, c crash) {
	t.Helper()
	v := newWorld(setup{opts: later, faults: faults, real: true})
	o, a := v.held(t, sandbox.OK)
	if operation == "void" {
		require.NoError(t, v.cancel(o))
	} else {
		require.NoError(t, v.capture(o, platform.Money{}, true))
	}
	v.mortal(c)
	_, _ = v.s.Tick(t.Context(), v.clock.Now(), 0)
	require.NoError(t, v.s.Close())

	v.reborn()
	require.NoError(t, v.after(4*time.Minute))
	require.NoError(t, v.quiesce())

	for _, a := range v.attempts(t) {
		assert.False(t, a.Open(), a.State)
	}
	v.conserved(t)
	v.booksAgree(t)
	lost := faults.LostRefund > 0 // everything is lost that the institution is told
	switch {
	case operation == "void" && !lost:
		assert.Equal(t, payment.AttemptReleased, v.attempt(t, a.ID).State)
		assert.Zero(t, v.totals(t).Charges)
	case operation == "capture" && !lost:
		assert.Equal(t, payment.IntentCaptured, v.intent(t, o).State)
		assert.Equal(t, 1, v.totals(t).Charges)
	}
}

func TestResolveOfAnAuthorisation(t *testing.T) {
	t.Parallel()
	for taken, want := range map[string]payment.AttemptState{
		"100.00": payment.AttemptAuthorized, "0.00": payment.AttemptFailed, "40.00": payment.AttemptReleasing,
	} {
		v := newWorld(setup{opts: later})
		v.hooks.silence(true)
		o, err := v.placeBy(price, time.Time{})
		require.NoError(t, err)
		a, err := v.pay(o, sandbox.Timeout)
		require.NoError(t, err)
		require.NoError(t, v.quiesce())
		require.Equal(t, payment.AttemptManual, v.attempt(t, a.ID).State)

		a, err = v.s.Resolve(by(clerk), payment.Resolve{Attempt: a.ID, Taken: yuan(taken), Reason: "seen_there"})

		require.NoError(t, err)
		assert.Equal(t, want, a.State, taken)
		assert.Empty(t, v.intent(t, o).Active)
	}
}

// What is drawn comes from the oldest authorisation first; a final draw lets go of
// all that is not needed.
func TestDrawOverSeveralAuthorisations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount   string
		final    bool
		captured string
		state    payment.IntentState
	}{
		{"30.00", false, "30.00", payment.IntentSecured},
		{"30.00", true, "30.00", payment.IntentCaptured},
		{"70.00", false, "70.00", payment.IntentSecured},
		{"70.00", true, "70.00", payment.IntentCaptured},
		{"100.00", false, "100.00", payment.IntentCaptured},
	} {
		v := newWorld(setup{opts: later, real: true})
		o, err := v.placeBy(price, time.Time{})
		require.NoError(t, err)
		for _, part := range []string{"40.00", "60.00"} {
			_, err := v.s.Pay(by(customer), payment.Pay{Intent: full(o), Amount: yuan(part), Method: sandbox.OK})
			require.NoError(t, err)
		}

		_, err = v.s.Draw(by(clerk), payment.Draw{Intent: full(o), Amount: yuan(c.amount), Final: c.final})
		require.NoError(t, err)
		require.NoError(t, v.after(time.Second))

		i := v.intent(t, o)
		assert.Equal(t, yuan(c.captured), i.Captured, c)
		assert.Equal(t, c.state, i.State, c)
		if c.final { // what was let go of is not asked again
			assert.Equal(t, i.Captured, i.Secured, c)
		}
		v.booksAgree(t)
	}
	v := newWorld(setup{opts: later})
	o, _ := v.held(t, sandbox.OK)
	for amount, want := range map[string]error{"100.01": payment.ErrExceedsHeld, "0.00": payment.ErrAmount, "-1.00": payment.ErrAmount} {
		_, err := v.s.Draw(by(clerk), payment.Draw{Intent: full(o), Amount: yuan(amount)})
		require.ErrorIs(t, err, want, amount)
	}
}

// A capture that was called off, and comes nevertheless, goes back; what is held
// besides stays secured until the institution lets go of it.
func TestLateSuccessOfAFailedCapture(t *testing.T) {
	t.Parallel()
	for name, retried := range map[string]time.Duration{"before the next try": 0, "after it": time.Hour} {
		v := newWorld(setup{opts: later})
		o, a := v.held(t, sandbox.OK)
		var first payment.Key
		v.hooks.before = func(operation string, k payment.Key) bool {
			lost := operation == "capture" && first == ""
			if lost {
				first = k
			}
			return !lost
		}
		require.NoError(t, v.capture(o, yuan("40.00"), false))
		require.NoError(t, v.after(time.Second))
		require.NoError(t, v.after(10*time.Minute))
		require.Equal(t, payment.AttemptFailed, v.captures(t)[0].State)
		require.NoError(t, v.after(retried))

		_, err := v.bank.Capture(t.Context(), payment.Capture{Key: first, Of: a.Key(), Amount: yuan("40.00")})
		require.NoError(t, err)
		require.NoError(t, v.quiesce())

		i := v.intent(t, o)
		assert.Equal(t, payment.IntentSecured, i.State, name)
		assert.Equal(t, price, i.Secured, name)
		assert.Equal(t, yuan("40.00"), i.Captured, name)
		assert.Equal(t, yuan("40.00"), v.totals(t).Refunded, name)
		v.conserved(t)
	}
}

// heldLater is a sale whose price was asked to be held, at a service that otherwise
// takes money at once.
func (v *world) heldLater(t *testing.T) (sale, payment.Attempt) {
	t.Helper()
	o := sale{Head: platform.Head{ID: v.w.NewRoot(by(customer), "ord")}, State: "open", Total: price, Captured: nothing, Given: nothing}
	require.NoError(t, v.update(customer, func(ctx context.Context) ([]platform.Change, error) {
		asked, err := v.asks.Hold(ctx, o.Ref(), "full", price, payBy)
		return append(asked, platform.Put(o)), err
	}))
	a, err := v.pay(o, sandbox.OK)
	require.NoError(t, err)
	require.Equal(t, payment.AttemptAuthorized, a.State)
	return o, a
}

func (v *world) limit(o sale, amount string) error {
	return v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
		changes, err := v.asks.Limit(ctx, o.Ref(), yuan(amount))
		return append(changes, platform.Happened("order.reduced", o.Ref(), nil)), err
	})
}

// E11: an order that was reduced while it was only authorised is captured in part
// when its time comes; until then nothing is let go of.
func TestE11WhatIsNotWantedIsNotCaptured(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits   []string
		captured string
	}{
		"less":             {[]string{"70.00"}, "70.00"},
		"less, then more":  {[]string{"70.00", "90.00"}, "90.00"},
		"less, then all":   {[]string{"70.00", "100.00"}, "100.00"},
		"nothing any more": {[]string{"0.00"}, "0.00"},
	} {
		v := newWorld(setup{real: true})
		o, a := v.heldLater(t)
		for _, most := range c.limits {
			require.NoError(t, v.limit(o, most), name)
		}
		require.NoError(t, v.after(time.Hour))
		assert.Equal(t, payment.AttemptAuthorized, v.attempt(t, a.ID).State, "nothing is voided")
		assert.Equal(t, price, v.intent(t, o).Secured, name)

		require.NoError(t, v.after(6*24*time.Hour)) // it is about to lapse
		require.NoError(t, v.after(time.Minute))

		i := v.intent(t, o)
		assert.Equal(t, yuan(c.captured), i.Captured, name)
		assert.Equal(t, i.Captured, i.Secured, name)
		assert.Equal(t, i.Captured, i.Asked, "what was let go of is not asked again")
		assert.Equal(t, yuan(c.captured), v.totals(t).Charged, name)
		assert.Equal(t, payment.AttemptReleased, v.attempt(t, a.ID).State, name)
		v.conserved(t)
		v.booksAgree(t)
	}
}

// E10: while a capture is under way nobody knows what there is to be reduced.
func TestE10NothingIsLimitedWhileACaptureIsUnderWay(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o, _ := v.heldLater(t)
	require.NoError(t, v.capture(o, platform.Money{}, true))
	require.ErrorIs(t, v.limit(o, "70.00"), payment.ErrAttemptActive, "asked for")
	v.hooks.before = func(operation string, _ payment.Key) bool { return operation != "capture" }
	v.hooks.silence(true)
	require.NoError(t, v.after(time.Second))
	require.ErrorIs(t, v.limit(o, "70.00"), payment.ErrAttemptActive, "unknown")
	require.ErrorIs(t, v.cancel(o), payment.ErrAttemptActive, "and nothing is voided besides")
	assert.Zero(t, v.totals(t).Charges)
}

// What lapsed is asked for again, no more than is wanted, and its subject learns
// that it is not secured any more.
func TestALapseIsToldToTheSubject(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	heard := &hearing{Subject: shop{db: v.db}}
	v.s = payment.New(v.w, payment.StoreOn(v.db), payment.Ports{Books: ledger{}, Subject: heard, Gateways: []payment.Gateway{v.bank}}, nil)
	o, _ := v.heldLater(t)
	require.NoError(t, v.limit(o, "60.00"))
	v.clock.Advance(8 * 24 * time.Hour)

	require.NoError(t, v.after(0))

	assert.Equal(t, []platform.Money{price, nothing}, heard.secured)
	i := v.intent(t, o)
	assert.Equal(t, yuan("60.00"), i.Rest())
	assert.Equal(t, payment.IntentOpen, i.State)
	assert.True(t, i.Due.After(v.clock.Now()), "with time to pay")
}

// hearing is a subject that notes what it is told.
type hearing struct {
	payment.Subject
	secured []platform.Money
}

func (h *hearing) Secured(ctx context.Context, subject platform.Ref, purpose string, secured, captured platform.Money, at time.Time) ([]platform.Change, error) {
	h.secured = append(h.secured, secured)
	return h.Subject.Secured(ctx, subject, purpose, secured, captured, at)
}
