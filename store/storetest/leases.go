package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// outboxes are n ways to the adapter's outbox, through a second handle where
// there is one.
func (w *world) outboxes(n int, box store.Outbox) (all []store.Outbox, end func() error) {
	boxes, end := []store.Outbox{box}, func() error { return nil }
	if w.adapter.handle == nil {
		w.gaps = append(w.gaps, "one handle: leases between processes")
	} else {
		other := w.adapter.handle(w.inner, kinds(newest))
		boxes, end = append(boxes, other.(store.Outbox)), other.Close
	}
	for i := range n {
		all = append(all, boxes[i%len(boxes)])
	}
	return all, end
}

const term = 15 * time.Second

// oneHolderAtATime checks law 31: N holders ask for the same ranges, again and
// again as they run out.
func oneHolderAtATime(ctx context.Context, w *world) (err error) {
	box, offers := w.outbox("leases")
	if !offers {
		return nil
	}
	const holders, names = 16, 4
	boxes, end := w.outboxes(holders, box)
	defer func() { err = errors.Join(err, end()) }()
	ask := func(i int, now time.Time) ([]store.Lease, error) {
		want := make([]store.Lease, names)
		for j := range want {
			want[j] = store.Lease{Name: "range " + strconv.Itoa(j), Holder: "holder " + strconv.Itoa(i), Until: now.Add(term)}
		}
		return boxes[i].Lease(ctx, now, want...)
	}
	var held [names]store.Lease
	for round := range 6 {
		now := w.clock.Now()
		replies := together(holders, func(i int) ([]store.Lease, error) { return ask(i, now) })
		if err := unanimous(replies); err != nil {
			return err
		}
		taken := map[string]store.Lease{}
		for i, r := range replies {
			for _, l := range r.value {
				if other, twice := taken[l.Name]; twice {
					return fmt.Errorf("round %d: %s is held by %s, fence %d, and by %s, fence %d", round, l.Name, other.Holder, other.Fence, l.Holder, l.Fence)
				}
				if l.Holder != "holder "+strconv.Itoa(i) || l.Fence != int64(round)+1 || !l.Until.Equal(now.Add(term)) {
					return fmt.Errorf("round %d: holder %d got %+v", round, i, l)
				}
				taken[l.Name] = l
			}
		}
		for j := range held {
			if held[j] = taken["range "+strconv.Itoa(j)]; held[j].Fence == 0 {
				return fmt.Errorf("round %d: nobody holds range %d, and it is free", round, j)
			}
		}
		if again, err := ask(0, now.Add(term-time.Microsecond)); err != nil || slices.ContainsFunc(again, func(l store.Lease) bool { return l.Holder == "holder 0" }) {
			return fmt.Errorf("round %d: a microsecond before they run out, without a fence, %+v: %w", round, again, err)
		}
		w.clock.Advance(term)
	}
	return w.prolonged(ctx, box, held[0])
}

// prolonged has a holder come late, prolong, give back, and be taken for
// nobody after that.
func (w *world) prolonged(ctx context.Context, box store.Outbox, l store.Lease) error {
	now := w.clock.Advance(time.Hour)
	stranger := store.Lease{Name: l.Name, Holder: "stranger", Until: now.Add(term)}
	steps := []struct {
		what  string
		want  store.Lease
		fence int64 // 0: not granted
	}{
		{"a late holder that nobody followed prolongs", store.Lease{Name: l.Name, Holder: l.Holder, Fence: l.Fence, Until: now.Add(term)}, l.Fence},
		{"a stranger waits", stranger, 0},
		{"the fence of another helps nobody", store.Lease{Name: l.Name, Holder: "stranger", Fence: l.Fence, Until: now.Add(term)}, 0},
		{"an old fence helps nobody", store.Lease{Name: l.Name, Holder: l.Holder, Fence: l.Fence - 1, Until: now.Add(term)}, 0},
		{"nobody gives back for another", store.Lease{Name: l.Name, Holder: "stranger", Until: now}, 0},
		{"the holder gives back", store.Lease{Name: l.Name, Holder: l.Holder, Fence: l.Fence, Until: now}, l.Fence},
		{"what is free is not given back", store.Lease{Name: l.Name, Holder: "stranger", Until: now}, 0},
		{"a stranger takes at once", stranger, l.Fence + 1},
		{"who was followed waits", store.Lease{Name: l.Name, Holder: l.Holder, Fence: l.Fence, Until: now.Add(term)}, 0},
	}
	for _, step := range steps {
		got, err := box.Lease(ctx, now, step.want)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", step.what, err)
		case step.fence == 0 && len(got) > 0:
			return fmt.Errorf("%s: not so, it got %+v", step.what, got)
		case step.fence > 0 && (len(got) != 1 || got[0].Fence != step.fence || !got[0].Until.Equal(step.want.Until)):
			return fmt.Errorf("%s: got %+v, want fence %d", step.what, got, step.fence)
		}
	}
	return nil
}

// lateWritesNothing checks law 31 for a holder that was paused.
func lateWritesNothing(ctx context.Context, w *world) error {
	box, offers := w.outbox("a paused holder writes nothing")
	if !offers {
		return nil
	}
	d := w.duty("said")
	id, err := w.say(ctx, &d)
	if err != nil {
		return err
	}
	now := w.clock.Now()
	lease := func(holder string, at time.Time, names ...string) []store.Lease {
		want := make([]store.Lease, len(names))
		for i, name := range names {
			want[i] = store.Lease{Name: name, Holder: holder, Until: at.Add(term)}
		}
		got, failed := box.Lease(ctx, at, want...)
		if failed != nil || len(got) != len(names) {
			err = errors.Join(err, failed, fmt.Errorf("%s got %d of %d free leases", holder, len(got), len(names)))
		}
		return got
	}
	paused := lease("paused", now, "x", "y")
	next := lease("next", now.Add(term), "y")
	if err != nil {
		return err
	}
	s := store.Settlement{Handed: []platform.ID{id}, Late: []store.Delivery{{Sink: "a", Event: platform.Event{ID: id}, Since: now, Due: now}}}
	disguised := slices.Clone(next)
	disguised[0].Holder = "paused"
	for _, try := range []struct {
		what string
		at   time.Time
		by   []store.Lease
	}{
		{"with a lease that ran out", now.Add(term), paused[:1]},
		{"with a lease that another took, by a clock that stood still", now, paused[1:]},
		{"with two leases of which another took one", now, paused},
		{"under the fence of another", now.Add(term), disguised},
		{"with a lease that nobody ever took", now, []store.Lease{{Name: "z", Holder: "paused", Fence: 1, Until: now.Add(term)}}},
	} {
		if err := refusal(try.what, box.Settle(ctx, try.at, try.by, s), platform.ErrConflict, "relay.fence"); err != nil {
			return err
		}
		fresh, failed := freshIDs(ctx, box, everywhere, 10)
		late, err := box.Late(ctx, everywhere, "a", now, 10)
		if err := errors.Join(err, failed); err != nil || len(fresh) != 1 || len(late) != 0 {
			return fmt.Errorf("%s, refused, and there are %d fresh and %d late: %w", try.what, len(fresh), len(late), err)
		}
	}
	if err := box.Settle(ctx, now.Add(term), next, s); err != nil {
		return fmt.Errorf("settle by the holder: %w", err)
	}
	late, err := box.Late(ctx, everywhere, "a", now, 10)
	if fresh, failed := freshIDs(ctx, box, everywhere, 10); failed != nil || err != nil || len(fresh) != 0 || len(late) != 1 {
		return fmt.Errorf("settled by the holder, and there are %d fresh and %d late: %w", len(fresh), len(late), errors.Join(err, failed))
	}
	return nil
}

// settledInOrder checks law 31 under race: each takes the lease by a clock that
// is later than the last, and writes its fence. Writings happen in the order of
// the fences: nobody finds one that is older than what was told to be written
// before it looked.
func settledInOrder(ctx context.Context, w *world) (err error) {
	box, offers := w.outbox("settling while others take the lease")
	if !offers {
		return nil
	}
	d := w.duty("said")
	id, err := w.say(ctx, &d)
	if err != nil {
		return err
	}
	const holders, turns = 8, 25
	boxes, end := w.outboxes(holders, box)
	defer func() { err = errors.Join(err, end()) }()
	var later, written atomic.Int64
	replies := together(holders, func(i int) (any, error) {
		for range turns {
			now := dawn.Add(time.Duration(later.Add(1)) * term)
			got, err := boxes[i].Lease(ctx, now, store.Lease{Name: "one", Holder: strconv.Itoa(i), Until: now.Add(term)})
			if err != nil {
				return nil, err
			}
			if len(got) == 0 {
				continue // somebody by a later clock was faster
			}
			mark := store.Delivery{Sink: "a", Event: platform.Event{ID: id}, Tries: int(got[0].Fence), Since: dawn, Due: dawn}
			err = boxes[i].Settle(ctx, now, got, store.Settlement{Late: []store.Delivery{mark}})
			if err != nil && !errors.Is(err, store.ErrFence) {
				return nil, err
			}
			for known := written.Load(); err == nil && known < got[0].Fence && !written.CompareAndSwap(known, got[0].Fence); {
				known = written.Load()
			}
			known := written.Load()
			left, err := boxes[i].Late(ctx, everywhere, "a", dawn, 10)
			if err != nil || known > 0 && (len(left) != 1 || int64(left[0].Tries) < known) {
				return nil, fmt.Errorf("fence %d was written, and then there is %+v: %w", known, left, err)
			}
		}
		return nil, nil
	})
	if err := unanimous(replies); err != nil {
		return err
	}
	if written.Load() == 0 {
		return errors.New("nobody settled")
	}
	return nil
}

// relaysBeside checks law 31 for relays that work while others write.
func relaysBeside(ctx context.Context, w *world) (err error) {
	box, offers := w.outbox("relays beside each other")
	if !offers {
		return nil
	}
	const relays, writers, each = 4, 4, 40
	boxes, end := w.outboxes(relays, box)
	defer func() { err = errors.Join(err, end()) }()
	sink := newReceiver(false)
	all := make([]*store.Relay, relays)
	for i := range all {
		all[i] = &store.Relay{Outbox: boxes[i], Sinks: map[string]store.Sink{"sink": sink}, Holder: strconv.Itoa(i), Now: w.clock.Now}
	}
	var writing sync.WaitGroup
	writing.Add(writers)
	var over atomic.Bool
	go func() { writing.Wait(); over.Store(true) }()
	replies := together(relays+writers, func(i int) (said []platform.ID, err error) {
		if i < relays {
			for !over.Load() && err == nil {
				_, err = all[i].Tick(ctx, w.clock.Now(), 0)
			}
			return nil, err
		}
		defer writing.Done()
		for range each {
			d := w.duty("said")
			id, err := w.say(ctx, &d)
			if err != nil {
				return nil, err
			}
			said = append(said, id)
		}
		return said, nil
	})
	if err := unanimous(replies); err != nil {
		return err
	}
	var said []platform.ID
	for _, r := range replies {
		said = append(said, r.value...)
	}
	w.clock.Advance(term) // whoever holds what is gone
	stand := &store.Relay{Outbox: box, Sinks: map[string]store.Sink{"sink": sink}, Holder: "stand-in", Now: w.clock.Now}
	d := w.duty("said last")
	last, err := w.say(ctx, &d)
	if err != nil {
		return err
	}
	if _, err := stand.Drain(ctx); err != nil {
		return err
	}
	for _, id := range append(said, last) {
		if n := sink.met[id]; n != 1 {
			return fmt.Errorf("event %s was handed over %d times", id, n)
		}
	}
	return w.settled(ctx, box, "sink")
}
