package order

import (
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// TipState is where a tip stands.
type TipState string

// The states of a tip. Expired and refunded are ends.
const (
	TipAsked     TipState = "asked"     // waits for its money
	TipReceived  TipState = "received"  // passes through: the platform owns none of it
	TipReleased  TipState = "released"  // it is due to those who got it
	TipRefunding TipState = "refunding" // on its way back
	TipRefunded  TipState = "refunded"
	TipExpired   TipState = "expired" // not paid in time
)

// Tip is what a customer gives those who did the work, beside the price: out of the
// order's money, its commission and its invoices, with a payment of its own.
type Tip struct {
	platform.Head
	Order    platform.ID    `json:"order" class:"internal"`
	Customer platform.ID    `json:"customer" class:"internal"`
	State    TipState       `json:"state" class:"internal"`
	Amount   platform.Money `json:"amount" class:"internal"`
	Received platform.Money `json:"received" class:"internal"`
	Shares   []TipShare     `json:"shares" class:"internal"` // Σ = Amount; theirs for ever, wherever they go
	At       time.Time      `json:"at" class:"internal"`
	Due      time.Time      `json:"due,omitzero" class:"internal"` // expires unpaid, or is released
	EndedAt  time.Time      `json:"ended_at,omitzero" class:"internal"`
	From     TipState       `json:"from,omitempty" class:"internal"`        // of one that goes back, where it was
	Disputed platform.Money `json:"charged_back,omitzero" class:"internal"` // by the payer's bank, open or lost; absent: nothing
	Open     platform.Money `json:"contested,omitzero" class:"internal"`    // of Disputed, undecided; absent: nothing
	Reason   string         `json:"reason,omitempty" class:"internal"`      // of its refund, a code
}

// Ref names the tip.
func (t Tip) Ref() platform.Ref { return platform.Ref{Kind: tipKind, ID: t.ID} }

const tipKind = "order.tip"

// TipShare is one member's part of a tip; the merchant's own where it works without
// staff.
type TipShare struct {
	Member platform.ID    `json:"member" class:"internal" validate:"required,id"`
	Amount platform.Money `json:"amount,omitzero" class:"internal" validate:"omitempty,gt=0" code:"tip.amount"`
}

// tipMoves is the machine of a tip.
var tipMoves = tipTable()

func tipTable() platform.Moves[TipState] {
	const c, o, y = platform.Customer, platform.Operator, platform.System
	type from = []TipState
	return platform.Moves[TipState]{
		{Verb: "ask", From: from{""}, To: TipAsked, By: kinds{c, o}, Refusal: errTipGiven},
		{Verb: "receive", From: from{TipAsked}, To: TipReceived, By: kinds{y}, Refusal: ErrNotPayable},
		{Verb: "expire", From: from{TipAsked}, To: TipExpired, By: kinds{y}, Refusal: errTipNotDue},
		{Verb: "release", From: from{TipReceived}, To: TipReleased, By: kinds{y}, Refusal: errTipNotDue},
		{Verb: "refund", From: from{TipReceived, TipReleased}, To: TipRefunding, By: kinds{o}, Refusal: errTipNotRefundable},
		{Verb: "refunded", From: from{TipRefunding}, To: TipRefunded, By: kinds{y}, Refusal: errRefundNotSendable},
	}
}

// take moves the tip by the verb.
func (t Tip) take(verb string, by platform.ActorKind) (Tip, error) {
	state, err := tipMoves.Take(t.State, verb, by)
	if err != nil {
		return Tip{}, platform.Detail(fmt.Errorf("tip %s: %w", t.ID, err), "state", string(t.State))
	}
	t.State = state
	return t, nil
}

// Tip returns a tip of an order, and the order with it counted. An amount without
// shares is divided over those in its seats, equally by largest remainder; where
// there are none it is the merchant's.
//
// It fails with order.not_tippable unless the work is delivered and the order is not
// closed, and with FieldErrors: tip.amount unless it is positive and, with the
// order's other tips, at most its total and the most that is allowed; or unless the
// shares make it; tip.member for who did not do the work.
func (o Order) Tip(id platform.ID, amount platform.Money, shares []TipShare, most []platform.Money, by platform.ActorKind, at time.Time) (Order, Tip, error) {
	if _, err := o.take("tip", by, at); err != nil {
		return Order{}, Tip{}, err
	}
	none := plus(o.Total, o.Total.Neg())
	over, err := amount.Cmp(none)
	if err != nil || over <= 0 {
		return Order{}, Tip{}, platform.Wrong("amount", errTipAmount)
	}
	tips := plus(or(o.Tipped, none), amount)
	limit, limited := of(most, amount.Currency())
	if tips.Minor() > o.Total.Minor() || limited && tips.Minor() > limit.Minor() {
		return Order{}, Tip{}, platform.Wrong("amount", errTipAmount)
	}
	if shares, err = o.tipShares(amount, shares); err != nil {
		return Order{}, Tip{}, err
	}
	t := Tip{
		Head: platform.Head{ID: id}, Order: o.ID, Customer: o.Customer, Amount: amount, Received: none, Shares: shares, At: at,
		Due: at.Add(o.Windows.or(usual).Tip),
	}
	if t, err = t.take("ask", by); err != nil {
		return Order{}, Tip{}, err
	}
	o.Tipped = tips
	return o, t, nil
}

// tipShares are the parts of an amount for those who did the work.
func (o Order) tipShares(amount platform.Money, given []TipShare) ([]TipShare, error) {
	var crew []platform.ID
	for _, s := range o.Seats {
		if s.Member != "" && !slices.Contains(crew, s.Member) {
			crew = append(crew, s.Member)
		}
	}
	if len(o.Seats) == 0 {
		crew = []platform.ID{o.Merchant}
	}
	if given == nil {
		given = make([]TipShare, len(crew))
		for i, member := range crew {
			given[i].Member = member
		}
		return divided(amount, given, func(TipShare) int64 { return 1 })
	}
	sum := plus(amount, amount.Neg())
	for i, s := range given {
		twice := slices.ContainsFunc(given[:i], func(other TipShare) bool { return other.Member == s.Member })
		if twice || !slices.Contains(crew, s.Member) {
			return nil, platform.Wrong(path("shares", i, "member"), errTipMember)
		}
		if s.Amount.Sign() <= 0 {
			return nil, platform.Wrong(path("shares", i, "amount"), errTipAmount)
		}
		sum = plus(sum, s.Amount)
	}
	if sum != amount {
		return nil, platform.Wrong("shares", errTipAmount)
	}
	return slices.Clone(given), nil
}

// divided are the shares of another amount, by weight; nobody gets a share of
// nothing.
func divided(amount platform.Money, shares []TipShare, weight func(TipShare) int64) ([]TipShare, error) {
	weights := make([]int64, len(shares))
	for i, s := range shares {
		weights[i] = weight(s)
	}
	parts, err := amount.Allocate(weights...)
	if err != nil {
		return nil, platform.Wrong("shares", errTipMember)
	}
	var all []TipShare
	for i, s := range shares {
		if s.Amount = parts[i]; s.Amount.Sign() > 0 {
			all = append(all, s)
		}
	}
	return all, nil
}

// paid returns the tip with all that has come of it. Once it is all there it is
// released after a while in which it can be given back. It fails with ErrNotPayable
// for one that takes no money, for more than it is and for less than before.
func (t Tip) paid(captured platform.Money, hold time.Duration, at time.Time) (Tip, error) {
	above, err := captured.Cmp(t.Amount)
	if err != nil || above > 0 || captured.Minor() < t.Received.Minor() || t.State != TipAsked {
		return Tip{}, fmt.Errorf("receive %s of tip %s: %w", captured, t.ID, ErrNotPayable)
	}
	if t.Received = captured; above < 0 {
		return t, nil
	}
	next, err := t.take("receive", platform.System)
	next.Due = at.Add(hold)
	return next, err
}

// lapsed returns the tip whose time to pay is over: as large as what came of it, or
// expired.
func (t Tip) lapsed(hold time.Duration, at time.Time) (Tip, error) {
	if t.Received.Sign() == 0 {
		next, err := t.take("expire", platform.System)
		next.Due, next.EndedAt = time.Time{}, at
		return next, err
	}
	shares, err := divided(t.Received, t.Shares, func(s TipShare) int64 { return s.Amount.Minor() })
	if err != nil {
		return Tip{}, err
	}
	t.Amount, t.Shares = t.Received, shares
	return t.paid(t.Received, hold, at)
}

// out are the debits of the tip's money, where it lies.
func (t Tip) out() []platform.Leg {
	if t.From != TipReleased && t.State != TipReleased {
		return []platform.Leg{{Role: "tips", Of: t.ID, Amount: t.Amount}}
	}
	var legs []platform.Leg
	for _, s := range t.Shares {
		legs = append(legs, platform.Leg{Role: "payable", Party: s.Member, Amount: s.Amount})
	}
	return legs
}
