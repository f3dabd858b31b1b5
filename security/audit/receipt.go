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
// when the event is not a leaf yet, and with ErrProof when it is not what its
// leaf says: no receipt goes out that would not verify.
func (l *Log) Receipt(ctx context.Context, e platform.Event) (Receipt, error) {
	at, err := l.tree.Find(ctx, e.ID)
	if err != nil {
		return Receipt{}, err
	}
	index := at[0]
	if index < 0 {
		return Receipt{}, fmt.Errorf("event %s: %w", e.ID, ErrUnlogged)
	}
	signed, head, err := l.sign(ctx)
	if err != nil {
		return Receipt{}, err
	}
	proof, err := tlog.ProveRecord(head.Size, index, reader(ctx, l.tree))
	if err != nil {
		return Receipt{}, fmt.Errorf("prove event %s: %w", e.ID, err)
	}
	r := Receipt{Event: e, Index: index, Proof: proof, Checkpoint: signed}
	if err := r.proves(head, l.key); err != nil {
		return Receipt{}, err
	}
	return r, nil
}

// Verify checks the receipt with nothing but the log's public key; key is the
// commitment that the log was made with, or nil. It fails with ErrProof or
// ErrNote.
func (r Receipt) Verify(public note.Verifier, key Commitment) error {
	head, err := r.Checkpoint.Open(public)
	if err != nil {
		return err
	}
	return r.proves(head, key)
}

func (r Receipt) proves(head Head, key Commitment) error {
	hash, err := newHasher(key).leaf(r.Event)
	if err != nil {
		return err
	}
	if tlog.CheckRecord(r.Proof, head.Size, head.Root, r.Index, hash) != nil {
		return fmt.Errorf("event %s at %d of %d: %w", r.Event.ID, r.Index, head.Size, ErrProof)
	}
	return nil
}

// Consistency proves that the tree of the first size events is a beginning of
// the one that the fresh checkpoint signs (RFC 6962 §2.1.2): whoever kept an
// older checkpoint checks both by [Head.Extends]. It fails with ErrProof when
// the log has no such beginning.
func (l *Log) Consistency(ctx context.Context, size int64) (tlog.TreeProof, Checkpoint, error) {
	signed, head, err := l.sign(ctx)
	if err != nil {
		return nil, nil, err
	}
	if size < 1 || size > head.Size {
		return nil, nil, fmt.Errorf("from %d of %d events: %w", size, head.Size, ErrProof)
	}
	proof, err := tlog.ProveTree(head.Size, size, reader(ctx, l.tree))
	if err != nil {
		return nil, nil, fmt.Errorf("prove %d events: %w", size, err)
	}
	return proof, signed, nil
}

// Extends checks a consistency proof between two heads offline. It fails with
// ErrProof.
func (h Head) Extends(old Head, proof tlog.TreeProof) error {
	if tlog.CheckTree(proof, h.Size, h.Root, old.Size, old.Root) != nil {
		return fmt.Errorf("%d events after %d: %w", h.Size, old.Size, ErrProof)
	}
	return nil
}
