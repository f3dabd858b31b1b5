package budget

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Draft begins a budget.
type Draft struct {
	Centre   string         `json:"centre" validate:"required,max=30,alphanum,lowercase"` // sales, shanghai
	From     time.Time      `json:"from" validate:"required"`
	Until    time.Time      `json:"until" validate:"required"` // exclusive
	Envelope platform.Money `json:"envelope" validate:"required,min=0"`
	Lines    []Planned      `json:"lines" validate:"min=1,max=200,dive"`
}

// Amend gives a budget another plan.
type Amend struct {
	Budget   platform.ID    `json:"budget" validate:"required,id=bud"`
	Envelope platform.Money `json:"envelope" validate:"required,min=0"`
	Lines    []Planned      `json:"lines" validate:"min=1,max=200,dive"`
}

// Submit asks for the approval of a draft.
type Submit struct {
	Budget platform.ID `json:"budget" validate:"required,id=bud"`
}

// Approve approves what waits on a budget.
type Approve struct {
	Budget platform.ID `json:"budget" validate:"required,id=bud"`
}

// Reject refuses what waits on a budget.
type Reject struct {
	Budget platform.ID `json:"budget" validate:"required,id=bud"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code
}

// Close ends a budget.
type Close struct {
	Budget platform.ID `json:"budget" validate:"required,id=bud"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code
}

func about(id platform.ID) platform.Ref { return platform.Ref{Kind: budgetKind, ID: id} }

// Subject is the budget.
func (in Amend) Subject() platform.Ref { return about(in.Budget) }

// Subject is the budget.
func (in Submit) Subject() platform.Ref { return about(in.Budget) }

// Subject is the budget.
func (in Approve) Subject() platform.Ref { return about(in.Budget) }

// Subject is the budget.
func (in Reject) Subject() platform.Ref { return about(in.Budget) }

// Subject is the budget.
func (in Close) Subject() platform.Ref { return about(in.Budget) }

// Draft begins a budget. It fails with ErrPeriod, and with ErrCurrency,
// ErrTwice, ErrTolerance or ErrEnvelope for a plan that does not add up.
func (s *Service) Draft(ctx context.Context, in Draft) (Budget, error) {
	id := s.w.NewRoot(ctx, "bud")
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Budget, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err != nil {
			return Budget{}, nil, err
		}
		if n := months(in.From, in.Until); n < 1 || n > 36 {
			return Budget{}, nil, platform.Wrong("until", ErrPeriod)
		}
		b := Budget{Head: platform.Head{ID: id}, State: Drafted, Centre: in.Centre, From: in.From.UTC(), Until: in.Until.UTC(), Edition: Edition{Number: 1, Envelope: in.Envelope}}
		if b, err = b.Amend(in.Envelope, in.Lines, by); err != nil {
			return Budget{}, nil, err
		}
		return b, []platform.Change{platform.Put(b), platform.Happened("budget.drafted", b.Ref(), b.facts())}, nil
	})
}

// Amend gives a draft another plan, or proposes another edition of one in force,
// which then waits for its approval. It fails as [Service.Draft] does, and with
// ErrNotDraft.
func (s *Service) Amend(ctx context.Context, in Amend) (Budget, error) {
	return s.deciding(ctx, in, in.Budget, func(_ context.Context, b Budget, by platform.Actor) (Budget, []platform.Change, error) {
		next, err := b.Amend(in.Envelope, in.Lines, by)
		return next, []platform.Change{platform.Happened("budget.amended", b.Ref(), next.facts())}, err
	})
}

// Submit asks for the approval of a draft.
func (s *Service) Submit(ctx context.Context, in Submit) (Budget, error) {
	return s.deciding(ctx, in, in.Budget, func(_ context.Context, b Budget, by platform.Actor) (Budget, []platform.Change, error) {
		next, err := b.move("submit", by.Kind)
		return next, []platform.Change{platform.Happened("budget.submitted", b.Ref(), next.facts())}, err
	})
}

// Approve approves what waits on a budget: it takes two operators, neither of
// whom proposed it. The last approval of a new budget lets it come into force
// with its period; that of another edition of one in force changes its lines at
// once, and fails with ErrExceeded where a line would have less than what is
// spent and promised.
func (s *Service) Approve(ctx context.Context, in Approve) (Budget, error) {
	return s.deciding(ctx, in, in.Budget, func(ctx context.Context, b Budget, by platform.Actor) (Budget, []platform.Change, error) {
		next, done, err := b.Approve(by)
		if err != nil {
			return Budget{}, nil, err
		}
		what := "budget.signed"
		if done {
			what = "budget.approved"
		}
		told := []platform.Change{platform.Happened(what, b.Ref(), next.facts())}
		if !done || b.State != Active {
			return next, told, nil
		}
		set, err := s.replan(ctx, next)
		return next, append(told, set...), err
	})
}

// Reject refuses what waits on a budget: a draft again, or the plan in force as
// it was.
func (s *Service) Reject(ctx context.Context, in Reject) (Budget, error) {
	return s.deciding(ctx, in, in.Budget, func(_ context.Context, b Budget, by platform.Actor) (Budget, []platform.Change, error) {
		next, err := b.Reject(by, in.Reason)
		return next, []platform.Change{platform.Happened("budget.rejected", b.Ref(), next.facts()).Because(in.Reason)}, err
	})
}

// Close ends a budget and its lines: nothing more passes on them. What is still
// committed there stays until somebody decides, see [Service.Carry]; what is free
// lapses.
func (s *Service) Close(ctx context.Context, in Close) (Budget, error) {
	return s.deciding(ctx, in, in.Budget, func(ctx context.Context, b Budget, by platform.Actor) (Budget, []platform.Change, error) {
		next, err := b.move("close", by.Kind)
		if err != nil {
			return Budget{}, nil, err
		}
		lines, err := s.linesOf(ctx, next)
		if err != nil {
			return Budget{}, nil, err
		}
		next.Next, next.Reason = nil, in.Reason
		set := []platform.Change{platform.Happened("budget.closed", b.Ref(), next.facts()).Because(in.Reason)}
		for _, l := range lines {
			l.State, l.Due = LineClosed, time.Time{}
			set = append(set, platform.Put(l))
		}
		return next, set, nil
	})
}

// linesOf are the lines of a budget as its plan names them, and those that an
// earlier edition had.
func (s *Service) linesOf(ctx context.Context, b Budget) ([]Line, error) {
	var ids []platform.ID
	for cursor := ""; ; {
		page, err := s.store.LinesOf(ctx, b.ID, cursor)
		if err != nil {
			return nil, err
		}
		for _, l := range page.Items {
			ids = append(ids, l.ID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for _, p := range b.Lines {
		ids = append(ids, b.lineOf(p).ID)
	}
	return s.store.Lines(ctx, ids...)
}

// replan changes the lines of a budget to its plan: those that are not in it
// any more keep nothing.
func (s *Service) replan(ctx context.Context, b Budget) ([]platform.Change, error) {
	lines, err := s.linesOf(ctx, b)
	if err != nil {
		return nil, err
	}
	now, planned := s.w.Now(), map[platform.ID]Planned{}
	for _, p := range b.Lines {
		l := b.lineOf(p)
		planned[l.ID] = p
	}
	for _, l := range lines {
		if _, kept := planned[l.ID]; !kept {
			planned[l.ID] = Planned{Account: l.Account, Amount: zero(l.Plan), Monthly: l.Monthly}
		}
	}
	var grown legs
	var set []platform.Change
	for _, l := range b.with(lines) {
		l, more, err := l.replan(planned[l.ID], now)
		if err != nil {
			return nil, err
		}
		if err := grown.grow(l, more); err != nil {
			return nil, err
		}
		set = append(set, platform.Put(l))
	}
	if len(grown) == 0 {
		return set, nil
	}
	e := Entry{Head: platform.Head{ID: derived("ben", b.ID, fmt.Sprint("edition ", b.Number))}, What: "budget.moved", Source: b.Ref(), At: now}
	booked, err := s.ports.Books.Post(ctx, "budget.moved", e.Ref(), now, grown)
	return append(append(set, platform.Put(e)), booked...), err
}

// with are the lines that there are, and new ones of the plan.
func (b Budget) with(lines []Line) []Line {
	known := map[platform.ID]bool{}
	for _, l := range lines {
		known[l.ID] = true
	}
	for _, p := range b.Lines {
		if l := b.lineOf(p); !known[l.ID] {
			lines = append(lines, l)
		}
	}
	return lines
}

// facts are what events tell of a budget.
func (b Budget) facts() map[string]any {
	e := b.Edition
	if b.Next != nil {
		e = *b.Next
	}
	return map[string]any{"centre": b.Centre, "edition": e.Number, "envelope": e.Envelope, "from": b.From, "until": b.Until}
}
