package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Undelivered implements [store.Feed]: events in the order of their commits.
func (db *DB) Undelivered(ctx context.Context, limit int) ([]platform.Event, error) {
	if err := db.use(ctx); err != nil {
		return nil, err
	}
	rows, err := db.reader.by.QueryContext(ctx, `select e.doc from undelivered u cross join `+db.tables[store.Event].name+` e
		on e.slot = u.slot and e.id = u.id order by u.place limit ?`, max(limit, 0))
	if err != nil {
		return nil, trouble("undelivered", err)
	}
	var events []platform.Event
	err = walk(rows, func() (bool, error) {
		var doc []byte
		var e platform.Event
		if err := rows.Scan(&doc); err != nil {
			return false, err
		}
		if json.Unmarshal(doc, &e) != nil {
			return false, fmt.Errorf("decode event: %w", ErrDamaged)
		}
		events = append(events, e)
		return true, nil
	})
	if err != nil {
		return nil, trouble("undelivered", err)
	}
	return events, nil
}

// Delivered implements [store.Feed].
func (db *DB) Delivered(ctx context.Context, ids ...platform.ID) error {
	if err := db.use(ctx); err != nil {
		return err
	}
	return db.writer.transact(ctx, func() error {
		for _, id := range ids {
			u := id.UUID()
			if _, err := db.writer.exec("delete from undelivered where id = ?", u[:]); err != nil {
				return err
			}
		}
		return nil
	})
}
