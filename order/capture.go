package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// When the customer's money is taken. Until then an institution only holds it.
const (
	onPlace      = "on_place" // as it is paid; so does ""
	onStart      = "on_start"
	onCompletion = "on_completion"
)

// captures are the modes by how early they take the money.
var captures = map[string]int{"": 0, onPlace: 0, onStart: 1, onCompletion: 2}

// Holds are [Payments] that can wait for an order's moment. payment.Asks is one.
// Without them an order whose listing takes the money later is refused.
type Holds interface {
	// Hold asks as Ask does, for money that is only held where an institution can.
	Hold(ctx context.Context, subject platform.Ref, purpose string, amount platform.Money, due time.Time) ([]platform.Change, error)

	// Capture takes an amount of what is held; a final one lets go of the rest. It
	// refuses with ErrState while another capture is under way.
	Capture(ctx context.Context, subject platform.Ref, amount platform.Money, final bool, at time.Time) ([]platform.Change, error)

	// Limit has no more than an amount captured in all, and lets go of nothing
	// before. It refuses with ErrState while a capture is under way.
	Limit(ctx context.Context, subject platform.Ref, amount platform.Money) ([]platform.Change, error)
}

func holds(p Payments) (Holds, error) {
	h, can := p.(Holds)
	if !can {
		return nil, errNoHolds
	}
	return h, nil
}

// later tells whether what is paid now is only held.
func (o Order) later() bool {
	switch o.Terms.Capture {
	case onStart:
		return o.StartedAt.IsZero()
	case onCompletion:
		return o.AcceptedAt.IsZero() && o.CompletedAt.IsZero()
	}
	return false
}

// price is what is to be taken for the lines: all but what was given back of them
// before.
func (m Mirrors) price() platform.Money {
	if m.Waived.Absent() {
		return m.Total
	}
	return plus(m.Total, m.Waived.Neg())
}

// untaken is what is still to be taken for the lines.
func (m Mirrors) untaken() platform.Money {
	return atLeastNothing(plus(m.price(), m.Captured.Neg(), m.undone()))
}

// held is what institutions hold for the order and is to be taken yet: as good as
// received, but for the way in which it is given back.
func (o Order) held() platform.Money {
	if o.State.Ended() {
		return plus(o.Total, o.Total.Neg())
	}
	return least(plus(o.Secured, o.Captured.Neg()), o.untaken())
}

func atLeastNothing(m platform.Money) platform.Money {
	if m.Sign() < 0 {
		return plus(m, m.Neg())
	}
	return m
}

// demand asks for money of an order, to be taken at its moment.
func (s *Service) demand(ctx context.Context, o Order, purpose string, amount platform.Money, due time.Time) ([]platform.Change, error) {
	if !o.later() {
		return s.ports.Payments.Ask(ctx, o.Ref(), purpose, amount, due)
	}
	h, err := holds(s.ports.Payments)
	if err != nil {
		return nil, err
	}
	return h.Hold(ctx, o.Ref(), purpose, amount, due)
}

// capture takes all that is held and still wanted, now that the order's moment has
// come. While another capture is under way nothing more is asked for: what that
// leaves is asked for at the acceptance.
func (s *Service) capture(ctx context.Context, o Order, at time.Time) ([]platform.Change, error) {
	if o.held().Sign() == 0 { // taken already, or not there
		return nil, nil
	}
	h, err := holds(s.ports.Payments)
	if err != nil {
		return nil, err
	}
	changes, err := h.Capture(ctx, o.Ref(), o.held(), true, at)
	if errors.Is(err, platform.ErrState) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("capture for order %s: %w", o.ID, err)
	}
	return append(changes, o.told("capture_asked", o.held(), platform.Money{})), nil
}

// limit has no more taken of what is held than the order is worth now.
func (s *Service) limit(ctx context.Context, o Order) ([]platform.Change, error) {
	if o.Secured.Minor() == o.Captured.Minor() {
		return nil, nil
	}
	h, err := holds(s.ports.Payments)
	if err != nil {
		return nil, err
	}
	changes, err := h.Limit(ctx, o.Ref(), plus(o.price(), o.undone()))
	if err != nil {
		return nil, fmt.Errorf("take less for order %s: %w", o.ID, err)
	}
	return changes, nil
}

// awaitMoney is a delivered order that is accepted and not paid for yet: what is
// held is captured, and the order completes as soon as it is there. Each
// Windows.CloseRetry until then it is looked at again.
func (s *Service) awaitMoney(ctx context.Context, o Order, accepted string, at time.Time) (Order, []platform.Change, error) {
	changes, err := s.capture(ctx, o, at)
	if err != nil {
		return Order{}, nil, err
	}
	var events []platform.Change
	if o.AcceptedAt.IsZero() {
		o.AcceptedAt = at
		events = append(events, o.happened(accepted))
	}
	o.arm(acceptTimer, at.Add(o.Windows.CloseRetry))
	events = append(events, o.told("payment_awaited", o.untaken(), platform.Money{}))
	return o, append(changes, events...), nil
}

// waive gives back of a refund what is only held, by not taking it: the refund with
// that, and the order.
func (s *Service) waive(ctx context.Context, o Order, r Refund) (Order, Refund, []platform.Change, error) {
	part := least(plus(r.Amount, r.undone().Neg()), o.held())
	if part.Sign() <= 0 {
		return o, r, nil, nil
	}
	r.Waived, o.Waived = part, plus(or(o.Waived, plus(part, part.Neg())), part)
	if o.untaken().Sign() > 0 || o.Captured.Sign() > 0 {
		changes, err := s.limit(ctx, o)
		return o, r, changes, err
	}
	changes, err := s.ports.Payments.Cancel(ctx, o.Ref()) // nothing of it is wanted
	if err != nil {
		return Order{}, Refund{}, nil, fmt.Errorf("let go of what is held for order %s: %w", o.ID, err)
	}
	o.Secured = o.Captured
	return o, r, changes, nil
}

// letGo is the order at an end: what was only held is let go of.
func (o Order) letGo() Order {
	o.Secured = o.Captured
	return o
}

// feeHeld is the part of a fee that what was received does not cover.
func (o Order) feeHeld(fee platform.Money) platform.Money {
	received := plus(o.Refundable(), o.held().Neg())
	return atLeastNothing(plus(fee, received.Neg()))
}

// takeFee captures of what is held for an order at its end no more than the fee of
// its cancellation, and lets go of the rest.
func (s *Service) takeFee(ctx context.Context, o Order, fee platform.Money, at time.Time) ([]platform.Change, error) {
	h, err := holds(s.ports.Payments)
	if err != nil {
		return nil, err
	}
	changes, err := h.Capture(ctx, o.Ref(), fee, true, at)
	if err != nil {
		return nil, fmt.Errorf("capture the fee of order %s: %w", o.ID, err)
	}
	return changes, nil
}

// feeLegs are the fee of a cancellation as it is earned.
func (o Order) feeLegs(fee, merchant platform.Money, staff []MemberShare) []platform.Leg {
	kept := merchant
	legs := []platform.Leg{o.escrow(fee), o.earning(merchant.Neg())}
	for _, m := range staff {
		kept = plus(kept, m.Amount)
		legs = append(legs, platform.Leg{Role: "earning", Of: o.ID, Party: m.Member, Amount: m.Amount.Neg()})
	}
	return append(legs, platform.Leg{Role: "cancel_fee", Amount: plus(kept, fee.Neg())})
}

// feeCame notes what came of a cancellation's fee, and of what is still held for
// it. Once all of it is there it is earned, and closes as any other does. It fails
// with ErrNotPayable for more, and for less than before.
func (p Payable) feeCame(ctx context.Context, o Order, secured, captured platform.Money, at time.Time) ([]platform.Change, error) {
	came := plus(captured, o.Captured.Neg())
	c := *o.Cancellation
	if came.Absent() || came.Sign() < 0 || came.Minor() > c.Awaits.Minor() || secured.Minor() < captured.Minor() || secured.Minor() > o.Asked.Minor() {
		return nil, fmt.Errorf("secure %s of the fee of order %s: %w", captured, o.ID, ErrNotPayable)
	}
	o.Secured, o.Captured = secured, captured
	c.Awaits = plus(c.Awaits, came.Neg())
	o.Cancellation = &c
	if came.Sign() == 0 || c.Awaits.Sign() > 0 {
		return []platform.Change{platform.Put(o)}, nil
	}
	o.Earned = or(c.Merchant, plus(c.Fee, c.Fee.Neg()))
	if o.withheld() {
		o.arm(closeTimer, at.Add(o.Windows.Close))
	}
	booked, err := post(ctx, p.Books, "order.cancelled", o.Ref(), at, o.feeLegs(c.Fee, o.Earned, c.Staff))
	if err != nil {
		return nil, err
	}
	return append(booked, platform.Put(o), o.told("cancel_fee_received", c.Fee, platform.Money{})), nil
}
