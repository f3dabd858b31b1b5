package reconciliation_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/sqlite"
)

// million is how many lines a large day has.
const million = 1_000_000

// BenchmarkImport takes in a file of a million lines, and tells by how much the
// memory that the process holds grew: on memory with the lines themselves.
func BenchmarkImport(b *testing.B) {
	for name, open := range engines(b) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				v := worldOn(b, open(b), sandbox.Faults{}, 0, nil)
				peak := watch()
				st, err := v.s.Import(by(clerk), reconciliation.Import{Institution: "sandbox", Day: "2026-03-02", File: long(million)})
				require.NoError(b, err)
				require.Equal(b, million, st.Lines)
				b.ReportMetric(float64(peak())/(1<<20), "MiB")
			}
			b.ReportMetric(float64(b.N)*million/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// watch looks at the heap until it is asked by how much it grew at most.
func watch() func() uint64 {
	stop, most := make(chan struct{}), make(chan uint64)
	before := held()
	go func() {
		for peak := before; ; peak = max(peak, held()) {
			select {
			case <-stop:
				most <- peak - before
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(stop); return <-most }
}

// held is what the heap takes of the machine.
func held() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func engines(b *testing.B) map[string]func(*testing.B) platform.DB {
	b.Helper()
	return map[string]func(*testing.B) platform.DB{
		"memory": func(*testing.B) platform.DB { return memory.New(kinds(), nil) },
		"sqlite": func(b *testing.B) platform.DB {
			b.Helper()
			db, err := sqlite.Open(context.Background(), b.TempDir()+"/books.db", kinds(), nil)
			require.NoError(b, err)
			b.Cleanup(func() { _ = db.Close() })
			return db
		},
	}
}

// BenchmarkReconcile compares 20,000 lines with as many entries. The time that
// reading and hashing both sides once takes is told beside it (B11).
func BenchmarkReconcile(b *testing.B) {
	const n = 20_000
	v := worldOn(b, memory.New(kinds(), nil), sandbox.Faults{}, 0, nil)
	for i := range n {
		v.captured(i, yuan(fmt.Sprintf("%d.00", 100+i%900)))
	}
	st, err := v.s.Import(by(clerk), reconciliation.Import{Institution: "sandbox", Day: "2026-03-02", File: long(n)})
	require.NoError(b, err)
	cny := yuan("0.00").Currency()
	var reading time.Duration
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		begun := time.Now()
		sides := map[string]int64{}
		for no, more := 0, true; more; {
			lines, next, err := v.s.Lines(by(clerk), st.ID, no)
			require.NoError(b, err)
			for _, l := range lines {
				sides[string(l.Key)] += l.Gross
			}
			no, more = next, next > 0
		}
		for seq := int64(1); ; {
			page, err := v.books.EntriesFrom(by(clerk), account("clearing:sandbox"), cny, seq)
			require.NoError(b, err)
			for _, e := range page {
				sides[string(e.Subject.ID)] -= e.Amount.Minor()
			}
			if len(page) == 0 {
				break
			}
			seq = page[len(page)-1].Seq + 1
		}
		require.Len(b, sides, n)
		reading += time.Since(begun)
		fresh := forget(v)
		b.StartTimer()
		_, err := fresh.Reconcile(by(clerk), reconciliation.Reconcile{Statement: st.ID})
		require.NoError(b, err)
	}
	b.ReportMetric(b.Elapsed().Seconds()/reading.Seconds(), "×reading")
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "lines/s")
}

// forget is the desk on a store in which nothing was compared yet: what it writes
// is dropped.
func forget(v *world) *reconciliation.Service {
	w := v.w
	w.Store = &dropping{DB: v.db}
	return reconciliation.New(w, v.store, reconciliation.Ports{Books: v.books, References: v.names}, nil)
}

// dropping encodes what it is given, as an engine does, and keeps nothing.
type dropping struct {
	platform.DB
	scratch platform.DB
}

func (d *dropping) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if d.scratch == nil {
		d.scratch = memory.New(kinds(), nil)
	}
	return d.scratch.Commit(ctx, set)
}
