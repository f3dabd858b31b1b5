package receivable

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// State is how far a claim has come. How it is dunned is its level.
type State string

// The states of a claim.
const (
	Open       State = "open"
	PartlyPaid State = "partly_paid"
	Promised   State = "promised"    // dunning waits for the promise
	Paid       State = "paid"        // nothing is owed any more
	WrittenOff State = "written_off" // the books gave it up, the claim goes on
	Recovered  State = "recovered"   // money came after all, in whole or in part
)

// Cause is what a claim arises from.
type Cause string

// The causes. All but an invoice are debts that the platform paid first.
const (
	Invoice    Cause = "invoice"
	Negative   Cause = "negative_balance"
	Chargeback Cause = "chargeback"
	Damage     Cause = "damage"
)

var (
	debtors = []platform.ActorKind{platform.Merchant, platform.Customer, platform.Staff}
	desk    = []platform.ActorKind{platform.Operator, platform.System}
	owed    = []State{Open, PartlyPaid, Promised}
)

// moves is what can happen to a claim. Whether it is open or partly_paid follows
// from its amounts.
var moves = platform.Moves[State]{
	{Verb: "arise", From: []State{""}, To: Open, By: desk, Refusal: ErrSourceUsed},
	{Verb: "pay", From: owed, By: desk, Refusal: ErrNotOpen}, // the last of it leads to paid
	{Verb: "step", From: []State{Open, PartlyPaid}, By: desk, Refusal: ErrNotDue},
	{Verb: "promise", From: []State{Open, PartlyPaid}, To: Promised, By: append(debtors, platform.Operator), Refusal: ErrNotOpen},
	{Verb: "keep", From: []State{Promised}, By: desk, Refusal: ErrNotDue},
	{Verb: "fulfil", From: []State{Promised}, To: Open, By: desk, Refusal: ErrNotDue}, // and something is open that was disputed
	{Verb: "break", From: []State{Promised}, To: Open, By: desk, Refusal: ErrNotDue},
	{Verb: "dispute", From: owed, To: Open, By: append(debtors, platform.Operator), Refusal: ErrNotOpen}, // a promise ends with it
	{Verb: "resolve", From: owed, By: []platform.ActorKind{platform.Operator}, Refusal: ErrNotOpen},
	{Verb: "assess", From: owed, By: []platform.ActorKind{platform.Operator}, Refusal: ErrNotOpen},
	{Verb: "propose", From: []State{Open, PartlyPaid}, By: desk, Refusal: ErrNotOpen},
	{Verb: "reject", From: []State{Open, PartlyPaid}, By: []platform.ActorKind{platform.Operator}, Refusal: ErrNotProposed},
	{Verb: "write_off", From: []State{Open, PartlyPaid}, To: WrittenOff, By: []platform.ActorKind{platform.Operator}, Refusal: ErrNotOpen},
	{Verb: "forgive", From: []State{Open, PartlyPaid}, To: WrittenOff, By: desk, Refusal: ErrNotOpen}, // a small rest
	{Verb: "recover", From: []State{WrittenOff, Recovered}, To: Recovered, By: desk, Refusal: ErrNotLost},
	{Verb: "finish", From: append(owed, WrittenOff, Recovered), By: []platform.ActorKind{platform.Operator}, Refusal: ErrTask},
}

// Item is one claim on one debtor. Its amounts are of one currency, and
// Amount = Paid + SetOff + WrittenOff + what is open.
type Item struct {
	platform.Head
	Debtor     platform.ID    `json:"debtor" class:"internal"`
	Cause      Cause          `json:"cause" class:"internal"`
	Source     platform.Ref   `json:"source" class:"internal"`              // from which it arose, once
	Reference  string         `json:"reference,omitempty" class:"internal"` // by which payers name it, such as an invoice's number
	Portfolio  string         `json:"portfolio" class:"internal"`           // whose allowance stands for it
	State      State          `json:"state" class:"internal"`
	Amount     platform.Money `json:"amount" class:"internal"`
	Paid       platform.Money `json:"paid" class:"internal"`
	SetOff     platform.Money `json:"set_off" class:"internal"` // against what the platform owed, or held as a deposit
	WrittenOff platform.Money `json:"written_off" class:"internal"`
	Recovered  platform.Money `json:"recovered" class:"internal"` // of what was written off
	Small      bool           `json:"small,omitempty" class:"internal"`
	Disputed   platform.Money `json:"disputed" class:"internal"` // part of what is open
	Contested  string         `json:"contested,omitempty" class:"internal"`
	At         time.Time      `json:"at" class:"internal"`  // the day of the claim
	Due        time.Time      `json:"due" class:"internal"` // the day on which it is to be paid
	Level      int            `json:"level,omitempty" class:"internal"`
	Steps      []Step         `json:"steps,omitempty" class:"internal"`
	Fee        platform.Money `json:"fee" class:"internal"`      // asked
	FeePaid    platform.Money `json:"fee_paid" class:"internal"` // fee and interest that were paid on top
	Interest   Accrual        `json:"interest" class:"internal"`
	Promise    *Promise       `json:"promise,omitempty" class:"internal"`
	Broken     int            `json:"broken,omitempty" class:"internal"` // promises
	Hasten     time.Time      `json:"hasten,omitzero" class:"internal"`  // when the last was broken: the next level does not wait for its day
	Assessed   *Assessment    `json:"assessed,omitempty" class:"internal"`
	Proposal   *Proposal      `json:"proposal,omitempty" class:"internal"`
	Tasks      []Task         `json:"tasks,omitempty" class:"internal"`
	Next       time.Time      `json:"next,omitzero" class:"internal"` // when something is to be done about it
}

// Step is a level that was reached.
type Step struct {
	Level  int            `json:"level" class:"internal"`
	At     time.Time      `json:"at" class:"internal"`
	Open   platform.Money `json:"open" class:"internal"`
	Fee    platform.Money `json:"fee" class:"internal"`
	Letter platform.ID    `json:"letter" class:"internal"`
}

// Accrual counts the days for which interest runs.
type Accrual struct {
	From time.Time `json:"from,omitzero" class:"internal"`  // counted until here; zero before it runs
	Days int64     `json:"days,omitempty" class:"internal"` // minor units times days
}

// Task is what somebody has to do about a claim.
type Task struct {
	Code string      `json:"code" class:"internal"`
	At   time.Time   `json:"at" class:"internal"`
	Done time.Time   `json:"done,omitzero" class:"internal"`
	By   platform.ID `json:"by,omitempty" class:"internal"`
}

// Ref names the claim.
func (i Item) Ref() platform.Ref { return platform.Ref{Kind: "receivable", ID: i.ID} }

// Open is what the books show as owed.
func (i Item) Open() platform.Money {
	return minus(minus(minus(i.Amount, i.Paid), i.SetOff), i.WrittenOff)
}

// Claimed is what is open and not disputed: what is dunned.
func (i Item) Claimed() platform.Money { return minus(i.Open(), i.Disputed) }

// Lost is what was written off and can still be recovered.
func (i Item) Lost() platform.Money {
	if i.Small {
		return minus(i.Amount, i.Amount)
	}
	return minus(i.WrittenOff, i.Recovered)
}

// Moves lists what a kind of actor may do now.
func (i Item) Moves(by platform.ActorKind) []string { return moves.Open(i.State, by) }

// take is the state after a verb, which for what is owed follows from amounts.
func (i Item) take(verb string, by platform.ActorKind) (Item, error) {
	next, err := moves.Take(i.State, verb, by)
	if err != nil {
		return Item{}, fmt.Errorf("receivable %s: %w", i.ID, err)
	}
	i.State = next
	return i.settled(), nil
}

// settled has the state that the amounts demand.
func (i Item) settled() Item {
	switch open := i.Open(); {
	case !slices.Contains(owed, i.State):
	case open.Sign() == 0 && i.Amount.Sign() > 0:
		i.State, i.Promise, i.Proposal = Paid, nil, nil
		i = i.closed()
	case i.State == Open && open != i.Amount:
		i.State = PartlyPaid
	}
	return i
}

// closed has no open task any more.
func (i Item) closed() Item {
	i.Tasks = slices.DeleteFunc(slices.Clone(i.Tasks), func(t Task) bool { return t.Done.IsZero() })
	return i
}

// covered is the claim after principal was paid out of an account.
func (i Item) covered(amount platform.Money, role string, at time.Time, t Terms) (Item, error) {
	verb := "pay"
	if i.Open().Sign() == 0 {
		verb = "recover"
	}
	i = i.accrued(at, t)
	switch over, err := i.owes(verb).Cmp(amount); {
	case err != nil:
		return Item{}, err
	case over < 0 || amount.Sign() <= 0:
		return Item{}, fmt.Errorf("receivable %s: %w", i.ID, ErrAmount)
	}
	switch {
	case verb == "recover":
		i.Recovered = plus(i.Recovered, amount)
	case role == "payable" || role == "deposit":
		i.SetOff = plus(i.SetOff, amount)
	default:
		i.Paid = plus(i.Paid, amount)
	}
	i.Disputed = lesser(i.Disputed, i.Open()) // what was paid is disputed no more
	return i.take(verb, platform.System)
}

func (i Item) owes(verb string) platform.Money {
	if verb == "recover" {
		return i.Lost()
	}
	return i.Open()
}

// accrued has counted interest until a moment.
func (i Item) accrued(at time.Time, t Terms) Item {
	if !i.Interest.From.IsZero() {
		i.Interest.Days += i.Claimed().Minor() * int64(t.days(i.Interest.From, at))
		i.Interest.From = at
	}
	return i
}

// Accrued is the interest until a moment: simple, by days of a year of 365,
// rounded once.
func (i Item) Accrued(at time.Time, t Terms) platform.Money {
	t = t.ready()
	sum := decimal.NewFromInt(i.accrued(at, t).Interest.Days).Mul(t.Interest).Div(decimal.New(365, 0)).RoundBank(0)
	return money(sum.IntPart(), i.Amount.Currency())
}

// next is when something is to be done about the claim, given when its debtor
// was last written to; never, for one that is over or has nothing to dun.
func (i Item) next(written time.Time, t Terms) time.Time {
	switch {
	case i.State == Promised && i.Promise != nil:
		return i.Promise.deadline(t)
	case i.State != Open && i.State != PartlyPaid || i.Claimed().Sign() <= 0:
		return time.Time{}
	case i.small(t):
		return t.opening(i.Due, t.Ladder[0].Days)
	}
	level, more := t.level(i.Level + 1)
	if !more || !level.worth(i.Claimed()) {
		return time.Time{}
	}
	at := t.opening(i.Due, level.Days)
	if !i.Hasten.IsZero() && i.Hasten.Before(at) {
		at = i.Hasten
	}
	if !written.IsZero() { // one letter a day
		if morrow := t.opening(written, 1); at.Before(morrow) {
			return morrow
		}
	}
	return at
}

// small tells whether what is open is too little to ask for.
func (i Item) small(t Terms) bool {
	limit, set := most(t.Small, i.Amount.Currency())
	return set && i.Open().Minor() <= limit.Minor() && i.Disputed.Sign() == 0
}

// worth tells whether an amount is dunned at this level.
func (l Level) worth(amount platform.Money) bool {
	limit, set := most(l.Minimum, amount.Currency())
	return amount.Sign() > 0 && (!set || amount.Minor() >= limit.Minor())
}

// fee is what is asked on top of an amount.
func (l Level) fee(amount platform.Money) (platform.Money, error) {
	limit, set := most(l.FeeMost, amount.Currency())
	if !set {
		return minus(amount, amount), nil
	}
	fee, err := amount.MulRate(l.Fee, platform.HalfEven)
	return lesser(fee, limit), err
}

// stepped is the claim at the next level, as a letter tells it.
func (i Item) stepped(letter platform.ID, at time.Time, t Terms) (Item, error) {
	level, more := t.level(i.Level + 1)
	if !more {
		return Item{}, fmt.Errorf("receivable %s: %w", i.ID, ErrNotDue)
	}
	next, err := i.take("step", platform.System)
	if err != nil {
		return Item{}, err
	}
	fee, err := level.fee(i.Claimed())
	if err != nil {
		return Item{}, fmt.Errorf("fee on receivable %s: %w", i.ID, err)
	}
	next.Level++
	next.Hasten = time.Time{}
	next.Fee = plus(i.Fee, fee)
	next.Steps = append(slices.Clip(i.Steps), Step{Level: next.Level, At: at, Open: i.Claimed(), Fee: fee, Letter: letter})
	next.Tasks = slices.Clone(i.Tasks)
	for _, code := range level.Tasks {
		next.Tasks = append(next.Tasks, Task{Code: code, At: at})
	}
	if next.Level >= t.From && t.From > 0 && next.Interest.From.IsZero() {
		next.Interest.From = at
	}
	return next, nil
}

// restricts are the capabilities that the claim takes from its debtor.
func (i Item) restricts(t Terms) (all []string) {
	if i.Open().Sign() > 0 || i.Lost().Sign() > 0 {
		for _, l := range t.Ladder[:min(i.Level, len(t.Ladder))] {
			all = append(all, l.Restrict...)
		}
	}
	return all
}

// byAge puts claims in the order in which money covers them: what is open before
// what was given up, the oldest due first.
func byAge(a, b Item) int {
	lost := func(i Item) int { return min(1, 1-i.Open().Sign()) }
	return cmp.Or(cmp.Compare(lost(a), lost(b)), a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
}

// plus and minus are for parts of one whole: of one currency, and never larger
// than it.
func plus(a, b platform.Money) platform.Money {
	sum, _ := a.Add(b)
	return sum
}

func minus(a, b platform.Money) platform.Money {
	rest, _ := a.Sub(b)
	return rest
}

func lesser(a, b platform.Money) platform.Money {
	if b.Minor() < a.Minor() {
		return b
	}
	return a
}

func money(minor int64, c platform.Currency) platform.Money {
	m, _ := platform.FromMinor(minor, c)
	return m
}
