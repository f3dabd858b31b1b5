package order_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

func TestCancellingBeforePaymentIsFree(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.placed(h.list(nil))
	h.till.busy.Store(true)
	_, err := h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, Reason: "changed_mind"})
	assert.Equal(t, "payment.attempt_active", platform.Code(err), "the institution's word comes first")
	h.till.busy.Store(false)

	o, err = h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, Reason: "changed_mind"})

	require.NoError(t, err)
	assert.Equal(t, order.Cancelled, o.State)
	assert.Equal(t, "K1", o.Cancellation.Row)
	assert.True(t, o.Due().IsZero())
	assert.Empty(t, h.refunds(o.ID))
}

func TestCancellingSplitsTheMoneyOnce(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(nil)) // on demand: K3c, 30 %
	q, err := h.orders.QuoteCancel(as(customer), order.Cancel{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, "K3c", q.Row)
	assert.Equal(t, cny("30"), q.Fee)
	assert.Equal(t, cny("70"), q.Refund)
	assert.Equal(t, noon.Add(5*time.Minute), q.Until)
	assert.Equal(t, o, h.read(o.ID), "a quote changes nothing")

	_, err = h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("29.99"), Reason: "changed_mind"})
	require.ErrorIs(t, err, order.ErrCancelFeeChanged)
	shown, ok := platform.Details(err)["quote"].(order.CancelQuote)
	require.True(t, ok)
	assert.Equal(t, q.Fee, shown.Fee)
	assert.Equal(t, o, h.read(o.ID))
	_, err = h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: platform.MustMoney("99", "USD"), Reason: "changed_mind"})
	assert.Equal(t, "money.currency_mixed", platform.Code(err))

	o, err = h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: q.Fee, Reason: "changed_mind"})
	require.NoError(t, err)
	assert.Equal(t, &order.Cancellation{Row: "K3c", Fault: order.CustomerFault, Fee: cny("30"), Refund: cny("70"), Reason: "changed_mind"}, o.Cancellation)
	assert.NotContains(t, types(h.events(o.Ref())), "payment.cancelled", "what is paid is given back, not taken back")
	assert.Equal(t, "0.00", h.balance("escrow", o.ID, ""))
	assert.Equal(t, "27.00", h.balance("earning", o.ID, o.Merchant))
	assert.Equal(t, "3.00", h.balance("cancel_fee", "", ""))
	assert.Equal(t, "70.00", h.balance("refund_due", o.ID, ""))
	assert.Equal(t, cny("0"), o.Refundable())
	_, err = h.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Reason: "please"})
	require.ErrorIs(t, err, order.ErrRefundExceeds, "the fee is kept")

	require.NoError(t, h.tell(h.refunds(o.ID)[0].ID, "succeeded"))
	h.clock.pass(7 * 24 * time.Hour)
	assert.Equal(t, 1, h.tick(), "the merchant's part is released")
	o = h.read(o.ID)
	assert.Equal(t, order.Cancelled, o.State, "an end is never left")
	assert.True(t, o.Due().IsZero())
	assert.Equal(t, "27.00", h.balance("payable", "", o.Merchant))
}

func TestWhoseFaultItIsDecidesWhoPays(t *testing.T) {
	t.Parallel()
	acting := operator
	acting.OnBehalf = customer.ID
	for name, c := range map[string]struct {
		who   platform.Actor
		fault order.Fault
		row   string
		fee   string
		code  string
	}{
		"the merchant":                   {merchant, "", "K7b", "0", ""},
		"an operator, without a word":    {operator, "", "K9", "0", ""},
		"an operator for the customer":   {acting, order.CustomerFault, "K3c", "30", ""},
		"the system":                     {platform.SystemActor("dispatch"), "", "K9", "0", ""},
		"the customer blames":            {customer, order.MerchantFault, "", "", "order.actor_not_allowed"},
		"the merchant blames":            {merchant, order.CustomerFault, "", "", "order.actor_not_allowed"},
		"a member":                       {member, "", "", "", "order.not_found"},
		"an auditor":                     {auditor, "", "", "", "order.actor_not_allowed"},
		"another customer sees no order": {stranger, "", "", "", "order.not_found"},
	} {
		h := open(t, nil)
		o := h.confirmed(h.list(nil))
		o, err := h.orders.Cancel(as(c.who), order.Cancel{Order: o.ID, Fault: c.fault, MaxFee: cny("100"), Reason: "x"})
		if c.code != "" {
			assert.Equal(t, c.code, platform.Code(err), name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, c.row, o.Cancellation.Row, name)
		assert.Equal(t, cny(c.fee), o.Cancellation.Fee, name)
	}
}

func TestCancellingReleasesTheStaff(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(func(m map[string]any) { m["seats"] = 1 }))
	require.NoError(t, h.fill(o.ID, 1, member))

	o, err := h.orders.Cancel(as(merchant), order.Cancel{Order: o.ID, Reason: "ill"})

	require.NoError(t, err)
	assert.Contains(t, types(h.events(o.Ref())), "assignment.released")
	assert.Equal(t, []order.Seat{{No: 1}}, o.Seats)
}

func TestWorkThatWasDoneIsPaidFor(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(nil))
	_, err := h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(t, err)
	in := order.Cancel{Order: o.ID, Fault: order.CustomerFault, Done: 80, MaxFee: cny("80"), Reason: "moved"}

	_, err = h.orders.Cancel(as(customer), in)
	assert.Equal(t, "order.actor_not_allowed", platform.Code(err), "the customer does not say how much was done")
	in.Done = 101
	_, err = h.orders.Cancel(as(operator), in)
	assert.Equal(t, "order.done", platform.Code(err))
	in.Done = 80
	o, err = h.orders.Cancel(as(operator), in)
	require.NoError(t, err)

	assert.Equal(t, "K5", o.Cancellation.Row)
	assert.Equal(t, "72.00", h.balance("earning", o.ID, o.Merchant), "split as the price would have been")
	assert.Equal(t, "8.00", h.balance("cancel_fee", "", ""))
	assert.Equal(t, "20.00", h.balance("refund_due", o.ID, ""))
}

func TestWhatIsDeliveredOnlyAnOperatorCancels(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.delivered(h.list(nil))
	for _, who := range []platform.Actor{customer, merchant} {
		_, err := h.orders.Cancel(as(who), order.Cancel{Order: o.ID, MaxFee: cny("100"), Reason: "x"})
		assert.Equal(t, "order.not_cancellable", platform.Code(err))
	}
	_, err := h.orders.Cancel(as(operator), order.Cancel{Order: o.ID, Reason: "outage"})
	require.NoError(t, err)

	o = h.completed(h.list(nil))
	_, err = h.orders.Cancel(as(operator), order.Cancel{Order: o.ID, Reason: "outage"})
	assert.Equal(t, "order.not_cancellable", platform.Code(err))
	assert.Equal(t, "completed", platform.Details(err)["state"])
}

// A refund that was asked for before the cancellation stands on its own: what is
// freed of it later can be asked for again, and never strands.
func TestARefundUnderWayOutlivesTheCancellation(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(nil))
	r, err := h.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Amount: cny("20"), Reason: "late"})
	require.NoError(t, err)
	assert.Equal(t, order.RefundRequested, r.State, "before the work a refund cannot stand in for a cancellation")
	o, err = h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("24"), Reason: "x"})
	require.NoError(t, err)
	assert.Equal(t, cny("24"), o.Cancellation.Fee, "thirty of a hundred less twenty")
	assert.Equal(t, "20.00", h.balance("escrow", o.ID, ""))

	_, err = h.orders.RejectRefund(as(merchant), order.RejectRefund{Refund: r.ID, Reason: "no_grounds"})
	require.NoError(t, err)
	r, err = h.orders.RequestRefund(as(operator), order.RequestRefund{Order: o.ID, Reason: "left_over"})
	require.NoError(t, err)
	assert.Equal(t, cny("20"), r.Amount)
	_, err = h.orders.ApproveRefund(as(second), order.ApproveRefund{Refund: r.ID})
	require.NoError(t, err)
	assert.Equal(t, "0.00", h.balance("escrow", o.ID, ""))
}

func TestAPolicyThatIsNoLongerKnownIsNotGuessed(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(nil))
	next := order.StandardPolicy()
	next.Version = 2
	h.orders = order.New(h.w, h.store, h.ports, &order.Options{Policies: []order.Policy{next}})
	_, err := h.orders.QuoteCancel(as(customer), order.Cancel{Order: o.ID})
	assert.Equal(t, "policy.unknown", platform.Code(err))

	h.orders = order.New(h.w, h.store, h.ports, &order.Options{Policies: []order.Policy{order.StandardPolicy(), next}})
	_, err = h.orders.QuoteCancel(as(customer), order.Cancel{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, 2, h.placed(h.list(nil)).PolicyVersion, "new orders pin the newest")
	assert.Equal(t, 1, o.PolicyVersion)
}

func TestACancellationKeepsItsMoment(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(nil))
	o, err := h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("30"), Reason: "x"})
	require.NoError(t, err)
	require.NoError(t, h.tell(h.refunds(o.ID)[0].ID, "succeeded"))
	h.clock.pass(7 * 24 * time.Hour)
	require.Equal(t, 1, h.tick())
	assert.Equal(t, o.EndedAt, h.read(o.ID).EndedAt)
}

func TestWithoutADispatchNobodyIsReleased(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(func(m map[string]any) { m["seats"] = 1 }))
	h.ports.Staffing = nil
	h.orders = order.New(h.w, h.store, h.ports, nil)
	_, err := h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("30"), Reason: "x"})
	assert.Equal(t, "order.staffing_missing", platform.Code(err))
}

func TestACancellationNamesItsWrongFields(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(nil))
	for name, c := range map[string]struct {
		in    order.Cancel
		field string
		code  string
	}{
		"whose fault":       {order.Cancel{Fault: "moon"}, "fault", "field.oneof"},
		"more than all":     {order.Cancel{Done: 101}, "done", "order.done"},
		"less than nothing": {order.Cancel{Done: -1}, "done", "order.done"},
	} {
		c.in.Order, c.in.Reason = o.ID, "x"
		_, quoted := h.orders.QuoteCancel(as(operator), c.in)
		_, cancelled := h.orders.Cancel(as(operator), c.in)
		for _, err := range []error{quoted, cancelled} {
			var fields platform.FieldErrors
			require.ErrorAs(t, err, &fields, name)
			assert.Equal(t, c.field, fields[0].Path, name)
			assert.Equal(t, c.code, fields[0].Code, name)
		}
	}
	_, err := h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("-0.01"), Reason: "x"})
	assert.Equal(t, "order.amount_not_positive", platform.Code(err))
	require.ErrorIs(t, err, platform.ErrInvalid)
}
