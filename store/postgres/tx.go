package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ platform.DB = (*inside)(nil)

// ErrSerialization is a conflict of the caller's own transaction, which must be
// rolled back and may be begun again.
var ErrSerialization = platform.Err(platform.ErrConflict, "postgres.serialization", "the transaction must begin again", "事务须重新开始")

// inside is the store within a transaction of the caller's.
type inside struct {
	reader
	tx transaction
}

// transaction is one of pgx or of database/sql.
type transaction interface {
	querier
	exec(ctx context.Context, statement string) error
	send(ctx context.Context, b *pgx.Batch) error
}

// pgxTx is a transaction of pgx.
type pgxTx struct{ pgx.Tx }

func (t pgxTx) exec(ctx context.Context, statement string) error {
	_, err := t.Exec(ctx, statement)
	return err
}

func (t pgxTx) send(ctx context.Context, b *pgx.Batch) error { return t.SendBatch(ctx, b).Close() }

// In is the store within the caller's own transaction: it reads what the
// transaction wrote, and Commit writes at once, between a savepoint and its
// release, so that a refused set leaves the transaction usable. All is durable
// when the caller commits, and gone when it rolls back; events wait with it.
// Close does nothing.
//
// Like tx it is not for several goroutines at once. Rows that the caller locks
// itself lie outside the library's order of locks: lock them after the library's
// writes. Under REPEATABLE READ or SERIALIZABLE, and in a deadlock, Commit fails
// with [ErrSerialization].
func (db *DB) In(tx pgx.Tx) platform.DB { return db.within(pgxTx{tx}) }

func (db *DB) within(tx transaction) platform.DB {
	i := &inside{reader: db.reader, tx: tx}
	i.query = tx
	return i
}

// Get implements [platform.DB].
func (i *inside) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	if err := store.Ended(ctx); err != nil {
		return nil, err
	}
	return i.reader.Get(ctx, refs...)
}

// Scan implements [platform.DB].
func (i *inside) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	if err := store.Ended(ctx); err != nil {
		return platform.Page[platform.Record]{}, err
	}
	return i.reader.Scan(ctx, q)
}

// Recall implements [platform.Committer].
func (i *inside) Recall(ctx context.Context, key platform.Key) (platform.Answer, error) {
	if err := store.Ended(ctx); err != nil {
		return platform.Answer{}, err
	}
	return i.reader.Recall(ctx, key)
}

// Commit implements [platform.Committer].
func (i *inside) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	prepared, err := i.prepare(ctx, set)
	if err != nil {
		return platform.Receipt{}, err
	}
	for try := 0; ; try++ {
		receipt, err := i.once(ctx, prepared, try > 0)
		pg := refused(err)
		switch {
		case err == nil:
			return receipt, nil
		case errors.Is(err, errBlind):
			continue
		case pg == nil && platform.Code(err) != "internal":
			return platform.Receipt{}, err
		case pg == nil:
			return platform.Receipt{}, reading(ctx, err)
		case pg.Code == uniqueViolation && try < clashes:
		case clashed(err):
			return platform.Receipt{}, fmt.Errorf("commit: SQLSTATE %s: %w", pg.Code, ErrSerialization)
		default:
			return platform.Receipt{}, failed(err)
		}
	}
}

// once writes the set between a savepoint and its release.
func (i *inside) once(ctx context.Context, set store.Prepared, fresh bool) (platform.Receipt, error) {
	if err := i.tx.exec(ctx, "savepoint platform"); err != nil {
		return platform.Receipt{}, err
	}
	receipt, err := i.write(ctx, set, fresh)
	if err != nil {
		ctx = context.WithoutCancel(ctx)
		_ = i.tx.exec(ctx, "rollback to savepoint platform") // if it fails, the caller's transaction is over and will say so
		_ = i.tx.exec(ctx, "release savepoint platform")
		return platform.Receipt{}, err
	}
	return receipt, i.tx.exec(ctx, "release savepoint platform")
}

func (i *inside) write(ctx context.Context, set store.Prepared, fresh bool) (platform.Receipt, error) {
	var first, second pgx.Batch
	sets := []store.Prepared{set}
	state, there := i.tables.look(&first, sets, fresh)
	if first.Len() > 0 {
		if err := i.tx.send(ctx, &first); err != nil {
			return platform.Receipt{}, err
		}
	}
	writes, outcomes := store.Decide(state, sets)
	switch {
	case !fresh && refusedAny(outcomes):
		return platform.Receipt{}, errBlind
	case nothing(outcomes):
		return outcomes[0].Receipt, outcomes[0].Err
	}
	i.tables.queue(&second, writes, there)
	return outcomes[0].Receipt, i.tx.send(ctx, &second)
}

// Close implements [platform.DB] and does nothing: the transaction is the
// caller's.
func (i *inside) Close() error { return nil }
