// Package receivables mounts what is owed to the platform: claims with their
// dunning, promises and write-offs, the money that came for them, and what of it
// all is expected to be lost. Debtors see, promise and dispute their own.
package receivables

import (
	"cmp"
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
	"github.com/liangding/platform/finance/receivable"
)

func op(path, summary string) edge.Op {
	return edge.Op{Path: "/v1/" + path, Summary: summary, Tag: "receivables"}
}

func money(path, summary string) edge.Op {
	o := op(path, summary)
	o.Money = true
	return o
}

// Mount adds the routes.
func Mount(api huma.API, m *market.Market) {
	s := m.Receivables
	claims(api, s)
	writeOffs(api, s)
	receipts(api, s)
	losses(api, s)
	edge.Create(api, op("dunning", "Do what is due on all claims on a debtor, now"), s.Dun)
	edge.Show(api, op("debtors/{id}", "How a party stands: what it may not do until it has paid"), s.Debtor)
	edge.Show(api, op("debtors/{id}/overdue", "What a party should have paid by now"), func(ctx context.Context, id platform.ID) (overdue, error) {
		if _, err := s.Debtor(ctx, id); err != nil {
			return overdue{}, err
		}
		debts, since, err := m.Debts().Overdue(ctx, id, m.Writer.Now())
		return told(debts, since), err
	})
	edge.List(api, op("letters", "The letters to a debtor, the latest first"), func(ctx context.Context, in *ofParty) (platform.Page[receivable.Letter], error) {
		party, err := in.party(ctx)
		if err != nil {
			return platform.Page[receivable.Letter]{}, err
		}
		return s.Letters(ctx, party, in.Cursor)
	})
	edge.Show(api, op("letters/{id}", "One letter"), s.Letter)
}

func claims(api huma.API, s *receivable.Service) {
	edge.Create(api, money("receivables", "Claim what somebody owes, once for its source"), s.Arise)
	edge.List(api, op("receivables", "The claims on a party, the latest due first"), func(ctx context.Context, in *ofParty) (platform.Page[receivable.Item], error) {
		party, err := in.party(ctx)
		if err != nil {
			return platform.Page[receivable.Item]{}, err
		}
		return s.Items(ctx, party, in.Cursor)
	})
	edge.Show(api, op("receivables/{id}", "One claim, with its levels and its promise"), s.Item)
	edge.Command(api, op("receivables/{id}/promise", "Say by when it will be paid, in parts"), func(c *receivable.MakePromise, id platform.ID) { c.Item = id }, s.MakePromise)
	edge.Command(api, op("receivables/{id}/dispute", "Say what of it is not owed"), func(c *receivable.Dispute, id platform.ID) { c.Item = id }, s.Dispute)
	edge.Command(api, op("receivables/{id}/resolve", "End a dispute: it is owed"), func(c *receivable.Resolve, id platform.ID) { c.Item = id }, s.Resolve)
	edge.Command(api, op("receivables/{id}/assess", "Say how much of it will be lost"), func(c *receivable.Assess, id platform.ID) { c.Item = id }, s.Assess)
	edge.Command(api, op("receivables/{id}/finish-task", "Something was done about it"), func(c *receivable.FinishTask, id platform.ID) { c.Item = id }, s.FinishTask)
	edge.List(api, op("receivable-tasks", "Claims about which somebody has to do something"), func(ctx context.Context, in *paging) (platform.Page[receivable.Item], error) {
		return s.Tasks(ctx, in.Cursor)
	})
}

func writeOffs(api huma.API, s *receivable.Service) {
	edge.List(api, op("write-offs", "Claims that somebody proposes to give up"), func(ctx context.Context, in *paging) (platform.Page[receivable.Item], error) {
		return s.Proposed(ctx, in.Cursor)
	})
	edge.Command(api, op("receivables/{id}/propose-write-off", "Propose to give it up"), func(c *receivable.ProposeWriteOff, id platform.ID) { c.Item = id }, s.ProposeWriteOff)
	edge.Command(api, money("receivables/{id}/approve-write-off", "Give up what somebody else proposed to"), func(c *receivable.ApproveWriteOff, id platform.ID) { c.Item = id }, s.ApproveWriteOff)
	edge.Command(api, op("receivables/{id}/reject-write-off", "Refuse to give up what somebody else proposed to"), func(c *receivable.RejectWriteOff, id platform.ID) { c.Item = id }, s.RejectWriteOff)
}

func receipts(api huma.API, s *receivable.Service) {
	edge.Create(api, money("receipts", "Book money that came in, and cover claims with it"), s.Receive)
	edge.List(api, op("receipts", "Money that covered claims, the latest first"), func(ctx context.Context, in *ofParty) (platform.Page[receivable.Receipt], error) {
		if in.Party == "" && edge.Only(ctx, platform.Operator, platform.Auditor) == nil {
			return s.Receipts(ctx, "", in.Cursor)
		}
		party, err := in.party(ctx)
		if err != nil {
			return platform.Page[receivable.Receipt]{}, err
		}
		return s.Receipts(ctx, party, in.Cursor)
	})
	edge.Show(api, op("receipts/{id}", "One receipt, with the claims that it covered"), s.Receipt)
	edge.Command(api, money("receipts/{id}/assign", "Say whose money it is that came in unknown"), func(c *receivable.Assign, id platform.ID) { c.Receipt = id }, s.Assign)
	edge.Create(api, money("set-offs", "Cover claims with what the platform holds for the debtor, or owes it"), s.Cover)
}

func losses(api huma.API, s *receivable.Service) {
	edge.Get(api, op("ageing", "What is open, by how long it is overdue"), s.Ageing)
	edge.List(api, op("allowances", "What was expected to be lost, by period"), func(ctx context.Context, in *ofPortfolio) (platform.Page[receivable.Allowance], error) {
		return s.Allowances(ctx, in.Portfolio, in.Cursor)
	})
	edge.Create(api, money("allowances", "Bring a portfolio's allowance to what is expected to be lost at a month's end"), s.ChangeAllowance)
	edge.Create(api, op("allowance-rates", "Publish other rates of expected loss"), s.PublishRates)
}

type paging struct {
	Cursor string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
}

type ofPortfolio struct {
	Cursor    string `query:"cursor" doc:"next of the page before" maxLength:"2000"`
	Portfolio string `query:"portfolio" doc:"mer, cus or other" maxLength:"16"`
}

type ofParty struct {
	Cursor string      `query:"cursor" doc:"next of the page before" maxLength:"2000"`
	Party  platform.ID `query:"party" doc:"whose; if absent, the caller's own" maxLength:"64"`
}

// party is who is asked about: the caller, unless it names somebody.
func (in ofParty) party(ctx context.Context) (platform.ID, error) {
	by, err := platform.ActorOf(ctx)
	return cmp.Or(in.Party, by.For()), err
}

// overdue is what a party should have paid.
type overdue struct {
	Items []platform.Money `json:"items" doc:"one for each currency"`
	Since *time.Time       `json:"since,omitempty" doc:"since when the oldest of it is due"`
}

func told(debts []platform.Money, since time.Time) overdue {
	o := overdue{Items: append([]platform.Money{}, debts...)}
	if !since.IsZero() {
		o.Since = &since
	}
	return o
}
