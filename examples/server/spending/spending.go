// Package spending mounts the API of budgets, and of the claims and advances that
// spend them.
package spending

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/budget"
	"github.com/liangding/platform/finance/claim"
)

func op(tag, path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: tag}
}

func money(path, summary string) edge.Op {
	o := op("claims", path, summary)
	o.Money = true
	return o
}

type cursor struct {
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

type ofRecord struct {
	ID     string `path:"id" doc:"The record's id."`
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	budgets(api, m.Budgets)
	commitments(api, m.Budgets)
	claims(api, m.Claims)
	decisions(api, m.Claims)
	advances(api, m.Claims)
}

func budgets(api huma.API, s *budget.Service) {
	const tag = "budgets"
	edge.Create(api, op(tag, "budgets", "Draft a budget"), s.Draft)
	edge.List(api, op(tag, "budgets", "Budgets, the latest first"), func(ctx context.Context, in *cursor) (platform.Page[budget.Budget], error) {
		return s.Budgets(ctx, in.Cursor)
	})
	edge.Show(api, op(tag, "budgets/{id}", "One budget"), s.Budget)
	edge.List(api, op(tag, "budgets/{id}/lines", "Its lines, and what is on them"), func(ctx context.Context, in *ofRecord) (platform.Page[budget.Standing], error) {
		return s.Lines(ctx, platform.ID(in.ID), in.Cursor)
	})
	edge.Command(api, op(tag, "budgets/{id}/amend", "Another plan: of a draft, or to be approved"), func(c *budget.Amend, id platform.ID) { c.Budget = id }, s.Amend)
	edge.Command(api, op(tag, "budgets/{id}/submit", "Ask for approval"), func(c *budget.Submit, id platform.ID) { c.Budget = id }, s.Submit)
	edge.Command(api, op(tag, "budgets/{id}/approve", "Approve; it takes two who did not propose it"), func(c *budget.Approve, id platform.ID) { c.Budget = id }, s.Approve)
	edge.Command(api, op(tag, "budgets/{id}/reject", "Refuse what waits for approval"), func(c *budget.Reject, id platform.ID) { c.Budget = id }, s.Reject)
	edge.Command(api, op(tag, "budgets/{id}/close", "Close the budget and its lines"), func(c *budget.Close, id platform.ID) { c.Budget = id }, s.Close)

	edge.List(api, op(tag, "budget-lines", "Lines in force, of all budgets"), func(ctx context.Context, in *cursor) (platform.Page[budget.Standing], error) {
		return s.Lines(ctx, "", in.Cursor)
	})
	edge.Show(api, op(tag, "budget-lines/{id}/forecast", "Where a line is heading"), s.Forecast)
}

func commitments(api huma.API, s *budget.Service) {
	const tag = "budgets"
	edge.List(api, op(tag, "budget-lines/{id}/commitments", "What is committed on a line"), func(ctx context.Context, in *ofRecord) (platform.Page[budget.Commitment], error) {
		return s.Open(ctx, platform.ID(in.ID), in.Cursor)
	})
	edge.Command(api, op(tag, "commitments/{id}/carry", "Take a commitment to another line, with its budget"), func(c *budget.Carry, id platform.ID) { c.Commitment = id }, s.Carry)
	edge.Command(api, op(tag, "commitments/{id}/rebook", "Take a commitment to another line, which pays"), func(c *budget.Rebook, id platform.ID) { c.Commitment = id }, s.Rebook)
	edge.Command(api, op(tag, "commitments/{id}/release", "End a commitment"), func(c *budget.Release, id platform.ID) { c.Commitment = id }, s.Release)

	edge.Create(api, op(tag, "virements", "Propose to move a plan from line to line"), s.ProposeMove)
	edge.List(api, op(tag, "virements", "Virements that wait for approval"), func(ctx context.Context, in *cursor) (platform.Page[budget.Move], error) {
		return s.Moves(ctx, in.Cursor)
	})
	edge.Command(api, op(tag, "virements/{id}/approve", "Make a virement that somebody else proposed"), func(c *budget.ApproveMove, id platform.ID) { c.Move = id }, s.ApproveMove)
	edge.Command(api, op(tag, "virements/{id}/reject", "End a virement that somebody else proposed"), func(c *budget.RejectMove, id platform.ID) { c.Move = id }, s.RejectMove)
}

// find says which claims.
type find struct {
	State  string `query:"state" doc:"all in this state, for operators; if absent, your own"`
	Turn   string `query:"turn" doc:"a role of yours: what waits for it"`
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

func claims(api huma.API, s *claim.Service) {
	const tag = "claims"
	edge.Create(api, op(tag, "claims", "Draft an expense claim"), s.Draft)
	edge.List(api, op(tag, "claims", "Claims: your own, those in a state, or those that wait for you"), func(ctx context.Context, in *find) (platform.Page[claim.Claim], error) {
		switch {
		case in.Turn != "":
			return s.Inbox(ctx, in.Turn, in.Cursor)
		case in.State != "":
			return s.InState(ctx, claim.State(in.State), in.Cursor)
		}
		return s.Claims(ctx, in.Cursor)
	})
	edge.Show(api, op(tag, "claims/{id}", "One claim"), s.Claim)
	edge.Command(api, op(tag, "claims/{id}/amend", "Other items, of a draft or a claim that was returned"), func(c *claim.Amend, id platform.ID) { c.Claim = id }, s.Amend)
	edge.Command(api, op(tag, "claims/{id}/submit", "Ask for approval: vouchers are registered and budget is committed"), func(c *claim.Submit, id platform.ID) { c.Claim = id }, s.Submit)
	edge.Command(api, op(tag, "claims/{id}/withdraw", "Take a claim back"), func(c *claim.Withdraw, id platform.ID) { c.Claim = id }, s.Withdraw)
}

func decisions(api huma.API, s *claim.Service) {
	const tag = "claims"
	edge.Command(api, op(tag, "claims/{id}/approve", "Let a claim pass your level"), func(c *claim.Approve, id platform.ID) { c.Claim = id }, s.Approve)
	edge.Command(api, op(tag, "claims/{id}/return", "Send a claim back to be amended"), func(c *claim.Return, id platform.ID) { c.Claim = id }, s.Return)
	edge.Command(api, op(tag, "claims/{id}/reject", "End a claim"), func(c *claim.Reject, id platform.ID) { c.Claim = id }, s.Reject)
	edge.Command(api, money("claims/{id}/pay", "Pay what is due on a claim"), func(c *claim.Pay, id platform.ID) { c.Claim = id }, s.Pay)
	edge.Command(api, money("claims/{id}/resolve", "Say how a payment at the bank went"), func(c *claim.ResolvePayment, id platform.ID) { c.Claim = id }, s.ResolvePayment)
	edge.Command(api, money("claims/{id}/reclaim", "Ask the claimant for what was paid"), func(c *claim.Reclaim, id platform.ID) { c.Claim = id }, s.Reclaim)
	edge.Create(api, op(tag, "absences", "Say when you approve nothing"), s.Away)
	edge.Create(api, op(tag, "claim-matrix", "Say who approves which claims from now on"), s.PublishMatrix)
	edge.Get(api, op(tag, "claim-matrix", "Who approves which claims"), s.Matrix)
}

type findAdvances struct {
	State  string `query:"state" doc:"asked, open, settled, declined; open unless given"`
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

func advances(api huma.API, s *claim.Service) {
	const tag = "claims"
	edge.Create(api, op(tag, "advances", "Ask for an advance"), s.AskAdvance)
	edge.List(api, op(tag, "advances", "Advances in a state"), func(ctx context.Context, in *findAdvances) (platform.Page[claim.Advance], error) {
		if in.State == "" {
			in.State = string(claim.AdvanceOpen)
		}
		return s.Advances(ctx, claim.AdvanceState(in.State), in.Cursor)
	})
	edge.Show(api, op(tag, "advances/{id}", "One advance"), s.Advance)
	edge.Command(api, money("advances/{id}/grant", "Hand an advance out"), func(c *claim.GrantAdvance, id platform.ID) { c.Advance = id }, s.GrantAdvance)
	edge.Command(api, op(tag, "advances/{id}/decline", "Refuse an advance"), func(c *claim.DeclineAdvance, id platform.ID) { c.Advance = id }, s.DeclineAdvance)
	edge.Command(api, money("advances/{id}/return", "Note that what is left was given back"), func(c *claim.ReturnAdvance, id platform.ID) { c.Advance = id }, s.ReturnAdvance)
}
