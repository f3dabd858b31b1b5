package budget

import (
	"context"
	"fmt"

	"github.com/liangding/platform"
)

// Carry takes a commitment to another line, and its budget with it.
type Carry struct {
	Commitment platform.ID `json:"commitment" validate:"required,id=cmt"`
	To         platform.ID `json:"to" validate:"required,id=bgt"`
	Reason     string      `json:"reason" validate:"required,text=64"` // a code
}

// Rebook takes a commitment to another line, which pays for it.
type Rebook struct {
	Commitment platform.ID `json:"commitment" validate:"required,id=cmt"`
	To         platform.ID `json:"to" validate:"required,id=bgt"`
	Reason     string      `json:"reason" validate:"required,text=64"` // a code
}

// Release ends a commitment.
type Release struct {
	Commitment platform.ID `json:"commitment" validate:"required,id=cmt"`
	Reason     string      `json:"reason" validate:"required,text=64"` // a code
}

func committed(id platform.ID) platform.Ref { return platform.Ref{Kind: commitmentKind, ID: id} }

// Subject is the commitment.
func (in Carry) Subject() platform.Ref { return committed(in.Commitment) }

// Subject is the commitment.
func (in Rebook) Subject() platform.Ref { return committed(in.Commitment) }

// Subject is the commitment.
func (in Release) Subject() platform.Ref { return committed(in.Commitment) }

// Carry takes an open commitment to a line in force, together with as much of the
// plan, and its source goes on as if it had committed there. That is how a
// commitment outlives its budget: by decision, never by itself. It fails with
// ErrSettled when nothing is open, with ErrClosed, ErrCurrency and ErrNoLine for
// a line that cannot take it, and with ErrExceeded when the commitment rests on the
// tolerance of its line, which is no plan: [Service.Rebook] takes that.
func (s *Service) Carry(ctx context.Context, in Carry) (Commitment, error) {
	return s.onCommitment(ctx, in, in.Commitment, func(ctx context.Context, c Commitment) (Commitment, []platform.Change, error) {
		return s.carry(ctx, c, in.To, in.Reason, true)
	})
}

// Rebook takes an open commitment to a line in force, out of what is free there.
// It fails as [Service.Carry] does, and with ErrExceeded.
func (s *Service) Rebook(ctx context.Context, in Rebook) (Commitment, error) {
	return s.onCommitment(ctx, in, in.Commitment, func(ctx context.Context, c Commitment) (Commitment, []platform.Change, error) {
		return s.carry(ctx, c, in.To, in.Reason, false)
	})
}

// Release ends a commitment, on a closed line too; what its source spends after
// that comes from what is free.
func (s *Service) Release(ctx context.Context, in Release) (Commitment, error) {
	return s.onCommitment(ctx, in, in.Commitment, func(ctx context.Context, c Commitment) (Commitment, []platform.Change, error) {
		l, err := s.line(ctx, c.On)
		if err != nil {
			return Commitment{}, nil, err
		}
		set, next, err := s.freed(ctx, c, l, "budget.released", in.Reason)
		return next, append(set, platform.Put(next), platform.Unchanged(l)), err
	})
}

// freed gives what a commitment has open back to its line.
func (s *Service) freed(ctx context.Context, c Commitment, l Line, what, reason string) ([]platform.Change, Commitment, error) {
	now := s.w.Now()
	done, err := c.commit(l, zero(c.Open), now)
	if err != nil {
		return nil, Commitment{}, err
	}
	e := Entry{
		Head: platform.Head{ID: entryID(c.Source, []step{done})}, What: what, Source: c.Source,
		Legs: []platform.Leg{{Of: l.ID, Amount: c.Open}}, At: now,
	}
	var back legs
	if err := back.move("committed", "free", l, c.Open); err != nil {
		return nil, Commitment{}, err
	}
	set, err := s.ports.Books.Post(ctx, "budget.released", e.Ref(), now, back)
	told := platform.Happened(what, e.Ref(), map[string]any{"source": c.Source, "lines": e.Legs}).Because(reason)
	return append(set, platform.Put(e), told), done.next, err
}

// carry takes a commitment from its line to another, with its budget or without.
func (s *Service) carry(ctx context.Context, c Commitment, to platform.ID, reason string, withPlan bool) (Commitment, []platform.Change, error) {
	old, target, err := s.pair(ctx, c.On, to, c.Open)
	if err == nil {
		err = target.open()
	}
	if err != nil {
		return Commitment{}, nil, err
	}
	set, next, err := s.freed(ctx, c, old, "budget.carried", reason)
	if err != nil {
		return Commitment{}, nil, err
	}
	e := platform.Ref{Kind: entryKind, ID: set[len(set)-2].Ref.ID}
	if withPlan {
		moved, err := shifted(old, target, c.Open)
		if err != nil {
			return Commitment{}, nil, err
		}
		booked, err := s.give(ctx, e, moved)
		if err != nil {
			return Commitment{}, nil, err
		}
		set = append(append(set, booked...), platform.Put(moved.from), platform.Put(moved.to))
	} else {
		set = append(set, platform.Unchanged(old), platform.Unchanged(target))
	}
	var taken legs
	if err := taken.move("free", "committed", target, c.Open); err != nil {
		return Commitment{}, nil, err
	}
	booked, err := s.ports.Books.Post(ctx, "budget.committed", e, next.At, taken)
	next.On, next.Open = to, c.Open
	return next, append(append(set, booked...), platform.Put(next)), err
}

func (s *Service) onCommitment(ctx context.Context, in any, id platform.ID, decide func(context.Context, Commitment) (Commitment, []platform.Change, error)) (Commitment, error) {
	c, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Commitment, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err != nil {
			return Commitment{}, nil, err
		}
		if _, err := moves.Take(Active, "close", by.Kind); err != nil {
			return Commitment{}, nil, err
		}
		found, err := s.store.Commitments(ctx, id)
		switch {
		case err != nil:
			return Commitment{}, nil, err
		case len(found) == 0:
			return Commitment{}, nil, platform.NotFound(committed(id))
		case found[0].Open.Sign() == 0:
			return Commitment{}, nil, fmt.Errorf("commitment %s: %w", id, ErrSettled)
		}
		next, set, err := decide(ctx, found[0])
		if err != nil {
			return Commitment{}, nil, fmt.Errorf("commitment %s: %w", id, err)
		}
		return next, set, nil
	})
	return c, refusal(err)
}
