package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Disputes are the orders as those see them who settle disputes over their money.
// It satisfies dispute.Orders and dispute.Refunds.
type Disputes struct {
	Store    Store
	Books    Books
	Payments Payments
	Purse    Purse   // if nil, what a merchant earned with the order must suffice
	Sources  Sources // where the rest comes from when it does not
}

// stands is what a dispute must know of an order.
type stands struct {
	Customer    platform.ID    `json:"customer"`
	Merchant    platform.ID    `json:"merchant"`
	Staff       []platform.ID  `json:"staff,omitempty"`
	State       State          `json:"state"`
	Disputable  bool           `json:"disputable"`
	Since       time.Time      `json:"since,omitzero"` // when it was completed or cancelled
	Until       time.Time      `json:"until,omitzero"` // when its money is released
	Dispute     platform.ID    `json:"dispute,omitempty"`
	Left        platform.Money `json:"left"` // that a dispute may be about
	Room        platform.Money `json:"room"` // that can go back, what is held included
	Held        platform.Money `json:"held"`
	ChargedBack platform.Money `json:"charged_back"`
}

// Stands tells how an order stands, as JSON of customer, merchant, staff, state,
// disputable (over it disputes are possible), since and until (when it was completed
// or cancelled and until when its money is not released), dispute (the open one),
// left (that a dispute may be about), room (that can go back at all), held and
// charged_back. The check holds it so.
func (p Disputes) Stands(ctx context.Context, order platform.ID) (json.RawMessage, []platform.Change, error) {
	o, err := p.Store.Order(ctx, order)
	if err != nil {
		return nil, nil, err
	}
	doc, err := json.Marshal(o.stands())
	if err != nil {
		return nil, nil, fmt.Errorf("tell how order %s stands: %w", o.ID, err)
	}
	return doc, []platform.Change{platform.Unchanged(o)}, nil
}

func (o Order) stands() stands {
	s := stands{
		Customer: o.Customer, Merchant: o.Merchant, State: o.State, Dispute: o.Dispute, Held: o.Held, ChargedBack: o.ChargedBack,
		Room: plus(o.Captured, o.held(), o.Refunded.Neg(), o.Reserved.Neg(), o.ChargedBack.Neg()),
	}
	for _, seat := range o.Seats {
		if seat.Member != "" {
			s.Staff = append(s.Staff, seat.Member)
		}
	}
	switch o.State {
	case InProgress, Delivered, Rework:
		s.Disputable = true
	case Completed:
		s.Disputable, s.Since, s.Until = true, o.CompletedAt, o.CompletedAt.Add(o.Windows.Close)
	case Cancelled:
		kept := o.Cancellation.kept()
		s.Disputable, s.Since, s.Until = kept.Sign() > 0, o.EndedAt, o.EndedAt.Add(o.Windows.Close)
		s.Room = least(s.Room, kept)
	}
	s.Left = plus(s.Room, o.Held.Neg())
	return s
}

// Hold sets an amount of the order aside for a dispute. Until it is freed nobody
// accepts, cancels or closes the order, and no other refund takes of it. It fails
// with ErrDisputed while another dispute is open, and with ErrRefundExceeds above
// what is left. What is only held is captured, since a dispute may outlast it. It
// writes the order.
func (p Disputes) Hold(ctx context.Context, order, dispute platform.ID, amount platform.Money) ([]platform.Change, error) {
	o, err := p.Store.Order(ctx, order)
	if err != nil {
		return nil, err
	}
	if o.Dispute != "" {
		return nil, platform.Detail(fmt.Errorf("hold for %s: %w", dispute, ErrDisputed), "dispute", o.Dispute)
	}
	left := o.stands().Left
	if above, err := amount.Cmp(left); err != nil || above > 0 || amount.Sign() < 0 {
		return nil, o.exceeds(left)
	}
	o.Dispute, o.Held = dispute, plus(o.Held, amount)
	if o.State != Rework {
		o.disarm()
	}
	if held := o.held(); held.Sign() > 0 {
		h, err := holds(p.Payments)
		if err != nil {
			return nil, err
		}
		taken, err := h.Capture(ctx, o.Ref(), held, true, o.PlacedAt)
		if err != nil && !errors.Is(err, platform.ErrState) { // one is under way
			return nil, fmt.Errorf("capture for dispute %s: %w", dispute, err)
		}
		return append(taken, platform.Put(o)), nil
	}
	return []platform.Change{platform.Put(o)}, nil
}

// Free gives free what is still held for a dispute that is over. The time to accept
// goes on where it stopped, with the dispute or with what was delivered during it;
// what waited to close does. It writes the order.
func (p Disputes) Free(ctx context.Context, order, dispute platform.ID, amount platform.Money, since, at time.Time) ([]platform.Change, error) {
	o, err := p.disputed(ctx, order, dispute)
	if err != nil {
		return nil, err
	}
	o.Dispute, o.Held = "", plus(o.Held, amount.Neg())
	if o.Held.Sign() < 0 {
		return nil, o.exceeds(plus(o.Held, amount))
	}
	o.rearm(since, at)
	return []platform.Change{platform.Put(o)}, nil
}

// rearm sets the deadline that a dispute had stopped at since.
func (o *Order) rearm(since, at time.Time) {
	after := func(due time.Time) time.Time {
		if due.Before(at) {
			return at
		}
		return due
	}
	switch {
	case o.State == Delivered && !o.AcceptedAt.IsZero():
		o.arm(acceptTimer, at)
	case o.State == Delivered:
		if since.Before(o.DeliveredAt) {
			since = o.DeliveredAt
		}
		o.arm(acceptTimer, after(o.DeliveredAt.Add(o.Windows.Accept).Add(at.Sub(since))))
	case o.State == Completed:
		o.arm(closeTimer, after(o.CompletedAt.Add(o.Windows.Close)))
	case o.State == Cancelled && o.withheld():
		o.arm(closeTimer, after(o.EndedAt.Add(o.Windows.Close)))
	}
}

// disputed reads the order over which the dispute is open.
func (p Disputes) disputed(ctx context.Context, order, dispute platform.ID) (Order, error) {
	o, err := p.Store.Order(ctx, order)
	if err == nil && o.Dispute != dispute {
		err = platform.Detail(fmt.Errorf("order %s: %w", order, errNotDisputed), "dispute", o.Dispute)
	}
	return o, err
}

// Gives tells out of which accounts the customer would get an amount back that is
// held for the dispute, whoever's fault it is.
func (p Disputes) Gives(ctx context.Context, order, dispute platform.ID, amount platform.Money, fault string, at time.Time) ([]platform.Leg, error) {
	o, err := p.disputed(ctx, order, dispute)
	if err != nil || amount.Sign() == 0 {
		return nil, err
	}
	_, _, legs, err := p.granted(ctx, o, o.ID.As("rfd"), amount, fault, at)
	return legs, err
}

// Refund gives back an amount that is held for the dispute: a refund that is approved
// and handed to the payments at once. It writes the order and the refund.
func (p Disputes) Refund(ctx context.Context, refund, order, dispute platform.ID, amount platform.Money, fault string, at time.Time) ([]platform.Change, error) {
	o, err := p.disputed(ctx, order, dispute)
	if err != nil {
		return nil, err
	}
	o, r, legs, err := p.granted(ctx, o, refund, amount, fault, at)
	if err != nil {
		return nil, err
	}
	changes, err := post(ctx, p.Books, "refund.approved", r.Ref(), at, legs)
	if err != nil {
		return nil, err
	}
	returned, err := p.Payments.Return(ctx, r.Ref(), o.PaidBy(), r.Amount, at)
	if err != nil {
		return nil, fmt.Errorf("return %s of order %s: %w", r.Amount, o.ID, err)
	}
	return append(slices.Concat(changes, returned), platform.Put(o), platform.Put(r), o.gives("approved", r).Because(r.Reason)), nil
}

// granted is the order that gives back what was held, its refund, and the legs.
func (p Disputes) granted(ctx context.Context, o Order, id platform.ID, amount platform.Money, fault string, at time.Time) (Order, Refund, []platform.Leg, error) {
	o.Held = plus(o.Held, amount.Neg())
	if o.Held.Sign() < 0 {
		return Order{}, Refund{}, nil, o.exceeds(plus(o.Held, amount))
	}
	if o.Cancellation != nil {
		c := *o.Cancellation
		c.Returned = plus(c.Fee, c.kept().Neg(), amount)
		o.Cancellation = &c
	}
	r := o.refundOf(id, "dispute", amount, at)
	r.Reason, r.Fault, r.State = "dispute", Fault(fault), RefundApproved
	held := o.Held
	o.Held = plus(held, held.Neg()) // the bank may have taken what it is about, but not what goes back
	o, r, err := o.Reserve(r)
	if err != nil {
		return Order{}, Refund{}, nil, err
	}
	if o.Held = held; o.Cancellation != nil {
		return o.feeReturned(r)
	}
	r.Source = o.source()
	o, legs := o.approved(r)
	legs, err = covered(ctx, p.Purse, p.Sources, o, nonzero(legs))
	return o, r, legs, err
}

// feeReturned is the cancelled order of whose fee a refund takes a part: of what
// the merchant has of it, of what members have, and of what the platform has.
func (o Order) feeReturned(r Refund) (Order, Refund, []platform.Leg, error) {
	before := plus(o.Cancellation.kept(), r.Amount)
	if o.Cancellation.kept().Sign() < 0 {
		return Order{}, Refund{}, nil, fmt.Errorf("refund order %s: %w", o.ID, errFeeSplit)
	}
	c := *o.Cancellation
	rest, weights := plus(before, o.Earned.Neg()), []int64{o.Earned.Minor()}
	for _, m := range c.Staff {
		rest, weights = plus(rest, m.Amount.Neg()), append(weights, m.Amount.Minor())
	}
	parts, err := r.Amount.Allocate(append(weights, rest.Minor())...)
	if err != nil {
		return Order{}, Refund{}, nil, fmt.Errorf("refund order %s: %w", o.ID, err)
	}
	r.Source = "cancel_fee"
	o.Earned, o.Approved = plus(o.Earned, parts[0].Neg()), plus(o.Approved, r.Amount)
	legs := []platform.Leg{o.earning(parts[0]), {Role: "cancel_fee", Amount: parts[len(parts)-1]}, o.refundDue(r.Amount.Neg())}
	c.Staff = slices.Clone(c.Staff)
	for i, part := range parts[1 : len(parts)-1] {
		c.Staff[i].Amount = plus(c.Staff[i].Amount, part.Neg())
		legs = append(legs, platform.Leg{Role: "earning", Of: o.ID, Party: c.Staff[i].Member, Amount: part})
	}
	o.Cancellation = &c
	return o, r, nonzero(legs), nil
}

func nonzero(legs []platform.Leg) []platform.Leg {
	return slices.DeleteFunc(legs, func(l platform.Leg) bool { return l.Amount.Sign() == 0 })
}

// Refunded tells how a refund of the order fares: succeeded, failed, or anything
// else while it is on its way; and the check that holds it so.
func (p Disputes) Refunded(ctx context.Context, order, refund platform.ID) (string, []platform.Change, error) {
	_, r, err := p.Store.RefundOf(ctx, order, refund)
	if err != nil {
		return "", nil, err
	}
	return string(r.State), []platform.Change{platform.Unchanged(r)}, nil
}
