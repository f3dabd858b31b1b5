package settlement_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/store/sandbox"
)

// A month is not closed while nobody has known of a payout for a day.
func TestChecksNameAPayoutThatNobodyKnowsOf(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{faults: sandbox.Faults{Silence: 1}})
	p := v.approved(t, ready(t, v, "100.00", "payee"))
	v.bank.Force(paymentKey(p), sandbox.Timeout)
	require.NoError(t, v.after(time.Minute))

	soon, err := v.s.Checks(by(clerk), "2026-03")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"payouts_known": ""}, soon, "it is asked about")

	require.NoError(t, v.after(25*time.Hour))
	late, err := v.s.Checks(by(clerk), "2026-03")
	require.NoError(t, err)
	assert.Equal(t, string(p.ID), late["payouts_known"])
	_, err = v.s.Checks(by(merchant), "2026-03")
	assert.ErrorIs(t, err, settlement.ErrActor)
}
