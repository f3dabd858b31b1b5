package payment_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

func (v *world) ret(t *testing.T, g giving) payment.Return {
	t.Helper()
	return read[payment.Return](t, v, "payment.return", g.ID.As("rtn"))
}

func (v *world) giving(t *testing.T, g giving) giving {
	t.Helper()
	return read[giving](t, v, "order.refund", g.ID)
}

// leaving is a return of two parts that was sent at noon.
func leaving(change func(*payment.Return)) payment.Return {
	r := payment.Return{
		Head: platform.Head{ID: "rtn_01kdvdna00eajs4d2pf2dbsqqg"}, Subject: soldTo, State: payment.ReturnSent, Amount: price,
		Parts:     []payment.Part{{Attempt: "att_2", Institution: "sandbox", Amount: yuan("60.00")}, {Attempt: "att_1", Institution: "sandbox", Amount: yuan("40.00")}},
		Operation: payment.Operation{SentAt: noon, Until: noon.Add(2 * time.Minute), Due: noon.Add(2 * time.Minute)},
	}
	if change != nil {
		change(&r)
	}
	return r
}

func TestReturnGoesPartByPart(t *testing.T) {
	t.Parallel()
	done := func(amount string) payment.Status { return payment.Status{Outcome: payment.Done, Amount: yuan(amount)} }

	r, err := leaving(nil).Learn(done("60.00"), false, noon)
	require.NoError(t, err)
	assert.Equal(t, payment.ReturnAsked, r.State)
	assert.Equal(t, noon, r.Due)
	assert.Equal(t, payment.Key("rtn_01kdvdna00eajs4d2pf2dbsqqg.1"), r.Key(), "another operation, another key")
	assert.Equal(t, yuan("40.00"), r.Part().Amount)
	r, err = r.Send(platform.System, noon, noon.Add(time.Minute))
	require.NoError(t, err)
	wrong, err := r.Learn(done("60.00"), false, noon)
	require.NoError(t, err)
	assert.Equal(t, payment.ReturnManual, wrong.State, "another amount than the part's")
	assert.Equal(t, "payment.mismatch", wrong.Reason)
	r, err = r.Learn(done("40.00"), false, noon)
	require.NoError(t, err)
	assert.Equal(t, payment.ReturnSucceeded, r.State)
	assert.Equal(t, 2, r.Done)
	assert.True(t, r.Due.IsZero())
	_, err = r.Learn(done("40.00"), false, noon)
	require.ErrorIs(t, err, payment.ErrNothingNew)
}

// A certain failure is tried again after 1 h, 6 h and 24 h, each time under a new
// key, and then waits for a person.
func TestFailedReturnClimbsItsLadder(t *testing.T) {
	t.Parallel()
	refused := payment.Status{Outcome: payment.Declined, Code: "closed_account"}
	r, at, id := leaving(nil), noon, "rtn_01kdvdna00eajs4d2pf2dbsqqg"
	for n, wait := range []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour} {
		var err error
		r, err = r.Learn(refused, false, at)
		require.NoError(t, err)
		assert.Equal(t, payment.ReturnFailed, r.State)
		assert.Equal(t, "closed_account", r.Reason)
		assert.Equal(t, at.Add(wait), r.Due)
		assert.Equal(t, payment.Key(id+"."+strconv.Itoa(n+1)), r.Key())
		_, err = r.Send(platform.System, r.Due.Add(-1), noon)
		require.ErrorIs(t, err, payment.ErrNotDue)
		at = r.Due
		r, err = r.Send(platform.System, at, at.Add(time.Minute))
		require.NoError(t, err)
	}
	r, err := r.Learn(refused, false, at)
	require.NoError(t, err)
	assert.Equal(t, payment.ReturnManual, r.State)
	assert.True(t, r.Due.IsZero())
	_, err = r.Send(platform.System, at, at)
	require.ErrorIs(t, err, payment.ErrNotSendable)
	r, err = r.Send(platform.Operator, at, at.Add(time.Minute))
	require.NoError(t, err)
	assert.Equal(t, payment.Key(id+".4"), r.Key())

	early, err := leaving(nil).Learn(refused, false, noon)
	require.NoError(t, err)
	_, err = early.Send(platform.Operator, noon, noon.Add(time.Minute))
	require.NoError(t, err, "an operator need not wait")
}

// Each part has the whole ladder.
func TestPartsFailEachOnTheirOwn(t *testing.T) {
	t.Parallel()
	tired := leaving(func(r *payment.Return) { r.Tries, r.Calls = 3, 3 })

	next, err := tired.Learn(payment.Status{Outcome: payment.Done, Amount: yuan("60.00")}, false, noon)

	require.NoError(t, err)
	assert.Zero(t, next.Tries)
	assert.Equal(t, payment.Key(tired.ID+".4"), next.Key())
}

// An operation whose outcome is not known keeps its key, whatever happens.
func TestUnknownReturnNeverGetsAnotherKey(t *testing.T) {
	t.Parallel()
	r, at := leaving(nil), noon
	for r.State != payment.ReturnManual {
		next, err := r.Doubt(at)
		require.NoError(t, err)
		require.Equal(t, r.Key(), next.Key())
		r, at = next, next.Due
		if next.State == payment.ReturnUnknown {
			_, err = r.Send(platform.Operator, at, at)
			require.ErrorIs(t, err, payment.ErrNotSendable)
		}
	}
	r, err := r.Send(platform.Operator, at, at.Add(time.Minute))
	require.NoError(t, err)
	assert.Equal(t, leaving(nil).Key(), r.Key(), "the operator repeats the same operation")
	assert.Equal(t, at, r.SentAt, "and it is looked after for another day")
	assert.Zero(t, r.Looks)

	lost, err := leaving(nil).Learn(payment.Status{Outcome: payment.Absent}, true, noon)
	require.NoError(t, err)
	assert.Equal(t, payment.ReturnAsked, lost.State)
	assert.Equal(t, noon.Add(5*time.Second), lost.Due)
	assert.Equal(t, leaving(nil).Key(), lost.Key())
	_, err = leaving(nil).Learn(payment.Status{Outcome: payment.Absent}, false, noon)
	require.ErrorIs(t, err, payment.ErrNothingNew)
}

func TestOnlyOperatorsAndTheSystemSend(t *testing.T) {
	t.Parallel()
	for _, by := range []platform.ActorKind{platform.Customer, platform.Merchant, platform.Staff, platform.Auditor} {
		_, err := leaving(func(r *payment.Return) { r.State = payment.ReturnAsked }).Send(by, noon, noon)
		require.ErrorIs(t, err, platform.ErrDenied, by)
	}
}

// The last payment goes back first.
func TestRefundTakesPaymentsInReverse(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	for _, amount := range []string{"40.00", "60.00"} {
		_, err := v.s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.OK, Amount: yuan(amount)})
		require.NoError(t, err)
		v.clock.Advance(time.Minute)
	}
	paid := v.intent(t, o).Paid
	require.Len(t, paid, 2)

	g, err := v.refund(o, yuan("70.00"))
	require.NoError(t, err)
	r, err := v.s.Send(by(clerk), payment.Send{Return: g.ID.As("rtn")})
	require.NoError(t, err)

	assert.Equal(t, payment.ReturnSucceeded, r.State)
	require.Len(t, r.Parts, 2)
	assert.Equal(t, paid[1], r.Parts[0].Attempt)
	assert.Equal(t, yuan("60.00"), r.Parts[0].Amount)
	assert.Equal(t, paid[0], r.Parts[1].Attempt)
	assert.Equal(t, yuan("10.00"), r.Parts[1].Amount)
	assert.Equal(t, []string{"sent", "succeeded"}, v.giving(t, g).Heard, "once, however many parts")
	assert.Equal(t, 2, v.totals(t).Refunds)
	v.conserved(t)
	_, err = v.refund(o, yuan("30.01"))
	require.ErrorIs(t, err, payment.ErrReturnExceeds)
	assert.Equal(t, yuan("0.01"), platform.Details(err)["short"])
	_, err = v.refund(o, nothing)
	require.ErrorIs(t, err, payment.ErrAmount)
	_, err = v.refund(o, yuan("30.00"))
	require.NoError(t, err)
}

// Of many full refunds at once, one reserves the money.
func TestParallelRefundsNeverExceedThePayment(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.paid(t, sandbox.OK)

	_, errs := together(16, func(int) (giving, error) { return v.refund(o, price) })

	passed := 0
	for _, err := range errs {
		if err == nil {
			passed++
			continue
		}
		require.ErrorIs(t, err, payment.ErrReturnExceeds)
	}
	assert.Equal(t, 1, passed)
	require.NoError(t, v.after(0))
	assert.Equal(t, price, v.totals(t).Refunded)
	v.conserved(t)
}

func TestParallelSendsAreOneOperation(t *testing.T) {
	t.Parallel()
	for _, faults := range []sandbox.Faults{{}, {RefundTimeout: 1}, {RefundDelay: 1}} {
		v := newWorld(setup{faults: faults})
		o := v.paid(t, sandbox.OK)
		g, err := v.refund(o, price)
		require.NoError(t, err)

		_, errs := together(32, func(n int) (payment.Return, error) {
			ctx := by(clerk)
			if n%2 == 0 {
				ctx = platform.WithKey(ctx, "one")
			}
			return v.s.Send(ctx, payment.Send{Return: g.ID.As("rtn")})
		})

		sent := 0
		for _, err := range errs {
			if err == nil {
				sent++
				continue
			}
			require.ErrorIs(t, err, payment.ErrNotSendable)
			assert.NotEmpty(t, platform.Details(err)["state"])
		}
		assert.Positive(t, sent)
		require.NoError(t, v.quiesce())
		assert.Equal(t, 1, v.totals(t).Refunds)
		assert.Equal(t, []string{"sent", "succeeded"}, v.giving(t, g).Heard)
		v.conserved(t)
	}
}

func TestReturnThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.paid(t, sandbox.NoRefund)
	g, err := v.refund(o, price)
	require.NoError(t, err)

	require.NoError(t, v.after(0))
	assert.Equal(t, payment.ReturnFailed, v.ret(t, g).State)
	assert.Equal(t, "failed", v.giving(t, g).State)
	require.NoError(t, v.quiesce())

	assert.Equal(t, payment.ReturnManual, v.ret(t, g).State)
	assert.Equal(t, 4, v.ret(t, g).Calls, "at once, and after 1 h, 6 h and 24 h")
	assert.Equal(t, []string{"sent", "failed", "sent", "failed", "sent", "failed", "sent", "failed"}, v.giving(t, g).Heard)
	r, err := v.s.Send(by(clerk), payment.Send{Return: g.ID.As("rtn")})
	require.NoError(t, err)
	assert.Equal(t, payment.ReturnManual, r.State, "in vain again")
	assert.Equal(t, price, v.attempt(t, v.intent(t, o).Paid[0]).Returned, "the money stays reserved for the refund")
	v.conserved(t)
}

func TestLostReturnArrivesInTheEnd(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string]sandbox.Faults{"lost": {LostRefund: 0.7}, "down": {RefundDown: 0.7}, "both, in silence": {LostRefund: 0.4, RefundDown: 0.4, Silence: 0.5}} {
		v := newWorld(setup{faults: faults})
		o := v.paid(t, sandbox.OK)
		g, err := v.refund(o, price)
		require.NoError(t, err)

		require.NoError(t, v.quiesce(), name)

		assert.Equal(t, payment.ReturnSucceeded, v.ret(t, g).State, name)
		assert.Equal(t, payment.Key(v.ret(t, g).ID), v.ret(t, g).Key(), name)
		assert.Equal(t, 1, v.totals(t).Refunds)
		v.conserved(t)
	}
}

// withdraw gives the return of a refund up.
func (v *world) withdraw(g giving) error {
	return v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
		return v.asks.Withdraw(ctx, g.Ref(), v.clock.Now())
	})
}

func TestWithdrawnReturnIsNotSent(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.paid(t, sandbox.OK)
	g, err := v.refund(o, price)
	require.NoError(t, err)

	require.NoError(t, v.withdraw(g))

	again, err := v.refund(o, price)
	require.NoError(t, err, "its money is free at once")
	require.ErrorIs(t, v.withdraw(g), payment.ErrNotSendable)
	_, err = v.s.Send(by(clerk), payment.Send{Return: v.ret(t, g).ID})
	require.ErrorIs(t, err, payment.ErrNotSendable)
	require.NoError(t, v.after(0))
	assert.Equal(t, payment.ReturnWithdrawn, v.ret(t, g).State)
	assert.Contains(t, v.events(t, v.ret(t, g).Ref()), "payment.return_withdrawn")
	assert.Equal(t, payment.ReturnSucceeded, v.ret(t, again).State)
	assert.Equal(t, price, v.totals(t).Refunded)
	v.conserved(t)
}

// A return waits to be sent again too; by then its money may be on its way.
func TestNothingThatWasSentIsWithdrawn(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*payment.Return){
		"under way":   nil,
		"not arrived": func(r *payment.Return) { r.State = payment.ReturnAsked },
		"the first back": func(r *payment.Return) {
			r.State, r.Done, r.Calls, r.Operation = payment.ReturnAsked, 1, 1, payment.Operation{Due: noon}
		},
		"failed": func(r *payment.Return) { r.State = payment.ReturnFailed },
	} {
		_, err := leaving(change).Withdraw(noon)
		require.ErrorIs(t, err, payment.ErrNotSendable, name)
	}
}

// Of Withdraw and Send at once, one wins.
func TestWithdrawAndSendAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		v := newWorld(setup{})
		o := v.paid(t, sandbox.OK)
		g, err := v.refund(o, price)
		require.NoError(t, err)

		_, errs := together(2, func(n int) (int, error) {
			if n == 0 {
				return 0, v.withdraw(g)
			}
			_, err := v.s.Send(by(clerk), payment.Send{Return: g.ID.As("rtn")})
			return 0, err
		})

		require.NoError(t, v.quiesce())
		if errs[0] == nil {
			require.ErrorIs(t, errs[1], payment.ErrNotSendable)
			assert.Zero(t, v.totals(t).Refunds)
		} else {
			require.ErrorIs(t, errs[0], payment.ErrNotSendable)
			require.NoError(t, errs[1])
			assert.Equal(t, price, v.totals(t).Refunded)
		}
		v.conserved(t)
	}
}

func TestNoticeEndsAReturn(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{faults: sandbox.Faults{RefundTimeout: 1}})
	o := v.paid(t, sandbox.OK)
	require.NoError(t, v.deliver())
	g, err := v.refund(o, price)
	require.NoError(t, err)
	r, err := v.s.Send(by(clerk), payment.Send{Return: g.ID.As("rtn")})
	require.NoError(t, err)
	require.Equal(t, payment.ReturnUnknown, r.State)

	v.clock.Advance(time.Minute)
	require.NoError(t, v.deliver())

	assert.Equal(t, payment.ReturnSucceeded, v.ret(t, g).State)
	require.NoError(t, v.says(payment.Notice{ID: "msg_x", Status: payment.Status{Key: r.Key() + ".7", Outcome: payment.Declined, Amount: price}}))
	assert.Equal(t, payment.ReturnSucceeded, v.ret(t, g).State)
	seen, err := v.s.Return(by(auditor), r.ID)
	require.NoError(t, err)
	assert.Equal(t, payment.ReturnSucceeded, seen.State)
	_, err = v.s.Return(by(customer), r.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
	v.conserved(t)
}

// After a day in the dark a person goes on; the refund is not told that it
// failed, since nobody knows.
func TestUnknownReturnIsNoFailure(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{faults: sandbox.Faults{RefundTimeout: 1}})
	o := v.paid(t, sandbox.OK)
	require.NoError(t, v.deliver())
	g, err := v.refund(o, price)
	require.NoError(t, err)
	v.hooks.silence(true)
	for range 30 {
		_, err := v.s.Tick(t.Context(), v.clock.Now(), 0)
		require.NoError(t, err)
		v.clock.Advance(time.Hour)
	}
	require.Equal(t, payment.ReturnManual, v.ret(t, g).State)
	assert.Equal(t, []string{"sent"}, v.giving(t, g).Heard)

	r, err := v.s.Send(by(clerk), payment.Send{Return: v.ret(t, g).ID})

	require.NoError(t, err)
	assert.Equal(t, payment.ReturnSucceeded, r.State, "the same operation again, which the institution knows")
	assert.Equal(t, []string{"sent", "succeeded"}, v.giving(t, g).Heard)
	assert.Equal(t, 1, v.totals(t).Refunds)
	v.conserved(t)
}

// What the institution says about an operation that is over is not taken for
// news of the one that followed.
func TestAnswerOfAnOlderOperationIsNoNews(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.paid(t, sandbox.NoRefund)
	g, err := v.refund(o, price)
	require.NoError(t, err)
	first, tick := true, func(d time.Duration) {
		_, err := v.s.Tick(t.Context(), v.clock.Advance(d), 0)
		assert.NoError(t, err)
	}
	v.hooks.before = func(_ string, k payment.Key) bool {
		if !first {
			return k == payment.Key(v.ret(t, g).ID) // the second operation gets no answer
		}
		first = false // this call sleeps, while others find that it never arrived
		tick(4 * time.Minute)
		tick(5 * time.Second)
		tick(time.Hour)
		return true
	}

	r, err := v.s.Send(by(clerk), payment.Send{Return: g.ID.As("rtn")})

	require.NoError(t, err)
	assert.Equal(t, payment.ReturnUnknown, r.State)
	assert.Equal(t, payment.Key(r.ID+".1"), r.Key())
}

// A subject that does not hear of money that has moved is named by every Tick
// until it does.
func TestMovedMoneyIsNeverOutOfDate(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{faults: sandbox.Faults{RefundTimeout: 1}})
	o := v.paid(t, sandbox.OK)
	g, err := v.refund(o, price)
	require.NoError(t, err)
	_, err = v.s.Send(by(clerk), payment.Send{Return: g.ID.As("rtn")})
	require.NoError(t, err)
	in := func(state string) {
		require.NoError(t, v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
			now, err := platform.Read[giving](ctx, v.db, "order.refund", g.ID)
			now.State = state
			return []platform.Change{platform.Put(now), platform.Happened("refund.mended", g.Ref(), nil)}, err
		}))
	}

	in("lost")
	for range 2 {
		_, err := v.s.Tick(t.Context(), v.clock.Advance(time.Minute), 0)
		require.ErrorIs(t, err, platform.ErrUnavailable)
		assert.Equal(t, payment.ReturnUnknown, v.ret(t, g).State)
	}
	in("sent")
	require.NoError(t, v.after(0))

	assert.Equal(t, payment.ReturnSucceeded, v.ret(t, g).State)
	v.conserved(t)
}

// A return of another amount waits for a person, who ends it either way.
func TestOperatorSettlesAMismatchedReturn(t *testing.T) {
	t.Parallel()
	for _, back := range []bool{true, false} {
		v := newWorld(setup{})
		o := v.paid(t, sandbox.OK)
		g, err := v.refund(o, price)
		require.NoError(t, err)
		id := g.ID.As("rtn")
		v.bank.Force(payment.Key(id), sandbox.Short)
		require.NoError(t, v.after(time.Minute))
		require.NoError(t, v.after(time.Minute))
		r := read[payment.Return](t, v, "payment.return", id)
		require.Equal(t, payment.ReturnManual, r.State)
		in := payment.Settle{Return: id, Back: back, Reason: "statement"}
		_, err = v.s.Settle(by(customer), in)
		require.ErrorIs(t, err, platform.ErrDenied)

		next, err := v.s.Settle(by(clerk), in)

		require.NoError(t, err)
		_, err = v.s.Settle(by(clerk), in)
		require.ErrorIs(t, err, payment.ErrNotResolvable)
		if !back {
			assert.Equal(t, payment.ReturnAsked, next.State)
			assert.NotEqual(t, r.Key(), next.Key(), "the old key is used up")
			continue
		}
		assert.Equal(t, payment.ReturnSucceeded, next.State)
		assert.Equal(t, price, v.sale(t, o).Given)
		page, err := v.s.Queue(by(clerk), "")
		require.NoError(t, err)
		assert.Empty(t, page.Items)
	}
}
