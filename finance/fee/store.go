package fee

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

const (
	scheduleKind = "fee.schedule"
	courseKind   = "fee.course"
	bindingKind  = "fee.binding"
)

// Store is where schedules are read.
type Store interface {
	// Schedule reads one, or fails with ErrNotFound.
	Schedule(ctx context.Context, id platform.ID) (Schedule, error)
	// Schedules lists those of a name, or of all, the newest first.
	Schedules(ctx context.Context, name, cursor string) (platform.Page[Schedule], error)
	// Bound reads, in one trip, the binding of a merchant, the courses of these ids
	// and the counters, as far as they exist.
	Bound(ctx context.Context, merchant platform.ID, counter platform.Ref, courses ...platform.ID) (Binding, []Course, platform.Count, error)
	// Named lists the courses of a name: one a currency.
	Named(ctx context.Context, name string) ([]Course, error)
	// Due lists the courses whose last version has ended at now or before.
	Due(ctx context.Context, now time.Time, cursor string) (platform.Page[Course], error)
}

// Kinds are the records of the schedules, as an engine must know them.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Schedule]{
			Name: scheduleKind, Prefix: "fsc",
			Columns: func(s Schedule) []platform.Column {
				return []platform.Column{{Name: "name", Value: s.Name}, {Name: "at", Value: s.At}}
			},
			Indexes: []platform.Index{{By: []string{"name", "at"}}, {By: []string{"at"}}},
		}.Kind(),
		platform.Shape[Course]{
			Name: courseKind, Prefix: "fco", Pinned: true,
			Columns: func(c Course) []platform.Column {
				return []platform.Column{{Name: "name", Value: c.Name}, {Name: "due", Value: c.Due}}
			},
			Indexes: []platform.Index{{By: []string{"name"}}, {By: []string{"due"}, Sparse: true}},
		}.Kind(),
		platform.Shape[Binding]{Name: bindingKind, Prefix: "fbd", Pinned: true}.Kind(),
	}
}

// StoreOn reads schedules from any engine that knows [Kinds].
func StoreOn(db platform.Getter) Store { return records{db} }

type records struct{ db platform.Getter }

func (r records) Schedule(ctx context.Context, id platform.ID) (Schedule, error) {
	return platform.Read[Schedule](ctx, r.db, scheduleKind, id)
}

func (r records) Schedules(ctx context.Context, name, cursor string) (platform.Page[Schedule], error) {
	q := platform.Query{Kind: scheduleKind, By: []string{"at"}, Backward: true, Cursor: cursor}
	if name != "" {
		q.By, q.Equal = []string{"name", "at"}, []any{name}
	}
	return platform.List[Schedule](ctx, r.db, q)
}

func (r records) Bound(ctx context.Context, merchant platform.ID, counter platform.Ref, courses ...platform.ID) (b Binding, all []Course, n platform.Count, err error) {
	refs := make([]platform.Ref, 0, len(courses)+2)
	for _, id := range courses {
		refs = append(refs, platform.Ref{Kind: courseKind, ID: id})
	}
	binding := platform.Ref{Kind: bindingKind, ID: merchant.As("fbd")}
	if refs = append(refs, binding); counter.ID != "" {
		refs = append(refs, counter)
	}
	found, err := platform.Lookup(ctx, r.db, refs...)
	if err != nil {
		return b, nil, n, err
	}
	if all, err = platform.Found[Course](found, refs[:len(courses)]...); err != nil {
		return b, nil, n, err
	}
	bound, err := platform.Found[Binding](found, binding)
	if err == nil && len(bound) > 0 {
		b = bound[0]
	}
	if err == nil && counter.ID != "" {
		var counts []platform.Count
		if counts, err = platform.Found[platform.Count](found, counter); err == nil && len(counts) > 0 {
			n = counts[0]
		}
	}
	return b, all, n, err
}

func (r records) Named(ctx context.Context, name string) ([]Course, error) {
	page, err := platform.List[Course](ctx, r.db, platform.Query{Kind: courseKind, By: []string{"name"}, Equal: []any{name}, Limit: 500})
	return page.Items, err
}

func (r records) Due(ctx context.Context, now time.Time, cursor string) (platform.Page[Course], error) {
	return platform.List[Course](ctx, r.db, platform.Query{
		Kind: courseKind, By: []string{"due"}, Until: now.Add(time.Microsecond), Limit: 500, Cursor: cursor,
	})
}
