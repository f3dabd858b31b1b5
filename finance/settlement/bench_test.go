package settlement_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/store/sandbox"
)

// BenchmarkCut cuts a statement of 2,000 entries: pages of 500, of which the sums
// alone are kept.
func BenchmarkCut(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		v := newWorld(setup{terms: settlement.Terms{Cycles: map[string]settlement.Cycle{"mer": settlement.Daily}}})
		v.account(b, merchant, sandbox.OK)
		for range 2000 {
			_, err := v.post("reward.granted", "chg", leg("reward", "", "", yuan("1.00")), leg("payable", merchant.ID, "", yuan("-1.00")))
			require.NoError(b, err)
		}
		v.clock.Advance(24 * time.Hour)
		b.StartTimer()
		require.NoError(b, v.after(0))
	}
}

// BenchmarkPlan plans a run of 200 parties.
func BenchmarkPlan(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		v := newWorld(setup{})
		crowd(b, v, 200, "100.00")
		v.confirmed(b)
		b.StartTimer()
		require.EqualValues(b, 200, v.run(b, "r1").Count)
	}
}
