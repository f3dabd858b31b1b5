package insight

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// BenchmarkPublish folds the events of new orders, a lot at a time.
func BenchmarkPublish(b *testing.B) {
	s, _ := open(b, Terms{}, Ports{})
	n := 0
	for b.Loop() {
		var events []platform.Event
		for range lot / 5 {
			events = append(events, sold(n, noon, 1000).events...)
			n++
		}
		require.NoError(b, s.Publish(as(operator), events))
	}
	b.ReportMetric(float64(n*5)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkReport measures everything over two thousand orders.
func BenchmarkReport(b *testing.B) {
	s, _ := open(b, Terms{}, Ports{})
	for n := range 2000 {
		require.NoError(b, s.Publish(as(operator), sold(n, noon, int64(n)).events))
	}
	for b.Loop() {
		report(b, s, march)
	}
}

// BenchmarkMedian is the bootstrap of a hundred thousand observations.
func BenchmarkMedian(b *testing.B) {
	values := make([]int64, 100_000)
	d := draws(7)
	for i := range values {
		values[i] = int64(d.next(1_000_000))
	}
	for b.Loop() {
		quantile(50, slices.Clone(values))
	}
}
