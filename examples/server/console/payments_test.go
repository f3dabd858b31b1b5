package console_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/sandbox"
)

const paymentsPage = "/console/payments"

// objected is a paid order of which the payer's bank took back an amount, and the
// chargeback.
func (h *house) objected(amount string) (order.Order, payment.Chargeback) {
	h.t.Helper()
	o := h.paid()
	intents, err := h.Payments.Intents(h.as(h.cast.Operator), o.Ref())
	require.NoError(h.t, err)
	charge := intents[0].Paid[0]
	reference, err := h.Sandbox.Object(payment.Key(charge), platform.MustMoney(amount, "CNY"), "fraud")
	require.NoError(h.t, err)
	for _, l := range h.Sandbox.Drain() {
		require.NoError(h.t, h.Payments.Receive(h.t.Context(), "sandbox", l.Header, l.Body))
	}
	c, err := h.Payments.Chargeback(h.as(h.cast.Operator), payment.ChargebackID(charge, "sandbox", reference, 1))
	require.NoError(h.t, err)
	return o, c
}

func TestChargebacksAreAnswered(t *testing.T) {
	t.Parallel()
	h := open(t)
	o, contested := h.objected("30.00")
	_, conceded := h.objected("20.00")
	page := h.ok("operator", paymentsPage)
	for _, text := range []string{"Needs a response", "30.00 CNY", "fraud", "<svg", "In use", string(o.ID)} {
		assert.Contains(t, page, text)
	}
	assert.NotContains(t, h.ok("auditor", paymentsPage), "<button class=\"concede\"")

	answer := form(t, page, paymentsPage+"/"+string(contested.ID)+"/contest")
	answer.Set("text", "paid by 4111 1111 1111 1111")
	w := h.post("operator", paymentsPage+"/"+string(contested.ID)+"/contest", answer)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	assert.Contains(t, w.Body.String(), "card number")
	answer.Set("text", "the work was done")
	require.Equal(t, http.StatusSeeOther, h.post("operator", paymentsPage+"/"+string(contested.ID)+"/contest", answer).Code)
	give := form(t, page, paymentsPage+"/"+string(conceded.ID)+"/concede")
	require.Equal(t, http.StatusSeeOther, h.post("operator", paymentsPage+"/"+string(conceded.ID)+"/concede", give).Code)

	assert.Contains(t, h.ok("operator", paymentsPage+"?state=under_review"), "30.00 CNY")
	assert.Contains(t, h.ok("operator", paymentsPage+"?state=lost"), "20.00 CNY")
	assert.Equal(t, platform.MustMoney("30.00", "CNY"), h.again(o).ChargedBack)
	found, err := h.VerifyBooks(t.Context())
	require.NoError(t, err)
	assert.Empty(t, found)
}

// What stayed unknown for a day waits for an operator, who asks the institution.
func TestManualAttemptIsLookedAtFromTheQueue(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.pay(h.place(1), sandbox.Short)
	page := h.ok("operator", paymentsPage)
	assert.Contains(t, page, "Quarantined")
	assert.Contains(t, page, "Another amount")
	h.pass(time.Minute)
	assert.Contains(t, h.ok("operator", paymentsPage+"?lang=zh"), "隔离待查")
}
