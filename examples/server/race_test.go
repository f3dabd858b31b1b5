package main

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/sandbox"
)

const rivals = 32

// rush sends one command by many callers at once, under one key or each under
// its own.
func (w *world) rush(shared bool, who, path string, body any) []reply {
	return together(rivals, func(i int) reply {
		key := "shared"
		if !shared {
			key = "own-" + strconv.Itoa(i)
		}
		return w.call(who, "POST", path, body, "Idempotency-Key", key)
	})
}

// tally counts the answers by status and code, or state.
func tally(replies []reply) map[string]int {
	counts := map[string]int{}
	for _, r := range replies {
		counts[fmt.Sprintf("%d %s%s", r.status, r.code, r.state())]++
	}
	return counts
}

// each runs a rule with one shared key and with a key for each caller.
func each(t *testing.T, rule func(t *testing.T, shared bool)) {
	t.Helper()
	for name, shared := range map[string]bool{"one key": true, "own keys": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rule(t, shared)
		})
	}
}

func TestManyPayAndOneChargeIsMade(t *testing.T) {
	t.Parallel()
	for _, method := range []string{sandbox.OK, sandbox.Timeout, sandbox.Delay} {
		each(t, func(t *testing.T, shared bool) {
			w := newWorld(t, sandbox.Faults{})
			id := w.place()

			replies := w.rush(shared, "customer", intent(id)+"/pay", object{"method": method})

			attempts := map[platform.ID]bool{}
			for _, r := range replies {
				if r.status == 409 { // it came after the money was there
					require.Equal(t, "payment.already_secured", r.code, "%s", r.raw)
					continue
				}
				require.Equal(t, 200, r.status, "%s", r.raw)
				require.Contains(t, []string{"sent", "unknown", "pending", "captured"}, r.state())
				attempts[r.id()] = true
			}
			assert.Len(t, attempts, 1, "%v", tally(replies))
			w.pass(4 * time.Minute)
			o := w.order(id)
			assert.Equal(t, order.Confirmed, o.State)
			assert.Equal(t, o.Total, o.Captured)
			totals, err := w.market.Sandbox.Totals(o.Total.Currency())
			require.NoError(t, err)
			assert.Equal(t, o.Total, totals.Charged, "one charge at the institution")
			w.sound()
		})
	}
}

func TestE9ManyRefundAllAndOneIsPaidBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, shared bool) {
		w := newWorld(t, sandbox.Faults{RefundTimeout: 1})
		id := w.delivered()

		replies := w.rush(shared, "operator", "/v1/orders/"+string(id)+"/refund", object{"reason": "goodwill", "amount": cny("180.00")})

		refunds := map[platform.ID]bool{}
		for _, r := range replies {
			if r.status == 409 {
				require.Equal(t, "order.refund_exceeds", r.code, "%s", r.raw)
				continue
			}
			require.Equal(t, 200, r.status, "%s", r.raw)
			refunds[r.id()] = true
		}
		assert.Len(t, refunds, 1, "%v", tally(replies))
		w.pass(4 * time.Minute)
		w.pass(4 * time.Minute)
		o := w.order(id)
		assert.Equal(t, o.Total, o.Refunded)
		assert.Zero(t, o.Reserved.Sign())
		totals, err := w.market.Sandbox.Totals(o.Total.Currency())
		require.NoError(t, err)
		assert.Equal(t, o.Total, totals.Refunded)
		w.sound()
	})
}

// TestManyMoveAnOrderAndItMovesOnce: of many equal commands one has the effect;
// the others get its answer, under one key, or are told the state, under theirs.
func TestManyMoveAnOrderAndItMovesOnce(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]struct {
		ready        func(*world) platform.ID
		who, verb    string
		body         func(*world) any
		state        order.State
		event, other string
	}{
		"deliver": {(*world).started, "staff", "deliver", func(w *world) any { return w.photo() }, order.Delivered, "order.delivered", "order.not_deliverable"},
		"accept":  {(*world).delivered, "customer", "accept", func(*world) any { return nil }, order.Completed, "order.completed", "order.not_acceptable"},
		"cancel":  {(*world).paid, "customer", "cancel", func(*world) any { return object{"reason": "changed_mind", "max_fee": cny("180.00")} }, order.Cancelled, "order.cancelled", "order.not_cancellable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, shared bool) {
				w := newWorld(t, sandbox.Faults{RefundTimeout: 1})
				id := move.ready(w)

				replies := w.rush(shared, move.who, "/v1/orders/"+string(id)+"/"+move.verb, move.body(w))

				done := 0
				for _, r := range replies {
					if r.status == 200 {
						done++
						assert.Equal(t, string(move.state), r.state())
						continue
					}
					assert.Equal(t, 409, r.status, "%s", r.raw)
					assert.Equal(t, move.other, r.code)
					assert.Equal(t, string(move.state), r.body["state"], "a true answer names the state now")
				}
				if shared {
					assert.Equal(t, rivals, done, "%v", tally(replies))
				} else {
					assert.Equal(t, 1, done, "%v", tally(replies))
				}
				w.pass(4 * time.Minute)
				w.pass(4 * time.Minute)
				o := w.order(id)
				assert.Equal(t, move.state, o.State)
				assert.Zero(t, o.Reserved.Sign(), "nothing is stuck")
				assert.Equal(t, 1, w.happened(o.Ref(), move.event))
				w.sound()
			})
		})
	}
}

// happened counts events of a type on a subject.
func (w *world) happened(subject platform.Ref, what string) (n int) {
	w.t.Helper()
	page, err := platform.List[platform.Event](w.t.Context(), w.market.DB, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{subject}, Limit: 500})
	require.NoError(w.t, err)
	for _, e := range page.Items {
		if e.Type == what {
			n++
		}
	}
	return n
}
