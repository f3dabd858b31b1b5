package screen

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

const (
	kindDecision = "screen.decision"
	prefix       = "dcs"
)

// Store is where this package reads. [StoreOn] is one over any engine.
type Store interface {
	// Decision fails with ErrNotFound when there is none.
	Decision(ctx context.Context, id platform.ID) (Decision, error)

	// Decisions reads a page by an index of [Kinds], the Query without Kind.
	Decisions(ctx context.Context, q platform.Query) (platform.Page[Decision], error)
}

// StoreOn is the Store over an engine that was opened with [Kinds].
func StoreOn(db platform.DB) Store { return store{db} }

type store struct{ db platform.Getter }

func (s store) Decision(ctx context.Context, id platform.ID) (Decision, error) {
	return platform.Read[Decision](ctx, s.db, kindDecision, id)
}

func (s store) Decisions(ctx context.Context, q platform.Query) (platform.Page[Decision], error) {
	q.Kind = kindDecision
	return platform.List[Decision](ctx, s.db, q)
}

// Kinds are the records of this package, to open an engine with.
func Kinds() []platform.Kind { return []platform.Kind{decisionShape.Kind()} }

var decisionShape = platform.Shape[Decision]{
	Name: kindDecision, Prefix: prefix,
	Columns: func(d Decision) []platform.Column {
		counted := d.At
		if !d.Counted {
			counted = time.Time{}
		}
		return []platform.Column{
			{Name: "customer", Value: d.Facts.Customer}, {Name: "type", Value: d.Type}, {Name: "counted", Value: counted},
			{Name: "outcome", Value: d.Outcome}, {Name: "at", Value: d.At},
		}
	},
	Indexes: []platform.Index{{By: []string{"customer", "type", "counted"}, Sparse: true}, {By: []string{"outcome", "at"}}},
}
