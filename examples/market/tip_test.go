package market_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store/sandbox"
)

// tips gives a tip to who did the shop's order, and pays it.
func (s *shop) tips(amount string) order.Tip {
	s.t.Helper()
	t, err := s.Orders.GiveTip(s.as(s.cast.Customer), order.GiveTip{Order: s.order.ID, Amount: platform.MustMoney(amount, "CNY")})
	require.NoError(s.t, err)
	_, err = s.Payments.Pay(s.as(s.cast.Customer), payment.Pay{Intent: payment.IntentID(t.Ref(), payment.Tip), Method: sandbox.OK})
	require.NoError(s.t, err)
	t, err = s.Orders.Tip(s.as(s.cast.Customer), t.ID)
	require.NoError(s.t, err)
	require.Equal(s.t, order.TipReceived, t.State)
	return t
}

// Tips run through the real payments and books: one reaches who did the work, one
// goes back, and of one its payer's bank takes the money back (E33).
func TestTipsEndToEnd(t *testing.T) {
	t.Parallel()
	s := shopAt(t, order.Completed)
	kept, back, lost := s.tips("10"), s.tips("20"), s.tips("5")
	before := s.read(s.order.ID).Mirrors
	assert.Equal(t, "215.00 CNY", s.taken())

	_, err := s.Orders.RefundTip(s.as(s.cast.Operator), order.RefundTip{Tip: back.ID, Reason: "mistake"})
	require.NoError(t, err)
	s.pass(time.Minute)
	s.pass(time.Minute)
	assert.Equal(t, "195.00 CNY", s.taken())
	i, err := s.Payments.Intent(s.as(s.cast.Customer), payment.IntentID(lost.Ref(), payment.Tip))
	require.NoError(t, err)
	s.Sandbox.Drain()
	_, err = s.Sandbox.Object(payment.Key(i.Paid[0]), platform.MustMoney("5", "CNY"), "fraud")
	require.NoError(t, err)
	for _, letter := range s.Sandbox.Drain() {
		require.NoError(t, s.Payments.Receive(t.Context(), "sandbox", letter.Header, letter.Body))
	}
	assert.Equal(t, before, s.read(s.order.ID).Mirrors, "the order's money is another")
	s.sound()

	s.pass(8 * 24 * time.Hour)
	got := map[platform.ID]order.TipState{}
	page, err := s.Orders.Tips(s.as(s.cast.Operator), s.order.ID, "")
	require.NoError(t, err)
	for _, tip := range page.Items {
		got[tip.ID] = tip.State
	}
	assert.Equal(t, map[platform.ID]order.TipState{kept.ID: order.TipReleased, back.ID: order.TipRefunded, lost.ID: order.TipReceived}, got)
	free, err := s.Books.Free(t.Context(), "payable", "", s.cast.Staff.ID, s.cast.Price.Currency())
	require.NoError(t, err)
	assert.Equal(t, "10.00 CNY", free.String(), "no commission")
	s.sound()
}
