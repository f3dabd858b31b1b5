package sandbox

import (
	"context"
	"fmt"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

var _ payment.Disputer = (*Sandbox)(nil)

// Dispute implements [payment.Disputer]. A dispute that nobody contests within 7
// days is lost.
func (s *Sandbox) Dispute(ctx context.Context, reference string) (payment.Dispute, error) {
	return s.answer(ctx, reference, func(*operation) bool { return true })
}

// Evidence implements [payment.Disputer]. The payer's bank decides by [Sandbox.Decide].
func (s *Sandbox) Evidence(ctx context.Context, e payment.Evidence) (payment.Dispute, error) {
	return s.answer(ctx, e.Dispute, func(o *operation) bool {
		if s.standing(o) != payment.DisputeOpen || e.Text == "" {
			return false
		}
		o.acted = true
		s.write(o)
		return true
	})
}

// Accept implements [payment.Disputer].
func (s *Sandbox) Accept(ctx context.Context, reference string) (payment.Dispute, error) {
	return s.answer(ctx, reference, func(o *operation) bool {
		return s.standing(o) == payment.DisputeOpen && s.decide(o, false)
	})
}

// Object is the payer's bank taking back a charge or a part of it. It returns
// the institution's reference of the dispute, and fails with payment.ErrRefused
// for more than the charge has left.
func (s *Sandbox) Object(charge payment.Key, amount platform.Money, reason string) (reference string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.unasked(disputing, charge, amount, reason)
	if err != nil {
		return "", err
	}
	o.lands = o.arrives.Add(answerWithin)
	s.write(o)
	s.tellDispute(o)
	return o.reference, nil
}

// Decide is the payer's bank ending a dispute. It fails with payment.ErrRefused
// when that has ended.
func (s *Sandbox) Decide(reference string, won bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.disputes[reference]
	if o == nil || !s.decide(o, won) {
		return fmt.Errorf("decide dispute %s: %w", reference, payment.ErrRefused)
	}
	return nil
}

// Reverse is the institution taking back a charge or a part of it, later, for
// reasons of its own.
func (s *Sandbox) Reverse(charge payment.Key, amount platform.Money) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.unasked(reversing, charge, amount, "")
	if err != nil {
		return err
	}
	s.announce(o, well)
	return nil
}

// RefundByHand is a refund that somebody makes at the institution's own console,
// under no key of ours.
func (s *Sandbox) RefundByHand(charge payment.Key, amount platform.Money) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.unasked(refunding, charge, amount, "")
	return err
}

// unasked enters what the institution does to a charge by itself.
func (s *Sandbox) unasked(as kind, charge payment.Key, amount platform.Money, code string) (*operation, error) {
	now := s.opts.Now()
	key := payment.Key(fmt.Sprintf("%s-%d", as, len(s.order)+1))
	o := &operation{kind: as, key: key, foreign: true, amount: amount, moved: amount, code: code, arrives: now, lands: now}
	of := s.charge(charge, "")
	if charge == "" || of == nil || amount.Sign() <= 0 {
		return nil, fmt.Errorf("%s of %s: %w", as, charge, payment.ErrRefused)
	}
	o.of = of.key
	if err := s.covered(*o); err != nil {
		return nil, fmt.Errorf("%s of %s: %w", as, charge, err)
	}
	s.enter(o)
	return o, nil
}

func (s *Sandbox) answer(ctx context.Context, reference string, do func(*operation) bool) (payment.Dispute, error) {
	s.outside(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return payment.Dispute{}, fmt.Errorf("dispute %s: %w", reference, payment.ErrUnknownOutcome)
	}
	o := s.disputes[reference]
	if o == nil || !do(o) {
		return payment.Dispute{}, fmt.Errorf("dispute %s: %w", reference, payment.ErrRefused)
	}
	return payment.Dispute{
		Reference: o.reference, Charge: o.of, Amount: o.amount, Reason: o.code, State: s.standing(o), Due: o.lands,
	}, nil
}

// standing is how a dispute stands. One that was decided is closed; one that was
// won has its money back.
func (s *Sandbox) standing(o *operation) payment.DisputeState {
	switch {
	case !o.back.IsZero():
		return payment.DisputeWon
	case o.closed:
		return payment.DisputeLost
	case o.acted:
		return payment.DisputeContested
	case s.opts.Now().Before(o.lands):
		return payment.DisputeOpen
	}
	return payment.DisputeLost
}

// decide ends a dispute that has not ended.
func (s *Sandbox) decide(o *operation, won bool) bool {
	if at := s.standing(o); at != payment.DisputeOpen && at != payment.DisputeContested {
		return false
	}
	o.closed = true
	changed := []*operation{o}
	if won {
		of := s.operations[o.of]
		left, err := of.left.Add(o.amount)
		if err != nil {
			return false
		}
		o.back, of.left = s.opts.Now(), left
		changed = append(changed, of)
	}
	s.write(changed...)
	s.tellDispute(o)
	return true
}
