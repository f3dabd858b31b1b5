package verification

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// WaiverState is where a waiver stands.
type WaiverState string

// The states of a waiver.
const (
	Proposed WaiverState = "proposed"
	Granted  WaiverState = "granted"
	Refused  WaiverState = "refused"
)

// Waiver lets a party off a requirement until a moment: one person proposes, and
// another agrees.
type Waiver struct {
	platform.Head
	Party      platform.ID   `json:"party" class:"internal"`
	Code       string        `json:"code" class:"internal"`
	State      WaiverState   `json:"state" class:"internal"`
	Until      time.Time     `json:"until" class:"internal"`
	Reason     string        `json:"reason" class:"internal"` // a code
	ProposedBy []platform.ID `json:"proposed_by" class:"internal"`
	DecidedBy  []platform.ID `json:"decided_by,omitempty" class:"internal"`
	At         time.Time     `json:"at" class:"internal"` // of its proposal, then of the decision
}

// Ref names the waiver.
func (v Waiver) Ref() platform.Ref { return platform.Ref{Kind: waiverKind, ID: v.ID} }

// Waive proposes a waiver.
type Waive struct {
	Party  platform.ID `json:"party" validate:"required,max=64"`
	Code   string      `json:"code" validate:"required,max=64"`
	Until  time.Time   `json:"until" validate:"required"`
	Reason string      `json:"reason" validate:"required,max=64,printascii"`
}

// Subject is the party's standing.
func (in Waive) Subject() platform.Ref {
	return platform.Ref{Kind: standingKind, ID: StandingID(in.Party)}
}

// Waive proposes to let a party off a requirement for at most 180 days. Only an
// operator may, and neither the party nor who introduced it. It fails with
// ErrInvalid, code verification.not_waivable, for identity, sanction lists and
// legal licences.
func (s *Service) Waive(ctx context.Context, in Waive) (Waiver, error) {
	if err := s.allow(ctx, platform.Operator); err != nil {
		return Waiver{}, fmt.Errorf("waive: %w", err)
	}
	id := s.w.NewChild("wvr", StandingID(in.Party))
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Waiver, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err != nil {
			return Waiver{}, nil, err
		}
		b, err := s.whole(ctx, in.Party)
		if err != nil {
			return Waiver{}, nil, err
		}
		now := s.w.Now()
		r, _, err := b.requirement(in.Code, now)
		switch {
		case err != nil:
		case !r.Kind.waivable():
			err = errWaivable
		case !in.Until.After(now) || in.Until.After(now.Add(s.terms.Waiver)):
			err = platform.Wrong("until", errWaiver)
		default:
			err = tied(by, in.Party, b.Introducer, nil)
		}
		if err != nil {
			return Waiver{}, nil, fmt.Errorf("waive: %w", err)
		}
		v := Waiver{
			Head: platform.Head{ID: id}, Party: in.Party, Code: in.Code, State: Proposed, Until: in.Until.UTC().Truncate(time.Microsecond),
			Reason: in.Reason, ProposedBy: met(by), At: now,
		}
		_, set := b.settled(now)
		event := platform.Happened("verification.waiver_proposed", v.Ref(), map[string]any{"party": v.Party, "code": v.Code, "until": v.Until})
		return v, append(set, platform.Put(v), event.Because(v.Reason)), nil
	})
}

// DecideWaiver agrees to a waiver, or refuses it.
type DecideWaiver struct {
	Waiver platform.ID `json:"waiver" validate:"required,id=wvr"`
	Grant  bool        `json:"grant"`
}

// Subject is the waiver.
func (in DecideWaiver) Subject() platform.Ref {
	return platform.Ref{Kind: waiverKind, ID: in.Waiver}
}

// Decide is the waiver once a second person has said yes or no.
func (v Waiver) Decide(grant bool, by platform.Actor, introducer platform.ID, at time.Time) (Waiver, error) {
	err := tied(by, v.Party, introducer, nil)
	switch {
	case v.State != Proposed:
		err = platform.Detail(errWaived, "state", string(v.State))
	case err != nil:
	case slices.ContainsFunc(met(by), func(id platform.ID) bool { return slices.Contains(v.ProposedBy, id) }):
		err = ErrSame
	case grant && !v.Until.After(at):
		err = errWaiver
	}
	if err != nil {
		return v, fmt.Errorf("decide waiver %s: %w", v.ID, err)
	}
	v.State, v.DecidedBy, v.At = Refused, met(by), at
	if grant {
		v.State = Granted
	}
	return v, nil
}

// DecideWaiver takes the second decision: only an operator may, and not who
// proposed it.
func (s *Service) DecideWaiver(ctx context.Context, in DecideWaiver) (Waiver, error) {
	if err := s.allow(ctx, platform.Operator); err != nil {
		return Waiver{}, fmt.Errorf("decide waiver: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Waiver, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err != nil {
			return Waiver{}, nil, err
		}
		v, err := platform.Read[Waiver](ctx, s.db, waiverKind, in.Waiver)
		if err != nil {
			return Waiver{}, nil, err
		}
		b, err := s.whole(ctx, v.Party)
		if err != nil {
			return Waiver{}, nil, err
		}
		now := s.w.Now()
		next, err := v.Decide(in.Grant, by, b.Introducer, now)
		if err != nil {
			return Waiver{}, nil, err
		}
		what := "verification.waiver_refused"
		if in.Grant {
			what = "verification.waived"
			over := func(w Waived) bool { return !w.Until.After(now) }
			b.Waivers = append(slices.DeleteFunc(slices.Clone(b.Waivers), over), Waived{next.ID, next.Code, now, next.Until})
		}
		_, set := b.settled(now)
		event := platform.Happened(what, next.Ref(), map[string]any{"party": v.Party, "code": v.Code, "until": v.Until})
		return next, append(set, platform.Put(next), event.Because(v.Reason)), nil
	})
}
