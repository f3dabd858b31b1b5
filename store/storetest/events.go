package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// eventsWithRecords checks law 30 for what readers see: writers move records on
// while others look at record and event from both ends.
func eventsWithRecords(ctx context.Context, w *world) error {
	d := w.duty("followed")
	if err := w.given(ctx, platform.Put(d)); err != nil {
		return err
	}
	const moves = 40
	sets := make([]platform.Set, moves)
	for i := range sets {
		next := d.at(int64(i + 1))
		next.Count = int64(i + 2)
		sets[i] = w.set(platform.Put(next))
	}
	var moved atomic.Bool
	replies := together(8, func(i int) (any, error) {
		if i > 0 {
			return nil, w.follow(ctx, &moved, sets, i%2 == 0)
		}
		defer moved.Store(true)
		for _, set := range sets {
			if _, err := w.db.Commit(ctx, set); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	if err := unanimous(replies); err != nil {
		return err
	}
	events, err := w.events(ctx, d.Ref())
	if err != nil {
		return err
	}
	if len(events) != moves+1 {
		return fmt.Errorf("%d events for %d sets", len(events), moves+1)
	}
	return w.eventsStay(ctx, sets[0])
}

// follow looks until all is moved: a record at a version whose event is not
// there, or an event whose record is not, is half a set.
func (w *world) follow(ctx context.Context, moved *atomic.Bool, sets []platform.Set, recordFirst bool) error {
	record := sets[0].Changes[0].Ref
	for next := 0; next < len(sets); {
		last := moved.Load()
		event := sets[next].Changes[1].Ref
		if recordFirst {
			version, err := w.version(ctx, record)
			if err != nil {
				return err
			}
			if version < int64(next+2) {
				continue
			}
			if _, err := w.inner.Get(ctx, event); err != nil {
				return fmt.Errorf("%s at version %d without its event: %w", record, version, err)
			}
			next++
			continue
		}
		_, err := w.inner.Get(ctx, event)
		if errors.Is(err, platform.ErrNotFound) && !last {
			continue
		}
		if err != nil {
			return err
		}
		version, err := w.version(ctx, record)
		if err != nil {
			return err
		}
		if version < int64(next+2) {
			return fmt.Errorf("%s at version %d, and the event of version %d is there", record, version, next+2)
		}
		next++
	}
	return nil
}

func (w *world) version(ctx context.Context, ref platform.Ref) (int64, error) {
	records, err := w.inner.Get(ctx, ref)
	if err != nil {
		return 0, err
	}
	return records[0].Version, nil
}

// eventsStay: an event's id is used once; what was said under it stays.
func (w *world) eventsStay(ctx context.Context, said platform.Set) error {
	ref := said.Changes[1].Ref
	before, err := w.db.Get(ctx, ref)
	if err != nil {
		return err
	}
	other := said.Changes[1]
	e := other.Value.(platform.Event)
	e.Type = "storetest.rewrote"
	other.Value = e
	if _, err := w.db.Commit(ctx, platform.Set{Changes: []platform.Change{other}}); err == nil {
		return fmt.Errorf("a second event was appended under the id of %s", ref)
	}
	after, err := w.db.Get(ctx, ref)
	if err != nil {
		return err
	}
	if !sameJSON(before[0].Doc, after[0].Doc) {
		return fmt.Errorf("event %s said %s, and now %s", ref, before[0].Doc, after[0].Doc)
	}
	return nil
}

// eventsReachSinks checks law 30 for the relay, which is killed between
// reading, publishing and marking: every acknowledged event arrives all the
// same.
func eventsReachSinks(ctx context.Context, w *world) error {
	sink := &crashing{met: map[platform.ID]platform.Event{}}
	relay := w.relaying(sink)
	if relay == nil {
		w.gaps = append(w.gaps, "no feed: every acknowledged event reaches the sink")
		return nil
	}
	first := w.set(platform.Put(w.duty("said first")))
	if _, err := w.db.Commit(ctx, first); err != nil {
		return err
	}
	if err := relay(ctx); err == nil {
		return errors.New("the relay is content with a sink that failed")
	}
	var writing atomic.Int64
	writing.Store(8)
	said := together(10, func(i int) (ids []platform.ID, err error) {
		if i >= 8 {
			for rival := w.relaying(sink); writing.Load() > 0; {
				_ = rival(ctx) // fails as often as the sink crashes, or another takes its lease
			}
			return nil, ctx.Err()
		}
		defer writing.Add(-1)
		for range 50 {
			set := w.set(platform.Put(w.duty("said")))
			if _, err := w.db.Commit(ctx, set); err != nil {
				return nil, err
			}
			ids = append(ids, set.Changes[1].Ref.ID)
		}
		return ids, nil
	})
	if err := unanimous(said); err != nil {
		return err
	}
	sink.calm()
	if err := w.clear(ctx, relay); err != nil {
		return err
	}
	said[0].value = append(said[0].value, first.Changes[1].Ref.ID)
	for _, r := range said {
		for _, id := range r.value {
			if e, met := sink.met[id]; !met || e.ID != id || e.Type != "storetest.wrote" || e.Actor.ID != actor.ID {
				return fmt.Errorf("event %s reached the sink as %+v", id, e)
			}
		}
	}
	return nil
}

// relaying is a relay to one sink, each call of it later than the last lease;
// nil when the adapter offers none.
func (w *world) relaying(sink store.Sink) func(context.Context) error {
	box, offers := w.inner.(store.Outbox)
	if !offers {
		return nil
	}
	r := &store.Relay{Outbox: box, Sinks: map[string]store.Sink{"sink": sink}, Now: w.clock.Now}
	return func(ctx context.Context) error {
		if w.clock.Now().Before(dawn.Add(24 * time.Hour)) { // not so late that anything is parked
			w.clock.Advance(20 * time.Second)
		}
		_, err := r.Drain(ctx)
		return err
	}
}

// clear relays to a sink that takes everything until nothing is left.
func (w *world) clear(ctx context.Context, relay func(context.Context) error) error {
	box := w.inner.(store.Outbox)
	for range 3 {
		w.clock.Advance(2 * time.Hour)
		if err := relay(ctx); err != nil {
			return fmt.Errorf("relay what is left: %w", err)
		}
	}
	fresh, err := box.Fresh(ctx, everywhere, 500)
	late, failed := box.Late(ctx, everywhere, "sink", w.clock.Advance(2*time.Hour), 500)
	parked, lost := box.Parked(ctx, store.Delivery{}, 500)
	if err := errors.Join(err, failed, lost); err != nil || len(fresh)+len(late)+len(parked) > 0 {
		return fmt.Errorf("%d events fresh, %d late and %d parked when the relay was done: %w", len(fresh), len(late), len(parked), err)
	}
	return nil
}

// crashing is a sink that fails every other time, half of that after it took
// the events.
type crashing struct {
	mu    sync.Mutex
	calls int
	quiet bool
	met   map[platform.ID]platform.Event
}

func (c *crashing) calm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet = true
}

func (c *crashing) Publish(_ context.Context, events []platform.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if !c.quiet && c.calls%4 == 1 {
		return platform.ErrUnavailable
	}
	for _, e := range events {
		c.met[e.ID] = e
	}
	if !c.quiet && c.calls%4 == 3 {
		return platform.ErrUnavailable
	}
	return nil
}
