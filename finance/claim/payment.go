package claim

import (
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// PaymentState is how far the payment of a claim has come.
type PaymentState string

// The states of a payment.
const (
	PaymentSending PaymentState = "sending" // its outcome is not known yet
	PaymentManual  PaymentState = "manual"  // an operator finds out
	PaymentPaid    PaymentState = "paid"
	PaymentLost    PaymentState = "failed" // for certain: nothing was paid
)

var paymentMoves = platform.Moves[PaymentState]{
	{Verb: "arrive", From: []PaymentState{PaymentSending, PaymentManual}, To: PaymentPaid, By: []platform.ActorKind{platform.System, platform.Operator}, Refusal: ErrNotPaying},
	{Verb: "fail", From: []PaymentState{PaymentSending, PaymentManual}, To: PaymentLost, By: []platform.ActorKind{platform.System, platform.Operator}, Refusal: ErrNotPaying},
	{Verb: "doubt", From: []PaymentState{PaymentSending}, To: PaymentSending, By: clock, Refusal: ErrNothingNew},
	{Verb: "park", From: []PaymentState{PaymentSending}, To: PaymentManual, By: clock, Refusal: ErrNothingNew},
}

// Payment is one try to pay a claim; its id is the key under which the
// institution knows it.
type Payment struct {
	platform.Head
	Claim     platform.ID    `json:"claim" class:"internal"`
	Payee     platform.ID    `json:"payee" class:"internal"`
	Amount    platform.Money `json:"amount" class:"internal"`
	State     PaymentState   `json:"state" class:"internal"`
	Payers    []platform.ID  `json:"payers" class:"internal"` // who sent it, and for whom
	Sent      time.Time      `json:"sent" class:"internal"`
	Until     time.Time      `json:"until" class:"internal"` // while the call may be under way
	Due       time.Time      `json:"due,omitzero" class:"internal"`
	Looks     int            `json:"looks,omitempty" class:"internal"`
	Absent    bool           `json:"absent,omitempty" class:"internal"` // the institution has never seen it: it goes out again
	Reference string         `json:"reference,omitempty" class:"internal"`
	Reason    string         `json:"reason,omitempty" class:"internal"` // a code
}

// Ref names the payment.
func (p Payment) Ref() platform.Ref { return platform.Ref{Kind: paymentKind, ID: p.ID} }

// looks are the waits before the institution is asked again; after the last, an
// hour each, and after a day a person finds out.
var looks = [...]time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute}

const patience = 24 * time.Hour

// word is what somebody said of a payment: the institution, or an operator who
// asked the bank.
type word struct {
	Outcome, Reference, Reason string
}

// learn is the payment as the word leaves it. It fails with ErrNothingNew when it
// was over before, or somebody else asked meanwhile.
func (p Payment) learn(in word, by platform.ActorKind, at time.Time) (Payment, error) {
	verb := map[string]string{"paid": "arrive", "failed": "fail", "returned": "fail"}[in.Outcome]
	if verb == "" {
		return p.doubt(in, at)
	}
	next, err := p.move(verb, by)
	next.Due, next.Absent, next.Reference, next.Reason = time.Time{}, false, in.Reference, in.Reason
	return next, err
}

// doubt is a payment of which nothing is known for certain, to be asked about
// later.
func (p Payment) doubt(in word, at time.Time) (Payment, error) {
	end := p.Sent.Add(patience)
	verb := "doubt"
	if !at.Before(end) {
		verb = "park"
	}
	next, err := p.move(verb, platform.System)
	if err != nil {
		return Payment{}, err
	}
	next.Absent, next.Reason, next.Looks, next.Due = in.Outcome == "absent", in.Reason, p.Looks+1, time.Time{}
	if verb == "park" {
		return next, nil
	}
	wait := time.Hour
	if p.Looks < len(looks) {
		wait = looks[p.Looks]
	}
	if next.Due = at.Add(wait); next.Due.After(end) {
		next.Due = end
	}
	return next, nil
}

func (p Payment) move(verb string, by platform.ActorKind) (Payment, error) {
	state, err := paymentMoves.Take(p.State, verb, by)
	if err != nil {
		return Payment{}, fmt.Errorf("payment %s: %w", p.ID, err)
	}
	p.State = state
	return p, nil
}
