package dispute

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Carried is the dispute whose decision is carried out now, with the legs as they
// turn out: what the payer's bank has returned since it was opened is not returned
// again, and what is not there any more is not released. It fails with
// dispute.timer_stale while it may be appealed.
func (d Dispute) Carried(s standing, at time.Time) (Dispute, error) {
	if d.State == Decided && at.Before(d.Due) {
		return Dispute{}, fmt.Errorf("execute dispute %s: %w", d.ID, errStale)
	}
	next, err := d.take("execute", platform.System)
	if err != nil {
		return Dispute{}, err
	}
	r := *d.Ruling()
	r.Legs = slices.Clone(r.Legs)
	zero := less(d.Amount, d.Amount)
	banked := positive(less(s.ChargedBack, d.Banked))
	room := least(positive(s.Room), d.Amount)
	back := least(positive(less(amount(r.Legs, Refund, zero), banked)), room)
	release := least(amount(r.Legs, Release, zero), less(room, back))
	for i := range r.Legs {
		switch r.Legs[i].Kind {
		case Refund:
			r.Legs[i].Amount, r.Legs[i].Done = back, back.Sign() == 0
		case Release:
			r.Legs[i].Amount = release
		default:
			r.Legs[i].Done = true
		}
	}
	if gone := less(less(d.Amount, back), release); gone.Sign() > 0 {
		r.Legs = append(r.Legs, Leg{Kind: Bank, Party: d.Customer, Amount: gone, Done: true})
	}
	next.Rulings = slices.Clone(d.Rulings)
	next.Rulings[len(next.Rulings)-1] = r
	return next.until(at), nil
}

// execute carries the decision out: the refund is handed to the payments,
// compensation and penalty are booked, in one set.
func (s *Service) execute(ctx context.Context, d Dispute, stands standing, at time.Time) (Dispute, []platform.Change, error) {
	next, err := d.Carried(stands, at)
	if err != nil {
		return Dispute{}, nil, err
	}
	legs, zero := next.Ruling().Legs, less(d.Amount, d.Amount)
	changes, err := s.charge(ctx, d, legs, at)
	if err != nil {
		return Dispute{}, nil, err
	}
	if back := amount(legs, Refund, zero); back.Sign() > 0 {
		refunded, err := s.ports.Refunds.Refund(ctx, d.Refund(), d.Order, d.ID, back, next.Ruling().Fault, at)
		if err != nil {
			return Dispute{}, nil, fmt.Errorf("execute dispute %s: %w", d.ID, err)
		}
		changes = append(changes, refunded...)
	}
	next, said, err := next.with(Turn{At: at, Side: "platform", Move: "executed", Amount: amount(legs, Refund, zero)}, nil)
	if slices.ContainsFunc(legs, func(l Leg) bool { return l.Kind == Sanction }) {
		said = append(said, next.happened("referred"))
	}
	return next, append(changes, said...), err
}

// charge books what is given besides the refund, out of what who gives it has.
func (s *Service) charge(ctx context.Context, d Dispute, legs []Leg, at time.Time) (changes []platform.Change, err error) {
	zero := less(d.Amount, d.Amount)
	whole := zero // of the merchant
	for _, l := range legs {
		if l.Kind == Penalty || l.Kind == Compensation && l.Bearer == "merchant" {
			whole = less(whole, l.Amount.Neg())
		}
	}
	var merchants []platform.Leg
	if whole.Sign() > 0 {
		if merchants, err = s.sources(ctx, d.Merchant, whole); err != nil {
			return nil, fmt.Errorf("execute dispute %s: %w", d.ID, err)
		}
	}
	for _, l := range legs {
		var out []platform.Leg
		in := platform.Leg{Role: "payable", Party: d.Customer, Amount: l.Amount.Neg()}
		what := "dispute.compensated"
		switch {
		case l.Kind == Penalty:
			what, in = "fine.imposed", platform.Leg{Role: "penalty", Amount: l.Amount.Neg()}
			out, merchants = split(merchants, l.Amount)
		case l.Kind != Compensation:
			continue
		case l.Bearer == "platform":
			out = []platform.Leg{{Role: "compensation", Amount: l.Amount}}
		case l.Bearer == "staff":
			if out, err = s.sources(ctx, l.Party, l.Amount); err != nil {
				return nil, fmt.Errorf("execute dispute %s: %w", d.ID, err)
			}
		default:
			out, merchants = split(merchants, l.Amount)
		}
		posted, err := s.ports.Books.Post(ctx, what, d.Ref(), at, append(slices.Clip(out), in))
		if err != nil {
			return nil, fmt.Errorf("execute dispute %s: %w", d.ID, err)
		}
		changes = append(changes, posted...)
	}
	return changes, nil
}

// sources are the accounts of who gives an amount.
func (s *Service) sources(ctx context.Context, party platform.ID, amount platform.Money) ([]platform.Leg, error) {
	legs, err := s.ports.Sources.Sources(ctx, party, amount)
	if err != nil {
		return nil, err
	}
	sum := less(amount, amount)
	for _, l := range legs {
		sum = less(sum, l.Amount.Neg())
	}
	if sum != amount {
		return nil, errSources
	}
	return legs, nil
}

// split takes an amount off the front of legs.
func split(legs []platform.Leg, amount platform.Money) (taken, rest []platform.Leg) {
	for _, l := range legs {
		part := least(l.Amount, amount)
		if left := less(l.Amount, part); left.Sign() > 0 {
			rest = append(rest, platform.Leg{Role: l.Role, Of: l.Of, Party: l.Party, Amount: left})
		}
		if amount = less(amount, part); part.Sign() > 0 {
			l.Amount = part
			taken = append(taken, l)
		}
	}
	return taken, rest
}

// finish closes a dispute whose refund the customer has, and frees the rest of the
// hold. Until then it looks again, later and later.
func (s *Service) finish(ctx context.Context, d Dispute, at time.Time) (Dispute, []platform.Change, error) {
	zero := less(d.Amount, d.Amount)
	legs := d.Ruling().Legs
	back := amount(legs, Refund, zero)
	var checks []platform.Change
	if back.Sign() > 0 {
		outcome, held, err := s.ports.Refunds.Refunded(ctx, d.Order, d.Refund())
		if err != nil {
			return Dispute{}, nil, err
		}
		if outcome != "succeeded" {
			return d.again(at), append(held, d.happened("awaiting").Because(outcome)), nil
		}
		checks = held
	}
	next, err := d.take("close", platform.System)
	if err != nil {
		return Dispute{}, nil, err
	}
	freed, err := s.ports.Orders.Free(ctx, d.Order, d.ID, less(d.Amount, back), d.OpenedAt, at)
	if err != nil {
		return Dispute{}, nil, fmt.Errorf("close dispute %s: %w", d.ID, err)
	}
	r := *d.Ruling()
	r.Legs = slices.Clone(legs)
	for i := range r.Legs {
		r.Legs[i].Done = true
	}
	next.Rulings = slices.Clone(d.Rulings)
	next.Rulings[len(next.Rulings)-1] = r
	next.EndedAt = at
	next, said, err := next.ended().with(Turn{At: at, Side: "platform", Move: "closed"}, nil)
	return next, slices.Concat(checks, freed, said), err
}

// again is the dispute that waits for its refund: half a minute at first, twice as
// long each time, at most an hour.
func (d Dispute) again(at time.Time) Dispute {
	wait := min(max(at.Sub(d.Deadline), 30*time.Second), time.Hour)
	d.Due = at.Add(wait)
	return d
}

// timeout is the command of a dispute that is due. It names the moment, so that of
// several ticks only the first finds it still set.
type timeout struct {
	Dispute platform.ID `json:"dispute"`
	Due     time.Time   `json:"due"`
}

// Subject is the dispute.
func (t timeout) Subject() platform.Ref { return platform.Ref{Kind: disputeKind, ID: t.Dispute} }

// Tick does what is due at now: who is silent loses the turn, what is not settled in
// time goes to an arbiter, decisions are carried out and closed, arbiters who are
// late are told of. Each in a commit of its own; of several ticks at once each
// deadline is fired by one. See [platform.Ticker].
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	system := platform.SystemActor("dispute")
	system.Tenant = s.w.Tenant
	ctx = platform.WithoutKey(platform.As(ctx, system))
	due := func(cursor string) (platform.Page[Dispute], error) { return s.store.Due(ctx, now, cursor) }
	return platform.Sweep(ctx, limit, due, func(found Dispute) error { return s.fire(ctx, found, now) })
}

func (s *Service) fire(ctx context.Context, found Dispute, now time.Time) error {
	_, err := onDispute(ctx, s, timeout{found.ID, found.Due}, found.ID, func(ctx context.Context, d Dispute, stands standing, _ platform.Actor, _ time.Time) (Dispute, []platform.Change, error) {
		if d.Due.IsZero() || !d.Due.Equal(found.Due) || d.Due.After(now) {
			return Dispute{}, nil, fmt.Errorf("dispute %s: %w", d.ID, errStale)
		}
		switch {
		case d.State == Executing:
			return s.finish(ctx, d, now)
		case stands.banking:
			return d.paused(s.terms, now)
		case !d.PausedAt.IsZero():
			return d.resumed(s.terms, now)
		case d.State.turns():
			return d.timedOut(s.terms, now)
		case d.State.waits():
			d.Due = s.terms.Calendar.AddDays(now, 1)
			return d, []platform.Change{d.happened("overdue")}, nil
		}
		return s.execute(ctx, d, stands, now)
	})
	if errors.Is(err, platform.ErrState) && !errors.Is(err, errStale) {
		return fmt.Errorf("dispute %s: %w: %s", found.ID, errStuck, err.Error())
	}
	return err
}

// timedOut is the dispute at the end of a turn, or of the time to agree.
func (d Dispute) timedOut(t Terms, at time.Time) (Dispute, []platform.Change, error) {
	turn := Turn{At: at, Side: d.Whose(), Move: "silent"}
	next, err := d.Silent(t, at)
	if err == nil && next.State == Arbitration || !at.Before(d.OpenedAt.Add(t.Escalate)) && errors.Is(err, errStale) {
		turn.Move = "escalated"
		if err != nil {
			next, err = d.escalated(platform.System, t, at)
		}
	}
	if err != nil {
		return Dispute{}, nil, err
	}
	return next.with(turn, nil)
}

// paused is the dispute while the payer's bank decides.
func (d Dispute) paused(t Terms, at time.Time) (Dispute, []platform.Change, error) {
	first := d.PausedAt.IsZero()
	if d.Due = at.Add(t.Pause); !first {
		return d, []platform.Change{d.happened("waiting")}, nil
	}
	d.PausedAt = at
	return d.with(Turn{At: at, Side: "platform", Move: "paused"}, nil)
}

// resumed is the dispute after the bank has decided: whose turn it is has the whole
// time again.
func (d Dispute) resumed(t Terms, at time.Time) (Dispute, []platform.Change, error) {
	switch {
	case d.State.turns():
		d = d.toSpeak(t, at)
	case d.State.waits():
		d = d.until(t.Calendar.AddDays(at, t.Arbitration))
	default:
		d.PausedAt, d.Due = time.Time{}, at
	}
	return d.with(Turn{At: at, Side: "platform", Move: "resumed"}, nil)
}
