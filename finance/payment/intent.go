package payment

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Purpose is what an intent is for. A subject has one intent of each.
type Purpose string

// The purposes.
const (
	Deposit Purpose = "deposit"
	Balance Purpose = "balance"
	Full    Purpose = "full"
	Extra   Purpose = "extra"
	Tip     Purpose = "tip"
	Penalty Purpose = "penalty"
)

var purposes = []Purpose{Deposit, Balance, Full, Extra, Tip, Penalty}

// IntentState is how far an intent has come.
type IntentState string

// The states of an intent.
const (
	IntentOpen          IntentState = "open"
	IntentPartlySecured IntentState = "partly_secured" // a part is there, the rest is asked
	IntentSecured       IntentState = "secured"        // all of it is captured or held by an authorisation
	IntentCaptured      IntentState = "captured"       // all of it is there
	IntentCancelled     IntentState = "cancelled"      // nobody asks any more; money that still comes is surplus
	IntentExpired       IntentState = "expired"        // as cancelled, by time
)

// IntentMoves is the transition table of an intent.
var IntentMoves = platform.Moves[IntentState]{
	{Verb: "ask", From: []IntentState{IntentOpen, IntentPartlySecured, IntentSecured, IntentCaptured}, By: system, Refusal: ErrNotPayable},
	{Verb: "raise", From: []IntentState{IntentSecured, IntentCaptured}, To: IntentPartlySecured, By: system, Refusal: ErrNotPayable},
	{Verb: "reopen", From: []IntentState{IntentCancelled, IntentExpired}, To: IntentOpen, By: system, Refusal: ErrNotPayable},
	{Verb: "pay", From: []IntentState{IntentOpen, IntentPartlySecured}, By: []platform.ActorKind{platform.Customer, platform.Operator, platform.System}, Refusal: ErrNotPayable},
	{Verb: "part", From: []IntentState{IntentOpen, IntentPartlySecured, IntentSecured}, To: IntentPartlySecured, By: system, Refusal: ErrNotPayable},
	{Verb: "secure", From: []IntentState{IntentOpen, IntentPartlySecured, IntentSecured}, To: IntentSecured, By: system, Refusal: ErrNotPayable},
	{Verb: "capture", From: []IntentState{IntentOpen, IntentPartlySecured, IntentSecured}, To: IntentCaptured, By: system, Refusal: ErrNotPayable},
	{Verb: "lapse", From: []IntentState{IntentPartlySecured, IntentSecured}, To: IntentOpen, By: system, Refusal: ErrNotPayable},
	{Verb: "cancel", From: []IntentState{IntentOpen, IntentPartlySecured, IntentSecured}, To: IntentCancelled, By: system, Refusal: ErrNotPayable},
	{Verb: "expire", From: []IntentState{IntentOpen, IntentPartlySecured}, To: IntentExpired, By: system, Refusal: ErrNotPayable},
}

var system = []platform.ActorKind{platform.System}

// Intent is a payment that is asked for. Money is of one currency; captured ≤
// secured ≤ asked. What is secured and not captured is held by authorisations.
type Intent struct {
	platform.Head
	Subject  platform.Ref   `json:"subject" class:"internal"`
	Purpose  Purpose        `json:"purpose" class:"internal"`
	Payer    platform.ID    `json:"payer,omitempty" class:"internal"` // the customer who may pay; empty when asked by nobody's order
	State    IntentState    `json:"state" class:"internal"`
	Asked    platform.Money `json:"asked" class:"internal"`
	Secured  platform.Money `json:"secured" class:"internal"`
	Captured platform.Money `json:"captured" class:"internal"`
	Active   platform.ID    `json:"active_attempt,omitempty" class:"internal"` // the one attempt under way; empty for none
	Paid     []platform.ID  `json:"paid,omitempty" class:"internal"`           // attempts that were captured, in that order
	Held     []platform.ID  `json:"held,omitempty" class:"internal"`           // authorisations that hold money, in that order
	Due      time.Time      `json:"due,omitzero" class:"internal"`             // nothing is paid from then on; zero for no limit
	Later    bool           `json:"later,omitempty" class:"internal"`          // the payer's money is only held, where the institution can ([Authorizer])
	Most     platform.Money `json:"most,omitzero" class:"internal"`            // of what is held, no more is captured, what was captured included; absent: all of it
}

// Ref names the intent.
func (i Intent) Ref() platform.Ref { return platform.Ref{Kind: "payment.intent", ID: i.ID} }

// IntentID is the id of the intent of a subject and purpose. The formula is
// frozen: time and slot of the subject's id, and the first 8 bytes of
// SHA-256(subject, 0x00, purpose).
func IntentID(subject platform.Ref, purpose Purpose) platform.ID {
	sum := sha256.Sum256([]byte(subject.String() + "\x00" + string(purpose)))
	return platform.NewID("int", subject.ID.Time(), subject.ID.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// Rest is what is still asked.
func (i Intent) Rest() platform.Money {
	rest, err := i.Asked.Sub(i.Secured)
	if err != nil {
		return platform.Money{} // an intent that was never asked
	}
	return rest
}

// Ask returns the intent asking for amount in all, by due (zero for no limit).
// A new intent (without state) becomes open; one at an end opens again unless
// something was paid on it.
//
// It fails with ErrAmount unless amount is positive, ErrAttemptActive while an
// attempt is under way, ErrBelowSecured when more was paid already, and
// ErrNotPayable for an end with money on it.
func (i Intent) Ask(amount platform.Money, due time.Time) (Intent, error) {
	if amount.Sign() <= 0 {
		return Intent{}, fmt.Errorf("ask for %s: %w", i.ID, ErrAmount)
	}
	if i.State == "" {
		none, err := amount.Sub(amount)
		i.State, i.Asked, i.Secured, i.Captured, i.Due = IntentOpen, amount, none, none, due
		return i, err
	}
	if i.Active != "" {
		return Intent{}, i.busy("ask")
	}
	more, err := amount.Cmp(i.Secured)
	if err != nil {
		return Intent{}, fmt.Errorf("ask for %s: %w", i.ID, err)
	}
	if more < 0 {
		return Intent{}, fmt.Errorf("ask for %s: %w", i.ID, ErrBelowSecured)
	}
	verb := "ask"
	switch {
	case (i.State == IntentCaptured || i.State == IntentSecured) && more > 0:
		verb = "raise"
	case i.State == IntentPartlySecured && more == 0 && i.Captured == amount:
		verb = "capture"
	case i.State == IntentPartlySecured && more == 0:
		verb = "secure"
	case i.ended() && i.Secured.Sign() == 0:
		verb = "reopen"
	}
	next, err := i.move(verb, platform.System)
	next.Asked, next.Due = amount, due
	return next, err
}

// MayPay returns nil when an actor of the kind may begin an attempt. Otherwise
// it says why not: ErrSecured, ErrNotPayable, ErrTooLate, or ErrAttemptActive
// with the attempt as a detail.
func (i Intent) MayPay(by platform.ActorKind, at time.Time) error {
	if i.State == IntentCaptured || i.State == IntentSecured {
		return platform.Detail(fmt.Errorf("pay %s: %w", i.ID, ErrSecured), "state", string(i.State))
	}
	if _, err := i.move("pay", by); err != nil {
		return err
	}
	if i.Active != "" {
		return i.busy("pay")
	}
	if !i.Due.IsZero() && !at.Before(i.Due) {
		return fmt.Errorf("pay %s: %w", i.ID, ErrTooLate)
	}
	return nil
}

// Claim returns the intent with the attempt under way. It fails as MayPay does,
// with ErrAmount unless the attempt's amount is positive, and with
// ErrExceedsRest when it is more than is still asked.
func (i Intent) Claim(a Attempt, by platform.ActorKind) (Intent, error) {
	if err := i.MayPay(by, a.SentAt); err != nil {
		return Intent{}, err
	}
	if err := i.fits(a.Amount); err != nil {
		return Intent{}, err
	}
	i.Active = a.ID
	return i, nil
}

// Take returns the intent with the attempt's money. It fails with ErrNotPayable
// when the attempt is not the one under way, or the intent is at an end.
func (i Intent) Take(a Attempt) (Intent, error) {
	if i.Active != a.ID {
		return Intent{}, fmt.Errorf("take %s for %s: %w", a.ID, i.ID, ErrNotPayable)
	}
	i.Active = ""
	return i.Add(a)
}

// Add returns the intent with money that no payer was asked for. It fails with
// ErrAttemptActive while an attempt is under way, ErrSecured or ErrNotPayable
// when nothing is asked, ErrAmount and ErrExceedsRest for a wrong amount.
func (i Intent) Add(a Attempt) (Intent, error) {
	if i.State == IntentCaptured || i.State == IntentSecured {
		return Intent{}, fmt.Errorf("pay %s: %w", i.ID, ErrSecured)
	}
	if i.Active != "" {
		return Intent{}, i.busy("pay")
	}
	if err := i.fits(a.Amount); err != nil {
		return Intent{}, err
	}
	secured, err := i.Secured.Add(a.Amount)
	if err != nil {
		return Intent{}, err
	}
	captured, err := i.Captured.Add(a.Amount)
	if err != nil {
		return Intent{}, err
	}
	i.Secured, i.Captured, i.Paid = secured, captured, append(slices.Clone(i.Paid), a.ID)
	return i.settled()
}

// Free returns the intent without the attempt under way, so that another may
// begin.
func (i Intent) Free(a Attempt) Intent {
	if i.Active == a.ID {
		i.Active = ""
	}
	return i
}

// Cancel returns the intent asking no more.
func (i Intent) Cancel() (Intent, error) { return i.move("cancel", platform.System) }

// Expire returns the intent past its time. It fails with ErrNotDue before.
func (i Intent) Expire(at time.Time) (Intent, error) {
	if due := i.timer(); due.IsZero() || at.Before(due) {
		return Intent{}, fmt.Errorf("expire %s: %w", i.ID, ErrNotDue)
	}
	return i.move("expire", platform.System)
}

// overtime is how long past its due an intent waits for the attempt under way.
const overtime = 30 * time.Minute

// timer is when the intent expires by itself; zero for never.
func (i Intent) timer() time.Time {
	switch {
	case i.Due.IsZero(), i.ended(), i.State == IntentCaptured, i.State == IntentSecured:
		return time.Time{}
	case i.Active != "":
		return i.Due.Add(overtime)
	}
	return i.Due
}

func (i Intent) ended() bool { return i.State == IntentCancelled || i.State == IntentExpired }

func (i Intent) fits(amount platform.Money) error {
	if amount.Sign() <= 0 {
		return fmt.Errorf("pay %s: %w", i.ID, ErrAmount)
	}
	over, err := amount.Cmp(i.Rest())
	if err != nil {
		return fmt.Errorf("pay %s: %w", i.ID, err)
	}
	if over > 0 {
		return platform.Detail(fmt.Errorf("pay %s: %w", i.ID, ErrExceedsRest), "rest", i.Rest())
	}
	return nil
}

func (i Intent) busy(verb string) error {
	return platform.Detail(fmt.Errorf("%s %s: %w", verb, i.ID, ErrAttemptActive), "attempt", i.Active)
}

func (i Intent) move(verb string, by platform.ActorKind) (Intent, error) {
	state, err := IntentMoves.Take(i.State, verb, by)
	if err != nil {
		return Intent{}, fmt.Errorf("intent %s: %w", i.ID, err)
	}
	i.State = state
	return i, nil
}
