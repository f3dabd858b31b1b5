package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// policy is a version of the standard policy that somebody drafted, changed by what
// the test is about.
func (h *house) policy(by platform.Actor, change func([]order.Row)) order.CancelPolicy {
	h.t.Helper()
	rows := order.StandardPolicy().Rows
	if change != nil {
		change(rows)
	}
	p, err := h.Orders.DraftPolicy(h.as(by), order.DraftPolicy{Name: order.Standard, From: morning.Add(48 * time.Hour), Rows: rows})
	require.NoError(h.t, err)
	return p
}

func TestAPolicySaysWhatACaseWouldCost(t *testing.T) {
	t.Parallel()
	h := open(t)
	list := h.ok("auditor", "/console/policies")
	standard := regexp.MustCompile(`/console/policies/(cpl_\w+)`).FindString(list)
	require.NotEmpty(t, standard, "that of the program")
	for query, texts := range map[string][]string{
		"":                           {"standard.1", "K4a", "10 / 40 / 50", "≤ 300.00 CNY", "start in &gt; 2h &amp; ≤ 24h"},
		"fault=customer&way=arrived": {"<b>K4b</b>", "50.00 CNY"},
		"fault=both&with=platform&hours=1&amount=200.00 CNY": {"<b>K11</b> · K3c · K9", "30.00 CNY", "10.00 CNY · borne by platform"},
		"fault=merchant&hours=-1&state=in_progress":          {"<b>K7c</b>", "30.00 CNY · borne by merchant"},
		"fault=moon":                      {"policy.facts"},
		"fault=customer&hours=tomorrow":   {"form.number"},
		"fault=customer&amount=1.2.3 CNY": {"money.number"},
		"fault=customer&done=101":         {"policy.facts"},
	} {
		at, err := url.ParseQuery(query)
		require.NoError(t, err)
		page := h.ok("operator", standard+"?"+at.Encode())
		for _, text := range texts {
			assert.Contains(t, page, text, query)
		}
	}
	assert.Contains(t, h.ok("auditor", standard, "Accept-Language", "zh"), "费用试算")
	assert.Equal(t, http.StatusForbidden, h.get("merchant", standard).Code)
}

func TestAPolicyIsPublishedByAnother(t *testing.T) {
	t.Parallel()
	h := open(t)
	own, other := h.policy(h.cast.Operator, nil), h.policy(h.cast.Second, nil)
	broken := h.policy(h.cast.Second, func(r []order.Row) { r[4].Start.UpTo-- })
	page := h.ok("operator", "/console/policies")
	assert.NotContains(t, page, "/console/policies/"+string(own.ID)+"/publish-policy")
	to := "/console/policies/" + string(other.ID) + "/publish-policy"
	sent := form(t, page, to)
	for range 2 {
		require.Equal(t, http.StatusSeeOther, h.post("operator", to, sent).Code)
	}
	assert.Equal(t, 1, h.events("policy.published"))
	assert.Contains(t, h.ok("operator", "/console/policies"), "standard.2")

	assert.Contains(t, h.ok("operator", "/console/policies/"+string(broken.ID)), "policy.gap")
	to = "/console/policies/" + string(broken.ID) + "/publish-policy"
	refused := h.post("operator", to, form(t, h.ok("operator", "/console/policies"), to))
	assert.Equal(t, http.StatusUnprocessableEntity, refused.Code)
	assert.Contains(t, refused.Body.String(), "policy.gap")
	gone := "/console/policies/" + string(own.ID) + "/discard-policy"
	require.Equal(t, http.StatusSeeOther, h.post("operator", gone, form(t, h.ok("operator", "/console/policies"), gone)).Code)
	assert.Equal(t, 1, h.events("policy.discarded"))
}
