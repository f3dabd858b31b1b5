package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/store/sandbox"
)

func TestPowerComesAndGoesWithGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	roles := func(who string) any { return w.get(who, "/v1/access/me").body["roles"] }
	assert.Equal(t, []any{"accountant", "admin", "director", "manager", "privacy"}, roles("second"))
	require.Equal(t, 422, w.call("operator", "POST", "/v1/access/grants", object{"account": w.cast.Second.ID, "role": "king", "reason": "x"}).status)

	// two give a role
	proposed := w.do("operator", "/v1/access/grants", object{"account": w.cast.Staff.ID, "role": "service", "reason": "cover"})
	alone := w.call("operator", "POST", "/v1/access/grants/"+string(proposed.id())+"/activate", object{})
	assert.Equal(t, 403, alone.status)
	assert.Equal(t, "access.four_eyes", alone.code)
	assert.Nil(t, roles("staff"))
	w.do("second", "/v1/access/grants/"+string(proposed.id())+"/activate", object{})
	assert.Equal(t, []any{"service"}, roles("staff"))

	// one takes it, and the same token has no power
	order := w.paid()
	dispatch := "/v1/orders/" + string(order) + "/dispatch"
	require.Less(t, w.call("second", "POST", dispatch, object{}, "Idempotency-Key", "d1").status, 300)
	all := w.get("operator", "/v1/access/grants?state=active")
	for _, item := range all.body["items"].([]any) {
		if g := item.(map[string]any); g["account"] == string(w.cast.Second.ID) {
			w.do("operator", "/v1/access/grants/"+g["id"].(string)+"/revoke", object{"reason": "left"})
		}
	}
	assert.Nil(t, roles("second"))
	refused := w.call("second", "POST", dispatch, object{}, "Idempotency-Key", "d2")
	assert.Equal(t, 403, refused.status)
	assert.Equal(t, "access.denied", refused.code)
	who := w.get("operator", "/v1/access/who?action=access.activate")
	assert.Contains(t, string(who.raw), string(w.cast.Operator.ID))
	assert.NotContains(t, string(who.raw), string(w.cast.Second.ID))
}

func TestEmergencyAccessTakesTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	on := "order/" + string(w.place())
	asked := w.do("operator", "/v1/access/breaks", object{"on": on, "fields": []string{"note"}, "purpose": "fulfilment", "reason": "accident", "ticket": "T-7"})
	assert.Equal(t, "requested", asked.state())
	assert.Equal(t, "access.four_eyes", w.call("operator", "POST", "/v1/access/breaks/"+string(asked.id())+"/approve", object{}).code)
	granted := w.do("second", "/v1/access/breaks/"+string(asked.id())+"/approve", object{})
	assert.Equal(t, "granted", granted.state())
	assert.Equal(t, 422, w.call("operator", "POST", "/v1/access/breaks", object{"on": on, "fields": []string{"total"}, "purpose": "x", "reason": "x"}).status)
	assert.Equal(t, 404, w.call("customer", "GET", "/v1/access/breaks/"+string(asked.id()), nil).status)
}

// TestTheConsoleGivesARole by two browsers.
func TestTheConsoleGivesARole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	page := func(who, path string) string {
		r := w.call(who, "GET", path, nil)
		require.Equal(t, http.StatusOK, r.status, path)
		return string(r.raw)
	}
	first := page("operator", "/console/grants")
	assert.Contains(t, first, "/console/grants/new/propose")
	g := w.do("operator", "/v1/access/grants", object{"account": w.cast.Staff.ID, "role": "service", "reason": "cover"})
	activate := "/console/grants/" + string(g.id()) + "/activate"
	assert.NotContains(t, page("operator", "/console/grants?state=proposed"), activate, "no button for the maker")
	assert.Contains(t, page("second", "/console/grants?state=proposed"), activate)
	assert.Contains(t, page("second", "/console/grants?action=order.cancel"), string(w.cast.Operator.ID))
	assert.Contains(t, page("second", "/console/campaigns"), "/console/campaigns/new/begin")
	c := w.do("operator", "/v1/access/reviews", object{})
	assert.Equal(t, len(market.DemoRoles)+1, strings.Count(page("operator", "/console/campaigns"), "/console/campaigns/"+string(c.id())+"/keep"), "of the second operator and the supervisor, not of the own grants")
	asked := w.do("operator", "/v1/access/breaks", object{"on": "order/" + string(w.place()), "fields": []string{"note"}, "purpose": "fulfilment", "reason": "accident"})
	assert.NotContains(t, page("operator", "/console/breaks"), string(asked.id())+"/grant-break")
	assert.Contains(t, page("second", "/console/breaks"), string(asked.id())+"/grant-break")
}
