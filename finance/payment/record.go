package payment

import (
	"context"
	"errors"
	"fmt"
	"reflect"
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
	return s.learn(ctx, a, in, func(now Attempt) (Attempt, error) {
		next, err := now.Learn(in.Status, in.Certain, in.At)
		if errors.Is(err, ErrNothingNew) && in.Doubts {
			next, err = now.Doubt(in.At)
		}
		return next, err
	})
}

// learn writes what is decided about an attempt, with all that follows. Money that
// somebody booked as surplus before the attempt knew its name is not booked again.
func (s *Service) learn(ctx context.Context, a Attempt, in record, decide func(now Attempt) (Attempt, error)) (Attempt, error) {
	next, err := s.learnt(ctx, a, in, decide, nil)
	if platform.Code(err) == "taken" {
		return s.learnt(ctx, a, in, decide, err)
	}
	return next, err
}

func (s *Service) learnt(ctx context.Context, a Attempt, in record, decide func(now Attempt) (Attempt, error), taken error) (Attempt, error) {
	return persist(ctx, s, in, func(ctx context.Context) (Attempt, []platform.Change, error) {
		now, notices, err := s.scene(ctx, a, in)
		if err != nil {
			return Attempt{}, nil, err
		}
		next, err := decide(now.was)
		if err == nil && taken != nil {
			next, err = s.bookedBefore(ctx, now.was, next, taken)
		}
		if err != nil {
			return Attempt{}, nil, err
		}
		next, changes, err := s.effects(ctx, now, next, platform.System)
		if err != nil {
			return Attempt{}, nil, err
		}
		if changes, err = in.notice.filed(notices, changes); err != nil {
			return Attempt{}, nil, err
		}
		return next, append(changes, next.event().Because(in.Via)), nil
	})
}

// scene is an attempt as it was, with all that its outcome touches.
type scene struct {
	was     Attempt
	of      Attempt // of a capture, its authorisation
	intents []Intent
}

// scene reads the scene of an attempt in one trip and, if the news came by a
// notice, that.
func (s *Service) scene(ctx context.Context, a Attempt, in record) (scene, []Received, error) {
	refs := append(asked(a.Subject), a.Ref())
	if a.Of != "" {
		refs = append(refs, Attempt{Head: platform.Head{ID: a.Of}}.Ref())
	}
	found, err := s.store.Found(ctx, in.with(refs...)...)
	if err != nil {
		return scene{}, nil, err
	}
	now := scene{intents: found.Intents}
	for _, f := range found.Attempts {
		switch f.ID {
		case a.ID:
			now.was = f
		case a.Of:
			now.of = f
		}
	}
	if now.was.ID == "" || now.of.ID != a.Of {
		return scene{}, nil, platform.NotFound(a.Ref())
	}
	return now, found.Notices, nil
}

// intent is the one that the attempt is for, if any.
func (n scene) intent() (Intent, bool) {
	at := slices.IndexFunc(n.intents, func(i Intent) bool { return i.ID == n.was.Intent })
	if at < 0 {
		return Intent{}, false
	}
	return n.intents[at], true
}

// effects is what the attempt's new state means for its intent, for the subject
// and for the books. Money that nobody takes becomes surplus; an authorisation
// that nobody takes is let go of.
func (s *Service) effects(ctx context.Context, now scene, next Attempt, by platform.ActorKind) (Attempt, []platform.Change, error) {
	if next.State == AttemptCaptured || next.State == AttemptAuthorized {
		next = s.freezes(next)
		changes, err := s.counts(ctx, now, next)
		if err == nil {
			return next, changes, nil
		}
		if !errors.Is(err, platform.ErrState) {
			return Attempt{}, nil, err
		}
		refused := now.was.Surplus
		if next.Held {
			refused = func(_ platform.Money, reference string, by platform.ActorKind, at time.Time) (Attempt, error) {
				return now.was.Release(reference, by, at)
			}
		}
		if next, err = refused(next.Received, next.Reference, by, next.EndedAt); err != nil {
			return Attempt{}, nil, err
		}
	}
	changes, err := now.frees(next)
	if err != nil {
		return Attempt{}, nil, err
	}
	lost, err := s.lost(ctx, now, next, changes)
	if err != nil {
		return Attempt{}, nil, err
	}
	changes = append(changes, lost...)
	if next.State != AttemptSurplus {
		return next, append(changes, platform.Put(next)), nil
	}
	next, set, err := s.surplus(ctx, next, false)
	if err != nil {
		return Attempt{}, nil, err
	}
	return next, append(changes, set...), nil
}

// lost tells the subject that it is secured for less, since an authorisation has
// ended by itself. One that takes no word of money any more is left alone.
func (s *Service) lost(ctx context.Context, now scene, next Attempt, freed []platform.Change) ([]platform.Change, error) {
	was, asked := now.intent()
	if !asked || !next.Held || next.State != AttemptReleased || was.ended() {
		return nil, nil
	}
	for _, c := range freed {
		i, ok := c.Value.(Intent)
		if !ok || i.ID != was.ID || i.Secured == was.Secured {
			continue
		}
		secured, captured, err := now.totals(i)
		if err != nil {
			return nil, err
		}
		told, err := s.ports.Subject.Secured(ctx, next.Subject, string(i.Purpose), secured, captured, next.EndedAt)
		if errors.Is(err, platform.ErrState) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("tell %s of less: %w", next.Subject, err)
		}
		return told, nil
	}
	return nil, nil
}

// totals are what is secured and captured for the subject, with an intent as it
// will be.
func (n scene) totals(next Intent) (secured, captured platform.Money, err error) {
	secured, captured = next.Secured, next.Captured
	for _, other := range n.intents {
		if other.ID == next.ID {
			continue
		}
		var one, two error
		secured, one = secured.Add(other.Secured)
		captured, two = captured.Add(other.Captured)
		if err = errors.Join(one, two); err != nil {
			return secured, captured, fmt.Errorf("total of %s: %w", next.Subject, err)
		}
	}
	return secured, captured, nil
}

// frees is what an attempt that brings no money to its intent changes there, and
// of its authorisation.
func (n scene) frees(next Attempt) (changes []platform.Change, err error) {
	i, asked := n.intent()
	was := i
	over := slices.Contains([]AttemptState{AttemptFailed, AttemptSurplus, AttemptReleasing, AttemptReleased}, next.State)
	if !over {
		return nil, nil
	}
	i = i.Free(next)
	if asked && next.Held && slices.Contains(i.Held, next.ID) && next.State != AttemptReleasing {
		i, err = i.LetGo(next, next.Left(), n.was.Reason == givenUp)
		i = i.asksAnew(next.EndedAt)
	}
	if next.Of != "" && err == nil {
		var of Attempt
		if of, err = n.of.Drew(next, next.EndedAt); err == nil {
			changes = append(changes, platform.Put(of))
		}
		if err == nil && next.State == AttemptSurplus && n.of.Capture == next.ID { // a failed one is out of what is secured
			i, err = i.without(next.Amount)
		}
		if err == nil && of.State == AttemptReleased {
			i, err = i.LetGo(of, of.Left(), true)
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("free %s of %s: %w", i.ID, next.ID, err)
	case !asked:
	case reflect.DeepEqual(i, was):
		changes = append(changes, platform.Unchanged(i))
	default:
		changes = append(changes, platform.Put(i))
	}
	return changes, nil
}

// counts notes the attempt's money: on its intent, with the subject and, once it
// is captured, in the books. It fails with an error that wraps ErrState when
// nobody takes it.
func (s *Service) counts(ctx context.Context, now scene, a Attempt) ([]platform.Change, error) {
	i, _ := now.intent()
	var changes []platform.Change
	var err error
	switch {
	case a.Held:
		if i, err = i.Hold(a); err != nil {
			return nil, err
		}
		return s.secured(ctx, now.intents, i, a, "", nil)
	case a.Of != "":
		var of Attempt
		if of, err = now.of.Drew(a, a.EndedAt); err == nil {
			i, err = i.Drawn(a)
		}
		if err == nil && of.State == AttemptReleased {
			i, err = i.LetGo(of, of.Left(), true)
		}
		changes = append(changes, platform.Put(of))
	default:
		i, err = i.Take(a)
	}
	if err != nil {
		return nil, err
	}
	what, role := "pay.captured", "escrow"
	if i.Purpose == Tip {
		what, role = "tip.captured", "tips"
	}
	set, err := s.secured(ctx, now.intents, i, a, what, clearing(role, a.Subject, a.Institution, a.Amount))
	return append(changes, set...), err
}

// secured writes an intent with more money on it, the attempt that brought it,
// the posting if there is one, and what the subject makes of the totals.
func (s *Service) secured(ctx context.Context, all []Intent, next Intent, a Attempt, what string, legs []platform.Leg) ([]platform.Change, error) {
	changes := []platform.Change{platform.Put(next), platform.Put(a)}
	secured, captured, err := scene{intents: all}.totals(next)
	if err != nil {
		return nil, err
	}
	for _, other := range all {
		if other.ID != next.ID {
			changes = append(changes, platform.Unchanged(other))
		}
	}
	subject, err := s.ports.Subject.Secured(ctx, a.Subject, string(next.Purpose), secured, captured, a.EndedAt)
	if err != nil {
		return nil, fmt.Errorf("secure %s: %w", a.Subject, err)
	}
	if what == "" {
		return append(changes, subject...), nil
	}
	books, err := s.ports.Books.Post(ctx, what, a.Ref(), a.EndedAt, legs)
	if err != nil {
		return nil, fmt.Errorf("book %s: %w", a.ID, err)
	}
	return slices.Concat(changes, books, subject), nil // what came in may go on
}

// event says what became of the attempt.
func (a Attempt) event() platform.Change {
	what := map[AttemptState]string{
		AttemptRequiresAction: "payment.action_required", AttemptUnknown: "payment.unknown", AttemptCaptured: "payment.captured",
		AttemptFailed: "payment.failed", AttemptSurplus: "payment.surplus", AttemptQuarantined: "payment.quarantined", AttemptManual: "payment.parked",
		AttemptAuthorized: "payment.authorized", AttemptReleasing: "payment.releasing", AttemptReleased: "payment.voided",
	}[a.State]
	if a.State == AttemptReleased && a.Reason != "" {
		what = "payment.authorization_lapsed"
	}
	return platform.Happened(what, a.Ref(), a.facts())
}
