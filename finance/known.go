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
		was, at, err := s.booked(ctx, f)
		if err != nil {
			return Result{}, err
		}
		switch {
		case at == (platform.Ref{}):
			missing++
			continue
		case !slices.Equal(was.Legs, nonzero(f.Legs)), was.What != f.What:
			return Result{}, fmt.Errorf("%s of %s: %w", f.What, f.Subject, ErrKeyReused)
		}
		result.Made = append(result.Made, made(at, was))
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

// booked is a fact as it is in the books, and where; the zero Ref if it is not.
// What ends a hold has none of its own, or several: the hold's state tells.
func (s *Service) booked(ctx context.Context, f Fact) (Fact, platform.Ref, error) {
	switch r := recipes[f.What]; {
	case r.Held:
		p, err := s.books.Store.Pending(ctx, pendingOf(f.Subject).ID)
		if errors.Is(err, platform.ErrNotFound) {
			return Fact{}, platform.Ref{}, nil
		}
		return p.Fact, p.Ref(), err
	case r.Settles != "" || r.Voids != "":
		return Fact{}, platform.Ref{}, nil
	}
	found, err := s.books.Store.Posted(ctx, f.id())
	if err != nil || len(found) == 0 {
		return Fact{}, platform.Ref{}, err
	}
	return found[0].Fact, found[0].Ref(), nil
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
