package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// When the rest of an order with a deposit must be there.
const beforeStart = "before_start" // or the work does not begin; so does ""

// deposit is what confirms an order of a total; absent where all of it does.
func (t Terms) deposit(total platform.Money) (platform.Money, error) {
	if t.Deposit == 0 || total.Minor() < 2 { // two payments of something
		return platform.Money{}, nil
	}
	part, err := total.MulRate(decimal.New(int64(t.Deposit), -2), platform.HalfUp)
	if err != nil {
		return platform.Money{}, err
	}
	least, err := platform.FromMinor(1, total.Currency())
	if part.Sign() == 0 {
		part = least
	}
	return part, err
}

// needed is what must be secured before the order is confirmed, and before the work
// begins where the rest may come later.
func (o Order) needed() platform.Money { return or(o.Deposit, o.price()) }

// before is what must be secured before the work begins.
func (o Order) before() platform.Money {
	if o.Terms.Balance == onCompletion {
		return o.needed()
	}
	return o.price()
}

// balanceBy is until when the rest can be paid; zero for as long as it is missing.
func (o Order) balanceBy() time.Time {
	if o.Terms.Balance == onCompletion || o.PlannedStart.IsZero() {
		return time.Time{}
	}
	by := o.PlannedStart.Add(-o.Windows.or(usual).Balance)
	if soon := o.PlacedAt.Add(o.Windows.Pay); by.Before(soon) {
		return soon
	}
	return by
}

// awaitBalance sets the deadline of the rest of an order that is confirmed by its
// deposit, while there is one.
func (o *Order) awaitBalance() {
	by := o.balanceBy()
	if !o.Deposit.Absent() && !by.IsZero() && slices.Contains(states{Confirmed, Assigned}, o.State) && o.lacks(o.price()).Sign() > 0 {
		o.arm(balanceTimer, by)
	}
}

// askInTwo asks for the deposit, which is taken at once, and for the rest.
func (s *Service) askInTwo(ctx context.Context, o Order) ([]platform.Change, error) {
	first, err := s.ports.Payments.Ask(ctx, o.Ref(), "deposit", o.Deposit, o.Due())
	if err != nil {
		return nil, fmt.Errorf("ask for the deposit of order %s: %w", o.ID, err)
	}
	rest, err := s.askBalance(ctx, o)
	return append(first, rest...), err
}

func (s *Service) askBalance(ctx context.Context, o Order) ([]platform.Change, error) {
	changes, err := s.demand(ctx, o, "balance", plus(o.Total, o.Deposit.Neg()), o.balanceBy())
	if err != nil {
		return nil, fmt.Errorf("ask for the balance of order %s: %w", o.ID, err)
	}
	return changes, nil
}

// moveBalance asks for the rest until the new time, after the plan was moved.
func (s *Service) moveBalance(ctx context.Context, o Order) (Order, []platform.Change, error) {
	if o.Deposit.Absent() || o.lacks(o.price()).Sign() == 0 {
		return o, nil, nil
	}
	changes, err := s.askBalance(ctx, o)
	if o.awaitBalance(); err != nil {
		return Order{}, nil, err
	}
	return o, changes, nil
}

// unbalanced ends an order whose rest has not come in time, as if its customer had
// cancelled it: by its policy, out of the deposit. It waits while the outcome of an
// attempt to pay is to come.
func (s *Service) unbalanced(ctx context.Context, o Order, refund platform.ID, at time.Time) (Order, []platform.Change, error) {
	system := platform.SystemActor("order")
	in := Cancel{Order: o.ID, Fault: CustomerFault}
	q, err := s.quoteCancel(ctx, o, in, system, at)
	if err != nil {
		return Order{}, nil, err
	}
	next, changes, err := s.cancel(ctx, o, q, refund, "balance_unpaid", system.Kind, at)
	if errors.Is(err, platform.ErrState) {
		o.arm(balanceTimer, at.Add(o.Windows.PayRetry))
		return o, []platform.Change{o.happened("payment_awaited")}, nil
	}
	return next, changes, err
}
