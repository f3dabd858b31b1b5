package market_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/memory"
)

// A marketplace that runs on another system moves in: first dry, then for good,
// and its orders go on here.
func ExampleMarket_TakeOver() {
	now := time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC)
	m, _ := market.Open(memory.New(market.Kinds(), nil), &market.Options{Now: func() time.Time { return now }})
	cast, _ := m.Demo(context.Background())
	operator := platform.As(context.Background(), cast.Operator)
	file := strings.NewReplacer("CUSTOMER", string(cast.Customer.ID), "MERCHANT", string(cast.Merchant.ID)).Replace(`{
		"source": "oldshop", "reason": "go_live", "at": "2030-03-01T08:00:00Z",
		"accounts": [
			{"account": "clearing:sandbox", "amount": {"amount": "280.00", "currency": "CNY"}, "reference": "psp"},
			{"account": "payable:MERCHANT", "amount": {"amount": "90.00", "currency": "CNY"}, "reference": "wallet/7"}
		],
		"orders": [{
			"reference": "4711", "state": "delivered", "customer": "CUSTOMER", "merchant": "MERCHANT",
			"lines": [{"title": "Window cleaning", "quantity": 1, "price": {"amount": "180.00", "currency": "CNY"}, "fee": {"amount": "18.00", "currency": "CNY"}}],
			"total": {"amount": "180.00", "currency": "CNY"},
			"payments": [{"institution": "sandbox", "reference": "ch_9", "amount": {"amount": "180.00", "currency": "CNY"}, "at": "2030-02-25T10:00:00Z"}],
			"terms": {"confirmation": "auto", "acceptance": "customer"},
			"placed_at": "2030-02-25T10:00:00Z", "confirmed_at": "2030-02-25T10:00:00Z", "started_at": "2030-02-26T08:00:00Z", "delivered_at": "2030-02-26T09:00:00Z"
		}],
		"opening": [{"amount": "10.00", "currency": "CNY"}]
	}`)
	in, _ := market.ReadTakeover(strings.NewReader(file))

	would, err := m.TakeOver(operator, in, true)
	fmt.Println("would write", would.Count(market.Written), "of", len(would.Rows), err)
	_, err = m.TakeOver(operator, in, false)
	again, _ := m.TakeOver(operator, in, false)
	fmt.Println("written, and again", again.Count(market.Written), err)

	_, _ = m.Tick(operator, now, 0) // the customer had 72 hours to accept
	o, _ := m.Orders.Order(operator, order.TakenID("oldshop", "4711"))
	fmt.Println(o.State, "the merchant earned", o.Earned)
	faults, _ := m.VerifyBooks(operator)
	fmt.Println("faults", len(faults))
	// Output:
	// would write 3 of 3 <nil>
	// written, and again 0 <nil>
	// completed the merchant earned 162.00 CNY
	// faults 0
}
