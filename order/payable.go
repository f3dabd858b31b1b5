package order

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Payable is the orders, their checkouts and their tips as the payments see them. It needs only the store and
// the books, and satisfies payment.Subject.
type Payable struct {
	Store Store
	Books Books
}

// Secured notes the money of an order: all that is secured and captured so far.
// See [Order.Secure]. It writes the order.
func (p Payable) Secured(ctx context.Context, subject platform.Ref, purpose string, secured, captured platform.Money, at time.Time) ([]platform.Change, error) {
	if subject.Kind == checkoutKind {
		return p.checkoutPaid(ctx, subject.ID, secured, captured, at)
	}
	if subject.Kind == tipKind {
		return p.tipPaid(ctx, subject.ID, captured, at)
	}
	o, err := p.Store.Order(ctx, subject.ID)
	if err != nil {
		return nil, err
	}
	if o.Cancellation != nil && o.Cancellation.Awaits.Sign() > 0 {
		return p.feeCame(ctx, o, secured, captured, at)
	}
	next, err := o.Secure(secured, captured, at)
	if err != nil {
		return nil, err
	}
	changes := []platform.Change{platform.Put(next)}
	if next.State != o.State {
		changes = append(changes, next.happened("confirmed"))
	}
	if purpose != "extra" || o.Change == nil {
		return changes, nil
	}
	c, err := p.Store.Change(ctx, o.Change.Change)
	if err != nil {
		return nil, err
	}
	if c.State == ChangeApproved && next.lacks(c.Total).Sign() == 0 {
		c.Due = at // the next tick applies it
		changes = append(changes, platform.Put(c))
	}
	return changes, nil
}

// Returned notes how a refund fares at the institution: "sent", "succeeded" or
// "failed". Success books it, in the same set, out of the accounts that the
// payments name: credits that add up to the refund. A failure keeps it reserved.
// A result that is known already changes nothing. It writes the refund and, at
// success, its order.
func (p Payable) Returned(ctx context.Context, refund, subject platform.Ref, outcome string, out []platform.Leg, at time.Time) ([]platform.Change, error) {
	if subject.Kind == tipKind {
		return p.tipReturned(ctx, subject.ID, outcome, out, at)
	}
	of := subject.ID
	if subject.Kind == checkoutKind { // of whose payment several orders give back
		r, err := p.Store.Refund(ctx, refund.ID)
		if err != nil {
			return nil, err
		}
		of = r.Order
	}
	o, r, err := p.Store.RefundOf(ctx, of, refund.ID)
	if err != nil {
		return nil, err
	}
	if r.knows(outcome) {
		return []platform.Change{platform.Unchanged(o), platform.Unchanged(r)}, nil
	}
	verb, known := map[string]string{"sent": "send", "succeeded": "succeed", "failed": "fail"}[outcome]
	if !known {
		return nil, fmt.Errorf("refund %s %q: %w", r.ID, outcome, errRefundOutcome)
	}
	next, err := r.take(verb, platform.System)
	if err != nil {
		return nil, err
	}
	if next.State != RefundSucceeded {
		return []platform.Change{platform.Unchanged(o), platform.Put(next), o.gives(outcome, next)}, nil
	}
	next.EndedAt = at
	legs := append([]platform.Leg{o.refundDue(r.back())}, out...)
	changes, err := post(ctx, p.Books, "refund.succeeded", r.Ref(), at, legs)
	if err != nil {
		return nil, err
	}
	return append(changes, platform.Put(o.settled(r)), platform.Put(next), o.gives(outcome, next)), nil
}

// Disputed notes how much of an order's money payers' banks have taken back, what
// is open or lost, in all: so much less can be refunded. While any of it is open,
// the order is neither accepted nor closed. It writes the order.
func (p Payable) Disputed(ctx context.Context, subject platform.Ref, back, contested platform.Money, _ time.Time) ([]platform.Change, error) {
	if subject.Kind == checkoutKind {
		return p.checkoutDisputed(ctx, subject.ID, back, contested)
	}
	if subject.Kind == tipKind {
		return p.tipDisputed(ctx, subject.ID, back, contested)
	}
	o, err := p.Store.Order(ctx, subject.ID)
	if err != nil {
		return nil, err
	}
	o.ChargedBack, o.Contested = back, contested
	return []platform.Change{platform.Put(o)}, nil
}

// knows tells whether the refund has already been where the outcome leads.
func (r Refund) knows(outcome string) bool {
	switch outcome {
	case "sent":
		return r.State == RefundProcessing || r.State == RefundSucceeded
	case "succeeded":
		return r.State == RefundSucceeded
	case "failed":
		return r.State == RefundFailed
	}
	return false
}
