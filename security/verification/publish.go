package verification

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Publish makes a version of a set of requirements known. Number may be left 0 for
// the next one.
type Publish struct {
	Name         string             `json:"name" validate:"required,max=64,printascii"`
	Party        platform.ActorKind `json:"party" validate:"required"`
	Number       int                `json:"number,omitempty" validate:"min=0"`
	Effective    time.Time          `json:"effective"`
	Transition   *int               `json:"transition,omitempty" validate:"omitnil,min=0,max=365"` // days; nil is 30
	Open         bool               `json:"open,omitempty"`                                        // capabilities that no requirement names are open
	Basis        string             `json:"basis" validate:"text=400"`
	Owner        string             `json:"owner" validate:"text=64"`
	Requirements []Requirement      `json:"requirements"`
}

// Subject is the book of rules that the version joins.
func (in Publish) Subject() platform.Ref {
	return platform.Ref{Kind: rulesKind, ID: rulesID(in.Party)}
}

func (in Publish) set(at time.Time) Set {
	s := Set{
		Name: in.Name, Party: in.Party, Number: in.Number, Effective: in.Effective.Truncate(time.Microsecond), Transition: 30, Open: in.Open,
		Basis: in.Basis, Owner: in.Owner, Requirements: in.Requirements, PublishedAt: at,
	}
	if in.Transition != nil {
		s.Transition = *in.Transition
	}
	return s
}

// Publish adds a version to the rules. It takes effect at Effective, which lies
// ahead, and for parties that are here before it after Transition more; until then
// they see it as future. Only operators and the system may. It fails with
// FieldErrors, and with ErrState, code rule.published, for a number that was given.
func (s *Service) Publish(ctx context.Context, in Publish) (Set, error) {
	if err := s.allow(ctx, judges...); err != nil {
		return Set{}, fmt.Errorf("publish: %w", err)
	}
	if err := in.set(s.w.Now()).Check(); err != nil {
		return Set{}, fmt.Errorf("publish: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Set, []platform.Change, error) {
		now := s.w.Now()
		rules, err := s.rules(ctx, in.Party)
		if err != nil {
			return Set{}, nil, err
		}
		sets, err := readSets(ctx, s.db, rules)
		if err != nil {
			return Set{}, nil, err
		}
		next, err := rules.joins(in.set(now), sets, now)
		if err != nil {
			return Set{}, nil, fmt.Errorf("publish: %w", err)
		}
		facts := map[string]any{"set": next.ID, "name": next.Name, "number": next.Number, "effective": next.Effective}
		return next, []platform.Change{platform.Put(next), platform.Put(rules.with(next)), platform.Happened("verification.rules_published", next.Ref(), facts)}, nil
	})
}

// rules are those of a kind of party, new if there are none.
func (s *Service) rules(ctx context.Context, party platform.ActorKind) (Rules, error) {
	r, err := platform.Read[Rules](ctx, s.db, rulesKind, rulesID(party))
	if errors.Is(err, platform.ErrNotFound) {
		return Rules{Head: platform.Head{ID: rulesID(party)}, Party: party}, nil
	}
	return r, err
}

// joins is the set with its number and id, if it may join the book.
func (r Rules) joins(next Set, sets []Set, now time.Time) (Set, error) {
	last := r.number(next.Name)
	switch {
	case next.Number == 0:
		next.Number = last + 1
	case next.Number != last+1:
		return Set{}, errPublished
	}
	if next.Effective.Before(now) {
		return Set{}, platform.Wrong("effective", errEffective)
	}
	for _, s := range sets {
		if s.Name == next.Name && s.Effective.After(next.Effective) {
			return Set{}, platform.Wrong("effective", errEffective)
		}
		clash := slices.ContainsFunc(s.Requirements, func(r Requirement) bool { _, known := next.Requirement(r.Code); return known })
		if s.Name != next.Name && clash {
			return Set{}, platform.Wrong("requirements", errTwice)
		}
	}
	next.ID = numbered(next.Party, next.Name, next.Number)
	return next, nil
}

// Recall withdraws a version: the former holds again, at once.
type Recall struct {
	Party  platform.ActorKind `json:"party" validate:"required"`
	Set    platform.ID        `json:"set" validate:"required,id=rqs"`
	Reason string             `json:"reason" validate:"required,max=64,printascii"`
}

// Subject is the book of rules.
func (in Recall) Subject() platform.Ref { return platform.Ref{Kind: rulesKind, ID: rulesID(in.Party)} }

// Recall takes a version out of the rules. It fails with ErrState, code
// rule.not_withdrawable, for one that is not in them.
func (s *Service) Recall(ctx context.Context, in Recall) (Rules, error) {
	if err := s.allow(ctx, judges...); err != nil {
		return Rules{}, fmt.Errorf("recall: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Rules, []platform.Change, error) {
		rules, err := s.rules(ctx, in.Party)
		if err != nil {
			return Rules{}, nil, err
		}
		i := slices.IndexFunc(rules.Versions, func(v Listed) bool { return v.Set == in.Set && !v.Withdrawn })
		if i < 0 {
			return Rules{}, nil, fmt.Errorf("recall: %w", errWithdrawn)
		}
		rules.Versions = slices.Clone(rules.Versions)
		rules.Versions[i].Withdrawn = true
		event := platform.Happened("verification.rules_recalled", rules.Ref(), map[string]any{"set": in.Set})
		return rules, []platform.Change{platform.Put(rules), event.Because(in.Reason)}, nil
	})
}

// Describe tells facts about a party. What is left out stays; Attributes are joined
// to those known, and an empty value takes one away.
type Describe struct {
	Party      platform.ID       `json:"party" validate:"required,max=64"`
	Attributes map[string]string `json:"attributes,omitempty" validate:"max=50,dive,keys,required,max=64,printascii,endkeys,max=120"`
	Since      time.Time         `json:"since,omitzero"`
	Admitted   *time.Time        `json:"admitted,omitempty"` // the zero time for one that still applies
	Count      *int64            `json:"count,omitempty" validate:"omitnil,min=0"`
	Volume     platform.Money    `json:"volume,omitzero" validate:"omitempty,min=0"`
	Introducer platform.ID       `json:"introducer,omitempty" validate:"max=64"`
}

// Subject is the party's standing.
func (in Describe) Subject() platform.Ref {
	return platform.Ref{Kind: standingKind, ID: StandingID(in.Party)}
}

// with is the party with what was told, and with the thresholds that it reached by
// now among these sets.
func (in Describe) with(p Party, sets []Set, now time.Time) Party {
	told := make(map[string]string, len(p.Attributes)+len(in.Attributes))
	for _, from := range []map[string]string{p.Attributes, in.Attributes} {
		for name, value := range from {
			told[name] = value
			if value == "" {
				delete(told, name)
			}
		}
	}
	p.Attributes = told
	if !in.Since.IsZero() {
		p.Since = in.Since.Truncate(time.Microsecond)
	}
	if in.Admitted != nil {
		p.Admitted = in.Admitted.Truncate(time.Microsecond)
	}
	if in.Count != nil {
		p.Count = *in.Count
	}
	if !in.Volume.Absent() {
		p.Volume = in.Volume
	}
	return p.counted(sets, now)
}

// counted notes since when a party has reached thresholds.
func (p Party) counted(sets []Set, now time.Time) Party {
	asked := make(map[string]time.Time, len(p.Asked))
	maps.Copy(asked, p.Asked)
	for _, s := range sets {
		for _, r := range s.Requirements {
			if _, known := asked[r.Code]; !known && (r.Phase == AtCount || r.Phase == AtVolume) && p.reached(&r) {
				asked[r.Code] = now
			}
		}
	}
	p.Asked = asked
	return p
}

// Describe keeps facts about a party, by which its requirements are chosen. Only
// operators and the system may.
func (s *Service) Describe(ctx context.Context, in Describe) (Standing, error) {
	if err := s.allow(ctx, judges...); err != nil {
		return Standing{}, fmt.Errorf("describe: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Standing, []platform.Change, error) {
		b, err := s.whole(ctx, in.Party)
		if err != nil {
			return Standing{}, nil, err
		}
		now := s.w.Now()
		b.Party = in.with(b.Party, b.sets, now)
		if in.Introducer != "" {
			b.Introducer = in.Introducer
		}
		st, set := b.settled(now)
		return st, append(set, platform.Happened("verification.described", st.Ref(), map[string]any{"party": in.Party})), nil
	})
}
