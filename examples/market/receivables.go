package market

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/receivable"
	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/store"
)

// receivables follows what is owed to the platform, in the zone of the books
// unless its terms name another.
func (m *Market) receivables(db platform.DB) *receivable.Service {
	o := &m.options.Receivable
	if o.Terms.Zone == nil {
		o.Terms.Zone = m.options.Finance.Zone
	}
	return receivable.New(m.Writer, receivable.StoreOn(db), receivable.Ports{Books: m.Books}, o)
}

// owing are books that make a claim of what a party comes to owe by them.
func (m *Market) owing(db platform.DB, books receivable.Poster) receivable.Owing {
	plain := finance.Books{Store: finance.StoreOn(db), Tenant: m.Writer.Tenant, Now: m.Writer.Now, Zone: m.options.Finance.Zone}
	return receivable.Owing{Books: books, Claims: receivable.Claims{Store: receivable.StoreOn(db), Books: plain, Terms: m.options.Receivable.Terms}}
}

// Debts answers what parties owe, and what they may not do until they have paid.
func (m *Market) Debts() receivable.Debts {
	return receivable.Debts{Store: receivable.StoreOn(m.DB), Terms: m.options.Receivable.Terms}
}

// solvent is the standing of merchants, of whom dunning may take a capability.
type solvent struct {
	merchant.Standing
	debts receivable.Debts
}

// May is [merchant.Standing.May], and what [receivable.Debts.May] adds.
func (s solvent) May(ctx context.Context, party platform.ID, capability string, at time.Time) ([]platform.Change, error) {
	checks, err := s.Standing.May(ctx, party, capability, at)
	if err != nil {
		return nil, err
	}
	more, err := s.debts.May(ctx, party, capability, at)
	return append(checks, more...), err
}

// verifyReceivables proves claims by their own records and the books.
func verifyReceivables(ctx context.Context, now store.Snapshot, tell func(store.Finding)) error {
	found, err := receivable.Verify(ctx, now)
	for _, d := range found {
		tell(store.Finding{Code: "receivables." + d.Rule, Ref: d.Ref, What: fmt.Sprintf("should be %s, is %s", d.Expected, d.Found)})
	}
	if err != nil {
		return unless(err, "receivables", tell)
	}
	return nil
}
