package closing

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/liangding/platform/finance"
)

// Item is one point of a month's checklist.
type Item struct {
	Name    string `json:"name"`
	Problem string `json:"problem,omitempty"` // what is wrong; empty if it is green
	Proof   bool   `json:"proof,omitempty"`   // that the books are in order: it cannot be waived
	Waived  string `json:"waived,omitempty"`  // why it does not matter: a code
}

// Green tells whether the item stands in no way.
func (i Item) Green() bool { return i.Problem == "" || i.Waived != "" && !i.Proof }

// Checklist is what has to be in order before a month is hard-closed: what the
// books prove by themselves first, then the items of other rooms by name.
// Operators, auditors and the system read it; it fails with ErrReader and
// ErrMonth.
func (s *Service) Checklist(ctx context.Context, month string) ([]Item, error) {
	err := s.reader(ctx)
	if err == nil {
		_, err = s.start(month)
	}
	if err != nil {
		return nil, fmt.Errorf("checklist: %w", err)
	}
	items := []Item{}
	for _, check := range []func(context.Context, string) (Item, error){s.numbered, s.balanced, s.suspense, s.year} {
		item, err := check(ctx, month)
		if err != nil {
			return nil, fmt.Errorf("checklist of %s: %w", month, err)
		}
		items = append(items, item)
	}
	others := map[string]string{}
	for _, port := range s.ports.Checks {
		found, err := port.Checks(ctx, month)
		if err != nil {
			return nil, fmt.Errorf("checklist of %s: %w", month, err)
		}
		maps.Copy(others, found)
	}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		items = append(items, Item{Name: name, Problem: others[name]})
	}
	return items, nil
}

func (s *Service) numbered(ctx context.Context, month string) (Item, error) {
	item := Item{Name: "journal_numbered", Proof: true}
	missing, err := s.ports.Books.Unnumbered(ctx, month)
	if missing {
		item.Problem = "a posting has no number yet"
	}
	return item, err
}

func (s *Service) balanced(ctx context.Context, month string) (Item, error) {
	item := Item{Name: "trial_balance", Proof: true}
	balances, err := s.ports.Books.TrialBalanceOf(ctx, month)
	for _, b := range balances {
		if b.Debit != b.Credit {
			item.Problem = fmt.Sprintf("%s debits, %s credits", b.Debit, b.Credit)
		}
	}
	return item, err
}

// suspense looks at every account of it: differences of two institutions do not
// make up for each other.
func (s *Service) suspense(ctx context.Context, month string) (Item, error) {
	item := Item{Name: "suspense"}
	sums, err := s.netUntil(ctx, month, "suspense")
	var open []string
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		if sums[name].Sign() != 0 {
			open = append(open, name)
		}
	}
	item.Problem = strings.Join(open, ", ")
	return item, err
}

// netUntil is what is on the accounts of a role at the end of a month, by account
// and currency: debits less credits.
func (s *Service) netUntil(ctx context.Context, month, role string) (map[string]*big.Int, error) {
	months, err := s.ports.Books.Sums(ctx, "", month)
	if err != nil {
		return nil, err
	}
	net := map[string]*big.Int{}
	for _, m := range months {
		err := s.accounts(ctx, m.Span, role, func(a finance.AccountSum) {
			if name := a.Account.String() + "/" + a.Currency.String(); a.Account.Role == role {
				if net[name] == nil {
					net[name] = new(big.Int)
				}
				net[name].Add(net[name], a.Net())
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return net, nil
}

// accounts walks the sums of a month whose account's text begins so.
func (s *Service) accounts(ctx context.Context, month, account string, do func(finance.AccountSum)) error {
	for cursor := ""; ; {
		page, err := s.ports.Books.AccountSums(ctx, month, account, cursor)
		if err != nil {
			return err
		}
		for _, a := range page.Items {
			do(a)
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

// year is that the result of a year was carried on before its last month is
// closed.
func (s *Service) year(ctx context.Context, month string) (Item, error) {
	item := Item{Name: "year_closed"}
	if !strings.HasSuffix(month, "-12") {
		return item, nil
	}
	balances, err := s.ports.Books.TrialBalanceOf(ctx, month)
	for _, b := range balances {
		for _, l := range b.Lines {
			if (l.Class == finance.Income || l.Class == finance.Expense) && l.Closing.Sign() != 0 {
				item.Problem = fmt.Sprintf("%s has a result of %s", l.Role, l.Closing)
			}
		}
	}
	return item, err
}
