package platform_test

import (
	"fmt"

	"github.com/liangding/platform"
	"github.com/shopspring/decimal"
)

// Three members of a crew share a tip: nothing is lost, nothing is made.
func ExampleMoney_Allocate() {
	tip := platform.MustMoney("100.00", "CNY")

	parts, err := tip.Allocate(1, 1, 1)

	fmt.Println(parts, err)
	// Output: [33.34 CNY 33.33 CNY 33.33 CNY] <nil>
}

// A commission is rounded once; the merchant's share is what remains.
func ExampleMoney_MulRate() {
	price := platform.MustMoney("33.33", "CNY")

	commission, err := price.MulRate(decimal.RequireFromString("0.088"), platform.HalfEven)
	if err != nil {
		fmt.Println(err)
		return
	}
	share, err := price.Sub(commission)

	fmt.Println(commission, share, err)
	// Output: 2.93 CNY 30.40 CNY <nil>
}
