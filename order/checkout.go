package order

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// CheckoutState is where a checkout stands.
type CheckoutState string

// The states of a checkout.
const (
	CheckoutOpen CheckoutState = "awaiting_payment"
	CheckoutPaid CheckoutState = "paid" // each order goes its own way
	CheckoutOver CheckoutState = "over" // none of its orders waits any more, and none was paid
)

// Checkout is one payment for orders of several merchants: all of it or nothing.
// Each order is confirmed, cancelled and given back by itself.
type Checkout struct {
	platform.Head
	Customer platform.ID    `json:"customer" class:"internal"`
	State    CheckoutState  `json:"state" class:"internal"`
	Amount   platform.Money `json:"amount" class:"internal"` // Σ of the orders
	Orders   []Billed       `json:"orders" class:"internal"` // that wait for the payment, or got of it
	At       time.Time      `json:"at" class:"internal"`
}

// Billed is an order's part of a checkout.
type Billed struct {
	Order  platform.ID    `json:"order"`
	Amount platform.Money `json:"amount"`
}

// Ref names the checkout.
func (c Checkout) Ref() platform.Ref { return platform.Ref{Kind: checkoutKind, ID: c.ID} }

const checkoutKind = "order.checkout"

// PaidBy is whose payment paid the order: its own, or that of its checkout.
func (o Order) PaidBy() platform.Ref {
	if o.Bill != "" {
		return platform.Ref{Kind: checkoutKind, ID: o.Bill}
	}
	return o.Ref()
}

// without is the checkout without an order that waits for it no more.
func (c Checkout) without(o Order) Checkout {
	c.Orders = slices.DeleteFunc(slices.Clone(c.Orders), func(b Billed) bool { return b.Order == o.ID })
	if c.Amount = plus(c.Amount, o.Total.Neg()); len(c.Orders) == 0 {
		c.State = CheckoutOver
	}
	return c
}

// PlaceAll orders of several merchants at once, to be paid in one payment.
type PlaceAll struct {
	Orders []Place `json:"orders" validate:"min=2,max=20,dive" code:"order.checkout"` // Checkout of each does not count
}

// PlaceAll places all of the orders or none, each as [Service.Place] does, and asks
// for one payment whose subject is the checkout. It fails as Place does, and with
// order.not_combinable for orders of different currencies and for listings that take
// their money later or in two parts.
func (s *Service) PlaceAll(ctx context.Context, in PlaceAll) (Checkout, error) {
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return Checkout{}, fmt.Errorf("place orders: %w", err)
	}
	if err := platform.Validate(in); err != nil {
		return Checkout{}, err
	}
	var wrong platform.FieldErrors
	before := make([]prepared, len(in.Orders))
	for i, one := range in.Orders {
		for _, w := range one.amiss(s.options, s.w.Now()) {
			w.Path = path("orders", i, w.Path)
			wrong = append(wrong, w)
		}
	}
	if len(wrong) > 0 {
		return Checkout{}, wrong
	}
	id := s.w.NewRoot(ctx, "cko") // its orders lie in its slot, since its payment is theirs
	for i, one := range in.Orders {
		if before[i], err = s.prepare(ctx, by, one, s.w.NewChild("ord", id)); err != nil {
			return Checkout{}, fmt.Errorf("order %d: %w", i+1, err)
		}
	}
	screened := s.ports.Screen != nil
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Checkout, []platform.Change, error) {
		if screened { // as in Place: placed as it was read, refused only on what is read here
			screened = false
			c, changes, err := s.checkout(ctx, in, before, id)
			for i := range before {
				before[i].draft = nil
			}
			if err == nil || len(changes) > 0 {
				return c, changes, err
			}
		}
		return s.checkout(ctx, in, before, id)
	})
}

func (s *Service) checkout(ctx context.Context, in PlaceAll, before []prepared, id platform.ID) (Checkout, []platform.Change, error) {
	c := Checkout{Head: platform.Head{ID: id}, Customer: before[0].customer, State: CheckoutOpen, At: s.w.Now()}
	var set []platform.Change
	var due time.Time
	for i, one := range in.Orders {
		d := before[i].draft
		if d == nil {
			fresh, err := s.draft(ctx, one)
			if err != nil {
				return Checkout{}, nil, fmt.Errorf("order %d: %w", i+1, err)
			}
			d = &fresh
		}
		one.Checkout = string(id)
		o, changes, err := s.accepted(one, before[i], *d, id)
		if err != nil { // a refusal worth recording is
			return Checkout{}, changes, fmt.Errorf("order %d: %w", i+1, err)
		}
		if o.later() || !o.Deposit.Absent() {
			return Checkout{}, nil, platform.Detail(fmt.Errorf("order %d: %w", i+1, errNotCombinable), "order", i)
		}
		set = append(set, changes...)
		if o.Total.Sign() == 0 {
			continue
		}
		if c.Amount, err = or(c.Amount, plus(o.Total, o.Total.Neg())).Add(o.Total); err != nil {
			return Checkout{}, nil, platform.Detail(fmt.Errorf("order %d: %w", i+1, errNotCombinable), "order", i)
		}
		c.Orders, due = append(c.Orders, Billed{o.ID, o.Total}), o.Due()
	}
	if len(c.Orders) == 0 {
		return Checkout{}, nil, fmt.Errorf("nothing to pay: %w", errNotCombinable)
	}
	asked, err := s.ports.Payments.Ask(ctx, c.Ref(), "full", c.Amount, due)
	if err != nil {
		return Checkout{}, nil, fmt.Errorf("ask for checkout %s: %w", c.ID, err)
	}
	return c, append(append(set, asked...), platform.Put(c), c.happened("placed")), nil
}

func (c Checkout) happened(what string) platform.Change {
	return platform.Happened("checkout."+what, c.Ref(), facts{Customer: c.Customer, Amount: c.Amount})
}

// unbill takes an order that was not paid out of its checkout: the others are asked
// for alone.
func (s *Service) unbill(ctx context.Context, o Order) ([]platform.Change, error) {
	c, err := s.store.Checkout(ctx, o.Bill)
	if err != nil {
		return nil, err
	}
	if c.State != CheckoutOpen {
		return []platform.Change{platform.Unchanged(c)}, nil
	}
	next := c.without(o)
	changes, err := s.ports.Payments.Reduce(ctx, c.Ref(), "full", next.Amount)
	if err != nil {
		return nil, fmt.Errorf("take order %s out of checkout %s: %w", o.ID, c.ID, err)
	}
	return append(changes, platform.Put(next), next.happened("reduced")), nil
}

// Checkout reads a checkout of the actor's: its customer's; operators, auditors and
// the system see all.
func (s *Service) Checkout(ctx context.Context, id platform.ID) (Checkout, error) {
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return Checkout{}, err
	}
	c, err := s.store.Checkout(ctx, id)
	all := slices.Contains(kinds{platform.Operator, platform.Auditor, platform.System}, by.Kind)
	if err == nil && (by.Tenant != s.w.Tenant || !all && (by.Kind != platform.Customer || by.For() != c.Customer)) {
		err = platform.NotFound(c.Ref())
	}
	if err != nil {
		return Checkout{}, err
	}
	return c, nil
}

// checkoutPaid shares what came for a checkout out to its orders. It comes at once
// and for all of them, or it is surplus.
func (p Payable) checkoutPaid(ctx context.Context, id platform.ID, secured, captured platform.Money, at time.Time) ([]platform.Change, error) {
	c, err := p.Store.Checkout(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.State != CheckoutOpen || captured != c.Amount || secured != captured {
		return nil, fmt.Errorf("pay %s of checkout %s: %w", captured, c.ID, ErrNotPayable)
	}
	ids := make([]platform.ID, len(c.Orders))
	for i, b := range c.Orders {
		ids[i] = b.Order
	}
	orders, err := p.Store.OrdersOf(ctx, ids...)
	if err != nil {
		return nil, err
	}
	legs := []platform.Leg{{Role: "escrow", Of: c.ID, Amount: c.Amount}}
	var changes []platform.Change
	for _, o := range orders {
		next, err := o.Secure(o.Total, o.Total, at)
		if err != nil {
			return nil, err
		}
		legs, changes = append(legs, o.escrow(o.Total.Neg())), append(changes, platform.Put(next))
		if next.State != o.State {
			changes = append(changes, next.happened("confirmed"))
		}
	}
	c.State = CheckoutPaid
	booked, err := post(ctx, p.Books, "pay.shared", c.Ref(), at, legs)
	if err != nil {
		return nil, err
	}
	return append(append(booked, changes...), platform.Put(c), c.happened("paid")), nil
}

// checkoutDisputed notes what payers' banks have taken back of a checkout's payment:
// of each order its part.
func (p Payable) checkoutDisputed(ctx context.Context, id platform.ID, back, contested platform.Money) ([]platform.Change, error) {
	c, err := p.Store.Checkout(ctx, id)
	if err != nil {
		return nil, err
	}
	ids, weights := make([]platform.ID, len(c.Orders)), make([]int64, len(c.Orders))
	for i, b := range c.Orders {
		ids[i], weights[i] = b.Order, b.Amount.Minor()
	}
	gone, err := back.Allocate(weights...)
	if err != nil {
		return nil, fmt.Errorf("chargeback of checkout %s: %w", id, err)
	}
	open, err := contested.Allocate(weights...)
	if err != nil {
		return nil, fmt.Errorf("chargeback of checkout %s: %w", id, err)
	}
	orders, err := p.Store.OrdersOf(ctx, ids...)
	if err != nil {
		return nil, err
	}
	changes := []platform.Change{platform.Unchanged(c)}
	for i, o := range orders {
		o.ChargedBack, o.Contested = gone[i], open[i]
		changes = append(changes, platform.Put(o))
	}
	return changes, nil
}
