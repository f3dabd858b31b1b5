package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// moment is a read transaction on a connection of its own. While it is open,
// the log cannot be emptied into the file, and grows.
type moment struct {
	view
	db *DB
	tx *sql.Tx
}

// Moment implements [store.Engine]: one read transaction, which holds up
// nobody. Close it soon; the store's own Close ends it too.
func (db *DB) Moment(ctx context.Context) (store.Snapshot, error) {
	m, err := db.moment(ctx)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (db *DB) moment(ctx context.Context) (*moment, error) {
	if err := db.use(ctx); err != nil {
		return nil, err
	}
	tx, err := db.moments.BeginTx(context.Background(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, trouble("moment", err)
	}
	m := &moment{view{db.kinds, db.tables, tx}, db, tx}
	var one int
	err = tx.QueryRowContext(ctx, "select exists (select 1 from migration)").Scan(&one) // the moment is that of the first read
	if err != nil {
		return nil, errors.Join(trouble("moment", err), m.Close())
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.open == nil {
		_ = tx.Rollback()
		return nil, store.ErrClosed
	}
	db.open[m] = true
	return m, nil
}

// Get implements [platform.Getter].
func (m *moment) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	if err := store.Ended(ctx); err != nil {
		return nil, err
	}
	return m.get(ctx, refs)
}

// Scan implements [platform.Getter].
func (m *moment) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	if err := store.Ended(ctx); err != nil {
		return platform.Page[platform.Record]{}, err
	}
	return m.scan(ctx, q)
}

// Close ends the moment. A second call returns nil.
func (m *moment) Close() error {
	m.db.mu.Lock()
	delete(m.db.open, m)
	m.db.mu.Unlock()
	if err := m.tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return trouble("end moment", err)
	}
	return nil
}
