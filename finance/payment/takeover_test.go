package payment_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// takenOver is a sale of the price of which other payments were received.
func (v *world) takenOver(paid string) (sale, error) {
	o := sale{Head: platform.Head{ID: v.w.NewRoot(by(clerk), "ord")}, State: "open", Total: price, Captured: nothing, Given: nothing}
	asks := payment.Asks{Store: payment.StoreOn(v.db), Institutions: []string{"sandbox", "second"}}
	return o, v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
		changes, err := asks.TakeOver(ctx, o.Ref(), customer.ID, price, payBy, json.RawMessage(paid))
		return append(changes, platform.Put(o)), err
	})
}

func charged(institution, reference, amount, more string) string {
	return `{"institution":"` + institution + `","reference":"` + reference + `","amount":{"amount":"` + amount + `","currency":"CNY"}` + more + `,"at":"2026-03-01T12:00:00Z"}`
}

// What another system charged goes back through the institution that has it, by
// the institution's own name, and what the platform gave goes back to it.
func TestWhatWasChargedElsewhereGoesBackThere(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	here, there := v.bank.Deposit(yuan("60.00")), v.second.Deposit(yuan("30.00"))
	o, err := v.takenOver("[" + charged("sandbox", here, "60.00", "") + "," + charged("second", there, "30.00", "") +
		`,{"amount":{"amount":"10.00","currency":"CNY"},"at":"2026-03-01T12:00:00Z"}]`)
	require.NoError(t, err)
	i := v.intent(t, o)
	assert.Equal(t, []any{payment.IntentCaptured, price, customer.ID, 3}, []any{i.State, i.Captured, i.Payer, len(i.Paid)})
	assert.Equal(t, []string{"payment.taken_over"}, v.events(t, i.Ref()))
	assert.Zero(t, v.balance(t, "clearing:sandbox"), "no money came in by that")

	g, err := v.refund(o, price)
	require.NoError(t, err)
	require.NoError(t, v.after(0))

	assert.Equal(t, payment.ReturnSucceeded, v.ret(t, g).State)
	assert.Equal(t, price, v.sale(t, o).Given)
	for name, want := range map[string]string{"sandbox": "60.00", "second": "30.00"} {
		sum, err := v.banks()[name].Totals(price.Currency())
		require.NoError(t, err)
		assert.Equal(t, yuan(want), sum.Refunded, name)
		assert.Equal(t, -yuan(want).Minor(), v.balance(t, "clearing:"+name))
	}
	assert.Equal(t, int64(-1000), v.balance(t, "marketing"))
	_, err = v.refund(o, yuan("0.01"))
	require.ErrorIs(t, err, payment.ErrReturnExceeds)
}

func TestWhatWentBackElsewhereIsNotGivenTwice(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o, err := v.takenOver("[" + charged("sandbox", v.bank.Deposit(price), "100.00", `,"returned":{"amount":"40.00","currency":"CNY"}`) + "]")
	require.NoError(t, err)

	_, err = v.refund(o, yuan("60.01"))
	require.ErrorIs(t, err, payment.ErrReturnExceeds)
	_, err = v.refund(o, yuan("60.00"))
	require.NoError(t, err)
}

// A charge that the institution does not have is refused there, tried again, and
// waits for a person in the end; nothing is booked.
func TestAnUnknownChargeWaitsForAPerson(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o, err := v.takenOver("[" + charged("sandbox", "ch_never", "100.00", "") + "]")
	require.NoError(t, err)
	g, err := v.refund(o, price)
	require.NoError(t, err)

	require.NoError(t, v.quiesce())

	assert.Equal(t, payment.ReturnManual, v.ret(t, g).State)
	assert.Zero(t, v.balance(t, "clearing:sandbox"))
}

// The rest is paid here, and given back by both ways.
func TestTheRestOfATakenIntentIsPaidHere(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o, err := v.takenOver("[" + charged("sandbox", v.bank.Deposit(yuan("60.00")), "60.00", "") + "]")
	require.NoError(t, err)
	assert.Equal(t, payment.IntentPartlySecured, v.intent(t, o).State)

	a, err := v.pay(o, sandbox.OK)
	require.NoError(t, err)
	assert.Equal(t, yuan("40.00"), a.Received)
	assert.Equal(t, price, v.sale(t, o).Captured, "the subject hears of all")
	_, err = v.refund(o, price)
	require.NoError(t, err)
	require.NoError(t, v.after(0))
	assert.Equal(t, price, v.totals(t).Refunded)
}

func TestATakenIntentExpiresAndIsCancelled(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	one, err := v.takenOver("null")
	require.NoError(t, err)
	two, err := v.takenOver("[]")
	require.NoError(t, err)
	require.NoError(t, v.cancel(two))
	assert.Equal(t, payment.IntentCancelled, v.intent(t, two).State)

	require.NoError(t, v.after(payBy.Sub(noon)-time.Second))
	assert.Equal(t, payment.IntentOpen, v.intent(t, one).State)
	require.NoError(t, v.after(time.Second))
	assert.Equal(t, payment.IntentExpired, v.intent(t, one).State)
}

func TestWhatIsWrongWithATakenPaymentIsNamed(t *testing.T) {
	t.Parallel()
	good := charged("sandbox", "ch_1", "60.00", "")
	for name, c := range map[string]struct{ paid, path, code string }{
		"unknown institution":  {good + "," + charged("elsewhere", "ch_2", "1.00", ""), "[1].institution", "payment.institution_not_found"},
		"no reference":         {charged("sandbox", "", "1.00", ""), "[0].reference", "payment.institution_not_found"},
		"a nameless reference": {charged("", "ch_2", "1.00", ""), "[0].reference", "payment.institution_not_found"},
		"more than was asked":  {good + "," + charged("second", "ch_2", "40.01", ""), "[1].amount", "payment.exceeds_rest"},
		"less than nothing":    {charged("sandbox", "ch_1", "-1.00", ""), "[0].amount", "payment.amount"},
		"more back than came":  {charged("sandbox", "ch_1", "1.00", `,"returned":{"amount":"1.01","currency":"CNY"}`), "[0].returned", "payment.amount"},
		"less than no return":  {charged("sandbox", "ch_1", "1.00", `,"returned":{"amount":"-0.01","currency":"CNY"}`), "[0].returned", "payment.amount"},
		"another currency":     {`{"amount":{"amount":"1.00","currency":"USD"}}`, "[0].amount", "money.currency_mixed"},
	} {
		v := newWorld(setup{})
		_, err := v.takenOver("[" + c.paid + "]")

		var wrong platform.FieldErrors
		require.ErrorAs(t, err, &wrong, name)
		require.Len(t, wrong, 1, name)
		assert.Equal(t, []string{c.path, c.code}, []string{wrong[0].Path, wrong[0].Code}, name)
		assert.Empty(t, v.attempts(t), name)
	}
	v := newWorld(setup{})
	_, err := v.takenOver("{}")
	require.ErrorIs(t, err, platform.ErrInvalid)
	v.asks.Institutions = nil
	err = v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
		return v.asks.TakeOver(ctx, soldTo, customer.ID, price, payBy, json.RawMessage("["+good+"]"))
	})
	var wrong platform.FieldErrors
	require.ErrorAs(t, err, &wrong, "where no institution gives back, nothing is taken over")
}
