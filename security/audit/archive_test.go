package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store/memory"
)

// shelf is an archive that a test may alter.
type shelf struct {
	events []platform.Event // by id
	leaves []audit.Leaf
}

func (s shelf) clone() shelf {
	s.events, s.leaves = slices.Clone(s.events), slices.Clone(s.leaves)
	for i, l := range s.leaves {
		s.leaves[i].Hash = slices.Clone(l.Hash)
	}
	return s
}

func (s shelf) archive() audit.Archive {
	return audit.Archive{Events: dump(s.events), Leaves: func(yield func(audit.Leaf, error) bool) {
		for _, l := range s.leaves {
			if !yield(l, nil) {
				return
			}
		}
	}}
}

// shelved is a log of n events in a shuffled order, with a checkpoint after the
// first of them, and three events that it does not have.
func shelved(t testing.TB, n, signed int) (s shelf, old audit.Checkpoint, public note.Verifier) {
	t.Helper()
	signer, public := keys(t)
	tree := memory.New(nil, nil).Tree()
	log := audit.New(tree, signer, nil)
	s.events = events(n + 3)
	order := rand.New(rand.NewPCG(7, 7)).Perm(n + 3)[:n]
	var all []platform.Event
	for _, i := range order {
		all = append(all, s.events[i])
	}
	require.NoError(t, log.Publish(t.Context(), all[:signed]))
	old, err := log.Checkpoint(t.Context())
	require.NoError(t, err)
	require.NoError(t, log.Publish(t.Context(), all[signed:]))
	for i, e := range all {
		hash, err := tree.Hashes(t.Context(), []int64{tlog.StoredHashIndex(0, int64(i))})
		require.NoError(t, err)
		s.leaves = append(s.leaves, audit.Leaf{Event: e.ID, Hash: hash[0]})
	}
	return s, old, public
}

func TestAT5AnArchiveVerifiesByTheKeyAlone(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		for _, signed := range []int{0, n / 3, n} {
			s, old, public := shelved(t, n, signed)
			report, err := s.archive().Verify(old, public)
			require.NoError(t, err)
			head, err := old.Open(public)
			require.NoError(t, err)
			assert.Equal(t, audit.Report{Events: int64(signed), Root: head.Root, After: int64(n - signed), Unlogged: 3}, report)
		}
	}
}

// TestAT5TheFirstBadLeafIsNamed, before the checkpoint and behind it.
func TestAT5TheFirstBadLeafIsNamed(t *testing.T) {
	t.Parallel()
	const n, signed = 23, 14
	good, old, public := shelved(t, n, signed)
	at := func(i int) int {
		return slices.IndexFunc(good.events, func(e platform.Event) bool { return e.ID == good.leaves[i].Event })
	}
	for i := range n {
		id := good.leaves[i].Event
		for name, c := range map[string]struct {
			alter   func(*shelf)
			missing bool
		}{
			"its data":   {func(s *shelf) { s.events[at(i)].Data = json.RawMessage(`{"n":-1}`) }, false},
			"its actor":  {func(s *shelf) { s.events[at(i)].Actor.ID = "usr_1" }, false},
			"no JSON":    {func(s *shelf) { s.events[at(i)].Data = json.RawMessage(`{`) }, false},
			"it is gone": {func(s *shelf) { s.events = slices.Delete(s.events, at(i), at(i)+1) }, true},
			"its hash":   {func(s *shelf) { s.leaves[i].Hash[31] ^= 1 }, false},
			"no hash":    {func(s *shelf) { s.leaves[i].Hash = nil }, false},
		} {
			s := good.clone()
			c.alter(&s)
			report, err := s.archive().Verify(old, public)
			require.ErrorIs(t, err, audit.ErrProof, "%s %d", name, i)
			assert.Equal(t, audit.Report{Events: int64(i), Fault: &audit.Fault{Index: int64(i), Event: id, Missing: c.missing}}, report, "%s %d", name, i)
		}
		if i > 0 {
			s := good.clone()
			s.leaves[i-1], s.leaves[i] = s.leaves[i], s.leaves[i-1]
			report, err := s.archive().Verify(old, public)
			if i < signed || i == signed {
				require.ErrorIs(t, err, audit.ErrProof, "order %d", i)
				assert.Nil(t, report.Fault, "each leaf is what its event says, and the tree is another")
			}
			s = good.clone()
			s.leaves[i] = s.leaves[i-1]
			report, err = s.archive().Verify(old, public)
			require.ErrorIs(t, err, audit.ErrProof)
			require.NotNil(t, report.Fault, "an event twice")
			assert.EqualValues(t, i, report.Fault.Index)
		}
	}
	short := good.clone()
	short.leaves = short.leaves[:signed-1]
	_, err := short.archive().Verify(old, public)
	require.ErrorIs(t, err, audit.ErrProof, "leaves are missing at the end")
	mixed := good.clone()
	mixed.events[3], mixed.events[4] = mixed.events[4], mixed.events[3]
	_, err = mixed.archive().Verify(old, public)
	require.ErrorIs(t, err, audit.ErrProof, "events out of order, or twice")
}

// TestAT5OneFlippedBitIsFound, wherever in an event it is: unless the event says
// the same afterwards, as with a name of a member in another case.
func TestAT5OneFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	good, old, public := shelved(t, 6, 6)
	flips := 0
	for i, e := range good.events {
		if !slices.ContainsFunc(good.leaves, func(l audit.Leaf) bool { return l.Event == e.ID }) {
			continue
		}
		text, err := json.Marshal(e)
		require.NoError(t, err)
		for bit := range len(text) * 8 {
			flipped := slices.Clone(text)
			flipped[bit/8] ^= 1 << (bit % 8)
			var other platform.Event
			if json.Unmarshal(flipped, &other) != nil || reflect.DeepEqual(e, other) {
				continue // no event at all, or the same
			}
			s := good.clone()
			s.events[i] = other
			_, err := s.archive().Verify(old, public)
			require.ErrorIs(t, err, audit.ErrProof, "%s", flipped)
			flips++
		}
	}
	assert.Greater(t, flips, 3000)
}

// TestErasingOnePersonLeavesTheLogVerifiable: what names a person is an envelope,
// and what dies is its key, which is nowhere in the log.
func TestErasingOnePersonLeavesTheLogVerifiable(t *testing.T) {
	t.Parallel()
	signer, public := keys(t)
	log, all := audit.New(memory.New(nil, nil).Tree(), signer, nil), events(1000)
	for i := range all {
		all[i].Data, _ = json.Marshal(map[string]any{"contact": platform.Sealed(fmt.Sprint("envelope ", i)), "n": i})
	}
	require.NoError(t, log.Publish(t.Context(), all))
	before, err := log.Checkpoint(t.Context())
	require.NoError(t, err)

	erased := platform.Event{
		ID: platform.NewID("evt", noon.AddDate(0, 1, 0), 1, 1), Type: "privacy.erased", Subject: all[500].Subject,
		Actor: platform.SystemActor("privacy"), At: noon.AddDate(0, 1, 0),
	}
	require.NoError(t, log.Publish(t.Context(), []platform.Event{erased}))
	report, err := audit.Verify(dump(all), before, public)
	require.NoError(t, err)
	assert.EqualValues(t, 1000, report.Events)
	receipt, err := log.Receipt(t.Context(), erased)
	require.NoError(t, err)
	require.NoError(t, receipt.Verify(public), "the certificate")
	all[500].Data = nil
	_, err = audit.Verify(dump(all), before, public)
	require.ErrorIs(t, err, audit.ErrProof, "an envelope that is taken out is found")
}

func TestAnArchiveThatCannotBeReadIsNoVerdict(t *testing.T) {
	t.Parallel()
	good, old, public := shelved(t, 6, 6)
	broken := errors.New("broken")
	after := func(n int) iter.Seq2[platform.Event, error] {
		return func(yield func(platform.Event, error) bool) {
			for e, err := range dump(good.events[:n]) {
				if !yield(e, err) {
					return
				}
			}
			yield(platform.Event{}, broken)
		}
	}
	for n := range len(good.events) {
		_, err := audit.Archive{Events: after(n), Leaves: good.archive().Leaves}.Verify(old, public)
		require.ErrorIs(t, err, broken)
	}
	_, err := audit.Archive{Events: dump(good.events), Leaves: func(yield func(audit.Leaf, error) bool) { yield(audit.Leaf{}, broken) }}.Verify(old, public)
	require.ErrorIs(t, err, broken)
	_, err = good.archive().Verify(old[1:], public)
	require.ErrorIs(t, err, audit.ErrNote)
}

func TestAT3TheWayFromLeafToRootCanBeShown(t *testing.T) {
	t.Parallel()
	_, public := keys(t)
	for n := 1; n < 40; n++ {
		log, all, _ := logOf(t, n)
		for i, e := range all {
			receipt, err := log.Receipt(t.Context(), e)
			require.NoError(t, err)
			leaf, steps, err := receipt.Path(public)
			require.NoError(t, err)
			head, err := receipt.Checkpoint.Open(public)
			require.NoError(t, err)
			require.Len(t, steps, len(receipt.Proof))
			hash := leaf
			for _, s := range steps {
				if s.Left {
					hash = tlog.NodeHash(s.Sibling, hash)
				} else {
					hash = tlog.NodeHash(hash, s.Sibling)
				}
				require.Equal(t, hash, s.Hash)
			}
			require.Equal(t, head.Root, hash, "%d of %d", i, n)
			receipt.Event.Reason = "another"
			_, _, err = receipt.Path(public)
			require.ErrorIs(t, err, audit.ErrProof)
		}
	}
}

// FuzzReceipt: whatever is read as a receipt, it proves the event that it was
// made for, or nothing.
func FuzzReceipt(f *testing.F) {
	signer, public := keys(f)
	log, all := audit.New(memory.New(nil, nil).Tree(), signer, nil), events(9)
	require.NoError(f, log.Publish(context.Background(), all))
	for _, e := range all {
		good, err := log.Receipt(context.Background(), e)
		require.NoError(f, err)
		text, err := json.Marshal(good)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte(`{"index":-1,"proof":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r audit.Receipt
		if json.Unmarshal(text, &r) != nil || r.Verify(public) != nil {
			return
		}
		if r.Index < 0 || r.Index >= int64(len(all)) || r.Event.ID != all[r.Index].ID || r.Event.Reason != all[r.Index].Reason || !r.Event.At.Equal(all[r.Index].At) {
			t.Fatalf("accepted %s", text)
		}
	})
}
