package vault

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

var forget = Shred{Of: who(1), Basis: "consent_withdrawn"}

func TestVA4AfterShreddingNothingOpens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone, kept := w.sealed(at(1), "gone"), w.sealed(at(2), "kept")

	e, err := w.Shred(platform.WithKey(w.operator(), "once"), forget)

	require.NoError(t, err)
	assert.Equal(t, noon, e.Erased.Truncate(time.Hour))
	assert.Equal(t, time.Date(2030, 4, 1+35, 0, 0, 0, 0, time.UTC), e.Beyond, "the epoch's end, and as long as copies are kept")
	_, err = w.reveal(at(1), gone)
	require.ErrorIs(t, err, ErrShredded)
	_, err = w.Seal(t.Context(), at(1), "again")
	require.ErrorIs(t, err, ErrShredded, "no new key by accident")
	w.opens(at(2), kept, "kept")
	k := w.record(who(1))
	assert.Empty(t, k.Keys)
	assert.Equal(t, []any{"consent_withdrawn", who(1)}, []any{k.Basis, k.Subject})
	for _, again := range []Shred{forget, {Of: who(1), Basis: "closed"}} {
		repeat, err := w.Shred(w.operator(), again)
		require.NoError(t, err)
		assert.Equal(t, e, repeat)
	}
	log := told(t, w.main)
	assert.Equal(t, 1, count(log, "privacy.erase_started"))
	assert.Equal(t, 1, count(log, "privacy.erased"))
	assert.Equal(t, 1, count(told(t, w.keys), "vault.shredded"))

	_, err = w.Shred(w.operator(), Shred{Of: who(9), Basis: "closed"})
	require.NoError(t, err, "somebody of whom nothing is known")
	_, err = w.Seal(t.Context(), at(9), "late")
	require.ErrorIs(t, err, ErrShredded)
	for _, wrong := range []Shred{{}, {Of: who(3)}, {Of: who(3), Basis: "He asked"}, {Of: house, Basis: "closed"}, {Of: platform.Ref{Kind: "customer"}, Basis: "closed"}} {
		_, err = w.Shred(w.operator(), wrong)
		require.ErrorIs(t, err, platform.ErrInvalid, "%+v", wrong)
	}
	_, err = w.Shred(t.Context(), Shred{Of: who(3), Basis: "closed"})
	require.ErrorIs(t, err, platform.ErrDenied, "nobody acts")
}

func TestShreddingNeedsNoKEKAndNoLuck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealed := w.sealed(at(1), "gone")
	w.kek, w.Vault.kek = broken{}, broken{}
	together(16, func(int) {
		_, err := w.Shred(w.operator(), forget)
		assert.NoError(t, err)
	})
	assert.Equal(t, 1, count(told(t, w.main), "privacy.erased"))
	_, err := w.reveal(at(1), sealed)
	require.ErrorIs(t, err, ErrShredded)
}

// TestACrashOfAnErasureIsFinished: wherever the process stops, in either store.
func TestACrashOfAnErasureIsFinished(t *testing.T) {
	t.Parallel()
	for _, point := range []storetest.Point{storetest.BeforeSend, storetest.Sent, storetest.Committed, storetest.Answered} {
		for _, event := range []string{"privacy.erase_started", "vault.shredded", "privacy.erased"} {
			t.Run(fmt.Sprint(event, " ", point), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				main, keys := w.main, w.keys
				sealed := w.sealed(at(1), "gone")
				faults := storetest.Faults{Stop: func(p storetest.Point, set platform.Set) bool { return p == point && about(set, event) }}
				w.main, w.keys = storetest.NewFaulty(main, faults), storetest.NewFaulty(keys, faults)
				w.w.Store = w.main
				w.open()
				_, err := w.Shred(w.operator(), forget)
				if event == "privacy.erase_started" || point < storetest.Answered { // the last word of a store is an answer
					require.ErrorIs(t, err, platform.ErrUnavailable)
				}

				w.main, w.keys, w.w.Store = main, keys, main
				w.open()
				require.Eventually(t, func() bool { // what was sent may be carried out late
					_, err := w.Tick(t.Context(), w.clock.Advance(grace), 0)
					return err == nil && (point != storetest.Sent || count(told(t, main), event)+count(told(t, keys), event) > 0)
				}, 10*time.Second, time.Millisecond)
				_, err = w.Tick(t.Context(), w.clock.Advance(grace), 0)
				require.NoError(t, err)

				begun := event != "privacy.erase_started" || point > storetest.BeforeSend
				all := told(t, main)
				want := 0
				if begun {
					want = 1
				}
				assert.Equal(t, want, count(all, "privacy.erase_started"))
				assert.Equal(t, want, count(all, "privacy.erased"))
				_, err = w.reveal(at(1), sealed)
				if begun {
					require.ErrorIs(t, err, ErrShredded)
				} else {
					require.NoError(t, err)
				}
				_, err = w.Shred(w.operator(), forget)
				require.NoError(t, err)
				assert.Equal(t, 1, count(told(t, main), "privacy.erased"))
			})
		}
	}
}

// about tells whether a set has an event of the type.
func about(set platform.Set, event string) bool {
	for _, c := range set.Changes {
		if e, ok := c.Value.(platform.Event); ok && e.Type == event {
			return true
		}
	}
	return false
}

// TestAnOldBackupOpensForTheLivingOnly: of a thousand subjects one is erased; the
// main store comes back from before, and meets the keys of today.
func TestAnOldBackupOpensForTheLivingOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n, erased = 1000, 417
	sealed := make([]platform.Sealed, n)
	plain := func(i int) string { return fmt.Sprint("value of ", i) }
	for i := range n {
		sealed[i] = w.sealed(at(i), plain(i))
	}
	var old []byte // of the key store, from before
	keys := w.keys.(*memory.DB)
	for line, err := range keys.Lines(t.Context()) {
		require.NoError(t, err)
		text, err := json.Marshal(line)
		require.NoError(t, err)
		old = append(append(old, text...), '\n')
	}
	before := w.main
	w.main = memory.New(kinds(), nil) // what is backed up holds ciphertext alone, and comes back as it was
	w.w.Store = w.main
	w.open()
	_, err := w.Shred(w.operator(), Shred{Of: who(erased), Basis: "consent_withdrawn"})
	require.NoError(t, err)

	today := w.main
	w.main, w.w.Store = before, before // which knows nothing of the erasure
	w.open()
	for i := range n {
		subject, err := w.Opens(t.Context(), platform.Place{Record: at(i).Record, Field: "note"}, sealed[i])
		assert.Equal(t, who(i), subject)
		if i == erased {
			require.ErrorIs(t, err, ErrShredded)
			continue
		}
		require.NoError(t, err)
		w.opens(at(i), sealed[i], plain(i))
	}

	// An old copy of the key store would bring the key back: the list of those who
	// were erased is applied first.
	w.keys = loaded(t, old)
	w.main, w.w.Store = today, today
	w.open()
	_, err = w.Opens(t.Context(), at(erased), sealed[erased])
	require.NoError(t, err, "the key is back")
	buried, err := w.Bury(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, buried)
	_, err = w.Opens(t.Context(), at(erased), sealed[erased])
	require.ErrorIs(t, err, ErrShredded)
	w.opens(at(1), sealed[1], plain(1))
	gone, err := w.Erased(t.Context(), who(erased))
	require.NoError(t, err)
	assert.True(t, gone)
	gone, err = w.Erased(t.Context(), who(1))
	require.NoError(t, err)
	assert.False(t, gone)
}
