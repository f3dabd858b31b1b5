package memory

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tidwall/btree"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ store.Outbox = (*DB)(nil)

// feed is what the relay works on. The store's lock guards it. Leases are not
// saved: they are of those who use this memory.
type feed struct {
	fresh  btree.Map[int64, platform.ID] // in order of commit
	place  map[platform.ID]int64         // of an event in fresh
	clock  int64                         // events so far
	late   *btree.BTreeG[store.Delivery] // without the events
	kept   map[address]store.Delivery    // the same
	leases map[string]store.Lease
}

// address is what there is one delivery of.
type address struct {
	sink  string
	event platform.ID
}

func addressOf(d store.Delivery) address { return address{d.Sink, d.Event.ID} }

func newFeed() *feed {
	return &feed{
		place: map[platform.ID]int64{}, kept: map[address]store.Delivery{}, leases: map[string]store.Lease{},
		late: btree.NewBTreeGOptions(func(a, b store.Delivery) bool { return order(a, b) < 0 }, btree.Options{NoLocks: true}),
	}
}

// order has the parked deliveries first, by sink and event, then each sink's
// others, those due earliest first.
func order(a, b store.Delivery) int {
	if a.Parked() != b.Parked() {
		if a.Parked() {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.Sink, b.Sink), a.Due.Compare(b.Due), cmp.Compare(a.Event.ID, b.Event.ID))
}

// add makes an event fresh.
func (f *feed) add(id platform.ID) {
	f.clock++
	f.fresh.Set(f.clock, id)
	f.place[id] = f.clock
}

// handed ends an event's being fresh.
func (f *feed) handed(id platform.ID) {
	if at, fresh := f.place[id]; fresh {
		f.fresh.Delete(at)
		delete(f.place, id)
	}
}

func (f *feed) keep(d store.Delivery) {
	f.forget(d)
	d.Event = platform.Event{ID: d.Event.ID}
	f.late.Set(d)
	f.kept[addressOf(d)] = d
}

func (f *feed) forget(d store.Delivery) {
	if old, kept := f.kept[addressOf(d)]; kept {
		f.late.Delete(old)
		delete(f.kept, addressOf(d))
	}
}

// Lease implements [store.Outbox].
func (db *DB) Lease(ctx context.Context, now time.Time, want ...store.Lease) (granted []store.Lease, err error) {
	err = db.change(ctx, func(f *feed) error {
		for _, w := range want {
			if l, ok := f.leases[w.Name].Grant(w, now); ok {
				f.leases[w.Name] = l
				granted = append(granted, l)
			}
		}
		return nil
	})
	return granted, err
}

// Settle implements [store.Outbox].
func (db *DB) Settle(ctx context.Context, now time.Time, by []store.Lease, s store.Settlement) error {
	return db.change(ctx, func(f *feed) error {
		for _, l := range by {
			if !f.leases[l.Name].Admits(l, now) {
				return fmt.Errorf("settle under %s, fence %d: %w", l.Name, l.Fence, store.ErrFence)
			}
		}
		for _, id := range s.Handed {
			f.handed(id)
		}
		for _, d := range s.Late {
			f.keep(d)
		}
		for _, d := range s.Done {
			f.forget(d)
		}
		return nil
	})
}

// Resend implements [store.Outbox].
func (db *DB) Resend(ctx context.Context, now time.Time, which ...store.Delivery) (n int, err error) {
	err = db.change(ctx, func(f *feed) error {
		for _, d := range which {
			if kept, known := f.kept[addressOf(d)]; known && kept.Parked() {
				f.keep(kept.Again(now))
				n++
			}
		}
		return nil
	})
	return n, err
}

// Discard implements [store.Outbox].
func (db *DB) Discard(ctx context.Context, which ...store.Delivery) (n int, err error) {
	err = db.change(ctx, func(f *feed) error {
		for _, d := range which {
			if kept, known := f.kept[addressOf(d)]; known && kept.Parked() {
				f.forget(kept)
				n++
			}
		}
		return nil
	})
	return n, err
}

// Backlog implements [store.Outbox].
func (db *DB) Backlog(ctx context.Context) (b store.Backlog, err error) {
	err = db.change(ctx, func(f *feed) error {
		f.fresh.Scan(func(_ int64, id platform.ID) bool {
			if at := id.Time(); b.Oldest.IsZero() || at.Before(b.Oldest) {
				b.Oldest = at
			}
			b.Fresh++
			return b.Fresh < store.Counted
		})
		b.Parked = f.count(store.Delivery{})
		b.Late = f.count(store.Delivery{Due: time.Unix(0, 0)})
		return nil
	})
	return b, err
}

// count is how many deliveries there are from one on that are parked or not as
// that one is, [store.Counted] at most.
func (f *feed) count(from store.Delivery) (n int) {
	f.late.Ascend(from, func(d store.Delivery) bool {
		if d.Parked() != from.Parked() || n == store.Counted {
			return false
		}
		n++
		return true
	})
	return n
}

func (db *DB) change(ctx context.Context, by func(*feed) error) error {
	if err := store.Ended(ctx); err != nil {
		return err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return store.ErrClosed
	}
	return by(db.feed)
}

// Fresh implements [store.Outbox]: events in the order of their commits.
func (db *DB) Fresh(ctx context.Context, of store.Slots, limit int) ([]platform.Event, error) {
	found, err := db.find(ctx, func(f *feed, take func(store.Delivery) bool) {
		f.fresh.Scan(func(_ int64, id platform.ID) bool {
			return !of.Has(id) || take(store.Delivery{Event: platform.Event{ID: id}})
		})
	}, limit)
	events := make([]platform.Event, len(found))
	for i, d := range found {
		events[i] = d.Event
	}
	return events, err
}

// Late implements [store.Outbox].
func (db *DB) Late(ctx context.Context, of store.Slots, sink string, now time.Time, limit int) ([]store.Delivery, error) {
	return db.find(ctx, func(f *feed, take func(store.Delivery) bool) {
		first := store.Delivery{Sink: sink, Due: time.Unix(0, 0)} // not parked, and before all
		f.late.Ascend(first, func(d store.Delivery) bool {
			return d.Sink == sink && !d.Due.After(now) && (!of.Has(d.Event.ID) || take(d))
		})
	}, limit)
}

// Parked implements [store.Outbox].
func (db *DB) Parked(ctx context.Context, after store.Delivery, limit int) ([]store.Delivery, error) {
	return db.find(ctx, func(f *feed, take func(store.Delivery) bool) {
		f.late.Ascend(store.Delivery{Sink: after.Sink, Event: platform.Event{ID: after.Event.ID}}, func(d store.Delivery) bool {
			return d.Parked() && (addressOf(d) == addressOf(after) || take(d))
		})
	}, limit)
}

// find reads at most limit deliveries, each with its event.
func (db *DB) find(ctx context.Context, scan func(f *feed, take func(store.Delivery) bool), limit int) ([]store.Delivery, error) {
	if err := store.Ended(ctx); err != nil {
		return nil, err
	}
	found, docs, err := db.pick(scan, limit)
	if err != nil {
		return nil, err
	}
	for i, doc := range docs {
		if err := json.Unmarshal(doc, &found[i].Event); err != nil {
			return nil, fmt.Errorf("decode event %s: %w", found[i].Event.ID, store.ErrDamaged)
		}
	}
	return found, nil
}

func (db *DB) pick(scan func(f *feed, take func(store.Delivery) bool), limit int) (found []store.Delivery, docs [][]byte, err error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	switch {
	case db.closed:
		return nil, nil, store.ErrClosed
	case limit <= 0:
		return nil, nil, nil
	}
	scan(db.feed, func(d store.Delivery) bool {
		if e := db.tables[store.Event].get(d.Event.ID); e != nil {
			found, docs = append(found, d), append(docs, e.Doc)
		}
		return len(found) < limit
	})
	return found, docs, nil
}
