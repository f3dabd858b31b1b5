package finance

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/liangding/platform"
)

// Store is what the books read. Pages have 500 rows.
type Store interface {
	// Pending is a record of money set aside, or ErrNotFound.
	Pending(ctx context.Context, id platform.ID) (Pending, error)

	// Postings are the postings of these ids, in their order; ErrNotFound when
	// any is missing.
	Postings(ctx context.Context, ids ...platform.ID) ([]Posting, error)

	// Openings are those of the openings of these ids that exist, in their order.
	Openings(ctx context.Context, ids ...platform.ID) ([]Opening, error)

	// Counts are the counters as of one moment, in the order asked; one that
	// was never added to is zero.
	Counts(ctx context.Context, counters ...platform.Ref) ([]platform.Count, error)

	// Counters is a page of all counters, those of other domains among them.
	Counters(ctx context.Context, cursor string) (platform.Page[platform.Count], error)

	// Movements is a page of a counter's movements, in the order of their
	// numbers.
	Movements(ctx context.Context, counter platform.Ref, cursor string) (platform.Page[platform.Movement], error)
}

// StoreOn is the store on an engine, or on a snapshot of one: reports are then
// of that moment.
func StoreOn(db platform.Getter) Store { return store{db} }

// Kinds are the records that this package writes. All are read by id alone:
// what belongs to an account is found through its movements.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Posting]{Name: postingKind, Prefix: "pst"}.Kind(),
		platform.Shape[Pending]{Name: pendingKind, Prefix: "pen"}.Kind(),
		platform.Shape[Opening]{Name: openingKind, Prefix: "opn"}.Kind(),
	}
}

const (
	postingKind = "finance.posting"
	pendingKind = "finance.pending"
	openingKind = "finance.opening"
)

type store struct{ db platform.Getter }

func (s store) Pending(ctx context.Context, id platform.ID) (Pending, error) {
	return platform.Read[Pending](ctx, s.db, pendingKind, id)
}

func (s store) Postings(ctx context.Context, ids ...platform.ID) ([]Posting, error) {
	return platform.ReadAll[Posting](ctx, s.db, postingKind, ids...)
}

func (s store) Openings(ctx context.Context, ids ...platform.ID) ([]Opening, error) {
	refs := make([]platform.Ref, len(ids))
	for i, id := range ids {
		refs[i] = platform.Ref{Kind: openingKind, ID: id}
	}
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return nil, err
	}
	return platform.Found[Opening](found, refs...)
}

func (s store) Counts(ctx context.Context, counters ...platform.Ref) ([]platform.Count, error) {
	found, err := lookup(ctx, s.db, counters...)
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
		counts[i].Ref = ref
	}
	return counts, nil
}

func (s store) Counters(ctx context.Context, cursor string) (platform.Page[platform.Count], error) {
	return platform.List[platform.Count](ctx, s.db, platform.Query{Kind: "counter", Limit: pageSize, Cursor: cursor})
}

func (s store) Movements(ctx context.Context, counter platform.Ref, cursor string) (platform.Page[platform.Movement], error) {
	return platform.List[platform.Movement](ctx, s.db, platform.Query{
		Kind: "movement", By: []string{"counter", "seq"}, Equal: []any{counter}, Limit: pageSize, Cursor: cursor,
	})
}

const pageSize = 500

// lookup reads those of the records that exist, each once, in one trip. A
// malformed id names none.
func lookup(ctx context.Context, db platform.Getter, refs ...platform.Ref) (map[platform.Ref]platform.Record, error) {
	seen := make(map[platform.Ref]bool, len(refs))
	refs = slices.DeleteFunc(slices.Clone(refs), func(r platform.Ref) bool {
		_, err := platform.ParseID(string(r.ID))
		skip := seen[r] || err != nil && r.Kind != "counter"
		seen[r] = true
		return skip
	})
	return platform.Lookup(ctx, db, refs...)
}

// all walks all records that a query finds, page by page.
func all[T any](ctx context.Context, db platform.Getter, q platform.Query) iter.Seq2[[]T, error] {
	q.Limit = pageSize
	return pages(func(cursor string) (platform.Page[T], error) {
		q.Cursor = cursor
		return platform.List[T](ctx, db, q)
	})
}

// pages walks all pages of a list. It ends with the first error.
func pages[T any](list func(cursor string) (platform.Page[T], error)) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for cursor := ""; ; {
			page, err := list(cursor)
			if !yield(page.Items, err) || err != nil || page.Next == "" {
				return
			}
			cursor = page.Next
		}
	}
}
