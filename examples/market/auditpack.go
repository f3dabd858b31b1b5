package market

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/claim"
	"github.com/liangding/platform/finance/closing"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/security/audit"
)

// sections are what an audit is given, each read while it is written. It satisfies
// [supervision.Sections].
type sections struct{ m *Market }

// Sections implements [supervision.Sections].
func (s sections) Sections(ctx context.Context, from, until string) ([]supervision.Section, error) {
	months, err := monthsOf(from, until)
	if err != nil {
		return nil, err
	}
	m, db := s.m, s.m.DB
	w := supervision.Window{From: months[0], Until: months[len(months)-1].AddDate(0, 1, 0)}
	return []supervision.Section{
		{Name: "trial_balance", Lines: s.each(months, func(month string, yield func(any, error) bool) bool { return s.balances(ctx, month, yield) })},
		{Name: "journal", Lines: s.each(months, func(month string, yield func(any, error) bool) bool { return s.journal(ctx, month, yield) })},
		{Name: "subledgers", Lines: s.each(months, func(month string, yield func(any, error) bool) bool {
			return pour(yield, func(cursor string) (platform.Page[finance.AccountSum], error) {
				return m.Books.AccountSums(ctx, month, "", cursor)
			})
		})},
		{Name: "vouchers", Lines: s.vouchers(ctx, w)},
		{Name: "reconciliations", Lines: s.reconciliations(ctx, w)},
		{Name: "closes", Lines: all(func(cursor string) (platform.Page[closing.Close], error) {
			return closing.StoreOn(db).Closes(ctx, cursor)
		})},
		{Name: "controls", Lines: all(func(cursor string) (platform.Page[supervision.Run], error) {
			return m.Supervision.RunsSince(ctx, w.From, cursor)
		})},
		{Name: "findings", Lines: all(func(cursor string) (platform.Page[supervision.Finding], error) {
			return platform.List[supervision.Finding](ctx, db, platform.Query{Kind: supervision.Finding{}.Ref().Kind, Limit: 500, Cursor: cursor})
		})},
		{Name: "users_and_roles", Lines: all(func(cursor string) (platform.Page[access.Grant], error) { return m.Access.Grants(ctx, "", cursor, 500) })},
		{Name: "audit_proofs", Lines: s.proofs(ctx, w)},
	}, nil
}

// monthsOf are the first days of months.
func monthsOf(from, until string) (all []time.Time, err error) {
	first, err := time.Parse("2006-01", from)
	last, failed := time.Parse("2006-01", until)
	for month := first; err == nil && !month.After(last); month = month.AddDate(0, 1, 0) {
		all = append(all, month)
	}
	if len(all) == 0 {
		err = errors.Join(err, failed, platform.ErrInvalid)
	}
	return all, err
}

// each walks months.
func (s sections) each(months []time.Time, of func(month string, yield func(any, error) bool) bool) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for _, month := range months {
			if !of(month.Format("2006-01"), yield) {
				return
			}
		}
	}
}

// all walks a list.
func all[T any](list func(cursor string) (platform.Page[T], error)) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) { pour(yield, list) }
}

// pour yields what a list has, page by page, and tells whether to go on.
func pour[T any](yield func(any, error) bool, list func(cursor string) (platform.Page[T], error)) bool {
	for cursor := ""; ; {
		page, err := list(cursor)
		if err != nil {
			return yield(nil, err) && false
		}
		for _, item := range page.Items {
			if !yield(item, nil) {
				return false
			}
		}
		if cursor = page.Next; cursor == "" {
			return true
		}
	}
}

func (s sections) balances(ctx context.Context, month string, yield func(any, error) bool) bool {
	balances, err := s.m.Books.TrialBalanceOf(ctx, month)
	if err != nil {
		return yield(nil, err) && false
	}
	for _, b := range balances {
		for _, l := range b.Lines {
			line := supervision.BalanceLine{Month: month, Currency: b.Currency, Role: l.Role, Opening: l.Opening, Debit: l.Debit, Credit: l.Credit, Closing: l.Closing}
			if !yield(line, nil) {
				return false
			}
		}
	}
	return true
}

func (s sections) journal(ctx context.Context, month string, yield func(any, error) bool) bool {
	return pour(yield, func(cursor string) (out platform.Page[supervision.JournalLine], err error) {
		page, err := s.m.Books.Journal(ctx, month, cursor)
		for _, n := range page.Items {
			p := n.Posting
			out.Items = append(out.Items, supervision.JournalLine{
				Month: month, No: n.No, Posting: p.ID, What: p.What, Subject: p.Subject, At: p.At.Format(time.RFC3339Nano), Booked: p.Booked.Format(time.RFC3339Nano), Memo: p.Memo, Legs: p.Legs,
			})
		}
		out.Next = page.Next
		return out, err
	})
}

// voucher is the digest of a file that somebody keeps elsewhere.
type voucher struct {
	Of     platform.Ref `json:"of"`
	SHA256 string       `json:"sha256"`
}

// vouchers are those of journals and claims that were booked in the window.
func (s sections) vouchers(ctx context.Context, w supervision.Window) iter.Seq2[any, error] {
	return all(func(cursor string) (out platform.Page[voucher], err error) {
		page, err := s.m.happened(ctx, w, cursor, "journal.posted", "claim.booked")
		if err != nil {
			return out, err
		}
		about, err := s.m.lookup(ctx, subjects(page.Items)...)
		for _, e := range page.Items {
			var j finance.Journal
			var c claim.Claim
			switch {
			case e.Subject.Kind == j.Ref().Kind && about.into(e.Subject, &j):
				out.Items = append(out.Items, voucher{j.Ref(), j.Voucher})
			case e.Subject.Kind == c.Ref().Kind && about.into(e.Subject, &c):
				for _, i := range c.Items {
					out.Items = append(out.Items, voucher{c.Ref(), i.File})
				}
			}
		}
		out.Next = page.Next
		return out, err
	})
}

func (s sections) reconciliations(ctx context.Context, w supervision.Window) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for _, name := range s.m.StatementAccounts() {
			going := pour(yield, func(cursor string) (out platform.Page[reconciliation.Run], err error) {
				page, err := s.m.Recon.Runs(ctx, name, cursor)
				out.Next = page.Next
				for _, run := range page.Items {
					if !run.Until.Before(w.From) && run.At.Before(w.Until.AddDate(0, 2, 0)) {
						out.Items = append(out.Items, run)
					}
				}
				return out, err
			})
			if !going {
				return
			}
		}
	}
}

// proof is a line of the audit log's part: its signed head and key first, and then
// that what closed the period is in it.
type proof struct {
	Checkpoint string         `json:"checkpoint,omitempty"`
	Key        string         `json:"key,omitempty"`
	Receipt    *audit.Receipt `json:"receipt,omitempty"`
}

func (s sections) proofs(ctx context.Context, w supervision.Window) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		signed, err := s.m.Audit.Checkpoint(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		if !yield(proof{Checkpoint: string(signed), Key: s.m.AuditKey}, nil) {
			return
		}
		later := supervision.Window{From: w.From, Until: w.Until.AddDate(1, 0, 0)} // a period is closed after its end
		pour(yield, func(cursor string) (out platform.Page[proof], err error) {
			page, err := s.m.happened(ctx, later, cursor, "period.hard_closed", "year.closed", "audit.seed_published", "audit.sample_drawn")
			out.Next = page.Next
			for _, e := range page.Items {
				receipt, failed := s.m.Audit.Receipt(ctx, e)
				if errors.Is(failed, audit.ErrUnlogged) {
					continue // a moment ago
				}
				err = errors.Join(err, failed)
				out.Items = append(out.Items, proof{Receipt: &receipt})
			}
			return out, err
		})
	}
}
