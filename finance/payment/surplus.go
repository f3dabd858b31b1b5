package payment

import (
	"context"
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// Surplus tells of money at an institution that was never asked for.
type Surplus struct {
	For         platform.Ref   `json:"for"` // whose money it is thought to be, an order say
	Amount      platform.Money `json:"amount" validate:"required"`
	Institution string         `json:"institution" validate:"required,max=64"`
	Reference   string         `json:"reference" validate:"required,max=255,printascii"` // the institution's own; counts once
	Keep        bool           `json:"keep,omitempty"`                                   // leave it on the surplus account instead of giving it back
}

// Subject is whose money it is thought to be.
func (c Surplus) Subject() platform.Ref { return c.For }

// Surplus books the money on the surplus account and gives it back by itself,
// unless it is to be kept. It returns the attempt that stands for it. Operators
// and the system may do so.
//
// It fails with ErrAmount unless the amount is positive, ErrInstitution for one
// that is not wired, ErrReferenceKnown when the institution's reference is that
// of an attempt, whose own money it is, and with ErrConflict, code taken, when it
// was booked as surplus already.
func (s *Service) Surplus(ctx context.Context, in Surplus) (Attempt, error) {
	id := s.w.NewChild("att", in.For.ID)
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Attempt, []platform.Change, error) {
		if err := platformOnly(ctx); err != nil {
			return Attempt{}, nil, fmt.Errorf("book surplus for %s: %w", in.For, err)
		}
		if in.Amount.Sign() <= 0 {
			return Attempt{}, nil, fmt.Errorf("book surplus for %s: %w", in.For, ErrAmount)
		}
		if _, err := platform.ParseID(string(in.For.ID)); err != nil {
			return Attempt{}, nil, fmt.Errorf("book surplus for %s: %w", in.For, err)
		}
		if _, err := s.gateway(in.Institution); err != nil {
			return Attempt{}, nil, err
		}
		named, err := s.store.Named(ctx, in.Institution, in.Reference)
		if err != nil {
			return Attempt{}, nil, err
		}
		for _, known := range named {
			if known.Intent != "" {
				return Attempt{}, nil, platform.Detail(fmt.Errorf("book surplus for %s: %w", in.For, ErrReferenceKnown), "attempt", known.ID)
			}
		}
		now := s.w.Now()
		a := Attempt{
			Head: platform.Head{ID: id}, Subject: in.For, Institution: in.Institution, State: AttemptSurplus,
			Amount: in.Amount, Received: in.Amount, Reference: in.Reference, Operation: Operation{SentAt: now}, EndedAt: now,
		}
		a, changes, err := s.surplus(ctx, a, in.Keep)
		if err != nil {
			return Attempt{}, nil, err
		}
		return a, append(changes, a.event()), nil
	})
}

// claims keeps the money that an institution knows by one name from being booked
// twice: as an attempt's, once the name is learnt, and as surplus.
func (a Attempt) claims() []platform.Claim {
	booked := a.Intent == "" || !a.Held && !a.Foreign && a.Of == "" && (a.State == AttemptCaptured || a.State == AttemptSurplus)
	if !booked || a.Reference == "" {
		return nil
	}
	return []platform.Claim{{Scope: "payment.reference/" + a.Institution, Key: a.Reference}}
}

// bookedBefore is an attempt whose money came, as it ends when that is in the books
// already: what was booked as surplus stays it, and brought this attempt nothing;
// money of another attempt is a person's to look at. It fails with what was taken
// when that is something else.
func (s *Service) bookedBefore(ctx context.Context, was, next Attempt, taken error) (Attempt, error) {
	named, err := s.store.Named(ctx, next.Institution, next.Reference)
	if err != nil {
		return Attempt{}, err
	}
	if !slices.ContainsFunc(named, func(known Attempt) bool { return known.ID != next.ID && len(known.claims()) > 0 }) {
		return Attempt{}, taken
	}
	verb, found := "quarantine", Status{Amount: next.Received, Reference: next.Reference}
	if slices.ContainsFunc(named, func(known Attempt) bool { return known.Intent == "" }) {
		verb, found.Amount = "fail", platform.Money{}
	}
	ended, err := was.end(verb, platform.System, found, next.EndedAt)
	ended.Reason = platform.Code(ErrReferenceKnown)
	return ended, err
}

// surplus books money that nobody takes and, unless it is to be kept, begins its
// return.
func (s *Service) surplus(ctx context.Context, a Attempt, keep bool) (Attempt, []platform.Change, error) {
	books, err := s.ports.Books.Post(ctx, "pay.surplus", a.Ref(), a.EndedAt, clearing("surplus", a.Subject, a.Institution, a.Received))
	if err != nil {
		return Attempt{}, nil, fmt.Errorf("book %s: %w", a.ID, err)
	}
	if keep {
		return a, append(books, platform.Put(a)), nil
	}
	a.Returned = a.Received
	r := Return{
		Head: platform.Head{ID: a.ID.As("rtn")}, Subject: a.Subject, State: ReturnAsked, Amount: a.Received,
		Parts: []Part{part(a, a.Received)}, Operation: Operation{Due: a.EndedAt},
	}
	return a, append(books, platform.Put(a), platform.Put(r)), nil
}

// platformOnly lets operators and the system pass.
func platformOnly(ctx context.Context) error {
	actor, err := platform.ActorOf(ctx)
	if err == nil && actor.Kind != platform.Operator && actor.Kind != platform.System {
		err = ErrActor
	}
	return err
}
