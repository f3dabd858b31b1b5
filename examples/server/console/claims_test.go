package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/budget"
	"github.com/liangding/platform/finance/claim"
)

// travel is the demo's budget line, in force.
func (h *house) travel() budget.Standing {
	h.t.Helper()
	h.pass(time.Second)
	page, err := h.Budgets.Lines(h.as(h.cast.Operator), "", "")
	require.NoError(h.t, err)
	for _, l := range page.Items {
		if l.Account == "travel" {
			return l
		}
	}
	require.Fail(h.t, "no line")
	return budget.Standing{}
}

// claimed is a claim of the member of staff's on its way.
func (h *house) claimed(n int, amount string) claim.Claim {
	h.t.Helper()
	l := h.travel()
	c, err := h.Claims.Draft(h.as(h.cast.Staff), claim.Draft{Items: []claim.Voucher{{
		Line: l.ID, Kind: "ticket", File: strings.Repeat("0123456789abcdef"[n:n+1], 64), Number: "G" + strings.Repeat("1", n), Seller: "Rail " + hostile,
		Purpose: hostile, Date: morning.AddDate(0, 0, -3), Amount: platform.MustMoney(amount, "CNY"),
	}}})
	require.NoError(h.t, err)
	c, err = h.Claims.Submit(h.as(h.cast.Staff), claim.Submit{Claim: c.ID})
	require.NoError(h.t, err)
	return c
}

func claimPage(c claim.Claim) string { return "/console/claims/" + string(c.ID) }

func TestAClaimIsReadAndApprovedInTheConsole(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := h.claimed(1, "6000.00")
	page := claimPage(c)
	inbox := h.ok("operator", "/console/claims")
	assert.Contains(t, inbox, page)
	assert.Contains(t, inbox, "6,000.00 CNY")
	for lang, texts := range map[string][]string{"en": {"Chain of approvers", "director", "Ticket", "service travel"}, "zh": {"审批链", "车票机票"}} {
		text := h.ok("operator", page, "Accept-Language", lang)
		for _, want := range texts {
			assert.Contains(t, text, want, lang)
		}
		assert.NotContains(t, text, "Rail", "who sold is sealed")
	}
	look := form(t, h.ok("operator", page), revealsPage)
	look.Set("field", "details")
	look.Set("purpose", "reimbursement")
	shown := h.post("operator", revealsPage, look)
	assert.Contains(t, shown.Body.String(), "&#34;seller&#34;:&#34;Rail ", "who may sees it")
	assert.NotContains(t, shown.Body.String(), "<script", "as text")
	assert.Contains(t, shown.Body.String(), page, "and goes back to the claim")
	auditor := h.ok("auditor", page)
	assert.NotContains(t, auditor, "approve-claim")
	assert.NotContains(t, h.ok("admission", page), "approve-claim", "of another role")

	press := form(t, h.ok("operator", page), page+"/approve-claim")
	w := h.post("operator", page+"/approve-claim", press)
	assert.Equal(t, http.StatusSeeOther, w.Code)
	assert.Equal(t, page+"?done=approve-claim", w.Header().Get("Location"))
	h.post("operator", page+"/approve-claim", press)
	assert.Contains(t, h.ok("operator", page+"?done=approve-claim"), "Being approved")
	assert.NotContains(t, h.ok("operator", "/console/claims"), page, "it is the director's turn, and theirs no more")
	refused := h.post("operator", page+"/approve-claim", url.Values{"key": {"again"}})
	assert.Equal(t, http.StatusForbidden, refused.Code)
	assert.Contains(t, refused.Body.String(), "claim.turn")
}

func TestAClaimIsSubmittedWithItsForm(t *testing.T) {
	t.Parallel()
	h := open(t)
	l := h.travel()
	const at = "/console/claims/new/draft-claim"
	f := form(t, h.ok("operator", "/console/claims"), at)
	f.Del("reason")
	for name, value := range map[string]string{
		"line": string(l.ID) + " CNY", "kind": "ticket", "date": "2030-02-27", "amount": "12.50", "seller": "Rail", "purpose": "to a customer", "file": strings.Repeat("AB", 32),
	} {
		f.Set("items[0]."+name, value)
	}
	for range 2 { // pressing it twice is one claim
		w := h.post("operator", at, f)
		assert.Equal(t, http.StatusSeeOther, w.Code, w.Body.String())
	}
	page, err := h.Claims.Claims(h.as(h.cast.Operator), "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	assert.Equal(t, claim.Submitted, page.Items[0].State)
	own := h.ok("operator", claimPage(page.Items[0]))
	assert.Contains(t, own, "withdraw-claim")
	assert.NotContains(t, own, "approve-claim", "their own")
	f.Set("key", "another")
	w := h.post("operator", at, f)
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Contains(t, w.Body.String(), "claim.duplicate_voucher")
	f.Set("items[0].amount", "12,50")
	assert.Equal(t, http.StatusUnprocessableEntity, h.post("operator", at, f).Code)
}

func TestBudgetsAreDrawnToScale(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.claimed(1, "6000.00")

	page := h.ok("auditor", "/console/budgets")

	assert.Contains(t, page, `<rect class="usage-committed" x="0" y="0" width="250" height="24">`, "6,000 of 24,000")
	assert.Contains(t, page, `<rect class="usage-free" x="250" y="0" width="750" height="24">`)
	assert.NotContains(t, page, "close-budget")
	assert.Contains(t, h.ok("operator", "/console/budgets"), "close-budget")
	assert.NotContains(t, h.ok("admission", "/console/budgets"), "close-budget")
}
