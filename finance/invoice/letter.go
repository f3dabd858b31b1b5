package invoice

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// LetterState is where a red letter stands.
type LetterState string

// The states of a red letter. Issued, lapsed and refused are ends.
const (
	LetterAsked   LetterState = "asked"
	LetterSent    LetterState = "sent"
	LetterWaiting LetterState = "waiting" // the other side must confirm it, since it used the invoice
	LetterHeld    LetterState = "held"    // it came back with other totals: an operator finds out which are true
	LetterIssued  LetterState = "issued"
	LetterLapsed  LetterState = "lapsed" // it did not
	LetterRefused LetterState = "refused"
)

// Letter is a red letter (紅字發票): it takes an invoice back, in whole or in part.
// An invoice has one under way at a time.
type Letter struct {
	platform.Head
	Invoice platform.ID `json:"invoice" class:"internal"`
	State   LetterState `json:"state" class:"internal"`
	Why     string      `json:"why" class:"internal"` // a code
	Document
	Official string      `json:"official,omitempty" class:"internal"`
	Hash     string      `json:"hash,omitempty" class:"internal"`
	Link     string      `json:"link,omitempty" class:"internal"`
	Until    time.Time   `json:"until,omitzero" class:"internal"` // by when it must be confirmed
	By       platform.ID `json:"by" class:"internal"`
	At       time.Time   `json:"at" class:"internal"`
	Operation
	EndedAt time.Time `json:"ended_at,omitzero" class:"internal"`
}

// Ref names the letter.
func (l Letter) Ref() platform.Ref { return platform.Ref{Kind: letterKind, ID: l.ID} }

// letterID is the id of an invoice's n-th letter: time and slot of the invoice,
// and the first 8 bytes of SHA-256(invoice, n).
func letterID(invoice platform.ID, n int) platform.ID {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", invoice, n))
	return platform.NewID("red", invoice.Time(), invoice.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// LetterMoves is the transition table of a red letter.
var LetterMoves = platform.Moves[LetterState]{
	{Verb: "ask", From: []LetterState{""}, To: LetterAsked, By: []platform.ActorKind{platform.Customer, platform.Merchant, platform.Operator, platform.System}, Refusal: ErrNotReversible},
	{Verb: "send", From: []LetterState{LetterAsked, LetterSent}, To: LetterSent, By: system, Refusal: ErrNothingNew},
	{Verb: "wait", From: []LetterState{LetterSent, LetterWaiting}, To: LetterWaiting, By: system, Refusal: ErrNothingNew},
	{Verb: "doubt", From: []LetterState{LetterSent, LetterWaiting}, By: system, Refusal: ErrNothingNew},
	{Verb: "issue", From: []LetterState{LetterSent, LetterWaiting}, To: LetterIssued, By: system, Refusal: ErrNothingNew},
	{Verb: "lapse", From: []LetterState{LetterSent, LetterWaiting}, To: LetterLapsed, By: system, Refusal: ErrNothingNew},
	{Verb: "hold", From: []LetterState{LetterSent, LetterWaiting}, To: LetterHeld, By: system, Refusal: ErrNothingNew},
	{Verb: "check", From: []LetterState{LetterHeld, LetterSent}, To: LetterSent, By: clerks, Refusal: ErrNotHeld},
	{Verb: "void", From: []LetterState{LetterHeld, LetterSent}, To: LetterRefused, By: clerks, Refusal: ErrNotHeld},
	{Verb: "refuse", From: []LetterState{LetterSent, LetterWaiting}, To: LetterRefused, By: system, Refusal: ErrNothingNew},
}

var (
	system = []platform.ActorKind{platform.System}
	clerks = []platform.ActorKind{platform.Operator}
)

// otherTotals is the reason of what came back with other totals than asked for.
const otherTotals = "invoice.totals"

func (l Letter) take(verb string) (Letter, error) {
	state, err := LetterMoves.Take(l.State, verb, platform.System)
	if err != nil {
		return Letter{}, fmt.Errorf("red letter %s: %w", l.ID, err)
	}
	l.State = state
	return l, nil
}

// Sent returns the letter as it goes out; an answer is waited for until then. It
// fails with ErrNotDue before its time.
func (l Letter) Sent(at, until time.Time) (Letter, error) {
	next, err := l.take("send")
	if err == nil && at.Before(l.Due) {
		err = fmt.Errorf("send %s: %w", l.ID, ErrNotDue)
	}
	next.SentAt, next.Due, next.Looks = at, until, 0
	return next, err
}

// Learn returns the letter as the Invoicer's answer leaves it: issued; waiting
// for the other side, by the moment given, and then hourly; lapsed; refused; or held,
// with other totals than were asked for.
// It fails with ErrNothingNew when the answer tells nothing, or nothing new.
func (l Letter) Learn(a Answer, confirm time.Duration, at time.Time) (next Letter, err error) {
	same := a.Gross == l.Gross && a.Tax == l.Tax
	switch {
	case a.Outcome == Done && same:
		next, err = l.take("issue")
		next.Official, next.Hash, next.Link = a.Official, a.Hash, a.Link
	case a.Outcome == Done:
		next, err = l.take("hold")
		next.Reason, next.Due = otherTotals, time.Time{}
		return next, err
	case a.Outcome == Lapsed:
		next, err = l.take("lapse")
	case a.Outcome == Refused:
		next, err = l.take("refuse")
		next.Reason = a.Reason
	case a.Outcome == Waiting && l.State == LetterSent:
		next, err = l.take("wait")
		next.Until, next.Looks = a.Until, 0
		if next.Until.IsZero() {
			next.Until = at.Add(confirm)
		}
		next.Due = earlier(next.Until, at.Add(time.Hour))
		return next, err
	case a.Outcome == Waiting && l.State == LetterWaiting && !at.Before(l.Due):
		next, err = l.take("wait")
		if next.Due = at.Add(time.Hour); at.Before(l.Until) {
			next.Due = earlier(l.Until, next.Due)
		}
		return next, err
	default:
		return Letter{}, fmt.Errorf("red letter %s: %w", l.ID, ErrNothingNew)
	}
	next.EndedAt, next.Due = at, time.Time{}
	return next, err
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// held tells whether the letter waits for an operator. One that came back before
// there was a state for that is sent, with the reason.
func (l Letter) held() bool {
	return l.State == LetterHeld || l.State == LetterSent && l.Reason == otherTotals
}

// Check returns a held letter as its Invoicer is asked about it again, and Void as
// the Invoicer has declared it void, for a reason. Both fail with ErrNotHeld for one
// that is not held.
func (l Letter) Check(by platform.ActorKind, at time.Time) (Letter, error) {
	next, err := l.decided("check", by)
	next.Reason, next.Due, next.Looks = "", at, 0
	return next, err
}

// Void is told of at [Letter.Check].
func (l Letter) Void(reason string, by platform.ActorKind, at time.Time) (Letter, error) {
	next, err := l.decided("void", by)
	next.Reason, next.Due, next.EndedAt = reason, time.Time{}, at
	return next, err
}

func (l Letter) decided(verb string, by platform.ActorKind) (Letter, error) {
	state, err := LetterMoves.Take(l.State, verb, by)
	if err == nil && !l.held() {
		err = ErrNotHeld
	}
	if err != nil {
		return Letter{}, fmt.Errorf("red letter %s: %w", l.ID, err)
	}
	l.State = state
	return l, nil
}

// Doubt returns the letter after an answer that told nothing, or none.
func (l Letter) Doubt(at time.Time) (Letter, error) {
	next, err := l.take("doubt")
	if err == nil && l.Looks > 0 && at.Before(l.Due) {
		err = fmt.Errorf("red letter %s: %w", l.ID, ErrNothingNew)
	}
	next.Operation = l.doubted(at)
	return next, err
}

// ended is the invoice after its letter came to an end.
func (v Invoice) ended(l Letter) (Invoice, error) {
	verb := "red_none"
	if l.State == LetterIssued {
		v.Lines = append([]Line(nil), v.Lines...)
		for _, part := range l.Lines {
			for i := range v.Lines {
				if v.Lines[i].No == part.No {
					v.Lines[i].Red = plus(v.Lines[i].Red, part.Gross)
				}
			}
		}
		v.Red = plus(v.Red, l.Gross)
	}
	switch {
	case v.Left().Sign() == 0:
		verb = "red_all"
	case v.Red.Sign() > 0:
		verb = "red_part"
	}
	next, err := v.take(verb, platform.System)
	next.Letter, next.Reason = "", ""
	return next, err
}

func (l Letter) happened(what string) platform.Change {
	return platform.Happened("invoice."+what, l.Ref(), struct {
		Invoice  platform.ID    `json:"invoice"`
		Gross    platform.Money `json:"gross"`
		Tax      platform.Money `json:"tax"`
		Official string         `json:"official,omitempty"`
		Until    time.Time      `json:"until,omitzero"`
	}{l.Invoice, l.Gross, l.Tax, l.Official, l.Until})
}
