package market_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/sandbox"
)

var _ order.Holds = payment.Asks{}

// sells puts a service on the shop's shelf that its merchant does by itself.
func (s *shop) sells(change func(*merchant.Content)) platform.ID {
	s.t.Helper()
	l, err := s.Merchants.Listing(s.as(s.cast.Merchant), s.cast.Listing)
	require.NoError(s.t, err)
	content := l.Shown
	content.Seats, content.Need, content.Proof = 0, nil, nil
	change(&content)
	r, err := s.Merchants.NewDraft(s.as(s.cast.Merchant), merchant.NewDraft{Content: &content})
	require.NoError(s.t, err)
	_, err = s.Merchants.SubmitDraft(s.as(s.cast.Merchant), merchant.SubmitDraft{Revision: r.ID})
	require.NoError(s.t, err)
	_, err = s.Merchants.ApproveRevision(s.as(s.cast.Operator), merchant.ApproveRevision{Revision: r.ID})
	require.NoError(s.t, err)
	return r.Listing
}

// buys places an order of a listing, and pays what is asked for the purposes.
func (s *shop) buys(listing platform.ID, purposes ...payment.Purpose) order.Order {
	s.t.Helper()
	in := order.Place{Lines: []order.PlaceLine{{Listing: listing, Quantity: 1}}}
	q, err := s.Orders.Quote(s.as(s.cast.Customer), in)
	require.NoError(s.t, err)
	in.Total = q.Total
	o, err := s.Orders.Place(s.as(s.cast.Customer), in)
	require.NoError(s.t, err)
	for _, purpose := range purposes {
		_, err = s.Payments.Pay(s.as(s.cast.Customer), payment.Pay{Intent: payment.IntentID(o.Ref(), purpose), Method: sandbox.OK})
		require.NoError(s.t, err)
	}
	return s.read(o.ID)
}

func (s *shop) read(id platform.ID) order.Order {
	s.t.Helper()
	o, err := s.Orders.Order(s.as(s.cast.Operator), id)
	require.NoError(s.t, err)
	return o
}

// taken is what the institution has taken in all, less what it gave back.
func (s *shop) taken() string {
	s.t.Helper()
	sum, err := s.Sandbox.Totals(s.cast.Price.Currency())
	require.NoError(s.t, err)
	left, err := sum.Charged.Sub(sum.Refunded)
	require.NoError(s.t, err)
	return left.String()
}

// Orders run through the real payments and books, whenever their money is taken.
func TestCaptureModesEndToEnd(t *testing.T) {
	t.Parallel()
	for mode, at := range map[string][3]string{
		"on_place": {"180.00 CNY", "180.00 CNY", "180.00 CNY"}, "on_start": {"0.00 CNY", "180.00 CNY", "180.00 CNY"}, "on_completion": {"0.00 CNY", "0.00 CNY", "180.00 CNY"},
	} {
		s := shopAt(t, order.Confirmed)
		was := s.taken()
		require.Equal(t, "180.00 CNY", was, "the shop's own order")
		_, err := s.Orders.Cancel(s.as(s.cast.Merchant), order.Cancel{Order: s.order.ID, Reason: "none_of_it"})
		require.NoError(t, err)
		s.pass(time.Minute)
		o := s.buys(s.sells(func(c *merchant.Content) { c.Capture = mode }), payment.Full)
		require.Equal(t, order.Confirmed, o.State, mode)
		assert.Equal(t, at[0], s.taken(), mode)

		_, err = s.Orders.Start(s.as(s.cast.Merchant), order.Start{Order: o.ID})
		require.NoError(t, err)
		s.pass(time.Minute)
		assert.Equal(t, at[1], s.taken(), mode)
		_, err = s.Orders.Deliver(s.as(s.cast.Merchant), order.Deliver{Order: o.ID})
		require.NoError(t, err)
		_, err = s.Orders.Accept(s.as(s.cast.Customer), order.Accept{Order: o.ID})
		require.NoError(t, err)
		s.pass(time.Minute)

		assert.Equal(t, at[2], s.taken(), mode)
		assert.Equal(t, order.Completed, s.read(o.ID).State, mode)
		s.sound()
		s.pass(8 * 24 * time.Hour)
		assert.Equal(t, order.Closed, s.read(o.ID).State, mode)
		s.sound()
	}
}

// A cancellation with a fee takes the fee of what is held, and nothing else.
func TestACancellationOfHeldMoneyEndToEnd(t *testing.T) {
	t.Parallel()
	s := shopAt(t, order.Confirmed)
	o := s.buys(s.sells(func(c *merchant.Content) { c.Capture = "on_completion" }), payment.Full)
	_, err := s.Orders.Start(s.as(s.cast.Merchant), order.Start{Order: o.ID})
	require.NoError(t, err)
	q, err := s.Orders.QuoteCancel(s.as(s.cast.Customer), order.Cancel{Order: o.ID})
	require.NoError(t, err)
	require.Positive(t, q.Fee.Sign())
	require.Positive(t, q.Refund.Sign())
	o, err = s.Orders.Cancel(s.as(s.cast.Customer), order.Cancel{Order: o.ID, Reason: "plans", MaxFee: q.Fee})
	require.NoError(t, err)
	s.pass(time.Minute)

	o = s.read(o.ID)
	assert.Equal(t, q.Fee, o.Captured)
	assert.Zero(t, o.Cancellation.Awaits.Sign())
	sum, err := s.Sandbox.Totals(s.cast.Price.Currency())
	require.NoError(t, err)
	assert.Zero(t, sum.Refunded.Sign(), "void and refund never both")
	s.sound()
	s.pass(8 * 24 * time.Hour)
	assert.Zero(t, s.read(o.ID).Earned.Sign())
	s.sound()
}

// E11 with refunds and a change before the capture; the rest of the money never
// leaves its payer.
func TestAReducedOrderIsTakenInPartEndToEnd(t *testing.T) {
	t.Parallel()
	s := shopAt(t, order.Confirmed)
	o := s.buys(s.sells(func(c *merchant.Content) { c.Capture = "on_start" }), payment.Full)
	in := order.ProposeChange{Order: o.ID, Reason: "plans", Lines: []order.ChangeLine{{Line: 1, Quantity: 1, Price: platform.MustMoney("150", "CNY")}}}
	p, err := s.Orders.QuoteChange(s.as(s.cast.Customer), in)
	require.NoError(t, err)
	in.Hash = p.Hash
	c, err := s.Orders.ProposeChange(s.as(s.cast.Customer), in)
	require.NoError(t, err)
	_, err = s.Orders.ApproveChange(s.as(s.cast.Merchant), order.ApproveChange{Change: c.ID, Hash: c.Hash})
	require.NoError(t, err)
	r, err := s.Orders.RequestRefund(s.as(s.cast.Customer), order.RequestRefund{Order: o.ID, Amount: platform.MustMoney("50", "CNY"), Reason: "late"})
	require.NoError(t, err)
	_, err = s.Orders.ApproveRefund(s.as(s.cast.Merchant), order.ApproveRefund{Refund: r.ID})
	require.NoError(t, err)
	before := s.taken()
	s.pass(6*24*time.Hour + time.Minute) // the authorisation is about to lapse
	assert.Equal(t, "180.00 CNY", before)
	assert.Equal(t, "280.00 CNY", s.taken(), "100.00 of 180.00")

	_, err = s.Orders.Start(s.as(s.cast.Merchant), order.Start{Order: o.ID})
	require.NoError(t, err)
	_, err = s.Orders.Deliver(s.as(s.cast.Merchant), order.Deliver{Order: o.ID})
	require.NoError(t, err)
	o, err = s.Orders.Accept(s.as(s.cast.Customer), order.Accept{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, order.Completed, o.State)
	s.sound()
}

// E27 through the real payments: a deposit that is taken at once, and a balance that
// is held until the work begins.
func TestE27DepositAndHeldBalanceEndToEnd(t *testing.T) {
	t.Parallel()
	s := shopAt(t, order.Confirmed)
	o := s.buys(s.sells(func(c *merchant.Content) { c.Capture, c.Deposit = "on_start", 25 }), payment.Deposit)
	require.Equal(t, order.Confirmed, o.State)
	assert.Equal(t, "225.00 CNY", s.taken(), "45.00 besides the shop's own order")
	_, err := s.Orders.Start(s.as(s.cast.Merchant), order.Start{Order: o.ID})
	assert.Equal(t, "order.not_secured", platform.Code(err))
	_, err = s.Payments.Pay(s.as(s.cast.Customer), payment.Pay{Intent: payment.IntentID(o.Ref(), payment.Balance), Method: sandbox.OK})
	require.NoError(t, err)
	assert.Equal(t, "225.00 CNY", s.taken(), "held")
	_, err = s.Orders.Start(s.as(s.cast.Merchant), order.Start{Order: o.ID})
	require.NoError(t, err)
	s.pass(time.Minute)
	assert.Equal(t, "360.00 CNY", s.taken())
	_, err = s.Orders.Deliver(s.as(s.cast.Merchant), order.Deliver{Order: o.ID})
	require.NoError(t, err)
	o, err = s.Orders.Accept(s.as(s.cast.Customer), order.Accept{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, order.Completed, o.State)

	r, err := s.Orders.RequestRefund(s.as(s.cast.Customer), order.RequestRefund{Order: o.ID, Reason: "late"})
	require.NoError(t, err)
	s.pass(time.Minute)
	s.pass(time.Minute)
	assert.Equal(t, order.Refunded, s.read(r.Order).Payment(), "both payments, in reverse order")
	assert.Equal(t, "180.00 CNY", s.taken())
	s.sound()
}
