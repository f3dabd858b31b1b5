package reconciliation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Checks are what the checklist of a month's close asks of this package: under
// reconciled, what is wrong with the accounts that the books moved money on. It
// is empty when each was compared to the month's last day, its proof holds, and
// nothing is open; or when nothing was booked on it before the month's end.
func (s *Service) Checks(ctx context.Context, month string) (map[string]string, error) {
	if err := s.reads(ctx); err != nil {
		return nil, fmt.Errorf("check %s: %w", month, err)
	}
	var wrong []string
	for _, a := range s.accounts() {
		first, err := time.ParseInLocation("2006-01", month, a.Zone)
		if err != nil {
			return nil, fmt.Errorf("check %.7q: %w", month, ErrFormat)
		}
		what, err := s.check(ctx, a, first.AddDate(0, 1, 0))
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", a, err)
		}
		if what != "" {
			wrong = append(wrong, a.String()+": "+what)
		}
	}
	return map[string]string{"reconciled": strings.Join(wrong, "; ")}, nil
}

// accounts are those that statements can come of, in order.
func (s *Service) accounts() (all []Account) {
	for institution := range s.gateways {
		all = append(all, s.account(institution, ""))
	}
	for _, a := range s.opts.Accounts {
		if !slices.ContainsFunc(all, func(known Account) bool { return known.String() == a.String() }) {
			all = append(all, s.account(a.Institution, a.Name))
		}
	}
	slices.SortFunc(all, func(a, b Account) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// check says what is wrong with an account until a moment.
func (s *Service) check(ctx context.Context, a Account, until time.Time) (string, error) {
	page, err := s.store.Runs(ctx, a.String(), "")
	if err != nil {
		return "", err
	}
	if len(page.Items) == 0 {
		if moved, err := s.moved(ctx, a, until); err != nil || !moved {
			return "", err
		}
		return "never reconciled", nil
	}
	last := page.Items[0]
	switch {
	case last.Until.Before(until):
		return "reconciled until " + last.Until.In(a.Zone).Format(time.DateOnly) + " only", nil
	case slices.ContainsFunc(last.Proofs, func(p Proof) bool { return !p.Holds() }):
		return "the proof does not hold", nil
	case last.Open > 0:
		return fmt.Sprintf("%d lines and entries are open", last.Open), nil
	}
	return "", nil
}

// moved tells whether the books moved money on an account before a moment.
func (s *Service) moved(ctx context.Context, a Account, until time.Time) (bool, error) {
	counts, err := s.ports.Books.Store.CountersOf(ctx, a.Ledger)
	for _, c := range counts {
		if err != nil {
			break
		}
		var first []platform.Movement
		first, err = s.ports.Books.Store.MovementsFrom(ctx, c.Ref, 1, 1, false)
		if err == nil && len(first) > 0 && first[0].At.Before(until) {
			return true, nil
		}
	}
	return false, err
}
