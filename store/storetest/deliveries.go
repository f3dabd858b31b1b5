package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// everywhere is all slots.
var everywhere = store.Slots{Until: 4096}

// outbox is the adapter's, unless it has none, which is noted as a gap.
func (w *world) outbox(unchecked string) (store.Outbox, bool) {
	box, offers := w.inner.(store.Outbox)
	if !offers {
		w.gaps = append(w.gaps, "no outbox: "+unchecked)
	}
	return box, offers
}

// receiver is a sink that is up or down, and remembers whom it met how often.
type receiver struct {
	mu    sync.Mutex
	down  bool
	calls int
	met   map[platform.ID]int
	heard []platform.Event
}

func newReceiver(down bool) *receiver { return &receiver{down: down, met: map[platform.ID]int{}} }

func (r *receiver) Publish(_ context.Context, events []platform.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	if r.down {
		return errCut
	}
	for _, e := range events {
		r.met[e.ID]++
		r.heard = append(r.heard, e)
	}
	return nil
}

// set brings the receiver up or down.
func (r *receiver) set(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// lacks is how many of the events it never met.
func (r *receiver) lacks(ids []platform.ID) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if r.met[id] == 0 {
			n++
		}
	}
	return n
}

// versions demands that a subject's events, by their versions, are 1 to n: the
// order that arrival does not tell.
func (r *receiver) versions(subject platform.Ref, n int) error {
	var all []int64
	for _, e := range r.heard {
		if e.Subject == subject {
			all = append(all, e.Version)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) != n || all[0] != 1 || all[n-1] != int64(n) {
		return fmt.Errorf("versions %v of %s arrived, want 1 to %d", all, subject, n)
	}
	return nil
}

// say commits a new version of a duty and returns its event.
func (w *world) say(ctx context.Context, d *duty) (platform.ID, error) {
	set := w.set(platform.Put(*d))
	d.Version++
	e := set.Changes[1].Value.(platform.Event)
	e.Version = d.Version
	set.Changes[1].Value = e
	_, err := w.db.Commit(ctx, set)
	return e.ID, err
}

// sinksApart checks law 30 for an hour in which one of two sinks is down.
func sinksApart(ctx context.Context, w *world) error {
	box, offers := w.outbox("a sink that is down holds up no other")
	if !offers {
		return nil
	}
	well, ill := newReceiver(false), newReceiver(true)
	relay := &store.Relay{Outbox: box, Sinks: map[string]store.Sink{"ill": ill, "well": well}, Now: w.clock.Now}
	subject := w.duty("spoken of")
	var said []platform.ID
	for minute := range 60 {
		id, err := w.say(ctx, &subject)
		if err != nil {
			return err
		}
		said = append(said, id)
		_, err = relay.Tick(ctx, w.clock.Advance(time.Minute), 0)
		if err != nil && !errors.Is(err, errCut) {
			return fmt.Errorf("tick in minute %d: %w", minute, err)
		}
		if n := well.lacks(said); n > 0 {
			return fmt.Errorf("in minute %d the sink that is up lacks %d of %d events", minute, n, len(said))
		}
	}
	if ill.calls < 8 || ill.calls > 600 {
		return fmt.Errorf("the sink that is down was called %d times in an hour", ill.calls)
	}
	ill.set(false)
	for range 70 { // the longest pause is an hour
		if _, err := relay.Tick(ctx, w.clock.Advance(time.Minute), 0); err != nil {
			return fmt.Errorf("tick after the hour: %w", err)
		}
	}
	if n := ill.lacks(said); n > 0 {
		return fmt.Errorf("the sink that is back lacks %d of %d events", n, len(said))
	}
	for id, n := range well.met {
		if n != 1 {
			return fmt.Errorf("event %s came %d times to the sink that never failed", id, n)
		}
	}
	return errors.Join(ill.versions(subject.Ref(), 60), well.versions(subject.Ref(), 60), w.settled(ctx, box, "ill"))
}

// settled demands that nothing is left for a sink.
func (w *world) settled(ctx context.Context, box store.Outbox, sink string) error {
	fresh, err := box.Fresh(ctx, everywhere, 500)
	late, failed := box.Late(ctx, everywhere, sink, w.clock.Now().Add(100*time.Hour), 500)
	if err := errors.Join(err, failed); err != nil || len(fresh)+len(late) > 0 {
		return fmt.Errorf("%d events fresh and %d late that were taken: %w", len(fresh), len(late), err)
	}
	return nil
}

// parkedIsSeen checks law 30 for a sink that is down for good.
func parkedIsSeen(ctx context.Context, w *world) error {
	box, offers := w.outbox("what is parked can be seen and sent again")
	if !offers {
		return nil
	}
	ill := newReceiver(true)
	relay := &store.Relay{Outbox: box, Sinks: map[string]store.Sink{"ill": ill}, Now: w.clock.Now}
	var said []platform.ID
	for range 3 {
		d := w.duty("said")
		id, err := w.say(ctx, &d)
		if err != nil {
			return err
		}
		said = append(said, id)
	}
	slices.Sort(said)
	reported := false
	for hour := range 80 {
		_, err := relay.Tick(ctx, w.clock.Advance(time.Hour), 0)
		reported = reported || errors.Is(err, store.ErrParked)
		parked, failed := box.Parked(ctx, store.Delivery{}, 10)
		if failed != nil || hour < 72 && len(parked) > 0 {
			return fmt.Errorf("%d parked after %d hours: %w", len(parked), hour, failed)
		}
	}
	parked, err := box.Parked(ctx, store.Delivery{}, 10)
	if err != nil || len(parked) != 3 || !reported {
		return fmt.Errorf("%d parked after 80 hours, want 3; reported %t: %w", len(parked), reported, err)
	}
	for i, d := range parked {
		if d.Event.ID != said[i] || d.Event.Type != "storetest.wrote" || d.Sink != "ill" || !d.Parked() || d.Tries < 12 || d.Last != "cut" {
			return fmt.Errorf("parked is %+v", d)
		}
	}
	rest, err := box.Parked(ctx, parked[0], 1)
	if err != nil || len(rest) != 1 || rest[0].Event.ID != said[1] {
		return fmt.Errorf("after the first parked one come %+v: %w", rest, err)
	}
	return w.sentAgain(ctx, box, relay, ill, parked)
}

// sentAgain sends one of three parked deliveries again, twice.
func (w *world) sentAgain(ctx context.Context, box store.Outbox, relay *store.Relay, ill *receiver, parked []store.Delivery) error {
	ill.set(false)
	for _, want := range []int{1, 0} {
		n, err := box.Resend(ctx, w.clock.Now(), parked[1], store.Delivery{Sink: "nobody", Event: parked[0].Event})
		if err != nil || n != want {
			return fmt.Errorf("sent %d again, want %d: %w", n, want, err)
		}
	}
	again, err := box.Late(ctx, everywhere, "ill", w.clock.Now(), 10)
	if err != nil || len(again) != 1 || again[0].Tries != 0 || !again[0].Since.Equal(w.clock.Now()) {
		return fmt.Errorf("sent again is %+v: %w", again, err)
	}
	if _, err := relay.Tick(ctx, w.clock.Advance(time.Hour), 0); err != nil {
		return err
	}
	left, err := box.Parked(ctx, store.Delivery{}, 10)
	if err != nil || len(left) != 2 || ill.lacks([]platform.ID{parked[1].Event.ID}) > 0 || len(ill.met) != 1 {
		return fmt.Errorf("%d parked, %d arrived after one was sent again: %w", len(left), len(ill.met), err)
	}
	return w.settled(ctx, box, "ill")
}

// outboxToTheLetter checks law 30 for what an outbox keeps and finds.
func outboxToTheLetter(ctx context.Context, w *world) error {
	box, offers := w.outbox("late deliveries are kept to the letter")
	if !offers {
		return nil
	}
	var said []platform.ID
	for range 8 {
		d := w.duty("said")
		id, err := w.say(ctx, &d)
		if err != nil {
			return err
		}
		said = append(said, id)
	}
	slices.SortFunc(said, func(a, b platform.ID) int { return cmp.Compare(a.Slot(), b.Slot()) })
	middle := said[4].Slot()
	low, high := store.Slots{Until: middle}, store.Slots{From: middle, Until: 4096}
	now := w.clock.Now().Add(1500 * time.Microsecond)
	by, err := box.Lease(ctx, now, store.Lease{Name: "all", Holder: "a", Until: now.Add(time.Hour)})
	if err != nil || len(by) != 1 {
		return fmt.Errorf("%d leases of one that is free: %w", len(by), err)
	}
	first, err := freshIDs(ctx, box, low, 500)
	second, failed := freshIDs(ctx, box, high, 500)
	some, lost := freshIDs(ctx, box, everywhere, 3)
	if err := errors.Join(err, failed, lost); err != nil || len(first)+len(second) != 8 || len(some) != 3 ||
		slices.ContainsFunc(first, func(id platform.ID) bool { return !low.Has(id) }) {
		return fmt.Errorf("fresh are %v below slot %d, %v from there, and %v of all: %w", first, middle, second, some, err)
	}
	keep := func(sink string, i int, due time.Time) store.Delivery {
		return store.Delivery{Sink: sink, Event: platform.Event{ID: said[i]}, Tries: i, Since: dawn, Due: due, Last: "cut"}
	}
	s := store.Settlement{Handed: said[1:], Late: []store.Delivery{
		keep("a", 1, now), keep("a", 2, now.Add(time.Microsecond)), keep("a", 3, now.Add(-time.Minute)), keep("a", 4, now),
		keep("a", 5, time.Time{}), keep("b", 1, now.Add(-time.Hour)), keep("b", 2, time.Time{}),
	}}
	if err := box.Settle(ctx, now, by, s); err != nil {
		return err
	}
	same := []platform.ID{said[1], said[4]}
	slices.Sort(same)
	steps := []struct {
		of    store.Slots
		sink  string
		at    time.Time
		limit int
		want  []platform.ID
	}{
		{everywhere, "a", now, 500, []platform.ID{said[3], same[0], same[1]}},
		{everywhere, "a", now.Add(time.Second), 500, []platform.ID{said[3], same[0], same[1], said[2]}},
		{everywhere, "a", now, 1, []platform.ID{said[3]}},
		{high, "a", now, 500, slices.DeleteFunc([]platform.ID{said[3], same[0], same[1]}, low.Has)},
		{everywhere, "b", now, 500, []platform.ID{said[1]}},
		{everywhere, "c", now, 500, nil},
	}
	for i, step := range steps {
		late, err := box.Late(ctx, step.of, step.sink, step.at, step.limit)
		var got []platform.ID
		for _, d := range late {
			got = append(got, d.Event.ID)
		}
		if err != nil || !slices.Equal(got, step.want) {
			return fmt.Errorf("step %d: late are %v, want %v: %w", i, got, step.want, err)
		}
	}
	return w.replaced(ctx, box, by, now, keep("a", 3, now.Add(-time.Hour)), keep("a", 5, time.Time{}), keep("b", 2, time.Time{}))
}

// replaced writes a delivery over itself and then forgets it; others stay.
func (w *world) replaced(ctx context.Context, box store.Outbox, by []store.Lease, now time.Time, d store.Delivery, parked ...store.Delivery) error {
	d.Tries, d.Last = 99, "other"
	if err := box.Settle(ctx, now, by, store.Settlement{Late: []store.Delivery{d}}); err != nil {
		return err
	}
	late, err := box.Late(ctx, everywhere, d.Sink, now, 1)
	if err != nil || len(late) != 1 || late[0].Tries != 99 || late[0].Last != "other" || !late[0].Due.Equal(d.Due) ||
		!late[0].Since.Equal(d.Since) || late[0].Event.ID != d.Event.ID || late[0].Event.Actor.ID != actor.ID {
		return fmt.Errorf("late is %+v, want %+v: %w", late, d, err)
	}
	if err := box.Settle(ctx, now, by, store.Settlement{Done: []store.Delivery{{Sink: d.Sink, Event: platform.Event{ID: d.Event.ID}}}}); err != nil {
		return err
	}
	late, err = box.Late(ctx, everywhere, d.Sink, now, 500)
	if err != nil || slices.ContainsFunc(late, func(l store.Delivery) bool { return l.Event.ID == d.Event.ID }) {
		return fmt.Errorf("late are %+v, and one of them was done: %w", late, err)
	}
	kept, err := box.Parked(ctx, store.Delivery{}, 500)
	if err != nil || !slices.EqualFunc(kept, parked, func(a, b store.Delivery) bool { return a.Sink == b.Sink && a.Event.ID == b.Event.ID }) {
		return fmt.Errorf("parked are %+v, want %+v: %w", kept, parked, err)
	}
	fresh, err := freshIDs(ctx, box, everywhere, 500)
	if err != nil || len(fresh) != 1 {
		return fmt.Errorf("fresh are %v, want one: %w", fresh, err)
	}
	return nil
}

func freshIDs(ctx context.Context, box store.Outbox, of store.Slots, limit int) (ids []platform.ID, err error) {
	events, err := box.Fresh(ctx, of, limit)
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids, err
}
