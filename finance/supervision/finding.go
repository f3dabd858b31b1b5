package supervision

import (
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// State is how far a finding has come.
type State string

// The states of a finding.
const (
	Open    State = "open"
	Planned State = "planned"
	Fixing  State = "fixing"
	Fixed   State = "fixed" // says its owner; somebody else verifies it
	Closed  State = "closed"
)

var (
	live     = []State{Open, Planned, Fixing, Fixed}
	raisers  = []platform.ActorKind{platform.System, platform.Operator, platform.Auditor}
	operator = []platform.ActorKind{platform.Operator}
	clock    = []platform.ActorKind{platform.System}
)

// FindingMoves is the transition table of a finding.
var FindingMoves = platform.Moves[State]{
	{Verb: "raise", From: []State{""}, To: Open, By: raisers, Refusal: ErrFinding},
	{Verb: "raise", From: live, By: raisers, Refusal: ErrFinding}, // one more hit on the same
	{Verb: "reopen", From: []State{Closed}, To: Open, By: raisers, Refusal: ErrFinding},
	{Verb: "assign", From: live, By: operator, Refusal: ErrFinding},
	{Verb: "plan", From: []State{Open}, To: Planned, By: operator, Refusal: ErrFinding},
	{Verb: "start", From: []State{Planned}, To: Fixing, By: operator, Refusal: ErrFinding},
	{Verb: "done", From: []State{Fixing}, To: Fixed, By: operator, Refusal: ErrFinding},
	{Verb: "verify", From: []State{Fixed}, To: Closed, By: operator, Refusal: ErrFinding},
	{Verb: "refuse", From: []State{Fixed}, To: Fixing, By: operator, Refusal: ErrFinding},
	{Verb: "overdue", From: live, By: clock, Refusal: ErrFinding},
	{Verb: "refer", From: append(slices.Clone(live), Closed), By: operator, Refusal: ErrFinding},
	{Verb: "report", From: append(slices.Clone(live), Closed), By: operator, Refusal: ErrReferral},
}

// Escalation is who knows that a finding is late.
const (
	LevelOwner    = iota // nobody but its owner
	LevelRisk            // risk, by an alert
	LevelDirector        // the director: twice the time is over
)

// mostRefs is how many references a finding keeps; all hits are on record.
const mostRefs = 50

// Finding is what is wrong with one object, found by one control or raised by
// somebody, until it is put right and proved to be.
type Finding struct {
	platform.Head
	Control   string         `json:"control" class:"internal"` // or who raised it: audit, invoice, reconciliation
	Object    string         `json:"object" class:"internal"`  // whom or what it is about
	Codes     []string       `json:"codes" class:"internal"`   // what is wrong
	Refs      []platform.Ref `json:"refs,omitempty" class:"internal"`
	Hits      int            `json:"hits" class:"internal"`
	Amount    platform.Money `json:"amount,omitzero" class:"internal"` // of all hits; absent if none has one
	Proposal  string         `json:"proposal,omitempty" class:"internal"`
	Severity  Severity       `json:"severity" class:"internal"`
	State     State          `json:"state" class:"internal"`
	Level     int            `json:"level,omitempty" class:"internal"` // of escalation
	Round     int            `json:"round" class:"internal"`           // 1, and one more each time that it was opened again
	Owner     platform.ID    `json:"owner,omitempty" class:"internal"`
	RaisedBy  platform.ID    `json:"raised_by" class:"internal"`
	RaisedAt  time.Time      `json:"raised_at" class:"internal"`
	From      time.Time      `json:"from" class:"internal"`  // beginning of the window in which it was found
	Since     time.Time      `json:"since" class:"internal"` // in this state
	Until     time.Time      `json:"until" class:"internal"` // when it should have left it
	Due       time.Time      `json:"due,omitzero" class:"internal"`
	Plan      *Rectification `json:"plan,omitempty" class:"internal"`
	Fixer     platform.ID    `json:"fixer,omitempty" class:"internal"`
	Evidence  string         `json:"evidence,omitempty" class:"internal"` // SHA-256 of what proves the fix, in hex
	FixedAt   time.Time      `json:"fixed_at,omitzero" class:"internal"`
	Verifier  platform.ID    `json:"verifier,omitempty" class:"internal"`
	ClosedAt  time.Time      `json:"closed_at,omitzero" class:"internal"`
	Effect    platform.Money `json:"effect,omitzero" class:"internal"` // measured when it was verified
	Referrals []Referral     `json:"referrals,omitempty" class:"internal"`
}

// Rectification is how a finding is to be put right.
type Rectification struct {
	Cause   string      `json:"cause" class:"internal"`           // the root cause, a code
	Actions []string    `json:"actions" class:"internal"`         // codes
	Until   time.Time   `json:"until" class:"internal"`           // when it is done
	Fixer   platform.ID `json:"fixer,omitempty" class:"internal"` // who does it, if not the owner
	By      platform.ID `json:"by" class:"internal"`
}

// Referral hands a person's part in a finding to those who judge people.
type Referral struct {
	Party   platform.ID  `json:"party" class:"internal"`
	Reason  string       `json:"reason" class:"internal"` // wilful or repeated
	By      platform.ID  `json:"by" class:"internal"`
	At      time.Time    `json:"at" class:"internal"`
	Case    platform.Ref `json:"case,omitzero" class:"internal"`
	Outcome string       `json:"outcome,omitempty" class:"internal"` // a code
	Ended   time.Time    `json:"ended,omitzero" class:"internal"`
}

// Ref names the finding.
func (f Finding) Ref() platform.Ref { return platform.Ref{Kind: findingKind, ID: f.ID} }

// FindingID is the id of what a control finds about an object. The formula is
// frozen.
func FindingID(control, object string) platform.ID { return derived("fnd", "", control, object) }

// enter puts the finding into a state that it should leave by a moment.
func (f Finding) enter(state State, at, until time.Time) Finding {
	f.State, f.Since, f.Until, f.Due = state, at, until, until
	if state == Closed {
		f.Until, f.Due = time.Time{}, time.Time{}
	}
	return f
}

// Found is the finding with one more hit, and whether that opened it again: the
// same within Terms.Repeats of its close is worse than before.
func (f Finding) Found(h Hit, severity Severity, by platform.Actor, at time.Time, t Terms, c platform.Calendar) (Finding, string, error) {
	verb, again := "raise", f.State == Closed
	if again {
		verb = "reopen"
	}
	state, err := FindingMoves.Take(f.State, verb, by.Kind)
	if err != nil {
		return Finding{}, "", fmt.Errorf("%s %s: %w", verb, f.ID, err)
	}
	switch {
	case again:
		if at.Sub(f.ClosedAt) <= t.Repeats {
			severity = f.Severity.worse()
		}
		f.Codes, f.Refs, f.Hits, f.Amount = nil, nil, 0, platform.Money{}
		f.Plan, f.Fixer, f.Evidence, f.FixedAt, f.Verifier, f.ClosedAt, f.Effect = nil, "", "", time.Time{}, "", time.Time{}, platform.Money{}
		fallthrough
	case f.State == "":
		f.Round, f.Severity, f.Level, f.RaisedBy, f.RaisedAt = f.Round+1, severity, LevelOwner, by.ID, at
		f = f.enter(state, at, c.AddDays(at, t.Plan))
	}
	if !slices.Contains(f.Codes, h.Code) {
		f.Codes = append(slices.Clone(f.Codes), h.Code)
	}
	for _, r := range h.Refs {
		if !slices.Contains(f.Refs, r) && len(f.Refs) < mostRefs {
			f.Refs = append(slices.Clone(f.Refs), r)
		}
	}
	f.Hits, f.Proposal = f.Hits+1, h.Proposal
	return f.more(h.Amount), verb, nil
}

// more is the finding about so much more money. Of other currencies than its
// first it keeps no sum.
func (f Finding) more(amount platform.Money) Finding {
	switch next, err := f.Amount.Add(amount); {
	case amount.Absent():
	case f.Amount.Absent():
		f.Amount = amount
	case err == nil:
		f.Amount = next
	}
	return f
}

// move is the finding after a verb that only its owner may take; empty owned
// findings become the actor's.
func (f Finding) move(verb string, by platform.Actor, owned bool) (Finding, error) {
	state, err := FindingMoves.Take(f.State, verb, by.Kind)
	if err == nil && owned && f.Owner != "" && !meet(hands(by), f.Owner) {
		err = ErrOwner
	}
	if err != nil {
		return Finding{}, fmt.Errorf("%s %s: %w", verb, f.ID, err)
	}
	if f.State = state; owned && f.Owner == "" {
		f.Owner = by.For()
	}
	return f, nil
}

// Planned is the finding with a plan, which must end within the time that its
// severity allows.
func (f Finding) Planned(p Rectification, by platform.Actor, at time.Time, t Terms) (Finding, error) {
	next, err := f.move("plan", by, true)
	if err != nil {
		return Finding{}, err
	}
	latest := at.Add(t.within(f.Severity))
	if !p.Until.After(at) || p.Until.After(latest) {
		return Finding{}, platform.Detail(fmt.Errorf("plan %s: %w", f.ID, ErrPlan), "until", latest)
	}
	p.By, next.Plan, next.Fixer = by.ID, &p, p.Fixer
	return next.enter(next.State, at, p.Until), nil
}

// Started is the finding on which work has begun.
func (f Finding) Started(by platform.Actor, at time.Time) (Finding, error) {
	next, err := f.move("start", by, true)
	if err != nil {
		return Finding{}, err
	}
	return next.enter(next.State, at, f.Until), nil
}

// Done is the finding as fixed: by its owner, or by whom the plan names.
func (f Finding) Done(evidence string, by platform.Actor, at time.Time, t Terms, c platform.Calendar) (Finding, error) {
	next, err := f.move("done", by, !meet(hands(by), f.Fixer))
	if err != nil {
		return Finding{}, err
	}
	next.Fixer, next.Evidence, next.FixedAt = by.For(), evidence, at
	return next.enter(next.State, at, c.AddDays(at, t.Plan)), nil
}

// Verified is the finding closed, by neither its owner nor who fixed it. effect is
// what the fix has brought.
func (f Finding) Verified(effect platform.Money, by platform.Actor, at time.Time) (Finding, error) {
	next, err := f.move("verify", by, false)
	if err == nil && meet(hands(by), f.Owner, f.Fixer) {
		err = fmt.Errorf("verify %s: %w", f.ID, ErrSelfVerified)
	}
	if err != nil {
		return Finding{}, err
	}
	next.Verifier, next.ClosedAt, next.Effect = by.ID, at, effect
	return next.enter(next.State, at, time.Time{}), nil
}

// Refused is the finding back at work, with as much time again as its severity
// allows.
func (f Finding) Refused(by platform.Actor, at time.Time, t Terms) (Finding, error) {
	next, err := f.move("refuse", by, false)
	if err == nil && meet(hands(by), f.Owner, f.Fixer) {
		err = fmt.Errorf("refuse %s: %w", f.ID, ErrSelfVerified)
	}
	if err != nil {
		return Finding{}, err
	}
	next.Evidence, next.FixedAt = "", time.Time{}
	return next.enter(next.State, at, at.Add(t.within(f.Severity))), nil
}

// Overdue is the finding one level up. Risk learns at once, the director when
// twice the time is over.
func (f Finding) Overdue(now time.Time) (Finding, error) {
	if _, err := FindingMoves.Take(f.State, "overdue", platform.System); err != nil {
		return Finding{}, fmt.Errorf("escalate %s: %w", f.ID, err)
	}
	if f.Due.IsZero() || now.Before(f.Due) {
		return Finding{}, fmt.Errorf("escalate %s: %w", f.ID, ErrFinding)
	}
	twice := f.Until.Add(f.Until.Sub(f.Since))
	if now.Before(twice) {
		f.Level, f.Due = max(f.Level, LevelRisk), twice
		return f, nil
	}
	f.Level, f.Due = LevelDirector, time.Time{}
	return f, nil
}

// Late tells whether the finding should have moved on by now.
func (f Finding) Late(now time.Time) bool {
	return slices.Contains(live, f.State) && now.After(f.Until)
}
