package market

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/budget"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/order"
)

// waiting is what should not stand for long. It satisfies [supervision.Source].
type waiting struct{ m *Market }

// a step is one list of what waits; its pages are read one after the other.
type waits func(ctx context.Context, cursor string) (platform.Page[supervision.Waiting], error)

// Facts implements [supervision.Source].
func (x waiting) Facts(ctx context.Context, _ supervision.Window, cursor string) (platform.Page[supervision.Waiting], error) {
	steps := []waits{
		x.payouts("hold", settlement.PayoutSending), x.payouts("unknown", settlement.PayoutUnknown), x.payouts("unknown", settlement.PayoutManual),
		x.refunds(order.RefundApproved), x.refunds(order.RefundProcessing),
		x.payments("payment.attempt", "unknown"), x.payments("payment.attempt", "manual"), x.payments("payment.return", "unknown"), x.payments("payment.return", "manual"),
		x.balances("suspense", "posted:suspense:"), x.balances("unapplied", "available:unapplied:"), x.balances("advance", "available:advance:"),
		x.statements, x.banks,
	}
	at, rest, _ := strings.Cut(cursor, "|")
	n, _ := strconv.Atoi(at)
	if n < 0 || n >= len(steps) {
		return platform.Page[supervision.Waiting]{}, platform.ErrInvalid
	}
	page, err := steps[n](ctx, rest)
	switch {
	case page.Next != "":
		page.Next = strconv.Itoa(n) + "|" + page.Next
	case n+1 < len(steps):
		page.Next = strconv.Itoa(n+1) + "|"
	}
	return page, err
}

// inState pages through the records of a kind that are in a state.
func inState[T any](m *Market, kind, state string, to func(T) supervision.Waiting) waits {
	return func(ctx context.Context, cursor string) (out platform.Page[supervision.Waiting], err error) {
		q := platform.Query{Kind: kind, By: []string{"state"}, Equal: []any{state}, Limit: 500, Cursor: cursor}
		switch kind {
		case settlement.Payout{}.Ref().Kind:
			q.By = []string{"state", "planned"}
		case order.Refund{}.Ref().Kind:
			q.By = []string{"state", "at"}
		}
		page, err := platform.List[T](ctx, m.DB, q)
		for _, record := range page.Items {
			out.Items = append(out.Items, to(record))
		}
		out.Next = page.Next
		return out, err
	}
}

func (x waiting) payouts(what string, state settlement.PayoutState) waits {
	return inState(x.m, settlement.Payout{}.Ref().Kind, string(state), func(p settlement.Payout) supervision.Waiting {
		return supervision.Waiting{Ref: p.Ref(), What: what, Object: string(p.Party), Amount: p.Amount, Since: p.SentAt}
	})
}

func (x waiting) refunds(state order.RefundState) waits {
	return inState(x.m, order.Refund{}.Ref().Kind, string(state), func(r order.Refund) supervision.Waiting {
		return supervision.Waiting{Ref: r.Ref(), What: "hold", Object: string(r.Order), Amount: r.Amount, Since: r.At}
	})
}

// payments are attempts and returns, which have the same fields here.
func (x waiting) payments(kind, state string) waits {
	return inState(x.m, kind, state, func(a payment.Attempt) supervision.Waiting {
		return supervision.Waiting{Ref: platform.Ref{Kind: kind, ID: a.ID}, What: "unknown", Object: string(a.Subject.ID), Amount: a.Amount, Since: a.ID.Time()}
	})
}

// balances are accounts on which something lies, by the beginning of their
// counters' names. Since when is read for each that is not empty.
func (x waiting) balances(what, prefix string) waits {
	return func(ctx context.Context, cursor string) (out platform.Page[supervision.Waiting], err error) {
		page, err := platform.List[platform.Count](ctx, x.m.DB, platform.Query{
			Kind: "counter", From: platform.ID(prefix), Until: platform.ID(strings.TrimSuffix(prefix, ":") + ";"), Limit: 500, Cursor: cursor, // ; follows :
		})
		if err != nil {
			return out, err
		}
		for _, count := range page.Items {
			if count.Value == 0 {
				continue
			}
			name, currency, _ := strings.Cut(string(count.Ref.ID), "/")
			_, account, _ := strings.Cut(name, ":")
			c, err := platform.ParseCurrency(currency)
			if err != nil {
				continue // no money
			}
			amount, err := platform.FromMinor(max(count.Value, -count.Value), c)
			if err != nil {
				return out, err
			}
			since, err := x.since(ctx, count)
			if err != nil {
				return out, err
			}
			out.Items = append(out.Items, supervision.Waiting{Ref: count.Ref, What: what, Object: account, Amount: amount, Since: since})
		}
		out.Next = page.Next
		return out, nil
	}
}

// since is when a counter left zero for the last time, as far as its last 500
// movements tell.
func (x waiting) since(ctx context.Context, count platform.Count) (at time.Time, err error) {
	all, err := finance.StoreOn(x.m.DB).MovementsFrom(ctx, count.Ref, count.Seq+1, 500, true)
	for _, m := range all {
		if m.After == 0 {
			break
		}
		at = m.At
	}
	return at, err
}

// statements are accounts at institutions and banks: whether they were compared,
// and what was left unexplained.
func (x waiting) statements(ctx context.Context, _ string) (out platform.Page[supervision.Waiting], err error) {
	for name, ledger := range x.m.statementLedgers() {
		runs, err := x.m.Recon.Runs(ctx, name, "")
		if err != nil {
			return out, err
		}
		moved, err := x.first(ctx, ledger)
		if err != nil {
			return out, err
		}
		if moved.IsZero() {
			continue
		}
		w := supervision.Waiting{Ref: platform.Ref{Kind: "counter", ID: platform.ID(ledger.String())}, What: "statement", Object: ledger.String(), Since: moved}
		if len(runs.Items) > 0 {
			last := runs.Items[0]
			w.Since = last.Until
			for _, p := range last.Proofs {
				if !p.Holds() {
					out.Items = append(out.Items, supervision.Waiting{Ref: last.Ref(), What: ledger.Role, Object: ledger.String(), Amount: p.Unexplained, Since: last.Until})
				}
			}
		}
		out.Items = append(out.Items, w)
	}
	return out, nil
}

// banks are accounts at banks on which something was booked and whose statements
// nobody compares.
func (x waiting) banks(ctx context.Context, cursor string) (out platform.Page[supervision.Waiting], err error) {
	const prefix = "posted:bank:"
	page, err := platform.List[platform.Count](ctx, x.m.DB, platform.Query{
		Kind: "counter", From: platform.ID(prefix), Until: platform.ID("posted:bank;"), Limit: 500, Cursor: cursor, // ; follows :
	})
	if err != nil {
		return out, err
	}
	compared := slices.Collect(maps.Values(maps.Collect(x.m.statementLedgers())))
	for _, count := range page.Items {
		name, currency, _ := strings.Cut(strings.TrimPrefix(string(count.Ref.ID), prefix), "/")
		ledger := finance.Account{Role: "bank", Party: platform.ID(name)}
		c, err := platform.ParseCurrency(currency)
		if err != nil || slices.Contains(compared, ledger) {
			continue
		}
		moved, err := finance.StoreOn(x.m.DB).MovementsFrom(ctx, count.Ref, 1, 1, false)
		if err != nil {
			return out, err
		}
		amount, err := platform.FromMinor(max(count.Value, -count.Value), c)
		if err != nil {
			return out, err
		}
		if len(moved) > 0 {
			out.Items = append(out.Items, supervision.Waiting{Ref: count.Ref, What: "bank", Object: ledger.String(), Amount: amount, Since: moved[0].At})
		}
	}
	out.Next = page.Next
	return out, nil
}

// first is when an account moved first, in any currency.
func (x waiting) first(ctx context.Context, a finance.Account) (at time.Time, err error) {
	store := finance.StoreOn(x.m.DB)
	counts, err := store.CountersOf(ctx, a)
	for _, c := range counts {
		if all, failed := store.MovementsFrom(ctx, c.Ref, 1, 1, false); len(all) > 0 && (at.IsZero() || all[0].At.Before(at)) {
			at = all[0].At
		} else {
			err = errors.Join(err, failed)
		}
	}
	return at, err
}

// fulfilled holds completed orders against their sales in the books, and
// captures against their orders. It satisfies [supervision.Source].
type fulfilled struct{ m *Market }

// Facts implements [supervision.Source].
func (s fulfilled) Facts(ctx context.Context, w supervision.Window, cursor string) (out platform.Page[supervision.Pair], err error) {
	if rest, later := strings.CutPrefix(cursor, unbilled); later {
		return s.invoiced(ctx, w, rest)
	}
	page, err := s.m.happened(ctx, w, cursor, "order.completed", "payment.captured")
	if err != nil {
		return out, err
	}
	if out.Next = page.Next; out.Next == "" {
		out.Next = unbilled
	}
	var refs []platform.Ref
	var ids []platform.ID
	about, err := s.m.lookup(ctx, subjects(page.Items)...)
	for _, e := range page.Items {
		var a payment.Attempt
		switch {
		case e.Type == "order.completed":
			ids = append(ids, finance.PostingID("order.completed", e.Subject, 0))
		case about.into(e.Subject, &a) && a.Subject.Kind == "order":
			refs = append(refs, a.Subject)
		}
	}
	if err != nil {
		return out, err
	}
	orders, err := s.m.lookup(ctx, refs...)
	if err != nil {
		return out, err
	}
	booked, err := finance.StoreOn(s.m.DB).Posted(ctx, ids...)
	if err != nil {
		return out, err
	}
	sales := map[platform.ID]finance.Posting{}
	for _, p := range booked {
		sales[p.ID] = p
	}
	for _, e := range page.Items {
		var o order.Order
		var a payment.Attempt
		switch {
		case e.Type == "order.completed" && about.into(e.Subject, &o):
			p, known := sales[finance.PostingID("order.completed", e.Subject, 0)]
			out.Items = append(out.Items, sale(o, p, known, e.At)...)
		case e.Type == "payment.captured" && about.into(e.Subject, &a) && a.Subject.Kind == "order":
			pair := supervision.Pair{Ref: e.Subject, What: "order", Party: a.Payer, At: e.At, Expected: a.Received, Found: a.Received}
			if !orders.into(a.Subject, &o) {
				pair.Expected = platform.Money{} // nobody asked for it
			}
			out.Items = append(out.Items, pair)
		}
	}
	return out, nil
}

// unbilled begins the cursors of pages on what should have been invoiced, and
// billing is the time that invoices have after a sale.
const (
	unbilled = "unbilled:"
	billing  = 30 * 24 * time.Hour
)

// invoiced holds the platform's part of sales against the invoices over it: of
// sales as long before the window as invoices have time.
func (s fulfilled) invoiced(ctx context.Context, w supervision.Window, cursor string) (out platform.Page[supervision.Pair], err error) {
	w = supervision.Window{From: w.From.Add(-billing), Until: w.Until.Add(-billing)}
	page, err := s.m.happened(ctx, w, cursor, "order.completed")
	if err != nil {
		return out, err
	}
	if page.Next != "" {
		out.Next = unbilled + page.Next
	}
	refs := subjects(page.Items)
	for _, ref := range subjects(page.Items) {
		refs = append(refs, tally(ref))
	}
	about, err := s.m.lookup(ctx, refs...)
	for _, e := range page.Items {
		var o order.Order
		var t invoice.Tally
		if !about.into(e.Subject, &o) {
			continue
		}
		income, back := sums(s.m.invoiceable(s.m.DB).commission(o), o)
		pair := supervision.Pair{Ref: e.Subject, What: "invoice", Party: o.Merchant, At: e.At, Expected: less(income, back), Found: less(income, income)}
		if about.into(tally(e.Subject), &t) {
			pair.Found = t.Standing()
		}
		if over, err := pair.Found.Cmp(pair.Expected); err == nil && over > 0 {
			pair.Found = pair.Expected // what is too much the invoices tell of themselves
		}
		if pair.Expected.Sign() > 0 {
			out.Items = append(out.Items, pair)
		}
	}
	return out, err
}

// tally names the count of an order's invoices over the platform's part.
func tally(of platform.Ref) platform.Ref {
	return platform.Ref{Kind: invoice.Tally{}.Ref().Kind, ID: invoice.TallyID(of, invoice.ForFee)}
}

// sale is what the books should have of a completed order, and what they have: the
// sale, and the platform's part as it was priced. What was all given back before
// the sale books nothing.
func sale(o order.Order, p finance.Posting, known bool, at time.Time) (pairs []supervision.Pair) {
	left := less(o.Total, o.Refunded)
	if !known && left.Sign() == 0 {
		return nil
	}
	pair := supervision.Pair{Ref: o.Ref(), What: "sale", Party: o.Merchant, At: at, Expected: o.Total}
	if !known {
		return []supervision.Pair{pair}
	}
	pair.Found = pair.Expected
	fee := supervision.Pair{Ref: o.Ref(), What: "fee", Party: o.Merchant, At: at, Expected: less(o.Total, o.Total), Found: less(o.Total, o.Total)}
	given := false
	for _, l := range o.Lines {
		given = given || l.FeeGiven.Sign() != 0
		fee.Expected = plusOf(fee.Expected, l.Fee)
	}
	for _, l := range p.Legs {
		if l.Role == "commission" || l.Role == "output_tax" {
			fee.Found = plusOf(fee.Found, l.Amount.Neg())
		}
	}
	if given {
		return []supervision.Pair{pair} // a refund has taken some of it since
	}
	return []supervision.Pair{pair, fee}
}

func plusOf(a, b platform.Money) platform.Money {
	if sum, err := a.Add(b); err == nil {
		return sum
	}
	return a
}

// planned are the budget lines in force, and what was spent on them. It satisfies
// [supervision.Source].
type planned struct{ m *Market }

// Facts implements [supervision.Source]. It reads the balance of each line at three
// moments: budgets have tens of lines.
func (b planned) Facts(ctx context.Context, w supervision.Window, cursor string) (out platform.Page[supervision.Line], err error) {
	page, err := budget.StoreOn(b.m.DB).LinesOf(ctx, "", cursor)
	if err != nil {
		return out, err
	}
	warned, err := b.m.happened(ctx, w, "", "budget.warned")
	if err != nil {
		return out, err
	}
	for _, l := range page.Items {
		line, err := b.line(ctx, l, w)
		if err != nil {
			return out, err
		}
		for _, e := range warned.Items {
			line.Warned = line.Warned || e.Subject == l.Ref()
		}
		out.Items = append(out.Items, line)
	}
	out.Next = page.Next
	return out, nil
}

func (b planned) line(ctx context.Context, l budget.Line, w supervision.Window) (supervision.Line, error) {
	spent := finance.Account{Role: "spent", Of: l.ID}
	var at [3]platform.Money
	for n, moment := range []time.Time{w.From.Add(w.From.Sub(w.Until)), w.From, w.Until} {
		balance, err := b.m.Books.BalanceAt(ctx, spent, l.Plan.Currency(), moment)
		if err != nil {
			return supervision.Line{}, err
		}
		at[n] = balance.Posted
	}
	line := supervision.Line{Ref: l.Ref(), Name: l.Centre + "/" + l.Account, Plan: until(l, w.Until), Spent: at[2], Month: less(at[2], at[1]), Before: less(at[1], at[0])}
	line.Late = less(line.Month, line.Month)
	if !w.From.Before(l.Until) {
		line.Late = line.Month
	}
	return line, nil
}

// until is the part of a line's plan that belongs to the time until a moment.
func until(l budget.Line, at time.Time) platform.Money {
	if at.After(l.Until) {
		at = l.Until
	}
	share := decimal.NewFromInt(int64(max(0, at.Sub(l.From)))).DivRound(decimal.NewFromInt(int64(l.Until.Sub(l.From))), 6)
	plan, err := l.Plan.MulRate(share, platform.HalfEven)
	if err != nil {
		return l.Plan
	}
	return plan
}
