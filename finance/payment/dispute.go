package payment

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
// have taken back: what is open or lost, in all, and of it what is open.
type Disputed interface {
	Disputed(ctx context.Context, subject platform.Ref, back, contested platform.Money, at time.Time) ([]platform.Change, error)
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
