package claim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Person is what there is to know of somebody who claims or approves: what they
// claimed of late, their advance, and when they are away.
type Person struct {
	platform.Head
	Who     platform.ID `json:"who" class:"internal"`
	Recent  []Seen      `json:"recent,omitempty" class:"internal"`
	Advance platform.ID `json:"advance,omitempty" class:"internal"` // that is open
	From    time.Time   `json:"from,omitzero" class:"internal"`
	Until   time.Time   `json:"until,omitzero" class:"internal"` // away from From until then
}

// Seen is what a claim has of one seller.
type Seen struct {
	Claim  platform.ID    `json:"claim" class:"internal"`
	Seller string         `json:"seller" class:"internal"` // a blind index
	Amount platform.Money `json:"amount" class:"internal"`
	At     time.Time      `json:"at" class:"internal"`
}

// Ref names the person.
func (p Person) Ref() platform.Ref { return platform.Ref{Kind: personKind, ID: p.ID} }

// personRef names the record of somebody: by all of the id, since a member of
// staff may have that of an operator but for its prefix.
func personRef(who platform.ID) platform.Ref {
	sum := sha256.Sum256([]byte(who))
	return platform.Ref{Kind: personKind, ID: platform.NewID("clp", who.Time(), who.Slot(), binary.BigEndian.Uint64(sum[:8]))}
}

// away tells whether the person is away at a moment.
func (p Person) away(at time.Time) bool { return !at.Before(p.From) && at.Before(p.Until) }

// see is the person after a claim was submitted, and by how much other claims of
// late have one seller with it, also those that came to nothing: whoever cuts an
// expense into pieces finds them counted as one.
func (p Person) see(c Claim, at time.Time, within time.Duration) (Person, platform.Money, error) {
	other := zero(c.Total)
	p.Recent = slices.DeleteFunc(slices.Clone(p.Recent), func(s Seen) bool { return s.Claim == c.ID || !at.Before(s.At.Add(within)) })
	var own []Seen
	for _, i := range c.Items {
		n := slices.IndexFunc(own, func(s Seen) bool { return s.Seller == i.Seller })
		if n < 0 {
			own = append(own, Seen{c.ID, i.Seller, i.Amount, at})
			continue
		}
		var err error
		if own[n].Amount, err = own[n].Amount.Add(i.Amount); err != nil {
			return Person{}, other, err
		}
	}
	for _, s := range p.Recent {
		shared := slices.ContainsFunc(own, func(o Seen) bool { return o.Seller == s.Seller })
		if !shared || s.Amount.Currency() != c.Total.Currency() {
			continue
		}
		var err error
		if other, err = other.Add(s.Amount); err != nil {
			return Person{}, other, err
		}
	}
	p.Recent = append(p.Recent, own...)
	return p, other, nil
}

// person is somebody as last written, or as nobody knows them yet.
func (s *Service) person(ctx context.Context, who platform.ID) (Person, error) {
	found, err := s.store.Found(ctx, personRef(who))
	if err != nil || len(found.People) > 0 {
		return append(found.People, Person{})[0], err
	}
	return Person{Head: platform.Head{ID: personRef(who).ID}, Who: who}, nil
}

// Absence is what the caller last said of when they are away.
func (s *Service) Absence(ctx context.Context) (Person, error) {
	by, err := s.actor(ctx, office...)
	if err != nil {
		return Person{}, err
	}
	return s.person(ctx, by.ID)
}

// Away says when the caller approves nothing.
type Away struct {
	From  time.Time `json:"from" validate:"required"`
	Until time.Time `json:"until" validate:"required,gtefield=From"` // exclusive; equal to From: back again
}

// Away says when the caller is away: others approve then, see [Service.Approve].
func (s *Service) Away(ctx context.Context, in Away) (Person, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Person, []platform.Change, error) {
		by, err := s.actor(ctx, office...)
		if err != nil {
			return Person{}, nil, err
		}
		p, err := s.person(ctx, by.ID)
		if err != nil {
			return Person{}, nil, err
		}
		p.From, p.Until = in.From.UTC(), in.Until.UTC()
		told := platform.Happened("claim.approver_away", p.Ref(), map[string]any{"from": p.From, "until": p.Until})
		return p, []platform.Change{platform.Put(p), told}, nil
	})
}
