package closing

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Line is a line of a statement: a code of the law's chart, what it is made of,
// and the amount in the direction that is normal for its part.
type Line struct {
	Code   string         `json:"code"`
	Roles  []string       `json:"roles"`
	Amount platform.Money `json:"amount"`
}

// Part is a part of a statement.
type Part struct {
	Class finance.Class  `json:"class"`
	Lines []Line         `json:"lines"` // by code
	Total platform.Money `json:"total"`
}

// BalanceSheet is what is owned and owed at the end of a month, in a currency.
// Assets are liabilities and equity together, the result of the running year
// included.
type BalanceSheet struct {
	Month       string            `json:"month"`
	Currency    platform.Currency `json:"currency"`
	Assets      Part              `json:"assets"`
	Liabilities Part              `json:"liabilities"`
	Equity      Part              `json:"equity"`
	Result      platform.Money    `json:"result"` // of income and expense since a year was last closed
}

// IncomeStatement is what was earned and spent in the months from one to another,
// both included, in a currency. Closing a year is no part of it.
type IncomeStatement struct {
	From     string            `json:"from"`
	Until    string            `json:"until"`
	Currency platform.Currency `json:"currency"`
	Income   Part              `json:"income"`
	Expense  Part              `json:"expense"`
	Result   platform.Money    `json:"result"`
}

// sheet adds rows of months up, by currency, class and code.
type sheet map[platform.Currency]map[finance.Class]map[string]*entry

type entry struct {
	roles map[string]bool
	net   *big.Int
}

func (s sheet) add(law finance.Statutory, r finance.Sum, net *big.Int) {
	class, code := finance.ClassOf(r.Role()), law.Row(r.Of)
	if s[r.Currency] == nil {
		s[r.Currency] = map[finance.Class]map[string]*entry{}
	}
	if s[r.Currency][class] == nil {
		s[r.Currency][class] = map[string]*entry{}
	}
	e := s[r.Currency][class][code]
	if e == nil {
		e = &entry{map[string]bool{}, new(big.Int)}
		s[r.Currency][class][code] = e
	}
	e.roles[r.Role()] = true
	e.net.Add(e.net, net)
}

// part is a class in a currency; sign is its normal direction.
func (s sheet) part(currency platform.Currency, class finance.Class, sign int64) (Part, error) {
	p, total := Part{Class: class, Lines: []Line{}}, new(big.Int)
	for _, code := range slices.Sorted(maps.Keys(s[currency][class])) {
		e := s[currency][class][code]
		net := new(big.Int).Mul(e.net, big.NewInt(sign))
		total.Add(total, net)
		amount, err := money(currency, net)
		if err != nil {
			return Part{}, err
		}
		p.Lines = append(p.Lines, Line{code, slices.Sorted(maps.Keys(e.roles)), amount})
	}
	var err error
	p.Total, err = money(currency, total)
	return p, err
}

func (s sheet) currencies() []platform.Currency {
	return slices.SortedFunc(maps.Keys(s), func(a, b platform.Currency) int {
		return slices.Compare([]string{a.String()}, []string{b.String()})
	})
}

// months are the sums of months, for those who read statements.
func (s *Service) months(ctx context.Context, from, until string) ([]finance.Sums, error) {
	if err := s.reader(ctx); err != nil {
		return nil, err
	}
	for _, month := range []string{from, until} {
		if _, err := s.start(month); err != nil && month != "" {
			return nil, err
		}
	}
	return s.ports.Books.Sums(ctx, from, until)
}

// TrialBalance is that of a month, for each currency in use. It fails as
// [Service.BalanceSheet] does.
func (s *Service) TrialBalance(ctx context.Context, month string) ([]finance.MonthBalance, error) {
	_, err := s.start(month)
	if err == nil {
		err = s.reader(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("trial balance: %w", err)
	}
	return s.ports.Books.TrialBalanceOf(ctx, month)
}

// BalanceSheet states what is owned and owed at the end of a month, for each
// currency in use. Operators, auditors and the system read it; it fails with
// ErrReader and ErrMonth, and with [finance.ErrOverflow] for sums that no amount
// can hold.
func (s *Service) BalanceSheet(ctx context.Context, month string) ([]BalanceSheet, error) {
	months, err := s.months(ctx, "", month)
	if err != nil {
		return nil, fmt.Errorf("balance sheet: %w", err)
	}
	all := sheet{}
	for _, m := range months {
		for _, r := range m.Rows {
			all.add(s.law, r, r.Net())
		}
	}
	var out []BalanceSheet
	for _, currency := range all.currencies() {
		b := BalanceSheet{Month: month, Currency: currency}
		var income, expense Part
		for _, p := range []struct {
			to    *Part
			class finance.Class
			sign  int64
		}{{&b.Assets, finance.Asset, 1}, {&b.Liabilities, finance.Liability, -1}, {&b.Equity, finance.Equity, -1}, {&income, finance.Income, -1}, {&expense, finance.Expense, 1}} {
			if *p.to, err = all.part(currency, p.class, p.sign); err != nil {
				return nil, fmt.Errorf("balance sheet: %w", err)
			}
		}
		if b.Result, err = income.Total.Add(expense.Total.Neg()); err != nil {
			return nil, fmt.Errorf("balance sheet: %w", err)
		}
		out = append(out, b)
	}
	return out, nil
}

// IncomeStatement states what was earned and spent in the months from one to
// another, both included. It fails as [Service.BalanceSheet] does.
func (s *Service) IncomeStatement(ctx context.Context, from, until string) ([]IncomeStatement, error) {
	months, err := s.months(ctx, from, until)
	if err != nil {
		return nil, fmt.Errorf("income statement: %w", err)
	}
	all := sheet{}
	for _, m := range months {
		for _, r := range m.Rows {
			if !ofResult(r.Role()) {
				continue
			}
			net := r.Net()
			if r.Closing != nil {
				net.Sub(net, r.Closing)
			}
			all.add(s.law, r, net)
		}
	}
	var out []IncomeStatement
	for _, currency := range all.currencies() {
		i := IncomeStatement{From: from, Until: until, Currency: currency}
		if i.Income, err = all.part(currency, finance.Income, -1); err == nil {
			i.Expense, err = all.part(currency, finance.Expense, 1)
		}
		if err == nil {
			i.Result, err = i.Income.Total.Add(i.Expense.Total.Neg())
		}
		if err != nil {
			return nil, fmt.Errorf("income statement: %w", err)
		}
		out = append(out, i)
	}
	return out, nil
}
