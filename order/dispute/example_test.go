package dispute_test

import (
	"fmt"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order/dispute"
)

// What is not refunded is released: together they are what was held.
func ExampleTerms_Ruling() {
	d := dispute.Dispute{State: dispute.Arbitration, Amount: platform.MustMoney("120.00", "CNY"), Customer: customer.ID, Merchant: merchant.ID}

	r, err := dispute.Terms{}.Ruling(d, dispute.Remedy{Refund: platform.MustMoney("80.00", "CNY"), Fault: "merchant"}, "evidence", noon)
	for _, l := range r.Legs {
		fmt.Println(l.Kind, l.Amount)
	}
	_, err2 := dispute.Terms{}.Ruling(d, dispute.Remedy{Refund: platform.MustMoney("120.01", "CNY")}, "evidence", noon)
	fmt.Println(err, err2)
	// Output:
	// refund 80.00 CNY
	// release 40.00 CNY
	// <nil> refund: refund and release must come to what is held
}
