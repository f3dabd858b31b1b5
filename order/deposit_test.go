package order_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// deposited is a listing of 100.00 with a deposit of 30 %, the rest due at a moment.
func (h *house) deposited(balance string, change func(map[string]any)) platform.ID {
	return h.list(func(m map[string]any) {
		if m["deposit"], m["balance"] = 30, balance; change != nil {
			change(m)
		}
	})
}

// planned places an order of a listing for a start.
func (h *house) planned(listing platform.ID, start time.Time) order.Order {
	h.t.Helper()
	o, err := h.place(listing, func(in *order.Place) { in.Start, in.TimeZone = start, "Asia/Shanghai" })
	require.NoError(h.t, err)
	return o
}

// E27: an order is confirmed by its deposit; where the policy says so, the work does
// not begin without the rest.
func TestE27ADepositConfirmsAndTheBalanceLetsTheWorkBegin(t *testing.T) {
	t.Parallel()
	for balance, begins := range map[string]bool{"": false, "before_start": false, "on_completion": true} {
		h := open(t, nil)
		o := h.placed(h.deposited(balance, nil))
		assert.Equal(t, cny("30"), o.Deposit)
		assert.Equal(t, cny("100"), o.Asked)
		assert.Equal(t, 2, count(h.events(o.Ref()), "payment.asked"))
		require.NoError(t, h.payFor(o.ID, "deposit", cny("29.99")))
		assert.Equal(t, order.AwaitingPayment, h.read(o.ID).State, "E7: less than due")
		require.NoError(t, h.payFor(o.ID, "deposit", cny("0.01")))
		o = h.read(o.ID)
		assert.Equal(t, order.Confirmed, o.State, balance)
		assert.Equal(t, order.PartlyPaid, o.Payment())

		_, err := h.orders.Start(as(merchant), order.Start{Order: o.ID})
		if begins {
			require.NoError(t, err)
			_, err = h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID})
			require.NoError(t, err)
			o, err = h.orders.Accept(as(customer), order.Accept{Order: o.ID})
			require.NoError(t, err)
			assert.Equal(t, order.Delivered, o.State, "not sold before it is paid")
			require.NoError(t, h.payFor(o.ID, "balance", cny("70")))
			require.Equal(t, 1, h.tick())
			assert.Equal(t, order.Completed, h.read(o.ID).State)
			continue
		}
		assert.Equal(t, "order.not_secured", platform.Code(err))
		assert.Equal(t, cny("70"), platform.Details(err)["lacks"])
		require.NoError(t, h.payFor(o.ID, "balance", cny("69.99")))
		_, err = h.orders.Start(as(merchant), order.Start{Order: o.ID})
		assert.Equal(t, "order.not_secured", platform.Code(err))
		require.NoError(t, h.payFor(o.ID, "balance", cny("0.01")))
		_, err = h.orders.Start(as(merchant), order.Start{Order: o.ID})
		require.NoError(t, err)
		require.ErrorIs(t, h.payFor(o.ID, "balance", cny("0.01")), order.ErrNotPayable)
	}
}

// The rest that does not come a day before the start ends the order, as if its
// customer had cancelled it.
func TestABalanceThatDoesNotComeCancels(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.planned(h.deposited("before_start", func(m map[string]any) { m["confirmation"] = "manual" }), noon.Add(72*time.Hour))
	require.NoError(t, h.payFor(o.ID, "deposit", cny("30")))
	_, err := h.orders.Confirm(as(merchant), order.Confirm{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, noon.Add(48*time.Hour), h.read(o.ID).Due())
	h.clock.pass(48*time.Hour - time.Second)
	require.Zero(t, h.tick())
	h.till.busy.Store(true)
	h.clock.pass(time.Second)
	require.Equal(t, 1, h.tick())
	assert.Equal(t, order.Confirmed, h.read(o.ID).State, "an attempt is under way")

	h.till.busy.Store(false)
	h.clock.pass(2 * time.Minute)
	require.Equal(t, 1, h.tick())

	o = h.read(o.ID)
	assert.Equal(t, order.Cancelled, o.State)
	assert.Equal(t, order.CustomerFault, o.Cancellation.Fault)
	assert.Equal(t, "balance_unpaid", o.Cancellation.Reason)
	all, err := o.Cancellation.Fee.Add(o.Cancellation.Refund)
	require.NoError(t, err)
	assert.Equal(t, cny("30"), all, "out of the deposit")
}

func TestABalanceInTimeLeavesNoDeadline(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.planned(h.deposited("before_start", nil), noon.Add(72*time.Hour))
	require.NoError(t, h.payFor(o.ID, "deposit", cny("30")))
	require.NoError(t, h.payFor(o.ID, "balance", cny("70")))
	assert.True(t, h.read(o.ID).Due().IsZero())
	h.clock.pass(72 * time.Hour)
	require.Zero(t, h.tick())
}

// The deadline of the rest outlives a change of state, and follows the plan.
func TestTheBalanceFollowsThePlan(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.planned(h.deposited("before_start", func(m map[string]any) { m["seats"] = 1 }), noon.Add(72*time.Hour))
	require.NoError(t, h.payFor(o.ID, "deposit", cny("30")))
	require.NoError(t, h.fill(o.ID, 1, member))
	assert.Equal(t, noon.Add(48*time.Hour), h.read(o.ID).Due())
	in := order.ProposeChange{Order: o.ID, Reason: "plans", Start: noon.Add(96 * time.Hour)}
	q, err := h.orders.QuoteChange(as(customer), in)
	require.NoError(t, err)
	in.Hash = q.Hash
	c, err := h.orders.ProposeChange(as(customer), in)
	require.NoError(t, err)
	_, err = h.orders.ApproveChange(as(merchant), order.ApproveChange{Change: c.ID, Hash: c.Hash})
	require.NoError(t, err)
	assert.Equal(t, noon.Add(72*time.Hour), h.read(o.ID).Due())
	assert.Equal(t, 3, count(h.events(o.Ref()), "payment.asked"), "and so does what is asked")

	lines := order.ProposeChange{Order: o.ID, Reason: "plans", Lines: []order.ChangeLine{{Line: 1, Quantity: 2}}}
	_, err = h.orders.QuoteChange(as(customer), lines)
	assert.Equal(t, "order.not_secured", platform.Code(err), "no other price while the old one is asked")
}

// E26: what costs nothing asks for nothing; what cannot be halved is asked at once.
func TestADepositOfHardlyAnything(t *testing.T) {
	t.Parallel()
	for price, want := range map[string]string{"0": "", "0.01": "", "0.02": "0.01", "0.03": "0.01"} {
		h := open(t, nil)
		o := h.placed(h.deposited("", func(m map[string]any) { m["price"] = cny(price) }))
		if want == "" {
			assert.True(t, o.Deposit.Absent(), price)
			assert.Equal(t, price == "0", o.State == order.Confirmed)
			continue
		}
		assert.Equal(t, cny(want), o.Deposit, price)
	}
}
