package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// engine is a flush that takes a second and notes its sets by their keys.
type engine struct {
	mu      sync.Mutex
	flushes [][]string
	fail    func(key string) error
}

func (e *engine) flush(ctx context.Context, sets []store.Prepared) ([]store.Outcome, error) {
	var keys []string
	outcomes := make([]store.Outcome, len(sets))
	for i, s := range sets {
		keys = append(keys, s.Key.Name)
		if e.fail != nil {
			outcomes[i].Err = e.fail(s.Key.Name)
		}
		outcomes[i].Receipt.Versions = []platform.Version{{Version: int64(len(s.Key.Name))}}
	}
	e.mu.Lock()
	e.flushes = append(e.flushes, keys)
	e.mu.Unlock()
	select {
	case <-time.After(time.Second):
		return outcomes, nil
	case <-ctx.Done():
		return nil, store.ErrUnknown
	}
}

func named(name string) store.Prepared {
	return store.Prepared{Key: platform.Key{Scope: "s", Name: name}}
}

func TestAloneASetLeavesAtOnceAndOthersShareTheNextFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var e engine
		g := store.NewGroup(e.flush, 0)
		defer g.Close(time.Minute)
		var all sync.WaitGroup
		commit := func(name string) {
			all.Go(func() {
				receipt, err := g.Commit(t.Context(), named(name))
				assert.NoError(t, err)
				assert.EqualValues(t, len(name), receipt.Versions[0].Version, "each gets its own answer")
			})
			synctest.Wait()
		}
		commit("a")
		for i := range 1500 {
			commit(fmt.Sprintf("n%04d", i))
		}
		all.Wait()

		require.Len(t, e.flushes, 3)
		assert.Equal(t, []string{"a"}, e.flushes[0])
		assert.Len(t, e.flushes[1], 1024, "a flush has a bound")
		assert.True(t, slices.IsSorted(append(e.flushes[1], e.flushes[2]...)), "first come, first served")
	})
}

func TestOneRefusedSetHarmsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := engine{fail: func(key string) error {
			if key == "bad" {
				return store.ErrStale
			}
			return nil
		}}
		g := store.NewGroup(e.flush, 0)
		defer g.Close(time.Minute)
		var all sync.WaitGroup
		for _, name := range []string{"first", "good", "bad", "fine"} {
			all.Go(func() {
				_, err := g.Commit(t.Context(), named(name))
				assert.Equal(t, name == "bad", errors.Is(err, store.ErrStale), name)
			})
		}
		all.Wait()
	})
}

func TestACtxThatEndsWithdrawsWhatStillWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var e engine
		g := store.NewGroup(e.flush, 0)
		defer g.Close(time.Minute)
		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			_, err := g.Commit(short, named("flying"))
			assert.ErrorIs(t, err, store.ErrUnknown)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		all.Go(func() {
			_, err := g.Commit(short, named("waiting"))
			assert.Equal(t, context.DeadlineExceeded, err, "nothing was written, and that is known")
		})
		all.Wait()
		time.Sleep(5 * time.Second)
		assert.Equal(t, [][]string{{"flying"}}, e.flushes)
	})
}

func TestCloseLetsWhatWaitsFinishThenCuts(t *testing.T) {
	t.Parallel()
	for patience, flown := range map[time.Duration]int{time.Minute: 2, 1500 * time.Millisecond: 1} {
		synctest.Test(t, func(t *testing.T) {
			var e engine
			g := store.NewGroup(e.flush, 0)
			var all sync.WaitGroup
			var done, unknown int
			var mu sync.Mutex
			for _, name := range []string{"a", "b"} {
				all.Go(func() {
					_, err := g.Commit(t.Context(), named(name))
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						done++
					} else if assert.ErrorIs(t, err, store.ErrUnknown) {
						unknown++
					}
				})
				synctest.Wait()
			}
			g.Close(patience)
			g.Close(patience)
			_, err := g.Commit(t.Context(), named("late"))
			require.ErrorIs(t, err, store.ErrClosed)
			all.Wait()
			assert.Equal(t, flown, done)
			assert.Equal(t, 2-flown, unknown)
		})
	}
}

func TestAPanickingFlushFailsItsCallersOnly(t *testing.T) {
	t.Parallel()
	broken := true
	g := store.NewGroup(func(_ context.Context, sets []store.Prepared) ([]store.Outcome, error) {
		if broken {
			panic("engine")
		}
		return make([]store.Outcome, len(sets)), nil
	}, 0)
	defer g.Close(time.Second)
	_, err := g.Commit(t.Context(), named("a"))
	require.ErrorIs(t, err, store.ErrUnknown)
	broken = false
	_, err = g.Commit(t.Context(), named("a"))
	require.NoError(t, err)
}

func TestAFullQueueSaysSoAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var e engine
		g := store.NewGroup(e.flush, 10)
		var all sync.WaitGroup
		var busy int
		var mu sync.Mutex
		for i := range 12 {
			all.Go(func() {
				if _, err := g.Commit(t.Context(), named(strconv.Itoa(i))); errors.Is(err, store.ErrBusy) {
					mu.Lock()
					busy++
					mu.Unlock()
				}
			})
			if i == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		assert.Equal(t, 10, g.Stats().Waiting)
		all.Wait()
		g.Close(time.Minute)
		assert.Equal(t, 1, busy, "one in flight, ten waiting")
		assert.Equal(t, store.Stats{Flushes: 2, Sets: 11, Busy: 1, Flushing: 2 * time.Second}, g.Stats())
	})
}
