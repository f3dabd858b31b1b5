package main

import (
	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/security/audit"
)

// books reads the accounts: what the platform earned and what it owes the
// merchants, each from the statement of its account.
func (r *replay) books(rep *Report, delivered, sellers map[platform.ID]bool) error {
	var err error
	if rep.Commission, err = r.booked(finance.Account{Role: "commission"}, delivered); err != nil {
		return err
	}
	for id := range sellers {
		for _, role := range []string{"payable", "reserve"} { // what is kept back is owed all the same
			owed, err := r.booked(finance.Account{Role: role, Party: id}, delivered)
			if err != nil {
				return err
			}
			rep.Payable += owed
		}
	}
	balances, err := r.market.Books.TrialBalance(r.ctx)
	if err != nil {
		return err
	}
	for _, b := range balances {
		rep.Ledger.TrialBalance[b.Currency.String()] = b.Debit.Minor() - b.Credit.Minor()
	}
	wrong, err := r.market.VerifyBooks(r.ctx)
	if err != nil {
		return err
	}
	rep.Ledger.Verified = len(wrong) == 0
	rep.Ledger.Movements, err = r.count("movement")
	return err
}

// booked is what an account has of orders that were delivered, and of their
// refunds.
func (r *replay) booked(a finance.Account, delivered map[platform.ID]bool) (sum int64, err error) {
	brl, err := platform.ParseCurrency(currency)
	if err != nil {
		return 0, err
	}
	for cursor := ""; ; {
		page, err := r.market.Books.Entries(r.ctx, a, brl, cursor)
		if err != nil {
			return 0, err
		}
		for _, e := range page.Items {
			of := e.Subject.ID
			if e.Subject.Kind == "order.refund" {
				refund, err := platform.Read[order.Refund](r.ctx, r.db, e.Subject.Kind, of)
				if err != nil {
					return 0, err
				}
				of = refund.Order
			}
			if delivered[of] {
				sum += e.Amount.Minor()
			}
		}
		if cursor = page.Next; cursor == "" {
			return sum, nil
		}
	}
}

// log puts the events in the order of their ids, which is the same on every
// engine, signs their tree and verifies every one of them against it.
func (r *replay) log(rep *Report) error {
	if err := r.market.Sequence(r.ctx); err != nil {
		return err
	}
	signed, err := r.market.Audit.Checkpoint(r.ctx)
	if err != nil {
		return err
	}
	seen, unproved := audit.Verify(r.market.Audit.Events(r.ctx, r.db), signed, r.market.Verifier)
	rep.Audit = Audit{Root: seen.Root.String(), Size: seen.Events}
	if rep.Events, err = r.count("event"); err != nil {
		return err
	}
	rep.Audit.Verified = unproved == nil && int64(rep.Events) == seen.Events
	return nil
}
