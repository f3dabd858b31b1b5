package access

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security"
)

var _ platform.Guard = (*Policy)(nil)

// Decision is an answer that explains itself.
type Decision struct {
	Allowed bool     `json:"allowed"`
	View    string   `json:"view,omitempty"`  // of the field that is looked at
	Rules   []string `json:"rules,omitempty"` // that decided, as "role/number"
	Epoch   int64    `json:"epoch"`           // the policy's version; 0 is the program's own
	Duties  []string `json:"duties,omitempty"`
	Why     string   `json:"why"` // in a line
}

// What else an act demands: of its session, and of those who let it happen.
const (
	stepUp = "step_up" // a session that proved itself anew a short time ago
	review = "review"  // somebody else looks at it afterwards
	notify = "notify"  // the person concerned is told
)

// Permit implements [platform.Guard] for the roles that the actor brings along.
// It refuses with ErrDenied, and allocates nothing when it allows.
func (p *Policy) Permit(_ context.Context, act platform.Act) ([]platform.Change, error) {
	if p.permits(act, p.held(act.Actor)) {
		return nil, nil
	}
	return nil, p.denial(act)
}

// denial is ErrDenied; ErrUnexplained for a look that does not say what for; and
// ErrSegregation when a role of the actor's own forbids the act that excludes
// others.
func (p *Policy) denial(act platform.Act) error {
	refusal := ErrDenied
	switch {
	case p.fault != nil:
		refusal = p.fault
	case unexplained(act):
		refusal = ErrUnexplained
	case p.ruledOut(act):
		refusal = ErrSegregation
	}
	return platform.Detail(fmt.Errorf("%s as %s: %w", act.Action, act.Actor.Kind, refusal), "action", act.Action)
}

// ruledOut tells whether a role that the actor has brought along forbids the act,
// of those that exclude others: who has it must not act so.
func (p *Policy) ruledOut(act platform.Act) bool {
	var apart set
	for _, names := range p.exclusive {
		for _, name := range names {
			if h, known := p.roles[name]; known && act.Actor.Has(name) {
				apart.add(h.bit)
			}
		}
	}
	c := p.find(act)
	return c != nil && apart != (set{}) && p.forbids(c, act, apart)
}

// unexplained tells whether an act looks at something without saying at what,
// what for and why. No role is above that.
func unexplained(act platform.Act) bool {
	return (act.Field != "" || act.Action == reveal) && (act.Field == "" || act.Purpose == "" || act.Reason == "")
}

// held is the set of the actor's roles, those of its kind included.
func (p *Policy) held(a platform.Actor) (s set) {
	if h, known := p.roles[string(a.Kind)]; known && h.byKind {
		s.add(h.bit)
	}
	for _, name := range a.Roles {
		if h, known := p.roles[name]; known && !h.byKind {
			s.add(h.bit)
		}
	}
	return s
}

// permits is the whole check: forbidden first, conditions last.
func (p *Policy) permits(act platform.Act, roles set) bool {
	c := p.find(act)
	if c == nil || unexplained(act) || c.forbid.meets(roles) {
		return false
	}
	for _, i := range c.conditional {
		r := &p.rules[i]
		switch {
		case !r.forbids && c.permit.meets(roles):
			return true
		case !roles.has(r.role) || !r.holds(act):
		case r.forbids:
			return false
		default:
			return true
		}
	}
	return c.permit.meets(roles)
}

// holds asks the rule's condition. One that panics permits nothing.
func (r *rule) holds(act platform.Act) (holds bool) {
	defer func() {
		if recover() != nil {
			holds = r.forbids
		}
	}()
	return r.when == nil || r.when(act)
}

// action is the table of an action: its own, its domain's, or that of all.
func (p *Policy) action(name string) *action {
	if a, known := p.exact[name]; known {
		return a
	}
	domain, _, _ := strings.Cut(name, ".")
	if a, known := p.domains[domain]; known {
		return a
	}
	return p.any
}

// find is the cell of an act; nil for a field that nobody knows.
func (p *Policy) find(act platform.Act) *cell {
	a := p.action(act.Action)
	if a == nil {
		return nil
	}
	row, column := 0, 0
	if len(a.rows) > 1 || act.Field != "" {
		var known bool
		if row, known = a.rows[place{act.On.Kind, act.Field}]; !known && act.Field != "" {
			return nil
		}
	}
	if len(a.purposes) > 1 {
		column = a.purposes[act.Purpose]
	}
	return &a.cells[row*len(a.purposes)+column]
}

// guarded tells whether the act needs a grant in force at its commit.
func (p *Policy) guarded(name string) bool {
	a := p.action(name)
	return a != nil && a.guarded
}

// Why decides as Permit does, and explains it.
func (p *Policy) Why(act platform.Act) Decision { return p.why(act, p.held(act.Actor)) }

func (p *Policy) why(act platform.Act, roles set) Decision {
	d := Decision{Epoch: p.epoch, Allowed: p.permits(act, roles)}
	what := act.Action
	if act.Field != "" {
		what += " of " + act.On.Kind + "." + act.Field
	}
	switch c := p.find(act); {
	case unexplained(act):
		d.Why = what + " needs field, purpose and reason, whatever the role"
	case c == nil:
		d.Why = what + " is about a field that no policy knows"
	default:
		view := len(security.Views())
		for _, i := range c.rules {
			r := &p.rules[i]
			if !roles.has(r.role) || r.forbids == d.Allowed || !r.holds(act) {
				continue
			}
			d.Rules = append(d.Rules, r.id)
			if at := slices.Index(security.Views(), r.view()); act.Field != "" && at < view {
				view, d.View = at, r.view()
			}
		}
		switch {
		case d.Allowed:
			d.Why = what + " is permitted by " + strings.Join(d.Rules, ", ")
		case len(d.Rules) > 0:
			d.Why, d.View = what+" is forbidden by "+strings.Join(d.Rules, ", "), ""
		default:
			d.Why = what + " is permitted by no role held"
		}
	}
	if d.Allowed && p.guarded(act.Action) {
		d.Duties = append(d.Duties, stepUp)
	}
	return d
}

func (r rule) view() string {
	if r.View == "" {
		return security.Full
	}
	return r.View
}

// View names the view that the actor's roles have of the act's field, the widest
// of several. It fails as Permit does.
func (p *Policy) View(act platform.Act) (string, error) {
	if d := p.Why(act); d.Allowed {
		return d.View, nil
	}
	return "", p.denial(act)
}

// WhoCan lists the roles that may take the action on a kind of record and a
// field of it, for some purpose and under some condition; both may be empty. The
// roles are in order.
func (p *Policy) WhoCan(action, kind, field string) []string {
	a := p.action(action)
	if a == nil || action == reveal && field == "" {
		return nil
	}
	row, known := a.rows[place{kind, field}]
	if !known && field != "" {
		return nil
	}
	var names []string
	for _, c := range a.cells[row*len(a.purposes) : (row+1)*len(a.purposes)] {
		for _, i := range c.rules {
			if r := p.rules[i]; !r.forbids && !c.forbid.has(r.role) {
				names = append(names, p.names[r.role])
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// forbids tells whether a rule of the roles forbids the act, whatever permits it.
func (p *Policy) forbids(c *cell, act platform.Act, roles set) bool {
	if c.forbid.meets(roles) {
		return true
	}
	for _, i := range c.conditional {
		if r := &p.rules[i]; r.forbids && roles.has(r.role) && r.holds(act) {
			return true
		}
	}
	return false
}
