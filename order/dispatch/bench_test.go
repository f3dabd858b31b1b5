package dispatch

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/staff"
)

// counted is a store that counts the trips to it.
type counted struct {
	platform.DB
	trips atomic.Int64
}

func (c *counted) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	c.trips.Add(1)
	return c.DB.Get(ctx, refs...)
}

func (c *counted) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	c.trips.Add(1)
	return c.DB.Scan(ctx, q)
}

// counting makes all that dispatch reads pass a counter.
func (w *world) counting() *counted {
	c := &counted{DB: w.db}
	w.store = StoreOn(c)
	w.ports = Ports{Members: staff.Members{Store: staff.StoreOn(c)}, Orders: errands{c}}
	return c
}

// BenchmarkRound dispatches one order in a zone of 1,000 members on duty.
func BenchmarkRound(b *testing.B) {
	w := newWorld(b)
	for range 1000 {
		w.member(&station)
	}
	c := w.counting()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		order := w.order()
		b.StartTimer()
		w.offers(order)
	}
	b.ReportMetric(float64(c.trips.Load())/float64(b.N), "trips/op")
}

// BenchmarkRoundOfTheBusy finds nobody: each of 200 members has as many open
// offers as they may.
func BenchmarkRoundOfTheBusy(b *testing.B) {
	w := newWorld(b, func(p *Policy) { p.Quota = 1 })
	for range 200 {
		member := w.member(&station)
		_, err := w.Offer(w.ctx, Offer{Order: w.order(), Seat: 1, Member: member})
		require.NoError(b, err)
	}
	c := w.counting()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		order := w.order()
		b.StartTimer()
		require.Empty(b, w.offers(order))
	}
	b.ReportMetric(float64(c.trips.Load())/float64(b.N), "trips/op")
}

// BenchmarkBatch plans and offers 100 orders to 1,000 members.
func BenchmarkBatch(b *testing.B) {
	w := newWorld(b, func(p *Policy) { p.Quota = 20 })
	for range 1000 {
		w.member(&station)
	}
	c := w.counting()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		var in Dispatch
		for range 100 {
			in.Orders = append(in.Orders, w.order())
		}
		b.StartTimer()
		_, err := w.Dispatch(w.ctx, in)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(c.trips.Load())/float64(b.N), "trips/op")
}
