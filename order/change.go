package order

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// ChangeState is where a change of an order stands.
type ChangeState string

// The states of a change. Those after Approved are ends.
const (
	ChangePriced    ChangeState = "priced"    // both sides see what it would make of the order
	ChangeApproved  ChangeState = "approved"  // by everybody; what it costs more is not there yet
	ChangeApplied   ChangeState = "applied"   // the order is as it says
	ChangeRejected  ChangeState = "rejected"  // by the other side
	ChangeWithdrawn ChangeState = "withdrawn" // by who proposed it
	ChangeExpired   ChangeState = "expired"   // nobody answered or paid in time, or the order went on without it
	ChangeFailed    ChangeState = "failed"    // it was paid, and could no longer be done
)

// Change is what one side proposes to make of an order that is agreed, priced
// before anybody answers. Until it is applied the order is as it was; a change
// that comes to nothing leaves it so.
type Change struct {
	platform.Head
	Order  platform.ID          `json:"order" class:"internal"`
	State  ChangeState          `json:"state" class:"internal"`
	Base   int                  `json:"base" class:"internal"`              // Order.TermsVersion on which it rests
	Side   platform.ActorKind   `json:"side" class:"internal"`              // customer, merchant or operator
	By     platform.ID          `json:"by" class:"internal"`                // who proposed it
	For    platform.ID          `json:"for" class:"internal"`               // on whose behalf
	Awaits []platform.ActorKind `json:"awaits,omitempty" class:"internal"`  // sides that have not agreed yet
	Agreed []platform.ID        `json:"agreed,omitempty" class:"internal"`  // who approved it
	Reason string               `json:"reason,omitempty" class:"internal"`  // a code
	Ending string               `json:"ending,omitempty" class:"internal"`  // why it came to nothing, a code
	At     time.Time            `json:"at" class:"internal"`                // of the proposal
	Due    time.Time            `json:"due,omitzero" class:"internal"`      // when it expires by itself, or is applied
	Ended  time.Time            `json:"ended_at,omitzero" class:"internal"` //
	PayBy  time.Time            `json:"pay_by,omitzero" class:"internal"`   // of an approved one that costs more
	Extra  platform.Money       `json:"extra,omitzero" class:"internal"`    // asked for on top of what was asked; absent: nothing
	Proposal
}

// Proposal is what an order would be by a change.
type Proposal struct {
	Kinds    []string        `json:"kinds" class:"internal"`               // of time, place, lines, price, staff
	Lines    []Line          `json:"lines,omitempty" class:"internal"`     // all of them; none: as they are
	Start    time.Time       `json:"start,omitzero" class:"internal"`      // planned; zero: as soon as possible
	End      time.Time       `json:"end,omitzero" class:"internal"`        //
	TimeZone string          `json:"time_zone,omitempty" class:"internal"` //
	Spot     *Spot           `json:"spot,omitempty" class:"internal"`      //
	Minutes  int             `json:"minutes,omitempty" class:"internal"`   // usual length of the work
	Total    platform.Money  `json:"total" class:"internal"`               // of the lines
	Delta    platform.Money  `json:"delta" class:"internal"`               // Total less that of the order
	Vacates  []int           `json:"vacates,omitempty" class:"internal"`   // seats whose members cannot follow
	Fees     json.RawMessage `json:"fee_lines,omitempty" class:"internal"` // as [Fees] stated them
	Hash     string          `json:"hash" class:"internal"`                // of all that stands above: what is agreed to
	Until    time.Time       `json:"until,omitzero" class:"internal"`      // until when it can be approved
}

// Ref names the change.
func (c Change) Ref() platform.Ref { return platform.Ref{Kind: "order.change", ID: c.ID} }

// is tells whether the proposal is of a kind.
func (p Proposal) is(kind string) bool { return slices.Contains(p.Kinds, kind) }

// moved tells whether those who do the work must be asked again.
func (p Proposal) moved() bool { return p.is("time") || p.is("place") || p.is("staff") }

// Changing is the one change of an order that is open.
type Changing struct {
	Change   platform.ID `json:"change" class:"internal"`
	Approved bool        `json:"approved,omitempty" class:"internal"` // it is being applied: nothing begins by the old terms
}

// Rescheduled is how often each side moved the plan.
type Rescheduled struct {
	Customer int `json:"customer,omitempty" class:"internal"`
	Merchant int `json:"merchant,omitempty" class:"internal"`
}

const maxReschedules = 3 // by one side

// changeMoves is the machine of a change. It is priced as it is proposed.
var changeMoves = changeTable()

func changeTable() platform.Moves[ChangeState] {
	const c, m, o, y = platform.Customer, platform.Merchant, platform.Operator, platform.System
	type from = []ChangeState
	open := from{ChangePriced, ChangeApproved}
	return platform.Moves[ChangeState]{
		{Verb: "propose", From: from{""}, To: ChangePriced, By: kinds{c, m, o}, Refusal: errChangeNotProposable},
		{Verb: "agree", From: from{ChangePriced}, By: kinds{c, m}, Refusal: errChangeNotApprovable}, // others have yet to
		{Verb: "approve", From: from{ChangePriced}, To: ChangeApproved, By: kinds{c, m}, Refusal: errChangeNotApprovable},
		{Verb: "reject", From: from{ChangePriced}, To: ChangeRejected, By: kinds{c, m}, Refusal: errChangeNotRejectable},
		{Verb: "apply", From: from{ChangeApproved}, To: ChangeApplied, By: kinds{y}, Refusal: errChangeNotAppliable},
		{Verb: "fail", From: from{ChangeApproved}, To: ChangeFailed, By: kinds{y}, Refusal: errChangeNotAppliable},
		{Verb: "withdraw", From: open, To: ChangeWithdrawn, By: kinds{c, m, o}, Refusal: errChangeNotWithdrawable},
		{Verb: "expire", From: open, To: ChangeExpired, By: kinds{y}, Refusal: errChangeNotAppliable},
	}
}

// take moves the change by the verb.
func (c Change) take(verb string, by platform.ActorKind, at time.Time) (Change, error) {
	state, err := changeMoves.Take(c.State, verb, by)
	if err != nil {
		return Change{}, fmt.Errorf("change %s: %w", c.ID, err)
	}
	if c.State = state; c.ended() {
		c.Ended, c.Due = at, time.Time{}
	}
	return c, nil
}

func (c Change) ended() bool { return c.State != ChangePriced && c.State != ChangeApproved }

// sideOf is which side of an order acts: the customer's, the merchant's, or the
// platform's own.
func (o Order) sideOf(by platform.Actor) platform.ActorKind {
	switch {
	case by.Kind == platform.Operator && by.OnBehalf != "" && by.OnBehalf == o.Customer:
		return platform.Customer
	case by.Kind == platform.Operator && by.OnBehalf != "" && by.OnBehalf == o.Merchant:
		return platform.Merchant
	}
	return by.Kind
}

// others are the sides that must agree to what a side proposes.
func others(side platform.ActorKind) []platform.ActorKind {
	return slices.DeleteFunc([]platform.ActorKind{platform.Customer, platform.Merchant}, func(k platform.ActorKind) bool { return k == side })
}

// Approve returns the change with the consent of a side to what it saw. It is
// approved once everybody has agreed.
//
// It fails with ErrChangePrice when hash is of another proposal, with
// change.not_approvable past its time or when the side need not agree.
func (c Change) Approve(hash string, side platform.ActorKind, by platform.ID, at time.Time) (Change, error) {
	if _, err := c.take("agree", side, at); err != nil {
		return Change{}, err
	}
	if hash != c.Hash {
		return Change{}, platform.Detail(fmt.Errorf("approve change %s: %w", c.ID, ErrChangePrice), "quote", c.Proposal)
	}
	if !slices.Contains(c.Awaits, side) || !at.Before(c.Due) {
		return Change{}, platform.Detail(fmt.Errorf("approve change %s: %w", c.ID, errChangeNotApprovable), "state", string(c.State))
	}
	c.Awaits = slices.DeleteFunc(slices.Clone(c.Awaits), func(k platform.ActorKind) bool { return k == side })
	c.Agreed = append(slices.Clone(c.Agreed), by)
	if len(c.Awaits) > 0 {
		return c, nil
	}
	return c.take("approve", side, at)
}

// hashed is the proposal with the hash of what it makes of an order.
func (p Proposal) hashed(o Order) (Proposal, error) {
	p.Hash, p.Until = "", time.Time{}
	text, err := json.Marshal(struct {
		Order platform.ID `json:"order"`
		Base  int         `json:"base"`
		Fees  string      `json:"fees"`
		Proposal
	}{o.ID, o.TermsVersion, o.FeeVersion, p})
	if err != nil {
		return Proposal{}, fmt.Errorf("price a change of order %s: %w", o.ID, platform.ErrInvalid)
	}
	sum := sha256.Sum256(text)
	p.Hash = hex.EncodeToString(sum[:])
	return p, nil
}

// changed is the order as the change has it. Its state stays; so does all that
// the change does not name. It fails with change.stale when the terms are others
// by now, and with order.not_changeable when the order is past changing.
func (o Order) changed(c Change, at time.Time) (Order, error) {
	if c.Base != o.TermsVersion {
		return Order{}, fmt.Errorf("apply change %s: %w", c.ID, errChangeStale)
	}
	if err := o.changeable(c.Proposal, at); err != nil {
		return Order{}, fmt.Errorf("apply change %s: %w", c.ID, err)
	}
	if c.Lines != nil {
		o.Lines, o.Total = c.Lines, c.Total
	}
	o.PlannedStart, o.PlannedEnd, o.TimeZone, o.Spot, o.Terms.Minutes = c.Start, c.End, c.TimeZone, c.Spot, c.Minutes
	if c.is("time") {
		if o.timer(staffTimer) { // they are awaited at another time now
			o.disarm()
		}
		switch c.Side {
		case platform.Customer:
			o.Rescheduled.Customer++
		case platform.Merchant:
			o.Rescheduled.Merchant++
		}
	}
	o.TermsVersion++
	o.Change = nil
	return o, nil
}

// changeable tells why a proposal cannot be made of the order now: the work has
// begun that would be moved, it starts too soon, or lines were given back.
func (o Order) changeable(p Proposal, at time.Time) error {
	if _, err := moves.Take(o.State, "change", platform.Operator); err != nil {
		return err
	}
	if p.moved() && o.State == InProgress {
		return platform.Detail(errNotChangeable, "state", string(o.State))
	}
	if p.Lines != nil && o.Bill != "" { // its payment is that of others too
		return platform.Detail(errNotChangeable, "checkout", o.Bill)
	}
	if lacks := o.lacks(o.price()); p.Lines != nil && lacks.Sign() > 0 { // what is still asked is asked at the old price
		return platform.Detail(errNotSecured, "lacks", lacks)
	}
	if p.is("time") && !p.Start.IsZero() && p.Start.Before(at) {
		return platform.Detail(errNotChangeable, "start", p.Start)
	}
	return unless(p.Lines == nil || !o.givenBack(), errChangeRefunded)
}

// givenBack tells whether refunds took something of the lines.
func (o Order) givenBack() bool {
	return slices.ContainsFunc(o.Lines, func(l Line) bool { return l.Given.Sign() > 0 })
}

// beyond is what was received and no line asks for: what a change asked that is
// not applied yet, or what an applied one took out of the lines.
func (o Order) beyond() platform.Money {
	return atLeastNothing(plus(o.Captured, o.undone().Neg(), o.price().Neg()))
}

func (m Mirrors) undone() platform.Money { return or(m.Undone, plus(m.Total, m.Total.Neg())) }

// lacks is how much more must come for a total than is secured.
func (o Order) lacks(total platform.Money) platform.Money {
	return atLeastNothing(plus(total, o.Secured.Neg(), o.undone()))
}
