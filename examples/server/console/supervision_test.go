package console_test

import (
	"archive/zip"
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/supervision"
)

// twice books two journals by one voucher, and lets the control find it.
func (h *house) twice() supervision.Finding {
	h.t.Helper()
	for _, amount := range []string{"12.34", "56.78"} {
		j, err := h.Ledger.ProposeJournal(h.as(h.cast.Operator), finance.ProposeJournal{
			Legs:   []finance.Line{{Account: "marketing", Amount: platform.MustMoney(amount, "CNY")}, {Account: "bank:icbc", Amount: platform.MustMoney("-"+amount, "CNY")}},
			Reason: "correction", Voucher: strings.Repeat("0a", 32),
		})
		require.NoError(h.t, err)
		_, err = h.Ledger.ApproveJournal(h.as(h.cast.Second), finance.ApproveJournal{Journal: j.ID})
		require.NoError(h.t, err)
	}
	h.pass(time.Minute)
	h.pushes("supervisor", "/console/controls", "/console/controls/C1/run-control")
	f, err := h.Supervision.Finding(h.as(h.supervisor), supervision.FindingID("C1", string(h.cast.Operator.ID)))
	require.NoError(h.t, err)
	return f
}

// pushes presses a button of a page, with what the form is filled with.
func (h *house) pushes(token, page, to string, pairs ...string) {
	h.t.Helper()
	in := form(h.t, h.ok(token, page), to)
	for i := 0; i < len(pairs); i += 2 {
		in.Set(pairs[i], pairs[i+1])
	}
	w := h.post(token, to, in)
	require.Equal(h.t, http.StatusSeeOther, w.Code, "%s: %s", to, w.Body)
}

// TestAFindingIsPutRightByTheButtons: found by a control, planned and fixed by an
// operator, verified by the supervisor.
func TestAFindingIsPutRightByTheButtons(t *testing.T) {
	t.Parallel()
	h := open(t)
	f := h.twice()
	page := "/console/findings/" + string(f.ID)
	shown := h.ok("auditor", page)
	assert.Contains(t, shown, "One voucher twice")
	assert.NotContains(t, shown, "/plan-fix", "an auditor only looks")
	assert.Contains(t, h.ok("operator", "/console/findings"), page)
	assert.NotContains(t, h.ok("operator", "/console/controls"), "run-control", "only supervisors run one")
	assert.NotContains(t, h.ok("supervisor", page), "/plan-fix", "and they fix nothing")

	until := h.Writer.Now().AddDate(0, 0, 3).Format(time.DateOnly)
	h.pushes("operator", page, page+"/plan-fix", "cause", "cause_no_check", "action", "action_correct", "until", until)
	h.pushes("operator", page, page+"/start-fix")
	h.pushes("operator", page, page+"/finish-fix", "evidence", strings.Repeat("ab", 32))
	assert.NotContains(t, h.ok("operator", page), "/verify-fix")
	h.pushes("supervisor", page, page+"/refuse-fix")
	h.pushes("operator", page, page+"/finish-fix", "evidence", strings.Repeat("cd", 32))
	h.pass(time.Minute)
	h.pushes("supervisor", page, page+"/verify-fix")
	f, err := h.Supervision.Finding(h.as(h.supervisor), f.ID)
	require.NoError(t, err)
	assert.Equal(t, supervision.Closed, f.State)
	assert.Contains(t, h.ok("operator", "/console/findings?state=closed"), page)
}

func TestAnAuditIsShownWithItsPack(t *testing.T) {
	t.Parallel()
	h := open(t)
	by := h.as(h.supervisor)
	e, err := h.Supervision.PlanAudit(by, supervision.PlanAudit{
		Firm: "Tallyman " + hostile, Licence: "A-17", Partner: "p", From: "2030-03", Until: "2030-03", Scope: []string{"all"}, Deadline: h.Writer.Now().AddDate(0, 3, 0),
	})
	require.NoError(t, err)
	_, err = h.Supervision.Engage(by, supervision.Engage{Engagement: e.ID, Fee: platform.MustMoney("80000", "CNY"), Independence: strings.Repeat("ab", 32)})
	require.NoError(t, err)
	h.pushes("supervisor", "/console/engagements", "/console/engagements/"+string(e.ID)+"/audit-begin")
	shown := h.ok("supervisor", "/console/engagements")
	assert.Contains(t, shown, "Fieldwork")
	assert.NotContains(t, shown, hostile)

	w := h.post("supervisor", "/console/packs/"+string(e.ID), form(t, shown, "/console/packs/"+string(e.ID)))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	z, err := zip.NewReader(bytes.NewReader(w.Body.Bytes()), int64(w.Body.Len()))
	require.NoError(t, err)
	checked, err := supervision.CheckPack(z)
	require.NoError(t, err)
	assert.Empty(t, checked.Problems)
	assert.Contains(t, h.ok("supervisor", "/console/engagements"), checked.Manifest)
	for token, status := range map[string]int{"": 401, "merchant": 403, "operator": 403, "auditor": 403} {
		assert.Equal(t, status, h.post(token, "/console/packs/"+string(e.ID), nil).Code, token)
	}
}
