package postgres

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ store.Outbox = (*DB)(nil)

// Lease implements [store.Outbox]. When the connection is lost in the moment of
// the commit it fails with [store.ErrUnknown]; what was then granted runs out.
func (db *DB) Lease(ctx context.Context, now time.Time, want ...store.Lease) (granted []store.Lease, err error) {
	err = db.alone(ctx, "lease", func(tx pgx.Tx) error {
		granted = nil
		if _, err := tx.Exec(ctx, db.tables.sql("insert into {schema}.lease (name) select unnest($1::text[]) on conflict do nothing"), leaseNames(want)); err != nil {
			return err
		}
		kept, err := db.leases(ctx, tx, want)
		if err != nil {
			return err
		}
		changed := map[string]store.Lease{}
		for _, w := range want {
			w.Until = micros(w.Until)
			if l, ok := kept[w.Name].Grant(w, now); ok {
				kept[w.Name], changed[w.Name] = l, l
				granted = append(granted, l)
			}
		}
		return db.keepLeases(ctx, tx, slices.Collect(maps.Values(changed)))
	})
	if err != nil {
		return nil, err
	}
	return granted, nil
}

// leaseNames are the names of leases in the order in which they are locked.
func leaseNames(leases []store.Lease) []string {
	names := make([]string, len(leases))
	for i, l := range leases {
		names[i] = l.Name
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// leases locks those that are stored and reads them as they are then.
func (db *DB) leases(ctx context.Context, tx pgx.Tx, of []store.Lease) (map[string]store.Lease, error) {
	rows, err := tx.Query(ctx, db.tables.sql(`select t.* from unnest($1::text[]) x(name),
 lateral (select name, coalesce(holder, '') holder, coalesce(fence, 0) fence, until from {schema}.lease t where t.name = x.name offset 0 for no key update) t`), leaseNames(of))
	if err != nil {
		return nil, err
	}
	all := map[string]store.Lease{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l store.Lease, err error) {
		var until *time.Time // null: never taken
		err = row.Scan(&l.Name, &l.Holder, &l.Fence, &until)
		if until != nil {
			l.Until = until.UTC()
		}
		all[l.Name] = l
		return l, err
	})
	return all, err
}

// keepLeases writes leases that this transaction has locked.
func (db *DB) keepLeases(ctx context.Context, tx pgx.Tx, leases []store.Lease) error {
	n := len(leases)
	if n == 0 {
		return nil
	}
	names, holders, fences, untils := make([]string, n), make([]string, n), make([]int64, n), make([]time.Time, n)
	for i, l := range leases {
		names[i], holders[i], fences[i], untils[i] = l.Name, l.Holder, l.Fence, l.Until
	}
	_, err := tx.Exec(ctx, db.tables.sql(`insert into {schema}.lease (name, holder, fence, until)
 select * from unnest($1::text[], $2::text[], $3::int8[], $4::timestamptz[])
 on conflict (name) do update set holder = excluded.holder, fence = excluded.fence, until = excluded.until`), names, holders, fences, untils)
	return err
}

// Settle implements [store.Outbox]: the leases stay locked until all is written.
// When the connection is lost in the moment of the commit it fails with
// [store.ErrUnknown].
func (db *DB) Settle(ctx context.Context, now time.Time, by []store.Lease, s store.Settlement) error {
	return db.alone(ctx, "settle", func(tx pgx.Tx) error {
		kept, err := db.leases(ctx, tx, by)
		if err != nil {
			return err
		}
		for _, l := range by {
			if !kept[l.Name].Admits(l, now) {
				return fmt.Errorf("settle under %s, fence %d: %w", l.Name, l.Fence, store.ErrFence)
			}
		}
		return db.settled(ctx, tx, s)
	})
}

// settled writes a settlement. Deliveries that are there are locked first, all
// in one order, and those done deleted as they are then.
func (db *DB) settled(ctx context.Context, tx pgx.Tx, s store.Settlement) error {
	var b pgx.Batch
	if len(s.Handed) > 0 {
		slots, ids := eventPlaces(s.Handed).arrays()
		b.Queue(db.tables.sql(handed), slots, ids)
	}
	if named := slices.Concat(s.Late, s.Done); len(named) > 0 {
		slots, sinks, ids := addresses(distinct(named))
		b.Queue(db.tables.sql(locked), slots, sinks, ids)
	}
	if late := distinct(s.Late); len(late) > 0 {
		b.Queue(db.tables.sql(keep), kept(late)...)
	}
	if done := distinct(s.Done); len(done) > 0 {
		slots, sinks, ids := addresses(done)
		b.Queue(db.tables.sql(drop), slots, sinks, ids)
	}
	if b.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &b).Close()
}

const (
	// locked locks deliveries in the order of the arrays.
	locked = `select t.sink, t.event, t.due from unnest($1::int2[], $2::text[], $3::uuid[]) x(slot, sink, event),
 lateral (select sink, event, due from {schema}.delivery t where t.slot = x.slot and t.sink = x.sink and t.event = x.event offset 0 for update) t`

	// keep writes what [kept] gives.
	keep = `insert into {schema}.delivery (slot, sink, event, tries, since, due, last)
 select * from unnest($1::int2[], $2::text[], $3::uuid[], $4::int8[], $5::timestamptz[], $6::timestamptz[], $7::text[])
 on conflict (slot, sink, event) do update set tries = excluded.tries, since = excluded.since, due = excluded.due, last = excluded.last`

	// drop takes out deliveries that this transaction has locked.
	drop = `delete from {schema}.delivery where ctid = any(array(select t.ctid from unnest($1::int2[], $2::text[], $3::uuid[]) x(slot, sink, event),
 lateral (select t.ctid from {schema}.delivery t where t.slot = x.slot and t.sink = x.sink and t.event = x.event offset 0) t))`
)

// distinct are the last of each delivery in the order in which they are locked.
func distinct(all []store.Delivery) []store.Delivery {
	all = slices.Clone(all)
	slices.Reverse(all)
	slices.SortStableFunc(all, compareDeliveries)
	return slices.CompactFunc(all, func(a, b store.Delivery) bool { return compareDeliveries(a, b) == 0 })
}

func compareDeliveries(a, b store.Delivery) int {
	at, other := a.Event.ID.UUID(), b.Event.ID.UUID()
	return cmp.Or(cmp.Compare(a.Event.ID.Slot(), b.Event.ID.Slot()), bytes.Compare(at[:], other[:]), cmp.Compare(a.Sink, b.Sink))
}

func addresses(all []store.Delivery) (slots []int16, sinks []string, ids []pgtype.UUID) {
	for _, d := range all {
		slots, sinks, ids = append(slots, int16(d.Event.ID.Slot())), append(sinks, d.Sink), append(ids, uuid(d.Event.ID.UUID()))
	}
	return slots, sinks, ids
}

// kept are deliveries as the arrays of [keep].
func kept(all []store.Delivery) []any {
	n := len(all)
	tries, sinces, dues, lasts := make([]int64, n), make([]time.Time, n), make([]*time.Time, n), make([]string, n)
	for i, d := range all {
		tries[i], sinces[i], lasts[i] = int64(d.Tries), micros(d.Since), d.Last
		if !d.Parked() {
			due := micros(d.Due)
			dues[i] = &due
		}
	}
	slots, sinks, ids := addresses(all)
	return []any{slots, sinks, ids, tries, sinces, dues, lasts}
}

// Resend implements [store.Outbox].
func (db *DB) Resend(ctx context.Context, now time.Time, which ...store.Delivery) (int, error) {
	return db.unpark(ctx, "send again", which, keep, func(parked []store.Delivery) []any {
		for i := range parked {
			parked[i] = parked[i].Again(now)
		}
		return kept(parked)
	})
}

// Discard implements [store.Outbox].
func (db *DB) Discard(ctx context.Context, which ...store.Delivery) (int, error) {
	return db.unpark(ctx, "discard", which, drop, func(parked []store.Delivery) []any {
		slots, sinks, ids := addresses(parked)
		return []any{slots, sinks, ids}
	})
}

// unpark locks those of the deliveries that are parked, runs a statement over
// them, and tells how many they are.
func (db *DB) unpark(ctx context.Context, doing string, which []store.Delivery, statement string, args func([]store.Delivery) []any) (n int, err error) {
	err = db.alone(ctx, doing, func(tx pgx.Tx) error {
		slots, sinks, ids := addresses(distinct(which))
		rows, err := tx.Query(ctx, db.tables.sql(locked), slots, sinks, ids)
		if err != nil {
			return err
		}
		var parked []store.Delivery
		var d store.Delivery
		var id pgtype.UUID
		var due *time.Time
		if _, err := pgx.ForEachRow(rows, []any{&d.Sink, &id, &due}, func() error {
			if due == nil {
				d.Event.ID = platform.IDFromUUID("evt", id.Bytes)
				parked = append(parked, d)
			}
			return nil
		}); err != nil {
			return err
		}
		n = len(parked)
		_, err = tx.Exec(ctx, db.tables.sql(statement), args(parked)...)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// alone runs do in a transaction, again when another was faster, or when the
// connection was lost before anything was committed. A client that vanishes
// within it holds its locks for ten seconds at most.
func (db *DB) alone(ctx context.Context, doing string, do func(pgx.Tx) error) error {
	if err := db.open(ctx); err != nil {
		return err
	}
	_, err := again(ctx, func() (struct{}, error) {
		err := db.attempt(ctx, do)
		for try := 0; clashed(err) && try < clashes; try++ {
			pause(ctx, try)
			err = db.attempt(ctx, do)
		}
		switch {
		case errors.Is(err, store.ErrUnknown):
			return struct{}{}, err
		case clashed(err):
			return struct{}{}, fmt.Errorf("%s: %w", doing, ErrClash)
		case err != nil && ctx.Err() != nil:
			return struct{}{}, ctx.Err()
		}
		return struct{}{}, trouble(doing, err)
	})
	return err
}

func (db *DB) attempt(ctx context.Context, do func(pgx.Tx) error) error {
	tx, err := db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing is left to be undone after a commit
	if _, err := tx.Exec(ctx, "set local idle_in_transaction_session_timeout = '10s'"); err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return err
	}
	err = tx.Commit(ctx)
	if err != nil && refused(err) == nil {
		return errors.Join(fmt.Errorf("commit: %w", store.ErrUnknown), ctx.Err())
	}
	return err
}

// micros is a time as the server keeps it.
func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
