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
	edge.Show(api, op("returns/{id}", "Money on its way back"), s.Return)
	edge.Create(api, money("surplus", "Record money that nobody asked for"), s.Surplus)
	edge.Show(api, op("orders/{id}/intents", "The order's intents"), func(ctx context.Context, id platform.ID) (intents, error) {
		o, err := m.Orders.Order(ctx, id)
		if err != nil {
			return intents{}, err
		}
		found, err := s.Intents(ctx, o.Ref())
		return intents{Items: found}, err
	})
	notices(api, s)
	edge.Get(api, op("books/trial-balance", "Sums of all accounts, which balance to zero"), func(ctx context.Context) (balances, error) {
		all, err := m.TrialBalance(ctx)
		return balances{Items: all}, err
	})
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
