package refund_test

import (
	"testing"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/refund"
)

// B9: a plan over 20 lines; at most 200 allocations.
func BenchmarkPlan20Lines(b *testing.B) {
	f := sold()
	one := f.Lines[0]
	f.Lines = nil
	for no := range 20 {
		one.No = no + 1
		f.Lines = append(f.Lines, one)
	}
	f.Captured, f.Available.Earning, f.Payments[0].Amount = yuan("2000.00"), yuan("1800.00"), yuan("2000.00")
	ask := refund.Request{Amount: platform.MustMoney("777.77", "CNY"), Bearer: refund.ByMerchant}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Plan(ask); err != nil {
			b.Fatal(err)
		}
	}
}
