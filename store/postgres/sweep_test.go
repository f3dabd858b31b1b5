package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/postgres"
)

// recalled are those of the keys k0 to k(n-1) that have an answer.
func recalled(t testing.TB, db platform.DB, n int) (all []string) {
	t.Helper()
	for i := range n {
		key := fmt.Sprint("k", i)
		_, err := db.Recall(t.Context(), platform.Key{Scope: "key/test", Name: key})
		if err == nil {
			all = append(all, key)
		} else {
			require.ErrorIs(t, err, platform.ErrNotFound)
		}
	}
	return all
}

func TestTheOldestAnswersAreSwept(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	for i := range 5 {
		_, err := db.Commit(t.Context(), keyed(fmt.Sprint("k", i), set(titled(""))))
		require.NoError(t, err)
	}
	execute(t, dsn, "update platform.answer set at = now() - 30 * interval '1 day' + right(name, 1)::int * interval '1 hour' where name < 'k4'")
	before := time.Now().Add(-30*24*time.Hour + 150*time.Minute) // k0 to k2 are older

	for _, c := range []struct {
		limit, gone int
		left        []string
	}{
		{0, 0, []string{"k0", "k1", "k2", "k3", "k4"}},
		{-1, 0, []string{"k0", "k1", "k2", "k3", "k4"}},
		{1, 1, []string{"k1", "k2", "k3", "k4"}},
		{10, 2, []string{"k3", "k4"}},
		{10, 0, []string{"k3", "k4"}},
	} {
		n, err := db.Sweep(t.Context(), before, c.limit)
		require.NoError(t, err)
		assert.Equal(t, c.gone, n)
		assert.Equal(t, c.left, recalled(t, db, 5))
	}

	receipt, err := db.Commit(t.Context(), keyed("k0", set(titled(""))))
	require.NoError(t, err)
	assert.Nil(t, receipt.Answer, "a command under a key that is forgotten is new")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = db.Sweep(over, before, 1)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, db.Close())
	_, err = db.Sweep(t.Context(), before, 1)
	require.ErrorIs(t, err, store.ErrClosed)
}

// TestSweepersShareTheWork: each answer is counted by one of them, and none ends
// before all is done.
func TestSweepersShareTheWork(t *testing.T) {
	t.Parallel()
	dbs := pair(t)
	for _, err := range crowd(100, func(i int) error {
		_, err := dbs[i%2].Commit(t.Context(), keyed(fmt.Sprint("k", i), set(titled(""))))
		return err
	}) {
		require.NoError(t, err)
	}
	var gone atomic.Int64
	for _, err := range crowd(8, func(i int) error {
		for {
			n, err := dbs[i%2].Sweep(t.Context(), time.Now().Add(time.Hour), 7)
			if err != nil || n == 0 {
				return err
			}
			gone.Add(int64(n))
		}
	}) {
		require.NoError(t, err)
	}
	assert.EqualValues(t, 100, gone.Load())
	assert.Empty(t, recalled(t, dbs[0], 100))
}

func TestWhatWaitsIsCounted(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	b, err := db.Backlog(t.Context())
	require.NoError(t, err)
	assert.Equal(t, store.Backlog{}, b)
	ids, by := say(t, db, 3), leased(t, db, "a", noon)
	late := func(i int, due time.Time) store.Delivery {
		return store.Delivery{Sink: "a", Event: platform.Event{ID: ids[i]}, Since: noon, Due: due}
	}
	all := []store.Delivery{late(0, noon), late(1, time.Time{}), late(2, time.Time{})}
	require.NoError(t, db.Settle(t.Context(), noon, []store.Lease{by}, store.Settlement{Handed: ids[:1], Late: all}))

	b, err = db.Backlog(t.Context())
	require.NoError(t, err)
	assert.Equal(t, store.Backlog{Fresh: 2, Oldest: noon, Late: 1, Parked: 2}, b)
	n, err := db.Discard(t.Context(), all[0], all[1], all[1], store.Delivery{Sink: "nobody", Event: all[2].Event})
	require.NoError(t, err)
	assert.Equal(t, 1, n, "what is still tried is kept")
	n, err = db.Discard(t.Context(), all[1])
	require.NoError(t, err)
	assert.Zero(t, n)
	require.Len(t, parked(t, db), 1)
	assert.Equal(t, ids[2], parked(t, db)[0].Event.ID)

	execute(t, dsn, "insert into platform.undelivered select 7, gen_random_uuid() from generate_series(1, 10001)",
		"insert into platform.delivery select 7, 'a', gen_random_uuid(), 1, now(), case when n % 2 = 0 then now() end, '' from generate_series(1, 20010) n")
	b, err = db.Backlog(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int{store.Counted, store.Counted, store.Counted}, []int{b.Fresh, b.Late, b.Parked})
}

// TestAFullQueueTurnsAway while a flush waits for a rival.
func TestAFullQueueTurnsAway(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	opts := unsafe()
	opts.MaxQueue = 1
	db, err := postgres.Open(t.Context(), dsn, kinds(), opts)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	commitAll(t, db, "before", 1)
	_, err = db.Commit(t.Context(), set(titled("before-0")))
	require.ErrorIs(t, err, store.ErrTaken)
	rival, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = rival.Close(context.WithoutCancel(t.Context())) }()
	tx, err := rival.Begin(t.Context())
	require.NoError(t, err)
	_, err = db.In(tx).Commit(t.Context(), set(titled("rival")))
	require.NoError(t, err)

	told := make(chan error)
	own := func(title string) { _, err := db.Commit(t.Context(), set(titled(title))); told <- err }
	go own("first")
	blocked(t, dsn, 1)
	go own("second")
	require.Eventually(t, func() bool { return db.Stats().Waiting == 1 }, 10*time.Second, time.Millisecond)
	_, err = db.Commit(t.Context(), set(titled("third")))
	require.ErrorIs(t, err, store.ErrBusy)
	require.NoError(t, tx.Commit(t.Context()))
	for range 2 {
		require.NoError(t, <-told)
	}

	s := db.Stats()
	assert.Positive(t, s.Flushing)
	assert.Positive(t, s.Connections.Open)
	assert.LessOrEqual(t, s.Connections.Busy, s.Connections.Open)
	assert.LessOrEqual(t, s.Connections.Open, s.Connections.Most)
	s.Flushing, s.Connections = 0, store.Connections{}
	assert.Equal(t, store.Stats{Flushes: 4, Sets: 4, Refused: 1, Busy: 1}, s)
}

// blocked waits until so many sessions of the database wait for a lock.
func blocked(t testing.TB, dsn string, n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	require.Eventually(t, func() bool {
		var now int
		err := conn.QueryRow(t.Context(), "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'").Scan(&now)
		return err == nil && now == n
	}, 10*time.Second, 5*time.Millisecond)
}
