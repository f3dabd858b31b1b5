package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Draw takes money that an institution holds.
type Draw struct {
	Intent platform.ID    `json:"intent" validate:"required,id=int"`
	Amount platform.Money `json:"amount,omitzero"` // if absent, all that is held
	Final  bool           `json:"final,omitempty"` // lets go of the rest
}

// Subject is the intent.
func (d Draw) Subject() platform.Ref { return platform.Ref{Kind: "payment.intent", ID: d.Intent} }

// Draw has what is held for an intent, or a part of it, captured, and returns the
// intent as it is before: Tick calls the institution, which is due at once.
// Operators and the system may do so.
//
// It fails with ErrNotHeld when nothing is held, ErrAttemptActive while a capture
// is under way or asked for, ErrAmount and ErrExceedsHeld for a wrong amount.
func (s *Service) Draw(ctx context.Context, in Draw) (Intent, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Intent, []platform.Change, error) {
		if err := platformOnly(ctx); err != nil {
			return Intent{}, nil, fmt.Errorf("draw %s: %w", in.Intent, err)
		}
		i, err := s.store.Intent(ctx, in.Intent)
		if err != nil {
			return Intent{}, nil, err
		}
		changes, err := asksOn(s.store).drawn(ctx, []Intent{i}, in.Amount, in.Final, s.w.Now())
		if err != nil {
			return Intent{}, nil, fmt.Errorf("draw %s: %w", in.Intent, err)
		}
		return i, append(changes, platform.Unchanged(i)), nil
	})
}

func asksOn(store Store) Asks { return Asks{Store: store} }

// Capture takes an amount that is held for a subject, or all of it if the amount
// is absent: the order's moment has come. A final one lets go of the rest. It
// writes the authorisations, of which the oldest is drawn first; Tick calls the
// institution. A subject for which nothing is held, because it was taken at once,
// writes nothing. It fails with ErrAttemptActive while a capture is under way,
// ErrAmount and ErrExceedsHeld for a wrong amount.
func (a Asks) Capture(ctx context.Context, subject platform.Ref, amount platform.Money, final bool, at time.Time) ([]platform.Change, error) {
	found, err := a.Store.Found(ctx, asked(subject)...)
	if err != nil {
		return nil, err
	}
	changes, err := a.drawn(ctx, found.Intents, amount, final, at)
	if errors.Is(err, ErrNotHeld) && amount.Absent() {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("capture for %s: %w", subject, err)
	}
	return changes, nil
}

// drawn shares an amount out over what is held for intents, the oldest first.
func (a Asks) drawn(ctx context.Context, intents []Intent, amount platform.Money, final bool, at time.Time) ([]platform.Change, error) {
	var ids []platform.ID
	for _, i := range intents {
		ids = append(ids, i.Held...)
	}
	held, err := a.Store.Attempts(ctx, ids...)
	if err != nil {
		return nil, err
	}
	held = slices.DeleteFunc(held, func(h Attempt) bool { return h.State != AttemptAuthorized })
	if len(held) == 0 {
		return nil, ErrNotHeld
	}
	if !amount.Absent() && amount.Sign() <= 0 {
		return nil, ErrAmount
	}
	var changes []platform.Change
	for _, h := range held {
		next, rest, err := h.yield(amount, final, at)
		if err != nil {
			return nil, err
		}
		amount = rest
		switch {
		case next.State == AttemptReleasing:
			changes = append(changes, platform.Put(next), next.event())
		case !next.Want.Absent():
			changes = append(changes, platform.Put(next), platform.Happened("payment.capture_asked", next.Ref(), next.facts()))
		}
	}
	if !amount.Absent() && amount.Sign() > 0 {
		return nil, platform.Detail(ErrExceedsHeld, "over", amount)
	}
	return changes, nil
}

// yield returns the authorisation giving what it has of an amount, or all of it if
// the amount is absent, and what is still wanted of others. When nothing is, a
// final one lets go of all.
func (a Attempt) yield(amount platform.Money, final bool, at time.Time) (_ Attempt, rest platform.Money, _ error) {
	if amount.Absent() {
		next, err := a.Draw(amount, final, at)
		return next, amount, err
	}
	part := amount
	switch over, err := amount.Cmp(a.Left()); {
	case err != nil:
		return Attempt{}, amount, err
	case amount.Sign() == 0 && final:
		next, err := a.Release(a.Reference, platform.System, at)
		next.Reason = givenUp
		return next, amount, err
	case amount.Sign() == 0:
		return a, amount, nil
	case over > 0:
		part = a.Left()
	}
	next, err := a.Draw(part, final, at)
	if err != nil {
		return Attempt{}, amount, err
	}
	rest, err = amount.Sub(part)
	return next, rest, err
}

// claimed is an authorisation whose capture goes out.
type claimed struct{ Of platform.ID }

// Subject is the authorisation.
func (c claimed) Subject() platform.Ref { return platform.Ref{Kind: "payment.attempt", ID: c.Of} }

// draw sends the capture that an authorisation waits for, or ends one that has
// come to its time. The claim comes first, then the call.
func (s *Service) draw(ctx context.Context, of Attempt, at time.Time) error {
	if of.expired(at) {
		_, err := s.learn(ctx, of, record{Key: of.Key(), Via: "time", At: at}, func(now Attempt) (Attempt, error) {
			if now.State != AttemptAuthorized || now.Capture != "" {
				return Attempt{}, fmt.Errorf("end %s: %w", now.ID, ErrNotDue)
			}
			return now.over("expired", at)
		})
		return err
	}
	id := s.w.NewChild("att", of.ID)
	c, err := platform.Update(ctx, s.w, claimed{of.ID}, func(ctx context.Context) (Attempt, []platform.Change, error) {
		now, err := s.store.Attempt(ctx, of.ID)
		if err != nil {
			return Attempt{}, nil, err
		}
		limited, held, err := s.limited(ctx, now, at)
		if err != nil {
			return Attempt{}, nil, err
		}
		if limited.State == AttemptReleasing {
			return Attempt{}, append(held, platform.Put(limited), limited.event()), nil
		}
		next, c, err := limited.Claim(id, at, s.until(at))
		if err != nil {
			return Attempt{}, nil, err
		}
		return c, append(held, platform.Put(next), platform.Put(c), platform.Happened("payment.attempted", c.Ref(), c.facts())), nil
	})
	if err != nil || c.ID == "" {
		return err
	}
	g, err := s.authorizer(c.Institution)
	if err != nil || s.slept(c.Operation) {
		return err
	}
	call, cancel := context.WithTimeout(ctx, min(s.opts.Call, s.opts.Answer))
	defer cancel()
	begun := s.w.Now()
	said, err := g.Capture(call, Capture{Key: c.Key(), Of: of.Key(), Amount: c.Amount, Final: c.Final})
	s.saw(ctx, c.Institution, begun, err)
	st, certain := told(said, err)
	_, err = s.record(context.WithoutCancel(ctx), c, record{Key: c.Key(), Status: st, Certain: certain, Doubts: true, Via: "answer", At: at})
	if errors.Is(err, ErrNothingNew) {
		return nil
	}
	return err
}

// limited is an authorisation that has come to its time without having been asked
// for: it takes no more than its intent wants, and lets go of what nobody does.
// While another capture for the intent is under way, nobody knows how much that is.
func (s *Service) limited(ctx context.Context, a Attempt, at time.Time) (Attempt, []platform.Change, error) {
	if a.State != AttemptAuthorized || !a.Want.Absent() {
		return a, nil, nil
	}
	i, err := s.store.Intent(ctx, a.Intent)
	if err != nil || i.Most.Absent() {
		return a, nil, err
	}
	held, err := s.store.Attempts(ctx, i.Held...)
	if err != nil {
		return Attempt{}, nil, err
	}
	if slices.ContainsFunc(held, func(h Attempt) bool { return h.Capture != "" }) {
		return Attempt{}, nil, fmt.Errorf("limit %s: %w", a.ID, ErrNotDue)
	}
	wanted, err := i.Most.Sub(i.Captured)
	if err != nil {
		return Attempt{}, nil, err
	}
	checks := []platform.Change{platform.Unchanged(i)}
	switch {
	case wanted.Minor() >= a.Left().Minor():
		return a, checks, nil
	case wanted.Sign() <= 0:
		next, err := a.Release(a.Reference, platform.System, at)
		next.Reason = givenUp
		return next, checks, err
	}
	next, err := a.Draw(wanted, true, at)
	return next, checks, err
}

// Limit has no more than amount captured in all for a subject, however much is held:
// it costs less than when it was authorised. Nothing is let go of before the final
// capture, or the end of the authorisation. The oldest intent gives first. It
// writes the intents for which something is held.
//
// It fails with ErrAttemptActive while a capture is under way or asked for, and
// with ErrBelowSecured when more was captured already.
func (a Asks) Limit(ctx context.Context, subject platform.Ref, amount platform.Money) ([]platform.Change, error) {
	found, err := a.Store.Found(ctx, asked(subject)...)
	if err != nil {
		return nil, err
	}
	var changes []platform.Change
	for _, i := range found.Intents {
		own := amount
		if !i.Secured.Absent() && own.Minor() > i.Secured.Minor() {
			own = i.Secured
		}
		if amount, err = amount.Sub(own); err != nil {
			return nil, fmt.Errorf("limit %s: %w", subject, err)
		}
		if len(i.Held) == 0 || i.ended() {
			changes = append(changes, platform.Unchanged(i))
			continue
		}
		checks, err := a.still(ctx, i)
		if err != nil {
			return nil, fmt.Errorf("limit %s: %w", subject, err)
		}
		next, err := i.Limit(own)
		if err != nil {
			return nil, err
		}
		changes = append(append(changes, checks...), platform.Put(next), platform.Happened("payment.limited", next.Ref(), next.facts()))
	}
	return changes, nil
}

// still are the checks that no capture for the intent is under way or asked for.
func (a Asks) still(ctx context.Context, i Intent) ([]platform.Change, error) {
	held, err := a.Store.Attempts(ctx, i.Held...)
	if err != nil {
		return nil, err
	}
	var checks []platform.Change
	for _, h := range held {
		if h.Capture != "" || !h.Want.Absent() {
			return nil, platform.Detail(ErrAttemptActive, "attempt", h.ID)
		}
		checks = append(checks, platform.Unchanged(h))
	}
	return checks, nil
}

// authorizer is the institution of that name, which holds money.
func (s *Service) authorizer(institution string) (Authorizer, error) {
	g, err := s.gateway(institution)
	if err != nil {
		return nil, err
	}
	can, ok := g.(Authorizer)
	if !ok {
		return nil, fmt.Errorf("institution %q holds no money any more: %w", institution, ErrInstitution)
	}
	return can, nil
}

// askVoid lets go of an authorisation, or asks how the call to do so stands.
func (s *Service) askVoid(due Attempt, now time.Time) errand {
	in := record{Key: due.voidKey(), Via: "look", At: now}
	if due.SentAt.IsZero() {
		return errand{then: func(ctx context.Context) error { return s.void(ctx, due, now) }}
	}
	return errand{
		ask: func(ctx context.Context) (err error) {
			in.Status, in.Certain, err = s.found(ctx, due.Institution, due.voidKey(), due.Missed(now))
			return err
		},
		then: func(ctx context.Context) error { return s.voided(ctx, due, in) },
	}
}

// voiding is an authorisation that is let go of.
type voiding struct{ Of platform.ID }

// Subject is the authorisation.
func (v voiding) Subject() platform.Ref { return platform.Ref{Kind: "payment.attempt", ID: v.Of} }

// void claims the call that lets go of an authorisation, makes it and records
// what was said.
func (s *Service) void(ctx context.Context, of Attempt, at time.Time) error {
	sent, err := platform.Update(ctx, s.w, voiding{of.ID}, func(ctx context.Context) (Attempt, []platform.Change, error) {
		now, err := s.store.Attempt(ctx, of.ID)
		if err != nil {
			return Attempt{}, nil, err
		}
		next, err := now.Void(at, at.Add(s.opts.Answer))
		if err != nil {
			return Attempt{}, nil, err
		}
		return next, []platform.Change{platform.Put(next), platform.Happened("payment.void_sent", next.Ref(), next.facts())}, nil
	})
	if err != nil {
		return err
	}
	g, err := s.authorizer(of.Institution)
	if err != nil {
		return err
	}
	call, cancel := context.WithTimeout(ctx, min(s.opts.Call, s.opts.Answer))
	defer cancel()
	st, certain := told(g.Void(call, Void{Key: sent.voidKey(), Of: sent.Key()}))
	return s.voided(ctx, sent, record{Key: sent.voidKey(), Status: st, Certain: certain, Via: "answer", At: at})
}

// voided records what was said about letting go. What was refused may have ended
// by itself, which only the authorisation's own look-up tells.
func (s *Service) voided(ctx context.Context, a Attempt, in record) error {
	if in.Status.Outcome == Declined {
		st, _, err := s.found(ctx, a.Institution, a.Key(), false)
		if err != nil {
			return err
		}
		if in.Status = st; st.Outcome == Done { // it is still held
			in.Status.Outcome = Pending
		}
	}
	_, err := s.learn(context.WithoutCancel(ctx), a, in, func(now Attempt) (Attempt, error) {
		if now.State != AttemptReleasing || now.SentAt.IsZero() {
			return Attempt{}, fmt.Errorf("void %s: %w", now.ID, ErrNothingNew)
		}
		if in.Status.Outcome == Declined {
			return now.lost(in.Status, in.At)
		}
		return now.Voided(in.Status, in.Certain, in.At)
	})
	if errors.Is(err, ErrNothingNew) {
		return nil
	}
	return err
}
