package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/postgres"
)

// embedder is somebody with a table and a pool of their own.
func embedder(t *testing.T, dsn string) (*postgres.DB, *pgxpool.Pool) {
	t.Helper()
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

// joined is the store within a transaction of the caller's.
type joined struct {
	platform.DB
	exec          func(statement string) error
	commit, abort func() error
}

// form is a way into a transaction; a strict one sees its beginning.
type form func(ctx context.Context, db *postgres.DB, pool *pgxpool.Pool, strict bool) (joined, error)

var forms = map[string]form{
	"pgx": func(ctx context.Context, db *postgres.DB, pool *pgxpool.Pool, strict bool) (joined, error) {
		tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: map[bool]pgx.TxIsoLevel{true: pgx.RepeatableRead}[strict]})
		return joined{
			db.In(tx), func(statement string) error { _, err := tx.Exec(ctx, statement); return err },
			func() error { return tx.Commit(ctx) }, func() error { return tx.Rollback(ctx) },
		}, err
	},
	"database/sql": func(ctx context.Context, db *postgres.DB, pool *pgxpool.Pool, strict bool) (joined, error) {
		own := stdlib.OpenDBFromPool(pool)
		tx, err := own.BeginTx(ctx, &sql.TxOptions{Isolation: map[bool]sql.IsolationLevel{true: sql.LevelRepeatableRead}[strict]})
		return joined{
			db.InSQL(tx), func(statement string) error { _, err := tx.ExecContext(ctx, statement); return err },
			func() error { return errors.Join(tx.Commit(), own.Close()) }, func() error { return errors.Join(tx.Rollback(), own.Close()) },
		}, err
	},
}

// TestACallersTransactionIsOne is law 32.
func TestACallersTransactionIsOne(t *testing.T) {
	t.Parallel()
	for form, begin := range forms {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			oneTransaction(t, server.Database(t), begin)
		})
	}
}

func oneTransaction(t *testing.T, dsn string, begin form) {
	t.Helper()
	db, pool := embedder(t, dsn)
	commitAll(t, db, "there", 1)
	for _, commit := range []bool{false, true} {
		in, err := begin(t.Context(), db, pool, false)
		require.NoError(t, err)
		written(t, db, in)
		require.NoError(t, in.Close())
		if commit {
			require.NoError(t, in.commit())
			break
		}
		require.NoError(t, in.abort())
		assert.Equal(t, []string{"there-0"}, titles(t, db))
		assert.Zero(t, mine(t, pool))
	}
	assert.Equal(t, []string{"own", "there-0"}, titles(t, db))
	assert.Equal(t, 2, mine(t, pool))
	assert.Equal(t, int64(2), counted(t, db))
	receipt, err := db.Commit(t.Context(), keyed("k", set(titled("again"))))
	require.NoError(t, err)
	assert.NotNil(t, receipt.Answer)
}

// written is what a transaction writes, reads, and is refused.
func written(t *testing.T, db *postgres.DB, in joined) {
	t.Helper()
	require.NoError(t, in.exec("insert into mine values (1)"))
	_, err := in.Commit(t.Context(), keyed("k", set(titled("own"))))
	require.NoError(t, err)
	assert.Equal(t, []string{"own", "there-0"}, titles(t, in), "own writes are readable")
	assert.Equal(t, int64(2), counted(t, in))
	_, err = in.Recall(t.Context(), platform.Key{Scope: "key/test", Name: "k"})
	require.NoError(t, err)
	_, err = in.Recall(t.Context(), platform.Key{Scope: "key/test", Name: "none"})
	require.ErrorIs(t, err, platform.ErrNotFound)
	for range 2 {
		_, err = in.Commit(t.Context(), set(titled("there-0")))
		require.ErrorIs(t, err, store.ErrTaken)
	}
	require.NoError(t, in.exec("insert into mine values (2)"), "a refused set leaves the transaction usable")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = in.Commit(over, set(titled("over")))
	require.ErrorIs(t, err, context.Canceled)

	undelivered, err := db.Fresh(t.Context(), store.Slots{Until: 4096}, 10)
	require.NoError(t, err)
	assert.Len(t, undelivered, 1, "no event leaves before the commit")
	assert.Equal(t, []string{"there-0"}, titles(t, db))
}

// TestEachFormSendsTheSame: all that sets do and reads see, within one
// transaction.
func TestEachFormSendsTheSame(t *testing.T) {
	t.Parallel()
	for form, begin := range forms {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			db, pool := embedder(t, server.Database(t))
			in, err := begin(t.Context(), db, pool, false)
			require.NoError(t, err)
			everySet(t, in)
			require.NoError(t, in.commit())
			assert.Equal(t, []string{"a", "c"}, titles(t, db))
		})
	}
}

func TestAStaleSnapshotOfTheCallersMustBeginAgain(t *testing.T) {
	t.Parallel()
	for form, begin := range forms {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			db, pool := embedder(t, server.Database(t))
			commitAll(t, db, "there", 1)
			in, err := begin(t.Context(), db, pool, true)
			require.NoError(t, err)
			assert.Len(t, titles(t, in), 1)
			commitAll(t, db, "later", 1)

			_, err = in.Commit(t.Context(), set(titled("own")))

			require.ErrorIs(t, err, postgres.ErrSerialization)
			require.ErrorIs(t, err, platform.ErrConflict)
			for _, refusal := range []error{nil, platform.ErrState} { // of a command, which has something to write in either case
				decided := 0
				_, err = platform.Update(platform.As(t.Context(), clerk), platform.Writer{Store: in}, rename{}, func(context.Context) (none struct{}, _ []platform.Change, _ error) {
					decided++
					p := titled("later-0")
					return none, []platform.Change{platform.Put(p), platform.Happened("page.written", p.Ref(), nil)}, refusal
				})
				require.ErrorIs(t, err, postgres.ErrSerialization)
				assert.Equal(t, 1, decided, "it would see the same again")
			}
			require.NoError(t, in.abort())
		})
	}
}

// TestManyCallersTransactionsCountExactly beside the flushes.
func TestManyCallersTransactionsCountExactly(t *testing.T) {
	t.Parallel()
	db, pool := embedder(t, server.Database(t))
	for _, err := range crowd(48, func(i int) error {
		s := set(titled(string(rune('a' + i))))
		form := []string{"", "pgx", "database/sql"}[i%3]
		if form == "" {
			_, err := db.Commit(t.Context(), s)
			return err
		}
		in, err := forms[form](t.Context(), db, pool, false)
		if err != nil {
			return err
		}
		if _, err := in.Commit(t.Context(), s); err != nil {
			return errors.Join(err, in.abort())
		}
		return in.commit()
	}) {
		require.NoError(t, err)
	}
	assert.Equal(t, int64(48), counted(t, db))
}

func TestClosingLeavesTheCallersPool(t *testing.T) {
	t.Parallel()
	db, pool := embedder(t, server.Database(t))
	commitAll(t, db, "a", 3)
	require.NoError(t, db.Close())
	require.NoError(t, db.Close())
	assert.Zero(t, mine(t, pool))
	require.Eventually(t, func() bool { return pool.Stat().AcquiredConns() == 0 }, 10*time.Second, time.Millisecond,
		"a pool takes a closed connection back in a goroutine of its own")
	_, err := db.Commit(t.Context(), set(titled("b")))
	require.ErrorIs(t, err, store.ErrClosed)
}

// TestARefusalTellsWhatIsThere: a record that is there already is why a set is
// refused, whatever else speaks against it, at first sight and inside a transaction
// too.
func TestARefusalTellsWhatIsThere(t *testing.T) {
	t.Parallel()
	db, pool := embedder(t, server.Database(t))
	there := titled("there")
	_, err := db.Commit(t.Context(), set(there))
	require.NoError(t, err)
	again := set(there)
	again.Changes = append(again.Changes, platform.Delta(platform.Counter("empty", "piece"), -1, there.Ref()).Above(0))

	_, err = db.Commit(t.Context(), again)
	require.ErrorIs(t, err, store.ErrExists)

	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := db.In(tx).Commit(t.Context(), again)
		require.ErrorIs(t, err, store.ErrExists)
		_, err = db.In(tx).Commit(t.Context(), set(titled("other")))
		return err
	})
	require.NoError(t, err)
	require.Equal(t, int64(2), counted(t, db))
}
