package sandbox_test

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// An institution whose answer gets lost has the money all the same.
func Example() {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	institution := sandbox.New(&sandbox.Options{Now: func() time.Time { return now }})
	ctx := context.Background()

	_, err := institution.Charge(ctx, payment.Charge{Key: "att_1", Amount: platform.MustMoney("100.00", "CNY"), Method: sandbox.Timeout})
	fmt.Println(platform.Code(err))

	now = now.Add(time.Minute)
	status, err := institution.Lookup(ctx, "att_1")
	fmt.Println(status.Outcome, status.Amount, err)
	for _, letter := range institution.Drain() {
		notices, err := institution.Notices(ctx, letter.Header, letter.Body)
		fmt.Println(notices[0].Status.Outcome, err)
	}
	// Output:
	// payment.unknown_outcome
	// done 100.00 CNY <nil>
	// done <nil>
}
