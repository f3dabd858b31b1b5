package staff

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Interval is a stretch of time. A zero Until is without end.
type Interval struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until,omitzero"` // exclusive
}

// covers tells whether the moment lies within.
func (i Interval) covers(at time.Time) bool {
	return !at.Before(i.From) && (i.Until.IsZero() || at.Before(i.Until))
}

// meets tells whether the interval and [from, until) share a moment.
func (i Interval) meets(from, until time.Time) bool {
	return i.From.Before(until) && (i.Until.IsZero() || from.Before(i.Until))
}

// Skill is what a member can do, at a level and for a time.
type Skill struct {
	Code  string `json:"code"`
	Level int    `json:"level"` // 1…5
	Interval
}

// holds is how far from the moment on the skills prove the code at the level
// without a gap: the moment itself when they do not prove it at all.
func (m Member) holds(code string, level int, from, until time.Time) time.Time {
	reach := from
	for moved := true; moved && reach.Before(until); {
		moved = false
		for _, s := range m.Skills {
			if s.Code != code || s.Level < level || !s.covers(reach) {
				continue
			}
			if s.Until.IsZero() {
				return until
			}
			reach, moved = s.Until, true
		}
	}
	return reach
}

// Grant states that a member has a skill over an interval; a zero Until is
// without end. A renewal is a further grant.
type Grant struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
	Code   string      `json:"code" validate:"required"`
	Level  int         `json:"level" validate:"min=1,max=5"`
	From   time.Time   `json:"from" validate:"required"`
	Until  time.Time   `json:"until,omitzero"`
}

// Subject is the member.
func (g Grant) Subject() platform.Ref { return of(g.Member) }

// Grant fails with ErrCode, ErrInterval, ErrTooMany beyond 200 grants, and
// ErrLeft.
func (s *Service) Grant(ctx context.Context, in Grant) (Member, error) {
	return s.amend(ctx, in, platform.Happened("staff.skill_granted", in.Subject(), in), func(m Member, _ time.Time) (Member, error) {
		return m.Grant(Skill{Code: in.Code, Level: in.Level, Interval: Interval{From: in.From, Until: in.Until}})
	})
}

// Grant is the member with one skill more. It fails with ErrCode, ErrInterval
// and ErrTooMany.
func (m Member) Grant(skill Skill) (Member, error) {
	switch {
	case !sound(skill.Code):
		return Member{}, platform.Wrong("code", ErrCode)
	case !skill.Until.IsZero() && !skill.From.Before(skill.Until):
		return Member{}, platform.Wrong("until", ErrInterval)
	case len(m.Skills) >= most:
		return Member{}, fmt.Errorf("grant %s to member %s: %w", skill.Code, m.ID, ErrTooMany)
	}
	m.Skills = append(slices.Clone(m.Skills), skill)
	return m, nil
}

// Revoke ends a member's skill at once, at every level.
type Revoke struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
	Code   string      `json:"code" validate:"required,text=40"`
	Reason string      `json:"reason" validate:"required,text=40"`
}

// Subject is the member.
func (r Revoke) Subject() platform.Ref { return of(r.Member) }

// Revoke fails with ErrSkillUnknown when the member neither has the skill nor
// is to have it.
func (s *Service) Revoke(ctx context.Context, in Revoke) (Member, error) {
	event := platform.Happened("staff.skill_revoked", in.Subject(), map[string]any{"code": in.Code}).Because(in.Reason)
	return s.amend(ctx, in, event, func(m Member, now time.Time) (Member, error) { return m.Revoke(in.Code, now) })
}

// Revoke is the member without the skill from now on: a running grant ends now,
// one to come is dropped, one that ended stays as it was.
func (m Member) Revoke(code string, now time.Time) (Member, error) {
	var kept []Skill
	revoked := false
	for _, s := range m.Skills {
		ended := !s.Until.IsZero() && !now.Before(s.Until)
		if s.Code != code || ended {
			kept = append(kept, s)
			continue
		}
		revoked = true
		if s.From.Before(now) {
			s.Until = now
			kept = append(kept, s)
		}
	}
	if !revoked {
		return Member{}, fmt.Errorf("revoke %q of member %s: %w", code, m.ID, ErrSkillUnknown)
	}
	m.Skills = kept
	return m, nil
}

// sound tells whether a text may be a code: 1 to 40 of a-z, 0-9, - and _, and
// nothing that reads as an identifier, since a need may name both.
func sound(code string) bool {
	if len(code) == 0 || len(code) > 40 {
		return false
	}
	if strings.ContainsFunc(code, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) {
		return false
	}
	_, err := platform.ParseID(code)
	return err != nil
}
