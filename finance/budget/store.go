package budget

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Store is what budgets read.
type Store interface {
	Records
	Lists
}

// Records are read by their ids.
type Records interface {
	// Budget is one budget, or ErrNotFound.
	Budget(ctx context.Context, id platform.ID) (Budget, error)

	// Move is one virement, or ErrNotFound.
	Move(ctx context.Context, id platform.ID) (Move, error)

	// Lines are those of the lines of these ids that exist, in one trip.
	Lines(ctx context.Context, ids ...platform.ID) ([]Line, error)

	// Commitments are those of the commitments of these ids that exist, in one
	// trip.
	Commitments(ctx context.Context, ids ...platform.ID) ([]Commitment, error)

	// Counts are the counters as of one moment, in the order asked; one that was
	// never added to is zero.
	Counts(ctx context.Context, counters ...platform.Ref) ([]platform.Count, error)
}

// Lists are read page by page; what they tell is read again before it is acted on.
type Lists interface {
	// Budgets are all budgets, the latest first.
	Budgets(ctx context.Context, cursor string) (platform.Page[Budget], error)

	// LinesOf are the lines of a budget, or, of none, those in force of all.
	LinesOf(ctx context.Context, budget platform.ID, cursor string) (platform.Page[Line], error)

	// Open are the commitments that lie on a line and are open.
	Open(ctx context.Context, line platform.ID, cursor string) (platform.Page[Commitment], error)

	// Moves are the virements that wait for approval.
	Moves(ctx context.Context, cursor string) (platform.Page[Move], error)

	// DueBudgets and DueLines are those that are due at now.
	DueBudgets(ctx context.Context, now time.Time, cursor string) (platform.Page[Budget], error)
	DueLines(ctx context.Context, now time.Time, cursor string) (platform.Page[Line], error)
}

const (
	budgetKind     = "budget"
	lineKind       = "budget.line"
	commitmentKind = "budget.commitment"
	entryKind      = "budget.entry"
	moveKind       = "budget.move"
)

// Kinds are the records that this package writes.
func Kinds() []platform.Kind {
	due := platform.Index{By: []string{"due"}, Sparse: true}
	return []platform.Kind{
		platform.Shape[Budget]{
			Name: budgetKind, Prefix: "bud",
			Columns: func(b Budget) []platform.Column { return []platform.Column{{Name: "due", Value: b.Due}} },
			Indexes: []platform.Index{due},
		}.Kind(),
		platform.Shape[Line]{
			Name: lineKind, Prefix: "bgt", Root: budgetKind, RootOf: func(l Line) platform.ID { return l.Budget },
			Columns: func(l Line) []platform.Column {
				return []platform.Column{{Name: "budget", Value: l.Budget}, {Name: "state", Value: l.State}, {Name: "due", Value: l.Due}}
			},
			Indexes: []platform.Index{{By: []string{"budget"}}, {By: []string{"state"}}, due},
		}.Kind(),
		platform.Shape[Commitment]{
			Name: commitmentKind, Prefix: "cmt",
			Columns: func(c Commitment) []platform.Column {
				if c.Open.Sign() == 0 {
					c.On = ""
				}
				return []platform.Column{{Name: "on", Value: string(c.On)}}
			},
			Indexes: []platform.Index{{By: []string{"on"}, Sparse: true}},
		}.Kind(),
		platform.Shape[Entry]{
			Name: entryKind, Prefix: "ben",
			Columns: func(e Entry) []platform.Column { return []platform.Column{{Name: "source", Value: e.Source}} },
			Indexes: []platform.Index{{By: []string{"source"}}},
		}.Kind(),
		platform.Shape[Move]{
			Name: moveKind, Prefix: "bmv",
			Columns: func(m Move) []platform.Column { return []platform.Column{{Name: "state", Value: m.State}} },
			Indexes: []platform.Index{{By: []string{"state"}}},
		}.Kind(),
	}
}

// StoreOn is the store on an engine, or on a snapshot of one.
func StoreOn(db platform.Getter) Store { return store{db} }

type store struct{ db platform.Getter }

func (s store) Budget(ctx context.Context, id platform.ID) (Budget, error) {
	return platform.Read[Budget](ctx, s.db, budgetKind, id)
}

func (s store) Move(ctx context.Context, id platform.ID) (Move, error) {
	return platform.Read[Move](ctx, s.db, moveKind, id)
}

func (s store) Lines(ctx context.Context, ids ...platform.ID) ([]Line, error) {
	return existing[Line](ctx, s.db, lineKind, ids)
}

func (s store) Commitments(ctx context.Context, ids ...platform.ID) ([]Commitment, error) {
	return existing[Commitment](ctx, s.db, commitmentKind, ids)
}

func (s store) Counts(ctx context.Context, counters ...platform.Ref) ([]platform.Count, error) {
	found, err := platform.Lookup(ctx, s.db, counters...)
	if err != nil {
		return nil, err
	}
	counts := make([]platform.Count, len(counters))
	for i, ref := range counters {
		if r, known := found[ref]; known {
			if err := json.Unmarshal(r.Doc, &counts[i]); err != nil {
				return nil, fmt.Errorf("decode %s: %w", ref, platform.ErrUnavailable)
			}
		}
	}
	return counts, nil
}

func (s store) Budgets(ctx context.Context, cursor string) (platform.Page[Budget], error) {
	return platform.List[Budget](ctx, s.db, platform.Query{Kind: budgetKind, Backward: true, Cursor: cursor})
}

func (s store) LinesOf(ctx context.Context, budget platform.ID, cursor string) (platform.Page[Line], error) {
	q := platform.Query{Kind: lineKind, By: []string{"state"}, Equal: []any{LineActive}, Limit: pageSize, Cursor: cursor}
	if budget != "" {
		q.By, q.Equal = []string{"budget"}, []any{budget}
	}
	return platform.List[Line](ctx, s.db, q)
}

func (s store) Open(ctx context.Context, line platform.ID, cursor string) (platform.Page[Commitment], error) {
	return platform.List[Commitment](ctx, s.db, platform.Query{Kind: commitmentKind, By: []string{"on"}, Equal: []any{string(line)}, Cursor: cursor})
}

func (s store) Moves(ctx context.Context, cursor string) (platform.Page[Move], error) {
	return platform.List[Move](ctx, s.db, platform.Query{Kind: moveKind, By: []string{"state"}, Equal: []any{MoveProposed}, Cursor: cursor})
}

func (s store) DueBudgets(ctx context.Context, now time.Time, cursor string) (platform.Page[Budget], error) {
	return platform.List[Budget](ctx, s.db, due(budgetKind, now, cursor))
}

func (s store) DueLines(ctx context.Context, now time.Time, cursor string) (platform.Page[Line], error) {
	return platform.List[Line](ctx, s.db, due(lineKind, now, cursor))
}

const pageSize = 200

func due(kind string, now time.Time, cursor string) platform.Query {
	until := now.Add(time.Microsecond) // the end is exclusive, and now itself is due
	return platform.Query{Kind: kind, By: []string{"due"}, Until: until, Limit: pageSize, Cursor: cursor}
}

// existing are those of the records of one kind that are there, each once.
func existing[T any](ctx context.Context, db platform.Getter, kind string, ids []platform.ID) ([]T, error) {
	seen := make(map[platform.ID]bool, len(ids))
	var refs []platform.Ref
	for _, id := range ids {
		if !seen[id] {
			seen[id], refs = true, append(refs, platform.Ref{Kind: kind, ID: id})
		}
	}
	found, err := platform.Lookup(ctx, db, refs...)
	if err != nil {
		return nil, err
	}
	return platform.Found[T](found, refs...)
}
