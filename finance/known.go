package finance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/liangding/platform"
)

// known is what the books have of facts already: nothing, or all of them as they
// are. Otherwise it fails with ErrKeyReused.
func (s *Service) known(ctx context.Context, facts []Fact) (Result, error) {
	result := Result{Outcome: Duplicate}
	var missing int
	for _, f := range facts {
		made, found, err := s.booked(ctx, f)
		if err != nil {
			return Result{}, fmt.Errorf("%s of %s: %w", f.What, f.Subject, err)
		}
		if !found {
			missing++
		}
		result.Made = append(result.Made, made...)
	}
	switch missing {
	case 0:
		return result, s.recall(ctx, &result)
	case len(facts):
		return Result{}, nil
	}
	return Result{}, fmt.Errorf("%d of %d steps: %w", len(facts)-missing, len(facts), ErrKeyReused)
}

// recall reads the balances that were given when a result came about.
func (s *Service) recall(ctx context.Context, r *Result) error {
	for i := range r.Made {
		moved, err := s.books.Store.Caused(ctx, r.Made[i].Ref)
		if err != nil {
			return fmt.Errorf("balances after %s: %w", r.Made[i].Ref, err)
		}
		r.Made[i].remember(moved)
	}
	return nil
}

// booked is what a fact has made, if it is in the books. It fails with
// ErrKeyReused if it is there with other legs.
func (s *Service) booked(ctx context.Context, f Fact) (all []Made, found bool, err error) {
	r := recipes[f.What]
	var p Pending
	if r.Held || r.Settles != "" || r.Voids != "" {
		if p, err = s.books.Store.Pending(ctx, pendingOf(f.Subject).ID); errors.Is(err, platform.ErrNotFound) {
			return nil, false, nil
		}
		if err != nil || p.Subject != f.Subject {
			return nil, false, err
		}
	}
	switch {
	case r.Held:
		return same(p.Fact, f, p.Ref())
	case r.Part:
		return s.part(ctx, p, f)
	case p.What != r.Settles+r.Voids:
		return nil, false, nil
	case r.Settles != "" && p.State == Settled:
		last := p.settlement()
		all, found = []Made{made(last.Ref(), last.Fact)}, true
	case r.Voids != "":
		found = p.State == Voided
	}
	if len(nonzero(f.Legs)) == 0 {
		return all, found, nil
	}
	posted, err := s.books.Store.Posted(ctx, f.id())
	if err != nil || len(posted) == 0 {
		return nil, false, err
	}
	own, found, err := same(posted[0].Fact, f, posted[0].Ref())
	return append(all, own...), found, err
}

// same compares a fact with what is in the books under its name.
func same(was, f Fact, at platform.Ref) ([]Made, bool, error) {
	if was.What != f.What || !slices.Equal(was.Legs, nonzero(f.Legs)) {
		return nil, true, ErrKeyReused
	}
	return []Made{made(at, was)}, true, nil
}

// part is a part of a hold that is in the books. Under a key nothing but that
// tells one from the next; without legs it was what was left.
func (s *Service) part(ctx context.Context, p Pending, f Fact) ([]Made, bool, error) {
	if key, err := platform.KeyOf(ctx); err != nil || f.counted() && key != (platform.Key{}) {
		return nil, false, err
	}
	last := len(p.Parts) - 1
	if !f.counted() {
		f.N = last // the hold ended with it
	}
	posted, err := s.books.Store.Posted(ctx, f.id())
	if err != nil || len(posted) == 0 {
		return nil, false, err
	}
	if len(f.Legs) == 0 && p.State == Settled && f.N == last {
		f.Legs = posted[0].Legs
	}
	return same(posted[0].Fact, f, posted[0].Ref())
}

// insufficient says of a floor that was met which account lacks how much, in the
// words of the books.
func insufficient(err error, facts []Fact) error {
	if platform.Code(err) != "floor" {
		return err
	}
	facts = slices.Clone(facts)
	details := platform.Details(err)
	name, _ := details["counter"].(string)
	short, _ := details["shortage"].(int64)
	_, a, code, broken := counted(platform.Ref{Kind: "counter", ID: platform.ID(strings.TrimPrefix(name, "counter/"))})
	currency, unknown := platform.ParseCurrency(code)
	if broken != nil || unknown != nil {
		return err
	}
	var asked int64
	for _, f := range facts {
		for _, l := range f.Legs {
			row, _ := lineOf(l.Role)
			if growth := grows(l, row); accountOf(l) == a && l.Amount.Currency() == currency && growth < 0 {
				asked -= growth
			}
		}
	}
	amounts, failed := monies(currency, asked, asked-short)
	if failed != nil || asked == 0 {
		return err
	}
	refusal := fmt.Errorf("%s lacks %s: %w", a, strconv.FormatInt(short, 10), ErrInsufficient)
	refusal = platform.Detail(platform.Detail(refusal, "asked", amounts[0]), "available", amounts[1])
	return platform.Detail(refusal, "account", a.String())
}
