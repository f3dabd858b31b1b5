package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
)

// Report tells what a verification has seen.
type Report struct {
	Events int64     `json:"events"` // that the checkpoint covers
	Root   tlog.Hash `json:"root"`

	// Of an archive.
	After    int64  `json:"after,omitempty"`    // events that were logged after the checkpoint
	Unlogged int64  `json:"unlogged,omitempty"` // events that the log does not have, yet
	Fault    *Fault `json:"fault,omitempty"`    // the first
}

// Verify checks a whole dump of the log, in the order of its leaves, against a
// checkpoint, with nothing but the public key. Memory grows with the logarithm
// of the events. It fails with ErrProof when any event was altered, left out or
// moved, or is missing (an ErrNotFound of the dump).
func Verify(events iter.Seq2[platform.Event, error], signed Checkpoint, public note.Verifier) (Report, error) {
	head, err := signed.Open(public)
	if err != nil {
		return Report{}, err
	}
	var t roots
	hasher := newHasher()
	for e, err := range events {
		if t.size == head.Size {
			break // committed after the checkpoint
		}
		if errors.Is(err, platform.ErrNotFound) {
			return Report{Events: t.size}, fmt.Errorf("%v: %w", err, ErrProof) //nolint:errorlint // what the dump lacks is no refusal of the caller's
		}
		if err != nil {
			return Report{}, err
		}
		hash, err := hasher.leaf(e)
		if err != nil {
			return Report{}, err
		}
		t.add(hash, nil)
	}
	report := Report{Events: t.size, Root: t.root()}
	if t.size != head.Size || report.Root != head.Root {
		return report, fmt.Errorf("%d events against a checkpoint of %d: %w", t.size, head.Size, ErrProof)
	}
	return report, nil
}

// Events are the events of the log in the order of its leaves, read from the
// store in pages: the dump that [Verify] takes.
func (l *Log) Events(ctx context.Context, db platform.Getter) iter.Seq2[platform.Event, error] {
	return func(yield func(platform.Event, error) bool) {
		for from := int64(0); ; {
			ids, err := l.tree.Leaves(ctx, from, pageSize)
			if err != nil || len(ids) == 0 {
				if err != nil {
					yield(platform.Event{}, err)
				}
				return
			}
			if !page(ctx, db, ids, yield) {
				return
			}
			from += int64(len(ids))
		}
	}
}

const pageSize = 500

// page yields the events of those ids, and tells whether to go on. Where one is
// missing, those before it come first.
func page(ctx context.Context, db platform.Getter, ids []platform.ID, yield func(platform.Event, error) bool) bool {
	all, err := platform.ReadAll[platform.Event](ctx, db, "event", ids...)
	if half := len(ids) / 2; half > 0 && errors.Is(err, platform.ErrNotFound) {
		return page(ctx, db, ids[:half], yield) && page(ctx, db, ids[half:], yield)
	}
	if err != nil {
		yield(platform.Event{}, err)
		return false
	}
	for _, e := range all {
		if !yield(e, nil) {
			return false
		}
	}
	return true
}

// roots are the roots of the perfect subtrees of a growing tree, from the
// largest: all that is needed to go on.
type roots struct {
	size int64
	top  []tlog.Hash
}

// rootsOf are those of a tree of that size.
func rootsOf(size int64, tree tlog.HashReader) (roots, error) {
	var at []int64
	for from := int64(0); from < size; {
		level := bits.Len64(uint64(size-from)) - 1
		at = append(at, tlog.StoredHashIndex(level, from>>level))
		from += 1 << level
	}
	if len(at) == 0 {
		return roots{}, nil
	}
	top, err := tree.ReadHashes(at)
	return roots{size: size, top: top}, err
}

// add appends a leaf. If done is not nil, it gets the leaf and then each hash
// that it completes, from the lowest.
func (t *roots) add(leaf tlog.Hash, done func(tlog.Hash)) {
	for n := t.size; ; n >>= 1 {
		if done != nil {
			done(leaf)
		}
		if n&1 == 0 {
			break
		}
		leaf = tlog.NodeHash(t.top[len(t.top)-1], leaf)
		t.top = t.top[:len(t.top)-1]
	}
	t.top = append(t.top, leaf)
	t.size++
}

func (t *roots) root() tlog.Hash {
	if t.size == 0 {
		root, _ := tlog.TreeHash(0, nil) // of nothing; needs no hashes
		return root
	}
	root := t.top[len(t.top)-1]
	for i := len(t.top) - 2; i >= 0; i-- {
		root = tlog.NodeHash(t.top[i], root)
	}
	return root
}
