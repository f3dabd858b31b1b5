package staff

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

// Store is what the package reads. Writes go through the [platform.Writer].
type Store interface {
	Member(ctx context.Context, id platform.ID) (Member, error)
	Zone(ctx context.Context, id platform.ID) (Zone, error)

	// Days are the booking days that exist among those asked for, in order.
	Days(ctx context.Context, ids ...platform.ID) ([]BookingDay, error)

	// Diaries reads members with those of the booking days that exist, in one trip.
	Diaries(ctx context.Context, members []platform.ID, days ...platform.ID) ([]Member, []BookingDay, error)

	// Members lists by state and home zone, by id. Either may be empty.
	Members(ctx context.Context, q Find) (platform.Page[Member], error)

	// Zones lists by state, which may be empty.
	Zones(ctx context.Context, state ZoneState, cursor string) (platform.Page[Zone], error)

	// Due lists members whose suspension ends until then, that moment included.
	Due(ctx context.Context, until time.Time, cursor string) (platform.Page[Member], error)
}

// Find says which members to list.
type Find struct {
	State  State       `json:"state,omitempty"`
	Zone   platform.ID `json:"zone,omitempty"`
	Limit  int         `json:"limit,omitempty"` // 0 is 50, at most 500
	Cursor string      `json:"cursor,omitempty"`
}

// Kinds are the kinds of record that the package stores.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Member]{
			Name: "staff.member", Prefix: "stf",
			Columns: func(m Member) []platform.Column {
				return []platform.Column{{Name: "state", Value: m.State}, {Name: "zone", Value: m.Zone}, {Name: "due", Value: m.Due}}
			},
			Indexes: []platform.Index{{By: []string{"state"}}, {By: []string{"zone", "state"}}, {By: []string{"due"}, Sparse: true}},
		}.Kind(),
		platform.Shape[Zone]{
			Name: "staff.zone", Prefix: "zon",
			Columns: func(z Zone) []platform.Column { return []platform.Column{{Name: "state", Value: z.State}} },
			Indexes: []platform.Index{{By: []string{"state"}}},
		}.Kind(),
		platform.Shape[BookingDay]{
			Name: "staff.booking_day", Prefix: "bkd",
			Root: "staff.member", RootOf: func(d BookingDay) platform.ID { return d.Member },
			Columns: func(d BookingDay) []platform.Column {
				return []platform.Column{{Name: "member", Value: d.Member}, {Name: "day", Value: d.Day}}
			},
			Indexes: []platform.Index{{By: []string{"member", "day"}}},
		}.Kind(),
	}
}

// StoreOn is the standard Store over any engine.
func StoreOn(db platform.DB) Store { return store{db} }

type store struct{ db platform.Getter }

func (s store) Member(ctx context.Context, id platform.ID) (Member, error) {
	return platform.Read[Member](ctx, s.db, "staff.member", id)
}

func (s store) Zone(ctx context.Context, id platform.ID) (Zone, error) {
	return platform.Read[Zone](ctx, s.db, "staff.zone", id)
}

func (s store) Days(ctx context.Context, ids ...platform.ID) ([]BookingDay, error) {
	refs := dayRefs(ids)
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return nil, err
	}
	return platform.Found[BookingDay](found, refs...)
}

func (s store) Diaries(ctx context.Context, members []platform.ID, days ...platform.ID) ([]Member, []BookingDay, error) {
	refs := dayRefs(days)
	for _, id := range members {
		refs = append(refs, of(id))
	}
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return nil, nil, err
	}
	for _, ref := range refs[len(days):] {
		if _, there := found[ref]; !there {
			return nil, nil, platform.Detail(platform.NotFound(ref), "member", ref.ID)
		}
	}
	all, err := platform.Found[Member](found, refs[len(days):]...)
	if err != nil {
		return nil, nil, err
	}
	booked, err := platform.Found[BookingDay](found, refs[:len(days)]...)
	return all, booked, err
}

// dayRefs names booking days.
func dayRefs(days []platform.ID) []platform.Ref {
	refs := make([]platform.Ref, len(days))
	for i, id := range days {
		refs[i] = platform.Ref{Kind: "staff.booking_day", ID: id}
	}
	return refs
}

func (s store) Members(ctx context.Context, q Find) (platform.Page[Member], error) {
	query := platform.Query{Kind: "staff.member", Limit: q.Limit, Cursor: q.Cursor}
	switch {
	case q.Zone != "" && q.State != "":
		query.By, query.Equal = []string{"zone", "state"}, []any{q.Zone, q.State}
	case q.Zone != "":
		query.By, query.Equal = []string{"zone", "state"}, []any{q.Zone}
	case q.State != "":
		query.By, query.Equal = []string{"state"}, []any{q.State}
	}
	return platform.List[Member](ctx, s.db, query)
}

func (s store) Zones(ctx context.Context, state ZoneState, cursor string) (platform.Page[Zone], error) {
	query := platform.Query{Kind: "staff.zone", Cursor: cursor}
	if state != "" {
		query.By, query.Equal = []string{"state"}, []any{state}
	}
	return platform.List[Zone](ctx, s.db, query)
}

func (s store) Due(ctx context.Context, until time.Time, cursor string) (platform.Page[Member], error) {
	query := platform.Query{Kind: "staff.member", By: []string{"due"}, Until: until.Add(time.Microsecond), Limit: 500, Cursor: cursor}
	return platform.List[Member](ctx, s.db, query)
}
