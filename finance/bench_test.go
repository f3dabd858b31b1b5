package finance

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// BenchmarkPost decides a sale of four legs; nothing is stored.
func BenchmarkPost(b *testing.B) {
	f := completed("100.00", "90.00", "9.43", "0.57").Fact
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Post(f); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBooks books and commits captures from all sides on one hot account.
func BenchmarkBooks(b *testing.B) {
	d := newDesk(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			random := d.w.IDs()
			of := platform.NewID("ord", noon, platform.Slot(random>>20), random)
			at := platform.Ref{Kind: "payment.attempt", ID: of.As("att")}
			if err := d.book(booked("pay.captured", at, dr("clearing", "1.00", "sandbox"), cr("escrow", "1.00", of))); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkVerify proves books of 1,000 captures: 3,000 movements.
func BenchmarkVerify(b *testing.B) {
	d := newDesk(b)
	for i := range uint64(1000) {
		of := platform.NewID("ord", noon, platform.Slot(i), i)
		require.NoError(b, d.book(booked("pay.captured", platform.Ref{Kind: "order", ID: of}, dr("clearing", "1.00", "sandbox"), cr("escrow", "1.00", of))))
	}
	snapshot := d.db.Snapshot()
	b.ReportAllocs()
	for b.Loop() {
		wrong, err := Verify(context.Background(), snapshot)
		if err != nil || len(wrong) > 0 {
			b.Fatal(wrong, err)
		}
	}
	b.ReportMetric(float64(b.N)*3000/b.Elapsed().Seconds(), "movements/s")
}

// BenchmarkBatch books 100 transfers in one batch, all on one hot account.
func BenchmarkBatch(b *testing.B) {
	c := clerkOn(b, newDesk(b), 1<<40)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		groups := make([]Transfer, 100)
		for i := range groups {
			groups[i] = paid(n)
			n++
		}
		results, err := c.Batch(asOperator(), Batch{Groups: groups})
		require.NoError(b, err)
		require.Equal(b, map[string]int{"posted": 100}, codes(results))
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "transfers/s")
}

// BenchmarkTrialBalanceOf adds up a month of few postings and one of many, which
// costs the same: it reads sums.
func BenchmarkTrialBalanceOf(b *testing.B) {
	for _, n := range []uint64{20, 2000} {
		b.Run(strconv.FormatUint(n, 10), func(b *testing.B) {
			d := newDesk(b)
			for i := range n {
				of := platform.NewID("ord", noon, platform.Slot(i), i)
				require.NoError(b, d.book(booked("pay.captured", platform.Ref{Kind: "order", ID: of}, dr("clearing", "1.00", "sandbox"), cr("escrow", "1.00", of))))
			}
			for numbered := 1; numbered > 0; {
				var err error
				numbered, err = New(d.w, d.Store, nil).Tick(asSystem(), nextDay.Add(time.Minute), 0)
				require.NoError(b, err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.TrialBalanceOf(asSystem(), "2026-03"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
