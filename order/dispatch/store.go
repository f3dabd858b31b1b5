package dispatch

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

// Store is what the package reads. Writes go through the [platform.Writer].
type Store interface {
	Assignment(ctx context.Context, id platform.ID) (Assignment, error)

	// Offers are the assignments of these ids, in the order asked, in one trip;
	// none of none.
	Offers(ctx context.Context, ids ...platform.ID) ([]Assignment, error)

	// Search is the search for a seat, by its id; ErrNotFound before the first.
	Search(ctx context.Context, id platform.ID) (Search, error)

	// Assignments lists by order, member or zone, by time of offer.
	Assignments(ctx context.Context, q Find) (platform.Page[Assignment], error)

	// Searches are all searches of an order, at most one a seat.
	Searches(ctx context.Context, order platform.ID) ([]Search, error)

	// Overdue lists offers whose deadline is then or before.
	Overdue(ctx context.Context, now time.Time, cursor string) (platform.Page[Assignment], error)

	// Rounds lists searches whose next round is due then or before.
	Rounds(ctx context.Context, now time.Time, cursor string) (platform.Page[Search], error)
}

// Find says which assignments to list: those of the first of order, member and
// zone that is set.
type Find struct {
	Order  platform.ID `json:"order,omitempty"`
	Member platform.ID `json:"member,omitempty"`
	Zone   platform.ID `json:"zone,omitempty"`  // those on offer, accepted or done, by the end of the work
	State  State       `json:"state,omitempty"` // only with Member
	Since  time.Time   `json:"since,omitzero"`  // only with Zone: the work ends then or later
	Limit  int         `json:"limit,omitempty"` // 0 is 50, at most 500
	Cursor string      `json:"cursor,omitempty"`

	Backward bool `json:"backward,omitempty"` // with Member and State: the newest first
}

// Kinds are the kinds of record that the package stores.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Assignment]{
			Name: "dispatch.assignment", Prefix: "asg",
			Root: "order", RootOf: func(a Assignment) platform.ID { return a.Order },
			Columns: func(a Assignment) []platform.Column {
				var ends time.Time // of what is, or may become, somebody's work
				if a.State == Offered || a.State == Finished || a.State.Holds() {
					ends = a.Until
				}
				return []platform.Column{
					{Name: "order", Value: a.Order}, {Name: "seat", Value: a.Seat}, {Name: "member", Value: a.Member},
					{Name: "state", Value: a.State}, {Name: "planned_start", Value: a.From}, {Name: "due", Value: a.Due},
					{Name: "zone", Value: a.Zone}, {Name: "ends", Value: ends},
				}
			},
			Indexes: []platform.Index{
				{By: []string{"order"}}, {By: []string{"member", "state"}},
				{By: []string{"zone", "ends"}, Sparse: true}, {By: []string{"due"}, Sparse: true},
			},
		}.Kind(),
		platform.Shape[Search]{
			Name: "dispatch.search", Prefix: "sea",
			Root: "order", RootOf: func(s Search) platform.ID { return s.Order },
			Columns: func(s Search) []platform.Column {
				return []platform.Column{{Name: "order", Value: s.Order}, {Name: "state", Value: s.State}, {Name: "due", Value: s.Due}}
			},
			Indexes: []platform.Index{{By: []string{"order"}}, {By: []string{"state"}}, {By: []string{"due"}, Sparse: true}},
		}.Kind(),
	}
}

// StoreOn is the standard Store over any engine.
func StoreOn(db platform.DB) Store { return store{db} }

type store struct{ db platform.Getter }

func (s store) Assignment(ctx context.Context, id platform.ID) (Assignment, error) {
	return platform.Read[Assignment](ctx, s.db, "dispatch.assignment", id)
}

func (s store) Offers(ctx context.Context, ids ...platform.ID) ([]Assignment, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return platform.ReadAll[Assignment](ctx, s.db, "dispatch.assignment", ids...)
}

func (s store) Search(ctx context.Context, id platform.ID) (Search, error) {
	return platform.Read[Search](ctx, s.db, "dispatch.search", id)
}

func (s store) Assignments(ctx context.Context, q Find) (platform.Page[Assignment], error) {
	query := platform.Query{Kind: "dispatch.assignment", Limit: q.Limit, Cursor: q.Cursor}
	switch {
	case q.Order != "":
		query.By, query.Equal = []string{"order"}, []any{q.Order}
	case q.Member != "" && q.State != "":
		query.By, query.Equal, query.Backward = []string{"member", "state"}, []any{q.Member, q.State}, q.Backward
	case q.Member != "":
		query.By, query.Equal = []string{"member", "state"}, []any{q.Member}
	case q.Zone != "":
		query.By, query.Equal = []string{"zone", "ends"}, []any{q.Zone}
		if !q.Since.IsZero() {
			query.From = q.Since
		}
	}
	return platform.List[Assignment](ctx, s.db, query)
}

func (s store) Searches(ctx context.Context, order platform.ID) ([]Search, error) {
	page, err := platform.List[Search](ctx, s.db, platform.Query{
		Kind: "dispatch.search", By: []string{"order"}, Equal: []any{order}, Limit: 500,
	})
	return page.Items, err
}

func (s store) Overdue(ctx context.Context, now time.Time, cursor string) (platform.Page[Assignment], error) {
	return platform.List[Assignment](ctx, s.db, due("dispatch.assignment", now, cursor))
}

func (s store) Rounds(ctx context.Context, now time.Time, cursor string) (platform.Page[Search], error) {
	return platform.List[Search](ctx, s.db, due("dispatch.search", now, cursor))
}

// due asks for what is due at a moment or before it.
func due(kind string, now time.Time, cursor string) platform.Query {
	return platform.Query{Kind: kind, By: []string{"due"}, Until: now.Add(time.Microsecond), Limit: 500, Cursor: cursor}
}
