package platform

import (
	"context"
	"errors"
	"time"
)

// Ticker does what is due. Deadlines are data: a tick that comes late does no
// harm, and of several at once each fires a deadline at most once.
type Ticker interface {
	// Tick fires at most limit deadlines that are due at now (0 is 500, at most
	// 5,000) and tells how many fired. The error joins those that failed; they
	// stay due and stop no other.
	Tick(ctx context.Context, now time.Time, limit int) (int, error)
}

// Running says how [Run] ticks.
type Running struct {
	Every time.Duration    // 0 is a second
	Limit int              // per ticker and round; 0 is 500
	Now   func() time.Time // if nil, time.Now in UTC
	Log   func(error)      // failures of a round; if nil, they are dropped
}

// Run ticks every ticker in turn until ctx ends, which is not an error. It is
// the only loop in the library, and the caller starts it. A round that left
// work undone is followed by the next at once.
func Run(ctx context.Context, r Running, tickers ...Ticker) {
	w := Writer{Now: r.Now}.Ready()
	if r.Every <= 0 {
		r.Every = time.Second
	}
	beat := time.NewTicker(r.Every)
	defer beat.Stop()
	for {
		busy := false
		for _, t := range tickers {
			fired, err := t.Tick(ctx, w.Now(), r.Limit)
			if err != nil && ctx.Err() == nil && r.Log != nil {
				r.Log(err)
			}
			busy = busy || fired >= TickLimit(r.Limit)
		}
		if busy && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
	}
}

// TickLimit is limit within its bounds: 0 is 500, and 5,000 the most.
func TickLimit(limit int) int {
	if limit <= 0 {
		return 500
	}
	return min(limit, 5000)
}

// Sweep fires what due lists, page by page, until limit have fired or there is
// no more. One that fails stops no other; a deadline that somebody else fired
// first (ErrState, ErrConflict) is no failure.
func Sweep[T any](ctx context.Context, limit int, due func(cursor string) (Page[T], error), fire func(T) error) (fired int, err error) {
	limit = TickLimit(limit)
	var failed []error
	for cursor := ""; ; {
		page, err := due(cursor)
		if err != nil {
			return fired, errors.Join(append(failed, err)...)
		}
		for _, item := range page.Items {
			if fired >= limit || ctx.Err() != nil {
				return fired, errors.Join(append(failed, ctx.Err())...)
			}
			switch err := fire(item); {
			case err == nil:
				fired++
			case !errors.Is(err, ErrState) && !errors.Is(err, ErrConflict):
				failed = append(failed, err)
			}
		}
		if cursor = page.Next; cursor == "" {
			return fired, errors.Join(failed...)
		}
	}
}
