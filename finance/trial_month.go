package finance

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/liangding/platform"
)

// MonthBalance is the trial balance of a month in a currency, by role. The books
// are in order only if debits equal credits, and Closing adds up to zero as
// Opening does.
type MonthBalance struct {
	Month    string            `json:"month"`
	Currency platform.Currency `json:"currency"`
	Lines    []MonthLine       `json:"lines"` // in the order of codes
	Debit    platform.Money    `json:"debit"`
	Credit   platform.Money    `json:"credit"`
}

// MonthLine is a role in a month: debits above zero, credits below.
type MonthLine struct {
	Code    int            `json:"code"`
	Role    string         `json:"role"`
	Class   Class          `json:"class"`
	Opening platform.Money `json:"opening"`
	Debit   platform.Money `json:"debit"`  // above zero
	Credit  platform.Money `json:"credit"` // above zero
	Closing platform.Money `json:"closing"`
}

// TrialBalanceOf adds up the numbered postings until the end of a month, a balance
// for each currency in use, by their codes. It reads the sums of months, never
// the journal. It is refused as [Books.TrialBalance] is.
func (b Books) TrialBalanceOf(ctx context.Context, month string) ([]MonthBalance, error) {
	months, err := b.Sums(ctx, "", month)
	if err != nil {
		return nil, fmt.Errorf("trial balance of %s: %w", month, err)
	}
	sums := map[string]monthTrial{}
	for _, m := range months {
		for _, r := range m.Rows {
			code := r.Currency.String()
			if sums[code] == nil {
				sums[code] = monthTrial{}
			}
			sums[code].add(r, m.Span < month)
		}
	}
	var out []MonthBalance
	for _, code := range slices.Sorted(maps.Keys(sums)) {
		t, err := sums[code].balance(month, code)
		if err != nil {
			return nil, fmt.Errorf("trial balance of %s in %s: %w", month, code, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// monthTrial is what is on each role before a month, and what came to it then.
type monthTrial map[string]*struct{ opening, debit, credit big.Int }

func (t monthTrial) add(r Sum, before bool) {
	row := t[r.Role()]
	if row == nil {
		row = &struct{ opening, debit, credit big.Int }{}
		t[r.Role()] = row
	}
	if before {
		row.opening.Add(&row.opening, r.Net())
		return
	}
	row.debit.Add(&row.debit, r.Debit)
	row.credit.Add(&row.credit, r.Credit)
}

// balance sets the sums out by role.
func (t monthTrial) balance(month, code string) (MonthBalance, error) {
	currency, err := platform.ParseCurrency(code)
	if err != nil {
		return MonthBalance{}, err
	}
	out := MonthBalance{Month: month, Currency: currency}
	var debits, credits big.Int
	for _, l := range chart {
		row := t[l.Role]
		if row == nil {
			continue
		}
		debits.Add(&debits, &row.debit)
		credits.Add(&credits, &row.credit)
		closing := new(big.Int).Add(&row.opening, &row.debit)
		amounts, err := moniesOf(currency, &row.opening, &row.debit, &row.credit, closing.Sub(closing, &row.credit))
		if err != nil {
			return MonthBalance{}, err
		}
		out.Lines = append(out.Lines, MonthLine{l.Code, l.Role, l.Class, amounts[0], amounts[1], amounts[2], amounts[3]})
	}
	amounts, err := moniesOf(currency, &debits, &credits)
	if err == nil {
		out.Debit, out.Credit = amounts[0], amounts[1]
	}
	return out, err
}

// moniesOf are sums as money. It fails with ErrOverflow.
func moniesOf(currency platform.Currency, sums ...*big.Int) ([]platform.Money, error) {
	minors := make([]int64, len(sums))
	for i, s := range sums {
		if !s.IsInt64() {
			return nil, ErrOverflow
		}
		minors[i] = s.Int64()
	}
	return monies(currency, minors...)
}

// Sums are those of the months from one to another, both included: 2026-01,
// 2026-03. Operators, auditors and the system read them; others are refused with
// ErrReader.
func (b Books) Sums(ctx context.Context, from, until string) ([]Sums, error) {
	if err := b.whole(ctx); err != nil {
		return nil, err
	}
	return b.Store.Spans(ctx, from, until, false)
}

// Days are the sums of the days of a month. It is refused as [Books.Sums] is.
func (b Books) Days(ctx context.Context, month string) ([]Sums, error) {
	if err := b.whole(ctx); err != nil {
		return nil, err
	}
	return b.Store.Spans(ctx, month, month+"-99", true)
}

// AccountSums is a page of what a month added to the accounts of no order whose
// text begins so, in its order. It is refused as [Books.Sums] is.
func (b Books) AccountSums(ctx context.Context, month, account, cursor string) (platform.Page[AccountSum], error) {
	if err := b.whole(ctx); err != nil {
		return platform.Page[AccountSum]{}, err
	}
	return b.Store.AccountSums(ctx, month, account, cursor)
}

// Turnovers is a page of what parties earned in a month, by their id. It is
// refused as [Books.Sums] is.
func (b Books) Turnovers(ctx context.Context, month, cursor string) (platform.Page[Turnover], error) {
	if err := b.whole(ctx); err != nil {
		return platform.Page[Turnover]{}, err
	}
	return b.Store.Turnovers(ctx, month, cursor)
}

// whole refuses those who do not read the whole book.
func (b Books) whole(ctx context.Context) error {
	actor, err := platform.ActorOf(ctx)
	if err == nil && !b.reads(actor, "") {
		err = ErrReader
	}
	return err
}

// Unnumbered tells whether a posting that happened in the month, or before, has no
// number yet, so that sums lack it. It reads what was booked since the second
// look of the numbering.
func (b Books) Unnumbered(ctx context.Context, month string) (bool, error) {
	seq, err := b.Store.Sequence(ctx)
	if err != nil {
		return false, err
	}
	now := platform.Writer{Now: b.Now}.Ready().Now()
	for after := seq.Swept; ; {
		found, err := b.Store.Booked(ctx, after, now, pageSize)
		if err != nil || len(found) == 0 {
			return false, err
		}
		after = placeOf(found[len(found)-1])
		found = slices.DeleteFunc(found, func(p Posting) bool { return monthOf(p.At, b.zone()) > month })
		ids := make([]platform.ID, len(found))
		for i, p := range found {
			ids[i] = p.ID.As("num")
		}
		numbers, err := b.Store.Numbers(ctx, ids...)
		if err != nil || len(numbers) < len(found) {
			return true, err
		}
	}
}
