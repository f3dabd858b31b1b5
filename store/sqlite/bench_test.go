package sqlite

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// each has callers goroutines share b.N calls, and tells calls a second.
func each(b *testing.B, callers int, call func() error) {
	b.Helper()
	b.ReportAllocs()
	var next atomic.Int64
	var done sync.WaitGroup
	b.ResetTimer()
	for range callers {
		done.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sets/s")
}

// arms are group commit, and one transaction a set with the same statements.
func arms(b *testing.B, build func(db *DB) platform.Set) {
	b.Helper()
	for name, callers := range map[string]int{"64": 64, "1": 1} {
		b.Run("group/"+name, func(b *testing.B) {
			db := open(b, fresh(b), notes)
			each(b, callers, func() error {
				_, err := db.Commit(context.Background(), build(db))
				return err
			})
		})
		b.Run("one/"+name, func(b *testing.B) {
			db := open(b, fresh(b), notes)
			each(b, callers, func() error {
				p, err := db.kinds.Prepare(build(db))
				if err == nil {
					err = db.index(p)
				}
				if err == nil {
					_, err = db.flush(context.Background(), []store.Prepared{p})
				}
				return err
			})
		})
	}
}

// BenchmarkHotCounter adds to one counter.
func BenchmarkHotCounter(b *testing.B) {
	cause := noteOf("cause")
	arms(b, func(*DB) platform.Set { return set(platform.Delta(hot, 1, cause.Ref())) })
}

// BenchmarkOrder is a command as placing an order is: a record, an event, three
// entries on counters, one of them everybody's, and a key. Each happens a
// millisecond after the last one, since ids begin with their time.
func BenchmarkOrder(b *testing.B) {
	var placed atomic.Int64
	arms(b, func(*DB) platform.Set {
		n := noteOf("customer")
		n.Due = dawn.Add(time.Duration(placed.Add(1)) * time.Millisecond)
		n.ID = platform.NewID("nte", n.Due, n.ID.Slot(), rand.Uint64())
		s := set(platform.Put(n), platform.Delta(platform.Counter("escrow:"+string(n.ID), "CNY"), 100, n.Ref()),
			platform.Delta(platform.Counter("held:"+string(n.ID), "CNY"), 100, n.Ref()), platform.Delta(hot, 1, n.Ref()))
		event := &s.Changes[len(s.Changes)-1]
		e := event.Value.(platform.Event)
		e.ID, e.At = platform.NewID("evt", n.Due, n.ID.Slot(), rand.Uint64()), n.Due
		event.Ref.ID, event.Value = e.ID, e
		return under(string(n.ID), s)
	})
}

func BenchmarkRead(b *testing.B) {
	db := open(b, fresh(b), notes)
	var refs []platform.Ref
	for range 100 {
		var changes []platform.Change
		for range 50 {
			n := noteOf("owner")
			n.Due = dawn
			changes = append(changes, platform.Put(n))
			refs = append(refs, n.Ref())
		}
		_, err := db.Commit(b.Context(), set(changes...))
		require.NoError(b, err)
	}
	var at atomic.Int64
	get := func(n int) func() error {
		return func() error {
			i := int(at.Add(1)) * 7 % (len(refs) - n)
			_, err := db.Get(context.Background(), refs[i:i+n]...)
			return err
		}
	}
	b.Run("get/1", func(b *testing.B) { each(b, 8, get(1)) })
	b.Run("get/20", func(b *testing.B) { each(b, 8, get(20)) })
	b.Run("page/20", func(b *testing.B) {
		each(b, 8, func() error {
			_, err := db.Scan(context.Background(), platform.Query{Kind: "note", By: []string{"owner"}, Equal: []any{"owner"}, Limit: 20})
			return err
		})
	})
}
