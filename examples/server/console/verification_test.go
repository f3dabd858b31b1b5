package console_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/verification"
)

// asks publishes what merchants have to prove, from now on.
func (h *house) asks() {
	h.t.Helper()
	none := 0
	_, err := h.Verification.Publish(h.as(h.cast.Operator), verification.Publish{
		Name: "merchant", Party: platform.Merchant, Effective: h.Writer.Now().Add(time.Second), Transition: &none, Open: true, Basis: "law", Owner: "ops",
		Requirements: []verification.Requirement{
			{Code: "merchant.licence", Kind: verification.Qualification, Phase: verification.AtApply, Gates: []string{"sell", "list"}, Number: verification.CreditCode, Instead: []string{"merchant.permit"}},
			{Code: "merchant.permit", Kind: verification.Qualification, Phase: verification.AtApply},
			{Code: "merchant.deposit", Kind: verification.Deposit, Phase: verification.AtApply, Gates: []string{"advertise"}},
		},
	})
	require.NoError(h.t, err)
	h.now.Add((2 * time.Second).Microseconds())
}

func (h *house) handsIn(code, number string) verification.Submission {
	h.t.Helper()
	own := h.as(h.cast.Merchant)
	c, err := h.Verification.Begin(own, verification.Begin{Party: h.cast.Merchant.ID, Code: code})
	require.NoError(h.t, err)
	c, err = h.Verification.Submit(own, verification.Submit{Submission: c.ID, Number: number})
	require.NoError(h.t, err)
	return c
}

func TestAMerchantSeesWhatIsDueByWhenAndWhatItBlocks(t *testing.T) {
	t.Parallel()
	h := open(t)
	assert.Contains(t, h.ok("merchant", "/console/due"), "Nothing is due.")
	h.asks()
	page := h.ok("merchant", "/console/due")
	assert.Contains(t, page, "merchant.licence or merchant.permit")
	assert.Contains(t, page, "Due now")
	assert.Contains(t, page, "list services")
	assert.Contains(t, page, "yes, for now", "it was here before the rule: grace runs")
	assert.Contains(t, h.ok("merchant", "/console/due", "Accept-Language", "zh"), "发布服务")
	h.handsIn("merchant.licence", "91350100M000100Y43")
	assert.Contains(t, h.ok("merchant", "/console/due"), "Under review")
	assert.NotContains(t, h.ok("merchant", "/console/due"), "91350100M000100Y43")
	h.pass(14 * 24 * time.Hour)
	assert.Contains(t, h.ok("merchant", "/console/due"), "Overdue")
	assert.Equal(t, http.StatusForbidden, h.get("operator", "/console/due").Code)
}

func TestAReviewerDecidesFromTheQueue(t *testing.T) {
	t.Parallel()
	h := open(t)
	const page = "/console/verifications"
	assert.Contains(t, h.ok("operator", page), "Nothing waits.")
	h.asks()
	c := h.handsIn("merchant.licence", "91350100M000100Y43")
	assert.Contains(t, h.ok("operator", page), `class="used"`)
	h.now.Add((3 * 24 * time.Hour).Microseconds()) // nobody ticks
	late := h.ok("operator", page)
	assert.Contains(t, late, "over the time for review")
	assert.Contains(t, late, "72 h")
	assert.Contains(t, h.ok("auditor", page), "merchant.licence")
	assert.NotContains(t, h.ok("auditor", page), "verify-submission\">", "auditors decide nothing")

	at := page + "/" + string(c.ID) + "/verify-submission"
	sent := form(t, late, at)
	for range 2 { // pressed twice, moved once
		w := h.post("operator", at, sent)
		require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	}
	done, err := h.Verification.Submission(h.as(h.cast.Operator), c.ID)
	require.NoError(t, err)
	assert.Equal(t, verification.Verified, done.State)

	c = h.handsIn("merchant.permit", "")
	at = page + "/" + string(c.ID) + "/reject-submission"
	sent = form(t, h.ok("operator", page), at)
	sent.Set("reason", "forged")
	require.Equal(t, http.StatusSeeOther, h.post("operator", at, sent).Code)
	done, err = h.Verification.Submission(h.as(h.cast.Operator), c.ID)
	require.NoError(t, err)
	assert.Equal(t, "forged", done.Reason)
}

func TestAWaiverIsGrantedByASecondPerson(t *testing.T) {
	t.Parallel()
	h := open(t)
	const page = "/console/verifications"
	h.asks()
	v, err := h.Verification.Waive(h.as(h.cast.Operator), verification.Waive{Party: h.cast.Merchant.ID, Code: "merchant.deposit", Until: h.Writer.Now().AddDate(0, 1, 0), Reason: "other"})
	require.NoError(t, err)
	at := page + "/" + string(v.ID) + "/grant-waiver"
	sent := form(t, h.ok("operator", page), at)
	assert.Equal(t, http.StatusForbidden, h.post("operator", at, sent).Code, "not who proposed it")
	assert.Contains(t, h.ok("operator", page), "merchant.deposit")
}
