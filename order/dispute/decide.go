package dispute

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Decide is an arbiter's decision.
type Decide struct {
	Dispute platform.ID `json:"dispute" validate:"required,id=dsp"`
	Remedy
	Reason    string `json:"reason" validate:"required,text=64"`       // a code
	Statement string `json:"statement,omitempty" validate:"text=2000"` // the reasons; kept only sealed
}

// Subject is the dispute.
func (in Decide) Subject() platform.Ref { return platform.Ref{Kind: disputeKind, ID: in.Dispute} }

// Preview is what a decision would do.
type Preview struct {
	Ruling
	Eyes  int            `json:"eyes"`            // how many arbiters it takes
	Books []platform.Leg `json:"books,omitempty"` // out of which accounts the refund comes
}

// Preview shows the legs of a decision before it is sent, to operators, and changes
// nothing.
func (s *Service) Preview(ctx context.Context, in Decide) (Preview, error) {
	d, by, err := s.mine(ctx, in.Dispute)
	if err != nil {
		return Preview{}, err
	}
	if by.Kind != platform.Operator {
		return Preview{}, fmt.Errorf("dispute %s: %w", d.ID, errActor)
	}
	if err := platform.Validate(in); err != nil {
		return Preview{}, err
	}
	if !d.State.waits() {
		return Preview{}, platform.Detail(fmt.Errorf("dispute %s: %w", d.ID, errNotDecidable), "state", string(d.State))
	}
	r, err := s.terms.Ruling(d, in.Remedy, in.Reason, s.w.Now())
	if err != nil {
		return Preview{}, err
	}
	legs, err := s.ports.Refunds.Gives(ctx, d.Order, d.ID, in.Refund, in.Fault, s.w.Now())
	return Preview{r, s.terms.eyes(r, less(d.Amount, d.Amount)), legs}, err
}

// Decide decides a dispute that waits for an arbiter: an operator who took no part
// in it and has no tie to a party (ErrConflictOfInterest). Above Terms.FourEyes it
// is only proposed, until a second one endorses it. It can be appealed for
// Terms.Appeal, but not when it answers an appeal.
func (s *Service) Decide(ctx context.Context, in Decide) (Dispute, error) {
	var texts []Exhibit
	if in.Statement != "" {
		texts = []Exhibit{{Kind: "statement", Text: in.Statement}}
	}
	pieces, sealing := s.exhibits(ctx, in.Dispute, texts)
	return s.arbitrate(ctx, in, in.Dispute, pieces, func(d Dispute, by platform.Actor, at time.Time) (Dispute, Turn, error) {
		if sealing != nil {
			return Dispute{}, Turn{}, sealing
		}
		if err := d.impartial(by); err != nil {
			return Dispute{}, Turn{}, err
		}
		r, err := s.terms.Ruling(d, in.Remedy, in.Reason, at)
		if err != nil {
			return Dispute{}, Turn{}, err
		}
		next, err := d.Decides(r, by, s.terms, at)
		move := "decided"
		if next.State.waits() {
			move = "proposed"
		}
		return next, Turn{Move: move, Amount: in.Refund, Reason: in.Reason}, err
	})
}

// Endorse is the second pair of eyes on a decision.
type Endorse struct {
	Dispute platform.ID `json:"dispute" validate:"required,id=dsp"`
	Hash    string      `json:"hash" validate:"required,max=64"` // of the proposed ruling, as it was shown
}

// Subject is the dispute.
func (in Endorse) Subject() platform.Ref { return platform.Ref{Kind: disputeKind, ID: in.Dispute} }

// Endorse makes a proposed decision good. It fails with ErrFourEyes for who proposed
// it, with ErrConflictOfInterest, and with ErrTerms when another is proposed by now.
func (s *Service) Endorse(ctx context.Context, in Endorse) (Dispute, error) {
	return s.arbitrate(ctx, in, in.Dispute, nil, func(d Dispute, by platform.Actor, at time.Time) (Dispute, Turn, error) {
		next, err := d.Endorses(in.Hash, by, s.terms, at)
		return next, Turn{Move: "decided"}, err
	})
}

// arbitrate is a command of an arbiter, whose ties are looked at.
func (s *Service) arbitrate(ctx context.Context, in any, id platform.ID, pieces []Evidence,
	decide func(Dispute, platform.Actor, time.Time) (Dispute, Turn, error),
) (Dispute, error) {
	return onDispute(ctx, s, in, id, func(ctx context.Context, d Dispute, stands standing, by platform.Actor, at time.Time) (Dispute, []platform.Change, error) {
		next, turn, err := decide(d, by, at)
		switch {
		case err != nil:
			return Dispute{}, nil, err
		case stands.banking:
			return Dispute{}, nil, fmt.Errorf("decide dispute %s: %w", d.ID, ErrPaused)
		}
		var untied []platform.Change
		if s.ports.Ties != nil {
			if untied, err = s.ports.Ties.Untied(ctx, by.ID, append([]platform.ID{d.Customer, d.Merchant}, d.Staff...)...); err != nil {
				return Dispute{}, nil, fmt.Errorf("decide dispute %s: %w: %w", d.ID, ErrConflictOfInterest, err)
			}
		}
		turn.At, turn.By, turn.Side = at, by.ID, "platform"
		next, said, err := next.with(turn, pieces)
		return next, slices.Concat(untied, said), err
	})
}
