package console_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/order"
)

// press presses the button of a page that leads to an address.
func (h *house) press(token, page, to string, fields ...string) int {
	h.t.Helper()
	f := form(h.t, h.ok(token, page), to)
	for i := 0; i < len(fields); i += 2 {
		f.Set(fields[i], fields[i+1])
	}
	return h.post(token, to, f).Code
}

// One operator verifies and plans, another approves, and the merchant sees its own
// money and confirms its settlement.
func TestPayoutsArePlannedAndApprovedInTheBrowser(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.register()
	account := "/console/accounts/" + string(a.ID)
	assert.Equal(t, http.StatusSeeOther, h.press("second", "/console/accounts", account+"/verify-account", "reason", "document"))
	sold := h.work(h.paid())
	_, err := h.Orders.Accept(h.as(h.cast.Customer), order.Accept{Order: sold.ID})
	require.NoError(t, err)
	assert.Contains(t, h.ok("merchant", "/console/money"), "162.00 CNY", "earned, and not released")
	h.pass(8 * 24 * time.Hour)
	h.pass(4 * 24 * time.Hour)

	page, err := h.Payouts.Statements(h.as(h.cast.Merchant), a.ID, "", "")
	require.NoError(t, err)
	st := "/console/money/" + string(page.Items[1].ID)
	assert.Equal(t, http.StatusSeeOther, h.press("merchant", "/console/money", st+"/confirm-statement"))
	assert.Equal(t, http.StatusSeeOther, h.press("operator", "/console/payouts", "/console/payouts/new/start-run", "name", "r1", "currency", "CNY"))
	id := settlement.PayoutID(a.ID, settlement.RunID("r1", "CNY"))
	payout := "/console/payouts/" + string(id)
	assert.Equal(t, http.StatusForbidden, h.press("operator", "/console/payouts", payout+"/approve-payout"), "who started it")
	all := "/console/payouts/" + string(settlement.RunID("r1", "CNY")) + "/approve-run"
	assert.NotContains(t, h.ok("operator", "/console/payouts"), all, "nor all of it")
	assert.NotContains(t, h.ok("auditor", "/console/payouts"), all)
	assert.Contains(t, h.ok("second", "/console/payouts"), all)
	assert.Equal(t, http.StatusSeeOther, h.press("second", "/console/payouts?state=planned", payout+"/approve-payout"))
	assert.NotContains(t, h.ok("second", "/console/payouts"), all, "nothing is left to approve")
	h.pass(time.Second)
	assert.Contains(t, h.ok("operator", "/console/payouts?state=sending"), "On its way")
	assert.Equal(t, http.StatusSeeOther, h.press("operator", "/console/payouts", payout+"/look-payout"))
	h.pass(5 * time.Minute)

	p, err := h.Payouts.Payout(h.as(h.cast.Merchant), id)
	require.NoError(t, err)
	assert.Equal(t, settlement.PayoutPaid, p.State)
	shown := h.ok("operator", "/console/accounts?account="+string(a.ID))
	for _, text := range []string{`class="swatch purse-in_transit"`, "Order closed × 1", "Paid", "162.00 CNY"} {
		assert.Contains(t, shown, text)
	}
	h.pass(7 * 24 * time.Hour)
	assert.Contains(t, h.ok("merchant", "/console/money"), "Payout × 1: -162.00 CNY", "on the next statement")
}

// A party sees its own money and no page of the operators, nor they the page of a
// party.
func TestPartiesSeeTheirOwnMoneyAlone(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.register()
	own := h.ok("merchant", "/console/money")
	assert.Contains(t, own, `<svg class="stack"`)
	assert.NotContains(t, own, `href="/console/books"`)
	assert.Contains(t, h.ok("staff", "/console/money"), "No payout account yet.")
	for token, status := range map[string]int{"": 401, "customer": 403, "operator": 403, "auditor": 403} {
		assert.Equal(t, status, h.get(token, "/console/money").Code, token)
	}
}
