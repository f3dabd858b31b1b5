package reconciliation

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// ResolveCase books what makes up for a difference.
type ResolveCase struct {
	Case    platform.ID    `json:"case" validate:"required,id=rcn"`
	What    string         `json:"what,omitempty" validate:"max=64"`          // the recipe; if empty, the proposal's
	Against []finance.Line `json:"against,omitempty" validate:"max=100,dive"` // the accounts that take the difference up, debits positive; if none, the proposal's
	Reason  string         `json:"reason,omitempty" validate:"text=64"`       // a code
}

// Subject is the case.
func (in ResolveCase) Subject() platform.Ref { return platform.Ref{Kind: caseKind, ID: in.Case} }

// ApproveCase books what somebody else proposed.
type ApproveCase struct {
	Case platform.ID `json:"case" validate:"required,id=rcn"`
}

// Subject is the case.
func (in ApproveCase) Subject() platform.Ref { return platform.Ref{Kind: caseKind, ID: in.Case} }

// RejectCase gives a case back to whom it was.
type RejectCase struct {
	Case   platform.ID `json:"case" validate:"required,id=rcn"`
	Reason string      `json:"reason" validate:"required,text=64"`
}

// Subject is the case.
func (in RejectCase) Subject() platform.Ref { return platform.Ref{Kind: caseKind, ID: in.Case} }

// TakeCase makes a case one's own.
type TakeCase struct {
	Case platform.ID `json:"case" validate:"required,id=rcn"`
}

// Subject is the case.
func (in TakeCase) Subject() platform.Ref { return platform.Ref{Kind: caseKind, ID: in.Case} }

// ResolveCase books the difference by a recipe, against the accounts named. By
// suspense.opened it is only put on suspense, and resolved from there by
// suspense.resolved into a named account. Above Terms.FourEyes nothing is booked
// until somebody else approves. Operators may. The posting is an entry of the
// ledger's account, which the next run matches with what it makes up for.
//
// It fails with ErrCaseEnded, with ErrRecipe for another recipe, with ErrAmount
// unless the accounts take up the whole difference, and as finance.Books.Post.
func (s *Service) ResolveCase(ctx context.Context, in ResolveCase) (Case, error) {
	if err := platform.Validate(in); err != nil {
		return Case{}, err
	}
	var against []platform.Leg
	for _, l := range in.Against {
		a, err := finance.ParseAccount(l.Account)
		if err != nil {
			return Case{}, fmt.Errorf("resolve %s: %w", in.Case, err)
		}
		against = append(against, legOn(a, l.Amount))
	}
	return s.onCase(ctx, in, in.Case, func(ctx context.Context, c Case, by platform.Actor, now time.Time) (Case, []platform.Change, error) {
		r := Resolution{What: cmp.Or(in.What, c.Proposal.What), Against: against}
		if len(against) == 0 && r.What == c.Proposal.What {
			r.Against = c.Proposal.Against
		}
		next, err := c.Resolve(r, by, s.large(c.Differs), now)
		if err != nil {
			return Case{}, nil, err
		}
		if next.State == CaseProposed {
			return next, []platform.Change{next.event("recon.proposed").Because(in.Reason)}, nil
		}
		return s.book(ctx, c, next, in.Reason, now)
	})
}

// ApproveCase books what was proposed. It fails with ErrFourEyes for who proposed
// it, and otherwise as [Service.ResolveCase].
func (s *Service) ApproveCase(ctx context.Context, in ApproveCase) (Case, error) {
	return s.onCase(ctx, in, in.Case, func(ctx context.Context, c Case, by platform.Actor, now time.Time) (Case, []platform.Change, error) {
		next, err := c.Decide(true, by, now)
		if err != nil {
			return Case{}, nil, err
		}
		return s.book(ctx, c, next, "", now)
	})
}

// RejectCase opens a proposed case again. It fails as [Service.ApproveCase].
func (s *Service) RejectCase(ctx context.Context, in RejectCase) (Case, error) {
	return s.onCase(ctx, in, in.Case, func(_ context.Context, c Case, by platform.Actor, now time.Time) (Case, []platform.Change, error) {
		next, err := c.Decide(false, by, now)
		return next, []platform.Change{next.event("recon.rejected").Because(in.Reason)}, err
	})
}

// TakeCase makes whoever takes it the owner. It fails with ErrCaseEnded for a
// case that nobody need work on.
func (s *Service) TakeCase(ctx context.Context, in TakeCase) (Case, error) {
	return s.onCase(ctx, in, in.Case, func(_ context.Context, c Case, by platform.Actor, _ time.Time) (Case, []platform.Change, error) {
		_, err := CaseMoves.Take(c.State, "take", by.Kind)
		c.Owner = by.ID
		return c, []platform.Change{c.event("recon.taken")}, err
	})
}

// book posts the resolution of next, which was c.
func (s *Service) book(ctx context.Context, c, next Case, reason string, now time.Time) (Case, []platform.Change, error) {
	legs, err := c.legs(next.Resolution)
	if err != nil {
		return Case{}, nil, err
	}
	books, err := s.ports.Books.Post(ctx, next.Resolution.What, next.Ref(), now, legs)
	if err != nil {
		return Case{}, nil, fmt.Errorf("resolve %s: %w", c.ID, err)
	}
	what := "recon.resolved"
	if next.State == CaseSuspended {
		what = "recon.suspended"
	}
	return next, append(books, next.event(what).Because(reason)), nil
}

func (s *Service) onCase(ctx context.Context, in any, id platform.ID, decide func(context.Context, Case, platform.Actor, time.Time) (Case, []platform.Change, error)) (Case, error) {
	if err := platform.Validate(in); err != nil {
		return Case{}, err
	}
	by, err := s.may(ctx)
	if err != nil {
		return Case{}, fmt.Errorf("case %s: %w", id, err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Case, []platform.Change, error) {
		found, err := s.store.Cases(ctx, id)
		if err == nil && len(found) == 0 {
			err = platform.NotFound(platform.Ref{Kind: caseKind, ID: id})
		}
		if err != nil {
			return Case{}, nil, err
		}
		next, changes, err := decide(ctx, found[0], by, s.w.Now())
		if err != nil {
			return Case{}, nil, fmt.Errorf("case %s: %w", id, err)
		}
		return next, append(changes, platform.Put(next)), nil
	})
}

// large tells whether a difference needs two people.
func (s *Service) large(m platform.Money) bool {
	return m.Decimal().Abs().GreaterThan(decimal.Max(s.opts.Terms.FourEyes, decimal.Zero))
}

// late is told once of a case.
type late struct {
	Case platform.ID `json:"case"`
}

func (s *Service) overdue(ctx context.Context, id platform.ID, now time.Time) error {
	_, err := s.onCase(ctx, late{id}, id, func(_ context.Context, c Case, by platform.Actor, _ time.Time) (Case, []platform.Change, error) {
		_, err := CaseMoves.Take(c.State, "late", by.Kind)
		if err == nil && (c.Overdue || now.Before(c.Due)) {
			err = errDone
		}
		c.Overdue = true
		return c, []platform.Change{c.event("recon.overdue")}, err
	})
	return err
}

// Case is one case. Operators and auditors read it.
func (s *Service) Case(ctx context.Context, id platform.ID) (Case, error) {
	if err := s.reads(ctx); err != nil {
		return Case{}, fmt.Errorf("case %s: %w", id, err)
	}
	found, err := s.store.Cases(ctx, id)
	if err == nil && len(found) == 0 {
		err = platform.NotFound(platform.Ref{Kind: caseKind, ID: id})
	}
	if err != nil {
		return Case{}, err
	}
	return found[0], nil
}

// Inbox is a page of the cases in a state, the first due first.
func (s *Service) Inbox(ctx context.Context, state CaseState, cursor string) (platform.Page[Case], error) {
	if err := s.reads(ctx); err != nil {
		return platform.Page[Case]{}, fmt.Errorf("cases: %w", err)
	}
	return s.store.Inbox(ctx, state, cursor)
}
