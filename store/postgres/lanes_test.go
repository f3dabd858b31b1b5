package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/postgres"
)

// TestLawsWithLanes: several flushes at once in every handle, for the laws of
// callers who meet.
func TestLawsWithLanes(t *testing.T) {
	t.Parallel()
	opts := hasty()
	opts.Lanes = 4
	way{
		opts: opts, edit: func(config *pgxpool.Config) { config.MaxConns = 10 },
		only: unlessNightly(1, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 26, 28, 34, 35),
	}.laws(t)
}

// laned is a store with two lanes.
func laned(t testing.TB, dsn string) *postgres.DB {
	t.Helper()
	opts := unsafe()
	opts.Lanes = 2
	db, err := postgres.Open(t.Context(), dsn, kinds(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestASmallSetPassesAHugeOne that is under way and waits for a rival.
func TestASmallSetPassesAHugeOne(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db := laned(t, dsn)
	held := titled("held")
	_, err := db.Commit(t.Context(), set(held))
	require.NoError(t, err)
	held.Version = 1
	rival, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = rival.Close(context.WithoutCancel(t.Context())) }()
	tx, err := rival.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "select from platform.page for update")
	require.NoError(t, err)
	huge := set(held)
	for range 80 {
		huge.Changes = append(huge.Changes, platform.Put(titled("")))
	}

	told := make(chan error)
	go func() { _, err := db.Commit(t.Context(), huge); told <- err }()
	blocked(t, dsn, 1)
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = db.Commit(soon, set(titled("small")))
	require.NoError(t, err, "it does not wait for the rival")

	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-told)
	assert.Equal(t, int64(3), counted(t, db))
	assert.EqualValues(t, 3, db.Stats().Sets)
}

func TestAPoolMustHaveRoomForTheLanes(t *testing.T) {
	t.Parallel()
	config, err := pgxpool.ParseConfig(server.Database(t))
	require.NoError(t, err)
	config.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer pool.Close()
	opts := unsafe()
	opts.Lanes = 2
	_, err = postgres.New(t.Context(), pool, kinds(), opts)
	require.ErrorIs(t, err, platform.ErrInvalid)
	require.ErrorContains(t, err, "2 connections for 2 lanes")
}

// rename is a command.
type rename struct{}

// TestLanesMeetNoDeadlock: sets over a few pages, names and counters, from 4
// lanes of 2 processes. The server would cure one, after a second.
func TestLanesMeetNoDeadlock(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	opts := unsafe()
	opts.Lanes = 4
	var writers [2]platform.Writer
	for i := range writers {
		db, err := postgres.Open(t.Context(), dsn, kinds(), opts)
		require.NoError(t, err)
		defer func() { _ = db.Close() }()
		writers[i] = platform.Writer{Store: db, Tries: 8}
	}
	var known [12]page
	for i := range known {
		known[i] = titled(fmt.Sprint("name ", i))
	}
	_, err := writers[0].Store.Commit(t.Context(), set(known[:]...))
	require.NoError(t, err)
	ctx := platform.As(t.Context(), clerk)

	var moved atomic.Int64
	for _, err := range crowd(24, func(i int) error {
		w, die := writers[i%2], rand.New(rand.NewPCG(1, uint64(i)))
		for range 10 {
			order, name := die.Perm(len(known))[:2], fmt.Sprint("name ", die.IntN(2*len(known)))
			_, err := platform.Update(ctx, w, rename{}, func(ctx context.Context) (none struct{}, changes []platform.Change, err error) {
				for n, at := range order {
					p, err := platform.Read[page](ctx, w.Store.(*postgres.DB), "page", known[at].ID)
					if err != nil {
						return none, nil, err
					}
					p.Title = name + "'"[:n]
					changes = append(changes, platform.Put(p), platform.Happened("page.renamed", p.Ref(), nil))
					if i%4 < 2 {
						changes = append(changes, platform.Delta(platform.Counter(fmt.Sprint("c", at%5), "piece"), 1, p.Ref()))
					}
				}
				return none, changes, nil
			})
			if err == nil {
				moved.Add(1)
			} else if !errors.Is(err, platform.ErrConflict) { // the name is taken, or others were always faster
				return err
			}
		}
		return nil
	}) {
		require.NoError(t, err)
	}

	assert.Positive(t, moved.Load())
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	var deadlocks int
	require.NoError(t, conn.QueryRow(t.Context(), "select deadlocks from pg_stat_database where datname = current_database()").Scan(&deadlocks))
	assert.Zero(t, deadlocks)
}
