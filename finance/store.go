package finance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Store is what the books read. Pages have 500 rows.
type Store interface {
	Records
	Accounts
}

// Records is what was written about facts, and about who decided on them.
type Records interface {
	// Pending is a record of money set aside, or ErrNotFound.
	Pending(ctx context.Context, id platform.ID) (Pending, error)

	// Pendings are those of the pending records of these ids that exist.
	Pendings(ctx context.Context, ids ...platform.ID) ([]Pending, error)

	// Incoming is a page of the open pending records that will bring something to
	// an account which can be locked.
	Incoming(ctx context.Context, cursor string) (platform.Page[Pending], error)

	// Holding is a page of the open pending records that take first of all from
	// accounts of a holder (see [Account.holder]), the newest first.
	Holding(ctx context.Context, holder, cursor string) (platform.Page[Pending], error)

	// Due is a page of the open pending records whose due is over, oldest first.
	Due(ctx context.Context, now time.Time, cursor string) (platform.Page[Pending], error)

	// Postings are the postings of these ids, in their order; ErrNotFound when
	// any is missing.
	Postings(ctx context.Context, ids ...platform.ID) ([]Posting, error)

	// Posted are those of the postings of these ids that exist, in their order.
	Posted(ctx context.Context, ids ...platform.ID) ([]Posting, error)

	// Openings are those of the openings of these ids that exist, in their order.
	Openings(ctx context.Context, ids ...platform.ID) ([]Opening, error)

	// Journal is one journal, or ErrNotFound.
	Journal(ctx context.Context, id platform.ID) (Journal, error)

	numbering
}

// numbering is what the journal's numbers are given and read by.
type numbering interface {
	// Sequence is how far the numbering has come: nowhere, if it never began.
	Sequence(ctx context.Context) (sequence, error)

	// Booked are the postings after a place, in the order in which they were
	// booked, until a moment, at most limit.
	Booked(ctx context.Context, after place, until time.Time, limit int) ([]Posting, error)

	// Numbers are those of the numbers of these ids that exist.
	Numbers(ctx context.Context, ids ...platform.ID) ([]Number, error)

	// Month is a page of the numbers of a month, in order.
	Month(ctx context.Context, month, cursor string) (platform.Page[Number], error)

	// Summed are those of the sums of these ids that exist.
	Summed(ctx context.Context, spans, accounts, parties []platform.ID) (*summing, error)

	// Spans are the sums of the months from one to another, both included; days
	// those of their days.
	Spans(ctx context.Context, from, until string, days bool) ([]Sums, error)

	// AccountSums is a page of a month's sums of accounts whose text begins so.
	AccountSums(ctx context.Context, month, account, cursor string) (platform.Page[AccountSum], error)

	// Turnovers is a page of a month's turnovers, by party.
	Turnovers(ctx context.Context, month, cursor string) (platform.Page[Turnover], error)
}

// Accounts is what is on accounts: their counters, movements and locks.
type Accounts interface {
	// Bars are those of the locks of these ids that exist, and the periods, at
	// version 0 if there are none, in one trip.
	Bars(ctx context.Context, locks ...platform.ID) (Periods, []Lock, error)

	// Counts are the counters as of one moment, in the order asked; one that
	// was never added to is zero.
	Counts(ctx context.Context, counters ...platform.Ref) ([]platform.Count, error)

	// CountersOf are both counters of an account in every currency.
	CountersOf(ctx context.Context, a Account) ([]platform.Count, error)

	// Counters is a page of all counters, those of other domains among them.
	Counters(ctx context.Context, cursor string) (platform.Page[platform.Count], error)

	// Movements is a page of a counter's movements, in the order of their
	// numbers.
	Movements(ctx context.Context, counter platform.Ref, cursor string) (platform.Page[platform.Movement], error)

	// MovementsFrom are a counter's movements with the number from and after,
	// at most limit; backward those before it, the last first.
	MovementsFrom(ctx context.Context, counter platform.Ref, from int64, limit int, backward bool) ([]platform.Movement, error)

	// Caused are the movements that a posting or hold made, at most 500.
	Caused(ctx context.Context, cause platform.Ref) ([]platform.Movement, error)
}

// StoreOn is the store on an engine, or on a snapshot of one: reports are then
// of that moment.
func StoreOn(db platform.Getter) Store { return store{db} }

// Kinds are the records that this package writes. What belongs to an account is
// found through its movements.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Posting]{
			Name: postingKind, Prefix: "pst",
			Columns: func(p Posting) []platform.Column {
				return []platform.Column{{Name: "booked", Value: p.Booked}, {Name: "id", Value: p.ID}}
			},
			Indexes: []platform.Index{{By: []string{"booked", "id"}}}, // in which order they get their numbers
		}.Kind(),
		platform.Shape[Pending]{
			Name: pendingKind, Prefix: "pen",
			Columns: func(p Pending) []platform.Column {
				incoming := ""
				if len(p.incoming()) > 0 {
					incoming = "yes"
				}
				if p.State != Open {
					p.Due = time.Time{}
				}
				return []platform.Column{{Name: "due", Value: p.Due}, {Name: "incoming", Value: incoming}, {Name: "holder", Value: p.holder()}}
			},
			Indexes: []platform.Index{
				{By: []string{"due"}, Sparse: true}, {By: []string{"incoming"}, Sparse: true},
				{By: []string{"holder"}, Sparse: true}, // of what is open alone, however much has ended
			},
		}.Kind(),
		platform.Shape[Periods]{Name: periodsKind, Prefix: "prd", Pinned: true}.Kind(),
		platform.Shape[Lock]{Name: lockKind, Prefix: "acc", Pinned: true}.Kind(),
		platform.Shape[Journal]{Name: journalKind, Prefix: "jnl"}.Kind(),
		platform.Shape[Number]{
			Name: numberKind, Prefix: "num", Derived: true,
			Columns: func(n Number) []platform.Column {
				return []platform.Column{{Name: "month", Value: n.Month}, {Name: "no", Value: n.No}}
			},
			Indexes: []platform.Index{{By: []string{"month", "no"}}},
		}.Kind(),
		platform.Shape[sequence]{Name: sequenceKind, Prefix: "seq", Derived: true}.Kind(),
		platform.Shape[Sums]{
			Name: sumsKind, Prefix: "sms", Derived: true,
			Columns: func(s Sums) []platform.Column {
				return []platform.Column{{Name: "size", Value: len(s.Span)}, {Name: "span", Value: s.Span}}
			},
			Indexes: []platform.Index{{By: []string{"size", "span"}}},
		}.Kind(),
		platform.Shape[AccountSum]{
			Name: accountSumKind, Prefix: "asm", Derived: true,
			Columns: func(s AccountSum) []platform.Column {
				return []platform.Column{{Name: "month", Value: s.Month}, {Name: "account", Value: s.Account.String()}}
			},
			Indexes: []platform.Index{{By: []string{"month", "account"}}},
		}.Kind(),
		platform.Shape[Turnover]{
			Name: turnoverKind, Prefix: "tno", Derived: true,
			Columns: func(t Turnover) []platform.Column {
				return []platform.Column{{Name: "month", Value: t.Month}, {Name: "party", Value: t.Party}}
			},
			Indexes: []platform.Index{{By: []string{"month", "party"}}},
		}.Kind(),
		platform.Shape[Opening]{Name: openingKind, Prefix: "opn"}.Kind(),
	}
}

const (
	postingKind = "finance.posting"
	pendingKind = "finance.pending"
	openingKind = "finance.opening"
	periodsKind = "finance.periods"
	lockKind    = "finance.account"
	journalKind = "finance.journal"

	numberKind   = "finance.number"
	sequenceKind = "finance.sequence"

	sumsKind       = "finance.sums"
	accountSumKind = "finance.account_sum"
	turnoverKind   = "finance.turnover"
)

type store struct{ db platform.Getter }

func (s store) Pending(ctx context.Context, id platform.ID) (Pending, error) {
	return platform.Read[Pending](ctx, s.db, pendingKind, id)
}

func (s store) Postings(ctx context.Context, ids ...platform.ID) ([]Posting, error) {
	return platform.ReadAll[Posting](ctx, s.db, postingKind, ids...)
}

func (s store) Openings(ctx context.Context, ids ...platform.ID) ([]Opening, error) {
	return existing[Opening](ctx, s.db, openingKind, ids)
}

func (s store) Bars(ctx context.Context, locks ...platform.ID) (Periods, []Lock, error) {
	fence := platform.Ref{Kind: periodsKind, ID: periodsID}
	refs := []platform.Ref{fence}
	for _, id := range locks {
		if ref := (platform.Ref{Kind: lockKind, ID: id}); !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return Periods{}, nil, err
	}
	periods, err := platform.Found[Periods](found, fence)
	if err != nil || len(periods) == 0 {
		periods = []Periods{{Head: platform.Head{ID: periodsID}}}
	}
	all, failed := platform.Found[Lock](found, refs[1:]...)
	return periods[0], all, errors.Join(err, failed)
}

func (s store) Incoming(ctx context.Context, cursor string) (platform.Page[Pending], error) {
	return platform.List[Pending](ctx, s.db, platform.Query{Kind: pendingKind, By: []string{"incoming"}, Equal: []any{"yes"}, Limit: pageSize, Cursor: cursor})
}

func (s store) Holding(ctx context.Context, holder, cursor string) (platform.Page[Pending], error) {
	return platform.List[Pending](ctx, s.db, platform.Query{
		Kind: pendingKind, By: []string{"holder"}, Equal: []any{holder}, Backward: true, Limit: pageSize, Cursor: cursor,
	})
}

func (s store) Pendings(ctx context.Context, ids ...platform.ID) ([]Pending, error) {
	return existing[Pending](ctx, s.db, pendingKind, ids)
}

func (s store) Posted(ctx context.Context, ids ...platform.ID) ([]Posting, error) {
	return existing[Posting](ctx, s.db, postingKind, ids)
}

// existing are those of the records of one kind that are there, each once.
func existing[T any](ctx context.Context, db platform.Getter, kind string, ids []platform.ID) ([]T, error) {
	seen := make(map[platform.ID]bool, len(ids))
	refs := make([]platform.Ref, 0, len(ids))
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

func (s store) Journal(ctx context.Context, id platform.ID) (Journal, error) {
	return platform.Read[Journal](ctx, s.db, journalKind, id)
}

func (s store) Due(ctx context.Context, now time.Time, cursor string) (platform.Page[Pending], error) {
	return platform.List[Pending](ctx, s.db, platform.Query{
		Kind: pendingKind, By: []string{"due"}, Until: now.Add(time.Microsecond), Limit: pageSize, Cursor: cursor,
	})
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

func (s store) MovementsFrom(ctx context.Context, counter platform.Ref, from int64, limit int, backward bool) ([]platform.Movement, error) {
	q := platform.Query{Kind: "movement", By: []string{"counter", "seq"}, Equal: []any{counter}, From: from, Limit: limit}
	if backward {
		q.From, q.Until, q.Backward = nil, from, true
	}
	page, err := platform.List[platform.Movement](ctx, s.db, q)
	return page.Items, err
}

func (s store) Caused(ctx context.Context, cause platform.Ref) ([]platform.Movement, error) {
	page, err := platform.List[platform.Movement](ctx, s.db, platform.Query{
		Kind: "movement", By: []string{"cause"}, Equal: []any{cause}, Limit: pageSize,
	})
	return page.Items, err
}

func (s store) CountersOf(ctx context.Context, a Account) (all []platform.Count, err error) {
	for _, which := range []string{posted, available} {
		from := which + ":" + a.String()
		for page, err := range pages(func(cursor string) (platform.Page[platform.Count], error) {
			return platform.List[platform.Count](ctx, s.db, platform.Query{
				Kind: "counter", From: platform.ID(from + "/"), Until: platform.ID(from + "0"), Limit: pageSize, Cursor: cursor, // 0 follows /
			})
		}) {
			if err != nil {
				return nil, err
			}
			all = append(all, page...)
		}
	}
	return all, nil
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
