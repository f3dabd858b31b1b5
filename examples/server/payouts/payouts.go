// Package payouts mounts what parties are settled by: their accounts, statements
// and payouts, and the runs and bank files of those who pay.
package payouts

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/settlement"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "settlements"}
}

func money(path, summary string) edge.Op {
	o := op(path, summary)
	o.Money = true
	return o
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	accounts(api, m.Payouts)
	settlements(api, m.Payouts)
	runs(api, m.Payouts)
	payouts(api, m.Payouts)
}

type findAccounts struct {
	Party  string `query:"party" doc:"only this party's; operators may leave it out"`
	State  string `query:"state" doc:"only those in this state, without party"`
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

// of names the record that a list belongs to.
type of struct {
	ID     string `path:"id" doc:"The record's id."`
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

func accounts(api huma.API, s *settlement.Service) {
	edge.Create(api, op("payout-accounts", "Tell where a party's money goes"), s.Register)
	edge.List(api, op("payout-accounts", "A party's payout accounts"), func(ctx context.Context, in *findAccounts) (platform.Page[settlement.Account], error) {
		return s.Accounts(ctx, platform.ID(in.Party), settlement.AccountState(in.State), in.Cursor)
	})
	edge.Show(api, op("payout-accounts/{id}", "One payout account"), s.Account)
	edge.Command(api, op("payout-accounts/{id}/verify", "Confirm that the account is its party's"), func(c *settlement.VerifyAccount, id platform.ID) { c.Account = id }, s.VerifyAccount)
	edge.Command(api, op("payout-accounts/{id}/reject", "Pay no more to the account"), func(c *settlement.RejectAccount, id platform.ID) { c.Account = id }, s.RejectAccount)
	edge.Show(api, op("payout-accounts/{id}/money", "What the party has earned, and where it lies"), s.Purse)
	edge.List(api, op("payout-accounts/{id}/history", "What was told of the account, the newest first; bank data sealed"), func(ctx context.Context, in *of) (platform.Page[settlement.Details], error) {
		return s.History(ctx, platform.ID(in.ID), in.Cursor)
	})
}

type findSettlements struct {
	Account string `query:"account" doc:"only of this payout account; operators may leave it out"`
	State   string `query:"state" doc:"only those in this state, without account"`
	Cursor  string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

func settlements(api huma.API, s *settlement.Service) {
	edge.List(api, op("settlements", "Settlements, the newest first"), func(ctx context.Context, in *findSettlements) (platform.Page[settlement.Statement], error) {
		return s.Statements(ctx, platform.ID(in.Account), settlement.StatementState(in.State), in.Cursor)
	})
	edge.Show(api, op("settlements/{id}", "One settlement"), s.Statement)
	edge.List(api, op("settlements/{id}/lines", "The settlement's lines, as the ledger has them"), func(ctx context.Context, in *of) (platform.Page[finance.Entry], error) {
		return s.Lines(ctx, platform.ID(in.ID), in.Cursor)
	})
	edge.Command(api, op("settlements/{id}/confirm", "Agree to the settlement"), func(c *settlement.ConfirmStatement, id platform.ID) { c.Statement = id }, s.ConfirmStatement)
	edge.Command(api, op("settlements/{id}/query", "Question a line"), func(c *settlement.QueryStatement, id platform.ID) { c.Statement = id }, s.QueryStatement)
	edge.Command(api, op("settlements/{id}/answer", "Answer the question, and confirm"), func(c *settlement.AnswerStatement, id platform.ID) { c.Statement = id }, s.AnswerStatement)
}

// approved tells how many payouts got an approval.
type approved struct {
	Approved int `json:"approved"`
}

// released tells how many payouts went out with a file.
type released struct {
	Released int `json:"released"`
}

type findFiles struct {
	Run    string `query:"run" required:"true" doc:"the run whose files they are"`
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

type page struct {
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

func runs(api huma.API, s *settlement.Service) {
	edge.Create(api, money("payout-runs", "Plan the payouts of all who have something coming"), s.StartRun)
	edge.List(api, op("payout-runs", "Runs, the newest first"), func(ctx context.Context, in *page) (platform.Page[settlement.RunTotals], error) {
		return s.Runs(ctx, in.Cursor)
	})
	edge.Show(api, op("payout-runs/{id}", "One run with its totals"), s.Run)
	edge.Command(api, money("payout-runs/{id}/approve", "Approve what waits in the run"), func(c *settlement.ApproveRun, id platform.ID) { c.Run = id },
		func(ctx context.Context, in settlement.ApproveRun) (approved, error) {
			n, err := s.ApproveRun(ctx, in)
			return approved{n}, err
		})
	edge.Create(api, money("payout-files", "Draft a bank file of a run, for somebody else to release"), s.DraftFile)
	edge.List(api, op("payout-files", "The bank files of a run"), func(ctx context.Context, in *findFiles) (platform.Page[settlement.File], error) {
		return s.Files(ctx, platform.ID(in.Run), in.Cursor)
	})
	edge.Command(api, money("payout-files/{id}/release", "Send the file that somebody else drafted"), func(c *settlement.ReleaseFile, id platform.ID) { c.File = id },
		func(ctx context.Context, in settlement.ReleaseFile) (released, error) {
			n, err := s.ReleaseFile(ctx, in)
			return released{n}, err
		})
	edge.List(api, op("payout-files/{id}/rows", "The rows of a released file, with bank data in the clear"), func(ctx context.Context, in *of) (platform.Page[settlement.Row], error) {
		return s.Rows(ctx, platform.ID(in.ID), in.Cursor)
	})
}

type findPayouts struct {
	Account string `query:"account" doc:"only of this payout account; operators may leave it out"`
	Run     string `query:"run" doc:"only of this run"`
	State   string `query:"state" doc:"only those in this state, without account"`
	Cursor  string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

func payouts(api huma.API, s *settlement.Service) {
	edge.List(api, op("payouts", "Payouts, the newest first"), func(ctx context.Context, in *findPayouts) (platform.Page[settlement.Payout], error) {
		return s.Payouts(ctx, settlement.PayoutQuery{
			Account: platform.ID(in.Account), Run: platform.ID(in.Run), State: settlement.PayoutState(in.State), Cursor: in.Cursor,
		})
	})
	edge.Show(api, op("payouts/{id}", "One payout"), s.Payout)
	edge.Command(api, money("payouts/{id}/approve", "Approve the payout"), func(c *settlement.ApprovePayout, id platform.ID) { c.Payout = id }, s.ApprovePayout)
	edge.Command(api, op("payouts/{id}/clear", "Let a payout go on that screening held"), func(c *settlement.ClearPayout, id platform.ID) { c.Payout = id }, s.ClearPayout)
	edge.Command(api, op("payouts/{id}/cancel", "Give the payout up before it is sent"), func(c *settlement.CancelPayout, id platform.ID) { c.Payout = id }, s.CancelPayout)
	edge.Command(api, money("payouts/{id}/send", "Send an approved payout now"), func(c *settlement.SendPayout, id platform.ID) { c.Payout = id }, s.SendPayout)
	edge.Command(api, op("payouts/{id}/look", "Ask the institution how it stands"), func(c *settlement.LookPayout, id platform.ID) { c.Payout = id }, s.LookPayout)
	edge.Command(api, money("payouts/{id}/resolve", "Tell what the bank says of a payout that nobody else knows of"), func(c *settlement.ResolvePayout, id platform.ID) { c.Payout = id }, s.ResolvePayout)
}
