package payment

import (
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// SharingState is how far shares are on their way.
type SharingState string

// The states of a sharing.
const (
	SharingPlanned SharingState = "planned" // waits for its time
	SharingFrozen  SharingState = "frozen"  // the subject is in dispute and the institution's time runs out: an operator decides
	SharingSent    SharingState = "sent"    // claimed; the call is under way, or a crash cut it off
	SharingUnknown SharingState = "unknown" // only the institution can tell, and is asked
	SharingDone    SharingState = "done"    // the shares have arrived, see Portion.Arrived
	SharingFailed  SharingState = "failed"  // refused for certain; tried again by itself
	SharingManual  SharingState = "manual"  // an operator goes on
	SharingOwed    SharingState = "owed"    // the receiver did not give the share back, and owes it
	SharingDropped SharingState = "dropped" // nothing was moved, and nothing will be
)

// SharingMoves is the transition table of a sharing. What the institution says
// moves it in the name of the system.
var SharingMoves = platform.Moves[SharingState]{
	{Verb: "send", From: []SharingState{SharingPlanned, SharingFailed}, To: SharingSent, By: system, Refusal: ErrNotSendable},
	{Verb: "wait", From: []SharingState{SharingPlanned, SharingFailed, SharingFrozen}, To: SharingPlanned, By: system, Refusal: ErrNotSendable},
	{Verb: "freeze", From: []SharingState{SharingPlanned, SharingFailed, SharingFrozen}, To: SharingFrozen, By: system, Refusal: ErrNotSendable},
	{Verb: "stop", From: []SharingState{SharingPlanned, SharingFailed}, To: SharingManual, By: system, Refusal: ErrNotSendable},
	{Verb: "spare", From: []SharingState{SharingPlanned, SharingFailed, SharingManual}, To: SharingDone, By: system, Refusal: ErrNotSendable},
	{Verb: "drop", From: []SharingState{SharingPlanned, SharingFailed, SharingFrozen, SharingManual}, To: SharingDropped, By: system, Refusal: ErrNotSendable},
	{Verb: "again", From: []SharingState{SharingSent, SharingUnknown}, To: SharingPlanned, By: system, Refusal: ErrNothingNew},
	{Verb: "doubt", From: []SharingState{SharingSent, SharingUnknown}, To: SharingUnknown, By: system, Refusal: ErrNothingNew},
	{Verb: "arrive", From: []SharingState{SharingSent, SharingUnknown, SharingManual}, To: SharingDone, By: system, Refusal: ErrNothingNew},
	{Verb: "fail", From: []SharingState{SharingSent, SharingUnknown, SharingManual}, To: SharingFailed, By: system, Refusal: ErrNothingNew},
	{Verb: "park", From: []SharingState{SharingSent, SharingUnknown, SharingManual}, To: SharingManual, By: system, Refusal: ErrNothingNew},
	{Verb: "send", From: []SharingState{SharingFrozen, SharingManual}, To: SharingPlanned, By: operator, Refusal: ErrNotDecidable},
	{Verb: "keep", From: []SharingState{SharingFrozen, SharingManual}, To: SharingDropped, By: operator, Refusal: ErrNotDecidable},
	{Verb: "arrived", From: []SharingState{SharingManual}, To: SharingDone, By: operator, Refusal: ErrNotDecidable},
	{Verb: "refused", From: []SharingState{SharingManual}, To: SharingManual, By: operator, Refusal: ErrNotDecidable},
	{Verb: "owed", From: []SharingState{SharingManual}, To: SharingOwed, By: operator, Refusal: ErrNotDecidable},
}

// Sharing is money of a charge on its way to the accounts that others have at the
// institution, or a share on its way back. A share that comes back names the
// sharing that it is of; it is taken back before its refund, or after it where
// the institution gives refunds out of all that it holds for us.
//
// Whatever it is, it moves money once: a share that did not arrive with the others
// of its sharing goes out in another one.
type Sharing struct {
	platform.Head
	Subject     platform.Ref   `json:"subject" class:"internal"`
	Attempt     platform.ID    `json:"attempt" class:"internal"` // whose money it is
	Capture     bool           `json:"capture,omitempty" class:"internal"`
	Institution string         `json:"institution" class:"internal"`
	State       SharingState   `json:"state" class:"internal"`
	Amount      platform.Money `json:"amount" class:"internal"` // of all portions
	Portions    []Portion      `json:"portions,omitempty" class:"internal"`
	Final       bool           `json:"final,omitempty" class:"internal"` // the rest is ours, and no split follows
	Back        platform.ID    `json:"back,omitempty" class:"internal"`  // of a share that comes back: the sharing that it is of
	Of          Key            `json:"of,omitempty" class:"internal"`    // and the operation by which it had come
	Cause       platform.Ref   `json:"cause,omitzero" class:"internal"`  // of a share that comes back, the refund; of one that goes out again, what had brought it back
	After       bool           `json:"after,omitempty" class:"internal"` // it is taken back after its refund
	Given       bool           `json:"given,omitempty" class:"internal"` // and that was given
	Round       int            `json:"round,omitempty" class:"internal"` // of the refund's, in which it is taken back
	Restored    bool           `json:"restored,omitempty" class:"internal"`
	Decided     bool           `json:"decided,omitempty" class:"internal"`   // it goes out though its subject is in dispute
	Again       bool           `json:"again,omitempty" class:"internal"`     // it is sent once more under a key of which nobody knows what became of it
	Spared      bool           `json:"spared,omitempty" class:"internal"`    // of a share that comes back: it had never gone out
	Calls       int            `json:"calls,omitempty" class:"internal"`     // operations that failed for certain
	Tries       int            `json:"tries,omitempty" class:"internal"`     // how often it is tried again already
	Released    time.Time      `json:"released,omitzero" class:"internal"`   // when the institution lets go of the charge by itself
	Reference   string         `json:"reference,omitempty" class:"internal"` // the institution's own
	Operation
	EndedAt time.Time `json:"ended_at,omitzero" class:"internal"`
	Reason  string    `json:"reason,omitempty" class:"internal"` // a code
}

// Portion is what one party gets of a sharing, or gives back.
type Portion struct {
	Party   platform.ID    `json:"party"`
	Account string         `json:"account,omitempty"` // the party's at the institution, once it is known
	Amount  platform.Money `json:"amount"`
	Arrived platform.Money `json:"arrived,omitzero"`  // absent until it has
	Back    platform.Money `json:"returned,omitzero"` // of it, given back or asked back; absent when nothing
}

// Ref names the sharing.
func (h Sharing) Ref() platform.Ref { return platform.Ref{Kind: sharingKind, ID: h.ID} }

const sharingKind = "payment.split"

func sharingRef(id platform.ID) platform.Ref { return platform.Ref{Kind: sharingKind, ID: id} }

// Key is the key of the current operation at the institution. It changes only when
// the one before failed for certain.
func (h Sharing) Key() Key {
	id := h.ID
	if h.Back != "" {
		id = id.As("spr")
	}
	return nth(id, h.Calls)
}

// charge is our key of the charge that is shared out.
func (h Sharing) charge() Key {
	if h.Capture {
		return Key(h.Attempt.As("cap"))
	}
	return Key(h.Attempt)
}

// shares are the portions as the institution is told of them.
func (h Sharing) shares() (all []Share) {
	for _, p := range h.Portions {
		all = append(all, Share{Account: p.Account, Amount: p.Amount})
	}
	return all
}

// Ended tells whether nothing more becomes of it by itself or by an operator.
func (h Sharing) Ended() bool {
	return h.State == SharingDone || h.State == SharingOwed || h.State == SharingDropped
}

// pending tells whether money may still move under the current key.
func (h Sharing) pending() bool {
	return h.State == SharingSent || h.State == SharingUnknown || h.State == SharingManual && !h.SentAt.IsZero() || h.Again
}

// ready tells whether the next operation may go out by itself.
func (h Sharing) ready(at time.Time) bool {
	return (h.State == SharingPlanned || h.State == SharingFailed) && !h.Due.IsZero() && !at.Before(h.Due)
}

// Send returns the sharing as its next operation goes out, until a moment. After a
// certain failure the operation has a new key; otherwise it is the same one again.
// It fails with ErrNotDue before its time, and with ErrNotSendable when it is under
// way or over.
func (h Sharing) Send(at, until time.Time) (Sharing, error) {
	next, err := h.move("send", platform.System)
	if err != nil {
		return Sharing{}, err
	}
	if !h.ready(at) {
		return Sharing{}, fmt.Errorf("send %s: %w", h.ID, ErrNotDue)
	}
	if h.SentAt.IsZero() || h.Again {
		next.SentAt, next.Looks, next.Again = at, 0, false
	}
	next.Until, next.Due, next.Reason = until, until, ""
	return next, nil
}

// expiring is how long before the institution lets go of a charge a sharing that
// must wait is for an operator to decide, and ruled how long before that the rule
// decides.
const (
	expiring = 30 * 24 * time.Hour
	ruled    = 5 * 24 * time.Hour
)

// Wait returns the sharing waiting for another day, because its subject is in
// dispute. Within 30 days of the moment at which the institution lets go of the
// money by itself it is frozen instead: an operator decides, and five days before
// that moment the rule does.
func (h Sharing) Wait(at time.Time) (Sharing, error) {
	verb, bound := "wait", h.Released.Add(-expiring)
	if !at.Before(bound) {
		verb, bound = "freeze", h.Released.Add(-ruled)
	}
	next, err := h.move(verb, platform.System)
	if next.Due = at.Add(24 * time.Hour); next.Due.After(bound) {
		next.Due = bound
	}
	next.Reason = platform.Code(ErrContested)
	return next, err
}

// Learn returns the sharing as the institution's word leaves it: done, with the
// shares that have arrived; refused, and due again after 1 h, 6 h and 24 h under a
// new key, and then for an operator; never arrived, and due again soon under the
// same key. What is done with less than was sent counts only with the shares that
// have arrived.
//
// It fails with ErrNothingNew when the word says nothing, or nothing that was not
// known.
func (h Sharing) Learn(st Status, arrived []Share, certain bool, at time.Time) (Sharing, error) {
	switch {
	case st.Outcome == Done && st.Amount == h.Amount:
		return h.arrive("arrive", platform.System, st.Reference, h.shares(), at)
	case st.Outcome == Done && h.Back != "":
		next, err := h.move("park", platform.System)
		next.Reason, next.Due = "payment.mismatch", time.Time{}
		return next, err
	case st.Outcome == Done && len(arrived) > 0:
		return h.arrive("arrive", platform.System, st.Reference, arrived, at)
	case st.Outcome == Declined:
		next, err := h.refused(at)
		next.Reason = reason(st)
		return next, err
	case st.Outcome == Absent && certain:
		return h.looks("again", at)
	}
	return Sharing{}, fmt.Errorf("split %s: %w", h.ID, ErrNothingNew)
}

// arrive is the sharing done, with what has come.
func (h Sharing) arrive(verb string, by platform.ActorKind, reference string, came []Share, at time.Time) (Sharing, error) {
	next, err := h.move(verb, by)
	next.Portions = slices.Clone(h.Portions)
	for i, p := range next.Portions {
		next.Portions[i].Arrived = zero(p.Amount)
		if slices.Contains(came, Share{Account: p.Account, Amount: p.Amount}) {
			next.Portions[i].Arrived = p.Amount
		}
	}
	next.EndedAt, next.Due, next.Reason = at, time.Time{}, ""
	if reference != "" {
		next.Reference = reference
	}
	return next, err
}

// refused is the sharing after a certain failure.
func (h Sharing) refused(at time.Time) (Sharing, error) {
	if due, again := retry(h.Tries, at); again {
		next, err := h.move("fail", platform.System)
		next.Tries = h.Tries + 1
		return next.over(due), err
	}
	next, err := h.move("park", platform.System)
	return next.over(time.Time{}), err
}

// over ends the current operation; the next one, due at the moment given, has
// another key.
func (h Sharing) over(due time.Time) Sharing {
	h.Calls, h.Operation = h.Calls+1, Operation{Due: due}
	return h
}

// Doubt returns the sharing after an answer that told nothing, or none: unknown,
// with the next look; manual after a day. It fails with ErrNothingNew when it is
// over, or was asked about by somebody else meanwhile.
func (h Sharing) Doubt(at time.Time) (Sharing, error) {
	if h.State != SharingSent && at.Before(h.Due) {
		return Sharing{}, fmt.Errorf("split %s: %w", h.ID, ErrNothingNew)
	}
	return h.looks("doubt", at)
}

func (h Sharing) looks(verb string, at time.Time) (Sharing, error) {
	wait, verb := h.looked(verb, at)
	next, err := h.move(verb, platform.System)
	next.Operation = wait
	return next, err
}

func (h Sharing) move(verb string, by platform.ActorKind) (Sharing, error) {
	state, err := SharingMoves.Take(h.State, verb, by)
	if err != nil {
		return Sharing{}, fmt.Errorf("split %s: %w", h.ID, err)
	}
	h.State = state
	return h, nil
}

// zero is nothing of the currency of an amount.
func zero(m platform.Money) platform.Money {
	none, err := m.Sub(m)
	if err != nil {
		return platform.Money{} // an amount less itself is nothing
	}
	return none
}

// event says what became of the sharing.
func (h Sharing) event() platform.Change {
	what := "payment.split_" + string(h.State)
	switch {
	case h.State == SharingDone && h.Back != "":
		what = "payment.split_returned"
	case h.State == SharingDone:
		what = "payment.split"
	case h.State == SharingFrozen:
		what = "payment.split_expiring"
	}
	return platform.Happened(what, h.Ref(), h.facts())
}

// facts are a sharing in an event.
func (h Sharing) facts() any {
	return struct {
		Subject     platform.Ref   `json:"subject"`
		Institution string         `json:"institution"`
		Amount      platform.Money `json:"amount"`
		Portions    []Portion      `json:"portions,omitempty"`
		Final       bool           `json:"final,omitempty"`
		Back        platform.ID    `json:"back,omitempty"`
		Cause       platform.Ref   `json:"cause,omitzero"`
		Key         Key            `json:"key"`
		Reason      string         `json:"reason,omitempty"`
		Due         time.Time      `json:"due,omitzero"`
	}{h.Subject, h.Institution, h.Amount, h.Portions, h.Final, h.Back, h.Cause, h.Key(), h.Reason, h.Due}
}
