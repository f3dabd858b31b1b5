package payments

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/payment"
)

// splits mounts what is about shares of payments and those who get them.
func splits(api huma.API, m *market.Market) {
	s := m.Payments
	edge.List(api, op("splits", "Shares on their way, or on their way back, in a state"), func(ctx context.Context, q *sharings) (platform.Page[payment.Sharing], error) {
		return s.Sharings(ctx, q.State, q.Cursor)
	})
	edge.Show(api, op("splits/{id}", "Shares of a payment on their way to those who earned them, or one on its way back"), s.Split)
	edge.Command(api, money("splits/{id}/decide", "Decide about shares that wait for an operator"), func(c *payment.DecideSplit, id platform.ID) { c.Split = id }, s.DecideSplit)
	edge.Show(api, op("orders/{id}/splits", "Who got what of the order's payments"), func(ctx context.Context, id platform.ID) (shared, error) {
		o, err := m.Orders.Order(ctx, id)
		if err != nil {
			return shared{}, err
		}
		found, err := s.Splits(ctx, o.Ref())
		return shared{Items: found}, err
	})
	edge.Create(api, op("recipients", "Have an institution open an account for a party, to which its shares go"), s.Onboard)
	edge.Create(api, op("recipients/known", "Name an account that a party has at an institution"), s.AddRecipient)
	edge.Show(api, op("recipients/{id}", "The account of a party at an institution"), s.Recipient)
	edge.Command(api, op("recipients/{id}/link", "Where the account's holder goes on at the institution"), func(c *payment.OnboardingLink, id platform.ID) { c.Recipient = id }, s.OnboardingLink)
}

type sharings struct {
	edge.Turn
	State payment.SharingState `query:"state" doc:"in which state" default:"manual" maxLength:"20"`
}

type shared struct {
	Items []payment.Sharing `json:"items"`
}
