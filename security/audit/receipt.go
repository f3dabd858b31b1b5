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
	if err := r.proves(head); err != nil {
		return Receipt{}, err
	}
	return r, nil
}

// Verify checks the receipt with nothing but the log's public key. It fails with
// ErrProof or ErrNote.
func (r Receipt) Verify(public note.Verifier) error {
	head, err := r.Checkpoint.Open(public)
	if err != nil {
		return err
	}
	return r.proves(head)
}

func (r Receipt) proves(head Head) error {
	hash, err := newHasher().leaf(r.Event)
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
	proof, err := l.prove(ctx, head, size)
	return proof, signed, err
}

func (l *Log) prove(ctx context.Context, head Head, size int64) (tlog.TreeProof, error) {
	if size < 1 || size > head.Size {
		return nil, fmt.Errorf("from %d of %d events: %w", size, head.Size, ErrProof)
	}
	proof, err := tlog.ProveTree(head.Size, size, reader(ctx, l.tree))
	if err != nil {
		return nil, fmt.Errorf("prove %d events: %w", size, err)
	}
	return proof, nil
}

// Extends checks a consistency proof between two heads offline. It fails with
// ErrProof.
func (h Head) Extends(old Head, proof tlog.TreeProof) error {
	if tlog.CheckTree(proof, h.Size, h.Root, old.Size, old.Root) != nil {
		return fmt.Errorf("%d events after %d: %w", h.Size, old.Size, ErrProof)
	}
	return nil
}

// Step is one hash on the way from an event's leaf to the root.
type Step struct {
	Left    bool      `json:"left"`    // the sibling stands on the left
	Sibling tlog.Hash `json:"sibling"` // of the proof
	Hash    tlog.Hash `json:"hash"`    // of both: the last is the root
}

// Path is the receipt worked out by hand: the event's leaf, and a step for each
// hash of the proof. It fails as Verify does.
func (r Receipt) Path(public note.Verifier) (leaf tlog.Hash, steps []Step, err error) {
	if err := r.Verify(public); err != nil {
		return leaf, nil, err
	}
	head, _ := r.Checkpoint.Open(public) // it verifies
	leaf, _ = newHasher().leaf(r.Event)
	hash, at, last := leaf, r.Index, head.Size-1
	for _, sibling := range r.Proof {
		for at&1 == 0 && at == last { // alone on its level
			at, last = at>>1, last>>1
		}
		s := Step{Left: at&1 == 1, Sibling: sibling}
		if s.Left {
			hash = tlog.NodeHash(sibling, hash)
		} else {
			hash = tlog.NodeHash(hash, sibling)
		}
		s.Hash = hash
		steps = append(steps, s)
		at, last = at>>1, last>>1
	}
	return leaf, steps, nil
}
