package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store/sandbox"
)

// TestAnOrderFromPlacingToClose walks the whole way over HTTP.
func TestAnOrderFromPlacingToClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	id := w.delivered()
	path := "/v1/orders/" + string(id)

	w.do("customer", path+"/accept", nil)
	review := w.do("customer", path+"/review", object{"score": 5, "text": "spotless"})
	assert.EqualValues(t, 5, review.body["score"])
	assert.NotContains(t, string(review.raw), "spotless", "a personal text comes back sealed")
	w.pass(8 * 24 * time.Hour)

	assert.Equal(t, "closed", w.get("customer", path).state())
	balance := w.get("operator", "/v1/books/trial-balance")
	assert.Contains(t, string(balance.raw), `"role":"payable"`)
	verified := w.get("operator", "/v1/books/verification")
	assert.Equal(t, true, verified.body["sound"], "%s", verified.raw)
	w.sound()
}

func TestOthersRecordsAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	id := w.paid()
	path := "/v1/orders/" + string(id)
	assert.Equal(t, 404, w.call("staff", "GET", path, nil).status, "a member sees what was assigned to it")
	assert.Equal(t, 401, w.call("", "GET", path, nil).status)
	assert.Equal(t, 403, w.call("customer", "GET", "/v1/books/trial-balance", nil).status)
	assert.Equal(t, 200, w.call("merchant", "GET", path, nil).status)
	refused := w.call("merchant", "POST", path+"/accept", nil, "Idempotency-Key", "m")
	assert.Equal(t, 403, refused.status, "%s", refused.raw)
	assert.Equal(t, "order.actor_not_allowed", refused.code)

	another := platform.As(t.Context(), platform.Actor{ID: w.market.Writer.NewRoot(t.Context(), "cus"), Kind: platform.Customer})
	theirs, err := w.market.Orders.Place(another, order.Place{Lines: []order.PlaceLine{{Listing: w.cast.Listing, Quantity: 1}}, Total: w.cast.Price})
	require.NoError(t, err)
	path = "/v1/orders/" + string(theirs.ID)
	for _, child := range []string{"", "/intents", "/proofs", "/refunds", "/events"} {
		assert.Equal(t, 404, w.call("customer", "GET", path+child, nil).status, child)
	}
	cancel := w.call("customer", "POST", path+"/cancel", object{"reason": "changed_mind"}, "Idempotency-Key", "c")
	assert.Equal(t, "order.not_found", cancel.code, "%s", cancel.raw)
	assert.NotContains(t, string(w.get("customer", "/v1/orders").raw), string(theirs.ID))
}

func TestAStaleEntityTagIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	id := w.place()
	path := "/v1/orders/" + string(id)
	seen := w.get("customer", path).etag
	w.do("customer", intent(id)+"/pay", object{"method": sandbox.OK})

	stale := w.call("customer", "POST", path+"/cancel", object{"reason": "changed_mind", "max_fee": cny("60.00")}, "Idempotency-Key", "c", "If-Match", seen)
	assert.Equal(t, 412, stale.status, "%s", stale.raw)
	fresh := w.call("customer", "POST", path+"/cancel", object{"reason": "changed_mind", "max_fee": cny("60.00")}, "Idempotency-Key", "c", "If-Match", w.get("customer", path).etag)
	assert.Equal(t, 200, fresh.status, "%s", fresh.raw)
}

func TestBadInputNamesFieldRuleAndCodeInBothLanguages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	line := func(quantity any) []object { return []object{{"listing": w.cast.Listing, "quantity": quantity}} }
	total := cny("180.00")
	for name, c := range map[string]struct {
		body   any
		status int
		code   string
		field  string
	}{
		"no lines":          {object{"lines": []object{}, "total": total}, 422, "order.no_lines", "lines"},
		"no quantity":       {object{"lines": line(0), "total": total}, 422, "order.quantity", "lines[0].quantity"},
		"too many":          {object{"lines": line(10001), "total": total}, 422, "order.quantity", "lines[0].quantity"},
		"malformed listing": {object{"lines": []object{{"listing": "lst_1", "quantity": 1}}, "total": total}, 422, "id.malformed", "lines[0].listing"},
		"another kind":      {object{"lines": []object{{"listing": w.cast.Merchant.ID, "quantity": 1}}, "total": total}, 422, "id.wrong_kind", "lines[0].listing"},
		"number as amount":  {object{"lines": line(1), "total": object{"amount": 180, "currency": "CNY"}}, 422, "money.number", ""},
		"fraction of a fen": {object{"lines": line(1), "total": cny("180.001")}, 422, "money.scale", ""},
		"unknown currency":  {object{"lines": line(1), "total": object{"amount": "1", "currency": "XAU"}}, 422, "money.currency", ""},
		"price changed":     {object{"lines": line(1), "total": cny("179.99")}, 409, "order.price_changed", ""},
		"start in the past": {object{"lines": line(1), "total": total, "start": "2020-01-01T00:00:00Z", "time_zone": "Asia/Shanghai"}, 422, "order.start_past", ""},
		"start too far":     {object{"lines": line(1), "total": total, "start": "2033-01-01T00:00:00Z", "time_zone": "Asia/Shanghai"}, 422, "order.start_far", ""},
		"unknown zone":      {object{"lines": line(1), "total": total, "start": "2030-03-02T00:00:00Z", "time_zone": "Mars/Base"}, 422, "time.zone", "time_zone"},
		"end before start":  {object{"lines": line(1), "total": total, "start": "2030-03-02T00:00:00Z", "end": "2030-03-01T00:00:00Z", "time_zone": "UTC"}, 422, "order.interval", "end"},
		"long note":         {object{"lines": line(1), "total": total, "note": strings.Repeat("好", 2001)}, 422, "text.too_long", "note"},
		"control character": {object{"lines": line(1), "total": total, "note": "a\x07"}, 422, "text.control", "note"},
	} {
		for _, lang := range []string{"en", "zh"} {
			r := w.call("customer", "POST", "/v1/orders", c.body, "Idempotency-Key", "bad-"+strings.ReplaceAll(name, " ", "-"), "Accept-Language", lang)
			require.Equal(t, c.status, r.status, "%s: %s", name, r.raw)
			assert.Equal(t, c.code, r.code, name)
			detail, _ := r.body["detail"].(string)
			assert.Equal(t, lang == "zh", strings.ContainsFunc(detail, func(r rune) bool { return r >= 0x4e00 }), "%s: %s", name, detail)
			if c.field != "" {
				assert.Contains(t, string(r.raw), `"path":"`+c.field+`"`, name)
			}
		}
	}
	orders := w.get("customer", "/v1/orders")
	assert.Empty(t, orders.body["items"], "nothing is half done")
	both := w.call("customer", "POST", "/v1/orders", object{"lines": line(0), "note": "\x07", "total": total}, "Idempotency-Key", "both")
	assert.Len(t, both.body["errors"], 2, "the first never hides the others: %s", both.raw)
}

func TestAnEventIsProvedOffline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	id := w.paid()
	w.pass(time.Second)
	signed := w.get("operator", "/v1/audit/checkpoint")
	key, err := note.NewVerifier(signed.body["key"].(string))
	require.NoError(t, err)
	events := 0
	for e, err := range w.market.Audit.Events(t.Context(), w.market.DB) {
		require.NoError(t, err)
		if e.Subject.ID != id {
			continue
		}
		events++
		var receipt audit.Receipt
		require.NoError(t, json.Unmarshal(w.get("operator", "/v1/audit/events/"+string(e.ID)).raw, &receipt))
		require.NoError(t, receipt.Verify(key))
		receipt.Event.Reason = "altered"
		require.Error(t, receipt.Verify(key))
	}
	assert.Positive(t, events)
}

func TestNoticesAreCheckedBeforeTheyCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	id := w.place()
	w.do("customer", intent(id)+"/pay", object{"method": sandbox.Timeout})
	forged := w.call("", "POST", "/v1/notices/sandbox", object{"type": "charge.captured"}, "webhook-id", "msg_1", "webhook-timestamp", "1898586000", "webhook-signature", "v1,AAAA")
	assert.Equal(t, 401, forged.status, "%s", forged.raw)
	assert.Equal(t, 404, w.call("", "POST", "/v1/notices/nobody", object{}).status)
	w.pass(30 * time.Second) // the sandbox tells the server over HTTP
	assert.Equal(t, order.Confirmed, w.order(id).State)
}
