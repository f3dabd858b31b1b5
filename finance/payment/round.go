package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// takeDispute brings a notice of a dispute to its chargeback, once the institution
// has confirmed it. One that takes no answers is believed what it signed.
func (s *Service) takeDispute(ctx context.Context, n Received, a Attempt, known []Chargeback, at time.Time) error {
	if a.Institution != n.Institution {
		return s.settle(ctx, n, NoticeUnmatched, at)
	}
	if a.State != AttemptCaptured { // the payment itself is not recorded yet
		return s.settle(ctx, n, NoticeWaiting, at)
	}
	g, can, err := s.disputer(n.Institution)
	if err != nil {
		return err
	}
	round := len(known)
	if round == 0 || !known[round-1].Open() {
		round++
	}
	d := Dispute{Reference: n.Dispute, Charge: n.Key, Amount: n.Amount, Reason: n.Code, State: DisputeOpen}
	if can {
		call, cancel := context.WithTimeout(ctx, s.opts.Call)
		defer cancel()
		if d, err = g.Dispute(call, n.Dispute); err != nil {
			return s.settle(ctx, n, NoticeWaiting, at)
		}
	}
	if d.Charge != a.Key() || d.Reference != n.Dispute {
		return s.settle(ctx, n, NoticeUnmatched, at)
	}
	n.State, n.Due = NoticeApplied, time.Time{}
	_, err = s.disputed(ctx, a, round, d, can, &n, at)
	if !errors.Is(err, ErrNothingNew) {
		return err
	}
	found, err := s.store.Found(ctx, rounds(a, d.Reference)...)
	if err != nil {
		return err
	}
	if rounds := len(found.Chargebacks); rounds > 0 && found.Chargebacks[rounds-1].Contradicts(d) {
		return s.settle(ctx, n, NoticeUnmatched, at)
	}
	return s.settle(ctx, n, NoticeFiled, at)
}

// floors is how often a chargeback is decided anew because somebody else took from
// the accounts of those who bear it; then the platform bears it.
const floors = 5

// rounds are all rounds that a dispute of a payment may have.
func rounds(a Attempt, reference string) (refs []platform.Ref) {
	for round := 1; round <= maxRounds; round++ {
		refs = append(refs, platform.Ref{Kind: "payment.chargeback", ID: ChargebackID(a.ID, a.Institution, reference, round)})
	}
	return refs
}

// disputed records what an institution says about a round of a dispute of a
// payment, the one that was open when it was asked or the next: it opens the
// round, or moves it. It fails with ErrNothingNew when all of it was known.
func (s *Service) disputed(ctx context.Context, a Attempt, round int, d Dispute, answers bool, n *Received, at time.Time) (Chargeback, error) {
	for try := 1; ; try++ {
		c, err := s.dispute(ctx, a, round, d, answers, n, at, try > floors)
		if platform.Code(err) == "floor" && try <= floors {
			continue
		}
		if err != nil || d.State == DisputeOpen || c.State != ChargebackNeedsResponse {
			return c, err
		}
		n = nil // opened just now, and further there
	}
}

// disputing is what is recorded of a dispute.
type disputing struct {
	Attempt platform.ID
	Dispute Dispute
}

// Subject is the attempt.
func (d disputing) Subject() platform.Ref {
	return platform.Ref{Kind: "payment.attempt", ID: d.Attempt}
}

// dispute decides on one step: it opens a round, or moves the one that is open.
func (s *Service) dispute(ctx context.Context, a Attempt, round int, d Dispute, answers bool, n *Received, at time.Time, ours bool) (Chargeback, error) {
	refs := append(append(asked(a.Subject), a.Ref()), rounds(a, d.Reference)...)
	if n != nil {
		refs = append(refs, n.Ref())
	}
	return persist(ctx, s, disputing{a.ID, d}, func(ctx context.Context) (Chargeback, []platform.Change, error) {
		found, err := s.store.Found(ctx, refs...)
		if err == nil && len(found.Attempts) == 0 {
			err = platform.NotFound(a.Ref())
		}
		if err != nil {
			return Chargeback{}, nil, err
		}
		c, changes, err := s.step(ctx, found, round, d, answers, n == nil, at, ours)
		if err == nil {
			changes, err = n.filed(found.Notices, changes)
		}
		if err != nil {
			return Chargeback{}, nil, err
		}
		return c, append(changes, c.event()), nil
	})
}

// step moves the round that is open, or opens the next one, by a notice or a
// person's word.
func (s *Service) step(ctx context.Context, found Records, round int, d Dispute, answers, person bool, at time.Time, ours bool) (c Chargeback, changes []platform.Change, err error) {
	var last Chargeback
	if rounds := len(found.Chargebacks); rounds > 0 {
		last = found.Chargebacks[rounds-1]
	}
	begins := last.Round == 0 && d.State != DisputeWon || d.State == DisputeOpen && last.State != ChargebackLost // what is lost is not taken again
	switch {
	case last.Open() && last.Round == round:
		if c, err = last.Learn(d, at); err == nil {
			changes, err = s.decided(ctx, found, last, c, at)
		}
	case begins && !last.Open() && last.Round+1 == round && round <= maxRounds:
		if person {
			err = found.Attempts[0].has(d.Amount)
		}
		if err == nil {
			c, changes, err = s.opens(ctx, found, d, round, answers, at, ours)
		}
	default:
		err = fmt.Errorf("dispute of %s: %w", found.Attempts[0].ID, ErrNothingNew)
	}
	return c, changes, err
}

// opens is a new round: the money is gone from the institution, and what those
// have who bear it is set aside.
func (s *Service) opens(ctx context.Context, found Records, d Dispute, round int, answers bool, at time.Time, ours bool) (Chargeback, []platform.Change, error) {
	a := found.Attempts[0]
	c := Chargeback{
		Head:    platform.Head{ID: ChargebackID(a.ID, a.Institution, d.Reference, round)},
		Subject: a.Subject, Attempt: a.ID, Payer: a.Payer, Institution: a.Institution, Reference: d.Reference, Round: round,
		State: ChargebackNeedsResponse, Amount: d.Amount, Counts: d.Amount, Before: a.Returned, Reason: d.Reason, RespondBy: d.Due, OpenedAt: at,
	}
	if !answers {
		c.State = ChargebackManual
	}
	foreign := d.Amount.Currency() != a.Received.Currency()
	if foreign {
		c.Counts = a.unreturned()
	}
	c = c.waits(at)
	disputed, err := sum(a.Disputed, c.Counts)
	if err != nil {
		return Chargeback{}, nil, err
	}
	contested, err := sum(a.Contested, c.Counts)
	if err != nil {
		return Chargeback{}, nil, err
	}
	a.Disputed, a.Contested = disputed, contested
	c.Legs = []platform.Leg{{Role: "chargeback_loss", Amount: c.Amount}}
	if s.ports.Bearer != nil && !foreign && !ours {
		if c.Legs, err = s.ports.Bearer.Bear(ctx, a.Subject, c.Amount); err != nil {
			return Chargeback{}, nil, fmt.Errorf("bear %s: %w", c.ID, err)
		}
	}
	gone := platform.Leg{Role: "chargeback", Of: c.ID, Amount: c.Amount.Neg()}
	taken, one := s.ports.Books.Post(ctx, "chargeback.received", c.Ref(), at, []platform.Leg{
		{Role: "chargeback", Of: c.ID, Amount: c.Amount}, {Role: "clearing", Party: platform.ID(c.Institution), Amount: gone.Amount},
	})
	held, two := s.ports.Books.Post(ctx, "chargeback.held", c.Ref(), at, append(slices.Clone(c.Legs), gone))
	mirror, three := s.mirrors(ctx, found.Intents, a, at)
	if err := errors.Join(one, two, three); err != nil {
		return Chargeback{}, nil, fmt.Errorf("open %s: %w", c.ID, err)
	}
	return c, slices.Concat([]platform.Change{platform.Put(c), platform.Put(a)}, taken, held, mirror), nil
}

// decided are the changes of a chargeback that has moved: at its end its hold, the
// payment and the subject too.
func (s *Service) decided(ctx context.Context, found Records, was, next Chargeback, at time.Time) ([]platform.Change, error) {
	if next.Open() {
		return []platform.Change{platform.Put(next)}, nil
	}
	if len(found.Attempts) == 0 {
		return nil, platform.NotFound(next.payment().Ref())
	}
	a := found.Attempts[0]
	stays, err := next.stays()
	if err == nil {
		next.Counts = stays
		a, err = a.decided(was.Counts, stays)
	}
	if err != nil {
		return nil, fmt.Errorf("end %s: %w", next.ID, err)
	}
	var legs []platform.Leg
	switch next.State {
	case ChargebackWon:
		legs = []platform.Leg{{Role: "clearing", Party: platform.ID(next.Institution), Amount: next.Amount}, {Role: "chargeback", Of: next.ID, Amount: next.Amount.Neg()}}
	case ChargebackPartlyLost:
		if legs, err = next.partly(); err != nil {
			return nil, fmt.Errorf("end %s: %w", next.ID, err)
		}
	}
	books, one := s.ports.Books.Post(ctx, "chargeback."+string(next.State), next.Ref(), at, legs)
	mirror, two := s.mirrors(ctx, found.Intents, a, at)
	if err := errors.Join(one, two); err != nil {
		return nil, fmt.Errorf("end %s: %w", next.ID, err)
	}
	return slices.Concat([]platform.Change{platform.Put(next), platform.Put(a)}, books, mirror), nil
}

// decided is the payment with an amount that was contested, and what of it stays
// taken.
func (a Attempt) decided(contested, stays platform.Money) (Attempt, error) {
	freed, one := stays.Sub(contested)
	disputed, two := sum(a.Disputed, freed)
	open, three := a.Contested.Sub(contested)
	a.Disputed, a.Contested = disputed, open
	return a, errors.Join(one, two, three)
}

// mirrors tells a subject that wants to know how much was taken back, with the
// payment as it will be.
func (s *Service) mirrors(ctx context.Context, intents []Intent, changed Attempt, at time.Time) ([]platform.Change, error) {
	subject, wants := s.ports.Subject.(Disputed)
	if !wants {
		return nil, nil
	}
	var ids []platform.ID
	for _, i := range intents {
		ids = append(ids, i.Paid...)
	}
	attempts, err := s.store.Attempts(ctx, ids...)
	if err != nil {
		return nil, err
	}
	back, contested := changed.Disputed, changed.Contested
	var changes []platform.Change
	for _, a := range attempts {
		if a.ID == changed.ID || a.Disputed.Absent() {
			continue
		}
		var one, two error
		back, one = back.Add(a.Disputed)
		contested, two = contested.Add(a.Contested)
		if err := errors.Join(one, two); err != nil {
			return nil, err
		}
		changes = append(changes, platform.Unchanged(a))
	}
	told, err := subject.Disputed(ctx, changed.Subject, back, contested, at)
	return append(changes, told...), err
}

// askChargeback asks the institution how a dispute stands.
func (s *Service) askChargeback(due Chargeback, now time.Time) errand {
	var d Dispute
	heard := false
	return errand{
		ask: func(ctx context.Context) error {
			g, can, err := s.disputer(due.Institution)
			if err != nil || !can {
				return err
			}
			call, cancel := context.WithTimeout(ctx, s.opts.Call)
			defer cancel()
			found, err := g.Dispute(call, due.Reference)
			arrives := due.State == ChargebackAnswering && found.State == DisputeOpen && !due.Missed(now)
			if heard = err == nil && !arrives; heard {
				d = found
			}
			return nil
		},
		then: func(ctx context.Context) error {
			err := ErrNothingNew
			if heard {
				_, err = s.disputed(context.WithoutCancel(ctx), due.payment(), due.Round, d, true, nil, now)
			}
			if errors.Is(err, ErrNothingNew) {
				err = s.wait(ctx, due, now)
			}
			return err
		},
	}
}

// waiting is a chargeback about which nothing new was heard.
type waiting struct{ Chargeback platform.ID }

// Subject is the chargeback.
func (w waiting) Subject() platform.Ref {
	return platform.Ref{Kind: "payment.chargeback", ID: w.Chargeback}
}

func (s *Service) wait(ctx context.Context, due Chargeback, now time.Time) error {
	_, err := persist(ctx, s, waiting{due.ID}, func(ctx context.Context) (Chargeback, []platform.Change, error) {
		c, err := s.store.Chargeback(ctx, due.ID)
		if err != nil {
			return Chargeback{}, nil, err
		}
		next, warned, err := c.Waited(now)
		if err != nil {
			return Chargeback{}, nil, err
		}
		what := "chargeback.waiting"
		if warned {
			what = "chargeback.due"
		}
		return next, []platform.Change{platform.Put(next), platform.Happened(what, next.Ref(), next.facts())}, nil
	})
	return err
}
