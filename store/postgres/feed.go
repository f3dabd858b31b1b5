package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Undelivered implements [store.Feed]: events by slot, and by time in each. It
// reads rows, never from a position on: commits do not become visible in the
// order of their ids.
func (db *DB) Undelivered(ctx context.Context, limit int) ([]platform.Event, error) {
	if err := db.open(ctx); err != nil {
		return nil, err
	}
	return again(ctx, func() ([]platform.Event, error) {
		rows, err := db.pool.Query(ctx, db.tables.sql(`select e.doc::text from (select slot, id from {schema}.undelivered order by slot, id limit $1) u,
 lateral (select doc from {schema}.event t where t.slot = u.slot and t.id = u.id offset 0) e order by u.slot, u.id`), max(limit, 0)) // a plain join would read all events while few are undelivered
		if err != nil {
			return nil, reading(ctx, err)
		}
		events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e platform.Event, err error) {
			var doc []byte
			if err := row.Scan(&doc); err != nil {
				return e, err
			}
			if err := json.Unmarshal(doc, &e); err != nil {
				return e, fmt.Errorf("decode event: %w", store.ErrSchema)
			}
			return e, nil
		})
		return events, reading(ctx, err)
	})
}

// Delivered implements [store.Feed].
func (db *DB) Delivered(ctx context.Context, ids ...platform.ID) error {
	if err := db.open(ctx); err != nil {
		return err
	}
	at := make(places, len(ids))
	for i, id := range ids {
		at[i] = placed(platform.Ref{Kind: store.Event, ID: id})
	}
	slots, events := at.sorted().arrays()
	_, err := again(ctx, func() (pgtype.UUID, error) {
		_, err := db.pool.Exec(ctx, db.tables.sql(`delete from {schema}.undelivered where ctid = any(array(select t.ctid from unnest($1::int2[], $2::uuid[]) x(slot, id),
 lateral (select t.ctid from {schema}.undelivered t where t.slot = x.slot and t.id = x.id offset 0) t))`), slots, events)
		return pgtype.UUID{}, reading(ctx, err)
	})
	return err
}
