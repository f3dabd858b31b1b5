package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// What the relay writes. Each call is a transaction of its own, which holds the
// write lock of the file from its first look: nobody takes a lease while
// somebody settles under it.

// Lease implements [store.Outbox].
func (db *DB) Lease(ctx context.Context, now time.Time, want ...store.Lease) (granted []store.Lease, err error) {
	if err := db.use(ctx); err != nil {
		return nil, err
	}
	err = db.writer.transact(ctx, func() error {
		for _, w := range want {
			w.Until = kept(w.Until)
			l, err := db.lease(w.Name)
			if err != nil {
				return err
			}
			l, ok := l.Grant(w, now)
			if !ok {
				continue
			}
			_, err = db.writer.exec(`insert into lease (name, holder, fence, until) values (?, ?, ?, ?)
				on conflict (name) do update set holder = excluded.holder, fence = excluded.fence, until = excluded.until`,
				l.Name, l.Holder, l.Fence, l.Until.UnixMicro())
			if err != nil {
				return err
			}
			granted = append(granted, l)
		}
		if len(granted) == 0 {
			return errIdle
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return granted, nil
}

// lease is one as it is stored: zero if it was never taken.
func (db *DB) lease(name string) (l store.Lease, err error) {
	s, err := db.writer.prepared("select name, holder, fence, until from lease where name = ?")
	if err != nil {
		return l, err
	}
	var until int64
	err = s.QueryRowContext(context.Background(), name).Scan(&l.Name, &l.Holder, &l.Fence, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Lease{}, nil
	}
	l.Until = time.UnixMicro(until).UTC()
	return l, err
}

// kept is a time as it is kept.
func kept(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

// Settle implements [store.Outbox].
func (db *DB) Settle(ctx context.Context, now time.Time, by []store.Lease, s store.Settlement) error {
	if err := db.use(ctx); err != nil {
		return err
	}
	return db.writer.transact(ctx, func() error {
		for _, of := range by {
			l, err := db.lease(of.Name)
			if err != nil {
				return err
			}
			if !l.Admits(of, now) {
				return fmt.Errorf("settle under %s, fence %d: %w", of.Name, of.Fence, store.ErrFence)
			}
		}
		if s.Empty() {
			return errIdle
		}
		if err := db.handed(s.Handed); err != nil {
			return err
		}
		for _, d := range s.Late {
			if err := db.keep(d); err != nil {
				return err
			}
		}
		for _, d := range s.Done {
			if err := db.forget(d); err != nil {
				return err
			}
		}
		return nil
	})
}

// handed ends the events' being fresh.
func (db *DB) handed(ids []platform.ID) error {
	for _, id := range ids {
		u := id.UUID()
		if _, err := db.writer.exec("delete from undelivered where id = ?", u[:]); err != nil {
			return err
		}
	}
	return nil
}

// keep writes a delivery in place of what is kept for the same sink and event.
func (db *DB) keep(d store.Delivery) error {
	id := d.Event.ID.UUID()
	var due any
	if !d.Parked() {
		due = d.Due.UnixMicro()
	}
	_, err := db.writer.exec(`insert into delivery (slot, sink, event, tries, since, due, last) values (?, ?, ?, ?, ?, ?, ?)
		on conflict (slot, sink, event) do update set tries = excluded.tries, since = excluded.since, due = excluded.due, last = excluded.last`,
		int64(d.Event.ID.Slot()), d.Sink, id[:], d.Tries, d.Since.UnixMicro(), due, d.Last)
	return err
}

func (db *DB) forget(d store.Delivery) error {
	id := d.Event.ID.UUID()
	_, err := db.writer.exec("delete from delivery where slot = ? and sink = ? and event = ?", int64(d.Event.ID.Slot()), d.Sink, id[:])
	return err
}

// Resend implements [store.Outbox].
func (db *DB) Resend(ctx context.Context, now time.Time, which ...store.Delivery) (int, error) {
	return db.unpark(ctx, which, func(d store.Delivery, id []byte) (sql.Result, error) {
		d = d.Again(now)
		return db.writer.exec("update delivery set tries = ?, since = ?, due = ?, last = ? where slot = ? and sink = ? and event = ? and due is null",
			d.Tries, d.Since.UnixMicro(), d.Due.UnixMicro(), d.Last, int64(d.Event.ID.Slot()), d.Sink, id)
	})
}

// Discard implements [store.Outbox].
func (db *DB) Discard(ctx context.Context, which ...store.Delivery) (int, error) {
	return db.unpark(ctx, which, func(d store.Delivery, id []byte) (sql.Result, error) {
		return db.writer.exec("delete from delivery where slot = ? and sink = ? and event = ? and due is null", int64(d.Event.ID.Slot()), d.Sink, id)
	})
}

// unpark does something to those of the deliveries that are parked, and counts
// them.
func (db *DB) unpark(ctx context.Context, which []store.Delivery, do func(d store.Delivery, id []byte) (sql.Result, error)) (n int, err error) {
	if err := db.use(ctx); err != nil {
		return 0, err
	}
	err = db.writer.transact(ctx, func() error {
		for _, d := range which {
			id := d.Event.ID.UUID()
			rows, err := changed(do(d, id[:]))
			if err != nil {
				return err
			}
			n += rows
		}
		return worthy(n)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// changed is how many rows a statement changed.
func changed(done sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := done.RowsAffected()
	return int(n), err
}

// worthy ends a transaction that changed no row.
func worthy(n int) error {
	if n == 0 {
		return errIdle
	}
	return nil
}
