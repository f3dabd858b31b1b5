package order

import (
	"errors"
	"time"

	"github.com/liangding/platform"
)

// reached is how many of placed, confirmed, started, delivered and completed an
// order in the state has behind it; the states are those that can be taken over.
var reached = map[State]int{AwaitingPayment: 1, Confirmed: 2, Assigned: 2, InProgress: 3, Delivered: 4, Rework: 4, Completed: 5}

// taking is an order on its way in, and all that is wrong with it so far.
type taking struct {
	in    TakeOver
	order Order
	wrong platform.FieldErrors
}

// check notes what is wrong with a field, unless it is right.
func (t *taking) check(right bool, path string, refusal error) {
	if !right {
		t.wrong = append(t.wrong, platform.Wrong(path, refusal)...)
	}
}

// order is the order as it comes in at a moment, or everything that is wrong
// with the input by itself.
func (in TakeOver) order(o Options, now time.Time) (Order, platform.FieldErrors) {
	t := taking{in: in}
	_ = errors.As(platform.Validate(in), &t.wrong)
	t.order = Order{
		Head: platform.Head{ID: TakenID(in.Source, in.Reference)}, State: in.State, Customer: in.Customer, Merchant: in.Merchant,
		Checkout: in.Checkout, Origin: &Origin{Source: in.Source, Reference: in.Reference}, FeeVersion: in.FeeVersion,
		Screening: allow, Spot: in.Spot.coarse(), TimeZone: in.TimeZone, Reworks: in.Reworks,
	}
	t.agreed(o)
	t.planned(o, now)
	t.moments(now)
	t.priced()
	if len(t.wrong) > 0 { // sums of amounts that are none say nothing
		return Order{}, t.wrong
	}
	t.money(now)
	t.seated()
	t.armed()
	return t.order, t.wrong
}

// agreed is what both sides agreed on.
func (t *taking) agreed(o Options) {
	terms := t.in.Terms
	if terms.CancelPolicy == "" {
		terms.CancelPolicy = Standard
	}
	t.check(terms.sound(), "terms", errTakenTerms)
	terms.Proof, terms.Need = union(terms.Proof, nil), union(terms.Need, nil)
	policy, err := o.policy(terms.CancelPolicy, t.in.Policy)
	if t.in.Policy == 0 {
		policy, err = o.newest(terms.CancelPolicy)
	}
	t.check(err == nil, "policy_version", errTakenPolicy)
	windows := t.in.Windows.or(o.Windows)
	shortest, longest := windows.extremes()
	t.check(shortest > 0 && longest <= 400*day, "windows", errTakenWindows)
	t.order.Terms, t.order.PolicyVersion, t.order.Windows = terms, policy.Version, windows
}

// planned is when the work is to be done, which may be over by now.
func (t *taking) planned(o Options, now time.Time) {
	plan := Place{Start: t.in.Start, End: t.in.End, TimeZone: t.in.TimeZone}
	t.check(plan.zoned(), "time_zone", errZone)
	if plan.Start.IsZero() {
		t.check(plan.End.IsZero(), "end", errInterval)
		return
	}
	start, end := plan.Start.UTC(), plan.End.UTC()
	if plan.End.IsZero() {
		end = start.Add(t.in.Terms.length())
	}
	t.check(start.Sub(now) <= o.FarAhead, "start", errStartFar)
	t.check(start.Year() >= 1970, "start", errTakenMoment)
	t.check(end.After(start) && end.Sub(start) <= o.FarAhead, "end", errInterval)
	t.order.PlannedStart, t.order.PlannedEnd = start, end
}

// moments are those that the state has behind it: each after the one before,
// none ahead, and none that it has not reached.
func (t *taking) moments(now time.Time) {
	o, in := &t.order, t.in
	if reached[in.State] == 0 {
		t.check(false, "state", errTakenState)
		return
	}
	last := time.Unix(0, 0)
	for i, m := range []struct {
		path string
		at   time.Time
		of   *time.Time
	}{
		{"placed_at", in.PlacedAt, &o.PlacedAt}, {"confirmed_at", in.ConfirmedAt, &o.ConfirmedAt}, {"started_at", in.StartedAt, &o.StartedAt},
		{"delivered_at", in.DeliveredAt, &o.DeliveredAt}, {"completed_at", in.CompletedAt, &o.CompletedAt},
	} {
		if i >= reached[in.State] {
			t.check(m.at.IsZero(), m.path, errTakenMoment)
			continue
		}
		t.check(!m.at.Before(last) && !m.at.After(now), m.path, errTakenMoment)
		last, *m.of = m.at, m.at.UTC().Truncate(time.Microsecond)
	}
	if o.FirstDeliveredAt = o.DeliveredAt; !in.FirstDeliveredAt.IsZero() {
		t.check(!in.FirstDeliveredAt.Before(in.StartedAt) && !in.FirstDeliveredAt.After(in.DeliveredAt), "first_delivered_at", errTakenMoment)
		o.FirstDeliveredAt = in.FirstDeliveredAt.UTC().Truncate(time.Microsecond)
	}
}

// priced are the lines, each amount within the one of which it is a part.
func (t *taking) priced() {
	zero := plus(t.in.Total, t.in.Total.Neg())
	t.check(!t.in.Total.Absent() && t.in.Total.Sign() >= 0, "total", errTakenAmount)
	for i, l := range t.in.Lines {
		line := Line{
			No: i + 1, Kind: l.Kind, Listing: l.Listing, Title: l.Title, Unit: l.Unit, Quantity: l.Quantity, Price: l.Price,
			Fee: or(l.Fee, zero), Given: or(l.Refunded, zero), FeeGiven: zero,
		}
		if line.Kind == "" {
			line.Kind = "service"
		}
		var err error
		line.Amount, err = times(l.Price, min(max(l.Quantity, 0), 10_000))
		t.check(err == nil && within(l.Price, l.Price, zero), path("lines", i, "price"), errTakenAmount)
		t.check(within(line.Fee, line.Amount, zero), path("lines", i, "fee"), errTakenAmount)
		t.check(within(line.Given, line.Amount, zero), path("lines", i, "refunded"), errTakenAmount)
		t.order.Lines = append(t.order.Lines, line)
	}
	for i, p := range t.in.Payments {
		t.check(p.Amount.Sign() > 0 && within(p.Amount, p.Amount, zero), path("payments", i, "amount"), errTakenAmount)
		t.check(within(or(p.Returned, zero), p.Amount, zero), path("payments", i, "returned"), errTakenAmount)
	}
}

// or is an amount, or another where there is none.
func or(amount, other platform.Money) platform.Money {
	if amount.Absent() {
		return other
	}
	return amount
}

// within tells whether an amount lies between zero and the whole of which it is
// a part.
func within(part, whole, zero platform.Money) bool {
	low, err := part.Cmp(zero)
	high, err2 := part.Cmp(whole)
	return err == nil && err2 == nil && low >= 0 && high <= 0 && !part.Absent()
}

// money are the sums: of the lines, of what came in, and of what went back.
func (t *taking) money(now time.Time) {
	o := &t.order
	zero := plus(t.in.Total, t.in.Total.Neg())
	total, given, feeGiven, paid, returned := zero, zero, zero, zero, zero
	for i, l := range o.Lines {
		if part := l.Given; part.Sign() > 0 {
			var err error
			l.Given = zero
			l, _, err = l.give(Share{Amount: part}, "", false)
			o.Lines[i].FeeGiven = l.FeeGiven
			t.check(err == nil, path("lines", i, "refunded"), errTakenAmount)
		}
		total, given, feeGiven = plus(total, l.Amount), plus(given, o.Lines[i].Given), plus(feeGiven, o.Lines[i].FeeGiven)
	}
	for i, p := range t.in.Payments {
		paid, returned = plus(paid, p.Amount), plus(returned, or(p.Returned, zero))
		t.check(p.At.Year() >= 1970 && !p.At.After(now), path("payments", i, "at"), errTakenMoment)
	}
	o.Mirrors = Mirrors{
		Total: t.in.Total, Asked: t.in.Total, Secured: paid, Captured: paid, Refunded: given, Reserved: zero,
		ChargedBack: zero, Held: zero, Approved: given, ApprovedFee: feeGiven, Earned: zero,
	}
	if o.State == Completed {
		o.Earned = plus(o.sale(), o.fee().Neg())
	}
	t.check(total == o.Total, "total", errTakenTotal)
	t.check((paid == o.Total) == (o.State != AwaitingPayment) && within(paid, o.Total, zero), "payments", errTakenPaid)
	t.check(given == returned, "payments", errTakenReturned)
	t.check(o.State != AwaitingPayment || given == zero, "lines", errTakenReturned)
}

// seated are the members in the seats: all that there are once somebody could
// start, some before, none before the order is confirmed.
func (t *taking) seated() {
	o, in := &t.order, t.in
	few, many := o.Terms.Seats, o.Terms.Seats
	switch {
	case o.State == AwaitingPayment || in.Unanswered:
		few, many = 0, 0
	case o.State == Confirmed && many > 0:
		few, many = 0, many-1
	}
	t.check(len(in.Members) >= few && len(in.Members) <= many && (many > 0 || o.State != Assigned), "members", errTakenSeats)
	for no := 1; no <= o.Terms.Seats; no++ {
		seat := Seat{No: no}
		if no <= len(in.Members) {
			seat.Member = in.Members[no-1]
		}
		o.Seats = append(o.Seats, seat)
	}
}

// armed is what is due by itself, by the windows of the order: perhaps at once.
func (t *taking) armed() {
	o, in := &t.order, t.in
	t.check(!in.Unanswered || o.State == Confirmed && o.Terms.Confirmation == manual, "unanswered", errTakenAnswer)
	least, most := 0, 0
	switch o.State {
	case AwaitingPayment:
		o.arm(payTimer, o.PlacedAt.Add(o.Windows.Pay))
	case Confirmed:
		if in.Unanswered {
			o.arm(answerTimer, o.ConfirmedAt.Add(o.Windows.Answer))
		}
	case Delivered:
		most = maxReworks
		o.arm(acceptTimer, o.DeliveredAt.Add(o.Windows.Accept))
	case Rework:
		least, most = 1, maxReworks
		o.arm(reworkTimer, o.FirstDeliveredAt.Add(o.Windows.Rework))
	case Completed:
		most = maxReworks
		o.arm(closeTimer, o.CompletedAt.Add(o.Windows.Close))
	}
	t.check(in.Reworks >= least && in.Reworks <= most, "reworks", errTakenReworks)
}
