// Quickstart runs one order from its placing to its close, and prints what
// happened.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/store/memory"
)

func main() {
	ctx, now := context.Background(), time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC)
	m := must(market.Open(memory.New(market.Kinds(), nil), &market.Options{Now: func() time.Time { return now }}))
	cast := must(m.Demo(ctx))
	customer, member, operator := platform.As(ctx, cast.Customer), platform.As(ctx, cast.Staff), platform.As(ctx, cast.Operator)

	o := must(m.Orders.Place(customer, order.Place{Lines: []order.PlaceLine{{Listing: cast.Listing, Quantity: 1}}, Total: cast.Price}))
	fmt.Println("placed:   ", o.State, o.Total)
	must(m.Payments.Pay(platform.WithKey(customer, "pay-1"), payment.Pay{Intent: payment.IntentID(o.Ref(), "full"), Method: "pm_ok"}))
	offer := must(m.Dispatch.DispatchOrder(operator, dispatch.DispatchOrder{Order: o.ID})).Offers[0]
	must(m.Dispatch.Accept(member, dispatch.Accept{Assignment: offer.ID}))
	must(m.Orders.Start(member, order.Start{Order: o.ID}))
	o = must(m.Orders.Deliver(member, order.Deliver{Order: o.ID, Proofs: m.Photo()}))
	fmt.Println("delivered:", o.State, o.Secured, "held")
	o = must(m.Orders.Accept(customer, order.Accept{Order: o.ID}))

	now = now.Add(8 * 24 * time.Hour) // nobody complained
	must(m.Tick(ctx, now, 0))
	o = must(m.Orders.Order(customer, o.ID))
	for _, line := range must(m.Books.TrialBalance(operator))[0].Lines {
		fmt.Printf("%-10s %10s %10s\n", line.Role, line.Debit, line.Credit)
	}
	fmt.Println("closed:   ", o.State, "faults:", len(must(finance.Verify(ctx, m.DB))))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
