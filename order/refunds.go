package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// AutoRefund says which refunds the platform approves by itself, at once.
type AutoRefund struct {
	Within []platform.Money // for each currency, all of an order's refunds together; if nil, 200.00 CNY; a currency without one, none
	In     []State          // of the order; if nil, Delivered, Rework and Completed, where giving back cannot stand in for a cancellation and its fee
}

func (a AutoRefund) ready() AutoRefund {
	if a.Within == nil {
		a.Within = []platform.Money{platform.MustMoney("200.00", "CNY")}
	}
	if a.In == nil {
		a.In = []State{Delivered, Rework, Completed}
	}
	return a
}

// covers tells whether an order's refunds, the newest included, are within.
func (a AutoRefund) covers(o Order) bool {
	most, limited := of(a.Within, o.Total.Currency())
	return limited && slices.Contains(a.In, o.State) && plus(o.Reserved, o.Refunded).Minor() <= most.Minor()
}

// RequestRefund asks for money back: an amount, or amounts of lines, or neither
// for all that is left.
type RequestRefund struct {
	Order  platform.ID    `json:"order" validate:"required,id=ord"`
	Kind   string         `json:"kind,omitempty" validate:"omitempty,oneof=full partial"` // if empty, full when nothing is named, else partial
	Amount platform.Money `json:"amount,omitzero" validate:"omitempty,gt=0" code:"refund.amount"`
	Lines  []RefundLine   `json:"lines,omitempty" validate:"max=200,dive" code:"refund.line_unknown"`
	Reason string         `json:"reason" validate:"required,text=64"`                                    // a code
	Fault  Fault          `json:"fault,omitempty" validate:"omitempty,oneof=customer merchant platform"` // operators only: whose doing it is, where fees depend on that
}

// RefundLine is a part of one line; without an amount, all that is left of it.
type RefundLine struct {
	Line   int            `json:"line" validate:"min=1" code:"refund.line_unknown"`
	Amount platform.Money `json:"amount,omitzero" validate:"omitempty,gt=0" code:"refund.amount"`
}

// Subject is the order.
func (in RequestRefund) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// RequestRefund reserves the amount on the order. Within [AutoRefund] it is
// approved in the same set; otherwise the merchant or an operator decides. What is
// only held is given back by not taking it; while a capture is under way nobody
// knows what that is, and the refund stays requested.
//
// It fails with ErrRefundExceeds above what is left, with order.not_refundable
// in a state without refunds, and with FieldErrors (refund.amount,
// refund.line_unknown).
func (s *Service) RequestRefund(ctx context.Context, in RequestRefund) (Refund, error) {
	id := s.w.NewChild("rfd", in.Order)
	return s.sourced(func() (Refund, error) { return s.requestRefund(ctx, in, id) })
}

// sourced approves a refund, again when an account has less than when its sources
// were chosen.
func (s *Service) sourced(approve func() (Refund, error)) (Refund, error) {
	for tries := 1; ; tries++ {
		r, err := approve()
		moved := platform.Code(err) == "floor" && s.ports.Sources != nil
		if !moved || tries == 8 {
			return r, err
		}
	}
}

func (s *Service) requestRefund(ctx context.Context, in RequestRefund, id platform.ID) (Refund, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Refund, []platform.Change, error) {
		o, by, err := s.mine(ctx, in.Order)
		if err != nil {
			return Refund{}, nil, err
		}
		at := s.w.Now()
		if o, err = o.take("refund", by.Kind, at); err != nil {
			return Refund{}, nil, err
		}
		if in.Fault != "" && by.Kind != platform.Operator {
			return Refund{}, nil, fmt.Errorf("refund by fault of %q: %w", in.Fault, errActor)
		}
		r, err := in.refund(o, id, by, at)
		if err != nil {
			return Refund{}, nil, err
		}
		if o, r, err = o.Reserve(r); err != nil {
			return Refund{}, nil, err
		}
		changes := []platform.Change{o.gives("requested", r).Because(in.Reason)}
		if s.options.AutoRefund.covers(o) {
			next, granted, approved, err := s.approve(ctx, o, r, nil, at)
			waits := errors.Is(err, platform.ErrState) && o.held().Sign() > 0 // for the result of a capture
			if err != nil && !waits {
				return Refund{}, nil, err
			}
			if !waits {
				o, r, changes = next, granted, append(changes, approved...)
			}
		}
		return r, append(changes, platform.Put(o), platform.Put(r)), nil
	})
}

// refund is what the input asks of the order.
func (in RequestRefund) refund(o Order, id platform.ID, by platform.Actor, at time.Time) (Refund, error) {
	r := o.refundAll(id, in.Kind, at)
	r.Amount, r.Undone = o.Refundable(), platform.Money{} // what came for a change is the change's
	r.Reason, r.Fault, r.By, r.For = in.Reason, in.Fault, by.ID, by.For()
	sum := plus(r.Amount, r.Amount.Neg())
	for i, l := range in.Lines {
		if l.Line > len(o.Lines) || slices.ContainsFunc(r.Shares, func(s Share) bool { return s.Line == l.Line }) {
			return Refund{}, platform.Wrong(path("lines", i, "line"), errRefundLine)
		}
		part := l.Amount
		if part.Absent() {
			part = o.Lines[l.Line-1].left()
		}
		total, err := sum.Add(part)
		switch {
		case err != nil:
			return Refund{}, platform.Wrong(path("lines", i, "amount"), err)
		case part.Sign() <= 0 && l.Amount.Absent():
			return Refund{}, o.exceeds(part)
		case part.Sign() <= 0:
			return Refund{}, platform.Wrong(path("lines", i, "amount"), errRefundAmount)
		}
		sum, r.Shares = total, append(r.Shares, Share{Line: l.Line, Amount: part})
	}
	switch {
	case len(in.Lines) > 0 && !in.Amount.Absent() && in.Amount != sum,
		in.Kind == "full" && !in.Amount.Absent() && in.Amount != r.Amount:
		return Refund{}, platform.Wrong("amount", errRefundAmount)
	case len(in.Lines) > 0:
		r.Amount = sum
	case !in.Amount.Absent():
		r.Amount = in.Amount
	case r.Amount.Sign() == 0: // all of nothing
		return Refund{}, o.exceeds(r.Amount)
	}
	if r.Kind == "" {
		r.Kind = "partial"
		if len(in.Lines) == 0 && in.Amount.Absent() {
			r.Kind = "full"
		}
	}
	return r, nil
}

// gives is an event of a refund.
func (o Order) gives(what string, r Refund) platform.Change {
	tell := facts{Order: o.ID, Customer: o.Customer, Merchant: o.Merchant, Amount: r.Amount, Kind: r.Kind, Fault: r.Fault}
	if what == "approved" {
		tell.Fee, _, _ = r.fee()
	}
	return platform.Happened("refund."+what, r.Ref(), tell)
}

// approve books a reserved refund, out of the sources of its plan if it has one,
// and hands it to the payments.
func (s *Service) approve(ctx context.Context, o Order, r Refund, sources []platform.Leg, at time.Time) (Order, Refund, []platform.Change, error) {
	r, err := r.take("approve", platform.System)
	if err != nil {
		return Order{}, Refund{}, nil, err
	}
	if o, r, err = o.Divided(r); err != nil {
		return Order{}, Refund{}, nil, err
	}
	o, r, waived, err := s.waive(ctx, o, r)
	if err != nil {
		return Order{}, Refund{}, nil, err
	}
	r.Source = o.source()
	o, legs := o.approved(r)
	if r.back().Sign() == 0 {
		if r, err = r.take("succeed", platform.System); err != nil {
			return Order{}, Refund{}, nil, err
		}
		r.EndedAt = at
		return o.settled(r), r, append(waived, o.gives("approved", r), o.gives("succeeded", r)), nil
	}
	if legs, err = s.sources(ctx, o, legs, sources); err != nil {
		return Order{}, Refund{}, nil, err
	}
	changes, err := s.post(ctx, "refund.approved", r.Ref(), at, legs)
	if err != nil {
		return Order{}, Refund{}, nil, err
	}
	returned, err := s.ports.Payments.Return(ctx, r.Ref(), o.PaidBy(), r.back(), at)
	if err != nil {
		return Order{}, Refund{}, nil, fmt.Errorf("return %s of order %s: %w", r.back(), o.ID, err)
	}
	changes = append(slices.Concat(waived, changes, returned), o.gives("approved", r))
	return o, r, changes, nil
}

// giveBack carries out a refund that a rule of the order grants; of nothing
// there is none.
func (s *Service) giveBack(ctx context.Context, o Order, r Refund, at time.Time) (Order, []platform.Change, error) {
	if r.Amount.Sign() == 0 {
		return o, nil, nil
	}
	o, r, err := o.Reserve(r)
	if err != nil {
		return Order{}, nil, err
	}
	o, r, changes, err := s.approve(ctx, o, r, nil, at)
	return o, append(changes, platform.Put(r)), err
}

// ApproveRefund grants a refund that was asked for.
type ApproveRefund struct {
	Refund platform.ID `json:"refund" validate:"required,id=rfd"`
	Plan   string      `json:"plan,omitempty" validate:"max=64"` // the hash of the plan that its approver saw; if empty, none is demanded
}

// Subject is the refund.
func (in ApproveRefund) Subject() platform.Ref {
	return platform.Ref{Kind: "order.refund", ID: in.Refund}
}

// ApproveRefund books the refund and hands it to the payments. The merchant or
// an operator may, an operator not its own request; above Options.FourEyes two
// different actors must, and the first approval leaves it requested. A refund
// that is not requested is refund.not_approvable, and one whose plan is no longer
// the one named is refused by [Plans].
func (s *Service) ApproveRefund(ctx context.Context, in ApproveRefund) (Refund, error) {
	return s.sourced(func() (Refund, error) { return s.approveRefund(ctx, in) })
}

func (s *Service) approveRefund(ctx context.Context, in ApproveRefund) (Refund, error) {
	return onRefund(ctx, s, in, in.Refund, func(ctx context.Context, o Order, r Refund, by platform.Actor, at time.Time) (Order, Refund, []platform.Change, error) {
		if _, err := r.take("approve", by.Kind); err != nil {
			return Order{}, Refund{}, nil, err
		}
		own := by.Kind == platform.Operator && r.By == by.ID
		if own || slices.Contains(r.Approvers, by.ID) {
			return Order{}, Refund{}, nil, fmt.Errorf("approve refund %s: %w", r.ID, errRefundSelf)
		}
		sources, planned, err := s.planned(ctx, r, in.Plan)
		if err != nil {
			return Order{}, Refund{}, nil, err
		}
		r.Approvers = append(slices.Clone(r.Approvers), by.ID)
		if len(r.Approvers) < s.options.eyes(r.Amount) {
			return o, r, append(planned, o.gives("endorsed", r)), nil
		}
		o, r, changes, err := s.approve(ctx, o, r, sources, at)
		return o, r, append(planned, changes...), err
	})
}

// eyes is how many must approve a refund.
func (o Options) eyes(amount platform.Money) int {
	limit, known := of(o.FourEyes, amount.Currency())
	if known && amount.Minor() <= limit.Minor() {
		return 1
	}
	return 2
}

// TakesTwo is the amount above which two approve a refund in a currency; absent
// where every refund takes two.
func (s *Service) TakesTwo(c platform.Currency) platform.Money {
	limit, _ := of(s.options.FourEyes, c)
	return limit
}

// RejectRefund refuses a refund that was asked for.
type RejectRefund struct {
	Refund platform.ID `json:"refund" validate:"required,id=rfd"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the refund.
func (in RejectRefund) Subject() platform.Ref {
	return platform.Ref{Kind: "order.refund", ID: in.Refund}
}

// RejectRefund frees the reservation. The merchant or an operator may; a refund
// that is not requested is refund.not_rejectable.
func (s *Service) RejectRefund(ctx context.Context, in RejectRefund) (Refund, error) {
	return onRefund(ctx, s, in, in.Refund, func(_ context.Context, o Order, r Refund, by platform.Actor, at time.Time) (Order, Refund, []platform.Change, error) {
		r, err := r.take("reject", by.Kind)
		if err != nil {
			return Order{}, Refund{}, nil, err
		}
		r.EndedAt = at
		return o.Freed(r), r, []platform.Change{o.gives("rejected", r).Because(in.Reason)}, nil
	})
}

// WithdrawRefund takes a request back.
type WithdrawRefund struct {
	Refund platform.ID `json:"refund" validate:"required,id=rfd"`
}

// Subject is the refund.
func (in WithdrawRefund) Subject() platform.Ref {
	return platform.Ref{Kind: "order.refund", ID: in.Refund}
}

// WithdrawRefund frees the reservation. Only on whose behalf the refund was
// asked may withdraw it, as long as the payments have not sent it and the order
// has not been sold or closed over it; after that it is refund.not_withdrawable.
func (s *Service) WithdrawRefund(ctx context.Context, in WithdrawRefund) (Refund, error) {
	return onRefund(ctx, s, in, in.Refund, func(ctx context.Context, o Order, r Refund, by platform.Actor, at time.Time) (Order, Refund, []platform.Change, error) {
		if r.For != by.For() {
			return Order{}, Refund{}, nil, fmt.Errorf("withdraw refund %s: %w", r.ID, errRefundNotYours)
		}
		next, err := r.take("withdraw", by.Kind)
		if err != nil {
			return Order{}, Refund{}, nil, err
		}
		var changes []platform.Change
		if r.State == RefundApproved {
			if r.Source != o.source() {
				return Order{}, Refund{}, nil, fmt.Errorf("withdraw refund %s: %w", r.ID, errRefundNotWithdrawn)
			}
			if o, changes, err = s.recall(ctx, o, r, at); err != nil {
				return Order{}, Refund{}, nil, err
			}
		}
		next.EndedAt = at
		return o.Freed(r), next, append(changes, o.gives("cancelled", next)), nil
	})
}

// recall undoes approve: the books free what they hold, and the payments give
// the return up.
func (s *Service) recall(ctx context.Context, o Order, r Refund, at time.Time) (Order, []platform.Change, error) {
	freed, err := s.ports.Books.Post(ctx, "refund.withdrawn", r.Ref(), at, nil)
	if err != nil {
		return Order{}, nil, fmt.Errorf("free refund %s: %w", r.ID, err)
	}
	withdrawn, err := s.ports.Payments.Withdraw(ctx, r.Ref(), at)
	if err != nil {
		return Order{}, nil, fmt.Errorf("withdraw the return of refund %s: %w", r.ID, err)
	}
	return o.unapproved(r), append(freed, withdrawn...), nil
}
