package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ platform.DB = (*inside)(nil)

// inside is the store within a transaction of the caller's.
type inside struct {
	view
	db *DB
	tx *sql.Tx
}

// Begin begins a transaction of the caller's own, for [DB.In] and for tables of
// the caller's own in the store's file, under names that no kind has. It gets its
// turn among the flushes and holds the write lock from then on, so that nothing
// that it reads is stale when it writes. All other writers wait until it ends:
// end it soon, and do not wait for another commit meanwhile. It ends with ctx, as
// any *sql.Tx does, and fails with [ErrLocked] when the patience is over.
func (db *DB) Begin(ctx context.Context) (tx *sql.Tx, err error) {
	if err := db.use(ctx); err != nil {
		return nil, err
	}
	if err := db.writer.take(ctx); err != nil {
		return nil, err
	}
	defer db.writer.pass()
	err = db.writer.insist(ctx, func() error {
		tx, err = db.callers.BeginTx(ctx, nil)
		return err
	})
	if err = cmp.Or(ctx.Err(), err); err != nil {
		return nil, trouble("begin", err)
	}
	return tx, nil
}

// In is the store within the caller's own transaction: it reads what the
// transaction wrote, and Commit writes at once, between a savepoint and its
// release, so that a refused set leaves the transaction usable. All is durable
// when the caller commits, and gone when it rolls back; events wait with it.
// Close does nothing. Like tx it is not for several goroutines at once.
//
// The transaction is [DB.Begin]'s, or of a pool of the caller's own on the same
// file: by the same driver, modernc.org/sqlite, with a busy_timeout, and not
// with less than synchronous(full). With _txlock=immediate such a pool begins
// with the write lock, for which it asks less often than the store does. Without,
// BEGIN is deferred, and the lock is asked for at the first write: when the
// transaction has read before, and another has written since or is writing,
// Commit fails with [ErrSerialization].
func (db *DB) In(tx *sql.Tx) platform.DB {
	return &inside{view{db.kinds, db.tables, tx}, db, tx}
}

// Get implements [platform.DB].
func (i *inside) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	if err := i.db.use(ctx); err != nil {
		return nil, err
	}
	return i.get(ctx, refs)
}

// Scan implements [platform.DB].
func (i *inside) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	if err := i.db.use(ctx); err != nil {
		return platform.Page[platform.Record]{}, err
	}
	return i.scan(ctx, q)
}

// Recall implements [platform.Committer].
func (i *inside) Recall(ctx context.Context, key platform.Key) (platform.Answer, error) {
	if err := i.db.use(ctx); err != nil {
		return platform.Answer{}, err
	}
	return i.recall(ctx, key)
}

// Commit implements [platform.Committer]. Once it has begun to write, ctx does
// not cut it.
func (i *inside) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if err := i.db.use(ctx); err != nil {
		return platform.Receipt{}, err
	}
	prepared, err := i.db.prepare(set)
	if err != nil {
		return platform.Receipt{}, err
	}
	var outcomes []store.Outcome
	err = i.whole(func() (err error) {
		outcomes, err = pen{i.kinds, i.tables, i.db.now, steps{i.tx}}.decide([]store.Prepared{prepared})
		if errors.Is(err, errIdle) {
			return nil
		}
		return err
	})
	if busy(err) {
		err = fmt.Errorf("commit: %w", ErrSerialization)
	}
	if err != nil {
		return platform.Receipt{}, trouble("commit", err)
	}
	return outcomes[0].Receipt, outcomes[0].Err
}

// whole runs what between a savepoint and its release, with the write lock. Its
// failure leaves the transaction as it was before. Some errors, as that of a full
// disk, make the engine itself end a transaction: then it is ended for the
// caller too, or what is written next would be written outside of any.
func (i *inside) whole(what func() error) error {
	by := steps{i.tx}
	if _, err := by.exec("begin"); err == nil { // which a transaction refuses
		_ = i.tx.Rollback()
		return fmt.Errorf("the transaction is over: %w", ErrSerialization)
	}
	if _, err := by.exec("savepoint platform"); err != nil {
		return err
	}
	_, err := by.exec("delete from witness where false") // takes the lock before anything is read
	if err == nil {
		err = what()
	}
	end := "release platform"
	if err != nil {
		end = "rollback to platform; " + end
	}
	if _, failed := by.exec(end); failed != nil {
		_ = i.tx.Rollback()
		return cmp.Or(err, failed)
	}
	return err
}

// Close implements [platform.DB] and does nothing: the transaction is the
// caller's.
func (i *inside) Close() error { return nil }

// steps run in a transaction to their end, whatever becomes of a ctx: a write
// that is cut would end the transaction.
type steps struct{ tx *sql.Tx }

func (s steps) exec(text string, args ...any) (sql.Result, error) {
	return s.tx.ExecContext(context.Background(), text, args...)
}

func (s steps) query(text string, args ...any) (*sql.Rows, error) {
	return s.tx.QueryContext(context.Background(), text, args...)
}
