package verification

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// State is where a submission stands.
type State string

// The states of a submission.
const (
	Draft      State = "draft"   // deleted after 30 days
	Pending    State = "pending" // handed in, or to be proved anew
	Verified   State = "verified"
	Rejected   State = "rejected"
	Expired    State = "expired"
	Revoked    State = "revoked"    // forged, or withdrawn by who issued it
	Superseded State = "superseded" // a newer one lasts at least as long
	Withdrawn  State = "withdrawn"
)

var (
	theParty = []platform.ActorKind{platform.Merchant, platform.Staff, platform.Customer, platform.Operator, platform.System}
	judges   = []platform.ActorKind{platform.Operator, platform.System}
	clock    = []platform.ActorKind{platform.System}
)

// Moves is the transition table of a submission.
var Moves = platform.Moves[State]{
	{Verb: "draft", From: []State{""}, To: Draft, By: theParty, Refusal: errDraftable},
	{Verb: "submit", From: []State{Draft}, To: Pending, By: theParty, Refusal: errSubmit},
	{Verb: "withdraw", From: []State{Draft, Pending}, To: Withdrawn, By: theParty, Refusal: errWithdraw},
	{Verb: "verify", From: []State{Pending}, To: Verified, By: judges, Refusal: errVerifiable},
	{Verb: "reject", From: []State{Pending}, To: Rejected, By: judges, Refusal: errRejectable},
	{Verb: "expire", From: []State{Verified}, To: Expired, By: clock, Refusal: errExpirable},
	{Verb: "revoke", From: []State{Verified}, To: Revoked, By: judges, Refusal: errRevocable},
	{Verb: "supersede", From: []State{Verified, Expired}, To: Superseded, By: judges, Refusal: errSupersede},
	{Verb: "reopen", From: []State{Verified}, To: Pending, By: judges, Refusal: errReopenable},
}

// File is a document by what it is known by: its content lies elsewhere.
type File struct {
	Hash string `json:"hash" class:"internal"` // SHA-256, hex
	Size int64  `json:"size" class:"internal"`
	Type string `json:"type" class:"internal"` // media type
}

var media = []string{"application/pdf", "image/jpeg", "image/png"}

// Outcome is what a [Checker] says.
type Outcome string

// The outcomes. Whoever does not answer is Unknown, which is never Passed.
const (
	Passed    Outcome = "passed"
	Failed    Outcome = "failed"
	Unclear   Outcome = "unclear"
	Unknown   Outcome = "unknown"
	TakenBack Outcome = "revoked" // it said passed before
)

// Check is one question to the outside about a submission. The question is on
// record before it is asked.
type Check struct {
	Key     string    `json:"key"`
	Outcome Outcome   `json:"outcome"`
	Tries   int       `json:"tries,omitempty"`
	At      time.Time `json:"at,omitzero"` // of the last word
}

// Submission is what a party hands in for one requirement.
type Submission struct {
	platform.Head
	Party       platform.ID        `json:"party" class:"internal"`
	As          platform.ActorKind `json:"as" class:"internal"` // the party's kind
	Code        string             `json:"code" class:"internal"`
	Kind        Kind               `json:"kind" class:"internal"`
	Set         platform.ID        `json:"set" class:"internal"`     // whose requirement it is judged by
	Edition     int                `json:"edition" class:"internal"` // number of that version
	State       State              `json:"state" class:"internal"`
	Files       []File             `json:"files,omitempty" class:"internal"`
	Payload     platform.Sealed    `json:"payload,omitempty" class:"sensitive,verification,5y,duty"` // number and fields, as JSON
	Hash        string             `json:"hash,omitempty" class:"internal"`                          // keyed, of the payload
	Prints      []platform.ID      `json:"prints,omitempty" class:"internal"`
	Duplicates  []string           `json:"duplicates,omitempty" class:"internal"` // what another party handed in, too: number, file
	Checks      []Check            `json:"checks,omitempty" class:"internal"`
	Hands       []platform.ID      `json:"hands,omitempty" class:"internal"`    // who entered anything
	Deciders    []platform.ID      `json:"deciders,omitempty" class:"internal"` // who agreed, or rejected
	Manual      bool               `json:"manual,omitempty" class:"internal"`   // a person has to decide
	ValidTo     time.Time          `json:"valid_to,omitzero" class:"internal"`  // the end that the document names
	From        time.Time          `json:"valid_from,omitzero" class:"internal"`
	Until       time.Time          `json:"valid_until,omitzero" class:"internal"`
	Deadline    time.Time          `json:"deadline,omitzero" class:"internal"` // of one to be proved anew
	Reason      string             `json:"reason,omitempty" class:"internal"`
	Remedy      string             `json:"remedy,omitempty" class:"internal"`
	Path        string             `json:"path,omitempty" class:"internal"` // of the field that is wrong
	DraftedAt   time.Time          `json:"drafted_at" class:"internal"`
	SubmittedAt time.Time          `json:"submitted_at,omitzero" class:"internal"`
	DecidedAt   time.Time          `json:"decided_at,omitzero" class:"internal"`
	ReviewBy    time.Time          `json:"review_by,omitzero" class:"internal"`
	Due         time.Time          `json:"due,omitzero" class:"internal"`
}

// Ref names the submission.
func (c Submission) Ref() platform.Ref { return platform.Ref{Kind: submissionKind, ID: c.ID} }

// Open lists the moves that a kind of actor may make now.
func (c Submission) Open(by platform.ActorKind) []string { return Moves.Open(c.State, by) }

// evidence is what the submission means for its party's standing.
func (c Submission) evidence() Evidence {
	return Evidence{
		Submission: c.ID, Code: c.Code, Version: c.Edition, State: c.State, From: c.From, Until: c.Until,
		Deadline: c.Deadline, At: c.DecidedAt, Reason: c.Reason, Remedy: c.Remedy, Path: c.Path,
	}
}

// queued is by when a person has to look at it; zero if none has to.
func (c Submission) queued() time.Time {
	if c.State != Pending || !c.Manual {
		return time.Time{}
	}
	return c.ReviewBy
}

// met are the persons behind an actor: in person, or standing in for another.
func met(by platform.Actor) []platform.ID {
	people := []platform.ID{by.ID}
	if by.OnBehalf != "" && by.OnBehalf != by.ID {
		people = append(people, by.OnBehalf)
	}
	return people
}

// tied refuses a decision by whoever has a hand in what is decided.
func tied(by platform.Actor, party, introducer platform.ID, hands []platform.ID) error {
	for _, who := range met(by) {
		switch {
		case who == party || slices.Contains(hands, who):
			return ErrSelf
		case introducer != "" && who == introducer:
			return ErrTie
		}
	}
	return nil
}

// decide is the submission with one person's word on it.
func (c Submission) decide(verb string, by platform.Actor, introducer platform.ID, at time.Time) (Submission, error) {
	if c.State != Pending && !c.DecidedAt.IsZero() && (verb == "verify" || verb == "reject") {
		return c, platform.Detail(fmt.Errorf("%s %s: %w", verb, c.ID, ErrDecided), "state", string(c.State))
	}
	state, err := Moves.Take(c.State, verb, by.Kind)
	if err == nil && by.Kind == platform.Operator {
		err = tied(by, c.Party, introducer, c.Hands)
	}
	if err != nil {
		return c, fmt.Errorf("%s %s: %w", verb, c.ID, err)
	}
	c.State, c.DecidedAt = state, at
	return c, nil
}

// Verify is the submission once it is found good, by the requirement that it was
// handed in under. Of one that two have to agree to, the first leaves it pending.
// It fails with [ErrDecided] when there is a decision, and with [ErrSelf], [ErrTie]
// or [ErrSame] for whoever must not make it.
func (c Submission) Verify(r Requirement, by platform.Actor, introducer platform.ID, at time.Time) (Submission, error) {
	next, err := c.decide("verify", by, introducer, at)
	if err != nil {
		return c, err
	}
	people := met(by)
	if slices.ContainsFunc(people, func(id platform.ID) bool { return slices.Contains(c.Deciders, id) }) {
		return c, fmt.Errorf("verify %s: %w", c.ID, ErrSame)
	}
	next.Deciders = append(slices.Clone(c.Deciders), people...)
	if r.Review == Two && (by.Kind != platform.Operator || len(c.Deciders) == 0) {
		next.State, next.DecidedAt = c.State, c.DecidedAt
		return next, nil
	}
	next.From, next.Until = at, r.until(c, at)
	if !next.Until.IsZero() && !next.Until.After(at) {
		return c, fmt.Errorf("verify %s: %w", c.ID, errValidity)
	}
	next.Deadline, next.Reason, next.Remedy, next.Path, next.Due = time.Time{}, "", "", "", time.Time{}
	return next, nil
}

// until is when a proof that is verified now ends.
func (r Requirement) until(c Submission, at time.Time) time.Time {
	switch {
	case r.Validity.Document:
		return c.ValidTo
	case r.Validity.Days > 0:
		return at.Add(time.Duration(r.Validity.Days) * day)
	}
	return time.Time{}
}

// Reject is the submission once it is refused.
func (c Submission) Reject(in Reject, by platform.Actor, introducer platform.ID, at time.Time) (Submission, error) {
	next, err := c.decide("reject", by, introducer, at)
	if err != nil {
		return c, err
	}
	next.Deciders = append(slices.Clone(c.Deciders), met(by)...)
	next.Reason, next.Remedy, next.Path, next.Due = in.Reason, in.Remedy, in.Path, time.Time{}
	return next, nil
}

// Revoke is the submission once its proof turned out to be none.
func (c Submission) Revoke(reason string, by platform.Actor, introducer platform.ID, at time.Time) (Submission, error) {
	next, err := c.decide("revoke", by, introducer, at)
	if err != nil {
		return c, err
	}
	next.Reason, next.Deadline = reason, time.Time{}
	return next, nil
}

// Reopen is the submission as it has to be proved anew, until a deadline.
func (c Submission) Reopen(deadline time.Time, by platform.Actor, at time.Time) (Submission, error) {
	state, err := Moves.Take(c.State, "reopen", by.Kind)
	if err != nil {
		return c, fmt.Errorf("reopen %s: %w", c.ID, err)
	}
	c.State, c.Deadline, c.DecidedAt, c.Deciders, c.Manual = state, deadline, at, nil, true
	return c, nil
}

// Withdraw is the submission taken back by its party. One that has to be proved
// anew cannot be.
func (c Submission) Withdraw(by platform.Actor) (Submission, error) {
	state, err := Moves.Take(c.State, "withdraw", by.Kind)
	if err == nil && !c.Deadline.IsZero() {
		err = errWithdraw
	}
	if err != nil {
		return c, fmt.Errorf("withdraw %s: %w", c.ID, err)
	}
	c.State, c.Due = state, time.Time{}
	return c, nil
}

// automatic tells whether the checks alone may decide: all passed, nothing seen
// twice, and not among those sampled.
func (c Submission) automatic(r Requirement) bool {
	passed := !slices.ContainsFunc(c.Checks, func(k Check) bool { return k.Outcome != Passed })
	return r.Review == Auto && passed && len(c.Duplicates) == 0 && !c.Manual && !c.sampled(r)
}

// sampled tells whether a person looks at it all the same: so many percent, by the
// submission's id.
func (c Submission) sampled(r Requirement) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(c.ID))
	return int(h.Sum32()%100) < r.Sample
}

// heard is the submission with the outcome of a check, which must be its own.
// Whatever state it is in, the word is kept. It tells what follows of it: verify,
// revoke, or nothing.
func (c Submission) heard(key string, outcome Outcome, r Requirement, at time.Time) (next Submission, verb string, err error) {
	i := slices.IndexFunc(c.Checks, func(k Check) bool { return k.Key == key })
	if i < 0 {
		return c, "", fmt.Errorf("check of %s: %w", c.ID, errCheck)
	}
	c.Checks = slices.Clone(c.Checks)
	k := &c.Checks[i]
	k.Tries, k.At = k.Tries+1, at
	if outcome != Unknown {
		k.Outcome = outcome
	}
	switch {
	case c.State == Verified && (outcome == TakenBack || outcome == Failed):
		return c, "revoke", nil
	case c.State != Pending:
		return c, "", nil
	case outcome == Unknown:
		c.Due = c.again(k.Tries, at)
		c.Manual = c.Manual || c.Due.IsZero()
		return c, "", nil
	}
	c.Due = time.Time{}
	if c.automatic(r) {
		return c, "verify", nil
	}
	c.Manual = true
	return c, "", nil
}

// again is when to ask the next time: after 1 and 10 minutes, 1 and 6 hours, and
// not after a day, when a person takes over.
func (c Submission) again(tries int, at time.Time) time.Time {
	waits := []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour}
	next := at.Add(waits[min(max(tries, 1), len(waits))-1])
	end := c.SubmittedAt.Add(day)
	switch {
	case !at.Before(end):
		return time.Time{}
	case next.After(end):
		return end
	}
	return next
}

// asking is the check that has no answer; nil when all have.
func (c Submission) asking() *Check {
	for _, k := range c.Checks {
		if k.Outcome == Unknown {
			return &k
		}
	}
	return nil
}
