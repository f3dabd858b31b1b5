package audit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store/memory"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// keys are made from a fixed seed, so that tests repeat to the bit.
func keys(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{1}), "market.example")
	require.NoError(t, err)
	signer, err := note.NewSigner(private)
	require.NoError(t, err)
	verifier, err := note.NewVerifier(public)
	require.NoError(t, err)
	return signer, verifier
}

func events(n int) []platform.Event {
	all := make([]platform.Event, n)
	for i := range all {
		all[i] = platform.Event{
			ID: platform.NewID("evt", noon, 1, uint64(i)), Type: "lamp.switched", Subject: platform.Ref{Kind: "lamp", ID: platform.NewID("lmp", noon, 1, 1)},
			Version: int64(i + 1), Actor: platform.SystemActor("test"), At: noon.Add(time.Duration(i) * time.Second),
			Data: json.RawMessage(fmt.Sprintf(`{"n":%d,"deep":{"b":1,"a":[1.50,"x"]}}`, i)),
		}
	}
	return all
}

func dump(all []platform.Event) iter.Seq2[platform.Event, error] {
	return func(yield func(platform.Event, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func logOf(t testing.TB, n int) (*audit.Log, []platform.Event, audit.Tree) {
	t.Helper()
	signer, _ := keys(t)
	tree := memory.New(nil, nil).Tree()
	log := audit.New(tree, signer, nil)
	all := events(n)
	for part := range slices.Chunk(all, 7) {
		require.NoError(t, log.Publish(t.Context(), part))
	}
	return log, all, tree
}

func TestALogVerifiesOfflineWhateverItsSize(t *testing.T) {
	t.Parallel()
	_, public := keys(t)
	for n := range 40 {
		log, all, _ := logOf(t, n)
		signed, err := log.Checkpoint(t.Context())
		require.NoError(t, err)
		report, err := audit.Verify(dump(all), signed, public)
		require.NoError(t, err)
		assert.EqualValues(t, n, report.Events)
		for _, e := range all {
			receipt, err := log.Receipt(t.Context(), e)
			require.NoError(t, err)
			require.NoError(t, receipt.Verify(public))
		}
	}
}

func TestEventsComeAtLeastOnceAndAreLoggedOnce(t *testing.T) {
	t.Parallel()
	log, all, tree := logOf(t, 20)
	_, public := keys(t)
	before, err := log.Checkpoint(t.Context())
	require.NoError(t, err)
	var parallel sync.WaitGroup
	for range 16 {
		parallel.Go(func() { assert.NoError(t, log.Publish(t.Context(), all)) })
	}
	parallel.Wait()
	require.NoError(t, log.Publish(t.Context(), []platform.Event{all[3], all[3]}))
	after, err := log.Checkpoint(t.Context())
	require.NoError(t, err)
	a, err := before.Open(public)
	require.NoError(t, err)
	b, err := after.Open(public)
	require.NoError(t, err)
	assert.Equal(t, a, b)
	size, err := tree.Size(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 20, size)
}

func TestTwoSequencersLeaveNoGap(t *testing.T) {
	t.Parallel()
	signer, public := keys(t)
	db := memory.New(nil, nil)
	all := events(300)
	var parallel sync.WaitGroup
	for i := range 3 {
		log := audit.New(db.Tree(), signer, nil)
		parallel.Go(func() {
			for j := i; j < len(all); j += 2 {
				for log.Publish(t.Context(), all[j:j+1]) != nil { //nolint:revive // a rival was faster, eight times over
				}
			}
		})
	}
	parallel.Wait()
	ids, err := db.Tree().Leaves(t.Context(), 0, 1000)
	require.NoError(t, err)
	require.Len(t, ids, 300)
	ordered := make([]platform.Event, len(ids))
	for i, id := range ids {
		ordered[i] = all[slices.IndexFunc(all, func(e platform.Event) bool { return e.ID == id })]
	}
	signed, err := audit.New(db.Tree(), signer, nil).Checkpoint(t.Context())
	require.NoError(t, err)
	_, err = audit.Verify(dump(ordered), signed, public)
	require.NoError(t, err)
}

func TestAnyAlterationIsFound(t *testing.T) {
	t.Parallel()
	log, all, _ := logOf(t, 9)
	_, public := keys(t)
	signed, err := log.Checkpoint(t.Context())
	require.NoError(t, err)
	for name, alter := range map[string]func(*platform.Event){
		"id":      func(e *platform.Event) { e.ID = platform.NewID("evt", noon, 1, 99) },
		"type":    func(e *platform.Event) { e.Type += "x" },
		"subject": func(e *platform.Event) { e.Subject.Kind = "lump" },
		"version": func(e *platform.Event) { e.Version++ },
		"actor":   func(e *platform.Event) { e.Actor.OnBehalf = "cus_1" },
		"tenant":  func(e *platform.Event) { e.Actor.Tenant = "west" },
		"role":    func(e *platform.Event) { e.Actor.Roles = []string{"admin"} },
		"time":    func(e *platform.Event) { e.At = e.At.Add(time.Microsecond) },
		"reason":  func(e *platform.Event) { e.Reason = "x" },
		"request": func(e *platform.Event) { e.Request = "x" },
		"data":    func(e *platform.Event) { e.Data = json.RawMessage(strings.Replace(string(e.Data), "1.50", "1.5", 1)) },
		"hidden":  func(e *platform.Event) { e.Data = json.RawMessage(`{"n":99,` + string(e.Data[1:])) },
		"more":    func(e *platform.Event) { e.Data = append(slices.Clone(e.Data), "{}"...) },
		"no data": func(e *platform.Event) { e.Data = nil },
	} {
		for i := range all {
			bad := slices.Clone(all)
			alter(&bad[i])
			_, err := audit.Verify(dump(bad), signed, public)
			require.ErrorIs(t, err, platform.ErrInvalid, "%s of %d", name, i)
			at, err := log.Find(t.Context(), dump(bad))
			require.NoError(t, err)
			assert.EqualValues(t, i, at)
		}
	}
	for i := range all[1:] {
		moved := slices.Clone(all)
		moved[i], moved[i+1] = moved[i+1], moved[i]
		_, err := audit.Verify(dump(moved), signed, public)
		require.ErrorIs(t, err, audit.ErrProof)
		_, err = audit.Verify(dump(slices.Delete(slices.Clone(all), i, i+1)), signed, public)
		require.ErrorIs(t, err, audit.ErrProof)
	}
	for i := range signed {
		bad := slices.Clone(signed)
		bad[i] ^= 1
		_, err := audit.Verify(dump(all), bad, public)
		require.Error(t, err, "bit of byte %d", i)
	}
}

func TestAnEngineMayKeepDataInAFormOfItsOwn(t *testing.T) {
	t.Parallel()
	log, all, _ := logOf(t, 3)
	_, public := keys(t)
	signed, err := log.Checkpoint(t.Context())
	require.NoError(t, err)
	all[1].Data = json.RawMessage(` { "deep": {"a": [1.50, "x"], "b": 1}, "n": 1 } `)
	_, err = audit.Verify(dump(all), signed, public)
	require.NoError(t, err)
}

func TestALogThatWasSetBackIsNotSigned(t *testing.T) {
	t.Parallel()
	signer, _ := keys(t)
	last := audit.File(filepath.Join(t.TempDir(), "head"))
	all := events(20)
	first := audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{Last: last})
	require.NoError(t, first.Publish(t.Context(), all[:10]))
	_, err := first.Checkpoint(t.Context())
	require.NoError(t, err)

	set := func(events []platform.Event) error {
		log := audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{Last: last})
		require.NoError(t, log.Publish(t.Context(), events))
		_, err := log.Checkpoint(t.Context())
		return err
	}
	require.ErrorIs(t, set(all[:9]), audit.ErrFork, "an older backup")
	require.ErrorIs(t, set(all[5:]), audit.ErrFork, "another history")
	require.NoError(t, set(all[:12]), "the same history, gone on")
}

func TestHeadsExtendEachOther(t *testing.T) {
	t.Parallel()
	log, all, _ := logOf(t, 5)
	_, public := keys(t)
	signed, err := log.Checkpoint(t.Context())
	require.NoError(t, err)
	old, err := signed.Open(public)
	require.NoError(t, err)
	more := events(23)
	require.NoError(t, log.Publish(t.Context(), more[len(all):]))

	proof, fresh, err := log.Consistency(t.Context(), 5)
	require.NoError(t, err)
	now, err := fresh.Open(public)
	require.NoError(t, err)
	require.NoError(t, now.Extends(old, proof))
	old.Root[0] ^= 1
	require.ErrorIs(t, now.Extends(old, proof), audit.ErrProof)
	_, _, err = log.Consistency(t.Context(), 24)
	require.ErrorIs(t, err, audit.ErrProof)
	_, err = log.Receipt(t.Context(), platform.Event{ID: "evt_x"})
	require.ErrorIs(t, err, audit.ErrUnlogged)
}

func Example() {
	ctx := context.Background()
	private, public, _ := note.GenerateKey(nil, "market.example")
	signer, _ := note.NewSigner(private)
	verifier, _ := note.NewVerifier(public)
	log := audit.New(memory.New(nil, nil).Tree(), signer, nil)
	all := events(3)
	_ = log.Publish(ctx, all)

	receipt, _ := log.Receipt(ctx, all[1])
	fmt.Println("as it was:", receipt.Verify(verifier))
	receipt.Event.Reason = "altered"
	fmt.Println("altered:", receipt.Verify(verifier) != nil)
	// Output:
	// as it was: <nil>
	// altered: true
}

func FuzzCheckpoint(f *testing.F) {
	signer, public := keys(f)
	log := audit.New(memory.New(nil, nil).Tree(), signer, nil)
	good, err := log.Checkpoint(context.Background())
	require.NoError(f, err)
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, text []byte) {
		head, err := audit.Checkpoint(text).Open(public)
		if err == nil && string(text) != string(good) && head.Size != 0 {
			t.Fatalf("accepted %q", text)
		}
	})
}
