package fee_test

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/fee"
	"github.com/liangding/platform/store/memory"
)

func ExampleSchedule_Quote() {
	s := fee.Flat("standard", decimal.RequireFromString("0.1"), platform.HalfEven, "service")
	statement, err := s.Quote(fee.Facts{Lines: []fee.Item{
		{Kind: "service", Amount: platform.MustMoney("99.99", "CNY")},
		{Kind: "freight", Amount: platform.MustMoney("12.00", "CNY")},
	}})
	for _, line := range statement.Explain("en", platform.Merchant) {
		fmt.Println(line)
	}
	fmt.Println(err)
	// Output:
	// Commission, paid by the merchant: 10% × 99.99 CNY of lines 1 by rule kinds of standard-1 comes to 10.00 CNY
	// Commission, paid by the merchant: 0% × 12.00 CNY of lines 2 by rule rest of standard-1 comes to 0.00 CNY
	// <nil>
}

func ExampleService_Publish() {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	db := memory.New(fee.Kinds(), nil)
	fees := fee.New(platform.Writer{Store: db, Now: func() time.Time { return now }}, fee.StoreOn(db), nil, nil)
	operator := func(n uint64) context.Context {
		return platform.As(context.Background(), platform.Actor{ID: platform.NewID("opr", now, 1, n), Kind: platform.Operator})
	}
	cny := platform.MustMoney("0", "CNY").Currency()

	draft, err := fees.Draft(operator(1), fee.Draft{
		Name: "standard", Currency: cny, From: now.AddDate(0, 1, 0),
		Components: []fee.Component{{Name: "commission", Tax: decimal.RequireFromString("0.06"), Rules: []fee.Rule{{ID: "all", Rate: decimal.RequireFromString("0.08")}}}},
	})
	fmt.Println(draft.State, err)
	_, err = fees.Publish(operator(1), fee.Publish{Schedule: draft.ID})
	fmt.Println(platform.Code(err))
	published, err := fees.Publish(operator(2), fee.Publish{Schedule: draft.ID})
	fmt.Println(published.Label(), err)
	// Output:
	// draft <nil>
	// fee.four_eyes
	// standard-2 <nil>
}

func ExampleQuotes() {
	db := memory.New(fee.Kinds(), nil)
	merchant := platform.NewID("mer", time.Unix(0, 0), 1, 1)
	lines := []platform.Leg{{Role: "service", Amount: platform.MustMoney("100.00", "CNY")}}
	doc, checks, err := fee.Quotes{Store: fee.StoreOn(db)}.Quote(context.Background(), merchant, time.Unix(0, 0), lines, nil)
	fmt.Println(len(doc) > 0, len(checks), err)
	// Output: true 0 <nil>
}
