package order_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

const crowd = 32

// race has a crowd give one command at once, all under one key or each under its
// own, and returns what each was told.
func race(t *testing.T, shared bool, command func(n int, key string) error) (won int, refused []error) {
	t.Helper()
	told := make([]error, crowd)
	var start, done sync.WaitGroup
	start.Add(1)
	for n := range crowd {
		key := "one"
		if !shared {
			key = fmt.Sprint("key-", n)
		}
		done.Go(func() {
			start.Wait()
			told[n] = command(n, key)
		})
	}
	start.Done()
	done.Wait()
	for _, err := range told {
		if err == nil {
			won++
		} else {
			refused = append(refused, err)
		}
	}
	return won, refused
}

// Of N equal commands exactly one takes effect, not zero, and all N get a true
// answer: the effect's result under one key, the state now under keys of their
// own.
func TestOfManyEqualCommandsOneTakesEffect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given   func(*house) order.Order
		command func(*house, order.Order, string) error
		refusal string
		effect  string // the event that there is one of
		of      func(*house, order.Order) platform.Ref
	}{
		"accept": {
			func(h *house) order.Order { return h.delivered(h.list(nil)) },
			func(h *house, o order.Order, key string) error {
				_, err := h.orders.Accept(platform.WithKey(as(customer), key), order.Accept{Order: o.ID})
				return err
			}, "order.not_acceptable", "order.completed", nil,
		},
		"cancel": {
			func(h *house) order.Order { return h.confirmed(h.list(nil)) },
			func(h *house, o order.Order, key string) error {
				_, err := h.orders.Cancel(platform.WithKey(as(customer), key), order.Cancel{Order: o.ID, MaxFee: cny("100"), Reason: "x"})
				return err
			}, "order.not_cancellable", "order.cancelled", nil,
		},
		"deliver": {
			func(h *house) order.Order {
				o := h.confirmed(h.list(func(m map[string]any) { m["proof"] = []string{"photo"} }))
				_, err := h.orders.Start(as(merchant), order.Start{Order: o.ID})
				require.NoError(h.t, err)
				return o
			},
			func(h *house, o order.Order, key string) error {
				_, err := h.orders.Deliver(platform.WithKey(as(merchant), key), order.Deliver{Order: o.ID, Proofs: photo(nil)})
				return err
			}, "order.not_deliverable", "order.delivered", nil,
		},
		"refund": {
			func(h *house) order.Order { return h.completed(h.list(nil)) },
			func(h *house, o order.Order, key string) error {
				_, err := h.orders.RequestRefund(platform.WithKey(as(customer), key), order.RequestRefund{Order: o.ID, Reason: "late"})
				return err
			}, "order.refund_exceeds", "refund.approved",
			func(h *house, o order.Order) platform.Ref { return h.refunds(o.ID)[0].Ref() },
		},
	} {
		for _, shared := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, one key %t", name, shared), func(t *testing.T) {
				t.Parallel()
				h := open(t, nil)
				o := c.given(h)
				won, refused := race(t, shared, func(_ int, key string) error { return c.command(h, o, key) })
				if shared {
					assert.Equal(t, crowd, won, "%v", errors.Join(refused...))
				} else {
					assert.Equal(t, 1, won)
				}
				for _, err := range refused {
					require.ErrorIs(t, err, platform.ErrState)
					assert.Equal(t, c.refusal, platform.Code(err))
				}
				subject := o.Ref()
				if c.of != nil {
					require.Len(t, h.refunds(o.ID), 1)
					subject = c.of(h, o)
				}
				effects := 0
				for _, e := range h.events(subject) {
					if e.Type == c.effect {
						effects++
					}
				}
				assert.Equal(t, 1, effects)
			})
		}
	}
}

// Cancel and Start at once: one wins, and the one that loses is decided anew
// against what is now true, fee included.
func TestE8CancelAndStartAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		h := open(t, nil)
		o := h.confirmed(h.list(nil))
		var cancelled, started error
		var both sync.WaitGroup
		both.Go(func() {
			_, cancelled = h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("30"), Reason: "x"})
		})
		both.Go(func() { _, started = h.orders.Start(as(merchant), order.Start{Order: o.ID}) })
		both.Wait()

		switch h.read(o.ID).State {
		case order.Cancelled:
			require.NoError(t, cancelled)
			assert.Equal(t, "order.not_startable", platform.Code(started))
		case order.InProgress:
			require.NoError(t, started)
			require.ErrorIs(t, cancelled, order.ErrCancelFeeChanged, "half of the price now")
		default:
			t.Fatal("neither took effect")
		}
	}
}

// Two who pay the whole price at once: one counts, the other is surplus.
func TestMoneyThatComesTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.placed(h.list(nil))
	won, refused := race(t, false, func(int, string) error { return h.pay(o.ID, cny("100")) })
	assert.Equal(t, 1, won)
	for _, err := range refused {
		require.ErrorIs(t, err, order.ErrNotPayable)
	}
	assert.Equal(t, "100.00", h.balance("escrow", o.ID, ""))
}

func TestOneSeatForOneMember(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(func(m map[string]any) { m["seats"] = 1 }))
	won, refused := race(t, false, func(n int, _ string) error {
		who := platform.Actor{ID: platform.NewID("stf", noon, 2, uint64(n)), Kind: platform.Staff}
		return h.fill(o.ID, 1, who)
	})
	assert.Equal(t, 1, won)
	for _, err := range refused {
		require.ErrorIs(t, err, order.ErrSeatTaken)
	}
}

// overtaken is a till that somebody else reaches first, once. It gives the money
// of an order back one time only, and says so when asked again.
type overtaken struct {
	*till
	db    platform.Getter
	first *func()
}

var errReturned = platform.Err(platform.ErrState, "payment.return_exceeds", "more than is there", "超过已付金额")

func (p overtaken) Return(ctx context.Context, refund, subject platform.Ref, amount platform.Money, at time.Time) ([]platform.Change, error) {
	if do := *p.first; do != nil {
		*p.first = nil
		do()
	}
	o, err := platform.Read[order.Order](ctx, p.db, "order", subject.ID)
	if err != nil {
		return nil, err
	}
	if o.Approved.Sign() > 0 {
		return nil, errReturned
	}
	return p.till.Return(ctx, refund, subject, amount, at)
}

// A port that is asked after the order was read knows more than the order says:
// what it refuses then is not the reason.
func TestWhoComesSecondIsToldTheStateAndNotThePortsTrouble(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	var first func()
	h.ports.Payments = overtaken{h.till, h.db, &first}
	h.orders = order.New(h.w, h.store, h.ports, nil)

	o := h.confirmed(h.list(nil))
	cancel := func() error {
		_, err := h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("100"), Reason: "x"})
		return err
	}
	first = func() { require.NoError(t, cancel()) }
	assert.Equal(t, "order.not_cancellable", platform.Code(cancel()))

	r, err := h.refund(h.dear(), customer, "1000")
	require.NoError(t, err)
	approve := func() error {
		_, err := h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})
		return err
	}
	first = func() { require.NoError(t, approve()) }
	assert.Equal(t, "refund.not_approvable", platform.Code(approve()))
}
