package dispute

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// LegKind is what one leg of a decision does.
type LegKind string

// The kinds of legs. Refund and release together are what was held.
const (
	Refund       LegKind = "refund"       // back to the customer
	Release      LegKind = "release"      // to the merchant, who gets it as if nothing had been
	Bank         LegKind = "bank"         // gone to the payer's bank meanwhile: the customer has it
	Compensation LegKind = "compensation" // to the customer besides
	Penalty      LegKind = "penalty"      // of the merchant
	Sanction     LegKind = "sanction"     // the merchant is referred to those who sanction
)

// Leg is one thing that a decision does, once.
type Leg struct {
	Kind   LegKind        `json:"kind" class:"internal"`
	Bearer string         `json:"bearer,omitempty" class:"internal"` // of compensation: merchant, platform, staff
	Party  platform.ID    `json:"party,omitempty" class:"internal"`  // who gives or is referred
	Amount platform.Money `json:"amount,omitzero" class:"internal"`
	Done   bool           `json:"done,omitempty" class:"internal"`
}

// Ruling is how a dispute was decided, and by whom or what.
type Ruling struct {
	Basis  string      `json:"basis" class:"internal"` // arbiter, silence, concession, settlement
	By     platform.ID `json:"by,omitempty" class:"internal"`
	Second platform.ID `json:"second,omitempty" class:"internal"` // who endorsed it
	At     time.Time   `json:"at" class:"internal"`
	Rule   string      `json:"rule" class:"internal"`             // version of the rules
	Reason string      `json:"reason,omitempty" class:"internal"` // a code
	Fault  string      `json:"fault,omitempty" class:"internal"`  // customer, merchant, platform: decides on kept fees
	Legs   []Leg       `json:"legs" class:"internal"`
	Final  bool        `json:"final,omitempty" class:"internal"` // no appeal
	Hash   string      `json:"hash" class:"internal"`            // over all that it does
}

// Remedy is what an arbiter grants. What is not refunded is released.
type Remedy struct {
	Refund       platform.Money `json:"refund,omitzero" validate:"omitempty,gte=0" code:"dispute.amount"`
	Fault        string         `json:"fault,omitempty" validate:"omitempty,oneof=customer merchant platform"`
	Compensation platform.Money `json:"compensation,omitzero" validate:"omitempty,gte=0" code:"dispute.amount"`
	Bearer       string         `json:"bearer,omitempty" validate:"omitempty,oneof=merchant platform staff"` // of the compensation; if empty, the merchant
	Member       platform.ID    `json:"member,omitempty" validate:"omitempty,id=stf"`                        // who bears it, if staff
	Penalty      platform.Money `json:"penalty,omitzero" validate:"omitempty,gte=0" code:"dispute.amount"`
	Sanction     bool           `json:"sanction,omitempty"` // refer the merchant
}

// amount is that of all legs of a kind.
func amount(legs []Leg, kind LegKind, zero platform.Money) platform.Money {
	for _, l := range legs {
		if l.Kind == kind {
			zero = less(zero, l.Amount.Neg())
		}
	}
	return zero
}

// divided are the legs by which so much of what is held goes back and the rest is
// released.
func (d Dispute) divided(refund platform.Money) []Leg {
	return []Leg{{Kind: Refund, Party: d.Customer, Amount: refund}, {Kind: Release, Party: d.Merchant, Amount: less(d.Amount, refund)}}
}

// ruling is one that no arbiter made.
func (t Terms) ruling(d Dispute, basis string, refund platform.Money, fault string, at time.Time) Ruling {
	r := Ruling{Basis: basis, At: at, Rule: t.Rule, Fault: fault, Legs: d.divided(refund)}
	r.Hash = r.hash(d.ID)
	return r
}

// hash is over what the ruling does, whoever makes it.
func (r Ruling) hash(of platform.ID) string {
	doc, err := json.Marshal(struct {
		Dispute             platform.ID
		Rule, Reason, Fault string
		Legs                []Leg
	}{of, r.Rule, r.Reason, r.Fault, r.Legs})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}

// Ruling is what an arbiter's remedy comes to. It fails with ErrLegs for a refund
// that is not within what is held, and with ErrCap.
func (t Terms) Ruling(d Dispute, in Remedy, reason string, at time.Time) (Ruling, error) {
	if !within(in.Refund, d.Amount) {
		return Ruling{}, platform.Wrong("refund", ErrLegs)
	}
	r := Ruling{Basis: "arbiter", At: at, Rule: t.Rule, Reason: reason, Fault: in.Fault, Legs: d.divided(in.Refund), Final: d.State == Appealed}
	if in.Compensation.Sign() > 0 {
		leg, err := t.compensation(d, in)
		if err != nil {
			return Ruling{}, err
		}
		r.Legs = append(r.Legs, leg)
	}
	if in.Penalty.Sign() > 0 {
		if !capped(t.Penalty, in.Penalty, d.Amount) {
			return Ruling{}, platform.Wrong("penalty", ErrCap)
		}
		r.Legs = append(r.Legs, Leg{Kind: Penalty, Party: d.Merchant, Amount: in.Penalty})
	}
	if in.Sanction {
		r.Legs = append(r.Legs, Leg{Kind: Sanction, Party: d.Merchant})
	}
	r.Hash = r.hash(d.ID)
	return r, nil
}

func (t Terms) compensation(d Dispute, in Remedy) (Leg, error) {
	if !capped(t.Compensation, in.Compensation, d.Amount) {
		return Leg{}, platform.Wrong("compensation", ErrCap)
	}
	leg := Leg{Kind: Compensation, Bearer: in.Bearer, Amount: in.Compensation}
	switch in.Bearer {
	case "platform":
	case "staff":
		if leg.Party = in.Member; !slices.Contains(d.Staff, in.Member) {
			return Leg{}, platform.Wrong("member", errActor)
		}
	default:
		leg.Bearer, leg.Party = "merchant", d.Merchant
	}
	return leg, nil
}

// capped tells whether an amount is within the cap of its currency, which is that of
// the dispute.
func capped(caps []platform.Money, amount, of platform.Money) bool {
	return amount.Currency() == of.Currency() && slices.ContainsFunc(caps, func(most platform.Money) bool { return within(amount, most) })
}

// eyes is how many arbiters it takes.
func (t Terms) eyes(r Ruling, zero platform.Money) int {
	sum := zero
	for _, kind := range []LegKind{Refund, Compensation, Penalty} {
		sum = amount(r.Legs, kind, sum)
	}
	if slices.ContainsFunc(t.FourEyes, func(limit platform.Money) bool { return within(sum, limit) }) {
		return 1
	}
	return 2
}

// ruled is the dispute with a decision that holds from now on.
func (d Dispute) ruled(r Ruling) Dispute {
	d.Proposed, d.Offer = nil, nil
	d.Rulings = append(slices.Clip(d.Rulings), r)
	return d
}

// impartial refuses who is no arbiter or has nothing to decide, and an arbiter who
// took part or is a party.
func (d Dispute) impartial(by platform.Actor) error {
	if by.Kind != platform.Operator {
		return fmt.Errorf("decide dispute %s: %w", d.ID, errActor)
	}
	if !d.State.waits() {
		return platform.Detail(fmt.Errorf("decide dispute %s: %w", d.ID, errNotDecidable), "state", string(d.State))
	}
	tied := append([]platform.ID{d.Customer, d.Merchant}, slices.Concat(d.Hands, d.Staff)...)
	if by.OnBehalf != "" || slices.Contains(tied, by.ID) {
		return fmt.Errorf("decide dispute %s: %w", d.ID, ErrConflictOfInterest)
	}
	return nil
}

// Decides is the dispute as an arbiter decides it: above Terms.FourEyes it waits for
// a second one.
func (d Dispute) Decides(r Ruling, by platform.Actor, t Terms, at time.Time) (Dispute, error) {
	if err := d.impartial(by); err != nil {
		return Dispute{}, err
	}
	r.By = by.ID
	if t.eyes(r, less(d.Amount, d.Amount)) > 1 {
		next, err := d.take("propose", by.Kind)
		next.Proposed = &r
		return next, err
	}
	return d.decided(r, by.Kind, t, at)
}

// Endorses is the dispute whose decision, proposed under this hash, a second arbiter
// makes good.
func (d Dispute) Endorses(hash string, by platform.Actor, t Terms, at time.Time) (Dispute, error) {
	if err := d.impartial(by); err != nil {
		return Dispute{}, err
	}
	switch {
	case d.Proposed == nil:
		return Dispute{}, platform.Detail(fmt.Errorf("endorse dispute %s: %w", d.ID, errNotDecidable), "state", string(d.State))
	case d.Proposed.By == by.ID:
		return Dispute{}, fmt.Errorf("endorse dispute %s: %w", d.ID, ErrFourEyes)
	case d.Proposed.Hash != hash:
		return Dispute{}, platform.Detail(fmt.Errorf("endorse dispute %s: %w", d.ID, ErrTerms), "hash", d.Proposed.Hash)
	}
	r := *d.Proposed
	r.Second = by.ID
	return d.decided(r, by.Kind, t, at)
}

func (d Dispute) decided(r Ruling, by platform.ActorKind, t Terms, at time.Time) (Dispute, error) {
	next, err := d.take("decide", by)
	if err != nil {
		return Dispute{}, err
	}
	r.At, r.Final = at, d.State == Appealed
	next = next.ruled(r)
	for _, id := range []platform.ID{r.By, r.Second} {
		if id != "" {
			next.Hands = append(slices.Clip(next.Hands), id)
		}
	}
	if r.Final {
		return next.until(at), nil
	}
	return next.until(at.Add(t.Appeal)), nil
}
