// Package fees mounts the part of the API about what the platform takes: fee
// schedules, who is bound to which, and what an order was charged.
package fees

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/fee"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "fees"}
}

type query struct {
	Name   string `query:"name" doc:"only versions of this schedule" maxLength:"40"`
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

type standing struct {
	ID       string `path:"id" doc:"The merchant's id."`
	Currency string `query:"currency" required:"true" doc:"its code" example:"CNY"`
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Fees
	edge.Create(api, op("fees", "Draft a version of a fee schedule"), s.Draft)
	edge.List(api, op("fees", "Fee schedules, the newest first"), func(ctx context.Context, q *query) (platform.Page[fee.Schedule], error) {
		return s.Schedules(ctx, q.Name, q.Cursor)
	})
	edge.Show(api, op("fees/{id}", "One fee schedule"), s.Schedule)
	edge.Command(api, op("fees/{id}/publish", "Publish a draft that somebody else made"), func(c *fee.Publish, id platform.ID) { c.Schedule = id }, s.Publish)
	edge.Command(api, op("fees/{id}/discard", "Give a draft up"), func(c *fee.Discard, id platform.ID) { c.Schedule = id }, s.Discard)
	edge.Show(api, op("fees/{id}/preview", "What a schedule would have meant to last month's orders"), s.Preview)

	edge.Command(api, op("merchants/{id}/fees", "Bind a merchant to a fee schedule"), func(c *fee.Bind, id platform.ID) { c.Merchant = id }, s.Bind)
	edge.Find(api, op("merchants/{id}/fees", "By which schedule a merchant's orders are priced, now and next"), func(ctx context.Context, in *standing) (fee.Standing, error) {
		currency, err := platform.ParseCurrency(in.Currency)
		if err != nil {
			return fee.Standing{}, err
		}
		return s.Standing(ctx, platform.ID(in.ID), currency)
	})
	edge.Show(api, op("orders/{id}/fees", "What an order was charged, and why"), func(ctx context.Context, id platform.ID) (market.OrderFees, error) {
		return m.FeesOf(ctx, id, edge.Language(ctx))
	})
}
