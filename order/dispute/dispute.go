package dispute

import (
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Side is one of the two parties.
type Side string

// The sides.
const (
	TheCustomer Side = "customer"
	TheMerchant Side = "merchant"
)

func (s Side) kind() platform.ActorKind { return platform.ActorKind(s) }

// Dispute is a disagreement over the money of an order. It is a value; the
// decisions on it return the dispute as it would be and change nothing.
type Dispute struct {
	platform.Head
	Kind     string        `json:"kind" class:"internal"` // service, or chargeback when it is a view of one
	Order    platform.ID   `json:"order" class:"internal"`
	Customer platform.ID   `json:"customer" class:"internal"`
	Merchant platform.ID   `json:"merchant" class:"internal"`
	Staff    []platform.ID `json:"staff,omitempty" class:"internal"`
	State    State         `json:"state" class:"internal"`
	Opener   Side          `json:"opener" class:"internal"`
	Reason   string        `json:"reason" class:"internal"`           // a code
	Review   bool          `json:"review,omitempty" class:"internal"` // the screening wants a person to look: silence grants nothing

	Amount platform.Money `json:"amount" class:"internal"`          // held
	Claim  platform.Money `json:"claim,omitzero" class:"internal"`  // what the customer wants of it
	Banked platform.Money `json:"banked,omitzero" class:"internal"` // what banks had taken of the order before

	Round    int           `json:"round" class:"internal"` // from 1 on
	Turns    []Turn        `json:"turns" class:"internal"` // what happened, the oldest first
	Offer    *Offer        `json:"offer,omitempty" class:"internal"`
	Silences int           `json:"silences,omitempty" class:"internal"` // of the customer
	Chain    string        `json:"chain,omitempty" class:"internal"`    // hash over all evidence so far
	Hands    []platform.ID `json:"hands,omitempty" class:"internal"`    // of the platform, who took part: none of them decides

	Proposed *Ruling  `json:"proposed,omitempty" class:"internal"` // waits for a second pair of eyes
	Rulings  []Ruling `json:"rulings,omitempty" class:"internal"`  // the last holds
	Appeals  []Side   `json:"appeals,omitempty" class:"internal"`
	Waived   []Side   `json:"waived,omitempty" class:"internal"`

	OpenedAt    time.Time `json:"opened_at" class:"internal"`
	EscalatedAt time.Time `json:"escalated_at,omitzero" class:"internal"`
	PausedAt    time.Time `json:"paused_at,omitzero" class:"internal"`
	EndedAt     time.Time `json:"ended_at,omitzero" class:"internal"`
	Deadline    time.Time `json:"deadline,omitzero" class:"internal"` // of whose turn it is
	Due         time.Time `json:"due,omitzero" class:"internal"`      // when it is looked at again
}

// Ref names the dispute.
func (d Dispute) Ref() platform.Ref { return platform.Ref{Kind: disputeKind, ID: d.ID} }

// Turn is one thing that somebody did, or failed to do.
type Turn struct {
	At       time.Time      `json:"at" class:"internal"`
	By       platform.ID    `json:"by,omitempty" class:"internal"`
	Side     string         `json:"side" class:"internal"` // customer, merchant, platform
	Move     string         `json:"move" class:"internal"` // opened, contested, offered, conceded, silent, settled, escalated, decided, appealed …
	Round    int            `json:"round" class:"internal"`
	Amount   platform.Money `json:"amount,omitzero" class:"internal"`
	Reason   string         `json:"reason,omitempty" class:"internal"` // a code
	Evidence []platform.ID  `json:"evidence,omitempty" class:"internal"`
}

// Refund is the id of the refund that carries the decision out. The formula is
// frozen: the dispute's own id under the prefix rfd.
func (d Dispute) Refund() platform.ID { return d.ID.As("rfd") }

// Whose tells who has to act now: customer, merchant, arbiter, platform, bank; "" at
// an end.
func (d Dispute) Whose() string {
	switch d.State {
	case MerchantTurn:
		return string(TheMerchant)
	case CustomerTurn:
		return string(TheCustomer)
	case Arbitration, Appealed:
		return "arbiter"
	case BankTurn:
		return "bank"
	case Closed, Withdrawn:
		return ""
	}
	return "platform"
}

// Ruling is what holds now; nil before anything was decided.
func (d Dispute) Ruling() *Ruling {
	if len(d.Rulings) == 0 {
		return nil
	}
	return &d.Rulings[len(d.Rulings)-1]
}

// side is that of whom the actor acts for.
func (d Dispute) side(by platform.Actor) (Side, bool) {
	switch {
	case by.For() == d.Customer && (by.Kind == platform.Customer || by.Kind == platform.Operator):
		return TheCustomer, true
	case by.For() == d.Merchant && (by.Kind == platform.Merchant || by.Kind == platform.Operator):
		return TheMerchant, true
	}
	return "", false
}

// visible tells whether the dispute exists for the actor.
func (d Dispute) visible(by platform.Actor) bool {
	if slices.Contains([]platform.ActorKind{platform.Operator, platform.System, platform.Auditor}, by.Kind) {
		return true
	}
	_, party := d.side(by)
	return party
}

// take moves the dispute by the verb.
func (d Dispute) take(verb string, by platform.ActorKind) (Dispute, error) {
	state, err := Moves.Take(d.State, verb, by)
	if err != nil {
		return Dispute{}, fmt.Errorf("dispute %s: %w", d.ID, err)
	}
	d.State = state
	return d, nil
}

// says adds a turn.
func (d Dispute) says(t Turn) Dispute {
	t.Round = d.Round
	d.Turns = append(slices.Clip(d.Turns), t)
	return d
}

// touched notes who of the platform took part.
func (d Dispute) touched(by platform.Actor) Dispute {
	if by.Kind == platform.Operator && !slices.Contains(d.Hands, by.ID) {
		d.Hands = append(slices.Clip(d.Hands), by.ID)
	}
	return d
}

// until gives whose turn it is so much time.
func (d Dispute) until(deadline time.Time) Dispute {
	d.Deadline, d.Due, d.PausedAt = deadline, deadline, time.Time{}
	return d
}

// toSpeak gives whose turn it is the time of a turn; an arbiter comes in once the
// time to agree is over, unless it was over before.
func (d Dispute) toSpeak(t Terms, at time.Time) Dispute {
	d = d.until(at.Add(t.Turn))
	if end := d.OpenedAt.Add(t.Escalate); end.After(at) && end.Before(d.Due) {
		d.Due = end
	}
	return d
}

// late tells whether the time to act is over. While the bank decided none passed.
func (d Dispute) late(at time.Time) bool {
	return d.PausedAt.IsZero() && !d.Deadline.IsZero() && !at.Before(d.Deadline)
}

// facts are what an event of a dispute tells its readers.
func (d Dispute) facts() any {
	return struct {
		Order    platform.ID    `json:"order"`
		Customer platform.ID    `json:"customer"`
		Merchant platform.ID    `json:"merchant"`
		State    State          `json:"state"`
		Opener   Side           `json:"opener"`
		Reason   string         `json:"reason"`
		Amount   platform.Money `json:"amount"`
		Round    int            `json:"round"`
		Legs     []Leg          `json:"legs,omitempty"`
		Rule     string         `json:"rule,omitempty"`
	}{d.Order, d.Customer, d.Merchant, d.State, d.Opener, d.Reason, d.Amount, d.Round, d.legs(), d.rule()}
}

func (d Dispute) legs() []Leg {
	if r := d.Ruling(); r != nil {
		return r.Legs
	}
	return nil
}

func (d Dispute) rule() string {
	if r := d.Ruling(); r != nil {
		return r.Rule
	}
	return ""
}

// happened is an event of the dispute.
func (d Dispute) happened(what string) platform.Change {
	return platform.Happened("dispute."+what, d.Ref(), d.facts())
}

// less is a − b of one currency; it is absent if they are not.
func less(a, b platform.Money) platform.Money {
	rest, err := a.Sub(b)
	if err != nil {
		return platform.Money{}
	}
	return rest
}

func least(a, b platform.Money) platform.Money {
	if a.Minor() < b.Minor() {
		return a
	}
	return b
}

// positive is the amount, or nothing of it if it is negative.
func positive(a platform.Money) platform.Money {
	if a.Sign() < 0 {
		return less(a, a)
	}
	return a
}

// within tells whether an amount lies between zero and the whole.
func within(part, whole platform.Money) bool {
	above, err := part.Cmp(whole)
	return err == nil && part.Sign() >= 0 && above <= 0
}
