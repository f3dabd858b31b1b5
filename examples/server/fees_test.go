package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/sandbox"
)

// TestFeesOverHTTP: a schedule is drafted, published by another, seen by the
// merchant before it starts, and then decides what an order costs, whom, and what
// is booked of it.
func TestFeesOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	start := w.market.Writer.Now().Add(10 * 24 * time.Hour)
	draft := w.do("operator", "/v1/fees", object{
		"name": "standard", "currency": "CNY", "from": start,
		"components": []object{
			{"name": "commission", "tax": "0.06", "rules": []object{
				{"id": "small", "when": object{"below": cny("100")}, "rate": "0.2"},
				{"id": "all", "by": "marginal", "tiers": []object{{"from": cny("0"), "rate": "0.1"}, {"from": cny("100"), "rate": "0.05"}}},
			}},
			{"name": "service_fee", "payer": "customer", "tax": "0.06", "exclusive": true, "rules": []object{{"id": "all", "fixed": cny("5")}}},
		},
	})
	at := "/v1/fees/" + string(draft.id())
	assert.Equal(t, "fee.four_eyes", w.call("operator", "POST", at+"/publish", object{}, "Idempotency-Key", "own").code)
	assert.Equal(t, "standard-2", "standard-"+number(w.do("second", at+"/publish", object{})))
	assert.Equal(t, 403, w.call("merchant", "POST", "/v1/fees", object{"name": "mine"}, "Idempotency-Key", "m").status)

	mine := "/v1/merchants/" + string(w.cast.Merchant.ID) + "/fees"
	seen := w.get("merchant", mine+"?currency=CNY")
	assert.Len(t, seen.body["coming"], 1, "%s", seen.raw)
	assert.Equal(t, 404, w.call("customer", "GET", mine+"?currency=CNY", nil).status)
	assert.Equal(t, 422, w.call("merchant", "GET", mine+"?currency=XAU", nil).status)
	w.do("operator", mine, object{"tier": "gold", "reason": "contract"})

	before := w.place()
	w.pass(11 * 24 * time.Hour)
	quote := w.do("customer", "/v1/quotes", object{"lines": []object{{"listing": w.cast.Listing, "quantity": 1}}})
	assert.Equal(t, "185.30", quote.body["total"].(object)["amount"])
	stale := w.call("customer", "POST", "/v1/orders", object{"lines": []object{{"listing": w.cast.Listing, "quantity": 1}}, "total": cny("180.00")}, "Idempotency-Key", "stale")
	assert.Equal(t, "order.price_changed", stale.code)
	order := w.do("customer", "/v1/orders", object{"lines": []object{{"listing": w.cast.Listing, "quantity": 1}}, "total": cny("185.30")}).id()
	assert.Equal(t, "standard-1", w.get("merchant", "/v1/orders/"+string(before)+"/fees").body["version"], "placed before, pinned")

	told := w.call("merchant", "GET", "/v1/orders/"+string(order)+"/fees", nil, "Accept-Language", "zh")
	assert.Equal(t, "standard-2", told.body["version"])
	assert.Contains(t, told.body["explain"].([]any)[0], "佣金，由商家承担")
	assert.Len(t, told.body["charges"], 2)
	assert.Len(t, w.get("customer", "/v1/orders/"+string(order)+"/fees").body["charges"], 1, "what the customer pays")
	assert.Equal(t, 404, w.call("staff", "GET", "/v1/orders/"+string(order)+"/fees", nil).status)

	preview := w.get("operator", at+"/preview")
	assert.EqualValues(t, 0, preview.body["orders"], "none in February")
	w.sound()
}

// number is the version of a schedule.
func number(r reply) string {
	n, _ := r.body["number"].(float64)
	return string(rune('0' + int(n)))
}

// What a taxed fee means to the books, from the sale to a refund.
func TestTheTaxInAFeeIsBookedApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	draft := w.do("operator", "/v1/fees", object{
		"name": "standard", "currency": "CNY", "from": w.market.Writer.Now().Add(8 * 24 * time.Hour),
		"components": []object{{"name": "commission", "tax": "0.06", "rules": []object{{"id": "all", "rate": "0.1"}}}},
	})
	w.do("second", "/v1/fees/"+string(draft.id())+"/publish", object{})
	w.pass(9 * 24 * time.Hour)
	id := w.delivered()
	w.do("customer", "/v1/orders/"+string(id)+"/accept", object{})

	on := func(account string) any {
		return w.get("operator", "/v1/ledger/accounts/"+account+"?currency=CNY").body["posted"].(object)["amount"]
	}
	assert.Equal(t, []any{"16.98", "1.02", "162.00"}, []any{on("commission"), on("output_tax"), on("earning:" + string(id) + ":" + string(w.cast.Merchant.ID))})

	w.do("customer", "/v1/orders/"+string(id)+"/refund", object{"amount": cny("90.00"), "reason": "late"})
	w.pass(time.Hour)
	w.pass(time.Hour)
	assert.Equal(t, []any{"8.49", "0.51", "81.00"}, []any{on("commission"), on("output_tax"), on("earning:" + string(id) + ":" + string(w.cast.Merchant.ID))})
	o := w.order(id)
	require.Len(t, o.Lines[0].Parts, 1)
	assert.Equal(t, platform.MustMoney("0.51", "CNY"), o.Lines[0].Parts[0].TaxGiven)
	w.sound()
}
