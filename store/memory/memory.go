// Package memory is a [platform.DB] in the process's memory: for tests, demos
// and simulations, with the same rules as the durable adapters. Begin with
// [New]; [DB.Save] and [Load] keep it in a file.
package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tidwall/btree"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ store.Engine = (*DB)(nil)

// DB is the store. It may be used by several goroutines at once.
//
// One lock guards it, held for microseconds and for no I/O nor caller's code;
// documents are encoded and decoded outside. A Get, and each page of a Scan,
// sees one moment; [DB.Snapshot] sees one moment for as long as it is used.
type DB struct {
	kinds *store.Kinds
	opts  Options
	tree  *tree

	mu      sync.RWMutex
	closed  bool
	tables  map[string]*table
	claims  *btree.BTreeG[held]
	answers answers
	feed    *feed
	stats   store.Stats
}

// Options are what may differ from the defaults; nil means all of them.
type Options struct {
	Now func() time.Time // stamps answers, from which their retention counts. If nil, time.Now.
}

// New is an empty store for the given kinds. It panics when a kind is declared
// wrongly (see [platform.Kind.Fault]), which is a programmer's mistake.
func New(kinds []platform.Kind, opts *Options) *DB {
	known, err := store.NewKinds(kinds)
	if err != nil {
		panic(err)
	}
	db := &DB{kinds: known, tree: newTree()}
	if opts != nil {
		db.opts = *opts
	}
	db.clear()
	return db
}

// clear makes the tables, with nothing in them.
func (db *DB) clear() {
	db.tables, db.claims, db.feed = map[string]*table{}, newRegistry(), newFeed()
	db.answers = newAnswers(platform.Writer{Now: db.opts.Now}.Ready().Now)
	for _, name := range db.kinds.Names() {
		kind, _ := db.kinds.Kind(name)
		db.tables[name] = newTable(len(kind.Indexes))
	}
}

// Tree implements [store.Engine].
func (db *DB) Tree() store.Tree { return db.tree }

// Get implements [platform.DB].
func (db *DB) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	if err := store.Ended(ctx); err != nil {
		return nil, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return nil, store.ErrClosed
	}
	return get(db.kinds, db.tables, refs)
}

// Scan implements [platform.DB].
func (db *DB) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	if err := store.Ended(ctx); err != nil {
		return platform.Page[platform.Record]{}, err
	}
	bounds, err := db.kinds.Bounds(q)
	if err != nil {
		return platform.Page[platform.Record]{}, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return platform.Page[platform.Record]{}, store.ErrClosed
	}
	return db.tables[q.Kind].scan(bounds), nil
}

// Recall implements [platform.Committer].
func (db *DB) Recall(ctx context.Context, key platform.Key) (platform.Answer, error) {
	if err := store.Ended(ctx); err != nil {
		return platform.Answer{}, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return platform.Answer{}, store.ErrClosed
	}
	answer, known := db.answers.get(key)
	if !known {
		return platform.Answer{}, fmt.Errorf("answer of key %s: %w", key.Name, platform.ErrNotFound)
	}
	return answer, nil
}

// Commit implements [platform.Committer].
func (db *DB) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if err := store.Ended(ctx); err != nil {
		return platform.Receipt{}, err
	}
	prepared, err := db.kinds.Prepare(set)
	if err != nil {
		return platform.Receipt{}, err
	}
	if err := db.index(prepared); err != nil {
		return platform.Receipt{}, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return platform.Receipt{}, store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return platform.Receipt{}, err
	}
	writes, outcomes := store.Decide(db.read(prepared), []store.Prepared{prepared})
	db.stats.Flushes++
	db.stats.Sets++
	switch {
	case outcomes[0].Err != nil:
		db.stats.Refused++
	case outcomes[0].Receipt.Answer == nil:
		db.write(writes)
	}
	return outcomes[0].Receipt, outcomes[0].Err
}

// index encodes the index keys of the rows, before the lock is taken. Nothing
// needs their columns after that.
func (db *DB) index(p store.Prepared) (err error) {
	for _, s := range p.Steps {
		if s.Row == nil {
			continue
		}
		if s.Row.Keys, err = db.kinds.Keys(s.Row); err != nil {
			return err
		}
		s.Row.Columns = nil
	}
	return nil
}

// read gathers what the set names.
func (db *DB) read(p store.Prepared) *store.State {
	state := store.NewState(p)
	if answer, known := db.answers.get(p.Key); known {
		state.Answers[p.Key] = &answer
	}
	for _, s := range p.Steps {
		if e := db.tables[s.Ref.Kind].get(s.Ref.ID); e != nil {
			found := state.At(s.Ref)
			found.Version, found.Claims = e.Version, e.Claims
			if c, counts := e.plain.(*platform.Count); counts {
				found.Value = c.Value
			}
			for _, c := range e.Claims {
				state.Owners[c] = s.Ref
			}
		}
		if s.Row == nil {
			continue
		}
		for _, c := range s.Row.Claims {
			if row, taken := db.claims.Get(held{claim: c}); taken {
				state.Owners[c] = row.owner
			}
		}
	}
	return state
}

// write applies what was decided; nothing of it can fail.
func (db *DB) write(w store.Writes) {
	for _, row := range w.Rows {
		db.tables[row.Ref.Kind].put(&entry{Row: row})
	}
	for _, ref := range w.Deleted {
		db.tables[ref.Kind].remove(ref.ID)
	}
	for claim := range w.Freed {
		db.claims.Delete(held{claim: claim})
	}
	for claim, owner := range w.Taken {
		db.claims.Set(held{claim, owner})
	}
	for _, c := range w.Counters {
		db.tables[store.Counter].put(counted(c))
	}
	for _, m := range w.Movements {
		db.tables[store.Movement].put(moved(m))
	}
	for _, event := range w.Events {
		db.tables[store.Event].put(&entry{Row: event})
		db.feed.add(event.Ref.ID)
	}
	for _, a := range w.Answers {
		db.answers.put(a)
	}
}

// Stats implements [store.Engine]. A flush is a set, and nothing waits.
func (db *DB) Stats() store.Stats {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return db.stats
}

// Close implements [platform.DB]. What is stored can still be saved.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.closed = true
	return nil
}
