package order

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Payments asks for an order's money and gives it back. payment.Asks is one.
// No method writes the order or its refunds.
type Payments interface {
	// Ask asks for an amount in all of one purpose, payable until due.
	Ask(ctx context.Context, subject platform.Ref, purpose string, amount platform.Money, due time.Time) ([]platform.Change, error)

	// Cancel takes the request back. It refuses with ErrState while an attempt
	// to pay is under way.
	Cancel(ctx context.Context, subject platform.Ref) ([]platform.Change, error)

	// Reduce asks for no more than an amount in all of one purpose; of nothing, for
	// nothing any more. It refuses with ErrState while an attempt to pay is under
	// way.
	Reduce(ctx context.Context, subject platform.Ref, purpose string, amount platform.Money) ([]platform.Change, error)

	// Return plans to give back so much of what the subject received.
	Return(ctx context.Context, refund, subject platform.Ref, amount platform.Money, at time.Time) ([]platform.Change, error)

	// Withdraw gives up a return. It refuses with ErrState once it was sent.
	Withdraw(ctx context.Context, refund platform.Ref, at time.Time) ([]platform.Change, error)

	// TakeOver asks for an amount, payable until due, of which the payer paid
	// something elsewhere. paid is a JSON array of {institution, reference,
	// amount, returned, at}, each the institution's own name of a charge, by which
	// it gives back; without institution the platform paid itself. It refuses with
	// FieldErrors, "[1].institution" say.
	TakeOver(ctx context.Context, subject platform.Ref, payer platform.ID, amount platform.Money, due time.Time, paid json.RawMessage) ([]platform.Change, error)
}

// ask asks for the money of a new order, if it costs any.
func (s *Service) ask(ctx context.Context, o Order) ([]platform.Change, error) {
	if o.Asked.Sign() == 0 {
		return nil, nil
	}
	if !o.Deposit.Absent() {
		return s.askInTwo(ctx, o)
	}
	changes, err := s.demand(ctx, o, "full", o.Asked, o.Due())
	if err != nil {
		return nil, fmt.Errorf("ask for order %s: %w", o.ID, err)
	}
	return changes, nil
}

// unask takes back the request for money that has not come, or is only held.
func (s *Service) unask(ctx context.Context, o Order) ([]platform.Change, error) {
	if o.Captured.Minor() >= o.Asked.Minor() {
		return nil, nil
	}
	if o.Bill != "" {
		return s.unbill(ctx, o)
	}
	changes, err := s.ports.Payments.Cancel(ctx, o.Ref())
	if err != nil {
		return nil, fmt.Errorf("take back the request of order %s: %w", o.ID, err)
	}
	return changes, nil
}

// Secure notes the money of an order: secured and captured in all so far. It is
// confirmed as soon as the whole price or its deposit is there, unless it is under
// review.
//
// It fails with ErrNotPayable at an end and for more than was asked, so that
// the money is surplus, and when less is captured than before. What was only held
// may lapse: the order stays where it is, and the work does not begin.
func (o Order) Secure(secured, captured platform.Money, at time.Time) (Order, error) {
	if o.State.Ended() {
		return Order{}, platform.Detail(fmt.Errorf("secure %s order %s: %w", o.State, o.ID, ErrNotPayable), "state", string(o.State))
	}
	for _, limit := range []struct{ low, high platform.Money }{
		{o.Captured, captured}, {captured, secured}, {secured, o.Asked},
	} {
		above, err := limit.low.Cmp(limit.high)
		if err != nil {
			return Order{}, fmt.Errorf("secure order %s: %w", o.ID, err)
		}
		if above > 0 {
			return Order{}, fmt.Errorf("secure %s of order %s: %w", secured, o.ID, ErrNotPayable)
		}
	}
	o.Secured, o.Captured = secured, captured
	if o.timer(balanceTimer) && o.lacks(o.price()).Sign() == 0 {
		o.disarm()
	}
	if !o.AcceptedAt.IsZero() && o.State == Delivered && o.untaken().Sign() == 0 && o.Dispute == "" {
		o.arm(acceptTimer, at) // the next tick completes it
	}
	return o.confirmed(at)
}

// confirmed is the order confirmed if nothing is in the way, and itself
// otherwise. One that is paid and under review waits without a deadline.
func (o Order) confirmed(at time.Time) (Order, error) {
	if o.State != AwaitingPayment || o.lacks(o.needed()).Sign() > 0 {
		return o, nil
	}
	if o.Screening == review {
		o.disarm()
		return o, nil
	}
	next, err := o.take("secure", platform.System, at)
	if err != nil {
		return Order{}, err
	}
	next.ConfirmedAt = at
	if next.Terms.Confirmation == manual {
		next.arm(answerTimer, at.Add(next.Windows.Answer))
	}
	return next, nil
}

// Confirm is the merchant's yes, where the terms demand one.
type Confirm struct {
	Order platform.ID `json:"order" validate:"required,id=ord"`
}

// Subject is the order.
func (in Confirm) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// Confirm lets the work be planned. It fails with order.not_confirmable once the
// time to answer is over, whether or not anything has fired.
func (s *Service) Confirm(ctx context.Context, in Confirm) (Order, error) {
	return onOrder(ctx, s, in, in.Order, func(_ context.Context, o Order, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
		next, err := o.take("confirm", by.Kind, at)
		if err != nil {
			return Order{}, nil, err
		}
		next.disarm()
		next.awaitBalance()
		return next, []platform.Change{next.happened("merchant_accepted")}, nil
	})
}

// Decline is the merchant's no.
type Decline struct {
	Order  platform.ID `json:"order" validate:"required,id=ord"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the order.
func (in Decline) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// Decline ends an order that waits for the merchant's answer and gives all of
// its money back. Any other order is order.not_declinable.
func (s *Service) Decline(ctx context.Context, in Decline) (Order, error) {
	refund := s.w.NewChild("rfd", in.Order)
	return onOrder(ctx, s, in, in.Order, func(ctx context.Context, o Order, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
		return s.decline(ctx, o, refund, in.Reason, by.Kind, at)
	})
}

func (s *Service) decline(ctx context.Context, o Order, refund platform.ID, reason string, by platform.ActorKind, at time.Time) (Order, []platform.Change, error) {
	next, err := o.take("decline", by, at)
	if err != nil {
		return Order{}, nil, err
	}
	next.EndedAt = at
	freed, err := s.unask(ctx, o)
	if err != nil {
		return Order{}, nil, err
	}
	next, changes, err := s.giveBack(ctx, next.letGo(), next.refundAll(refund, "declined", at), at)
	if err != nil {
		return Order{}, nil, err
	}
	return next, append(append(freed, changes...), next.happened("declined").Because(reason)), nil
}
