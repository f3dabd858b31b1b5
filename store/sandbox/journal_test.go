package sandbox_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

func TestTheInstitutionKnowsItsChargesAfterARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sandbox.jsonl")
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	start := func() *sandbox.Sandbox {
		s, err := sandbox.Open(path, &sandbox.Options{Now: func() time.Time { return now }})
		require.NoError(t, err)
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	hundred, thirty, eighty := platform.MustMoney("100.00", "CNY"), platform.MustMoney("30.00", "CNY"), platform.MustMoney("80.00", "CNY")
	s := start()
	charged, err := s.Charge(t.Context(), payment.Charge{Key: "c1", Amount: hundred, Method: sandbox.OK})
	require.NoError(t, err)
	_, err = s.Charge(t.Context(), payment.Charge{Key: "c2", Amount: hundred, Method: sandbox.RequiresAction})
	require.NoError(t, err)
	require.NoError(t, s.Act("c2", true))
	_, err = s.Refund(t.Context(), payment.Refund{Key: "r1", Charge: "c1", Amount: thirty})
	require.NoError(t, err)
	require.NoError(t, s.Close())

	cut, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	_, err = cut.WriteString(`{"key":"c3","amou`) // what a crash leaves behind
	require.NoError(t, err)
	require.NoError(t, cut.Close())

	for range 2 {
		s = start()
		again, err := s.Charge(t.Context(), payment.Charge{Key: "c1", Amount: hundred, Method: sandbox.OK})
		require.NoError(t, err)
		assert.Equal(t, charged, again, "the same key, the same charge")
		acted, err := s.Lookup(t.Context(), "c2")
		require.NoError(t, err)
		assert.Equal(t, payment.Done, acted.Outcome)
		absent, err := s.Lookup(t.Context(), "c3")
		require.NoError(t, err)
		assert.Equal(t, payment.Absent, absent.Outcome)
		_, err = s.Refund(t.Context(), payment.Refund{Key: "r2", Reference: charged.Reference, Amount: eighty})
		require.ErrorIs(t, err, payment.ErrRefused, "70 are left")
		totals, err := s.Totals(hundred.Currency())
		require.NoError(t, err)
		assert.Equal(t, "200.00 CNY", totals.Charged.String())
		assert.Equal(t, thirty, totals.Refunded)
		require.NoError(t, s.Close())
	}
	s = start()
	_, err = s.Refund(t.Context(), payment.Refund{Key: "r3", Reference: charged.Reference, Amount: thirty})
	require.NoError(t, err, "the line that was cut off does not stand before this one")
	require.NoError(t, s.Close())
	s = start()
	known, err := s.Lookup(t.Context(), "r3")
	require.NoError(t, err)
	assert.Equal(t, payment.Done, known.Outcome)
}

func TestBooksThatCannotBeReadAreRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sandbox.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("{\"key\":1}\n"), 0o600))
	_, err := sandbox.Open(path, nil)
	require.Error(t, err)
	_, err = sandbox.Open(filepath.Join(path, "under"), nil)
	require.Error(t, err)
}
