package verification

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// prepare brings the facts into the form in which they are judged.
func prepare(p Party, sets []Set, given []Evidence, waivers []Waived) *judge {
	p.Since = p.Since.Truncate(time.Microsecond)
	j := &judge{p: &p, names: capabilities[p.Kind]}
	byCode := chains(given)
	j.reserve(sets, len(given)+len(waivers))
	sets = slices.Clone(sets)
	slices.SortFunc(sets, func(a, b Set) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Number, b.Number)) })
	for from := 0; from < len(sets); {
		until := from
		for until < len(sets) && sets[until].Name == sets[from].Name {
			until++
		}
		j.versions(sets[from:until], byCode, waivers)
		from = until
	}
	j.order = make([]int, 0, len(j.rules))
	for _, phase := range phases {
		for i := range j.rules {
			if j.rules[i].r.Phase == phase {
				j.order = append(j.order, i)
			}
		}
	}
	return j
}

// reserve makes room, so that an evaluation allocates little.
func (j *judge) reserve(sets []Set, facts int) {
	n := 0
	for i := range sets {
		n += len(sets[i].Requirements)
	}
	j.rules, j.proofs = make([]rule, 0, n), make([]proof, 0, facts)
	j.edges = make([]int64, 0, 2*len(sets)+2*n+3*facts)
}

// chain is evidence, linked by its code.
type chain struct {
	given []Evidence
	first map[string]int
	next  []int // -1 at the end
}

func chains(given []Evidence) chain {
	c := chain{given: given, first: make(map[string]int, len(given)), next: make([]int, len(given))}
	for i := range given {
		c.next[i] = -1
		if before, known := c.first[given[i].Code]; known {
			c.next[i] = before
		}
		c.first[given[i].Code] = i
	}
	return c
}

// of is the evidence of a code.
func (c chain) of(code string) iter.Seq[*Evidence] {
	return func(yield func(*Evidence) bool) {
		i, known := c.first[code]
		for known && i >= 0 && yield(&c.given[i]) {
			i = c.next[i]
		}
	}
}

// switched is when a version takes effect for the party: with time to change if it
// was here before.
func (p *Party) switched(s *Set) int64 {
	if p.Since.Before(s.Effective) {
		return micro(s.Effective) + (time.Duration(s.Transition) * day).Microseconds()
	}
	return micro(s.Effective)
}

// versions adds the requirements of all versions of one name, in their order.
func (j *judge) versions(sets []Set, given chain, waivers []Waived) {
	var before *Set
	asked := map[string]int64{} // by code, of the version before
	for v := range sets {
		s := &sets[v]
		in := span{from: j.p.switched(s), until: never, open: s.Open}
		for w := range sets[v+1:] {
			in.until = min(in.until, j.p.switched(&sets[v+1+w]))
		}
		if in.from >= in.until {
			continue // a later one takes effect no later
		}
		j.spans = append(j.spans, in)
		j.edges = append(j.edges, in.from, in.until)
		now := map[string]int64(nil)
		if v+1 < len(sets) { // a later version asks since when
			now = make(map[string]int64, len(s.Requirements))
		}
		for place := range s.Requirements {
			u := j.rule(s, before, place, in, asked)
			if now != nil {
				now[u.r.Code] = u.asked
			}
			first := len(j.proofs)
			j.prove(&u, s, given, waivers)
			u.proofs = j.proofs[first:len(j.proofs):len(j.proofs)]
			j.rules = append(j.rules, u)
		}
		before, asked = s, now
	}
}

// rule is a requirement without what proves it.
func (j *judge) rule(s, before *Set, place int, in span, asked map[string]int64) rule {
	r := &s.Requirements[place]
	u := rule{r: r, set: s.Name, from: in.from, until: in.until, asked: start, introduction: start, revoked: start, anew: true, reached: j.p.reached(r)}
	u.since(j.p, s, before, asked)
	u.edges(j)
	for _, gate := range r.Gates {
		if i := slices.Index(j.names, gate); i >= 0 {
			u.gates |= 1 << i
		}
	}
	return u
}

// since finds from when on the requirement is asked, and how long a party has
// that was here before.
func (u *rule) since(p *Party, s, before *Set, asked map[string]int64) {
	if at, old := asked[u.r.Code]; old && (u.r.Oldest == 0 || before.Number >= u.r.Oldest) {
		u.asked, u.anew = at, false
	} else if p.Since.Before(s.Effective) {
		u.asked = u.from
	}
	if u.r.Phase == AtCount || u.r.Phase == AtVolume {
		if at, known := p.Asked[u.r.Code]; known {
			u.asked = max(u.asked, micro(at))
		} else if u.asked == start && !p.Since.IsZero() {
			u.asked = micro(p.Since)
		}
	}
	if u.asked > start {
		u.introduction = u.asked + u.r.grace().Microseconds()
	}
}

// edges are the moments at which the requirement itself changes.
func (u *rule) edges(j *judge) {
	u.fixed = true
	for _, at := range u.r.Scope.ages(j.p.Since) {
		j.edges, u.fixed = append(j.edges, micro(at)), false
	}
	if u.fixed {
		u.applies = u.r.Scope.applies(j.p, time.Time{})
	}
	if u.asked > start {
		j.edges = append(j.edges, u.asked, u.introduction)
	}
}

// prove gathers what counts for the requirement: its own evidence, that of its
// alternatives and of theirs, and waivers.
func (j *judge) prove(u *rule, s *Set, given chain, waivers []Waived) {
	if len(u.r.Instead) == 0 {
		j.add(u, u.r, given)
	} else {
		seen := map[string]bool{}
		for more := []string{u.r.Code}; len(more) > 0; more = more[1:] {
			r, known := s.Requirement(more[0])
			if !known || seen[r.Code] {
				continue
			}
			seen[r.Code] = true
			j.add(u, &r, given)
			more = append(more, r.Instead...)
		}
	}
	for _, w := range waivers {
		if w.Code == u.r.Code && u.r.Kind.waivable() {
			p := proof{from: micro(w.From), end: micro(w.Until), grace: start}
			j.proofs, j.edges = append(j.proofs, p), append(j.edges, p.from, p.end)
		}
	}
}

// add counts the evidence of one code for the requirement.
func (j *judge) add(u *rule, of *Requirement, given chain) {
	own, revoked := of.Code == u.r.Code, start
	for e := range given.of(of.Code) {
		if e.State == Revoked {
			revoked = max(revoked, micro(e.At))
		}
	}
	if own {
		if u.revoked = revoked; revoked > start {
			j.edges = append(j.edges, revoked)
		}
		if u.introduction > start && u.asked <= revoked {
			u.introduction = start
		}
	}
	for e := range given.of(of.Code) {
		if own {
			u.note(e)
		}
		if e.Version < of.Oldest {
			continue
		}
		p := proof{from: micro(e.From), end: bound(e.ends(of)), grace: start}
		switch {
		case e.proves():
			if p.end != never && p.end > revoked {
				p.grace = p.end + u.r.grace().Microseconds()
			}
		case !e.Deadline.IsZero() && e.State != Revoked && micro(e.At) > revoked:
			p = proof{from: start, end: start, grace: micro(e.Deadline)} // it proves nothing, and is forgiven so long
		default:
			continue
		}
		j.proofs, j.edges = append(j.proofs, p), append(j.edges, p.from, p.end, p.grace)
	}
}

// note keeps what was said last about the party's own evidence.
func (u *rule) note(e *Evidence) {
	switch e.State {
	case Pending:
		u.pending = true
	case Rejected:
		last := u.rejected
		if last == nil || e.At.After(last.At) || e.At.Equal(last.At) && e.Submission > last.Submission {
			u.rejected = e
		}
	}
}
