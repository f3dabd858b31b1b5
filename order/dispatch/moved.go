package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Move makes the assignments of an order follow it to another time or place:
// members who can do the work as need tells it now, which is what [Orders.Need]
// returns, keep their seats and are booked anew, not yet on their way; lost are the
// seats of the others, who are released with the fault, and for whom others are
// looked for at once. Open offers are withdrawn, since they were of other work. It
// answers the changes, to be committed with the order's own, which it does not
// write.
func (r Releases) Move(ctx context.Context, order platform.Ref, wanted json.RawMessage, fault string, at time.Time) (lost []int, changes []platform.Change, err error) {
	n, err := readNeed(wanted, at)
	if err != nil {
		return nil, nil, fmt.Errorf("move the members of %s: %w", order, err)
	}
	held, changes, err := r.open(ctx, order.ID, at)
	if err != nil {
		return nil, nil, err
	}
	work := make([]Booked, len(held))
	for i, a := range held {
		work[i] = a.booked()
	}
	able, booked, err := r.Members.Rebook(ctx, n.words(), n.From, n.Until, work...)
	if err != nil {
		return nil, nil, fmt.Errorf("move the members of %s: %w", order, err)
	}
	changes = append(changes, booked...)
	var gone []Assignment
	for _, a := range held {
		if slices.Contains(able, a.Member) {
			next, err := a.moved(n, at)
			if err != nil {
				return nil, nil, err
			}
			tell := facts{Order: a.Order, Seat: a.Seat, Member: a.Member}
			changes = append(changes, platform.Put(next), platform.Happened("assignment.moved", a.Ref(), tell))
			continue
		}
		next, err := a.Release("order_moved", fault, platform.System, at)
		if err != nil {
			return nil, nil, err
		}
		lost, gone = append(lost, a.Seat), append(gone, next)
		changes = append(changes, platform.Put(next), next.happened())
	}
	searches, err := r.Store.Searches(ctx, order.ID)
	for _, s := range searches {
		changes = append(changes, s.anew(gone, r.Policy.Ready(), at, n.From)...)
	}
	return lost, changes, err
}

// open are the assignments of an order that hold a seat, and the changes that
// withdraw what is on offer.
func (r Releases) open(ctx context.Context, order platform.ID, at time.Time) (held []Assignment, changes []platform.Change, err error) {
	for cursor := ""; ; {
		page, err := r.Store.Assignments(ctx, Find{Order: order, Limit: 500, Cursor: cursor})
		if err != nil {
			return nil, nil, err
		}
		for _, a := range page.Items {
			if a.State.Holds() {
				held = append(held, a)
			}
			if a.State != Offered {
				continue
			}
			next, err := a.Withdraw("order_moved", platform.System, at)
			if err != nil {
				return nil, nil, err
			}
			changes = append(changes, platform.Put(next), next.happened(), next.freed())
		}
		if cursor = page.Next; cursor == "" {
			return held, changes, nil
		}
	}
}

// moved is the assignment for the work as it is needed now.
func (a Assignment) moved(n need, at time.Time) (Assignment, error) {
	next, err := a.take("move", platform.System, at)
	next.Need, next.Zone, next.From, next.Until, next.Place = n.words(), n.Zone, n.From, n.Until, n.place()
	return next, err
}

// anew is the search begun again for a seat that is open now, for work that starts
// at another time; none for one that stays filled.
func (s Search) anew(gone []Assignment, p Policy, at, start time.Time) []platform.Change {
	i := slices.IndexFunc(gone, func(a Assignment) bool { return a.Seat == s.Seat })
	if s.State == Closed || s.State == Filled && i < 0 {
		return nil
	}
	if s = s.begun(p, at, start); i >= 0 {
		s = s.answered(gone[i], p, at)
	}
	s.Asked, s.Due = nil, at
	return []platform.Change{platform.Put(s)}
}
