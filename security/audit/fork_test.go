package audit_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store/memory"
)

// forked is a log over a database that was set back from twenty events to ten,
// and has since gone on with others.
func forked(t *testing.T) (*audit.Log, audit.File, []platform.Event, *audit.ForkError) {
	t.Helper()
	signer, _ := keys(t)
	last := audit.File(filepath.Join(t.TempDir(), "head"))
	all := events(40)
	before := audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{Last: last})
	require.NoError(t, before.Publish(t.Context(), all[:20]))
	_, err := before.Tick(t.Context(), noon, 0)
	require.NoError(t, err)

	log := audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{Last: last})
	require.NoError(t, log.Publish(t.Context(), slices.Concat(all[:10], all[30:33])))
	_, err = log.Tick(t.Context(), noon, 0)
	var fork *audit.ForkError
	require.ErrorAs(t, err, &fork)
	return log, last, all, fork
}

func TestAT2ALogThatWasSetBackIsAnAlarm(t *testing.T) {
	t.Parallel()
	log, last, all, fork := forked(t)
	require.ErrorIs(t, fork, audit.ErrFork)
	assert.Equal(t, "audit.fork", platform.Code(fork))
	assert.EqualValues(t, 20, fork.Signed.Size)
	assert.EqualValues(t, 13, fork.Found.Size)
	assert.ErrorContains(t, fork, "20 events")
	assert.ErrorContains(t, fork, "13 ")
	kept, err := last.Load()
	require.NoError(t, err)
	assert.Equal(t, fork.Signed, kept, "nothing is forgotten")

	fired, err := log.Tick(t.Context(), noon.Add(59*time.Second), 0)
	require.NoError(t, err, "told once a minute")
	assert.Zero(t, fired)
	_, err = log.Tick(t.Context(), noon.Add(time.Minute), 0)
	require.ErrorIs(t, err, audit.ErrFork)
	require.NoError(t, log.Publish(t.Context(), all[33:]), "which is larger than what was signed")
	for range 3 {
		_, err = log.Checkpoint(t.Context())
		require.ErrorIs(t, err, audit.ErrFork)
	}
	assert.Empty(t, log.Kept())
}

func TestAT2OnlyAnAcknowledgementLetsItGoOn(t *testing.T) {
	t.Parallel()
	log, last, all, fork := forked(t)
	_, public := keys(t)
	other := fork.Fork
	other.Signed.Size++
	require.ErrorIs(t, log.Acknowledge(t.Context(), other), audit.ErrMended, "another head")
	other = fork.Fork
	other.Found.Root[0] ^= 1
	require.ErrorIs(t, log.Acknowledge(t.Context(), other), audit.ErrMended, "another tree")
	_, err := log.Checkpoint(t.Context())
	require.ErrorIs(t, err, audit.ErrFork)

	require.NoError(t, log.Publish(t.Context(), all[33:34]), "as the event that tells of it")
	require.NoError(t, log.Stands(t.Context(), fork.Fork))
	require.NoError(t, log.Acknowledge(t.Context(), fork.Fork))
	require.ErrorIs(t, log.Acknowledge(t.Context(), fork.Fork), audit.ErrMended, "once")
	fired, err := log.Tick(t.Context(), noon.Add(time.Second), 0)
	require.NoError(t, err)
	assert.Equal(t, 1, fired)
	report, err := audit.Verify(dump(slices.Concat(all[:10], all[30:34])), log.Kept()[0].Note, public)
	require.NoError(t, err)
	assert.EqualValues(t, 14, report.Events)

	left, err := os.ReadFile(string(last) + ".left")
	require.NoError(t, err)
	assert.Equal(t, "20 "+fork.Signed.Root.String()+"\n", string(left), "on record")
	require.NoError(t, log.Publish(t.Context(), all[34:]))
	_, err = log.Checkpoint(t.Context())
	require.NoError(t, err)
}

// TestAT2ATreeAlteredInPlaceIsAnAlarmToo, at once and not after an hour, and
// mended by putting back what was there.
func TestAT2ATreeAlteredInPlaceIsAnAlarmToo(t *testing.T) {
	t.Parallel()
	signer, _ := keys(t)
	all := events(20)
	tree := &swapped{Tree: memory.New(nil, nil).Tree()}
	log := audit.New(tree, signer, nil)
	require.NoError(t, log.Publish(t.Context(), all))
	_, err := log.Tick(t.Context(), noon, 0)
	require.NoError(t, err)

	good := tree.Tree
	altered := slices.Clone(all)
	altered[7].Reason = "another"
	tree.Tree = memory.New(nil, nil).Tree()
	require.NoError(t, audit.New(tree.Tree, signer, nil).Publish(t.Context(), altered))
	_, err = log.Checkpoint(t.Context())
	var fork *audit.ForkError
	require.ErrorAs(t, err, &fork)
	assert.Equal(t, fork.Signed.Size, fork.Found.Size)
	tree.Tree = good
	require.ErrorIs(t, log.Acknowledge(t.Context(), fork.Fork), audit.ErrMended)
	_, err = log.Checkpoint(t.Context())
	require.NoError(t, err)
}

type swapped struct{ audit.Tree }
