package audit_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store/memory"
)

// errKilled is what a process hears of its store at its end: nothing.
var errKilled = errors.New("killed")

// point is where a process ends while it grows the tree or keeps a head.
type point string

const (
	beforeSend point = "before it is sent"
	sent       point = "sent, and carried out later"
	committed  point = "committed, and not heard"
)

// dying is a tree, and a last head, of a process that ends at one point of its
// n-th writing.
type dying struct {
	audit.Tree
	audit.Last
	at    point
	n     int
	later func() error // what was sent
}

func (d *dying) write(do func() error, far bool) error {
	d.n--
	switch {
	case d.n > 0:
		return do()
	case d.n < 0 || d.at == beforeSend:
		return errKilled
	case d.at == sent && far: // a disk does nothing for the dead
		d.later = do
		return errKilled
	}
	return errors.Join(do(), errKilled)
}

func (d *dying) Grow(ctx context.Context, size int64, leaves []platform.ID, hashes [][]byte) error {
	return d.write(func() error { return d.Tree.Grow(context.WithoutCancel(ctx), size, leaves, hashes) }, true)
}

func (d *dying) Keep(h audit.Head) error {
	return d.write(func() error { return d.Last.Keep(h) }, false)
}

// chain is all checkpoints that were ever signed of one log.
type chain struct {
	t   *testing.T
	all []audit.Head
}

func (c *chain) add(signed audit.Checkpoint) {
	c.t.Helper()
	_, public := keys(c.t)
	head, err := signed.Open(public)
	require.NoError(c.t, err)
	c.all = append(c.all, head)
}

// extend demands that the log goes on from each of them.
func (c *chain) extend(log *audit.Log) {
	c.t.Helper()
	_, public := keys(c.t)
	for _, old := range c.all {
		if old.Size == 0 {
			continue
		}
		proof, signed, err := log.Consistency(c.t.Context(), old.Size)
		require.NoError(c.t, err)
		now, err := signed.Open(public)
		require.NoError(c.t, err)
		require.NoError(c.t, now.Extends(old, proof))
	}
}

// once demands that each event is one leaf, and the tree is that of the leaves.
func once(t *testing.T, tree audit.Tree, log *audit.Log, all []platform.Event) {
	t.Helper()
	_, public := keys(t)
	ids, err := tree.Leaves(t.Context(), 0, len(all)+10)
	require.NoError(t, err)
	ordered := make([]platform.Event, len(ids))
	var missing []platform.ID
	for i, id := range ids {
		at := slices.IndexFunc(all, func(e platform.Event) bool { return e.ID == id })
		require.GreaterOrEqual(t, at, 0)
		ordered[i] = all[at]
	}
	for _, e := range all {
		if !slices.Contains(ids, e.ID) {
			missing = append(missing, e.ID)
		}
	}
	require.Empty(t, missing)
	require.Len(t, ids, len(all))
	signed, err := log.Checkpoint(t.Context())
	require.NoError(t, err)
	report, err := audit.Verify(dump(ordered), signed, public)
	require.NoError(t, err)
	require.EqualValues(t, len(all), report.Events)
}

// TestAT1KilledAtEachPoint: a sequencer ends at each point of each writing, of
// the tree and of the last head, and another goes on. What was sent may land
// before that or after it.
func TestAT1KilledAtEachPoint(t *testing.T) {
	t.Parallel()
	signer, _ := keys(t)
	all := events(18)
	for n := range 11 {
		for _, at := range []point{beforeSend, sent, committed} {
			for _, late := range []bool{false, true} {
				name := fmt.Sprint(n+1, " ", at, " ", late)
				tree := memory.New(nil, nil).Tree()
				last := audit.File(filepath.Join(t.TempDir(), "head"))
				signs := &chain{t: t}
				d := &dying{Tree: tree, Last: last, at: at, n: n + 1}
				first := audit.New(d, signer, &audit.Options{Last: d})
				settled := 0
				for part := range slices.Chunk(all, 3) {
					if first.Publish(t.Context(), part) != nil {
						break
					}
					settled += len(part)
					signed, err := first.Checkpoint(t.Context())
					if err != nil {
						break
					}
					signs.add(signed)
				}
				require.LessOrEqual(t, d.n, 0, "%s: it ended", name)
				if d.later != nil && !late {
					require.NoError(t, d.later(), name)
				}

				second := audit.New(tree, signer, &audit.Options{Last: last})
				for part := range slices.Chunk(all[max(0, settled-3):], 4) { // at least once
					require.NoError(t, second.Publish(t.Context(), part), name)
				}
				if d.later != nil && late {
					require.ErrorIs(t, d.later(), platform.ErrConflict, name)
				}
				signed, err := second.Checkpoint(t.Context())
				require.NoError(t, err, name)
				signs.add(signed)
				once(t, tree, second, all)
				signs.extend(second)
			}
		}
	}
}

// paused is a tree whose grower sleeps between its look and its writing.
type paused struct {
	audit.Tree
	asleep chan struct{}
	wake   chan struct{}
}

func (p *paused) Grow(ctx context.Context, size int64, leaves []platform.ID, hashes [][]byte) error {
	if p.asleep != nil {
		close(p.asleep)
		p.asleep = nil
		<-p.wake
	}
	return p.Tree.Grow(ctx, size, leaves, hashes)
}

// TestAT1AStaleGrowerAppendsNothing: one looked, slept, and wakes after another
// has grown the tree, by the same events or by others.
func TestAT1AStaleGrowerAppendsNothing(t *testing.T) {
	t.Parallel()
	signer, _ := keys(t)
	all := events(40)
	for name, others := range map[string][]platform.Event{"the same": all[10:20], "some of them": all[12:15], "others": all[20:40], "more": all[10:40]} {
		tree := memory.New(nil, nil).Tree()
		require.NoError(t, audit.New(tree, signer, nil).Publish(t.Context(), all[:10]))
		asleep, wake := make(chan struct{}), make(chan struct{})
		slow := audit.New(&paused{tree, asleep, wake}, signer, nil)
		ended := make(chan error, 1)
		go func() { ended <- slow.Publish(t.Context(), all[10:20]) }()
		<-asleep
		fast := audit.New(tree, signer, nil)
		require.NoError(t, fast.Publish(t.Context(), others), name)
		size, err := tree.Size(t.Context())
		require.NoError(t, err)
		before, err := tree.Leaves(t.Context(), 0, 100)
		require.NoError(t, err)
		close(wake)
		require.NoError(t, <-ended, "it looks again")
		after, err := tree.Leaves(t.Context(), 0, int(size))
		require.NoError(t, err)
		assert.Equal(t, before, after, "what stood there stands")
		require.NoError(t, fast.Publish(t.Context(), all), name)
		once(t, tree, fast, all)
	}
}

// TestAT1BatchesAreBounded: a transaction has 512 leaves at most.
func TestAT1BatchesAreBounded(t *testing.T) {
	t.Parallel()
	signer, _ := keys(t)
	all := events(1300)
	tree := &counting{Tree: memory.New(nil, nil).Tree()}
	log := audit.New(tree, signer, nil)
	require.NoError(t, log.Publish(t.Context(), all))
	assert.Equal(t, []int{512, 512, 276}, tree.batches)
	once(t, tree, log, all)
}

type counting struct {
	audit.Tree
	batches []int
}

func (c *counting) Grow(ctx context.Context, size int64, leaves []platform.ID, hashes [][]byte) error {
	c.batches = append(c.batches, len(leaves))
	return c.Tree.Grow(ctx, size, leaves, hashes)
}

// TestAT6TheCheckpointFollowsTheNewestLeaf: at the first tick after it, and every
// hour when nothing happens; and each event tells how long it was open.
func TestAT6TheCheckpointFollowsTheNewestLeaf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		signer, public := keys(t)
		var open []time.Duration
		now := noon.Add(time.Minute)
		log := audit.New(memory.New(nil, nil).Tree(), signer, &audit.Options{
			Now: func() time.Time { return now }, Window: func(d time.Duration) { open = append(open, d) },
		})
		ctx, stop := context.WithCancel(t.Context())
		go platform.Run(ctx, platform.Running{Every: 200 * time.Millisecond}, log)
		newest := func() audit.Signed {
			synctest.Wait()
			kept := log.Kept()
			require.NotEmpty(t, kept)
			return kept[0]
		}
		all := events(10)
		for n := range all {
			began := time.Now()
			require.NoError(t, log.Publish(ctx, all[n:n+1]))
			time.Sleep(time.Second)
			s := newest()
			assert.EqualValues(t, n+1, s.Head.Size)
			assert.LessOrEqual(t, s.At.Sub(began), time.Second)
			head, err := s.Note.Open(public)
			require.NoError(t, err)
			assert.Equal(t, s.Head, head)
		}
		require.Len(t, open, 10)
		assert.Equal(t, time.Minute, open[0])
		assert.Equal(t, 51*time.Second, open[9])

		kept := len(log.Kept())
		at := newest().At
		time.Sleep(59 * time.Minute)
		assert.Len(t, log.Kept(), kept, "nothing demanded one")
		time.Sleep(2 * time.Minute)
		assert.Len(t, log.Kept(), kept+1)
		assert.Equal(t, time.Hour, newest().At.Sub(at).Round(time.Second))
		stop()
		synctest.Wait()
		for h := range 30 {
			_, err := log.Tick(t.Context(), at.Add(time.Duration(h+3)*time.Hour), 0)
			require.NoError(t, err)
		}
		assert.Len(t, log.Kept(), 24, "as many as are remembered")
	})
}
