package receivable

import (
	"context"
	"fmt"
	"slices"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Verify proves the claims from their own records and the books, as they are on
// db, a snapshot say, and tells what is wrong:
//
//	R1  what is paid, set off, written off and open makes up a claim; none of it is below zero, nor more disputed than open
//	R2  the state is that of the amounts
//	R3  each level was reached once, in order, and while something was owed
//	R4  the account receivable of a debtor holds at least what its claims say
//
// It reads every claim, and keeps one sum for each debtor and currency.
func Verify(ctx context.Context, db platform.Getter) ([]finance.Discrepancy, error) {
	v := verifier{open: map[row]platform.Money{}}
	for cursor := ""; ; {
		page, err := platform.List[Item](ctx, db, platform.Query{Kind: "receivable", Limit: mostClaims, Cursor: cursor})
		if err != nil {
			return nil, fmt.Errorf("verify claims: %w", err)
		}
		for _, i := range page.Items {
			if err := v.claim(i); err != nil {
				return nil, fmt.Errorf("verify claims: %w", err)
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return v.found, v.books(ctx, finance.Books{Store: finance.StoreOn(db)})
}

type row struct {
	party    platform.ID
	currency platform.Currency
}

type verifier struct {
	open  map[row]platform.Money
	order []row
	found []finance.Discrepancy
}

func (v *verifier) report(rule string, at platform.Ref, expected, found string) {
	v.found = append(v.found, finance.Discrepancy{Rule: rule, Ref: at, Expected: expected, Found: found})
}

// claim checks one claim by itself.
func (v *verifier) claim(i Item) (err error) {
	for _, m := range []platform.Money{i.Paid, i.SetOff, i.WrittenOff, i.Recovered, i.Disputed, i.Open(), i.Claimed(), minus(i.WrittenOff, i.Recovered)} {
		if m.Sign() < 0 || m.Currency() != i.Amount.Currency() {
			v.report("R1", i.Ref(), "parts that make up "+i.Amount.String(), m.String())
		}
	}
	if i.Open().Sign() > 0 != slices.Contains(owed, i.State) || (i.State == Promised) != (i.Promise != nil) {
		v.report("R2", i.Ref(), "the state of "+i.Open().String(), string(i.State))
	}
	for n, s := range i.Steps {
		if s.Level != n+1 || s.Open.Sign() <= 0 {
			v.report("R3", i.Ref(), fmt.Sprintf("level %d, something owed", n+1), fmt.Sprintf("level %d, %s", s.Level, s.Open))
		}
	}
	if len(i.Steps) != i.Level {
		v.report("R3", i.Ref(), fmt.Sprintf("level %d", len(i.Steps)), fmt.Sprintf("level %d", i.Level))
	}
	at := row{i.Debtor, i.Amount.Currency()}
	sum, known := v.open[at]
	if !known {
		sum, v.order = money(0, at.currency), append(v.order, at)
	}
	v.open[at], err = sum.Add(i.Open())
	return err
}

// books compares what claims say with the accounts of their debtors.
func (v *verifier) books(ctx context.Context, books finance.Books) error {
	for _, at := range v.order {
		held, err := books.Free(ctx, "receivable", "", at.party, at.currency)
		if err != nil {
			return fmt.Errorf("verify claims on %s: %w", at.party, err)
		}
		if held.Minor() < v.open[at].Minor() {
			v.report("R4", platform.Ref{Kind: "receivable.debtor", ID: debtorOf(at.party)}, v.open[at].String(), held.String())
		}
	}
	return nil
}
