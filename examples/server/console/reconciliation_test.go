package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/reconciliation"
)

const reconPage = "/console/reconciliation"

// differing is a house on the day after one on which the institution got money
// that nobody asked for, and somebody refunded at its console.
func differing(t *testing.T, deposit string) *house {
	t.Helper()
	h := open(t)
	h.paid()
	second := h.paid()
	attempts, err := h.Payments.Intents(h.as(h.cast.Operator), second.Ref())
	require.NoError(t, err)
	require.NoError(t, h.Sandbox.RefundByHand(payment.Key(attempts[0].Paid[0]), platform.MustMoney("30.00", "CNY")))
	h.Sandbox.Deposit(platform.MustMoney(deposit, "CNY"))
	h.pass(24 * time.Hour)
	return h
}

// reconciled presses the button that fetches the day and compares it.
func (h *house) reconciled() {
	h.t.Helper()
	to := reconPage + "/sandbox/fetch-day"
	sent := form(h.t, h.ok("operator", reconPage), to)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			w := h.post("operator", to, sent)
			assert.Equal(h.t, http.StatusSeeOther, w.Code, w.Body)
		})
	}
	all.Wait()
}

// difference is the open case about something.
func (h *house) difference(about string) reconciliation.Case {
	h.t.Helper()
	page, err := h.Recon.Inbox(h.as(h.cast.Operator), reconciliation.CaseOpen, "")
	require.NoError(h.t, err)
	for _, c := range page.Items {
		if c.About == about {
			return c
		}
	}
	require.Failf(h.t, "no case", "of %s in %d", about, len(page.Items))
	return reconciliation.Case{}
}

func TestDifferencesAreResolvedFromTheirPage(t *testing.T) {
	t.Parallel()
	h := differing(t, "20.00")
	assert.Contains(t, h.ok("operator", reconPage), "No statement was compared yet.")
	h.reconciled()
	assert.Equal(t, 1, h.events("statement.imported"))
	assert.Equal(t, 1, h.events("recon.run"))

	page := h.ok("operator", reconPage)
	for _, text := range []string{"<svg", "50.00 %", "Missing in the books", "20.00 CNY", "-30.00 CNY", "pay.surplus", "refund.imported", "350.00 CNY"} {
		assert.Contains(t, page, text)
	}
	assert.Contains(t, h.ok("operator", reconPage+"?lang=zh"), "账簿缺失")

	surplus, refund := h.difference("charge"), h.difference("refund")
	press := func(c reconciliation.Case, verb string, more url.Values) int {
		to := reconPage + "/" + string(c.ID) + "/" + verb
		sent := form(t, h.ok("operator", reconPage+"?state="+string(c.State)), to)
		for name := range more {
			sent.Set(name, more.Get(name))
		}
		return h.post("operator", to, sent).Code
	}
	assert.Equal(t, http.StatusSeeOther, press(surplus, "take-up", nil))
	assert.Equal(t, http.StatusSeeOther, press(surplus, "settle", nil))
	assert.Equal(t, http.StatusSeeOther, press(refund, "suspend", nil))
	refund.State = reconciliation.CaseSuspended
	assert.Equal(t, http.StatusUnprocessableEntity, press(refund, "settle-into", url.Values{"account": {"purse"}}))
	assert.Equal(t, http.StatusSeeOther, press(refund, "settle-into", url.Values{"account": {"difference"}}))
	assert.Contains(t, h.ok("auditor", reconPage+"?state=resolved"), "pay.surplus")
	assert.NotContains(t, h.ok("auditor", reconPage+"?state=resolved"), "Book the proposal")

	h.pass(24 * time.Hour)
	h.reconciled()
	runs, err := h.Recon.Runs(h.as(h.cast.Operator), "sandbox", "")
	require.NoError(t, err)
	assert.Zero(t, runs.Items[0].Open)
	assert.True(t, runs.Items[0].Proofs[0].Holds())
	found, err := h.VerifyBooks(t.Context())
	require.NoError(t, err)
	assert.Empty(t, found)
}

// What came in by another way than the page's own button is compared from the page.
func TestAStatementThatCameInIsComparedFromThePage(t *testing.T) {
	t.Parallel()
	h := differing(t, "20.00")
	day := morning.Format(time.DateOnly)
	st, err := h.Recon.Fetch(h.as(h.cast.Operator), reconciliation.Fetch{Institution: "sandbox", Day: day})
	require.NoError(t, err)
	page := h.ok("operator", reconPage)
	assert.Contains(t, page, "A statement came in and was not compared yet.")
	assert.NotContains(t, page, "No statement was compared yet.")
	to := reconPage + "/" + string(st.ID) + "/compare-day"
	assert.NotContains(t, h.ok("auditor", reconPage), to)
	assert.NotContains(t, h.ok("admission", reconPage), to, "of another role")

	sent := form(t, page, to)
	for range 2 {
		require.Equal(t, http.StatusSeeOther, h.post("operator", to, sent).Code)
	}
	assert.Equal(t, 1, h.events("recon.run"))
	page = h.ok("operator", reconPage)
	assert.NotContains(t, page, "was not compared yet")
	assert.NotContains(t, page, to)
	assert.Contains(t, page, "50.00 %")
}

func TestALargeDifferenceTakesTwo(t *testing.T) {
	t.Parallel()
	h := differing(t, "6000.00")
	h.reconciled()
	c := h.difference("charge")
	to := reconPage + "/" + string(c.ID)
	require.Equal(t, http.StatusSeeOther, h.post("operator", to+"/settle", form(t, h.ok("operator", reconPage), to+"/settle")).Code)
	page := h.ok("operator", reconPage+"?state=proposed")
	assert.Contains(t, page, "6,000.00 CNY")
	assert.False(t, strings.Contains(page, "/countersign") || strings.Contains(page, "/send-back"), "not by oneself")
	w := h.post("operator", to+"/countersign", url.Values{"key": {"mine"}})
	assert.Equal(t, http.StatusForbidden, w.Code)
	assert.Contains(t, w.Body.String(), "recon.four_eyes")

	done, err := h.Recon.ApproveCase(h.as(h.cast.Second), reconciliation.ApproveCase{Case: c.ID})
	require.NoError(t, err)
	assert.Equal(t, reconciliation.CaseResolved, done.State)
}
