// Package invoices mounts the routes of invoices, their red letters, and of plans
// of refunds.
package invoices

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/invoice"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "invoices"}
}

func money(path, summary string) edge.Op {
	o := op(path, summary)
	o.Money = true
	return o
}

type query struct {
	Subject string `query:"subject" doc:"as kind/id, such as order/ord_…" maxLength:"64"`
	Buyer   string `query:"buyer" maxLength:"64" doc:"a merchant's own: what the platform invoiced to it"`
	Seller  string `query:"seller" maxLength:"64"`
	State   string `query:"state" enum:"requested,issuing,issued,failed,red_pending,partly_red,red,cancelled"`
	Cursor  string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

// read is the query for the domain.
func (q query) read() (invoice.Query, error) {
	out := invoice.Query{Buyer: platform.ID(q.Buyer), Seller: platform.ID(q.Seller), State: invoice.State(q.State), Cursor: q.Cursor}
	return out, out.Subject.UnmarshalText([]byte(q.Subject))
}

// letters are the red letters of an invoice.
type letters struct {
	Items []invoice.Letter `json:"items"`
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Invoices
	edge.Create(api, money("invoices", "Ask for an invoice over what can be invoiced"), s.RequestInvoice)
	edge.List(api, op("invoices", "Invoices, the newest first"), func(ctx context.Context, q *query) (platform.Page[invoice.Invoice], error) {
		asked, err := q.read()
		if err != nil {
			return platform.Page[invoice.Invoice]{}, err
		}
		return s.Invoices(ctx, asked)
	})
	edge.Show(api, op("invoices/{id}", "One invoice; its title stays sealed"), s.Invoice)
	edge.Command(api, money("invoices/{id}/cancel", "Give up an invoice that was not issued"), func(c *invoice.CancelInvoice, id platform.ID) { c.Invoice = id }, s.CancelInvoice)
	edge.Command(api, money("invoices/{id}/issue", "Have an invoice issued now, after it failed"), func(c *invoice.IssueInvoice, id platform.ID) { c.Invoice = id }, s.IssueInvoice)
	edge.Command(api, money("invoices/{id}/reverse", "Ask for a red letter over lines of an invoice"), func(c *invoice.AskRed, id platform.ID) { c.Invoice = id }, s.AskRed)
	edge.Command(api, money("invoices/{id}/check-letter", "Ask again about a red letter that came back with other totals"), func(c *invoice.CheckRed, id platform.ID) { c.Invoice = id }, s.CheckRed)
	edge.Command(api, money("invoices/{id}/void-letter", "Take down that the authority declared such a red letter void"), func(c *invoice.VoidRed, id platform.ID) { c.Invoice = id }, s.VoidRed)
	edge.Show(api, op("invoices/{id}/letters", "The red letters of an invoice, the oldest first"), func(ctx context.Context, id platform.ID) (letters, error) {
		all, err := s.Letters(ctx, id)
		return letters{all}, err
	})

	edge.Create(api, op("refund-plans", "How a refund would be carried out; nothing is given back"), func(ctx context.Context, in market.PlanRefund) (market.RefundPlan, error) {
		return m.PlanRefund(ctx, in, edge.Language(ctx))
	})
	edge.Show(api, op("refund-plans/{id}", "The plan under which a refund was approved"), func(ctx context.Context, id platform.ID) (market.RefundPlan, error) {
		return m.StoredPlan(ctx, id, edge.Language(ctx))
	})
}
