package finance

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/liangding/platform"
)

// Mirror is what an order says of its own money, for [VerifyOrders].
type Mirror struct {
	Order       platform.ID
	Merchant    platform.ID
	Captured    platform.Money // from the customer, and from the platform for it
	Refunded    platform.Money // gone back
	Earned      platform.Money // the merchant's, not yet released
	ChargedBack platform.Money // by the payer's bank, open or lost
	Taken       bool           // begun in other books: what it says of captured and refunded is theirs, too
}

// VerifyOrders proves the accounts of orders against what the orders say (V9): what
// is on escrow, earning, tips and refund_due of each is what came in, less what went
// back to the customer, and less what went on to others as fees, tax, releases and
// chargebacks; what came in and went back is what the order says; and what the
// merchant has earned lies on its account, but for what a bank has taken of it.
//
// Mirrors come in pages, in the order of ids, and are all there are. Like [Verify] it
// reads everything, writes nothing, and wants a db that shows one moment; it needs
// memory for the accounts of a page of orders.
func VerifyOrders(ctx context.Context, db platform.Getter, mirrors iter.Seq2[[]Mirror, error]) ([]Discrepancy, error) {
	v := &verifier{db: db, store: StoreOn(db)}
	v.books = Books{Store: v.store}
	from := platform.ID("ord_")
	for page, err := range mirrors {
		if err != nil {
			return v.found, fmt.Errorf("verify orders: %w", err)
		}
		if len(page) == 0 {
			continue
		}
		until := page[len(page)-1].Order + ";" // behind what follows an order's id: its currency, or a party
		if err := v.mirrored(ctx, page, from, until); err != nil {
			return v.found, fmt.Errorf("verify orders: %w", err)
		}
		from = until
	}
	if err := v.mirrored(ctx, nil, from, "ore_"); err != nil { // behind all orders
		return v.found, fmt.Errorf("verify orders: %w", err)
	}
	slices.SortFunc(v.found, func(a, b Discrepancy) int {
		return cmp.Or(cmp.Compare(a.Ref.ID, b.Ref.ID), cmp.Compare(a.Expected, b.Expected))
	})
	return v.found, nil
}

// ordered are the roles whose accounts are an order's own.
var ordered = []string{"escrow", "earning", "tips", "refund_due"}

// In the accounts of an order money comes by these facts, and goes back by those;
// what moves it otherwise goes on to others, or comes from them.
var (
	comes = []string{"pay.captured", "pay.promotion", "pay.shared"}
	goes  = []string{"refund.succeeded"}
)

// ordersMoney is what the ledger says of an order in one currency, in minor units.
type ordersMoney struct {
	in, back, on int64 // come in, gone back, gone on to others
	has          int64 // on its accounts now
}

type orderIn struct {
	order    platform.ID
	currency string
}

// mirrored checks the orders with ids from one up to another.
func (v *verifier) mirrored(ctx context.Context, page []Mirror, from, until platform.ID) error {
	money := map[orderIn]*ordersMoney{}
	for _, role := range ordered {
		if err := v.flowed(ctx, money, role, from, until); err != nil {
			return err
		}
	}
	earned, err := v.earned(ctx, page)
	if err != nil {
		return err
	}
	for _, m := range page {
		of := orderIn{m.Order, m.Captured.Currency().String()}
		is := ordersMoney{}
		if money[of] != nil {
			is = *money[of]
		}
		delete(money, of)
		v.mirror(m, is, earned[m.Order])
	}
	for of, is := range money {
		if is.has != 0 || is.in != 0 {
			v.report("V9", platform.Ref{Kind: "order", ID: of.order}, "an order with this money", fmt.Sprintf("%d %s on its accounts, %d came in", is.has, of.currency, is.in))
		}
	}
	return nil
}

// mirror compares what an order says with what the ledger does.
func (v *verifier) mirror(m Mirror, is ordersMoney, available int64) {
	on := platform.Ref{Kind: "order", ID: m.Order}
	captured, refunded := m.Captured.Minor(), m.Refunded.Minor()
	if m.Taken {
		captured, refunded = is.in, is.back
	}
	if want := captured - refunded - is.on; is.has != want {
		v.report("V9", on, fmt.Sprintf("%d on its accounts: %d came, %d went back and %d on", want, captured, refunded, is.on), is.has)
	}
	if captured != is.in {
		v.report("V9", on, fmt.Sprintf("%d captured", is.in), captured)
	}
	if refunded != is.back {
		v.report("V9", on, fmt.Sprintf("%d refunded", is.back), refunded)
	}
	if gone := m.Earned.Minor() - available; gone < 0 || gone > m.ChargedBack.Minor() {
		v.report("V9", on, fmt.Sprintf("%d earned", available), m.Earned.Minor())
	}
}

// earned is what is available on the merchants' earning accounts, by order.
func (v *verifier) earned(ctx context.Context, page []Mirror) (map[platform.ID]int64, error) {
	refs := make([]platform.Ref, len(page))
	for i, m := range page {
		refs[i] = Account{Role: "earning", Of: m.Order, Party: m.Merchant}.counter(available, m.Earned.Currency().String())
	}
	counts, err := v.store.Counts(ctx, refs...)
	all := map[platform.ID]int64{}
	for i, c := range counts {
		all[page[i].Order] = c.Value
	}
	return all, err
}

// flowed adds what moved the accounts of a role, and what is on them.
func (v *verifier) flowed(ctx context.Context, money map[orderIn]*ordersMoney, role string, from, until platform.ID) error {
	q := platform.Query{
		Kind: "movement", By: []string{"counter", "seq"},
		From: platform.Ref{Kind: "counter", ID: platform.ID(posted + ":" + role + ":" + string(from))}, Until: platform.Ref{Kind: "counter", ID: platform.ID(posted + ":" + role + ":" + string(until))},
	}
	counters := map[platform.Ref]orderIn{}
	for page, err := range all[platform.Movement](ctx, v.db, q) {
		if err != nil {
			return err
		}
		causes := make([]platform.Ref, len(page))
		for i, m := range page {
			causes[i] = m.Cause
		}
		known, err := lookup(ctx, v.db, causes...)
		if err != nil {
			return err
		}
		postings := make([]Posting, len(page))
		for i, ref := range causes {
			_ = json.Unmarshal(known[ref].Doc, &postings[i]) // what is no posting, V5 tells
		}
		roots, err := v.books.roots(ctx, slices.DeleteFunc(slices.Clone(postings), func(p Posting) bool { return p.ID == "" }))
		if err != nil {
			return err
		}
		for i, m := range page {
			_, a, currency, err := counted(m.Counter)
			if err != nil {
				continue
			}
			of := orderIn{a.Of, currency}
			counters[m.Counter] = of
			if money[of] == nil {
				money[of] = &ordersMoney{}
			}
			money[of].moved(roots[postings[i].ID].What, -m.Delta)
		}
	}
	refs := slices.Collect(maps.Keys(counters))
	counts, err := v.store.Counts(ctx, refs...)
	for _, c := range counts {
		money[counters[c.Ref]].has -= c.Value
	}
	return err
}

// moved adds what a fact, or what took it back, brought to the order's accounts.
func (o *ordersMoney) moved(what string, amount int64) {
	switch {
	case slices.Contains(comes, what):
		o.in += amount
	case slices.Contains(goes, what):
		o.back -= amount
	default:
		o.on -= amount
	}
}
