package dispatch

import (
	"context"
	"encoding/json"
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
	Policy  Policy // by which others are looked for; zero fields have defaults
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
	return r.end(ctx, order, func(a Assignment) (Assignment, error) { return a.drop(fault, at) })
}

// StandUp does as Release when an order ends since its customer was not there:
// those who came have ended with that, by the fault of the customer.
func (r Releases) StandUp(ctx context.Context, order platform.Ref, at time.Time) ([]platform.Change, error) {
	return r.end(ctx, order, func(a Assignment) (Assignment, error) { return a.standUp(at) })
}

// end ends all that is open of an order, each assignment as it says.
func (r Releases) end(ctx context.Context, order platform.Ref, over func(Assignment) (Assignment, error)) ([]platform.Change, error) {
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
			next, err := over(a)
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

// Present tells how far the members of assignments have come, in the order asked,
// as a JSON array of {member, state, arrived, contacts}, arrived absent before,
// contacts the moments of attempts to reach the customer; and the checks
// under which it is so. It fails with ErrNotFound when one is not there.
func (r Releases) Present(ctx context.Context, assignments ...platform.ID) (json.RawMessage, []platform.Change, error) {
	found, err := r.Store.Offers(ctx, assignments...)
	if err != nil {
		return nil, nil, err
	}
	type present struct {
		Member   platform.ID `json:"member"`
		State    State       `json:"state"`
		Arrived  time.Time   `json:"arrived,omitzero"`
		Contacts []time.Time `json:"contacts,omitempty"`
	}
	all, checks := make([]present, len(found)), make([]platform.Change, len(found))
	for i, a := range found {
		all[i], checks[i] = present{Member: a.Member, State: a.State}, platform.Unchanged(a)
		for _, step := range a.Steps {
			if step.State == Arrived {
				all[i].Arrived = step.At
			}
		}
		for _, c := range a.Contacts {
			all[i].Contacts = append(all[i].Contacts, c.At)
		}
	}
	doc, err := json.Marshal(all)
	return doc, checks, err
}

// Seated is a member in a seat of an order. The type has no name of its own, so
// that order need not know this package.
type Seated = struct {
	Seat               int
	Assignment, Member platform.ID
}

// TakeOver gives seats to the members who had them in another system: assignments
// as if the members had just accepted them, the bookings, and searches that have
// found. wanted is what [Orders.Need] returns. Work that was wanted before now is
// booked from now on. It answers the changes, to be committed with the order's own,
// and fails with ErrOverlap and ErrNotEligible as [Service.Accept] does, with the
// member in the detail "member".
func (r Releases) TakeOver(ctx context.Context, wanted json.RawMessage, at time.Time, seats ...Seated) ([]platform.Change, error) {
	n, err := readNeed(wanted, at)
	if err != nil {
		return nil, fmt.Errorf("take over assignments: %w", err)
	}
	var changes []platform.Change
	var members []platform.ID
	var work Assignment
	for _, s := range seats {
		a, err := n.offered(s.Assignment, Offer{Order: n.Order, Seat: s.Seat, Member: s.Member}, proposal{at: at}, 0).take("take_over", platform.Operator, at)
		if err != nil {
			return nil, err
		}
		a.Due = time.Time{}
		search := newSearch(n.Order, s.Seat, Policy{}, at, n.From).ended(Filled)
		changes = append(changes, platform.Put(a), platform.Put(search), a.happened())
		members, work = append(members, s.Member), a
	}
	booked, err := vouch(ctx, r.Members, work, members...)
	return append(booked, changes...), err
}
