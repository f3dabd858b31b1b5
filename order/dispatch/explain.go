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
//	price_of_share     would be nearer, or is as near, but has more orders
//	nearer_colleague   another is nearer
//	tie                another is as good and comes first by id
//
// A seat or member that the plan has not seen is not_eligible.
func (p Plan) Explain(order platform.ID, seat int, member platform.ID) Verdict {
	v := Verdict{Member: member, Code: "not_eligible"}
	job := p.Snapshot.job(order, seat)
	at, present := p.Snapshot.find(member)
	if job < 0 || !present {
		return v
	}
	return p.view(job).verdict(p.Snapshot.Staff[at])
}

// view is a plan as one of its jobs sees it.
type view struct {
	policy Policy
	job    Job
	worst  Pair                 // the dearest of the job's own; none has a travel below 0
	share  int                  // of its member
	asked  map[platform.ID]bool // true for this job, false for another
}

func (p Plan) view(job int) view {
	w := view{policy: p.Policy, job: p.Snapshot.Jobs[job], worst: Pair{Travel: -1}, asked: make(map[platform.ID]bool, len(p.Pairs))}
	for _, pair := range p.Pairs {
		mine := pair.Order == w.job.Order && pair.Seat == w.job.Seat
		w.asked[pair.Member] = mine
		if mine {
			w.worst = pair // the pairs of a job come cheapest first
		}
	}
	if at, found := p.Snapshot.find(w.worst.Member); found {
		w.share = p.Snapshot.Staff[at].share()
	}
	return w
}

// verdict is what became of a member.
func (w view) verdict(m Present) Verdict {
	v := Verdict{Member: m.Member, Code: "not_eligible"}
	if _, eligible := slices.BinarySearch(w.job.Eligible, m.Member); !eligible {
		return v
	}
	if w.job.Unplaced {
		v.Code = "place"
		return v
	}
	v.Travel = w.policy.way(w.job, m)
	v.Cost = v.Travel + w.policy.price(m.Load)
	v.Code = w.code(m, v)
	return v
}

// code is the verdict's code for a member who could take the job.
func (w view) code(m Present, v Verdict) string {
	if code := w.job.barred(m.Member); code != "" {
		return code
	}
	if v.Travel > w.policy.reach(w.job.Waited) {
		return "beyond_radius"
	}
	switch mine, asked := w.asked[m.Member]; {
	case mine:
		return "chosen"
	case asked || m.Asked:
		return "other_order"
	case v.Travel < w.worst.Travel, v.Cost == w.worst.Cost && m.share() > w.share:
		return "price_of_share"
	case v.Cost > w.worst.Cost:
		return "nearer_colleague"
	}
	return "tie"
}

// reasons are what is kept with an offer of why it is made.
func (p Plan) reasons(chosen Pair) Why {
	w := Why{Plan: p.Hash, Travel: chosen.Travel, Cost: chosen.Cost, Counts: map[string]int{}}
	seen := p.view(p.Snapshot.job(chosen.Order, chosen.Seat))
	for _, m := range p.Snapshot.Staff {
		if m.Member == chosen.Member {
			continue
		}
		v := seen.verdict(m)
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
