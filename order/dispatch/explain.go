package dispatch

import (
	"cmp"
	"slices"

	"github.com/liangding/platform"
)

// Verdict is what a plan made of one member for one seat.
type Verdict struct {
	Member platform.ID `json:"member,omitempty"` // empty where another's identity is masked
	Code   string      `json:"code"`
	Travel int64       `json:"travel,omitempty"` // thousandths of a minute
	Cost   int64       `json:"cost,omitempty"`
}

// Explain tells what the plan made of a member for a seat, as the first of
//
//	not_eligible       staff does not let the member take this work then
//	place              the order's place is none
//	cool_down offered quota overlap   asked a short while ago, asked now, asked enough, booked meanwhile
//	beyond_radius      further than anybody travels for an order
//	chosen             is asked
//	other_order        is asked for another order of the plan
//	price_of_share     would be nearer, but holds more orders
//	nearer_colleague   another is nearer
//	tie                another is as good and comes first by id
//
// A seat or member that the plan has not seen is not_eligible.
func (p Plan) Explain(order platform.ID, seat int, member platform.ID) Verdict {
	v := Verdict{Member: member, Code: "not_eligible"}
	job := slices.IndexFunc(p.Snapshot.Jobs, func(j Job) bool { return j.Order == order && j.Seat == seat })
	at, present := slices.BinarySearchFunc(p.Snapshot.Staff, member, func(m Present, id platform.ID) int { return cmp.Compare(m.Member, id) })
	if job < 0 || !present {
		return v
	}
	j, m := p.Snapshot.Jobs[job], p.Snapshot.Staff[at]
	if _, eligible := slices.BinarySearch(j.Eligible, member); !eligible {
		return v
	}
	if j.Unplaced {
		v.Code = "place"
		return v
	}
	v.Travel = p.Policy.way(j, m)
	v.Cost = v.Travel + p.Policy.price(m.Load)
	v.Code = p.verdict(j, v)
	return v
}

// verdict is the code for a member who could take the job.
func (p Plan) verdict(j Job, v Verdict) string {
	if code := j.barred(v.Member); code != "" {
		return code
	}
	if v.Travel > p.Policy.reach(j.Waited) {
		return "beyond_radius"
	}
	worst := Pair{Travel: -1}
	for _, pair := range p.Pairs {
		mine := pair.Order == j.Order && pair.Seat == j.Seat
		switch {
		case mine && pair.Member == v.Member:
			return "chosen"
		case pair.Member == v.Member:
			return "other_order"
		case mine:
			worst = pair // the pairs of a job come nearest first
		}
	}
	switch {
	case v.Travel < worst.Travel:
		return "price_of_share"
	case v.Cost > worst.Cost:
		return "nearer_colleague"
	}
	return "tie"
}

// reasons are what is kept with an offer of why it is made.
func (p Plan) reasons(chosen Pair) Why {
	w := Why{Plan: p.Hash, Travel: chosen.Travel, Cost: chosen.Cost, Counts: map[string]int{}}
	for _, m := range p.Snapshot.Staff {
		if m.Member == chosen.Member {
			continue
		}
		v := p.Explain(chosen.Order, chosen.Seat, m.Member)
		w.Counts[v.Code]++
		w.Others = append(w.Others, v)
	}
	slices.SortFunc(w.Others, func(a, b Verdict) int {
		far := func(v Verdict) int {
			if v.Code == "not_eligible" {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(far(a), far(b)), cmp.Compare(a.Cost, b.Cost), cmp.Compare(a.Member, b.Member))
	})
	w.Others = slices.Clip(w.Others[:min(len(w.Others), 20)])
	return w
}
