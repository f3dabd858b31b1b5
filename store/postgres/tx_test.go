package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/postgres"
)

// embedder is somebody with a table and a pool of their own.
func embedder(t *testing.T) (*postgres.DB, *pgxpool.Pool) {
	t.Helper()
	dsn := server.Database(t)
	pool, err := pgxpool.New(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	db, err := postgres.New(t.Context(), pool, kinds(), unsafe())
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	execute(t, dsn, "create table mine (id int primary key)")
	return db, pool
}

func mine(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), "select count(*) from mine").Scan(&n))
	return n
}

// TestACallersTransactionIsOne is law 32.
func TestACallersTransactionIsOne(t *testing.T) {
	t.Parallel()
	db, pool := embedder(t)
	commitAll(t, db, "there", 1)
	rolledBack := errors.New("rolled back")
	for _, end := range []error{rolledBack, nil} {
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			in := db.In(tx)
			_, err := tx.Exec(t.Context(), "insert into mine values (1)")
			require.NoError(t, err)
			_, err = in.Commit(t.Context(), keyed("k", set(titled("own"))))
			require.NoError(t, err)
			assert.Equal(t, []string{"own", "there-0"}, titles(t, in), "own writes are readable")
			assert.Equal(t, int64(2), counted(t, in))
			_, err = in.Recall(t.Context(), platform.Key{Scope: "key/test", Name: "k"})
			require.NoError(t, err)
			_, err = in.Commit(t.Context(), set(titled("there-0")))
			require.ErrorIs(t, err, store.ErrTaken)
			_, err = tx.Exec(t.Context(), "insert into mine values (2)")
			require.NoError(t, err, "a refused set leaves the transaction usable")

			undelivered, err := db.Fresh(t.Context(), store.Slots{Until: 4096}, 10)
			require.NoError(t, err)
			assert.Len(t, undelivered, 1, "no event leaves before the commit")
			assert.Equal(t, []string{"there-0"}, titles(t, db))
			require.NoError(t, in.Close())
			return end
		})
		require.ErrorIs(t, err, end)
		if end != nil {
			assert.Equal(t, []string{"there-0"}, titles(t, db))
			assert.Zero(t, mine(t, pool))
		}
	}
	assert.Equal(t, []string{"own", "there-0"}, titles(t, db))
	assert.Equal(t, 2, mine(t, pool))
	assert.Equal(t, int64(2), counted(t, db))
}

func TestAStaleSnapshotOfTheCallersMustBeginAgain(t *testing.T) {
	t.Parallel()
	db, pool := embedder(t)
	commitAll(t, db, "there", 1)
	tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	require.NoError(t, err)
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	assert.Len(t, titles(t, db.In(tx)), 1)
	commitAll(t, db, "later", 1)

	_, err = db.In(tx).Commit(t.Context(), set(titled("own")))

	require.ErrorIs(t, err, postgres.ErrSerialization)
	require.ErrorIs(t, err, platform.ErrConflict)
}

// TestManyCallersTransactionsCountExactly beside the flushes.
func TestManyCallersTransactionsCountExactly(t *testing.T) {
	t.Parallel()
	db, pool := embedder(t)
	for _, err := range crowd(32, func(i int) error {
		s := set(titled(string(rune('a' + i))))
		if i%2 == 0 {
			_, err := db.Commit(t.Context(), s)
			return err
		}
		return pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			_, err := db.In(tx).Commit(t.Context(), s)
			return err
		})
	}) {
		require.NoError(t, err)
	}
	assert.Equal(t, int64(32), counted(t, db))
}

func TestClosingLeavesTheCallersPool(t *testing.T) {
	t.Parallel()
	db, pool := embedder(t)
	commitAll(t, db, "a", 3)
	require.NoError(t, db.Close())
	require.NoError(t, db.Close())
	assert.Zero(t, mine(t, pool))
	require.Eventually(t, func() bool { return pool.Stat().AcquiredConns() == 0 }, 10*time.Second, time.Millisecond,
		"a pool takes a closed connection back in a goroutine of its own")
	_, err := db.Commit(t.Context(), set(titled("b")))
	require.ErrorIs(t, err, store.ErrClosed)
}
