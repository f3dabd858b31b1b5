package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// GiveTip gives a tip to those who did an order's work.
type GiveTip struct {
	Order  platform.ID    `json:"order" validate:"required,id=ord"`
	Amount platform.Money `json:"amount,omitzero" validate:"required,gt=0" code:"tip.amount"`
	Shares []TipShare     `json:"shares,omitempty" validate:"max=20,dive"` // who gets what; if empty, all in the seats the same
}

// Subject is the order.
func (in GiveTip) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// GiveTip asks for a tip, an intent of its own whose subject is the tip. The
// customer may, or an operator on behalf of the customer. See [Order.Tip]; what is
// not paid within Windows.Tip is not asked for any more.
func (s *Service) GiveTip(ctx context.Context, in GiveTip) (Tip, error) {
	id := s.w.NewChild("tip", in.Order)
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Tip, []platform.Change, error) {
		o, by, err := s.mine(ctx, in.Order)
		if err != nil {
			return Tip{}, nil, err
		}
		if o.sideOf(by) != platform.Customer {
			return Tip{}, nil, fmt.Errorf("tip for order %s: %w", o.ID, errActor)
		}
		o, t, err := o.Tip(id, in.Amount, in.Shares, s.options.TipMost, by.Kind, s.w.Now())
		if err != nil {
			return Tip{}, nil, err
		}
		asked, err := s.ports.Payments.Ask(s.payer(ctx, o), t.Ref(), "tip", t.Amount, t.Due)
		if err != nil {
			return Tip{}, nil, fmt.Errorf("ask for tip %s: %w", t.ID, err)
		}
		return t, append(asked, platform.Put(o), platform.Put(t), t.happened("tip.added")), nil
	})
}

// payer is ctx in which the order's customer is asked for money.
func (s *Service) payer(ctx context.Context, o Order) context.Context {
	payer := platform.SystemActor("order")
	payer.Tenant, payer.OnBehalf = s.w.Tenant, o.Customer
	return platform.As(ctx, payer)
}

// happened is an event of a tip, which is nobody's revenue.
func (t Tip) happened(what string) platform.Change {
	return platform.Happened(what, t.Ref(), facts{Order: t.Order, Customer: t.Customer, Amount: t.Amount})
}

// RefundTip gives a tip back.
type RefundTip struct {
	Tip    platform.ID `json:"tip" validate:"required,id=tip"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the tip.
func (in RefundTip) Subject() platform.Ref { return platform.Ref{Kind: tipKind, ID: in.Tip} }

// RefundTip gives a tip back, all of it: out of the account that it passes through,
// or of what those who got it are owed. Operators may. It fails with
// tip.not_refundable unless it was received, while the payer's bank disputes it, and
// as the books do when those who got it have been paid out.
func (s *Service) RefundTip(ctx context.Context, in RefundTip) (Tip, error) {
	return onTip(ctx, s, in, in.Tip, func(ctx context.Context, o Order, t Tip, by platform.Actor, at time.Time) (Order, Tip, []platform.Change, error) {
		next, err := t.take("refund", by.Kind)
		if err == nil && !t.Disputed.Absent() && t.Disputed.Sign() > 0 {
			err = fmt.Errorf("tip %s: %w", t.ID, errTipNotRefundable)
		}
		if err != nil {
			return Order{}, Tip{}, nil, err
		}
		next.From, next.Due, next.Reason = t.State, time.Time{}, in.Reason
		legs := append(next.out(), platform.Leg{Role: "refund_due", Of: t.ID, Amount: t.Amount.Neg()})
		booked, err := s.post(ctx, "refund.approved", t.Ref(), at, legs)
		if err != nil {
			return Order{}, Tip{}, nil, err
		}
		returned, err := s.ports.Payments.Return(ctx, t.Ref(), t.Ref(), t.Amount, at)
		if err != nil {
			return Order{}, Tip{}, nil, fmt.Errorf("return tip %s: %w", t.ID, err)
		}
		return o, next, append(append(booked, returned...), next.happened("tip.refund_approved").Because(in.Reason)), nil
	})
}

// Tips lists the tips of an order of the actor's, the oldest first.
func (s *Service) Tips(ctx context.Context, order platform.ID, cursor string) (platform.Page[Tip], error) {
	if _, _, err := s.mine(ctx, order); err != nil {
		return platform.Page[Tip]{}, err
	}
	return s.store.Tips(ctx, order, cursor)
}

// Tip reads one tip of an order of the actor's.
func (s *Service) Tip(ctx context.Context, id platform.ID) (Tip, error) {
	t, err := s.store.Tip(ctx, id)
	if err != nil {
		return Tip{}, err
	}
	if _, _, err := s.mine(ctx, t.Order); errors.Is(err, platform.ErrNotFound) {
		return Tip{}, platform.NotFound(t.Ref())
	} else if err != nil {
		return Tip{}, err
	}
	return t, nil
}

// onTip is a command on one tip: decide returns its order and itself as they are to
// be, and the changes beside them.
func onTip[C any](ctx context.Context, s *Service, in C, id platform.ID,
	decide func(context.Context, Order, Tip, platform.Actor, time.Time) (Order, Tip, []platform.Change, error),
) (Tip, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Tip, []platform.Change, error) {
		t, err := s.store.Tip(ctx, id)
		if err != nil {
			return Tip{}, nil, err
		}
		o, by, err := s.mine(ctx, t.Order)
		if errors.Is(err, platform.ErrNotFound) {
			return Tip{}, nil, platform.NotFound(t.Ref())
		}
		if err != nil {
			return Tip{}, nil, err
		}
		o, t, changes, err := decide(ctx, o, t, by, s.w.Now())
		if err != nil {
			return Tip{}, nil, err
		}
		return t, append(changes, platform.Put(o), platform.Put(t)), nil
	})
}

// ripenTip is the command of a tip that is due.
type ripenTip struct {
	Tip platform.ID `json:"tip"`
	Due time.Time   `json:"due"`
}

// Subject is the tip.
func (in ripenTip) Subject() platform.Ref { return platform.Ref{Kind: tipKind, ID: in.Tip} }

// ripeTip ends a tip that was not paid in time, and releases one that was to those
// who earned it. While a payment of it or a bank's decision is under way it waits.
func (s *Service) ripeTip(ctx context.Context, found Tip, now time.Time) error {
	in := ripenTip{found.ID, found.Due}
	_, err := onTip(ctx, s, in, found.ID, func(ctx context.Context, o Order, t Tip, _ platform.Actor, _ time.Time) (Order, Tip, []platform.Change, error) {
		if !t.Due.Equal(in.Due) || t.Due.IsZero() || t.Due.After(now) {
			return Order{}, Tip{}, nil, fmt.Errorf("tip %s: %w", t.ID, errTimerStale)
		}
		if t.State == TipReceived {
			return s.releaseTip(ctx, o, t, now)
		}
		unasked, err := s.ports.Payments.Cancel(ctx, t.Ref())
		if errors.Is(err, platform.ErrState) {
			t.Due = now.Add(o.Windows.PayRetry)
			return o, t, []platform.Change{t.happened("tip.payment_awaited")}, nil
		}
		if err != nil {
			return Order{}, Tip{}, nil, fmt.Errorf("take back the request of tip %s: %w", t.ID, err)
		}
		next, err := t.lapsed(o.Windows.Close, now)
		if err != nil {
			return Order{}, Tip{}, nil, err
		}
		o.Tipped = plus(o.Tipped, t.Amount.Neg(), next.Received)
		return o, next, append(unasked, next.happened("tip."+string(next.State))), nil
	})
	return err
}

// releaseTip makes a tip payable to those who earned it, but for what a payer's bank
// has taken back.
func (s *Service) releaseTip(ctx context.Context, o Order, t Tip, at time.Time) (Order, Tip, []platform.Change, error) {
	if t.Disputed.Sign() > 0 {
		t.Due = at.Add(o.Windows.CloseRetry)
		if t.Open.Sign() == 0 { // lost: the bank has it
			t.Due = time.Time{}
		}
		return o, t, []platform.Change{t.happened("tip.release_deferred")}, nil
	}
	next, err := t.take("release", platform.System)
	if err != nil {
		return Order{}, Tip{}, nil, err
	}
	next.Due = time.Time{}
	legs := t.out()
	for _, due := range next.out() {
		legs = append(legs, platform.Leg{Role: due.Role, Party: due.Party, Amount: due.Amount.Neg()})
	}
	booked, err := s.post(ctx, "tip.released", t.Ref(), at, legs)
	if err != nil {
		return Order{}, Tip{}, nil, err
	}
	return o, next, append(booked, next.happened("tip.released")), nil
}

// tipPaid notes the money of a tip. One whose order has closed meanwhile takes none.
func (p Payable) tipPaid(ctx context.Context, id platform.ID, captured platform.Money, at time.Time) ([]platform.Change, error) {
	t, err := p.Store.Tip(ctx, id)
	if err != nil {
		return nil, err
	}
	o, err := p.Store.Order(ctx, t.Order)
	if err != nil {
		return nil, err
	}
	if o.State.Ended() {
		return nil, fmt.Errorf("receive tip %s of %s order: %w", t.ID, o.State, ErrNotPayable)
	}
	next, err := t.paid(captured, o.Windows.Close, at)
	if err != nil {
		return nil, err
	}
	changes := []platform.Change{platform.Unchanged(o), platform.Put(next)}
	if next.State == TipReceived {
		changes = append(changes, next.happened("tip.received"))
	}
	return changes, nil
}

// tipReturned notes how the refund of a tip fares.
func (p Payable) tipReturned(ctx context.Context, id platform.ID, outcome string, out []platform.Leg, at time.Time) ([]platform.Change, error) {
	t, err := p.Store.Tip(ctx, id)
	if err != nil {
		return nil, err
	}
	if outcome != "succeeded" || t.State == TipRefunded {
		return []platform.Change{platform.Unchanged(t)}, nil
	}
	next, err := t.take("refunded", platform.System)
	if err != nil {
		return nil, err
	}
	next.EndedAt = at
	legs := append([]platform.Leg{{Role: "refund_due", Of: t.ID, Amount: t.Amount}}, out...)
	booked, err := post(ctx, p.Books, "refund.succeeded", t.Ref(), at, legs)
	if err != nil {
		return nil, err
	}
	return append(booked, platform.Put(next), next.happened("tip.refunded")), nil
}

// tipDisputed notes how much of a tip's money payers' banks have taken back.
func (p Payable) tipDisputed(ctx context.Context, id platform.ID, back, contested platform.Money) ([]platform.Change, error) {
	t, err := p.Store.Tip(ctx, id)
	if err != nil {
		return nil, err
	}
	if t.Disputed, t.Open = back, contested; t.Disputed.Sign() == 0 {
		t.Disputed, t.Open = platform.Money{}, platform.Money{}
	}
	return []platform.Change{platform.Put(t)}, nil
}
