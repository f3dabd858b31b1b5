package market

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/store"
)

var (
	_ reconciliation.References = payment.Asks{}
	_ reconciliation.Accounts   = payment.Asks{}
)

// reconciliation compares the books with what the institution says.
func (m *Market) reconciliation(db platform.DB) *reconciliation.Service {
	return reconciliation.New(m.Writer, reconciliation.StoreOn(db), reconciliation.Ports{
		Books:      m.Books,
		References: payment.Asks{Store: payment.StoreOn(db)},
		Accounts:   payment.Asks{Store: payment.StoreOn(db)},
		Gateways:   []payment.Gateway{m.Sandbox},
	}, &m.options.Recon)
}

// StatementAccounts are the accounts whose statements are compared, as
// reconciliation names them: the institution's, and those of the options.
func (m *Market) StatementAccounts() (all []string) {
	for name := range m.statementLedgers() {
		all = append(all, name)
	}
	return all
}

// statementLedgers are the same accounts, each with what it is compared with.
func (m *Market) statementLedgers() iter.Seq2[string, finance.Account] {
	own := m.Sandbox.Info().Institution
	clearing := func(institution string) finance.Account {
		return finance.Account{Role: "clearing", Party: platform.ID(institution)}
	}
	return func(yield func(string, finance.Account) bool) {
		ledgers := map[string]finance.Account{own: clearing(own)}
		names := []string{own}
		for _, a := range m.options.Recon.Accounts {
			if name := a.String(); name != own {
				names = append(names, name)
			}
			ledgers[a.String()] = cmp.Or(a.Ledger, clearing(a.Institution))
		}
		for _, name := range names {
			if !yield(name, ledgers[name]) {
				return
			}
		}
	}
}

// verifyClearing proves that what is at institutions and banks is explained by
// statements and what is open.
func (m *Market) verifyClearing(ctx context.Context, now store.Snapshot, tell func(store.Finding)) error {
	actor := platform.SystemActor("verify")
	actor.Tenant = m.Writer.Tenant
	books := finance.Books{Store: finance.StoreOn(now), Tenant: m.Writer.Tenant}
	found, err := reconciliation.Verify(platform.As(ctx, actor), reconciliation.StoreOn(now), books, m.StatementAccounts()...)
	for _, d := range found {
		tell(store.Finding{Code: "books." + d.Rule, Ref: d.Ref, What: fmt.Sprintf("should be %s, is %s", d.Expected, d.Found)})
	}
	if err != nil {
		return unless(err, "books", tell)
	}
	return nil
}
