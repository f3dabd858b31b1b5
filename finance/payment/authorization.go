package payment

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// lapsing is how long before an authorisation ends by itself what is left of it
// is captured.
const lapsing = 24 * time.Hour

// authorized returns the attempt holding its amount, for as long as the
// institution says.
func (a Attempt) authorized(st Status, by platform.ActorKind, at time.Time) (Attempt, error) {
	next, err := a.end("authorize", by, Status{Reference: st.Reference}, at)
	if err != nil {
		return Attempt{}, err
	}
	next.Operation, next.Expires = Operation{SentAt: a.SentAt}, st.Until
	return next.lapses(), nil
}

// givenUp is why an authorisation is let go of whose money nobody wants any more.
const givenUp = "given_up"

// lapses is the authorisation due for its end, if it has one.
func (a Attempt) lapses() Attempt {
	a.Due = time.Time{}
	if !a.Expires.IsZero() {
		a.Due = a.Expires.Add(-lapsing)
	}
	return a
}

// Left is what an authorisation still holds.
func (a Attempt) Left() platform.Money {
	if a.Drawn.Absent() {
		return a.Amount
	}
	left, err := a.Amount.Sub(a.Drawn)
	if err != nil {
		return platform.Money{} // of two currencies, which Draw refuses
	}
	return left
}

// Draw returns the authorisation with an order to capture the amount, or all
// that is left if it is absent; a final one lets go of the rest. It fails with
// ErrNotHeld when nothing is held, ErrAttemptActive while a capture is under way
// or asked for, ErrAmount unless the amount is positive, and ErrExceedsHeld for
// more than is left.
func (a Attempt) Draw(amount platform.Money, final bool, at time.Time) (Attempt, error) {
	if a.State != AttemptAuthorized {
		return Attempt{}, platform.Detail(fmt.Errorf("draw %s: %w", a.ID, ErrNotHeld), "state", string(a.State))
	}
	if a.Capture != "" || !a.Want.Absent() {
		return Attempt{}, platform.Detail(fmt.Errorf("draw %s: %w", a.ID, ErrAttemptActive), "attempt", a.ID)
	}
	if amount.Absent() {
		amount = a.Left()
	}
	over, err := amount.Cmp(a.Left())
	switch {
	case err != nil:
		return Attempt{}, fmt.Errorf("draw %s: %w", a.ID, err)
	case amount.Sign() <= 0:
		return Attempt{}, fmt.Errorf("draw %s: %w", a.ID, ErrAmount)
	case over > 0:
		return Attempt{}, platform.Detail(fmt.Errorf("draw %s: %w", a.ID, ErrExceedsHeld), "left", a.Left())
	}
	a.Want, a.Final, a.Due, a.Tries = amount, final || over == 0, at, 0
	return a, nil
}

// Claim returns the authorisation with the capture that it waits for, and that
// capture as it goes out until a moment. An authorisation that is about to end
// takes all that is left. It fails with ErrNotHeld when nothing is held or it
// has ended, and with ErrNotDue when no capture is due.
func (a Attempt) Claim(id platform.ID, at, until time.Time) (Attempt, Attempt, error) {
	if a.State != AttemptAuthorized || a.expired(at) {
		return Attempt{}, Attempt{}, fmt.Errorf("capture of %s: %w", a.ID, ErrNotHeld)
	}
	if a.Capture != "" || a.Due.IsZero() || at.Before(a.Due) {
		return Attempt{}, Attempt{}, fmt.Errorf("capture of %s: %w", a.ID, ErrNotDue)
	}
	amount, final := a.Want, a.Final
	if amount.Absent() {
		amount, final = a.Left(), true
	}
	c := Attempt{
		Head: platform.Head{ID: id}, Intent: a.Intent, Subject: a.Subject, Payer: a.Payer, Institution: a.Institution, State: AttemptSent,
		Amount: amount, Of: a.ID, Final: final, Operation: Operation{SentAt: at, Until: until, Due: until},
	}
	drawn, err := sum(a.Drawn, amount)
	if err != nil {
		return Attempt{}, Attempt{}, err
	}
	a.Capture, a.Drawn, a.Want, a.Due = c.ID, drawn, platform.Money{}, time.Time{}
	return a, c, nil
}

// Drew returns the authorisation after the capture has ended: with the money
// gone to it, or free for another try. Of a failure the next try is due after
// 1 h, 6 h and 24 h; then only the end of the authorisation is, or where the
// institution does not say when that is, a try each day.
func (a Attempt) Drew(c Attempt, at time.Time) (Attempt, error) {
	if a.Capture != c.ID {
		return a, nil
	}
	a.Capture = ""
	if c.State == AttemptFailed {
		drawn, err := a.Drawn.Sub(c.Amount)
		if err != nil {
			return Attempt{}, err
		}
		if a.Drawn = drawn; drawn.Sign() == 0 {
			a.Drawn = platform.Money{}
		}
		if a = a.lapses(); a.Tries < len(retries) || a.Expires.IsZero() {
			n := min(a.Tries, len(retries)-1)
			a.Want, a.Final, a.Due, a.Tries = c.Amount, c.Final, at.Add(retries[n]), n+1
		}
		if a.expired(a.Due) || !at.Before(a.Due) {
			a.Due = a.Expires
		}
		return a, nil
	}
	a.Tries = 0
	if !c.Final && a.Left().Sign() > 0 {
		return a.lapses(), nil
	}
	return a.over("", at)
}

// Release returns the attempt letting go of what it holds.
func (a Attempt) Release(reference string, by platform.ActorKind, at time.Time) (Attempt, error) {
	if a.Capture != "" {
		return Attempt{}, platform.Detail(fmt.Errorf("release %s: %w", a.ID, ErrAttemptActive), "attempt", a.Capture)
	}
	next, err := a.end("release", by, Status{Reference: reference}, at)
	next.Operation, next.Want = Operation{Due: at}, platform.Money{}
	return next, err
}

// Void returns the attempt as the call that lets go is sent, until a moment. It
// fails with ErrNotDue unless that is due.
func (a Attempt) Void(at, until time.Time) (Attempt, error) {
	if a.State != AttemptReleasing || !a.SentAt.IsZero() || at.Before(a.Due) {
		return Attempt{}, fmt.Errorf("void %s: %w", a.ID, ErrNotDue)
	}
	a.Operation = Operation{SentAt: at, Until: until, Due: until}
	return a, nil
}

// Voided returns the attempt as the institution's word about the call leaves it:
// released, sent again when the call never arrived, or asked about again; after a
// day it is for an operator. A refusal leaves it to what the institution says of
// the authorisation itself.
func (a Attempt) Voided(st Status, certain bool, at time.Time) (Attempt, error) {
	switch {
	case st.Outcome == Done:
		return a.over("", at)
	case a.expired(at):
		return a.over("expired", at)
	case st.Outcome == Absent && certain && a.Looks < maxVoids:
		next, err := a.move("keep", platform.System)
		next.Operation = Operation{Due: at, Looks: a.Looks + 1}
		return next, err
	}
	wait, verb := a.looked("keep", at)
	next, err := a.move(verb, platform.System)
	next.Operation = wait
	return next, err
}

// maxVoids is how often the institution is asked, about a call that never arrived,
// before an operator finds out why.
const maxVoids = 30

// expired tells whether the institution has let go by itself.
func (a Attempt) expired(at time.Time) bool { return !a.Expires.IsZero() && !at.Before(a.Expires) }

// lost returns an authorisation that the institution ended by itself. It fails
// with ErrNothingNew for any other word.
func (a Attempt) lost(st Status, at time.Time) (Attempt, error) {
	if st.Outcome != Declined {
		return Attempt{}, fmt.Errorf("attempt %s: %w", a.ID, ErrNothingNew)
	}
	return a.over(reason(st), at)
}

// over ends an authorisation.
func (a Attempt) over(reason string, at time.Time) (Attempt, error) {
	next, err := a.move("end", platform.System)
	next.Reason, next.EndedAt, next.Due, next.Want = reason, at, time.Time{}, platform.Money{}
	return next, err
}

// sum adds to an amount that may be absent.
func sum(to, n platform.Money) (platform.Money, error) {
	if to.Absent() {
		return n, nil
	}
	return to.Add(n)
}

// voidKey is the key under which an authorisation is let go of.
func (a Attempt) voidKey() Key { return Key(a.ID.As("voi")) }

// Hold returns the intent with money that the institution holds. It fails as
// [Intent.Take] does.
func (i Intent) Hold(a Attempt) (Intent, error) {
	if i.Active != a.ID {
		return Intent{}, fmt.Errorf("hold %s for %s: %w", a.ID, i.ID, ErrNotPayable)
	}
	i.Active = ""
	if err := i.fits(a.Amount); err != nil {
		return Intent{}, err
	}
	secured, err := i.Secured.Add(a.Amount)
	if err != nil {
		return Intent{}, err
	}
	i.Secured, i.Held = secured, append(slices.Clone(i.Held), a.ID)
	return i.settled()
}

// Drawn returns the intent with a capture's money, out of what the authorisation
// holds. It fails with ErrNotPayable at an end.
func (i Intent) Drawn(c Attempt) (Intent, error) {
	captured, err := i.Captured.Add(c.Amount)
	if err != nil {
		return Intent{}, err
	}
	if over, err := captured.Cmp(i.Secured); err != nil || over > 0 {
		return Intent{}, errors.Join(err, fmt.Errorf("draw %s for %s: %w", c.ID, i.ID, ErrNotPayable))
	}
	i.Captured, i.Paid = captured, append(slices.Clone(i.Paid), c.ID)
	return i.settled()
}

// LetGo returns the intent without an authorisation, of which so much was not
// captured: it is asked for again, unless it was given up (a final capture).
func (i Intent) LetGo(a Attempt, rest platform.Money, givenUp bool) (Intent, error) {
	at := slices.Index(i.Held, a.ID)
	if at < 0 {
		return i, nil
	}
	i.Held = slices.Delete(slices.Clone(i.Held), at, at+1)
	secured, err := i.Secured.Sub(rest)
	if err != nil {
		return Intent{}, err
	}
	i.Secured = secured
	if givenUp {
		if i.Asked, err = i.Asked.Sub(rest); err != nil {
			return Intent{}, err
		}
	}
	if i.ended() {
		return i, nil
	}
	if !givenUp && !i.Most.Absent() && i.Most.Minor() >= i.Secured.Minor() { // nobody pays again what is not wanted
		i.Asked, i.Most = i.Most, platform.Money{}
	}
	return i.settled()
}

// Limit returns the intent of which no more than amount is captured in all, however
// much is held: what is above goes with the final capture, or lapses. It fails
// with ErrBelowSecured when more was captured.
func (i Intent) Limit(amount platform.Money) (Intent, error) {
	below, err := amount.Cmp(i.Captured)
	if err == nil && below < 0 {
		err = ErrBelowSecured
	}
	if err != nil {
		return Intent{}, fmt.Errorf("limit %s: %w", i.ID, err)
	}
	if i.Most = amount; amount.Minor() >= i.Secured.Minor() {
		i.Most = platform.Money{}
	}
	return i, nil
}

// without is the intent after so much of what was secured went elsewhere.
func (i Intent) without(amount platform.Money) (Intent, error) {
	secured, err := i.Secured.Sub(amount)
	if err != nil {
		return Intent{}, err
	}
	if i.Secured = secured; i.ended() {
		return i, nil
	}
	return i.settled()
}

// asksAnew is the intent with time to pay for whoever paid once and has to again.
func (i Intent) asksAnew(at time.Time) Intent {
	if !i.ended() && !i.Due.IsZero() && i.Due.Before(at.Add(lapsing)) {
		i.Due = at.Add(lapsing)
	}
	return i
}

// settled is the intent in the state that its sums say.
func (i Intent) settled() (Intent, error) {
	verb := "part"
	switch {
	case i.Captured == i.Asked && i.State == IntentCaptured:
		return i, nil
	case i.Captured == i.Asked:
		verb = "capture"
	case i.Secured == i.Asked:
		verb = "secure"
	case i.Secured.Sign() == 0:
		verb = "lapse"
	}
	return i.move(verb, platform.System)
}
