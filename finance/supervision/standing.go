package supervision

import (
	"slices"

	"github.com/liangding/platform"
)

// stale is C5: what waits for longer than it should.
func stale(f Facts, p Params, w Window) []Hit {
	return overdue(f.Waiting, w, map[string]int64{
		"hold": int64(p.Hold), "suspense": int64(p.Suspense), "unapplied": int64(p.Unapplied), "unknown": int64(p.Unknown), "advance": int64(p.Advance),
	}, "clear_up")
}

// unreconciled is C6: money at institutions and banks that nobody has compared,
// and statements that did not come.
func unreconciled(f Facts, p Params, w Window) []Hit {
	limit := int64(p.Reconciled)
	return overdue(f.Waiting, w, map[string]int64{"clearing": limit, "bank": limit, "statement": limit}, "reconcile")
}

func overdue(waiting []Waiting, w Window, limits map[string]int64, proposal string) (hits []Hit) {
	for _, x := range waiting {
		limit, watched := limits[x.What]
		if watched && int64(w.Until.Sub(x.Since)) > limit {
			hits = append(hits, Hit{x.What, x.Object, []platform.Ref{x.Ref}, x.Amount, proposal})
		}
	}
	return hits
}

// incomplete is C8: what should be there for something and is not, or is another
// amount.
func incomplete(f Facts, _ Params, _ Window) (hits []Hit) {
	for _, x := range f.Pairs {
		if x.Expected == x.Found {
			continue
		}
		amount, err := x.Expected.Sub(x.Found)
		switch {
		case err != nil && !x.Expected.Absent():
			amount = x.Expected
		case err != nil:
			amount = x.Found
		}
		if amount.Sign() < 0 {
			amount = amount.Neg()
		}
		hits = append(hits, Hit{x.What, string(x.Party), []platform.Ref{x.Ref}, amount, "book"})
	}
	return hits
}

// budgets is C10: lines far from their plan, spending after the period, warnings.
func budgets(f Facts, p Params, w Window) (hits []Hit) {
	month := ":" + w.Until.Add(-1).In(p.Zone).Format("2006-01") // of each month anew
	for _, l := range f.Lines {
		refs := []platform.Ref{l.Ref}
		off, err := l.Spent.Sub(l.Plan)
		if off.Sign() < 0 {
			off = off.Neg()
		}
		if err == nil && off.Minor() > whole(p.Least, off.Currency()) && mulCmp(off.Minor(), 100, l.Plan.Minor(), p.Variance) > 0 {
			hits = append(hits, Hit{"variance" + month, l.Name, refs, off, "forecast"})
		}
		if l.Late.Sign() > 0 {
			hits = append(hits, Hit{"late_spending" + month, l.Name, refs, l.Late, "move"})
		}
		if l.Warned {
			hits = append(hits, Hit{"warned" + month, l.Name, refs, l.Spent, "forecast"})
		}
	}
	return hits
}

// structure is C11: lines with most of all spending, or much more than the month
// before, and things that cost more at one seller than at others. The amount of a
// hit is what putting it right would save, and so what its fix is measured by.
func structure(f Facts, p Params, w Window) (hits []Hit) {
	month := ":" + w.Until.Add(-1).In(p.Zone).Format("2006-01")
	currency := func(l Line) (platform.Currency, bool) { return l.Month.Currency(), l.Month.Sign() > 0 }
	for _, g := range groups(f.Lines, currency) {
		amounts := make([]platform.Money, len(g))
		for n, l := range g {
			amounts[n] = l.Month
		}
		total := sum(amounts...)
		for _, l := range g {
			least := whole(p.Least, l.Month.Currency())
			if len(g) > 1 && l.Month.Minor() > least && mulCmp(l.Month.Minor(), 100, total.Minor(), p.Share) > 0 {
				hits = append(hits, Hit{"share" + month, l.Name, []platform.Ref{l.Ref}, l.Month, "rebalance"})
			}
			more, err := l.Month.Sub(l.Before)
			if err == nil && l.Before.Sign() > 0 && more.Minor() > least && mulCmp(more.Minor(), 100, l.Before.Minor(), p.Trend) > 0 {
				hits = append(hits, Hit{"trend" + month, l.Name, []platform.Ref{l.Ref}, more, "explain"})
			}
		}
	}
	return append(hits, dear(f.Prices, p, w)...)
}

// dear are prices far above the median of the same thing. Two sellers at least
// have to sell it.
func dear(prices []Price, p Params, w Window) (hits []Hit) {
	type thing struct {
		item     string
		currency platform.Currency
	}
	for _, g := range groups(prices, func(x Price) (thing, bool) { return thing{x.Item, x.Amount.Currency()}, x.Amount.Sign() > 0 }) {
		var all []int64
		var sellers []string
		for _, x := range g {
			all = append(all, x.Amount.Minor())
			if !slices.Contains(sellers, x.Seller) {
				sellers = append(sellers, x.Seller)
			}
		}
		middle := median(all)
		for _, x := range g {
			if len(sellers) < 2 || !w.covers(x.At) || mulCmp(x.Amount.Minor(), 100, middle, 100+p.Dearer) <= 0 {
				continue
			}
			usual, err := platform.FromMinor(x.Amount.Minor()-middle, x.Amount.Currency())
			if err == nil {
				hits = append(hits, Hit{"dear", x.Item + "@" + x.Seller, []platform.Ref{x.Ref}, usual, "renegotiate"})
			}
		}
	}
	return hits
}
