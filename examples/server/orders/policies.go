package orders

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/order"
)

func policies(api huma.API, s *order.Service) {
	edge.Create(api, op("policies", "Draft a version of a cancellation policy"), s.DraftPolicy)
	edge.List(api, op("policies", "Cancellation policies, the newest first"), func(ctx context.Context, p *edge.Paging) (platform.Page[order.CancelPolicy], error) {
		return s.Policies(ctx, p.Cursor)
	})
	edge.Show(api, op("policies/{id}", "One cancellation policy"), s.Policy)
	edge.Command(api, op("policies/{id}/publish", "Publish a draft that somebody else made"), func(c *order.PublishPolicy, id platform.ID) { c.Policy = id }, s.PublishPolicy)
	edge.Command(api, op("policies/{id}/discard", "Give a draft up"), func(c *order.DiscardPolicy, id platform.ID) { c.Policy = id }, s.DiscardPolicy)
	edge.Command(api, op("policies/{id}/price", "What a cancellation would cost by it; nothing is cancelled"), func(c *order.PolicyCase, id platform.ID) { c.Policy = id }, s.TryPolicy)

	edge.Command(api, money("orders/{id}/no-show", "The customer was not there"), func(c *order.NoShow, id platform.ID) { c.Order = id }, s.NoShow)
	edge.Command(api, money("orders/{id}/waive", "Give the fee of a no-show back"), func(c *order.WaiveNoShow, id platform.ID) { c.Order = id }, s.WaiveNoShow)
}
