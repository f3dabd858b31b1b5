package payment

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Bearer says whose money goes when a payer's bank takes back what was paid.
type Bearer interface {
	// Bear are debits that add up to the amount: accounts of the order and of its
	// parties, each for no more than is free, and of the platform for the rest.
	Bear(ctx context.Context, subject platform.Ref, amount platform.Money) ([]platform.Leg, error)
}

// Disputed is a [Subject] that wants to know how much of its money payers' banks
// have taken back: what is open or lost, in all.
type Disputed interface {
	Disputed(ctx context.Context, subject platform.Ref, back platform.Money, at time.Time) ([]platform.Change, error)
}

// Contest answers a chargeback with evidence.
type Contest struct {
	Chargeback platform.ID `json:"chargeback" validate:"required,id=cbk"`
	Text       string      `json:"text" validate:"required,max=20000"` // why the charge was right; it is sent and not kept
}

// Subject is the chargeback.
func (c Contest) Subject() platform.Ref {
	return platform.Ref{Kind: "payment.chargeback", ID: c.Chargeback}
}

// Contest sends the evidence and returns the chargeback as it is then: under
// review, or answering while the institution's answer is not known. Only its
// digest is kept. Operators may do so, while a response is waited for.
//
// It fails with ErrNotAnswerable otherwise, also where the institution takes no
// answer from us, with ErrTooLate once the time is over, and with ErrCardData for
// a text with a card number in it.
func (s *Service) Contest(ctx context.Context, in Contest) (Chargeback, error) {
	if cardIn(in.Text) {
		return Chargeback{}, platform.Wrong("text", ErrCardData)
	}
	sum := sha256.Sum256([]byte(in.Text))
	return s.respond(ctx, in, in.Chargeback, hex.EncodeToString(sum[:]), func(ctx context.Context, g Disputer, c Chargeback) (Dispute, error) {
		return g.Evidence(ctx, Evidence{Dispute: c.Reference, Text: in.Text})
	})
}

// Concede gives a chargeback up.
type Concede struct {
	Chargeback platform.ID `json:"chargeback" validate:"required,id=cbk"`
}

// Subject is the chargeback.
func (c Concede) Subject() platform.Ref {
	return platform.Ref{Kind: "payment.chargeback", ID: c.Chargeback}
}

// Concede accepts the chargeback at the institution, so that it is lost. It is for
// the same people, and fails, as [Service.Contest].
func (s *Service) Concede(ctx context.Context, in Concede) (Chargeback, error) {
	return s.respond(ctx, in, in.Chargeback, "", func(ctx context.Context, g Disputer, c Chargeback) (Dispute, error) {
		return g.Accept(ctx, c.Reference)
	})
}

// answering is a chargeback whose answer goes out, and who sends it.
type answering struct {
	Chargeback
	By uint64 `json:"by"`
}

// respond claims the answer to a chargeback, gives it and records what was said.
func (s *Service) respond(ctx context.Context, in any, id platform.ID, evidence string, call func(context.Context, Disputer, Chargeback) (Dispute, error)) (Chargeback, error) {
	now, by := s.w.Now(), s.w.IDs()
	c, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (answering, []platform.Change, error) {
		actor, err := platform.ActorOf(ctx)
		if err == nil && actor.Kind != platform.Operator {
			err = ErrActor
		}
		if err != nil {
			return answering{}, nil, fmt.Errorf("answer %s: %w", id, err)
		}
		c, err := s.store.Chargeback(ctx, id)
		if err != nil {
			return answering{}, nil, err
		}
		if _, can, err := s.disputer(c.Institution); err != nil || !can {
			return answering{}, nil, fmt.Errorf("answer %s: %w", id, cmp.Or(err, ErrNotAnswerable))
		}
		next, err := c.Answer(evidence, now, now.Add(s.opts.Answer))
		if err != nil {
			return answering{}, nil, err
		}
		return answering{next, by}, []platform.Change{platform.Put(next), next.event()}, nil
	})
	if err != nil {
		return Chargeback{}, err
	}
	later := context.WithoutCancel(ctx)
	if c.By != by { // the answer to a repeat
		return s.store.Chargeback(later, id)
	}
	g, _, err := s.disputer(c.Institution)
	if err != nil {
		return Chargeback{}, err
	}
	limit, cancel := context.WithTimeout(ctx, min(s.opts.Call, s.opts.Answer))
	defer cancel()
	d, err := call(limit, g, c.Chargeback)
	if errors.Is(err, ErrRefused) || errors.Is(err, ErrDeclined) { // it may have ended, or be answered, there
		d, err = g.Dispute(limit, c.Reference)
	}
	if err != nil { // nobody knows: Tick asks
		return s.store.Chargeback(later, id)
	}
	next, err := s.disputed(later, c.payment(), c.Round, d, true, nil, now)
	if errors.Is(err, ErrNothingNew) {
		return s.store.Chargeback(later, id)
	}
	return next, err
}

// disputer is the institution of that name, and whether it takes answers.
func (s *Service) disputer(institution string) (_ Disputer, can bool, _ error) {
	g, err := s.gateway(institution)
	if err != nil {
		return nil, false, err
	}
	d, can := g.(Disputer)
	return d, can, nil
}

// Decide tells how a chargeback ended, as an operator found it at the institution.
type Decide struct {
	Chargeback platform.ID    `json:"chargeback" validate:"required,id=cbk"`
	Lost       platform.Money `json:"lost,omitzero"` // for good; absent or zero when it was won
	Reason     string         `json:"reason" validate:"required,max=64,printascii"`
}

// Subject is the chargeback.
func (d Decide) Subject() platform.Ref {
	return platform.Ref{Kind: "payment.chargeback", ID: d.Chargeback}
}

// Decide ends the chargeback: for institutions that tell nobody how. Only
// operators may do so. It fails with ErrNotAnswerable at an end, and with
// ErrAmount for more than was taken.
func (s *Service) Decide(ctx context.Context, in Decide) (Chargeback, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Chargeback, []platform.Change, error) {
		if actor, err := platform.ActorOf(ctx); err != nil || actor.Kind != platform.Operator {
			return Chargeback{}, nil, fmt.Errorf("decide %s: %w", in.Chargeback, errors.Join(err, ErrActor))
		}
		c, err := s.store.Chargeback(ctx, in.Chargeback)
		if err != nil {
			return Chargeback{}, nil, err
		}
		now := s.w.Now()
		next, err := c.Decide(in.Lost, now)
		if err != nil {
			return Chargeback{}, nil, err
		}
		found, err := s.store.Found(ctx, append(asked(c.Subject), c.payment().Ref())...)
		if err != nil {
			return Chargeback{}, nil, err
		}
		changes, err := s.decided(ctx, found, c, next, now)
		return next, append(changes, next.event().Because(in.Reason)), err
	})
}

// Reverse tells of a charge, or a part of it, that an institution took back for
// reasons of its own.
type Reverse struct {
	Attempt   platform.ID    `json:"attempt" validate:"required,id=att"`
	Amount    platform.Money `json:"amount" validate:"required"`
	Reference string         `json:"reference" validate:"required,max=255,printascii"` // the institution's own; counts once
}

// Subject is the attempt.
func (r Reverse) Subject() platform.Ref {
	return platform.Ref{Kind: "payment.attempt", ID: r.Attempt}
}

// Reverse books the money as a chargeback that was lost at once, and returns it: a
// new fact, which changes none that was recorded. Operators and the system may do
// so. It fails with ErrNotPayable unless an institution captured the attempt, with
// ErrAmount unless the amount is positive and the one that is recorded under the
// reference, if any, and with ErrReturnExceeds for more than nobody has given or
// taken back.
func (s *Service) Reverse(ctx context.Context, in Reverse) (Chargeback, error) {
	if err := platform.Validate(in); err != nil {
		return Chargeback{}, err
	}
	if err := s.allowed(ctx, "payment.reverse", in.Subject()); err != nil {
		return Chargeback{}, err
	}
	if err := platformOnly(ctx); err != nil {
		return Chargeback{}, fmt.Errorf("reverse %s: %w", in.Attempt, err)
	}
	a, err := s.store.Attempt(ctx, in.Attempt)
	switch {
	case err != nil:
		return Chargeback{}, err
	case a.State != AttemptCaptured || a.Institution == "":
		return Chargeback{}, fmt.Errorf("reverse %s: %w", in.Attempt, ErrNotPayable)
	case in.Amount.Sign() <= 0:
		return Chargeback{}, fmt.Errorf("reverse %s: %w", in.Attempt, ErrAmount)
	}
	known, err := s.store.Chargeback(ctx, ChargebackID(a.ID, a.Institution, in.Reference, 1))
	if err == nil && (!known.Open() || known.Amount != in.Amount) {
		return known.reversed(in)
	}
	if err != nil && !errors.Is(err, platform.ErrNotFound) {
		return Chargeback{}, err
	}
	d := Dispute{Reference: in.Reference, Charge: a.Key(), Amount: in.Amount, State: DisputeLost, Reason: "reversed"}
	c, err := s.disputed(context.WithoutCancel(ctx), a, 1, d, true, nil, s.w.Now())
	if errors.Is(err, ErrNothingNew) {
		if c, err = s.store.Chargeback(ctx, ChargebackID(a.ID, a.Institution, in.Reference, 1)); err == nil {
			return c.reversed(in)
		}
	}
	return c, err
}

// reversed is the chargeback as the answer to a reversal under its reference.
func (c Chargeback) reversed(in Reverse) (Chargeback, error) {
	if c.Amount != in.Amount {
		return Chargeback{}, platform.Detail(fmt.Errorf("reverse %s: %w", in.Attempt, ErrAmount), "recorded", c.Amount)
	}
	return c, nil
}

// Chargeback is one chargeback, to operators and auditors.
func (s *Service) Chargeback(ctx context.Context, id platform.ID) (Chargeback, error) {
	c, err := s.store.Chargeback(ctx, id)
	if err == nil {
		err = s.visible(ctx, "", c.Ref())
	}
	if err != nil {
		return Chargeback{}, err
	}
	return c, nil
}

// Chargebacks is a page of those in a state, to operators and auditors.
func (s *Service) Chargebacks(ctx context.Context, state ChargebackState, cursor string) (platform.Page[Chargeback], error) {
	if err := s.visible(ctx, "", platform.Ref{Kind: "payment.chargeback"}); err != nil {
		return platform.Page[Chargeback]{}, err
	}
	return s.store.Chargebacks(ctx, state, cursor)
}

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
	return s.unless(ctx, err, n, at)
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
	a.Disputed = disputed
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
		freed, wrong := stays.Sub(was.Counts)
		if err = wrong; err == nil {
			a.Disputed, err = a.Disputed.Add(freed)
		}
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
	back := changed.Disputed
	var changes []platform.Change
	for _, a := range attempts {
		if a.ID == changed.ID || a.Disputed.Absent() {
			continue
		}
		if back, err = back.Add(a.Disputed); err != nil {
			return nil, err
		}
		changes = append(changes, platform.Unchanged(a))
	}
	told, err := subject.Disputed(ctx, changed.Subject, back, at)
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
