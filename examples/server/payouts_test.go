package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/sandbox"
)

// A merchant tells where its money goes, sells, is settled, and is paid after one
// operator planned the run and another approved it.
func TestAMerchantIsPaidOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	merchant := string(w.cast.Merchant.ID)
	account := w.do("merchant", "/v1/payout-accounts", object{"party": merchant, "currency": "CNY", "institution": "sandbox", "payee": "bright-windows", "contact": "post@bright-windows.example"})
	assert.Equal(t, "pending", account.state())
	assert.NotContains(t, string(account.raw), "post@")
	path := "/v1/payout-accounts/" + string(account.id())
	assert.Equal(t, 403, w.call("merchant", "POST", path+"/verify", object{"reason": "mine"}).status)
	w.do("second", path+"/verify", object{"reason": "document"})

	w.do("customer", "/v1/orders/"+string(w.delivered())+"/accept", nil)
	w.pass(8 * 24 * time.Hour)
	assert.Equal(t, "162.00", w.get("merchant", path+"/money").body["available"].(object)["amount"])
	w.pass(3 * 24 * time.Hour)
	cut := w.get("merchant", "/v1/settlements?account="+string(account.id())).body["items"].([]any)
	require.Len(t, cut, 2)
	st := "/v1/settlements/" + cut[1].(object)["id"].(string)
	lines := w.get("merchant", st+"/lines").body["items"].([]any)
	require.Len(t, lines, 1)
	assert.Equal(t, "order.closed", lines[0].(object)["what"])
	assert.Equal(t, "confirmed", w.do("merchant", st+"/confirm", nil).state())
	assert.Equal(t, "settlement.not_possible", w.call("merchant", "POST", st+"/confirm", nil).code)

	plan := object{"name": "2030-03-12", "currency": "CNY"}
	assert.Equal(t, "key.required", w.call("operator", "POST", "/v1/payout-runs", plan).code)
	run := w.do("operator", "/v1/payout-runs", plan)
	again := w.do("operator", "/v1/payout-runs", plan)
	assert.Equal(t, run.id(), again.id())
	assert.Equal(t, "162.00", w.get("operator", "/v1/payout-runs/"+string(run.id())).body["amount"].(object)["amount"])
	list := w.get("merchant", "/v1/payouts?account="+string(account.id())).body["items"].([]any)
	require.Len(t, list, 1)
	payout := "/v1/payouts/" + list[0].(object)["id"].(string)
	refused := w.call("operator", "POST", payout+"/approve", nil, "Idempotency-Key", "own")
	assert.Equal(t, []any{403, "payout.self_approval"}, []any{refused.status, refused.code})
	assert.EqualValues(t, 1, w.do("second", "/v1/payout-runs/"+string(run.id())+"/approve", nil).body["approved"])
	w.pass(0)
	assert.Equal(t, "162.00", w.get("merchant", path+"/money").body["in_transit"].(object)["amount"])
	w.pass(2 * time.Minute)

	assert.Equal(t, "paid", w.get("merchant", payout).state())
	assert.Equal(t, "0.00", w.get("merchant", path+"/money").body["available"].(object)["amount"])
	for _, at := range []string{path, path + "/money", st, payout, "/v1/payouts?account=" + string(account.id())} {
		assert.Equal(t, 404, w.call("staff", "GET", at, nil).status, at)
		assert.Equal(t, 401, w.call("", "GET", at, nil).status, at)
	}
	for _, at := range []string{"/v1/payout-runs", "/v1/payouts", "/v1/settlements"} {
		assert.Equal(t, 403, w.call("merchant", "GET", at, nil).status, at)
	}
	w.sound()
}
