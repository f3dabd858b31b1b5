package insight_test

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order/insight"
	"github.com/liangding/platform/store/memory"
)

// What a rate of few observations says, and what it does not.
func ExampleWilson() {
	for _, of := range [][2]int64{{1, 10}, {10, 100}, {100, 1000}} {
		bounds := insight.Wilson(of[0], of[1])
		fmt.Printf("%d of %d: %.3f to %.3f\n", of[0], of[1], bounds.Low, bounds.High)
	}
	// Output:
	// 1 of 10: 0.018 to 0.404
	// 10 of 100: 0.055 to 0.174
	// 100 of 1000: 0.083 to 0.120
}

// A service over a store; the relay's sinks include it, and a ticker reads back
// what was there before.
func ExampleService_Report() {
	db := memory.New(insight.Kinds(), nil)
	ctx := platform.As(context.Background(), platform.SystemActor("clock"))
	s := insight.New(platform.Writer{Store: db}, insight.StoreOn(db), insight.Ports{}, &insight.Terms{Least: 1})

	placed := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for n := range uint64(3) {
		of := platform.Ref{Kind: "order", ID: platform.NewID("ord", placed, 7, n)}
		for i, what := range []string{"order.placed", "order.confirmed", "order.cancelled"}[:2+n/2] {
			err := s.Publish(ctx, []platform.Event{{
				ID: platform.NewID("evt", placed, 7, 10*n+uint64(i)), Type: what, Subject: of, At: placed, Data: []byte(`{"fault":"customer"}`),
			}})
			if err != nil {
				fmt.Println(err)
			}
		}
	}

	march, err := s.Window("2026-03-01", "2026-04-01")
	if err != nil {
		fmt.Println(err)
	}
	report, err := s.Report(ctx, march, "placed", "cancellation_rate")
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range report.Figures {
		fmt.Println(f.Name, f.Numerator, "of", f.Denominator)
	}
	// Output:
	// placed 3 of 1
	// cancellation_rate 1 of 3
}
