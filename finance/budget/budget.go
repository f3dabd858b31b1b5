package budget

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// State is how far a budget has come.
type State string

// The states of a budget.
const (
	Drafted   State = "draft"
	Submitted State = "submitted"
	Approved  State = "approved" // and not begun
	Active    State = "active"
	Closed    State = "closed"
)

var (
	office   = []platform.ActorKind{platform.Operator}
	clock    = []platform.ActorKind{platform.System}
	planners = []platform.ActorKind{platform.Operator, platform.System}
)

// moves is what can happen to a budget.
var moves = platform.Moves[State]{
	{Verb: "amend", From: []State{Drafted, Active}, By: planners, Refusal: ErrNotDraft},
	{Verb: "submit", From: []State{Drafted}, To: Submitted, By: planners, Refusal: ErrNotDraft},
	{Verb: "sign", From: []State{Submitted, Active}, By: office, Refusal: ErrNotPending},
	{Verb: "approve", From: []State{Submitted}, To: Approved, By: office, Refusal: ErrNotPending},
	{Verb: "approve", From: []State{Active}, To: Active, By: office, Refusal: ErrNotPending},
	{Verb: "reject", From: []State{Submitted}, To: Drafted, By: office, Refusal: ErrNotPending},
	{Verb: "reject", From: []State{Active}, To: Active, By: office, Refusal: ErrNotPending},
	{Verb: "activate", From: []State{Approved}, To: Active, By: clock, Refusal: ErrNotPending},
	{Verb: "close", From: []State{Active}, To: Closed, By: office, Refusal: ErrNotActive},
}

// approvers is how many operators approve an edition.
const approvers = 2

// Over is what happens above the plan of a line.
type Over string

// What happens above the plan.
const (
	Stop   Over = "stop"   // nothing more passes
	Warn   Over = "warn"   // as much as the tolerance passes, and is told
	Record Over = "record" // all passes, up to a hundred times the plan, and is told
)

// Planned is one line of a plan.
type Planned struct {
	Account   string         `json:"account" validate:"required,max=30,alphanum,lowercase" class:"internal"` // travel, software
	Amount    platform.Money `json:"amount" validate:"min=0" class:"internal"`                               // of the whole period
	Monthly   bool           `json:"monthly,omitempty" class:"internal"`                                     // each month frees its part, and what was left before
	Over      Over           `json:"over,omitempty" validate:"omitempty,oneof=stop warn record" class:"internal"`
	Tolerance platform.Money `json:"tolerance,omitzero" validate:"omitempty,min=0" class:"internal"` // of a line that warns
}

// allowance is what passes above the plan.
func (p Planned) allowance() platform.Money {
	switch p.Over {
	case Warn:
		return p.Tolerance
	case Record:
		if hundredfold, err := platform.FromMinor(p.Amount.Minor()*100, p.Amount.Currency()); err == nil && p.Amount.Minor() < 1<<50 {
			return hundredfold
		}
	}
	return zero(p.Amount)
}

// Edition is one version of a plan, and who answers for it.
type Edition struct {
	Number    int            `json:"number" class:"internal"` // 1, 2, 3 …
	Envelope  platform.Money `json:"envelope" class:"internal"`
	Lines     []Planned      `json:"lines" class:"internal"`
	Proposer  platform.ID    `json:"proposer" class:"internal"`
	Approvers []platform.ID  `json:"approvers,omitempty" class:"internal"`
	For       platform.ID    `json:"for,omitempty" class:"internal"`    // for whom the proposer stood in
	Behind    []platform.ID  `json:"behind,omitempty" class:"internal"` // for whom the approvers did
}

// check refuses a plan that does not add up.
func (e Edition) check() error {
	total, seen := zero(e.Envelope), map[string]bool{}
	for i, l := range e.Lines {
		var err error
		switch at := fmt.Sprintf("lines[%d]", i); {
		case l.Amount.Currency() != e.Envelope.Currency(), !l.Tolerance.Absent() && l.Tolerance.Currency() != e.Envelope.Currency():
			return platform.Wrong(at, ErrCurrency)
		case seen[l.Account]:
			return platform.Wrong(at, ErrTwice)
		case (l.Over == Warn) != (l.Tolerance.Sign() > 0):
			return platform.Wrong(at, ErrTolerance)
		}
		seen[l.Account] = true
		if total, err = total.Add(l.Amount); err != nil {
			return err
		}
	}
	if over, err := total.Cmp(e.Envelope); err != nil || over > 0 {
		return errors.Join(err, platform.Wrong("envelope", ErrEnvelope))
	}
	return nil
}

// Budget is what a centre may spend in a period.
type Budget struct {
	platform.Head
	State   State     `json:"state" class:"internal"`
	Centre  string    `json:"centre" class:"internal"`
	From    time.Time `json:"from" class:"internal"`
	Until   time.Time `json:"until" class:"internal"` // exclusive
	Edition           // in force, or on its way to be
	Next    *Edition  `json:"next,omitempty" class:"internal"` // that waits to take its place
	Due     time.Time `json:"due,omitzero" class:"internal"`   // when an approved one comes into force
	Reason  string    `json:"reason,omitempty" class:"internal"`
}

// Ref names the budget.
func (b Budget) Ref() platform.Ref { return platform.Ref{Kind: budgetKind, ID: b.ID} }

// pending is the edition that waits for approval.
func (b Budget) pending() (*Edition, error) {
	switch {
	case b.State == Submitted:
		return &b.Edition, nil
	case b.State == Active && b.Next != nil:
		return b.Next, nil
	}
	return nil, fmt.Errorf("budget %s, %s: %w", b.ID, b.State, ErrNotPending)
}

// Waits tells whether an edition waits for approval.
func (b Budget) Waits() bool { _, err := b.pending(); return err == nil }

// Signed tells whether somebody proposed or approved the edition that waits, and
// so cannot approve it.
func (b Budget) Signed(by platform.Actor) bool {
	e, err := b.pending()
	if err != nil {
		return false
	}
	hands := slices.Concat([]platform.ID{e.Proposer, e.For}, e.Approvers, e.Behind)
	return slices.Contains(hands, by.ID) || slices.Contains(hands, by.For())
}

// Amend is the budget with another plan: in its draft, or beside the one in
// force, where it waits for its approval.
func (b Budget) Amend(envelope platform.Money, lines []Planned, by platform.Actor) (Budget, error) {
	next, err := b.move("amend", by.Kind)
	if err != nil {
		return Budget{}, err
	}
	e := Edition{Number: b.Number, Envelope: envelope, Lines: lines, Proposer: by.ID, For: by.For()}
	if envelope.Currency() != b.Envelope.Currency() {
		return Budget{}, platform.Wrong("envelope", ErrCurrency)
	}
	if err := e.check(); err != nil {
		return Budget{}, err
	}
	if b.State == Active {
		e.Number++
		next.Next = &e
		return next, nil
	}
	next.Edition = e
	return next, nil
}

// Approve is the budget with one more approval, and whether that was the last
// one needed. Nobody approves what they proposed, or twice.
func (b Budget) Approve(by platform.Actor) (next Budget, done bool, err error) {
	e, err := b.pending()
	if err != nil {
		return Budget{}, false, err
	}
	if b.Signed(by) {
		return Budget{}, false, fmt.Errorf("approve budget %s: %w", b.ID, ErrFourEyes)
	}
	signed := *e
	signed.Approvers, signed.Behind = append(slices.Clone(e.Approvers), by.ID), append(slices.Clone(e.Behind), by.For())
	verb := "sign"
	if done = len(signed.Approvers) >= approvers; done {
		verb = "approve"
	}
	if next, err = b.move(verb, by.Kind); err != nil {
		return Budget{}, false, err
	}
	switch {
	case b.State == Submitted && done:
		next.Edition, next.Due = signed, b.From
	case b.State == Submitted:
		next.Edition = signed
	case done:
		next.Edition, next.Next = signed, nil
	default:
		next.Next = &signed
	}
	return next, done, nil
}

// Reject is the budget without the approval that it waited for.
func (b Budget) Reject(by platform.Actor, reason string) (Budget, error) {
	if _, err := b.pending(); err != nil {
		return Budget{}, err
	}
	next, err := b.move("reject", by.Kind)
	next.Reason = reason
	if next.Next = nil; b.State == Submitted {
		next.Approvers, next.Behind = nil, nil
	}
	return next, err
}

func (b Budget) move(verb string, by platform.ActorKind) (Budget, error) {
	state, err := moves.Take(b.State, verb, by)
	if err != nil {
		return Budget{}, fmt.Errorf("budget %s: %w", b.ID, err)
	}
	b.State = state
	return b, nil
}

// months is how many months a period has, begun ones included.
func months(from, until time.Time) int {
	n := 0
	for from.AddDate(0, n, 0).Before(until) && n <= 1200 {
		n++
	}
	return n
}

// zero is no money, of the currency of some.
func zero(of platform.Money) platform.Money {
	none, err := platform.FromMinor(0, of.Currency())
	if err != nil {
		return platform.Money{}
	}
	return none
}
