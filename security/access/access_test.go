package access_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/access"
)

func operator(roles ...string) platform.Actor {
	return platform.Actor{ID: "opr_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Operator, Roles: roles}
}

func TestOnlyGrantedCommandsAreAllowed(t *testing.T) {
	t.Parallel()
	p := access.Default()
	for name, c := range map[string]struct {
		actor   platform.Actor
		action  string
		allowed bool
	}{
		"an operator without role":   {operator(), "order.cancel", false},
		"a role's domain":            {operator("service"), "order.cancel", true},
		"another domain":             {operator("service"), "merchant.approve", false},
		"a single command":           {operator("finance"), "order.approveRefund", true},
		"its neighbour":              {operator("finance"), "order.cancel", false},
		"a domain that begins alike": {operator("service"), "orders.cancel", false},
		"any role of several":        {operator("risk", "admission"), "merchant.approve", true},
		"an unknown role":            {operator("king"), "order.cancel", false},
		"an administrator":           {operator("admin"), "anything.atAll", true},
		"an auditor":                 {platform.Actor{ID: "x", Kind: platform.Auditor}, "order.cancel", false},
		"a customer, by kind":        {platform.Actor{ID: "x", Kind: platform.Customer}, "order.cancel", true},
		"a role named as a kind":     {operator("system"), "order.cancel", false},
		"nobody":                     {platform.Actor{}, "order.cancel", false},
	} {
		_, err := p.Permit(t.Context(), platform.Act{Actor: c.actor, Action: c.action})
		if c.allowed {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, platform.ErrDenied, name)
		assert.Equal(t, "access.denied", platform.Code(err), name)
	}
	_, err := new(access.Policy).Permit(t.Context(), platform.Act{Actor: operator("admin"), Action: "order.cancel"})
	require.Error(t, err)
}

func TestGrantsAreChecked(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "order", ".cancel", "order.", "or*er.cancel", "order.can*", "**", " order.*", "order.cancel ", "Order.cancel", "order.Cancel", "order.cancel.all", "*.cancel", "order.*.*"} {
		_, err := access.New(map[string][]string{"r": {bad}})
		require.ErrorIs(t, err, access.ErrPattern, bad)
	}
	_, err := access.New(map[string][]string{"": {"*"}})
	require.ErrorIs(t, err, access.ErrPattern, "nobody has the role without name")
}

func TestAllowingCostsNoMemory(t *testing.T) {
	p, actor, ctx := access.Default(), operator("risk", "service"), t.Context()
	assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = p.Permit(ctx, platform.Act{Actor: actor, Action: "order.cancel"}) }))
}

func ExamplePolicy_WhoCan() {
	fmt.Println(access.Default().WhoCan("merchant.approve"))
	// Output: [admin admission merchant system]
}

func BenchmarkPermit(b *testing.B) {
	p, actor, ctx := access.Default(), operator("risk", "service"), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Permit(ctx, platform.Act{Actor: actor, Action: "order.cancel"}); err != nil {
			b.Fatal(err)
		}
	}
}
