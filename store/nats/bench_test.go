package nats_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/nats"
)

// BenchmarkPublish is events in hand-overs of a relay's size to brokers that sync
// always, and to such as sync every two minutes; and one event after the other to
// the first. They take turns. ratio is what syncing always leaves of the rate.
func BenchmarkPublish(b *testing.B) {
	b.Run("one", func(b *testing.B) {
		compare(b, func(always bool, o *nats.Options) *nats.Sink {
			s, _ := open(b, settings(b, always)).sink(b, o)
			return s
		})
	})
	b.Run("three", func(b *testing.B) {
		compare(b, func(always bool, o *nats.Options) *nats.Sink {
			s, _ := openCluster(b, func(int) server.Options { return settings(b, always) }).sink(b, o)
			return s
		})
	})
}

func settings(b *testing.B, always bool) server.Options {
	b.Helper()
	o := alone(b.TempDir())
	o.SyncAlways = always
	return o
}

func compare(b *testing.B, sink func(always bool, o *nats.Options) *nats.Sink) {
	b.Helper()
	const batch, rounds = 500, 5
	type arm struct {
		sink  *nats.Sink
		n     int // a round
		sent  int
		rates []float64
	}
	always, lazy := &arm{sink: sink(true, nil), n: 8 * batch}, &arm{sink: sink(false, nil), n: 8 * batch}
	single := &arm{sink: sink(true, &nats.Options{InFlight: 1}), n: batch}
	for b.Loop() {
		for range rounds {
			for _, a := range []*arm{always, lazy, single} {
				from := time.Now()
				for all := range slices.Chunk(eventsFrom(a.sent, a.n), batch) {
					require.NoError(b, a.sink.Publish(b.Context(), all))
				}
				a.sent += a.n
				a.rates = append(a.rates, float64(a.n)/time.Since(from).Seconds())
			}
		}
	}
	for _, a := range []*arm{always, lazy, single} {
		slices.Sort(a.rates)
	}
	median := func(a *arm) float64 { return a.rates[len(a.rates)/2] }
	b.ReportMetric(median(always), "always/s")
	b.ReportMetric(median(lazy), "default/s")
	b.ReportMetric(median(single), "single/s")
	b.ReportMetric(median(always)/median(lazy), "ratio")
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		b.Logf("load average %s", load)
	}
}
