package store

import (
	"context"

	"github.com/liangding/platform"
)

// Feed is what an engine may offer that has no [Outbox]: the events that not every
// sink has taken yet. The engines under this package have both.
type Feed interface {
	Undelivered(ctx context.Context, limit int) ([]platform.Event, error)
	Delivered(ctx context.Context, ids ...platform.ID) error
}

// RelayFeed hands undelivered events to the sinks until none is left or ctx
// ends, and tells how many it handed over. There are neither leases nor late
// deliveries: one sink that fails holds up all.
func RelayFeed(ctx context.Context, from Feed, sinks ...Sink) (handed int, err error) {
	for ctx.Err() == nil {
		events, err := from.Undelivered(ctx, batch)
		if err != nil || len(events) == 0 {
			return handed, err
		}
		ids := make([]platform.ID, len(events))
		for i, e := range events {
			ids[i] = e.ID
		}
		for _, s := range sinks {
			if err := published(ctx, s, events); err != nil {
				return handed, err
			}
		}
		if err := from.Delivered(ctx, ids...); err != nil {
			return handed, err
		}
		handed += len(events)
	}
	return handed, ctx.Err()
}
