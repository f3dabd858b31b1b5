package verification

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Standing is all that decides about a party, in one record: others check its
// version. What it may do is never read off it but evaluated, unless the facts and
// the rules are those of the last evaluation and Next has not come.
type Standing struct {
	platform.Head
	Party        Party        `json:"party" class:"internal"`
	Introducer   platform.ID  `json:"introducer,omitempty" class:"internal"` // may decide nothing about the party
	Evidence     []Evidence   `json:"evidence,omitempty" class:"internal"`
	Waivers      []Waived     `json:"waivers,omitempty" class:"internal"`
	Tries        []Try        `json:"tries,omitempty" class:"internal"` // of the last 30 days
	Rules        int64        `json:"rules" class:"internal"`           // version of the rules last evaluated by
	At           time.Time    `json:"at" class:"internal"`              // of the last evaluation
	Next         time.Time    `json:"next,omitzero" class:"internal"`   // until when it holds
	Capabilities []Capability `json:"capabilities" class:"internal"`    // what it said
	Due          time.Time    `json:"due,omitzero" class:"internal"`    // the one timer of the party
}

// Try is a submission that was handed in.
type Try struct {
	Code string    `json:"code"`
	At   time.Time `json:"at"`
}

// Ref names the standing.
func (s Standing) Ref() platform.Ref { return platform.Ref{Kind: standingKind, ID: s.ID} }

// kindOf is the kind of a party, by its id: merchants and staff have one of their
// kind, and everybody else is a customer.
func kindOf(party platform.ID) platform.ActorKind {
	switch party.Prefix() {
	case "mer":
		return platform.Merchant
	case "stf", "emp":
		return platform.Staff
	}
	return platform.Customer
}

// newStanding is that of a party of whom nothing is known but its id: it is here,
// since the id was made.
func newStanding(party platform.ID) Standing {
	since := party.Time()
	admitted := since
	if since.IsZero() {
		admitted = time.Unix(0, 0).UTC()
	}
	return Standing{
		Head:  platform.Head{ID: StandingID(party)},
		Party: Party{ID: party, Kind: kindOf(party), Since: since, Admitted: admitted},
	}
}

// book is what a decision about a party reads.
type book struct {
	Standing
	rules Rules
	sets  []Set
}

// evaluate is the party's evaluation at a moment.
func (b book) evaluate(now time.Time) Evaluation {
	return Evaluate(b.Party, b.sets, b.Evidence, b.Waivers, now)
}

// requirement is that of a code in the version that is in force for the party, or
// else in the one that comes.
func (b book) requirement(code string, now time.Time) (Requirement, Set, error) {
	var found Requirement
	var in Set
	for _, s := range b.sets {
		r, known := s.Requirement(code)
		if !known {
			continue
		}
		if force := b.Party.switched(&s) <= micro(now); in.ID == "" || force && s.Number > in.Number {
			found, in = r, s
		}
	}
	if in.ID == "" {
		return found, in, fmt.Errorf("requirement: %w", errCode)
	}
	if found.Scope.applies(&b.Party, now) {
		return found, in, nil
	}
	for _, r := range in.Requirements {
		if slices.Contains(r.Instead, code) && r.Scope.applies(&b.Party, now) {
			return found, in, nil
		}
	}
	return found, in, fmt.Errorf("requirement: %w", errScope)
}

// with is the book with new evidence of a submission; what it replaces goes. Of
// what does not count any more the latest of each code stays.
func (b book) with(e Evidence) book {
	kept := make([]Evidence, 0, len(b.Evidence)+1)
	for _, old := range b.Evidence {
		gone := old.Submission == e.Submission || old.Code == e.Code && (old.State == Superseded ||
			old.State == Rejected && (e.State == Verified || e.State == Rejected && old.Deadline.IsZero()) || old.State == Expired && e.State == Expired)
		if old.Submission == e.Submission {
			e.Reminded = old.Reminded
		}
		if !gone {
			kept = append(kept, old)
		}
	}
	if e.State != Withdrawn && e.State != Superseded {
		kept = append(kept, e)
	}
	b.Evidence = kept
	return b
}

var ladder = [...]time.Duration{60 * day, 30 * day, 7 * day}

// reminder is when the next reminder of evidence is due; zero when there is none.
func (b book) reminder(e Evidence, now time.Time) time.Time {
	end := b.ends(e, now)
	if e.State != Verified || end.IsZero() || e.Reminded >= len(ladder) {
		return time.Time{}
	}
	return end.Add(-ladder[e.Reminded])
}

// ends is when evidence ends by the version in force.
func (b book) ends(e Evidence, now time.Time) time.Time {
	r, _, err := b.requirement(e.Code, now)
	if err != nil && r.Code == "" {
		return e.Until
	}
	return e.ends(&r)
}

// settled is the standing as it is written: with its evaluation, and the one timer
// that is due next. The event says which capabilities changed.
func (b book) settled(now time.Time) (Standing, []platform.Change) {
	e := b.evaluate(now)
	changed := map[string]any{}
	for _, c := range e.Capabilities {
		if was := (Evaluation{Capabilities: b.Capabilities}).Capability(c.Name); was.Mode != c.Mode && (b.Capabilities != nil || !c.Usable()) {
			changed[c.Name] = map[string]any{"from": was.Mode, "to": c.Mode, "reason": c.Reason}
		}
	}
	b.Rules, b.At, b.Next, b.Capabilities, b.Due = b.rules.Version, now, e.Next, e.Capabilities, e.Next
	for i, ev := range b.Evidence {
		at := b.reminder(ev, now)
		for !at.IsZero() && !at.After(ev.From) { // it does not last so long
			b.Evidence = slices.Clone(b.Evidence)
			ev.Reminded++
			b.Evidence[i] = ev
			at = b.reminder(ev, now)
		}
		if end := b.ends(ev, now); ev.State == Verified && !end.IsZero() {
			at = earlier(at, end)
		}
		b.Due = earlier(b.Due, at)
	}
	set := []platform.Change{platform.Put(b.Standing)}
	if b.rules.Version > 0 {
		set = append(set, platform.Unchanged(b.rules))
	}
	if len(changed) > 0 {
		facts := map[string]any{"party": b.Party.ID, "changed": changed}
		set = append(set, platform.Happened("verification.standing_changed", b.Ref(), facts))
	}
	return b.Standing, set
}

// earlier is the first of two moments of which each may be absent.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Standings answers other domains what a party may do. It is a value over the
// store, and writes nothing.
type Standings struct{ DB platform.Getter }

// Ask is a capability that a party needs.
type Ask struct {
	Party      platform.ID
	Capability string
}

// May returns checks that hold the answer until the set of the caller commits: a
// proof that lapses or is revoked in between fails it. It fails with ErrState, codes
// verification.currently_due, past_due, revoked or closed, the requirements behind
// it as details, when the party lacks the capability at that moment. Where no rules
// were ever published for the kind of party, every capability is open.
func (s Standings) May(ctx context.Context, party platform.ID, capability string, at time.Time) ([]platform.Change, error) {
	return s.MayAll(ctx, at, Ask{party, capability})
}

// MayAll is [Standings.May] for several parties, read in one trip.
func (s Standings) MayAll(ctx context.Context, at time.Time, asks ...Ask) (checks []platform.Change, err error) {
	parties := make([]platform.ID, len(asks))
	for i, ask := range asks {
		parties[i] = ask.Party
	}
	books, err := readBooks(ctx, s.DB, parties...)
	if err != nil {
		return nil, err
	}
	for i, b := range books {
		if b.rules.Version == 0 {
			continue
		}
		checks = append(checks, platform.Unchanged(b.rules))
		if b.Version > 0 {
			checks = append(checks, platform.Unchanged(b.Standing))
		}
		e, err := b.now(ctx, s.DB, at)
		if err != nil {
			return nil, err
		}
		if c := e.Capability(asks[i].Capability); !c.Usable() { //nolint:gosec // a book for each
			return nil, c.refusal(asks[i].Party) //nolint:gosec // likewise
		}
	}
	return checks, nil
}

// now is what the party may do at a moment: as remembered while that holds, and
// otherwise evaluated anew.
func (b book) now(ctx context.Context, db platform.Getter, at time.Time) (Evaluation, error) {
	fresh := b.Version > 0 && b.Rules == b.rules.Version && !at.Before(b.At) && (b.Next.IsZero() || at.Before(b.Next))
	if fresh {
		return Evaluation{Capabilities: b.Capabilities}, nil
	}
	var err error
	if b.sets, err = readSets(ctx, db, b.rules); err != nil {
		return Evaluation{}, err
	}
	return b.evaluate(at), nil
}

// refusal is what a party hears that lacks the capability.
func (c Capability) refusal(party platform.ID) error {
	err := ErrDue
	switch c.Reason {
	case "past_due":
		err = ErrPast
	case "revoked":
		err = ErrRevoked
	case "closed":
		err = ErrClosed
	}
	err = platform.Detail(fmt.Errorf("%s by %s: %w", c.Name, party, err), "requirements", c.Codes)
	return platform.Detail(err, "capability", c.Name)
}

// Met is [Standings.May] for those who ask what blocks a party.
func (s Standings) Met(ctx context.Context, party platform.ID, capability string, at time.Time) ([]platform.Change, error) {
	return s.May(ctx, party, capability, at)
}

// Held fails while the party may not receive payouts.
func (s Standings) Held(ctx context.Context, party platform.ID, at time.Time) ([]platform.Change, error) {
	return s.May(ctx, party, "receive_payout", at)
}
