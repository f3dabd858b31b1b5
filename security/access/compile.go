package access

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security"
)

// Policy is compiled rules. It never changes and may be used by several
// goroutines at once. The zero Policy allows nothing.
//
// Every act falls into one cell: that of its action, of its kind and field, and
// of its purpose. A cell holds the roles that it forbids and permits as bits, so
// a check costs a few look-ups and two ands, however many rules there are.
type Policy struct {
	epoch     int64
	rules     []rule
	roles     map[string]holder
	names     []string // by bit
	exclusive [][]string
	exact     map[string]*action
	domains   map[string]*action // "order.*", by its domain
	any       *action            // "*"
	fields    map[place]platform.Field
	fault     error // why nothing else is permitted, if the stored rules cannot be read
}

type (
	// holder is a role's bit, and whether it comes with the kind of actor alone.
	holder struct {
		bit    uint8
		byKind bool
	}

	// set is a set of roles.
	set [4]uint64

	// place is a kind of record and one of its fields, or none.
	place struct{ kind, field string }

	// rule is a permission of a role, compiled.
	rule struct {
		Permission
		id      string // "service/3"
		role    uint8
		forbids bool
		when    func(platform.Act) bool
	}

	// action is the table of an action: a row for each place that its rules tell
	// apart, a column for each purpose; the first of both are for all others.
	action struct {
		guarded  bool
		rows     map[place]int
		purposes map[string]int
		cells    []cell
	}

	cell struct {
		forbid, permit set
		conditional    []int // rules with a condition, those that forbid first
		rules          []int // all, in order
	}
)

// kinds are the roles that come with the kind of actor alone.
var kinds = map[string]bool{
	string(platform.Customer): true, string(platform.Merchant): true, string(platform.Staff): true,
	string(platform.Operator): true, string(platform.System): true, string(platform.Auditor): true,
}

// most roles that a policy has.
const most = len(set{}) * 64

// pattern is all, a domain, or a command as [platform.Update] names it.
var pattern = regexp.MustCompile(`^(\*|[a-z][a-z0-9_]*\.(\*|[a-z][A-Za-z0-9]*))$`)

// Compile checks the rules against what is known, and builds the index. It fails
// with FieldErrors that name every rule at fault: ErrPattern for an action that no
// command can have, ErrUnknown for what nobody knows.
func (r Rules) Compile(known Known) (*Policy, error) {
	p := &Policy{
		roles: map[string]holder{}, exclusive: r.Exclusive, fields: map[place]platform.Field{},
		exact: map[string]*action{}, domains: map[string]*action{}, any: &action{},
	}
	for _, k := range known.Kinds {
		p.fields[place{kind: k.Name}] = platform.Field{Class: platform.Public}
		for _, f := range k.Fields {
			p.fields[place{k.Name, f.Path}] = f
		}
	}
	if wrong := p.take(r, known); len(wrong) > 0 {
		return nil, wrong
	}
	for _, rule := range p.rules {
		p.name(rule.Action)
	}
	for _, guarded := range r.Guarded {
		p.name(guarded)
	}
	for name, a := range p.exact {
		p.build(a, name, r.Guarded)
	}
	for domain, a := range p.domains {
		p.build(a, domain+".*", r.Guarded)
	}
	p.build(p.any, "*", r.Guarded)
	return p, nil
}

// name makes an action's entry.
func (p *Policy) name(text string) {
	domain, all := strings.CutSuffix(text, ".*")
	switch {
	case text == "*":
	case all:
		p.domains[domain] = &action{}
	default:
		p.exact[text] = &action{}
	}
}

// take reads the rules, and tells what is wrong with them.
func (p *Policy) take(r Rules, known Known) (wrong platform.FieldErrors) {
	for i, role := range r.Roles {
		at := fmt.Sprintf("roles[%d]", i)
		if _, twice := p.roles[role.Name]; twice || role.Name == "" || len(role.Name) > 64 || strings.Contains(role.Name, "@") || i >= most {
			wrong = append(wrong, platform.Wrong(at+".name", errRole)...)
			continue
		}
		p.roles[role.Name] = holder{uint8(i), kinds[role.Name]}
		p.names = append(p.names, role.Name)
		for j, permission := range slices.Concat(role.May, role.Never) {
			rule := rule{Permission: permission, id: fmt.Sprintf("%s/%d", role.Name, j+1), role: uint8(i), forbids: j >= len(role.May), when: known.When[permission.When]}
			path := fmt.Sprintf("%s.may[%d]", at, j)
			if rule.forbids {
				path = fmt.Sprintf("%s.never[%d]", at, j-len(role.May))
			}
			wrong = append(wrong, p.faults(path, permission, known)...)
			p.rules = append(p.rules, rule)
		}
	}
	for i, names := range r.Exclusive {
		for j, name := range names {
			if h, there := p.roles[name]; !there || h.byKind {
				wrong = append(wrong, platform.Wrong(fmt.Sprintf("exclusive[%d][%d]", i, j), ErrUnknown)...)
			}
		}
	}
	for i, guarded := range r.Guarded {
		if err := known.action(guarded); err != nil {
			wrong = append(wrong, platform.Wrong(fmt.Sprintf("guarded[%d]", i), err)...)
		}
	}
	return wrong
}

// faults are what is wrong with a permission.
func (p *Policy) faults(path string, r Permission, known Known) (wrong platform.FieldErrors) {
	refuse := func(field string, err error) { wrong = append(wrong, platform.Wrong(path+"."+field, err)...) }
	if err := known.action(r.Action); err != nil {
		refuse("action", err)
	}
	if _, there := p.fields[place{kind: r.Kind}]; r.Kind != "" && !there {
		refuse("kind", ErrUnknown)
	}
	if r.Field != "" && r.Field != "*" && !careful(p.fields[place{r.Kind, r.Field}].Class) {
		refuse("field", ErrUnknown)
	}
	if r.View != "" && (r.Field == "" || !slices.Contains(security.Views(), r.View)) {
		refuse("view", ErrUnknown)
	}
	if r.When != "" && known.When[r.When] == nil {
		refuse("when", ErrUnknown)
	}
	return wrong
}

// action tells what is wrong with a pattern.
func (k Known) action(text string) error {
	domain, all := strings.CutSuffix(text, "*")
	switch {
	case !pattern.MatchString(text):
		return ErrPattern
	case len(k.Actions) == 0, text == "*":
		return nil
	case slices.ContainsFunc(slices.Concat(k.Actions, own), func(a string) bool { return a == text || all && strings.HasPrefix(a, domain) }):
		return nil
	}
	return ErrUnknown
}

// careful tells whether a field of the class is sealed.
func careful(c platform.Class) bool {
	return c == platform.Personal || exposed(c)
}

// exposed tells whether it is of those that do most harm.
func exposed(c platform.Class) bool { return c == platform.Sensitive || c == platform.Secret }

// covers tells whether a pattern matches an action, or all that another matches.
func covers(pattern, action string) bool {
	domain, all := strings.CutSuffix(pattern, "*")
	return pattern == action || all && strings.HasPrefix(action, domain)
}

// build fills the table of an action with the rules that cover it.
func (p *Policy) build(a *action, name string, guarded []string) {
	a.guarded = slices.ContainsFunc(guarded, func(g string) bool { return covers(g, name) })
	a.rows, a.purposes = map[place]int{{}: 0}, map[string]int{"": 0}
	places, purposes := []place{{}}, []string{""}
	add := func(at place) {
		if _, there := a.rows[at]; !there {
			a.rows[at] = len(places)
			places = append(places, at)
		}
	}
	var mine []int
	for i, r := range p.rules {
		if !covers(r.Action, name) {
			continue
		}
		mine = append(mine, i)
		if r.Kind != "" {
			add(place{kind: r.Kind})
		}
		if _, there := a.purposes[r.Purpose]; !there {
			a.purposes[r.Purpose] = len(purposes)
			purposes = append(purposes, r.Purpose)
		}
	}
	if slices.ContainsFunc(mine, func(i int) bool { return p.rules[i].Field != "" }) {
		for at, field := range p.fields {
			if careful(field.Class) {
				add(at)
			}
		}
	}
	a.cells = make([]cell, len(places)*len(purposes))
	for row, at := range places {
		for column, purpose := range purposes {
			a.cells[row*len(purposes)+column] = p.cell(mine, at, purpose)
		}
	}
}

// cell gathers what holds for a place and a purpose.
func (p *Policy) cell(rules []int, at place, purpose string) (c cell) {
	for _, i := range rules {
		r := p.rules[i]
		if !r.matches(at, p.fields[at], purpose) {
			continue
		}
		c.rules = append(c.rules, i)
		switch {
		case r.when != nil && r.forbids:
			c.conditional = slices.Insert(c.conditional, 0, i)
		case r.when != nil:
			c.conditional = append(c.conditional, i)
		case r.forbids:
			c.forbid.add(r.role)
		default:
			c.permit.add(r.role)
		}
	}
	return c
}

// matches tells whether the rule is about a place and a purpose. To forbid, it
// need not name the field.
func (r rule) matches(at place, field platform.Field, purpose string) bool {
	switch {
	case r.Kind != "" && r.Kind != at.kind, r.Purpose != "" && r.Purpose != purpose:
		return false
	case r.Field == at.field:
		return true
	case r.forbids:
		return r.Field == "" || r.Field == "*" && at.field != ""
	}
	return r.Field == "*" && field.Class == platform.Personal && (r.Purpose == "" || r.Purpose == field.Purpose)
}

func (s *set) add(bit uint8)     { s[bit/64] |= 1 << (bit % 64) }
func (s set) has(bit uint8) bool { return s[bit/64]&(1<<(bit%64)) != 0 }

func (s set) meets(o set) bool {
	return s[0]&o[0]|s[1]&o[1]|s[2]&o[2]|s[3]&o[3] != 0
}
