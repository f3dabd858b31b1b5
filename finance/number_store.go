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

func (s store) Summed(ctx context.Context, spans, accounts, parties []platform.ID) (*summing, error) {
	sums := newSumming()
	foundSpans, err := existing[Sums](ctx, s.db, sumsKind, spans)
	if err != nil {
		return nil, err
	}
	foundAccounts, err := existing[AccountSum](ctx, s.db, accountSumKind, accounts)
	if err != nil {
		return nil, err
	}
	foundParties, err := existing[Turnover](ctx, s.db, turnoverKind, parties)
	for _, v := range foundSpans {
		sums.spans[v.ID] = &v
	}
	for _, v := range foundAccounts {
		sums.accounts[v.ID] = &v
	}
	for _, v := range foundParties {
		sums.parties[v.ID] = &v
	}
	return sums, err
}

func (s store) Spans(ctx context.Context, from, until string, days bool) (found []Sums, err error) {
	size := len("2006-01")
	if days {
		size = len(time.DateOnly)
	}
	q := platform.Query{Kind: sumsKind, By: []string{"size", "span"}, Equal: []any{size}, From: from, Until: until + "~"}
	for page, err := range all[Sums](ctx, s.db, q) {
		if err != nil {
			return nil, err
		}
		found = append(found, page...)
	}
	return found, nil
}

func (s store) AccountSums(ctx context.Context, month, account, cursor string) (platform.Page[AccountSum], error) {
	q := platform.Query{Kind: accountSumKind, By: []string{"month", "account"}, Equal: []any{month}, Limit: pageSize, Cursor: cursor}
	if account != "" {
		q.From, q.Until = account, account+"~"
	}
	return platform.List[AccountSum](ctx, s.db, q)
}

func (s store) Turnovers(ctx context.Context, month, cursor string) (platform.Page[Turnover], error) {
	return platform.List[Turnover](ctx, s.db, platform.Query{
		Kind: turnoverKind, By: []string{"month", "party"}, Equal: []any{month}, Limit: pageSize, Cursor: cursor,
	})
}
