package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/sandbox"
)

// A month goes by, is closed over HTTP, and is stated and reported.
func TestAMonthIsClosedAndStatedOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	w.pass(time.Second) // the first tick makes the fence
	leg := func(account, amount string) object { return object{"account": account, "amount": cny(amount)} }
	w.do("operator", "/v1/ledger/transfers", object{"steps": []object{{"what": "gateway.fee", "legs": []object{leg("gateway_fee:sandbox", "2.00"), leg("clearing:sandbox", "-2.00")}}}})
	w.pass(time.Hour)
	month := object{"month": "2030-03"}
	early := w.call("operator", "POST", "/v1/periods/soft-closes", month, "Idempotency-Key", "early")
	assert.Equal(t, []any{409, "close.order"}, []any{early.status, early.code})

	w.pass(33 * 24 * time.Hour)
	assert.Equal(t, "2030-03", w.do("operator", "/v1/periods/soft-closes", month).body["soft"])
	list := w.get("operator", "/v1/periods/checklist?month=2030-03")
	assert.Len(t, list.body["items"], 11, "%s", list.raw)
	open := w.call("operator", "POST", "/v1/periods/hard-closes", month, "Idempotency-Key", "open")
	assert.Equal(t, []any{409, "close.checklist"}, []any{open.status, open.code}, "the institution never confirmed the fee")
	closed := w.do("operator", "/v1/periods/hard-closes", object{"month": "2030-03", "waived": []object{{"item": "reconciled", "reason": "no_statement"}}})
	assert.Len(t, closed.body["digest"], 64)
	assert.Equal(t, "2030-03", w.get("operator", "/v1/periods").body["hard"])
	assert.Len(t, w.get("operator", "/v1/periods/closes").body["items"], 1)

	for path, want := range map[string]string{
		"trial-balance?month=2030-03":                `"role":"gateway_fee"`,
		"balance-sheet?month=2030-03":                `"code":"1012"`,
		"income?from=2030-01&until=2030-03":          `"-2.00"`,
		"cash-flow?from=2030-03&until=2030-03":       `"what":"gateway.fee"`,
		"escrow?month=2030-03":                       `"of":"clearing:sandbox"`,
		"escrow?month=" + url.QueryEscape("2030-04"): `"items":[]`,
	} {
		assert.Contains(t, string(w.get("operator", "/v1/statements/"+path).raw), want, path)
		assert.Equal(t, 403, w.call("merchant", "GET", "/v1/statements/"+path, nil).status, path)
	}

	report := w.do("operator", "/v1/tax-reports", object{"quarter": "2030-Q1"})
	assert.EqualValues(t, 1, report.body["edition"])
	id := string(report.id())
	assert.Equal(t, report.body["digest"], w.get("operator", "/v1/tax-reports/"+id).body["digest"])
	export := w.get("operator", "/v1/tax-reports/"+id+"/export")
	assert.Equal(t, 1, strings.Count(string(export.raw), "\n"))
	assert.Equal(t, 403, w.call("merchant", "GET", "/v1/tax-reports/"+id+"/export", nil).status)
	again := w.call("operator", "POST", "/v1/tax-reports", object{"quarter": "2030-Q1"}, "Idempotency-Key", "again")
	assert.Equal(t, "tax.unchanged", again.code)

	someone := platform.NewID("mer", time.UnixMilli(0), 1, 1)
	granted := w.do("operator", "/v1/tax-exemptions", object{
		"party": someone, "duty": "reporting", "group": "household", "evidence": strings.Repeat("ab", 32), "from": "2030-01-01T00:00:00Z", "until": "2031-01-01T00:00:00Z",
	})
	assert.Len(t, w.get("operator", "/v1/tax-exemptions?party="+string(someone)).body["items"], 1)
	assert.Empty(t, w.get("operator", "/v1/tax-exemptions?party="+string(granted.id())).body["items"])
	assert.Equal(t, 403, w.call("merchant", "GET", "/v1/tax-exemptions", nil).status)
	w.do("operator", "/v1/tax-exemptions/"+string(granted.id())+"/end", object{"reason": "moved"})

	w.do("operator", "/v1/periods/reopen-requests", object{"month": "2030-03", "reason": "late_invoice"})
	alone := w.call("operator", "POST", "/v1/periods/reopenings", month, "Idempotency-Key", "alone")
	require.Equal(t, []any{403, "close.four_eyes"}, []any{alone.status, alone.code})
	w.sound()
}
