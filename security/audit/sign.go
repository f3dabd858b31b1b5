package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
)

// Signed is a checkpoint that was kept: when, and of which tree.
type Signed struct {
	At   time.Time  `json:"at"`
	Head Head       `json:"head"`
	Note Checkpoint `json:"note"`
}

// Witness signs checkpoints beside the log, somewhere that the platform does not
// control: a log that shows two histories then needs an accomplice.
type Witness interface {
	// Cosign returns the checkpoint with the witness's signature under the others.
	// prove is how the tree of the size that the witness signed last became this
	// one, for [Head.Extends]. It fails with ErrFork when it did not.
	Cosign(ctx context.Context, c Checkpoint, prove func(size int64) (tlog.TreeProof, error)) (Checkpoint, error)
}

// Journal keeps the checkpoints that were signed, best where the platform cannot
// change them. [Dir] is one.
type Journal interface {
	Keep(ctx context.Context, s Signed) error
}

// Checkpoint signs the tree as it is now. It fails with a [ForkError], loudly, when
// that does not extend the tree signed last: when leaves were altered, or the
// database set back. Where witnesses have signed the same tree, it has their
// signatures too.
func (l *Log) Checkpoint(ctx context.Context) (Checkpoint, error) {
	signed, head, err := l.sign(ctx)
	if newest := l.newest(); err == nil && newest.Head == head && newest.Note != nil {
		return newest.Note, nil
	}
	return signed, err
}

func (l *Log) sign(ctx context.Context) (Checkpoint, Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, head, err := l.compare(ctx)
	if err != nil {
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

// compare reads the head signed last and the tree's own, and fails with a ForkError
// unless the second extends the first.
func (l *Log) compare(ctx context.Context) (last, now Head, err error) {
	if last, err = l.last.Load(); err != nil { // before the tree, which then has all that was signed
		return last, now, err
	}
	size, err := l.tree.Size(ctx)
	if err != nil {
		return last, now, err
	}
	if now, err = l.head(ctx, size); err != nil {
		return last, now, err
	}
	whole, err := l.begins(ctx, now, last)
	if err == nil && !whole {
		err = platform.Detail(platform.Detail(&ForkError{Fork{Signed: last, Found: now}}, "signed", last), "found", now)
	}
	return last, now, err
}

// head is that of the tree's first leaves.
func (l *Log) head(ctx context.Context, size int64) (Head, error) {
	root, err := tlog.TreeHash(size, reader(ctx, l.tree))
	if err != nil {
		return Head{}, fmt.Errorf("root of %d events: %w", size, err)
	}
	return Head{Size: size, Root: root}, nil
}

// begins tells whether the tree, which is at now, began as old.
func (l *Log) begins(ctx context.Context, now, old Head) (bool, error) {
	if old.Size == 0 || old == now {
		return true, nil
	}
	if now.Size <= old.Size {
		return false, nil
	}
	then, err := l.head(ctx, old.Size)
	return then == old, err
}

// How often a checkpoint is kept that nothing demands, how often a fork is told,
// and how many checkpoints are known without a journal.
const (
	idle   = time.Hour
	repeat = time.Minute
	recent = 24
)

// Tick signs the tree if it has grown since, or if the newest checkpoint is an
// hour old, has the witnesses sign too, and keeps what came of it; it tells
// whether it did. A witness that does not answer holds up nothing: its error is
// returned beside the checkpoint that was kept. A [ForkError] is told once a minute.
// It is a platform.Ticker, and follows each round of the relay.
func (l *Log) Tick(ctx context.Context, now time.Time, _ int) (int, error) {
	l.ticking.Lock()
	defer l.ticking.Unlock()
	if now.Before(l.rest) {
		return 0, nil
	}
	if done, err := l.done(ctx, now); done || err != nil {
		return 0, err
	}
	c, head, err := l.sign(ctx)
	if err != nil {
		if errors.Is(err, ErrFork) {
			l.rest = now.Add(repeat)
		}
		return 0, err
	}
	c, err = l.witnessed(ctx, c, head)
	s := Signed{At: now, Head: head, Note: c}
	l.reading.Lock()
	l.kept = append(l.kept[max(0, len(l.kept)-recent+1):], s)
	l.reading.Unlock()
	for _, j := range l.options.Journals {
		err = errors.Join(err, j.Keep(ctx, s))
	}
	return 1, err
}

// done tells whether the newest checkpoint is of the tree as it is, and young.
func (l *Log) done(ctx context.Context, now time.Time) (bool, error) {
	newest := l.newest()
	if newest.Note == nil || !now.Before(newest.At.Add(idle)) {
		return false, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	last, err := l.last.Load() // another one when a fork was acknowledged
	if err != nil || last != newest.Head {
		return false, err
	}
	size, err := l.tree.Size(ctx)
	return size == last.Size, err
}

// witnessed is the checkpoint with the signatures of the witnesses that gave one.
func (l *Log) witnessed(ctx context.Context, c Checkpoint, head Head) (Checkpoint, error) {
	prove := func(size int64) (tlog.TreeProof, error) { return l.prove(ctx, head, size) }
	var failed []error
	for _, w := range l.options.Witnesses {
		more, err := w.Cosign(ctx, slices.Clone(c), prove)
		if err == nil && !more.adds(c) {
			err = ErrNote
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("witness a checkpoint of %d events: %w", head.Size, err))
			continue
		}
		c = more
	}
	return c, errors.Join(failed...)
}

// Kept are the checkpoints that Tick has kept, the newest first: as many as this
// process remembers.
func (l *Log) Kept() []Signed {
	l.reading.Lock()
	defer l.reading.Unlock()
	all := slices.Clone(l.kept)
	slices.Reverse(all)
	return all
}

func (l *Log) newest() Signed {
	l.reading.Lock()
	defer l.reading.Unlock()
	if len(l.kept) == 0 {
		return Signed{}
	}
	return l.kept[len(l.kept)-1]
}
