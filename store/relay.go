package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// Relay hands the events of an outbox to sinks, each event to each sink at least
// once. It is a [platform.Ticker]; [Relay.Drain] is for tests and programs that
// run to an end. It may be used by several goroutines at once, one of which works
// at a time, and must not be copied nor its fields changed once it is in use.
//
// Of several relays on one store each range of slots is served by one, which
// holds its lease; the others stand by. All must have the same sinks.
type Relay struct {
	Outbox Outbox
	Sinks  map[string]Sink  // by the names under which late deliveries are kept; at least one
	Holder string           // of the leases, unlike any other relay's; if empty, random
	Now    func() time.Time // the clock of leases; if nil, time.Now

	once  sync.Once
	wrong error
	turn  chan struct{} // full while somebody works
	desks []*desk
	asked time.Time // for leases, last; zero: ask
	held  []Lease
	next  platform.Slot // with which a tick begins
}

// How a relay holds and hands over. A hand-over begins with ten seconds of the
// lease left at least, and takes nine at most.
const (
	ranges   = 16
	width    = 4096 / ranges
	leaseFor = 15 * time.Second
	renewal  = leaseFor / 3
	batch    = 500
)

// ready fills in the defaults.
func (r *Relay) ready() error {
	r.once.Do(func() {
		r.turn = make(chan struct{}, 1)
		if r.Holder == "" {
			r.Holder = rand.Text()
		}
		if r.Outbox == nil || len(r.Sinks) == 0 {
			r.wrong = errRelay
		}
		for _, name := range slices.Sorted(maps.Keys(r.Sinks)) {
			if name == "" || r.Sinks[name] == nil {
				r.wrong = errRelay
			}
			r.desks = append(r.desks, &desk{name: name, sink: r.Sinks[name]})
		}
	})
	return r.wrong
}

// enter waits for the caller's turn.
func (r *Relay) enter(ctx context.Context) (leave func(), err error) {
	if err := r.ready(); err != nil {
		return nil, err
	}
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave = func() { <-r.turn }
	if err := ctx.Err(); err != nil { // both were ready
		leave()
		return nil, err
	}
	return leave, nil
}

func (r *Relay) clock() time.Time { return moment(platform.Writer{Now: r.Now}.Ready().Now()) }

// Tick takes or renews leases, tries again what is due at now, and hands over
// fresh events, at most limit of each. It tells how many events went to all sinks or
// into their late deliveries, and how many late ones were taken. After one that
// had to leave some the next goes on behind the last slot, so that none waits for
// ever.
//
// The error joins what sinks failed with, each once, with [ErrParked] when
// deliveries were given up, and with [ErrFence] when a lease was lost meanwhile.
// A sink that took nothing is not called for a second, and twice as long each
// time, to a minute; what it misses becomes late deliveries.
func (r *Relay) Tick(ctx context.Context, now time.Time, limit int) (fired int, err error) {
	leave, err := r.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	limit, now = platform.TickLimit(limit), moment(now)
	if _, err := r.hold(ctx); err != nil {
		return 0, err
	}
	var failed []error
	fresh := 0 // counted apart: one sink's late ones hold up no other
	for _, part := range r.parts() {
		n, err := r.retry(ctx, part, now, limit)
		fired, failed = fired+n, append(failed, err)
		for n = 1; n > 0 && fresh < limit && ctx.Err() == nil; {
			n, err = r.handOver(ctx, part, now, min(batch, limit-fresh))
			fired, fresh, failed = fired+n, fresh+n, append(failed, err)
		}
	}
	if fresh < limit {
		r.next = 0
	}
	err = errors.Join(append(failed, ctx.Err())...)
	if errors.Is(err, ErrFence) {
		r.asked = time.Time{} // what is left of them
	}
	return fired, err
}

// Drain ticks until there is nothing left that this relay may hand over now,
// and tells how many it did. What a sink failed to take waits for its time.
func (r *Relay) Drain(ctx context.Context) (handed int, err error) {
	for ctx.Err() == nil {
		n, failed := r.Tick(ctx, r.clock(), 5000)
		handed, err = handed+n, errors.Join(err, failed)
		if n == 0 {
			return handed, err
		}
	}
	return handed, errors.Join(err, ctx.Err())
}

// Release gives the leases back, so that another relay need not wait until they
// run out. The relay may be used again.
func (r *Relay) Release(ctx context.Context) error {
	leave, err := r.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	back, now := r.held, r.clock()
	for i := range back {
		back[i].Until = now
	}
	r.held, r.asked = nil, time.Time{}
	if len(back) == 0 {
		return nil
	}
	_, err = r.Outbox.Lease(ctx, now, back...)
	return err
}

// hold takes what is free and prolongs what is held, every five seconds. It
// returns the moment of that.
func (r *Relay) hold(ctx context.Context) (now time.Time, err error) {
	now = r.clock()
	if !now.Before(r.asked) && now.Before(r.asked.Add(renewal)) {
		return now, nil
	}
	want := make([]Lease, ranges)
	for i := range want {
		want[i] = Lease{Name: leaseOf(i), Holder: r.Holder, Until: now.Add(leaseFor)}
		if at := r.at(want[i].Name); at >= 0 {
			want[i].Fence = r.held[at].Fence
		}
	}
	held, err := r.Outbox.Lease(ctx, now, want...)
	if err != nil {
		return now, fmt.Errorf("lease ranges: %w", err)
	}
	r.held, r.asked = held, now
	return now, nil
}

// leaseOf is the name of a range's lease.
func leaseOf(i int) string { return fmt.Sprintf("relay/%02d", i) }

func (r *Relay) at(name string) int {
	return slices.IndexFunc(r.held, func(l Lease) bool { return l.Name == name })
}

// part is a run of ranges that are held, with their leases.
type part struct {
	Slots
	by []Lease
}

func (r *Relay) parts() []part {
	var all, ahead, behind []part
	for i := range ranges {
		at := r.at(leaseOf(i))
		if at < 0 {
			continue
		}
		own := part{Slots{platform.Slot(i * width), platform.Slot((i + 1) * width)}, r.held[at : at+1 : at+1]}
		if n := len(all); n > 0 && all[n-1].Until == own.From {
			own = part{Slots{all[n-1].From, own.Until}, append(all[n-1].by, own.by...)}
			all = all[:n-1]
		}
		all = append(all, own)
	}
	for _, p := range all {
		if p.Until > r.next {
			ahead = append(ahead, part{Slots{max(p.From, r.next), p.Until}, p.by})
		}
		if p.From < r.next {
			behind = append(behind, part{Slots{p.From, min(p.Until, r.next)}, p.by})
		}
	}
	return append(ahead, behind...)
}

// handOver gives fresh events to every sink. What one does not take becomes its
// late delivery, in the same writing that ends the events' being fresh.
func (r *Relay) handOver(ctx context.Context, of part, now time.Time, limit int) (int, error) {
	if _, err := r.hold(ctx); err != nil {
		return 0, err
	}
	events, err := r.Outbox.Fresh(ctx, of.Slots, limit)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	results := r.each(func(d *desk) result {
		list := make([]Delivery, len(events))
		for i, e := range events {
			list[i] = Delivery{Sink: d.name, Event: e, Since: now, Due: now}
		}
		return d.serve(ctx, list, now)
	})
	var s Settlement
	for _, e := range events {
		s.Handed = append(s.Handed, e.ID)
	}
	r.next = events[len(events)-1].ID.Slot() + 1
	for _, of := range results {
		s.Late = append(append(s.Late, of.late...), of.untried...)
	}
	return r.settle(ctx, of, s, len(events), results)
}

// retry gives each sink what is due for it, all at once.
func (r *Relay) retry(ctx context.Context, of part, now time.Time, limit int) (int, error) {
	if _, err := r.hold(ctx); err != nil {
		return 0, err
	}
	results := r.each(func(d *desk) result {
		if d.rests(now) {
			return result{}
		}
		list, err := r.Outbox.Late(ctx, of.Slots, d.name, now, min(batch, limit))
		if err != nil || len(list) == 0 {
			return result{err: err}
		}
		return d.serve(ctx, list, now)
	})
	var s Settlement
	for _, of := range results {
		s.Late, s.Done = append(s.Late, of.late...), append(s.Done, of.done...)
	}
	return r.settle(ctx, of, s, len(s.Done), results)
}

// settle writes what came of a hand-over and returns n if that succeeds. When
// the leases ran out meanwhile and nobody took them, they are prolonged first.
func (r *Relay) settle(ctx context.Context, of part, s Settlement, n int, results []result) (int, error) {
	if ctx.Err() != nil { // what failed may have failed for that
		return 0, ctx.Err()
	}
	failed := make([]error, 0, len(results)+1)
	for _, of := range results {
		failed = append(failed, of.err)
	}
	if s.Empty() {
		return 0, errors.Join(failed...)
	}
	now, err := r.hold(ctx)
	if err == nil {
		err = r.Outbox.Settle(ctx, now, of.by, s)
	}
	if err != nil {
		return 0, errors.Join(append(failed, fmt.Errorf("settle: %w", err))...)
	}
	return n, errors.Join(failed...)
}

// each lets all desks work at once, and returns what came of it by name.
func (r *Relay) each(work func(*desk) result) []result {
	results := make([]result, len(r.desks))
	var done sync.WaitGroup
	for i, d := range r.desks {
		done.Go(func() { results[i] = work(d) })
	}
	done.Wait()
	return results
}
