package main

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/sandbox"
)

func TestTheLedgerOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	user := "unapplied:" + string(w.cast.Customer.ID)
	leg := func(account, amount string) object { return object{"account": account, "amount": cny(amount)} }
	step := func(what string, legs ...object) object {
		return object{"steps": []object{{"what": what, "legs": legs}}}
	}
	pay := step("transfer.made", leg(user, "100.00"), leg("payable:"+string(w.cast.Merchant.ID), "-90.00"), leg("commission", "-10.00"))
	w.do("operator", "/v1/ledger/transfers", step("receipt.unapplied", leg("bank:house", "250.00"), leg(user, "-250.00")))

	first := w.call("operator", "POST", "/v1/ledger/transfers", pay, "Idempotency-Key", "pay-1")
	again := w.call("operator", "POST", "/v1/ledger/transfers", pay, "Idempotency-Key", "pay-1")
	require.Equal(t, []int{201, 201}, []int{first.status, again.status}, "%s", first.raw)
	assert.Equal(t, []any{"posted", "duplicate"}, []any{first.body["outcome"], again.body["outcome"]})
	assert.Equal(t, first.body["made"], again.body["made"], "with the balances of then")

	batch := w.call("operator", "POST", "/v1/ledger/batches", object{"groups": []object{pay, pay, pay}}, "Idempotency-Key", "batch-1", "Accept-Language", "zh")
	require.Equal(t, 201, batch.status, "%s", batch.raw)
	outcomes := map[any]int{}
	for _, r := range batch.body["results"].([]any) {
		outcomes[r.(object)["outcome"]]++
	}
	assert.Equal(t, map[any]int{"posted": 1, "refused": 2}, outcomes, "%s", batch.raw)
	assert.Contains(t, string(batch.raw), `"code":"ledger.insufficient"`)
	assert.Contains(t, string(batch.raw), "账户余额不足")

	path := "/v1/ledger/accounts/" + url.PathEscape(user)
	balance := w.get("operator", path+"?currency=CNY")
	assert.Equal(t, "50.00", balance.body["posted"].(object)["amount"])
	before := w.get("operator", path+"?currency=CNY&at="+url.QueryEscape(w.market.Writer.Now().Add(-24*time.Hour).Format(time.RFC3339)))
	assert.Equal(t, "0.00", before.body["posted"].(object)["amount"])
	assert.Len(t, w.get("operator", path+"/entries?currency=CNY").body["items"], 3)
	snapshot := w.get("operator", path+"/snapshot?currency=CNY")
	assert.EqualValues(t, 3, snapshot.body["entries"])

	for _, at := range []string{path + "?currency=CNY", path + "/entries?currency=CNY", path + "/snapshot?currency=CNY"} {
		assert.Equal(t, 403, w.call("merchant", "GET", at, nil).status, at)
		assert.Equal(t, 401, w.call("", "GET", at, nil).status, at)
	}
	assert.Equal(t, 403, w.call("merchant", "POST", "/v1/ledger/transfers", pay, "Idempotency-Key", "m").status)
	assert.Equal(t, "key.required", w.call("operator", "POST", "/v1/ledger/transfers", pay).code)
	assert.Equal(t, "ledger.role", w.call("operator", "GET", "/v1/ledger/accounts/cash?currency=CNY", nil).code)
	assert.Equal(t, 422, w.call("operator", "GET", path+"?currency=XAU", nil).status)
	w.sound()
}
