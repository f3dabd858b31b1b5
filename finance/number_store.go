package finance

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

func (s store) Sequence(ctx context.Context) (sequence, error) {
	found, err := existing[sequence](ctx, s.db, sequenceKind, []platform.ID{sequenceID})
	if err != nil || len(found) == 0 {
		return sequence{Head: platform.Head{ID: sequenceID}}, err
	}
	return found[0], nil
}

func (s store) Booked(ctx context.Context, after place, until time.Time, limit int) (all []Posting, err error) {
	by := platform.Query{Kind: postingKind, By: []string{"booked", "id"}, Limit: min(limit, pageSize)}
	from := by // the rest of the same moment, then what comes later
	from.Equal, from.From = []any{after.Booked}, platform.ID(string(after.ID)+"0")
	by.Until = until.Add(time.Microsecond)
	if !after.Booked.IsZero() {
		by.From = after.Booked.Add(time.Microsecond)
	}
	for _, q := range []platform.Query{from, by} {
		if q.Equal != nil && after.ID == "" || len(all) >= limit {
			continue
		}
		for page, err := range pages(func(cursor string) (platform.Page[Posting], error) {
			q.Cursor = cursor
			return platform.List[Posting](ctx, s.db, q)
		}) {
			if err != nil {
				return nil, err
			}
			if all = append(all, page...); len(all) >= limit {
				return all[:limit], nil
			}
		}
	}
	return all, nil
}

func (s store) Numbers(ctx context.Context, ids ...platform.ID) ([]Number, error) {
	return existing[Number](ctx, s.db, numberKind, ids)
}

func (s store) Month(ctx context.Context, month, cursor string) (platform.Page[Number], error) {
	return platform.List[Number](ctx, s.db, platform.Query{
		Kind: numberKind, By: []string{"month", "no"}, Equal: []any{month}, Limit: pageSize, Cursor: cursor,
	})
}
