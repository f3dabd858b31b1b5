package market

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/closing"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store"
)

// Verify proves the market as it is at one moment, and tells what is wrong as it
// is found: what is stored by itself, every order by its events, the books by
// their postings, and the audit log by a checkpoint that extends the one signed
// last. It returns how far the log was proved. It fails only if it cannot read.
func (m *Market) Verify(ctx context.Context, tell func(store.Finding)) (audit.Report, error) {
	signed, forked := m.Audit.Checkpoint(ctx) // before the moment, which then has all that it covers
	if forked != nil && !wrong(forked) {
		return audit.Report{}, fmt.Errorf("audit log: %w", forked)
	}
	now, err := m.DB.Moment(ctx)
	if err != nil {
		return audit.Report{}, err
	}
	defer func() { _ = now.Close() }()
	for _, step := range []func() error{
		func() error { return verifyStore(ctx, now, tell) },
		func() error { return verifyOrders(ctx, now, tell) },
		func() error { return verifyMirrors(ctx, now, tell) },
		func() error { return verifyDisputes(ctx, now, tell) },
		func() error { return verifyBooks(ctx, now, tell) },
		func() error { return verifyReceivables(ctx, now, tell) },
		func() error { return verifyStandings(ctx, now, tell) },
		func() error { return verifyLines(ctx, now, tell) },
		func() error { return m.verifyClearing(ctx, now, tell) },
		func() error { return m.verifyInvoices(ctx, now, tell) },
	} {
		if err := step(); err != nil {
			return audit.Report{}, err
		}
	}
	if forked != nil {
		tell(store.Finding{Code: "audit", Ref: m.Log(), What: forked.Error()})
		return audit.Report{}, nil
	}
	return m.verifyLog(ctx, now, signed, tell)
}

func verifyStore(ctx context.Context, now store.Snapshot, tell func(store.Finding)) error {
	kinds, err := store.NewKinds(Kinds())
	if err != nil {
		return err
	}
	for f, err := range kinds.Verify(ctx, now) {
		if err != nil {
			return err
		}
		tell(f)
	}
	return nil
}

func verifyOrders(ctx context.Context, now store.Snapshot, tell func(store.Finding)) error {
	for d, err := range order.Verify(ctx, now) {
		if err != nil {
			return unless(err, "order", tell)
		}
		tell(store.Finding{Code: "order", Ref: platform.Ref{Kind: "order", ID: d.Order}, What: fmt.Sprintf("should be %s, is %s", d.Expected, d.Found)})
	}
	return nil
}

// verifyMirrors proves the money of orders by the books.
func verifyMirrors(ctx context.Context, now store.Snapshot, tell func(store.Finding)) error {
	found, err := finance.VerifyOrders(ctx, now, mirrors(ctx, now))
	for _, d := range found {
		tell(store.Finding{Code: "books." + d.Rule, Ref: d.Ref, What: fmt.Sprintf("should be %s, is %s", d.Expected, d.Found)})
	}
	if err != nil {
		return unless(err, "order", tell)
	}
	return nil
}

// mirrors are what all orders say of their money.
func mirrors(ctx context.Context, db platform.Getter) iter.Seq2[[]finance.Mirror, error] {
	return func(yield func([]finance.Mirror, error) bool) {
		for q := (platform.Query{Kind: "order", Limit: 100}); ; {
			page, err := platform.List[order.Order](ctx, db, q)
			all := make([]finance.Mirror, len(page.Items))
			for i, o := range page.Items {
				all[i] = finance.Mirror{
					Order: o.ID, Merchant: o.Merchant, Captured: o.Captured, Refunded: o.Refunded, Earned: o.Earned, ChargedBack: o.ChargedBack, Taken: o.Origin != nil,
				}
			}
			if !yield(all, err) || err != nil || page.Next == "" {
				return
			}
			q.Cursor = page.Next
		}
	}
}

// discrepancies are what the books, and the rooms that stand on them, find wrong.
func discrepancies(ctx context.Context, now platform.Getter) (found []finance.Discrepancy, err error) {
	for _, verify := range []func(context.Context, platform.Getter) ([]finance.Discrepancy, error){
		finance.Verify, settlement.Verify, closing.Verify,
	} {
		more, err := verify(ctx, now)
		if found = append(found, more...); err != nil {
			return found, err
		}
	}
	return found, nil
}

func verifyBooks(ctx context.Context, now store.Snapshot, tell func(store.Finding)) error {
	found, err := discrepancies(ctx, now)
	for _, d := range found {
		tell(store.Finding{Code: "books." + d.Rule, Ref: d.Ref, What: fmt.Sprintf("should be %s, is %s", d.Expected, d.Found)})
	}
	if err != nil {
		return unless(err, "books", tell)
	}
	return nil
}

func (m *Market) verifyInvoices(ctx context.Context, now store.Snapshot, tell func(store.Finding)) error {
	found, err := invoice.Verify(ctx, now, m.invoiceable(now))
	for _, d := range found {
		tell(store.Finding{Code: "books." + d.Rule, Ref: d.Ref, What: fmt.Sprintf("should be %s, is %s", d.Expected, d.Found)})
	}
	if err != nil {
		return unless(err, "invoices", tell)
	}
	return nil
}

// verifyLog checks the log with nothing but its public key, and looks for what
// is wrong with it only if something is.
func (m *Market) verifyLog(ctx context.Context, now store.Snapshot, signed audit.Checkpoint, tell func(store.Finding)) (audit.Report, error) {
	report, err := audit.Verify(m.Audit.Events(ctx, now), signed, m.Verifier)
	if err == nil {
		return report, nil
	}
	if !wrong(err) {
		return report, err
	}
	tell(store.Finding{Code: "audit", Ref: m.Log(), What: err.Error()})
	for f, err := range m.Audit.Faults(ctx, now) {
		if err != nil {
			return report, unless(err, "audit", tell)
		}
		what := fmt.Sprintf("is not what leaf %d of the log says", f.Index)
		if f.Missing {
			what = fmt.Sprintf("is missing, and leaf %d of the log is of it", f.Index)
		}
		tell(store.Finding{Code: "audit", Ref: platform.Ref{Kind: store.Event, ID: f.Event}, What: what})
	}
	return report, nil
}

// unless makes a finding of what cannot be read because it is wrong.
func unless(err error, code string, tell func(store.Finding)) error {
	if !wrong(err) {
		return err
	}
	tell(store.Finding{Code: code, Ref: platform.Ref{Kind: code, ID: "all"}, What: "cannot be proved: " + err.Error()})
	return nil
}

// wrong tells whether the store is at fault, and not the way to it.
func wrong(err error) bool {
	for _, fault := range []error{store.ErrSchema, platform.ErrInvalid, platform.ErrNotFound, audit.ErrFork} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return platform.Code(err) == "document.undecodable"
}
