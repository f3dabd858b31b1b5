package market_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/refund"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/sandbox"
)

// basket is two orders of different listings, placed to be paid together.
func (s *shop) basket(change func(*order.PlaceAll)) (order.Checkout, error) {
	s.t.Helper()
	var in order.PlaceAll
	for _, price := range []string{"100", "60"} {
		listing := s.sells(func(c *merchant.Content) { c.Price = platform.MustMoney(price, "CNY") })
		in.Orders = append(in.Orders, order.Place{Lines: []order.PlaceLine{{Listing: listing, Quantity: 1}}, Total: platform.MustMoney(price, "CNY")})
	}
	if change != nil {
		change(&in)
	}
	return s.Orders.PlaceAll(s.as(s.cast.Customer), in)
}

func (s *shop) payAll(c order.Checkout) payment.Attempt {
	s.t.Helper()
	a, err := s.Payments.Pay(s.as(s.cast.Customer), payment.Pay{Intent: payment.IntentID(c.Ref(), payment.Full), Method: sandbox.OK})
	require.NoError(s.t, err)
	return a
}

// One payment confirms all orders; what becomes of one is nothing to the others.
func TestOnePaymentForSeveralOrders(t *testing.T) {
	t.Parallel()
	s := shopAt(t, order.Confirmed)
	c, err := s.basket(nil)
	require.NoError(t, err)
	assert.Equal(t, "160.00 CNY", c.Amount.String())
	s.payAll(c)
	assert.Equal(t, "340.00 CNY", s.taken(), "160.00 besides the shop's own order")
	one, two := s.read(c.Orders[0].Order), s.read(c.Orders[1].Order)
	require.Equal(t, []order.State{order.Confirmed, order.Confirmed}, []order.State{one.State, two.State})
	s.sound()

	plan, err := s.PlanRefund(s.as(s.cast.Operator), market.PlanRefund{Order: two.ID, Request: refund.Request{Amount: platform.MustMoney("60", "CNY")}}, "en")
	require.NoError(t, err)
	assert.Equal(t, "60.00 CNY", planned(plan)["escrow"])
	assert.NotEmpty(t, plan.Steps, "by the payment that paid both")

	_, err = s.Orders.Cancel(s.as(s.cast.Merchant), order.Cancel{Order: one.ID, Reason: "ill"})
	require.NoError(t, err)
	assert.Equal(t, two, s.read(two.ID), "untouched")
	s.pass(time.Minute)
	s.pass(time.Minute)
	assert.Equal(t, "240.00 CNY", s.taken())
	assert.Equal(t, order.Refunded, s.read(one.ID).Payment())
	assert.Equal(t, two, s.read(two.ID))

	_, err = s.Orders.Start(s.as(s.cast.Merchant), order.Start{Order: two.ID})
	require.NoError(t, err)
	_, err = s.Orders.Deliver(s.as(s.cast.Merchant), order.Deliver{Order: two.ID})
	require.NoError(t, err)
	_, err = s.Orders.Accept(s.as(s.cast.Customer), order.Accept{Order: two.ID})
	require.NoError(t, err)
	var crowd sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		crowd.Go(func() {
			_, errs[i] = s.Orders.RequestRefund(s.as(s.cast.Customer), order.RequestRefund{Order: two.ID, Reason: "late"})
		})
	}
	crowd.Wait()
	granted := 0
	for _, err := range errs {
		if err == nil {
			granted++
		}
	}
	assert.Equal(t, 1, granted, "never more than the order's own")
	s.pass(time.Minute)
	s.pass(time.Minute)
	assert.Equal(t, "180.00 CNY", s.taken())
	assert.Equal(t, order.Refunded, s.read(two.ID).Payment())
	s.sound()
}

// All or none at placing: what one order is refused for, none is placed for.
func TestACheckoutPlacesAllOrNone(t *testing.T) {
	t.Parallel()
	s := shopAt(t, order.Confirmed)
	count := func() int {
		page, err := s.Orders.Orders(s.as(s.cast.Customer), order.Query{})
		require.NoError(t, err)
		return len(page.Items)
	}
	before := count()
	for code, change := range map[string]func(*order.PlaceAll){
		"order.price_changed": func(in *order.PlaceAll) { in.Orders[1].Total = platform.MustMoney("59.99", "CNY") },
		"order.checkout":      func(in *order.PlaceAll) { in.Orders = in.Orders[:1] },
		"order.not_combinable": func(in *order.PlaceAll) {
			in.Orders[1].Lines[0].Listing = s.sells(func(c *merchant.Content) { c.Price, c.Capture = platform.MustMoney("60", "CNY"), "on_start" })
		},
	} {
		_, err := s.basket(change)
		require.Error(t, err, code)
		assert.Equal(t, before, count(), code)
	}
	assert.Equal(t, "180.00 CNY", s.taken())
}

// An order that is cancelled before it is paid leaves the others to be paid alone;
// what is not paid in time expires with all of them, and a payment of a part is none.
func TestACheckoutShrinksAndExpires(t *testing.T) {
	t.Parallel()
	s := shopAt(t, order.Confirmed)
	c, err := s.basket(nil)
	require.NoError(t, err)
	_, err = s.Orders.Cancel(s.as(s.cast.Customer), order.Cancel{Order: c.Orders[0].Order, Reason: "plans"})
	require.NoError(t, err)
	s.payAll(c)
	assert.Equal(t, "240.00 CNY", s.taken())
	assert.Equal(t, order.Confirmed, s.read(c.Orders[1].Order).State)

	c, err = s.basket(nil)
	require.NoError(t, err)
	_, err = s.Payments.Pay(s.as(s.cast.Customer), payment.Pay{Intent: payment.IntentID(c.Ref(), payment.Full), Amount: platform.MustMoney("100", "CNY"), Method: sandbox.OK})
	require.NoError(t, err)
	s.pass(time.Minute)
	s.pass(time.Minute)
	assert.Equal(t, "240.00 CNY", s.taken(), "surplus, given back")
	s.pass(16 * time.Minute)
	s.pass(time.Minute)
	for _, b := range c.Orders {
		assert.Equal(t, order.Expired, s.read(b.Order).State)
	}
	c, err = s.Orders.Checkout(s.as(s.cast.Customer), c.ID)
	require.NoError(t, err)
	assert.Equal(t, order.CheckoutOver, c.State)
	s.sound()
}
