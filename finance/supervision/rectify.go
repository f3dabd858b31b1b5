package supervision

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Assign gives a finding to an owner.
type Assign struct {
	Finding platform.ID `json:"finding" validate:"required,id=fnd"`
	Owner   platform.ID `json:"owner" validate:"required,text=64"`
}

// PlanFix says how a finding is put right.
type PlanFix struct {
	Finding platform.ID `json:"finding" validate:"required,id=fnd"`
	Cause   string      `json:"cause" validate:"required,text=64"` // a code
	Actions []string    `json:"actions" validate:"min=1,max=20,dive,required,text=64"`
	Until   time.Time   `json:"until" validate:"required"`
	Fixer   platform.ID `json:"fixer,omitempty" validate:"text=64"`
}

// StartFix begins the work.
type StartFix struct {
	Finding platform.ID `json:"finding" validate:"required,id=fnd"`
}

// FinishFix says that the finding is put right.
type FinishFix struct {
	Finding  platform.ID `json:"finding" validate:"required,id=fnd"`
	Evidence string      `json:"evidence" validate:"required,len=64,hexadecimal"` // SHA-256 of what proves it
}

// VerifyFix confirms it, by somebody else.
type VerifyFix struct {
	Finding platform.ID `json:"finding" validate:"required,id=fnd"`
}

// RefuseFix sends it back.
type RefuseFix struct {
	Finding platform.ID `json:"finding" validate:"required,id=fnd"`
	Reason  string      `json:"reason" validate:"required,text=64"` // a code
}

func findingRef(id platform.ID) platform.Ref { return platform.Ref{Kind: findingKind, ID: id} }

// Subject is the finding.
func (in Assign) Subject() platform.Ref { return findingRef(in.Finding) }

// Subject is the finding.
func (in PlanFix) Subject() platform.Ref { return findingRef(in.Finding) }

// Subject is the finding.
func (in StartFix) Subject() platform.Ref { return findingRef(in.Finding) }

// Subject is the finding.
func (in FinishFix) Subject() platform.Ref { return findingRef(in.Finding) }

// Subject is the finding.
func (in VerifyFix) Subject() platform.Ref { return findingRef(in.Finding) }

// Subject is the finding.
func (in RefuseFix) Subject() platform.Ref { return findingRef(in.Finding) }

// on carries out a command on a finding.
func (s *Service) on(ctx context.Context, in interface{ Subject() platform.Ref }, what, reason string, by platform.Actor, decide func(context.Context, Finding) (Finding, []platform.Change, error)) (Finding, error) {
	return platform.Update(platform.As(ctx, by), s.w, in, func(ctx context.Context) (Finding, []platform.Change, error) {
		f, err := platform.Read[Finding](ctx, s.db, findingKind, in.Subject().ID)
		if err != nil {
			return Finding{}, nil, err
		}
		next, more, err := decide(ctx, f)
		if err != nil {
			return Finding{}, nil, err
		}
		set := append([]platform.Change{platform.Put(next)}, more...)
		return next, append(set, next.event(what, reason)), nil
	})
}

// alone is a decision on the finding alone.
func alone(next Finding, err error) (Finding, []platform.Change, error) { return next, nil, err }

// Assign gives a finding that is not closed to an owner. Supervisors may, but not
// to themselves: they fail with ErrSegregation.
func (s *Service) Assign(ctx context.Context, in Assign) (Finding, error) {
	by, err := s.supervisor(ctx)
	if err == nil && meet(hands(by), in.Owner) {
		err = ErrSegregation
	}
	if err != nil {
		return Finding{}, fmt.Errorf("assign %s: %w", in.Finding, err)
	}
	return s.on(ctx, in, "finding.assigned", "", by, func(_ context.Context, f Finding) (Finding, []platform.Change, error) {
		next, err := f.move("assign", by, false)
		next.Owner = in.Owner
		return alone(next, err)
	})
}

// PlanFix plans an open finding. Its owner may; one that has none becomes the
// planner's. It fails with ErrOwner, with ErrPlan for an end later than the
// severity allows, and with ErrSegregation for supervisors.
func (s *Service) PlanFix(ctx context.Context, in PlanFix) (Finding, error) {
	by, err := s.owner(ctx)
	if err != nil {
		return Finding{}, fmt.Errorf("plan %s: %w", in.Finding, err)
	}
	return s.on(ctx, in, "finding.planned", in.Cause, by, func(_ context.Context, f Finding) (Finding, []platform.Change, error) {
		return alone(f.Planned(Rectification{Cause: in.Cause, Actions: in.Actions, Until: in.Until, Fixer: in.Fixer}, by, s.w.Now(), s.terms))
	})
}

// StartFix begins the work on a finding that is planned. Its owner may.
func (s *Service) StartFix(ctx context.Context, in StartFix) (Finding, error) {
	by, err := s.owner(ctx)
	if err != nil {
		return Finding{}, fmt.Errorf("start %s: %w", in.Finding, err)
	}
	return s.on(ctx, in, "finding.started", "", by, func(_ context.Context, f Finding) (Finding, []platform.Change, error) {
		return alone(f.Started(by, s.w.Now()))
	})
}

// FinishFix says that the finding is put right, with the digest of what proves it.
// Its owner may, and the fixer whom the plan names.
func (s *Service) FinishFix(ctx context.Context, in FinishFix) (Finding, error) {
	by, err := s.owner(ctx)
	if err != nil {
		return Finding{}, fmt.Errorf("finish %s: %w", in.Finding, err)
	}
	return s.on(ctx, in, "finding.fixed", "", by, func(_ context.Context, f Finding) (Finding, []platform.Change, error) {
		return alone(f.Done(in.Evidence, by, s.w.Now(), s.terms, s.calendar))
	})
}

// owner is who acts, if it is an operator who does not supervise.
func (s *Service) owner(ctx context.Context) (platform.Actor, error) {
	by, err := s.operator(ctx)
	if err == nil && by.Has(Supervisor) {
		err = ErrSegregation
	}
	return by, err
}

// VerifyFix closes a finding. Supervisors may, but neither its owner nor who fixed
// it (ErrSelfVerified). The control that found it is asked again first, about what
// happened since the fix, or about how things stand: it fails with ErrNotClean
// while that finds the same object. What the fix has brought is the amount that the
// control no longer finds.
func (s *Service) VerifyFix(ctx context.Context, in VerifyFix) (Finding, error) {
	by, err := s.supervisor(ctx)
	if err != nil {
		return Finding{}, fmt.Errorf("verify %s: %w", in.Finding, err)
	}
	f, err := platform.Read[Finding](ctx, s.db, findingKind, in.Finding)
	if err != nil {
		return Finding{}, err
	}
	effect, err := s.clean(ctx, f)
	if err != nil {
		return Finding{}, fmt.Errorf("verify %s: %w", in.Finding, err)
	}
	return s.on(ctx, in, "finding.verified", "", by, func(_ context.Context, now Finding) (Finding, []platform.Change, error) {
		if !now.FixedAt.Equal(f.FixedAt) || now.Hits != f.Hits {
			return Finding{}, nil, fmt.Errorf("verify %s: %w", in.Finding, ErrNotClean) // something came since the control was asked
		}
		next, err := now.Verified(effect, by, s.w.Now())
		return next, []platform.Change{next.event("finding.closed", "")}, err
	})
}

// clean asks the control of a finding again. It returns what is found no more.
func (s *Service) clean(ctx context.Context, f Finding) (platform.Money, error) {
	k, known := control(f.Control)
	if !known || f.State != Fixed {
		return f.Amount, nil // nobody to ask, or nothing to verify
	}
	w := Window{f.FixedAt, s.w.Now()}
	if k.Stands {
		w.From = f.From
	}
	hits, _, err := s.find(ctx, k, w)
	if err != nil {
		return platform.Money{}, err
	}
	if slices.ContainsFunc(hits, func(h Hit) bool { return h.Object == f.Object }) {
		return platform.Money{}, ErrNotClean
	}
	return f.Amount, nil
}

// RefuseFix sends a finding back to its owner. Who may verify it may.
func (s *Service) RefuseFix(ctx context.Context, in RefuseFix) (Finding, error) {
	by, err := s.supervisor(ctx)
	if err != nil {
		return Finding{}, fmt.Errorf("refuse %s: %w", in.Finding, err)
	}
	return s.on(ctx, in, "finding.refused", in.Reason, by, func(_ context.Context, f Finding) (Finding, []platform.Change, error) {
		return alone(f.Refused(by, s.w.Now(), s.terms))
	})
}

type escalate struct {
	Finding platform.ID `json:"finding"`
}

// Subject is the finding.
func (in escalate) Subject() platform.Ref { return findingRef(in.Finding) }

// overdue escalates a finding.
func (s *Service) overdue(ctx context.Context, id platform.ID, now time.Time) error {
	by, err := s.w.Actor(ctx)
	if err == nil {
		_, err = s.on(ctx, escalate{id}, "finding.overdue", "late", by, func(_ context.Context, f Finding) (Finding, []platform.Change, error) {
			return alone(f.Overdue(now))
		})
	}
	return err
}

// Finding is one finding. Operators, auditors and the system read it.
func (s *Service) Finding(ctx context.Context, id platform.ID) (Finding, error) {
	return shown[Finding](ctx, s, findingKind, id)
}

// Findings is a page of those in a state, the first due first.
func (s *Service) Findings(ctx context.Context, state State, cursor string) (platform.Page[Finding], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[Finding]{}, err
	}
	return platform.List[Finding](ctx, s.db, platform.Query{Kind: findingKind, By: []string{"state", "until"}, Equal: []any{state}, Cursor: cursor, Limit: 100})
}

// Hits is a page of the hits of a finding, the last first.
func (s *Service) Hits(ctx context.Context, finding platform.ID, cursor string) (platform.Page[Known], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[Known]{}, err
	}
	return platform.List[Known](ctx, s.db, platform.Query{Kind: hitKind, By: []string{"finding", "at"}, Equal: []any{finding}, Backward: true, Cursor: cursor})
}

// Open lists the verbs that an operator may take on the finding in its state, by
// the table alone.
func (f Finding) Open() []string { return FindingMoves.Open(f.State, platform.Operator) }
