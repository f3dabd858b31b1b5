package order

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// TakeOver is an order that another system has carried so far, to go on here. It
// is what both sides agreed there: price, fees, terms and deadlines are kept.
type TakeOver struct {
	Source    string      `json:"source" validate:"required,text=64"`     // the other system
	Reference string      `json:"reference" validate:"required,text=128"` // its name of the order: for ever one order here
	Reason    string      `json:"reason" validate:"required,text=64"`     // a code
	State     State       `json:"state"`                                  // any but the ends
	Customer  platform.ID `json:"customer" validate:"required,id"`
	Merchant  platform.ID `json:"merchant" validate:"required,id"`
	Checkout  string      `json:"checkout,omitempty" validate:"text=64"`

	Lines      []TakenLine    `json:"lines" validate:"min=1,max=200,dive"`
	Total      platform.Money `json:"total,omitzero"`                            // of the lines
	Payments   []TakenPayment `json:"payments,omitempty" validate:"max=20,dive"` // what came in so far
	FeeVersion string         `json:"fee_version,omitempty" validate:"text=64"`
	Terms      Terms          `json:"terms"`
	Policy     int            `json:"policy_version,omitempty"` // of Terms.CancelPolicy; 0 is the newest
	Windows    Windows        `json:"windows,omitzero"`         // zero fields are this platform's own

	Note       string        `json:"note,omitempty" validate:"text=2000"`                    // personal: kept only sealed
	Spot       *Spot         `json:"spot,omitempty"`                                         // rounded to about a kilometre
	Start      time.Time     `json:"start,omitzero"`                                         // planned
	End        time.Time     `json:"end,omitzero"`                                           // zero: after the usual length of the work
	TimeZone   string        `json:"time_zone,omitempty"`                                    // IANA name; required with a start
	Members    []platform.ID `json:"members,omitempty" validate:"max=20,unique,dive,id=stf"` // in the seats, from the first
	Unanswered bool          `json:"unanswered,omitempty"`                                   // a confirmed order waits for the merchant's answer
	Reworks    int           `json:"reworks,omitempty"`                                      // how often the customer handed it back

	PlacedAt         time.Time `json:"placed_at"`
	ConfirmedAt      time.Time `json:"confirmed_at,omitzero"`
	StartedAt        time.Time `json:"started_at,omitzero"`
	FirstDeliveredAt time.Time `json:"first_delivered_at,omitzero"` // zero: as DeliveredAt
	DeliveredAt      time.Time `json:"delivered_at,omitzero"`
	CompletedAt      time.Time `json:"completed_at,omitzero"`
}

// TakenLine is one line of an order that is taken over.
type TakenLine struct {
	Kind     string         `json:"kind,omitempty" validate:"text=32"` // if empty, "service"
	Listing  platform.ID    `json:"listing,omitempty" validate:"omitempty,id=lst"`
	Title    string         `json:"title,omitempty" validate:"text=200"`
	Unit     string         `json:"unit,omitempty" validate:"text=64"`
	Quantity int64          `json:"quantity" validate:"min=1,max=10000" code:"order.quantity"`
	Price    platform.Money `json:"price,omitzero"`    // of one unit
	Fee      platform.Money `json:"fee,omitzero"`      // the platform's commission, inside price × quantity; absent is none
	Refunded platform.Money `json:"refunded,omitzero"` // given back already; absent is nothing
}

// TakenPayment is money that came in elsewhere. It goes back through the
// institution that has it, by the institution's own name of the charge.
type TakenPayment struct {
	Institution string         `json:"institution,omitempty" validate:"required_with=Reference,max=64"` // empty: the platform paid itself
	Reference   string         `json:"reference,omitempty" validate:"required_with=Institution,omitempty,max=255,printascii"`
	Amount      platform.Money `json:"amount,omitzero"`
	Returned    platform.Money `json:"returned,omitzero"` // of it, given back already; absent is nothing
	At          time.Time      `json:"at"`
}

// Origin is where an order comes from that was taken over.
type Origin struct {
	Source    string `json:"source" class:"internal"`
	Reference string `json:"reference" class:"internal"`
	Digest    string `json:"digest,omitempty" class:"internal"` // keyed, of all that came
}

// TakenID is the id of the order that another system called by the reference. It
// is there before the order is: the formula is frozen, with no time, and slot and
// bits cut from SHA-256 of source and reference.
func TakenID(source, reference string) platform.ID {
	name := platform.Key{Scope: "taken/" + source, Name: reference}
	sum := sha256.Sum256([]byte(name.Scope + "\x00" + name.Name))
	return platform.NewID("ord", time.Unix(0, 0), name.Slot(), binary.BigEndian.Uint64(sum[8:16]))
}

// TakeOver brings an order in, in its state, with what is due and the money that
// it holds: from the opening account into escrow, or, after the sale, to what the
// merchant has earned. It then goes on by the ordinary commands; a deadline that
// has passed fires with the next tick, and refunds go back through the
// institutions that hold the charges. Members in its seats are booked if the work
// has not begun. Only operators may. One that is there already, the same in all,
// is returned as it is now, so that a repeat has no second effect. Over a
// store.Rehearsal it tells what it would do.
//
// It fails with ErrTakenOver when the reference came with other content before,
// with the refusal of a member who cannot do the work, and with FieldErrors that
// name everything else.
func (s *Service) TakeOver(ctx context.Context, in TakeOver) (Order, error) {
	by, err := platform.ActorOf(ctx)
	if err == nil {
		_, err = moves.Take("", "take_over", by.Kind)
	}
	if err != nil {
		return Order{}, fmt.Errorf("take over order: %w", err)
	}
	options, err := s.knowing(ctx, in.Terms.CancelPolicy, in.Policy)
	if err != nil {
		return Order{}, fmt.Errorf("take over order: %w", err)
	}
	o, wrong := in.order(options, s.w.Now())
	if len(wrong) > 0 {
		return Order{}, wrong
	}
	if o.Note, err = s.sealed(ctx, o.Customer, o.ID, in.Note); err != nil {
		return Order{}, err
	}
	if o.Origin.Digest, err = s.digest(in); err != nil {
		return Order{}, err
	}
	for i := range o.Seats {
		if o.Seats[i].Member != "" && o.StartedAt.IsZero() {
			o.Seats[i].Assignment = s.w.NewChild("asg", o.ID)
		}
	}
	var known Order
	taken, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Order, []platform.Change, error) {
		found, err := s.store.Order(ctx, o.ID)
		if err == nil {
			known = found
			return Order{}, nil, fmt.Errorf("take over order %s: %w", o.ID, ErrTakenOver)
		}
		if !errors.Is(err, platform.ErrNotFound) {
			return Order{}, nil, err
		}
		changes, err := s.taken(ctx, o, in)
		return o, changes, err
	})
	if errors.Is(err, ErrTakenOver) && known.Origin != nil && *known.Origin == *o.Origin {
		return known, nil
	}
	return taken, err
}

// digest is what tells two contents of one reference apart.
func (s *Service) digest(in TakeOver) (string, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("take over order: %w", platform.ErrInvalid)
	}
	return hex.EncodeToString(s.w.Digest(append([]byte("order.takeOver\x00"), text...))), nil
}

// taken is what an order that comes means to others: its merchant is one, its
// members are booked, its money is known to the payments and in the books.
func (s *Service) taken(ctx context.Context, o Order, in TakeOver) ([]platform.Change, error) {
	at := s.w.Now()
	checks, err := s.ports.Parties.May(ctx, o.Merchant, "sell", at)
	switch {
	case errors.Is(err, platform.ErrNotFound):
		return nil, platform.Wrong("merchant", err)
	case err != nil && !errors.Is(err, platform.ErrState): // one that may not sell now has sold this
		return nil, fmt.Errorf("take over order %s: %w", o.ID, err)
	}
	seated, err := s.seat(ctx, o, at)
	if err != nil {
		return nil, err
	}
	paid, err := s.paid(ctx, o, in.Payments)
	if err != nil {
		return nil, err
	}
	held := plus(o.Captured, o.Refunded.Neg())
	legs := []platform.Leg{o.escrow(held.Neg())}
	if o.State == Completed {
		held = o.Earned
		legs = []platform.Leg{o.earning(held.Neg())}
	}
	booked, err := s.post(ctx, "order.taken_over", o.Ref(), at, append(legs, platform.Leg{Role: "opening", Amount: held}))
	if err != nil {
		return nil, err
	}
	tell := o.facts()
	tell.Amount, tell.Fees, tell.Policy = held, o.FeeVersion, o.pinned()
	tell.Origin = &Origin{Source: o.Origin.Source, Reference: o.Origin.Reference}
	event := platform.Happened("order.taken_over", o.Ref(), tell).Because(in.Reason)
	return append(slices.Concat(checks, seated, paid, booked), platform.Put(o), event), nil
}

// seat books the members of work that has not begun.
func (s *Service) seat(ctx context.Context, o Order, at time.Time) ([]platform.Change, error) {
	if len(o.Seats) > 0 && s.ports.Staffing == nil {
		return nil, fmt.Errorf("take over order %s: %w", o.ID, errNoStaffing)
	}
	var seats []Seated
	for _, seat := range o.Seats {
		if seat.Assignment != "" {
			seats = append(seats, Seated{seat.No, seat.Assignment, seat.Member})
		}
	}
	if len(seats) == 0 {
		return nil, nil
	}
	need, err := o.need()
	if err != nil {
		return nil, err
	}
	booked, err := s.ports.Staffing.TakeOver(ctx, need, at, seats...)
	if errors.Is(err, platform.ErrState) || errors.Is(err, platform.ErrNotFound) {
		who := slices.IndexFunc(o.Seats, func(seat Seat) bool { return seat.Member == platform.Details(err)["member"] })
		return nil, platform.Wrong(path("members", max(who, 0), ""), err)
	}
	if err != nil {
		return nil, fmt.Errorf("seats of order %s: %w", o.ID, err)
	}
	return booked, nil
}

// paid tells the payments what came in elsewhere, and what is still asked.
func (s *Service) paid(ctx context.Context, o Order, payments []TakenPayment) ([]platform.Change, error) {
	if o.Asked.Sign() == 0 {
		return nil, nil
	}
	doc, err := json.Marshal(payments)
	if err != nil {
		return nil, fmt.Errorf("take over order %s: %w", o.ID, platform.ErrInvalid)
	}
	var due time.Time
	if o.State == AwaitingPayment {
		due = o.Due()
	}
	changes, err := s.ports.Payments.TakeOver(ctx, o.Ref(), o.Customer, o.Asked, due, doc)
	if wrong, ok := errors.AsType[platform.FieldErrors](err); ok {
		for i := range wrong {
			wrong[i].Path = "payments" + wrong[i].Path
		}
		return nil, wrong
	}
	if err != nil {
		return nil, fmt.Errorf("take over the payments of order %s: %w", o.ID, err)
	}
	return changes, nil
}
