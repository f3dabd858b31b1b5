package order

import (
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// States of an order. Expired, Declined, Cancelled and Closed are ends, which
// no order leaves.
const (
	AwaitingPayment State = "awaiting_payment" // placed; its money is not there, or it waits for a review
	Confirmed       State = "confirmed"        // secured; the merchant may still have to answer
	Assigned        State = "assigned"         // every seat is filled
	InProgress      State = "in_progress"      // the work has begun
	Delivered       State = "delivered"        // handed over; the customer may accept
	Rework          State = "rework"           // handed back
	Completed       State = "completed"        // the sale is final and booked
	Closed          State = "closed"           // every window is over
	Expired         State = "expired"          // not paid in time
	Declined        State = "declined"         // by the merchant, or by a review
	Cancelled       State = "cancelled"
)

// State is where an order stands. It says nothing about money: see
// [Mirrors.Payment].
type State string

// Ended tells whether the state is an end.
func (s State) Ended() bool {
	return slices.Contains([]State{Expired, Declined, Cancelled, Closed}, s)
}

type (
	states = []State
	kinds  = []platform.ActorKind
)

// moves is the whole machine; what is not in it cannot happen. What a verb asks
// beyond state and actor is in [Order.guard].
var moves = table()

// Moves is the transition table of an order, to be shown or proved.
func Moves() platform.Moves[State] { return table() }

func table() platform.Moves[State] {
	const c, m, f, o, y = platform.Customer, platform.Merchant, platform.Staff, platform.Operator, platform.System
	return platform.Moves[State]{
		{Verb: "place", From: states{""}, To: AwaitingPayment, By: kinds{c, o}, Refusal: errNotPlaceable},
		{Verb: "take_over", From: states{""}, By: kinds{o}, Refusal: errNotPlaceable}, // in the state that it had elsewhere
		{Verb: "secure", From: states{AwaitingPayment}, To: Confirmed, By: kinds{y}, Refusal: ErrNotPayable},
		{Verb: "expire", From: states{AwaitingPayment}, To: Expired, By: kinds{y}, Refusal: errNotExpirable},
		{Verb: "clear", From: states{AwaitingPayment}, By: kinds{o}, Refusal: errNotClearable},
		{Verb: "reject", From: states{AwaitingPayment}, To: Declined, By: kinds{o}, Refusal: errNotClearable},
		{Verb: "confirm", From: states{Confirmed}, By: kinds{m}, Refusal: errNotConfirmable},
		{Verb: "decline", From: states{Confirmed}, To: Declined, By: kinds{m, y}, Refusal: errNotDeclinable},
		{Verb: "staff", From: states{Confirmed}, To: Assigned, By: kinds{y}, Refusal: errNotStaffable},
		{Verb: "unstaff", From: states{Confirmed, Assigned}, To: Confirmed, By: kinds{y}, Refusal: errNotUnstaffable},
		{Verb: "start", From: states{Confirmed, Assigned}, To: InProgress, By: kinds{f, m}, Refusal: errNotStartable},
		{Verb: "deliver", From: states{InProgress, Rework}, To: Delivered, By: kinds{f, m}, Refusal: errNotDeliverable},
		{Verb: "complete", From: states{Confirmed, Assigned, InProgress, Rework}, To: Completed, By: kinds{f, m}, Refusal: errNotCompletable},
		{Verb: "accept", From: states{Delivered}, To: Completed, By: kinds{c, y}, Refusal: errNotAcceptable},
		{Verb: "rework", From: states{Delivered}, To: Rework, By: kinds{c}, Refusal: errNotReworkable},
		{Verb: "change", From: states{Confirmed, Assigned, InProgress}, By: kinds{c, m, o}, Refusal: errNotChangeable},
		{Verb: "cancel", From: states{AwaitingPayment, Confirmed, Assigned, InProgress}, To: Cancelled, By: kinds{c, m, o, y}, Refusal: errNotCancellable},
		{Verb: "cancel", From: states{Delivered, Rework}, To: Cancelled, By: kinds{o}, Refusal: errNotCancellable},
		{Verb: "miss", From: states{Assigned}, To: Cancelled, By: kinds{f, o}, Refusal: errNotMissable}, // the customer was not there
		{Verb: "waive", From: states{Cancelled}, By: kinds{m, o}, Refusal: errNotWaivable},
		{Verb: "tip", From: states{Delivered, Rework, Completed}, By: kinds{c, o}, Refusal: errNotTippable},
		{Verb: "refund", From: states{Confirmed, Assigned, InProgress, Delivered, Rework, Completed, Closed, Declined, Cancelled}, By: kinds{c, m, o, y}, Refusal: errNotRefundable},
		{Verb: "close", From: states{Completed}, To: Closed, By: kinds{y}, Refusal: errNotClosable},
		{Verb: "close", From: states{Cancelled}, By: kinds{y}, Refusal: errNotClosable}, // releases the merchant's part of the fee
	}
}

// take moves the order by the verb. A change of state ends every deadline of
// the state before.
func (o Order) take(verb string, by platform.ActorKind, at time.Time) (Order, error) {
	state, err := moves.Take(o.State, verb, by)
	if err == nil {
		err = o.guard(verb, at)
	}
	if err != nil {
		return Order{}, platform.Detail(fmt.Errorf("order %s: %w", o.ID, err), "state", string(o.State))
	}
	if state != o.State {
		if o.State = state; !slices.Contains([]State{Confirmed, Assigned}, state) {
			o.Change = nil // [Service] closes it in the same set
		}
		o.disarm()
		o.awaitBalance()
	}
	return o, nil
}

// guard is what a verb asks of an order besides its state.
func (o Order) guard(verb string, at time.Time) error {
	switch verb {
	case "accept":
		return unless(o.Dispute == "" && o.Contested.Sign() <= 0, ErrDisputed)
	case "cancel", "miss":
		return unless(o.Dispute == "", ErrDisputed)
	case "waive":
		return unless(o.waivable(), errNotWaivable)
	case "clear", "reject":
		return unless(o.Screening == review, errNotClearable)
	case "confirm":
		return unless(o.unanswered() && at.Before(o.Due()), errNotConfirmable)
	case "decline":
		return unless(o.unanswered(), errNotDeclinable)
	case "staff":
		return unless(len(o.Seats) > 0 && !o.unanswered(), errNotStaffable)
	case "change":
		return o.proposable()
	case "start":
		return o.startable(at)
	case "deliver":
		return o.applying(errNotDeliverable)
	case "complete":
		if err := o.applying(errNotCompletable); err != nil {
			return err
		}
		if o.Terms.Acceptance != byProof {
			return errNotCompletable
		}
		if o.Dispute != "" || o.Contested.Sign() > 0 {
			return ErrDisputed
		}
		if o.StartedAt.IsZero() {
			return o.startable(at)
		}
	case "rework":
		return unless(o.Reworks < maxReworks && o.AcceptedAt.IsZero() && at.Before(o.Due()), errNotReworkable)
	}
	return nil
}

func unless(holds bool, refusal error) error {
	if holds {
		return nil
	}
	return refusal
}

// proposable tells why no change can be proposed now: one is open, the merchant
// has not answered, or the work has begun and what it costs was given back in part.
func (o Order) proposable() error {
	if o.Change != nil {
		return platform.Detail(ErrChangeOpen, "change", o.Change.Change)
	}
	if o.State == InProgress && o.givenBack() {
		return errChangeRefunded
	}
	return unless(!o.unanswered(), errNotChangeable)
}

// applying refuses while a change that everybody approved is not applied yet.
func (o Order) applying(refusal error) error {
	if o.Change != nil && o.Change.Approved {
		return platform.Detail(refusal, "change", o.Change.Change)
	}
	return nil
}

// startable tells why the work cannot begin, in a state where it otherwise
// might: seats are open, the merchant has not answered, or it is too early.
func (o Order) startable(at time.Time) error {
	if o.unanswered() || len(o.open()) > 0 {
		return errNotStartable
	}
	if err := o.applying(errNotStartable); err != nil {
		return err
	}
	if lacks := o.lacks(o.before()); lacks.Sign() > 0 {
		return platform.Detail(errNotSecured, "lacks", lacks)
	}
	if o.PlannedStart.IsZero() {
		return nil
	}
	if from := o.PlannedStart.Add(-o.Windows.StartEarly); at.Before(from) {
		return platform.Detail(errNotStartable, "from", from)
	}
	return nil
}
