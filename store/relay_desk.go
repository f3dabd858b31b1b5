package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// desk is where a relay hands over to one sink.
type desk struct {
	name   string
	sink   Sink
	within chan struct{} // of a call that did not return in time: closed when it does
	losses int           // rounds in a row in which the sink took nothing
	rest   time.Time     // it is not called before
}

// How a sink is treated.
const (
	patience = 8 * time.Second // with its calls of one round
	grace    = time.Second     // to tell what it took when that is over
	maxRest  = time.Minute
	lostLots = 3 // in a row, and the round is over
)

// result is what came of a round: each delivery is in one of the lists.
type result struct {
	done, late, untried []Delivery
	err                 error
}

func (d *desk) rests(now time.Time) bool { return now.Before(d.rest) }

// serve hands deliveries over in lots, those that failed least first. A lot that
// failed comes back as two: so what can never be taken ends up alone. It stops
// when the sink asks for rest, or takes nothing three times in a row.
func (d *desk) serve(ctx context.Context, list []Delivery, now time.Time) (r result) {
	if d.rests(now) {
		return result{untried: list}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	list = slices.SortedStableFunc(slices.Values(list), func(a, b Delivery) int { return a.Tries - b.Tries })
	var wait time.Duration
	for lost, grown := 0, 0; len(list) > 0 && lost < lostLots && wait == 0 && ctx.Err() == nil; {
		n := lot(list, grown)
		left := d.publish(ctx, list[:n])
		before := len(r.done)
		r.add(list[:n], left, now)
		wait = left.Wait
		lost, grown = lost+1, 0
		if len(r.done) > before {
			lost = 0
		}
		if len(r.done) == before+n && n < len(list) && list[n].Tries == list[0].Tries {
			grown++
		}
		list = list[n:]
	}
	r.untried = append(r.untried, list...)
	d.learn(len(r.done) > 0, now, wait)
	r.err = d.report(r)
	return r
}

// lot is how many of the first deliveries go into one call: a batch, halved with
// each failure, doubled with each success before it.
func lot(list []Delivery, grown int) int {
	tries := list[0].Tries
	size := min(max(batch>>min(tries, 16), 1)<<min(grown, 16), batch)
	alike := slices.IndexFunc(list, func(d Delivery) bool { return d.Tries != tries })
	if alike < 0 {
		alike = len(list)
	}
	return min(size, alike)
}

func (r *result) add(lot []Delivery, left *LeftError, now time.Time) {
	untried := make(map[platform.ID]bool, len(left.Untried))
	for _, id := range left.Untried {
		untried[id] = true
	}
	for _, d := range lot {
		failure, failed := left.Failed[d.Event.ID]
		switch {
		case failed:
			r.late = append(r.late, d.Failed(failure, now, left.Wait))
			if r.err == nil {
				r.err = failure
			}
		case untried[d.Event.ID]:
			r.untried = append(r.untried, d)
		default:
			r.done = append(r.done, d)
		}
	}
}

// learn has a sink rest that took nothing, or asked for it.
func (d *desk) learn(took bool, now time.Time, wait time.Duration) {
	if took {
		d.losses = 0
	} else {
		d.losses++
		wait = max(wait, min(time.Second<<min(d.losses-1, 16), maxRest))
	}
	d.rest = now.Add(min(wait, parkAfter))
}

func (d *desk) report(r result) error {
	if len(r.late) == 0 {
		return r.err
	}
	err := fmt.Errorf("hand %d events to %s: %w", len(r.late), d.name, r.err)
	parked := 0
	for _, l := range r.late {
		if l.Parked() {
			parked++
		}
	}
	if parked > 0 {
		err = errors.Join(err, fmt.Errorf("%d events for %s: %w", parked, d.name, ErrParked))
	}
	return err
}

// publish calls the sink and tells what it left. A sink that does not come back
// is left alone with what it has, until it does.
func (d *desk) publish(ctx context.Context, lot []Delivery) *LeftError {
	events := make([]platform.Event, len(lot))
	for i, l := range lot {
		events[i] = l.Event
	}
	if d.within != nil {
		select {
		case <-d.within:
			d.within = nil
		default:
			return leftOf(errSlow, events)
		}
	}
	answer, within := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(within)
		answer <- published(ctx, d.sink, events)
	}()
	select {
	case err := <-answer:
		return leftOf(err, events)
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case err := <-answer:
		return leftOf(err, events)
	case <-late.C:
		d.within = within
		return leftOf(errSlow, events)
	}
}

// published is a call whose panic is a failure.
func published(ctx context.Context, s Sink, events []platform.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sink %T: %v: %w", s, p, errPanic)
		}
	}()
	return s.Publish(ctx, events)
}

// leftOf is what an error leaves: all, unless it is a LeftError itself. One among
// other errors does not speak for them.
func leftOf(err error, events []platform.Event) *LeftError {
	if err == nil {
		return &LeftError{}
	}
	if left, itself := err.(*LeftError); itself { //nolint:errorlint // see above
		return left
	}
	left := &LeftError{Failed: make(map[platform.ID]error, len(events))}
	for _, e := range events {
		left.Failed[e.ID] = err
	}
	return left
}
