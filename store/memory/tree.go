package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// tree implements [store.Tree].
type tree struct {
	mu     sync.RWMutex
	leaves []platform.ID
	index  map[platform.ID]int64
	hashes [][]byte
}

func newTree() *tree { return &tree{index: map[platform.ID]int64{}} }

func (t *tree) Size(ctx context.Context) (int64, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return int64(len(t.leaves)), ctx.Err()
}

func (t *tree) Grow(ctx context.Context, size int64, leaves []platform.ID, hashes [][]byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if size != int64(len(t.leaves)) {
		return fmt.Errorf("grow from %d, now %d: %w", size, len(t.leaves), store.ErrHead)
	}
	fresh := make(map[platform.ID]bool, len(leaves))
	for _, leaf := range leaves {
		if _, known := t.index[leaf]; known || fresh[leaf] {
			return fmt.Errorf("leaf %s twice: %w", leaf, store.ErrHead)
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

func (t *tree) Find(ctx context.Context, events ...platform.ID) ([]int64, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	found := make([]int64, len(events))
	for i, event := range events {
		at, known := t.index[event]
		if !known {
			at = -1
		}
		found[i] = at
	}
	return found, ctx.Err()
}

func (t *tree) Leaves(ctx context.Context, from int64, limit int) ([]platform.ID, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	size := int64(len(t.leaves))
	from = min(max(from, 0), size)
	return slices.Clone(t.leaves[from:min(from+int64(limit), size)]), ctx.Err()
}

func (t *tree) Hashes(ctx context.Context, at []int64) ([][]byte, error) {
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

// all are the leaves and hashes as they are now: what is appended later does not
// show.
func (t *tree) all() ([]platform.ID, [][]byte) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.leaves, t.hashes
}

// append adds a leaf, unless it is one. It is for a tree that nobody else has.
func (t *tree) append(leaf platform.ID) bool {
	if _, known := t.index[leaf]; known {
		return false
	}
	t.index[leaf] = int64(len(t.leaves))
	t.leaves = append(t.leaves, leaf)
	return true
}

func (t *tree) replace(by *tree) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaves, t.index, t.hashes = by.leaves, by.index, by.hashes
}
