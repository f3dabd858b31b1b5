package order

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Seats are the orders as the dispatch sees them. It needs only the store, and
// satisfies dispatch.Orders.
type Seats struct{ Store Store }

// need is what a member must be able to do, and when and where.
type need struct {
	Order    platform.ID `json:"order"`
	Customer platform.ID `json:"customer"`
	Merchant platform.ID `json:"merchant"`
	Zone     platform.ID `json:"zone,omitempty"`
	Need     []string    `json:"need"`
	From     time.Time   `json:"from"`
	Until    time.Time   `json:"until"`
	Lat      *float64    `json:"lat,omitempty"`
	Lon      *float64    `json:"lon,omitempty"`
	Open     []int       `json:"open"`
}

// Need returns what an order asks of its staff, as JSON {order, customer,
// merchant, zone, need, from, until, lat, lon, open}: open are the numbers of
// its empty seats. An order without a plan is wanted from its confirmation. The
// check holds the order as it is. An order that takes no staff now is
// order.not_staffable.
func (p Seats) Need(ctx context.Context, order platform.ID) (json.RawMessage, []platform.Change, error) {
	o, err := p.Store.Order(ctx, order)
	if err != nil {
		return nil, nil, err
	}
	if o.State != Assigned {
		if _, err := o.take("staff", platform.System, time.Time{}); err != nil {
			return nil, nil, err
		}
	}
	doc, err := o.need()
	if err != nil {
		return nil, nil, err
	}
	return doc, []platform.Change{platform.Unchanged(o)}, nil
}

// need is what the order asks of its staff.
func (o Order) need() (json.RawMessage, error) {
	n := need{
		Order: o.ID, Customer: o.Customer, Merchant: o.Merchant, Zone: o.Terms.Zone, Need: append([]string{}, o.Terms.Need...),
		From: o.PlannedStart, Until: o.PlannedEnd, Open: o.open(),
	}
	if n.From.IsZero() {
		n.From, n.Until = o.ConfirmedAt, o.ConfirmedAt.Add(o.Terms.length())
	}
	if o.Spot != nil {
		n.Lat, n.Lon = &o.Spot.Lat, &o.Spot.Lon
	}
	doc, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("tell what order %s needs: %w", o.ID, err)
	}
	return doc, nil
}

// Fill gives an open seat to a member. The last one makes the order assigned.
// It fails with ErrSeatTaken when the seat is filled, and with
// order.not_staffable when the order takes no staff now. It writes the order.
func (p Seats) Fill(ctx context.Context, order platform.ID, seat int, assignment, member platform.ID, at time.Time) ([]platform.Change, error) {
	o, err := p.Store.Order(ctx, order)
	if err != nil {
		return nil, err
	}
	next, err := o.Fill(seat, assignment, member, at)
	if err != nil {
		return nil, err
	}
	changes := []platform.Change{platform.Put(next)}
	if next.State == Assigned {
		changes = append(changes, next.happened("staffed"))
	}
	return changes, nil
}

// Fill returns the order with the member in the seat.
func (o Order) Fill(seat int, assignment, member platform.ID, at time.Time) (Order, error) {
	i := slices.IndexFunc(o.Seats, func(s Seat) bool { return s.No == seat })
	if i < 0 {
		return Order{}, fmt.Errorf("fill seat %d of order %s: %w", seat, o.ID, errSeatUnknown)
	}
	if o.Seats[i].Member != "" {
		return Order{}, fmt.Errorf("fill seat %d of order %s: %w", seat, o.ID, ErrSeatTaken)
	}
	next, err := o.take("staff", platform.System, at)
	if err != nil {
		return Order{}, err
	}
	seats := slices.Clone(o.Seats)
	seats[i].Assignment, seats[i].Member = assignment, member
	if o.Seats = seats; len(o.open()) > 0 {
		return o, nil
	}
	next.Seats = seats
	return next, nil
}

// Free empties a seat. An order that was assigned is confirmed again; by the fault
// staff_no_show it is cancelled after Windows.Restaff unless others fill all its
// seats. It fails
// with order.not_unstaffable once the work has begun, and writes the order.
func (p Seats) Free(ctx context.Context, order platform.ID, seat int, fault string, at time.Time) ([]platform.Change, error) {
	o, err := p.Store.Order(ctx, order)
	if err != nil {
		return nil, err
	}
	next, err := o.Free(seat, at)
	if err != nil {
		return nil, err
	}
	var changes []platform.Change
	if Fault(fault) == StaffFault {
		next = next.abandoned(at)
		tell := next.facts()
		tell.Fault = StaffFault
		changes = append(changes, platform.Happened("order.no_show", next.Ref(), tell))
	}
	changes = append(changes, platform.Put(next))
	if o.State == Assigned {
		tell := next.facts()
		tell.Fault = Fault(fault)
		changes = append(changes, platform.Happened("order.unstaffed", next.Ref(), tell))
	}
	return changes, nil
}

// Free returns the order with the seat empty.
func (o Order) Free(seat int, at time.Time) (Order, error) {
	i := slices.IndexFunc(o.Seats, func(s Seat) bool { return s.No == seat })
	if i < 0 {
		return Order{}, fmt.Errorf("free seat %d of order %s: %w", seat, o.ID, errSeatUnknown)
	}
	if o.Seats[i].Member == "" {
		return Order{}, fmt.Errorf("free seat %d of order %s: %w", seat, o.ID, errSeatEmpty)
	}
	next, err := o.take("unstaff", platform.System, at)
	if err != nil {
		return Order{}, err
	}
	next.Seats = slices.Clone(o.Seats)
	next.Seats[i] = Seat{No: seat}
	return next, nil
}
