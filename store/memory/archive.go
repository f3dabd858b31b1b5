package memory

import (
	"context"
	"fmt"
	"io"
	"iter"

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
		store.Lines(db.Snapshot().Entries(ctx))(yield)
	}
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
	leaves, hashes := db.tree.all()
	return len(leaves)+len(hashes)+db.answers.byKey.Len() == 0
}

func (db *DB) load(l store.Line) error {
	e, err := db.kinds.Entry(l)
	if err != nil {
		return err
	}
	again := false
	switch {
	case e.Row != nil:
		return db.loadRow(e.Row)
	case e.Count != nil:
		again = db.tables[store.Counter].put(counted(*e.Count))
	case e.Movement != nil:
		again = db.tables[store.Movement].put(moved(*e.Movement))
	case e.Answer != nil:
		again = db.answers.put(*e.Answer)
	case e.Leaf != "":
		again = !db.tree.append(e.Leaf)
	case e.Hash != nil:
		db.tree.hashes = append(db.tree.hashes, e.Hash)
	case e.Pending != "":
		_, again = db.feed.place[e.Pending]
		db.feed.add(e.Pending)
	}
	if again {
		return fmt.Errorf("a line twice: %w", store.ErrDamaged)
	}
	return nil
}

func (db *DB) loadRow(row *store.Row) error {
	if db.tables[row.Ref.Kind].put(&entry{Row: row}) {
		return fmt.Errorf("%s twice: %w", row.Ref, store.ErrDamaged)
	}
	for _, claim := range row.Claims {
		if other, taken := db.claims.Set(held{claim, row.Ref}); taken {
			return fmt.Errorf("claim in %s of %s held by %s: %w", claim.Scope, row.Ref, other.owner, store.ErrDamaged)
		}
	}
	return nil
}
