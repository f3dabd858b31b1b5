package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ store.Outbox = (*DB)(nil)

// The statements of the relay's readers. Each walks the index that has its
// order, by name or because a cross join is made from left to right, and looks
// up one event a row: what the planner takes the tables for changes nothing.
const (
	freshEvents = `select e.doc from undelivered u cross join %s e on e.id = u.id order by u.place limit ?`
	freshWithin = `with first as (select u.place from json_each(?1) r cross join undelivered u on u.place in (
			select place from undelivered indexed by undelivered_by_range
			where slot >> 8 = r.value and slot >= ?2 and slot < ?3 order by place limit ?4) order by u.place limit ?4)
		select e.doc from first f cross join undelivered u on u.place = f.place cross join %s e on e.id = u.id order by f.place`
	lateOnes = delivery + `delivery_by_due cross join %s e on e.id = d.event
		where d.sink = ? and d.due <= ? and d.slot >= ? and d.slot < ? order by d.due, d.event limit ?`
	parkedOnes = delivery + `delivery_parked cross join %s e on e.id = d.event
		where d.due is null and (d.sink, d.event) > (?, ?) order by d.sink, d.event limit ?`

	// Each count ends with the rows that it may look at.
	waiting = `select (select count(*) from (select 1 from delivery indexed by delivery_by_due where due is not null limit ?1)),
		(select count(*) from (select 1 from delivery indexed by delivery_parked where due is null limit ?1)),
		count(*), min(id) from (select id from undelivered order by place limit ?1)`

	delivery = `select e.doc, d.sink, d.tries, d.since, d.due, d.last from delivery d indexed by `
)

// about is a statement about events.
func (db *DB) about(statement string) string {
	return fmt.Sprintf(statement, db.tables[store.Event].name)
}

// Fresh implements [store.Outbox]: events in the order of their commits. Of some
// slots it reads the first ones of each range that they touch, not all before.
func (db *DB) Fresh(ctx context.Context, of store.Slots, limit int) (events []platform.Event, err error) {
	statement, args := freshEvents, []any{max(limit, 0)}
	if of.From > 0 || of.Until < 4096 {
		ranges := []int{}
		for r := int(of.From) >> 8; r<<8 < int(of.Until); r++ {
			ranges = append(ranges, r)
		}
		list, _ := json.Marshal(ranges) // plain data, cannot fail
		statement, args = freshWithin, []any{string(list), int64(of.From), int64(of.Until), max(limit, 0)}
	}
	err = db.hand(ctx, statement, func(rows *sql.Rows) error {
		var doc []byte
		if err := rows.Scan(&doc); err != nil {
			return err
		}
		e, err := happened(doc)
		events = append(events, e)
		return err
	}, args...)
	if err != nil {
		return nil, trouble("fresh events", err)
	}
	return events, nil
}

// Late implements [store.Outbox].
func (db *DB) Late(ctx context.Context, of store.Slots, sink string, now time.Time, limit int) ([]store.Delivery, error) {
	return db.deliveries(ctx, lateOnes, sink, now.UnixMicro(), int64(of.From), int64(of.Until), max(limit, 0))
}

// Parked implements [store.Outbox].
func (db *DB) Parked(ctx context.Context, after store.Delivery, limit int) ([]store.Delivery, error) {
	id := after.Event.ID.UUID()
	return db.deliveries(ctx, parkedOnes, after.Sink, id[:], max(limit, 0))
}

func (db *DB) deliveries(ctx context.Context, statement string, args ...any) (all []store.Delivery, err error) {
	err = db.hand(ctx, statement, func(rows *sql.Rows) error {
		var d store.Delivery
		var doc []byte
		var since int64
		var due sql.NullInt64
		err := rows.Scan(&doc, &d.Sink, &d.Tries, &since, &due, &d.Last)
		if err != nil {
			return err
		}
		if d.Since = time.UnixMicro(since).UTC(); due.Valid {
			d.Due = time.UnixMicro(due.Int64).UTC()
		}
		d.Event, err = happened(doc)
		all = append(all, d)
		return err
	}, args...)
	if err != nil {
		return nil, trouble("deliveries", err)
	}
	return all, nil
}

// Backlog implements [store.Outbox]. It is of one moment.
func (db *DB) Backlog(ctx context.Context) (b store.Backlog, err error) {
	if err := db.use(ctx); err != nil {
		return b, err
	}
	rows, err := db.reader.by.QueryContext(ctx, waiting, store.Counted)
	if err != nil {
		return b, trouble("backlog", err)
	}
	err = walk(rows, func() (bool, error) {
		var first []byte // an id begins with its time
		err := rows.Scan(&b.Late, &b.Parked, &b.Fresh, &first)
		if len(first) == 16 {
			b.Oldest = platform.IDFromUUID("evt", [16]byte(first)).Time()
		}
		return true, err
	})
	return b, trouble("backlog", err)
}

// hand reads the rows of a statement about events.
func (db *DB) hand(ctx context.Context, statement string, row func(*sql.Rows) error, args ...any) error {
	if err := db.use(ctx); err != nil {
		return err
	}
	rows, err := db.reader.by.QueryContext(ctx, db.about(statement), args...)
	if err != nil {
		return err
	}
	return walk(rows, func() (bool, error) { return true, row(rows) })
}

// happened is the event in a document.
func happened(doc []byte) (e platform.Event, err error) {
	if json.Unmarshal(doc, &e) != nil {
		return e, fmt.Errorf("decode event: %w", ErrDamaged)
	}
	return e, nil
}
