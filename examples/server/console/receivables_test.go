package console_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/receivable"
)

// claim is what the demo's merchant owes, due now.
func (h *house) claim(amount string) receivable.Item {
	h.t.Helper()
	m := platform.MustMoney(amount, "CNY")
	i, err := h.Receivables.Arise(h.as(h.cast.Operator), receivable.Arise{
		Debtor: h.cast.Merchant.ID, Cause: receivable.Invoice, Source: platform.Ref{Kind: "invoice", ID: h.Writer.NewRoot(h.t.Context(), "inv")},
		Amount: m, Due: h.Writer.Now(), Reference: "INV-<b>7</b>", Credits: []platform.Leg{{Role: "advertising", Amount: m.Neg()}},
	})
	require.NoError(h.t, err)
	return i
}

func (h *house) item(i receivable.Item) receivable.Item {
	h.t.Helper()
	i, err := h.Receivables.Item(h.as(h.cast.Operator), i.ID)
	require.NoError(h.t, err)
	return i
}

func TestTheAgeingPageShowsWhatIsOpenByBucket(t *testing.T) {
	t.Parallel()
	h := open(t)
	assert.Contains(t, h.ok("operator", "/console/receivables"), "Nothing is owed.")
	h.claim("300.00")
	h.pass(40 * 24 * time.Hour)
	h.claim("100.00")
	for _, token := range []string{"operator", "auditor"} {
		page := h.ok(token, "/console/receivables")
		assert.Contains(t, page, `<rect class="bucket-0" x="0" y="0" width="250" height="24">`)
		assert.Contains(t, page, `<rect class="bucket-2" x="250" y="0" width="750" height="24">`)
		assert.Contains(t, page, "31–60 days: 300.00 CNY")
		assert.Contains(t, page, "/console/debtors/"+string(h.cast.Merchant.ID))
		assert.NotContains(t, page, "<b>7</b>")
		assert.Contains(t, h.ok(token, "/console/debtors/"+string(h.cast.Merchant.ID)), "Payment reminder")
	}
	assert.Contains(t, h.ok("operator", "/console/receivables", "Accept-Language", "zh"), "31–60天: 300.00 CNY")
	assert.Contains(t, h.ok("operator", "/console/debtors/"+string(h.cast.Merchant.ID), "Accept-Language", "zh"), "付款提醒")
	assert.Equal(t, http.StatusForbidden, h.get("merchant", "/console/receivables").Code)
}

func TestAClaimIsDunnedAndGivenUpFromItsPages(t *testing.T) {
	t.Parallel()
	h := open(t)
	i := h.claim("300.00")
	at, debtor := "/console/receivables/"+string(i.ID), "/console/debtors/"+string(h.cast.Merchant.ID)
	h.now.Add((15 * 24 * time.Hour).Microseconds()) // nobody ticks
	press := func(page, move string) {
		t.Helper()
		sent := form(t, h.ok("operator", page), page+"/"+move)
		sent.Set("percent", "40")
		sent.Set("on", h.Writer.Now().AddDate(0, 0, 3).Format(time.DateOnly))
		w := h.post("operator", page+"/"+move, sent)
		require.Equal(t, http.StatusSeeOther, w.Code, "%s: %s", move, w.Body)
		assert.Equal(t, page+"?done="+move, w.Header().Get("Location"))
		again := h.post("operator", page+"/"+move, sent)
		assert.Equal(t, http.StatusSeeOther, again.Code, "pressed twice, moved once")
	}
	assert.NotContains(t, h.ok("auditor", debtor), "run-dunning")
	press(debtor, "run-dunning")
	assert.Equal(t, 1, h.item(i).Level)
	press(at, "promise-payment")
	assert.Equal(t, receivable.Promised, h.item(i).State)
	assert.Contains(t, h.ok("operator", at), h.Writer.Now().AddDate(0, 0, 3).Format(time.DateOnly)+": 300.00 CNY")
	_, err := h.Receivables.Dispute(h.as(h.cast.Merchant), receivable.Dispute{Item: i.ID, Amount: platform.MustMoney("5.00", "CNY"), Reason: "other"})
	require.NoError(t, err)
	press(at, "resolve-dispute")
	press(at, "assess-loss")
	assert.Equal(t, "0.4", h.item(i).Assessed.Rate.String())
	for range 12 {
		h.pass(10 * 24 * time.Hour)
	}
	page := h.ok("operator", at)
	for _, text := range []string{"legal action", "Claim arose", "Dunned", "300.00 CNY"} {
		assert.Contains(t, page, text)
	}
	press(at, "finish-task")
	press(at, "propose-write-off")
	assert.NotContains(t, h.ok("operator", at), "approve-write-off", "somebody else decides")
	_, err = h.Receivables.RejectWriteOff(h.as(h.cast.Second), receivable.RejectWriteOff{Item: i.ID, Reason: "other"})
	require.NoError(t, err)
	_, err = h.Receivables.ProposeWriteOff(h.as(h.cast.Second), receivable.ProposeWriteOff{Item: i.ID, Reason: "insolvent"})
	require.NoError(t, err)
	assert.Contains(t, h.ok("auditor", "/console/receivables"), at)
	assert.NotContains(t, h.ok("auditor", at), "approve-write-off")
	press(at, "approve-write-off")
	assert.Equal(t, receivable.WrittenOff, h.item(i).State)
	for _, move := range []string{"propose-write-off", "assess-loss", "promise-payment"} {
		assert.NotContains(t, h.ok("operator", at), move)
	}
}
