package dispute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Open begins a dispute over an order of the actor's.
type Open struct {
	Order    platform.ID    `json:"order" validate:"required,id=ord"`
	Amount   platform.Money `json:"amount,omitzero" validate:"omitempty,gt=0" code:"dispute.amount"` // disputed; if absent, all that is left of the order
	Reason   string         `json:"reason" validate:"required,text=64"`                              // a code
	Evidence []Exhibit      `json:"evidence,omitempty" validate:"max=50,dive"`
}

// Subject is the order.
func (in Open) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// Open holds the disputed amount, and no more, and gives the other side the turn.
// The customer, the merchant, or an operator on behalf of one may, while the work
// is under way and until Terms.Window after completion or a cancellation with a fee
// (ErrTooLate); one dispute of an order at a time (ErrOpen), for at most what is left
// of it (dispute.amount).
func (s *Service) Open(ctx context.Context, in Open) (Dispute, error) {
	id := s.w.NewChild("dsp", in.Order)
	pieces, sealing := s.exhibits(ctx, in.Order, in.Evidence)
	screened, screening := s.screen(ctx, id, in)
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Dispute, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err = errors.Join(err, sealing, screening); err != nil {
			return Dispute{}, nil, err
		}
		stands, err := s.standing(ctx, in.Order)
		if err != nil {
			return Dispute{}, nil, err
		}
		at := s.w.Now()
		d, err := Dispute{Head: platform.Head{ID: id}, Order: in.Order, Amount: in.Amount, Reason: in.Reason}.opened(stands, by, s.terms, at)
		if err != nil {
			return Dispute{}, nil, err
		}
		d.Review = screened.outcome != "allow"
		held, err := s.ports.Orders.Hold(ctx, d.Order, d.ID, d.Amount)
		if err != nil {
			return Dispute{}, nil, err
		}
		d, filed, err := d.with(Turn{At: at, By: by.ID, Side: string(d.Opener), Move: "opened", Amount: d.Amount, Reason: in.Reason}, pieces)
		return d, slices.Concat(stands.checks, held, screened.changes, filed, []platform.Change{platform.Put(d)}), err
	})
}

type verdict struct {
	outcome string
	changes []platform.Change
}

// screen asks once for a verdict, outside the decision, since asking counts. It bars
// nobody from a dispute: what is not allowed is looked at by a person.
func (s *Service) screen(ctx context.Context, id platform.ID, in Open) (verdict, error) {
	by, err := s.w.Actor(ctx)
	if s.ports.Screen == nil || err != nil || platform.Validate(in) != nil {
		return verdict{outcome: "allow"}, nil //nolint:nilerr // refused below, with every fault
	}
	facts := map[string]any{string(by.Kind): by.For(), "order": in.Order}
	if !in.Amount.Absent() {
		facts["amount"] = in.Amount
	}
	data, err := json.Marshal(facts)
	if err != nil {
		return verdict{}, fmt.Errorf("screen dispute: %w", err)
	}
	outcome, changes, err := s.ports.Screen.Screen(ctx, platform.Event{
		ID: id.As("evt"), Type: "dispute.open", Subject: platform.Ref{Kind: disputeKind, ID: id}, Actor: by, At: s.w.Now(), Data: data,
	})
	if err == nil && !slices.Contains([]string{"allow", "review", "block"}, outcome) {
		err = errScreening
	}
	if err != nil {
		return verdict{}, fmt.Errorf("screen dispute: %w", err)
	}
	return verdict{outcome, changes}, nil
}

// Answer is the word of whose turn it is.
type Answer struct {
	Dispute  platform.ID    `json:"dispute" validate:"required,id=dsp"`
	Move     string         `json:"move" validate:"required,oneof=contest offer concede"`
	Refund   platform.Money `json:"refund,omitzero" validate:"omitempty,gte=0" code:"dispute.amount"` // of an offer
	Reason   string         `json:"reason,omitempty" validate:"omitempty,text=64"`                    // a code
	Evidence []Exhibit      `json:"evidence,omitempty" validate:"max=50,dive"`
}

// Subject is the dispute.
func (in Answer) Subject() platform.Ref { return platform.Ref{Kind: disputeKind, ID: in.Dispute} }

// Answer contests, with an offer or without, which gives the other side the turn, or
// concedes, which gives it all that it wants. It fails with ErrTurn, ErrTooLate and
// ErrPaused.
func (s *Service) Answer(ctx context.Context, in Answer) (Dispute, error) {
	pieces, sealing := s.exhibits(ctx, in.Dispute, in.Evidence)
	return asParty(ctx, s, in, in.Dispute, func(d Dispute, side Side, by platform.Actor, at time.Time) (Dispute, []platform.Change, error) {
		if sealing != nil {
			return Dispute{}, nil, sealing
		}
		turn := Turn{At: at, By: by.ID, Side: string(side), Move: map[string]string{"contest": "contested", "offer": "offered", "concede": "conceded"}[in.Move], Reason: in.Reason}
		var next Dispute
		var err error
		switch in.Move {
		case "concede":
			next, err = d.Conceded(side, s.terms, at)
		case "offer":
			if in.Refund.Absent() {
				return Dispute{}, nil, platform.Wrong("refund", errAmount)
			}
			turn.Amount = in.Refund
			next, err = d.Answered(side, in.Refund, s.terms, at)
		default:
			next, err = d.Answered(side, platform.Money{}, s.terms, at)
		}
		if err != nil {
			return Dispute{}, nil, err
		}
		return next.with(turn, pieces)
	})
}

// Settle agrees to the other side's offer.
type Settle struct {
	Dispute platform.ID `json:"dispute" validate:"required,id=dsp"`
	Hash    string      `json:"hash" validate:"required,max=64"` // of the offer, as it was shown
}

// Subject is the dispute.
func (in Settle) Subject() platform.Ref { return platform.Ref{Kind: disputeKind, ID: in.Dispute} }

// Settle ends the dispute by the offer, which is carried out next. It fails with
// ErrTerms when another offer stands by now.
func (s *Service) Settle(ctx context.Context, in Settle) (Dispute, error) {
	return asParty(ctx, s, in, in.Dispute, func(d Dispute, side Side, by platform.Actor, at time.Time) (Dispute, []platform.Change, error) {
		next, err := d.Settles(side, in.Hash, s.terms, at)
		if err != nil {
			return Dispute{}, nil, err
		}
		return next.with(Turn{At: at, By: by.ID, Side: string(side), Move: "settled", Amount: d.Offer.Refund}, nil)
	})
}

// Escalate asks for an arbiter.
type Escalate struct {
	Dispute platform.ID `json:"dispute" validate:"required,id=dsp"`
}

// Subject is the dispute.
func (in Escalate) Subject() platform.Ref { return platform.Ref{Kind: disputeKind, ID: in.Dispute} }

// Escalate closes the evidence. A side may once Terms.Escalate is over, which the
// detail "from" tells.
func (s *Service) Escalate(ctx context.Context, in Escalate) (Dispute, error) {
	return asParty(ctx, s, in, in.Dispute, func(d Dispute, side Side, by platform.Actor, at time.Time) (Dispute, []platform.Change, error) {
		next, err := d.Escalated(side, s.terms, at)
		if err != nil {
			return Dispute{}, nil, err
		}
		return next.with(Turn{At: at, By: by.ID, Side: string(side), Move: "escalated"}, nil)
	})
}

// Appeal brings a decision before another arbiter.
type Appeal struct {
	Dispute  platform.ID `json:"dispute" validate:"required,id=dsp"`
	Reason   string      `json:"reason" validate:"required,text=64"` // a code
	Evidence []Exhibit   `json:"evidence,omitempty" validate:"max=50,dive"`
}

// Subject is the dispute.
func (in Appeal) Subject() platform.Ref { return platform.Ref{Kind: disputeKind, ID: in.Dispute} }

// Appeal needs a reason that nobody has given yet, or evidence; what is decided upon
// it is final.
func (s *Service) Appeal(ctx context.Context, in Appeal) (Dispute, error) {
	pieces, sealing := s.exhibits(ctx, in.Dispute, in.Evidence)
	return asParty(ctx, s, in, in.Dispute, func(d Dispute, side Side, by platform.Actor, at time.Time) (Dispute, []platform.Change, error) {
		if sealing != nil {
			return Dispute{}, nil, sealing
		}
		next, err := d.Appealing(side, in.Reason, len(pieces), s.terms, at)
		if err != nil {
			return Dispute{}, nil, err
		}
		return next.with(Turn{At: at, By: by.ID, Side: string(side), Move: "appealed", Reason: in.Reason}, pieces)
	})
}

// Waive accepts a decision.
type Waive struct {
	Dispute platform.ID `json:"dispute" validate:"required,id=dsp"`
}

// Subject is the dispute.
func (in Waive) Subject() platform.Ref { return platform.Ref{Kind: disputeKind, ID: in.Dispute} }

// Waive gives up the appeal; once both sides do, the decision is carried out.
func (s *Service) Waive(ctx context.Context, in Waive) (Dispute, error) {
	return asParty(ctx, s, in, in.Dispute, func(d Dispute, side Side, by platform.Actor, at time.Time) (Dispute, []platform.Change, error) {
		next, err := d.Waives(side, at)
		if err != nil {
			return Dispute{}, nil, err
		}
		return next.with(Turn{At: at, By: by.ID, Side: string(side), Move: "waived"}, nil)
	})
}

// Withdraw takes a dispute back.
type Withdraw struct {
	Dispute platform.ID `json:"dispute" validate:"required,id=dsp"`
}

// Subject is the dispute.
func (in Withdraw) Subject() platform.Ref { return platform.Ref{Kind: disputeKind, ID: in.Dispute} }

// Withdraw frees what is held. Only its opener may, until it is decided; a bank that
// decides on the same money is no hindrance.
func (s *Service) Withdraw(ctx context.Context, in Withdraw) (Dispute, error) {
	return onDispute(ctx, s, in, in.Dispute, func(ctx context.Context, d Dispute, _ standing, by platform.Actor, at time.Time) (Dispute, []platform.Change, error) {
		side, party := d.side(by)
		if !party {
			return Dispute{}, nil, fmt.Errorf("dispute %s: %w", d.ID, errActor)
		}
		next, err := d.Withdraws(side, at)
		if err != nil {
			return Dispute{}, nil, err
		}
		freed, err := s.ports.Orders.Free(ctx, d.Order, d.ID, d.Amount, d.OpenedAt, at)
		if err != nil {
			return Dispute{}, nil, err
		}
		next, said, err := next.touched(by).with(Turn{At: at, By: by.ID, Side: string(side), Move: "withdrawn"}, nil)
		return next, append(said, freed...), err
	})
}
