package payment

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/liangding/platform"
)

// ChargebackState is how far a chargeback has come.
type ChargebackState string

// The states of a chargeback. The money is gone while it is open.
const (
	ChargebackNeedsResponse ChargebackState = "needs_response" // evidence may be given until RespondBy
	ChargebackManual        ChargebackState = "manual"         // the institution takes no answer from us: an operator gives it there
	ChargebackAnswering     ChargebackState = "answering"      // evidence, or the acceptance, is on its way
	ChargebackUnderReview   ChargebackState = "under_review"   // the payer's bank decides
	ChargebackWon           ChargebackState = "won"            // the money came back
	ChargebackLost          ChargebackState = "lost"
	ChargebackPartlyLost    ChargebackState = "partly_lost"
)

var (
	answerable      = []ChargebackState{ChargebackNeedsResponse, ChargebackManual}
	openChargebacks = append(slices.Clip(answerable), ChargebackAnswering, ChargebackUnderReview)
	platforms       = []platform.ActorKind{platform.Operator, platform.System}
)

// ChargebackMoves is the transition table of a chargeback.
var ChargebackMoves = platform.Moves[ChargebackState]{
	{Verb: "answer", From: []ChargebackState{ChargebackNeedsResponse}, To: ChargebackAnswering, By: operator, Refusal: ErrNotAnswerable},
	{Verb: "contest", From: []ChargebackState{ChargebackNeedsResponse, ChargebackManual, ChargebackAnswering}, To: ChargebackUnderReview, By: platforms, Refusal: ErrNothingNew},
	{Verb: "ask", From: []ChargebackState{ChargebackAnswering}, To: ChargebackNeedsResponse, By: system, Refusal: ErrNothingNew},
	{Verb: "wait", From: openChargebacks, By: system, Refusal: ErrNothingNew},
	{Verb: "win", From: openChargebacks, To: ChargebackWon, By: platforms, Refusal: ErrNothingNew},
	{Verb: "lose", From: openChargebacks, To: ChargebackLost, By: platforms, Refusal: ErrNothingNew},
	{Verb: "lose_part", From: openChargebacks, To: ChargebackPartlyLost, By: platforms, Refusal: ErrNothingNew},
}

// Chargeback is money that a payer's bank took back from a payment: one round of
// a dispute there. A bank that opens the dispute again begins the next round, on
// a record of its own.
type Chargeback struct {
	platform.Head
	Subject     platform.Ref    `json:"subject" class:"internal"`
	Attempt     platform.ID     `json:"attempt" class:"internal"` // whose money it was
	Payer       platform.ID     `json:"payer,omitempty" class:"internal"`
	Institution string          `json:"institution" class:"internal"`
	Reference   string          `json:"reference" class:"internal"` // the institution's own of the dispute
	Round       int             `json:"round" class:"internal"`     // from 1 on
	State       ChargebackState `json:"state" class:"internal"`
	Amount      platform.Money  `json:"amount" class:"internal"`            // taken, as the institution figures it
	Counts      platform.Money  `json:"counts" class:"internal"`            // of the payment, that cannot be given back besides; all that is left of it if the currencies differ
	Before      platform.Money  `json:"refunded,omitzero" class:"internal"` // given back, or on its way, before the bank took it: evidence; absent when nothing
	Lost        platform.Money  `json:"lost,omitzero" class:"internal"`     // for good; absent until it is decided
	Legs        []platform.Leg  `json:"legs" class:"internal"`              // who bears it, held until it is decided
	Reason      string          `json:"reason,omitempty" class:"internal"`  // the institution's code, as it came
	RespondBy   time.Time       `json:"respond_by,omitzero" class:"internal"`
	Warned      bool            `json:"warned,omitempty" class:"internal"` // that the time to respond is nearly over
	Conceded    bool            `json:"conceded,omitempty" class:"internal"`
	Evidence    string          `json:"evidence,omitempty" class:"internal"` // SHA-256 of what was answered, in hex
	Operation
	OpenedAt time.Time `json:"opened_at" class:"internal"`
	EndedAt  time.Time `json:"ended_at,omitzero" class:"internal"`
}

// Ref names the chargeback.
func (c Chargeback) Ref() platform.Ref { return platform.Ref{Kind: "payment.chargeback", ID: c.ID} }

// payment is the attempt, as far as a chargeback knows it.
func (c Chargeback) payment() Attempt {
	return Attempt{Head: platform.Head{ID: c.Attempt}, Subject: c.Subject, Institution: c.Institution}
}

// Open tells whether it is not decided.
func (c Chargeback) Open() bool { return slices.Contains(openChargebacks, c.State) }

// maxRounds is how often a dispute may be opened again.
const maxRounds = 4

// ChargebackID is the id of a round of a dispute. The formula is frozen: time and
// slot of the attempt's id, and 8 bytes of SHA-256(institution, 0x00, reference,
// 0x00, round).
func ChargebackID(attempt platform.ID, institution, reference string, round int) platform.ID {
	sum := sha256.Sum256([]byte(institution + "\x00" + reference + "\x00" + strconv.Itoa(round)))
	return platform.NewID("cbk", attempt.Time(), attempt.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// warning is how long before its end the time to respond is called short.
const warning = 48 * time.Hour

// review is how often the institution is asked about a dispute that is open there.
const review = 24 * time.Hour

// Answer returns the chargeback with an answer on its way, until a moment:
// evidence, or that it is given up. It fails with ErrNotAnswerable unless a
// response is waited for, and with ErrTooLate once the time is over.
func (c Chargeback) Answer(evidence string, at, until time.Time) (Chargeback, error) {
	next, err := c.move("answer", platform.Operator)
	if err != nil {
		return Chargeback{}, err
	}
	if !c.RespondBy.IsZero() && !at.Before(c.RespondBy) {
		return Chargeback{}, fmt.Errorf("answer %s: %w", c.ID, ErrTooLate)
	}
	next.Evidence, next.Conceded = evidence, evidence == ""
	next.Operation = Operation{SentAt: at, Until: until, Due: until}
	return next, nil
}

// Learn returns the chargeback as the institution's word about the dispute leaves
// it. It fails with ErrNothingNew when that says nothing that was not known.
func (c Chargeback) Learn(d Dispute, at time.Time) (Chargeback, error) {
	switch d.State {
	case DisputeContested:
		next, err := c.move("contest", platform.System)
		next.Operation = Operation{Due: at.Add(review)}
		return next, err
	case DisputeOpen:
		if c.State != ChargebackAnswering {
			break
		}
		next, err := c.move("ask", platform.System) // the answer has not arrived
		next.Evidence, next.Conceded = "", false
		return next.waits(at), err
	case DisputeWon:
		return c.end("win", platform.Money{}, platform.System, at)
	case DisputeLost:
		if part, err := d.Amount.Cmp(c.Amount); err == nil && part < 0 && d.Amount.Sign() > 0 {
			return c.end("lose_part", d.Amount, platform.System, at)
		}
		return c.end("lose", c.Amount, platform.System, at)
	}
	return Chargeback{}, fmt.Errorf("chargeback %s: %w", c.ID, ErrNothingNew)
}

// Contradicts tells whether the institution says another end of the dispute than
// the one that is recorded: money that came back of a lost one, or that was taken
// of a won one, which a person books by what the statement says.
func (c Chargeback) Contradicts(d Dispute) bool {
	if c.Open() {
		return false
	}
	switch d.State {
	case DisputeWon:
		return c.State != ChargebackWon
	case DisputeLost:
		lost := c.Amount
		if part, err := d.Amount.Cmp(c.Amount); err == nil && part < 0 && d.Amount.Sign() > 0 {
			lost = d.Amount
		}
		return c.Lost != lost
	}
	return false
}

// Decide returns the chargeback as an operator found it at the institution: all,
// a part or nothing (absent or zero) lost. It fails with ErrNotAnswerable at an
// end, and with ErrAmount for more than was taken or another currency.
func (c Chargeback) Decide(lost platform.Money, at time.Time) (Chargeback, error) {
	if !c.Open() {
		return Chargeback{}, platform.Detail(fmt.Errorf("decide %s: %w", c.ID, ErrNotAnswerable), "state", string(c.State))
	}
	if lost.Sign() == 0 {
		return c.end("win", platform.Money{}, platform.Operator, at)
	}
	switch over, err := lost.Cmp(c.Amount); {
	case err != nil, lost.Sign() < 0, over > 0:
		return Chargeback{}, fmt.Errorf("decide %s: %w", c.ID, ErrAmount)
	case over == 0:
		return c.end("lose", lost, platform.Operator, at)
	}
	return c.end("lose_part", lost, platform.Operator, at)
}

// Waited returns an open chargeback after its due without news: the institution is
// asked again in a day, and those who respond are warned once, two days before
// the time is over.
func (c Chargeback) Waited(at time.Time) (_ Chargeback, warned bool, _ error) {
	if at.Before(c.Due) {
		return Chargeback{}, false, fmt.Errorf("chargeback %s: %w", c.ID, ErrNothingNew)
	}
	next, err := c.move("wait", platform.System)
	if err != nil {
		return Chargeback{}, false, err
	}
	if next.State == ChargebackAnswering {
		op, verb := c.looked("wait", at)
		if verb == "park" { // a day in vain: an operator answers there
			next.State = ChargebackManual
			return next.waits(at), true, nil
		}
		next.Operation = op
		return next, false, nil
	}
	warned = !c.Warned && !c.RespondBy.IsZero() && !at.Before(c.RespondBy.Add(-warning)) && slices.Contains(answerable, c.State)
	next.Warned = c.Warned || warned
	return next.waits(at), warned, nil
}

// waits is the chargeback due for what comes first: the warning, the end of the
// time to respond, or the next look.
func (c Chargeback) waits(at time.Time) Chargeback {
	due := at.Add(review)
	for _, t := range []time.Time{c.RespondBy.Add(-warning), c.RespondBy} {
		if !c.RespondBy.IsZero() && t.After(at) && t.Before(due) {
			due = t
		}
	}
	c.Operation = Operation{Due: due}
	return c
}

func (c Chargeback) end(verb string, lost platform.Money, by platform.ActorKind, at time.Time) (Chargeback, error) {
	next, err := c.move(verb, by)
	if err != nil {
		return Chargeback{}, err
	}
	if lost.Absent() {
		if lost, err = c.Amount.Sub(c.Amount); err != nil {
			return Chargeback{}, err
		}
	}
	next.Lost, next.EndedAt, next.Operation = lost, at, Operation{}
	return next, nil
}

// stays is how much of the payment the chargeback keeps from being given back once
// it is decided.
func (c Chargeback) stays() (platform.Money, error) {
	switch {
	case c.State == ChargebackWon:
		return c.Counts.Sub(c.Counts)
	case c.State == ChargebackPartlyLost && c.Lost.Currency() == c.Counts.Currency():
		if less, err := c.Lost.Cmp(c.Counts); err != nil || less < 0 {
			return c.Lost, err
		}
	}
	return c.Counts, nil
}

// partly are the legs of a part that was lost: what came back, and of who bears
// it the first so much.
func (c Chargeback) partly() ([]platform.Leg, error) {
	back, err := c.Amount.Sub(c.Lost)
	if err != nil {
		return nil, err
	}
	legs := []platform.Leg{{Role: "clearing", Party: platform.ID(c.Institution), Amount: back}}
	rest := c.Lost
	for _, l := range c.Legs {
		take := l.Amount
		if over, err := take.Cmp(rest); err != nil {
			return nil, err
		} else if over > 0 {
			take = rest
		}
		if rest, err = rest.Sub(take); err != nil {
			return nil, err
		}
		l.Amount = take
		legs = append(legs, l)
	}
	return append(legs, platform.Leg{Role: "chargeback", Of: c.ID, Amount: c.Amount.Neg()}), nil
}

// event says what became of the chargeback.
func (c Chargeback) event() platform.Change {
	what := map[ChargebackState]string{
		ChargebackNeedsResponse: "received", ChargebackManual: "received", ChargebackAnswering: "answering", ChargebackUnderReview: "responded",
		ChargebackWon: "won", ChargebackLost: "lost", ChargebackPartlyLost: "partly_lost",
	}[c.State]
	if c.Conceded && c.State == ChargebackLost {
		what = "accepted"
	}
	return platform.Happened("chargeback."+what, c.Ref(), c.facts())
}

// facts are a chargeback in an event.
func (c Chargeback) facts() any {
	return struct {
		Subject   platform.Ref   `json:"subject"`
		Attempt   platform.ID    `json:"attempt"`
		Round     int            `json:"round"`
		Amount    platform.Money `json:"amount"`
		Before    platform.Money `json:"refunded,omitzero"`
		Lost      platform.Money `json:"lost,omitzero"`
		RespondBy time.Time      `json:"respond_by,omitzero"`
	}{c.Subject, c.Attempt, c.Round, c.Amount, c.Before, c.Lost, c.RespondBy}
}

func (c Chargeback) move(verb string, by platform.ActorKind) (Chargeback, error) {
	state, err := ChargebackMoves.Take(c.State, verb, by)
	if err != nil {
		return Chargeback{}, fmt.Errorf("chargeback %s: %w", c.ID, err)
	}
	c.State = state
	return c, nil
}
