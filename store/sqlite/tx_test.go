package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// embedder is somebody with a table of their own in the store's file.
func embedder(t *testing.T) (db *DB, path string) {
	t.Helper()
	path = fresh(t)
	db = open(t, path, notes)
	tx, err := db.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec("create table mine (n integer, filling blob)")
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	return db, path
}

// deferred is a transaction of a pool of the caller's own, which has no lock.
func deferred(t *testing.T, path string) *sql.Tx {
	t.Helper()
	own, err := sql.Open("sqlite", source(path, 0))
	require.NoError(t, err)
	t.Cleanup(func() { _ = own.Close() })
	tx, err := own.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func mine(t *testing.T, db *DB) (n int) {
	t.Helper()
	require.NoError(t, db.readers.QueryRow("select count(*) from mine").Scan(&n))
	return n
}

func freshOnes(t *testing.T, db *DB) int {
	t.Helper()
	events, err := db.Fresh(t.Context(), all, 100)
	require.NoError(t, err)
	return len(events)
}

// claiming is a note that holds its name, counted on the hot counter.
func claiming(name string) platform.Set {
	n := noteOf("one")
	n.Name = name
	return set(platform.Put(n), platform.Delta(hot, 1, n.Ref()))
}

// TestACallersTransactionIsOne is law 32.
func TestACallersTransactionIsOne(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"begun by the store", "of a pool of the caller's"} {
		db, path := embedder(t)
		_, err := db.Commit(t.Context(), claiming("there"))
		require.NoError(t, err)
		for _, end := range []func(*sql.Tx) error{(*sql.Tx).Rollback, (*sql.Tx).Commit} {
			tx := deferred(t, path)
			if how == "begun by the store" {
				tx, err = db.Begin(t.Context())
				require.NoError(t, err)
			}
			in := db.In(tx)
			_, err = tx.Exec("insert into mine (n) values (1)")
			require.NoError(t, err)
			_, err = in.Commit(t.Context(), under("k", claiming("own")))
			require.NoError(t, err)
			assert.Equal(t, 2, found(t, in, "one"), "own writes are readable")
			sum, _ := value(t, in, hot)
			assert.Equal(t, int64(2), sum)
			_, err = in.Recall(t.Context(), platform.Key{Scope: "key/test", Name: "k"})
			require.NoError(t, err)
			_, err = in.Commit(t.Context(), claiming("there"))
			require.ErrorIs(t, err, store.ErrTaken)
			again, err := in.Commit(t.Context(), under("k", claiming("own")))
			require.NoError(t, err)
			assert.NotNil(t, again.Answer)
			_, err = tx.Exec("insert into mine (n) values (2)")
			require.NoError(t, err, "a refused set leaves the transaction usable")

			assert.Equal(t, 1, freshOnes(t, db), "no event leaves before the commit")
			assert.Equal(t, 1, found(t, db, "one"))
			assert.Zero(t, mine(t, db))
			require.NoError(t, in.Close())
			require.NoError(t, end(tx))
			_, err = in.Commit(t.Context(), claiming("late"))
			require.ErrorIs(t, err, platform.ErrUnavailable, "the transaction is over")
			_, err = in.Get(t.Context(), hot)
			require.ErrorIs(t, err, platform.ErrUnavailable)
		}
		assert.Equal(t, 2, found(t, db, "one"))
		assert.Equal(t, 2, mine(t, db))
		assert.Equal(t, 2, freshOnes(t, db))
		sum, seq := value(t, db, hot)
		assert.Equal(t, [2]int64{2, 2}, [2]int64{sum, seq})
	}
}

// TestACallersTransactionThatReadTooEarlyMustBeginAgain: somebody has written
// since it read, or is about to.
func TestACallersTransactionThatReadTooEarlyMustBeginAgain(t *testing.T) {
	t.Parallel()
	db, path := embedder(t)
	write(t, db, platform.Delta(hot, 1, noteOf("x").Ref()))
	for _, over := range []bool{true, false} {
		tx := deferred(t, path)
		before, _ := value(t, db.In(tx), hot)
		rival, err := db.Begin(t.Context())
		require.NoError(t, err)
		_, err = db.In(rival).Commit(t.Context(), set(platform.Delta(hot, 1, noteOf("x").Ref())))
		require.NoError(t, err)
		if over {
			require.NoError(t, rival.Commit())
		}

		_, err = db.In(tx).Commit(t.Context(), claiming("own"))

		require.ErrorIs(t, err, ErrSerialization)
		require.ErrorIs(t, err, platform.ErrConflict)
		after, _ := value(t, db.In(tx), hot)
		assert.Equal(t, before, after, "it still reads what it read")
		require.NoError(t, tx.Rollback())
		_ = rival.Rollback()
		tx = deferred(t, path)
		_, err = db.In(tx).Commit(t.Context(), claiming(fmt.Sprint("own", over)))
		require.NoError(t, err, "begun again")
		require.NoError(t, tx.Commit())
	}
	sum, seq := value(t, db, hot)
	assert.Equal(t, [2]int64{4, 4}, [2]int64{sum, seq})
}

// TestManyCallersTransactionsCountExactly beside the flushes of two handles, and
// each gets its turn.
func TestManyCallersTransactionsCountExactly(t *testing.T) {
	t.Parallel()
	db, path := embedder(t)
	beside := open(t, path, notes)
	errs := make(chan error)
	for i := range 32 {
		go func() {
			s := claiming(strconv.Itoa(i))
			var err error
			switch i % 4 {
			case 0:
				_, err = db.Commit(t.Context(), s)
			case 1:
				_, err = beside.Commit(t.Context(), s)
			default:
				err = alone([]*DB{db, beside}[i%2], s)
			}
			errs <- err
		}()
	}
	for range 32 {
		require.NoError(t, <-errs)
	}
	sum, seq := value(t, db, hot)
	assert.Equal(t, [2]int64{32, 32}, [2]int64{sum, seq})
	assert.Equal(t, 16, mine(t, db))
}

// alone commits the set and a row of the caller's in a transaction.
func alone(db *DB, s platform.Set) error {
	tx, err := db.Begin(context.Background())
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec("insert into mine (n) values (1)"); err != nil {
		return err
	}
	if _, err := db.In(tx).Commit(context.Background(), s); err != nil {
		return err
	}
	return tx.Commit()
}

// TestATransactionThatTheEngineEndsIsOver: what follows is not written outside,
// whether a statement of the caller's met the full disk or the store's.
func TestATransactionThatTheEngineEndsIsOver(t *testing.T) {
	t.Parallel()
	filling := bytes.Repeat([]byte{' '}, 1<<19)
	for _, ours := range []bool{true, false} {
		db, _ := embedder(t)
		tx, err := db.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec("insert into mine (n) values (1)")
		require.NoError(t, err)
		_, err = tx.Exec("pragma max_page_count = 1") // as many as there are
		require.NoError(t, err)
		if ours {
			s := claiming("large")
			e := s.Changes[2].Value.(platform.Event)
			e.Data, err = json.Marshal(string(filling))
			require.NoError(t, err)
			s.Changes[2].Value = e
			_, err = db.In(tx).Commit(t.Context(), s)
			require.ErrorIs(t, err, ErrFull)
			if _, err = tx.Exec("insert into mine (n) values (2)"); err != nil {
				require.ErrorIs(t, err, sql.ErrTxDone)
			}
		} else {
			_, err = tx.Exec("insert into mine (filling) values (?)", filling)
			require.Error(t, err)
			_, err = db.In(tx).Commit(t.Context(), claiming("outside"))
			require.ErrorIs(t, err, ErrSerialization)
			require.ErrorIs(t, tx.Commit(), sql.ErrTxDone)
		}

		_ = tx.Rollback()

		assert.Zero(t, mine(t, db))
		assert.Zero(t, found(t, db, "one"))
		_, err = db.Commit(t.Context(), claiming("after"))
		require.NoError(t, err)
	}
}

// TestACallersTransactionWaitsAndEnds with its ctx and the store's patience.
func TestACallersTransactionWaitsAndEnds(t *testing.T) {
	t.Parallel()
	db, path := embedder(t)
	first, err := db.Begin(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		_, err := db.Begin(ctx)
		assert.ErrorIs(t, err, context.Canceled)
	})
	cancel()
	waiting.Wait()
	db.writer.patience = 0
	_, err = db.Begin(t.Context())
	require.ErrorIs(t, err, ErrLocked)
	_, err = db.In(first).Commit(ctx, claiming("never"))
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, db.Close())
	_, err = db.In(first).Commit(t.Context(), claiming("never"))
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = db.Begin(t.Context())
	require.ErrorIs(t, err, store.ErrClosed)
	require.NoError(t, first.Rollback())
	assert.Zero(t, descriptors(t, path), "nothing is left open")
}
