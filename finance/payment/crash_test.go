package payment_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

// crash is where a process dies.
type crash struct {
	commit int             // its n-th commit
	at     storetest.Point // where in that commit
	before bool            // or before it calls the institution
	after  bool            // or after the institution answered
}

func (c crash) String() string {
	switch {
	case c.before:
		return "before the call"
	case c.after:
		return "after the call"
	}
	return fmt.Sprintf("commit %d, point %d", c.commit, c.at)
}

// crashes are all points of a command of two commits and one call.
func crashes() []crash {
	all := []crash{{before: true}, {after: true}}
	for commit := 1; commit <= 2; commit++ {
		for _, at := range []storetest.Point{storetest.BeforeSend, storetest.Committed, storetest.Answered} {
			all = append(all, crash{commit: commit, at: at})
		}
	}
	return all
}

// mortal starts a process of the world's service that dies at the point.
func (v *world) mortal(c crash) {
	var commits atomic.Int64
	v.start(func(db platform.DB) platform.DB {
		faulty := storetest.NewFaulty(db, storetest.Faults{Stop: func(at storetest.Point, _ platform.Set) bool {
			if at == storetest.BeforeSend {
				commits.Add(1)
			}
			return int(commits.Load()) == c.commit && at == c.at
		}})
		if c.before {
			v.hooks.before = func(string, payment.Key) bool { faulty.Stop(); return false }
		}
		if c.after {
			v.hooks.after = func(string, payment.Key) { faulty.Stop() }
		}
		return faulty
	})
}

// reborn starts a process that lives, on the same store and institution.
func (v *world) reborn() {
	v.hooks.before, v.hooks.after = nil, nil
	v.start(nil)
}

// Wherever the process dies, the next one finds out what became of the money
// once the attempt's time and two minutes are over, and the payer's repeat under
// the same key gets that attempt: one charge at the institution, or none when it
// took none.
func TestE5PayCrashesWithoutLosingMoney(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]payment.AttemptState{
		sandbox.OK: payment.AttemptCaptured, sandbox.Timeout: payment.AttemptCaptured, sandbox.Delay: payment.AttemptCaptured,
		sandbox.Lost: payment.AttemptFailed, sandbox.Decline: payment.AttemptFailed,
	} {
		for _, c := range crashes() {
			t.Run(method+" "+c.String(), func(t *testing.T) {
				t.Parallel()
				v := newWorld(setup{})
				o := v.placed(t)
				v.mortal(c)
				key, in := platform.WithKey(by(customer), "k1"), payment.Pay{Intent: full(o), Method: method}
				_, _ = v.s.Pay(key, in)

				v.reborn()
				require.NoError(t, v.after(4*time.Minute))
				for _, a := range v.attempts(t) {
					assert.False(t, a.Open(), a.State)
				}
				v.conserved(t)
				a, err := v.s.Pay(key, in)
				require.NoError(t, err)
				require.NoError(t, v.after(4*time.Minute))

				require.Len(t, v.attempts(t), 1)
				a = v.attempt(t, a.ID)
				charges := 0
				switch {
				case c.before, c.commit == 1 && c.at == storetest.Committed:
					assert.Equal(t, payment.AttemptFailed, a.State, "claimed, and never sent")
					assert.Empty(t, v.intent(t, o).Active)
				case want == payment.AttemptCaptured:
					charges = 1
					fallthrough
				default:
					assert.Equal(t, want, a.State)
				}
				assert.Equal(t, charges, v.totals(t).Charges)
				v.conserved(t)
				require.NoError(t, v.quiesce())
				v.conserved(t)
			})
		}
	}
}

// The same of money that goes back.
func TestSendCrashesWithoutLosingMoney(t *testing.T) {
	t.Parallel()
	for _, faults := range []sandbox.Faults{{}, {RefundTimeout: 1}, {RefundDelay: 1}} {
		for _, c := range crashes() {
			t.Run(fmt.Sprintf("%+v %s", faults, c), func(t *testing.T) {
				t.Parallel()
				v := newWorld(setup{faults: faults, real: true})
				o := v.paid(t, sandbox.OK)
				g, err := v.refund(o, yuan("30.00"))
				require.NoError(t, err)
				v.mortal(c)
				_, _ = v.s.Send(by(clerk), payment.Send{Return: g.ID.As("rtn")})

				v.reborn()
				require.NoError(t, v.after(4*time.Minute))
				v.conserved(t)
				require.NoError(t, v.quiesce())

				r := read[payment.Return](t, v, "payment.return", g.ID.As("rtn"))
				assert.Equal(t, payment.ReturnSucceeded, r.State)
				assert.Equal(t, payment.Key(r.ID), r.Key(), "never another key")
				assert.Equal(t, sandbox.Totals{Charged: price, Refunded: yuan("30.00"), Charges: 1, Refunds: 1}, v.totals(t))
				assert.Equal(t, []string{"sent", "succeeded"}, read[giving](t, v, "order.refund", g.ID).Heard)
				assert.Equal(t, yuan("30.00"), v.sale(t, o).Given)
				v.conserved(t)
				v.booksAgree(t)
			})
		}
	}
}

// A process that slept through its time leaves the call to nobody: the
// institution was asked meanwhile.
func TestProcessThatSleptDoesNotCharge(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	v.sleepy()

	a, err := v.pay(o, sandbox.OK)

	require.NoError(t, err)
	assert.Equal(t, payment.AttemptSent, a.State)
	assert.Zero(t, v.totals(t).Charges)
	require.NoError(t, v.after(2*time.Minute))
	assert.Equal(t, payment.AttemptFailed, v.attempt(t, a.ID).State)
}

// Nor does it give back: under the next key somebody else may have.
func TestProcessThatSleptDoesNotRefund(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	g, err := v.refund(v.paid(t, sandbox.OK), yuan("10.00"))
	require.NoError(t, err)
	v.sleepy()

	r, err := v.s.Send(by(clerk), payment.Send{Return: g.ID.As("rtn")})

	require.NoError(t, err)
	assert.Equal(t, payment.ReturnSent, r.State)
	assert.Zero(t, v.totals(t).Refunds)
	require.NoError(t, v.after(2*time.Minute))
	require.NoError(t, v.after(2*time.Hour))
	r, err = payment.StoreOn(v.db).Return(t.Context(), r.ID)
	require.NoError(t, err)
	assert.Equal(t, payment.ReturnSucceeded, r.State)
	assert.Equal(t, 1, v.totals(t).Refunds)
}

// sleepy starts a process that sleeps for two minutes after its first commit.
func (v *world) sleepy() {
	asleep := true
	v.start(func(db platform.DB) platform.DB {
		return storetest.NewFaulty(db, storetest.Faults{Stop: func(at storetest.Point, _ platform.Set) bool {
			if at == storetest.Answered && asleep {
				asleep = false
				v.clock.Advance(2 * time.Minute)
			}
			return false
		}})
	})
}
