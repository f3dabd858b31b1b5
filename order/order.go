package order

import (
	"encoding/json"
	"time"

	"github.com/liangding/platform"
)

// Order is what a customer asked of one merchant: what was agreed, how far it
// is, and what its money does. It is a value; the decisions on it (Start,
// Deliver, Accept, …) return the order as it would be and change nothing.
type Order struct {
	platform.Head
	State    State       `json:"state" class:"internal"`
	Customer platform.ID `json:"customer" class:"internal"`
	Merchant platform.ID `json:"merchant" class:"internal"`
	Checkout string      `json:"checkout,omitempty" class:"internal"` // groups the orders of one checkout; the caller's own text
	Bill     platform.ID `json:"bill,omitempty" class:"internal"`     // the [Checkout] whose payment pays it; empty: it has its own
	Origin   *Origin     `json:"origin,omitempty" class:"internal"`   // of an order that was taken over

	Lines []Line `json:"lines" class:"internal"`
	Mirrors
	Deposit       platform.Money `json:"deposit,omitzero" class:"internal"`      // of Total, what confirms the order; absent: all of it
	FeeVersion    string         `json:"fee_version,omitempty" class:"internal"` // of the schedule that priced the fees
	PolicyVersion int            `json:"policy_version" class:"internal"`        // of Terms.CancelPolicy
	Terms         Terms          `json:"terms" class:"internal"`                 // frozen at placing
	Windows       Windows        `json:"windows" class:"internal"`               // frozen at placing
	Screening     string         `json:"screening" class:"internal"`             // allow, review, cleared, rejected

	Note         platform.Sealed `json:"note,omitempty" class:"personal,fulfilment,3y,contract"`
	Spot         *Spot           `json:"spot,omitempty" class:"internal"`
	PlannedStart time.Time       `json:"planned_start,omitzero" class:"internal"` // zero: as soon as possible
	PlannedEnd   time.Time       `json:"planned_end,omitzero" class:"internal"`
	TimeZone     string          `json:"time_zone,omitempty" class:"internal"` // IANA name in which the plan is shown

	Seats   []Seat   `json:"seats,omitempty" class:"internal"` // none: the merchant works without dispatch
	Proofs  []Proved `json:"proofs,omitempty" class:"internal"`
	Reworks int      `json:"reworks,omitempty" class:"internal"` // how often the customer handed it back

	PlacedAt         time.Time `json:"placed_at" class:"internal"`
	ConfirmedAt      time.Time `json:"confirmed_at,omitzero" class:"internal"`
	StartedAt        time.Time `json:"started_at,omitzero" class:"internal"`
	FirstDeliveredAt time.Time `json:"first_delivered_at,omitzero" class:"internal"`
	DeliveredAt      time.Time `json:"delivered_at,omitzero" class:"internal"` // last
	AcceptedAt       time.Time `json:"accepted_at,omitzero" class:"internal"`  // only where the money had to be taken first: it completes once that is there
	CompletedAt      time.Time `json:"completed_at,omitzero" class:"internal"`
	EndedAt          time.Time `json:"ended_at,omitzero" class:"internal"` // expired, declined, cancelled, closed

	TermsVersion int         `json:"terms_version,omitempty" class:"internal"` // raised by every change that is applied
	Change       *Changing   `json:"change,omitempty" class:"internal"`        // that is open
	Rescheduled  Rescheduled `json:"rescheduled,omitzero" class:"internal"`

	Cancellation *Cancellation `json:"cancellation,omitempty" class:"internal"`
	Dispute      platform.ID   `json:"dispute,omitempty" class:"internal"` // that is open over the order
	Timers       []Timer       `json:"timers,omitempty" class:"internal"`
	Generation   int           `json:"generation" class:"internal"` // raised by every change of state or deadline
}

// Ref names the order.
func (o Order) Ref() platform.Ref { return platform.Ref{Kind: "order", ID: o.ID} }

// Line is one priced line of an order, frozen at placing but for what refunds
// gave back of it.
type Line struct {
	No       int             `json:"no" class:"internal"`   // 1, 2, 3 …
	Kind     string          `json:"kind" class:"internal"` // "service", or that of an [Extra]
	Listing  platform.ID     `json:"listing,omitempty" class:"internal"`
	Revision platform.ID     `json:"revision,omitempty" class:"internal"` // immutable
	Title    string          `json:"title,omitempty" class:"public"`
	Unit     string          `json:"unit,omitempty" class:"public"`
	Quantity int64           `json:"quantity" class:"internal"`
	Price    platform.Money  `json:"price" class:"internal"`          // of one unit
	Amount   platform.Money  `json:"amount" class:"internal"`         // price × quantity
	Fee      platform.Money  `json:"fee,omitzero" class:"internal"`   // the platform's part, inside Amount, tax included; absent in a quote
	Given    platform.Money  `json:"given,omitzero" class:"internal"` // of Amount, reserved for or paid by refunds
	FeeGiven platform.Money  `json:"fee_given,omitzero" class:"internal"`
	Parts    []Part          `json:"fees,omitempty" class:"internal"` // of Fee, with the tax in them; none: a plain commission, given back as the line is
	Owed     platform.Money  `json:"owed,omitzero" class:"internal"`  // of Given, what the merchant owes the platform for fees that were kept
	Seen     json.RawMessage `json:"seen,omitempty" class:"internal"` // what the catalogue pinned, as it came
}

// Seat is one place for a member of staff.
type Seat struct {
	No         int         `json:"no" class:"internal"` // 1, 2, 3 …
	Assignment platform.ID `json:"assignment,omitempty" class:"internal"`
	Member     platform.ID `json:"member,omitempty" class:"internal"` // empty: open
}

// Spot is where the work happens, to about a kilometre (two decimals of a
// degree); an exact address is personal and belongs elsewhere.
type Spot struct {
	Lat float64 `json:"lat" class:"internal" validate:"min=-90,max=90"`
	Lon float64 `json:"lon" class:"internal" validate:"min=-180,max=180"`
}

// Mirrors are the sums of an order's money, all in its currency and none
// negative. They change only in the commit that changes what they mirror, so
// one record decides every ceiling.
type Mirrors struct {
	Total       platform.Money `json:"total" class:"internal"` // Σ of the lines
	Asked       platform.Money `json:"asked" class:"internal"`
	Secured     platform.Money `json:"secured" class:"internal"`            // ≤ asked
	Captured    platform.Money `json:"captured" class:"internal"`           // ≤ secured
	Refunded    platform.Money `json:"refunded" class:"internal"`           // given back: to the customer, and to the platform what it paid itself
	Reserved    platform.Money `json:"reserved" class:"internal"`           // of refunds on their way
	ChargedBack platform.Money `json:"charged_back" class:"internal"`       // by payers' banks, undecided or for good
	Contested   platform.Money `json:"contested,omitzero" class:"internal"` // of it, undecided: nobody accepts or closes the order meanwhile; absent: no bank ever took any
	Held        platform.Money `json:"held" class:"internal"`               // for a dispute: nobody is paid out of it, and no other refund

	Approved    platform.Money `json:"approved" class:"internal"`              // of refunds that the books know
	ApprovedFee platform.Money `json:"approved_fee" class:"internal"`          // the platform's part of it
	ApprovedTax platform.Money `json:"approved_tax,omitzero" class:"internal"` // the tax in that; absent: none
	Earned      platform.Money `json:"earned" class:"internal"`                // the merchant's, not yet released
	Undone      platform.Money `json:"undone,omitzero" class:"internal"`       // of Reserved and Refunded, what no line asks for since a change; absent: none
	Waived      platform.Money `json:"waived,omitzero" class:"internal"`       // of Total and Approved, given back before it was taken; absent: none
	Tipped      platform.Money `json:"tipped,omitzero" class:"internal"`       // beside all the others: tips that were asked for; absent: none
	Extra       platform.Money `json:"extra,omitzero" class:"internal"`        // of Asked, what changes asked for on top; absent: none
}

// PaymentStatus is how the money of an order reads; it is derived, never stored.
type PaymentStatus string

// The payment statuses; a later one hides the earlier.
const (
	Unpaid         PaymentStatus = "unpaid"
	PartlyPaid     PaymentStatus = "partly_paid"
	Paid           PaymentStatus = "paid"
	PartlyRefunded PaymentStatus = "partly_refunded"
	Refunded       PaymentStatus = "refunded"
	ChargedBack    PaymentStatus = "charged_back"
)

// Payment is the payment status. An order without a price is paid.
func (m Mirrors) Payment() PaymentStatus {
	switch {
	case m.ChargedBack.Sign() > 0:
		return ChargedBack
	case (m.Refunded.Sign() > 0 || m.Waived.Sign() > 0) && m.Refunded.Minor() >= m.Secured.Minor():
		return Refunded
	case m.Refunded.Sign() > 0 || m.Waived.Sign() > 0:
		return PartlyRefunded
	case m.paid():
		return Paid
	case m.Secured.Sign() > 0:
		return PartlyPaid
	}
	return Unpaid
}

// Refundable is what can still be given back: captured − refunded − reserved −
// charged back − held.
func (m Mirrors) Refundable() platform.Money {
	return plus(m.Captured, m.Refunded.Neg(), m.Reserved.Neg(), m.ChargedBack.Neg(), m.Held.Neg())
}

// Refundable is what can still be given back of the order's lines: as its sums
// say, with what is only held, but for what came for a change that is not applied,
// and for the fee that its cancellation cost, which only a dispute gives back.
func (o Order) Refundable() platform.Money {
	if o.Cancellation == nil {
		return plus(o.Mirrors.Refundable(), o.held(), o.beyond().Neg())
	}
	return plus(o.Captured, o.Refunded.Neg(), o.Reserved.Neg(), o.ChargedBack.Neg(), o.beyond().Neg(), o.Cancellation.kept().Neg())
}

// plus adds amounts that lie below an order's total, which fits. Should they
// not be of one currency the result is absent, and no store takes that.
func plus(first platform.Money, more ...platform.Money) platform.Money {
	sum, err := platform.Sum(first.Currency(), append(more, first)...)
	if err != nil {
		return platform.Money{}
	}
	return sum
}

// paid tells whether the whole price is there.
func (m Mirrors) paid() bool { return plus(m.Secured, m.undone().Neg()).Minor() >= m.price().Minor() }

// unanswered tells whether a confirmed order waits for the merchant's answer.
func (o Order) unanswered() bool { return o.State == Confirmed && o.timer(answerTimer) }

// open are the numbers of the seats that nobody fills.
func (o Order) open() []int {
	free := []int{}
	for _, s := range o.Seats {
		if s.Member == "" {
			free = append(free, s.No)
		}
	}
	return free
}

// visible tells whether the order exists for the actor: the customer, the
// merchant, the staff in its seats, and the platform's own people.
func (o Order) visible(to platform.Actor) bool {
	switch to.Kind {
	case platform.Operator, platform.System, platform.Auditor:
		return true
	case platform.Customer:
		return o.Customer == to.For()
	case platform.Merchant:
		return o.Merchant == to.For()
	case platform.Staff:
		for _, s := range o.Seats {
			if s.Member != "" && s.Member == to.For() {
				return true
			}
		}
	}
	return false
}

// facts are what an event of an order tells its readers; amounts are deltas.
type facts struct {
	Customer platform.ID    `json:"customer,omitempty"`
	Merchant platform.ID    `json:"merchant,omitempty"`
	State    State          `json:"state,omitempty"`
	Amount   platform.Money `json:"amount,omitzero"`
	Fee      platform.Money `json:"fee,omitzero"`
	Amends   platform.Money `json:"amends,omitzero"`
	Fees     string         `json:"fee_version,omitempty"`
	Policy   string         `json:"policy,omitempty"` // name and version, or the row that decided
	Fault    Fault          `json:"fault,omitempty"`
	Kind     string         `json:"kind,omitempty"`
	Order    platform.ID    `json:"order,omitempty"`  // of a child
	Origin   *Origin        `json:"origin,omitempty"` // without the digest
	Planned  time.Time      `json:"planned_start,omitzero"`
	Seats    int            `json:"seats,omitempty"`
	Zone     platform.ID    `json:"zone,omitempty"`
}

func (o Order) facts() facts {
	return facts{Customer: o.Customer, Merchant: o.Merchant, State: o.State}
}

// happened is an event of the order with facts that every reader wants.
func (o Order) happened(what string) platform.Change {
	return platform.Happened("order."+what, o.Ref(), o.facts())
}

// told is an event with an amount and a fee beside the usual facts.
func (o Order) told(what string, amount, fee platform.Money) platform.Change {
	tell := o.facts()
	tell.Amount, tell.Fee = amount, fee
	return platform.Happened("order."+what, o.Ref(), tell)
}
