package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/liangding/platform"
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
		for _, s := range db.sources() {
			more, err := s.lines(ctx, m.tx, yield)
			if err != nil {
				yield(store.Line{}, trouble("read lines", err))
				return
			}
			if !more {
				return
			}
		}
	}
}

// origin is a statement and what line a row of it makes.
type origin struct {
	statement string
	line      func(*sql.Rows) (store.Line, error)
}

func (o origin) lines(ctx context.Context, tx *sql.Tx, yield func(store.Line, error) bool) (more bool, err error) {
	rows, err := tx.QueryContext(ctx, o.statement)
	if err != nil {
		return false, err
	}
	more = true
	err = walk(rows, func() (bool, error) {
		line, err := o.line(rows)
		if err != nil {
			return false, err
		}
		more = yield(line, nil)
		return more, nil
	})
	return more, err
}

// sources are all lines in the order of an archive.
func (db *DB) sources() []origin {
	var all []origin
	for _, kind := range db.kinds.Names() {
		all = append(all, db.recorded(kind))
	}
	return append(all,
		origin{"select scope, name, digest, body, receipt from answer order by scope, name", func(rows *sql.Rows) (l store.Line, err error) {
			var key platform.Key
			answer, err := answered(rows, &key.Scope, &key.Name)
			return store.Line{Key: &key, Answer: &answer}, err
		}},
		origin{"select event from leaf order by number", func(rows *sql.Rows) (l store.Line, err error) {
			return l, rows.Scan((*string)(&l.Leaf))
		}},
		origin{"select hash from hash order by number", func(rows *sql.Rows) (l store.Line, err error) {
			err = rows.Scan(&l.Hash)
			l.Hash = solid(l.Hash)
			return l, err
		}},
		origin{"select id from undelivered order by place", db.pending},
		// What is late for one sink is fresh again in a store that is restored.
		origin{"select distinct event from delivery where event not in (select id from undelivered) order by event", db.pending})
}

// pending is the line of an event that not every sink has.
func (db *DB) pending(rows *sql.Rows) (l store.Line, err error) {
	var id []byte
	if err := rows.Scan(&id); err != nil {
		return l, err
	}
	if len(id) != 16 {
		return l, ErrDamaged
	}
	l.Pending = platform.IDFromUUID(db.tables[store.Event].kind.Prefix, [16]byte(id))
	return l, nil
}

func (db *DB) recorded(kind string) origin {
	switch kind {
	case store.Counter:
		return origin{"select name, value, seq from counter order by name", func(rows *sql.Rows) (store.Line, error) {
			var name string
			var value, seq int64
			err := rows.Scan(&name, &value, &seq)
			return line(counted(platform.Ref{Kind: kind, ID: platform.ID(name)}, value, seq)), err
		}}
	case store.Movement:
		return origin{fmt.Sprintf(byLog, "true") + " order by m.log, m.seq", func(rows *sql.Rows) (store.Line, error) {
			m, err := moved(rows)
			return line(logged(m)), err
		}}
	}
	t := db.tables[kind]
	return origin{"select id, version, schema, doc from " + t.name + " order by id", func(rows *sql.Rows) (store.Line, error) {
		r, err := t.record(rows)
		return line(r), err
	}}
}

func line(r platform.Record) store.Line {
	return store.Line{Kind: r.Ref.Kind, ID: r.Ref.ID, Version: r.Version, Schema: r.Schema, Doc: r.Doc}
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
			if err := db.load(l, &tree); err != nil {
				return fmt.Errorf("load line %d: %w", n, repeated(err))
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

func (db *DB) load(l store.Line, tree *grown) (err error) {
	switch {
	case l.Key != nil && l.Answer != nil:
		return db.answer(*l.Key, *l.Answer)
	case l.Leaf != "":
		_, err = db.writer.exec("insert into leaf (number, event) values (?, ?)", tree.leaves, string(l.Leaf))
		tree.leaves++
	case l.Hash != nil:
		_, err = db.writer.exec("insert into hash (number, hash) values (?, ?)", tree.hashes, l.Hash)
		tree.hashes++
	case l.Pending != "":
		return db.pend(l.Pending)
	case l.Kind == store.Counter:
		var c platform.Count
		if json.Unmarshal(l.Doc, &c) != nil {
			return fmt.Errorf("%s/%s: %w", l.Kind, l.ID, store.ErrDocument)
		}
		return db.count(c, insertCounter)
	case l.Kind == store.Movement:
		var m platform.Movement
		if json.Unmarshal(l.Doc, &m) != nil {
			return fmt.Errorf("%s/%s: %w", l.Kind, l.ID, store.ErrDocument)
		}
		return db.move(m)
	default:
		return db.restore(platform.Record{Ref: platform.Ref{Kind: l.Kind, ID: l.ID}, Version: l.Version, Schema: l.Schema, Doc: l.Doc})
	}
	return err
}

// restore writes a record with the keys and claims that follow from it.
func (db *DB) restore(r platform.Record) error {
	row, err := db.kinds.Stored(r)
	if err != nil {
		return err
	}
	view := view{kinds: db.kinds}
	if err := view.sound(r.Ref); err != nil {
		return err
	}
	if row.Keys, err = db.kinds.Keys(row); err != nil {
		return err
	}
	for _, c := range row.Claims {
		done, err := db.claim(c, r.Ref, "on conflict do nothing")
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return fmt.Errorf("claim %s of %s: %w", c.Scope, r.Ref, store.ErrTaken)
		}
	}
	return db.put(row, db.tables[r.Ref.Kind].insert)
}
