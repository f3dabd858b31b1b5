package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/liangding/platform"
)

// ErrHead refuses growth from a size that is no longer the tree's, or a leaf
// that it has already.
var ErrHead = platform.Err(platform.ErrConflict, "tree.head", "the tree has grown meanwhile", "审计树已增长")

// Tree keeps the leaves and hashes of the audit log. Like delivery marks these
// are the adapter's own rows: they never pass Commit. It may be used by several
// goroutines at once.
type Tree struct {
	mu     sync.RWMutex
	leaves []platform.ID
	index  map[platform.ID]int64
	hashes [][]byte
}

func newTree() *Tree { return &Tree{index: map[platform.ID]int64{}} }

// Size is the number of leaves.
func (t *Tree) Size(ctx context.Context) (int64, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return int64(len(t.leaves)), ctx.Err()
}

// Grow appends leaves, named by their events, and the hashes that they add to
// the tree. All are appended or none: it fails with ErrConflict, code
// tree.head, unless the tree has the given size and none of the leaves.
func (t *Tree) Grow(ctx context.Context, size int64, leaves []platform.ID, hashes [][]byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if size != int64(len(t.leaves)) {
		return fmt.Errorf("grow from %d, now %d: %w", size, len(t.leaves), ErrHead)
	}
	fresh := make(map[platform.ID]bool, len(leaves))
	for _, leaf := range leaves {
		if _, known := t.index[leaf]; known || fresh[leaf] {
			return fmt.Errorf("leaf %s twice: %w", leaf, ErrHead)
		}
		fresh[leaf] = true
	}
	for i, leaf := range leaves {
		t.index[leaf] = size + int64(i)
	}
	t.leaves = append(t.leaves, leaves...)
	for _, h := range hashes {
		t.hashes = append(t.hashes, slices.Clone(h))
	}
	return nil
}

// Leaf is the index of an event's leaf, or -1.
func (t *Tree) Leaf(ctx context.Context, event platform.ID) (int64, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if i, known := t.index[event]; known {
		return i, ctx.Err()
	}
	return -1, ctx.Err()
}

// Leaves are the events of at most limit leaves from the given index on.
func (t *Tree) Leaves(ctx context.Context, from int64, limit int) ([]platform.ID, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	size := int64(len(t.leaves))
	from = min(max(from, 0), size)
	return slices.Clone(t.leaves[from:min(from+int64(limit), size)]), ctx.Err()
}

// Hashes reads stored hashes by their index in storage order. It fails with
// ErrNotFound beyond the end.
func (t *Tree) Hashes(ctx context.Context, at []int64) ([][]byte, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	found := make([][]byte, len(at))
	for i, n := range at {
		if n < 0 || n >= int64(len(t.hashes)) {
			return nil, fmt.Errorf("hash %d of %d: %w", n, len(t.hashes), platform.ErrNotFound)
		}
		found[i] = slices.Clone(t.hashes[n])
	}
	return found, ctx.Err()
}
