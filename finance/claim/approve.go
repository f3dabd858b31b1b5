package claim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Approve lets a claim pass its level.
type Approve struct {
	Claim platform.ID `json:"claim" validate:"required,id=clm"`
}

// Return sends a claim back to be amended.
type Return struct {
	Claim  platform.ID `json:"claim" validate:"required,id=clm"`
	Item   int         `json:"item,omitempty" validate:"min=0,max=100"` // that the reason is about, from 1; 0 is the whole
	Reason string      `json:"reason" validate:"required,text=64"`      // a code
}

// Reject ends a claim.
type Reject struct {
	Claim  platform.ID `json:"claim" validate:"required,id=clm"`
	Item   int         `json:"item,omitempty" validate:"min=0,max=100"` // that the reason is about, from 1; 0 is the whole
	Reason string      `json:"reason" validate:"required,text=64"`      // a code
}

// Subject is the claim.
func (in Approve) Subject() platform.Ref { return about(in.Claim) }

// Subject is the claim.
func (in Return) Subject() platform.Ref { return about(in.Claim) }

// Subject is the claim.
func (in Reject) Subject() platform.Ref { return about(in.Claim) }

// desk is who could approve now: the holders of each role who are not away. Of a
// desk that is not known, everybody might.
type desk struct {
	known   bool
	present map[string][]platform.ID
	checks  []platform.Change // of those who are away
}

// tied are who must not approve the next level: the claimant, whoever wrote the
// claim for it, and whoever approved a level before.
func (c Claim) tied() []platform.ID {
	all := append([]platform.ID{c.Claimant}, c.Drafters...)
	for _, s := range c.Chain[:min(c.At, len(c.Chain))] {
		if s.By != "" {
			all = append(all, s.By, s.For)
		}
	}
	return all
}

// able tells whether anybody can approve the next level in a role.
func (c Claim) able(d desk, role string) bool {
	if role == "" || !d.known {
		return role != ""
	}
	return slices.ContainsFunc(d.present[role], func(id platform.ID) bool { return !slices.Contains(c.tied(), id) })
}

// skip passes over levels that nobody can approve, but never over the last.
func (c Claim) skip(d desk, at time.Time) Claim {
	c.Chain = slices.Clone(c.Chain)
	for c.At < len(c.Chain)-1 {
		step := &c.Chain[c.At]
		if c.able(d, step.Role) || c.able(d, step.Deputy) {
			break
		}
		step.As, step.When = "skipped", at
		c.At++
	}
	return c
}

// stranded tells whether nobody at all can approve the level whose turn it is.
func (c Claim) stranded(d desk) bool {
	step := c.Chain[c.At]
	return d.known && !c.able(d, step.Role) && !c.able(d, step.Deputy)
}

// turn is the claim at the level that is the actor's to decide on, and in what
// capacity. It fails with ErrSelfApproval for the claimant, and with ErrTurn for
// anybody else whose turn it is not, or who approved another level.
func (c Claim) turn(by platform.Actor, d desk, at time.Time) (Claim, string, error) {
	if meet(hands(by), append([]platform.ID{c.Claimant}, c.Drafters...)) {
		return Claim{}, "", fmt.Errorf("claim %s: %w", c.ID, ErrSelfApproval)
	}
	if meet(hands(by), c.tied()) {
		return Claim{}, "", fmt.Errorf("claim %s: %w", c.ID, ErrTurn)
	}
	c = c.skip(d, at)
	step := c.Chain[c.At]
	holds := func(role string) bool {
		return role != "" && by.Has(role) && (!d.known || slices.Contains(d.present[role], by.ID))
	}
	switch {
	case holds(step.Role):
		return c, "role", nil
	case holds(step.Deputy) && d.known && !c.able(d, step.Role):
		return c, "deputy", nil
	}
	return Claim{}, "", fmt.Errorf("claim %s, level %d: %w", c.ID, c.At+1, ErrTurn)
}

// Approve is the claim past the level that is the actor's.
func (c Claim) approve(by platform.Actor, d desk, at time.Time) (Claim, error) {
	if _, err := c.move("pass", by.Kind); err != nil {
		return Claim{}, err
	}
	c, as, err := c.turn(by, d, at)
	if err != nil {
		return Claim{}, err
	}
	verb, last := "pass", c.At == len(c.Chain)-1
	if last {
		verb = "approve"
	}
	next, err := c.move(verb, by.Kind)
	if err != nil {
		return Claim{}, err
	}
	step := &next.Chain[next.At] // skip made them the claim's own
	step.By, step.For, step.As, step.When = by.ID, by.For(), as, at
	next.Hands = append(slices.Clone(c.Hands), hands(by)...)
	next.At++
	if last {
		next.Due = at
		return next, nil
	}
	return next.skip(d, at), nil
}

// stop is the claim sent back, or rejected, by whose turn it is.
func (c Claim) stop(verb string, by platform.Actor, d desk, reason string, item int, at time.Time) (Claim, error) {
	if _, err := c.move(verb, by.Kind); err != nil {
		return Claim{}, err
	}
	held, as, err := c.turn(by, d, at)
	if left := c.skip(d, at); errors.Is(err, ErrTurn) && verb == "return" && left.stranded(d) && !meet(hands(by), c.tied()) {
		held, as, err = left, "stranded", nil
	}
	if err != nil {
		return Claim{}, err
	}
	next, err := held.move(verb, by.Kind)
	if err != nil {
		return Claim{}, err
	}
	step := &next.Chain[next.At]
	step.By, step.For, step.As, step.When, step.Reason = by.ID, by.For(), as, at, reason
	next.Reason, next.Item = reason, min(item, len(c.Items))
	return next, nil
}

// Approve lets a claim pass the level whose turn it is. Operators may who hold
// its role, are not away, are not the claimant nor wrote the claim for it
// (ErrSelfApproval), and approved no
// other level: otherwise ErrTurn, also for whom they stand in. Where nobody can,
// the level's deputies may, and where none of them can, it is passed over; never
// the last. Of several at once each level takes one.
func (s *Service) Approve(ctx context.Context, in Approve) (Claim, error) {
	return s.judge(ctx, in, in.Claim, func(_ context.Context, c Claim, by platform.Actor, d desk) (Claim, []platform.Change, error) {
		next, err := c.approve(by, d, s.w.Now())
		return next, []platform.Change{platform.Happened("claim.approved", c.Ref(), next.facts())}, err
	})
}

// Return sends a claim back to its claimant, by whose turn it is, or by any other
// operator when that is nobody's: submitted again it has the approvers of the
// matrix that holds then. Its budget stays committed for 30 days, its vouchers stay
// registered.
func (s *Service) Return(ctx context.Context, in Return) (Claim, error) {
	return s.judge(ctx, in, in.Claim, func(_ context.Context, c Claim, by platform.Actor, d desk) (Claim, []platform.Change, error) {
		next, err := c.stop("return", by, d, in.Reason, in.Item, s.w.Now())
		next.Due = s.w.Now().Add(s.terms.Keep)
		return next, []platform.Change{platform.Happened("claim.returned", c.Ref(), next.facts()).Because(in.Reason)}, err
	})
}

// Reject ends a claim, by whose turn it is: its budget and its vouchers are free
// again.
func (s *Service) Reject(ctx context.Context, in Reject) (Claim, error) {
	return s.judge(ctx, in, in.Claim, func(ctx context.Context, c Claim, by platform.Actor, d desk) (Claim, []platform.Change, error) {
		next, err := c.stop("reject", by, d, in.Reason, in.Item, s.w.Now())
		if err != nil {
			return Claim{}, nil, err
		}
		next, set, err := s.release(ctx, next)
		return next, append(set, platform.Happened("claim.rejected", c.Ref(), next.facts()).Because(in.Reason)), err
	})
}

func (s *Service) judge(ctx context.Context, in any, id platform.ID, decide func(context.Context, Claim, platform.Actor, desk) (Claim, []platform.Change, error)) (Claim, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Claim, []platform.Change, error) {
		by, err := s.actor(ctx, office...)
		if err != nil {
			return Claim{}, nil, err
		}
		c, err := s.store.Claim(ctx, id)
		if err != nil {
			return Claim{}, nil, err
		}
		d, err := s.desk(ctx, c)
		if err != nil {
			return Claim{}, nil, err
		}
		next, set, err := decide(ctx, c, by, d)
		if err != nil {
			return Claim{}, nil, err
		}
		return next, append(append(set, d.checks...), platform.Put(next)), nil
	})
}

// pass is a new claim without the levels that nobody can approve.
func (s *Service) pass(ctx context.Context, c Claim) (Claim, []platform.Change, error) {
	d, err := s.desk(ctx, c)
	if err != nil {
		return Claim{}, nil, err
	}
	return c.skip(d, s.w.Now()), d.checks, nil
}

// desk finds who could approve the levels that a claim has before it.
func (s *Service) desk(ctx context.Context, c Claim) (desk, error) {
	if s.ports.People == nil {
		return desk{}, nil
	}
	d := desk{known: true, present: map[string][]platform.ID{}}
	var refs []platform.Ref
	for _, step := range c.Chain[min(c.At, len(c.Chain)):] {
		for _, role := range []string{step.Role, step.Deputy} {
			if _, asked := d.present[role]; asked || role == "" {
				continue
			}
			all, err := s.ports.People.Holders(ctx, role)
			if err != nil {
				return desk{}, fmt.Errorf("holders of a role: %w", err)
			}
			d.present[role] = all
			for _, id := range all {
				if ref := personRef(id); !slices.Contains(refs, ref) {
					refs = append(refs, ref)
				}
			}
		}
	}
	found, err := s.store.Found(ctx, refs...)
	if err != nil {
		return desk{}, err
	}
	now, gone := s.w.Now(), map[platform.ID]bool{}
	for _, p := range found.People {
		if p.away(now) && p.Who != c.Claimant {
			gone[p.Who], d.checks = true, append(d.checks, platform.Unchanged(p))
		}
	}
	for role, all := range d.present {
		d.present[role] = slices.DeleteFunc(slices.Clone(all), func(id platform.ID) bool { return gone[id] })
	}
	return d, nil
}
