package merchant

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

const maxRounds = 3

// AskInfo asks the applicant to tell fields of the party (again): name,
// legal_name, licence or contact.
type AskInfo struct {
	Application platform.ID `json:"application" validate:"required,id=apl"`
	Fields      []string    `json:"fields" validate:"min=1,unique,dive,oneof=name legal_name licence contact"`
}

// Subject is the application.
func (in AskInfo) Subject() platform.Ref {
	return platform.Ref{Kind: kindApplication, ID: in.Application}
}

// Ask is the application while the applicant is to answer, at most three times.
func (a Application) Ask(fields []string, by platform.Actor, due time.Time) (Application, error) {
	state, err := applicationMoves.Take(a.State, "ask_info", by.Kind)
	switch {
	case err != nil:
		return Application{}, err
	case a.Rounds >= maxRounds:
		return Application{}, errRounds
	}
	a.State, a.Asked, a.Rounds, a.Due = state, slices.Clone(fields), a.Rounds+1, due
	return a, nil
}

// AskInfo sends the application back with questions. It lapses unless they are
// answered within 14 days.
func (s *Service) AskInfo(ctx context.Context, in AskInfo) (Application, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Application, []platform.Change, error) {
		a, by, err := s.application(ctx, in.Application)
		if err != nil {
			return Application{}, nil, err
		}
		next, err := a.Ask(in.Fields, by, s.w.Now().Add(s.opts.AnswerFor))
		if err != nil {
			return Application{}, nil, fmt.Errorf("ask about %s: %w", a.ID, err)
		}
		facts := map[string]any{"fields": in.Fields}
		return next, []platform.Change{platform.Put(next), platform.Happened("merchant.info_asked", next.Ref(), facts)}, nil
	})
}

// Answer tells what was asked for, and whatever else has changed.
type Answer struct {
	Application platform.ID `json:"application" validate:"required,id=apl"`
	Party       Party       `json:"party"`
}

// Subject is the application.
func (in Answer) Subject() platform.Ref {
	return platform.Ref{Kind: kindApplication, ID: in.Application}
}

// answer is the application back in review, with all that was asked for.
func (a Application) answer(p Party, told sealed, by platform.Actor, at time.Time) (Application, error) {
	state, err := applicationMoves.Take(a.State, "answer", by.Kind)
	if err != nil {
		return Application{}, err
	}
	if !at.Before(a.Due) {
		return Application{}, ErrLapsed
	}
	if missing := p.faults(a.Asked, true); len(missing) > 0 {
		return Application{}, missing
	}
	a = a.with(told, by)
	a.State, a.Asked, a.Due = state, nil, time.Time{}
	return a, nil
}

// Answer brings the application back into review. It fails with ErrInvalid,
// code merchant.missing, for each field that was asked for and not answered.
func (s *Service) Answer(ctx context.Context, in Answer) (Application, error) {
	if err := s.vet(in, in.Party, nil); err != nil {
		return Application{}, err
	}
	told, err := s.seal(ctx, in.Application, in.Party)
	if err != nil {
		return Application{}, err
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Application, []platform.Change, error) {
		a, by, err := s.application(ctx, in.Application)
		if err != nil {
			return Application{}, nil, err
		}
		now := s.w.Now()
		next, err := a.answer(in.Party, told, by, now)
		if err != nil {
			return Application{}, nil, fmt.Errorf("answer for %s: %w", a.ID, err)
		}
		if err := s.vacant(ctx, next, now); err != nil {
			return Application{}, nil, fmt.Errorf("answer for %s: %w", a.ID, err)
		}
		facts := map[string]any{"fields": a.Asked}
		return next, []platform.Change{platform.Put(next), platform.Happened("merchant.info_answered", next.Ref(), facts)}, nil
	})
}

// decide is the application once a reviewer approves or rejects it. A second
// decision is refused with the first one in the details.
func (a Application) decide(verb string, by platform.Actor, at time.Time) (Application, error) {
	if a.Decision != "" {
		return Application{}, platform.Detail(ErrDecided, "decision", string(a.Decision))
	}
	if err := tied(by, a.Introducer, slices.Concat(a.Hands, []platform.ID{a.Applicant, a.Merchant})...); err != nil {
		return Application{}, err
	}
	state, err := applicationMoves.Take(a.State, verb, by.Kind)
	if err != nil {
		return Application{}, err
	}
	a.State, a.Decision, a.Reviewer, a.DecidedAt, a.Due = state, state, by.ID, at, time.Time{}
	return a, nil
}

// Approve lets the applicant in. Reviewers decide neither on whom they
// introduced (review.tie) nor on what they entered (review.self).
type Approve struct {
	Application platform.ID `json:"application" validate:"required,id=apl"`
}

// Subject is the application.
func (in Approve) Subject() platform.Ref {
	return platform.Ref{Kind: kindApplication, ID: in.Application}
}

// Approve is the application once it is approved. It fails with [ErrDecided]
// when there is a decision, which is in the details.
func (a Application) Approve(by platform.Actor, at time.Time) (Application, error) {
	return a.decide("approve", by, at)
}

// Approve makes the merchant, state approved, and offers it the agreement in
// effect, in one set. It must be signed within 30 days. Of two reviewers who
// decide at once the second gets [ErrDecided].
func (s *Service) Approve(ctx context.Context, in Approve) (Application, error) {
	agreement := s.w.NewChild("agr", in.Application)
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Application, []platform.Change, error) {
		a, by, err := s.application(ctx, in.Application)
		if err != nil {
			return Application{}, nil, err
		}
		now := s.w.Now()
		next, err := a.Approve(by, now)
		if err != nil {
			return Application{}, nil, fmt.Errorf("approve %s: %w", a.ID, err)
		}
		m, g, err := s.admit(next, agreement, by, now)
		if err != nil {
			return Application{}, nil, fmt.Errorf("approve %s: %w", a.ID, err)
		}
		return next, []platform.Change{
			platform.Put(next), platform.Put(m), platform.Put(g),
			platform.Happened("merchant.approved", next.Ref(), map[string]any{"merchant": m.ID, "agreement": g.ID}),
			platform.Happened("agreement.offered", g.Ref(), map[string]any{"version": g.Template, "hash": g.Hash}),
		}, nil
	})
}

// admit is the merchant that an approved application becomes, and the
// agreement that it is to sign.
func (s *Service) admit(a Application, agreement platform.ID, by platform.Actor, at time.Time) (Merchant, Agreement, error) {
	text, err := inEffect(s.opts.Templates, at)
	if err != nil {
		return Merchant{}, Agreement{}, err
	}
	m, err := a.merchant(agreement, by, at.Add(s.opts.SignFor))
	if err != nil {
		return Merchant{}, Agreement{}, err
	}
	g, err := m.offer(text, by, at)
	return m, g, err
}

// Reject turns the applicant away for the reasons given.
type Reject struct {
	Application platform.ID `json:"application" validate:"required,id=apl"`
	Reasons     []string    `json:"reasons" validate:"min=1,unique,dive,oneof=incomplete unverified not_eligible duplicate fraud"`
}

// Subject is the application.
func (in Reject) Subject() platform.Ref {
	return platform.Ref{Kind: kindApplication, ID: in.Application}
}

// Reject is the application once it is rejected; the same licence may apply
// again from until on. It fails as [Application.Approve] does.
func (a Application) Reject(reasons []string, by platform.Actor, at, until time.Time) (Application, error) {
	a, err := a.decide("reject", by, at)
	if err != nil {
		return Application{}, err
	}
	a.Reasons, a.CoolOff = slices.Clone(reasons), until
	return a, nil
}

// Reject ends the application. Its licence may apply again after 30 days, after
// fraud only after 365.
func (s *Service) Reject(ctx context.Context, in Reject) (Application, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Application, []platform.Change, error) {
		a, by, err := s.application(ctx, in.Application)
		if err != nil {
			return Application{}, nil, err
		}
		now, wait := s.w.Now(), s.opts.CoolOff
		if slices.Contains(in.Reasons, "fraud") {
			wait = s.opts.FraudCoolOff
		}
		next, err := a.Reject(in.Reasons, by, now, now.Add(wait))
		if err != nil {
			return Application{}, nil, fmt.Errorf("reject %s: %w", a.ID, err)
		}
		event := platform.Happened("merchant.rejected", next.Ref(), map[string]any{"reasons": in.Reasons})
		return next, []platform.Change{platform.Put(next), event.Because(in.Reasons[0])}, nil
	})
}
