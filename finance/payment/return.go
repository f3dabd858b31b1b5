package payment

import (
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// ReturnState is how far money is on its way back.
type ReturnState string

// The states of a return.
const (
	ReturnAsked     ReturnState = "asked"     // waits to be sent
	ReturnGathering ReturnState = "gathering" // waits until the shares of it are back from those who got them
	ReturnSent      ReturnState = "sent"      // claimed; the call is under way, or a crash cut it off
	ReturnUnknown   ReturnState = "unknown"   // only the institution can tell, and is asked
	ReturnSucceeded ReturnState = "succeeded" // all of it is back
	ReturnFailed    ReturnState = "failed"    // refused for certain; tried again by itself
	ReturnManual    ReturnState = "manual"    // an operator goes on
	ReturnWithdrawn ReturnState = "withdrawn" // its refund was withdrawn before anything was sent
)

// ReturnMoves is the transition table of a return.
var ReturnMoves = platform.Moves[ReturnState]{
	{Verb: "send", From: []ReturnState{ReturnAsked, ReturnFailed}, To: ReturnSent, By: system, Refusal: ErrNotSendable},
	{Verb: "send", From: []ReturnState{ReturnAsked, ReturnFailed, ReturnManual}, To: ReturnSent, By: operator, Refusal: ErrNotSendable},
	{Verb: "gather", From: []ReturnState{ReturnAsked, ReturnFailed, ReturnManual, ReturnGathering}, To: ReturnGathering, By: system, Refusal: ErrNotSendable},
	{Verb: "gathered", From: []ReturnState{ReturnGathering}, To: ReturnAsked, By: system, Refusal: ErrNotSendable},
	{Verb: "stop", From: []ReturnState{ReturnAsked, ReturnFailed}, To: ReturnManual, By: system, Refusal: ErrNotSendable},
	{Verb: "withdraw", From: []ReturnState{ReturnAsked, ReturnGathering, ReturnManual}, To: ReturnWithdrawn, By: system, Refusal: ErrNotSendable},
	{Verb: "again", From: []ReturnState{ReturnSent, ReturnUnknown}, To: ReturnAsked, By: system, Refusal: ErrNothingNew},
	{Verb: "doubt", From: []ReturnState{ReturnSent, ReturnUnknown}, To: ReturnUnknown, By: system, Refusal: ErrNothingNew},
	{Verb: "next", From: []ReturnState{ReturnSent, ReturnUnknown, ReturnManual}, To: ReturnAsked, By: system, Refusal: ErrNothingNew},
	{Verb: "succeed", From: []ReturnState{ReturnSent, ReturnUnknown, ReturnManual}, To: ReturnSucceeded, By: system, Refusal: ErrNothingNew},
	{Verb: "fail", From: []ReturnState{ReturnSent, ReturnUnknown, ReturnManual}, To: ReturnFailed, By: system, Refusal: ErrNothingNew},
	{Verb: "park", From: []ReturnState{ReturnSent, ReturnUnknown}, To: ReturnManual, By: system, Refusal: ErrNothingNew},
}

// Return is money on its way back: of a refund, or of surplus. Its parts go one
// after the other, each as an operation of its own at the institution that took
// the money; those of the platform's own money come last, and are back with the
// one before them.
type Return struct {
	platform.Head
	Subject platform.Ref   `json:"subject" class:"internal"`
	Refund  platform.Ref   `json:"refund,omitzero" class:"internal"` // zero for surplus
	State   ReturnState    `json:"state" class:"internal"`
	Amount  platform.Money `json:"amount" class:"internal"` // of all parts
	Parts   []Part         `json:"parts" class:"internal"`
	Done    int            `json:"done,omitempty" class:"internal"`  // parts that are back
	Calls   int            `json:"calls,omitempty" class:"internal"` // operations that are over, one way or the other
	Tries   int            `json:"tries,omitempty" class:"internal"` // of the current part, failed for certain
	Operation
	EndedAt time.Time `json:"ended_at,omitzero" class:"internal"` // when the last part was back
	Reason  string    `json:"reason,omitempty" class:"internal"`  // why it failed last, a code
}

// Ref names the return.
func (r Return) Ref() platform.Ref { return platform.Ref{Kind: "payment.return", ID: r.ID} }

// Key is the key of the current operation at the institution. It changes only
// when the one before is over for certain.
func (r Return) Key() Key { return nth(r.ID, r.Calls) }

// Part is what the current operation gives back.
func (r Return) Part() Part { return r.Parts[min(r.Done, len(r.Parts)-1)] }

// back is how many parts are back once the current one is.
func (r Return) back() int {
	n := r.Done + 1
	for n < len(r.Parts) && r.Parts[n].own() {
		n++
	}
	return n
}

// Send returns the return as its next operation goes out, until a moment. After
// a certain failure the operation has a new key; otherwise it is the same one
// again. It fails with ErrNotDue before its time, unless an operator sends it,
// and with ErrNotSendable when it is under way or over.
func (r Return) Send(by platform.ActorKind, at, until time.Time) (Return, error) {
	next, err := r.move("send", by)
	if err != nil {
		return Return{}, err
	}
	if by != platform.Operator && at.Before(r.Due) {
		return Return{}, fmt.Errorf("send %s: %w", r.ID, ErrNotDue)
	}
	if r.SentAt.IsZero() || r.State == ReturnManual {
		next.SentAt, next.Looks = at, 0
	}
	next.Until, next.Due, next.Reason = until, until, ""
	return next, nil
}

// Stop returns the return left to an operator before its next operation goes out,
// since the payer's bank has taken that money.
func (r Return) Stop() (Return, error) {
	next, err := r.move("stop", platform.System)
	next.Reason, next.Due = platform.Code(ErrChargebackOpen), time.Time{}
	return next, err
}

// Gather returns the return waiting for the shares that it is paid out of, or no
// more.
func (r Return) Gather(wait bool, at time.Time) (Return, error) {
	if !wait {
		next, err := r.move("gathered", platform.System)
		next.Due = at
		return next, err
	}
	next, err := r.move("gather", platform.System)
	next.Due = time.Time{}
	return next, err
}

// Withdraw returns the return given up. It fails with ErrNotSendable once
// anything was sent.
func (r Return) Withdraw(at time.Time) (Return, error) {
	if r.Calls > 0 || !r.SentAt.IsZero() {
		return Return{}, fmt.Errorf("withdraw %s: %w", r.ID, ErrNotSendable)
	}
	next, err := r.move("withdraw", platform.System)
	next.EndedAt, next.Due = at, time.Time{}
	return next, err
}

// Learn returns the return as the institution's word leaves it: the part is
// back and the next is due, or all is; it failed and is due again after 1 h, 6 h
// and 24 h under a new key, and then waits for an operator; it never arrived and
// is due again soon under the same key. An amount other than the part's is for
// an operator.
//
// It fails with ErrNothingNew when the word says nothing, or nothing that was
// not known.
func (r Return) Learn(st Status, certain bool, at time.Time) (Return, error) {
	switch {
	case st.Outcome == Done && st.Amount != r.Part().Amount:
		next, err := r.move("park", platform.System)
		next.Reason, next.Due = "payment.mismatch", time.Time{}
		return next, err
	case st.Outcome == Done && r.back() == len(r.Parts):
		next, err := r.move("succeed", platform.System)
		next.Done, next.EndedAt, next.Due, next.Reason = r.back(), at, time.Time{}, ""
		return next, err
	case st.Outcome == Done:
		next, err := r.move("next", platform.System)
		next.Done, next.Tries = r.Done+1, 0
		return next.over(at), err
	case st.Outcome == Declined:
		next, err := r.refused(at)
		next.Reason = reason(st)
		return next, err
	case st.Outcome == Absent && certain:
		return r.wait("again", at)
	}
	return Return{}, fmt.Errorf("return %s: %w", r.ID, ErrNothingNew)
}

// over ends the current operation; the next one, due at the moment given, has
// another key.
func (r Return) over(due time.Time) Return {
	r.Calls, r.Operation = r.Calls+1, Operation{Due: due}
	return r
}

func (r Return) refused(at time.Time) (Return, error) {
	if due, again := retry(r.Tries, at); again {
		next, err := r.move("fail", platform.System)
		next.Tries = r.Tries + 1
		return next.over(due), err
	}
	next, err := r.move("park", platform.System)
	return next.over(time.Time{}), err
}

// Doubt returns the return after an answer that told nothing, or none: unknown,
// with the next look; manual after a day. It fails with ErrNothingNew when it is
// over, or was asked about by somebody else meanwhile.
func (r Return) Doubt(at time.Time) (Return, error) {
	if r.State != ReturnSent && at.Before(r.Due) {
		return Return{}, fmt.Errorf("return %s: %w", r.ID, ErrNothingNew)
	}
	return r.wait("doubt", at)
}

// wait is for an operation without news: it is asked about, or sent, again.
func (r Return) wait(verb string, at time.Time) (Return, error) {
	wait, verb := r.looked(verb, at)
	next, err := r.move(verb, platform.System)
	next.Operation = wait
	return next, err
}

func (r Return) move(verb string, by platform.ActorKind) (Return, error) {
	state, err := ReturnMoves.Take(r.State, verb, by)
	if err != nil {
		return Return{}, fmt.Errorf("return %s: %w", r.ID, err)
	}
	r.State = state
	return r, nil
}
