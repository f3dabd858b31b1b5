package postgres_test

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/storetest/pgserver"
)

// BenchmarkHotCounter is callers who all add to one counter, each set with a
// record, a claim, an event and a key: together in flushes, and each in a
// transaction of its own. The server writes through to disk.
func BenchmarkHotCounter(b *testing.B) {
	own := pgserver.Server{Settings: []string{"fsync=on", "synchronous_commit=on"}}
	defer own.Stop()
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("group/%d", callers), func(b *testing.B) {
			db, err := postgres.Open(b.Context(), own.Database(b), kinds(), nil)
			require.NoError(b, err)
			defer func() { _ = db.Close() }()
			hammer(b, callers, func(s platform.Set) error {
				_, err := db.Commit(b.Context(), s)
				return err
			})
			require.Equal(b, int64(b.N), counted(b, db))
		})
		b.Run(fmt.Sprintf("one/%d", callers), func(b *testing.B) {
			dsn := own.Database(b)
			config, err := pgxpool.ParseConfig(dsn)
			require.NoError(b, err)
			config.MaxConns = int32(callers) + 2
			pool, err := pgxpool.NewWithConfig(b.Context(), config)
			require.NoError(b, err)
			defer pool.Close()
			db, err := postgres.New(b.Context(), pool, kinds(), nil)
			require.NoError(b, err)
			defer func() { _ = db.Close() }()
			_, err = db.Commit(b.Context(), set(titled("first"))) // the counter is there
			require.NoError(b, err)
			hammer(b, callers, func(s platform.Set) error {
				return pgx.BeginFunc(b.Context(), pool, func(tx pgx.Tx) error {
					_, err := db.In(tx).Commit(b.Context(), s)
					return err
				})
			})
			require.Equal(b, int64(b.N+1), counted(b, db))
		})
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		b.Logf("fsync on, synchronous_commit on; load average %s", load)
	}
}

func hammer(b *testing.B, callers int, commit func(platform.Set) error) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for next.Add(1) <= int64(b.N) {
				p := titled("")
				p.Title = string(p.ID)
				if err := commit(keyed(p.Title, set(p))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sets/s")
}

func BenchmarkGet(b *testing.B) {
	db := fresh(b)
	p := titled("a")
	_, err := db.Commit(b.Context(), set(p))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := db.Get(b.Context(), p.Ref()); err != nil {
			b.Fatal(err)
		}
	}
}
