package wechatpay_test

import (
	"bytes"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/wechatpay"
)

// busy is an institution with a day's business, on the next day at noon.
func busy(t *testing.T) (*institution, *wechatpay.Gateway) {
	t.Helper()
	f := opened(t)
	f.fee = 6
	g := f.gateway(nil)
	f.paidBy(g, charge(1, 10_000))
	f.lock(func() {
		f.move("退款", wireNumber(key("rtn", 2)), "退款总金额10.00元;含手续费0.06元", -994)
		f.move("提现", "W1", "", -5_000)
		f.move("交易", "made-at-the-counter", "", 77)
		f.move("罚款", "", "", -1)
	})
	f.clock.Advance(24 * time.Hour)
	return f, g
}

func TestStatementTellsFeesApart(t *testing.T) {
	t.Parallel()
	f, g := busy(t)

	lines, next, err := g.Lines(t.Context(), noon, "")

	require.NoError(t, err)
	assert.Empty(t, next)
	type row struct {
		kind            payment.LineKind
		key             payment.Key
		gross, fee, net int64
	}
	var rows []row
	sum := int64(0)
	for _, l := range lines {
		rows, sum = append(rows, row{l.Kind, l.Key, l.Gross.Minor(), l.Fee.Minor(), l.Net.Minor()}), sum+l.Net.Minor()
		assert.Equal(t, noon, l.At.UTC())
	}
	assert.Equal(t, []row{
		{payment.LineCharge, key("att", 1), 10_000, 0, 10_000},
		{payment.LineFee, key("att", 1), 0, 60, -60},
		{payment.LineRefund, key("rtn", 2), -1_000, -6, -994},
		{payment.LinePayout, "", -5_000, 0, -5_000},
		{payment.LineCharge, "", 77, 0, 77},
		{payment.LineAdjustment, "", -1, 0, -1},
	}, rows)
	assert.Equal(t, f.balance(), sum)
}

func TestBillIsThereInTheMorningAfter(t *testing.T) {
	t.Parallel()
	f, g := busy(t)
	_, _, err := g.Lines(t.Context(), noon.AddDate(0, 0, 1), "")
	require.ErrorIs(t, err, payment.ErrRetryable, "today is not over")
	empty, _, err := g.Lines(t.Context(), noon.AddDate(0, 0, -1), "")
	require.NoError(t, err, "a day without business")
	assert.Empty(t, empty)
	file, err := g.Bill(t.Context(), wechatpay.TradeBill, noon)
	require.NoError(t, err)
	assert.Contains(t, string(file), wireNumber(key("att", 1)))
	assert.Equal(t, 1, f.count("GET /v3/bill/tradebill"))
}

func TestBillThatIsNotWhatItSaysIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func([]byte) []byte{
		"digest":        func(file []byte) []byte { return append(file, '\n') },
		"empty":         func([]byte) []byte { return nil },
		"another place": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("https://api.mch"), []byte("https://evil")) },
		"no digest":     func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("SHA1"), []byte("NONE")) },
	} {
		f, g := busy(t)
		f.lock(func() {
			f.spoil = func(status int, h http.Header, body []byte) (int, []byte) {
				document := len(h) > 0
				if changed := change(body); document != (name == "digest" || name == "empty") {
					body = changed
				}
				if document {
					f.lock(func() { clear(h); maps.Copy(h, f.sign(body)) })
				}
				return status, body
			}
		})
		_, err := g.Bill(t.Context(), wechatpay.FundFlowBill, noon)
		require.ErrorIs(t, err, payment.ErrUnknownOutcome, name)
	}
}
