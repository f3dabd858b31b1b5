package closing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Duty is what a party can be exempt from.
type Duty string

// The duties.
const (
	Reporting   Duty = "reporting"   // its income is not in tax reports
	Withholding Duty = "withholding" // no tax is kept back of what it is paid
	SalesTax    Duty = "sales_tax"   // its services are invoiced without tax
)

// Exemption is what exempts a party from a duty: grants whose terms do not
// overlap, the first first. What ended stays, since old months rely on it.
type Exemption struct {
	platform.Head
	Party  platform.ID `json:"party" class:"internal"`
	Duty   Duty        `json:"duty" class:"internal"`
	Grants []Grant     `json:"grants" class:"internal"`
	At     time.Time   `json:"at" class:"internal"` // of the last change
}

// Grant is one term of an exemption.
type Grant struct {
	Group    string      `json:"group"`           // as the law's table calls it, a code: household
	Evidence string      `json:"evidence"`        // SHA-256 of the paper that proves it
	From     time.Time   `json:"from"`            // inclusive
	Until    time.Time   `json:"until"`           // exclusive
	By       platform.ID `json:"by"`              // who granted it
	Ended    string      `json:"ended,omitempty"` // why it ended before its term, a code
}

// maxGrants are the terms that one exemption keeps.
const maxGrants = 100

// Ref names the exemption.
func (e Exemption) Ref() platform.Ref { return platform.Ref{Kind: exemptionKind, ID: e.ID} }

// exemptionID is that of a party's exemption from a duty: there is one. The formula
// is frozen.
func exemptionID(party platform.ID, duty Duty) platform.ID {
	return under("txe", party, string(party)+"/"+string(duty))
}

// Exempt is the group for which the party is exempt through all of a time; "" if
// it is not.
func (e Exemption) Exempt(from, until time.Time) string {
	for _, g := range e.Grants {
		if !g.From.After(from) && !g.Until.Before(until) {
			return g.Group
		}
	}
	return ""
}

// Grant returns the exemption with one more term. It fails with ErrExemption for a
// term that is over before it begins, that overlaps another, or is one too many.
func (e Exemption) Grant(g Grant, at time.Time) (Exemption, error) {
	overlaps := slices.ContainsFunc(e.Grants, func(o Grant) bool { return g.From.Before(o.Until) && o.From.Before(g.Until) })
	if !g.From.Before(g.Until) || !at.Before(g.Until) || overlaps || len(e.Grants) >= maxGrants {
		return Exemption{}, fmt.Errorf("exempt %s: %w", e.Party, ErrExemption)
	}
	e.At, e.Grants = at, append(slices.Clone(e.Grants), g)
	slices.SortFunc(e.Grants, func(a, b Grant) int { return a.From.Compare(b.From) })
	return e, nil
}

// End returns the exemption without what is left of the term that runs at a
// moment, or else without the next one. It fails with ErrExemption when there is none.
func (e Exemption) End(reason string, at time.Time) (Exemption, error) {
	i := slices.IndexFunc(e.Grants, func(g Grant) bool { return at.Before(g.Until) })
	if i < 0 {
		return Exemption{}, fmt.Errorf("end exemption of %s: %w", e.Party, ErrExemption)
	}
	e.At, e.Grants = at, slices.Clone(e.Grants)
	if !e.Grants[i].From.Before(at) { // nothing has relied on it
		e.Grants = slices.Delete(e.Grants, i, i+1)
		return e, nil
	}
	e.Grants[i].Until, e.Grants[i].Ended = at, reason
	return e, nil
}

// GrantExemption exempts a party.
type GrantExemption struct {
	Party    platform.ID `json:"party" validate:"required,id"`
	Duty     Duty        `json:"duty" validate:"required,oneof=reporting withholding sales_tax"`
	Group    string      `json:"group" validate:"required,max=64,printascii"` // a code
	Evidence string      `json:"evidence" validate:"required,len=64,hexadecimal"`
	From     time.Time   `json:"from" validate:"required"`
	Until    time.Time   `json:"until" validate:"required"`
}

// GrantExemption exempts a party from a duty for a term, on the evidence of a paper
// that is kept elsewhere. Only operators may. It fails with ErrExemption for a term
// that is over, or overlaps another of the party and duty.
func (s *Service) GrantExemption(ctx context.Context, in GrantExemption) (Exemption, error) {
	by, err := s.operator(ctx)
	if err != nil {
		return Exemption{}, fmt.Errorf("grant exemption: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Exemption, []platform.Change, error) {
		e, err := s.exemption(ctx, in.Party, in.Duty)
		if err != nil {
			return Exemption{}, nil, err
		}
		g := Grant{Group: in.Group, Evidence: in.Evidence, From: in.From.UTC(), Until: in.Until.UTC(), By: by.ID}
		next, err := e.Grant(g, s.w.Now())
		if err != nil {
			return Exemption{}, nil, err
		}
		return next, []platform.Change{platform.Put(next), next.happened("granted", in.Group)}, nil
	})
}

// EndExemption ends a party's exemption before its term.
type EndExemption struct {
	Exemption platform.ID `json:"exemption" validate:"required,id=txe"`
	Reason    string      `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the exemption.
func (in EndExemption) Subject() platform.Ref {
	return platform.Ref{Kind: exemptionKind, ID: in.Exemption}
}

// EndExemption ends the term that runs now, or else the next one; what was reported
// or paid before stays as it was. Only operators may. It fails with ErrExemption
// when all terms are over.
func (s *Service) EndExemption(ctx context.Context, in EndExemption) (Exemption, error) {
	if _, err := s.operator(ctx); err != nil {
		return Exemption{}, fmt.Errorf("end exemption: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Exemption, []platform.Change, error) {
		e, err := s.store.Exemption(ctx, in.Exemption)
		if err != nil {
			return Exemption{}, nil, err
		}
		next, err := e.End(in.Reason, s.w.Now())
		if err != nil {
			return Exemption{}, nil, err
		}
		return next, []platform.Change{platform.Put(next), next.happened("ended", in.Reason)}, nil
	})
}

func (e Exemption) happened(what, reason string) platform.Change {
	return platform.Happened("tax.exemption_"+what, e.Ref(), struct {
		Party platform.ID `json:"party"`
		Duty  Duty        `json:"duty"`
	}{e.Party, e.Duty}).Because(reason)
}

// exemption is a party's from a duty, a new one if there is none yet.
func (s *Service) exemption(ctx context.Context, party platform.ID, duty Duty) (Exemption, error) {
	e, err := s.store.Exemption(ctx, exemptionID(party, duty))
	if errors.Is(err, platform.ErrNotFound) {
		return Exemption{Head: platform.Head{ID: exemptionID(party, duty)}, Party: party, Duty: duty}, nil
	}
	return e, err
}

// Exemptions is a page of all exemptions, or of a party's, the last changed first.
// It is refused as [Service.TaxReports] is.
func (s *Service) Exemptions(ctx context.Context, party platform.ID, cursor string) (platform.Page[Exemption], error) {
	if err := s.reader(ctx); err != nil {
		return platform.Page[Exemption]{}, err
	}
	return s.store.Exemptions(ctx, party, cursor)
}

// Exempt tells other rooms who is exempt.
type Exempt struct{ DB platform.Getter }

// Exempt is the group for which a party is exempt from a duty at a moment; "" if it
// is not. The checks belong in the set that relies on it; where nobody has ever
// exempted the party, there is nothing to check.
func (x Exempt) Exempt(ctx context.Context, party platform.ID, duty string, at time.Time) (group string, checks []platform.Change, err error) {
	e, err := StoreOn(x.DB).Exemption(ctx, exemptionID(party, Duty(duty)))
	switch {
	case errors.Is(err, platform.ErrNotFound):
		return "", nil, nil
	case err != nil:
		return "", nil, err
	}
	return e.Exempt(at, at.Add(time.Nanosecond)), []platform.Change{platform.Unchanged(e)}, nil
}
