// Package reconciliations mounts the part of the API by which the books are
// compared with what institutions and banks say: statements, runs and differences.
package reconciliations

import (
	"context"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/reconciliation"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "reconciliation"}
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Recon
	edge.Create(api, op("statements", "Import a day's file of an account, as a whole or not at all"), func(ctx context.Context, in Upload) (reconciliation.Statement, error) {
		in.File = strings.NewReader(in.CSV)
		return s.Import(ctx, in.Import)
	})
	edge.Create(api, op("statements/fetch", "Ask an institution for the statement of a day"), s.Fetch)
	edge.List(api, op("statements", "Statements of an account, the last day first"), func(ctx context.Context, in *ofAccount) (platform.Page[reconciliation.Statement], error) {
		return s.Statements(ctx, in.Account, in.Cursor)
	})
	edge.Show(api, op("statements/{id}", "One statement"), s.Statement)
	edge.List(api, op("statements/{id}/lines", "Lines of a statement, a thousand a page"), func(ctx context.Context, in *sheet) (platform.Page[reconciliation.Line], error) {
		return turned(ctx, in, s.Lines)
	})

	edge.Create(api, op("reconciliations", "Compare a statement with the books"), s.Reconcile)
	edge.List(api, op("reconciliations", "Runs of an account, the last first"), func(ctx context.Context, in *ofAccount) (platform.Page[reconciliation.Run], error) {
		return s.Runs(ctx, in.Account, in.Cursor)
	})
	edge.Show(api, op("reconciliations/{id}", "One run, with its proof"), s.Run)
	edge.List(api, op("reconciliations/{id}/rows", "What became of each line and entry, a thousand rows a page"), func(ctx context.Context, in *sheet) (platform.Page[reconciliation.Row], error) {
		return turned(ctx, in, s.Rows)
	})

	edge.List(api, op("differences", "Differences in a state, the first due first"), func(ctx context.Context, in *inbox) (platform.Page[reconciliation.Case], error) {
		return s.Inbox(ctx, reconciliation.CaseState(in.State), in.Cursor)
	})
	edge.Show(api, op("differences/{id}", "One difference"), s.Case)
	edge.Command(api, op("differences/{id}/take", "Make a difference one's own"), func(c *reconciliation.TakeCase, id platform.ID) { c.Case = id }, s.TakeCase)
	edge.Command(api, money("differences/{id}/resolve", "Book what makes up for a difference"), func(c *reconciliation.ResolveCase, id platform.ID) { c.Case = id }, s.ResolveCase)
	edge.Command(api, money("differences/{id}/approve", "Book what somebody else proposed"), func(c *reconciliation.ApproveCase, id platform.ID) { c.Case = id }, s.ApproveCase)
	edge.Command(api, op("differences/{id}/reject", "Give a difference back"), func(c *reconciliation.RejectCase, id platform.ID) { c.Case = id }, s.RejectCase)
}

func money(path, summary string) edge.Op {
	o := op(path, summary)
	o.Money = true
	return o
}

// Upload is a file with what it says about itself.
type Upload struct {
	reconciliation.Import
	CSV string `json:"csv" doc:"the file: id, kind, key, reference, gross, fee, net, currency, at, batch"`
}

type ofAccount struct {
	Account string `query:"account" required:"true" maxLength:"129" doc:"the institution; a slash and the account if it has several" example:"sandbox"`
	Cursor  string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

type inbox struct {
	State  string `query:"state" enum:"open,proposed,suspended,resolved,matched" default:"open"`
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

type sheet struct {
	ID     string `path:"id" doc:"The record's id."`
	Cursor string `query:"cursor" pattern:"^[0-9]{0,9}$" doc:"next of the page before"`
}

// turned is a sheet as a page.
func turned[T any](ctx context.Context, in *sheet, read func(context.Context, platform.ID, int) ([]T, int, error)) (platform.Page[T], error) {
	no, _ := strconv.Atoi(in.Cursor) // the pattern leaves digits, or nothing
	items, next, err := read(ctx, platform.ID(in.ID), no)
	page := platform.Page[T]{Items: items}
	if next > 0 {
		page.Next = strconv.Itoa(next)
	}
	return page, err
}
