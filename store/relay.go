package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/liangding/platform"
)

// Sink takes events out of the platform, or to a part of it that follows the
// log. It gets each event at least once, under the event's id; a subject's
// events are ordered by their Version, not by arrival. An error leaves the
// events undelivered.
type Sink interface {
	Publish(ctx context.Context, events []platform.Event) error
}

// Feed is what an adapter offers to the relay: the events that not every sink
// has taken yet.
type Feed interface {
	Undelivered(ctx context.Context, limit int) ([]platform.Event, error)
	Delivered(ctx context.Context, ids ...platform.ID) error
}

// Relay hands undelivered events to the sinks until none is left or ctx ends,
// and tells how many it handed over. A sink that panics has failed.
func Relay(ctx context.Context, from Feed, sinks ...Sink) (handed int, err error) {
	for ctx.Err() == nil {
		events, err := from.Undelivered(ctx, 500)
		if err != nil || len(events) == 0 {
			return handed, err
		}
		for _, s := range sinks {
			if err := publish(ctx, s, events); err != nil {
				return handed, err
			}
		}
		ids := make([]platform.ID, len(events))
		for i, e := range events {
			ids[i] = e.ID
		}
		if err := from.Delivered(ctx, ids...); err != nil {
			return handed, err
		}
		handed += len(events)
	}
	return handed, ctx.Err()
}

func publish(ctx context.Context, s Sink, events []platform.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.Join(platform.ErrUnavailable, fmt.Errorf("sink %T panicked: %v", s, p))
		}
	}()
	return s.Publish(ctx, events)
}
