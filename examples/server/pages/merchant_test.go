package pages_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/merchant"
	"github.com/liangding/platform/order"
)

// asks puts a second listing on sale, of which the merchant answers every order and
// which it carries out itself.
func (h *house) asks() string {
	h.t.Helper()
	draft, err := h.Merchants.NewDraft(h.as(h.cast.Merchant), merchant.NewDraft{Content: &merchant.Content{
		Title: "Chimney sweeping", Text: "One flue.", Unit: "flue", Price: h.cast.Price,
		Standard: merchant.Standard{Scope: "one flue", Result: "free of soot", Warranty: "swept again within a week"},
		Minutes:  60, Zone: h.cast.Zone, Confirmation: "manual", Acceptance: "customer", Proof: []string{"code"},
	}})
	require.NoError(h.t, err)
	_, err = h.Merchants.SubmitDraft(h.as(h.cast.Merchant), merchant.SubmitDraft{Revision: draft.ID})
	require.NoError(h.t, err)
	assert.Contains(h.t, h.ok("merchant", "/my/listings"), "in review")
	_, err = h.Merchants.ApproveRevision(h.as(h.cast.Operator), merchant.ApproveRevision{Revision: draft.ID})
	require.NoError(h.t, err)
	return "/my/services/" + string(draft.Listing)
}

// waiting is a paid order that waits for the merchant's answer.
func (h *house) waiting(service string) string {
	h.t.Helper()
	path, _ := h.led("customer", service+"?quantity=1", service+"/place", nil)
	path = before(path)
	h.led("customer", path, path+"/pay", url.Values{"method": {"pm_ok"}})
	return path
}

// TestAMerchantAnswersCarriesOutAndIsPaid: an order without staff, on the merchant's own
// pages.
func TestAMerchantAnswersCarriesOutAndIsPaid(t *testing.T) {
	t.Parallel()
	h := open(t)
	path := h.waiting(h.asks())
	assert.Contains(t, h.ok("merchant", "/my/desk"), path)
	_, text := h.led("merchant", path, path+"/confirm", nil)
	assert.NotContains(t, text, path+"/confirm")
	assert.NotContains(t, h.ok("merchant", "/my/desk"), path)
	_, _ = h.led("merchant", path, path+"/start", nil)
	w := h.press("merchant", path, path+"/deliver", nil)
	assert.Contains(t, w.Body.String(), "order.proof_missing")
	_, text = h.led("merchant", path, path+"/deliver", url.Values{"code": {"4711"}})
	assert.NotContains(t, text, "4711", "a code is kept as its hash")
	_, _ = h.led("customer", path, path+"/accept", nil)
	h.pass(8 * 24 * time.Hour)
	assert.Equal(t, order.Closed, h.order(path).State)
	assert.Contains(t, h.ok("merchant", "/my/desk"), "Goes out with the next payout")
	assert.Contains(t, h.ok("merchant", "/console/money"), `href="/my/"`)
}

func TestADeclinedOrderGivesEverythingBack(t *testing.T) {
	t.Parallel()
	h := open(t)
	path := h.waiting(h.asks())
	w := h.press("merchant", path, path+"/decline", nil)
	assert.Equal(t, http.StatusUnprocessableEntity, w.Code)
	_, _ = h.led("merchant", path, path+"/decline", url.Values{"reason": {"no_capacity"}})
	h.pass(time.Minute)
	o := h.order(path)
	assert.Equal(t, order.Declined, o.State)
	assert.Equal(t, o.Captured, o.Refunded)
}

func TestAPausedListingCannotBeOrdered(t *testing.T) {
	t.Parallel()
	h := open(t)
	at := "/my/listings/" + string(h.cast.Listing)
	quote := h.ok("customer", h.service()+"?quantity=1")
	_, text := h.led("merchant", "/my/listings", at+"/pause", nil)
	assert.Contains(t, text, "Paused")
	assert.Equal(t, http.StatusConflict, h.post("customer", h.service()+"/place", h.form(quote, h.service()+"/place")).Code)
	assert.NotContains(t, h.ok("customer", "/my/services"), h.service())
	_, _ = h.led("merchant", "/my/listings", at+"/resume", nil)
	assert.Contains(t, h.ok("customer", "/my/services"), h.service())
}

func TestADisputeShowsOnTheDeskWhileItIsTheMerchantsTurn(t *testing.T) {
	t.Parallel()
	h := open(t)
	path := h.delivered()
	at, _ := h.led("customer", path+"/dispute", path+"/dispute", url.Values{"reason": {"damage"}})
	at = before(at)
	assert.Contains(t, h.ok("merchant", "/my/desk"), at)
	_, _ = h.led("merchant", at, at+"/contest", url.Values{"evidence": {"the pane was cracked before"}})
	assert.NotContains(t, h.ok("merchant", "/my/desk"), at)
}
