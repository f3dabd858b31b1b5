package market

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Follow adds a sink that gets the events from now on, besides the audit log
// and the indicators. Its name is that of its late deliveries, and stays the same
// as long as there are some. Call it before the market is used.
func (m *Market) Follow(name string, s store.Sink) { m.relay.Sinks[name] = s }

// Relay hands the events that were committed since to the audit log and the
// indicators, and has the log signed as it then is. A log that is not the one
// signed before raises an alarm.
func (m *Market) Relay(ctx context.Context) error {
	_, err := m.relay.Drain(ctx)
	if m.options.SequenceLater {
		return err // nothing came that could be signed
	}
	return errors.Join(err, m.checkpoint(ctx))
}

// Sequence appends every event that the audit log lacks, in the order of their
// ids: after a restore, or for a log that is the same from every engine.
func (m *Market) Sequence(ctx context.Context) error {
	q := platform.Query{Kind: "event", Limit: 500}
	for {
		page, err := platform.List[platform.Event](ctx, m.DB, q)
		if err == nil {
			err = m.Audit.Publish(ctx, page.Items)
		}
		if q.Cursor = page.Next; err != nil || q.Cursor == "" {
			return err
		}
	}
}

// Parked is a page of the deliveries that were given up, by sink and event, each
// with the event itself.
func (m *Market) Parked(ctx context.Context, cursor string, limit int) (page platform.Page[store.Delivery], err error) {
	after, err := parkedAfter(cursor)
	if err != nil {
		return page, err
	}
	if limit < 0 || limit > 500 {
		return page, fmt.Errorf("%d parked deliveries: %w", limit, store.ErrLimit)
	}
	limit = cmp.Or(limit, 50)
	page.Items, err = m.DB.Parked(ctx, after, limit+1)
	if err == nil && len(page.Items) > limit {
		last := page.Items[limit-1]
		page.Items, page.Next = page.Items[:limit], string(last.Event.ID)+"@"+last.Sink
	}
	return page, err
}

// parkedAfter reads a cursor of [Market.Parked].
func parkedAfter(cursor string) (after store.Delivery, err error) {
	if cursor == "" {
		return after, nil
	}
	id, sink, whole := strings.Cut(cursor, "@")
	after.Sink = sink
	after.Event.ID, err = platform.ParseID(id)
	if err != nil || !whole {
		return after, fmt.Errorf("cursor of parked deliveries: %w", store.ErrCursor)
	}
	return after, nil
}

// Resend has a sink tried again that failed to take an event for three days.
type Resend struct {
	Event platform.ID `json:"event" validate:"required"`
	Sink  string      `json:"sink" validate:"required,max=255"`
}

// Discard gives up an event that a sink will never take.
type Discard struct {
	Event  platform.ID `json:"event" validate:"required"`
	Sink   string      `json:"sink" validate:"required,max=255"`
	Reason string      `json:"reason" validate:"required,max=64"`
}

// ErrNotParked refuses to send again, or to discard, what is not parked.
var ErrNotParked = platform.Err(platform.ErrState, "delivery.not_parked", "the delivery is not parked", "该投递未被搁置")

// Resend puts a parked delivery at the foot of its ladder again. The event
// delivery.resent says who did; it fails with ErrNotParked unless there is such
// a delivery, and with ErrNotFound when there is no such event.
func (m *Market) Resend(ctx context.Context, in Resend) (store.Delivery, error) {
	d, err := m.unpark(ctx, in, "delivery.resent", in.Event, in.Sink, "")
	if err == nil {
		_, err = m.DB.Resend(ctx, time.Now(), d) // again at most, when another was faster
	}
	return d, err
}

// Discard forgets a parked delivery; the event itself stays in the log. The
// event delivery.discarded says who did, and why. It fails as Resend does.
func (m *Market) Discard(ctx context.Context, in Discard) (store.Delivery, error) {
	d, err := m.unpark(ctx, in, "delivery.discarded", in.Event, in.Sink, in.Reason)
	if err == nil {
		_, err = m.DB.Discard(ctx, d)
	}
	return d, err
}

// unpark notes what an operator decided on a parked delivery. A crash before it
// is done leaves the delivery parked, to be decided on again.
func (m *Market) unpark(ctx context.Context, in any, what string, event platform.ID, sink, reason string) (store.Delivery, error) {
	return platform.Update(ctx, m.Writer, in, func(ctx context.Context) (store.Delivery, []platform.Change, error) {
		parked, err := m.DB.Parked(ctx, store.Delivery{Sink: sink, Event: platform.Event{ID: before(event)}}, 1)
		if err != nil {
			return store.Delivery{}, nil, err
		}
		if len(parked) == 0 || parked[0].Sink != sink || parked[0].Event.ID != event {
			return store.Delivery{}, nil, fmt.Errorf("delivery of %s: %w", event, ErrNotParked)
		}
		on := platform.Ref{Kind: store.Event, ID: event}
		return parked[0], []platform.Change{platform.Happened(what, on, map[string]string{"sink": sink}).Because(reason)}, nil
	})
}

// before is the id just before another.
func before(id platform.ID) platform.ID {
	u := id.UUID()
	for i := len(u) - 1; i >= 0; i-- {
		if u[i]--; u[i] != 0xff {
			break
		}
	}
	return platform.IDFromUUID(id.Prefix(), u)
}

// keepAnswers is how long a repeated command gets its first answer.
const keepAnswers = 30 * 24 * time.Hour

// Sweep forgets answers of commands that are older than thirty days, by the
// wall's clock, and tells how many; the events of the keys, which nobody follows,
// wait for delivery no more. Call it now and then.
func (m *Market) Sweep(ctx context.Context) (n int, err error) {
	const lot = 1000
	for swept := lot; swept == lot && err == nil; n += swept {
		swept, err = m.DB.Sweep(ctx, time.Now().Add(-keepAnswers), lot)
	}
	_, undrained := m.keyLog.Drain(ctx)
	return n, errors.Join(err, undrained)
}
