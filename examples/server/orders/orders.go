// Package orders mounts the orders' part of the API: quotes, orders and their
// stream of events, refunds, and reviews.
package orders

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/care"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "orders"}
}

func money(path, summary string) edge.Op {
	o := op(path, summary)
	o.Money = true
	return o
}

type query struct {
	edge.Paging
	State    string `query:"state" doc:"only orders in this state"`
	Customer string `query:"customer" doc:"only this customer's"`
	Merchant string `query:"merchant" doc:"only this merchant's"`
	Checkout string `query:"checkout" doc:"only orders of this checkout"`
}

type children struct {
	ID     string `path:"id" doc:"The order's id."`
	Cursor string `query:"cursor" doc:"next of the page before"`
}

// Mount adds the routes. Streams of events end when ctx does.
func Mount(ctx context.Context, api huma.API, m *market.Market) {
	s := m.Orders
	edge.Create(api, money("orders", "Place an order"), s.Place)
	edge.Create(api, money("checkouts", "Place orders of several merchants, to be paid in one payment: all or none"), s.PlaceAll)
	edge.Show(api, op("checkouts/{id}", "One checkout"), s.Checkout)
	edge.Create(api, op("quotes", "What an order would cost; nothing is placed"), s.Quote)
	edge.List(api, op("orders", "Orders, the newest first"), func(ctx context.Context, q *query) (platform.Page[order.Order], error) {
		return s.Orders(ctx, order.Query{
			Customer: platform.ID(q.Customer), Merchant: platform.ID(q.Merchant), State: order.State(q.State), Checkout: q.Checkout,
			Backward: true, Limit: q.Limit, Cursor: q.Cursor,
		})
	})
	edge.Show(api, op("orders/{id}", "One order, and what you may do with it now"), show(m))
	edge.List(api, op("orders/{id}/proofs", "The order's proofs"), func(ctx context.Context, c *children) (platform.Page[order.Proof], error) {
		return s.Proofs(ctx, platform.ID(c.ID), c.Cursor)
	})
	mountStream(ctx, api, m)
	work(api, s)
	refunds(api, s)
	changes(api, s)
	policies(api, s)
	tips(api, s)

	edge.Command(api, op("orders/{id}/review", "Review the completed order"), func(c *care.WriteReview, id platform.ID) { c.Order = id }, m.Reviews.WriteReview)
	edge.List(api, op("merchants/{id}/reviews", "What customers say of a merchant"), func(ctx context.Context, c *children) (platform.Page[care.Review], error) {
		return m.Reviews.Reviews(ctx, platform.ID(c.ID), c.Cursor)
	})
}

func work(api huma.API, s *order.Service) {
	edge.Command(api, op("orders/{id}/confirm", "The merchant takes the order"), func(c *order.Confirm, id platform.ID) { c.Order = id }, s.Confirm)
	edge.Command(api, money("orders/{id}/decline", "The merchant declines the order"), func(c *order.Decline, id platform.ID) { c.Order = id }, s.Decline)
	edge.Command(api, op("orders/{id}/start", "The work begins"), func(c *order.Start, id platform.ID) { c.Order = id }, s.Start)
	edge.Command(api, op("orders/{id}/deliver", "The work is done, with its proofs"), func(c *order.Deliver, id platform.ID) { c.Order = id }, s.Deliver)
	edge.Command(api, money("orders/{id}/accept", "The customer accepts the work"), func(c *order.Accept, id platform.ID) { c.Order = id }, s.Accept)
	edge.Command(api, op("orders/{id}/rework", "The customer asks for it to be done again"), func(c *order.RequestRework, id platform.ID) { c.Order = id }, s.RequestRework)
	edge.Command(api, money("orders/{id}/complete", "Start, deliver and accept in one, by proof"), func(c *order.Complete, id platform.ID) { c.Order = id }, s.Complete)
	edge.Command(api, op("orders/{id}/quote-cancel", "What cancelling would cost; nothing is cancelled"), func(c *order.Cancel, id platform.ID) { c.Order = id }, s.QuoteCancel)
	edge.Command(api, money("orders/{id}/cancel", "Cancel for at most max_fee"), func(c *order.Cancel, id platform.ID) { c.Order = id }, s.Cancel)
	edge.Command(api, op("orders/{id}/clear-review", "Decide an order that screening held"), func(c *order.ClearReview, id platform.ID) { c.Order = id }, s.ClearReview)
}

func refunds(api huma.API, s *order.Service) {
	edge.Command(api, money("orders/{id}/refund", "Ask for a refund"), func(c *order.RequestRefund, id platform.ID) { c.Order = id }, s.RequestRefund)
	edge.List(api, op("orders/{id}/refunds", "The order's refunds"), func(ctx context.Context, c *children) (platform.Page[order.Refund], error) {
		return s.Refunds(ctx, platform.ID(c.ID), c.Cursor)
	})
	edge.Command(api, money("refunds/{id}/approve", "Approve the refund"), func(c *order.ApproveRefund, id platform.ID) { c.Refund = id }, s.ApproveRefund)
	edge.Command(api, op("refunds/{id}/reject", "Reject the refund"), func(c *order.RejectRefund, id platform.ID) { c.Refund = id }, s.RejectRefund)
	edge.Command(api, op("refunds/{id}/withdraw", "Take the request back"), func(c *order.WithdrawRefund, id platform.ID) { c.Refund = id }, s.WithdrawRefund)
}

func changes(api huma.API, s *order.Service) {
	edge.Command(api, op("orders/{id}/quote-change", "What a change would make of the order; nothing is changed"), func(c *order.ProposeChange, id platform.ID) { c.Order = id }, s.QuoteChange)
	edge.Command(api, op("orders/{id}/change", "Propose a change, by the hash of its quote"), func(c *order.ProposeChange, id platform.ID) { c.Order = id }, s.ProposeChange)
	edge.List(api, op("orders/{id}/changes", "The order's changes"), func(ctx context.Context, c *children) (platform.Page[order.Change], error) {
		return s.Changes(ctx, platform.ID(c.ID), c.Cursor)
	})
	edge.Show(api, op("changes/{id}", "One change of an order"), s.Change)
	edge.Command(api, money("changes/{id}/approve", "Agree to the change as it was seen"), func(c *order.ApproveChange, id platform.ID) { c.Change = id }, s.ApproveChange)
	edge.Command(api, op("changes/{id}/reject", "Refuse the change"), func(c *order.RejectChange, id platform.ID) { c.Change = id }, s.RejectChange)
	edge.Command(api, money("changes/{id}/withdraw", "Take the proposal back"), func(c *order.WithdrawChange, id platform.ID) { c.Change = id }, s.WithdrawChange)
}

func tips(api huma.API, s *order.Service) {
	edge.Command(api, money("orders/{id}/tip", "Tip those who did the work; it is paid by an intent of its own"), func(c *order.GiveTip, id platform.ID) { c.Order = id }, s.GiveTip)
	edge.List(api, op("orders/{id}/tips", "The order's tips"), func(ctx context.Context, c *children) (platform.Page[order.Tip], error) {
		return s.Tips(ctx, platform.ID(c.ID), c.Cursor)
	})
	edge.Show(api, op("tips/{id}", "One tip"), s.Tip)
	edge.Command(api, money("tips/{id}/refund", "Give the tip back"), func(c *order.RefundTip, id platform.ID) { c.Tip = id }, s.RefundTip)
}
