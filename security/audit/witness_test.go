package audit_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store/memory"
)

// witness is one with a key of its own.
func witness(t *testing.T, name string, seed byte) (*audit.Observer, note.Verifier) {
	t.Helper()
	_, log := keys(t)
	private, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{seed}), name)
	require.NoError(t, err)
	signer, err := note.NewSigner(private)
	require.NoError(t, err)
	verifier, err := note.NewVerifier(public)
	require.NoError(t, err)
	return audit.NewObserver(log, signer, audit.File(filepath.Join(t.TempDir(), name))), verifier
}

// mute is a witness that does not answer.
type mute struct{}

var errMute = errors.New("no answer")

func (mute) Cosign(context.Context, audit.Checkpoint, func(int64) (tlog.TreeProof, error)) (audit.Checkpoint, error) {
	return nil, errMute
}

// forger answers with something else than it was asked to sign.
type forger func(audit.Checkpoint) audit.Checkpoint

func (f forger) Cosign(_ context.Context, c audit.Checkpoint, _ func(int64) (tlog.TreeProof, error)) (audit.Checkpoint, error) {
	return f(c), nil
}

func TestAT4WitnessesSignWhatExtendsWhatTheySigned(t *testing.T) {
	t.Parallel()
	signer, public := keys(t)
	east, eastKey := witness(t, "east.example", 3)
	west, westKey := witness(t, "west.example", 4)
	tree, all := memory.New(nil, nil).Tree(), events(40)
	log := audit.New(tree, signer, &audit.Options{Witnesses: []audit.Witness{east, mute{}, west}})
	for n := 0; n <= len(all); n += 8 {
		require.NoError(t, log.Publish(t.Context(), all[:n]))
		fired, err := log.Tick(t.Context(), noon.Add(time.Duration(n)*time.Hour), 0)
		require.ErrorIs(t, err, errMute, "told, and no reason to wait")
		assert.Equal(t, 1, fired)
		signed, err := log.Checkpoint(t.Context())
		require.NoError(t, err)
		for _, known := range [][]note.Verifier{nil, {eastKey}, {westKey}, {westKey, eastKey}} {
			head, err := signed.Open(public, known...)
			require.NoError(t, err)
			assert.EqualValues(t, n, head.Size)
		}
		report, err := audit.Verify(dump(all), signed, public)
		require.NoError(t, err)
		assert.EqualValues(t, n, report.Events)
	}
	_, err := log.Tick(t.Context(), noon.Add(1000*time.Hour), 0)
	require.ErrorIs(t, err, errMute, "the same tree once more")
	receipt, err := log.Receipt(t.Context(), all[3])
	require.NoError(t, err)
	require.NoError(t, receipt.Verify(public))
	_, err = receipt.Checkpoint.Open(public, eastKey)
	require.ErrorIs(t, err, audit.ErrNote, "not signed by it")
}

func TestAT4AWitnessRefusesAFork(t *testing.T) {
	t.Parallel()
	signer, _ := keys(t)
	east, _ := witness(t, "east.example", 3)
	all := events(30)
	log := audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{Witnesses: []audit.Witness{east}})
	require.NoError(t, log.Publish(t.Context(), all[:20]))
	_, err := log.Tick(t.Context(), noon, 0)
	require.NoError(t, err)

	for name, history := range map[string][]platform.Event{"smaller": all[:10], "another of the same size": all[5:25], "another, larger": all[1:], "none": nil} {
		tree := memory.New(nil, nil).Tree()
		liar := audit.New(tree, signer, &audit.Options{Witnesses: []audit.Witness{east}}) // a signer without memory
		require.NoError(t, liar.Publish(t.Context(), history))
		_, err := liar.Tick(t.Context(), noon, 0)
		require.ErrorIs(t, err, audit.ErrFork, name)
	}
	require.NoError(t, log.Publish(t.Context(), all))
	_, err = log.Tick(t.Context(), noon, 0)
	require.NoError(t, err, "the true one goes on")
}

func TestAT4AWitnessMayOnlyAdd(t *testing.T) {
	t.Parallel()
	signer, public := keys(t)
	rival, _, err := note.GenerateKey(rand.NewChaCha8([32]byte{9}), "market.example")
	require.NoError(t, err)
	other, err := note.NewSigner(rival)
	require.NoError(t, err)
	foreign, err := audit.New(memory.New(nil, nil).Tree(), other, nil).Checkpoint(t.Context())
	require.NoError(t, err)
	for name, forge := range map[string]forger{
		"nothing":          func(audit.Checkpoint) audit.Checkpoint { return nil },
		"the same":         func(c audit.Checkpoint) audit.Checkpoint { return c },
		"another log's":    func(audit.Checkpoint) audit.Checkpoint { return foreign },
		"another text":     func(c audit.Checkpoint) audit.Checkpoint { return append([]byte("x"), c...) },
		"a line":           func(c audit.Checkpoint) audit.Checkpoint { return append(c, "signed\n"...) },
		"our signature":    func(c audit.Checkpoint) audit.Checkpoint { return append(c, c[strings.Index(string(c), "— "):]...) },
		"half a signature": func(c audit.Checkpoint) audit.Checkpoint { return append(c, "— east.example "...) },
	} {
		log := audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{Witnesses: []audit.Witness{forge}})
		_, err := log.Tick(t.Context(), noon, 0)
		require.ErrorIs(t, err, audit.ErrNote, name)
		_, err = log.Kept()[0].Note.Open(public)
		require.NoError(t, err, name)
	}
}

// TestACheckpointOfDoubtIsRefused: a signer twice, a smaller tree, another log's.
func TestACheckpointOfDoubtIsRefused(t *testing.T) {
	t.Parallel()
	log, all, _ := logOf(t, 9)
	_, public := keys(t)
	east, eastKey := witness(t, "east.example", 3)
	signed, err := log.Checkpoint(t.Context())
	require.NoError(t, err)
	both, err := east.Cosign(t.Context(), signed, nil)
	require.NoError(t, err)
	text, signatures, _ := strings.Cut(string(both), "\n\n")
	own, cosigned, _ := strings.Cut(signatures, "\n")
	form := func(lines ...string) audit.Checkpoint {
		return audit.Checkpoint(text + "\n\n" + strings.Join(lines, "\n") + "\n")
	}
	cosigned = strings.TrimSuffix(cosigned, "\n")
	for _, good := range []audit.Checkpoint{form(own), form(own, cosigned), form(cosigned, own)} {
		_, err := good.Open(public)
		require.NoError(t, err)
	}
	for name, bad := range map[string]audit.Checkpoint{
		"the signer twice":       form(own, own),
		"a witness twice":        form(own, cosigned, cosigned),
		"a witness alone":        form(cosigned),
		"the signer twice, both": form(own, cosigned, own),
		"nobody":                 audit.Checkpoint(text + "\n"),
	} {
		_, err := bad.Open(public)
		require.ErrorIs(t, err, audit.ErrNote, name)
		_, err = bad.Open(public, eastKey)
		require.ErrorIs(t, err, audit.ErrNote, name)
	}
	_, err = form(own).Open(public, eastKey)
	require.ErrorIs(t, err, audit.ErrNote, "without the witness")
	_, err = east.Cosign(t.Context(), both, nil)
	require.ErrorIs(t, err, audit.ErrNote, "its signature is there already")

	old, err := signed.Open(public)
	require.NoError(t, err)
	require.NoError(t, log.Publish(t.Context(), events(23)[len(all):]))
	proof, fresh, err := log.Consistency(t.Context(), 9)
	require.NoError(t, err)
	now, err := fresh.Open(public)
	require.NoError(t, err)
	require.NoError(t, now.Extends(old, proof))
	require.ErrorIs(t, old.Extends(now, proof), audit.ErrProof, "a smaller one")
	another, _, _ := logOf(t, 12)
	_, rival, err := another.Consistency(t.Context(), 9)
	require.NoError(t, err)
	root, err := rival.Open(public)
	require.NoError(t, err)
	require.ErrorIs(t, root.Extends(now, proof), audit.ErrProof, "another log's root")
}

func TestAT4ACheckpointADayIsKeptElsewhere(t *testing.T) {
	t.Parallel()
	signer, public := keys(t)
	dir := audit.Dir(filepath.Join(t.TempDir(), "share", "checkpoints"))
	none, err := dir.Newest()
	require.NoError(t, err)
	assert.Empty(t, none)
	log := audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{Journals: []audit.Journal{dir}})
	all := events(30)
	for n := range all { // an event every three hours
		require.NoError(t, log.Publish(t.Context(), all[n:n+1]))
		_, err := log.Tick(t.Context(), noon.Add(time.Duration(n)*3*time.Hour), 0)
		require.NoError(t, err)
	}
	names, err := os.ReadDir(string(dir))
	require.NoError(t, err)
	var found []string
	for _, n := range names {
		found = append(found, n.Name())
	}
	assert.Equal(t, []string{"2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06", "newest"}, found)
	for name, events := range map[string]int{"2026-03-02": 1, "2026-03-03": 5, "2026-03-06": 29, "newest": 30} {
		text, err := os.ReadFile(filepath.Join(string(dir), name))
		require.NoError(t, err)
		report, err := audit.Verify(dump(all), text, public)
		require.NoError(t, err)
		assert.EqualValues(t, events, report.Events, name)
	}
	newest, err := dir.Newest()
	require.NoError(t, err)
	assert.Equal(t, log.Kept()[0].Note, newest)

	log = audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{Journals: []audit.Journal{audit.Dir(filepath.Join(string(dir), "newest", "x")), dir}})
	_, err = log.Tick(t.Context(), noon, 0)
	require.ErrorContains(t, err, "keep checkpoint")
	assert.Len(t, log.Kept(), 1)
}
