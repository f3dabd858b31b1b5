package store

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

// Outbox is what an engine keeps for the relay, beside the records and never
// through Commit: which events are fresh (handed to no sink yet), what single
// sinks have still to get, and who may hand over which slots. Times are kept to
// the microsecond. It may be used by several goroutines and processes at once.
type Outbox interface {
	// Lease decides each of want by [Lease.Grant] at now, one like any number, and
	// returns those that are granted as they are now stored.
	Lease(ctx context.Context, now time.Time, want ...Lease) ([]Lease, error)

	// Fresh are at most limit fresh events of the slots, in the order of
	// their commits if the engine knows it, else by slot and id. Never from a position on:
	// commits do not become visible in the order of their ids.
	Fresh(ctx context.Context, of Slots, limit int) ([]platform.Event, error)

	// Late are at most limit deliveries of the slots to one sink that are due at
	// now or before, by Due and then by event. Parked ones are never due.
	Late(ctx context.Context, of Slots, sink string, now time.Time, limit int) ([]Delivery, error)

	// Settle writes what came of a hand-over, all or nothing and durably. It fails
	// with [ErrFence], and writes nothing, unless each of the leases still
	// [Lease.Admits] its like in by at now, and none is taken by another before the
	// writing is done.
	Settle(ctx context.Context, now time.Time, by []Lease, s Settlement) error

	// Parked are at most limit parked deliveries, by sink and then by event, that
	// come after the given one; the zero Delivery is before all.
	Parked(ctx context.Context, after Delivery, limit int) ([]Delivery, error)

	// Resend makes those of the deliveries, named by sink and event, that are
	// parked as [Delivery.Again] says, and tells how many. It needs no lease.
	Resend(ctx context.Context, now time.Time, which ...Delivery) (int, error)

	// Discard forgets those of the deliveries, named by sink and event, that are
	// parked, and tells how many. It needs no lease.
	Discard(ctx context.Context, which ...Delivery) (int, error)

	// Backlog counts what is still to be handed over.
	Backlog(ctx context.Context) (Backlog, error)
}

// Settlement is what came of a hand-over.
type Settlement struct {
	Handed []platform.ID // events that are fresh no more: each sink has taken them or has a delivery in Late
	Late   []Delivery    // kept, in place of what is kept for the same sink and event
	Done   []Delivery    // forgotten; only sink and event's id count
}

// Empty tells whether there is nothing to write.
func (s Settlement) Empty() bool { return len(s.Handed)+len(s.Late)+len(s.Done) == 0 }

// Delivery is an event that one sink has still to get.
type Delivery struct {
	Sink  string
	Event platform.Event // whole when it is read; to be kept, only its ID counts
	Tries int            // that failed
	Since time.Time      // it was first to be delivered, or sent again
	Due   time.Time      // for the next try; zero: parked, and tried no more
	Last  string         // code of the last failure
}

// The ladder of late deliveries.
const (
	firstPause = time.Second
	lastPause  = time.Hour
	parkAfter  = 3 * 24 * time.Hour
)

// Failed is the delivery after a try that failed at now: due again after a
// pause that doubles from a second to an hour, spread by the event's id, but not
// before wait is over; or parked, once it has failed for three days or the error
// is [ErrHopeless].
func (d Delivery) Failed(err error, now time.Time, wait time.Duration) Delivery {
	d.Tries++
	d.Last = platform.Code(err)
	if hopeless(err) || now.Sub(d.Since) >= parkAfter {
		d.Due = time.Time{}
		return d
	}
	d.Due = moment(now.Add(max(wait, d.pause())))
	return d
}

// pause is three to four quarters of a step of the ladder: those that failed
// together do not come back together.
func (d Delivery) pause() time.Duration {
	step := lastPause
	if n := d.Tries - 1; n < 12 {
		step = min(firstPause<<n, lastPause)
	}
	u := d.Event.ID.UUID()
	spread := int64(u[15]) + 256*int64(u[14])
	return max(firstPause, step-time.Duration(int64(step/4)*spread>>16))
}

// Parked tells whether the delivery is tried no more unless somebody sends it
// again.
func (d Delivery) Parked() bool { return d.Due.IsZero() }

// Again is the delivery as if it were new at now.
func (d Delivery) Again(now time.Time) Delivery {
	d.Tries, d.Since, d.Due, d.Last = 0, moment(now), moment(now), ""
	return d
}

// moment is a time as engines keep it.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
