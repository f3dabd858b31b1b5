package screen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Service screens events. It may be used by several goroutines at once.
type Service struct {
	w       platform.Writer
	store   Store
	rules   Ruleset
	windows *windows
}

// Options are limits. The zero value of each field is a default.
type Options struct {
	Keys int // customers and event types remembered in this process; 0 is a million
}

// New is a service that judges by rules. Of w it uses the clock alone: what it
// decides is stored by its callers. If opts is nil, all defaults hold.
func New(w platform.Writer, store Store, rules Ruleset, opts *Options) *Service {
	if opts == nil {
		opts = &Options{}
	}
	keys := opts.Keys
	if keys <= 0 {
		keys = 1_000_000
	}
	return &Service{w: w.Ready(), store: store, rules: rules, windows: newWindows(keys)}
}

// Screen judges an event before it happens, and counts it as an attempt of its
// customer. The outcome is allow, review or block; a step_up is told as block.
// The changes hold the [Decision], created, and its event (screen.allowed,
// screen.stepped_up, screen.reviewed or screen.blocked), and a second one,
// screen.flagged, when something was missing, malformed or unreadable, for an
// indicator to count: they join the caller's set, whatever the outcome.
//
// The event needs an id that a repeat has too, a type with a [Policy] and, as
// data, customer, merchant and amount. Of a repeat the stored decision is the
// answer, without changes. A repeat that comes before anything was stored gets
// the same decision to store, and is not counted again; with other facts it is
// judged anew.
//
// It fails with [ErrEvent], [ErrNoPolicy], with [ErrReused] when a stored
// decision is about other facts, and when ctx ends. A store that does not answer
// is no error: the policy decides, and the decision says so.
func (s *Service) Screen(ctx context.Context, ev platform.Event) (outcome string, changes []platform.Change, err error) {
	k, known := s.rules.kinds[ev.Type]
	if !known {
		return "", nil, fmt.Errorf("screen %.64q: %w", ev.Type, ErrNoPolicy)
	}
	if _, err := platform.ParseID(string(ev.ID)); err != nil {
		return "", nil, fmt.Errorf("screen %s: %w", ev.Type, ErrEvent)
	}
	bounded, cancel := k.policy.bound(ctx)
	defer cancel()
	in := read(ev, s.w.Now())
	stored, err := s.store.Decision(bounded, ev.ID.As(prefix))
	switch {
	case err == nil:
		outcome, err := stored.repeat(in)
		return outcome, nil, err
	case !errors.Is(err, platform.ErrNotFound):
		in.unread = true
		in.fail("store.unread")
	}
	d := s.judge(bounded, k, in)
	if err := ctx.Err(); err != nil {
		return "", nil, fmt.Errorf("screen %s: %w", ev.ID, err)
	}
	facts := map[string]any{"event": d.Event, "type": d.Type, "outcome": d.Outcome, "score": d.Score, "ruleset": d.Ruleset, "failures": len(d.Failures)}
	changes = []platform.Change{platform.Put(d), platform.Happened(happened[d.Outcome], d.Ref(), facts)}
	if len(d.Failures) > 0 {
		changes = append(changes, platform.Happened("screen.flagged", d.Ref(), map[string]any{"type": d.Type, "outcome": d.Outcome, "failures": d.Failures}))
	}
	return words[d.Outcome], changes, nil
}

// bound limits how long a screening may read, in real time: a machine may be too
// slow for it. What is then not known is missing, and never taken for harmless
// in silence.
func (p Policy) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.Millis == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(p.Millis)*time.Millisecond)
}

// repeat is the answer to an event that was decided on before.
func (d Decision) repeat(in input) (string, error) {
	if d.Type != in.event.Type || d.Facts != in.facts {
		return "", fmt.Errorf("screen %s: %w", in.event.ID, ErrReused)
	}
	return words[d.Outcome], nil
}

// judge counts the attempt and decides, in one critical section of its key.
func (s *Service) judge(ctx context.Context, k kind, in input) (d Decision) {
	if in.facts.Customer == "" {
		return k.decide(in, nil)
	}
	at := key{customer: in.facts.Customer, event: in.event.Type}
	past := func() ([]attempt, error) { return s.past(ctx, at) }
	s.windows.with(at, s.w.Now(), past, func(h *history) {
		if a := h.find(in.event.ID); a != nil && a.decision != nil && a.decision.Facts == in.facts {
			d = *a.decision
			return
		}
		if in.late {
			d = k.decide(in, nil)
			return
		}
		h.add(attempt{event: in.event.ID, at: in.at, amount: in.facts.Amount})
		if !h.warm {
			in.unread = true
			in.fail("window.unread")
		}
		d = k.decide(in, h)
		if a := h.find(in.event.ID); a != nil {
			kept := d
			a.decision = &kept
		}
	})
	return d
}

// past is the newest attempts that are stored, one more than a history keeps,
// which tells it whether there are more.
func (s *Service) past(ctx context.Context, k key) ([]attempt, error) {
	page, err := s.store.Decisions(ctx, platform.Query{
		By: []string{"customer", "type", "counted"}, Equal: []any{k.customer, k.event}, Backward: true, Limit: kept + 1,
	})
	if err != nil {
		return nil, err
	}
	attempts := make([]attempt, len(page.Items))
	for i, d := range page.Items {
		attempts[len(attempts)-1-i] = attempt{event: d.Event, at: d.At, amount: d.Facts.Amount}
	}
	return attempts, nil
}

// Decision is one decision, for operators, auditors and the system; for others
// there is none.
func (s *Service) Decision(ctx context.Context, id platform.ID) (Decision, error) {
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return Decision{}, err
	}
	watches := by.Kind == platform.Operator || by.Kind == platform.Auditor || by.Kind == platform.System
	if !watches || by.Tenant != s.w.Tenant {
		return Decision{}, platform.NotFound(platform.Ref{Kind: kindDecision, ID: id})
	}
	return s.store.Decision(ctx, id)
}
