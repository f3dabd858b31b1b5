package access

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security"
)

// Permit implements [platform.Guard]. An ordinary act is decided by the roles
// that the actor brings along and an index that is a second old at most. A
// guarded act needs a role from a grant that is in force in the store; grant and
// policy are then part of its commit, so that nothing is committed after they
// have changed. A look that no role permits may use up emergency access, in the
// commit of the look.
//
// It refuses with ErrDenied or ErrUnexplained; a refusal of a guarded act or a
// look comes with its event. When the policy or the grants cannot be read,
// nothing is permitted.
func (s *Service) Permit(ctx context.Context, act platform.Act) ([]platform.Change, error) {
	_, pins, err := s.decide(ctx, act, commits)
	return pins, err
}

// Why decides as Permit does, explains it, and leaves nothing behind.
func (s *Service) Why(ctx context.Context, act platform.Act) (Decision, error) {
	d, _, err := s.decide(ctx, act, explains)
	if errors.Is(err, ErrDenied) || errors.Is(err, ErrUnexplained) {
		err = nil
	}
	return d, err
}

// View names the view that the actor has of the act's field. It fails as Permit
// does; the last use of emergency access still shows what it opened.
func (s *Service) View(ctx context.Context, act platform.Act) (string, error) {
	d, _, err := s.decide(ctx, act, shows)
	return d.View, err
}

// asking is what a decision is wanted for.
type asking int

const (
	commits  asking = iota // its pins join a commit, a refusal is recorded
	explains               // somebody wants to know why
	shows                  // what was committed is about to be shown
)

// decide is the whole guard.
func (s *Service) decide(ctx context.Context, act platform.Act, to asking) (Decision, []platform.Change, error) {
	now, err := s.current(ctx, false)
	if err != nil {
		return Decision{}, nil, err
	}
	look := act.Field != "" || act.Action == reveal
	if !look && !now.policy.guarded(act.Action) {
		roles := now.policy.held(act.Actor)
		if !now.policy.permits(act, roles) {
			roles, err = s.scoped(ctx, now.policy, act, roles)
		}
		switch {
		case err != nil:
			return Decision{}, nil, err
		case to != commits:
			return s.explained(now.policy, act, roles)
		case now.policy.permits(act, roles):
			return Decision{}, nil, nil
		}
		return Decision{}, nil, now.policy.denial(act)
	}
	if now, err = s.current(ctx, true); err != nil {
		return Decision{}, nil, err
	}
	d, pins, err := s.pinned(ctx, now, act, to)
	if err != nil && to == commits && errors.Is(err, platform.ErrDenied) {
		pins = s.refused(act, now.policy.epoch, err)
	}
	return d, pins, err
}

func (s *Service) explained(p *Policy, act platform.Act, roles set) (Decision, []platform.Change, error) {
	d := p.why(act, roles)
	if !d.Allowed {
		return d, nil, p.denial(act)
	}
	return d, nil, nil
}

// scoped adds the roles that hold only within a merchant or zone, when the act is
// on a record of it.
func (s *Service) scoped(ctx context.Context, p *Policy, act platform.Act, roles set) (set, error) {
	for _, held := range act.Actor.Roles {
		name, scope, only := strings.Cut(held, "@")
		if !only {
			continue
		}
		if h, known := p.roles[name]; known && !h.byKind {
			within, err := s.within(ctx, act, platform.ID(scope))
			if err != nil {
				return roles, err
			}
			if within {
				roles.add(h.bit)
			}
		}
	}
	return roles, nil
}

func (s *Service) within(ctx context.Context, act platform.Act, scope platform.ID) (bool, error) {
	switch {
	case act.On.ID == scope:
		return true, nil
	case act.On == (platform.Ref{}) || s.opts.Within == nil:
		return false, nil
	}
	return s.opts.Within(ctx, act.On, scope)
}

// backed are the roles of an act that grants in force back: those that the actor
// has brought along beside those of its kind; all, which forbid whether brought
// along or not; and the grants that are each enough by themselves, on which the
// act and its view rest.
func (s *Service) backed(ctx context.Context, p *Policy, act platform.Act) (held, granted set, enough []Grant, err error) {
	byKind := p.held(platform.Actor{Kind: act.Actor.Kind})
	held = byKind
	live, err := s.live(ctx, act.Actor.ID)
	for _, g := range live {
		h, known := p.roles[g.Role]
		if !known || h.byKind {
			continue
		}
		if g.Scope != "" {
			within, err := s.within(ctx, act, g.Scope)
			if err != nil {
				return held, granted, nil, err
			}
			if !within {
				continue
			}
		}
		granted.add(h.bit)
		if !act.Actor.Has(g.held()) {
			continue
		}
		held.add(h.bit)
		alone := byKind
		if alone.add(h.bit); p.permits(act, alone) {
			enough = append(enough, g)
		}
	}
	if act.Field == "" && p.permits(act, byKind) {
		enough = nil
	}
	return held, granted, enough, err
}

// pinned decides a guarded act, and what its commit has to hold still.
func (s *Service) pinned(ctx context.Context, now *index, act platform.Act, to asking) (Decision, []platform.Change, error) {
	held, granted, enough, err := s.backed(ctx, now.policy, act)
	if err != nil {
		return Decision{}, nil, err
	}
	if c := now.policy.find(act); c != nil && now.policy.forbids(c, act, granted) {
		return now.policy.why(act, granted), nil, now.policy.denial(act)
	}
	var pins []platform.Change
	if now.edition.Version > 0 {
		pins = append(pins, platform.Unchanged(now.edition))
	}
	d := now.policy.why(act, held)
	switch {
	case !d.Allowed:
		use, err := s.broken(ctx, now, act, held, &d, to)
		if err != nil {
			return d, nil, err
		}
		pins = append(pins, use...)
	default:
		for _, g := range enough {
			pins = append(pins, platform.Unchanged(g))
		}
	}
	if s.opts.Lawful == nil || act.Field == "" {
		return d, pins, nil
	}
	lawful, err := s.opts.Lawful(ctx, act)
	if err != nil {
		d.Allowed, d.View, d.Why = false, "", "the purpose is not lawful for this subject now"
		return d, nil, fmt.Errorf("%s for %s: %w", act.Action, act.Purpose, err)
	}
	return d, append(pins, lawful...), nil
}

// broken uses emergency access, which no rule that forbids gives way to.
func (s *Service) broken(ctx context.Context, now *index, act platform.Act, roles set, d *Decision, to asking) (uses []platform.Change, err error) {
	if c := now.policy.find(act); c == nil || act.Field == "" || unexplained(act) || now.policy.forbids(c, act, roles) {
		return nil, now.policy.denial(act)
	}
	by := who{Actor: act.Actor, person: s.opts.Person(act.Actor.ID), now: s.w.Now(), opts: &s.opts, index: now}
	q := platform.Query{Kind: kindBreak, By: []string{"account", "until"}, Equal: []any{act.Actor.ID}, From: by.now, Limit: 500}
	page, err := platform.List[Break](ctx, s.db, q)
	if err != nil {
		return nil, err
	}
	for _, b := range page.Items {
		if !b.opens(act, by.now) {
			continue
		}
		next, over := b.step("use", by)
		if over != nil && to != shows {
			continue
		}
		d.Allowed, d.View, d.Duties = true, security.Full, []string{stepUp, review}
		if b.Silent == "" {
			d.Duties = append(d.Duties, notify)
		}
		if d.Why = "emergency access " + string(b.ID); over == nil {
			uses = []platform.Change{platform.Put(next), next.happened("use", by)}
		}
		return uses, nil
	}
	return nil, now.policy.denial(act)
}
