package market

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/care"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/store/sandbox"
)

// Clock is the wall's, to the microsecond, unless it is set. It may be used by
// several goroutines at once; its zero value is the wall's clock.
type Clock struct{ at atomic.Pointer[time.Time] }

// Now is the moment that the clock shows, in UTC.
func (c *Clock) Now() time.Time {
	if at := c.at.Load(); at != nil {
		return *at
	}
	return time.Now().UTC().Truncate(time.Microsecond)
}

// Set makes the clock stand at a moment; at the zero time, it is the wall's again.
func (c *Clock) Set(at time.Time) {
	if at.IsZero() {
		c.at.Store(nil)
		return
	}
	at = at.UTC().Truncate(time.Microsecond)
	c.at.Store(&at)
}

// Stands tells whether the clock was set: it shows what came before.
func (c *Clock) Stands() bool { return c.at.Load() != nil }

// Season plays what a demo's people did from the moment at which the clock stands
// until a moment: two orders a day of thirty customers, of which some are
// cancelled, refunded, reviewed or disputed, payouts by week and the institution's
// statement by day. The same weeks are the same trade. It moves the clock, and goes
// through the commands that everybody has.
func (m *Market) Season(ctx context.Context, c Cast, clock *Clock, until time.Time) error {
	s := season{Market: m, Cast: c, ctx: ctx, clock: clock, chance: rand.New(rand.NewPCG(1, 2))}
	for range 30 {
		s.customers = append(s.customers, platform.Actor{ID: m.Writer.NewRoot(ctx, "cus"), Kind: platform.Customer, Tenant: m.Writer.Tenant})
	}
	for day := 0; clock.Now().AddDate(0, 0, 1).Before(until); day++ {
		if err := s.day(day); err != nil {
			return fmt.Errorf("day %d of the demo's season: %w", day, err)
		}
	}
	if err := s.today(until); err != nil {
		return fmt.Errorf("last day of the demo's season: %w", err)
	}
	return nil
}

// season is a demo's past, as it is played.
type season struct {
	*Market
	Cast
	ctx       context.Context //nolint:containedctx // it lives as long as the call of Season
	clock     *Clock
	chance    *rand.Rand
	customers []platform.Actor
	orders    int
}

func (s *season) as(a platform.Actor) context.Context { return platform.As(s.ctx, a) }

// pass lets time go by, and everything happen that is due.
func (s *season) pass(d time.Duration) error {
	now := s.clock.Now().Add(d)
	s.clock.Set(now)
	_, err := s.Tick(s.ctx, now, 0)
	_, failed := s.Sandbox.Tick(s.ctx, now, 0)
	return errors.Join(err, failed)
}

// day is one of them: two orders, each Wednesday the payouts, and at its end the
// statement of the institution.
func (s *season) day(n int) error {
	start := s.clock.Now()
	for range 2 {
		if err := s.order(); err != nil {
			return err
		}
	}
	if start.Weekday() == time.Wednesday {
		if err := s.settle(start); err != nil {
			return err
		}
	}
	if err := s.pass(start.AddDate(0, 0, 1).Sub(s.clock.Now())); err != nil || n == 0 {
		return err
	}
	statement, err := s.Recon.Fetch(s.as(s.Operator), reconciliation.Fetch{Institution: s.Sandbox.Info().Institution, Day: start.Format(time.DateOnly)})
	if err == nil {
		_, err = s.Recon.Reconcile(s.as(s.Operator), reconciliation.Reconcile{Statement: statement.ID})
	}
	return err
}

// order is one from its placing to its end, in three hours.
func (s *season) order() error {
	s.orders++
	customer := s.customers[s.chance.IntN(len(s.customers))]
	o, attempt, err := s.bought(customer)
	if err != nil {
		return err
	}
	if s.orders%9 == 4 {
		_, err = s.Orders.Cancel(s.as(customer), order.Cancel{Order: o, Reason: "changed_mind", MaxFee: s.Price})
		return errors.Join(err, s.pass(time.Hour))
	}
	if err := s.done(o); err != nil {
		return err
	}
	if _, err := s.Orders.Accept(s.as(customer), order.Accept{Order: o}); err != nil {
		return err
	}
	if err := s.after(customer, o, attempt); err != nil {
		return err
	}
	return s.pass(time.Hour)
}

func (s *season) placed(customer platform.Actor) (order.Order, error) {
	return s.Orders.Place(s.as(customer), order.Place{Lines: []order.PlaceLine{{Listing: s.Listing, Quantity: 1}}, Total: s.Price})
}

// bought is an order that is paid: by some at the second attempt.
func (s *season) bought(customer platform.Actor) (id platform.ID, a payment.Attempt, err error) {
	o, err := s.placed(customer)
	if err != nil {
		return "", a, err
	}
	pay := payment.Pay{Intent: payment.IntentID(o.Ref(), payment.Full), Method: sandbox.OK}
	if s.orders%7 == 3 {
		declined := pay
		declined.Method = sandbox.Decline
		if _, err := s.Payments.Pay(s.as(customer), declined); err != nil {
			return "", a, err
		}
	}
	a, err = s.Payments.Pay(s.as(customer), pay)
	return o.ID, a, err
}

// taken is who has accepted the offer of an order.
func (s *season) taken(o platform.ID) (member context.Context, err error) {
	d, err := s.Dispatch.DispatchOrder(s.as(s.Operator), dispatch.DispatchOrder{Order: o})
	if err != nil {
		return nil, err
	}
	if len(d.Offers) == 0 {
		return nil, fmt.Errorf("order %s has no offer: %w", o, platform.ErrState)
	}
	member = s.as(platform.Actor{ID: d.Offers[0].Member, Kind: platform.Staff, Tenant: s.Writer.Tenant})
	_, err = s.Dispatch.Accept(member, dispatch.Accept{Assignment: d.Offers[0].ID})
	return member, err
}

// done brings a paid order to its delivery.
func (s *season) done(o platform.ID) error {
	member, err := s.taken(o)
	if err != nil {
		return err
	}
	if _, err := s.Orders.Start(member, order.Start{Order: o}); err != nil {
		return err
	}
	if err := s.pass(2 * time.Hour); err != nil {
		return err
	}
	_, err = s.Orders.Deliver(member, order.Deliver{Order: o, Proofs: s.Photo()})
	return err
}

// after is what a customer does about a completed order.
func (s *season) after(customer platform.Actor, o platform.ID, a payment.Attempt) error {
	var err error
	switch {
	case s.orders%11 == 5:
		_, err = s.Orders.RequestRefund(s.as(customer), order.RequestRefund{Order: o, Amount: platform.MustMoney("45.00", "CNY"), Reason: "quality"})
	case s.orders%37 == 20:
		_, err = s.Sandbox.Object(a.Key(), s.Price, "not_as_described")
	case s.orders%6 == 1:
		_, err = s.Invoices.RequestInvoice(s.as(customer), invoice.RequestInvoice{Of: platform.Ref{Kind: "order", ID: o}, Kind: invoice.ForService, Title: invoice.Title{Name: "Demo customer"}})
	case s.orders%5 != 2:
		_, err = s.Reviews.WriteReview(s.as(customer), care.WriteReview{Order: o, Score: 3 + s.chance.IntN(3)})
	}
	return err
}

// settle plans the payouts of a week, and has them approved by another operator.
func (s *season) settle(day time.Time) error {
	year, week := day.ISOWeek()
	run, err := s.Payouts.StartRun(s.as(s.Second), settlement.StartRun{Name: fmt.Sprintf("%d-W%02d", year, week), Currency: "CNY"})
	if err != nil {
		return err
	}
	_, err = s.Payouts.ApproveRun(s.as(s.Operator), settlement.ApproveRun{Run: run.ID})
	return err
}

// today leaves orders that wait for somebody: for the customer's word, the member's
// work, a member, and a payment. The member's time is over by then, so that the
// next order finds somebody free.
func (s *season) today(until time.Time) error {
	if err := s.pass(until.Add(-6 * time.Hour).Sub(s.clock.Now())); err != nil {
		return err
	}
	delivered, _, err := s.bought(s.customers[0])
	if err == nil {
		err = s.done(delivered)
	}
	if err == nil {
		err = s.pass(until.Add(-3 * time.Hour).Sub(s.clock.Now()))
	}
	if err != nil {
		return err
	}
	started, _, err := s.bought(s.customers[1])
	if err != nil {
		return err
	}
	member, err := s.taken(started)
	if err == nil {
		_, err = s.Orders.Start(member, order.Start{Order: started})
	}
	if err == nil {
		err = s.pass(until.Sub(s.clock.Now()))
	}
	if err != nil {
		return err
	}
	if _, _, err = s.bought(s.customers[2]); err == nil {
		_, err = s.placed(s.customers[3])
	}
	return err
}
