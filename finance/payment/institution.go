package payment

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Business is a kind of business that a licence covers.
type Business string

// The kinds of business.
const (
	Acquiring Business = "acquiring" // taking payers' money: charges and authorisations
	Splitting Business = "splitting" // handing it on to accounts of others
	PayingOut Business = "paying_out"
)

// Institution is what was found out about an institution and its licence when
// somebody last checked. Where there is one, it decides whether new business may
// go there, and what the adapter says of its licence does not count.
type Institution struct {
	platform.Head
	Name       string      `json:"name" class:"internal"` // the gateway's; see [Info]
	Entity     string      `json:"entity" class:"internal"`
	Licence    string      `json:"licence" class:"internal"` // its number
	Kinds      []Business  `json:"kinds" class:"internal"`
	Regions    []string    `json:"regions,omitempty" class:"internal"`
	Currencies []string    `json:"currencies,omitempty" class:"internal"` // if empty, any
	ValidUntil time.Time   `json:"valid_until" class:"internal"`          // exclusive
	Evidence   string      `json:"evidence" class:"internal"`             // SHA-256 of the document that was seen, in hex
	CheckedAt  time.Time   `json:"checked_at" class:"internal"`
	CheckedBy  platform.ID `json:"checked_by" class:"internal"`
	Due        time.Time   `json:"due,omitzero" class:"internal"` // of the next alert; zero once it has ended
}

// Ref names the institution.
func (i Institution) Ref() platform.Ref {
	return platform.Ref{Kind: "payment.institution", ID: i.ID}
}

// InstitutionID is the id of the record of an institution. The formula is frozen:
// moment 0, the slot of the name, and 8 bytes of SHA-256 of it.
func InstitutionID(name string) platform.ID {
	key := platform.Key{Scope: "institution", Name: name}
	sum := sha256.Sum256([]byte(key.Scope + "\x00" + key.Name))
	return platform.NewID("ins", time.UnixMilli(0), key.Slot(), binary.BigEndian.Uint64(sum[8:16]))
}

func institutionRef(name string) platform.Ref {
	return platform.Ref{Kind: "payment.institution", ID: InstitutionID(name)}
}

// Ends is from when on the institution gets no new business: the licence is over,
// or the check is older than 90 days.
func (i Institution) Ends() time.Time {
	if checked := i.CheckedAt.Add(checkedFor); checked.Before(i.ValidUntil) {
		return checked
	}
	return i.ValidUntil
}

// Covers returns nil when new business of the kind and currency may go to the
// institution. Otherwise it is ErrUnlicensed, or ErrNoChannel for a currency that
// it does not take.
func (i Institution) Covers(kind Business, currency platform.Currency, at time.Time) error {
	if !at.Before(i.Ends()) || !slices.Contains(i.Kinds, kind) {
		return fmt.Errorf("%s at %s: %w", kind, i.Name, ErrUnlicensed)
	}
	if len(i.Currencies) > 0 && !slices.Contains(i.Currencies, currency.String()) {
		return fmt.Errorf("%s of %s at %s: %w", kind, currency, i.Name, ErrNoChannel)
	}
	return nil
}

// ahead are how long before its end a licence is called nearly over.
var ahead = [...]time.Duration{60 * 24 * time.Hour, 30 * 24 * time.Hour, 7 * 24 * time.Hour}

// rings is the institution due for the first alert after a moment.
func (i Institution) rings(at time.Time) Institution {
	marks := []time.Time{i.Ends().Add(-ahead[2]), i.Ends()}
	for _, before := range ahead {
		marks = append(marks, i.ValidUntil.Add(-before))
	}
	i.Due = time.Time{}
	for _, m := range marks {
		if m.After(at) && !m.After(i.Ends()) && (i.Due.IsZero() || m.Before(i.Due)) {
			i.Due = m
		}
	}
	return i
}

// Check records what was found out about an institution.
type Check struct {
	Name       string     `json:"name" validate:"required,max=64"`
	Entity     string     `json:"entity" validate:"required,max=200"`
	Licence    string     `json:"licence" validate:"required,max=100,printascii"`
	Kinds      []Business `json:"kinds" validate:"required,min=1,max=3,unique,dive,oneof=acquiring splitting paying_out"`
	Regions    []string   `json:"regions,omitempty" validate:"max=200,dive,min=2,max=6,printascii"`
	Currencies []string   `json:"currencies,omitempty" validate:"max=200,dive,len=3,uppercase"`
	ValidUntil time.Time  `json:"valid_until" validate:"required"`
	Evidence   string     `json:"evidence" validate:"required,len=64,hexadecimal"` // SHA-256 of the document
}

// Subject is the institution's record.
func (c Check) Subject() platform.Ref { return institutionRef(c.Name) }

// Check replaces what is known of an institution and returns it: checked now, by
// whoever acts. New business goes there as it says from then on; what runs goes
// on. Only operators may do so. It fails with ErrInstitution for one that is not
// wired.
func (s *Service) Check(ctx context.Context, in Check) (Institution, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Institution, []platform.Change, error) {
		actor, err := platform.ActorOf(ctx)
		if err == nil && actor.Kind != platform.Operator {
			err = ErrActor
		}
		if err != nil {
			return Institution{}, nil, fmt.Errorf("check %s: %w", in.Name, err)
		}
		if _, err := s.gateway(in.Name); err != nil {
			return Institution{}, nil, err
		}
		found, err := s.store.Found(ctx, in.Subject())
		if err != nil {
			return Institution{}, nil, err
		}
		next := Institution{Head: platform.Head{ID: InstitutionID(in.Name)}}
		for _, known := range found.Institutions {
			next.Head = known.Head
		}
		now := s.w.Now()
		next.Name, next.Entity, next.Licence, next.Kinds, next.Regions = in.Name, in.Entity, in.Licence, in.Kinds, in.Regions
		next.Currencies, next.ValidUntil, next.Evidence, next.CheckedAt, next.CheckedBy = in.Currencies, in.ValidUntil.UTC(), in.Evidence, now, actor.ID
		next = next.rings(now)
		return next, []platform.Change{platform.Put(next), platform.Happened("institution.checked", next.Ref(), next.facts(now))}, nil
	})
}

// ring is an alert about an institution.
type ring struct{ Institution platform.ID }

// Subject is the institution.
func (r ring) Subject() platform.Ref {
	return platform.Ref{Kind: "payment.institution", ID: r.Institution}
}

// ring tells that the licence or its check is nearly over, or is.
func (s *Service) ring(ctx context.Context, id platform.ID, now time.Time) error {
	_, err := platform.Update(ctx, s.w, ring{id}, func(ctx context.Context) (Institution, []platform.Change, error) {
		found, err := s.store.Found(ctx, ring{id}.Subject())
		if err == nil && len(found.Institutions) == 0 {
			err = platform.NotFound(ring{id}.Subject())
		}
		if err != nil {
			return Institution{}, nil, err
		}
		i := found.Institutions[0]
		if i.Due.IsZero() || now.Before(i.Due) {
			return Institution{}, nil, fmt.Errorf("ring for %s: %w", i.ID, ErrNotDue)
		}
		what := "institution.expiring"
		if !now.Before(i.Ends()) {
			what = "institution.expired"
		}
		next := i.rings(now)
		return next, []platform.Change{platform.Put(next), platform.Happened(what, next.Ref(), next.facts(now))}, nil
	})
	return err
}

// facts are an institution in an event.
func (i Institution) facts(at time.Time) any {
	return struct {
		Name       string    `json:"name"`
		ValidUntil time.Time `json:"valid_until"`
		CheckedAt  time.Time `json:"checked_at"`
		Days       int       `json:"days"` // until it gets no new business
	}{i.Name, i.ValidUntil, i.CheckedAt, int(i.Ends().Sub(at) / (24 * time.Hour))}
}
