package access

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

// Edition is the one record of the policy. Its version is the epoch of every
// decision.
type Edition struct {
	platform.Head
	Rules *Rules      `json:"rules,omitempty" class:"internal"` // nil: the program's own
	By    platform.ID `json:"by" class:"internal"`
	At    time.Time   `json:"at" class:"internal"`
}

// policyRef names the policy, of which there is one.
var policyRef = platform.Ref{Kind: kindPolicy, ID: platform.NewID("pol", time.Time{}, 0, 0)}

// Ref names the policy.
func (Edition) Ref() platform.Ref { return policyRef }

// Policy is the policy in force, with the program's own rules where no others
// were published.
func (s *Service) Policy(ctx context.Context) (Edition, error) {
	if err := s.reader(ctx); err != nil {
		return Edition{}, err
	}
	now, err := s.current(ctx, true)
	if err != nil {
		return Edition{}, err
	}
	e := now.edition
	e.ID = policyRef.ID
	if e.Rules == nil {
		e.Rules = s.opts.Rules
	}
	return e, nil
}

// Publish puts rules in force, or the program's own again.
type Publish struct {
	Rules  *Rules `json:"rules"`
	Reason string `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the policy.
func (Publish) Subject() platform.Ref { return policyRef }

// Publish replaces the policy. Rules that do not compile are refused with
// FieldErrors, and the old ones stay in force; so are those by which the system
// could not publish others, from which there would be no way back. Every process decides by the new
// ones within a second, and guarded acts at once.
func (s *Service) Publish(ctx context.Context, in Publish) (Edition, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Edition, []platform.Change, error) {
		by, err := s.who(ctx, in.Reason)
		if err != nil {
			return Edition{}, nil, err
		}
		if in.Rules != nil {
			p, err := in.Rules.Compile(s.opts.Known)
			if err != nil {
				return Edition{}, nil, err
			}
			if mend := (platform.Act{Actor: platform.SystemActor("access"), Action: "access.publish"}); !p.Why(mend).Allowed {
				return Edition{}, nil, platform.Wrong("rules.roles", errDeadEnd)
			}
		}
		next := by.index.edition
		next.ID, next.Rules, next.By, next.At = policyRef.ID, in.Rules, by.ID, by.now
		facts := map[string]any{"epoch": next.Version + 1, "own": in.Rules == nil}
		return next, []platform.Change{platform.Put(next), platform.Happened("access.policy_published", policyRef, facts).Because(in.Reason)}, nil
	})
}

// WhoCan lists the roles that may take an action on a kind of record and a field
// of it, and the grants in force that give them.
func (s *Service) WhoCan(ctx context.Context, action, kind, field string) (roles []string, holders []Grant, err error) {
	if err := s.reader(ctx); err != nil {
		return nil, nil, err
	}
	now, err := s.current(ctx, true)
	if err != nil {
		return nil, nil, err
	}
	roles = now.policy.WhoCan(action, kind, field)
	holders, err = s.holders(ctx, roles, s.w.Now())
	return roles, holders, err
}
