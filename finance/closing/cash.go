package closing

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// CashFlow is what came to bank and clearing accounts and left them in the months
// from one to another, both included, by what happened: the direct method.
type CashFlow struct {
	From     string            `json:"from"`
	Until    string            `json:"until"`
	Currency platform.Currency `json:"currency"`
	Opening  platform.Money    `json:"opening"`
	Flows    []Flow            `json:"flows"` // by what
	Closing  platform.Money    `json:"closing"`
}

// Flow is what one sort of fact did to cash.
type Flow struct {
	What string         `json:"what"`
	In   platform.Money `json:"in"`
	Out  platform.Money `json:"out"`
}

// CashFlow states where cash came from and went. It fails as
// [Service.BalanceSheet] does.
func (s *Service) CashFlow(ctx context.Context, from, until string) ([]CashFlow, error) {
	months, err := s.months(ctx, "", until)
	if err != nil {
		return nil, fmt.Errorf("cash flow: %w", err)
	}
	type in struct{ in, out *big.Int }
	opening, flows := map[platform.Currency]*big.Int{}, map[platform.Currency]map[string]in{}
	for _, m := range months {
		for _, f := range m.Flows {
			if flows[f.Currency] == nil {
				flows[f.Currency], opening[f.Currency] = map[string]in{}, new(big.Int)
			}
			if m.Span < from {
				opening[f.Currency].Add(opening[f.Currency], f.Net())
				continue
			}
			of, known := flows[f.Currency][f.Of]
			if !known {
				of = in{new(big.Int), new(big.Int)}
				flows[f.Currency][f.Of] = of
			}
			of.in.Add(of.in, f.Debit)
			of.out.Add(of.out, f.Credit)
		}
	}
	var out []CashFlow
	for _, currency := range slices.SortedFunc(maps.Keys(flows), byCode) {
		c := CashFlow{From: from, Until: until, Currency: currency, Flows: []Flow{}}
		closing := new(big.Int).Set(opening[currency])
		for _, what := range slices.Sorted(maps.Keys(flows[currency])) {
			of := flows[currency][what]
			closing.Add(closing, of.in).Sub(closing, of.out)
			f := Flow{What: what}
			if f.In, err = money(currency, of.in); err == nil {
				f.Out, err = money(currency, of.out)
			}
			if err != nil {
				return nil, fmt.Errorf("cash flow: %w", err)
			}
			c.Flows = append(c.Flows, f)
		}
		if c.Opening, err = money(currency, opening[currency]); err == nil {
			c.Closing, err = money(currency, closing)
		}
		if err != nil {
			return nil, fmt.Errorf("cash flow: %w", err)
		}
		out = append(out, c)
	}
	return out, nil
}

func byCode(a, b platform.Currency) int { return strings.Compare(a.String(), b.String()) }

// Escrow says whose money the platform keeps and where it lies, day by day, in a
// currency.
type Escrow struct {
	Month    string            `json:"month"`
	Currency platform.Currency `json:"currency"`
	Days     []EscrowDay       `json:"days"` // those on which something moved
}

// EscrowDay is the end of a day.
type EscrowDay struct {
	Day   string         `json:"day"`
	Owed  []Holding      `json:"owed"`  // to others, by role
	Held  []Holding      `json:"held"`  // at banks and institutions, by account
	Cover platform.Money `json:"cover"` // held less owed: below zero, others' money is missing
}

// Holding is an amount and whose or where it is.
type Holding struct {
	Of     string         `json:"of"`
	Amount platform.Money `json:"amount"`
}

// Escrow states whose money lies where at the end of each day of a month. It fails
// as [Service.BalanceSheet] does.
func (s *Service) Escrow(ctx context.Context, month string) ([]Escrow, error) {
	months, err := s.months(ctx, "", month)
	if err != nil {
		return nil, fmt.Errorf("escrow of %s: %w", month, err)
	}
	days, err := s.ports.Books.Days(ctx, month)
	if err != nil {
		return nil, fmt.Errorf("escrow of %s: %w", month, err)
	}
	on := map[platform.Currency]map[string]*big.Int{}
	move := func(r finance.Sum, of string) {
		if on[r.Currency] == nil {
			on[r.Currency] = map[string]*big.Int{}
		}
		if on[r.Currency][of] == nil {
			on[r.Currency][of] = new(big.Int)
		}
		on[r.Currency][of].Add(on[r.Currency][of], r.Net())
	}
	for _, m := range months {
		if m.Span == month {
			continue
		}
		for _, r := range m.Rows {
			if finance.Entrusted(r.Role()) {
				move(r, r.Role())
			}
		}
		for _, cash := range []string{"bank", "clearing"} {
			err := s.accounts(ctx, m.Span, cash, func(a finance.AccountSum) {
				move(finance.Sum{Currency: a.Currency, Debit: a.Debit, Credit: a.Credit}, a.Account.String())
			})
			if err != nil {
				return nil, fmt.Errorf("escrow of %s: %w", month, err)
			}
		}
	}
	found := map[platform.Currency]*Escrow{}
	for _, d := range days {
		for _, r := range d.Rows {
			move(r, r.Of)
		}
		for currency := range on {
			if found[currency] == nil {
				found[currency] = &Escrow{Month: month, Currency: currency}
			}
			end, err := endOf(d.Span, currency, on[currency])
			if err != nil {
				return nil, fmt.Errorf("escrow of %s: %w", d.Span, err)
			}
			found[currency].Days = append(found[currency].Days, end)
		}
	}
	var out []Escrow
	for _, currency := range slices.SortedFunc(maps.Keys(found), byCode) {
		out = append(out, *found[currency])
	}
	return out, nil
}

// endOf is the end of a day.
func endOf(day string, currency platform.Currency, on map[string]*big.Int) (EscrowDay, error) {
	d, cover := EscrowDay{Day: day, Owed: []Holding{}, Held: []Holding{}}, new(big.Int)
	for _, of := range slices.Sorted(maps.Keys(on)) {
		net := on[of]
		cover.Add(cover, net)
		to := &d.Held
		if role, _, _ := strings.Cut(of, ":"); finance.Entrusted(role) {
			to, net = &d.Owed, new(big.Int).Neg(net)
		}
		amount, err := money(currency, net)
		if err != nil {
			return EscrowDay{}, err
		}
		*to = append(*to, Holding{of, amount})
	}
	var err error
	d.Cover, err = money(currency, cover)
	return d, err
}
