package order

import (
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// RefundState is where a refund stands.
type RefundState string

// The states of a refund. Rejected, withdrawn and succeeded are ends.
const (
	RefundRequested  RefundState = "requested" // its amount is reserved on the order
	RefundApproved   RefundState = "approved"  // the books hold it; the payments will send it
	RefundProcessing RefundState = "processing"
	RefundFailed     RefundState = "failed" // stays reserved; the payments try again
	RefundSucceeded  RefundState = "succeeded"
	RefundRejected   RefundState = "rejected"
	RefundWithdrawn  RefundState = "cancelled"
)

// Refund gives back some of an order's money. Several may be under way at once,
// each with its own reservation.
type Refund struct {
	platform.Head
	Order     platform.ID    `json:"order" class:"internal"`
	State     RefundState    `json:"state" class:"internal"`
	Kind      string         `json:"kind" class:"internal"` // full, partial; cancelled, declined, expired when the order's end brought it; dispute
	Amount    platform.Money `json:"amount" class:"internal"`
	Shares    []Share        `json:"shares" class:"internal"`          // Σ = Amount less Undone
	Undone    platform.Money `json:"undone,omitzero" class:"internal"` // of Amount, what no line gives: it came for a change; absent: none
	Waived    platform.Money `json:"waived,omitzero" class:"internal"` // of Amount, what was only held: it is not taken, and nothing goes back; absent: none
	Reason    string         `json:"reason,omitempty" class:"internal"`
	Fault     Fault          `json:"fault,omitempty" class:"internal"`     // whose doing it is, if somebody said
	By        platform.ID    `json:"by,omitempty" class:"internal"`        // who asked; empty when a rule did
	For       platform.ID    `json:"for,omitempty" class:"internal"`       // on whose behalf
	Approvers []platform.ID  `json:"approvers,omitempty" class:"internal"` // none: by a rule
	Source    string         `json:"source,omitempty" class:"internal"`    // role of the account that the books took it from
	At        time.Time      `json:"at" class:"internal"`
	EndedAt   time.Time      `json:"ended_at,omitzero" class:"internal"`
}

// Ref names the refund.
func (r Refund) Ref() platform.Ref { return platform.Ref{Kind: "order.refund", ID: r.ID} }

// Share is the part of a refund that one line gives.
type Share struct {
	Line   int            `json:"line" class:"internal"`
	Amount platform.Money `json:"amount" class:"internal"`
	Fee    platform.Money `json:"fee" class:"internal"`            // of Amount, what the platform gives of its part
	Parts  []Given        `json:"fees,omitempty" class:"internal"` // of Fee, in the order of the line's own; none where the line has none
	Owed   platform.Money `json:"owed,omitzero" class:"internal"`  // of Amount, what the merchant no longer has and owes, since the platform keeps its part
}

// Given is what a refund gives back of one part of a line's fee.
type Given struct {
	Amount platform.Money `json:"amount" class:"internal"`
	Tax    platform.Money `json:"tax" class:"internal"`            // inside Amount
	Kept   bool           `json:"kept,omitempty" class:"internal"` // nothing, since the customer was at fault
}

// fee is what the platform gives of its part, with the tax in it; owed what the
// merchant must add to what it has left of the order.
func (r Refund) fee() (fee, tax, owed platform.Money) {
	fee = plus(r.Amount, r.Amount.Neg())
	zero := fee
	tax, owed = zero, zero
	for _, s := range r.Shares {
		fee, owed = plus(fee, s.Fee), plus(owed, or(s.Owed, zero))
		for _, p := range s.Parts {
			tax = plus(tax, p.Tax)
		}
	}
	return fee, tax, owed
}

func (r Refund) undone() platform.Money { return or(r.Undone, plus(r.Amount, r.Amount.Neg())) }

// back is what goes back to the customer: all but what was never taken.
func (r Refund) back() platform.Money {
	if r.Waived.Absent() {
		return r.Amount
	}
	return plus(r.Amount, r.Waived.Neg())
}

// refundMoves is the machine of a refund.
var refundMoves = refundTable()

func refundTable() platform.Moves[RefundState] {
	const c, m, o, y = platform.Customer, platform.Merchant, platform.Operator, platform.System
	type from = []RefundState
	return platform.Moves[RefundState]{
		{Verb: "request", From: from{""}, To: RefundRequested, By: kinds{c, m, o, y}, Refusal: errRefundPlaced},
		{Verb: "approve", From: from{RefundRequested}, To: RefundApproved, By: kinds{m, o, y}, Refusal: errRefundNotApprovable},
		{Verb: "reject", From: from{RefundRequested}, To: RefundRejected, By: kinds{m, o}, Refusal: errRefundNotRejectable},
		{Verb: "withdraw", From: from{RefundRequested, RefundApproved}, To: RefundWithdrawn, By: kinds{c, m, o, y}, Refusal: errRefundNotWithdrawn},
		{Verb: "send", From: from{RefundApproved, RefundFailed}, To: RefundProcessing, By: kinds{y}, Refusal: errRefundNotSendable},
		{Verb: "succeed", From: from{RefundApproved, RefundProcessing, RefundFailed}, To: RefundSucceeded, By: kinds{y}, Refusal: errRefundNotSendable},
		{Verb: "fail", From: from{RefundApproved, RefundProcessing}, To: RefundFailed, By: kinds{y}, Refusal: errRefundNotSendable},
	}
}

// take moves the refund by the verb.
func (r Refund) take(verb string, by platform.ActorKind) (Refund, error) {
	state, err := refundMoves.Take(r.State, verb, by)
	if err != nil {
		return Refund{}, fmt.Errorf("refund %s: %w", r.ID, err)
	}
	r.State = state
	return r, nil
}

// refundAll is a refund of all that can be given back, refundOf one of an
// amount, by a rule of the order and to be reserved. What no line asks for goes
// first.
func (o Order) refundAll(id platform.ID, kind string, at time.Time) Refund {
	return o.refundOf(id, kind, plus(o.Refundable(), o.beyond()), at)
}

func (o Order) refundOf(id platform.ID, kind string, amount platform.Money, at time.Time) Refund {
	r := Refund{Head: platform.Head{ID: id}, Order: o.ID, State: RefundRequested, Kind: kind, Amount: amount, At: at}
	if over := least(o.beyond(), amount); over.Sign() > 0 {
		r.Undone = over
	}
	return r
}

// Reserve sets the refund's amount aside, over the lines by what is left of
// each unless the refund names its shares. It fails with refund.amount unless
// the amount is positive, and with ErrRefundExceeds above what is left.
func (o Order) Reserve(r Refund) (Order, Refund, error) {
	left, undone := o.Refundable(), or(r.Undone, plus(o.Total, o.Total.Neg()))
	above, err := r.Amount.Cmp(plus(left, undone))
	if err != nil {
		return Order{}, Refund{}, platform.Wrong("amount", err)
	}
	if above > 0 {
		return Order{}, Refund{}, o.exceeds(left)
	}
	if r.Amount.Sign() <= 0 {
		return Order{}, Refund{}, platform.Wrong("amount", errRefundAmount)
	}
	if r.Shares == nil {
		if r.Shares, err = o.spread(plus(r.Amount, undone.Neg())); err != nil {
			return Order{}, Refund{}, err
		}
	}
	o.Lines, r.Shares = slices.Clone(o.Lines), slices.Clone(r.Shares)
	for i := range r.Shares {
		share := &r.Shares[i]
		line := &o.Lines[share.Line-1]
		if share.Amount.Minor() > line.left().Minor() {
			return Order{}, Refund{}, o.exceeds(line.left())
		}
		if *line, *share, err = line.give(*share, r.Fault, !o.CompletedAt.IsZero()); err != nil {
			return Order{}, Refund{}, fmt.Errorf("refund line %d of order %s: %w", share.Line, o.ID, err)
		}
	}
	o.Reserved = plus(o.Reserved, r.Amount)
	if undone.Sign() > 0 {
		o.Undone = plus(o.undone(), undone)
	}
	return o, r, nil
}

func (o Order) exceeds(left platform.Money) error {
	return platform.Detail(fmt.Errorf("refund order %s: %w", o.ID, ErrRefundExceeds), "refundable", left)
}

// left is what refunds have not yet taken of the line.
func (l Line) left() platform.Money { return plus(l.Amount, l.Given.Neg()) }

// spread divides an amount over the lines, by what is left of each.
func (o Order) spread(amount platform.Money) ([]Share, error) {
	weights := make([]int64, len(o.Lines))
	for i, l := range o.Lines {
		weights[i] = l.left().Minor()
	}
	parts, err := amount.Allocate(weights...)
	if err != nil {
		return nil, fmt.Errorf("refund order %s: %w", o.ID, err)
	}
	shares := []Share{}
	for i, part := range parts {
		if part.Sign() > 0 {
			shares = append(shares, Share{Line: i + 1, Amount: part})
		}
	}
	return shares, nil
}

// Freed is the order without the reservation of a refund that ended unpaid.
func (o Order) Freed(r Refund) Order {
	o.Lines = slices.Clone(o.Lines)
	for _, s := range r.Shares {
		line := &o.Lines[s.Line-1]
		*line = line.take(s)
	}
	o.Reserved = plus(o.Reserved, r.Amount.Neg())
	return o
}

// Divided is the reserved refund with what each side gives of it when the order is
// as it is now: a refund that was asked for before the sale leaves the platform
// what it keeps after one.
func (o Order) Divided(r Refund) (Order, Refund, error) {
	if o.CompletedAt.IsZero() || !r.At.Before(o.CompletedAt) {
		return o, r, nil
	}
	o.Lines, r.Shares = slices.Clone(o.Lines), slices.Clone(r.Shares)
	for i, s := range r.Shares {
		var err error
		line := &o.Lines[s.Line-1]
		if *line, r.Shares[i], err = line.take(s).give(Share{Line: s.Line, Amount: s.Amount}, r.Fault, true); err != nil {
			return Order{}, Refund{}, fmt.Errorf("divide refund %s: %w", r.ID, err)
		}
	}
	return o, r, nil
}

// source is the role of the account where the order's money lies: escrow before
// the sale, what the merchant has earned after it, and what it is owed once the
// order is closed.
func (o Order) source() string {
	switch {
	case o.State == Closed:
		return "payable"
	case !o.CompletedAt.IsZero():
		return "earning"
	}
	return "escrow"
}

// approved is the order whose books know the refund, and the legs: after the
// sale the merchant and the platform each give what they had of it, the platform
// with its tax, and the merchant owes what the platform keeps.
func (o Order) approved(r Refund) (Order, []platform.Leg) {
	fee, tax, owed := r.fee()
	part, back := plus(r.Amount, fee.Neg(), owed.Neg()), r.back()
	o.Approved, o.ApprovedFee = plus(o.Approved, r.Amount), plus(o.ApprovedFee, fee)
	o.approveTax(tax)
	legs := []platform.Leg{o.escrow(back)}
	switch o.source() {
	case "payable":
		legs = append([]platform.Leg{o.payable(plus(part, owed))}, o.platforms(fee, tax, plus(owed, owed.Neg()))...)
	case "earning":
		legs = append([]platform.Leg{o.earning(part)}, o.platforms(fee, tax, owed)...)
		o.Earned = plus(o.Earned, part.Neg())
	}
	return o, append(legs, o.refundDue(back.Neg()))
}

// approveTax notes the tax in what the platform gives back, where there is any.
func (o *Order) approveTax(tax platform.Money) {
	if tax.Sign() != 0 {
		o.ApprovedTax = plus(or(o.ApprovedTax, plus(tax, tax.Neg())), tax)
	}
	if o.ApprovedTax.Sign() == 0 {
		o.ApprovedTax = platform.Money{}
	}
}

// unapproved undoes approved, while the money still lies where it was taken.
func (o Order) unapproved(r Refund) Order {
	fee, tax, owed := r.fee()
	o.Approved, o.ApprovedFee = plus(o.Approved, r.Amount.Neg()), plus(o.ApprovedFee, fee.Neg())
	o.approveTax(tax.Neg())
	if r.Source == "earning" {
		o.Earned = plus(o.Earned, r.Amount, fee.Neg(), owed.Neg())
	}
	return o
}

// settled is the order whose customer has the money back.
func (o Order) settled(r Refund) Order {
	o.Reserved, o.Refunded = plus(o.Reserved, r.Amount.Neg()), plus(o.Refunded, r.back())
	return o
}
