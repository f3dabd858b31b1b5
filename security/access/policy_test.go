package access_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security"
	"github.com/liangding/platform/security/access"
)

func compiled(t testing.TB, r access.Rules) *access.Policy {
	t.Helper()
	p, err := r.Compile(access.Known{Kinds: []platform.Kind{guests}})
	require.NoError(t, err)
	return p
}

func TestAC1DenyByDefaultAndForbidOverrides(t *testing.T) {
	t.Parallel()
	p := compiled(t, rules())
	for name, c := range map[string]struct {
		act     platform.Act
		allowed bool
	}{
		"a domain":                   {platform.Act{Actor: operator("clerk"), Action: "access_test.ring"}, true},
		"a domain that begins alike": {platform.Act{Actor: operator("clerk"), Action: "access_tester.ring"}, false},
		"no role":                    {platform.Act{Actor: operator(), Action: "access_test.ring"}, false},
		"an unknown role":            {platform.Act{Actor: operator("king"), Action: "access_test.ring"}, false},
		"a role of a kind of actor":  {platform.Act{Actor: operator("system"), Action: "access_test.ring"}, false},
		"a scoped role, unscoped":    {platform.Act{Actor: operator("clerk@mer"), Action: "access_test.ring"}, false},
		"that kind of actor":         {platform.Act{Actor: platform.SystemActor("x"), Action: "access_test.ring"}, true},
		"nobody":                     {platform.Act{Action: "access_test.ring"}, false},
		"any command, for all":       {platform.Act{Actor: operator("admin"), Action: "anything.atAll"}, true},
		"no command":                 {platform.Act{Actor: operator("clerk")}, false},
		"forbidden to one role":      {platform.Act{Actor: operator("clerk", "porter"), Action: "access_test.bill"}, false},
		"and only that":              {platform.Act{Actor: operator("clerk", "porter"), Action: "access_test.ring"}, true},
		"a look":                     {look(operator("clerk"), "phone", "calling"), true},
		"for another purpose":        {look(operator("clerk"), "phone", "selling"), false},
		"at another field":           {look(operator("clerk"), "name", "calling"), false},
		"at any personal field":      {look(operator("keeper"), "name", "calling"), true},
		"which a card is not":        {look(operator("keeper"), "card", "calling"), false},
		"but by name":                {look(operator("keeper"), "card", "police"), true},
		"a field that is not sealed": {look(operator("keeper"), "room", "calling"), false},
		"an unknown field":           {look(operator("keeper"), "shoe", "calling"), false},
		"no look with all commands":  {look(operator("admin"), "phone", "calling"), false},
		"a look that is forbidden":   {look(operator("keeper", "porter"), "phone", "calling"), false},
	} {
		_, err := p.Permit(t.Context(), c.act)
		why := p.Why(c.act)
		assert.Equal(t, c.allowed, err == nil, name)
		assert.Equal(t, c.allowed, why.Allowed, name)
		assert.NotEmpty(t, why.Why, name)
		if !c.allowed {
			require.ErrorIs(t, err, platform.ErrDenied, name)
			assert.Equal(t, "access.denied", platform.Code(err), name)
			_, blind := p.View(c.act)
			require.ErrorIs(t, blind, platform.ErrDenied, name)
		}
	}
	_, err := new(access.Policy).Permit(t.Context(), platform.Act{Actor: operator("admin"), Action: "order.cancel"})
	require.ErrorIs(t, err, access.ErrDenied)
	assert.Empty(t, new(access.Policy).WhoCan("order.cancel", "", ""))
}

func TestAC1AConditionThatPanicsPermitsNothing(t *testing.T) {
	t.Parallel()
	on := func(may, never string) access.Rules {
		role := access.Role{Name: "r", May: []access.Permission{{Action: "a.b", When: may}}}
		if never != "" {
			role.Never = []access.Permission{{Action: "a.b", When: never}}
		}
		return access.Rules{Roles: []access.Role{role}}
	}
	known := access.Known{When: map[string]func(platform.Act) bool{
		"yes": func(platform.Act) bool { return true }, "no": func(platform.Act) bool { return false },
		"broken": func(platform.Act) bool { panic("a condition") },
	}}
	for _, c := range []struct {
		may, never string
		allowed    bool
	}{{"yes", "", true}, {"no", "", false}, {"broken", "", false}, {"yes", "no", true}, {"yes", "yes", false}, {"yes", "broken", false}, {"", "broken", false}, {"", "no", true}} {
		p, err := on(c.may, c.never).Compile(known)
		require.NoError(t, err)
		_, err = p.Permit(t.Context(), platform.Act{Actor: operator("r"), Action: "a.b"})
		assert.Equal(t, c.allowed, err == nil, "may %q never %q", c.may, c.never)
	}
}

func TestAC2ALookWithoutPurposeOrReasonIsDenied(t *testing.T) {
	t.Parallel()
	all := access.Rules{Roles: []access.Role{{Name: "all", May: []access.Permission{
		{Action: "*"}, {Action: "*", Field: "*"}, {Action: "vault.reveal", Kind: "guest", Field: "card"},
	}}}}
	p, actor := compiled(t, all), operator("all")
	for _, field := range []string{"phone", "card"} {
		_, err := p.Permit(t.Context(), look(actor, field, "calling"))
		require.NoError(t, err, field)
		for _, bare := range []platform.Act{
			{Actor: actor, Action: "vault.reveal", On: guest, Field: field},
			{Actor: actor, Action: "vault.reveal", On: guest, Field: field, Purpose: "calling"},
			{Actor: actor, Action: "vault.reveal", On: guest, Field: field, Reason: "asked"},
			{Actor: actor, Action: "order.cancel", On: guest, Field: field, Reason: "asked"},
			{Actor: actor, Action: "vault.reveal", On: guest, Purpose: "calling", Reason: "asked"},
		} {
			_, err := p.Permit(t.Context(), bare)
			require.ErrorIs(t, err, access.ErrUnexplained)
			require.ErrorIs(t, err, platform.ErrDenied)
			assert.False(t, p.Why(bare).Allowed)
		}
	}
}

func TestRulesAtFaultAreRefusedWhenLoaded(t *testing.T) {
	t.Parallel()
	one := func(p access.Permission) access.Rules {
		return access.Rules{Roles: []access.Role{{Name: "r", May: []access.Permission{p}}}}
	}
	known := access.Known{Kinds: []platform.Kind{guests}, Actions: []string{"order.cancel"}}
	for path, bad := range map[string]access.Rules{
		"roles[0].may[0].kind":     one(access.Permission{Action: "order.cancel", Kind: "ghost"}),
		"roles[0].may[0].field":    one(access.Permission{Action: "vault.reveal", Kind: "guest", Field: "shoe"}),
		"roles[0].may[0].view":     one(access.Permission{Action: "vault.reveal", Kind: "guest", Field: "phone", View: "half"}),
		"roles[0].may[0].when":     one(access.Permission{Action: "order.cancel", When: "raining"}),
		"exclusive[0][1]":          {Roles: []access.Role{{Name: "r"}}, Exclusive: [][]string{{"r", "s"}}},
		"exclusive[0][0]":          {Roles: []access.Role{{Name: "customer"}}, Exclusive: [][]string{{"customer"}}},
		"guarded[0]":               {Guarded: []string{"ghost.walk"}},
		"roles[1].name":            {Roles: []access.Role{{Name: "r"}, {Name: "r"}}},
		"roles[0].name":            {Roles: []access.Role{{Name: "r@x"}}},
		"roles[0].never[0].action": {Roles: []access.Role{{Name: "r", Never: []access.Permission{{Action: "ghost.walk"}}}}},
	} {
		_, err := bad.Compile(known)
		wrong, ok := err.(platform.FieldErrors) //nolint:errorlint // exactly this
		require.True(t, ok, path)
		assert.Equal(t, path, wrong[0].Path)
		require.ErrorIs(t, err, platform.ErrInvalid)
	}
	for _, bad := range []string{"", "order", ".cancel", "order.", "or*er.cancel", "order.can*", "**", " order.*", "order.cancel ", "Order.cancel", "order.Cancel", "order.cancel.all", "*.cancel", "order.*.*", "ghost.*", "order.walk"} {
		_, err := one(access.Permission{Action: bad}).Compile(known)
		require.ErrorIs(t, err, platform.ErrInvalid, bad)
	}
	many := access.Rules{}
	for i := range 257 {
		many.Roles = append(many.Roles, access.Role{Name: fmt.Sprint("r", i)})
	}
	_, err := many.Compile(known)
	require.ErrorIs(t, err, platform.ErrInvalid)
	_, err = one(access.Permission{Action: "order.*"}).Compile(known)
	require.NoError(t, err)
}

// naive decides an act by reading every rule. It is what the index must equal.
func naive(r access.Rules, fields map[string]platform.Field, act platform.Act) (allowed bool) {
	reveals := act.Action == "vault.reveal"
	if (reveals || act.Field != "") && (act.Field == "" || act.Purpose == "" || act.Reason == "") {
		return false
	}
	field := fields[act.On.Kind+"."+act.Field]
	class := field.Class
	if act.Field != "" && class != platform.Personal && class != platform.Sensitive && class != platform.Secret {
		return false
	}
	for _, role := range r.Roles {
		byKind := slices.Contains([]string{"customer", "merchant", "staff", "operator", "system", "auditor"}, role.Name)
		if byKind && string(act.Actor.Kind) != role.Name || !byKind && !slices.Contains(act.Actor.Roles, role.Name) {
			continue
		}
		about := func(p access.Permission) bool {
			domain, _, _ := strings.Cut(act.Action, ".")
			return (p.Action == "*" || p.Action == domain+".*" || p.Action == act.Action) &&
				(p.Kind == "" || p.Kind == act.On.Kind) && (p.Purpose == "" || p.Purpose == act.Purpose) && (p.When == "" || even(act))
		}
		for _, p := range role.Never {
			if about(p) && (p.Field == "" || p.Field == act.Field || p.Field == "*" && act.Field != "") {
				return false
			}
		}
		for _, p := range role.May {
			allowed = allowed || about(p) && (p.Field == act.Field || p.Field == "*" && class == platform.Personal && (p.Purpose == "" || p.Purpose == field.Purpose))
		}
	}
	return allowed
}

func even(act platform.Act) bool { return len(act.Reason)%2 == 0 }

// world is everything that made-up rules and requests can name.
type world struct {
	kinds  []platform.Kind
	fields map[string]platform.Field
	names  []string // of fields
	known  access.Known
}

func newWorld() world {
	w := world{fields: map[string]platform.Field{}, names: []string{"", "", "*"}}
	classes := []platform.Class{platform.Public, platform.Internal, platform.Personal, platform.Sensitive, platform.Secret}
	for k := range 6 {
		kind := platform.Kind{Name: fmt.Sprint("kind", k)}
		for f := range 5 {
			field := platform.Field{Path: fmt.Sprint("field", f), Class: classes[(k+f)%len(classes)], Purpose: []string{"visit", "law", "care"}[(k+2*f)%3]}
			kind.Fields = append(kind.Fields, field)
			w.fields[kind.Name+"."+field.Path] = field
		}
		w.kinds = append(w.kinds, kind)
	}
	for f := range 6 { // one that nobody knows
		w.names = append(w.names, fmt.Sprint("field", f))
	}
	w.known = access.Known{Kinds: w.kinds, When: map[string]func(platform.Act) bool{"even": even}}
	return w
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

var actions = []string{"vault.reveal", "order.cancel", "order.place", "staff.hire", "staff.bar", "risk.resolve"}

// rules makes up n permissions in roles.
func (w world) rules(r *rand.Rand, n int) access.Rules {
	var rules access.Rules
	for i := range 12 {
		rules.Roles = append(rules.Roles, access.Role{Name: fmt.Sprint("role", i)})
	}
	rules.Roles = append(rules.Roles, access.Role{Name: "customer"}, access.Role{Name: "operator"})
	for range n {
		p := access.Permission{Action: pick(r, append(actions, "order.*", "staff.*", "vault.*", "*")...), Purpose: pick(r, "", "", "visit", "law"), When: pick(r, "", "", "", "even")}
		if r.IntN(3) > 0 {
			p.Kind = fmt.Sprint("kind", r.IntN(6))
		}
		if field := pick(r, w.names...); field == "*" {
			p.Field = field
		} else if c := w.fields[p.Kind+"."+field].Class; c == platform.Personal || c == platform.Sensitive || c == platform.Secret {
			p.Field = field
		}
		role := &rules.Roles[r.IntN(len(rules.Roles))]
		if r.IntN(12) == 0 {
			role.Never = append(role.Never, p)
		} else {
			role.May = append(role.May, p)
		}
	}
	return rules
}

// act makes up a request.
func (w world) act(r *rand.Rand) platform.Act {
	a := platform.Act{
		Actor: platform.Actor{ID: "x", Kind: pick(r, platform.Customer, platform.Operator, platform.Auditor)}, Action: pick(r, append(actions, "order.other", "none.such", "")...),
		Field: pick(r, w.names...), Purpose: pick(r, "visit", "law", "other", ""), Reason: pick(r, "a", "aa", "aaa", ""),
	}
	if r.IntN(8) > 0 {
		a.On = platform.Ref{Kind: fmt.Sprint("kind", r.IntN(7)), ID: "x"}
	}
	for range r.IntN(4) {
		a.Actor.Roles = append(a.Actor.Roles, pick(r, fmt.Sprint("role", r.IntN(13)), "customer", "role1@x"))
	}
	return a
}

func TestAC6TheIndexEqualsANaiveEvaluator(t *testing.T) {
	t.Parallel()
	requests := 100_000
	if os.Getenv("PLATFORM_NIGHTLY") != "" {
		requests = 10_000_000
	}
	w, r, allowed := newWorld(), rand.New(rand.NewPCG(1, 2)), 0
	for _, size := range []int{0, 1, 5, 20, 60, 150, 400, 1000} {
		rules := w.rules(r, size)
		p, err := rules.Compile(w.known)
		require.NoError(t, err)
		for range requests / 8 {
			act := w.act(r)
			want := naive(rules, w.fields, act)
			_, err := p.Permit(t.Context(), act)
			if want != (err == nil) || want != p.Why(act).Allowed {
				text, _ := json.Marshal(rules)
				require.Fail(t, "they differ", "%+v: naive %t, index %v, why %+v, rules %s", act, want, err, p.Why(act), text)
			}
			if want {
				allowed++
			}
		}
	}
	assert.Greater(t, allowed, requests/50, "both answers are met often")
}

func TestAC7EveryDecisionExplainsItself(t *testing.T) {
	t.Parallel()
	p := compiled(t, rules())

	d := p.Why(look(operator("clerk"), "phone", "calling"))
	assert.Equal(t, access.Decision{Allowed: true, View: security.Tail4, Rules: []string{"clerk/3"}, Duties: []string{"step_up"}, Why: "vault.reveal of guest.phone is permitted by clerk/3"}, d)
	d = p.Why(look(operator("clerk", "keeper"), "phone", "calling"))
	assert.Equal(t, security.Full, d.View, "the widest")
	assert.Equal(t, []string{"clerk/3", "keeper/1"}, d.Rules)
	d = p.Why(platform.Act{Actor: operator("clerk", "porter"), Action: "access_test.bill"})
	assert.Equal(t, "access_test.bill is forbidden by porter/3", d.Why)
	assert.Equal(t, "access_test.ring is permitted by no role held", p.Why(platform.Act{Actor: operator("cook"), Action: "access_test.ring"}).Why)

	assert.Equal(t, []string{"clerk", "keeper"}, p.WhoCan("vault.reveal", "guest", "phone"))
	assert.Equal(t, []string{"keeper"}, p.WhoCan("vault.reveal", "guest", "card"))
	assert.Equal(t, []string{"admin", "clerk", "porter", "system"}, p.WhoCan("access_test.ring", "guest", ""))
	for _, nobody := range [][3]string{{"vault.reveal", "guest", ""}, {"vault.reveal", "guest", "room"}, {"vault.reveal", "ghost", "phone"}} {
		assert.Empty(t, p.WhoCan(nobody[0], nobody[1], nobody[2]))
	}
}

// TestAC7WhoCanListsExactlyThoseWhoMay take an act, each with no other role.
func TestAC7WhoCanListsExactlyThoseWhoMay(t *testing.T) {
	t.Parallel()
	w, r := newWorld(), rand.New(rand.NewPCG(3, 4))
	for range 30 {
		rules := w.rules(r, 80)
		for i := range rules.Roles { // with a condition, who can depends on more than the question
			for _, list := range [][]access.Permission{rules.Roles[i].May, rules.Roles[i].Never} {
				for j := range list {
					list[j].When = ""
				}
			}
		}
		p, err := rules.Compile(w.known)
		require.NoError(t, err)
		for range 50 {
			act := w.act(r)
			act.Reason, act.Actor = "asked", platform.Actor{}
			var want []string
			for _, role := range rules.Roles {
				actor := platform.Actor{ID: "x", Kind: platform.Auditor, Roles: []string{role.Name}}
				if role.Name == "customer" || role.Name == "operator" {
					actor = platform.Actor{ID: "x", Kind: platform.ActorKind(role.Name)}
				}
				for _, purpose := range []string{"visit", "law", "other"} {
					act.Actor, act.Purpose = actor, purpose
					if naive(rules, w.fields, act) {
						want = append(want, role.Name)
						break
					}
				}
			}
			slices.Sort(want)
			assert.Equal(t, want, p.WhoCan(act.Action, act.On.Kind, act.Field), "%+v", act)
		}
	}
}

// thousand is a policy of so many rules, and acts that it permits.
func thousand(t testing.TB) (*access.Policy, []platform.Act) {
	t.Helper()
	w, r := newWorld(), rand.New(rand.NewPCG(5, 6))
	rules := w.rules(r, 1000)
	for i := range rules.Roles {
		rules.Roles[i].Never = nil
	}
	p, err := rules.Compile(w.known)
	require.NoError(t, err)
	var acts []platform.Act
	for len(acts) < 512 {
		act := w.act(r)
		if _, err := p.Permit(t.Context(), act); err == nil {
			acts = append(acts, act)
		}
	}
	return p, acts
}

func TestAllowingCostsNoMemory(t *testing.T) {
	p, acts := thousand(t)
	ctx, i := t.Context(), 0
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		i++
		_, _ = p.Permit(ctx, acts[i%len(acts)])
	}))
}

func BenchmarkPermit1000Rules(b *testing.B) {
	p, acts := thousand(b)
	ctx, i := context.Background(), 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Permit(ctx, acts[i&511]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func ExamplePolicy_WhoCan() {
	policy, err := access.Standard().Compile(access.Known{})
	if err != nil {
		panic(err)
	}
	fmt.Println(policy.WhoCan("merchant.approve", "", ""))
	// Output: [admin admission merchant system]
}
