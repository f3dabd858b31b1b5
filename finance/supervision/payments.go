package supervision

import (
	"cmp"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// outgoing are items that leave the house.
var outgoing = []string{"payout", "claim", "refund", "compensation"}

// groups divides facts, in the order in which each group's first comes.
func groups[F any, K comparable](facts []F, key func(F) (K, bool)) [][]F {
	at := map[K]int{}
	var all [][]F
	for _, f := range facts {
		k, belongs := key(f)
		if !belongs {
			continue
		}
		i, known := at[k]
		if !known {
			i, at[k] = len(all), len(all)
			all = append(all, nil)
		}
		all[i] = append(all[i], f)
	}
	return all
}

func byTime(items []Item) []Item {
	items = slices.Clone(items)
	slices.SortStableFunc(items, func(a, b Item) int { return a.At.Compare(b.At) })
	return items
}

// duplicates is C1: one amount to one party twice within days, and one voucher or
// invoice on two items.
func duplicates(f Facts, p Params, w Window) (hits []Hit) {
	type same struct {
		what   string
		party  platform.ID
		amount platform.Money
	}
	paid := groups(byTime(f.Items), func(i Item) (same, bool) {
		return same{i.What, i.Party, i.Amount}, i.Party != "" && slices.Contains(outgoing, i.What)
	})
	for _, g := range paid {
		for n := 1; n < len(g); n++ {
			if g[n].At.Sub(g[n-1].At) <= p.Duplicate && w.covers(g[n].At) {
				hits = append(hits, Hit{"paid_twice", string(g[n].Party), []platform.Ref{g[n-1].Ref, g[n].Ref}, g[n].Amount, "reclaim"})
			}
		}
	}
	first := map[string]Item{}
	for _, i := range byTime(f.Items) {
		for _, voucher := range i.References {
			other, known := first[voucher]
			if !known {
				first[voucher] = i
				continue
			}
			if other.Ref != i.Ref && w.covers(i.At) {
				object := cmp.Or(splitter(i), voucher)
				hits = append(hits, Hit{"voucher_twice", object, []platform.Ref{other.Ref, i.Ref}, i.Amount, "reclaim"})
			}
		}
	}
	return hits
}

// covers tells whether a moment lies in the window, rather than before it.
func (w Window) covers(at time.Time) bool { return !at.Before(w.From) && at.Before(w.Until) }

// splits is C3: what stays below a limit by itself and exceeds it together, and
// amounts just below it.
func splits(f Facts, p Params, w Window) (hits []Hit) {
	type same struct {
		what   string
		object string
		limit  platform.Money
	}
	limited := groups(byTime(f.Items), func(i Item) (same, bool) {
		return same{i.What, splitter(i), i.Limit}, i.Limit.Sign() > 0 && i.Limit.Currency() == i.Amount.Currency() && i.Amount.Minor() <= i.Limit.Minor()
	})
	for _, g := range limited {
		hits = append(hits, together(g, p, w)...)
	}
	for _, i := range f.Items {
		if i.Limit.Sign() <= 0 || i.Limit.Currency() != i.Amount.Currency() || !w.covers(i.At) {
			continue
		}
		over := mulCmp(i.Amount.Minor(), 100, i.Limit.Minor(), p.Near) > 0
		if over && i.Amount.Minor() < i.Limit.Minor() {
			hits = append(hits, Hit{"near_limit", splitter(i), []platform.Ref{i.Ref}, i.Amount, "explain"})
		}
	}
	return hits
}

// splitter is whose items are looked at together: who gets the money, or who asked
// for what nobody gets.
func splitter(i Item) string {
	for _, h := range i.Hands {
		if h.As == Asked && i.Party == "" {
			return string(h.By)
		}
	}
	return string(i.Party)
}

// together finds items of one limit that exceed it within days. Each that ends
// such a span in the window is a hit, with those before it.
func together(g []Item, p Params, w Window) (hits []Hit) {
	from := 0
	for n, last := range g {
		for last.At.Sub(g[from].At) > p.Split {
			from++
		}
		span := g[from : n+1]
		amounts := make([]platform.Money, len(span))
		refs := make([]platform.Ref, len(span))
		for i, item := range span {
			amounts[i], refs[i] = item.Amount, item.Ref
		}
		if total := sum(amounts...); len(span) > 1 && total.Minor() > last.Limit.Minor() && w.covers(last.At) {
			hits = append(hits, Hit{"split", splitter(last), refs, total, "approve_together"})
			from = n + 1 // what follows counts anew
		}
	}
	return hits
}

// accounts is C7: a bank account that changed shortly before a payout, and one
// account of two parties.
func accounts(f Facts, p Params, w Window) (hits []Hit) {
	for _, i := range f.Items {
		if i.What == "payout" && w.covers(i.At) && !i.Changed.IsZero() && !i.Changed.After(i.At) && i.At.Sub(i.Changed) <= p.Cooling {
			hits = append(hits, Hit{"account_changed", string(i.Party), []platform.Ref{i.Ref}, i.Amount, "call_back"})
		}
	}
	shared := groups(f.Payees, func(y Payee) (string, bool) { return y.Print, y.Print != "" })
	for _, g := range shared {
		var refs []platform.Ref
		parties := map[platform.ID]bool{}
		for _, y := range g {
			parties[y.Party] = true
			refs = append(refs, y.Ref)
		}
		if len(parties) > 1 {
			hits = append(hits, Hit{Code: "account_shared", Object: string(g[0].Party), Refs: refs, Proposal: "ask_owner"})
		}
	}
	return hits
}

// barred is C9: money that moved on a frozen, closed or dormant account.
func barred(f Facts, p Params, w Window) (hits []Hit) {
	for _, i := range f.Items {
		if i.Barred == "" && !i.Last.IsZero() && i.At.Sub(i.Last) > p.Dormant {
			i.Barred = "dormant"
		}
		if i.Barred != "" && w.covers(i.At) {
			hits = append(hits, Hit{i.Barred, splitter(i), []platform.Ref{i.Ref}, i.Amount, "stop"})
		}
	}
	return hits
}
