package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// NoShowOutcome is what a customer who was not there pays.
type NoShowOutcome string

// The outcomes of a no-show of the customer.
const (
	NoShowCharged NoShowOutcome = "no_show_charged"
	NoShowWaived  NoShowOutcome = "no_show_waived" // the first in a while, or by the grace of the merchant or an operator
)

// Absence is when a customer was last not there. Its id is that of the customer.
type Absence struct {
	platform.Head
	Customer platform.ID `json:"customer" class:"internal"`
	Order    platform.ID `json:"order" class:"internal"`
	Last     time.Time   `json:"last" class:"internal"`
	Count    int         `json:"count" class:"internal"` // in all
}

const absenceKind = "order.absence"

// Ref names the absence.
func (a Absence) Ref() platform.Ref { return platform.Ref{Kind: absenceKind, ID: a.ID} }

func (r records) Absence(ctx context.Context, customer platform.ID) (Absence, error) {
	return platform.Read[Absence](ctx, r.db, absenceKind, customer.As("abs"))
}

// NoShow states that the customer was not there.
type NoShow struct {
	Order platform.ID `json:"order" validate:"required,id=ord"`
	Waive bool        `json:"waive,omitempty"` // operators only: it costs nothing
}

// Subject is the order.
func (in NoShow) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// NoShow ends an order whose customer was not there: by the row of its policy for
// that, all of the rest given back. It costs nothing when it is the customer's
// first within Windows.Forgive. A member in a seat may, and an operator. What it
// costs is earned when it can no longer be disputed, after Windows.Close.
//
// It fails with order.no_show_early (detail "from", where somebody waits) unless a
// member has arrived and waited for Windows.Wait from then and from the planned
// start, with order.no_show_contacts unless that member tried to reach the
// customer twice, Windows.Contact apart, and with order.not_missable.
func (s *Service) NoShow(ctx context.Context, in NoShow) (Order, error) {
	refund := s.w.NewChild("rfd", in.Order)
	return onOrder(ctx, s, in, in.Order, func(ctx context.Context, o Order, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
		if in.Waive && by.Kind != platform.Operator {
			return Order{}, nil, fmt.Errorf("waive the no-show of order %s: %w", o.ID, errActor)
		}
		if _, err := o.take("miss", by.Kind, at); err != nil {
			return Order{}, nil, err
		}
		there, checks, err := s.attending(ctx, o)
		if err == nil {
			err = o.missed(there, at)
		}
		if err != nil {
			return Order{}, nil, fmt.Errorf("no-show of order %s: %w", o.ID, err)
		}
		before, err := s.store.Absence(ctx, o.Customer)
		if err != nil && !errors.Is(err, platform.ErrNotFound) {
			return Order{}, nil, err
		}
		q, err := s.priceCancel(ctx, o, Facts{Fault: CustomerFault, Way: Absent}, there, at)
		if err != nil {
			return Order{}, nil, err
		}
		q.checks, q.outcome = checks, NoShowCharged
		if in.Waive || before.forgiven(o.Windows.or(usual).Forgive, at) {
			q = q.waived()
		}
		next, changes, err := s.cancel(ctx, o, q, refund, string(q.outcome), by.Kind, at)
		if err != nil {
			return Order{}, nil, err
		}
		tell := next.facts()
		tell.Fault, tell.Fee = CustomerFault, q.Fee
		told := platform.Happened("order.no_show", next.Ref(), tell).Because(string(q.outcome))
		return next, append(changes, told, platform.Put(before.after(o, at))), nil
	})
}

// forgiven tells whether a no-show at a moment is the first in so long a time.
func (a Absence) forgiven(since time.Duration, at time.Time) bool {
	return a.Last.IsZero() || at.Sub(a.Last) >= since
}

// after is the absence with another order that the customer missed.
func (a Absence) after(o Order, at time.Time) Absence {
	a.ID, a.Customer, a.Order, a.Last = o.Customer.As("abs"), o.Customer, o.ID, at
	a.Count++
	return a
}

// waived is the quote without its fee.
func (q CancelQuote) waived() CancelQuote {
	none := plus(q.Fee, q.Fee.Neg())
	q.Refund, q.Fee, q.merchant, q.staff, q.outcome = plus(q.Refund, q.Fee), none, none, nil, NoShowWaived
	return q
}

// missed fails unless one of those who came has waited and tried long enough.
func (o Order) missed(there []attending, at time.Time) error {
	w := o.Windows.or(usual)
	var from time.Time
	patient := false
	for _, a := range there {
		if a.State != string(There) || a.Arrived.IsZero() {
			continue
		}
		until := a.Arrived
		if o.PlannedStart.After(until) {
			until = o.PlannedStart
		}
		until = until.Add(w.Wait)
		switch {
		case at.Before(until):
			if from.IsZero() || until.Before(from) {
				from = until
			}
		case a.tried(w.Contact):
			return nil
		default:
			patient = true
		}
	}
	if patient {
		return errNoShowContacts
	}
	if from.IsZero() {
		return errNoShowEarly
	}
	return platform.Detail(errNoShowEarly, "from", from)
}

// tried tells whether the member tried to reach the customer twice, so far apart.
func (a attending) tried(apart time.Duration) bool {
	if len(a.Contacts) == 0 {
		return false
	}
	first, last := slices.MinFunc(a.Contacts, time.Time.Compare), slices.MaxFunc(a.Contacts, time.Time.Compare)
	return last.Sub(first) >= apart
}

// WaiveNoShow gives the fee of a no-show back.
type WaiveNoShow struct {
	Order  platform.ID `json:"order" validate:"required,id=ord"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the order.
func (in WaiveNoShow) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// WaiveNoShow gives the fee of a customer's no-show back, out of what everybody has
// of it, while nobody has been paid of it yet. The merchant may, and an operator.
// Anything else is order.not_waivable.
func (s *Service) WaiveNoShow(ctx context.Context, in WaiveNoShow) (Order, error) {
	id := s.w.NewChild("rfd", in.Order)
	return onOrder(ctx, s, in, in.Order, func(ctx context.Context, o Order, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
		o, err := o.take("waive", by.Kind, at)
		if err != nil {
			return Order{}, nil, err
		}
		next, r, legs, err := o.pardoned(id, in.Reason, by, at)
		if err != nil {
			return Order{}, nil, err
		}
		booked, err := s.post(ctx, "refund.approved", r.Ref(), at, legs)
		if err != nil {
			return Order{}, nil, err
		}
		returned, err := s.ports.Payments.Return(ctx, r.Ref(), o.PaidBy(), r.Amount, at)
		if err != nil {
			return Order{}, nil, fmt.Errorf("return %s of order %s: %w", r.Amount, o.ID, err)
		}
		told := next.told("no_show_waived", r.Amount, platform.Money{}).Because(in.Reason)
		return next, append(slices.Concat(booked, returned), platform.Put(r), next.gives("approved", r).Because(in.Reason), told), nil
	})
}

// waivable tells whether the fee of a no-show is there, and nobody's yet.
func (o Order) waivable() bool {
	c := o.Cancellation
	return c != nil && c.NoShow == NoShowCharged && c.kept().Sign() > 0 && o.Dispute == "" && o.Contested.Sign() <= 0 && o.ChargedBack.Sign() == 0 && o.timer(closeTimer)
}

// pardoned is the order without the fee of its no-show, the refund of that, and the
// legs.
func (o Order) pardoned(id platform.ID, reason string, by platform.Actor, at time.Time) (Order, Refund, []platform.Leg, error) {
	c := *o.Cancellation
	amount := c.kept()
	c.Returned, c.NoShow = c.Fee, NoShowWaived
	o.Cancellation = &c
	r := o.refundOf(id, "cancelled", amount, at)
	r.Reason, r.Fault, r.State, r.By, r.For = reason, CustomerFault, RefundApproved, by.ID, by.For()
	o, r, err := o.Reserve(r)
	if err != nil {
		return Order{}, Refund{}, nil, err
	}
	o, r, legs, err := o.feeReturned(r)
	if err == nil {
		o.Cancellation.Staff = nil
	}
	return o, r, legs, err
}

// abandoned is an order whose member did not come: others have a while to.
func (o Order) abandoned(at time.Time) Order {
	if !o.timer(staffTimer) {
		o.arm(staffTimer, at.Add(o.Windows.or(usual).Restaff))
	}
	return o
}

// unmanned ends an order for which nobody came in time, by the fault of a member
// who did not.
func (s *Service) unmanned(ctx context.Context, o Order, refund platform.ID, at time.Time) (Order, []platform.Change, error) {
	q, err := s.priceCancel(ctx, o, Facts{Fault: StaffFault}, nil, at)
	if err != nil {
		return Order{}, nil, err
	}
	return s.cancel(ctx, o, q, refund, string(StaffFault), platform.System, at)
}
