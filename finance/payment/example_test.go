package payment_test

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// A payer pays an order; a repeat under the same key is the same attempt.
func ExampleService_Pay() {
	v := newWorld(setup{}) // a store, an institution, and a service on both
	order, err := v.place(platform.MustMoney("100.00", "CNY"))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := platform.WithKey(platform.As(context.Background(), customer), "checkout-1")
	pay := payment.Pay{Intent: payment.IntentID(order.Ref(), payment.Full), Method: sandbox.OK}

	first, err := v.s.Pay(ctx, pay)
	fmt.Println(first.State, first.Received, err)
	again, err := v.s.Pay(ctx, pay)
	fmt.Println(again.ID == first.ID, err)
	_, err = v.s.Pay(platform.WithKey(ctx, "checkout-2"), pay)
	fmt.Println(platform.Code(err))
	// Output:
	// captured 100.00 CNY <nil>
	// true <nil>
	// payment.already_secured
}

// An answer gets lost after the institution took the money. Nothing is charged
// again: the institution is asked, and the attempt turns out captured.
func ExampleService_Tick() {
	v := newWorld(setup{})
	order, err := v.place(platform.MustMoney("100.00", "CNY"))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := platform.As(context.Background(), customer)
	attempt, err := v.s.Pay(ctx, payment.Pay{Intent: payment.IntentID(order.Ref(), payment.Full), Method: sandbox.Timeout})
	fmt.Println(attempt.State, err)

	now := v.clock.Advance(time.Minute)
	fired, err := v.s.Tick(context.Background(), now, 0)
	fmt.Println(fired, err)
	attempt, err = v.s.Attempt(ctx, attempt.ID)
	fmt.Println(attempt.State, err)
	// Output:
	// unknown <nil>
	// 1 <nil>
	// captured <nil>
}

// The institution posts a notice; whoever else posts one is refused.
func ExampleService_Receive() {
	v := newWorld(setup{})
	order, err := v.place(platform.MustMoney("100.00", "CNY"))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := platform.As(context.Background(), customer)
	attempt, err := v.s.Pay(ctx, payment.Pay{Intent: payment.IntentID(order.Ref(), payment.Full), Method: sandbox.RequiresAction})
	fmt.Println(attempt.State, attempt.Action != "", err)

	_ = v.bank.Act(attempt.Key(), true) // the payer goes on at the institution
	for _, letter := range v.bank.Drain() {
		fmt.Println(v.s.Receive(context.Background(), "sandbox", letter.Header, letter.Body))
		err := v.s.Receive(context.Background(), "sandbox", letter.Header, append(letter.Body, ' '))
		fmt.Println(platform.Code(err))
	}
	attempt, err = v.s.Attempt(ctx, attempt.ID)
	fmt.Println(attempt.State, err)
	// Output:
	// requires_action true <nil>
	// <nil>
	// notice.signature
	// <nil>
	// notice.signature
	// captured <nil>
}

// Another domain gives money back in its own set; the service carries it out.
func ExampleAsks_Return() {
	v := newWorld(setup{})
	order, err := v.place(platform.MustMoney("100.00", "CNY"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := v.pay(order, sandbox.OK); err != nil {
		fmt.Println(err)
		return
	}
	refund, err := v.refund(order, platform.MustMoney("30.00", "CNY")) // calls Asks.Return inside its Update
	fmt.Println(err)

	back, err := v.s.Send(platform.As(context.Background(), clerk), payment.Send{Return: refund.ID.As("rtn")})
	fmt.Println(back.State, back.Amount, err)
	_, err = v.refund(order, platform.MustMoney("70.01", "CNY"))
	fmt.Println(platform.Code(err))
	// Output:
	// <nil>
	// succeeded 30.00 CNY <nil>
	// payment.return_exceeds
}

// An institution that stops answering is avoided, and tried again after a while.
func ExampleHealth() {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	var h payment.Health
	for range 10 {
		h = h.Saw(true, 10*time.Second, noon)
	}
	fmt.Println(h.Circuit(noon))
	half := noon.Add(30 * time.Second)
	fmt.Println(h.Circuit(half))
	h, may := h.Try(half)
	fmt.Println(may, h.Saw(false, time.Second, half).Circuit(half))
	// Output:
	// open
	// half_open
	// true closed
}

// The cheapest route that takes the payment comes first.
func ExampleOrdered() {
	routes := []payment.Route{
		{Institution: "card", Rate: decimal.RequireFromString("0.006")},
		{Institution: "wallet", Most: platform.MustMoney("500.00", "CNY"), Rate: decimal.RequireFromString("0.001")},
	}
	fmt.Println(payment.Ordered(routes, platform.MustMoney("100.00", "CNY"), "pm_1"))
	fmt.Println(payment.Ordered(routes, platform.MustMoney("900.00", "CNY"), "pm_1"))
	// Output:
	// [wallet card]
	// [card]
}

// What an order lets parties earn goes to their accounts at the institution, and a
// refund takes it back from there before the payer gets it.
func ExampleSplits() {
	v := newWorld(setup{real: true, split: true}) // payment.Splits stands before the books
	ctx := platform.As(context.Background(), clerk)
	for _, party := range []platform.ID{seller, cleaner} {
		r, err := v.s.Onboard(ctx, payment.Onboard{Party: party, Institution: "sandbox", Country: "CN", Email: "hi@seller.example"})
		fmt.Println(r.State, err)
	}
	order, err := v.place(platform.MustMoney("100.00", "CNY"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = v.pay(order, sandbox.OK)
	fmt.Println(err)
	fmt.Println(v.book("order.completed", order.Ref(),
		platform.Leg{Role: "escrow", Of: order.ID, Amount: yuan("100.00")}, platform.Leg{Role: "earning", Of: order.ID, Party: seller, Amount: yuan("-90.00")},
		platform.Leg{Role: "commission", Amount: yuan("-10.00")}))
	fmt.Println(v.after(time.Minute)) // Tick hands it on

	refund, err := v.approve(order, yuan("50.00")) // 45.00 of it the seller bears
	fmt.Println(err)
	fmt.Println(v.after(time.Minute), v.after(time.Minute))
	back, err := v.s.Return(ctx, refund.ID.As("rtn"))
	fmt.Println(back.State, err)
	has, err := v.bank.Balance("acct_"+string(payment.RecipientID("sandbox", seller)), yuan("0.00").Currency())
	fmt.Println(has, err)
	// Output:
	// ready <nil>
	// ready <nil>
	// <nil>
	// <nil>
	// <nil>
	// <nil>
	// <nil> <nil>
	// succeeded <nil>
	// 45.00 CNY <nil>
}
