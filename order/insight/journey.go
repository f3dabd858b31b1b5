package insight

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Journey is what happened to one order, folded from its events. It does not
// depend on the order in which they came.
type Journey struct {
	platform.Head
	Fold     string        `json:"fold" class:"internal"` // the round in which it was folded
	Order    platform.ID   `json:"order" class:"internal"`
	Customer platform.ID   `json:"customer,omitempty" class:"internal"`
	Merchant platform.ID   `json:"merchant,omitempty" class:"internal"`
	Zone     platform.ID   `json:"zone,omitempty" class:"internal"`
	Inbox    []platform.ID `json:"inbox" class:"internal"` // the events that it knows, ascending

	ByOperator bool `json:"by_operator,omitempty" class:"internal"` // an operator placed it
	TakenOver  bool `json:"taken_over,omitempty" class:"internal"`
	Blocked    bool `json:"blocked,omitempty" class:"internal"` // by screening: it never was an order
	Test       bool `json:"test,omitempty" class:"internal"`    // of [Terms.Tests]

	Placed    time.Time `json:"placed,omitzero" class:"internal"`
	Confirmed time.Time `json:"confirmed,omitzero" class:"internal"`
	Started   time.Time `json:"started,omitzero" class:"internal"`
	Delivered time.Time `json:"delivered,omitzero" class:"internal"` // first
	Completed time.Time `json:"completed,omitzero" class:"internal"`
	Cancelled time.Time `json:"cancelled,omitzero" class:"internal"`
	Reworked  time.Time `json:"reworked,omitzero" class:"internal"` // first handed back
	Disputed  time.Time `json:"disputed,omitzero" class:"internal"` // first dispute or chargeback
	Planned   time.Time `json:"planned,omitzero" class:"internal"`  // when the work was to begin

	Asked  platform.Money `json:"asked,omitzero" class:"internal"`  // the price, as placed
	Sold   platform.Money `json:"sold,omitzero" class:"internal"`   // at completion
	Fee    platform.Money `json:"fee,omitzero" class:"internal"`    // of Sold, the platform's
	Fault  string         `json:"fault,omitempty" class:"internal"` // of the cancellation
	Seats  int            `json:"seats,omitempty" class:"internal"`
	Filled map[int]Seat   `json:"filled,omitempty" class:"internal"` // by the seat's number
	Lost   []Loss         `json:"lost,omitempty" class:"internal"`   // seats lost, and those who did not come, by time

	Refunds map[platform.ID]Refund `json:"refunds,omitempty" class:"internal"`
}

// Seat is how a seat of an order was filled.
type Seat struct {
	Offered  time.Time `json:"offered,omitzero" class:"internal"`  // first
	Accepted time.Time `json:"accepted,omitzero" class:"internal"` // first
}

// Loss is a seat that was lost, or somebody who did not come.
type Loss struct {
	At    time.Time `json:"at" class:"internal"`
	What  string    `json:"what" class:"internal"` // the event: assignment.released
	Fault string    `json:"fault,omitempty" class:"internal"`
}

// Refund is one refund of an order.
type Refund struct {
	Asked  time.Time      `json:"asked,omitzero" class:"internal"` // or granted without asking
	Paid   time.Time      `json:"paid,omitzero" class:"internal"`
	Ended  time.Time      `json:"ended,omitzero" class:"internal"` // refused or taken back
	Amount platform.Money `json:"amount,omitzero" class:"internal"`
	Fee    platform.Money `json:"fee,omitzero" class:"internal"` // of Amount, what the platform gives
	Fault  string         `json:"fault,omitempty" class:"internal"`
}

// Ref names the journey.
func (j Journey) Ref() platform.Ref { return platform.Ref{Kind: journeyKind, ID: j.ID} }

// journeyID is that of an order's journey.
func journeyID(order platform.ID) platform.ID { return order.As("jny") }

// told is what events tell of an order; each type tells some of it.
type told struct {
	Order    platform.ID    `json:"order"`
	Subject  platform.Ref   `json:"subject"` // of a chargeback
	Customer platform.ID    `json:"customer"`
	Merchant platform.ID    `json:"merchant"`
	Zone     platform.ID    `json:"zone"`
	Amount   platform.Money `json:"amount"`
	Fee      platform.Money `json:"fee"`
	Fault    string         `json:"fault"`
	Seat     int            `json:"seat"`
	Seats    int            `json:"seats"`
	Planned  time.Time      `json:"planned_start"`
}

// heard are the types that a journey is folded of, besides those of disputes.
var heard = []string{
	"order.placed", "order.taken_over", "order.blocked", "order.confirmed", "order.started", "order.delivered", "order.completed",
	"order.cancelled", "order.rework_requested", "assignment.offered", "assignment.accepted", "assignment.released",
	"assignment.staff_no_show", "assignment.customer_no_show", "refund.requested", "refund.approved", "refund.succeeded",
	"refund.rejected", "refund.cancelled", "dispute.opened", "chargeback.received",
}

// read is what an event tells, and of which order; of none if it tells nothing
// that is measured. What cannot be read is taken as not told: a log is never
// held up by one event.
func read(e platform.Event) (told, platform.ID) {
	var t told
	if !slices.Contains(heard, e.Type) {
		return t, ""
	}
	if json.Unmarshal(e.Data, &t) != nil {
		t = told{}
	}
	of := t.Order
	switch {
	case e.Subject.Kind == "order":
		of = e.Subject.ID
	case of == "" && t.Subject.Kind == "order":
		of = t.Subject.ID
	}
	if _, err := platform.ParseID(string(of)); err != nil {
		return t, ""
	}
	return t, of
}

// with is the journey with an event more; the same when it knows the event.
func (j Journey) with(e platform.Event, t told, terms Terms) Journey {
	at, known := slices.BinarySearch(j.Inbox, e.ID)
	if known {
		return j
	}
	j.Inbox = slices.Insert(slices.Clone(j.Inbox), at, e.ID)
	j.met(t, terms)
	area, what, _ := strings.Cut(e.Type, ".")
	switch area {
	case "order":
		j.order(what, e, t)
	case "assignment":
		j.assignment(what, e, t)
	case "refund":
		j.refund(what, e, t)
	default: // a dispute, a chargeback
		first(&j.Disputed, e.At)
	}
	return j
}

// met notes who is part of the order; every event that names them names the same.
func (j *Journey) met(t told, terms Terms) {
	j.Customer, j.Merchant, j.Zone = either(j.Customer, t.Customer), either(j.Merchant, t.Merchant), either(j.Zone, t.Zone)
	j.Test = j.Test || slices.ContainsFunc(terms.Tests, func(id platform.ID) bool { return id == j.Customer || id == j.Merchant })
}

func (j *Journey) order(what string, e platform.Event, t told) {
	switch what {
	case "placed", "taken_over":
		j.ByOperator, j.TakenOver = what == "placed" && e.Actor.Kind == platform.Operator, what == "taken_over"
		first(&j.Placed, e.At)
		j.Asked, j.Seats, j.Planned = t.Amount, t.Seats, t.Planned.UTC()
		if t.Planned.IsZero() {
			j.Planned = time.Time{}
		}
	case "blocked":
		j.Blocked = true
		first(&j.Placed, e.At)
		j.Asked = t.Amount
	case "confirmed":
		first(&j.Confirmed, e.At)
	case "started":
		first(&j.Started, e.At)
	case "delivered":
		first(&j.Delivered, e.At)
	case "completed":
		first(&j.Completed, e.At)
		j.Sold, j.Fee = t.Amount, t.Fee
	case "cancelled":
		first(&j.Cancelled, e.At)
		j.Fault = t.Fault
	case "rework_requested":
		first(&j.Reworked, e.At)
	}
}

func (j *Journey) assignment(what string, e platform.Event, t told) {
	if what != "offered" && what != "accepted" {
		loss := Loss{At: e.At.UTC(), What: e.Type, Fault: t.Fault}
		at, _ := slices.BinarySearchFunc(j.Lost, loss, Loss.compare)
		j.Lost = slices.Insert(slices.Clone(j.Lost), at, loss)
		return
	}
	seats := make(map[int]Seat, len(j.Filled)+1)
	maps.Copy(seats, j.Filled)
	s := seats[t.Seat]
	if what == "offered" {
		first(&s.Offered, e.At)
	} else {
		first(&s.Accepted, e.At)
	}
	seats[t.Seat], j.Filled = s, seats
}

func (l Loss) compare(o Loss) int {
	if c := l.At.Compare(o.At); c != 0 {
		return c
	}
	return strings.Compare(l.What+l.Fault, o.What+o.Fault)
}

func (j *Journey) refund(what string, e platform.Event, t told) {
	all := make(map[platform.ID]Refund, len(j.Refunds)+1)
	maps.Copy(all, j.Refunds)
	r := all[e.Subject.ID]
	if !t.Amount.Absent() {
		r.Amount = t.Amount
	}
	if t.Fault != "" {
		r.Fault = t.Fault
	}
	switch what {
	case "requested":
		first(&r.Asked, e.At)
	case "approved":
		first(&r.Asked, e.At)
		r.Fee = t.Fee
	case "succeeded":
		first(&r.Paid, e.At)
	default:
		first(&r.Ended, e.At)
	}
	all[e.Subject.ID], j.Refunds = r, all
}

// first keeps the earlier of two moments.
func first(is *time.Time, at time.Time) {
	if is.IsZero() || at.Before(*is) {
		*is = at.UTC()
	}
}

// either is the one that is known.
func either(a, b platform.ID) platform.ID {
	if a == "" || b != "" && b < a {
		return b
	}
	return a
}

// apart is why the order is in no figure; "" when it is in them.
func (j Journey) apart() string {
	switch {
	case j.Blocked:
		return "blocked"
	case j.Test:
		return "test"
	case j.TakenOver:
		return "taken_over"
	case j.ByOperator:
		return "operator"
	case j.Placed.IsZero():
		return "incomplete" // its first event has not come yet
	}
	return ""
}

// moments are the order's moments by which windows hold it.
func (j Journey) moments() map[Anchor]time.Time {
	return map[Anchor]time.Time{ByPlaced: j.Placed, ByConfirmed: j.Confirmed, ByStarted: j.Started, ByCompleted: j.Completed}
}

// wanted is when staff is to be there, as far as anybody is: as planned, or as
// soon as the order was confirmed.
func (j Journey) wanted() time.Time {
	switch {
	case j.Seats == 0 || j.Confirmed.IsZero() || !j.Cancelled.IsZero():
		return time.Time{}
	case j.Planned.IsZero():
		return j.Confirmed
	}
	return j.Planned
}
