package supervision

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// AdjustmentState is how far an adjustment has come.
type AdjustmentState string

// The states of an adjustment.
const (
	AdjustmentProposed AdjustmentState = "proposed"
	AdjustmentPosted   AdjustmentState = "posted"
	AdjustmentDeclined AdjustmentState = "declined"
)

var adjustmentMoves = platform.Moves[AdjustmentState]{
	{Verb: "link", From: []AdjustmentState{AdjustmentProposed}, To: AdjustmentPosted, By: operator, Refusal: ErrAdjustment},
	{Verb: "decline", From: []AdjustmentState{AdjustmentProposed}, To: AdjustmentDeclined, By: operator, Refusal: ErrAdjustment},
}

// Adjustment is what auditors want booked. They book nothing: accountants do, by a
// journal of the same legs.
type Adjustment struct {
	platform.Head
	Engagement platform.ID     `json:"engagement" class:"internal"`
	Legs       []platform.Leg  `json:"legs" class:"internal"`
	Reason     string          `json:"reason" class:"internal"` // a code
	State      AdjustmentState `json:"state" class:"internal"`
	By         platform.ID     `json:"by" class:"internal"`
	At         time.Time       `json:"at" class:"internal"`
	Journal    platform.ID     `json:"journal,omitempty" class:"internal"`
	Decider    platform.ID     `json:"decider,omitempty" class:"internal"`
	Decided    time.Time       `json:"decided,omitzero" class:"internal"`
	Why        string          `json:"why,omitempty" class:"internal"` // it was declined, a code
}

// Ref names the adjustment.
func (a Adjustment) Ref() platform.Ref { return platform.Ref{Kind: adjustmentKind, ID: a.ID} }

// ProposeAdjustment asks for a booking.
type ProposeAdjustment struct {
	Engagement platform.ID    `json:"engagement" validate:"required,id=eng"`
	Legs       []platform.Leg `json:"legs" validate:"min=2,max=100"`
	Reason     string         `json:"reason" validate:"required,text=64"`
}

// LinkAdjustment says by which journal an adjustment was booked.
type LinkAdjustment struct {
	Adjustment platform.ID `json:"adjustment" validate:"required,id=adj"`
	Journal    platform.ID `json:"journal" validate:"required,id=jnl"`
}

// DeclineAdjustment says why an adjustment is not booked.
type DeclineAdjustment struct {
	Adjustment platform.ID `json:"adjustment" validate:"required,id=adj"`
	Reason     string      `json:"reason" validate:"required,text=64"`
}

// Subject is the engagement.
func (in ProposeAdjustment) Subject() platform.Ref { return engagementRef(in.Engagement) }

// Subject is the adjustment.
func (in LinkAdjustment) Subject() platform.Ref {
	return platform.Ref{Kind: adjustmentKind, ID: in.Adjustment}
}

// Subject is the adjustment.
func (in DeclineAdjustment) Subject() platform.Ref {
	return platform.Ref{Kind: adjustmentKind, ID: in.Adjustment}
}

// ProposeAdjustment notes what an auditor wants booked, and books nothing.
// Admitted auditors may, and supervisors in their name. It fails with
// [finance.ErrUnbalanced] for legs that are not zero together in each currency.
func (s *Service) ProposeAdjustment(ctx context.Context, in ProposeAdjustment) (Adjustment, error) {
	if err := balanced(in.Legs); err != nil {
		return Adjustment{}, fmt.Errorf("propose an adjustment: %w", err)
	}
	id := s.w.NewChild("adj", in.Engagement)
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Adjustment, []platform.Change, error) {
		e, by, err := s.field(ctx, in.Engagement)
		if err != nil {
			return Adjustment{}, nil, fmt.Errorf("propose an adjustment: %w", err)
		}
		a := Adjustment{
			Head: platform.Head{ID: id}, Engagement: e.ID, Legs: in.Legs, Reason: in.Reason, State: AdjustmentProposed, By: by.ID, At: s.w.Now(),
		}
		event := platform.Happened("audit.adjustment_proposed", a.Ref(), map[string]any{"legs": a.Legs}).Because(in.Reason)
		return a, []platform.Change{platform.Unchanged(e), platform.Put(a), event}, nil
	})
}

// balanced demands that legs are zero together in each currency.
func balanced(legs []platform.Leg) (err error) {
	totals := map[platform.Currency]platform.Money{}
	for _, l := range legs {
		total, begun := totals[l.Amount.Currency()]
		if !begun {
			totals[l.Amount.Currency()] = l.Amount
			continue
		}
		if totals[l.Amount.Currency()], err = total.Add(l.Amount); err != nil {
			return err
		}
	}
	for _, total := range totals {
		if total.Sign() != 0 || total.Absent() {
			return finance.ErrUnbalanced
		}
	}
	return nil
}

// LinkAdjustment links an adjustment with the journal that has booked it.
// Accountants may. It fails with ErrNotBooked unless the journal is booked, and
// books the very legs.
func (s *Service) LinkAdjustment(ctx context.Context, in LinkAdjustment) (Adjustment, error) {
	if s.ports.Journals == nil {
		return Adjustment{}, ErrSource
	}
	return s.onAdjustment(ctx, in, "link", func(ctx context.Context, a Adjustment) (Adjustment, string, error) {
		legs, err := s.ports.Journals.Booked(ctx, in.Journal)
		if err == nil && !sameLegs(a.Legs, legs) {
			err = fmt.Errorf("link %s with %s: %w", a.ID, in.Journal, ErrNotBooked)
		}
		a.Journal = in.Journal
		return a, "", err
	})
}

// DeclineAdjustment ends an adjustment that is not booked. Accountants may.
func (s *Service) DeclineAdjustment(ctx context.Context, in DeclineAdjustment) (Adjustment, error) {
	return s.onAdjustment(ctx, in, "decline", func(_ context.Context, a Adjustment) (Adjustment, string, error) {
		a.Why = in.Reason
		return a, in.Reason, nil
	})
}

func (s *Service) onAdjustment(ctx context.Context, in interface{ Subject() platform.Ref }, verb string, decide func(context.Context, Adjustment) (Adjustment, string, error)) (Adjustment, error) {
	by, err := s.operator(ctx)
	switch {
	case err == nil && by.Has(Supervisor):
		err = ErrSegregation
	case err == nil && !by.Has(finance.Accountant):
		err = finance.ErrAccountant
	}
	if err != nil {
		return Adjustment{}, fmt.Errorf("%s an adjustment: %w", verb, err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Adjustment, []platform.Change, error) {
		a, err := platform.Read[Adjustment](ctx, s.db, adjustmentKind, in.Subject().ID)
		if err != nil {
			return Adjustment{}, nil, err
		}
		state, err := adjustmentMoves.Take(a.State, verb, by.Kind)
		if err != nil {
			return Adjustment{}, nil, fmt.Errorf("%s %s: %w", verb, a.ID, err)
		}
		next, reason, err := decide(ctx, a)
		if err != nil {
			return Adjustment{}, nil, err
		}
		next.State, next.Decider, next.Decided = state, by.ID, s.w.Now()
		event := platform.Happened("audit.adjustment_"+string(state), a.Ref(), map[string]any{"journal": next.Journal}).Because(reason)
		return next, []platform.Change{platform.Put(next), event}, nil
	})
}

// sameLegs tells whether two lists have the same legs, in any order.
func sameLegs(a, b []platform.Leg) bool {
	b = slices.Clone(b)
	for _, l := range a {
		i := slices.Index(b, l)
		if i < 0 {
			return false
		}
		b = slices.Delete(b, i, i+1)
	}
	return len(b) == 0
}

// Adjustments is a page of the adjustments of an engagement.
func (s *Service) Adjustments(ctx context.Context, engagement platform.ID, cursor string) (platform.Page[Adjustment], error) {
	return listed[Adjustment](ctx, s, adjustmentKind, engagement, cursor)
}

// Cutoff is up to which month the books must stay closed. There is one.
type Cutoff struct {
	platform.Head
	Month      string      `json:"month" class:"internal"`
	Engagement platform.ID `json:"engagement" class:"internal"`
	By         platform.ID `json:"by" class:"internal"`
	At         time.Time   `json:"at" class:"internal"`
}

var cutoffID = derived("cut", "", "one")

// Ref names the cut-off.
func (c Cutoff) Ref() platform.Ref { return platform.Ref{Kind: cutoffKind, ID: c.ID} }

// Cutoffs tells the closing of the books up to where auditors have looked. It
// needs nothing but the records of this package.
type Cutoffs struct{ DB platform.Getter }

// Cutoff is the last month that must not be opened again; empty if none.
//
// Whoever opens months reads how far they are closed first, and this then: fixing
// a cut-off moves that record, so that of the two at once the opening is decided
// again.
func (c Cutoffs) Cutoff(ctx context.Context) (string, error) {
	cut, _, err := maybe[Cutoff](ctx, c.DB, cutoffKind, cutoffID)
	return cut.Month, err
}

// FixCutoff fixes the last month that an audit relies on.
type FixCutoff struct {
	Engagement platform.ID `json:"engagement" validate:"required,id=eng"`
	Month      string      `json:"month" validate:"required,datetime=2006-01"`
}

// Subject is the engagement.
func (in FixCutoff) Subject() platform.Ref { return engagementRef(in.Engagement) }

// FixCutoff keeps a month and those before it from being opened again. Admitted
// auditors may, and supervisors in their name. It fails with ErrNotClosed unless
// the month is closed for good; an earlier month than before changes nothing of
// what is fixed.
func (s *Service) FixCutoff(ctx context.Context, in FixCutoff) (Engagement, error) {
	if s.ports.Books == nil {
		return Engagement{}, ErrSource
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Engagement, []platform.Change, error) {
		e, by, err := s.field(ctx, in.Engagement)
		if err != nil {
			return Engagement{}, nil, fmt.Errorf("fix a cut-off: %w", err)
		}
		periods, err := s.ports.Books.Periods(ctx)
		if err != nil {
			return Engagement{}, nil, err
		}
		if periods.State(in.Month) != finance.PeriodHardClosed {
			return Engagement{}, nil, fmt.Errorf("fix %s: %w", in.Month, ErrNotClosed)
		}
		cut, _, err := maybe[Cutoff](ctx, s.db, cutoffKind, cutoffID)
		if err != nil {
			return Engagement{}, nil, err
		}
		e.Cutoff = max(e.Cutoff, in.Month)
		set := []platform.Change{platform.Put(e), e.event("audit.cut_off", "")}
		if cut.Month < in.Month {
			cut.ID, cut.Month, cut.Engagement, cut.By, cut.At = cutoffID, in.Month, e.ID, by.ID, s.w.Now()
			set = append(set, platform.Put(cut), platform.Put(periods))
		}
		return e, set, nil
	})
}
