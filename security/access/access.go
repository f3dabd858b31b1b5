// Package access says which role may give which command. It satisfies
// [platform.Guard], so that every command of every domain passes it; the rules
// of ownership in the domains hold beside it, whatever it allows.
//
// Begin with [New], or with [Default], and hand the policy to
// platform.Writer.Guard.
package access

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/liangding/platform"
)

// Refusals.
var (
	ErrDenied  = platform.Err(platform.ErrDenied, "access.denied", "no role of yours allows this", "您的角色无此权限")
	ErrPattern = platform.Err(platform.ErrInvalid, "access.pattern", `a grant is a command such as "order.cancel", "order.*" or "*"`, "授权须为命令名、“域.*”或“*”")
)

var _ platform.Guard = (*Policy)(nil)

// Policy is a compiled set of roles. It never changes and may be used by
// several goroutines at once. The zero Policy allows nothing.
type Policy struct {
	roles map[string]role
}

// kinds are the roles that come with the kind of actor alone.
var kinds = map[string]bool{
	string(platform.Customer): true, string(platform.Merchant): true, string(platform.Staff): true,
	string(platform.Operator): true, string(platform.System): true, string(platform.Auditor): true,
}

type role struct {
	all      bool
	domains  map[string]bool
	commands map[string]bool
}

// pattern is a grant: all, a domain, or a command as [platform.Update] names it.
var pattern = regexp.MustCompile(`^(\*|[a-z][a-z0-9_]*\.(\*|[a-z][A-Za-z0-9]*))$`)

// New compiles roles: each is a list of commands that it may give, by name
// ("order.cancel"), by domain ("order.*") or all ("*"). What no role grants is
// denied. A role named after a kind of actor holds for all actors of that kind,
// and cannot be granted to others.
//
// It fails with ErrPattern for a grant that no command can match, and for a role
// without name.
func New(roles map[string][]string) (*Policy, error) {
	p := &Policy{roles: make(map[string]role, len(roles))}
	for name, grants := range roles {
		r := role{domains: map[string]bool{}, commands: map[string]bool{}}
		for _, g := range grants {
			domain, all := strings.CutSuffix(g, ".*")
			switch {
			case name == "" || !pattern.MatchString(g):
				return nil, fmt.Errorf("role %q: %q: %w", name, g, ErrPattern)
			case g == "*":
				r.all = true
			case all:
				r.domains[domain] = true
			default:
				r.commands[g] = true
			}
		}
		p.roles[name] = r
	}
	return p, nil
}

// Default opens to customers, merchants and staff the domains in which they have
// anything to do; there the domains' own tables and ownership rules decide. It
// divides the operators' commands among five roles: admission, service, finance,
// risk and admin. The system may give every command, auditors none. Commands of a
// platform's own need a policy of its own: what is named here nowhere is denied.
func Default() *Policy {
	p, err := New(map[string][]string{
		string(platform.Customer): {"order.*", "payment.pay", "care.*"},
		string(platform.Merchant): {"merchant.*", "order.*", "dispatch.*"},
		string(platform.Staff):    {"staff.*", "order.*", "dispatch.*"},
		string(platform.System):   {"*"},
		"admission":               {"merchant.*", "staff.*"},
		"service":                 {"order.*", "dispatch.*", "care.*", "payment.pay"},
		"finance":                 {"finance.*", "payment.*", "order.approveRefund", "order.rejectRefund", "order.requestRefund"},
		"risk":                    {"risk.*", "screen.*", "order.clearReview", "merchant.suspend", "merchant.restore"},
		"admin":                   {"*"},
	})
	if err != nil {
		panic(err) // the table above
	}
	return p
}

// Permit implements [platform.Guard]. It refuses with ErrDenied, and allocates
// nothing when it allows.
func (p *Policy) Permit(_ context.Context, act platform.Act) ([]platform.Change, error) {
	actor, action := act.Actor, act.Action
	if p.grants(string(actor.Kind), action) {
		return nil, nil
	}
	for _, name := range actor.Roles {
		if !kinds[name] && p.grants(name, action) {
			return nil, nil
		}
	}
	return nil, platform.Detail(fmt.Errorf("%s as %s: %w", action, actor.Kind, ErrDenied), "action", action)
}

func (p *Policy) grants(name, action string) bool {
	r, known := p.roles[name]
	if !known {
		return false
	}
	domain, _, _ := strings.Cut(action, ".")
	return r.all || r.domains[domain] || r.commands[action]
}

// WhoCan lists the roles that may give a command, in order.
func (p *Policy) WhoCan(action string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.roles)), func(name string) bool { return !p.grants(name, action) })
}
