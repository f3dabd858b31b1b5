package memory

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Save writes everything, as of one moment, to w, as [store.Backup] does.
// Commits go on meanwhile.
func (db *DB) Save(w io.Writer) error {
	_, err := store.Backup(context.Background(), db, w)
	return err
}

// Load is a new store with what [store.Backup] wrote, of this engine or another.
// It fails as [store.Restore] does.
func Load(r io.Reader, kinds []platform.Kind, opts *Options) (*DB, error) {
	db := New(kinds, opts)
	if _, err := store.Restore(context.Background(), db, r); err != nil {
		return nil, err
	}
	return db, nil
}

// Lines implements [store.Archive].
func (db *DB) Lines(ctx context.Context) iter.Seq2[store.Line, error] {
	return func(yield func(store.Line, error) bool) {
		db.mu.Lock()
		records, rest := db.snapshot(), slices.Concat(db.answerLines(), db.tree.lines(), db.feed.lines())
		db.mu.Unlock()
		going := true
		for _, name := range db.kinds.Names() {
			records.tables[name].rows.Scan(func(_ string, e *entry) bool {
				r := e.record()
				going = ctx.Err() == nil && yield(store.Line{Kind: r.Ref.Kind, ID: r.Ref.ID, Version: r.Version, Schema: r.Schema, Doc: r.Doc}, nil)
				return going
			})
			if !going {
				break
			}
		}
		for i := 0; going && i < len(rest); i++ {
			going = ctx.Err() == nil && yield(rest[i], nil)
		}
		if ctx.Err() != nil {
			yield(store.Line{}, ctx.Err())
		}
	}
}

func (db *DB) answerLines() []store.Line {
	lines := make([]store.Line, 0, len(db.answers.byKey))
	for key, answer := range db.answers.byKey {
		lines = append(lines, store.Line{Key: &key, Answer: &answer})
	}
	slices.SortFunc(lines, func(a, b store.Line) int {
		return cmp.Or(cmp.Compare(a.Key.Scope, b.Key.Scope), cmp.Compare(a.Key.Name, b.Key.Name))
	})
	return lines
}

func (t *tree) lines() []store.Line {
	t.mu.RLock()
	defer t.mu.RUnlock()
	lines := make([]store.Line, 0, len(t.leaves)+len(t.hashes))
	for _, leaf := range t.leaves {
		lines = append(lines, store.Line{Leaf: leaf})
	}
	for _, h := range t.hashes {
		lines = append(lines, store.Line{Hash: h})
	}
	return lines
}

// Load implements [store.Archive]: what is loaded appears at once, at the end.
func (db *DB) Load(ctx context.Context, lines iter.Seq2[store.Line, error]) error {
	fresh := &DB{kinds: db.kinds, opts: db.opts, tree: newTree()}
	fresh.clear()
	n := 0
	for line, err := range lines {
		if n++; err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = fresh.load(line)
		}
		if err != nil {
			return fmt.Errorf("load line %d: %w", n, err)
		}
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return store.ErrClosed
	}
	if !db.empty() {
		return store.ErrNotEmpty
	}
	db.tables, db.claims, db.answers, db.feed = fresh.tables, fresh.claims, fresh.answers, fresh.feed
	db.tree.replace(fresh.tree)
	return nil
}

func (db *DB) empty() bool {
	for _, t := range db.tables {
		if t.rows.Len() > 0 {
			return false
		}
	}
	return len(db.answers.byKey) == 0
}

func (db *DB) load(l store.Line) error {
	switch {
	case l.Key != nil && l.Answer != nil:
		db.answers.put(*l.Key, *l.Answer)
	case l.Leaf != "":
		db.tree.index[l.Leaf] = int64(len(db.tree.leaves))
		db.tree.leaves = append(db.tree.leaves, l.Leaf)
	case l.Hash != nil:
		db.tree.hashes = append(db.tree.hashes, l.Hash)
	case l.Pending != "":
		db.feed.add(l.Pending)
	default:
		return db.loadRecord(platform.Record{Ref: platform.Ref{Kind: l.Kind, ID: l.ID}, Version: l.Version, Schema: l.Schema, Doc: l.Doc})
	}
	return nil
}

func (db *DB) loadRecord(r platform.Record) error {
	row, err := db.kinds.Stored(r)
	if err != nil {
		return err
	}
	e := &entry{Row: row}
	switch r.Ref.Kind {
	case store.Counter:
		e.plain = &platform.Count{}
	case store.Movement:
		e.plain = &platform.Movement{}
	}
	if e.plain != nil && json.Unmarshal(r.Doc, e.plain) != nil {
		return store.ErrDamaged
	}
	if row.Keys, err = db.kinds.Keys(row); err != nil {
		return err
	}
	row.Columns = nil
	if db.tables[r.Ref.Kind].get(r.Ref.ID) != nil {
		return fmt.Errorf("%s twice: %w", r.Ref, store.ErrDamaged)
	}
	db.tables[r.Ref.Kind].put(e)
	for _, claim := range row.Claims {
		if owner, taken := db.claims[claim]; taken {
			return fmt.Errorf("claim %s of %s held by %s: %w", claim.Scope, r.Ref, owner, store.ErrDamaged)
		}
		db.claims[claim] = r.Ref
	}
	return nil
}
