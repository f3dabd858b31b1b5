package console_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/sandbox"
)

func TestATitleIsOnNoPageUnasked(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	for _, path := range append(s.paths(), invoicePage(s.invoice)+"/print") {
		page := s.ok("operator", path)
		assert.NotContains(t, page, secret, path)
		assert.NotContains(t, page, "91350100M000100Y43", path)
	}
	path := invoicePage(s.invoice)
	w := s.post("operator", "/console/reveals", url.Values{
		"record": {s.invoice.Ref().String()}, "field": {"title"}, "purpose": {"invoicing"}, "reason": {"customer_request"},
	})
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	assert.Contains(t, w.Body.String(), secret)
	assert.Contains(t, w.Body.String(), path)
}

func TestAnInvoiceIsReversedAndGivenUpByButton(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	path := invoicePage(s.invoice)
	f := form(t, s.ok("operator", path), path+"/reverse-invoice")
	for range 2 { // pressed twice
		w := s.post("operator", path+"/reverse-invoice", f)
		require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	}
	v, err := s.Invoices.Invoice(s.as(s.cast.Operator), s.invoice.ID)
	require.NoError(t, err)
	assert.Equal(t, invoice.RedPending, v.State)
	assert.Equal(t, 1, v.Letters)
	assert.NotContains(t, s.ok("operator", path), "reverse-invoice")

	w := s.post("operator", invoicePage(s.asking)+"/cancel-invoice", url.Values{"key": {"another"}})
	assert.Equal(t, http.StatusForbidden, w.Code, "only who asked for it gives it up")
}

// A red letter that came back with other totals is seen where invoices are, and
// decided there.
func TestAHeldLetterIsDecidedByButton(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	path := invoicePage(s.invoice)
	w := s.post("operator", path+"/reverse-invoice", form(t, s.ok("operator", path), path+"/reverse-invoice"))
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	assert.NotContains(t, s.ok("operator", path), "check-letter", "it is on its way")
	letters, err := s.Invoices.Letters(s.as(s.cast.Operator), s.invoice.ID)
	require.NoError(t, err)
	s.Authority.Force(string(letters[0].ID), sandbox.Alter)
	_, err = s.Invoices.Tick(t.Context(), s.Writer.Now().Add(time.Minute), 0)
	require.NoError(t, err)

	assert.Contains(t, s.ok("operator", "/console/invoices?state=red_pending"), "Other totals came back")
	page := s.ok("operator", path)
	assert.Contains(t, page, "check-letter")
	w = s.post("operator", path+"/void-letter", form(t, page, path+"/void-letter"))

	require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	v, err := s.Invoices.Invoice(s.as(s.cast.Operator), s.invoice.ID)
	require.NoError(t, err)
	assert.Equal(t, invoice.Issued, v.State)
	assert.NotContains(t, s.ok("auditor", path), "void-letter")
}

// The plan is approved as it was shown, and not when a fact has moved.
func TestARefundIsApprovedByItsPlan(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	shown := orderPage(s.confirmed) + "/refund?refund=" + string(s.asked.ID)
	action := orderPage(s.confirmed) + "/refund/approve-plan"
	stale := form(t, s.ok("operator", shown), action)
	stale.Set("plan", stale.Get("plan")[1:]+"0")
	w := s.post("operator", action, stale)
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Contains(t, w.Body.String(), "refund.plan_changed")

	w = s.post("operator", action, form(t, s.ok("operator", shown), action))
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	page, err := s.Orders.Refunds(s.as(s.cast.Operator), s.confirmed.ID, "")
	require.NoError(t, err)
	assert.Equal(t, order.RefundApproved, page.Items[0].State)
	assert.Contains(t, s.ok("operator", orderPage(s.confirmed)), "Plan of the refund confirmed")
}

func TestAPlannedRefundIsAskedForLineByLine(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	shown := orderPage(s.closed) + "/refund?amount=12.34"
	action := orderPage(s.closed) + "/refund/ask-refund"

	w := s.post("operator", action, form(t, s.ok("operator", shown), action))

	require.Equal(t, http.StatusSeeOther, w.Code, w.Body)
	page, err := s.Orders.Refunds(s.as(s.cast.Operator), s.closed.ID, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	assert.Equal(t, "12.34 CNY", page.Items[0].Amount.String())
}

// The print view is a page of its own: nothing of the console is on it, and
// nothing that a browser would run.
func TestAnInvoiceIsPrintedInBothLanguages(t *testing.T) {
	t.Parallel()
	s := open(t).scene()
	for lang, texts := range map[string][]string{"en": {"With tax", "169.81 CNY", "as in the official file"}, "zh": {"价税合计", "10.19 CNY", "见官方文件"}} {
		for _, who := range []string{"operator", "auditor"} {
			page := html.UnescapeString(s.ok(who, invoicePage(s.invoice)+"/print", "Accept-Language", lang))
			for _, text := range texts {
				assert.Contains(t, page, text)
			}
			for _, bad := range []string{"<nav", "<form", "<script", " style="} {
				assert.NotContains(t, strings.ToLower(page), bad)
			}
		}
	}
	assert.Contains(t, s.ok("operator", invoicePage(s.asking)+"/print"), "this is no invoice")
	assert.NotEqual(t, http.StatusOK, s.get("customer", invoicePage(s.invoice)+"/print").Code)
}
