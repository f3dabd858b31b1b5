package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/sandbox"
)

func TestAStatementOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	header := "id,kind,gross,fee,currency,at\n"
	file := func(rows string) object {
		return object{"institution": "sandbox", "day": "2026-03-02", "csv": header + rows}
	}
	bad := w.call("operator", "POST", "/v1/statements", file("a,charge,1.00,,CNY,2026-03-02T12:00:00Z\nb,gift,1.00,,CNY,2026-03-02T12:00:00Z\n"))
	assert.Equal(t, 422, bad.status, "%s", bad.raw)
	assert.Equal(t, "statement.row", bad.code)
	assert.Contains(t, string(bad.raw), `"line":3`)
	assert.Contains(t, string(bad.raw), `"column":"kind"`)

	good := file("a,charge,20.00,0.12,CNY,2026-03-02T12:00:00Z\n")
	st := w.do("operator", "/v1/statements", good)
	assert.Equal(t, "19.88", st.body["totals"].([]any)[0].(object)["closing"].(object)["amount"])
	again := w.call("operator", "POST", "/v1/statements", good)
	assert.Equal(t, 409, again.status)
	assert.Equal(t, "statement.duplicate", again.code)
	id := st.body["id"].(string)
	lines := w.get("operator", "/v1/statements/"+id+"/lines").body["items"].([]any)
	require.Len(t, lines, 1)
	assert.EqualValues(t, 2000, lines[0].(object)["gross"])
	assert.Len(t, w.get("operator", "/v1/statements?account=sandbox").body["items"], 1)

	run := w.do("operator", "/v1/reconciliations", object{"statement": id})
	assert.Equal(t, run.body["id"], w.do("operator", "/v1/reconciliations", object{"statement": id}).body["id"])
	assert.Len(t, w.get("operator", "/v1/reconciliations/"+run.body["id"].(string)+"/rows").body["items"], 2)
	assert.Len(t, w.get("operator", "/v1/reconciliations?account=sandbox").body["items"], 1)

	cases := w.get("operator", "/v1/differences").body["items"].([]any)
	require.Len(t, cases, 2)
	for _, c := range cases {
		at := "/v1/differences/" + c.(object)["id"].(string)
		w.do("operator", at+"/take", nil)
		assert.Equal(t, "key.required", w.call("operator", "POST", at+"/resolve", object{}).code)
		assert.Equal(t, 403, w.call("merchant", "POST", at+"/resolve", object{}, "Idempotency-Key", "m"+at[len(at)-9:]).status)
		first := w.call("operator", "POST", at+"/resolve", object{}, "Idempotency-Key", "r"+at[len(at)-9:])
		require.Equal(t, 200, first.status, "%s", first.raw)
		assert.Equal(t, first.body, w.call("operator", "POST", at+"/resolve", object{}, "Idempotency-Key", "r"+at[len(at)-9:]).body)
		assert.Equal(t, "resolved", w.get("operator", at).body["state"])
		assert.Equal(t, "recon.case_ended", w.call("operator", "POST", at+"/approve", object{}, "Idempotency-Key", "a"+at[len(at)-9:]).code)
	}
	assert.Len(t, w.get("operator", "/v1/differences?state=resolved").body["items"], 2)
	assert.Equal(t, 403, w.call("customer", "GET", "/v1/statements?account=sandbox", nil).status)
	w.sound()
}
