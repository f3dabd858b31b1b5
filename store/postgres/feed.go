package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Fresh implements [store.Outbox]: events by slot, and by id in each.
func (db *DB) Fresh(ctx context.Context, of store.Slots, limit int) ([]platform.Event, error) {
	// A plain join would read all events while few are fresh.
	return collect(ctx, db, func(row pgx.CollectableRow) (platform.Event, error) { return event(row) },
		`select e.doc::text from (select slot, id from {schema}.undelivered where slot >= $1 and slot < $2 order by slot, id limit $3) u,
 lateral (select doc from {schema}.event t where t.slot = u.slot and t.id = u.id offset 0) e order by u.slot, u.id`,
		int16(of.From), int16(of.Until), max(limit, 0))
}

// Late implements [store.Outbox].
func (db *DB) Late(ctx context.Context, of store.Slots, sink string, now time.Time, limit int) ([]store.Delivery, error) {
	return collect(ctx, db, delivery, deliveries("sink = $1 and due <= $2 and slot >= $3 and slot < $4 order by due, event limit $5", "due, event"),
		sink, micros(now), int16(of.From), int16(of.Until), max(limit, 0))
}

// Parked implements [store.Outbox].
func (db *DB) Parked(ctx context.Context, after store.Delivery, limit int) ([]store.Delivery, error) {
	return collect(ctx, db, delivery, deliveries("due is null and (sink, event) > ($1, $2) order by sink, event limit $3", "sink, event"),
		after.Sink, uuid(after.Event.ID.UUID()), max(limit, 0))
}

// Backlog implements [store.Outbox]. It is of one moment.
func (db *DB) Backlog(ctx context.Context) (b store.Backlog, err error) {
	all, err := collect(ctx, db, func(row pgx.CollectableRow) (b store.Backlog, err error) {
		var oldest pgtype.UUID
		err = row.Scan(&b.Fresh, &oldest, &b.Late, &b.Parked)
		if oldest.Valid {
			b.Oldest = platform.IDFromUUID("evt", oldest.Bytes).Time()
		}
		return b, err
	}, `with fresh as materialized (select id from {schema}.undelivered limit $1)
 select (select count(*) from fresh), (select id from fresh order by id limit 1),
 (select count(*) from (select from {schema}.delivery where due is not null limit $1) d),
 (select count(*) from (select from {schema}.delivery where due is null limit $1) d)`, store.Counted)
	if err != nil {
		return b, err
	}
	return all[0], nil
}

// deliveries is the statement that reads some with their events.
func deliveries(which, order string) string {
	return fmt.Sprintf(`select d.sink, d.tries, d.since, d.due, d.last, e.doc::text from (select * from {schema}.delivery where %s) d,
 lateral (select doc from {schema}.event t where t.slot = d.slot and t.id = d.event offset 0) e order by %s`, which, order)
}

func delivery(row pgx.CollectableRow) (d store.Delivery, err error) {
	var due *time.Time
	d.Event, err = event(row, &d.Sink, &d.Tries, &d.Since, &due, &d.Last)
	if d.Since = d.Since.UTC(); due != nil {
		d.Due = due.UTC()
	}
	return d, err
}

// event is that of a row, in whose last column it stands, behind the given ones.
func event(row pgx.CollectableRow, before ...any) (e platform.Event, err error) {
	var doc []byte
	if err := row.Scan(append(before, &doc)...); err != nil {
		return e, err
	}
	if err := json.Unmarshal(doc, &e); err != nil {
		return e, fmt.Errorf("decode event: %w", store.ErrSchema)
	}
	return e, nil
}

func collect[T any](ctx context.Context, db *DB, each pgx.RowToFunc[T], statement string, args ...any) ([]T, error) {
	if err := db.open(ctx); err != nil {
		return nil, err
	}
	return again(ctx, func() ([]T, error) {
		rows, err := db.pool.Query(ctx, db.tables.sql(statement), args...)
		if err != nil {
			return nil, reading(ctx, err)
		}
		all, err := pgx.CollectRows(rows, each)
		return all, reading(ctx, err)
	})
}

// handed ends events' being fresh.
const handed = `delete from {schema}.undelivered where ctid = any(array(select t.ctid from unnest($1::int2[], $2::uuid[]) x(slot, id),
 lateral (select t.ctid from {schema}.undelivered t where t.slot = x.slot and t.id = x.id offset 0) t))`

// eventPlaces are where events lie, in order.
func eventPlaces(ids []platform.ID) places {
	at := make(places, len(ids))
	for i, id := range ids {
		at[i] = placed(platform.Ref{Kind: store.Event, ID: id})
	}
	return at.sorted()
}
