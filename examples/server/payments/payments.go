// Package payments mounts the money's part of the API: intents and attempts,
// the institution's notices, and the books.
package payments

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "payments"}
}

func money(path, summary string) edge.Op {
	o := op(path, summary)
	o.Money = true
	return o
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Payments
	edge.Show(api, op("intents/{id}", "What is asked, and what was paid of it"), s.Intent)
	edge.Command(api, money("intents/{id}/pay", "Pay; a payment under way is joined, never doubled"), func(c *payment.Pay, id platform.ID) { c.Intent = id }, s.Pay)
	edge.Command(api, money("intents/{id}/promote", "The platform pays a part"), func(c *payment.Promote, id platform.ID) { c.Intent = id }, s.Promote)
	edge.Show(api, op("attempts/{id}", "One attempt at an institution"), s.Attempt)
	edge.Command(api, op("attempts/{id}/look", "Ask the institution now"), func(c *payment.Look, id platform.ID) { c.Attempt = id }, s.Look)
	edge.Command(api, money("attempts/{id}/resolve", "Decide an attempt that stayed unknown"), func(c *payment.Resolve, id platform.ID) { c.Attempt = id }, s.Resolve)
	edge.Command(api, money("intents/{id}/draw", "Capture what an institution holds"), func(c *payment.Draw, id platform.ID) { c.Intent = id }, s.Draw)
	edge.Command(api, money("attempts/{id}/reverse", "Record a charge that the institution took back"), func(c *payment.Reverse, id platform.ID) { c.Attempt = id }, s.Reverse)
	edge.List(api, op("payments/queue", "What waits for an operator"), func(ctx context.Context, q *edge.Turn) (platform.Page[payment.Task], error) {
		return s.Queue(ctx, q.Cursor)
	})
	edge.Get(api, op("payments/channels", "The institutions, and how they are doing"), func(ctx context.Context) (channels, error) {
		all, err := s.Channels(ctx)
		return channels{Items: all}, err
	})
	edge.Create(api, op("payments/institutions", "Record what was found out about an institution and its licence"), s.Check)
	edge.List(api, op("chargebacks", "Chargebacks in a state"), func(ctx context.Context, q *chargebacks) (platform.Page[payment.Chargeback], error) {
		return s.Chargebacks(ctx, q.State, q.Cursor)
	})
	edge.Show(api, op("chargebacks/{id}", "Money that a payer's bank took back"), s.Chargeback)
	edge.Command(api, op("chargebacks/{id}/contest", "Send evidence"), func(c *payment.Contest, id platform.ID) { c.Chargeback = id }, s.Contest)
	edge.Command(api, op("chargebacks/{id}/concede", "Give the chargeback up"), func(c *payment.Concede, id platform.ID) { c.Chargeback = id }, s.Concede)
	edge.Command(api, money("chargebacks/{id}/decide", "Tell how the bank decided, where no institution does"), func(c *payment.Decide, id platform.ID) { c.Chargeback = id }, s.Decide)
	edge.Show(api, op("returns/{id}", "Money on its way back"), s.Return)
	edge.Command(api, money("returns/{id}/settle", "Decide a return that stayed unknown or is of another amount"), func(c *payment.Settle, id platform.ID) { c.Return = id }, s.Settle)
	edge.Command(api, op("payments/notices/{id}/file", "Take a notice that belongs to nothing known out of the queue"), func(c *payment.File, id platform.ID) { c.Notice = id }, s.File)
	edge.Create(api, money("surplus", "Record money that nobody asked for"), s.Surplus)
	edge.Show(api, op("orders/{id}/intents", "The order's intents"), func(ctx context.Context, id platform.ID) (intents, error) {
		o, err := m.Orders.Order(ctx, id)
		if err != nil {
			return intents{}, err
		}
		found, err := s.Intents(ctx, o.Ref())
		return intents{Items: found}, err
	})
	edge.Show(api, op("tips/{id}/intents", "What is asked for the tip"), func(ctx context.Context, id platform.ID) (intents, error) {
		t, err := m.Orders.Tip(ctx, id)
		if err != nil {
			return intents{}, err
		}
		found, err := s.Intents(ctx, t.Ref())
		return intents{Items: found}, err
	})
	edge.Show(api, op("checkouts/{id}/intents", "What is asked for the checkout"), func(ctx context.Context, id platform.ID) (intents, error) {
		c, err := m.Orders.Checkout(ctx, id)
		if err != nil {
			return intents{}, err
		}
		found, err := s.Intents(ctx, c.Ref())
		return intents{Items: found}, err
	})
	splits(api, m)
	notices(api, s)
	edge.Get(api, op("books/trial-balance", "Sums of all accounts, which balance to zero"), func(ctx context.Context) (balances, error) {
		all, err := m.TrialBalance(ctx)
		return balances{Items: all}, err
	})
}

type chargebacks struct {
	edge.Turn
	State payment.ChargebackState `query:"state" doc:"in which state" default:"needs_response" maxLength:"20"`
}

type channels struct {
	Items []payment.Channel `json:"items"`
}

type balances struct {
	Items []finance.TrialBalance `json:"items"`
}

type intents struct {
	Items []payment.Intent `json:"items"`
}

// maxNotice is the most that an institution's notice may have.
const maxNotice = 64 << 10

// notices mounts POST /v1/notices/{institution}: 200 only after the notice is
// stored, and 401 for one that is not signed by the institution.
func notices(api huma.API, s *payment.Service) {
	edge.Raw(api, huma.Operation{
		OperationID: "post-notices-institution", Method: http.MethodPost, Path: edge.Notices + "{institution}", Tags: []string{"payments"},
		Summary:     "An institution tells what happened to money; the notice is signed (Standard Webhooks)",
		Parameters:  []*huma.Param{{Name: "institution", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}, Description: "The institution's name."}},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {}}},
		Responses:   map[string]*huma.Response{"200": {Description: "The notice is stored"}},
		Errors:      []int{401, 404, 408, 413, 422, 503},
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := edge.Body(w, r, maxNotice)
		if err == nil {
			err = s.Receive(r.Context(), r.PathValue("institution"), r.Header, body)
		}
		if err != nil {
			edge.Refuse(w, r, err)
			return
		}
		w.WriteHeader(http.StatusOK)
	}))
}
