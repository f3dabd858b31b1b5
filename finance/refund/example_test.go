package refund_test

import (
	"fmt"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/refund"
)

// A refund after the merchant has been paid out: the customer waits for nothing.
func ExampleFacts_Plan() {
	facts := refund.Facts{
		Order: order, Merchant: merchant, Stage: refund.Closed, Captured: yuan("100.00"),
		Lines: []refund.Line{{No: 1, Amount: yuan("100.00"), Fees: []refund.Fee{
			{Component: "commission", Amount: yuan("10.00"), Tax: yuan("0.57"), Back: refund.ProRata},
		}}},
		Payments:  []refund.Payment{{ID: older, Institution: "sandbox", Amount: yuan("100.00"), Captured: true}},
		Available: refund.Available{Payable: yuan("12.00")},
	}

	plan, err := facts.Plan(refund.Request{Amount: yuan("30.00"), Bearer: refund.ByMerchant})

	fmt.Println(plan.Amount, err)
	for _, leg := range plan.Legs {
		fmt.Println(leg.Role, leg.Amount)
	}
	for _, felt := range plan.Explain("en") {
		fmt.Println(felt.Party+":", felt.Text)
	}
	// Output:
	// 30.00 CNY <nil>
	// commission 2.83 CNY
	// output_tax 0.17 CNY
	// payable 12.00 CNY
	// receivable 15.00 CNY
	// refund_due -30.00 CNY
	// customer: the customer gets 30.00 CNY back the way it was paid
	// merchant: 12.00 CNY comes out of what is due to the party
	// merchant: 15.00 CNY is owed to the platform
	// platform: the platform gives 2.83 CNY of its fees back
	// platform: 0.17 CNY of tax on the fees is given back with them
}

// Between the look and the approval another refund took the merchant's money:
// the plan is shown again.
func ExampleFacts_Confirm() {
	facts := refund.Facts{
		Order: order, Merchant: merchant, Stage: refund.Sold, Captured: yuan("100.00"),
		Lines:     []refund.Line{{No: 1, Amount: yuan("100.00")}},
		Payments:  []refund.Payment{{ID: older, Institution: "sandbox", Amount: yuan("100.00"), Captured: true}},
		Available: refund.Available{Earning: yuan("100.00")},
	}
	ask := refund.Request{Bearer: refund.ByMerchant}
	shown, _ := facts.Plan(ask)

	facts.Available.Earning = yuan("40.00")
	_, err := facts.Confirm(ask, shown.Hash)

	fmt.Println(platform.Code(err))
	for _, leg := range platform.Details(err)["plan"].(refund.Plan).Legs {
		fmt.Println(leg.Role, leg.Amount)
	}
	// Output:
	// refund.plan_changed
	// earning 40.00 CNY
	// receivable 60.00 CNY
	// refund_due -100.00 CNY
}
