package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/sandbox"
)

// An invoice from its asking to its red letter, and a refund by its plan, over
// HTTP.
func TestInvoicesAndRefundPlansOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	order := string(w.delivered())
	w.do("customer", "/v1/orders/"+order+"/accept", nil)
	ask := object{"subject": "order/" + order, "kind": "service", "title": object{"company": true, "name": "Quiet Holdings Ltd", "tax_id": "91350100M000100Y43"}}

	wrong := w.call("customer", "POST", "/v1/invoices", object{"subject": "order/" + order, "kind": "service", "title": object{"company": true, "name": "x", "tax_id": "91350100M000100Y44"}}, "Idempotency-Key", "w", "Accept-Language", "zh")
	assert.Equal(t, []any{422, "invoice.tax_id"}, []any{wrong.status, wrong.code}, "%s", wrong.raw)
	assert.NotContains(t, string(wrong.raw), "91350100M")
	assert.Equal(t, "key.required", w.call("customer", "POST", "/v1/invoices", ask).code)
	invoice := w.do("customer", "/v1/invoices", ask)
	assert.Equal(t, "requested", invoice.state())
	assert.NotContains(t, string(invoice.raw), "Quiet Holdings")
	more := w.call("merchant", "POST", "/v1/invoices", ask, "Idempotency-Key", "m")
	assert.Equal(t, "invoice.exceeds", more.code, "%s", more.raw)
	assert.Equal(t, cny("0.00"), more.body["invoiceable"])
	w.pass(time.Minute)

	path := "/v1/invoices/" + string(invoice.id())
	issued := w.get("merchant", path)
	assert.Equal(t, "issued", issued.state())
	assert.EqualValues(t, 1, issued.body["number"])
	assert.Equal(t, 404, w.call("staff", "GET", path, nil).status)
	assert.Len(t, w.get("customer", "/v1/invoices?state=issued").body["items"], 1)
	assert.Len(t, w.get("operator", "/v1/invoices?subject=order/"+order).body["items"], 1)

	w.do("customer", "/v1/orders/"+order+"/refund", object{"amount": cny("150.00"), "reason": "late"}) // within the limit: approved
	for range 4 {
		w.pass(time.Minute)
	}
	assert.Equal(t, "partly_red", w.get("customer", path).state())
	letters := w.get("operator", path+"/letters").body["items"].([]any)
	require.Len(t, letters, 1)
	assert.Equal(t, cny("150.00"), letters[0].(object)["gross"])
	rest := w.do("operator", path+"/reverse", object{"reason": "wrong_title"})
	assert.Equal(t, cny("30.00"), rest.body["gross"])

	w.pass(8 * 24 * time.Hour)
	refund := w.do("merchant", "/v1/orders/"+order+"/refund", object{"amount": cny("30.00"), "reason": "complaint"})
	assert.Equal(t, 403, w.call("customer", "POST", "/v1/refund-plans", object{"refund": refund.id()}).status)
	plan := w.call("operator", "POST", "/v1/refund-plans", object{"refund": refund.id()}, "Accept-Language", "zh")
	require.Equal(t, 201, plan.status, "%s", plan.raw)
	assert.Contains(t, string(plan.raw), "客户原路退回 30.00 CNY")
	stale := w.call("operator", "POST", "/v1/refunds/"+string(refund.id())+"/approve", object{"plan": "0000"}, "Idempotency-Key", "s")
	assert.Equal(t, []any{409, "refund.plan_changed"}, []any{stale.status, stale.code}, "%s", stale.raw)
	assert.Equal(t, plan.body["hash"], stale.body["plan"].(object)["hash"], "the new plan comes along")
	w.do("operator", "/v1/refunds/"+string(refund.id())+"/approve", object{"plan": plan.body["hash"]})
	stored := w.get("operator", "/v1/refund-plans/"+string(refund.id().As("rpl")))
	assert.Equal(t, plan.body["hash"], stored.body["hash"])
	w.sound()
}
