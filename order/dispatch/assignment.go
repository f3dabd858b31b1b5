package dispatch

import (
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// State is where an assignment stands.
type State string

// The states of an assignment. From Accepted to Working it holds the seat; the
// states after Finished are ends without work.
const (
	Offered    State = "offered"
	Accepted   State = "accepted"
	Travelling State = "en_route"
	Arrived    State = "arrived"
	Working    State = "working"
	Finished   State = "done"
	Declined   State = "declined"
	Expired    State = "expired"
	Withdrawn  State = "withdrawn"
	Released   State = "released"
	Missed     State = "staff_no_show"
	StoodUp    State = "customer_no_show" // the member came, and nobody was there
)

// Holds tells whether an assignment in this state holds its seat.
func (s State) Holds() bool {
	return slices.Contains([]State{Accepted, Travelling, Arrived, Working}, s)
}

type (
	states = []State
	kinds  = []platform.ActorKind
)

// moves is the whole machine; what is not in it cannot happen.
var moves = table()

func table() platform.Moves[State] {
	const c, m, s, o, y = platform.Customer, platform.Merchant, platform.Staff, platform.Operator, platform.System
	return platform.Moves[State]{
		{Verb: "offer", From: states{""}, To: Offered, By: kinds{o, y}, Refusal: ErrNotOfferable},
		{Verb: "take_over", From: states{""}, To: Accepted, By: kinds{o}, Refusal: ErrNotOfferable}, // with its order
		{Verb: "accept", From: states{Offered}, To: Accepted, By: kinds{s}, Refusal: ErrNotAcceptable},
		{Verb: "decline", From: states{Offered}, To: Declined, By: kinds{s}, Refusal: ErrNotDeclinable},
		{Verb: "expire", From: states{Offered}, To: Expired, By: kinds{y}, Refusal: ErrNotExpirable},
		{Verb: "withdraw", From: states{Offered}, To: Withdrawn, By: kinds{o, y}, Refusal: ErrNotWithdrawable},
		{Verb: "en_route", From: states{Accepted}, To: Travelling, By: kinds{s, o}, Refusal: ErrNotStartable},
		{Verb: "arrive", From: states{Travelling}, To: Arrived, By: kinds{s, o}, Refusal: ErrNotStartable},
		{Verb: "work", From: states{Arrived}, To: Working, By: kinds{s, o}, Refusal: ErrNotStartable},
		{Verb: "done", From: states{Working}, To: Finished, By: kinds{s, o}, Refusal: ErrNotStartable},
		{Verb: "contact", From: states{Arrived}, By: kinds{s, o}, Refusal: ErrNotWaiting},
		{Verb: "stand_up", From: states{Arrived}, To: StoodUp, By: kinds{y}, Refusal: ErrNotReleasable},                   // with its order
		{Verb: "begin", From: states{Accepted, Travelling, Arrived}, To: Working, By: kinds{y}, Refusal: ErrNotStartable}, // with its order
		{Verb: "finish", From: states{Accepted, Travelling, Arrived, Working}, To: Finished, By: kinds{y}, Refusal: ErrNotStartable},
		{Verb: "release", From: states{Accepted, Travelling, Arrived}, To: Released, By: kinds{s, o, m, y}, Refusal: ErrNotReleasable},
		{Verb: "no_show", From: states{Accepted, Travelling}, To: Missed, By: kinds{c, o, y}, Refusal: ErrNotMissable},
		{Verb: "move", From: states{Accepted, Travelling, Arrived}, To: Accepted, By: kinds{y}, Refusal: ErrNotReleasable}, // with its order
		{Verb: "drop", From: states{Offered}, To: Withdrawn, By: kinds{y}, Refusal: ErrNotReleasable},                      // with its order
		{Verb: "drop", From: states{Accepted, Travelling, Arrived, Working}, To: Released, By: kinds{y}, Refusal: ErrNotReleasable},
	}
}

// Assignment is one attempt to get a member for a seat of an order. It is never
// used again: whoever is asked once more gets another.
type Assignment struct {
	platform.Head
	State    State       `json:"state" class:"internal"`
	Order    platform.ID `json:"order" class:"internal"`
	Seat     int         `json:"seat" class:"internal"`
	Member   platform.ID `json:"member" class:"internal"`
	Customer platform.ID `json:"customer" class:"internal"`
	Merchant platform.ID `json:"merchant" class:"internal"`
	Zone     platform.ID `json:"zone,omitempty" class:"internal"`
	Need     []string    `json:"need,omitempty" class:"internal"` // as asked of [Members]
	From     time.Time   `json:"from" class:"internal"`
	Until    time.Time   `json:"until" class:"internal"`
	Place    *Place      `json:"place,omitempty" class:"internal"`
	Round    int         `json:"round" class:"internal"` // 0: by hand
	Why      Why         `json:"why" class:"internal"`
	Offered  time.Time   `json:"offered" class:"internal"`
	Due      time.Time   `json:"due,omitzero" class:"internal"` // until when the offer stands; zero once it is answered
	Reason   string      `json:"reason,omitempty" class:"internal"`
	Fault    string      `json:"fault,omitempty" class:"internal"`    // whose, of a release
	Steps    []Step      `json:"steps,omitempty" class:"internal"`    // when it came to each state after the offer
	Contacts []Contacted `json:"contacts,omitempty" class:"internal"` // attempts to reach the customer on the spot
}

// Contacted is an attempt to reach the customer.
type Contacted struct {
	At  time.Time `json:"at"`
	Way string    `json:"way"` // call, message, door
}

// Step is when an assignment came to a state.
type Step struct {
	State State     `json:"state"`
	At    time.Time `json:"at"`
}

// Why is the explanation that is kept with an offer: why this member, and why
// not the others.
type Why struct {
	Plan   string         `json:"plan,omitempty"` // hash of the plan; empty for an offer by hand
	Travel int64          `json:"travel,omitempty"`
	Cost   int64          `json:"cost,omitempty"`
	Others []Verdict      `json:"others,omitempty"` // at most 20, nearest first
	Counts map[string]int `json:"counts,omitempty"` // of all others, by code
}

// Ref names the assignment.
func (a Assignment) Ref() platform.Ref { return assigned(a.ID) }

func assigned(id platform.ID) platform.Ref {
	return platform.Ref{Kind: "dispatch.assignment", ID: id}
}

// Open lists the verbs that a kind of actor may take on the assignment now.
func (a Assignment) Open(by platform.ActorKind) []string { return moves.Open(a.State, by) }

// visible tells whether the assignment exists for the actor: the member, the
// merchant, the platform's own people, and the customer once it was accepted.
func (a Assignment) visible(to platform.Actor) bool {
	switch to.Kind {
	case platform.Operator, platform.System, platform.Auditor:
		return true
	case platform.Staff:
		return a.Member == to.For()
	case platform.Merchant:
		return a.Merchant == to.For()
	case platform.Customer:
		return a.Customer == to.For() && (a.State.Holds() || a.State == Finished)
	}
	return false
}

// shown is the assignment as the actor may read it: all but the platform's own
// people see the others of the explanation masked.
func (a Assignment) shown(to platform.Actor) Assignment {
	if to.Kind == platform.Operator || to.Kind == platform.System || to.Kind == platform.Auditor {
		return a
	}
	a.Why.Others = slices.Clone(a.Why.Others)
	for i := range a.Why.Others {
		a.Why.Others[i].Member = ""
	}
	return a
}

// take moves the assignment by the verb.
func (a Assignment) take(verb string, by platform.ActorKind, at time.Time) (Assignment, error) {
	state, err := moves.Take(a.State, verb, by)
	if err != nil {
		return Assignment{}, fmt.Errorf("assignment %s: %w", a.ID, err)
	}
	if a.State == Offered {
		a.Due = time.Time{}
	}
	a.State = state
	a.Steps = append(slices.Clone(a.Steps), Step{State: state, At: at})
	return a, nil
}

// live tells whether the offer stands; it is over at its deadline, whether or
// not anything has noted that.
func (a Assignment) live(now time.Time) bool { return a.State == Offered && now.Before(a.Due) }

// beaten is the reason of an offer that was withdrawn when another accepted.
const beaten = "seat_taken"

// Accept is the assignment as its member agrees to it. It fails with
// ErrSeatTaken when another was faster, with ErrOfferExpired from its deadline
// on, and with ErrNotAcceptable.
func (a Assignment) Accept(by platform.ActorKind, at time.Time) (Assignment, error) {
	if by == platform.Staff && a.State == Withdrawn && a.Reason == beaten {
		return Assignment{}, fmt.Errorf("accept assignment %s: %w", a.ID, ErrSeatTaken)
	}
	return a.answer("accept", "", by, at)
}

// Decline is the assignment as its member refuses it. It fails with
// ErrOfferExpired from its deadline on, and with ErrNotDeclinable.
func (a Assignment) Decline(reason string, by platform.ActorKind, at time.Time) (Assignment, error) {
	return a.answer("decline", reason, by, at)
}

// answer is a move of the member that only an offer which stands allows.
func (a Assignment) answer(verb, reason string, by platform.ActorKind, at time.Time) (Assignment, error) {
	next, err := a.take(verb, by, at)
	late := err == nil && !a.live(at) || by == platform.Staff && a.State == Expired
	if late {
		return Assignment{}, fmt.Errorf("%s assignment %s: %w", verb, a.ID, ErrOfferExpired)
	}
	if err != nil {
		return Assignment{}, err
	}
	next.Reason = reason
	return next, nil
}

// Expire is the assignment after nobody answered in time. It fails with
// ErrNotExpirable before its deadline, and once it was answered.
func (a Assignment) Expire(at time.Time) (Assignment, error) {
	if a.live(at) {
		return Assignment{}, fmt.Errorf("assignment %s: %w", a.ID, ErrNotExpirable)
	}
	return a.end("expire", "no_answer", "", platform.System, at)
}

// Withdraw is the assignment after the offer was taken back, without any
// consequence for the member. It fails with ErrNotWithdrawable.
func (a Assignment) Withdraw(reason string, by platform.ActorKind, at time.Time) (Assignment, error) {
	return a.end("withdraw", reason, "", by, at)
}

// Release is the assignment after the member left the seat, or lost it. It
// fails with ErrNotReleasable once the work has begun.
func (a Assignment) Release(reason, fault string, by platform.ActorKind, at time.Time) (Assignment, error) {
	return a.end("release", reason, fault, by, at)
}

// Miss is the assignment after the member did not come. It fails with
// ErrTooEarly until wait has passed from the start, and with ErrNotMissable.
func (a Assignment) Miss(wait time.Duration, by platform.ActorKind, at time.Time) (Assignment, error) {
	next, err := a.end("no_show", "no_show", "staff", by, at)
	if err == nil && at.Before(a.From.Add(wait)) {
		return Assignment{}, fmt.Errorf("assignment %s: %w", a.ID, ErrTooEarly)
	}
	return next, err
}

// standUp is the assignment after its order ended since the customer was not there.
// Members who had not come are released.
func (a Assignment) standUp(at time.Time) (Assignment, error) {
	if a.State == Arrived {
		return a.end("stand_up", "no_show", "customer", platform.System, at)
	}
	return a.drop("customer", at)
}

// mostContacts of one assignment.
const mostContacts = 20

// contact is the assignment with an attempt to reach the customer.
func (a Assignment) contact(way string, by platform.ActorKind, at time.Time) (Assignment, error) {
	if _, err := moves.Take(a.State, "contact", by); err != nil {
		return Assignment{}, fmt.Errorf("assignment %s: %w", a.ID, err)
	}
	if len(a.Contacts) >= mostContacts {
		return Assignment{}, fmt.Errorf("assignment %s: %w", a.ID, ErrContacts)
	}
	a.Contacts = append(slices.Clone(a.Contacts), Contacted{At: at, Way: way})
	return a, nil
}

// drop is the assignment after its order ended: an offer is withdrawn, a seat
// released.
func (a Assignment) drop(fault string, at time.Time) (Assignment, error) {
	if a.State == Offered {
		fault = "" // nobody lost anything
	}
	return a.end("drop", "order_ended", fault, platform.System, at)
}

func (a Assignment) end(verb, reason, fault string, by platform.ActorKind, at time.Time) (Assignment, error) {
	next, err := a.take(verb, by, at)
	if err != nil {
		return Assignment{}, err
	}
	next.Reason, next.Fault = reason, fault
	return next, nil
}

// facts are what an event of an assignment tells its readers.
type facts struct {
	Order  platform.ID `json:"order"`
	Seat   int         `json:"seat"`
	Member platform.ID `json:"member"`
	Round  int         `json:"round,omitempty"`
	Plan   string      `json:"plan,omitempty"`
	Due    time.Time   `json:"due,omitzero"`
	Fault  string      `json:"fault,omitempty"`
}

// happened is the event of the state that the assignment came to.
func (a Assignment) happened() platform.Change {
	tell := facts{Order: a.Order, Seat: a.Seat, Member: a.Member, Fault: a.Fault}
	if a.State == Offered {
		tell.Round, tell.Plan, tell.Due = a.Round, a.Why.Plan, a.Due
	}
	return platform.Happened("assignment."+string(a.State), a.Ref(), tell).Because(a.Reason)
}

// booked is the work as staff knows it.
func (a Assignment) booked() Booked { return Booked{Staff: a.Member, From: a.From, Until: a.Until} }

// quota is the counter of a member's open offers, and counts down from zero.
func quota(member platform.ID) platform.Ref {
	return platform.Counter("offers:"+string(member), "offer")
}

// freed gives back what an open offer takes of its member's quota.
func (a Assignment) freed() platform.Change { return platform.Delta(quota(a.Member), 1, a.Ref()) }
