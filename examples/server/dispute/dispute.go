// Package dispute mounts the disputes over orders: opening, turns, offers, evidence
// and appeal for the parties, the queue and the decision for arbiters. A chargeback
// reads as one, too.
package dispute

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/order/dispute"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "disputes"}
}

func money(path, summary string) edge.Op {
	o := op(path, summary)
	o.Money = true
	return o
}

type query struct {
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
	State  string `query:"state" doc:"only disputes in this state; platform_turn and bank_turn are chargebacks" maxLength:"32"`
	Order  string `query:"order" doc:"only those of this order" maxLength:"64"`
}

type pieces struct {
	ID     string `path:"id" doc:"The dispute's id."`
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Disputes
	edge.Command(api, money("orders/{id}/dispute", "Dispute an amount of the order, which is held from now on"), func(c *dispute.Open, id platform.ID) { c.Order = id }, s.Open)
	edge.List(api, op("disputes", "The actor's disputes, the newest first; for operators those in a state, the oldest first"), func(ctx context.Context, q *query) (platform.Page[dispute.Dispute], error) {
		return s.Disputes(ctx, dispute.Query{Order: platform.ID(q.Order), State: dispute.State(q.State), Cursor: q.Cursor})
	})
	edge.Show(api, op("disputes/{id}", "One dispute with its turns and legs, or a chargeback as one"), s.Dispute)
	edge.List(api, op("disputes/{id}/evidence", "What both sides filed, the oldest first"), func(ctx context.Context, p *pieces) (platform.Page[dispute.Evidence], error) {
		return s.Evidence(ctx, platform.ID(p.ID), p.Cursor)
	})
	edge.Command(api, op("disputes/{id}/file", "Add evidence"), func(c *dispute.File, id platform.ID) { c.Dispute = id }, s.File)
	edge.Command(api, op("disputes/{id}/answer", "Contest, offer or concede"), func(c *dispute.Answer, id platform.ID) { c.Dispute = id }, s.Answer)
	edge.Command(api, money("disputes/{id}/settle", "Agree to the offer that stands"), func(c *dispute.Settle, id platform.ID) { c.Dispute = id }, s.Settle)
	edge.Command(api, op("disputes/{id}/escalate", "Ask for an arbiter"), func(c *dispute.Escalate, id platform.ID) { c.Dispute = id }, s.Escalate)
	edge.Command(api, op("disputes/{id}/preview", "The legs of a decision; nothing is decided"), func(c *dispute.Decide, id platform.ID) { c.Dispute = id }, s.Preview)
	edge.Command(api, money("disputes/{id}/decide", "Decide as its arbiter"), func(c *dispute.Decide, id platform.ID) { c.Dispute = id }, s.Decide)
	edge.Command(api, money("disputes/{id}/endorse", "Make good what another arbiter proposes"), func(c *dispute.Endorse, id platform.ID) { c.Dispute = id }, s.Endorse)
	edge.Command(api, op("disputes/{id}/appeal", "Bring the decision before another arbiter"), func(c *dispute.Appeal, id platform.ID) { c.Dispute = id }, s.Appeal)
	edge.Command(api, op("disputes/{id}/waive", "Accept the decision"), func(c *dispute.Waive, id platform.ID) { c.Dispute = id }, s.Waive)
	edge.Command(api, op("disputes/{id}/withdraw", "Take the dispute back"), func(c *dispute.Withdraw, id platform.ID) { c.Dispute = id }, s.Withdraw)
}
