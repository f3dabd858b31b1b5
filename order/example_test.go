package order_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// demo is the test's own marketplace: see open for the wiring.
func demo() *house { return open(&testing.T{}, nil) }

// One order from placing to closing.
func Example() {
	h := demo()
	listing := h.list(nil)
	ask := order.Place{Lines: []order.PlaceLine{{Listing: listing, Quantity: 2}}}

	quote, _ := h.orders.Quote(as(customer), ask)
	ask.Total = quote.Total // the customer agrees to what it saw
	o, _ := h.orders.Place(platform.WithKey(as(customer), "basket-17"), ask)
	fmt.Println(o.State, o.Total)

	_ = h.pay(o.ID, o.Total) // the payments call Payable.Secured
	_, _ = h.orders.Start(as(merchant), order.Start{Order: o.ID})
	_, _ = h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID})
	o, _ = h.orders.Accept(as(customer), order.Accept{Order: o.ID})
	fmt.Println(o.State, "merchant", o.Earned)

	now := h.clock.pass(7 * 24 * time.Hour)
	fired, _ := h.orders.Tick(as(operator), now, 0)
	o, _ = h.orders.Order(as(customer), o.ID)
	fmt.Println(o.State, fired)
	// Output:
	// awaiting_payment 200.00 CNY
	// completed merchant 180.00 CNY
	// closed 1
}

// A cancellation is priced first; the customer agrees to a fee and never pays a
// higher one.
func ExampleService_QuoteCancel() {
	h := demo()
	o := h.confirmed(h.list(nil))

	quote, _ := h.orders.QuoteCancel(as(customer), order.Cancel{Order: o.ID})
	fmt.Println(quote.Row, "fee", quote.Fee, "refund", quote.Refund)

	_, _ = h.orders.Start(as(merchant), order.Start{Order: o.ID}) // meanwhile the work begins
	_, err := h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: quote.Fee, Reason: "changed_mind"})
	if errors.Is(err, order.ErrCancelFeeChanged) {
		fmt.Println("now", platform.Details(err)["quote"].(order.CancelQuote).Fee)
	}
	// Output:
	// K3c fee 30.00 CNY refund 70.00 CNY
	// now 50.00 CNY
}

// A refund takes from the merchant and the platform what each had of the price.
func ExampleService_RequestRefund() {
	h := demo()
	o := h.completed(h.list(nil))

	r, _ := h.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Amount: cny("33.33"), Reason: "late"})
	fmt.Println(r.State, "of which commission", r.Shares[0].Fee)

	_ = h.tell(r.ID, "succeeded") // the payments call Payable.Returned
	o, _ = h.orders.Order(as(customer), o.ID)
	fmt.Println(o.Payment(), "left", o.Refundable())
	// Output:
	// approved of which commission 3.33 CNY
	// partly_refunded left 66.67 CNY
}

// What an interface offers is what the order allows.
func ExampleOrder_Allowed() {
	h := demo()
	o := h.delivered(h.list(nil))

	fmt.Println(o.Allowed(customer, noon))
	fmt.Println(o.Allowed(merchant, noon))
	fmt.Println(o.Allowed(stranger, noon))
	// Output:
	// [accept rework tip refund]
	// [refund]
	// []
}
