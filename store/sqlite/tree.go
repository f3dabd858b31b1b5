package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// tree keeps the audit log's tree in tables of its own.
type tree struct{ db *DB }

// Tree implements [store.Engine].
func (db *DB) Tree() store.Tree { return tree{db} }

// Size implements [store.Tree].
func (t tree) Size(ctx context.Context) (size int64, err error) {
	if err := t.db.use(ctx); err != nil {
		return 0, err
	}
	rows, err := t.db.reader.by.QueryContext(ctx, "select coalesce(max(number) + 1, 0) from leaf")
	if err != nil {
		return 0, trouble("tree", err)
	}
	return size, trouble("tree", walk(rows, func() (bool, error) { return true, rows.Scan(&size) }))
}

// Find implements [store.Tree].
func (t tree) Find(ctx context.Context, events ...platform.ID) ([]int64, error) {
	if err := t.db.use(ctx); err != nil {
		return nil, err
	}
	names, _ := json.Marshal(events) // plain texts
	rows, err := t.db.reader.by.QueryContext(ctx, "select x.key, l.number from json_each(?) x cross join leaf l on l.event = x.value", string(names))
	if err != nil {
		return nil, trouble("leaves", err)
	}
	found := slices.Repeat([]int64{-1}, len(events))
	err = walk(rows, func() (bool, error) {
		var i int
		var number int64
		err := rows.Scan(&i, &number)
		found[i] = number
		return true, err
	})
	return found, trouble("leaves", err)
}

// Grow implements [store.Tree].
func (t tree) Grow(ctx context.Context, size int64, leaves []platform.ID, hashes [][]byte) error {
	if err := t.db.use(ctx); err != nil {
		return err
	}
	w := t.db.writer
	return w.transact(ctx, func() error {
		var now, stored int64
		err := w.row("select coalesce(max(number) + 1, 0), (select coalesce(max(number) + 1, 0) from hash) from leaf").Scan(&now, &stored)
		if err != nil {
			return err
		}
		if now != size {
			return fmt.Errorf("grow from %d, now %d: %w", size, now, store.ErrHead)
		}
		for i, leaf := range leaves {
			done, err := w.exec("insert into leaf (number, event) values (?, ?) on conflict (event) do nothing", size+int64(i), string(leaf))
			if err != nil {
				return err
			}
			if n, err := done.RowsAffected(); err != nil || n == 0 {
				return fmt.Errorf("leaf %s twice: %w", leaf, store.ErrHead)
			}
		}
		for i, h := range hashes {
			if _, err := w.exec("insert into hash (number, hash) values (?, ?)", stored+int64(i), solid(h)); err != nil {
				return err
			}
		}
		return nil
	})
}

// solid is bytes that are not null.
func solid(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Leaves implements [store.Tree].
func (t tree) Leaves(ctx context.Context, from int64, limit int) ([]platform.ID, error) {
	if err := t.db.use(ctx); err != nil {
		return nil, err
	}
	rows, err := t.db.reader.by.QueryContext(ctx, "select event from leaf where number >= ? order by number limit ?", max(from, 0), max(limit, 0))
	if err != nil {
		return nil, trouble("leaves", err)
	}
	leaves := []platform.ID{}
	err = walk(rows, func() (bool, error) {
		var leaf string
		err := rows.Scan(&leaf)
		leaves = append(leaves, platform.ID(leaf))
		return true, err
	})
	return leaves, trouble("leaves", err)
}

// Hashes implements [store.Tree].
func (t tree) Hashes(ctx context.Context, at []int64) ([][]byte, error) {
	if err := t.db.use(ctx); err != nil {
		return nil, err
	}
	var places []byte
	for i, n := range at {
		if places = append(places, ','); i == 0 {
			places[0] = '['
		}
		places = fmt.Append(places, n)
	}
	found := make([][]byte, len(at))
	if len(at) == 0 {
		return found, nil
	}
	rows, err := t.db.reader.by.QueryContext(ctx, "select x.key, h.hash from json_each(?) x cross join hash h on h.number = x.value", string(places)+"]")
	if err != nil {
		return nil, trouble("hashes", err)
	}
	err = walk(rows, func() (bool, error) {
		var i int
		var hash []byte
		err := rows.Scan(&i, &hash)
		found[i] = solid(hash)
		return true, err
	})
	if err != nil {
		return nil, trouble("hashes", err)
	}
	for i, h := range found {
		if h == nil {
			return nil, fmt.Errorf("hash %d: %w", at[i], platform.ErrNotFound)
		}
	}
	return found, nil
}
