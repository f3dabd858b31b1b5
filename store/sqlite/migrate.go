package sqlite

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

//go:embed migrations/*.sql
var embedded embed.FS

// migration is one numbered step of the tables that are no kind's.
type migration struct {
	number int
	name   string
	text   string
}

func (m migration) sum() []byte {
	sum := sha256.Sum256([]byte(m.text))
	return sum[:]
}

// migrations are the steps in a folder, numbered 1, 2, 3 … by their file names.
func migrations(from fs.FS) ([]migration, error) {
	files, err := fs.Glob(from, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	all := make([]migration, len(files))
	for i, file := range files {
		text, err := fs.ReadFile(from, file)
		if err != nil {
			return nil, err
		}
		name := path.Base(file)
		number, err := strconv.Atoi(name[:min(4, len(name))])
		if err != nil || number != i+1 {
			return nil, fmt.Errorf("migration %s in the place of number %d: %w", name, i+1, ErrMigration)
		}
		all[i] = migration{number, name, string(text)}
	}
	return all, nil
}

// migrate brings the file to what this program knows. The write lock makes it
// one runner at a time; a second one finds nothing to do.
func (db *DB) migrate(ctx context.Context) error {
	known, err := migrations(embedded)
	if err != nil {
		return err
	}
	err = db.writer.transact(ctx, func() error {
		if err := db.step(known); err != nil {
			return err
		}
		for _, t := range db.tables {
			if err := db.shape(t); err != nil {
				return err
			}
		}
		_, err := db.writer.exec("delete from witness where at < (unixepoch() - 86400) * 1000000") // of handles long gone
		return err
	})
	if err != nil {
		return err
	}
	for _, t := range db.tables {
		if err := db.reindex(ctx, t); err != nil {
			return err
		}
	}
	return db.writer.transact(ctx, func() error {
		for _, t := range db.tables {
			if err := db.writer.script(t.indexes()); err != nil {
				return err
			}
		}
		return nil
	})
}

// step runs the migrations that the file has not seen, and compares the others.
func (db *DB) step(known []migration) error {
	w := db.writer
	if err := w.script("create table if not exists migration (number integer primary key, name text not null, sum blob not null, at integer not null) strict"); err != nil {
		return err
	}
	seen := 0
	rows, err := w.query("select number, sum from migration order by number")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var number int
		var sum []byte
		if err := rows.Scan(&number, &sum); err != nil {
			return err
		}
		seen++
		switch {
		case number > len(known):
			return fmt.Errorf("migration %d, known %d: %w", number, len(known), ErrNewer)
		case number != seen:
			return fmt.Errorf("migration %d after %d: %w", number, seen-1, ErrMigration)
		case string(sum) != string(known[number-1].sum()):
			return fmt.Errorf("migration %d of %d: %w", number, len(known), ErrMigration)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, m := range known[seen:] {
		if err := w.script(m.text); err != nil {
			return err
		}
		if _, err := w.exec("insert into migration (number, name, sum, at) values (?, ?, ?, ?)", m.number, m.name, m.sum(), db.now().UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}

// shape makes a kind's table and the columns that it lacks, and numbers the
// definition of its keys.
func (db *DB) shape(t *table) error {
	w := db.writer
	if err := w.script(t.create()); err != nil {
		return err
	}
	has, err := db.columns(t)
	if err != nil {
		return err
	}
	if slices.Contains(has, quoted("slot")) { // from before migration 3
		if err := w.script(t.rekey(has[slices.Index(has, quoted("claims"))+1:])); err != nil {
			return err
		}
	}
	for _, c := range t.columns {
		if slices.Contains(has, c) {
			continue
		}
		if err := w.script("alter table " + t.name + " add column " + c + " blob"); err != nil {
			return err
		}
	}
	if _, err := w.exec("insert into shape (kind, definition) values (?, ?) on conflict do nothing", t.kind.Name, t.definition()); err != nil {
		return err
	}
	return w.row("select id from shape where kind = ? and definition = ?", t.kind.Name, t.definition()).Scan(&t.shape)
}

// columns are those that a kind's table has, quoted.
func (db *DB) columns(t *table) (has []string, err error) {
	rows, err := db.writer.query("select name from pragma_table_info(?)", store.Table(t.kind.Name))
	if err != nil {
		return nil, err
	}
	err = walk(rows, func() (bool, error) {
		var name string
		err := rows.Scan(&name)
		has = append(has, quoted(name))
		return true, err
	})
	return has, err
}

// reindex derives the keys of rows that a program of another definition wrote,
// a thousand at a time, so that nobody waits long and a stop loses little.
func (db *DB) reindex(ctx context.Context, t *table) error {
	stale, err := db.stale(ctx, t)
	if err != nil {
		return err
	}
	for _, shape := range stale {
		for more := true; more; {
			err := db.writer.transact(ctx, func() (err error) {
				more, err = db.reindexed(t, shape)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// stale are the definitions whose rows this program must look at.
func (db *DB) stale(ctx context.Context, t *table) (ids []int64, err error) {
	err = db.writer.transact(ctx, func() error {
		rows, err := db.writer.query("select id, definition from shape where kind = ?", t.kind.Name)
		if err != nil {
			return err
		}
		err = walk(rows, func() (bool, error) {
			var id int64
			var definition string
			err := rows.Scan(&id, &definition)
			if err == nil && !t.covers(definition) {
				ids = append(ids, id)
			}
			return true, err
		})
		return cmp.Or(err, errIdle)
	})
	return ids, err
}

func (db *DB) reindexed(t *table, shape int64) (more bool, err error) {
	const batch = 1000
	rows, err := db.writer.query("select id, version, schema, doc from "+t.name+" where shape = ? limit ?", shape, batch)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var records []platform.Record
	for rows.Next() {
		r, err := t.record(rows)
		if err != nil {
			return false, err
		}
		records = append(records, r)
	}
	if err := rows.Err(); err != nil {
		return false, err
	}
	set := strings.Join(append([]string{"shape"}, t.columns...), " = ?, ") + " = ?"
	for _, r := range records {
		row, err := db.kinds.Stored(r)
		if err != nil {
			return false, err
		}
		keys, err := db.kinds.Keys(row)
		if err != nil {
			return false, err
		}
		args := append([]any{t.shape}, blobs(keys)...)
		id := r.Ref.ID.UUID()
		if _, err := db.writer.exec("update "+t.name+" set "+set+" where id = ?", append(args, id[:])...); err != nil {
			return false, err
		}
	}
	return len(records) == batch, nil
}
