package supervision

import (
	"maps"
	"slices"

	"github.com/liangding/platform"
)

// segregation is C2: one person in two parts of an item, or two of one reporting
// line. That somebody approves what those who report to them ask for is how it
// should be, and no hit.
func segregation(f Facts, _ Params, w Window) (hits []Hit) {
	for _, i := range f.Items {
		if !w.covers(i.At) {
			continue
		}
		for n, a := range i.Hands {
			for _, b := range i.Hands[n+1:] {
				if code := tied(a, b); code != "" {
					hits = append(hits, Hit{code, string(a.By), []platform.Ref{i.Ref}, i.Amount, "separate"})
				}
			}
		}
	}
	return hits
}

// tied tells how two hands should not be on one item.
func tied(a, b Hand) string {
	line := a.Line != "" && (a.Line == b.By || a.Line == b.Line) || b.Line != "" && b.Line == a.By
	asks := a.As == Asked && b.As == Approved || a.As == Approved && b.As == Asked
	switch {
	case a.As == b.As:
		return ""
	case a.By == b.By:
		return "same_person"
	case line && !asks:
		return "same_line"
	}
	return ""
}

// given are the items by which the house gives money up.
var given = []string{"write_off", "refund", "compensation"}

// concentration is C12: who approved, or got, more than some times the median
// share of what was given up in the month.
func concentration(f Facts, p Params, w Window) (hits []Hit) {
	type sort struct {
		what     string
		currency platform.Currency
	}
	all := groups(f.Items, func(i Item) (sort, bool) {
		return sort{i.What, i.Amount.Currency()}, slices.Contains(given, i.What) && w.covers(i.At)
	})
	for _, g := range all {
		approvers, parties := map[string][]Item{}, map[string][]Item{}
		for _, i := range g {
			for _, h := range i.Hands {
				if h.As == Approved {
					approvers[string(h.By)] = append(approvers[string(h.By)], i)
				}
			}
			if i.Party != "" {
				parties[string(i.Party)] = append(parties[string(i.Party)], i)
			}
		}
		hits = append(hits, concentrated("approver_share", approvers, p)...)
		hits = append(hits, concentrated("beneficiary_share", parties, p)...)
	}
	return hits
}

// concentrated are those whose sum is more than some times the median of all.
// Two are nobody's median.
func concentrated(code string, by map[string][]Item, p Params) (hits []Hit) {
	if len(by) < 3 {
		return nil
	}
	sums := map[string]platform.Money{}
	var all []int64
	for who, items := range by {
		amounts := make([]platform.Money, len(items))
		for n, i := range items {
			amounts[n] = i.Amount
		}
		sums[who] = sum(amounts...)
		all = append(all, sums[who].Minor())
	}
	middle := median(all)
	for _, who := range slices.Sorted(maps.Keys(by)) {
		if mulCmp(sums[who].Minor(), 1, middle, p.Times) <= 0 {
			continue
		}
		var refs []platform.Ref
		for _, i := range by[who][:min(len(by[who]), mostRefs)] {
			refs = append(refs, i.Ref)
		}
		hits = append(hits, Hit{code, who, refs, sums[who], "review_practice"})
	}
	return hits
}
