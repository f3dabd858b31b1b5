package verification

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Due is a requirement that a party has not met.
type Due struct {
	Code  string    `json:"code"`
	Set   string    `json:"set"`
	Kind  Kind      `json:"kind"`
	Phase Phase     `json:"phase"`
	At    time.Time `json:"at,omitzero"`     // its deadline, or when it comes into force; zero without one
	Gates []string  `json:"gates,omitempty"` // what it blocks
}

// Fault says what was wrong with what a party handed in, and what it can do.
type Fault struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy,omitempty"`
	Path   string `json:"path,omitempty"`
}

// Alternative names the other requirements that would satisfy one.
type Alternative struct {
	Code string   `json:"code"`
	Of   []string `json:"of"`
}

// Mode is how a party stands to a capability.
type Mode string

// The modes. With a capability that is enabled or in grace a party may act.
const (
	Enabled    Mode = "enabled"
	InGrace    Mode = "grace"      // until a moment, then disabled
	Restricted Mode = "restricted" // something was never proved
	Disabled   Mode = "disabled"   // something was, and is no longer; or nothing opens it
)

// Capability is what a party may or may not do, and why.
type Capability struct {
	Name   string    `json:"name"`
	Mode   Mode      `json:"mode"`
	Until  time.Time `json:"until,omitzero"`
	Reason string    `json:"reason,omitempty"` // currently_due, pending, rejected, past_due, revoked, closed
	Codes  []string  `json:"codes,omitempty"`  // of the requirements behind it
}

// Usable tells whether the party may act.
func (c Capability) Usable() bool { return c.Mode == Enabled || c.Mode == InGrace }

// Evaluation is how a party stands at a moment. Its lists are in the order of the
// phases, then of the sets' names and of the requirements in them.
type Evaluation struct {
	Eventually   []Due         `json:"eventually_due"` // its phase has not come
	Currently    []Due         `json:"currently_due"`  // missing or rejected, the deadline ahead
	Past         []Due         `json:"past_due"`       // the deadline is over
	Pending      []Due         `json:"pending"`        // handed in, not decided
	Errors       []Fault       `json:"errors"`
	Alternatives []Alternative `json:"alternatives"`
	Future       []Due         `json:"future"` // of versions not in force for the party
	Deadline     time.Time     `json:"current_deadline,omitzero"`
	Next         time.Time     `json:"next_change_at,omitzero"` // when the answer changes with no new fact; zero for never
	Capabilities []Capability  `json:"capabilities"`
}

// Capability is the one of a name; one that the kind of party does not know is
// disabled.
func (e Evaluation) Capability(name string) Capability {
	for _, c := range e.Capabilities {
		if c.Name == name {
			return c
		}
	}
	return Capability{Name: name, Mode: Disabled, Reason: "closed"}
}

// same tells whether two evaluations say the same but for Next.
func (e Evaluation) same(o Evaluation) bool {
	return sameDue(e.Eventually, o.Eventually) && sameDue(e.Currently, o.Currently) && sameDue(e.Past, o.Past) &&
		sameDue(e.Pending, o.Pending) && sameDue(e.Future, o.Future) && slices.Equal(e.Errors, o.Errors) &&
		slices.EqualFunc(e.Alternatives, o.Alternatives, func(a, b Alternative) bool { return a.Code == b.Code && slices.Equal(a.Of, b.Of) }) &&
		slices.EqualFunc(e.Capabilities, o.Capabilities, func(a, b Capability) bool {
			return a.Name == b.Name && a.Mode == b.Mode && a.Until.Equal(b.Until) && a.Reason == b.Reason && slices.Equal(a.Codes, b.Codes)
		})
}

func sameDue(a, b []Due) bool {
	return slices.EqualFunc(a, b, func(a, b Due) bool {
		return a.Code == b.Code && a.Set == b.Set && a.Kind == b.Kind && a.Phase == b.Phase && a.At.Equal(b.At) && slices.Equal(a.Gates, b.Gates)
	})
}

// Evaluate tells how a party stands at now. It is a pure function of its values:
// their order does not matter, nothing is changed, and no answer changes before
// Next without a new fact. Moments count to the microsecond.
//
// A requirement applies unless its scope surely does not hold. It is met while
// evidence of its own, of one of its alternatives, or a waiver covers the moment.
// When what met it ends, or a new version asks it of a party that was here before,
// grace runs, and its gates stay open; after that they are disabled. Of a party
// that never met it, they are restricted. A revoked proof has no grace. One more
// verified submission never takes a capability away.
func Evaluate(p Party, sets []Set, given []Evidence, waivers []Waived, now time.Time) Evaluation {
	j := prepare(p, sets, given, waivers)
	answer := j.at(micro(now))
	for at := micro(now); ; {
		if at = j.after(at); at == never {
			return answer
		}
		if !j.at(at).same(answer) {
			answer.Next = moment(at)
			return answer
		}
	}
}

const (
	never = int64(math.MaxInt64)
	start = int64(math.MinInt64)
)

// micro counts a moment in microseconds.
func micro(t time.Time) int64 { return t.UnixMicro() }

func moment(at int64) time.Time {
	if at == never || at == start {
		return time.Time{}
	}
	return time.UnixMicro(at).UTC()
}

// bound is the microsecond of an end that may be open.
func bound(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return micro(t)
}

// proof is evidence as it counts for one requirement.
type proof struct {
	from, end int64 // it covers [from, end)
	grace     int64 // until when its end is forgiven; start for not at all
}

// rule is a requirement of one version, as it stands to the party.
type rule struct {
	r            *Requirement
	set          string
	from, until  int64 // when the version is in force for the party
	asked        int64 // since when; start for always
	proofs       []proof
	pending      bool
	rejected     *Evidence // the last word, if it was no
	revoked      int64     // when a proof of its own was; start for never
	fixed        bool      // the scope does not depend on time
	applies      bool
	reached      bool
	gates        uint8 // bits of the places in the judge's capabilities
	anew         bool  // not asked by the version before
	introduction int64 // until when a party that was here before has time; start for none
}

// judge is everything that an evaluation looks at but the time.
type judge struct {
	p      *Party
	rules  []rule
	order  []int // of the rules, by their phases
	spans  []span
	names  []string
	proofs []proof // of all rules
	edges  []int64 // where an answer can change
}

// span is when a version is in force for the party.
type span struct {
	from, until int64
	open        bool
}

// after is the first edge behind a moment.
func (j *judge) after(at int64) int64 {
	next := never
	for _, edge := range j.edges {
		if edge > at && edge < next {
			next = edge
		}
	}
	return next
}

// verdict is how a party stands to one requirement.
type verdict struct {
	met      bool
	deadline int64 // start if there never was one
	reason   string
}

// at judges a requirement that is asked.
func (u *rule) at(now int64) verdict {
	v := verdict{deadline: u.introduction, reason: "currently_due"}
	for _, p := range u.proofs {
		if p.from <= now && now < p.end {
			return verdict{met: true}
		}
		if p.end <= now {
			v.deadline = max(v.deadline, p.grace)
		}
	}
	switch {
	case v.deadline > now:
		v.reason = "grace"
	case u.revoked > start && u.revoked <= now && v.deadline <= u.revoked:
		v.reason, v.deadline = "revoked", u.revoked
	case v.deadline > start:
		v.reason = "past_due"
	case u.pending:
		v.reason = "pending"
	case u.rejected != nil:
		v.reason = "rejected"
	}
	return v
}

func (u *rule) due(at int64) Due {
	return Due{Code: u.r.Code, Set: u.set, Kind: u.r.Kind, Phase: u.r.Phase, At: moment(at), Gates: u.r.Gates}
}

// gate is what the requirements make of one capability.
type gate struct {
	named bool
	mode  Mode
	until int64
	why   string
	codes []string
}

// severities are the modes, the strictest last.
var severities = []Mode{Enabled, InGrace, Restricted, Disabled}

// shut makes the gate as strict as a requirement demands, if it is not already.
func (g *gate) shut(mode Mode, until int64, why, code string) {
	switch c := slices.Index(severities, mode) - slices.Index(severities, g.mode); {
	case c < 0:
		return
	case c > 0:
		*g = gate{named: true, mode: mode, until: until, why: why}
	}
	g.until = min(g.until, until)
	g.codes = append(g.codes, code)
}

// at is the evaluation at a moment, without Next.
func (j *judge) at(now int64) Evaluation {
	e := Evaluation{
		Eventually: []Due{}, Currently: []Due{}, Past: []Due{}, Pending: []Due{},
		Errors: []Fault{}, Alternatives: []Alternative{}, Future: []Due{},
	}
	gates := make([]gate, len(j.names))
	for i := range gates {
		gates[i].mode = Enabled
	}
	deadline := never
	for _, i := range j.order {
		u := &j.rules[i]
		if now >= u.until {
			continue
		}
		if applies := u.fixed && u.applies || !u.fixed && u.r.Scope.applies(j.p, moment(now)); !applies {
			if now >= u.from {
				u.name(gates)
			}
			continue
		}
		if now < u.from {
			if u.anew {
				e.Future = append(e.Future, u.due(u.from))
			}
			continue
		}
		u.name(gates)
		if at := e.list(u, gates, now); at > now {
			deadline = min(deadline, at)
		}
	}
	e.Deadline = moment(deadline)
	e.Capabilities = j.capabilities(gates, now)
	return e
}

func (u *rule) name(gates []gate) {
	for i := range gates {
		gates[i].named = gates[i].named || u.gates&(1<<i) != 0
	}
}

// list puts a requirement that is in force where it belongs, and shuts its gates.
// It returns its deadline, if that is ahead.
func (e *Evaluation) list(u *rule, gates []gate, now int64) (deadline int64) {
	v := u.at(now)
	if u.pending {
		e.Pending = append(e.Pending, u.due(ahead(v.deadline, now)))
	}
	if v.met {
		return start
	}
	threshold := u.r.Phase == AtCount || u.r.Phase == AtVolume
	if !u.reached || now < u.asked {
		e.Eventually = append(e.Eventually, u.due(start))
		if threshold {
			return start
		}
		u.close(gates, Restricted, never, "currently_due")
		return start
	}
	if u.rejected != nil {
		e.Errors = append(e.Errors, Fault{Code: u.r.Code, Reason: u.rejected.Reason, Remedy: cmp.Or(u.rejected.Remedy, u.r.Remedy), Path: u.rejected.Path})
	}
	if len(u.r.Instead) > 0 {
		e.Alternatives = append(e.Alternatives, Alternative{Code: u.r.Code, Of: u.r.Instead})
	}
	switch {
	case v.deadline > now:
		u.close(gates, InGrace, v.deadline, v.reason)
	case v.deadline > start:
		e.Past = append(e.Past, u.due(v.deadline))
		u.close(gates, Disabled, never, v.reason)
		return start
	default:
		u.close(gates, Restricted, never, v.reason)
	}
	if u.pending {
		return start
	}
	e.Currently = append(e.Currently, u.due(v.deadline))
	return v.deadline
}

// ahead is a deadline that has not come; start for another.
func ahead(deadline, now int64) int64 {
	if deadline > now {
		return deadline
	}
	return start
}

func (u *rule) close(gates []gate, mode Mode, until int64, why string) {
	for i := range gates {
		if u.gates&(1<<i) != 0 {
			gates[i].shut(mode, until, why, u.r.Code)
		}
	}
}

// capabilities are those of the party's kind. One that no requirement names is
// enabled if a set leaves it open, or none is in force at all.
func (j *judge) capabilities(gates []gate, now int64) []Capability {
	force, open := false, false
	for _, s := range j.spans {
		if s.from <= now && now < s.until {
			force, open = true, open || s.open
		}
	}
	all := make([]Capability, len(gates))
	for i, g := range gates {
		all[i] = Capability{Name: j.names[i], Mode: g.mode, Codes: g.codes, Reason: g.why}
		if g.mode == InGrace {
			all[i].Until = moment(g.until)
		}
		if !g.named && force && !open {
			all[i].Mode, all[i].Reason = Disabled, "closed"
		}
	}
	return all
}
