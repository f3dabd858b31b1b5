package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/liangding/platform/store"
)

// Lines implements [store.Archive]: one read transaction, streamed.
func (db *DB) Lines(ctx context.Context) iter.Seq2[store.Line, error] {
	return func(yield func(store.Line, error) bool) {
		m, err := db.moment(ctx)
		if err != nil {
			yield(store.Line{}, err)
			return
		}
		defer func() { _ = m.Close() }()
		store.Lines(m.entries(ctx, m.archived()))(yield)
	}
}

// Load implements [store.Archive], in one transaction. It is all loaded when it
// returns nil; after [store.ErrUnknown], look.
func (db *DB) Load(ctx context.Context, lines iter.Seq2[store.Line, error]) error {
	if err := db.use(ctx); err != nil {
		return err
	}
	var failed error // of the lines themselves, which the caller knows best
	err := db.writer.transact(ctx, func() error {
		if err := db.empty(); err != nil {
			return err
		}
		n := 0
		var tree grown
		for l, err := range lines {
			n++
			if failed = errors.Join(err, ctx.Err()); failed != nil {
				failed = fmt.Errorf("load line %d: %w", n, failed)
				return failed
			}
			e, err := db.kinds.Entry(l)
			if err == nil {
				err = repeated(db.load(e, &tree))
			}
			if err != nil {
				return fmt.Errorf("load line %d: %w", n, err)
			}
		}
		return nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// empty refuses a store in which there is anything.
func (db *DB) empty() error {
	names := []string{"counter", "movement", "claim", "answer", "undelivered", "delivery", "leaf", "hash"}
	for _, t := range db.tables {
		names = append(names, t.name)
	}
	for _, name := range names {
		var some bool
		if err := db.writer.row("select exists (select 1 from " + name + ")").Scan(&some); err != nil {
			return err
		}
		if some {
			return store.ErrNotEmpty
		}
	}
	return nil
}

// grown counts what of the tree is loaded.
type grown struct{ leaves, hashes int64 }

func (db *DB) load(e store.Entry, tree *grown) (err error) {
	switch {
	case e.Row != nil:
		return db.restore(e.Row)
	case e.Count != nil:
		return db.count(*e.Count, insertCounter)
	case e.Movement != nil:
		return db.move(*e.Movement)
	case e.Answer != nil:
		return db.answer(e.Answer.Key, e.Answer.Answer)
	case e.Leaf != "":
		_, err = db.writer.exec("insert into leaf (number, event) values (?, ?)", tree.leaves, string(e.Leaf))
		tree.leaves++
	case e.Hash != nil:
		_, err = db.writer.exec("insert into hash (number, hash) values (?, ?)", tree.hashes, e.Hash)
		tree.hashes++
	case e.Pending != "":
		return db.pend(e.Pending)
	}
	return err
}

// restore writes a record and its claims.
func (db *DB) restore(row *store.Row) error {
	for _, c := range row.Claims {
		done, err := db.claim(c, row.Ref, "on conflict do nothing")
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return fmt.Errorf("claim in %s of %s: %w", c.Scope, row.Ref, store.ErrDamaged)
		}
	}
	return db.put(row, db.tables[row.Ref.Kind].insert)
}
