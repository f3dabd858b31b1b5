package sqlite

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/storetest"
)

// left are those of the keys "0" to "5" that still have an answer.
func left(t *testing.T, db *DB) string {
	t.Helper()
	var all strings.Builder
	for i := range 6 {
		name := strconv.Itoa(i)
		if _, err := db.Recall(t.Context(), platform.Key{Scope: "key/test", Name: name}); err == nil {
			all.WriteString(name)
		} else {
			require.ErrorIs(t, err, platform.ErrNotFound)
		}
	}
	return all.String()
}

// TestOldAnswersAreSwept the oldest first; who comes again after that is new.
func TestOldAnswersAreSwept(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock(dawn)
	path := fresh(t)
	db, err := Open(t.Context(), path, notes, &Options{Now: clock.Now})
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for i := range 6 {
		_, err := db.Commit(t.Context(), under(strconv.Itoa(i), set(platform.Put(noteOf("x")), platform.Delta(hot, 1, platform.Ref{}))))
		require.NoError(t, err)
		clock.Advance(time.Hour)
	}
	before := dawn.Add(4 * time.Hour) // when the fifth was stored
	for _, step := range []struct {
		limit, n int
		left     string
	}{{-1, 0, "012345"}, {0, 0, "012345"}, {3, 3, "345"}, {3, 1, "45"}, {3, 0, "45"}} {
		n, err := db.Sweep(t.Context(), before, step.limit)
		require.NoError(t, err)
		assert.Equal(t, step.n, n)
		assert.Equal(t, step.left, left(t, db))
	}

	again, err := db.Commit(t.Context(), under("3", set(platform.Put(noteOf("x")), platform.Delta(hot, 1, platform.Ref{}))))

	require.NoError(t, err)
	assert.Nil(t, again.Answer, "its answer is forgotten")
	sum, _ := value(t, db, hot)
	assert.Equal(t, int64(7), sum)
	copied, err := Open(t.Context(), fresh(t), notes, &Options{Now: clock.Now})
	require.NoError(t, err)
	t.Cleanup(func() { _ = copied.Close() })
	require.NoError(t, copied.Load(t.Context(), db.Lines(t.Context())))
	n, err := copied.Sweep(t.Context(), clock.Now(), 10)
	require.NoError(t, err)
	assert.Zero(t, n, "restored ones count from then")
	require.NoError(t, db.Close())
	_, err = db.Sweep(t.Context(), before, 3)
	require.ErrorIs(t, err, store.ErrClosed)
}

// TestSweepLooksAtNoMoreThanItsLimit: the plan follows the rows in their order.
func TestSweepLooksAtNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	text := plan(t, db, oldAnswers, 1, 1)
	assert.NotContains(t, text, "TEMP B-TREE")
	assert.Contains(t, text, "SEARCH answer USING INTEGER PRIMARY KEY")
}

// TestWhoeverFindsTooManyWaitingIsToldAtOnce, and the store counts what it did.
func TestWhoeverFindsTooManyWaitingIsToldAtOnce(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	db, err := Open(t.Context(), path, notes, &Options{MaxQueue: 2, Patience: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	stale := noteOf("x")
	stale.Version = 1
	rival := open(t, path, notes)
	require.NoError(t, rival.writer.begin(t.Context()))
	var all sync.WaitGroup
	commit := func() {
		all.Go(func() {
			_, err := db.Commit(context.WithoutCancel(t.Context()), set(platform.Put(stale)))
			assert.ErrorIs(t, err, store.ErrStale)
		})
	}
	commit()
	require.Eventually(t, func() bool { return db.Stats().Waiting == 0 && len(db.writer.turn) == 0 }, time.Minute, time.Millisecond)
	commit()
	commit()
	require.Eventually(t, func() bool { return db.Stats().Waiting == 2 }, time.Minute, time.Millisecond)

	_, err = db.Commit(t.Context(), set(platform.Put(stale)))

	require.ErrorIs(t, err, store.ErrBusy)
	rival.writer.abandon()
	all.Wait()
	got := db.Stats()
	assert.Positive(t, got.Flushing)
	assert.GreaterOrEqual(t, got.Connections.Most, 2)
	got.Flushing, got.Connections = 0, store.Connections{}
	assert.Equal(t, store.Stats{Flushes: 2, Sets: 3, Refused: 3, Busy: 1}, got)
	require.NoError(t, errors.Join(db.Close(), rival.Close()))
	assert.Equal(t, int64(3), db.Stats().Sets, "also of a store that is closed")
}
