package finance

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Recipes that the books know by name.
const (
	reversed   = "posting.reversed"
	yearClosed = "year.closed"
)

// Reversal names the n-th reversal of a posting, counted from 0. The formula is
// that of every posting, so each reversal is found from what it reverses.
func (p Posting) Reversal(n int) platform.ID {
	return Fact{What: reversed, Subject: p.Ref(), N: n}.id()
}

// Reverse mirrors a posting, in whole, or the part that legs say: each of them
// on the other side of one of the posting's legs and no more than that. before
// are the reversals that there are, in order; all together they are no more than
// the posting. Nothing is changed or deleted, and a reversal can itself be
// reversed.
//
// It fails with ErrReversalExceeds when less is left, and otherwise as [Post]
// does; without legs, all that is left is reversed. The commit fails with
// ErrConflict, code exists, when somebody else reversed meanwhile, and with
// ErrState, code floor, when an account lacks the money.
func (p Posting) Reverse(before []Posting, legs []platform.Leg, f Fact) ([]platform.Change, error) {
	left, err := p.unreversed(before)
	if err != nil {
		return nil, err
	}
	if legs = nonzero(legs); len(legs) == 0 {
		for _, l := range left {
			l.Amount = l.Amount.Neg()
			legs = append(legs, l)
		}
	}
	f.What, f.Subject, f.N, f.Legs = reversed, p.Ref(), len(before), legs
	if len(left) == 0 {
		return nil, fmt.Errorf("reverse %s: %w", p.ID, ErrReversalExceeds)
	}
	if err := f.check(false); err != nil {
		return nil, err
	}
	next := f.posting("")
	next.Reverses = p.ID
	if _, err := p.unreversed(append(slices.Clone(before), next)); err != nil {
		return nil, err
	}
	return next.changes(), nil
}

// unreversed are the legs of a posting less what reversals have mirrored.
func (p Posting) unreversed(by []Posting) ([]platform.Leg, error) {
	left := slices.Clone(p.Legs)
	for _, r := range by {
		for _, l := range r.Legs {
			i := slices.IndexFunc(left, func(was platform.Leg) bool {
				return accountOf(was) == accountOf(l) && was.Amount.Currency() == l.Amount.Currency()
			})
			if i < 0 {
				return nil, fmt.Errorf("reverse %s on %s: %w", p.ID, accountOf(l), ErrReversalExceeds)
			}
			rest, err := left[i].Amount.Add(l.Amount)
			if err != nil {
				return nil, err
			}
			if sign := p.Legs[i].Amount.Sign(); l.Amount.Sign() == sign || rest.Sign() == -sign {
				return nil, platform.Detail(fmt.Errorf("reverse %s by %s on %s: %w", p.ID, l.Amount, accountOf(l), ErrReversalExceeds), "account", accountOf(l).String())
			}
			left[i].Amount = rest
		}
	}
	return nonzero(left), nil
}

// Reversals are the reversals of a posting, in order.
func (b Books) reversals(ctx context.Context, p Posting) (all []Posting, err error) {
	for {
		ids := make([]platform.ID, 1<<min(bits.Len(uint(len(all))), 8)) // few have any, and none many
		for i := range ids {
			ids[i] = p.Reversal(len(all) + i)
		}
		found, err := b.Store.Posted(ctx, ids...)
		if err != nil {
			return nil, fmt.Errorf("reversals of %s: %w", p.ID, err)
		}
		if all = append(all, found...); len(found) < len(ids) {
			return all, nil
		}
	}
}

// Reverse takes a posting back, in whole or in part.
type Reverse struct {
	Posting platform.ID `json:"posting" validate:"required,id=pst"`
	Legs    []Line      `json:"legs,omitempty" validate:"max=1000,dive"` // what is taken back, on the other side than it was booked; if none, all that is left
	At      time.Time   `json:"at,omitzero"`                             // when it holds; if zero, now
	Reason  string      `json:"reason" validate:"required,text=64"`      // a code
}

// Reverse books the reversal of a posting. Operators may. It fails as
// [Posting.Reverse] does, with ErrInsufficient in place of floor, and as
// [Service.Transfer] does for locks and moments.
func (s *Service) Reverse(ctx context.Context, in Reverse) (Result, error) {
	if err := s.desk(ctx); err != nil {
		return Result{}, fmt.Errorf("reverse %s: %w", in.Posting, err)
	}
	at, err := s.effective(in.At, in.Reason)
	if err != nil {
		return Result{}, err
	}
	legs, err := legsOf(in.Legs)
	if err != nil {
		return Result{}, err
	}
	result, facts, err := s.reverse(ctx, in, at, legs)
	for try := 1; platform.Code(err) == "exists" && try < s.w.Tries; try++ { // the next place was taken meanwhile, and there is one after it
		result, facts, err = s.reverse(ctx, in, at, legs)
	}
	if err == nil && result.Outcome == Duplicate {
		err = s.recall(ctx, &result)
	}
	return result, insufficient(err, facts)
}

// reverse books a reversal at the place after those that there are.
func (s *Service) reverse(ctx context.Context, in Reverse, at time.Time, legs []platform.Leg) (result Result, facts []Fact, err error) {
	result, err = platform.Update(ctx, s.w, in, func(ctx context.Context) (Result, []platform.Change, error) {
		found, err := s.books.Store.Postings(ctx, in.Posting)
		if err != nil {
			return Result{}, nil, fmt.Errorf("reverse %s: %w", in.Posting, err)
		}
		before, err := s.books.reversals(ctx, found[0])
		if err != nil {
			return Result{}, nil, err
		}
		set, err := found[0].Reverse(before, legs, Fact{At: at, Booked: s.w.Now(), Memo: in.Reason})
		if err != nil {
			return Result{}, nil, err
		}
		p, _ := set[0].Value.(Posting)
		facts = []Fact{p.Fact}
		pinned, err := s.unbarred(ctx, p.Fact)
		if err != nil {
			return Result{}, nil, err
		}
		event := platform.Happened(reversed, found[0].Ref(), told{p.ID, p.Legs}).Because(in.Reason)
		result := Result{Outcome: Done, Made: []Made{made(p.Ref(), p.Fact)}, fresh: true}
		result.expect(set)
		return result, append(append(set, pinned...), event), nil
	})
	return result, facts, err
}

// reversal checks that a posting which reverses mirrors a posting, and with those
// before it no more than that.
func (v *verifier) reversal(ctx context.Context, p Posting) error {
	if p.Reverses == "" {
		return nil
	}
	ids := []platform.ID{p.Reverses}
	original := Posting{Head: platform.Head{ID: p.Reverses}}
	for n := range min(p.N, 10_000) {
		ids = append(ids, original.Reversal(n))
	}
	if p.Reverses.UUID() == [16]byte{} {
		v.report("V1", p.Ref(), "a posting that it reverses", fmt.Sprintf("%q", p.Reverses))
		return nil
	}
	found, err := v.store.Posted(ctx, ids...)
	if err != nil {
		return err
	}
	if len(found) < len(ids) || found[0].ID != p.Reverses || p.Subject != original.Ref() {
		v.report("V1", p.Ref(), fmt.Sprintf("%s and %d reversals before", p.Reverses, p.N), fmt.Sprintf("%d of them", len(found)))
	} else if _, err := found[0].unreversed(append(found[1:], p)); err != nil {
		v.report("V1", p.Ref(), "no more than what is left of "+string(p.Reverses), err)
	}
	return nil
}
