package audit

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Observer is a witness of one log, for a process that the platform does not
// control: it signs what extends the head that it signed last, and nothing else.
// Several goroutines may use it at once.
type Observer struct {
	log    note.Verifier
	signer note.Signer
	last   Last
	mu     sync.Mutex
}

var _ Witness = (*Observer)(nil)

// NewObserver witnesses the log that a key is of; last must be its own.
func NewObserver(log note.Verifier, signer note.Signer, last Last) *Observer {
	return &Observer{log: log, signer: signer, last: last}
}

// Cosign implements [Witness]. It fails with ErrNote for a checkpoint that the log
// has not signed, or that it has signed itself already.
func (o *Observer) Cosign(_ context.Context, c Checkpoint, prove func(size int64) (tlog.TreeProof, error)) (Checkpoint, error) {
	now, err := c.Open(o.log)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	last, err := o.last.Load()
	if err != nil {
		return nil, err
	}
	if last.Size > now.Size || last.Size == now.Size && last.Size > 0 && last != now {
		return nil, &ForkError{Fork{Signed: last, Found: now}}
	}
	if last.Size > 0 && last != now {
		proof, err := prove(last.Size)
		if err != nil {
			return nil, fmt.Errorf("proof from %d events: %w", last.Size, err)
		}
		if now.Extends(last, proof) != nil {
			return nil, &ForkError{Fork{Signed: last, Found: now}}
		}
	}
	if err := o.last.Keep(now); err != nil {
		return nil, err
	}
	return c.signed(o.log, o.signer)
}

// signed is the checkpoint with one more signature.
func (c Checkpoint) signed(log note.Verifier, by note.Signer) (Checkpoint, error) {
	n, err := note.Open(c, note.VerifierList(log))
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", ErrNote)
	}
	more, err := note.Sign(&note.Note{Text: n.Text, Sigs: append(n.Sigs, n.UnverifiedSigs...)}, by)
	if err != nil || !Checkpoint(more).adds(c) {
		return nil, fmt.Errorf("cosign: %w", ErrNote)
	}
	return more, nil
}
