package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"

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
	Last       Last       // if nil, in memory
	Commitment Commitment // if nil, a public constant
}

// Log is the event log as a tree. It may be used by several goroutines at once;
// of several processes one should grow it, though a second does no harm.
type Log struct {
	tree   Tree
	signer note.Signer
	last   Last
	key    Commitment
	mu     sync.Mutex // signing and growing, one at a time
}

// New is the log over a tree, signed under the name of the signer.
func New(tree Tree, signer note.Signer, o *Options) *Log {
	if o == nil {
		o = &Options{}
	}
	l := &Log{tree: tree, signer: signer, last: o.Last, key: o.Commitment}
	if l.last == nil {
		l.last = &inMemory{}
	}
	return l
}

// Publish appends the events that are not leaves yet, in the order given, each
// exactly once however often it comes. It is the log's end of the relay.
func (l *Log) Publish(ctx context.Context, events []platform.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
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
	hasher := newHasher(l.key)
	for _, e := range fresh {
		hash, err := hasher.leaf(e)
		if err != nil {
			return err
		}
		batch.add(e.ID, hash)
	}
	return l.tree.Grow(ctx, size, batch.leaves, batch.hashes)
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

// Checkpoint signs the tree as it is now. It fails with ErrFork, loudly, when
// that does not extend the tree signed last: when leaves were altered, or the
// database set back.
func (l *Log) Checkpoint(ctx context.Context) (Checkpoint, error) {
	signed, _, err := l.sign(ctx)
	return signed, err
}

func (l *Log) sign(ctx context.Context) (Checkpoint, Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, err := l.last.Load() // before the tree, which then has all that was signed
	if err != nil {
		return nil, Head{}, err
	}
	size, err := l.tree.Size(ctx)
	if err != nil {
		return nil, Head{}, err
	}
	head := Head{Size: size}
	if head.Root, err = tlog.TreeHash(size, reader(ctx, l.tree)); err != nil {
		return nil, Head{}, fmt.Errorf("root of %d events: %w", size, err)
	}
	if err := l.extends(ctx, last, head); err != nil {
		return nil, Head{}, err
	}
	if head != last {
		// Kept before it is signed: no signature leaves that would be forgotten.
		if err := l.last.Keep(head); err != nil {
			return nil, Head{}, err
		}
	}
	signed, err := note.Sign(&note.Note{Text: head.text(l.signer.Name())}, l.signer)
	if err != nil {
		return nil, Head{}, fmt.Errorf("sign checkpoint: %w", err)
	}
	return signed, head, nil
}

func (l *Log) extends(ctx context.Context, old, now Head) error {
	if old.Size == 0 {
		return nil
	}
	if now.Size < old.Size {
		return fmt.Errorf("%d events after %d were signed: %w", now.Size, old.Size, ErrFork)
	}
	root, err := tlog.TreeHash(old.Size, reader(ctx, l.tree))
	if err != nil || root != old.Root {
		return fmt.Errorf("the first %d events: %w", old.Size, ErrFork)
	}
	return nil
}
