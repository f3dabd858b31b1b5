package receivable

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Proposal is a write-off that waits for a second operator.
type Proposal struct {
	Reason string      `json:"reason" class:"internal"`
	Proof  string      `json:"proof,omitempty" class:"internal"` // SHA-256 of what proves insolvency, in hex
	By     platform.ID `json:"by" class:"internal"`
	For    platform.ID `json:"for" class:"internal"` // for whom they acted
	At     time.Time   `json:"at" class:"internal"`
}

// proposed is the claim with a write-off proposed: at the last level and overdue
// for long enough, or with proof of insolvency.
func (i Item) proposed(p Proposal, t Terms) (Item, error) {
	next, err := i.take("propose", platform.Operator)
	switch {
	case err != nil:
		return Item{}, err
	case p.By == i.Debtor || p.For == i.Debtor:
		return Item{}, fmt.Errorf("write off receivable %s: %w", i.ID, ErrOwnDebt)
	case i.Proposal != nil:
		return Item{}, fmt.Errorf("write off receivable %s: %w", i.ID, ErrProposed)
	case p.Proof == "" && (i.Level < len(t.Ladder) || t.days(i.Due, p.At) < t.Wait):
		return Item{}, fmt.Errorf("write off receivable %s: %w", i.ID, ErrTooEarly)
	}
	next.Proposal = &p
	return next, nil
}

// decidable fails unless an operator may decide on the proposal, with the
// authority that the amount takes if it is to be approved.
func (i Item) decidable(by platform.Actor, approve bool, t Terms) error {
	if i.Proposal == nil {
		return fmt.Errorf("receivable %s: %w", i.ID, ErrNotProposed)
	}
	for _, who := range []platform.ID{by.ID, by.For()} { // nobody decides by proxy either
		if who == i.Proposal.By || who == i.Proposal.For {
			return fmt.Errorf("receivable %s: %w", i.ID, ErrFourEyes)
		}
		if who == i.Debtor {
			return fmt.Errorf("receivable %s: %w", i.ID, ErrOwnDebt)
		}
	}
	limit, set := most(t.Manager, i.Amount.Currency())
	manager := by.Has(Manager) && set && i.Open().Minor() <= limit.Minor()
	if approve && !manager && !by.Has(Director) {
		return fmt.Errorf("receivable %s of %s: %w", i.ID, i.Open(), ErrAuthority)
	}
	return nil
}

// writtenOff is the claim that the books gave up: by a person, or as too small.
func (i Item) writtenOff(verb string, by platform.ActorKind) (Item, error) {
	next, err := i.take(verb, by)
	if err != nil {
		return Item{}, err
	}
	next.WrittenOff = plus(i.WrittenOff, i.Open())
	next.Disputed = minus(i.Amount, i.Amount)
	next.Small = verb == "forgive"
	next.Proposal, next.Promise = nil, nil
	if next.Small {
		return next.closed(), nil
	}
	return next, nil
}

// ProposeWriteOff proposes to give a claim up.
type ProposeWriteOff struct {
	Item   platform.ID `json:"item" validate:"required,id=rcv"`
	Reason string      `json:"reason" validate:"required,text=64"`                      // a code
	Proof  string      `json:"proof,omitempty" validate:"omitempty,len=64,hexadecimal"` // SHA-256 of what proves insolvency, in hex
}

// Subject is the claim.
func (in ProposeWriteOff) Subject() platform.Ref {
	return platform.Ref{Kind: "receivable", ID: in.Item}
}

// ProposeWriteOff notes the proposal, which books nothing yet. Operators may. It
// fails with ErrTooEarly unless the claim is at the last level and
// [Terms].Wait days overdue, or insolvency is proved; with ErrProposed,
// ErrNotOpen, and ErrOwnDebt for the debtor.
func (s *Service) ProposeWriteOff(ctx context.Context, in ProposeWriteOff) (Item, error) {
	return s.onItem(ctx, in, in.Item, func(_ context.Context, i Item, by platform.Actor) (Item, []platform.Change, error) {
		if by.Kind != platform.Operator {
			return Item{}, nil, fmt.Errorf("write off receivable %s: %w", i.ID, ErrDesk)
		}
		next, err := i.proposed(Proposal{Reason: in.Reason, Proof: in.Proof, By: by.ID, For: by.For(), At: s.w.Now()}, s.terms)
		event := platform.Happened("receivable.write_off_proposed", i.Ref(), map[string]any{"amount": i.Open()}).Because(in.Reason)
		return next, []platform.Change{event}, err
	})
}

// ApproveWriteOff gives a claim up that somebody else proposed to.
type ApproveWriteOff struct {
	Item platform.ID `json:"item" validate:"required,id=rcv"`
}

// Subject is the claim.
func (in ApproveWriteOff) Subject() platform.Ref {
	return platform.Ref{Kind: "receivable", ID: in.Item}
}

// ApproveWriteOff books what is open of a claim out of the allowance of its
// portfolio, and the rest as a loss. The claim itself goes on: money that comes
// is recovered. Operators with the role [Manager] may, up to [Terms].Manager, and
// those with the role [Director].
//
// It fails with ErrFourEyes for who proposed it, ErrOwnDebt for the debtor,
// ErrAuthority, and ErrNotProposed.
func (s *Service) ApproveWriteOff(ctx context.Context, in ApproveWriteOff) (Item, error) {
	return s.decide(ctx, in, in.Item, func(ctx context.Context, a *account, i Item, by platform.Actor) (Item, error) {
		if err := i.decidable(by, true, a.terms); err != nil {
			return Item{}, err
		}
		next, err := i.writtenOff("write_off", by.Kind)
		if err != nil {
			return Item{}, err
		}
		legs, err := s.loss(ctx, i)
		if err != nil {
			return Item{}, err
		}
		set, err := s.ports.Books.Post(ctx, "debt.written_off", i.Ref(), a.at, legs)
		a.set = append(a.set, set...)
		a.tell("receivable.written_off", next, map[string]any{"amount": i.Open(), "proposer": i.Proposal.By, "reason": i.Proposal.Reason})
		return next, err
	})
}

// loss are the legs of a claim that is given up: the allowance as far as it goes,
// the rest a loss.
func (s *Service) loss(ctx context.Context, i Item) ([]platform.Leg, error) {
	portfolio := platform.ID(i.Portfolio)
	there, err := s.ports.Books.Free(ctx, "allowance", "", portfolio, i.Amount.Currency())
	if err != nil {
		return nil, fmt.Errorf("allowance of %s: %w", portfolio, err)
	}
	there = lesser(there, i.Open())
	return []platform.Leg{
		{Role: "allowance", Party: portfolio, Amount: there},
		{Role: "bad_debt", Amount: minus(i.Open(), there)},
		{Role: "receivable", Party: i.Debtor, Amount: i.Open().Neg()},
	}, nil
}

// RejectWriteOff ends a proposal of somebody else.
type RejectWriteOff struct {
	Item   platform.ID `json:"item" validate:"required,id=rcv"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the claim.
func (in RejectWriteOff) Subject() platform.Ref {
	return platform.Ref{Kind: "receivable", ID: in.Item}
}

// RejectWriteOff ends the proposal; the claim stays as it is. Operators other
// than who proposed it may.
func (s *Service) RejectWriteOff(ctx context.Context, in RejectWriteOff) (Item, error) {
	return s.decide(ctx, in, in.Item, func(_ context.Context, a *account, i Item, by platform.Actor) (Item, error) {
		if err := i.decidable(by, false, a.terms); err != nil {
			return Item{}, err
		}
		next, err := i.take("reject", by.Kind)
		if err != nil {
			return Item{}, err
		}
		next.Proposal = nil
		a.set = append(a.set, platform.Happened("receivable.write_off_rejected", i.Ref(), map[string]any{"open": i.Open()}).Because(in.Reason))
		return next, nil
	})
}

// decide carries out an operator's decision on one claim among all of its debtor.
func (s *Service) decide(ctx context.Context, in any, id platform.ID, on func(context.Context, *account, Item, platform.Actor) (Item, error)) (Item, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Item, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err == nil && by.Kind != platform.Operator {
			err = fmt.Errorf("receivable %s: %w", id, ErrDesk)
		}
		if err != nil {
			return Item{}, nil, err
		}
		i, err := s.store.Item(ctx, id)
		if err != nil {
			return Item{}, nil, err
		}
		a, err := s.claims.open(ctx, i.Debtor, s.w.Now())
		if err != nil {
			return Item{}, nil, err
		}
		next, err := on(ctx, a, i, by)
		if err != nil {
			return Item{}, nil, err
		}
		next = a.put(next)
		set, err := a.changes(ctx, s.claims.Standing)
		return next, set, err
	})
}

// forgive writes small rests off to difference, as far as the month's cap goes;
// the rest waits for the next month.
func (s *Service) forgive(ctx context.Context, a *account) error {
	month := a.at.In(a.terms.Zone).Format("2006-01")
	gone := map[platform.Currency]platform.Money{}
	for _, i := range slices.Clone(a.claims) {
		open, c := i.Open(), i.Amount.Currency()
		if !a.due(i) || !i.small(a.terms) || i.State == Promised || open.Sign() == 0 {
			continue
		}
		limit, set := most(a.terms.SmallMonth, c)
		if _, known := gone[c]; !known {
			before, err := s.store.Forgiven(ctx, month, c)
			if err != nil {
				return err
			}
			gone[c] = before
		}
		if all := plus(gone[c], open); !set || all.Minor() > limit.Minor() {
			a.postpone(i.ID, a.terms.nextMonth(a.at))
			continue
		}
		next, err := i.writtenOff("forgive", platform.System)
		if err != nil {
			return err
		}
		posting, err := s.ports.Books.Post(ctx, "debt.written_off", i.Ref(), a.at, []platform.Leg{
			{Role: "difference", Amount: open}, {Role: "receivable", Party: i.Debtor, Amount: open.Neg()},
		})
		if err != nil {
			return err
		}
		gone[c] = plus(gone[c], open)
		a.put(next)
		a.set = append(a.set, posting...)
		a.set = append(a.set, platform.Delta(forgiven(month, c), -open.Minor(), i.Ref()).Above(-limit.Minor()))
		a.tell("receivable.written_off", next, map[string]any{"amount": open, "reason": "small"})
	}
	return nil
}

// forgiven is the counter of what was written off as too small in a month: below
// zero, so that the cap is its floor.
func forgiven(month string, c platform.Currency) platform.Ref {
	return platform.Counter("receivable.small:"+month, c.String())
}

// forgave is what such a counter says.
func forgave(r platform.Record, c platform.Currency) (platform.Money, error) {
	var count platform.Count
	if err := json.Unmarshal(r.Doc, &count); err != nil {
		return platform.Money{}, fmt.Errorf("decode %s: %w", r.Ref, platform.ErrUnavailable)
	}
	return money(-count.Value, c), nil
}

// nextMonth is when the office opens in the month after a moment.
func (t Terms) nextMonth(at time.Time) time.Time {
	y, m, _ := at.In(t.Zone).Date()
	return t.opening(time.Date(y, m+1, 1, 0, 0, 0, 0, t.Zone), 0)
}

// postpone has a claim looked at again at a later moment, and not before.
func (a *account) postpone(id platform.ID, until time.Time) {
	n := slices.IndexFunc(a.claims, func(i Item) bool { return i.ID == id })
	a.claims[n].Next = until
	a.moved[id] = true
	a.tell("receivable.postponed", a.claims[n], map[string]any{"until": until})
}
