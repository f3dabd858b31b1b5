package invoice

import (
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Kind is what an invoice is about.
type Kind string

// The kinds.
const (
	ForService Kind = "service"     // a merchant to a customer
	ForFee     Kind = "fee"         // the platform to a merchant
	SelfBilled Kind = "self_billed" // the platform in a merchant's name, where the law allows it
)

// State is where an invoice stands.
type State string

// The states of an invoice. Cancelled is an end; so is red, once all is reversed.
const (
	Requested  State = "requested"
	Issuing    State = "issuing" // claimed under its number; the call is under way, or nobody knows
	Issued     State = "issued"
	Failed     State = "failed"      // refused for certain; tried again under its number and key
	RedPending State = "red_pending" // with a reason: its letter is held, and an operator decides
	PartlyRed  State = "partly_red"
	Red        State = "red"
	Cancelled  State = "cancelled" // before it was sent, or after it failed: then its number stays listed
)

// Invoice is one invoice. Its lines never change but for what red letters take
// back of them.
type Invoice struct {
	platform.Head
	State   State        `json:"state" class:"internal"`
	Kind    Kind         `json:"kind" class:"internal"`
	Subject platform.Ref `json:"subject" class:"internal"` // what is invoiced: an order, a period
	Seller  platform.ID  `json:"seller" class:"internal"`
	Buyer   platform.ID  `json:"buyer" class:"internal"`

	Company bool            `json:"company,omitempty" class:"internal"`
	Title   platform.Sealed `json:"title,omitempty" class:"personal,invoicing,10y,duty"`
	TaxID   platform.Sealed `json:"tax_id,omitempty" class:"personal,invoicing,10y,duty"`

	Document
	Red     platform.Money `json:"red" class:"internal"` // of Gross, taken back by issued letters
	Letters int            `json:"letters,omitempty" class:"internal"`
	Letter  platform.ID    `json:"letter,omitempty" class:"internal"` // the one under way

	Number   int64  `json:"number,omitempty" class:"internal"`   // in the series of seller and kind; 0 before it was sent
	Official string `json:"official,omitempty" class:"internal"` // the authority's own number
	Hash     string `json:"hash,omitempty" class:"internal"`     // of the official file
	Link     string `json:"link,omitempty" class:"internal"`     // to it

	By  platform.ID `json:"by" class:"internal"`            // who asked for it
	For platform.ID `json:"for,omitempty" class:"internal"` // on whose behalf
	At  time.Time   `json:"at" class:"internal"`
	Operation
	EndedAt time.Time `json:"ended_at,omitzero" class:"internal"` // when it was issued or cancelled
}

// Ref names the invoice.
func (v Invoice) Ref() platform.Ref { return platform.Ref{Kind: invoiceKind, ID: v.ID} }

// Operation is what is going on with the Invoicer.
type Operation struct {
	SentAt time.Time `json:"sent_at,omitzero" class:"internal"`
	Looks  int       `json:"looks,omitempty" class:"internal"`  // how often the Invoicer was asked without news
	Tries  int       `json:"tries,omitempty" class:"internal"`  // that failed for certain
	Reason string    `json:"reason,omitempty" class:"internal"` // why, a code
	Due    time.Time `json:"due,omitzero" class:"internal"`     // when it goes on by itself
}

// waits between looks at what is not known, and between tries of what failed.
var (
	waits   = []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
	retries = []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour}
)

// doubted is the operation after a look without news.
func (o Operation) doubted(at time.Time) Operation {
	o.Due = at.Add(waits[min(o.Looks, len(waits)-1)])
	o.Looks++
	return o
}

// failed is the operation after a certain refusal.
func (o Operation) failed(reason string, at time.Time) Operation {
	o.Reason, o.Due = reason, time.Time{}
	if o.Tries < len(retries) {
		o.Due = at.Add(retries[o.Tries])
	}
	o.Tries++
	return o
}

// Moves is the transition table of an invoice.
var Moves = moves()

func moves() platform.Moves[State] {
	const c, m, o, y = platform.Customer, platform.Merchant, platform.Operator, platform.System
	type kinds = []platform.ActorKind
	type from = []State
	return platform.Moves[State]{
		{Verb: "request", From: from{""}, To: Requested, By: kinds{c, m, y}, Refusal: ErrNotRequestable},
		{Verb: "issue", From: from{Requested, Failed, Issuing}, To: Issuing, By: kinds{o, y}, Refusal: ErrNotIssuable},
		{Verb: "issued", From: from{Issuing}, To: Issued, By: kinds{y}, Refusal: ErrNothingNew},
		{Verb: "fail", From: from{Issuing}, To: Failed, By: kinds{y}, Refusal: ErrNothingNew},
		{Verb: "doubt", From: from{Issuing}, To: Issuing, By: kinds{y}, Refusal: ErrNothingNew},
		{Verb: "cancel", From: from{Requested, Failed}, To: Cancelled, By: kinds{c, m, o, y}, Refusal: ErrNotCancellable},
		{Verb: "ask_red", From: from{Issued, PartlyRed}, To: RedPending, By: kinds{c, m, o, y}, Refusal: ErrNotReversible},
		{Verb: "red_part", From: from{RedPending}, To: PartlyRed, By: kinds{y}, Refusal: ErrNothingNew},
		{Verb: "red_all", From: from{RedPending}, To: Red, By: kinds{y}, Refusal: ErrNothingNew},
		{Verb: "red_none", From: from{RedPending}, To: Issued, By: kinds{y}, Refusal: ErrNothingNew},
	}
}

func (v Invoice) take(verb string, by platform.ActorKind) (Invoice, error) {
	state, err := Moves.Take(v.State, verb, by)
	if err != nil {
		return Invoice{}, fmt.Errorf("invoice %s: %w", v.ID, err)
	}
	v.State = state
	return v, nil
}

// Open lists the moves that a kind of actor may make now.
func (v Invoice) Open(by platform.ActorKind) []string { return Moves.Open(v.State, by) }

// Sent returns the invoice as it goes out, under the number if it has none yet;
// an answer is waited for until then. By itself it goes out only when it is due
// (ErrNotDue); an operator may send at any time what failed, or came back with
// other totals, but nothing that is under way (ErrNotIssuable).
func (v Invoice) Sent(number int64, by platform.ActorKind, at, until time.Time) (Invoice, error) {
	next, err := v.take("issue", by)
	switch {
	case err != nil:
		return Invoice{}, err
	case by == platform.Operator && v.State == Issuing && v.Reason == "":
		return Invoice{}, fmt.Errorf("issue %s: %w", v.ID, ErrNotIssuable)
	case by != platform.Operator && (v.Due.IsZero() || at.Before(v.Due)):
		return Invoice{}, fmt.Errorf("issue %s: %w", v.ID, ErrNotDue)
	}
	if next.Number == 0 {
		next.Number = number
	}
	next.SentAt, next.Due, next.Looks, next.Reason = at, until, 0, ""
	return next, nil
}

// Learn returns the invoice as the Invoicer's answer leaves it. Totals other
// than those asked for are no news that could be taken: a person looks at it, and
// the reason is invoice.totals. It fails with ErrNothingNew when the answer tells
// nothing, or nothing that was not known.
func (v Invoice) Learn(a Answer, at time.Time) (Invoice, error) {
	switch {
	case a.Outcome == Done && a.Gross != v.Gross, a.Outcome == Done && a.Tax != v.Tax:
		next, err := v.take("doubt", platform.System)
		if v.Reason == otherTotals {
			err = fmt.Errorf("invoice %s: %w", v.ID, ErrNothingNew)
		}
		next.Reason, next.Due = otherTotals, time.Time{}
		return next, err
	case a.Outcome == Done:
		next, err := v.take("issued", platform.System)
		next.Official, next.Hash, next.Link, next.EndedAt = a.Official, a.Hash, a.Link, at
		next.Due, next.Reason, next.Looks = time.Time{}, "", 0
		return next, err
	case a.Outcome == Refused:
		next, err := v.take("fail", platform.System)
		next.Operation = v.failed(a.Reason, at)
		return next, err
	}
	return Invoice{}, fmt.Errorf("invoice %s: %w", v.ID, ErrNothingNew)
}

// Doubt returns the invoice after an answer that told nothing, or none: when it
// is looked at next. Before that is due it fails with ErrNothingNew.
func (v Invoice) Doubt(at time.Time) (Invoice, error) {
	next, err := v.take("doubt", platform.System)
	if err == nil && v.Looks > 0 && at.Before(v.Due) {
		err = fmt.Errorf("invoice %s: %w", v.ID, ErrNothingNew)
	}
	next.Operation = v.doubted(at)
	return next, err
}

// Cancel returns the invoice given up.
func (v Invoice) Cancel(by platform.ActorKind, at time.Time) (Invoice, error) {
	next, err := v.take("cancel", by)
	next.EndedAt, next.Due = at, time.Time{}
	return next, err
}

// Left is what red letters have not taken back.
func (v Invoice) Left() platform.Money { return minus(v.Gross, v.Red) }

// counts tells whether the invoice uses up what may be invoiced.
func (v Invoice) counts() bool { return v.State != Cancelled }

// mine tells whether the invoice is the actor's to see.
func (v Invoice) mine(a platform.Actor) bool {
	return a.Kind == platform.Operator || a.Kind == platform.System || a.Kind == platform.Auditor || party(a, v.Seller, v.Buyer)
}

// party tells whether the actor acts for one of the two.
func party(a platform.Actor, seller, buyer platform.ID) bool {
	return slices.Contains([]platform.ActorKind{platform.Customer, platform.Merchant}, a.Kind) && (a.For() == seller || a.For() == buyer)
}

// facts are an invoice in an event: amounts, and nothing of a title.
func (v Invoice) facts() any {
	return struct {
		Subject  platform.Ref   `json:"subject"`
		Kind     Kind           `json:"kind"`
		Seller   platform.ID    `json:"seller"`
		Buyer    platform.ID    `json:"buyer"`
		State    State          `json:"state"`
		Gross    platform.Money `json:"gross"`
		Tax      platform.Money `json:"tax"`
		Red      platform.Money `json:"red"`
		Number   int64          `json:"number,omitempty"`
		Official string         `json:"official,omitempty"`
	}{v.Subject, v.Kind, v.Seller, v.Buyer, v.State, v.Gross, v.Tax, v.Red, v.Number, v.Official}
}

func (v Invoice) happened(what string) platform.Change {
	return platform.Happened("invoice."+what, v.Ref(), v.facts())
}
