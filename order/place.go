package order

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Place orders services of one merchant at a fixed price. The customer sends
// the total that it saw; get it from [Service.Quote].
type Place struct {
	Lines    []PlaceLine    `json:"lines" validate:"dive"` // 1 to 200
	Extras   []Extra        `json:"extras,omitempty" validate:"dive"`
	Total    platform.Money `json:"total,omitzero"`
	Start    time.Time      `json:"start,omitzero"`      // zero: as soon as possible
	End      time.Time      `json:"end,omitzero"`        // zero: after the usual length of the work
	TimeZone string         `json:"time_zone,omitempty"` // IANA name; required with a start
	Checkout string         `json:"checkout,omitempty" validate:"text=64"`
	Note     string         `json:"note,omitempty" validate:"text=2000"` // personal: kept only sealed
	Spot     *Spot          `json:"spot,omitempty"`                      // rounded to about a kilometre
}

// PlaceLine is so many units of a listing.
type PlaceLine struct {
	Listing  platform.ID `json:"listing" validate:"required,id=lst"`
	Quantity int64       `json:"quantity" validate:"min=1,max=10000" code:"order.quantity"`
}

// Extra is a priced line without a listing, such as "freight". The kinds that
// may be sold are in [Options].
type Extra struct {
	Kind   string         `json:"kind" validate:"required,max=32"`
	Amount platform.Money `json:"amount,omitzero" validate:"required,gt=0" code:"order.amount_not_positive"`
}

const maxLines = 200

// wrong is everything that is wrong with the input by itself, whenever it is
// given, but for the total.
func (in Place) wrong(o Options) platform.FieldErrors {
	var wrong platform.FieldErrors
	_ = errors.As(platform.Validate(in), &wrong)
	lines := len(in.Lines) + len(in.Extras)
	switch {
	case len(in.Lines) == 0:
		wrong = append(wrong, platform.Wrong("lines", errNoLines)...)
	case lines > maxLines:
		wrong = append(wrong, platform.Wrong("lines", errTooManyLines)...)
	}
	for i, x := range in.Extras {
		if x.Kind != "" && !slices.Contains(o.ExtraKinds, x.Kind) {
			wrong = append(wrong, platform.Wrong(path("extras", i, "kind"), errExtra)...)
		}
	}
	if !in.End.IsZero() && !in.End.After(in.Start) || !in.End.IsZero() && in.Start.IsZero() {
		wrong = append(wrong, platform.Wrong("end", errInterval)...)
	}
	if !in.zoned() {
		wrong = append(wrong, platform.Wrong("time_zone", errZone)...)
	}
	return wrong
}

// zoned tells whether the time zone is one of the IANA database. A planned start
// needs one, since the wall clock of the place is what was agreed.
func (in Place) zoned() bool {
	if in.TimeZone == "" {
		return in.Start.IsZero()
	}
	_, err := time.LoadLocation(in.TimeZone)
	return err == nil && in.TimeZone != "Local" && len(in.TimeZone) <= 64
}

// untimely is what is wrong with the start at a moment.
func (in Place) untimely(farAhead time.Duration, now time.Time) platform.FieldErrors {
	switch {
	case in.Start.IsZero():
		return nil
	case in.Start.Before(now):
		return platform.Wrong("start", errStartPast)
	case in.Start.Sub(now) > farAhead:
		return platform.Wrong("start", errStartFar)
	}
	return nil
}

// planned is the plan made definite, length being that of the work where no end
// is given. now decides what is past.
func (in Place) planned(length, farAhead time.Duration, now time.Time) (start, end time.Time, err error) {
	if in.Start.IsZero() {
		return start, end, nil
	}
	if wrong := in.untimely(farAhead, now); wrong != nil {
		return start, end, wrong
	}
	start, end = in.Start.UTC(), in.End.UTC()
	if in.End.IsZero() {
		end = start.Add(length)
	}
	if !end.After(start) || end.Sub(start) > farAhead {
		return start, end, platform.Wrong("end", errInterval)
	}
	return start, end, nil
}

// Place creates an order: it pins the listings and their terms, freezes price
// and fees, and asks for the money; an order without a price is confirmed at
// once. A customer orders for itself, an operator on behalf of one.
//
// It fails with ErrPriceChanged when the total is not what the customer saw,
// with ErrBlocked after a screening that says so (whose decision is kept), with
// order.listing_not_live, with the refusal of a merchant that may not sell, and
// with FieldErrors. An order under review waits in AwaitingPayment until
// [Service.ClearReview], paid or not.
func (s *Service) Place(ctx context.Context, in Place) (Order, error) {
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return Order{}, fmt.Errorf("place order: %w", err)
	}
	if wrong := in.amiss(s.options, s.w.Now()); len(wrong) > 0 {
		return Order{}, wrong
	}
	before, failed := s.prepare(ctx, by, in, s.w.NewRoot(ctx, "ord"))
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Order, []platform.Change, error) {
		if failed != nil {
			return Order{}, nil, failed
		}
		// What was screened may be placed as it was read, since its checks are in
		// the set. It may not be refused so: that is decided on what is read here.
		if d := before.draft; d != nil {
			before.draft = nil
			if o, changes, err := s.decide(ctx, in, before, *d); err == nil || len(changes) > 0 {
				return o, changes, err
			}
		}
		d, err := s.draft(ctx, in)
		if err != nil {
			return Order{}, nil, err
		}
		return s.decide(ctx, in, before, d)
	})
}

// amiss is everything that is wrong with the input at a moment.
func (in Place) amiss(o Options, now time.Time) platform.FieldErrors {
	wrong := in.wrong(o)
	if in.Total.Absent() {
		wrong = append(wrong, platform.Wrong("total", errTotal)...)
	}
	if len(wrong) > 0 {
		wrong = append(wrong, in.untimely(o.FarAhead, now)...)
	}
	return wrong
}

// decide is the order that a draft becomes, with all that goes with it.
func (s *Service) decide(ctx context.Context, in Place, p prepared, d draft) (Order, []platform.Change, error) {
	o, changes, err := s.accepted(in, p, d, "")
	if err != nil {
		return Order{}, changes, err
	}
	asked, err := s.ask(ctx, o)
	if err != nil {
		return Order{}, nil, err
	}
	return o, append(changes, asked...), nil
}

// accepted is the order that a draft becomes, but for its payment, which may be that
// of a checkout.
func (s *Service) accepted(in Place, p prepared, d draft, bill platform.ID) (Order, []platform.Change, error) {
	if p.verdict.outcome == block {
		return Order{}, append(slices.Clip(p.verdict.changes), p.blocked(d.quote)), fmt.Errorf("place order: %w", ErrBlocked)
	}
	o, err := s.placed(in, p, d)
	if err != nil {
		return Order{}, nil, err
	}
	o.Bill = bill
	return o, slices.Concat(d.checks, p.verdict.changes, o.placing(), d.charges(o)), nil
}

// prepared is what happens once, before the decision: whose order it will be,
// the sealed note, what was drafted for the screening, and what that said.
type prepared struct {
	id       platform.ID
	by       platform.ActorKind
	customer platform.ID
	note     platform.Sealed
	draft    *draft // nil if nothing is screened
	verdict  verdict
}

func (s *Service) prepare(ctx context.Context, by platform.Actor, in Place, id platform.ID) (prepared, error) {
	p := prepared{id: id, by: by.Kind, customer: by.For(), verdict: verdict{outcome: allow}}
	if _, err := moves.Take("", "place", by.Kind); err != nil {
		return p, err
	}
	if by.Kind == platform.Operator && by.OnBehalf == "" {
		return p, fmt.Errorf("place order: %w", errCustomer)
	}
	var err error
	if p.note, err = s.sealed(ctx, p.customer, p.id, in.Note); err != nil || s.ports.Screen == nil {
		return p, err
	}
	d, err := s.draft(ctx, in)
	if err != nil {
		return p, err
	}
	p.draft = &d
	p.verdict, err = s.screen(ctx, by, p.id, in, d.quote)
	return p, err
}

// placed is the new order, at the moment of its draft.
func (s *Service) placed(in Place, p prepared, d draft) (Order, error) {
	if in.Total != d.quote.Total {
		return Order{}, platform.Detail(fmt.Errorf("place order of %s: %w", in.Total, ErrPriceChanged), "quote", d.quote)
	}
	if d.terms.Seats > 0 && s.ports.Staffing == nil {
		return Order{}, fmt.Errorf("place order: %w", errNoStaffing)
	}
	if _, err := holds(s.ports.Payments); err != nil && captures[d.terms.Capture] > 0 {
		return Order{}, fmt.Errorf("place order: %w", err)
	}
	start, end, err := in.planned(d.terms.length(), s.options.FarAhead, d.at)
	if err != nil {
		return Order{}, err
	}
	o := Order{
		Head: platform.Head{ID: p.id}, Customer: p.customer, Merchant: d.quote.Merchant, Checkout: in.Checkout,
		Lines: slices.Clone(d.quote.Lines), FeeVersion: d.version, PolicyVersion: d.policy,
		Terms: d.terms, Windows: s.options.Windows, Screening: p.verdict.outcome,
		Note: p.note, Spot: in.Spot.coarse(), PlannedStart: start, PlannedEnd: end, TimeZone: in.TimeZone, PlacedAt: d.at,
	}
	zero := plus(d.quote.Total, d.quote.Total.Neg())
	o.Mirrors = Mirrors{
		Total: d.quote.Total, Asked: d.quote.Total, Secured: zero, Captured: zero, Refunded: zero, Reserved: zero,
		ChargedBack: zero, Held: zero, Approved: zero, ApprovedFee: zero, Earned: zero,
	}
	for i := range o.Lines {
		l := &o.Lines[i]
		l.Fee = total(d.fees[i], zero)
		if l.Given, l.FeeGiven = zero, zero; !plain(d.fees[i]) {
			l.Parts = d.fees[i]
		}
	}
	for no := 1; no <= d.terms.Seats; no++ {
		o.Seats = append(o.Seats, Seat{No: no})
	}
	if o.Deposit, err = d.terms.deposit(o.Total); err != nil {
		return Order{}, fmt.Errorf("place order: %w", err)
	}
	if o, err = o.take("place", p.by, d.at); err != nil {
		return Order{}, err
	}
	o.arm(payTimer, d.at.Add(o.Windows.Pay))
	return o.confirmed(d.at)
}

// placing is the order's record and events.
func (o Order) placing() []platform.Change {
	tell := o.facts()
	tell.Amount, tell.Fees, tell.Policy = o.Total, o.FeeVersion, o.pinned()
	tell.Planned, tell.Seats, tell.Zone = o.PlannedStart, len(o.Seats), o.Terms.Zone
	changes := []platform.Change{platform.Put(o), platform.Happened("order.placed", o.Ref(), tell)}
	if o.State == Confirmed {
		changes = append(changes, o.happened("confirmed"))
	}
	return changes
}

// pinned is the cancellation policy that the order keeps, name and version.
func (o Order) pinned() string { return o.Terms.CancelPolicy + "." + strconv.Itoa(o.PolicyVersion) }

// coarse is the spot to two decimals of a degree.
func (s *Spot) coarse() *Spot {
	if s == nil {
		return nil
	}
	return &Spot{Lat: math.Round(s.Lat*100) / 100, Lon: math.Round(s.Lon*100) / 100}
}

// sealed is the note as it may be stored.
func (s *Service) sealed(ctx context.Context, customer, id platform.ID, note string) (platform.Sealed, error) {
	if strings.TrimSpace(note) == "" {
		return nil, nil
	}
	if s.ports.Sealer == nil {
		return nil, fmt.Errorf("place order: %w", errNoSealer)
	}
	at := platform.Place{
		Subject: platform.Ref{Kind: "customer", ID: customer}, Record: platform.Ref{Kind: "order", ID: id}, Field: "note",
	}
	return s.ports.Sealer.Seal(ctx, at, note)
}
