package memory

import (
	"context"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ store.Snapshot = (*Snapshot)(nil)

// Snapshot shows the store as it was at one moment, however long it is read:
// for verification, reports and backup. It may be used by several goroutines at
// once; closing it does nothing.
type Snapshot struct {
	kinds  *store.Kinds
	tables map[string]*table
}

// Snapshot is the store as it is now. It costs the same however much is stored,
// and holds up nobody.
func (db *DB) Snapshot() *Snapshot {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.snapshot()
}

// Moment implements [store.Engine].
func (db *DB) Moment(ctx context.Context) (store.Snapshot, error) {
	return db.Snapshot(), ctx.Err()
}

// Close implements [store.Snapshot].
func (s *Snapshot) Close() error { return nil }

func (db *DB) snapshot() *Snapshot {
	s := &Snapshot{kinds: db.kinds, tables: make(map[string]*table, len(db.tables))}
	for name, t := range db.tables {
		s.tables[name] = t.copy()
	}
	return s
}

// Get implements [platform.Getter].
func (s *Snapshot) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return get(s.kinds, s.tables, refs)
}

// Scan implements [platform.Getter].
func (s *Snapshot) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	bounds, err := s.kinds.Bounds(q)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return platform.Page[platform.Record]{}, err
	}
	return s.tables[q.Kind].scan(bounds), nil
}
