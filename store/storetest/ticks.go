package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
)

type fire struct {
	Duty platform.ID `json:"duty"`
}

var errNotDue = platform.Err(platform.ErrState, "test.not_due", "not due", "未到期")

// firedOnce checks law 40: many tickers at once, the same deadlines before all
// of them, and some that were pushed back meanwhile.
func firedOnce(ctx context.Context, w *world) error {
	const due, tickers = 40, 16
	now := dawn.Add(time.Hour)
	duties := make([]duty, due+2)
	var set []platform.Change
	for i := range duties {
		duties[i] = w.duty(fmt.Sprint("deadline ", i))
		duties[i].Due = dawn.Add(time.Duration(i) * time.Minute)
		if i >= due {
			duties[i].Due = now.Add(time.Duration(i-due) * time.Microsecond) // the first exactly at the end
		}
		set = append(set, platform.Put(duties[i]))
	}
	none := w.duty("no deadline")
	if err := w.given(ctx, append(set, platform.Put(none))...); err != nil {
		return err
	}
	var pushed atomic.Bool
	fired := together(tickers, func(int) (int, error) {
		return platform.Sweep(ctx, due, func(cursor string) (platform.Page[duty], error) {
			page, err := platform.List[duty](ctx, w.db, platform.Query{Kind: dutyKind, By: []string{"due"}, Until: now, Limit: 7, Cursor: cursor})
			if err == nil && pushed.CompareAndSwap(false, true) {
				err = w.pushBack(ctx, page.Items[0], now.Add(time.Hour))
			}
			return page, err
		}, func(d duty) error { return w.fire(ctx, d.ID, now) })
	})
	if err := unanimous(fired); err != nil {
		return err
	}
	sum := 0
	for _, f := range fired {
		sum += f.value
	}
	return errors.Join(w.firings(ctx, duties, now, sum), w.stored(ctx, none.at(1)))
}

// pushBack moves a deadline after it was listed, unless it has fired already.
func (w *world) pushBack(ctx context.Context, d duty, to time.Time) error {
	d.Due, d.Mark = to, pushedBack
	if _, err := w.commit(ctx, platform.Put(d)); err != nil && !errors.Is(err, platform.ErrConflict) {
		return err
	}
	return nil
}

const pushedBack = "pushed back"

// fire clears a deadline that is due, as a domain's Tick does it.
func (w *world) fire(ctx context.Context, id platform.ID, now time.Time) error {
	_, err := platform.Update(platform.As(ctx, actor), w.writer(), fire{id}, func(ctx context.Context) (any, []platform.Change, error) {
		d, err := platform.Read[duty](ctx, w.db, dutyKind, id)
		if err != nil {
			return nil, nil, err
		}
		if d.Due.IsZero() || !d.Due.Before(now) {
			return nil, nil, fmt.Errorf("fire %s: %w", id, errNotDue)
		}
		d.Due = time.Time{}
		return nil, []platform.Change{platform.Put(d), platform.Happened("test.fired", d.Ref(), nil)}, nil
	})
	return err
}

// firings demands that each deadline that was due fired once, and no other.
func (w *world) firings(ctx context.Context, duties []duty, now time.Time, told int) error {
	sum := 0
	for _, d := range duties {
		events, err := w.events(ctx, d.Ref())
		if err != nil {
			return err
		}
		fired := 0
		for _, e := range events {
			if e.Type == "test.fired" {
				fired++
			}
		}
		sum += fired
		after, err := platform.Read[duty](ctx, w.db, dutyKind, d.ID)
		if err != nil {
			return err
		}
		want := 0
		if d.Due.Before(now) && after.Mark != pushedBack {
			want = 1
		}
		if fired != want || after.Due.IsZero() != (want == 1) {
			return fmt.Errorf("%s, due %s, fired %d times and is now due %s", d.Mark, d.Due, fired, after.Due)
		}
	}
	if sum != told {
		return fmt.Errorf("%d deadlines fired, the tickers say %d", sum, told)
	}
	return nil
}
