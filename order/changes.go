package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// QuoteChange tells what a change would make of an order now: lines, total, what
// it costs more or less, and which members could not follow. Hash is what
// [Service.ProposeChange] wants to see. It changes nothing.
func (s *Service) QuoteChange(ctx context.Context, in ProposeChange) (Proposal, error) {
	in.Reason = "quote"
	if err := platform.Validate(in); err != nil {
		return Proposal{}, err
	}
	o, by, err := s.mine(ctx, in.Order)
	if err != nil {
		return Proposal{}, err
	}
	c, _, err := s.proposal(ctx, o, in, "", by, s.w.Now())
	return c.Proposal, err
}

// proposal is the change that an input asks for, priced, and the checks under
// which it holds.
func (s *Service) proposal(ctx context.Context, o Order, in ProposeChange, id platform.ID, by platform.Actor, at time.Time) (Change, []platform.Change, error) {
	if _, err := o.take("change", by.Kind, at); err != nil {
		return Change{}, nil, err
	}
	p, checks, err := s.revise(ctx, o, in, at)
	if err != nil {
		return Change{}, nil, err
	}
	side := o.sideOf(by)
	c := Change{
		Head: platform.Head{ID: id}, Order: o.ID, Base: o.TermsVersion, Side: side, By: by.ID, For: by.For(), Awaits: others(side),
		Reason: in.Reason, At: at, Due: at.Add(o.Windows.or(usual).Change), Proposal: p,
	}
	if o.State != InProgress && !o.PlannedStart.IsZero() {
		if last := o.PlannedStart.Add(-o.Windows.or(usual).ChangeLead); last.Before(c.Due) {
			c.Due = last
		}
	}
	if !at.Before(c.Due) {
		return Change{}, nil, platform.Detail(fmt.Errorf("change order %s: %w", o.ID, errNotChangeable), "until", c.Due)
	}
	moved := map[platform.ActorKind]int{platform.Customer: o.Rescheduled.Customer, platform.Merchant: o.Rescheduled.Merchant}[side]
	if c.is("time") && moved >= maxReschedules {
		return Change{}, nil, fmt.Errorf("change order %s: %w", o.ID, errChangeLimit)
	}
	c.Until = c.Due
	if c.Vacates, err = s.vacated(ctx, o, c, at); err != nil {
		return Change{}, nil, err
	}
	return c, checks, nil
}

// ProposeChange asks the other side, and a proposal of the platform both sides, to
// change an order. The proposer names the hash of what it saw.
//
// It fails with ErrChangePrice when that is not what the change would make of the
// order now, with ErrChangeOpen while another is open, with order.not_changeable
// in a state or at a time without changes, with change.limit, and with FieldErrors.
func (s *Service) ProposeChange(ctx context.Context, in ProposeChange) (Change, error) {
	id := s.w.NewChild("chg", in.Order)
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Change, []platform.Change, error) {
		o, by, err := s.mine(ctx, in.Order)
		if err != nil {
			return Change{}, nil, err
		}
		at := s.w.Now()
		c, checks, err := s.proposal(ctx, o, in, id, by, at)
		if err != nil {
			return Change{}, nil, err
		}
		if in.Hash != c.Hash {
			return Change{}, nil, platform.Detail(fmt.Errorf("change order %s: %w", o.ID, ErrChangePrice), "quote", c.Proposal)
		}
		if c, err = c.take("propose", by.Kind, at); err != nil {
			return Change{}, nil, err
		}
		o.Change = &Changing{Change: c.ID}
		events := []platform.Change{o.tells("proposed", c).Because(in.Reason), o.tells("priced", c)}
		return c, append(append(checks, events...), platform.Put(o), platform.Put(c)), nil
	})
}

// tells is an event of a change.
func (o Order) tells(what string, c Change) platform.Change {
	return platform.Happened("change."+what, c.Ref(), facts{Order: o.ID, Customer: o.Customer, Merchant: o.Merchant, Amount: c.Delta})
}

// ApproveChange agrees to a change as it was seen.
type ApproveChange struct {
	Change platform.ID `json:"change" validate:"required,id=chg"`
	Hash   string      `json:"hash" validate:"required,max=64"` // of the proposal that was seen
}

// Subject is the change.
func (in ApproveChange) Subject() platform.Ref {
	return platform.Ref{Kind: "order.change", ID: in.Change}
}

// ApproveChange agrees for one side; see [Change.Approve]. Once everybody has, a
// change that costs no more is applied in the same set, with what it costs less
// given back. For one that costs more the rest is asked of the customer, until
// Windows.Pay; it is applied by the tick after the money is there. It fails with
// change.stale and order.not_changeable when the order has moved on, and as the
// staffing does.
func (s *Service) ApproveChange(ctx context.Context, in ApproveChange) (Change, error) {
	change, refund := in.Change, s.w.NewChild("rfd", in.Change)
	return onChange(ctx, s, in, change, func(ctx context.Context, o Order, c Change, by platform.Actor, at time.Time) (Order, Change, []platform.Change, error) {
		if by.Kind == platform.Operator {
			_, err := c.take("agree", by.Kind, at)
			return Order{}, Change{}, nil, err
		}
		c, err := c.Approve(in.Hash, o.sideOf(by), by.ID, at)
		if err != nil {
			return Order{}, Change{}, nil, err
		}
		if c.State == ChangePriced {
			return o, c, []platform.Change{o.tells("agreed", c)}, nil
		}
		if _, err := o.changed(c, at); err != nil {
			return Order{}, Change{}, nil, err
		}
		if c.Lines == nil || o.lacks(c.Total).Sign() == 0 {
			next, c, changes, err := s.applied(ctx, o, c, refund, at)
			return next, c, append([]platform.Change{o.tells("approved", c)}, changes...), err
		}
		return s.charged(ctx, o, c, at)
	})
}

// charged is a change that everybody approved and that waits for its money.
func (s *Service) charged(ctx context.Context, o Order, c Change, at time.Time) (Order, Change, []platform.Change, error) {
	none := plus(o.Total, o.Total.Neg())
	c.Extra, c.PayBy = o.lacks(c.Total), at.Add(o.Windows.Pay)
	c.Due = c.PayBy
	o.Change = &Changing{Change: c.ID, Approved: true}
	o.Extra, o.Asked = plus(or(o.Extra, none), c.Extra), plus(o.Asked, c.Extra)
	asked, err := s.demand(s.payer(ctx, o), o, "extra", o.Extra, c.PayBy)
	if err != nil {
		return Order{}, Change{}, nil, fmt.Errorf("ask for change %s: %w", c.ID, err)
	}
	return o, c, append(asked, o.tells("approved", c)), nil
}

// applied is the order as an approved change has it: who does the work follows,
// and what is received beyond the lines goes back.
func (s *Service) applied(ctx context.Context, o Order, c Change, refund platform.ID, at time.Time) (Order, Change, []platform.Change, error) {
	next, err := o.changed(c, at)
	if err != nil {
		return Order{}, Change{}, nil, err
	}
	if c, err = c.take("apply", platform.System, at); err != nil {
		return Order{}, Change{}, nil, err
	}
	next, changes, err := s.followed(ctx, next, c, at)
	if err != nil {
		return Order{}, Change{}, nil, err
	}
	var limited []platform.Change
	if c.is("time") {
		var moved []platform.Change
		if next, moved, err = s.moveBalance(ctx, next); err != nil {
			return Order{}, Change{}, nil, err
		}
		changes = append(changes, moved...)
	}
	if c.Lines != nil {
		if limited, err = s.limit(ctx, next); err != nil {
			return Order{}, Change{}, nil, err
		}
	}
	next, back, err := s.giveBack(ctx, next, next.refundOf(refund, "change", next.beyond(), at), at)
	if err != nil {
		return Order{}, Change{}, nil, err
	}
	return next, c, append(slices.Concat(changes, limited, back), next.tells("applied", c)), nil
}

// RejectChange refuses a change.
type RejectChange struct {
	Change platform.ID `json:"change" validate:"required,id=chg"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the change.
func (in RejectChange) Subject() platform.Ref {
	return platform.Ref{Kind: "order.change", ID: in.Change}
}

// RejectChange leaves the order as it is. Any side that has to agree may; anything
// else is change.not_rejectable.
func (s *Service) RejectChange(ctx context.Context, in RejectChange) (Change, error) {
	return onChange(ctx, s, in, in.Change, func(_ context.Context, o Order, c Change, by platform.Actor, at time.Time) (Order, Change, []platform.Change, error) {
		next, err := c.take("reject", by.Kind, at)
		if err == nil && by.For() == c.For {
			err = fmt.Errorf("change %s: %w", c.ID, errChangeNotRejectable)
		}
		if err != nil {
			return Order{}, Change{}, nil, err
		}
		o.Change, next.Ending = nil, in.Reason
		return o, next, []platform.Change{o.tells("rejected", next).Because(in.Reason)}, nil
	})
}

// WithdrawChange takes a proposal back.
type WithdrawChange struct {
	Change platform.ID `json:"change" validate:"required,id=chg"`
}

// Subject is the change.
func (in WithdrawChange) Subject() platform.Ref {
	return platform.Ref{Kind: "order.change", ID: in.Change}
}

// WithdrawChange leaves the order as it was; a part that was paid for the change
// goes back. Only on whose behalf it was proposed may. While an attempt to pay is
// under way it fails as the payments say.
func (s *Service) WithdrawChange(ctx context.Context, in WithdrawChange) (Change, error) {
	refund := s.w.NewChild("rfd", in.Change)
	return onChange(ctx, s, in, in.Change, func(ctx context.Context, o Order, c Change, by platform.Actor, at time.Time) (Order, Change, []platform.Change, error) {
		if c.For != by.For() {
			return Order{}, Change{}, nil, fmt.Errorf("change %s: %w", c.ID, errChangeNotYours)
		}
		return s.undone(ctx, o, c, "withdraw", "withdrawn", refund, by.Kind, at)
	})
}

// undone is an order without a change that was open: nothing more is asked for it,
// and what came for it goes back.
func (s *Service) undone(ctx context.Context, o Order, c Change, verb, what string, refund platform.ID, by platform.ActorKind, at time.Time) (Order, Change, []platform.Change, error) {
	next, err := c.take(verb, by, at)
	if err != nil {
		return Order{}, Change{}, nil, err
	}
	o.Change = nil
	if c.Extra.Absent() {
		return o, next, []platform.Change{o.tells(what, next)}, nil
	}
	before := plus(o.Asked, c.Extra.Neg())
	over := func(m platform.Money) platform.Money {
		if m.Minor() <= before.Minor() {
			return plus(m, m.Neg())
		}
		return plus(m, before.Neg())
	}
	came := over(o.Captured)
	o.Secured = plus(o.Secured, over(o.Secured).Neg(), came) // what was only held is let go of
	o.Asked, o.Extra = plus(before, came), plus(o.Extra, c.Extra.Neg(), came)
	changes, err := s.ports.Payments.Reduce(ctx, o.Ref(), "extra", o.Extra)
	if err != nil {
		return Order{}, Change{}, nil, fmt.Errorf("ask no more for change %s: %w", c.ID, err)
	}
	o, back, err := s.giveBack(ctx, o, o.refundOf(refund, "change", o.beyond(), at), at)
	if err != nil {
		return Order{}, Change{}, nil, err
	}
	return o, next, append(append(changes, back...), o.tells(what, next)), nil
}

// outlived closes the change that an order had open, in the set that ends it or
// begins the work by the old terms. The money of one is given back with the
// order's own.
func (s *Service) outlived(ctx context.Context, o, next Order, at time.Time) ([]platform.Change, error) {
	if o.Change == nil || next.Change != nil {
		return nil, nil
	}
	c, err := s.store.Change(ctx, o.Change.Change)
	if err != nil {
		return nil, err
	}
	if c, err = c.take("expire", platform.System, at); err != nil {
		return nil, err
	}
	c.Ending = "order_" + string(next.State)
	return []platform.Change{platform.Put(c), next.tells("expired", c).Because(c.Ending)}, nil
}

// ripen is the command of a change that is due.
type ripen struct {
	Change platform.ID `json:"change"`
	Due    time.Time   `json:"due"`
}

// Subject is the change.
func (in ripen) Subject() platform.Ref { return platform.Ref{Kind: "order.change", ID: in.Change} }

// ripe applies a change whose money is there, and ends one whose time is over.
// One that can no longer be applied has failed: its money goes back.
func (s *Service) ripe(ctx context.Context, found Change, now time.Time) error {
	refund := s.w.NewChild("rfd", found.Order)
	in := ripen{found.ID, found.Due}
	_, err := onChange(ctx, s, in, found.ID, func(ctx context.Context, o Order, c Change, _ platform.Actor, _ time.Time) (Order, Change, []platform.Change, error) {
		return s.ripened(ctx, o, c, in, refund, now)
	})
	return err
}

func (s *Service) ripened(ctx context.Context, o Order, c Change, in ripen, refund platform.ID, now time.Time) (Order, Change, []platform.Change, error) {
	if c.ended() || !c.Due.Equal(in.Due) || c.Due.After(now) {
		return Order{}, Change{}, nil, fmt.Errorf("change %s: %w", c.ID, errTimerStale)
	}
	if c.State == ChangeApproved && o.lacks(c.Total).Sign() == 0 {
		next, done, changes, err := s.applied(ctx, o, c, refund, now)
		if !errors.Is(err, platform.ErrState) {
			return next, done, changes, err
		}
		c.Ending = platform.Code(err)
		return s.undone(ctx, o, c, "fail", "failed", refund, platform.System, now)
	}
	c.Ending = "timeout"
	next, over, changes, err := s.undone(ctx, o, c, "expire", "expired", refund, platform.System, now)
	if errors.Is(err, platform.ErrState) && now.Before(c.PayBy.Add(o.Windows.PayGrace)) { // an attempt is under way
		c.Ending, c.Due = "", now.Add(o.Windows.PayRetry)
		return o, c, []platform.Change{o.tells("payment_awaited", c)}, nil
	}
	return next, over, changes, err
}

// Change reads one change of an order of the actor's.
func (s *Service) Change(ctx context.Context, id platform.ID) (Change, error) {
	c, err := s.store.Change(ctx, id)
	if err != nil {
		return Change{}, err
	}
	if _, _, err := s.mine(ctx, c.Order); errors.Is(err, platform.ErrNotFound) {
		return Change{}, platform.NotFound(c.Ref())
	} else if err != nil {
		return Change{}, err
	}
	return c, nil
}

// Changes lists the changes of an order of the actor's, the oldest first.
func (s *Service) Changes(ctx context.Context, order platform.ID, cursor string) (platform.Page[Change], error) {
	if _, _, err := s.mine(ctx, order); err != nil {
		return platform.Page[Change]{}, err
	}
	return s.store.Changes(ctx, order, cursor)
}

// Allowed lists the verbs that the actor may take on the change of an order now.
func (c Change) Allowed(o Order, by platform.Actor, now time.Time) []string {
	if !o.visible(by) || c.Order != o.ID {
		return nil
	}
	side := o.sideOf(by)
	verbs := changeMoves.Open(c.State, by.Kind)
	return slices.DeleteFunc(verbs, func(verb string) bool {
		switch verb {
		case "approve", "reject":
			return !slices.Contains(c.Awaits, side) || !now.Before(c.Due)
		case "withdraw":
			return c.For != by.For()
		}
		return true // agree is how approve begins; the rest is the system's
	})
}

// onChange is a command on one change: decide returns its order and itself as
// they are to be, and the changes beside them.
func onChange[C any](ctx context.Context, s *Service, in C, id platform.ID,
	decide func(context.Context, Order, Change, platform.Actor, time.Time) (Order, Change, []platform.Change, error),
) (Change, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Change, []platform.Change, error) {
		c, err := s.store.Change(ctx, id)
		if err != nil {
			return Change{}, nil, err
		}
		o, by, err := s.mine(ctx, c.Order)
		if errors.Is(err, platform.ErrNotFound) {
			return Change{}, nil, platform.NotFound(c.Ref())
		}
		if err != nil {
			return Change{}, nil, err
		}
		o, c, changes, err := decide(ctx, o, c, by, s.w.Now())
		if err != nil {
			return Change{}, nil, err
		}
		return c, append(changes, platform.Put(o), platform.Put(c)), nil
	})
}
