package staff

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Hold stops a member from taking work that touches its interval, for safety
// or as a sanction. It ends by time or by [Service.LiftHold].
type Hold struct {
	Reason string `json:"reason"`
	Interval
}

// PlaceHold puts a hold on a member from now on; a zero Until is until lifted.
type PlaceHold struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
	Reason string      `json:"reason" validate:"required,text=40"`
	Until  time.Time   `json:"until,omitzero"`
}

// Subject is the member.
func (p PlaceHold) Subject() platform.Ref { return of(p.Member) }

// PlaceHold fails with ErrHoldPlaced while a hold for the same reason runs, with
// ErrInterval when Until is not ahead, and with ErrTooMany beyond 200 holds.
func (s *Service) PlaceHold(ctx context.Context, in PlaceHold) (Member, error) {
	event := platform.Happened("staff.hold_placed", in.Subject(), map[string]any{"until": in.Until}).Because(in.Reason)
	return s.amend(ctx, in, event, func(m Member, now time.Time) (Member, error) {
		if !in.Until.IsZero() && !in.Until.After(now) {
			return Member{}, platform.Wrong("until", ErrInterval)
		}
		m.Holds = running(m.Holds, now)
		if slices.ContainsFunc(m.Holds, func(h Hold) bool { return h.Reason == in.Reason }) {
			return Member{}, fmt.Errorf("hold member %s: %w", m.ID, ErrHoldPlaced)
		}
		if len(m.Holds) >= most {
			return Member{}, fmt.Errorf("hold member %s: %w", m.ID, ErrTooMany)
		}
		m.Holds = append(m.Holds, Hold{Reason: in.Reason, Interval: Interval{From: now, Until: in.Until}})
		return m, nil
	})
}

// LiftHold ends the hold that was placed for the reason.
type LiftHold struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
	Reason string      `json:"reason" validate:"required,text=40"`
}

// Subject is the member.
func (l LiftHold) Subject() platform.Ref { return of(l.Member) }

// LiftHold fails with ErrHoldUnknown when no such hold runs.
func (s *Service) LiftHold(ctx context.Context, in LiftHold) (Member, error) {
	event := platform.Happened("staff.hold_lifted", in.Subject(), nil).Because(in.Reason)
	return s.amend(ctx, in, event, func(m Member, now time.Time) (Member, error) {
		m.Holds = running(m.Holds, now)
		at := slices.IndexFunc(m.Holds, func(h Hold) bool { return h.Reason == in.Reason })
		if at < 0 {
			return Member{}, fmt.Errorf("lift hold of member %s: %w", m.ID, ErrHoldUnknown)
		}
		m.Holds = slices.Delete(m.Holds, at, at+1)
		return m, nil
	})
}

// running leaves out the holds that have lapsed. The result shares nothing
// with the list given.
func running(holds []Hold, now time.Time) []Hold {
	var kept []Hold
	for _, h := range holds {
		if h.Until.IsZero() || h.Until.After(now) {
			kept = append(kept, h)
		}
	}
	return kept
}
