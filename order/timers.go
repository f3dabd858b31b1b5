package order

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Timer is a deadline of an order: what happens by itself, and when. Every
// change of state or deadline raises the generation, and a timer of an older
// one is void.
type Timer struct {
	Name       string    `json:"name" class:"internal"`
	At         time.Time `json:"at" class:"internal"`
	Generation int       `json:"generation" class:"internal"`
}

// The deadlines. An order has at most one at a time.
const (
	payTimer     = "pay"     // awaiting payment: expires
	answerTimer  = "answer"  // confirmed by money, not by the merchant: declined
	balanceTimer = "balance" // confirmed by a deposit: cancelled without the rest
	acceptTimer  = "accept"  // delivered: accepted
	reworkTimer  = "rework"  // handed back for too long: told, once
	closeTimer   = "close"   // completed, or cancelled with a fee: closes
	staffTimer   = "staff"   // a member did not come: cancelled, unless another does
)

// Windows are the lengths of an order's deadlines. An order keeps those under
// which it was placed.
type Windows struct {
	Pay        time.Duration `json:"pay_ns" class:"internal"`                   // placed → expired; if zero, 15 minutes
	PayRetry   time.Duration `json:"pay_retry_ns" class:"internal"`             // while an attempt is open; if zero, 2 minutes
	PayGrace   time.Duration `json:"pay_grace_ns" class:"internal"`             // past Pay, after which an open attempt no longer helps; if zero, 30 minutes
	Answer     time.Duration `json:"answer_ns" class:"internal"`                // the merchant's; if zero, 30 minutes
	StartEarly time.Duration `json:"start_early_ns" class:"internal"`           // before the planned start; if zero, 60 minutes
	Balance    time.Duration `json:"balance_ns,omitempty" class:"internal"`     // before the planned start, by which the rest after a deposit must be there; if zero, 24 hours
	Tip        time.Duration `json:"tip_ns,omitempty" class:"internal"`         // asked → expired; if zero, 24 hours
	Change     time.Duration `json:"change_ns,omitempty" class:"internal"`      // proposed → expired; if zero, 24 hours
	ChangeLead time.Duration `json:"change_lead_ns,omitempty" class:"internal"` // before the planned start, after which none is proposed; if zero, 1 hour
	Restaff    time.Duration `json:"restaff_ns,omitempty" class:"internal"`     // a member did not come → cancelled unless another does; if zero, 30 minutes
	Wait       time.Duration `json:"wait_ns,omitempty" class:"internal"`        // from start and arrival, until the customer is a no-show; if zero, 15 minutes
	Contact    time.Duration `json:"contact_ns,omitempty" class:"internal"`     // between two attempts to reach the customer; if zero, 5 minutes
	Forgive    time.Duration `json:"forgive_ns,omitempty" class:"internal"`     // after a no-show, in which another is charged; if zero, 180 days
	Accept     time.Duration `json:"accept_ns" class:"internal"`                // from the last delivery; if zero, 72 hours
	Rework     time.Duration `json:"rework_ns" class:"internal"`                // from the first delivery; if zero, 14 days
	Close      time.Duration `json:"close_ns" class:"internal"`                 // from completion; if zero, 7 days
	CloseRetry time.Duration `json:"close_retry_ns" class:"internal"`           // while something is pending, also what accepts by itself; if zero, 24 hours
}

const day = 24 * time.Hour

// usual are the windows that hold where none are set.
var usual = Windows{
	Pay: 15 * time.Minute, PayRetry: 2 * time.Minute, PayGrace: 30 * time.Minute, Answer: 30 * time.Minute, StartEarly: time.Hour,
	Balance: day, Tip: day, Change: day, ChangeLead: time.Hour, Restaff: 30 * time.Minute, Wait: 15 * time.Minute, Contact: 5 * time.Minute, Forgive: 180 * day,
	Accept: 72 * time.Hour, Rework: 14 * day, Close: 7 * day, CloseRetry: day,
}

func (w Windows) ready() Windows { return w.or(usual) }

// or is w with the zero fields of others.
func (w Windows) or(others Windows) Windows {
	return Windows{
		Pay: cmp.Or(w.Pay, others.Pay), PayRetry: cmp.Or(w.PayRetry, others.PayRetry), PayGrace: cmp.Or(w.PayGrace, others.PayGrace),
		Answer: cmp.Or(w.Answer, others.Answer), StartEarly: cmp.Or(w.StartEarly, others.StartEarly), Accept: cmp.Or(w.Accept, others.Accept),
		Balance: cmp.Or(w.Balance, others.Balance), Tip: cmp.Or(w.Tip, others.Tip), Change: cmp.Or(w.Change, others.Change), ChangeLead: cmp.Or(w.ChangeLead, others.ChangeLead),
		Restaff: cmp.Or(w.Restaff, others.Restaff), Wait: cmp.Or(w.Wait, others.Wait),
		Contact: cmp.Or(w.Contact, others.Contact), Forgive: cmp.Or(w.Forgive, others.Forgive),
		Rework: cmp.Or(w.Rework, others.Rework), Close: cmp.Or(w.Close, others.Close), CloseRetry: cmp.Or(w.CloseRetry, others.CloseRetry),
	}
}

// extremes are the shortest and the longest of the windows.
func (w Windows) extremes() (shortest, longest time.Duration) {
	all := []time.Duration{w.Pay, w.PayRetry, w.PayGrace, w.Answer, w.StartEarly, w.Balance, w.Tip, w.Change, w.ChangeLead, w.Restaff, w.Wait, w.Contact, w.Forgive, w.Accept, w.Rework, w.Close, w.CloseRetry}
	shortest, longest = all[0], all[0]
	for _, d := range all {
		shortest, longest = min(shortest, d), max(longest, d)
	}
	return shortest, longest
}

// Due is the order's earliest deadline; zero when it has none.
func (o Order) Due() time.Time {
	var due time.Time
	for _, t := range o.Timers {
		if due.IsZero() || t.At.Before(due) {
			due = t.At
		}
	}
	return due
}

func (o Order) timer(name string) bool {
	for _, t := range o.Timers {
		if t.Name == name {
			return true
		}
	}
	return false
}

// arm sets the order's deadline in place of any other.
func (o *Order) arm(name string, at time.Time) {
	o.Generation++
	o.Timers = []Timer{{Name: name, At: at, Generation: o.Generation}}
}

// disarm ends every deadline.
func (o *Order) disarm() {
	o.Generation++
	o.Timers = nil
}

// timeout is the command of a timer that is due. It names the generation, so
// that of several ticks only the first finds it still set.
type timeout struct {
	Order      platform.ID `json:"order"`
	Timer      string      `json:"timer"`
	Generation int         `json:"generation"`
}

// Subject is the order.
func (t timeout) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: t.Order} }

// pending finds the timer in the order, if it is still set and due.
func (t timeout) pending(o Order, now time.Time) error {
	for _, set := range o.Timers {
		if set.Name == t.Timer && set.Generation == t.Generation && !set.At.After(now) {
			return nil
		}
	}
	return fmt.Errorf("%s of order %s: %w", t.Timer, t.Order, errTimerStale)
}

// Tick fires what is due at now: orders expire unpaid, are declined unanswered,
// accepted, closed; changes are applied or expire, tips are released or expire. Each in a commit of its own; of several ticks at once each
// deadline is fired by one. See [platform.Ticker].
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	system := platform.SystemActor("order")
	system.Tenant = s.w.Tenant
	ctx = platform.WithoutKey(platform.As(ctx, system))
	due := func(cursor string) (platform.Page[Order], error) { return s.store.Due(ctx, now, cursor) }
	fired, failed := platform.Sweep(ctx, limit, due, func(found Order) error { return s.fire(ctx, found, now) })
	if fired >= platform.TickLimit(limit) {
		return fired, failed
	}
	changes := func(cursor string) (platform.Page[Change], error) { return s.store.DueChanges(ctx, now, cursor) }
	more, err := platform.Sweep(ctx, platform.TickLimit(limit)-fired, changes, func(found Change) error { return s.ripe(ctx, found, now) })
	fired, failed = fired+more, errors.Join(failed, err)
	if fired >= platform.TickLimit(limit) {
		return fired, failed
	}
	tips := func(cursor string) (platform.Page[Tip], error) { return s.store.DueTips(ctx, now, cursor) }
	more, err = platform.Sweep(ctx, platform.TickLimit(limit)-fired, tips, func(found Tip) error { return s.ripeTip(ctx, found, now) })
	return fired + more, errors.Join(failed, err)
}

// fire carries out the first deadline of an order that a scan found. What is
// refused although the deadline is still set was fired by nobody else: it is
// told as a failure, since a sweep passes over an ErrState.
func (s *Service) fire(ctx context.Context, found Order, now time.Time) error {
	if len(found.Timers) == 0 {
		return nil
	}
	first := found.Timers[0]
	in := timeout{Order: found.ID, Timer: first.Name, Generation: first.Generation}
	refund := s.w.NewChild("rfd", found.ID)
	_, err := onOrder(ctx, s, in, found.ID, func(ctx context.Context, o Order, _ platform.Actor, _ time.Time) (Order, []platform.Change, error) {
		if err := in.pending(o, now); err != nil {
			return Order{}, nil, err
		}
		switch in.Timer {
		case payTimer:
			return s.expire(ctx, o, refund, now)
		case answerTimer:
			return s.decline(ctx, o, refund, "answer_timeout", platform.System, now)
		case balanceTimer:
			return s.unbalanced(ctx, o, refund, now)
		case acceptTimer:
			if o.Contested.Sign() > 0 {
				o.arm(acceptTimer, now.Add(o.Windows.CloseRetry))
				return o, []platform.Change{o.happened("accept_deferred")}, nil
			}
			return s.accept(ctx, o, platform.System, now)
		case staffTimer:
			return s.unmanned(ctx, o, refund, now)
		case closeTimer:
			return s.finish(ctx, o, now)
		}
		o.disarm()
		return o, []platform.Change{o.happened("overdue")}, nil
	})
	if errors.Is(err, platform.ErrState) && !errors.Is(err, errTimerStale) {
		return fmt.Errorf("%s of order %s: %w: %s", in.Timer, in.Order, errTimerStuck, err.Error())
	}
	return err
}

// expire ends an order that was not paid in time. While an attempt is open it
// waits a little, but not for ever: money that still comes is then surplus.
func (s *Service) expire(ctx context.Context, o Order, refund platform.ID, at time.Time) (Order, []platform.Change, error) {
	next, err := o.take("expire", platform.System, at)
	if err != nil {
		return Order{}, nil, err
	}
	changes, err := s.unask(ctx, o)
	late := at.Sub(o.PlacedAt) >= o.Windows.Pay+o.Windows.PayGrace
	switch {
	case errors.Is(err, platform.ErrState) && !late:
		o.arm(payTimer, at.Add(o.Windows.PayRetry))
		return o, []platform.Change{o.happened("payment_awaited")}, nil
	case err != nil && !errors.Is(err, platform.ErrState):
		return Order{}, nil, err
	}
	next.EndedAt = at
	next, back, err := s.giveBack(ctx, next.letGo(), next.refundAll(refund, "expired", at), at)
	if err != nil {
		return Order{}, nil, err
	}
	return next, append(append(changes, back...), next.happened("expired")), nil
}
