package budget

import (
	"context"
	"iter"

	"github.com/liangding/platform"
)

// Discrepancy is a line whose books do not agree.
type Discrepancy struct {
	Line     platform.ID
	Rule     string         // balance, plan, committed
	Expected platform.Money // by the rest of the books, or by the records
	Found    platform.Money
}

// Verify proves every line from its own records: plan = free + committed + spent,
// the plan is what the line says, and what is committed is what its commitments
// have open. Give it a snapshot: on a store that moves it may see two moments.
func Verify(ctx context.Context, db platform.Getter) iter.Seq2[Discrepancy, error] {
	return func(yield func(Discrepancy, error) bool) {
		s := store{db}
		for q := (platform.Query{Kind: lineKind, Limit: pageSize}); ; {
			page, err := platform.List[Line](ctx, db, q)
			if err != nil {
				yield(Discrepancy{}, err)
				return
			}
			for _, l := range page.Items {
				if !s.verify(ctx, l, yield) {
					return
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return
			}
		}
	}
}

func (s store) verify(ctx context.Context, l Line, yield func(Discrepancy, error) bool) bool {
	rules, err := s.rules(ctx, l)
	if err != nil {
		return yield(Discrepancy{}, err)
	}
	for _, d := range rules {
		if d.Expected != d.Found && !yield(d, nil) {
			return false
		}
	}
	return true
}

// rules are what must be equal on a line.
func (s store) rules(ctx context.Context, l Line) ([]Discrepancy, error) {
	counts, err := s.Counts(ctx, l.counters()...)
	if err != nil {
		return nil, err
	}
	b, err := l.balance(counts)
	if err != nil {
		return nil, err
	}
	parts, err := platform.Sum(l.Plan.Currency(), b.Free, b.Committed, b.Spent)
	if err != nil {
		return nil, err
	}
	open := zero(l.Plan)
	for cursor := ""; ; {
		page, err := s.Open(ctx, l.ID, cursor)
		if err != nil {
			return nil, err
		}
		for _, c := range page.Items {
			if open, err = open.Add(c.Open); err != nil {
				return nil, err
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return []Discrepancy{{l.ID, "balance", b.Plan, parts}, {l.ID, "plan", l.Freed, b.Plan}, {l.ID, "committed", open, b.Committed}}, nil
}
