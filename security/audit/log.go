package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
)

// Tree is where a log's leaves and hashes are kept; adapters of package store
// offer one. Grow must append all or nothing, and fail with an ErrConflict
// unless the tree has the given size and none of the leaves.
type Tree interface {
	Size(ctx context.Context) (int64, error)
	Grow(ctx context.Context, size int64, leaves []platform.ID, hashes [][]byte) error
	Find(ctx context.Context, events ...platform.ID) ([]int64, error) // the index of each, or -1
	Leaves(ctx context.Context, from int64, limit int) ([]platform.ID, error)
	Hashes(ctx context.Context, at []int64) ([][]byte, error)
}

// Options of a log; nil means defaults.
type Options struct {
	Last      Last      // if nil, in memory
	Witnesses []Witness // of the checkpoints that [Log.Tick] signs
	Journals  []Journal // of the same; without one, only the newest are known, while the process lives

	Now func() time.Time // if nil, time.Now

	// Window is told of each event how long after its moment it became a leaf:
	// meanwhile nothing would have shown that it was altered. If nil, nobody is.
	Window func(time.Duration)
}

// Log is the event log as a tree. It may be used by several goroutines at once;
// of several processes one should grow it, though a second does no harm.
type Log struct {
	tree    Tree
	signer  note.Signer
	options Options
	last    Last
	mu      sync.Mutex // signing and growing, one at a time

	ticking sync.Mutex // before mu
	rest    time.Time  // until when a fork is not told again

	reading sync.Mutex // the last to be taken
	kept    []Signed   // newest last
}

// New is the log over a tree, signed under the name of the signer.
func New(tree Tree, signer note.Signer, o *Options) *Log {
	l := &Log{tree: tree, signer: signer, last: &inMemory{}}
	if o != nil {
		l.options = *o
	}
	if l.options.Last != nil {
		l.last = l.options.Last
	}
	l.options.Now = platform.Writer{Now: l.options.Now}.Ready().Now
	return l
}

// most events become leaves in one transaction.
const most = 512

// Publish appends the events that are not leaves yet, in the order given, each
// exactly once however often it comes. It is the log's end of the relay. What it
// appended stays when it fails later on.
//
// The tree's size is the fence: whoever prepared a batch for a size that is no
// longer the tree's appends nothing, and looks again.
func (l *Log) Publish(ctx context.Context, events []platform.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for batch := range slices.Chunk(events, most) {
		if err := l.append(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) append(ctx context.Context, events []platform.Event) error {
	for range 8 { // another process may grow the tree meanwhile
		err := l.grow(ctx, events)
		if !errors.Is(err, platform.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("grow the log: %w", platform.ErrConflict)
}

func (l *Log) grow(ctx context.Context, events []platform.Event) error {
	fresh, err := l.fresh(ctx, events)
	if err != nil || len(fresh) == 0 {
		return err
	}
	size, err := l.tree.Size(ctx)
	if err != nil {
		return err
	}
	batch := growing{}
	if batch.roots, err = rootsOf(size, reader(ctx, l.tree)); err != nil {
		return fmt.Errorf("grow the log: %w", err)
	}
	hasher := newHasher()
	for _, e := range fresh {
		hash, err := hasher.leaf(e)
		if err != nil {
			return err
		}
		batch.add(e.ID, hash)
	}
	if err := l.tree.Grow(ctx, size, batch.leaves, batch.hashes); err != nil {
		return err
	}
	if l.options.Window != nil {
		now := l.options.Now()
		for _, e := range fresh {
			l.options.Window(max(0, now.Sub(e.At)))
		}
	}
	return nil
}

// fresh are the events that are no leaves yet, each once.
func (l *Log) fresh(ctx context.Context, events []platform.Event) ([]platform.Event, error) {
	ids := make([]platform.ID, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	at, err := l.tree.Find(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var fresh []platform.Event
	seen := make(map[platform.ID]bool, len(events))
	for i, e := range events {
		if at[i] < 0 && !seen[e.ID] {
			fresh = append(fresh, e)
		}
		seen[e.ID] = true
	}
	return fresh, nil
}

// growing is a batch of leaves, with the hashes that they complete in the order
// in which a tree stores them.
type growing struct {
	roots
	leaves []platform.ID
	hashes [][]byte
}

func (g *growing) add(id platform.ID, leaf tlog.Hash) {
	g.leaves = append(g.leaves, id)
	g.roots.add(leaf, func(h tlog.Hash) { g.hashes = append(g.hashes, h[:]) })
}

// reader reads a tree's hashes for tlog.
func reader(ctx context.Context, tree Tree) tlog.HashReaderFunc {
	return func(at []int64) ([]tlog.Hash, error) {
		raw, err := tree.Hashes(ctx, at)
		if err != nil {
			return nil, err
		}
		if len(raw) != len(at) {
			return nil, ErrFork
		}
		found := make([]tlog.Hash, len(raw))
		for i, h := range raw {
			if len(h) != tlog.HashSize {
				return nil, ErrFork
			}
			found[i] = tlog.Hash(h)
		}
		return found, nil
	}
}
