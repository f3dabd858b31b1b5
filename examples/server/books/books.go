// Package books mounts the ledger's part of the API: postings of every kind by
// their recipes, one by one or in batches, accounts as they are and were, and
// what accountants book by hand.
package books

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/ledger/" + path, Summary: summary, Tag: "ledger"}
}

func journal(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "ledger"}
}

func money(path, summary string) edge.Op {
	o := op(path, summary)
	o.Money = true
	return o
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Ledger
	edge.Create(api, money("transfers", "Book linked steps, all or none"), s.Transfer)
	edge.Create(api, money("batches", "Book many groups, each with its own outcome"), func(ctx context.Context, in finance.Batch) (batch, error) {
		results, err := s.Batch(ctx, in)
		return told(ctx, results), err
	})
	edge.Create(api, money("reversals", "Take a posting back, in whole or in part"), s.Reverse)

	edge.Create(api, journal("journals", "Propose free legs, for a second accountant to approve"), s.ProposeJournal)
	edge.Show(api, journal("journals/{id}", "One journal"), s.Journal)
	edge.Command(api, journal("journals/{id}/approve", "Book a journal that somebody else proposed"), func(c *finance.ApproveJournal, id platform.ID) { c.Journal = id }, s.ApproveJournal)
	edge.Command(api, journal("journals/{id}/reject", "End a journal that somebody else proposed"), func(c *finance.RejectJournal, id platform.ID) { c.Journal = id }, s.RejectJournal)

	edge.Create(api, op("locks", "Freeze an account, one way or both"), s.FreezeAccount)
	edge.Create(api, op("releases", "End the freeze of an account"), s.ReleaseAccount)
	edge.Create(api, op("closures", "Close an account that is frozen both ways and empty"), s.CloseAccount)

	edge.List(api, op("journal", "The journal of a month, by number"), func(ctx context.Context, in *month) (platform.Page[finance.Numbered], error) {
		return m.Books.Journal(ctx, in.Month, in.Cursor)
	})
	edge.Find(api, op("accounts/{account}", "What is on an account, now or at a moment"), func(ctx context.Context, in *balanceAt) (finance.Balance, error) {
		a, currency, err := in.read(ctx)
		switch {
		case err != nil:
			return finance.Balance{}, err
		case in.At.IsZero():
			return m.Books.Balance(ctx, a, currency)
		}
		return m.Books.BalanceAt(ctx, a, currency, in.At)
	})
	edge.Find(api, op("accounts/{account}/snapshot", "An account with its open holds, at one moment"), func(ctx context.Context, in *Account) (finance.Snapshot, error) {
		a, currency, err := in.read(ctx)
		if err != nil {
			return finance.Snapshot{}, err
		}
		return m.Books.Snapshot(ctx, a, currency)
	})
	edge.List(api, op("accounts/{account}/entries", "The account's statement, oldest first"), func(ctx context.Context, in *entries) (platform.Page[finance.Entry], error) {
		a, currency, err := in.read(ctx)
		if err != nil {
			return platform.Page[finance.Entry]{}, err
		}
		return m.Books.Entries(ctx, a, currency, in.Cursor)
	})
}

// Account names an account in a currency.
type Account struct {
	Account  string `path:"account" maxLength:"160" doc:"the account's text: payable:mer_…" example:"commission"`
	Currency string `query:"currency" required:"true" doc:"its code" example:"CNY"`
}

type month struct {
	Month  string `query:"month" required:"true" pattern:"^[0-9]{4}-[0-9]{2}$" example:"2026-03"`
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

type balanceAt struct {
	Account
	At time.Time `query:"at" doc:"if absent, now"`
}

type entries struct {
	Account
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

// read is the account, for those who work on the ledger or look at it.
func (in Account) read(ctx context.Context) (a finance.Account, c platform.Currency, err error) {
	if err = edge.Only(ctx, platform.Operator, platform.Auditor); err != nil {
		return a, c, err
	}
	if a, err = finance.ParseAccount(in.Account); err != nil {
		return a, c, err
	}
	c, err = platform.ParseCurrency(in.Currency)
	return a, c, err
}

// batch is the answer to a batch.
type batch struct {
	Results []outcome `json:"results" doc:"in the order of the groups"`
}

// outcome is what came of one group, or why it was refused.
type outcome struct {
	finance.Result
	Refusal *edge.Problem `json:"refusal,omitempty"`
}

// told are results as the API shows them.
func told(ctx context.Context, results []finance.Result) batch {
	out := batch{Results: make([]outcome, len(results))}
	for i, r := range results {
		out.Results[i].Result = r
		if r.Err != nil {
			out.Results[i].Refusal = edge.Describe(ctx, r.Err)
		}
	}
	return out
}
