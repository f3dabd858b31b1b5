package console_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/sandbox"
)

// A split that the institution refuses comes to an operator, who sends it again
// from the page; then the page shows who got what.
func TestSplitsAreSeenAndDecided(t *testing.T) {
	t.Parallel()
	h := openIn(t, nil, payment.SplitFunds)
	o := h.work(h.paid())
	_, err := h.Orders.Accept(h.as(h.cast.Customer), order.Accept{Order: o.ID})
	require.NoError(t, err)
	all, err := h.Payments.Splits(h.as(h.cast.Operator), o.Ref())
	require.NoError(t, err)
	require.Len(t, all, 1)
	split := all[0]
	for n, suffix := range []string{"", ".1", ".2", ".3"} {
		h.Sandbox.Force(payment.Key(string(split.ID)+suffix), sandbox.Decline+":ACCOUNT_ERROR")
		h.pass([]time.Duration{0, time.Hour, 6 * time.Hour, 24 * time.Hour}[n])
	}

	page := h.ok("operator", paymentsPage)
	for _, text := range []string{"on their own accounts", "By hand", "ACCOUNT_ERROR", "162.00 CNY", string(h.cast.Merchant.ID), "Waits for an operator"} {
		assert.Contains(t, page, text)
	}
	assert.NotContains(t, page, "split-arrived", "it is known that it did not")
	assert.NotContains(t, h.ok("auditor", paymentsPage), `<button class="split-send"`)
	send := form(t, page, paymentsPage+"/"+string(split.ID)+"/split-send")
	send.Set("reason", "checked")
	require.Equal(t, http.StatusSeeOther, h.post("operator", paymentsPage+"/"+string(split.ID)+"/split-send", send).Code)
	h.pass(time.Minute)

	page = h.ok("operator", paymentsPage+"?splits=done")
	for _, text := range []string{"Shares of a sale", "162.00 CNY", `<rect class="share-there" x="0" y="0" width="1000"`} {
		assert.Contains(t, page, text)
	}
	assert.Contains(t, h.ok("operator", paymentsPage+"?splits=done&lang=zh"), "销售分账")
	assert.Contains(t, h.ok("operator", orderPage(o)), "Shares arrived")
}

func TestPageSaysThatNothingIsSplit(t *testing.T) {
	t.Parallel()
	h := open(t)
	assert.Contains(t, h.ok("operator", paymentsPage), "The platform holds what others have earned")
}
