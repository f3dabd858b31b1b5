package order

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Books turns what happened into postings. finance.Books is one.
type Books interface {
	// Post books what happened to a subject at a moment: legs with debits
	// positive and credits negative, which add up to zero.
	Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error)
}

type noBooks struct{}

func (noBooks) Post(context.Context, string, platform.Ref, time.Time, []platform.Leg) ([]platform.Change, error) {
	return nil, nil
}

// Accept is the customer's consent to what was delivered.
type Accept struct {
	Order platform.ID `json:"order" validate:"required,id=ord"`
}

// Subject is the order.
func (in Accept) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// Accept completes a delivered order: the sale is booked in the same set, and
// the order closes after Windows.Close. Without the customer's word it happens
// by itself, Windows.Accept after the last delivery. Where the money is taken only
// now, the order stays delivered and completes with the tick after it is there.
func (s *Service) Accept(ctx context.Context, in Accept) (Order, error) {
	return onOrder(ctx, s, in, in.Order, func(ctx context.Context, o Order, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
		return s.accept(ctx, o, by.Kind, at)
	})
}

func (s *Service) accept(ctx context.Context, o Order, by platform.ActorKind, at time.Time) (Order, []platform.Change, error) {
	next, err := o.take("accept", by, at)
	if err != nil {
		return Order{}, nil, err
	}
	accepted := "accepted"
	if by == platform.System {
		accepted = "auto_accepted"
	}
	told := !o.AcceptedAt.IsZero()
	if told && by != platform.System {
		return Order{}, nil, platform.Detail(fmt.Errorf("accept order %s: %w", o.ID, errNotAcceptable), "lacks", o.untaken())
	}
	if o.untaken().Sign() > 0 {
		return s.awaitMoney(ctx, o, accepted, at)
	}
	next, changes, err := s.sell(ctx, next, at)
	if err != nil || told {
		return next, changes, err
	}
	return next, append([]platform.Change{next.happened(accepted)}, changes...), nil
}

// sell books the sale of an order that has just completed.
func (s *Service) sell(ctx context.Context, o Order, at time.Time) (Order, []platform.Change, error) {
	there, err := onAccount(ctx, s.ports.Purse, o, o.escrow(o.sale()))
	if err != nil {
		return Order{}, nil, err
	}
	o, fee, legs, err := o.sold(there, at)
	if err != nil {
		return Order{}, nil, err
	}
	changes, err := s.post(ctx, "order.completed", o.Ref(), at, legs)
	if err != nil {
		return Order{}, nil, err
	}
	if by, counts := s.ports.Fees.(volumes); counts {
		counted, err := by.Sold(ctx, o.Ref(), o.Merchant, plus(o.sale(), o.ours().Neg()), at)
		if err != nil {
			return Order{}, nil, fmt.Errorf("count the sale of order %s: %w", o.ID, err)
		}
		changes = append(changes, counted...)
	}
	return o, append(changes, o.told("completed", plus(o.Earned, fee), fee)), nil
}

// volumes are Fees that depend on how much a merchant sold.
type volumes interface {
	// Sold is what counts a sale, in its own set.
	Sold(ctx context.Context, order platform.Ref, merchant platform.ID, amount platform.Money, at time.Time) ([]platform.Change, error)
}

// sold is the order with its sale final, the platform's part of it, and the legs
// that say so: what is in escrow goes to the merchant, but for that part, of which
// the tax is nobody's income.
func (o Order) sold(there platform.Money, at time.Time) (_ Order, fee platform.Money, _ []platform.Leg, _ error) {
	if o.untaken().Sign() > 0 {
		return Order{}, fee, nil, fmt.Errorf("complete order %s: %w", o.ID, errNotCaptured)
	}
	amount, fee, tax, err := o.shared(there)
	if err != nil {
		return Order{}, fee, nil, err
	}
	o.CompletedAt = at
	o.Earned = plus(amount, fee.Neg())
	o.arm(closeTimer, at.Add(o.Windows.Close))
	return o, fee, append([]platform.Leg{o.escrow(amount), o.earning(o.Earned.Neg())}, o.platforms(fee.Neg(), tax.Neg(), plus(tax, tax.Neg()))...), nil
}

// sale is what the sale amounts to: all of the lines but what refunds took out of
// escrow before.
func (o Order) sale() platform.Money { return plus(o.Total, o.Approved.Neg(), o.undone()) }

// fee is the platform's part of the sale, as it was frozen.
func (o Order) fee() platform.Money { return plus(o.commission(), o.ApprovedFee.Neg()) }

// shared is what there is of the sale, the platform's part of it and the tax in
// that. What payers' banks have taken the merchant bears first.
func (o Order) shared(there platform.Money) (amount, fee, tax platform.Money, err error) {
	amount, fee = least(o.sale(), there), o.fee()
	tax = plus(o.tax(), or(o.ApprovedTax, plus(amount, amount.Neg())).Neg())
	if fee.Minor() <= amount.Minor() {
		return amount, fee, tax, nil
	}
	parts, err := amount.Allocate(tax.Minor(), plus(fee, tax.Neg()).Minor())
	if err != nil {
		return amount, fee, tax, fmt.Errorf("complete order %s: %w", o.ID, err)
	}
	return amount, amount, parts[0], nil
}

// ours is what the customer pays of the platform's fees, in lines of their own.
func (o Order) ours() platform.Money {
	sum := plus(o.Total, o.Total.Neg())
	for _, l := range o.Lines {
		if l.added(l.Parts) {
			sum = plus(sum, l.Amount, l.Given.Neg())
		}
	}
	return sum
}

// tax is that in the platform's part of the price, as it was frozen.
func (o Order) tax() platform.Money {
	tax := plus(o.Total, o.Total.Neg())
	for _, l := range o.Lines {
		for _, p := range l.Parts {
			tax = plus(tax, p.Tax)
		}
	}
	return tax
}

// commission is the platform's part of the price, as it was frozen.
func (o Order) commission() platform.Money {
	fee := plus(o.Total, o.Total.Neg())
	for _, l := range o.Lines {
		fee = plus(fee, l.Fee)
	}
	return fee
}

// close ends an order whose windows are over and releases what the merchant has
// earned, as far as no payer's bank has taken it. While a refund is on its way or a
// dispute open, here or at a bank, it is put off.
func (s *Service) close(ctx context.Context, o Order, at time.Time) (Order, []platform.Change, error) {
	next, err := o.take("close", platform.System, at)
	if err != nil {
		return Order{}, nil, err
	}
	if o.Reserved.Sign() > 0 || o.Held.Sign() > 0 || o.Dispute != "" || o.Contested.Sign() > 0 {
		o.arm(closeTimer, at.Add(o.Windows.CloseRetry))
		return o, []platform.Change{o.happened("close_deferred")}, nil
	}
	released, err := onAccount(ctx, s.ports.Purse, o, o.earning(o.Earned))
	if err != nil {
		return Order{}, nil, err
	}
	next.Earned = plus(released, released.Neg())
	if next.disarm(); next.State == Closed { // a cancelled order ended before
		next.EndedAt = at
	}
	legs := []platform.Leg{next.earning(released), next.payable(released.Neg())}
	changes, err := s.post(ctx, "order.closed", next.Ref(), at, legs)
	if err != nil {
		return Order{}, nil, err
	}
	return next, append(changes, next.told("closed", released, platform.Money{})), nil
}

// post hands the legs to the books, those of zero left out; none is no posting.
func (s *Service) post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error) {
	return post(ctx, s.ports.Books, what, subject, at, legs)
}

func post(ctx context.Context, books Books, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error) {
	var moved []platform.Leg
	for _, l := range legs {
		if l.Amount.Sign() != 0 {
			moved = append(moved, l)
		}
	}
	if len(moved) == 0 {
		return nil, nil
	}
	changes, err := books.Post(ctx, what, subject, at, moved)
	if err != nil {
		return nil, fmt.Errorf("post %s of %s: %w", what, subject, err)
	}
	return changes, nil
}

// The accounts of an order, by their roles.

func (o Order) escrow(amount platform.Money) platform.Leg {
	return platform.Leg{Role: "escrow", Of: o.ID, Amount: amount}
}

func (o Order) earning(amount platform.Money) platform.Leg {
	return platform.Leg{Role: "earning", Of: o.ID, Party: o.Merchant, Amount: amount}
}

func (o Order) payable(amount platform.Money) platform.Leg {
	return platform.Leg{Role: "payable", Party: o.Merchant, Amount: amount}
}

func (o Order) refundDue(amount platform.Money) platform.Leg {
	return platform.Leg{Role: "refund_due", Of: o.ID, Amount: amount}
}

// platforms are the platform's own legs: its income and, where there is any, the
// tax in the fee and what the merchant owes.
func (o Order) platforms(fee, tax, owed platform.Money) []platform.Leg {
	legs := []platform.Leg{commission(plus(fee, tax.Neg()))}
	if tax.Sign() != 0 {
		legs = append(legs, platform.Leg{Role: "output_tax", Amount: tax})
	}
	if owed.Sign() != 0 {
		legs = append(legs, platform.Leg{Role: "receivable", Party: o.Merchant, Amount: owed})
	}
	return legs
}

func commission(amount platform.Money) platform.Leg {
	return platform.Leg{Role: commissionRole, Amount: amount}
}
