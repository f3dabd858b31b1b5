package market_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/store/memory"
)

// problems are what stands against closing a month, by the checklist's items.
func (s *stall) problems(month string) map[string]string {
	s.t.Helper()
	items, err := s.Closing.Checklist(s.as(s.cast.Operator), month)
	require.NoError(s.t, err)
	found := map[string]string{}
	for _, i := range items {
		found[i.Name] = i.Problem
	}
	return found
}

// Every room says what stands against closing a month: one in which money moved
// waits for its statements.
func TestAMonthIsClosedOnceEveryRoomAgrees(t *testing.T) {
	t.Parallel()
	s := lively(t, memory.New(market.Kinds(), nil))
	s.fined(s.cast.Merchant.ID, "12.00")
	s.tick(40 * 24 * time.Hour)
	s.tick(time.Minute) // the journal is numbered a moment behind

	found := s.problems("2030-03")
	for _, item := range []string{
		"journal_numbered", "trial_balance", "suspense", "year_closed", "payments_known", "payouts_known", "allowance", "invoices", "receivables", "budgets",
	} {
		problem, listed := found[item]
		assert.True(t, listed, item)
		assert.Empty(t, problem, item)
	}
	assert.Equal(t, "sandbox: never reconciled", found["reconciled"])
	assert.Empty(t, s.problems("2030-02")["reconciled"], "nothing had moved yet")
	assert.NotEmpty(t, s.problems("2030-04")["allowance"], "it is not over")

	for day := time.Date(2030, 3, 1, 0, 0, 0, 0, time.UTC); day.Month() == time.March; day = day.AddDate(0, 0, 1) {
		st, err := s.Recon.Fetch(s.as(s.cast.Operator), reconciliation.Fetch{Institution: "sandbox", Day: day.Format(time.DateOnly)})
		require.NoError(t, err)
		_, err = s.Recon.Reconcile(s.as(s.cast.Operator), reconciliation.Reconcile{Statement: st.ID})
		require.NoError(t, err)
	}
	assert.Empty(t, s.problems("2030-03")["reconciled"])
}
