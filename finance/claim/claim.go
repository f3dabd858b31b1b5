package claim

import (
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// State is how far a claim has come.
type State string

// The states of a claim.
const (
	Drafted       State = "draft"
	Submitted     State = "submitted" // nobody has approved it yet
	Approving     State = "approving" // somebody has, and others must
	Approved      State = "approved"  // its vouchers are checked next
	Payable       State = "payable"   // booked
	Paying        State = "paying"
	Paid          State = "paid"
	PaymentFailed State = "payment_failed"
	Returned      State = "returned" // to be amended and submitted again
	Rejected      State = "rejected"
	Withdrawn     State = "withdrawn"
	Reclaimed     State = "reclaimed" // the claimant owes it
)

var (
	people  = []platform.ActorKind{platform.Staff, platform.Operator}
	office  = []platform.ActorKind{platform.Operator}
	clock   = []platform.ActorKind{platform.System}
	pending = []State{Submitted, Approving}
)

// moves is what can happen to a claim.
var moves = platform.Moves[State]{
	{Verb: "amend", From: []State{Drafted, Returned}, By: people, Refusal: ErrNotDraft},
	{Verb: "submit", From: []State{Drafted, Returned}, To: Submitted, By: people, Refusal: ErrNotDraft},
	{Verb: "withdraw", From: []State{Drafted, Submitted, Returned}, To: Withdrawn, By: people, Refusal: ErrNotWithdrawable},
	{Verb: "pass", From: pending, To: Approving, By: office, Refusal: ErrNotPending},
	{Verb: "approve", From: pending, To: Approved, By: office, Refusal: ErrNotPending},
	{Verb: "return", From: pending, To: Returned, By: office, Refusal: ErrNotPending},
	{Verb: "reject", From: pending, To: Rejected, By: office, Refusal: ErrNotPending},
	{Verb: "lapse", From: []State{Returned}, By: clock, Refusal: ErrNotPending},
	{Verb: "wait", From: []State{Approved}, By: clock, Refusal: ErrNotApproved},
	{Verb: "refuse", From: []State{Approved}, To: Rejected, By: clock, Refusal: ErrNotApproved},
	{Verb: "book", From: []State{Approved}, To: Payable, By: clock, Refusal: ErrNotApproved},
	{Verb: "settle", From: []State{Approved}, To: Paid, By: clock, Refusal: ErrNotApproved}, // an advance had paid it all
	{Verb: "pay", From: []State{Payable, PaymentFailed}, To: Paying, By: office, Refusal: ErrNotPayable},
	{Verb: "arrive", From: []State{Paying}, To: Paid, By: []platform.ActorKind{platform.System, platform.Operator}, Refusal: ErrNotPaying},
	{Verb: "fail", From: []State{Paying}, To: PaymentFailed, By: []platform.ActorKind{platform.System, platform.Operator}, Refusal: ErrNotPaying},
	{Verb: "reclaim", From: []State{Paid}, To: Reclaimed, By: office, Refusal: ErrNotReclaimable},
}

// Claim is what somebody spent for the house and wants back. Who sold what for
// which purpose is personal, and sealed: Details is a JSON list of {number,
// seller, seller_tax_id, purpose}, one an item.
type Claim struct {
	platform.Head
	State     State              `json:"state" class:"internal"`
	Claimant  platform.ID        `json:"claimant" class:"internal"`
	Kind      platform.ActorKind `json:"kind" class:"internal"`               // of the claimant
	Drafters  []platform.ID      `json:"drafters,omitempty" class:"internal"` // who wrote it for the claimant
	Items     []Item             `json:"items" class:"internal"`
	Details   platform.Sealed    `json:"details,omitempty" class:"personal,reimbursement,10y,duty"`
	Total     platform.Money     `json:"total" class:"internal"`
	Chain     []Step             `json:"chain,omitempty" class:"internal"` // frozen when it was submitted
	At        int                `json:"at" class:"internal"`              // the step of the chain whose turn it is
	Matrix    int64              `json:"matrix,omitempty" class:"internal"`
	Hands     []platform.ID      `json:"hands,omitempty" class:"internal"`     // of all who ever approved it, and for whom
	Committed []platform.ID      `json:"committed,omitempty" class:"internal"` // budget lines on which it has committed
	Offset    platform.Money     `json:"offset,omitzero" class:"internal"`     // what an advance had paid
	Net       platform.Money     `json:"net,omitzero" class:"internal"`        // what is paid out
	Payment   platform.ID        `json:"payment,omitempty" class:"internal"`   // the last
	Looks     int                `json:"looks,omitempty" class:"internal"`     // how often it had to wait
	Submitted time.Time          `json:"submitted,omitzero" class:"internal"`
	Due       time.Time          `json:"due,omitzero" class:"internal"`
	Reason    string             `json:"reason,omitempty" class:"internal"` // a code
	Item      int                `json:"item,omitempty" class:"internal"`   // that the reason is about, from 1; 0 is the whole
}

// Ref names the claim.
func (c Claim) Ref() platform.Ref { return about(c.ID) }

func about(id platform.ID) platform.Ref { return platform.Ref{Kind: claimKind, ID: id} }

// Open lists the verbs that a kind of actor may take on the claim now.
func (c Claim) Open(by platform.ActorKind) []string { return moves.Open(c.State, by) }

func (c Claim) move(verb string, by platform.ActorKind) (Claim, error) {
	state, err := moves.Take(c.State, verb, by)
	if err != nil {
		return Claim{}, fmt.Errorf("claim %s: %w", c.ID, err)
	}
	c.State, c.Due, c.Reason, c.Item = state, time.Time{}, "", 0
	return c, nil
}

// own refuses everybody but the claimant, to whom alone the claim is known.
func (c Claim) own(by platform.Actor) error {
	if by.For() != c.Claimant {
		return platform.NotFound(c.Ref())
	}
	return nil
}

// visible tells whether somebody may see the claim.
func (c Claim) visible(by platform.Actor) bool {
	return by.For() == c.Claimant || by.Kind == platform.Operator || by.Kind == platform.Auditor || by.Kind == platform.System
}

// hands are who acts, and for whom.
func hands(by platform.Actor) []platform.ID {
	if by.OnBehalf == "" || by.OnBehalf == by.ID {
		return []platform.ID{by.ID}
	}
	return []platform.ID{by.ID, by.OnBehalf}
}

// by notes who writes the claim, if that is not the claimant.
func (c Claim) by(actor platform.Actor) Claim {
	if actor.ID != c.Claimant && !slices.Contains(c.Drafters, actor.ID) {
		c.Drafters = append(slices.Clone(c.Drafters), actor.ID)
	}
	return c
}

// meet tells whether two lists have somebody in common.
func meet(a, b []platform.ID) bool {
	return slices.ContainsFunc(a, func(id platform.ID) bool { return slices.Contains(b, id) })
}

// registered tells whether the claim's vouchers are taken: from when it was
// submitted, unless it was refused or withdrawn.
func (c Claim) registered() bool {
	return c.State != Drafted && c.State != Rejected && c.State != Withdrawn && !c.Submitted.IsZero()
}

// vouchers are the names under which the claim's vouchers are registered.
func (c Claim) vouchers() (all []platform.Claim) {
	if !c.registered() {
		return nil
	}
	for _, i := range c.Items {
		for _, name := range []platform.Claim{{Scope: "claim.file", Key: i.File}, {Scope: "claim.voucher", Key: i.Voucher}} {
			if name.Key != "" { // one that was returned may lack them
				all = append(all, name)
			}
		}
	}
	return all
}

// legs are the claim's amounts, by budget line.
func (c Claim) legs() (legs []platform.Leg) {
	for _, i := range c.Items {
		legs = append(legs, platform.Leg{Of: i.Line, Amount: i.Amount})
	}
	return legs
}

// facts are what events tell of a claim.
func (c Claim) facts() map[string]any {
	return map[string]any{"claimant": c.Claimant, "total": c.Total, "items": len(c.Items), "level": c.At}
}

// zero is no money, of the currency of some.
func zero(of platform.Money) platform.Money {
	none, err := platform.FromMinor(0, of.Currency())
	if err != nil {
		return platform.Money{}
	}
	return none
}
