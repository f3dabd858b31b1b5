package supervision

import (
	"context"
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// Refer hands a person's part to those who judge people.
type Refer struct {
	Finding platform.ID `json:"finding" validate:"required,id=fnd"`
	Party   platform.ID `json:"party" validate:"required,text=64"`
	Reason  string      `json:"reason" validate:"oneof=wilful repeated"`
}

// ReportReferral says what came of a referral.
type ReportReferral struct {
	Finding platform.ID  `json:"finding" validate:"required,id=fnd"`
	Party   platform.ID  `json:"party" validate:"required,text=64"`
	Case    platform.Ref `json:"case,omitzero"`
	Outcome string       `json:"outcome" validate:"required,text=64"` // a code
}

// Subject is the finding.
func (in Refer) Subject() platform.Ref { return findingRef(in.Finding) }

// Subject is the finding.
func (in ReportReferral) Subject() platform.Ref { return findingRef(in.Finding) }

// Refer hands a person's part in a finding, wilful or repeated, to those who judge
// people, with the case that Sanctions opens. Supervisors may. A person is
// referred once in a finding until the outcome is known.
func (s *Service) Refer(ctx context.Context, in Refer) (Finding, error) {
	by, err := s.supervisor(ctx)
	if err != nil {
		return Finding{}, fmt.Errorf("refer %s: %w", in.Finding, err)
	}
	return s.on(ctx, in, "finding.referred", in.Reason, by, func(ctx context.Context, f Finding) (Finding, []platform.Change, error) {
		next, err := f.move("refer", by, false)
		if err == nil && f.waits(in.Party) >= 0 {
			err = fmt.Errorf("refer %s: %w", f.ID, ErrReferral)
		}
		if err != nil {
			return Finding{}, nil, err
		}
		r := Referral{Party: in.Party, Reason: in.Reason, By: by.ID, At: s.w.Now()}
		var opened []platform.Change
		if s.ports.Sanctions != nil {
			if r.Case, opened, err = s.ports.Sanctions.OpenCase(ctx, in.Party, f.Ref(), in.Reason); err != nil {
				return Finding{}, nil, err
			}
		}
		next.Referrals = append(slices.Clone(f.Referrals), r)
		return next, opened, nil
	})
}

// waits is the place of a party's referral that has no outcome yet, or -1.
func (f Finding) waits(party platform.ID) int {
	return slices.IndexFunc(f.Referrals, func(r Referral) bool { return r.Party == party && r.Ended.IsZero() })
}

// ReportReferral notes what came of a referral. Supervisors may. It fails with
// ErrReferral when none of that party waits.
func (s *Service) ReportReferral(ctx context.Context, in ReportReferral) (Finding, error) {
	by, err := s.supervisor(ctx)
	if err != nil {
		return Finding{}, fmt.Errorf("report on %s: %w", in.Finding, err)
	}
	return s.on(ctx, in, "finding.referral_ended", in.Outcome, by, func(_ context.Context, f Finding) (Finding, []platform.Change, error) {
		i := f.waits(in.Party)
		if i < 0 {
			return Finding{}, nil, fmt.Errorf("report on %s: %w", f.ID, ErrReferral)
		}
		f.Referrals = slices.Clone(f.Referrals)
		f.Referrals[i].Outcome, f.Referrals[i].Ended = in.Outcome, s.w.Now()
		if in.Case != (platform.Ref{}) {
			f.Referrals[i].Case = in.Case
		}
		return f, nil, nil
	})
}
