package market_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/store"
)

// TestWhatTheInstitutionSaysIsWhatTheBooksSay: a town lives through every way of
// paying, giving back and going wrong. Day by day its institution's statements
// then match the books, line by line, but for what people did by hand.
func TestWhatTheInstitutionSaysIsWhatTheBooksSay(t *testing.T) {
	t.Parallel()
	town := newTown(t, 2)
	begun := town.clock.Now()
	town.play()
	ctx := platform.As(t.Context(), town.operator)
	town.clock.Advance(24 * time.Hour)

	var last reconciliation.Run
	lines := 0
	for day := begun; day.Before(town.clock.Now().AddDate(0, 0, -1)); day = day.AddDate(0, 0, 1) {
		st, err := town.Recon.Fetch(ctx, reconciliation.Fetch{Institution: "sandbox", Day: day.Format(time.DateOnly)})
		require.NoError(t, err)
		last, err = town.Recon.Reconcile(ctx, reconciliation.Reconcile{Statement: st.ID})
		require.NoError(t, err)
		lines += st.Lines
	}

	open, err := town.Recon.Inbox(ctx, reconciliation.CaseOpen, "")
	require.NoError(t, err)
	var differ []string
	for _, c := range open.Items {
		differ = append(differ, string(c.Class)+" "+c.Differs.String())
	}
	assert.ElementsMatch(t, []string{
		"missing_at_institution -1.00 CNY", // a surplus that an operator typed in
		"amount_differs -0.01 CNY",         // a short payment that an operator took for whole
		"missing_at_institution 1.00 CNY",  // what an operator was told that a bank took back
		"amount_differs 0.01 CNY",          // a refund that the institution made short
		"missing_in_books 1.00 CNY",        // a payment of somebody unknown
		"missing_in_books 200.00 CNY",      // what an order brought along, and the books of before did not
	}, differ)
	assert.Greater(t, lines, 10)
	has, err := town.Sandbox.Balance("", yuan(0).Currency())
	require.NoError(t, err)
	assert.Equal(t, has, last.Proofs[0].Institution)
	assert.True(t, last.Proofs[0].Holds())
	assert.Equal(t, 8, last.Open, "those that differ are open on both sides")
	var found []store.Finding
	_, err = town.Verify(t.Context(), func(f store.Finding) { found = append(found, f) })
	require.NoError(t, err)
	assert.Empty(t, found)
}
