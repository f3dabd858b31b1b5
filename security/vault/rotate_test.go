package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

// loaded is a key store from lines.
func loaded(t *testing.T, lines []byte) *memory.DB {
	t.Helper()
	db := memory.New(KeyKinds(), nil)
	require.NoError(t, db.Load(t.Context(), func(yield func(store.Line, error) bool) {
		for text := range bytes.Lines(lines) {
			var line store.Line
			if err := json.Unmarshal(text, &line); !yield(line, err) {
				return
			}
		}
	}))
	return db
}

// month lets the clock go on to the next epoch.
func (w *world) month() time.Time { return w.clock.Advance(31 * 24 * time.Hour) }

func TestRotationRewrapsTheOldestFirstAndGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealed := map[int]platform.Sealed{}
	for i := range 30 {
		sealed[i] = w.sealed(at(i), "v")
	}
	now := w.month()
	for i := 30; i < 40; i++ {
		sealed[i] = w.sealed(at(i), "v")
	}
	was := w.record(who(0))

	n, err := w.Rotate(t.Context(), now, 10)
	require.NoError(t, err)
	require.Equal(t, 10, n)
	n, err = w.Rotate(t.Context(), now, 0)
	require.NoError(t, err)
	require.Equal(t, 21, n, "and the vault's own")
	n, err = w.Rotate(t.Context(), now, 0)
	require.NoError(t, err)
	require.Zero(t, n, "again is nothing")

	assert.Equal(t, 2, count(told(t, w.keys), "vault.rewrapped"), "one event a batch")
	k := w.record(who(0))
	assert.Equal(t, epochOf(now), k.epoch())
	assert.Equal(t, was.Keys[0].Seals, k.Keys[0].Seals)
	assert.NotEqual(t, was.Keys[0].Key, k.Keys[0].Key)
	w.open()
	for i, s := range sealed {
		w.opens(at(i), s, "v")
	}
}

// TestOneKeyThatDoesNotUnwrapHoldsUpNoOther: a wrapped key that was altered, or
// copied to another subject, is told of, and all others go on.
func TestOneKeyThatDoesNotUnwrapHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealed := map[int]platform.Sealed{}
	for i := range 20 {
		sealed[i] = w.sealed(at(i), "v")
	}
	bad, other := w.record(who(7)), w.record(who(8))
	bad.Keys = slices.Clone(other.Keys)
	require.NoError(t, w.write(t.Context(), rotate{}, platform.Put(bad), platform.Happened("test.copied", bad.Ref(), nil)))
	now := w.month()

	n, err := w.Rotate(t.Context(), now, 0)

	require.ErrorIs(t, err, platform.ErrUnavailable)
	assert.Equal(t, 20, n, "nineteen subjects, and the vault's own")
	w.open()
	for i, s := range sealed {
		if i == 7 {
			_, err := w.reveal(at(i), s)
			require.ErrorIs(t, err, platform.ErrUnavailable)
			continue
		}
		w.opens(at(i), s, "v")
		assert.Equal(t, epochOf(now), w.record(who(i)).epoch())
	}
	n, err = w.Rotate(t.Context(), now, 0)
	require.ErrorIs(t, err, platform.ErrUnavailable)
	assert.Zero(t, n)
	for i, e := range w.ring().Epochs {
		assert.Zero(t, e.Emptied, "%d: its key may still be needed", i)
	}
}

func TestAnEpochIsDestroyedWhenNothingNeedsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealed := w.sealed(at(1), "v")
	first := epochOf(w.clock.Now())
	stale := w.record(who(1))
	tick := func(after time.Duration) epoch {
		_, err := w.Tick(t.Context(), w.clock.Advance(after), 0)
		require.NoError(t, err)
		return w.ring().Epochs[0]
	}

	assert.Equal(t, epoch{Epoch: first}, tick(time.Hour), "it is in use")
	require.NotZero(t, tick(31*24*time.Hour).Emptied)
	assert.Zero(t, tick(35*24*time.Hour-time.Minute).Destroyed)
	require.NotZero(t, tick(time.Hour).Destroyed)

	_, err := w.unwrap(t.Context(), stale, 0)
	require.ErrorIs(t, err, ErrDestroyed, "an old copy of the key opens nothing")
	w.opens(at(1), sealed, "v")
	assert.Equal(t, 1, count(told(t, w.keys), "vault.epoch_destroyed"))
	assert.Equal(t, first, tick(time.Hour).Epoch, "it is remembered")
}

// TestAnEpochThatIsUsedAgainStays: a process whose clock is late wraps under it.
func TestAnEpochThatIsUsedAgainStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := w.month()
	for range 2 {
		_, err := w.Tick(t.Context(), now, 0)
		require.NoError(t, err)
	}
	require.NotZero(t, w.ring().Epochs[0].Emptied)
	late := w.Vault
	late.w.Now = func() time.Time { return noon }
	sealed := w.sealed(at(1), "late")
	require.Equal(t, epochOf(noon), w.record(who(1)).epoch())

	for range 3 { // rewrapped before it could be destroyed
		_, err := late.Tick(t.Context(), now.Add(40*24*time.Hour), 0)
		require.NoError(t, err)
	}
	w.open()
	w.opens(at(1), sealed, "late")
}

// TestVA3ACrashOfRotationHarmsNobody: wherever the process stops, the living open
// and the shredded do not.
func TestVA3ACrashOfRotationHarmsNobody(t *testing.T) {
	t.Parallel()
	for _, point := range []storetest.Point{storetest.BeforeSend, storetest.Sent, storetest.Committed, storetest.Answered} {
		for nth := range int32(4) {
			t.Run(fmt.Sprint(point, " of commit ", nth), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				var sealed []platform.Sealed
				for i := range 12 {
					sealed = append(sealed, w.sealed(at(i), "v"))
				}
				_, err := w.Shred(w.operator(), Shred{Of: who(3), Basis: "closed"})
				require.NoError(t, err)
				keys, now := w.keys, w.month()
				var commits atomic.Int32
				w.keys = storetest.NewFaulty(keys, storetest.Faults{Stop: func(p storetest.Point, _ platform.Set) bool {
					return p == point && commits.Add(1) > nth
				}})
				w.open()
				for range 6 {
					_, _ = w.Tick(t.Context(), now, 4) // until it stops
				}
				w.keys = keys
				w.open()
				check := func() {
					for i, s := range sealed {
						plain, err := w.reveal(at(i), s)
						if i == 3 {
							require.ErrorIs(t, err, ErrShredded)
							continue
						}
						require.NoError(t, err)
						require.Equal(t, "v", plain)
					}
				}

				check()
				for range 6 {
					_, err := w.Tick(t.Context(), now, 4)
					require.NoError(t, err)
				}
				w.open()
				check()
				for i := range sealed {
					if i != 3 {
						assert.Equal(t, epochOf(now), w.record(who(i)).epoch())
					}
				}
			})
		}
	}
}

// TestRotationGoesOnWhileOthersSealRevealAndShred, in several processes.
func TestRotationGoesOnWhileOthersSealRevealAndShred(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 60
	sealed := make([]platform.Sealed, n)
	for i := range sealed {
		sealed[i] = w.sealed(at(i), "v")
	}
	now := w.month()
	all := []*Vault{w.open(), w.open(), w.open()}
	ctx := w.operator()

	together(24, func(g int) {
		v := all[g%len(all)]
		switch {
		case g < 3:
			for done := 0; done < 3; {
				n, err := v.Rotate(ctx, now, 20)
				if !assert.NoError(t, err) {
					return
				}
				if n == 0 {
					done++
				}
			}
		case g < 6:
			_, err := v.Shred(ctx, Shred{Of: who(g), Basis: "closed"})
			assert.NoError(t, err)
		default:
			for i := 6 + g; i < n; i += 18 {
				_, err := v.Seal(ctx, at(i), "more")
				assert.NoError(t, err)
				plain, _, err := v.Reveal(ctx, Request{Place: at(i), Sealed: sealed[i], Purpose: "support", Reason: "ticket"})
				assert.NoError(t, err)
				assert.Equal(t, "v", plain.Reveal())
			}
		}
	})

	for range 5 {
		_, err := w.Tick(ctx, now, 0)
		require.NoError(t, err)
	}
	for i := range n {
		_, err := w.Opens(ctx, at(i), sealed[i])
		if slices.Contains([]int{3, 4, 5}, i) {
			require.ErrorIs(t, err, ErrShredded)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, epochOf(now), w.record(who(i)).epoch())
	}
}

func BenchmarkSealAndOpen(b *testing.B) {
	aead, err := newCipher(bytes.Repeat([]byte{7}, 32))
	require.NoError(b, err)
	id, plain, about := keyOf(who(1)), []byte("330106199001011234"), bound("tenant", "card", string(id("crd", 1)), "note", who(1).String(), "personal")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := unseal(aead, seal(aead, id, plain, about), about); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSeal is a seal with its store, in memory, for a known subject.
func BenchmarkSeal(b *testing.B) {
	ctx := context.Background()
	v, err := Open(ctx, platform.Writer{Store: memory.New(kinds(), nil)}, memory.New(kinds(), nil), Keys{memory.New(KeyKinds(), nil), InMemory()}, nil)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Seal(ctx, at(1), "330106199001011234"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRewrap is 100,000 keys brought to another epoch, without a store.
func BenchmarkRewrap(b *testing.B) {
	ctx := context.Background()
	v := &Vault{kek: InMemory()}
	w, err := v.wrap(ctx, 24000, "vky", 0, make([]byte, 32))
	require.NoError(b, err)
	k := key{Head: platform.Head{ID: "vky"}, Subject: who(1), Keys: []wrapped{w}}
	for b.Loop() {
		for range 100_000 {
			if _, err := v.rewrapped(ctx, k, 24001); err != nil {
				b.Fatal(err)
			}
		}
	}
}
