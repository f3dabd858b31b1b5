package order

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Staffing knows who was assigned. dispatch.Releases is one.
type Staffing interface {
	// Release frees everybody who is assigned to the order. It does not write
	// the order.
	Release(ctx context.Context, order platform.Ref, fault string, at time.Time) ([]platform.Change, error)

	// TakeOver books the members who had seats elsewhere, for work that has not
	// begun. need is what [Seats.Need] returns. It refuses with ErrState when a
	// member, who stands in the detail "member", cannot do the work, and does not
	// write the order.
	TakeOver(ctx context.Context, need json.RawMessage, at time.Time, seats ...Seated) ([]platform.Change, error)
}

// Seated is a member in a seat of an order. The type has no name of its own, so
// that dispatch need not know this package.
type Seated = struct {
	Seat               int
	Assignment, Member platform.ID
}

// Cancel ends an order before it is accepted.
type Cancel struct {
	Order  platform.ID    `json:"order" validate:"required,id=ord"`
	MaxFee platform.Money `json:"max_fee,omitzero" validate:"omitempty,gte=0" code:"order.amount_not_positive"`                           // what the actor agreed to pay; absent is nothing
	Reason string         `json:"reason" validate:"required,text=64"`                                                                     // a code
	Fault  Fault          `json:"fault,omitempty" validate:"omitempty,oneof=customer merchant platform staff_no_show force_majeure both"` // operators only; if empty, the actor's own
	With   Fault          `json:"with,omitempty" validate:"omitempty,oneof=merchant platform staff_no_show force_majeure"`                // who else, when both are at fault; if empty, the merchant
	Notice string         `json:"notice,omitempty" validate:"text=128"`                                                                   // of the authority that speaks of a force majeure, which needs one
	Done   int            `json:"done,omitempty" validate:"min=0,max=100" code:"order.done"`                                              // percent of the work that is done; operators only
}

// Subject is the order.
func (in Cancel) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// CancelQuote is what a cancellation would cost at a moment.
type CancelQuote struct {
	Policy string         `json:"policy"`
	Row    string         `json:"row"` // of the policy
	Fault  Fault          `json:"fault"`
	Fee    platform.Money `json:"fee"`    // kept of what was paid
	Refund platform.Money `json:"refund"` // given back: fee + refund is all that can be
	Until  time.Time      `json:"until"`  // shown so long; the fee is decided anew when the order is cancelled

	Of     []string           `json:"of,omitempty"`     // rows of which it is half each, when both are at fault
	Way    Way                `json:"way,omitempty"`    // how far the members had come
	Amends platform.Money     `json:"amends"`           // to the customer, on top of Refund
	Bearer platform.ActorKind `json:"bearer,omitempty"` // of the amends: merchant, or operator for the platform

	merchant platform.Money // of the fee
	staff    []MemberShare  // of it
	notice   string
	outcome  NoShowOutcome     // of a no-show of the customer
	checks   []platform.Change // under which the members are where they were found
}

// MemberShare is what a member has of the fee of a cancellation.
type MemberShare struct {
	Member platform.ID    `json:"member" class:"internal"`
	Amount platform.Money `json:"amount" class:"internal"`
}

// Cancellation is how an order was cancelled: one row, one fee, one refund.
type Cancellation struct {
	Row    string         `json:"row" class:"internal"`
	Fault  Fault          `json:"fault" class:"internal"`
	Fee    platform.Money `json:"fee" class:"internal"`
	Refund platform.Money `json:"refund" class:"internal"`
	Reason string         `json:"reason" class:"internal"`

	Returned platform.Money `json:"returned,omitzero" class:"internal"` // of Fee, by disputes; absent: nothing

	Of       []string           `json:"of,omitempty" class:"internal"`      // rows of which it is half each, when both were at fault
	Amends   platform.Money     `json:"amends,omitzero" class:"internal"`   // to the customer, on top of Refund; absent: none
	Bearer   platform.ActorKind `json:"bearer,omitempty" class:"internal"`  // of the amends
	Notice   string             `json:"notice,omitempty" class:"internal"`  // of a force majeure
	Staff    []MemberShare      `json:"staff,omitempty" class:"internal"`   // of Fee, not yet released to the members; none after that
	NoShow   NoShowOutcome      `json:"no_show,omitempty" class:"internal"` // of the customer
	Awaits   platform.Money     `json:"awaits,omitzero" class:"internal"`   // of Fee, what is still to be taken of what was held; absent: nothing
	Merchant platform.Money     `json:"merchant,omitzero" class:"internal"` // of Fee, the merchant's part, where it had to be taken first
}

// kept is what is left of the fee.
func (c Cancellation) kept() platform.Money {
	return plus(c.Fee, or(c.Returned, plus(c.Fee, c.Fee.Neg())).Neg())
}

// QuoteCancel tells what Cancel with the same input would cost now; MaxFee and
// Reason of the input do not count. It changes nothing.
func (s *Service) QuoteCancel(ctx context.Context, in Cancel) (CancelQuote, error) {
	o, by, err := s.mine(ctx, in.Order)
	if err != nil {
		return CancelQuote{}, err
	}
	in.MaxFee, in.Reason = platform.Money{}, "quote"
	if err := platform.Validate(in); err != nil {
		return CancelQuote{}, err
	}
	return s.quoteCancel(ctx, o, in, by, s.w.Now())
}

func (s *Service) quoteCancel(ctx context.Context, o Order, in Cancel, by platform.Actor, at time.Time) (CancelQuote, error) {
	if _, err := o.take("cancel", by.Kind, at); err != nil {
		return CancelQuote{}, err
	}
	fault, err := in.fault(by)
	if err != nil {
		return CancelQuote{}, err
	}
	f := Facts{Fault: fault, With: in.With, Done: decimal.New(int64(in.Done), -2)}
	var there []attending
	var checks []platform.Change
	if fault == CustomerFault || fault == BothFault {
		if there, checks, err = s.attending(ctx, o); err != nil {
			return CancelQuote{}, err
		}
		f.Way = furthest(there)
	}
	q, err := s.priceCancel(ctx, o, f, there, at)
	q.notice, q.checks = in.Notice, checks
	return q, err
}

// priceCancel prices a cancellation by the policy that the order pinned.
func (s *Service) priceCancel(ctx context.Context, o Order, f Facts, there []attending, at time.Time) (CancelQuote, error) {
	policy, err := s.pinnedPolicy(ctx, o)
	if err != nil {
		return CancelQuote{}, err
	}
	q, err := o.quoteCancel(policy, f, there, at)
	if err != nil {
		return CancelQuote{}, err
	}
	q.Until = at.Add(s.options.QuoteFor)
	return q, nil
}

// fault is whose doing the cancellation is: the customer's and the merchant's
// own, and otherwise what an operator says.
func (in Cancel) fault(by platform.Actor) (Fault, error) {
	own := map[platform.ActorKind]Fault{platform.Customer: CustomerFault, platform.Merchant: MerchantFault}[by.Kind]
	if own == "" { // operator or system
		switch {
		case in.With != "" && in.Fault != BothFault:
			return "", platform.Wrong("with", errPolicyFacts)
		case (in.Notice != "") != (in.Fault == ForceMajeure || in.With == ForceMajeure):
			return "", platform.Wrong("notice", errNotice)
		case in.Fault == "":
			return PlatformFault, nil
		}
		return in.Fault, nil
	}
	if in.Fault != "" && in.Fault != own || in.Done != 0 || in.With != "" || in.Notice != "" {
		return "", fmt.Errorf("cancel order %s by fault of %q: %w", in.Order, in.Fault, errActor)
	}
	return own, nil
}

// quoteCancel prices a cancellation by a policy. Its base is what can still be
// given back.
func (o Order) quoteCancel(policy Policy, f Facts, there []attending, at time.Time) (CancelQuote, error) {
	if f.State = o.State; o.unanswered() {
		f.State = AwaitingPayment
	}
	if !o.PlannedStart.IsZero() {
		f.ToStart = o.PlannedStart.Sub(at)
	}
	if !o.ConfirmedAt.IsZero() {
		f.Paid = at.Sub(o.ConfirmedAt)
	}
	if f.Moved = o.Rescheduled.Customer; f.Fault == MerchantFault {
		f.Moved = o.Rescheduled.Merchant
	}
	base := o.Refundable()
	price, err := policy.Price(f, base)
	if err != nil {
		return CancelQuote{}, fmt.Errorf("price the cancellation of order %s: %w", o.ID, err)
	}
	q := CancelQuote{
		Policy: policy.Name, Row: price.Row, Of: price.Of, Fault: f.Fault, Way: f.Way, Fee: price.Fee, Amends: price.Amends, Bearer: price.Bearer,
		Refund: plus(base, o.beyond(), price.Fee.Neg()),
	}
	if q.merchant, q.staff, err = o.divided(price.shares, price.Fee, there); err != nil {
		return CancelQuote{}, fmt.Errorf("split the fee of order %s: %w", o.ID, err)
	}
	return q, nil
}

// divided are the merchant's part of a fee and those of the members who came or
// were on their way, equal but for the odd unit. Where there are none the merchant
// has their part.
func (o Order) divided(row Row, fee platform.Money, there []attending) (merchant platform.Money, staff []MemberShare, err error) {
	if row.AsSale && o.Total.Sign() > 0 {
		ours := o.commission()
		parts, err := fee.Allocate(plus(o.Total, ours.Neg()).Minor(), ours.Minor())
		if err != nil {
			return platform.Money{}, nil, err
		}
		return parts[0], nil, nil
	}
	platforms, err := fee.MulRate(row.Platform, platform.HalfEven)
	if err != nil {
		return platform.Money{}, nil, err
	}
	merchant = plus(fee, platforms.Neg())
	came := slices.DeleteFunc(slices.Clone(there), func(a attending) bool { return a.way() == "" })
	if len(came) == 0 {
		return merchant, nil, nil
	}
	members, err := fee.MulRate(row.Staff, platform.HalfEven)
	if err != nil || members.Sign() == 0 {
		return merchant, nil, err
	}
	members = least(members, merchant)
	weights := make([]int64, len(came))
	for i := range weights {
		weights[i] = 1
	}
	parts, err := members.Allocate(weights...)
	for i, part := range parts {
		if part.Sign() > 0 {
			staff = append(staff, MemberShare{came[i].Member, part})
		}
	}
	return plus(merchant, members.Neg()), staff, err
}

// cancelled is the order at its end, with the fee kept.
func (o Order) cancelled(q CancelQuote, reason string, by platform.ActorKind, at time.Time) (Order, error) {
	verb := "cancel"
	if q.Way == Absent {
		verb = "miss"
	}
	next, err := o.take(verb, by, at)
	if err != nil {
		return Order{}, err
	}
	next.EndedAt = at
	next.Cancellation = &Cancellation{
		Row: q.Row, Of: q.Of, Fault: q.Fault, Fee: q.Fee, Refund: q.Refund, Reason: reason, Bearer: q.Bearer, Notice: q.notice, Staff: q.staff,
	}
	if q.Amends.Sign() > 0 {
		next.Cancellation.Amends = q.Amends
	}
	next.Seats = make([]Seat, len(o.Seats))
	for i, s := range o.Seats {
		next.Seats[i] = Seat{No: s.No}
	}
	next.Cancellation.NoShow = q.outcome
	if awaits := o.feeHeld(q.Fee); awaits.Sign() > 0 {
		next.Cancellation.Awaits, next.Cancellation.Merchant = awaits, q.merchant
		next.Secured = plus(o.Captured, awaits)
		return next, nil
	}
	next = next.letGo()
	if next.Earned = q.merchant; next.withheld() {
		next.arm(closeTimer, at.Add(next.Windows.Close))
	}
	return next, nil
}

// Cancel ends an order: the policy's row, its fee, the refund of the rest, and
// the release of everybody assigned are one set. Of money that is only held no more
// than the fee is captured, and the rest let go of. A fee above MaxFee fails with
// ErrCancelFeeChanged and changes nothing; an order that can no longer be
// cancelled is order.not_cancellable. While an attempt to pay is under way it
// fails as the payments say.
func (s *Service) Cancel(ctx context.Context, in Cancel) (Order, error) {
	refund := s.w.NewChild("rfd", in.Order)
	return onOrder(ctx, s, in, in.Order, func(ctx context.Context, o Order, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
		q, err := s.quoteCancel(ctx, o, in, by, at)
		if err != nil {
			return Order{}, nil, err
		}
		if err := in.agreed(q); err != nil {
			return Order{}, nil, err
		}
		return s.cancel(ctx, o, q, refund, in.Reason, by.Kind, at)
	})
}

// cancel is the order at its end by a quote, with all that goes with it.
func (s *Service) cancel(ctx context.Context, o Order, q CancelQuote, refund platform.ID, reason string, by platform.ActorKind, at time.Time) (Order, []platform.Change, error) {
	next, err := o.cancelled(q, reason, by, at)
	if err != nil {
		return Order{}, nil, err
	}
	changes, err := s.undo(ctx, o, q, at)
	if err != nil {
		return Order{}, nil, err
	}
	taken := plus(q.Refund, o.held().Neg(), o.feeHeld(q.Fee)) // the rest was only held
	next, back, err := s.giveBack(ctx, next, next.refundOf(refund, "cancelled", taken, at), at)
	if err != nil {
		return Order{}, nil, err
	}
	tell := next.facts()
	tell.Amount, tell.Fee, tell.Fault, tell.Policy, tell.Amends = q.Refund, q.Fee, q.Fault, q.Policy+"."+q.Row, next.Cancellation.Amends
	event := platform.Happened("order.cancelled", next.Ref(), tell).Because(reason)
	return next, slices.Concat(changes, back, q.checks, []platform.Change{event}), nil
}

// agreed fails when the fee is above what the actor agreed to.
func (in Cancel) agreed(q CancelQuote) error {
	most := in.MaxFee
	if most.Absent() {
		most = plus(q.Fee, q.Fee.Neg())
	}
	above, err := q.Fee.Cmp(most)
	if err != nil {
		return platform.Wrong("max_fee", err)
	}
	if above > 0 {
		return platform.Detail(fmt.Errorf("cancel order %s: %w", in.Order, ErrCancelFeeChanged), "quote", q)
	}
	return nil
}

// undo is what a cancellation means to others: nobody pays any more, nobody
// comes, and the fee is earned.
func (s *Service) undo(ctx context.Context, o Order, q CancelQuote, at time.Time) ([]platform.Change, error) {
	var changes []platform.Change
	var err error
	awaits := o.feeHeld(q.Fee)
	if awaits.Sign() > 0 {
		changes, err = s.takeFee(ctx, o, awaits, at)
	} else {
		changes, err = s.unask(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	if len(o.Seats) > 0 && o.State != AwaitingPayment {
		if s.ports.Staffing == nil {
			return nil, fmt.Errorf("release the staff of order %s: %w", o.ID, errNoStaffing)
		}
		released, err := s.released(ctx, o, q, at)
		if err != nil {
			return nil, fmt.Errorf("release the staff of order %s: %w", o.ID, err)
		}
		changes = append(changes, released...)
	}
	if awaits.Sign() == 0 { // otherwise it is earned once it is there
		booked, err := s.post(ctx, "order.cancelled", o.Ref(), at, o.feeLegs(q.Fee, q.merchant, q.staff))
		if err != nil {
			return nil, err
		}
		changes = append(changes, booked...)
	}
	amended, err := s.amend(ctx, o, q, at)
	return append(changes, amended...), err
}

// released frees everybody, as the cancellation has it.
func (s *Service) released(ctx context.Context, o Order, q CancelQuote, at time.Time) ([]platform.Change, error) {
	if knows, ok := s.ports.Staffing.(Presence); ok && q.Way == Absent {
		return knows.StandUp(ctx, o.Ref(), at)
	}
	return s.ports.Staffing.Release(ctx, o.Ref(), string(q.Fault), at)
}

// amend books what the customer gets besides the refund: owed to it by the
// platform, out of what the merchant has where the merchant bears it.
func (s *Service) amend(ctx context.Context, o Order, q CancelQuote, at time.Time) ([]platform.Change, error) {
	if q.Amends.Sign() == 0 {
		return nil, nil
	}
	out := []platform.Leg{{Role: "compensation", Amount: q.Amends}}
	if q.Bearer == platform.Merchant {
		out = []platform.Leg{o.payable(q.Amends)}
		if s.ports.Sources == nil { // whatever it has, it owes this
			out[0].Role = "receivable"
		}
		var err error
		if out, err = s.sources(ctx, o, out, nil); err != nil {
			return nil, fmt.Errorf("make amends for order %s: %w", o.ID, err)
		}
	}
	return s.post(ctx, "cancel.compensation", o.Ref(), at, append(out, platform.Leg{Role: "payable", Party: o.Customer, Amount: q.Amends.Neg()}))
}

// withheld tells whether somebody earned of the order what is not released yet.
func (o Order) withheld() bool {
	c := o.Cancellation
	return o.Earned.Sign() > 0 || c != nil && len(c.Staff) > 0 && c.Awaits.Sign() <= 0
}

// finish closes an order, and releases with it what members have of the fee of its
// cancellation.
func (s *Service) finish(ctx context.Context, o Order, at time.Time) (Order, []platform.Change, error) {
	next, changes, err := s.close(ctx, o, at)
	if err != nil || next.timer(closeTimer) || o.Cancellation == nil || len(o.Cancellation.Staff) == 0 {
		return next, changes, err
	}
	var legs []platform.Leg
	for _, m := range o.Cancellation.Staff {
		legs = append(legs, platform.Leg{Role: "earning", Of: o.ID, Party: m.Member, Amount: m.Amount}, platform.Leg{Role: "payable", Party: m.Member, Amount: m.Amount.Neg()})
	}
	c := *next.Cancellation
	c.Staff, next.Cancellation = nil, &c
	released, err := s.post(ctx, "cancel.released", o.Ref(), at, legs)
	return next, append(changes, released...), err
}
