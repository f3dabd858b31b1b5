package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Releases is what order knows of dispatch: its port Staffing. It may be used
// by several goroutines at once.
type Releases struct {
	Store   Store
	Members Members
}

// Release lets go of everybody when an order ends: open offers are withdrawn,
// seats released with the fault, members freed, searches closed. It answers the
// changes that do so, to be committed with the order's own: they write the
// order's assignments and searches and the members' booking days, never the
// order. An order that dispatch has not seen gives no changes.
//
// An offer made while the order's own set is on its way may be missed: it can no
// longer be accepted, since the order refuses, and expires.
func (r Releases) Release(ctx context.Context, order platform.Ref, fault string, at time.Time) ([]platform.Change, error) {
	searches, err := r.Store.Searches(ctx, order.ID)
	if err != nil {
		return nil, err
	}
	var changes []platform.Change
	var booked []Booked
	for _, s := range searches {
		if s.State != Closed {
			changes = append(changes, platform.Put(s.ended(Closed)))
		}
	}
	for cursor := ""; ; {
		page, err := r.Store.Assignments(ctx, Find{Order: order.ID, Limit: 500, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, a := range page.Items {
			next, err := a.drop(fault, at)
			if errors.Is(err, platform.ErrState) {
				continue // it has ended, and stays as it is
			}
			if err != nil {
				return nil, err
			}
			changes = append(changes, platform.Put(next), next.happened())
			if a.State == Offered {
				changes = append(changes, next.freed())
			} else {
				booked = append(booked, a.booked())
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	freed, err := r.Members.Unbook(ctx, booked...)
	if err != nil {
		return nil, fmt.Errorf("release the members of %s: %w", order, err)
	}
	return append(changes, freed...), nil
}
