package market

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/closing"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/store"
)

// closing is the service that closes the books of the market.
func (m *Market) closing() *closing.Service {
	return closing.New(m.Writer, closing.StoreOn(m.DB), closing.Ports{
		Books: m.Books,
		Checks: []closing.Checks{
			paymentsKnown{m}, m.Payouts, m.Recon, m.Receivables,
			proved{m, "invoices", m.verifyInvoices}, proved{m, "receivables", verifyReceivables}, proved{m, "budgets", verifyLines},
		},
		Cutoff: supervision.Cutoffs{DB: m.DB},
	}, &closing.Options{Zone: m.options.Finance.Zone})
}

// paymentsKnown is the item of the checklist that no payment, no return and no split
// is unknown for longer than a day. It satisfies [closing.Checks].
type paymentsKnown struct{ m *Market }

// outstanding is what payments, returns and splits have in common.
type outstanding struct {
	platform.Head
	payment.Operation
}

// Checks implements [closing.Checks].
func (p paymentsKnown) Checks(ctx context.Context, _ string) (map[string]string, error) {
	problem := ""
	for _, kind := range []string{"payment.attempt", "payment.return", "payment.split"} {
		for _, state := range []string{"unknown", "manual"} {
			page, err := platform.List[outstanding](ctx, p.m.DB, platform.Query{Kind: kind, By: []string{"state"}, Equal: []any{state}, Limit: 1})
			if err != nil {
				return nil, err
			}
			for _, a := range page.Items {
				since := a.ID.Time()
				if kind == "payment.split" { // its id is of the time of its payment
					since = a.SentAt
				}
				if since.Before(p.m.Writer.Now().Add(-24 * time.Hour)) {
					problem = string(a.ID)
				}
			}
		}
	}
	return map[string]string{"payments_known": problem}, nil
}

// proved is the item of the checklist that a proof of the market finds nothing. It
// reads all that the proof does. It satisfies [closing.Checks].
type proved struct {
	m      *Market
	item   string
	verify func(ctx context.Context, now store.Snapshot, tell func(store.Finding)) error
}

// Checks implements [closing.Checks].
func (p proved) Checks(ctx context.Context, _ string) (map[string]string, error) {
	now, err := p.m.DB.Moment(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = now.Close() }()
	n, first := 0, ""
	err = p.verify(ctx, now, func(f store.Finding) {
		if n++; n == 1 {
			first = f.String()
		}
	})
	if n > 1 {
		first = fmt.Sprintf("%s, and %d more", first, n-1)
	}
	return map[string]string{p.item: first}, err
}
