package settlement_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/store/sandbox"
)

// heard are funds that answer one look after the other, the last for ever.
type heard struct{ looks []string }

func (*heard) PayOut(context.Context, string, string, string, platform.Money) (string, string, string, error) {
	return "unknown", "po_1", "", nil
}

func (h *heard) LookUp(context.Context, string, string, string, platform.Money, time.Time) (outcome, reference, reason string, err error) {
	outcome, reason, _ = strings.Cut(h.looks[0], " ")
	if len(h.looks) > 1 {
		h.looks = h.looks[1:]
	}
	return outcome, "", reason, nil
}

// An institution that cannot be reached for an hour has not forgotten what it
// accepted.
func TestAcceptedPayoutOutlivesAFailedLook(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", "payee")
	p := v.approved(t, a)
	v.funds.Funds = slow{}
	for range 3 * 24 {
		require.NoError(t, v.after(time.Hour))
	}

	v.funds.Funds = &heard{[]string{"unknown unavailable", "unknown unavailable", "unknown"}}
	for range 24 {
		require.NoError(t, v.after(time.Hour))
	}
	assert.Equal(t, settlement.PayoutSending, v.payout(t, p.ID).State)
	for range 4 * 24 {
		require.NoError(t, v.after(time.Hour))
	}
	assert.Equal(t, settlement.PayoutManual, v.payout(t, p.ID).State)
}

// What never arrived is sent again only while the party may be paid.
func TestLostPayoutIsNotSentAgainToADoubtedAccount(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", "payee")
	p := v.approved(t, a)
	v.bank.Force(paymentKey(p), sandbox.Lost)
	require.NoError(t, v.after(0))
	for n := 0; n < 20 && !v.payout(t, p.ID).Absent; n++ {
		require.NoError(t, v.after(time.Minute))
	}
	_, err := v.s.RejectAccount(by(clerk), settlement.RejectAccount{Account: a.ID, Reason: "hijacked"})
	require.NoError(t, err)

	v.quiesce(t)

	p = v.payout(t, p.ID)
	assert.Equal(t, []string{"failed", "payout.account"}, []string{string(p.State), p.Reason})
	assert.Equal(t, "0", v.out(t, "100.00").String())
	assert.Equal(t, "100.00, 100.00", v.on(t, "payable:"+string(merchant.ID)))
	v.sound(t)
}

// An institution that takes back its word that it paid has the money again.
func TestPaidPayoutThatFailsAfterAllCameBack(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.OK)
	p := v.approved(t, a)
	require.NoError(t, v.after(0))
	require.NoError(t, v.after(2*time.Minute))
	require.Equal(t, settlement.PayoutPaid, v.payout(t, p.ID).State)
	v.funds.Funds = &heard{[]string{"failed account_closed"}}

	require.NoError(t, v.after(49*time.Hour))

	assert.Equal(t, settlement.PayoutReturned, v.payout(t, p.ID).State)
	assert.Equal(t, "100.00, 100.00", v.on(t, "payable:"+string(merchant.ID)))
}
