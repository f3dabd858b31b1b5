// Package periods mounts the closing of the books on the API: months and years,
// statements, and tax reports.
package periods

import (
	"bytes"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/closing"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "closing"}
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Closing
	edge.Get(api, op("periods", "How far the books are closed"), s.Periods)
	edge.List(api, op("periods/closes", "The closes of months, the first first"), func(ctx context.Context, in *edge.Turn) (platform.Page[closing.Close], error) {
		return s.Closes(ctx, in.Cursor)
	})
	edge.Find(api, op("periods/checklist", "What has to be in order before a month is closed for good"), func(ctx context.Context, in *month) (items[closing.Item], error) {
		return listed(s.Checklist(ctx, in.Month))
	})
	edge.Create(api, op("periods/soft-closes", "Close a month for all but accountants"), s.SoftClose)
	edge.Create(api, op("periods/hard-closes", "Close a soft-closed month for good"), s.HardClose)
	edge.Create(api, op("periods/reopen-requests", "Ask for the last closed month to be opened again"), s.AskReopen)
	edge.Create(api, op("periods/reopenings", "Open a month for which another operator asked"), s.Reopen)
	edge.Create(api, op("periods/years", "Carry the result of a year to retained earnings"), s.CloseYear)

	edge.Find(api, op("statements/trial-balance", "Opening, debits, credits and closing of a month, by role"), func(ctx context.Context, in *month) (items[finance.MonthBalance], error) {
		return listed(s.TrialBalance(ctx, in.Month))
	})
	edge.Find(api, op("statements/balance-sheet", "What is owned and owed at the end of a month"), func(ctx context.Context, in *month) (items[closing.BalanceSheet], error) {
		return listed(s.BalanceSheet(ctx, in.Month))
	})
	edge.Find(api, op("statements/income", "What was earned and spent"), func(ctx context.Context, in *span) (items[closing.IncomeStatement], error) {
		return listed(s.IncomeStatement(ctx, in.From, in.Until))
	})
	edge.Find(api, op("statements/cash-flow", "Where cash came from and went, by what happened"), func(ctx context.Context, in *span) (items[closing.CashFlow], error) {
		return listed(s.CashFlow(ctx, in.From, in.Until))
	})
	edge.Find(api, op("statements/escrow", "Whose money lies where, by day"), func(ctx context.Context, in *month) (items[closing.Escrow], error) {
		return listed(s.Escrow(ctx, in.Month))
	})

	edge.Create(api, op("tax-reports", "State a quarter whose months are closed"), s.ReportTax)
	edge.List(api, op("tax-reports", "Tax reports, by quarter and edition"), func(ctx context.Context, in *quarter) (platform.Page[closing.TaxReport], error) {
		return s.TaxReports(ctx, in.Quarter, in.Cursor)
	})
	edge.Show(api, op("tax-reports/{id}", "One tax report"), s.TaxReport)
	export(api, s)

	edge.Create(api, op("tax-exemptions", "Exempt a party from a duty for a term, on evidence"), s.GrantExemption)
	edge.List(api, op("tax-exemptions", "Who is exempt from what, the last changed first"), func(ctx context.Context, in *exempted) (platform.Page[closing.Exemption], error) {
		return s.Exemptions(ctx, platform.ID(in.Party), in.Cursor)
	})
	edge.Command(api, op("tax-exemptions/{id}/end", "End an exemption before its term"), func(c *closing.EndExemption, id platform.ID) { c.Exemption = id }, s.EndExemption)
}

type month struct {
	Month string `query:"month" required:"true" pattern:"^[0-9]{4}-[0-9]{2}$" example:"2026-03"`
}

type span struct {
	From  string `query:"from" required:"true" pattern:"^[0-9]{4}-[0-9]{2}$" example:"2026-01"`
	Until string `query:"until" required:"true" pattern:"^[0-9]{4}-[0-9]{2}$" example:"2026-03"`
}

type exempted struct {
	Party string `query:"party" doc:"if absent, all" maxLength:"64"`
	edge.Turn
}

type quarter struct {
	Quarter string `query:"quarter" doc:"if absent, all" example:"2026-Q1" maxLength:"7"`
	edge.Turn
}

// items is a list without pages: by currency, or of a checklist.
type items[T any] struct {
	Items []T `json:"items"`
}

func listed[T any](all []T, err error) (items[T], error) {
	if all == nil {
		all = []T{}
	}
	return items[T]{all}, err
}

// export mounts GET /v1/tax-reports/{id}/export: the report as JSON lines.
func export(api huma.API, s *closing.Service) {
	edge.Raw(api, huma.Operation{
		OperationID: "get-tax-reports-id-export", Method: http.MethodGet, Path: "/v1/tax-reports/{id}/export", Tags: []string{"closing"},
		Summary:    "A tax report as JSON lines: the report, then a line a row; the SHA-256 of the rows is its digest",
		Security:   []map[string][]string{{"bearer": {}}},
		Parameters: []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}, Description: "The report's id."}},
		Responses:  map[string]*huma.Response{"200": {Description: "The lines", Content: map[string]*huma.MediaType{"application/jsonl": {}}}},
		Errors:     []int{401, 403, 404, 422, 503},
	}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var lines bytes.Buffer // whole or not at all
		if err := s.ExportTax(r.Context(), platform.ID(r.PathValue("id")), &lines); err != nil {
			edge.Refuse(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/jsonl")
		_, _ = lines.WriteTo(w) // the reader is gone when this fails
	}))
}
