package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/sandbox"
)

// TestAClaimGoesFromItsDraftToItsMoney over HTTP: by the budget of the demo, past
// a manager, to a payer who did not approve it.
func TestAClaimGoesFromItsDraftToItsMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	w.pass(time.Second) // the demo's budget comes into force
	line := func(account string) map[string]any {
		items, _ := w.get("staff", "/v1/budget-lines").body["items"].([]any)
		for _, item := range items {
			if l, _ := item.(map[string]any); l["account"] == account {
				return l
			}
		}
		return nil
	}
	require.NotNil(t, line("travel"))
	voucher := object{
		"line": line("travel")["id"], "kind": "ticket", "file": strings.Repeat("ab", 32), "number": "G1234", "seller": "Rail", "seller_tax_id": "911",
		"purpose": "to a customer", "date": "2030-02-27T00:00:00Z", "amount": object{"amount": "320.00", "currency": "CNY"},
	}
	draft := w.send("staff", "/v1/claims", object{"items": []any{voucher}})
	require.Equal(t, http.StatusCreated, draft.status, "%s", draft.raw)
	at := "/v1/claims/" + string(draft.id())
	assert.NotContains(t, string(draft.raw), "G1234", "what is personal comes back sealed")
	require.Equal(t, "submitted", w.send("staff", at+"/submit", object{}).state())
	assert.Equal(t, "claim.duplicate_voucher", func() string {
		again := w.send("staff", "/v1/claims", object{"items": []any{voucher}})
		return w.send("staff", "/v1/claims/"+string(again.id())+"/submit", object{}).code
	}())
	assert.Equal(t, "claim.actor_not_allowed", w.send("staff", at+"/approve", object{}).code)
	assert.Len(t, w.get("operator", "/v1/claims?turn=manager").body["items"], 1)

	require.Equal(t, "approved", w.send("operator", at+"/approve", object{}).state())
	w.pass(time.Second)
	require.Equal(t, "payable", w.get("staff", at).state())
	assert.Equal(t, "claim.payer", w.send("operator", at+"/pay", object{}, "Idempotency-Key", "p1").code)
	require.Equal(t, "paying", w.send("second", at+"/pay", object{}, "Idempotency-Key", "p2").state())
	said := object{"outcome": "paid", "reference": "42", "reason": "transferred"}
	assert.Equal(t, "claim.payer", w.send("second", at+"/resolve", said, "Idempotency-Key", "p3").code, "who pays does not say how it went")
	assert.Equal(t, "claim.payer", w.send("operator", at+"/resolve", said, "Idempotency-Key", "p4").code, "nor who approved")
	g := w.do("operator", "/v1/access/grants", object{"account": w.cast.Third.ID, "role": "finance", "reason": "cover"})
	w.do("second", "/v1/access/grants/"+string(g.id())+"/activate", object{})
	paid := w.send("third", at+"/resolve", said, "Idempotency-Key", "p5")
	require.Equal(t, "paid", paid.state(), "%s", paid.raw)

	balance, _ := line("travel")["balance"].(map[string]any)
	assert.Equal(t, map[string]any{"amount": "320.00", "currency": "CNY"}, balance["spent"], fmt.Sprint(balance))
	w.sound()
}

// send posts a command, whatever comes of it.
func (w *world) send(who, path string, body any, headers ...string) reply {
	return w.call(who, http.MethodPost, path, body, headers...)
}
