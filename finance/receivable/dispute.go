package receivable

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// contested is the claim of which a part is disputed.
func (i Item) contested(amount platform.Money, reason string, by platform.ActorKind, at time.Time, t Terms) (Item, error) {
	i = i.accrued(at, t)
	next, err := i.take("dispute", by)
	if err != nil {
		return Item{}, err
	}
	over, err := amount.Cmp(i.Claimed())
	if err != nil || over > 0 || amount.Sign() <= 0 {
		return Item{}, fmt.Errorf("dispute %s of receivable %s: %w", amount, i.ID, ErrDispute)
	}
	next.Disputed, next.Contested = plus(i.Disputed, amount), reason
	next.Promise, next.Proposal = nil, nil
	return next, nil
}

// Dispute says that a part of a claim is not owed.
type Dispute struct {
	Item   platform.ID    `json:"item" validate:"required,id=rcv"`
	Amount platform.Money `json:"amount" validate:"required"`
	Reason string         `json:"reason" validate:"required,oneof=not_owed wrong_amount already_paid not_delivered poor_quality other"`
}

// Subject is the claim.
func (in Dispute) Subject() platform.Ref { return platform.Ref{Kind: "receivable", ID: in.Item} }

// Dispute stops the dunning of the part that is disputed, and of that alone. The
// debtor disputes, or an operator who was told so. A promise ends with it.
//
// It fails with ErrNotFound for another party's claim, with ErrDispute for more
// than is owed and not disputed, and with ErrNotOpen.
func (s *Service) Dispute(ctx context.Context, in Dispute) (Item, error) {
	return s.onItem(ctx, in, in.Item, func(_ context.Context, i Item, by platform.Actor) (Item, []platform.Change, error) {
		next, err := i.contested(in.Amount, in.Reason, by.Kind, s.w.Now(), s.terms)
		event := platform.Happened("receivable.disputed", i.Ref(), map[string]any{"amount": in.Amount}).Because(in.Reason)
		return next, []platform.Change{event}, err
	})
}

// Resolve ends a dispute.
type Resolve struct {
	Item   platform.ID `json:"item" validate:"required,id=rcv"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code
}

// Subject is the claim.
func (in Resolve) Subject() platform.Ref { return platform.Ref{Kind: "receivable", ID: in.Item} }

// Resolve ends the dispute of a claim: it is owed and dunned again, from the
// level that it had. Operators may; it fails with ErrNotDisputed.
func (s *Service) Resolve(ctx context.Context, in Resolve) (Item, error) {
	return s.onItem(ctx, in, in.Item, func(_ context.Context, i Item, by platform.Actor) (Item, []platform.Change, error) {
		next, err := i.accrued(s.w.Now(), s.terms).take("resolve", by.Kind)
		switch {
		case err != nil:
			return Item{}, nil, err
		case i.Disputed.Sign() == 0:
			return Item{}, nil, fmt.Errorf("resolve receivable %s: %w", i.ID, ErrNotDisputed)
		}
		event := platform.Happened("receivable.dispute_resolved", i.Ref(), map[string]any{"amount": i.Disputed}).Because(in.Reason)
		next.Disputed, next.Contested = minus(i.Amount, i.Amount), ""
		return next, []platform.Change{event}, nil
	})
}

// Assessment is how much of a claim is expected to be lost, as a person sees it.
type Assessment struct {
	Rate   decimal.Decimal `json:"rate" class:"internal"` // 0 to 1
	Reason string          `json:"reason" class:"internal"`
	By     platform.ID     `json:"by" class:"internal"`
	At     time.Time       `json:"at" class:"internal"`
}

// Assess says how much of one claim is expected to be lost.
type Assess struct {
	Item   platform.ID     `json:"item" validate:"required,id=rcv"`
	Rate   decimal.Decimal `json:"rate"`                               // 0 to 1
	Reason string          `json:"reason" validate:"required,text=64"` // a code: insolvent
}

// Subject is the claim.
func (in Assess) Subject() platform.Ref { return platform.Ref{Kind: "receivable", ID: in.Item} }

// Assess sets a claim apart from the rates of its bucket. It counts at the end of
// the period. Operators may; it fails with ErrRate and ErrNotOpen.
func (s *Service) Assess(ctx context.Context, in Assess) (Item, error) {
	return s.onItem(ctx, in, in.Item, func(_ context.Context, i Item, by platform.Actor) (Item, []platform.Change, error) {
		next, err := i.take("assess", by.Kind)
		switch {
		case err != nil:
			return Item{}, nil, err
		case !isShare(in.Rate):
			return Item{}, nil, fmt.Errorf("assess receivable %s: %w", i.ID, ErrRate)
		}
		next.Assessed = &Assessment{Rate: in.Rate, Reason: in.Reason, By: by.ID, At: s.w.Now()}
		return next, []platform.Change{platform.Happened("receivable.assessed", i.Ref(), map[string]any{"rate": in.Rate}).Because(in.Reason)}, nil
	})
}

// FinishTask says that something was done about a claim.
type FinishTask struct {
	Item platform.ID `json:"item" validate:"required,id=rcv"`
	Task string      `json:"task" validate:"required,text=64"`
}

// Subject is the claim.
func (in FinishTask) Subject() platform.Ref { return platform.Ref{Kind: "receivable", ID: in.Item} }

// FinishTask ends a task that a level opened. Operators may; it fails with
// ErrTask when none of that name is open.
func (s *Service) FinishTask(ctx context.Context, in FinishTask) (Item, error) {
	return s.onItem(ctx, in, in.Item, func(_ context.Context, i Item, by platform.Actor) (Item, []platform.Change, error) {
		next, err := i.take("finish", by.Kind)
		if err != nil {
			return Item{}, nil, err
		}
		n := slices.IndexFunc(i.Tasks, func(t Task) bool { return t.Code == in.Task && t.Done.IsZero() })
		if n < 0 {
			return Item{}, nil, fmt.Errorf("finish task on receivable %s: %w", i.ID, ErrTask)
		}
		next.Tasks = slices.Clone(i.Tasks)
		next.Tasks[n].Done, next.Tasks[n].By = s.w.Now(), by.ID
		return next, []platform.Change{platform.Happened("receivable.task_finished", i.Ref(), nil).Because(in.Task)}, nil
	})
}

// isShare tells whether a rate lies between 0 and 1.
func isShare(rate decimal.Decimal) bool {
	return !rate.IsNegative() && !rate.GreaterThan(decimal.New(1, 0))
}
