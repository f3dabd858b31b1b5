package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// ProposeChange asks the other side to change an order. What is not named stays.
type ProposeChange struct {
	Order    platform.ID  `json:"order" validate:"required,id=ord"`
	Lines    []ChangeLine `json:"lines,omitempty" validate:"max=200,dive"`
	Start    time.Time    `json:"start,omitzero"`
	End      time.Time    `json:"end,omitzero"`        // zero: after the usual length of the work
	TimeZone string       `json:"time_zone,omitempty"` // IANA name; if empty, the order's
	Spot     *Spot        `json:"spot,omitempty"`      // rounded to about a kilometre
	Restaff  bool         `json:"restaff,omitempty"`   // other members than those in the seats
	Hash     string       `json:"hash,omitempty" validate:"max=64"`
	Reason   string       `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the order.
func (in ProposeChange) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// ChangeLine changes a line of the order, or adds one of a listing.
type ChangeLine struct {
	Line     int            `json:"line,omitempty" validate:"min=0" code:"order.line_unknown"` // 0: a new one
	Listing  platform.ID    `json:"listing,omitempty" validate:"required_without=Line,omitempty,id=lst"`
	Quantity int64          `json:"quantity" validate:"min=0,max=10000" code:"order.quantity"`                  // 0 takes the line out
	Price    platform.Money `json:"price,omitzero" validate:"omitempty,gte=0" code:"order.amount_not_positive"` // of one unit; absent: as it is
}

// revise prices what would be made of an order, and changes nothing. The checks
// are those under which it holds.
func (s *Service) revise(ctx context.Context, o Order, in ProposeChange, at time.Time) (Proposal, []platform.Change, error) {
	p := Proposal{
		Start: o.PlannedStart, End: o.PlannedEnd, TimeZone: o.TimeZone, Spot: o.Spot, Minutes: o.Terms.Minutes,
		Total: o.Total, Delta: plus(o.Total, o.Total.Neg()),
	}
	var checks []platform.Change
	var err error
	if len(in.Lines) > 0 {
		if p, checks, err = s.relined(ctx, o, p, in.Lines, at); err != nil {
			return Proposal{}, nil, err
		}
	}
	if p, err = in.replanned(o, p, s.options.FarAhead, at); err != nil {
		return Proposal{}, nil, err
	}
	if in.Restaff && len(o.Seats) > len(o.open()) {
		p.Kinds = append(p.Kinds, "staff")
	}
	if len(p.Kinds) == 0 {
		return Proposal{}, nil, fmt.Errorf("change order %s: %w", o.ID, errChangeNothing)
	}
	if err := o.changeable(p, at); err != nil {
		return Proposal{}, nil, fmt.Errorf("change order %s: %w", o.ID, err)
	}
	p, err = p.hashed(o)
	return p, checks, err
}

// replanned is the proposal with another time and place.
func (in ProposeChange) replanned(o Order, p Proposal, farAhead time.Duration, at time.Time) (Proposal, error) {
	length := time.Duration(p.Minutes) * time.Minute
	switch {
	case !in.Start.IsZero():
		plan := Place{Start: in.Start, End: in.End, TimeZone: in.TimeZone}
		if plan.TimeZone == "" {
			plan.TimeZone = o.TimeZone
		}
		if !plan.zoned() {
			return Proposal{}, platform.Wrong("time_zone", errZone)
		}
		var err error
		if p.Start, p.End, err = plan.planned(length, farAhead, at); err != nil {
			return Proposal{}, err
		}
		p.TimeZone = plan.TimeZone
	case !in.End.IsZero() || in.TimeZone != "":
		return Proposal{}, platform.Wrong("end", errInterval)
	case !p.Start.IsZero() && p.End.Equal(p.Start.Add(o.Terms.length())):
		p.End = p.Start.Add(length) // as long as the work takes now
	}
	if !p.Start.Equal(o.PlannedStart) || !p.End.Equal(o.PlannedEnd) || p.TimeZone != o.TimeZone {
		p.Kinds = append(p.Kinds, "time")
	}
	if spot := in.Spot.coarse(); spot != nil && (o.Spot == nil || *spot != *o.Spot) {
		p.Spot, p.Kinds = spot, append(p.Kinds, "place")
	}
	return p, nil
}

// relined is the proposal with other lines, priced as the order was: those that
// stay at the price that was agreed, new ones at today's, and the platform's part
// of all by the schedule that the order froze.
func (s *Service) relined(ctx context.Context, o Order, p Proposal, asks []ChangeLine, at time.Time) (Proposal, []platform.Change, error) {
	lines := []Line{}
	for _, l := range o.Lines {
		if !l.added(l.Parts) {
			lines = append(lines, l)
		}
	}
	old := len(lines)
	pins, checks, err := s.pinned(ctx, o, asks, at)
	if err != nil {
		return Proposal{}, nil, err
	}
	for i, ask := range asks {
		if ask.Line > old {
			return Proposal{}, nil, platform.Wrong(path("lines", i, "line"), errLineUnknown)
		}
		var wrong error
		if ask.Line == 0 {
			lines, wrong = o.joined(lines, ask, pins[ask.Listing])
		} else {
			wrong = lines[ask.Line-1].revalue(ask)
		}
		if wrong != nil {
			return Proposal{}, nil, platform.Wrong(path("lines", i, ""), wrong)
		}
	}
	if len(lines) > maxLines {
		return Proposal{}, nil, platform.Wrong("lines", errTooManyLines)
	}
	for i, l := range lines {
		switch {
		case i >= old, l.Quantity != o.Lines[i].Quantity:
			p.Kinds = union(p.Kinds, []string{"lines"})
		case l.Price != o.Lines[i].Price:
			p.Kinds = union(p.Kinds, []string{"price"})
		}
		was := int64(0)
		if i < old {
			was = o.Lines[i].Quantity
		}
		p.Minutes += int(l.Quantity-was) * l.minutes()
	}
	if p.Minutes = min(p.Minutes, maxMinutes); len(p.Kinds) == 0 {
		return p, checks, nil
	}
	priced, err := s.repriced(ctx, o, p, lines)
	return priced, checks, err
}

// pinned asks the catalogue for what would be added, and whether its merchant may
// still sell.
func (s *Service) pinned(ctx context.Context, o Order, asks []ChangeLine, at time.Time) (map[platform.ID]pin, []platform.Change, error) {
	var in Place
	for _, ask := range asks {
		if ask.Line == 0 {
			in.Lines = append(in.Lines, PlaceLine{Listing: ask.Listing, Quantity: ask.Quantity})
		}
	}
	if len(in.Lines) == 0 {
		return nil, nil, nil
	}
	pins, checks, err := s.pin(ctx, in, at)
	if err != nil {
		return nil, nil, err
	}
	standing, err := s.ports.Parties.May(ctx, o.Merchant, "sell", at)
	if err != nil {
		return nil, nil, fmt.Errorf("add to order %s: %w", o.ID, err)
	}
	return pins, append(checks, standing...), nil
}

// joined are the lines with a new one, which must fit the terms that the order
// keeps.
func (o Order) joined(lines []Line, ask ChangeLine, p pin) ([]Line, error) {
	subset := func(some, all []string) bool {
		return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
	}
	switch {
	case p.Merchant != o.Merchant:
		return nil, errMerchants
	case ask.Quantity == 0:
		return nil, errNoLines
	case p.Zone != o.Terms.Zone, p.CancelPolicy != o.Terms.CancelPolicy, p.Seats > o.Terms.Seats,
		!subset(p.Need, o.Terms.Need), !subset(p.Proof, o.Terms.Proof), o.Terms.Acceptance == byProof && p.Acceptance != byProof:
		return nil, errTermsMixed
	}
	l := Line{
		No: len(lines) + 1, Kind: "service", Listing: p.Listing, Revision: p.Revision, Title: p.Title, Unit: p.Unit, Price: p.Price, Seen: p.seen,
	}
	err := l.revalue(ask)
	return append(lines, l), err
}

// revalue is the line with another quantity or price.
func (l *Line) revalue(ask ChangeLine) (err error) {
	if !ask.Price.Absent() {
		if _, err = ask.Price.Cmp(l.Price); err != nil {
			return err
		}
		l.Price = ask.Price
	}
	l.Quantity = ask.Quantity
	l.Amount, err = times(l.Price, l.Quantity)
	return err
}

// minutes is the usual length of the work on one unit.
func (l Line) minutes() int {
	var p pin
	if l.Seen == nil || json.Unmarshal(l.Seen, &p) != nil {
		return 0
	}
	return p.Minutes
}

// repriced is the proposal with the total of its lines and the platform's part of
// them. Lines that were taken out stay, of nothing, so that numbers keep their
// meaning.
func (s *Service) repriced(ctx context.Context, o Order, p Proposal, lines []Line) (Proposal, error) {
	zero := plus(o.Total, o.Total.Neg())
	d, left := draft{quote: Quote{Merchant: o.Merchant, Total: zero}}, []int{}
	for i, l := range lines {
		if l.Quantity == 0 {
			continue
		}
		if err := d.quote.add(l); err != nil {
			return Proposal{}, platform.Wrong(path("lines", i, ""), err)
		}
		left = append(left, i)
	}
	if len(left) == 0 {
		return Proposal{}, platform.Wrong("lines", errNoLines)
	}
	d, _, err := s.charge(ctx, d, o.PlacedAt)
	if err == nil && d.version != o.FeeVersion {
		err = fmt.Errorf("schedule %s is now %s: %w", o.FeeVersion, d.version, errFees)
	}
	if err != nil {
		return Proposal{}, err
	}
	for i, l := range d.quote.Lines {
		l.Fee, l.Given, l.FeeGiven, l.Parts = total(d.fees[i], zero), zero, zero, nil
		if !plain(d.fees[i]) {
			l.Parts = d.fees[i]
		}
		if i < len(left) {
			l.No = left[i] + 1
			lines[left[i]] = l
			continue
		}
		l.No = len(lines) + 1
		lines = append(lines, l)
	}
	for i := range lines {
		if l := &lines[i]; l.Quantity == 0 {
			l.Amount, l.Fee, l.Given, l.FeeGiven, l.Parts = zero, zero, zero, zero, nil
		}
	}
	p.Lines, p.Total, p.Delta, p.Fees = lines, d.quote.Total, plus(d.quote.Total, o.Total.Neg()), d.stated
	return p, nil
}

// Moving is a [Staffing] that can keep members whose work is moved.
type Moving interface {
	// Move books the members of an order for work as need tells it now, and
	// releases those who cannot do it: lost are their seats. It does not write the
	// order.
	Move(ctx context.Context, order platform.Ref, need json.RawMessage, fault string, at time.Time) (lost []int, changes []platform.Change, err error)
}

// followed is who does the work after a change: the order without the members who
// cannot, and what that means to the dispatch.
func (s *Service) followed(ctx context.Context, o Order, c Change, at time.Time) (Order, []platform.Change, error) {
	if !c.moved() || len(o.Seats) == len(o.open()) {
		return o, nil, nil
	}
	if s.ports.Staffing == nil {
		return Order{}, nil, fmt.Errorf("move the staff of order %s: %w", o.ID, errNoStaffing)
	}
	fault := Fault(c.Side)
	if c.Side == platform.Operator {
		fault = PlatformFault
	}
	var lost []int
	var changes []platform.Change
	var err error
	if m, keeps := s.ports.Staffing.(Moving); keeps && !c.is("staff") {
		var need json.RawMessage
		if need, err = o.need(); err == nil {
			lost, changes, err = m.Move(ctx, o.Ref(), need, string(fault), at)
		}
	} else {
		changes, err = s.ports.Staffing.Release(ctx, o.Ref(), string(fault), at)
		for _, seat := range o.Seats {
			lost = append(lost, seat.No)
		}
	}
	if err != nil {
		return Order{}, nil, fmt.Errorf("move the staff of order %s: %w", o.ID, err)
	}
	if len(lost) == 0 {
		return o, changes, nil
	}
	was := o.State
	if o, err = o.take("unstaff", platform.System, at); err != nil {
		return Order{}, nil, err
	}
	o.Seats = slices.Clone(o.Seats)
	for i, seat := range o.Seats {
		if slices.Contains(lost, seat.No) {
			o.Seats[i] = Seat{No: seat.No}
		}
	}
	if was == Assigned {
		changes = append(changes, o.happened("unstaffed"))
	}
	return o, changes, nil
}

// vacated are the seats whose members would not follow, for the preview.
func (s *Service) vacated(ctx context.Context, o Order, c Change, at time.Time) ([]int, error) {
	next, err := o.changed(c, at)
	if err != nil {
		return nil, err
	}
	next, _, err = s.followed(ctx, next, c, at)
	if errors.Is(err, platform.ErrState) {
		return nil, err
	}
	var lost []int
	for i, seat := range o.Seats {
		if err == nil && seat.Member != "" && next.Seats[i].Member == "" {
			lost = append(lost, seat.No)
		}
	}
	return lost, err
}
