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
	opening, in, out := tally{}, tally{}, tally{}
	for _, m := range months {
		for _, f := range m.Flows {
			if opening.add(f.Currency, "", new(big.Int)); m.Span < from {
				opening.add(f.Currency, "", f.Net())
				continue
			}
			in.add(f.Currency, f.Of, f.Debit)
			out.add(f.Currency, f.Of, f.Credit)
		}
	}
	var all []CashFlow
	for _, currency := range opening.currencies() {
		c := CashFlow{From: from, Until: until, Currency: currency, Flows: []Flow{}}
		if err := c.fill(opening[currency][""], in[currency], out[currency]); err != nil {
			return nil, fmt.Errorf("cash flow: %w", err)
		}
		all = append(all, c)
	}
	return all, nil
}

// fill sets the sums out by what happened.
func (c *CashFlow) fill(opening *big.Int, in, out map[string]*big.Int) (err error) {
	closing := new(big.Int).Set(opening)
	for _, what := range slices.Sorted(maps.Keys(in)) {
		closing.Add(closing, in[what]).Sub(closing, out[what])
		f := Flow{What: what}
		if f.In, err = money(c.Currency, in[what]); err == nil {
			f.Out, err = money(c.Currency, out[what])
		}
		if err != nil {
			return err
		}
		c.Flows = append(c.Flows, f)
	}
	if c.Opening, err = money(c.Currency, opening); err == nil {
		c.Closing, err = money(c.Currency, closing)
	}
	return err
}

// tally adds up by currency and name.
type tally map[platform.Currency]map[string]*big.Int

func (t tally) add(currency platform.Currency, of string, n *big.Int) {
	if t[currency] == nil {
		t[currency] = map[string]*big.Int{}
	}
	if t[currency][of] == nil {
		t[currency][of] = new(big.Int)
	}
	t[currency][of].Add(t[currency][of], n)
}

func (t tally) currencies() []platform.Currency { return slices.SortedFunc(maps.Keys(t), byCode) }

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
		return nil, fmt.Errorf("escrow: %w", err)
	}
	on := tally{}
	for _, m := range months {
		if m.Span == month {
			continue
		}
		if err := s.standing(ctx, m, on); err != nil {
			return nil, fmt.Errorf("escrow: %w", err)
		}
	}
	days, err := s.ports.Books.Days(ctx, month)
	if err != nil {
		return nil, fmt.Errorf("escrow: %w", err)
	}
	found := map[platform.Currency][]EscrowDay{}
	for _, d := range days {
		for _, r := range d.Rows {
			on.add(r.Currency, r.Of, r.Net())
		}
		for currency := range on {
			end, err := endOf(d.Span, currency, on[currency])
			if err != nil {
				return nil, fmt.Errorf("escrow of %s: %w", d.Span, err)
			}
			found[currency] = append(found[currency], end)
		}
	}
	var out []Escrow
	for _, currency := range slices.SortedFunc(maps.Keys(found), byCode) {
		out = append(out, Escrow{Month: month, Currency: currency, Days: found[currency]})
	}
	return out, nil
}

// standing adds what a month has left of others' money, and of cash by account.
func (s *Service) standing(ctx context.Context, m finance.Sums, on tally) error {
	for _, r := range m.Rows {
		if finance.Entrusted(r.Role()) {
			on.add(r.Currency, r.Role(), r.Net())
		}
	}
	for _, cash := range []string{"bank", "clearing"} {
		if err := s.accounts(ctx, m.Span, cash, func(a finance.AccountSum) { on.add(a.Currency, a.Account.String(), a.Net()) }); err != nil {
			return err
		}
	}
	return nil
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
