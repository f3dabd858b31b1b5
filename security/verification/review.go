package verification

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Verify agrees to a submission.
type Verify struct {
	Submission platform.ID `json:"submission" validate:"required,id=sub"`
}

// Subject is the submission.
func (in Verify) Subject() platform.Ref {
	return platform.Ref{Kind: submissionKind, ID: in.Submission}
}

// Verify finds a submission good; see [Submission.Verify]. Of two reviewers at
// once one decides, and the other hears [ErrDecided].
func (s *Service) Verify(ctx context.Context, in Verify) (Submission, error) {
	return s.decide(ctx, in, in.Submission, func(ctx context.Context, b book, c Submission, r Requirement, by platform.Actor, now time.Time) (Submission, []platform.Change, error) {
		return s.verified(ctx, b, c, r, by, now)
	})
}

type deciding func(ctx context.Context, b book, c Submission, r Requirement, by platform.Actor, now time.Time) (Submission, []platform.Change, error)

func (s *Service) decide(ctx context.Context, in any, id platform.ID, f deciding) (Submission, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Submission, []platform.Change, error) {
		c, b, r, by, err := s.submission(ctx, id)
		if err != nil {
			return Submission{}, nil, err
		}
		return f(ctx, b, c, r, by, s.w.Now())
	})
}

// verified is the submission found good, with the changes that follow: older ones
// that end no later are superseded, and the standing is written anew.
func (s *Service) verified(ctx context.Context, b book, c Submission, r Requirement, by platform.Actor, now time.Time) (Submission, []platform.Change, error) {
	next, err := c.Verify(r, by, b.Introducer, now)
	if err != nil {
		return c, nil, err
	}
	facts := map[string]any{"party": c.Party, "code": c.Code, "version": c.Edition}
	if next.State != Verified { // another has to agree
		next.Manual = true
		set := []platform.Change{platform.Put(next), platform.Unchanged(b.Standing), platform.Happened("verification.agreed", c.Ref(), facts)}
		return next, set, nil
	}
	older, err := s.outlived(ctx, b, next, r)
	if err != nil {
		return c, nil, err
	}
	var set []platform.Change
	for _, o := range older {
		if o.State, err = Moves.Take(o.State, "supersede", platform.System); err != nil {
			return c, nil, err
		}
		b = b.with(o.evidence())
		set = append(set, platform.Put(o), platform.Happened("verification.superseded", o.Ref(), map[string]any{"by": next.ID}))
	}
	_, more := b.with(next.evidence()).settled(now)
	set = append(set, platform.Put(next), platform.Happened("verification.verified", next.Ref(), facts))
	return next, append(set, more...), nil
}

// outlived are the submissions of the same requirement that end no later.
func (s *Service) outlived(ctx context.Context, b book, next Submission, r Requirement) ([]Submission, error) {
	end := bound(next.evidence().ends(&r))
	var older []platform.ID
	for _, e := range b.Evidence {
		if e.Code == next.Code && e.Submission != next.ID && (e.State == Verified || e.State == Expired) && bound(e.ends(&r)) <= end {
			older = append(older, e.Submission)
		}
	}
	if len(older) == 0 {
		return nil, nil
	}
	return platform.ReadAll[Submission](ctx, s.db, submissionKind, older...)
}

// Reject refuses a submission, and says what the party can do.
type Reject struct {
	Submission platform.ID `json:"submission" validate:"required,id=sub"`
	Reason     string      `json:"reason" validate:"required,max=64,printascii"` // a code
	Remedy     string      `json:"remedy" validate:"required,max=64,printascii"`
	Path       string      `json:"path,omitempty" validate:"max=64,printascii"` // of the field that is wrong
}

// Subject is the submission.
func (in Reject) Subject() platform.Ref {
	return platform.Ref{Kind: submissionKind, ID: in.Submission}
}

// Reject refuses a submission; its requirement is due again. See [Service.Verify].
func (s *Service) Reject(ctx context.Context, in Reject) (Submission, error) {
	return s.decide(ctx, in, in.Submission, func(_ context.Context, b book, c Submission, _ Requirement, by platform.Actor, now time.Time) (Submission, []platform.Change, error) {
		next, err := c.Reject(in, by, b.Introducer, now)
		if err != nil {
			return c, nil, err
		}
		_, set := b.with(next.evidence()).settled(now)
		event := platform.Happened("verification.rejected", next.Ref(), map[string]any{"party": c.Party, "code": c.Code, "remedy": in.Remedy})
		return next, append(set, platform.Put(next), event.Because(in.Reason)), nil
	})
}

// Revoke takes a verification back: what was shown was forged, or withdrawn by who
// issued it.
type Revoke struct {
	Submission platform.ID `json:"submission" validate:"required,id=sub"`
	Reason     string      `json:"reason" validate:"required,max=64,printascii"` // a code
	Evidence   string      `json:"evidence" validate:"required,max=128,printascii"`
}

// Subject is the submission.
func (in Revoke) Subject() platform.Ref {
	return platform.Ref{Kind: submissionKind, ID: in.Submission}
}

// Revoke ends a verification, without grace: what it gated is disabled with the
// same commit. Orders under way are not touched.
func (s *Service) Revoke(ctx context.Context, in Revoke) (Submission, error) {
	return s.decide(ctx, in, in.Submission, func(_ context.Context, b book, c Submission, _ Requirement, by platform.Actor, now time.Time) (Submission, []platform.Change, error) {
		return s.revoked(b, c, in.Reason, by, now)
	})
}

func (s *Service) revoked(b book, c Submission, reason string, by platform.Actor, now time.Time) (Submission, []platform.Change, error) {
	next, err := c.Revoke(reason, by, b.Introducer, now)
	if err != nil {
		return c, nil, err
	}
	_, set := b.with(next.evidence()).settled(now)
	event := platform.Happened("verification.revoked", next.Ref(), map[string]any{"party": c.Party, "code": c.Code})
	return next, append(set, platform.Put(next), event.Because(reason)), nil
}

// Reopen says that facts about a party changed: its name, its licence, its legal
// person. What depends on them has to be proved anew.
type Reopen struct {
	Party platform.ID `json:"party" validate:"required,max=64"`
	Facts []string    `json:"facts" validate:"min=1,max=10,unique,dive,required,max=64,printascii"`
}

// Subject is the party's standing.
func (in Reopen) Subject() platform.Ref {
	return platform.Ref{Kind: standingKind, ID: StandingID(in.Party)}
}

// Reopen makes pending what is verified and depends on the facts, and nothing else.
// Capabilities stay until a deadline in 14 days, or the end of what is reopened if
// that is sooner. It fails with ErrState when nothing depends on them.
func (s *Service) Reopen(ctx context.Context, in Reopen) (Standing, error) {
	if err := s.allow(ctx, judges...); err != nil {
		return Standing{}, fmt.Errorf("reopen: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Standing, []platform.Change, error) {
		b, err := s.whole(ctx, in.Party)
		if err != nil {
			return Standing{}, nil, err
		}
		by, err := s.w.Actor(ctx)
		if err != nil {
			return Standing{}, nil, err
		}
		now := s.w.Now()
		var set []platform.Change
		dependents, err := s.dependents(ctx, b, in.Facts, now)
		if err != nil {
			return Standing{}, nil, err
		}
		for _, c := range dependents {
			end := b.ends(c.evidence(), now)
			next, err := c.Reopen(earlier(now.Add(s.terms.Anew), end), by, now)
			if err != nil {
				return Standing{}, nil, err
			}
			next.ReviewBy = s.terms.Calendar.AddDays(now, s.terms.Review)
			b = b.with(next.evidence())
			event := platform.Happened("verification.reopened", next.Ref(), map[string]any{"party": c.Party, "code": c.Code, "facts": in.Facts, "deadline": next.Deadline})
			set = append(set, platform.Put(next), event)
		}
		if len(set) == 0 {
			return Standing{}, nil, fmt.Errorf("reopen: %w", errNoReopen)
		}
		st, more := b.settled(now)
		return st, append(set, more...), nil
	})
}

// dependents are the verified submissions whose requirements depend on a fact.
func (s *Service) dependents(ctx context.Context, b book, facts []string, now time.Time) ([]Submission, error) {
	var ids []platform.ID
	for _, e := range b.Evidence {
		r, _, _ := b.requirement(e.Code, now) // one that is not asked any more depends on nothing
		if e.State == Verified && slices.ContainsFunc(r.Depends, func(fact string) bool { return slices.Contains(facts, fact) }) {
			ids = append(ids, e.Submission)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	open, err := platform.ReadAll[Submission](ctx, s.db, submissionKind, ids...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(open, func(c Submission) bool {
		return slices.ContainsFunc(b.Evidence, func(e Evidence) bool { return e.Code == c.Code && e.State == Pending })
	}), nil
}

// Withdraw takes a submission back.
type Withdraw struct {
	Submission platform.ID `json:"submission" validate:"required,id=sub"`
}

// Subject is the submission.
func (in Withdraw) Subject() platform.Ref {
	return platform.Ref{Kind: submissionKind, ID: in.Submission}
}

// Withdraw takes back what is not decided. One that has to be proved anew cannot
// be.
func (s *Service) Withdraw(ctx context.Context, in Withdraw) (Submission, error) {
	return s.decide(ctx, in, in.Submission, func(_ context.Context, b book, c Submission, _ Requirement, by platform.Actor, now time.Time) (Submission, []platform.Change, error) {
		next, err := c.Withdraw(by)
		if err != nil {
			return c, nil, err
		}
		_, set := b.with(next.evidence()).settled(now)
		event := platform.Happened("verification.withdrawn", next.Ref(), map[string]any{"party": c.Party, "code": c.Code})
		return next, append(set, platform.Put(next), event), nil
	})
}
