package budget

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

var _ platform.Ticker = (*Service)(nil)

// Tick puts approved budgets in force whose period has begun, and frees the parts
// of months that have.
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	actor := platform.SystemActor("budget")
	actor.Tenant = s.w.Tenant
	ctx, limit = platform.WithoutKey(platform.As(ctx, actor)), platform.TickLimit(limit)
	begun, err := platform.Sweep(ctx, limit, func(cursor string) (platform.Page[Budget], error) {
		return s.store.DueBudgets(ctx, now, cursor)
	}, func(b Budget) error { return s.activate(ctx, b.ID) })
	if begun >= limit {
		return begun, err
	}
	freed, failed := platform.Sweep(ctx, limit-begun, func(cursor string) (platform.Page[Line], error) {
		return s.store.DueLines(ctx, now, cursor)
	}, func(l Line) error { return s.month(ctx, l.ID) })
	return begun + freed, errors.Join(err, failed)
}

type activate struct {
	Budget platform.ID `json:"budget"`
}

// activate puts a budget in force, and its plan into the books.
func (s *Service) activate(ctx context.Context, id platform.ID) error {
	_, err := s.deciding(ctx, activate{id}, id, func(ctx context.Context, b Budget, by platform.Actor) (Budget, []platform.Change, error) {
		if s.w.Now().Before(b.Due) {
			return Budget{}, nil, ErrNotDue
		}
		next, err := b.move("activate", by.Kind)
		if err != nil {
			return Budget{}, nil, err
		}
		next.Due = time.Time{}
		set, err := s.replan(ctx, next)
		return next, append(set, platform.Happened("budget.activated", b.Ref(), next.facts())), err
	})
	return err
}

type month struct {
	Line platform.ID `json:"line"`
}

// month frees the parts of a line's months that have begun.
func (s *Service) month(ctx context.Context, id platform.ID) error {
	_, err := platform.Update(ctx, s.w, month{id}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		l, err := s.line(ctx, id)
		if err != nil {
			return struct{}{}, nil, err
		}
		now := s.w.Now()
		next, more, err := l.Free(now)
		if err == nil && (l.State != LineActive || next.Months == l.Months) {
			err = ErrNotDue
		}
		if err != nil {
			return struct{}{}, nil, fmt.Errorf("month of line %s: %w", id, err)
		}
		var grown legs
		if err := grown.grow(l, more); err != nil {
			return struct{}{}, nil, err
		}
		e := Entry{Head: platform.Head{ID: derived("ben", l.ID, fmt.Sprint("month ", next.Months, " from ", l.Months, " of ", l.Version))}, What: "budget.planned", Source: l.Ref(), Legs: []platform.Leg{{Of: l.ID, Amount: more}}, At: now}
		set := []platform.Change{platform.Put(next), platform.Put(e), platform.Happened("budget.planned", l.Ref(), map[string]any{"months": next.Months, "amount": more})}
		if len(grown) == 0 {
			return struct{}{}, set, nil
		}
		booked, err := s.ports.Books.Post(ctx, "budget.planned", e.Ref(), now, grown)
		if err != nil {
			return struct{}{}, nil, err
		}
		return struct{}{}, append(set, booked...), nil
	})
	return err
}
