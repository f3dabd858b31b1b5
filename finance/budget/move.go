package budget

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// MoveState is how far a virement has come.
type MoveState string

// The states of a virement.
const (
	MoveProposed MoveState = "proposed"
	MoveMade     MoveState = "made"
	MoveRejected MoveState = "rejected"
)

var moveMoves = platform.Moves[MoveState]{
	{Verb: "make", From: []MoveState{MoveProposed}, To: MoveMade, By: office, Refusal: ErrNotPending},
	{Verb: "reject", From: []MoveState{MoveProposed}, To: MoveRejected, By: office, Refusal: ErrNotPending},
}

// Move is a virement: a part of the plan of one line that goes to another, of
// one budget or of two.
type Move struct {
	platform.Head
	State    MoveState      `json:"state" class:"internal"`
	From     platform.ID    `json:"from" class:"internal"`
	To       platform.ID    `json:"to" class:"internal"`
	Amount   platform.Money `json:"amount" class:"internal"`
	Reason   string         `json:"reason" class:"internal"`
	Proposer platform.ID    `json:"proposer" class:"internal"`
	For      platform.ID    `json:"for,omitempty" class:"internal"` // for whom the proposer stood in
	Decider  platform.ID    `json:"decider,omitempty" class:"internal"`
	At       time.Time      `json:"at" class:"internal"`
}

// Ref names the virement.
func (m Move) Ref() platform.Ref { return platform.Ref{Kind: moveKind, ID: m.ID} }

// decide is the virement after the verb, by somebody else than who proposed it.
func (m Move) decide(verb string, by platform.Actor) (Move, error) {
	if hands := []platform.ID{m.Proposer, m.For}; slices.Contains(hands, by.ID) || slices.Contains(hands, by.For()) {
		return Move{}, fmt.Errorf("%s virement %s: %w", verb, m.ID, ErrFourEyes)
	}
	state, err := moveMoves.Take(m.State, verb, by.Kind)
	if err != nil {
		return Move{}, fmt.Errorf("virement %s: %w", m.ID, err)
	}
	m.State, m.Decider = state, by.ID
	return m, nil
}

// large tells whether an amount is above a share of a line's plan.
func (l Line) large(amount platform.Money, share decimal.Decimal) bool {
	return decimal.NewFromInt(amount.Minor()).GreaterThan(share.Mul(decimal.NewFromInt(l.Plan.Minor())))
}

// ProposeMove asks for a virement.
type ProposeMove struct {
	From   platform.ID    `json:"from" validate:"required,id=bgt"`
	To     platform.ID    `json:"to" validate:"required,id=bgt"`
	Amount platform.Money `json:"amount" validate:"required,gt=0"`
	Reason string         `json:"reason" validate:"required,text=64"` // a code
}

// ApproveMove makes a virement that somebody else proposed.
type ApproveMove struct {
	Move platform.ID `json:"move" validate:"required,id=bmv"`
}

// RejectMove ends a virement that somebody else proposed.
type RejectMove struct {
	Move   platform.ID `json:"move" validate:"required,id=bmv"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the virement.
func (in ApproveMove) Subject() platform.Ref { return platform.Ref{Kind: moveKind, ID: in.Move} }

// Subject is the virement.
func (in RejectMove) Subject() platform.Ref { return platform.Ref{Kind: moveKind, ID: in.Move} }

// ProposeMove asks for a virement between lines in force. It fails with
// ErrCurrency when they are of two, and with ErrClosed.
func (s *Service) ProposeMove(ctx context.Context, in ProposeMove) (Move, error) {
	id := s.w.NewRoot(ctx, "bmv")
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Move, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err != nil {
			return Move{}, nil, err
		}
		if _, err := moveMoves.Take(MoveProposed, "make", by.Kind); err != nil {
			return Move{}, nil, err
		}
		from, to, err := s.pair(ctx, in.From, in.To, in.Amount)
		if err != nil {
			return Move{}, nil, fmt.Errorf("move from %s to %s: %w", in.From, in.To, err)
		}
		m := Move{Head: platform.Head{ID: id}, State: MoveProposed, From: in.From, To: in.To, Amount: in.Amount, Reason: in.Reason, Proposer: by.ID, For: by.For(), At: s.w.Now()}
		told := platform.Happened("budget.move_proposed", m.Ref(), m.facts()).Because(in.Reason)
		return m, []platform.Change{platform.Put(m), platform.Unchanged(from), platform.Unchanged(to), told}, nil
	})
}

// pair are two lines in force between which an amount may go.
func (s *Service) pair(ctx context.Context, from, to platform.ID, amount platform.Money) (Line, Line, error) {
	if from == to {
		return Line{}, Line{}, errSame
	}
	lines, err := s.store.Lines(ctx, from, to)
	switch {
	case err != nil:
		return Line{}, Line{}, err
	case len(lines) < 2:
		return Line{}, Line{}, ErrNoLine
	}
	for _, l := range lines {
		if l.Plan.Currency() != amount.Currency() {
			return Line{}, Line{}, ErrCurrency
		}
	}
	return lines[0], lines[1], nil
}

// ApproveMove makes a virement: the plan and what is free of both lines change in
// one posting. Who proposed it cannot (ErrFourEyes); above a tenth of the line
// that gives, it takes an operator with the role of [Terms], else ErrSenior. It
// fails with ErrExceeded when the line that gives has less of its plan free.
func (s *Service) ApproveMove(ctx context.Context, in ApproveMove) (Move, error) {
	return s.onMove(ctx, in, in.Move, "make", func(ctx context.Context, m Move, by platform.Actor) ([]platform.Change, error) {
		from, to, err := s.pair(ctx, m.From, m.To, m.Amount)
		if err != nil {
			return nil, err
		}
		if from.large(m.Amount, s.terms.Large) && !by.Has(s.terms.Senior) {
			return nil, ErrSenior
		}
		set, err := shifted(from, to, m.Amount)
		if err != nil {
			return nil, err
		}
		booked, err := s.give(ctx, m.Ref(), set)
		told := platform.Happened("budget.moved", m.Ref(), m.facts()).Because(m.Reason)
		return append(booked, platform.Put(set.from), platform.Put(set.to), told), err
	})
}

// give books what a line gives another of its plan. What passes above the plan of the line that gives is
// free there too, but not given: it is taken with the rest, and then put back.
func (s *Service) give(ctx context.Context, as platform.Ref, set shift) ([]platform.Change, error) {
	var back legs
	err := errors.Join(set.legs.grow(set.from, set.from.Allowance.Neg()), back.grow(set.from, set.from.Allowance))
	if err != nil {
		return nil, err
	}
	now := s.w.Now()
	booked, err := s.ports.Books.Post(ctx, "budget.moved", as, now, set.legs)
	if err != nil || len(back) == 0 {
		return booked, err
	}
	more, err := s.ports.Books.Post(ctx, "budget.planned", as, now, back)
	return append(booked, more...), err
}

// RejectMove ends a virement; nothing moves.
func (s *Service) RejectMove(ctx context.Context, in RejectMove) (Move, error) {
	return s.onMove(ctx, in, in.Move, "reject", func(_ context.Context, m Move, _ platform.Actor) ([]platform.Change, error) {
		return []platform.Change{platform.Happened("budget.move_rejected", m.Ref(), m.facts()).Because(in.Reason)}, nil
	})
}

func (s *Service) onMove(ctx context.Context, in any, id platform.ID, verb string, effects func(context.Context, Move, platform.Actor) ([]platform.Change, error)) (Move, error) {
	m, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Move, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err != nil {
			return Move{}, nil, err
		}
		m, err := s.store.Move(ctx, id)
		if err != nil {
			return Move{}, nil, err
		}
		next, err := m.decide(verb, by)
		if err != nil {
			return Move{}, nil, err
		}
		set, err := effects(ctx, next, by)
		if err != nil {
			return Move{}, nil, fmt.Errorf("%s virement %s: %w", verb, id, err)
		}
		return next, append(set, platform.Put(next)), nil
	})
	return m, refusal(err)
}

// shift is a part of a plan on its way from line to line.
type shift struct {
	from, to Line
	legs     legs
}

// shifted moves a part of the plan from one line to another, both in force but
// for the one that gives.
func shifted(from, to Line, amount platform.Money) (s shift, err error) {
	if err := to.open(); err != nil {
		return shift{}, err
	}
	if s.from, err = from.shift(amount.Neg()); err != nil {
		return shift{}, err
	}
	if s.to, err = to.shift(amount); err != nil {
		return shift{}, err
	}
	if err := s.legs.grow(from, amount.Neg()); err != nil {
		return shift{}, err
	}
	return s, s.legs.grow(to, amount)
}

func (m Move) facts() map[string]any {
	return map[string]any{"from": m.From, "to": m.To, "amount": m.Amount}
}
