package main

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/sandbox"
)

// TestInsightOverHTTP: what was measured as JSON and CSV with definitions, for the
// platform and for a merchant, and what nobody may see.
func TestInsightOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	w.delivered()
	w.pass(time.Second)
	now := w.market.Writer.Now()
	from, until := now.AddDate(0, 0, -3).Format(time.DateOnly), now.AddDate(0, 0, 2).Format(time.DateOnly)
	window := "?from=" + from + "&until=" + until
	own := window + "&merchant=" + string(w.cast.Merchant.ID)

	report := w.get("operator", "/v1/insight/report"+window+"&measure=placed&measure=funnel").body
	figures, _ := report["figures"].([]any)
	require.NotEmpty(t, figures)
	for _, f := range figures {
		assert.Equal(t, true, f.(object)["suppressed"], "one person is behind it")
	}
	assert.Len(t, report["definitions"], 2)
	assert.Positive(t, report["revision"])
	assert.NotEmpty(t, w.get("merchant", "/v1/insight/report"+own).body["figures"])
	assert.Len(t, w.get("operator", "/v1/insight/series"+window+"&measure=placed&step=day").body["points"], 5)
	assert.NotEmpty(t, w.get("operator", "/v1/insight/definitions").body["items"])
	assert.Len(t, w.get("operator", "/v1/insight/retention?from="+now.AddDate(0, -1, 0).Format("2006-01")+"&until="+now.AddDate(0, 1, 0).Format("2006-01")).body["cohorts"], 2)
	assert.Equal(t, "CNY", w.get("operator", "/v1/insight/value"+window+"&currency=CNY").body["currency"])
	assert.Equal(t, from, w.get("operator", "/v1/insight/balance?day="+from).body["day"])

	for path, code := range map[string]string{
		"report" + window + "&measure=sales": "insight.measure_unknown", "report?from=" + until + "&until=" + from: "insight.window",
		"series" + window + "&measure=by_hour": "insight.measure_unknown", "retention?from=" + from[:7] + "&until=" + from[:7]: "insight.window",
		"customers/" + string(w.cast.Customer.ID) + window: "insight.no_consent", "report/export" + window + "&measure=sales": "insight.measure_unknown",
	} {
		assert.Equal(t, code, w.call("operator", "GET", "/v1/insight/"+path, nil).code, path)
	}
	for _, who := range []string{"merchant", "customer", "staff"} {
		assert.Equal(t, "insight.actor_not_allowed", w.call(who, "GET", "/v1/insight/report"+window, nil).code, who)
	}
	assert.Equal(t, 403, w.call("customer", "GET", "/v1/insight/report"+own, nil).status)

	for _, path := range []string{"report/export" + window, "series/export" + window + "&measure=gmv/CNY&step=day"} {
		r := w.call("operator", "GET", "/v1/insight/"+path, nil, "Accept-Language", "zh")
		require.Equal(t, http.StatusOK, r.status, string(r.raw))
		rows, err := csv.NewReader(strings.NewReader(string(r.raw))).ReadAll()
		require.NoError(t, err)
		assert.Equal(t, "numerator_means", rows[0][13])
		assert.NotEmpty(t, rows[1][13])
	}
}
