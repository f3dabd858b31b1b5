package memory

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/tidwall/btree"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ store.Snapshot = (*Snapshot)(nil)

// Snapshot shows the store as it was at one moment, however long it is read:
// for verification, reports and backup. It may be used by several goroutines at
// once; closing it does nothing.
type Snapshot struct {
	kinds   *store.Kinds
	tables  map[string]*table
	claims  *btree.BTreeG[held]
	answers *btree.BTreeG[store.Answered]
	fresh   *btree.Map[int64, platform.ID]
	late    *btree.BTreeG[store.Delivery]
	leaves  []platform.ID
	hashes  [][]byte
}

// Snapshot is the store as it is now. It costs the same however much is stored,
// and holds up nobody.
func (db *DB) Snapshot() *Snapshot {
	db.mu.Lock()
	defer db.mu.Unlock()
	s := &Snapshot{
		kinds: db.kinds, tables: make(map[string]*table, len(db.tables)), claims: db.claims.Copy(), answers: db.answers.byKey.Copy(),
		fresh: db.feed.fresh.Copy(), late: db.feed.late.Copy(),
	}
	for name, t := range db.tables {
		s.tables[name] = t.copy()
	}
	s.leaves, s.hashes = db.tree.all() // whose events are all committed
	return s
}

// Moment implements [store.Engine].
func (db *DB) Moment(ctx context.Context) (store.Snapshot, error) {
	return db.Snapshot(), ctx.Err()
}

// Close implements [store.Snapshot].
func (s *Snapshot) Close() error { return nil }

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

// Entries implements [store.Snapshot].
func (s *Snapshot) Entries(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		going := true
		give := func(e store.Entry) bool {
			going = ctx.Err() == nil && yield(e, nil)
			return going
		}
		for _, part := range []func(func(store.Entry) bool){s.records, s.answered, s.audited, s.pending, s.registered} {
			if going {
				part(give)
			}
		}
		if ctx.Err() != nil {
			yield(store.Entry{}, ctx.Err())
		}
	}
}

func (s *Snapshot) records(give func(store.Entry) bool) {
	going := true
	for _, name := range s.kinds.Archived() {
		if !going {
			return
		}
		s.tables[name].rows.Scan(func(_ string, e *entry) bool {
			going = give(e.whole())
			return going
		})
	}
}

func (s *Snapshot) answered(give func(store.Entry) bool) {
	s.answers.Scan(func(a store.Answered) bool {
		a.Answer = own(a.Answer)
		return give(store.Entry{Answer: &a})
	})
}

func (s *Snapshot) audited(give func(store.Entry) bool) {
	for i, leaf := range s.leaves {
		if !give(store.Entry{Leaf: leaf, Place: int64(i)}) {
			return
		}
	}
	for i, hash := range s.hashes {
		if !give(store.Entry{Hash: slices.Clone(hash), Place: int64(i)}) {
			return
		}
	}
}

// pending are the events that not every sink has: those that are late for one
// are fresh again in a store that is restored.
func (s *Snapshot) pending(give func(store.Entry) bool) {
	fresh, going := map[platform.ID]bool{}, true
	s.fresh.Scan(func(_ int64, id platform.ID) bool {
		fresh[id], going = true, give(store.Entry{Pending: id})
		return going
	})
	var late []platform.ID
	s.late.Scan(func(d store.Delivery) bool {
		if !fresh[d.Event.ID] {
			late = append(late, d.Event.ID)
		}
		return going
	})
	slices.Sort(late)
	for _, id := range slices.Compact(late) {
		if going = going && give(store.Entry{Pending: id}); !going {
			return
		}
	}
}

func (s *Snapshot) registered(give func(store.Entry) bool) {
	s.claims.Scan(func(h held) bool { return give(store.Entry{Claim: &h.claim, Owner: h.owner}) })
}

// held is a row of the registry of claims.
type held struct {
	claim platform.Claim
	owner platform.Ref
}

// newRegistry makes a tree of which a copy costs the same however
// large they are.
func newRegistry() *btree.BTreeG[held] {
	return btree.NewBTreeGOptions(func(a, b held) bool {
		return cmp.Or(cmp.Compare(a.claim.Scope, b.claim.Scope), cmp.Compare(a.claim.Key, b.claim.Key)) < 0
	}, btree.Options{NoLocks: true})
}
