package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// ErrMended refuses to acknowledge what is no fork, or no longer this one.
var ErrMended = platform.Err(platform.ErrState, "audit.not_forked", "the log does not stand so; look again", "日志状态已不同，请重新查看")

// Fork is where a log was found to be another: the tree that was signed last, and
// the one that is there.
type Fork struct {
	Signed Head `json:"signed"`
	Found  Head `json:"found"`
}

// ForkError is the alarm of a signer: what it has found does not go on from what
// it signed last. Either leaves were altered, or the database was set back to a
// backup. It is an [ErrFork].
type ForkError struct{ Fork }

func (f *ForkError) Error() string {
	return fmt.Sprintf("%d events with root %s were signed, %d with root %s are there: %v", f.Signed.Size, f.Signed.Root, f.Found.Size, f.Found.Root, ErrFork)
}

// Unwrap makes it an ErrFork.
func (f *ForkError) Unwrap() error { return ErrFork }

// Acknowledge lets the log go on from the tree that a fork has found: an operator
// answers for it, in an event that is committed before. The head signed before
// stays on record. It fails with ErrMended when the log does not stand so any
// more; new leaves do no harm.
func (l *Log) Acknowledge(ctx context.Context, f Fork) error {
	l.ticking.Lock()
	defer l.ticking.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.stands(ctx, f); err != nil {
		return err
	}
	l.rest = time.Time{}
	return l.last.Leave(f.Signed, f.Found)
}

// Stands fails with ErrMended unless the log is still at that fork; new leaves do
// no harm.
func (l *Log) Stands(ctx context.Context, f Fork) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stands(ctx, f)
}

func (l *Log) stands(ctx context.Context, f Fork) error {
	_, _, err := l.compare(ctx)
	at, forked := errors.AsType[*ForkError](err)
	if err != nil && !forked {
		return err
	}
	same := forked && at.Signed == f.Signed
	if same {
		if same, err = l.begins(ctx, at.Found, f.Found); err != nil {
			return err
		}
	}
	if !same {
		return fmt.Errorf("fork at %d events: %w", f.Signed.Size, ErrMended)
	}
	return nil
}
