package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// record is the last step of a call: what the institution said is written down.
type record struct {
	Key     Key
	Status  Status
	Certain bool   // an absence counts
	Doubts  bool   // no news is a reason to ask again later
	Via     string // answer, look, notice
	At      time.Time
	notice  *Received // goes into the inbox in the same set
}

// Subject is the record that the operation belongs to.
func (r record) Subject() platform.Ref { return r.Key.about() }

// with are the records to be read and, if the news came by a notice, that.
func (r record) with(refs ...platform.Ref) []platform.Ref {
	if r.notice != nil {
		refs = append(refs, r.notice.Ref())
	}
	return refs
}

// persist carries a step out however often others get in between: what the
// institution said is never dropped for a conflict.
func persist[A any](ctx context.Context, s *Service, step any, decide func(context.Context) (A, []platform.Change, error)) (A, error) {
	ctx = s.system(ctx)
	for {
		answer, err := platform.Update(ctx, s.w, step, decide)
		code := platform.Code(err)
		if !errors.Is(err, platform.ErrConflict) || code == "exists" || code == "taken" {
			return answer, err
		}
	}
}

// record writes down what was learnt of an attempt, and returns it as it is
// then. It fails with ErrNothingNew when that was known already, and nothing is
// written then.
func (s *Service) record(ctx context.Context, a Attempt, in record) (Attempt, error) {
	if in.Status.Outcome == NeedsAction && in.Status.Until.IsZero() {
		in.Status.Until = in.At.Add(s.opts.Act)
	}
	return persist(ctx, s, in, func(ctx context.Context) (Attempt, []platform.Change, error) {
		found, err := s.store.Found(ctx, in.with(append(asked(a.Subject), a.Ref())...)...)
		if err == nil && len(found.Attempts) == 0 {
			err = platform.NotFound(a.Ref())
		}
		if err != nil {
			return Attempt{}, nil, err
		}
		now := found.Attempts[0]
		next, err := now.Learn(in.Status, in.Certain, in.At)
		if errors.Is(err, ErrNothingNew) && in.Doubts {
			next, err = now.Doubt(in.At)
		}
		if err != nil {
			return Attempt{}, nil, err
		}
		next, changes, err := s.effects(ctx, found.Intents, now, next, platform.System)
		if err != nil {
			return Attempt{}, nil, err
		}
		if changes, err = in.notice.filed(found.Notices, changes); err != nil {
			return Attempt{}, nil, err
		}
		return next, append(changes, next.event().Because(in.Via)), nil
	})
}

// effects is what the attempt's new state means for its intent, for the subject
// and for the books. Money that nobody takes becomes surplus.
func (s *Service) effects(ctx context.Context, all []Intent, was, next Attempt, by platform.ActorKind) (Attempt, []platform.Change, error) {
	i, asked := intentOf(all, next)
	if next.State == AttemptCaptured {
		changes, err := s.capture(ctx, all, i, next)
		if err == nil {
			return next, changes, nil
		}
		if !errors.Is(err, platform.ErrState) {
			return Attempt{}, nil, err
		}
		if next, err = was.Surplus(next.Received, next.Reference, by, next.EndedAt); err != nil {
			return Attempt{}, nil, err
		}
	}
	var changes []platform.Change
	switch over := next.State == AttemptFailed || next.State == AttemptSurplus; {
	case over && asked && i.Active == next.ID:
		changes = append(changes, platform.Put(i.Free(next)))
	case over && asked:
		changes = append(changes, platform.Unchanged(i))
	}
	if next.State != AttemptSurplus {
		return next, append(changes, platform.Put(next)), nil
	}
	next, set, err := s.surplus(ctx, next, false)
	if err != nil {
		return Attempt{}, nil, err
	}
	return next, append(changes, set...), nil
}

func intentOf(all []Intent, a Attempt) (Intent, bool) {
	at := slices.IndexFunc(all, func(i Intent) bool { return i.ID == a.Intent })
	if at < 0 {
		return Intent{}, false
	}
	return all[at], true
}

// capture counts the attempt's money: on its intent, with the subject, and in
// the books. It fails with an error that wraps ErrState when nobody takes it.
func (s *Service) capture(ctx context.Context, all []Intent, i Intent, a Attempt) ([]platform.Change, error) {
	next, err := i.Take(a)
	if err != nil {
		return nil, err
	}
	return s.secured(ctx, all, next, a, "pay.captured", clearing("escrow", a.Subject, a.Institution, a.Amount))
}

// secured writes an intent with more money on it, the attempt that brought it,
// the posting, and what the subject makes of the totals.
func (s *Service) secured(ctx context.Context, all []Intent, next Intent, a Attempt, what string, legs []platform.Leg) ([]platform.Change, error) {
	changes := []platform.Change{platform.Put(next), platform.Put(a)}
	secured, captured := next.Secured, next.Captured
	for _, other := range all {
		if other.ID == next.ID {
			continue
		}
		var one, two error
		secured, one = secured.Add(other.Secured)
		captured, two = captured.Add(other.Captured)
		if err := errors.Join(one, two); err != nil {
			return nil, fmt.Errorf("total of %s: %w", a.Subject, err)
		}
		changes = append(changes, platform.Unchanged(other))
	}
	subject, err := s.ports.Subject.Secured(ctx, a.Subject, string(next.Purpose), secured, captured, a.EndedAt)
	if err != nil {
		return nil, fmt.Errorf("secure %s: %w", a.Subject, err)
	}
	books, err := s.ports.Books.Post(ctx, what, a.Ref(), a.EndedAt, legs)
	if err != nil {
		return nil, fmt.Errorf("book %s: %w", a.ID, err)
	}
	return slices.Concat(changes, subject, books), nil
}

// event says what became of the attempt.
func (a Attempt) event() platform.Change {
	what := map[AttemptState]string{
		AttemptRequiresAction: "payment.action_required", AttemptUnknown: "payment.unknown", AttemptCaptured: "payment.captured",
		AttemptFailed: "payment.failed", AttemptSurplus: "payment.surplus", AttemptQuarantined: "payment.quarantined", AttemptManual: "payment.parked",
	}[a.State]
	return platform.Happened(what, a.Ref(), a.facts())
}
