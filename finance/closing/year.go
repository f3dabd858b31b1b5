package closing

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Year is the end of a year: its result went to retained earnings by the posting
// year.closed.
type Year struct {
	platform.Head
	Year   int              `json:"year" class:"internal"`
	Result []platform.Money `json:"result" class:"internal"`          // profit above zero, by currency
	Times  int              `json:"times,omitempty" class:"internal"` // that it was closed again, for what entered December afterwards
	By     platform.ID      `json:"by" class:"internal"`
	At     time.Time        `json:"at" class:"internal"`
}

// Ref names the year.
func (y Year) Ref() platform.Ref { return platform.Ref{Kind: yearKind, ID: y.ID} }

// yearID is the id of a year: its first moment.
func yearID(year int) platform.ID {
	return platform.NewID("yrc", time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), 0, 0)
}

// CloseYear carries the result of a year on.
type CloseYear struct {
	Year int `json:"year" validate:"required,min=1970,max=9999"`
}

// CloseYear empties the accounts of income and expense into retained earnings, as
// of the last moment of the year. Accountants may, while December is soft-closed
// and its journal numbered; it fails with ErrYear otherwise. A year that was closed
// before is closed again for what entered December since, and with ErrYear refused
// when that is nothing.
func (s *Service) CloseYear(ctx context.Context, in CloseYear) (Year, error) {
	by, err := s.w.Actor(ctx)
	if err == nil && (by.Kind != platform.Operator || !by.Has(finance.Accountant)) {
		err = finance.ErrAccountant
	}
	if err != nil {
		return Year{}, fmt.Errorf("close year %d: %w", in.Year, err)
	}
	december := strconv.Itoa(in.Year) + "-12"
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Year, []platform.Change, error) {
		p, err := s.ports.Books.Periods(ctx) // first: whatever enters December afterwards moves it
		if err != nil {
			return Year{}, nil, err
		}
		y, err := s.store.Year(ctx, in.Year)
		if err != nil {
			return Year{}, nil, err
		}
		missing, err := s.ports.Books.Unnumbered(ctx, december)
		if err != nil {
			return Year{}, nil, err
		}
		if missing || p.State(december) != finance.PeriodSoftClosed {
			return Year{}, nil, fmt.Errorf("close year %d: %w", in.Year, ErrYear)
		}
		legs, result, err := s.results(ctx, december)
		if err != nil {
			return Year{}, nil, err
		}
		booking := y.Ref()
		if y.Version > 0 {
			if len(legs) == 0 {
				return Year{}, nil, fmt.Errorf("close year %d again: %w", in.Year, ErrYear)
			}
			if result, err = together(y.Result, result); err != nil {
				return Year{}, nil, err
			}
			y.Times++
			booking.ID = platform.NewID("yrc", y.ID.Time(), 0, uint64(y.Times))
		}
		y.Result, y.By, y.At = result, by.ID, s.w.Now()
		end := time.Date(in.Year+1, 1, 1, 0, 0, 0, 0, s.zone).Add(-time.Microsecond)
		set := []platform.Change{platform.Unchanged(p), platform.Put(y), platform.Happened("year.closed", y.Ref(), struct {
			Year   int              `json:"year"`
			Result []platform.Money `json:"result"`
		}{y.Year, y.Result})}
		if len(legs) == 0 {
			return y, set, nil
		}
		booked, err := s.ports.Books.Post(ctx, "year.closed", booking, end, legs)
		return y, append(set, booked...), err
	})
}

// results are the legs that empty all income and expense at the end of a month,
// and the profit by currency.
func (s *Service) results(ctx context.Context, month string) (legs []platform.Leg, profits []platform.Money, err error) {
	months, err := s.ports.Books.Sums(ctx, "", month)
	if err != nil {
		return nil, nil, err
	}
	on := tally{}
	for _, m := range sinceYear(months) {
		err := s.accounts(ctx, m.Span, "", func(a finance.AccountSum) {
			if ofResult(a.Account.Role) {
				on.add(a.Currency, a.Account.String(), a.Net())
			}
		})
		if err != nil {
			return nil, nil, err
		}
	}
	for _, currency := range on.currencies() {
		emptied, profit, err := emptying(currency, on[currency])
		if err != nil {
			return nil, nil, err
		}
		legs, profits = append(legs, emptied...), append(profits, profit)
	}
	return legs, profits, nil
}

// emptying are the legs that bring accounts to zero, against retained earnings,
// and what these get.
func emptying(currency platform.Currency, on map[string]*big.Int) (legs []platform.Leg, profit platform.Money, err error) {
	total := new(big.Int)
	for _, name := range slices.Sorted(maps.Keys(on)) {
		a, err := finance.ParseAccount(name)
		if err != nil {
			return nil, profit, err
		}
		amount, err := money(currency, on[name])
		if err != nil {
			return nil, profit, err
		}
		total.Add(total, on[name])
		if amount.Sign() != 0 {
			legs = append(legs, platform.Leg{Role: a.Role, Party: a.Party, Amount: amount.Neg()})
		}
	}
	net, err := money(currency, total)
	if net.Sign() != 0 {
		legs = append(legs, platform.Leg{Role: "retained", Amount: net})
	}
	return legs, net.Neg(), err
}

// together are the sums of profits by currency.
func together(a, b []platform.Money) ([]platform.Money, error) {
	all := slices.Clone(a)
	for _, m := range b {
		at := slices.IndexFunc(all, func(other platform.Money) bool { return other.Currency() == m.Currency() })
		if at < 0 {
			all = append(all, m)
			continue
		}
		sum, err := all[at].Add(m)
		if err != nil {
			return nil, err
		}
		all[at] = sum
	}
	return all, nil
}

// sinceYear are the months after the last but one in which a year was closed: what
// entered the end of a year after its close is carried on with the next, if not
// before.
func sinceYear(months []finance.Sums) []finance.Sums {
	closed := 0
	for i, m := range slices.Backward(months) {
		if slices.ContainsFunc(m.Rows, func(r finance.Sum) bool { return r.Closing != nil }) {
			if closed++; closed == 2 {
				return months[i+1:]
			}
		}
	}
	return months
}

func ofResult(role string) bool {
	c := finance.ClassOf(role)
	return c == finance.Income || c == finance.Expense
}

// money is a sum as an amount. It fails with finance.ErrOverflow.
func money(currency platform.Currency, minor *big.Int) (platform.Money, error) {
	if !minor.IsInt64() {
		return platform.Money{}, finance.ErrOverflow
	}
	return platform.FromMinor(minor.Int64(), currency)
}
