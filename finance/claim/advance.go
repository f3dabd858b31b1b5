package claim

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// AdvanceState is how far an advance has come.
type AdvanceState string

// The states of an advance.
const (
	AdvanceAsked    AdvanceState = "asked"
	AdvanceOpen     AdvanceState = "open" // the money is with the person
	AdvanceSettled  AdvanceState = "settled"
	AdvanceDeclined AdvanceState = "declined"
)

var advanceMoves = platform.Moves[AdvanceState]{
	{Verb: "grant", From: []AdvanceState{AdvanceAsked}, To: AdvanceOpen, By: office, Refusal: ErrAdvance},
	{Verb: "decline", From: []AdvanceState{AdvanceAsked}, To: AdvanceDeclined, By: office, Refusal: ErrAdvance},
	{Verb: "offset", From: []AdvanceState{AdvanceOpen}, By: clock, Refusal: ErrAdvance},
	{Verb: "return", From: []AdvanceState{AdvanceOpen}, By: office, Refusal: ErrAdvance},
	{Verb: "remind", From: []AdvanceState{AdvanceOpen}, By: clock, Refusal: ErrAdvance},
}

// Advance is money that somebody got for expenses to come (備用金). Claims are
// set off against it; what is left is given back.
type Advance struct {
	platform.Head
	State   AdvanceState   `json:"state" class:"internal"`
	Who     platform.ID    `json:"who" class:"internal"`
	Amount  platform.Money `json:"amount" class:"internal"`
	Left    platform.Money `json:"left" class:"internal"` // not settled yet
	Reason  string         `json:"reason" class:"internal"`
	By      platform.ID    `json:"by,omitempty" class:"internal"` // who granted or declined it
	Granted time.Time      `json:"granted,omitzero" class:"internal"`
	Due     time.Time      `json:"due,omitzero" class:"internal"` // to be settled by then
	Overdue bool           `json:"overdue,omitempty" class:"internal"`
}

// Ref names the advance.
func (a Advance) Ref() platform.Ref { return platform.Ref{Kind: advanceKind, ID: a.ID} }

func (a Advance) happened(what string) platform.Change {
	return platform.Happened("advance."+what, a.Ref(), map[string]any{"who": a.Who, "amount": a.Amount, "left": a.Left})
}

func (a Advance) move(verb string, by platform.ActorKind) (Advance, error) {
	state, err := advanceMoves.Take(a.State, verb, by)
	if err != nil {
		return Advance{}, fmt.Errorf("advance %s: %w", a.ID, err)
	}
	a.State = state
	return a, nil
}

// settle is the advance with so much less left.
func (a Advance) settle(amount platform.Money, by platform.ActorKind) (Advance, error) {
	verb := "offset"
	if by == platform.Operator {
		verb = "return"
	}
	next, err := a.move(verb, by)
	if err != nil {
		return Advance{}, err
	}
	if next.Left, err = a.Left.Sub(amount); err != nil {
		return Advance{}, err
	}
	if next.Left.Sign() == 0 {
		next.State, next.Due = AdvanceSettled, time.Time{}
	}
	return next, nil
}

// AskAdvance asks for an advance.
type AskAdvance struct {
	Amount platform.Money `json:"amount" validate:"required,gt=0"`
	Reason string         `json:"reason" validate:"required,text=64"` // a code
}

// GrantAdvance hands an advance out.
type GrantAdvance struct {
	Advance platform.ID `json:"advance" validate:"required,id=csh"`
}

// DeclineAdvance refuses an advance.
type DeclineAdvance struct {
	Advance platform.ID `json:"advance" validate:"required,id=csh"`
	Reason  string      `json:"reason" validate:"required,text=64"` // a code
}

// ReturnAdvance notes that what is left of an advance was given back.
type ReturnAdvance struct {
	Advance platform.ID `json:"advance" validate:"required,id=csh"`
}

func advance(id platform.ID) platform.Ref { return platform.Ref{Kind: advanceKind, ID: id} }

// Subject is the advance.
func (in GrantAdvance) Subject() platform.Ref { return advance(in.Advance) }

// Subject is the advance.
func (in DeclineAdvance) Subject() platform.Ref { return advance(in.Advance) }

// Subject is the advance.
func (in ReturnAdvance) Subject() platform.Ref { return advance(in.Advance) }

// AskAdvance asks for an advance for the caller. It fails with ErrAdvanceOpen
// while one is open.
func (s *Service) AskAdvance(ctx context.Context, in AskAdvance) (Advance, error) {
	id := s.w.NewRoot(ctx, "csh")
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Advance, []platform.Change, error) {
		by, err := s.actor(ctx, people...)
		if err != nil {
			return Advance{}, nil, err
		}
		p, err := s.person(ctx, by.For())
		if err == nil && p.Advance != "" {
			err = fmt.Errorf("ask for an advance: %w", ErrAdvanceOpen)
		}
		if err != nil {
			return Advance{}, nil, err
		}
		a := Advance{Head: platform.Head{ID: id}, State: AdvanceAsked, Who: by.For(), Amount: in.Amount, Left: in.Amount, Reason: in.Reason}
		return a, []platform.Change{platform.Put(a), a.happened("asked").Because(in.Reason)}, nil
	})
}

// GrantAdvance hands an advance out, by somebody else than who gets it
// (ErrAdvanceSelf). It is booked at that moment, and due in 30 days. Of several
// of one person at once one is granted: ErrAdvanceOpen.
func (s *Service) GrantAdvance(ctx context.Context, in GrantAdvance) (Advance, error) {
	return s.onAdvance(ctx, in, in.Advance, "grant", func(ctx context.Context, a, next Advance) (Advance, []platform.Change, error) {
		p, err := s.person(ctx, a.Who)
		if err == nil && p.Advance != "" {
			err = ErrAdvanceOpen
		}
		if err != nil {
			return Advance{}, nil, err
		}
		now := s.w.Now()
		p.Advance, next.Granted, next.Due = a.ID, now, now.Add(s.terms.Advance)
		booked, err := s.ports.Books.Post(ctx, "advance.paid", a.Ref(), now, s.cash(a.Who, a.Amount))
		return next, append(booked, platform.Put(p), next.happened("paid")), err
	})
}

// cash are the legs of money that goes from the bank to an advance, or back.
func (s *Service) cash(who platform.ID, amount platform.Money) []platform.Leg {
	return []platform.Leg{{Role: "advance", Party: who, Amount: amount}, {Role: "bank", Party: platform.ID(s.terms.Bank), Amount: amount.Neg()}}
}

// DeclineAdvance refuses an advance, by somebody else than who asked.
func (s *Service) DeclineAdvance(ctx context.Context, in DeclineAdvance) (Advance, error) {
	return s.onAdvance(ctx, in, in.Advance, "decline", func(_ context.Context, _, next Advance) (Advance, []platform.Change, error) {
		return next, []platform.Change{next.happened("declined").Because(in.Reason)}, nil
	})
}

// ReturnAdvance settles an advance with the money that was given back: all that
// no claim was set off against.
func (s *Service) ReturnAdvance(ctx context.Context, in ReturnAdvance) (Advance, error) {
	return s.onAdvance(ctx, in, in.Advance, "return", func(ctx context.Context, a, _ Advance) (Advance, []platform.Change, error) {
		p, err := s.person(ctx, a.Who)
		if err != nil {
			return Advance{}, nil, err
		}
		now := s.w.Now()
		next, err := a.settle(a.Left, platform.Operator)
		if err != nil {
			return Advance{}, nil, err
		}
		p.Advance = ""
		booked, err := s.ports.Books.Post(ctx, "advance.returned", a.Ref(), now, s.cash(a.Who, a.Left.Neg()))
		return next, append(booked, platform.Put(p), next.happened("settled")), err
	})
}

func (s *Service) onAdvance(ctx context.Context, in any, id platform.ID, verb string, decide func(ctx context.Context, a, next Advance) (Advance, []platform.Change, error)) (Advance, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Advance, []platform.Change, error) {
		by, err := s.actor(ctx, office...)
		if err != nil {
			return Advance{}, nil, err
		}
		a, err := s.store.Advance(ctx, id)
		if err != nil {
			return Advance{}, nil, err
		}
		if meet(hands(by), []platform.ID{a.Who}) {
			return Advance{}, nil, fmt.Errorf("%s advance %s: %w", verb, id, ErrAdvanceSelf)
		}
		next, err := a.move(verb, by.Kind)
		if err != nil {
			return Advance{}, nil, err
		}
		next.By = by.ID
		next, set, err := decide(ctx, a, next)
		if err != nil {
			return Advance{}, nil, fmt.Errorf("%s advance %s: %w", verb, id, err)
		}
		return next, append(set, platform.Put(next)), nil
	})
}

// Advance is one advance, to whose it is, operators and auditors.
func (s *Service) Advance(ctx context.Context, id platform.ID) (Advance, error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return Advance{}, err
	}
	a, err := s.store.Advance(ctx, id)
	if err == nil && by.For() != a.Who && by.Kind != platform.Operator && by.Kind != platform.Auditor {
		err = platform.NotFound(a.Ref())
	}
	if err != nil {
		return Advance{}, err
	}
	return a, nil
}

// Advances are those in a state, to operators and auditors.
func (s *Service) Advances(ctx context.Context, state AdvanceState, cursor string) (platform.Page[Advance], error) {
	if _, err := s.actor(ctx, platform.Operator, platform.Auditor); err != nil {
		return platform.Page[Advance]{}, err
	}
	return s.store.Advances(ctx, state, cursor)
}

type remind struct {
	Advance platform.ID `json:"advance"`
}

// remind tells of an advance that is overdue, once.
func (s *Service) remind(ctx context.Context, id platform.ID) error {
	_, err := platform.Update(ctx, s.w, remind{id}, func(ctx context.Context) (Advance, []platform.Change, error) {
		a, err := s.store.Advance(ctx, id)
		if err != nil {
			return Advance{}, nil, err
		}
		next, err := a.move("remind", platform.System)
		if err == nil && (a.Due.IsZero() || a.Due.After(s.w.Now())) {
			err = fmt.Errorf("remind of advance %s: %w", id, ErrNothingNew)
		}
		if err != nil {
			return Advance{}, nil, err
		}
		next.Overdue, next.Due = true, time.Time{}
		return next, []platform.Change{platform.Put(next), next.happened("overdue")}, nil
	})
	return err
}
