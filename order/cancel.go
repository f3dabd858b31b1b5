package order

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Staffing knows who was assigned. dispatch.Releases is one.
type Staffing interface {
	// Release frees everybody who is assigned to the order. It does not write
	// the order.
	Release(ctx context.Context, order platform.Ref, fault string, at time.Time) ([]platform.Change, error)

	// TakeOver books the members who had seats elsewhere, for work that has not
	// begun. need is what [Seats.Need] returns. It refuses with ErrState when a
	// member, who stands in the detail "member", cannot do the work, and does not
	// write the order.
	TakeOver(ctx context.Context, need json.RawMessage, at time.Time, seats ...Seated) ([]platform.Change, error)
}

// Seated is a member in a seat of an order. The type has no name of its own, so
// that dispatch need not know this package.
type Seated = struct {
	Seat               int
	Assignment, Member platform.ID
}

// Cancel ends an order before it is accepted.
type Cancel struct {
	Order  platform.ID    `json:"order" validate:"required,id=ord"`
	MaxFee platform.Money `json:"max_fee,omitzero" validate:"omitempty,gte=0" code:"order.amount_not_positive"` // what the actor agreed to pay; absent is nothing
	Reason string         `json:"reason" validate:"required,text=64"`                                           // a code
	Fault  Fault          `json:"fault,omitempty" validate:"omitempty,oneof=customer merchant platform"`        // operators only; if empty, the actor's own
	Done   int            `json:"done,omitempty" validate:"min=0,max=100" code:"order.done"`                    // percent of the work that is done; operators only
}

// Subject is the order.
func (in Cancel) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// CancelQuote is what a cancellation would cost at a moment.
type CancelQuote struct {
	Policy string         `json:"policy"`
	Row    string         `json:"row"` // of the policy
	Fault  Fault          `json:"fault"`
	Fee    platform.Money `json:"fee"`    // kept of what was paid
	Refund platform.Money `json:"refund"` // given back: fee + refund is all that can be
	Until  time.Time      `json:"until"`  // shown so long; the fee is decided anew when the order is cancelled

	merchant platform.Money // of the fee
}

// Cancellation is how an order was cancelled: one row, one fee, one refund.
type Cancellation struct {
	Row    string         `json:"row" class:"internal"`
	Fault  Fault          `json:"fault" class:"internal"`
	Fee    platform.Money `json:"fee" class:"internal"`
	Refund platform.Money `json:"refund" class:"internal"`
	Reason string         `json:"reason" class:"internal"`

	Returned platform.Money `json:"returned,omitzero" class:"internal"` // of Fee, by disputes; absent: nothing
}

// kept is what is left of the fee.
func (c Cancellation) kept() platform.Money {
	return plus(c.Fee, or(c.Returned, plus(c.Fee, c.Fee.Neg())).Neg())
}

// QuoteCancel tells what Cancel with the same input would cost now; MaxFee and
// Reason of the input do not count. It changes nothing.
func (s *Service) QuoteCancel(ctx context.Context, in Cancel) (CancelQuote, error) {
	o, by, err := s.mine(ctx, in.Order)
	if err != nil {
		return CancelQuote{}, err
	}
	in.MaxFee, in.Reason = platform.Money{}, "quote"
	if err := platform.Validate(in); err != nil {
		return CancelQuote{}, err
	}
	return s.quoteCancel(o, in, by, s.w.Now())
}

func (s *Service) quoteCancel(o Order, in Cancel, by platform.Actor, at time.Time) (CancelQuote, error) {
	if _, err := o.take("cancel", by.Kind, at); err != nil {
		return CancelQuote{}, err
	}
	fault, err := in.fault(by)
	if err != nil {
		return CancelQuote{}, err
	}
	policy, err := s.options.policy(o.Terms.CancelPolicy, o.PolicyVersion)
	if err != nil {
		return CancelQuote{}, err
	}
	q, err := o.quoteCancel(policy, fault, decimal.New(int64(in.Done), -2), at)
	if err != nil {
		return CancelQuote{}, err
	}
	q.Until = at.Add(s.options.QuoteFor)
	return q, nil
}

// fault is whose doing the cancellation is: the customer's and the merchant's
// own, and otherwise what an operator says.
func (in Cancel) fault(by platform.Actor) (Fault, error) {
	own := map[platform.ActorKind]Fault{platform.Customer: CustomerFault, platform.Merchant: MerchantFault}[by.Kind]
	if own == "" { // operator or system
		if in.Fault == "" {
			return PlatformFault, nil
		}
		return in.Fault, nil
	}
	if in.Fault != "" && in.Fault != own || in.Done != 0 {
		return "", fmt.Errorf("cancel order %s by fault of %q: %w", in.Order, in.Fault, errActor)
	}
	return own, nil
}

// quoteCancel prices a cancellation by the policy that the order pinned. Its
// base is what can still be given back.
func (o Order) quoteCancel(policy Policy, fault Fault, done decimal.Decimal, at time.Time) (CancelQuote, error) {
	f := Facts{Fault: fault, State: o.State, Done: done}
	if o.unanswered() {
		f.State = AwaitingPayment
	}
	if !o.PlannedStart.IsZero() {
		f.ToStart = o.PlannedStart.Sub(at)
	}
	if !o.ConfirmedAt.IsZero() {
		f.Paid = at.Sub(o.ConfirmedAt)
	}
	row, err := policy.Evaluate(f)
	if err != nil {
		return CancelQuote{}, err
	}
	base := o.Refundable()
	fee, err := row.fee(base, done)
	if err != nil {
		return CancelQuote{}, fmt.Errorf("price the cancellation of order %s: %w", o.ID, err)
	}
	merchant, err := o.merchantPart(row, fee)
	if err != nil {
		return CancelQuote{}, fmt.Errorf("split the fee of order %s: %w", o.ID, err)
	}
	return CancelQuote{
		Policy: policy.Name, Row: row.ID, Fault: fault, Fee: fee, Refund: plus(base, o.beyond(), fee.Neg()), merchant: merchant,
	}, nil
}

// merchantPart is the merchant's part of a fee.
func (o Order) merchantPart(row Row, fee platform.Money) (platform.Money, error) {
	if row.AsSale && o.Total.Sign() > 0 {
		ours := o.commission()
		parts, err := fee.Allocate(plus(o.Total, ours.Neg()).Minor(), ours.Minor())
		if err != nil {
			return platform.Money{}, err
		}
		return parts[0], nil
	}
	platforms, err := fee.MulRate(row.Platform, platform.HalfEven)
	return plus(fee, platforms.Neg()), err
}

// cancelled is the order at its end, with the fee kept.
func (o Order) cancelled(q CancelQuote, reason string, by platform.ActorKind, at time.Time) (Order, error) {
	next, err := o.take("cancel", by, at)
	if err != nil {
		return Order{}, err
	}
	next.EndedAt = at
	next.Cancellation = &Cancellation{Row: q.Row, Fault: q.Fault, Fee: q.Fee, Refund: q.Refund, Reason: reason}
	next.Seats = make([]Seat, len(o.Seats))
	for i, s := range o.Seats {
		next.Seats[i] = Seat{No: s.No}
	}
	if q.merchant.Sign() > 0 {
		next.Earned = q.merchant
		next.arm(closeTimer, at.Add(next.Windows.Close))
	}
	return next, nil
}

// Cancel ends an order: the policy's row, its fee, the refund of the rest, and
// the release of everybody assigned are one set. A fee above MaxFee fails with
// ErrCancelFeeChanged and changes nothing; an order that can no longer be
// cancelled is order.not_cancellable. While an attempt to pay is under way it
// fails as the payments say.
func (s *Service) Cancel(ctx context.Context, in Cancel) (Order, error) {
	refund := s.w.NewChild("rfd", in.Order)
	return onOrder(ctx, s, in, in.Order, func(ctx context.Context, o Order, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
		q, err := s.quoteCancel(o, in, by, at)
		if err != nil {
			return Order{}, nil, err
		}
		if err := in.agreed(q); err != nil {
			return Order{}, nil, err
		}
		next, err := o.cancelled(q, in.Reason, by.Kind, at)
		if err != nil {
			return Order{}, nil, err
		}
		changes, err := s.undo(ctx, o, q, at)
		if err != nil {
			return Order{}, nil, err
		}
		next, back, err := s.giveBack(ctx, next, next.refundOf(refund, "cancelled", q.Refund, at), at)
		if err != nil {
			return Order{}, nil, err
		}
		tell := next.facts()
		tell.Amount, tell.Fee, tell.Fault, tell.Policy = q.Refund, q.Fee, q.Fault, q.Policy+"."+q.Row
		event := platform.Happened("order.cancelled", next.Ref(), tell).Because(in.Reason)
		return next, append(append(changes, back...), event), nil
	})
}

// agreed fails when the fee is above what the actor agreed to.
func (in Cancel) agreed(q CancelQuote) error {
	most := in.MaxFee
	if most.Absent() {
		most = plus(q.Fee, q.Fee.Neg())
	}
	above, err := q.Fee.Cmp(most)
	if err != nil {
		return platform.Wrong("max_fee", err)
	}
	if above > 0 {
		return platform.Detail(fmt.Errorf("cancel order %s: %w", in.Order, ErrCancelFeeChanged), "quote", q)
	}
	return nil
}

// undo is what a cancellation means to others: nobody pays any more, nobody
// comes, and the fee is earned.
func (s *Service) undo(ctx context.Context, o Order, q CancelQuote, at time.Time) ([]platform.Change, error) {
	changes, err := s.unask(ctx, o)
	if err != nil {
		return nil, err
	}
	if len(o.Seats) > 0 && o.State != AwaitingPayment {
		if s.ports.Staffing == nil {
			return nil, fmt.Errorf("release the staff of order %s: %w", o.ID, errNoStaffing)
		}
		released, err := s.ports.Staffing.Release(ctx, o.Ref(), string(q.Fault), at)
		if err != nil {
			return nil, fmt.Errorf("release the staff of order %s: %w", o.ID, err)
		}
		changes = append(changes, released...)
	}
	platforms := plus(q.Fee, q.merchant.Neg())
	legs := []platform.Leg{o.escrow(q.Fee), o.earning(q.merchant.Neg()), {Role: "cancel_fee", Amount: platforms.Neg()}}
	booked, err := s.post(ctx, "order.cancelled", o.Ref(), at, legs)
	if err != nil {
		return nil, err
	}
	return append(changes, booked...), nil
}
