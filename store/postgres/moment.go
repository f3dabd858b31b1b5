package postgres

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// moment is one read-only transaction, which goes on seeing its beginning. Its
// calls take turns.
type moment struct {
	reader
	db      *DB
	mu      sync.Mutex
	tx      pgx.Tx // nil when closed
	forget  func() bool
	cursors atomic.Int64 // so far
}

// Moment implements [store.Engine]. It holds one connection of the pool until it
// is closed, and keeps the server from clearing up what changed since.
func (db *DB) Moment(ctx context.Context) (store.Snapshot, error) {
	m, err := db.moment(ctx)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (db *DB) moment(ctx context.Context) (*moment, error) {
	if err := db.open(ctx); err != nil {
		return nil, err
	}
	return again(ctx, func() (*moment, error) {
		tx, err := db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return nil, reading(ctx, err)
		}
		if _, err := tx.Exec(ctx, "select 1"); err != nil { // the moment is that of the first statement
			_ = tx.Rollback(context.WithoutCancel(ctx))
			return nil, reading(ctx, err)
		}
		m := &moment{reader: db.reader, db: db, tx: tx}
		m.query = tx
		m.forget = context.AfterFunc(db.ctx, func() { _ = m.Close() })
		return m, nil
	})
}

// turn waits for the calls before; the ctx that it returns ends with the store.
func (m *moment) turn(ctx context.Context) (context.Context, func(), error) {
	if err := store.Ended(ctx); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	if m.tx == nil {
		m.mu.Unlock()
		return nil, nil, store.ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(m.db.ctx, cancel)
	return ctx, func() { stop(); cancel(); m.mu.Unlock() }, nil
}

// Get implements [platform.Getter].
func (m *moment) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	ctx, done, err := m.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return m.reader.Get(ctx, refs...)
}

// Scan implements [platform.Getter].
func (m *moment) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	ctx, done, err := m.turn(ctx)
	if err != nil {
		return platform.Page[platform.Record]{}, err
	}
	defer done()
	return m.reader.Scan(ctx, q)
}

// Close implements [store.Snapshot]; a second call does nothing.
func (m *moment) Close() error {
	m.forget()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tx == nil {
		return nil
	}
	tx := m.tx
	m.tx = nil
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = tx.Rollback(ctx) // it wrote nothing, and its connection goes either way
	return nil
}
