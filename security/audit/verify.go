package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
)

// Report tells what a verification has seen.
type Report struct {
	Events int64     `json:"events"` // that the checkpoint covers
	Root   tlog.Hash `json:"root"`
}

// Verify checks a whole dump of the log, in the order of its leaves, against a
// checkpoint, with nothing but the public key. Memory grows with the logarithm
// of the events. It fails with ErrProof when any event was altered, left out or
// moved; key is the commitment that the log was made with, or nil.
func Verify(events iter.Seq2[platform.Event, error], signed Checkpoint, public note.Verifier, key Commitment) (Report, error) {
	head, err := signed.Open(public)
	if err != nil {
		return Report{}, err
	}
	var t roots
	for e, err := range events {
		if err != nil {
			return Report{}, err
		}
		if t.size == head.Size {
			break // committed after the checkpoint
		}
		hash, err := hashOf(e, key)
		if err != nil {
			return Report{}, err
		}
		t.add(hash)
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
			ids, err := l.tree.Leaves(ctx, from, 500)
			if err != nil || len(ids) == 0 {
				if err != nil {
					yield(platform.Event{}, err)
				}
				return
			}
			page, err := platform.ReadAll[platform.Event](ctx, db, "event", ids...)
			if err != nil {
				yield(platform.Event{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			from += int64(len(ids))
		}
	}
}

// Find is the index of the first event that is not what its leaf says, or -1
// when all are: where to look after [Verify] has failed.
func (l *Log) Find(ctx context.Context, events iter.Seq2[platform.Event, error]) (int64, error) {
	index := int64(0)
	for e, err := range events {
		if errors.Is(err, platform.ErrNotFound) {
			return index, nil
		}
		if err != nil {
			return -1, err
		}
		hash, err := hashOf(e, l.key)
		if err != nil {
			return index, nil
		}
		leaf, err := reader{ctx, l.tree}.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return -1, err
		}
		if leaf[0] != hash {
			return index, nil
		}
		index++
	}
	return -1, nil
}

// roots are the roots of the perfect subtrees of a growing tree, from the
// largest: all that is needed to go on.
type roots struct {
	size int64
	top  []tlog.Hash
}

func (t *roots) add(leaf tlog.Hash) {
	for n := t.size; n&1 == 1; n >>= 1 {
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
