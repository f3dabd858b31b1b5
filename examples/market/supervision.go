package market

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/closing"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/security/access"
)

var (
	_ supervision.Periods = finance.Books{}
	_ closing.Cutoff      = supervision.Cutoffs{}
)

// supervision makes the service that watches over the books.
func (m *Market) supervision() *supervision.Service {
	o := m.options.Supervision
	if o.Zone == nil {
		o.Zone = m.options.Finance.Zone
	}
	return supervision.New(m.Writer, m.DB, supervision.Ports{
		Items: spent{m}, Payees: payees{m}, Prices: nights{m}, Waiting: waiting{m}, Pairs: fulfilled{m}, Lines: planned{m},
		Books: m.Books, Closes: closes{m}, Population: booked{m}, Records: masked{m}, Journals: journals{m}, Sections: sections{m},
	}, &o)
}

// FindingsOverdue is critical at once when a finding was not answered in time.
func FindingsOverdue() risk.Indicator {
	return risk.Indicator{
		Name: "findings_overdue", Metric: "finding.overdue", Owner: "risk", Direction: risk.Above,
		Warn:     risk.Bound{Fire: decimal.New(5, -1), Recover: decimal.New(1, -1)},
		Critical: &risk.Bound{Fire: decimal.New(1, 0), Recover: decimal.New(5, -1)},
		Window:   24 * time.Hour, For: new(time.Duration),
		Instruction: "Ask the finding's owner what keeps it, and tell the director of what is late by twice its time.",
	}
}

// AuditMissing is critical at once when a year is over and no firm is engaged to
// audit it.
func AuditMissing() risk.Indicator {
	return risk.Indicator{
		Name: "audit_missing", Metric: "audit.missing", Owner: "risk", Direction: risk.Above,
		Warn:     risk.Bound{Fire: decimal.New(5, -1), Recover: decimal.New(1, -1)},
		Critical: &risk.Bound{Fire: decimal.New(1, 0), Recover: decimal.New(5, -1)},
		Window:   24 * time.Hour, For: new(time.Duration),
		Instruction: "Have a supervisor plan the audit of the year, and sign a firm for it.",
	}
}

// watched raises a finding for what other rooms tell of themselves: an invoice
// that is more than the sale, a claim that had to be reclaimed, a difference that
// nobody resolved in time.
type watched struct{ m *Market }

// Publish implements [store.Sink]. A finding that is known is raised once.
func (w watched) Publish(ctx context.Context, events []platform.Event) error {
	system := platform.SystemActor("supervision")
	system.Tenant = w.m.Writer.Tenant
	ctx = platform.As(platform.WithoutKey(ctx), system)
	var failed []error
	for _, e := range events {
		source, told := map[string]string{"finding.raised": "invoice", "claim.reclaimed": "claim", "recon.overdue": "reconciliation"}[e.Type]
		if !told || e.Subject.Kind == (supervision.Finding{}).Ref().Kind {
			continue
		}
		var facts struct {
			Amount  platform.Money `json:"amount"`
			Differs platform.Money `json:"differs"`
			Total   platform.Money `json:"total"` // of an expense claim
		}
		_ = json.Unmarshal(e.Data, &facts) // without an amount it is a finding all the same
		in := supervision.Raise{Source: source, Object: e.Subject.String(), Code: e.Reason, Refs: []platform.Ref{e.Subject}, Amount: facts.Amount, Severity: supervision.Medium}
		if in.Amount.Absent() {
			in.Amount = facts.Differs
		}
		if in.Amount.Absent() {
			in.Amount = facts.Total
		}
		if in.Code == "" {
			in.Code = e.Type
		}
		_, err := w.m.Supervision.Raise(ctx, in)
		if err != nil && platform.Code(err) != "finding.known" {
			failed = append(failed, fmt.Errorf("raise %s of %s: %w", e.Type, e.Subject, err))
		}
	}
	return errors.Join(failed...)
}

// closes tells with what a month was closed. It satisfies [supervision.Closes].
type closes struct{ m *Market }

// Closed implements [supervision.Closes].
func (c closes) Closed(ctx context.Context, month string) (string, error) {
	p, err := c.m.Books.Periods(ctx)
	if err != nil || p.State(month) != finance.PeriodHardClosed {
		return "", err
	}
	closed, err := closing.StoreOn(c.m.DB).Close(ctx, month)
	return closed.Digest, err
}

// booked are the postings of a month, by number: what samples are drawn from.
type booked struct{ m *Market }

// Units implements [supervision.Population]. A unit's amount is its debits in the
// currency of its first leg, and its stratum what happened.
func (b booked) Units(ctx context.Context, month, cursor string) (out platform.Page[supervision.Unit], err error) {
	page, err := b.m.Books.Journal(ctx, month, cursor)
	for _, n := range page.Items {
		out.Items = append(out.Items, supervision.Unit{Ref: n.Posting.Ref(), Amount: debits(n.Posting.Legs), Stratum: n.Posting.What})
	}
	out.Next = page.Next
	return out, err
}

// debits are those of legs in the currency of the first.
func debits(legs []platform.Leg) (total platform.Money) {
	for _, l := range legs {
		if l.Amount.Currency() != legs[0].Amount.Currency() || l.Amount.Sign() < 0 {
			continue
		}
		if next, err := total.Add(l.Amount); err == nil {
			total = next
		} else if total.Absent() {
			total = l.Amount
		}
	}
	return total
}

// journals are what accountants booked by hand. It satisfies
// [supervision.Journals].
type journals struct{ m *Market }

// Booked implements [supervision.Journals].
func (j journals) Booked(ctx context.Context, id platform.ID) ([]platform.Leg, error) {
	found, err := finance.StoreOn(j.m.DB).Journal(ctx, id)
	if err == nil && found.State != finance.JournalPosted {
		err = fmt.Errorf("journal %s is %s: %w", id, found.State, platform.ErrState)
	}
	return found.Legs, err
}

// masked shows records without what is sealed in them.
type masked struct{ m *Market }

// Masked implements [supervision.Records].
func (k masked) Masked(ctx context.Context, of platform.Ref) (json.RawMessage, error) {
	if _, err := platform.ParseID(string(of.ID)); err != nil || !slices.ContainsFunc(Kinds(), func(kind platform.Kind) bool { return kind.Name == of.Kind }) {
		return nil, platform.NotFound(platform.Ref{Kind: "record", ID: "unknown"}) // nor is what somebody typed repeated
	}
	records, err := k.m.DB.Get(ctx, of)
	if err != nil {
		return nil, err
	}
	return mask(records[0])
}

// mask puts a mask over every sealed field of a document, in lists too.
func mask(r platform.Record) (json.RawMessage, error) {
	var doc any
	if err := json.Unmarshal(r.Doc, &doc); err != nil {
		return nil, err
	}
	for _, path := range sealedFields[r.Ref.Kind] {
		cover(doc, path)
	}
	return json.Marshal(doc)
}

// DemoSupervision is a demo's supervisor, an operator who has no other role: the
// one that there is, or a new one.
func (m *Market) DemoSupervision(ctx context.Context, c Cast) (platform.Actor, error) {
	known, err := colleagues{m.Access}.Holders(platform.As(ctx, c.Operator), supervision.Supervisor)
	if err != nil {
		return platform.Actor{}, err
	}
	if len(known) > 0 {
		return m.Access.Actor(ctx, known[0], platform.Operator)
	}
	account := m.Writer.NewRoot(ctx, "opr")
	g, err := m.Access.Propose(platform.As(ctx, c.Operator), access.Propose{Account: account, Role: supervision.Supervisor, Reason: "demo"})
	if err != nil {
		return platform.Actor{}, err
	}
	if _, err := m.Access.Activate(platform.As(ctx, c.Second), access.Activate{Grant: g.ID}); err != nil {
		return platform.Actor{}, err
	}
	return m.Access.Actor(ctx, account, platform.Operator)
}
