package dispatch

import (
	"cmp"
	"slices"

	"github.com/liangding/platform"
)

// Plan says who should be asked for what. The same policy and snapshot give
// the same plan, to the byte, on any machine. It is plain data: [Plan.Explain]
// needs nothing else.
type Plan struct {
	Hash     string   `json:"hash"` // of policy and snapshot
	Policy   Policy   `json:"policy"`
	Snapshot Snapshot `json:"snapshot"`
	Pairs    []Pair   `json:"pairs"` // by job, nearest first
	Left     []Left   `json:"left"`  // jobs for which nobody is asked
}

// Pair is a member who should be asked for a seat.
type Pair struct {
	Order  platform.ID `json:"order"`
	Seat   int         `json:"seat"`
	Member platform.ID `json:"member"`
	Travel int64       `json:"travel"` // thousandths of a minute
	Cost   int64       `json:"cost"`   // the same, with the price of the member's load
}

// Left is a seat for which nobody is asked, with the code of the reason: place
// (it is none), nobody (nobody is eligible), far (all are too far), busy (all
// are asked for something else, or not again so soon).
type Left struct {
	Order platform.ID `json:"order"`
	Seat  int         `json:"seat"`
	Code  string      `json:"code"`
}

// edge is a member whom a job could get.
type edge struct {
	job, member  int // in the sorted snapshot
	travel, cost int64
}

// Plan pairs each job with the nearest eligible member, the cheapest pair of
// all first, and each member with one job at most. Among equals whoever had
// fewer orders comes first; then ties go by order, seat and member. A job gets as
// many members as Policy.FanOut says, once every job has had its turn. Nobody
// travels further than the radius.
//
// It fails with FieldErrors for a policy outside its ranges, and with
// ErrDuplicate. An empty snapshot gives an empty plan.
func (p Policy) Plan(s Snapshot) (Plan, error) {
	if err := p.Fault(); err != nil {
		return Plan{}, err
	}
	p = p.Ready()
	s, err := s.sorted()
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Policy: p, Snapshot: s, Pairs: []Pair{}, Left: []Left{}}
	if plan.Hash, err = hash(p, s); err != nil {
		return Plan{}, err
	}
	chosen := p.choose(p.edges(s), len(s.Jobs))
	for i, j := range s.Jobs {
		for _, e := range chosen[i] {
			plan.Pairs = append(plan.Pairs, Pair{Order: j.Order, Seat: j.Seat, Member: s.Staff[e.member].Member, Travel: e.travel, Cost: e.cost})
		}
		if len(chosen[i]) == 0 {
			plan.Left = append(plan.Left, Left{Order: j.Order, Seat: j.Seat, Code: plan.why(j)})
		}
	}
	return plan, nil
}

// edges are all pairs that are possible, cheapest first.
func (p Policy) edges(s Snapshot) []edge {
	at := make(map[platform.ID]int, len(s.Staff))
	for i, m := range s.Staff {
		at[m.Member] = i
	}
	var all []edge
	for i, j := range s.Jobs {
		if j.Unplaced {
			continue
		}
		for _, id := range j.Eligible {
			member, present := at[id]
			if !present || s.Staff[member].Asked || j.barred(id) != "" {
				continue
			}
			e := edge{job: i, member: member, travel: p.way(j, s.Staff[member])}
			e.cost = e.travel + p.price(s.Staff[member].Load)
			if e.travel <= p.reach(j.Waited) {
				all = append(all, e)
			}
		}
	}
	slices.SortFunc(all, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(s.Staff[a.member].share(), s.Staff[b.member].share()),
			cmp.Compare(a.job, b.job), cmp.Compare(a.member, b.member))
	})
	return all
}

// way is a member's travel to a job: none to a job without a place, and the
// radius from a place that is not known.
func (p Policy) way(j Job, m Present) int64 {
	switch {
	case j.Place == nil:
		return 0
	case m.Place == nil:
		return milli(p.Radius)
	}
	return p.travel(*m.Place, *j.Place)
}

// choose takes the cheapest edges: first one for each job, then a second for
// each, up to the fan-out.
func (p Policy) choose(edges []edge, jobs int) [][]edge {
	chosen := make([][]edge, jobs)
	asked := map[int]bool{}
	for turn := range p.FanOut {
		for _, e := range edges {
			if len(chosen[e.job]) != turn || asked[e.member] {
				continue
			}
			chosen[e.job] = append(chosen[e.job], e)
			asked[e.member] = true
		}
	}
	return chosen
}

// why is the reason for a job that gets nobody.
func (p Plan) why(j Job) string {
	if j.Unplaced {
		return "place"
	}
	code := "nobody"
	for _, m := range p.Snapshot.Staff {
		if _, eligible := slices.BinarySearch(j.Eligible, m.Member); !eligible {
			continue
		}
		if p.Policy.way(j, m) <= p.Policy.reach(j.Waited) {
			return "busy"
		}
		code = "far"
	}
	return code
}
