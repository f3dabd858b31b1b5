package audit_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store/memory"
)

func TestAReceiptProvesItsEventAtItsPlaceAlone(t *testing.T) {
	t.Parallel()
	_, public := keys(t)
	for _, n := range []int{1, 2, 7, 8, 20} {
		log, all, _ := logOf(t, n)
		short, _, _ := logOf(t, n-1)
		smaller, err := short.Checkpoint(t.Context())
		require.NoError(t, err)
		for i, e := range all {
			good, err := log.Receipt(t.Context(), e)
			require.NoError(t, err)
			fails := func(what string, alter func(r *audit.Receipt)) {
				bad := good
				bad.Proof = slices.Clone(good.Proof)
				alter(&bad)
				require.ErrorIs(t, bad.Verify(public), audit.ErrProof, "%s, %d of %d", what, i, n)
			}
			for _, other := range []int64{-1, 0, 1, int64(n) - 1, int64(n), math.MaxInt64, math.MinInt64} {
				if other != int64(i) {
					fails("another place", func(r *audit.Receipt) { r.Index = other })
				}
			}
			for _, other := range all {
				if other.ID != e.ID {
					fails("another event", func(r *audit.Receipt) { r.Event = other })
				}
			}
			for p := range good.Proof {
				fails("an altered hash", func(r *audit.Receipt) { r.Proof[p][0] ^= 1 })
				fails("a hash too few", func(r *audit.Receipt) { r.Proof = slices.Delete(r.Proof, p, p+1) })
			}
			fails("a hash too many", func(r *audit.Receipt) { r.Proof = append(r.Proof, tlog.Hash{}) })
			fails("a smaller tree", func(r *audit.Receipt) { r.Checkpoint = smaller })
		}
	}
}

func TestASignatureOfAnotherKeyProvesNothing(t *testing.T) {
	t.Parallel()
	log, all, tree := logOf(t, 5)
	_, public := keys(t)
	receipt, err := log.Receipt(t.Context(), all[2])
	require.NoError(t, err)
	for name, log := range map[string]string{"the same name": "market.example", "another log": "rival.example"} {
		private, _, err := note.GenerateKey(rand.NewChaCha8([32]byte{2}), log)
		require.NoError(t, err)
		signer, err := note.NewSigner(private)
		require.NoError(t, err)
		forged, err := audit.New(tree, signer, nil).Checkpoint(t.Context())
		require.NoError(t, err)

		_, err = audit.Verify(dump(all), forged, public)
		require.ErrorIs(t, err, audit.ErrNote, name)
		receipt.Checkpoint = forged
		require.ErrorIs(t, receipt.Verify(public), audit.ErrNote, name)
	}
}

func TestARewrittenTreeIsNotSigned(t *testing.T) {
	t.Parallel()
	signer, public := keys(t)
	last := audit.File(filepath.Join(t.TempDir(), "head"))
	all := events(20)
	log := audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{Last: last})
	require.NoError(t, log.Publish(t.Context(), all[:10]))
	signed, err := log.Checkpoint(t.Context())
	require.NoError(t, err)
	old, err := signed.Open(public)
	require.NoError(t, err)

	altered := slices.Clone(all)
	altered[3].Reason = "another"
	tree := memory.New(nil, nil).Tree()
	rewritten := audit.New(tree, signer, &audit.Options{Last: last})
	require.NoError(t, rewritten.Publish(t.Context(), altered))
	_, err = rewritten.Checkpoint(t.Context())
	require.ErrorIs(t, err, audit.ErrFork)
	_, err = rewritten.Receipt(t.Context(), altered[12])
	require.ErrorIs(t, err, audit.ErrFork)
	_, _, err = rewritten.Consistency(t.Context(), 10)
	require.ErrorIs(t, err, audit.ErrFork)

	// A signer that has lost its memory signs it, and who kept the old head sees.
	proof, signed, err := audit.New(tree, signer, nil).Consistency(t.Context(), 10)
	require.NoError(t, err)
	now, err := signed.Open(public)
	require.NoError(t, err)
	require.ErrorIs(t, now.Extends(old, proof), audit.ErrProof)
}

func TestAnAlteredEventGetsNoReceipt(t *testing.T) {
	t.Parallel()
	log, all, _ := logOf(t, 5)
	all[2].Reason = "another"
	_, err := log.Receipt(t.Context(), all[2])
	require.ErrorIs(t, err, audit.ErrProof)
}

// hiding is a store in which one event is gone.
type hiding struct {
	platform.Getter
	gone platform.ID
}

func (h hiding) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	if ref := (platform.Ref{Kind: "event", ID: h.gone}); slices.Contains(refs, ref) {
		return nil, platform.NotFound(ref)
	}
	return h.Getter.Get(ctx, refs...)
}

func TestAMissingEventIsFoundWhereItWas(t *testing.T) {
	t.Parallel()
	signer, public := keys(t)
	db, all := memory.New(nil, nil), events(1203)
	set := platform.Set{}
	for _, e := range all {
		set.Changes = append(set.Changes, platform.Change{Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: e.ID}, Value: e})
	}
	_, err := db.Commit(t.Context(), set)
	require.NoError(t, err)
	log := audit.New(db.Tree(), signer, nil)
	require.NoError(t, log.Publish(t.Context(), all))
	signed, err := log.Checkpoint(t.Context())
	require.NoError(t, err)
	report, err := audit.Verify(log.Events(t.Context(), db), signed, public)
	require.NoError(t, err)
	assert.EqualValues(t, 1203, report.Events)

	for _, i := range []int{0, 7, 499, 500, 731, 1202} {
		found := log.Events(t.Context(), hiding{db, all[i].ID})
		report, err := audit.Verify(found, signed, public)
		require.ErrorIs(t, err, audit.ErrProof)
		assert.EqualValues(t, i, report.Events, "that were verified before")
		at, err := log.Find(t.Context(), found)
		require.NoError(t, err)
		assert.EqualValues(t, i, at)
		at, err = log.Find(t.Context(), dump(all[:i]))
		require.NoError(t, err)
		assert.EqualValues(t, i, at, "a dump that ends early")
	}
	at, err := log.Find(t.Context(), log.Events(t.Context(), db))
	require.NoError(t, err)
	assert.EqualValues(t, -1, at)
}

// TestEveryFaultIsNamed, however many there are and wherever they lie.
func TestEveryFaultIsNamed(t *testing.T) {
	t.Parallel()
	signer, _ := keys(t)
	all := events(1203)
	log := audit.New(memory.New(nil, nil).Tree(), signer, nil)
	require.NoError(t, log.Publish(t.Context(), all))
	faults := func(kept []platform.Event) (found []audit.Fault) {
		db := memory.New(nil, nil)
		for part := range slices.Chunk(kept, 1000) {
			set := platform.Set{}
			for _, e := range part {
				set.Changes = append(set.Changes, platform.Change{Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: e.ID}, Value: e})
			}
			_, err := db.Commit(t.Context(), set)
			require.NoError(t, err)
		}
		for f, err := range log.Faults(t.Context(), db) {
			require.NoError(t, err)
			found = append(found, f)
		}
		return found
	}
	assert.Empty(t, faults(all))

	altered := slices.Clone(all)
	altered[0].Reason, altered[731].Actor.OnBehalf = "another", "cus_1"
	altered[1202].Data = nil
	kept := slices.Delete(slices.Delete(altered, 500, 501), 498, 499)
	assert.Equal(t, []audit.Fault{
		{Index: 0, Event: all[0].ID}, {Index: 498, Event: all[498].ID, Missing: true}, {Index: 500, Event: all[500].ID, Missing: true},
		{Index: 731, Event: all[731].ID}, {Index: 1202, Event: all[1202].ID},
	}, faults(kept))
	for f, err := range log.Faults(t.Context(), memory.New(nil, nil)) {
		require.NoError(t, err)
		assert.True(t, f.Missing)
		break // and hears no more
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range log.Faults(ended, memory.New(nil, nil)) {
		require.ErrorIs(t, err, context.Canceled)
	}
}

// full is a disk on which no head can be kept.
type full struct{}

var errFull = errors.New("disk full")

func (full) Load() (audit.Head, error)   { return audit.Head{}, nil }
func (full) Keep(audit.Head) error       { return errFull }
func (full) Leave(_, _ audit.Head) error { return errFull }

func TestNothingIsSignedThatCannotBeRemembered(t *testing.T) {
	t.Parallel()
	signer, _ := keys(t)
	log := audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{Last: full{}})
	require.NoError(t, log.Publish(t.Context(), events(3)))
	signed, err := log.Checkpoint(t.Context())
	require.ErrorIs(t, err, errFull)
	assert.Empty(t, signed)

	file := filepath.Join(t.TempDir(), "head")
	for _, torn := range []string{"", "3", "x", "-3 " + tlog.Hash{}.String(), "3 abc"} {
		require.NoError(t, os.WriteFile(file, []byte(torn), 0o600))
		log = audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{Last: audit.File(file)})
		_, err = log.Checkpoint(t.Context())
		require.ErrorIs(t, err, audit.ErrNote, "%q", torn)
	}
	require.ErrorContains(t, audit.File(filepath.Join(file, "none")).Keep(audit.Head{}), "keep last head")
}

// TestARestartChangesNothing: a process may end between any two steps, and the
// next one goes on where the tree and the last head stand.
func TestARestartChangesNothing(t *testing.T) {
	t.Parallel()
	signer, public := keys(t)
	last := audit.File(filepath.Join(t.TempDir(), "head"))
	tree, all := memory.New(nil, nil).Tree(), events(40)
	restarted := func() *audit.Log { return audit.New(tree, signer, &audit.Options{Last: last}) }
	for n := 4; n <= len(all); n += 4 {
		require.NoError(t, restarted().Publish(t.Context(), all[:n-2]))
		require.NoError(t, restarted().Publish(t.Context(), all[:n])) // what was not marked as delivered comes again
		signed, err := restarted().Checkpoint(t.Context())
		require.NoError(t, err)
		report, err := audit.Verify(dump(all), signed, public)
		require.NoError(t, err)
		require.EqualValues(t, n, report.Events)
		kept, err := last.Load()
		require.NoError(t, err)
		require.Equal(t, audit.Head{Size: report.Events, Root: report.Root}, kept)
	}
	left, err := os.ReadDir(filepath.Dir(string(last)))
	require.NoError(t, err)
	assert.Len(t, left, 1, "no halves are left behind")
}

func TestEveryReceiptIsTrueWhileTheLogGrows(t *testing.T) {
	t.Parallel()
	signer, public := keys(t)
	log := audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{Last: audit.File(filepath.Join(t.TempDir(), "head"))})
	all := events(120)
	var parallel sync.WaitGroup
	for part := range slices.Chunk(all, 10) {
		parallel.Go(func() {
			assert.NoError(t, log.Publish(context.Background(), part))
			for _, e := range part {
				receipt, err := log.Receipt(context.Background(), e)
				assert.NoError(t, err)
				assert.NoError(t, receipt.Verify(public))
			}
		})
	}
	parallel.Wait()
}
