package payment

import (
	"context"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Look asks the institution about an attempt now, without waiting for its time.
type Look struct {
	Attempt platform.ID `json:"attempt" validate:"required,id=att"`
}

// Subject is the attempt.
func (l Look) Subject() platform.Ref { return platform.Ref{Kind: "payment.attempt", ID: l.Attempt} }

// Look returns the attempt as it is after the institution was asked: for the
// page to which a payer comes back, and for an operator with a manual one. An
// answer that tells nothing changes nothing. It needs no key. It fails with
// ErrNotFound for another payer's attempt, and with ErrInstitution for one of an
// institution that is not wired.
func (s *Service) Look(ctx context.Context, in Look) (Attempt, error) {
	if err := platform.Validate(in); err != nil {
		return Attempt{}, err
	}
	if err := s.allowed(ctx, "payment.look", in.Subject()); err != nil {
		return Attempt{}, err
	}
	a, err := s.Attempt(ctx, in.Attempt)
	if err != nil || !slices.Contains(undecided, a.State) {
		return a, err
	}
	next, err := s.look(ctx, a, s.w.Now(), false)
	return s.answer(ctx, next, err, a.ID)
}

// look asks the institution how an attempt stands, and records the answer.
func (s *Service) look(ctx context.Context, a Attempt, at time.Time, doubts bool) (Attempt, error) {
	st, certain, err := s.found(ctx, a.Institution, a.Key(), a.Missed(at))
	if err != nil {
		return Attempt{}, err
	}
	return s.record(context.WithoutCancel(ctx), a, record{Key: a.Key(), Status: st, Certain: certain, Doubts: doubts, Via: "look", At: at})
}

// found is what the institution of that name says about an operation; see lookup.
func (s *Service) found(ctx context.Context, institution string, k Key, missed bool) (_ Status, certain bool, _ error) {
	g, err := s.gateway(institution)
	if err != nil {
		return Status{}, false, err
	}
	st, certain := s.lookup(ctx, g, k, missed)
	return st, certain, nil
}

// lookup asks an institution about an operation. What it does not find counts
// as absent only when its look-up is final and the operation's time is over. An
// answer that did not come tells nothing. At most ten are in flight at an
// institution, whoever asks.
func (s *Service) lookup(ctx context.Context, g Gateway, k Key, missed bool) (_ Status, certain bool) {
	return s.question(ctx, g, k, missed, func(ctx context.Context) (Status, error) { return g.Lookup(ctx, k) })
}

// question is a look-up, in the words that are right for the operation.
func (s *Service) question(ctx context.Context, g Gateway, k Key, missed bool, ask func(context.Context) (Status, error)) (_ Status, certain bool) {
	call, cancel := context.WithTimeout(ctx, s.opts.Call)
	defer cancel()
	slot := s.looking[g.Info().Institution]
	select {
	case slot <- struct{}{}:
		defer func() { <-slot }()
	case <-call.Done():
		return Status{Key: k, Outcome: Pending, Code: platform.Code(ErrUnknownOutcome)}, false
	}
	begun := s.w.Now()
	st, err := ask(call)
	if name := g.Info().Institution; s.health.of(name).Circuit(begun) == Closed { // an open channel is closed by a payment
		s.saw(ctx, name, begun, err)
	}
	if err != nil {
		return Status{Key: k, Outcome: Pending, Code: platform.Code(err)}, false
	}
	return st, missed && g.Info().Final
}
