package payment

import (
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// AttemptState is how far an attempt has come.
type AttemptState string

// The states of an attempt.
const (
	AttemptSent           AttemptState = "sent"            // claimed; the call is under way, or a crash cut it off
	AttemptRequiresAction AttemptState = "requires_action" // the payer goes on at the institution
	AttemptUnknown        AttemptState = "unknown"         // only the institution can tell, and is asked
	AttemptCaptured       AttemptState = "captured"        // the money came and counts
	AttemptFailed         AttemptState = "failed"          // it did not, and the intent is open again
	AttemptSurplus        AttemptState = "surplus"         // the money came and nobody takes it: it goes back
	AttemptQuarantined    AttemptState = "quarantined"     // another amount came: an operator decides
	AttemptManual         AttemptState = "manual"          // unknown for a day: an operator finds out
	AttemptAuthorized     AttemptState = "authorized"      // the institution holds the money, and captures take it
	AttemptReleasing      AttemptState = "releasing"       // what was not captured is let go of at the institution
	AttemptReleased       AttemptState = "released"        // nothing is held any more; what was captured is on the captures
)

// open are the states in which the outcome is still to come by itself.
var open = []AttemptState{AttemptSent, AttemptRequiresAction, AttemptUnknown}

// undecided are the states in which the institution's word decides.
var undecided = append(slices.Clip(open), AttemptManual)

var (
	queued   = []AttemptState{AttemptManual, AttemptQuarantined}
	holding  = []AttemptState{AttemptAuthorized, AttemptReleasing}
	operator = []platform.ActorKind{platform.Operator}
)

// AttemptMoves is the transition table of an attempt. What the institution says
// moves it in the name of the system.
var AttemptMoves = platform.Moves[AttemptState]{
	{Verb: "act", From: []AttemptState{AttemptSent, AttemptUnknown}, To: AttemptRequiresAction, By: system, Refusal: ErrNothingNew},
	{Verb: "doubt", From: open, To: AttemptUnknown, By: system, Refusal: ErrNothingNew},
	{Verb: "park", From: open, To: AttemptManual, By: system, Refusal: ErrNothingNew},
	{Verb: "capture", From: undecided, To: AttemptCaptured, By: system, Refusal: ErrNothingNew},
	{Verb: "capture", From: queued, To: AttemptCaptured, By: operator, Refusal: ErrNotResolvable},
	{Verb: "fail", From: undecided, To: AttemptFailed, By: system, Refusal: ErrNothingNew},
	{Verb: "fail", From: queued, To: AttemptFailed, By: operator, Refusal: ErrNotResolvable},
	{Verb: "surplus", From: append(slices.Clip(undecided), AttemptFailed), To: AttemptSurplus, By: system, Refusal: ErrNothingNew},
	{Verb: "surplus", From: queued, To: AttemptSurplus, By: operator, Refusal: ErrNotResolvable},
	{Verb: "authorize", From: undecided, To: AttemptAuthorized, By: system, Refusal: ErrNothingNew},
	{Verb: "authorize", From: queued, To: AttemptAuthorized, By: operator, Refusal: ErrNotResolvable},
	{Verb: "release", From: append(slices.Clip(undecided), AttemptFailed, AttemptAuthorized), To: AttemptReleasing, By: system, Refusal: ErrNothingNew},
	{Verb: "release", From: queued, To: AttemptReleasing, By: operator, Refusal: ErrNotResolvable},
	{Verb: "end", From: append(slices.Clip(holding), AttemptManual), To: AttemptReleased, By: system, Refusal: ErrNothingNew},
	{Verb: "keep", From: holding, By: system, Refusal: ErrNothingNew},
	{Verb: "park", From: []AttemptState{AttemptReleasing}, To: AttemptManual, By: system, Refusal: ErrNothingNew},
	{Verb: "quarantine", From: append(slices.Clip(undecided), AttemptFailed), To: AttemptQuarantined, By: system, Refusal: ErrNothingNew},
}

// Attempt is one try to pay an intent. Money that came without one, or that the
// platform itself put in, is an attempt too, so that every amount that an
// institution holds for a subject is on exactly one.
type Attempt struct {
	platform.Head
	Intent      platform.ID    `json:"intent,omitempty" class:"internal"` // empty for money that was never asked for
	Subject     platform.Ref   `json:"subject" class:"internal"`
	Payer       platform.ID    `json:"payer,omitempty" class:"internal"`
	Institution string         `json:"institution,omitempty" class:"internal"` // empty for the platform's own money
	State       AttemptState   `json:"state" class:"internal"`
	Amount      platform.Money `json:"amount" class:"internal"`              // what was tried
	Received    platform.Money `json:"received,omitzero" class:"internal"`   // what the institution took, once it is known; absent when nothing
	Returned    platform.Money `json:"returned,omitzero" class:"internal"`   // of it, given back or on its way back; absent when nothing
	Disputed    platform.Money `json:"disputed,omitzero" class:"internal"`   // of it, taken back by the payer's bank, undecided or for good; absent when nothing
	Contested   platform.Money `json:"contested,omitzero" class:"internal"`  // of Disputed, what is undecided; absent when nothing ever was
	Reference   string         `json:"reference,omitempty" class:"internal"` // the institution's own
	Foreign     bool           `json:"foreign,omitempty" class:"internal"`   // another system charged it: the institution knows it by Reference alone
	Action      string         `json:"action,omitempty" class:"internal"`    // where the payer goes on
	Reason      string         `json:"reason,omitempty" class:"internal"`    // why it failed or is quarantined, a code
	Operation
	EndedAt time.Time `json:"ended_at,omitzero" class:"internal"` // when the outcome was recorded

	Released time.Time `json:"released,omitzero" class:"internal"` // of a charge that is to be shared out, when the institution lets go of it by itself
	Lapsing  bool      `json:"lapsing,omitempty" class:"internal"` // and that is near, while its subject has come to no end

	Held    bool           `json:"held,omitempty" class:"internal"`    // an authorisation: the money is taken later, by captures
	Drawn   platform.Money `json:"drawn,omitzero" class:"internal"`    // of an authorisation, taken by captures or about to be; absent when nothing
	Want    platform.Money `json:"want,omitzero" class:"internal"`     // of an authorisation, what the next capture takes; absent when none is asked for
	Final   bool           `json:"final,omitempty" class:"internal"`   // the capture, or the next one of the authorisation, lets go of the rest
	Capture platform.ID    `json:"capture,omitempty" class:"internal"` // of an authorisation, the one under way; empty for none
	Expires time.Time      `json:"expires,omitzero" class:"internal"`  // of an authorisation, when the institution lets go by itself; zero if it does not say
	Tries   int            `json:"tries,omitempty" class:"internal"`   // captures of an authorisation that failed in a row
	Of      platform.ID    `json:"of,omitempty" class:"internal"`      // of a capture, its authorisation
}

// Ref names the attempt.
func (a Attempt) Ref() platform.Ref { return platform.Ref{Kind: "payment.attempt", ID: a.ID} }

// Key is the attempt's key at the institution.
func (a Attempt) Key() Key {
	if a.Of != "" {
		return Key(a.ID.As("cap"))
	}
	return Key(a.ID)
}

// Open tells whether the outcome is still to come.
func (a Attempt) Open() bool { return slices.Contains(open, a.State) }

// Learn returns the attempt as the institution's word leaves it. An absence
// counts only when it is certain. Money on a failed attempt is surplus; an
// amount other than the one tried is quarantined.
//
// It fails with ErrNothingNew when the word says nothing, or nothing that was
// not known: older news never moves the state.
func (a Attempt) Learn(st Status, certain bool, at time.Time) (Attempt, error) {
	if a.Held && slices.Contains(holding, a.State) {
		return a.lost(st, at)
	}
	switch {
	case st.Outcome == Done && st.Amount != a.Amount:
		next, err := a.end("quarantine", platform.System, st, at)
		if next.Reason = "payment.mismatch"; a.Held {
			next.Received = platform.Money{} // held there, not taken
		}
		return next, err
	case st.Outcome == Done && a.Held && a.State == AttemptFailed:
		return a.Release(st.Reference, platform.System, at)
	case st.Outcome == Done && a.Held:
		return a.authorized(st, platform.System, at)
	case st.Outcome == Done && a.State == AttemptFailed:
		return a.end("surplus", platform.System, st, at)
	case st.Outcome == Done:
		return a.end("capture", platform.System, st, at)
	case st.Outcome == Declined, st.Outcome == Absent && certain:
		next, err := a.end("fail", platform.System, Status{Reference: st.Reference}, at)
		next.Reason = reason(st)
		return next, err
	case st.Outcome == NeedsAction && a.Action == "":
		next, err := a.move("act", platform.System)
		next.Action, next.Until, next.Due = st.Action, st.Until, st.Until
		return next, err
	}
	return Attempt{}, fmt.Errorf("attempt %s: %w", a.ID, ErrNothingNew)
}

// reason is the code of a failure: the institution's own, or else the outcome.
func reason(st Status) string {
	if st.Code != "" {
		return st.Code
	}
	return "payment." + string(st.Outcome)
}

// Doubt returns the attempt after an answer that told nothing, or none: unknown,
// with the next look; manual after a day. It fails with ErrNothingNew when the
// attempt is over, or was asked about by somebody else meanwhile.
func (a Attempt) Doubt(at time.Time) (Attempt, error) {
	if a.State != AttemptSent && at.Before(a.Due) {
		return Attempt{}, fmt.Errorf("attempt %s: %w", a.ID, ErrNothingNew)
	}
	wait, verb := a.looked("doubt", at)
	next, err := a.move(verb, platform.System)
	next.Operation = wait
	return next, err
}

// Surplus returns the attempt as money that came and that nobody takes. It fails
// with ErrNothingNew when its outcome was known.
func (a Attempt) Surplus(received platform.Money, reference string, by platform.ActorKind, at time.Time) (Attempt, error) {
	return a.end("surplus", by, Status{Amount: received, Reference: reference}, at)
}

// Resolve returns the attempt as an operator found it in the institution's
// books: nothing taken (absent or zero) is a failure, the amount tried is
// captured, any other is surplus. An authorisation of the amount tried holds; any
// other is let go of. It fails with ErrNotResolvable unless the
// attempt is quarantined or manual, and with ErrAmount for another currency or
// less than zero.
func (a Attempt) Resolve(taken platform.Money, at time.Time) (Attempt, error) {
	found := Status{Amount: taken, Reference: a.Reference}
	switch {
	case !slices.Contains(queued, a.State):
		return Attempt{}, platform.Detail(fmt.Errorf("resolve %s: %w", a.ID, ErrNotResolvable), "state", string(a.State))
	case taken.Sign() == 0:
		return a.end("fail", platform.Operator, Status{Reference: a.Reference}, at)
	case taken.Sign() < 0 || taken.Currency() != a.Amount.Currency():
		return Attempt{}, fmt.Errorf("resolve %s: %w", a.ID, ErrAmount)
	case a.Held && taken == a.Amount:
		return a.authorized(found, platform.Operator, at)
	case a.Held:
		return a.Release(a.Reference, platform.Operator, at)
	case taken == a.Amount:
		return a.end("capture", platform.Operator, found, at)
	}
	return a.end("surplus", platform.Operator, found, at)
}

// gone is what is back already, on its way back, or taken back: never more than
// came.
func (a Attempt) gone() int64 {
	return min(a.Returned.Minor()+a.Disputed.Minor(), a.Received.Minor())
}

// twice tells whether the payer's bank has taken back some of what is on its way
// back.
func (a Attempt) twice() bool {
	return a.Disputed.Sign() > 0 && a.Returned.Minor()+a.Disputed.Minor() > a.Received.Minor()
}

// unreturned is what nobody has given or taken back.
func (a Attempt) unreturned() platform.Money {
	left, err := platform.FromMinor(a.Received.Minor()-a.gone(), a.Received.Currency())
	if err != nil {
		return platform.Money{} // money that came has a currency
	}
	return left
}

// has fails with ErrReturnExceeds for an amount of the attempt's currency that is
// more than is unreturned.
func (a Attempt) has(amount platform.Money) error {
	if over, err := amount.Cmp(a.unreturned()); err == nil && over > 0 {
		return platform.Detail(fmt.Errorf("take from %s: %w", a.ID, ErrReturnExceeds), "left", a.unreturned())
	}
	return nil
}

// returning is the attempt with n more (less, when negative) on its way back.
func (a Attempt) returning(n platform.Money) (Attempt, error) {
	if a.Returned.Absent() {
		a.Returned = n
		return a, nil
	}
	sum, err := a.Returned.Add(n)
	a.Returned = sum
	return a, err
}

// end moves the attempt to an outcome.
func (a Attempt) end(verb string, by platform.ActorKind, st Status, at time.Time) (Attempt, error) {
	next, err := a.move(verb, by)
	if err != nil {
		return Attempt{}, err
	}
	next.Received, next.EndedAt = st.Amount, at
	next.Action, next.Reason, next.Due = "", "", time.Time{}
	if st.Reference != "" {
		next.Reference = st.Reference
	}
	return next, nil
}

func (a Attempt) move(verb string, by platform.ActorKind) (Attempt, error) {
	state, err := AttemptMoves.Take(a.State, verb, by)
	if err != nil {
		return Attempt{}, fmt.Errorf("attempt %s: %w", a.ID, err)
	}
	a.State = state
	return a, nil
}
