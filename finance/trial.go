package finance

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/liangding/platform"
)

// TrialBalance is the sum of all accounts of a currency, by role. The books are
// in order only if Debit equals Credit.
type TrialBalance struct {
	Currency platform.Currency `json:"currency"`
	Lines    []TrialLine       `json:"lines"` // in the order of codes
	Debit    platform.Money    `json:"debit"`
	Credit   platform.Money    `json:"credit"`
}

// TrialLine is the sum of all accounts of a role, on the side where it lies.
type TrialLine struct {
	Code   int            `json:"code"`
	Role   string         `json:"role"`
	Class  Class          `json:"class"`
	Debit  platform.Money `json:"debit"`
	Credit platform.Money `json:"credit"`
}

// TrialBalance adds up the whole book, a balance for each currency in use, by
// their codes. It reads every account, and is of one moment only if the store
// is: give Books the store on a snapshot while commits go on. It fails with
// ErrReader for anybody but operators, auditors and the system, and with
// ErrInvalid, code money.overflow, for sums that no amount can hold.
func (b Books) TrialBalance(ctx context.Context) ([]TrialBalance, error) {
	actor, err := platform.ActorOf(ctx)
	if err != nil {
		return nil, err
	}
	if !b.reads(actor, "") {
		return nil, fmt.Errorf("trial balance: %w", ErrReader)
	}
	sums, err := trialOf(ctx, b.Store)
	if err != nil {
		return nil, fmt.Errorf("trial balance: %w", err)
	}
	var all []TrialBalance
	for _, code := range slices.Sorted(maps.Keys(sums)) {
		t, err := sums[code].balance(code)
		if err != nil {
			return nil, fmt.Errorf("trial balance in %s: %w", code, err)
		}
		all = append(all, t)
	}
	return all, nil
}

// trial is the sum of the posted counters of one currency, by role. Sums may
// pass what one amount can hold.
type trial map[string]*big.Int

func trialOf(ctx context.Context, s Store) (map[string]trial, error) {
	sums := map[string]trial{}
	for page, err := range pages(func(cursor string) (platform.Page[platform.Count], error) { return s.Counters(ctx, cursor) }) {
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			which, a, currency, err := counted(c.Ref)
			if which != posted || err != nil {
				continue
			}
			if sums[currency] == nil {
				sums[currency] = trial{}
			}
			sums[currency].add(a.Role, c.Value)
		}
	}
	return sums, nil
}

func (t trial) add(role string, minor int64) {
	if t[role] == nil {
		t[role] = new(big.Int)
	}
	t[role].Add(t[role], big.NewInt(minor))
}

// balance sets the sums out by side.
func (t trial) balance(code string) (TrialBalance, error) {
	currency, err := platform.ParseCurrency(code)
	if err != nil {
		return TrialBalance{}, err
	}
	out := TrialBalance{Currency: currency}
	var debits, credits big.Int
	for _, l := range chart {
		sum := t[l.Role]
		if sum == nil {
			continue
		}
		debit, credit := sum, new(big.Int)
		if sum.Sign() < 0 {
			debit, credit = credit, new(big.Int).Neg(sum)
		}
		debits.Add(&debits, debit)
		credits.Add(&credits, credit)
		row := TrialLine{Code: l.Code, Role: l.Role, Class: l.Class}
		if row.Debit, row.Credit, err = sides(currency, debit, credit); err != nil {
			return TrialBalance{}, err
		}
		out.Lines = append(out.Lines, row)
	}
	out.Debit, out.Credit, err = sides(currency, &debits, &credits)
	return out, err
}

func sides(currency platform.Currency, debit, credit *big.Int) (d, c platform.Money, err error) {
	if !debit.IsInt64() || !credit.IsInt64() {
		return d, c, ErrOverflow
	}
	if d, err = platform.FromMinor(debit.Int64(), currency); err == nil {
		c, err = platform.FromMinor(credit.Int64(), currency)
	}
	return d, c, err
}
