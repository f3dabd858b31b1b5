package market

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/claim"
	"github.com/liangding/platform/finance/receivable"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/order"
)

// happened are the events of some types in a window, a page of one type at a time.
func (m *Market) happened(ctx context.Context, w supervision.Window, cursor string, types ...string) (page platform.Page[platform.Event], err error) {
	at, rest, _ := strings.Cut(cursor, "|")
	n, _ := strconv.Atoi(at)
	if n < 0 || n >= len(types) {
		return page, platform.ErrInvalid
	}
	page, err = platform.List[platform.Event](ctx, m.DB, platform.Query{
		Kind: "event", By: []string{"type", "id"}, Equal: []any{types[n]}, Limit: 500, Cursor: rest,
		From: platform.NewID("evt", w.From, 0, 0), Until: platform.NewID("evt", w.Until, 0, 0),
	})
	if page.Next == "" && n+1 < len(types) {
		n++
	} else if page.Next == "" {
		return page, err
	}
	page.Next = strconv.Itoa(n) + "|" + page.Next
	return page, err
}

// spent is the money that left the house, or was given up, and who had a hand in
// it. It satisfies [supervision.Source].
type spent struct{ m *Market }

// Facts implements [supervision.Source]. It reads what a page of events is about,
// and what that needs, in three trips.
func (s spent) Facts(ctx context.Context, w supervision.Window, cursor string) (out platform.Page[supervision.Item], err error) {
	page, err := s.m.happened(ctx, w, cursor, "payout.sent", "claim.paid", "refund.approved", "receivable.written_off", "journal.posted")
	if err != nil || len(page.Items) == 0 {
		out.Next = page.Next
		return out, err
	}
	about, err := s.m.lookup(ctx, subjects(page.Items)...)
	if err != nil {
		return out, err
	}
	beside, err := s.m.lookup(ctx, besides(about)...)
	if err != nil {
		return out, err
	}
	for _, e := range page.Items {
		if i, known := s.item(e, about, beside); known {
			out.Items = append(out.Items, i)
		}
	}
	out.Next = page.Next
	for _, more := range []func(context.Context, []supervision.Item) error{s.barred, s.lines} {
		if err := more(ctx, out.Items); err != nil {
			return out, err
		}
	}
	return out, nil
}

// records are some that were found.
type records map[platform.Ref]platform.Record

func (m *Market) lookup(ctx context.Context, refs ...platform.Ref) (records, error) {
	found, err := platform.Lookup(ctx, m.DB, refs...)
	return found, err
}

// into decodes a record, if it was found.
func (r records) into(ref platform.Ref, v any) bool {
	found, known := r[ref]
	return known && json.Unmarshal(found.Doc, v) == nil
}

func subjects(events []platform.Event) (refs []platform.Ref) {
	seen := map[platform.Ref]bool{}
	for _, e := range events {
		if !seen[e.Subject] {
			seen[e.Subject], refs = true, append(refs, e.Subject)
		}
	}
	return refs
}

// besides are what the records need to tell who had a hand in them.
func besides(about records) (refs []platform.Ref) {
	seen := map[platform.Ref]bool{}
	add := func(kind string, id platform.ID) {
		if ref := (platform.Ref{Kind: kind, ID: id}); id != "" && !seen[ref] {
			seen[ref], refs = true, append(refs, ref)
		}
	}
	for ref := range about {
		var p settlement.Payout
		var c claim.Claim
		var r order.Refund
		switch ref.Kind {
		case p.Ref().Kind:
			if about.into(ref, &p) {
				add(settlement.Run{}.Ref().Kind, p.Run)
				add(settlement.Details{}.Ref().Kind, p.Details)
			}
		case c.Ref().Kind:
			if about.into(ref, &c) {
				add(claim.Matrix{}.Ref().Kind, claim.Matrix{}.Ref().ID)
				add(claim.Payment{}.Ref().Kind, c.Payment)
			}
		case r.Ref().Kind:
			if about.into(ref, &r) {
				add("order", r.Order)
			}
		}
	}
	return refs
}

// by are the hands of people; the platform itself has none.
func by(as string, people ...platform.ID) (hands []supervision.Hand) {
	for _, id := range people {
		if id != "" && !strings.HasPrefix(string(id), "system:") {
			hands = append(hands, supervision.Hand{As: as, By: id})
		}
	}
	return hands
}

// item is what an event tells of, as the controls see it.
func (s spent) item(e platform.Event, about, beside records) (i supervision.Item, known bool) {
	i = supervision.Item{Ref: e.Subject, At: e.At}
	switch e.Type {
	case "payout.sent":
		var p settlement.Payout
		known = about.into(e.Subject, &p)
		i.What, i.Party, i.Amount = "payout", p.Party, p.Amount
		s.paidOut(&i, p, beside)
	case "claim.paid":
		var c claim.Claim
		known = about.into(e.Subject, &c)
		i.What, i.Party, i.Amount = "claim", c.Claimant, c.Total
		claimed(&i, c, beside)
		i.Limit = above(c.Total, beside)
	case "refund.approved":
		var r order.Refund
		var o order.Order
		known = about.into(e.Subject, &r) && beside.into(platform.Ref{Kind: "order", ID: r.Order}, &o)
		i.What, i.Party, i.Amount = "refund", o.Customer, r.Amount
		if r.By != o.Customer {
			i.Hands = by(supervision.Asked, r.By)
		}
		i.Hands = append(i.Hands, by(supervision.Approved, r.Approvers...)...)
		if len(r.Approvers) < 2 {
			i.Limit = s.m.Orders.TakesTwo(r.Amount.Currency())
		}
	case "receivable.written_off":
		var r receivable.Item
		var told struct {
			Amount   platform.Money
			Proposer platform.ID
		}
		known = about.into(e.Subject, &r) && json.Unmarshal(e.Data, &told) == nil
		i.What, i.Party, i.Amount = "write_off", r.Debtor, told.Amount
		i.Hands = append(by(supervision.Asked, told.Proposer), by(supervision.Approved, e.Actor.ID)...)
	case "journal.posted":
		var j finance.Journal
		known = about.into(e.Subject, &j)
		i.What, i.Manual, i.Effective, i.References = "journal", true, j.At, []string{j.Voucher}
		i.Amount = debits(j.Legs)
		i.Hands = append(by(supervision.Asked, j.Proposer), by(supervision.Approved, j.Decider)...)
	}
	return i, known
}

func (s spent) paidOut(i *supervision.Item, p settlement.Payout, beside records) {
	var run settlement.Run
	if beside.into(platform.Ref{Kind: run.Ref().Kind, ID: p.Run}, &run) {
		i.Hands = by(supervision.Asked, run.StartedBy...)
	}
	if !run.Automatic && len(p.Approvals) < 2 {
		i.Limit = s.m.Payouts.TakesTwo(p.Amount.Currency())
	}
	for _, a := range p.Approvals {
		i.Hands = append(i.Hands, by(supervision.Approved, a.By...)...)
	}
	i.Hands = append(i.Hands, by(supervision.Paid, p.Payers...)...)
	var d settlement.Details
	if beside.into(platform.Ref{Kind: d.Ref().Kind, ID: p.Details}, &d) {
		i.Print = d.Print
		if d.No > 1 { // the first is no change
			i.Changed = d.At
		}
	}
}

func claimed(i *supervision.Item, c claim.Claim, beside records) {
	i.Hands = by(supervision.Asked, c.Claimant)
	for _, step := range c.Chain {
		i.Hands = append(i.Hands, by(supervision.Approved, step.By)...)
	}
	var p claim.Payment
	if beside.into(platform.Ref{Kind: p.Ref().Kind, ID: c.Payment}, &p) {
		i.Hands = append(i.Hands, by(supervision.Paid, p.Payers...)...)
	}
	for _, voucher := range c.Items {
		if voucher.Voucher != "" {
			i.References = append(i.References, voucher.Voucher)
		}
	}
}

// above is the amount from which on more people approve a claim; absent if none do.
func above(amount platform.Money, beside records) (limit platform.Money) {
	var matrix claim.Matrix
	beside.into(claim.Matrix{}.Ref(), &matrix)
	for _, row := range matrix.Rows {
		more, err := row.From.Cmp(amount)
		if err != nil || more <= 0 {
			continue
		}
		if least, err := row.From.Cmp(limit); err != nil || least < 0 {
			limit = row.From
		}
	}
	return limit
}

// touches are the parties whose payable an item moves: whom a payout goes to, and
// those on the legs of a journal by hand.
func touches(i supervision.Item, j finance.Journal) (parties []platform.ID) {
	if i.What == "payout" {
		return []platform.ID{i.Party}
	}
	for _, l := range j.Legs {
		if l.Role == "payable" && l.Party != "" && !slices.Contains(parties, l.Party) {
			parties = append(parties, l.Party)
		}
	}
	return parties
}

// lines notes to whom the hands of items report, where somebody knows.
func (s spent) lines(ctx context.Context, items []supervision.Item) error {
	if s.m.options.Superiors == nil {
		return nil
	}
	var people []platform.ID
	for _, i := range items {
		for _, h := range i.Hands {
			if !slices.Contains(people, h.By) {
				people = append(people, h.By)
			}
		}
	}
	if len(people) == 0 {
		return nil
	}
	above, err := s.m.options.Superiors(ctx, people...)
	if err != nil {
		return fmt.Errorf("whom people report to: %w", err)
	}
	for _, i := range items {
		for n := range i.Hands {
			i.Hands[n].Line = above[i.Hands[n].By]
		}
	}
	return nil
}

// barred notes which parties' accounts were locked, in one trip, and when each had
// moved before: one read a payout, or a party of a journal.
func (s spent) barred(ctx context.Context, items []supervision.Item) error {
	journals, err := s.journals(ctx, items)
	if err != nil {
		return err
	}
	var ids []platform.ID
	at := map[platform.ID][]int{}
	for n, i := range items {
		for _, party := range touches(i, journals[i.Ref]) {
			id := finance.LockID(finance.Account{Role: "payable", Party: party})
			if at[id] == nil {
				ids = append(ids, id)
			}
			at[id] = append(at[id], n)
			if err := s.moved(ctx, &items[n], party); err != nil {
				return err
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, locks, err := finance.StoreOn(s.m.DB).Bars(ctx, ids...)
	for _, lock := range locks {
		for _, n := range at[lock.ID] {
			switch {
			case items[n].At.Before(lock.Since):
			case lock.Closed:
				items[n].Barred = "closed"
			case lock.Out:
				items[n].Barred = "frozen"
			}
		}
	}
	return err
}

// journals are those that are among items.
func (s spent) journals(ctx context.Context, items []supervision.Item) (map[platform.Ref]finance.Journal, error) {
	var refs []platform.Ref
	for _, i := range items {
		if i.What == "journal" {
			refs = append(refs, i.Ref)
		}
	}
	found, err := s.m.lookup(ctx, refs...)
	all := map[platform.Ref]finance.Journal{}
	for _, ref := range refs {
		var j finance.Journal
		if found.into(ref, &j) {
			all[ref] = j
		}
	}
	return all, err
}

// moved notes when a party's account had moved before an item, as far as the last
// hundred movements tell: an account with more of them does not sleep. A journal
// that touches several keeps the one that slept longest.
func (s spent) moved(ctx context.Context, i *supervision.Item, party platform.ID) error {
	store := finance.StoreOn(s.m.DB)
	counter := platform.Counter("posted:"+finance.Account{Role: "payable", Party: party}.String(), i.Amount.Currency().String())
	all, err := store.MovementsFrom(ctx, counter, 1<<62, 100, true)
	if err != nil {
		return fmt.Errorf("movements of %s: %w", party, err)
	}
	for _, m := range all {
		if m.At.Before(i.At) {
			if i.Last.IsZero() || m.At.Before(i.Last) {
				i.Last = m.At
			}
			break
		}
	}
	return nil
}

// payees are all payout accounts, and where they lead now.
type payees struct{ m *Market }

// Facts implements [supervision.Source].
func (p payees) Facts(ctx context.Context, _ supervision.Window, cursor string) (out platform.Page[supervision.Payee], err error) {
	page, err := platform.List[settlement.Account](ctx, p.m.DB, platform.Query{Kind: settlement.Account{}.Ref().Kind, Limit: 500, Cursor: cursor})
	if err != nil {
		return out, err
	}
	refs := make([]platform.Ref, len(page.Items))
	for n, a := range page.Items {
		refs[n] = platform.Ref{Kind: settlement.Details{}.Ref().Kind, ID: a.Details}
	}
	found, err := p.m.lookup(ctx, refs...)
	for n, a := range page.Items {
		var d settlement.Details
		if found.into(refs[n], &d) {
			out.Items = append(out.Items, supervision.Payee{Ref: a.Ref(), Party: a.Party, Print: d.Print, Changed: d.At})
		}
	}
	out.Next = page.Next
	return out, err
}

// nights are what a night at a hotel cost, by city and seller, as it was claimed.
type nights struct{ m *Market }

// Facts implements [supervision.Source]. A claim item with days is taken as so many
// nights in its city.
func (n nights) Facts(ctx context.Context, w supervision.Window, cursor string) (out platform.Page[supervision.Price], err error) {
	page, err := n.m.happened(ctx, w, cursor, "claim.paid")
	if err != nil {
		return out, err
	}
	about, err := n.m.lookup(ctx, subjects(page.Items)...)
	for _, e := range page.Items {
		var c claim.Claim
		if !about.into(e.Subject, &c) {
			continue
		}
		for _, i := range c.Items {
			if price, ok := night(i); ok {
				out.Items = append(out.Items, supervision.Price{Ref: c.Ref(), Item: i.Category + "/" + i.City, Seller: i.Seller, Amount: price, At: e.At.UTC().Truncate(time.Microsecond)})
			}
		}
	}
	out.Next = page.Next
	return out, err
}

func night(i claim.Item) (platform.Money, bool) {
	if i.Days < 1 || i.City == "" || i.Seller == "" {
		return platform.Money{}, false
	}
	price, err := i.Amount.DivRate(decimal.NewFromInt(int64(i.Days)), platform.HalfEven)
	return price, err == nil
}
