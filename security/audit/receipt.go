package audit

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
)

// Receipt proves that an event is in the log: it verifies alone and offline.
type Receipt struct {
	Event      platform.Event   `json:"event"`
	Index      int64            `json:"index"`
	Proof      tlog.RecordProof `json:"proof"` // RFC 6962 §2.1.1
	Checkpoint Checkpoint       `json:"checkpoint"`
}

// Receipt proves an event against a fresh checkpoint. It fails with ErrUnlogged
// when the event is not a leaf yet.
func (l *Log) Receipt(ctx context.Context, e platform.Event) (Receipt, error) {
	index, err := l.tree.Leaf(ctx, e.ID)
	if err != nil {
		return Receipt{}, err
	}
	if index < 0 {
		return Receipt{}, fmt.Errorf("event %s: %w", e.ID, ErrUnlogged)
	}
	signed, head, err := l.sign(ctx)
	if err != nil {
		return Receipt{}, err
	}
	proof, err := tlog.ProveRecord(head.Size, index, reader{ctx, l.tree})
	if err != nil {
		return Receipt{}, fmt.Errorf("prove event %s: %w", e.ID, err)
	}
	return Receipt{Event: e, Index: index, Proof: proof, Checkpoint: signed}, nil
}

// Verify checks the receipt with nothing but the log's public key; key is the
// commitment that the log was made with, or nil. It fails with ErrProof or
// ErrNote.
func (r Receipt) Verify(public note.Verifier, key Commitment) error {
	head, err := r.Checkpoint.Open(public)
	if err != nil {
		return err
	}
	hash, err := hashOf(r.Event, key)
	if err != nil {
		return err
	}
	if tlog.CheckRecord(r.Proof, head.Size, head.Root, r.Index, hash) != nil {
		return fmt.Errorf("event %s at %d of %d: %w", r.Event.ID, r.Index, head.Size, ErrProof)
	}
	return nil
}

// Consistency proves that the tree of the first size events is a beginning of
// the log as it is (RFC 6962 §2.1.2).
func (l *Log) Consistency(ctx context.Context, size int64) (tlog.TreeProof, Head, error) {
	now, err := l.tree.Size(ctx)
	if err != nil {
		return nil, Head{}, err
	}
	if size < 1 || size > now {
		return nil, Head{}, fmt.Errorf("from %d of %d events: %w", size, now, ErrProof)
	}
	root, err := tlog.TreeHash(now, reader{ctx, l.tree})
	if err != nil {
		return nil, Head{}, err
	}
	proof, err := tlog.ProveTree(now, size, reader{ctx, l.tree})
	return proof, Head{Size: now, Root: root}, err
}

// Extends checks a consistency proof between two heads offline. It fails with
// ErrProof.
func (h Head) Extends(old Head, proof tlog.TreeProof) error {
	if tlog.CheckTree(proof, h.Size, h.Root, old.Size, old.Root) != nil {
		return fmt.Errorf("%d events after %d: %w", h.Size, old.Size, ErrProof)
	}
	return nil
}
