package payment

import (
	"context"
	"fmt"

	"github.com/liangding/platform"
)

// Reduce asks for no more than amount in all of one purpose; of nothing, the
// intent is cancelled. What is held above it, all of what is held, is let go of.
// A purpose that was never asked for, or is at an end, changes nothing. It writes
// the intent and its authorisations.
//
// It fails with ErrAttemptActive while the outcome of an attempt is still to come,
// and with ErrBelowSecured when more was captured.
func (a Asks) Reduce(ctx context.Context, subject platform.Ref, purpose string, amount platform.Money) ([]platform.Change, error) {
	found, err := a.Store.Found(ctx, platform.Ref{Kind: "payment.intent", ID: IntentID(subject, Purpose(purpose))})
	if err != nil || len(found.Intents) == 0 {
		return nil, err
	}
	i := found.Intents[0]
	if i.ended() {
		return []platform.Change{platform.Unchanged(i)}, nil
	}
	changes, err := a.idle(ctx, found.Intents)
	if err != nil {
		return nil, fmt.Errorf("reduce %s: %w", subject, err)
	}
	next, released, err := a.reduced(ctx, i, amount)
	if err != nil {
		return nil, fmt.Errorf("reduce %s: %w", subject, err)
	}
	return append(append(changes, released...), platform.Put(next), platform.Happened("payment.reduced", next.Ref(), next.facts())), nil
}

// reduced is the intent asking for less, and what it lets go of.
func (a Asks) reduced(ctx context.Context, i Intent, amount platform.Money) (Intent, []platform.Change, error) {
	i.Active = "" // of an attempt that nobody waits for any more
	below, err := amount.Cmp(i.Secured)
	switch {
	case err != nil:
		return Intent{}, nil, err
	case amount.Sign() == 0 && i.Captured.Sign() == 0:
		released, err := a.release(ctx, []Intent{i})
		if err != nil {
			return Intent{}, nil, err
		}
		next, err := i.Cancel()
		return next, released, err
	case below >= 0:
		next, err := i.Ask(amount, i.Due)
		return next, nil, err
	case amount != i.Captured:
		return Intent{}, nil, ErrBelowSecured
	}
	held, err := a.Store.Attempts(ctx, i.Held...)
	if err != nil {
		return Intent{}, nil, err
	}
	var released []platform.Change
	for _, h := range held {
		if h.State == AttemptReleasing {
			continue
		}
		next, err := h.Release(h.Reference, platform.System, h.EndedAt)
		if err != nil {
			return Intent{}, nil, err
		}
		next.Reason = givenUp // so that it is not asked for again
		released = append(released, platform.Put(next), next.event())
	}
	return i, released, nil
}
