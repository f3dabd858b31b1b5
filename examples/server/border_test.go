package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/sandbox"
)

// prefixes are those of the ids that stand in a path after the resource.
var prefixes = map[string]string{
	"journals": "jnl", "tax-reports": "txr", "tax-exemptions": "txe", "agreements": "agr", "alerts": "alr", "applications": "apl", "assignments": "asg", "attempts": "att", "audit": "evt", "breaks": "brk", "catalogue": "lst",
	"changes": "chg", "notices": "ntc", "disputes": "dsp", "chargebacks": "cbk", "deliveries": "evt", "fees": "fsc", "policies": "cpl", "grants": "grt", "intents": "int", "invoices": "inv", "refund-plans": "rpl",
	"payout-accounts": "pac", "payout-files": "pbf", "payout-runs": "run", "payouts": "pay", "settlements": "set",
	"debtors": "mer", "letters": "ltr", "receipts": "rct", "receivables": "rcv",
	"listings": "lst", "members": "stf", "merchants": "mer", "statements": "stm", "tips": "tip", "checkouts": "cko", "reconciliations": "rec", "differences": "rcn", "orders": "ord", "refunds": "rfd", "returns": "rtn", "splits": "spl", "recipients": "rcp", "reviews": "cam", "revisions": "rev", "zones": "zon",
	"findings": "fnd", "engagements": "eng", "adjustments": "adj", "budgets": "bud", "budget-lines": "bgt", "commitments": "cmt", "virements": "bmv", "claims": "clm", "advances": "csh", "insight": "cus",
	"verification-standings": "mer", "requirement-sets": "rqs", "submissions": "sub", "waivers": "wvr",
}

// nowhere is a documented path with the id of a record that is not there.
func nowhere(t *testing.T, path string) string {
	t.Helper()
	if !strings.Contains(path, "{id}") {
		return path
	}
	parts := strings.Split(path, "/")
	resource := parts[2]
	if resource == "access" || resource == "payments" {
		resource = parts[3]
	}
	require.Contains(t, prefixes, resource, path)
	return strings.Replace(path, "{id}", string(platform.NewID(prefixes[resource], time.UnixMilli(0), 1, 1)), 1)
}

// TestEveryRouteRefusesWithAProblem: whoever asks, for a record that is not
// there and with a command that says nothing, every documented route answers or
// refuses with a code, in the caller's language, and never breaks.
func TestEveryRouteRefusesWithAProblem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	var doc struct{ Paths map[string]map[string]any }
	require.NoError(t, json.Unmarshal(w.get("", "/openapi.json").raw, &doc))
	require.Contains(t, doc.Paths, "/v1/orders/{id}/events")
	require.Contains(t, doc.Paths, "/v1/notices/{institution}")
	for path, methods := range doc.Paths {
		at := nowhere(t, path)
		for method := range methods {
			for _, who := range []string{"", "customer", "merchant", "staff", "operator"} {
				for _, lang := range []string{"en", "zh"} {
					w.refuses(who, strings.ToUpper(method), at, lang)
				}
			}
		}
	}
	w.sound()
}

func (w *world) refuses(who, method, path, lang string) {
	w.t.Helper()
	var body any
	if method == "POST" {
		body = object{}
	}
	r := w.call(who, method, path, body, "Idempotency-Key", "k"+strings.NewReplacer("/", "-").Replace(path), "Accept-Language", lang)
	if who == "" && !strings.HasPrefix(path, "/v1/notices/") {
		assert.Equal(w.t, 401, r.status, path)
	}
	if r.status < 400 {
		return
	}
	assert.Less(w.t, r.status, 500, "%s %s by %s: %s", method, path, who, r.raw)
	assert.EqualValues(w.t, r.status, r.body["status"], "%s %s by %s: %s", method, path, who, r.raw)
	assert.NotEmpty(w.t, r.code, path)
	assert.NotEqual(w.t, "id.wrong_kind", r.code, path)
	detail, _ := r.body["detail"].(string)
	assert.Equal(w.t, lang == "zh", strings.ContainsFunc(detail, func(r rune) bool { return r >= 0x4e00 }), "%s: %s", path, r.raw)
}
