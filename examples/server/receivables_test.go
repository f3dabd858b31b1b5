package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/sandbox"
)

func TestReceivablesOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	party := w.cast.Merchant.ID
	day := func(n int) string { return w.market.Writer.Now().AddDate(0, 0, n).Format(time.RFC3339) }
	claim := func(n, amount string) object {
		return object{
			"debtor": party, "cause": "invoice", "source": "invoice/" + string(party.As("inv")), "amount": cny(amount), "due": day(0), "reference": "INV-" + n,
			"credits": []object{{"role": "advertising", "amount": cny("-" + amount)}},
		}
	}
	i := w.do("operator", "/v1/receivables", claim("1", "1060.00"))
	again := w.do("operator", "/v1/receivables", claim("1", "1060.00"))
	assert.Equal(t, i.id(), again.id(), "once for its source")
	at := "/v1/receivables/" + string(i.id())

	w.pass(3 * 24 * time.Hour)
	list := w.get("merchant", "/v1/receivables")
	require.Len(t, list.body["items"], 1)
	assert.EqualValues(t, 1, list.body["items"].([]any)[0].(object)["level"])
	letters := w.get("merchant", "/v1/letters")
	require.Len(t, letters.body["items"], 1)
	assert.Equal(t, 404, w.call("customer", "GET", at, nil).status)
	assert.Equal(t, 404, w.call("customer", "GET", "/v1/receivables?party="+string(party), nil).status)
	assert.Empty(t, w.get("customer", "/v1/receivables").body["items"])
	assert.Len(t, w.get("operator", "/v1/debtors/"+string(party)+"/overdue").body["items"], 1)

	w.do("merchant", at+"/dispute", object{"amount": cny("60.00"), "reason": "wrong_amount"})
	w.do("operator", at+"/resolve", object{"reason": "checked"})
	w.do("merchant", at+"/promise", object{"parts": []object{{"on": day(3), "amount": cny("500.00")}, {"on": day(9), "amount": cny("560.00")}}})
	over := w.call("merchant", "POST", at+"/promise", object{"parts": []object{{"on": day(3), "amount": cny("1.00")}}}, "Idempotency-Key", "p2")
	assert.Equal(t, "receivable.not_open", over.code)

	money := object{"amount": cny("500.00"), "role": "bank", "account": "icbc", "reference": "tx-1", "text": "our INV-1, first part"}
	r := w.do("operator", "/v1/receipts", money)
	assert.Equal(t, string(party), r.body["payer"])
	twice := w.call("operator", "POST", "/v1/receipts", money, "Idempotency-Key", "r2", "Accept-Language", "zh")
	assert.Equal(t, "receivable.received", twice.code)
	assert.Len(t, w.get("merchant", "/v1/receipts").body["items"], 1)
	assert.Equal(t, 403, w.call("merchant", "POST", "/v1/receipts", money, "Idempotency-Key", "m").status)

	proposal := object{"reason": "insolvent", "proof": strings.Repeat("0f", 32)}
	w.pass(12 * 24 * time.Hour) // the second part did not come
	w.do("operator", at+"/assess", object{"rate": "0.4", "reason": "insolvent"})
	w.do("operator", at+"/propose-write-off", proposal)
	assert.Len(t, w.get("operator", "/v1/write-offs").body["items"], 1)
	alone := w.call("operator", "POST", at+"/approve-write-off", object{}, "Idempotency-Key", "a1")
	assert.Equal(t, []any{403, "receivable.four_eyes"}, []any{alone.status, alone.code})
	off := w.do("second", at+"/approve-write-off", object{})
	assert.Equal(t, "written_off", off.state())
	ageing := w.get("operator", "/v1/ageing")
	assert.Empty(t, ageing.body["totals"])
	assert.Equal(t, 403, w.call("merchant", "GET", "/v1/ageing", nil).status)

	w.do("operator", "/v1/allowance-rates", object{"rates": []string{"0", "0.1", "0.2", "0.3", "0.4", "1"}, "from": day(2), "reason": "review"})
	w.do("operator", "/v1/allowances", object{"portfolio": "mer", "period": "2030-02"})
	assert.Len(t, w.get("operator", "/v1/allowances?portfolio=mer").body["items"], 1)
	account := w.get("operator", "/v1/ledger/accounts/"+url.PathEscape("receivable:"+string(party))+"?currency=CNY")
	assert.Equal(t, "0.00", account.body["posted"].(object)["amount"])
	w.sound()
}
