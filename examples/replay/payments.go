package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

const (
	institution = "sandbox"
	again       = 5 * time.Minute // until a payment is tried or looked at again
	mostTries   = 20
)

// tender is a share of a payment, for one of the orders of a checkout.
type tender struct {
	order  int // -1: there is none
	amount platform.Money
}

// pay makes the payments of an order, and completes them when they are short.
// While the outcome of one is open, the rest waits.
func (r *replay) pay(c *checkout) error {
	if c.tenders == nil {
		if err := r.share(c); err != nil {
			return err
		}
	}
	for len(c.tenders) > 0 {
		over, err := r.tender(c, c.tenders[0])
		if err != nil {
			return err
		}
		if !over {
			r.later(c, r.clock.now.Add(again), orderRank, func() error { return r.payOn(c) })
			return nil
		}
		c.tenders, c.attempt, c.tries = c.tenders[1:], "", 0
	}
	if c.late {
		return nil // the orders have expired; there is nothing to follow
	}
	if err := r.promote(c); err != nil {
		return err
	}
	return r.follow(c, startedStep)
}

// payOn goes on paying once what was due has fired.
func (r *replay) payOn(c *checkout) error {
	if _, err := r.tick(r.clock.now); err != nil {
		return err
	}
	return r.pay(c)
}

// share looks at an order's payments and divides them.
func (r *replay) share(c *checkout) error {
	about, paid, total := "order/"+c.id, zero(), zero()
	for _, o := range c.orders {
		total = plus(total, o.total)
	}
	for _, p := range c.payments {
		if p.amount.Sign() == 0 {
			if err := r.note(Finding{Code: "payment.zero", About: about, Detail: strconv.Itoa(p.no)}); err != nil {
				return err
			}
		}
		paid = plus(paid, p.amount)
	}
	if err := r.compare(c, paid, total); err != nil {
		return err
	}
	var err error
	c.tenders, err = c.shares(paid)
	return err
}

// shares divides what was paid in all among the orders of a checkout, by largest
// remainder: first what each order gets of it, then each payment by what its
// orders still get. So the shares of an order add up to what it would have of a
// single payment, to the unit.
func (c *checkout) shares(paid platform.Money) ([]tender, error) {
	tenders := []tender{}
	switch {
	case paid.Sign() == 0:
		return tenders, nil
	case len(c.orders) == 0:
		return append(tenders, tender{order: -1, amount: paid}), nil
	}
	weights := make([]int64, len(c.orders))
	for i, o := range c.orders {
		weights[i] = o.total.Minor()
	}
	gets, err := paid.Allocate(weights...)
	if err != nil {
		return nil, err
	}
	for i, s := range gets {
		weights[i] = s.Minor()
	}
	for _, p := range c.payments {
		if p.amount.Sign() == 0 {
			continue
		}
		parts, err := p.amount.Allocate(weights...)
		if err != nil {
			return nil, err
		}
		for i, part := range parts {
			weights[i] -= part.Minor()
			if part.Sign() > 0 {
				tenders = append(tenders, tender{order: i, amount: part})
			}
		}
	}
	return tenders, nil
}

// compare notes what is wrong with the sum of an order's payments.
func (r *replay) compare(c *checkout, paid, total platform.Money) error {
	f := Finding{About: "order/" + c.id}
	switch above, err := paid.Cmp(total); {
	case err != nil || above == 0:
		return err
	case above > 0:
		f.Code, f.Amount = "payment.surplus", plus(paid, total.Neg())
	default:
		f.Code, f.Amount = "payment.short", plus(total, paid.Neg())
	}
	return r.note(f)
}

// tender pays a share, and tells whether that is over. What the order does not
// take is surplus.
func (r *replay) tender(c *checkout, t tender) (over bool, err error) {
	if t.order < 0 {
		return true, r.surplus(c.source.Ref(), t.amount)
	}
	o := &c.orders[t.order]
	due := t.amount
	if above, err := due.Cmp(o.rest); err != nil {
		return false, err
	} else if above > 0 {
		due = o.rest
	}
	if due.Sign() > 0 {
		over, err := r.attempt(c, o, due)
		if err != nil || !over {
			return false, err
		}
		o.rest = plus(o.rest, due.Neg())
	}
	if due == t.amount {
		return true, nil
	}
	return true, r.surplus(platform.Ref{Kind: "order", ID: o.id}, plus(t.amount, due.Neg()))
}

// attempt begins to pay, or looks how the attempt under way has come out. One
// that failed is tried again; what the institution got wrong is resolved.
func (r *replay) attempt(c *checkout, o *placed, due platform.Money) (over bool, err error) {
	a, err := r.try(c, o, due)
	switch code := platform.Code(err); {
	case code == platform.Code(payment.ErrTooLate), code == platform.Code(payment.ErrNotPayable):
		return true, r.tooLate(c, o, due)
	case errors.Is(err, payment.ErrUnavailable):
		c.attempt = ""
		return false, nil
	case err != nil:
		return false, err
	}
	switch c.attempt = a.ID; a.State {
	case payment.AttemptCaptured:
		return true, nil
	case payment.AttemptFailed, payment.AttemptSurplus:
		c.attempt = ""
	case payment.AttemptQuarantined, payment.AttemptManual:
		return false, r.resolve(a)
	}
	return false, nil
}

func (r *replay) try(c *checkout, o *placed, due platform.Money) (payment.Attempt, error) {
	if c.attempt != "" {
		return r.market.Payments.Attempt(r.ctx, c.attempt)
	}
	method := sandbox.OK
	if c.tries++; r.faults != 0 && c.tries < mostTries {
		method = "pm_card" // left to the faults
	}
	return give(r, customer(c.customer), r.market.Payments.Pay, payment.Pay{Intent: o.intent(), Amount: due, Method: method})
}

// resolve decides on an attempt that waits for an operator, by the books of the
// institution.
func (r *replay) resolve(a payment.Attempt) error {
	st, err := r.market.Sandbox.Lookup(r.ctx, a.Key())
	if err != nil {
		return nil //nolint:nilerr // it is silent now; the next look asks again
	}
	taken := st.Amount
	if st.Outcome != payment.Done {
		taken = platform.Money{}
	}
	_, err = give(r, finances[0], r.market.Payments.Resolve, payment.Resolve{Attempt: a.ID, Taken: taken, Reason: "institution.books"})
	return err
}

// tooLate is for money of an order that has expired: it goes back.
func (r *replay) tooLate(c *checkout, o *placed, due platform.Money) error {
	c.late = true
	if err := r.note(Finding{Code: "payment.too_late", About: "order/" + c.id, Amount: due}); err != nil {
		return err
	}
	return r.surplus(platform.Ref{Kind: "order", ID: o.id}, due)
}

// surplus is money that the institution got and nobody asked for.
func (r *replay) surplus(of platform.Ref, amount platform.Money) error {
	_, err := give(r, finances[0], r.market.Payments.Surplus, payment.Surplus{
		For: of, Amount: amount, Institution: institution, Reference: r.market.Sandbox.Deposit(amount),
	})
	return err
}

// promote completes what was not paid with the platform's own money.
func (r *replay) promote(c *checkout) error {
	for i := range c.orders {
		o := &c.orders[i]
		if o.rest.Sign() == 0 {
			continue
		}
		in := payment.Promote{Intent: o.intent(), Amount: o.rest, Reason: "source.short"}
		if _, err := give(r, finances[0], r.market.Payments.Promote, in); err != nil {
			return fmt.Errorf("promote %s: %w", o.id, err)
		}
		o.rest = plus(o.rest, o.rest.Neg())
	}
	return nil
}
