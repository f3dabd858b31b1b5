package receivable

import (
	"context"
	"iter"
	"time"

	"github.com/liangding/platform"
)

// Store is what this package reads. Records that are not there are ErrNotFound.
type Store interface {
	Records
	Values

	// Owed are the claims on a party that are open or written off and not
	// recovered, as they are now; at most 500 of each, the oldest due first.
	Owed(ctx context.Context, party platform.ID) ([]Item, error)

	// Items is a page of all claims on a party, the latest due first.
	Items(ctx context.Context, party platform.ID, cursor string) (platform.Page[Item], error)

	// Open walks the claims of a portfolio, or all, that are open, by due.
	Open(ctx context.Context, portfolio string) iter.Seq2[[]Item, error]

	// Referred are claims of these references, at most limit.
	Referred(ctx context.Context, limit int, references ...string) ([]Item, error)

	// Proposed is a page of the claims whose write-off is proposed.
	Proposed(ctx context.Context, cursor string) (platform.Page[Item], error)

	// Tasked is a page of the claims with a task that is open, the oldest first.
	Tasked(ctx context.Context, cursor string) (platform.Page[Item], error)

	// Due is a page of the claims about which something is to be done.
	Due(ctx context.Context, now time.Time, cursor string) (platform.Page[Item], error)

	// Unsent is a page of the letters that are to be sent.
	Unsent(ctx context.Context, now time.Time, cursor string) (platform.Page[Letter], error)
}

// Records are read by their id, and lists of them that stand in no claim.
type Records interface {
	Item(ctx context.Context, id platform.ID) (Item, error)

	// ItemsByID are several, in the order asked, in one trip.
	ItemsByID(ctx context.Context, ids ...platform.ID) ([]Item, error)

	Debtor(ctx context.Context, id platform.ID) (Debtor, error)
	Receipt(ctx context.Context, id platform.ID) (Receipt, error)
	Letter(ctx context.Context, id platform.ID) (Letter, error)

	// Receipts is a page of the money that came from a payer, or from anybody,
	// the latest first.
	Receipts(ctx context.Context, payer platform.ID, cursor string) (platform.Page[Receipt], error)

	// Letters is a page of the letters to a party, the latest first.
	Letters(ctx context.Context, party platform.ID, cursor string) (platform.Page[Letter], error)
}

// Values are what is expected to be lost, and what was given up.
type Values interface {
	// Allowances are those of these ids that exist.
	Allowances(ctx context.Context, ids ...platform.ID) ([]Allowance, error)

	// Valued is a page of the allowances of a portfolio, the latest period first.
	Valued(ctx context.Context, portfolio, cursor string) (platform.Page[Allowance], error)

	// Rates are the last published that are in force at a moment; ErrNotFound if
	// none are.
	Rates(ctx context.Context, at time.Time) (Rates, error)

	// Forgiven is how much of a currency was written off as too small in a month.
	Forgiven(ctx context.Context, month string, c platform.Currency) (platform.Money, error)
}

// standing is under which heading a claim is listed.
func (i Item) standing() string {
	switch {
	case i.Open().Sign() > 0:
		return "open"
	case i.Lost().Sign() > 0:
		return "lost"
	}
	return ""
}

// task is since when the oldest open task waits.
func (i Item) task() time.Time {
	for _, t := range i.Tasks {
		if t.Done.IsZero() {
			return t.At
		}
	}
	return time.Time{}
}

// waits is since when a write-off is proposed.
func (i Item) waits() time.Time {
	if i.Proposal == nil {
		return time.Time{}
	}
	return i.Proposal.At
}

// Kinds are the records that this package writes.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Item]{
			Name: "receivable", Prefix: "rcv",
			Columns: func(i Item) []platform.Column {
				return []platform.Column{
					{Name: "debtor", Value: i.Debtor}, {Name: "portfolio", Value: i.Portfolio}, {Name: "standing", Value: i.standing()}, {Name: "due", Value: i.Due},
					{Name: "next", Value: i.Next}, {Name: "reference", Value: i.Reference},
					{Name: "proposed", Value: i.waits()}, {Name: "task", Value: i.task()},
				}
			},
			Indexes: []platform.Index{
				{By: []string{"debtor", "standing", "due"}}, {By: []string{"debtor", "due"}}, {By: []string{"standing", "due"}},
				{By: []string{"portfolio", "standing", "due"}},
				{By: []string{"next"}, Sparse: true}, {By: []string{"reference"}, Sparse: true},
				{By: []string{"proposed"}, Sparse: true}, {By: []string{"task"}, Sparse: true},
			},
		}.Kind(),
		platform.Shape[Debtor]{Name: "receivable.debtor", Prefix: "dbt"}.Kind(),
		platform.Shape[Receipt]{
			Name: "receivable.receipt", Prefix: "rct", Unique: Receipt.claims,
			Columns: func(r Receipt) []platform.Column {
				return []platform.Column{{Name: "payer", Value: r.Payer}, {Name: "at", Value: r.Recorded}}
			},
			Indexes: []platform.Index{{By: []string{"payer", "at"}}, {By: []string{"at"}}},
		}.Kind(),
		platform.Shape[Letter]{
			Name: "receivable.letter", Prefix: "ltr",
			Columns: func(l Letter) []platform.Column {
				return []platform.Column{{Name: "to", Value: l.To}, {Name: "at", Value: l.At}, {Name: "due", Value: l.Due}}
			},
			Indexes: []platform.Index{{By: []string{"to", "at"}}, {By: []string{"due"}, Sparse: true}},
		}.Kind(),
		platform.Shape[Rates]{
			Name: "receivable.rates", Prefix: "rat", Pinned: true,
			Columns: func(r Rates) []platform.Column { return []platform.Column{{Name: "from", Value: r.From}} },
			Indexes: []platform.Index{{By: []string{"from"}}},
		}.Kind(),
		platform.Shape[Allowance]{
			Name: "receivable.allowance", Prefix: "alw",
			Columns: func(a Allowance) []platform.Column {
				return []platform.Column{{Name: "portfolio", Value: a.Portfolio}, {Name: "period", Value: a.Period}}
			},
			Indexes: []platform.Index{{By: []string{"portfolio", "period"}}},
		}.Kind(),
	}
}

// StoreOn is the store on an engine that knows [Kinds].
func StoreOn(db platform.Getter) Store { return store{db} }

type store struct{ db platform.Getter }

const pageSize = 100

func (s store) Item(ctx context.Context, id platform.ID) (Item, error) {
	return platform.Read[Item](ctx, s.db, "receivable", id)
}

func (s store) ItemsByID(ctx context.Context, ids ...platform.ID) ([]Item, error) {
	return platform.ReadAll[Item](ctx, s.db, "receivable", ids...)
}

func (s store) Debtor(ctx context.Context, id platform.ID) (Debtor, error) {
	return platform.Read[Debtor](ctx, s.db, "receivable.debtor", id)
}

func (s store) Receipt(ctx context.Context, id platform.ID) (Receipt, error) {
	return platform.Read[Receipt](ctx, s.db, "receivable.receipt", id)
}

func (s store) Letter(ctx context.Context, id platform.ID) (Letter, error) {
	return platform.Read[Letter](ctx, s.db, "receivable.letter", id)
}

func (s store) Allowances(ctx context.Context, ids ...platform.ID) ([]Allowance, error) {
	refs := make([]platform.Ref, len(ids))
	for i, id := range ids {
		refs[i] = platform.Ref{Kind: "receivable.allowance", ID: id}
	}
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return nil, err
	}
	return platform.Found[Allowance](found, refs...)
}

func (s store) Owed(ctx context.Context, party platform.ID) (all []Item, err error) {
	for _, standing := range []string{"open", "lost"} {
		page, err := s.db.Scan(ctx, platform.Query{
			Kind: "receivable", By: []string{"debtor", "standing", "due"}, Equal: []any{party, standing}, Limit: mostClaims,
		})
		if err != nil || len(page.Items) == 0 {
			if err != nil {
				return nil, err
			}
			continue
		}
		ids := make([]platform.ID, len(page.Items))
		for i, r := range page.Items {
			ids[i] = r.Ref.ID
		}
		items, err := platform.ReadAll[Item](ctx, s.db, "receivable", ids...) // a scan is a hint
		if err != nil {
			return nil, err
		}
		for _, i := range items {
			if i.standing() == standing {
				all = append(all, i)
			}
		}
	}
	return all, nil
}

func (s store) Items(ctx context.Context, party platform.ID, cursor string) (platform.Page[Item], error) {
	return platform.List[Item](ctx, s.db, platform.Query{
		Kind: "receivable", By: []string{"debtor", "due"}, Equal: []any{party}, Backward: true, Limit: pageSize, Cursor: cursor,
	})
}

func (s store) Open(ctx context.Context, portfolio string) iter.Seq2[[]Item, error] {
	q := platform.Query{Kind: "receivable", By: []string{"standing", "due"}, Equal: []any{"open"}, Limit: mostClaims}
	if portfolio != "" {
		q.By, q.Equal = []string{"portfolio", "standing", "due"}, []any{portfolio, "open"}
	}
	return func(yield func([]Item, error) bool) {
		for cursor := ""; ; {
			q.Cursor = cursor
			page, err := platform.List[Item](ctx, s.db, q)
			if !yield(page.Items, err) || err != nil || page.Next == "" {
				return
			}
			cursor = page.Next
		}
	}
}

func (s store) Referred(ctx context.Context, limit int, references ...string) (all []Item, err error) {
	for _, reference := range references {
		page, err := platform.List[Item](ctx, s.db, platform.Query{
			Kind: "receivable", By: []string{"reference"}, Equal: []any{reference}, Limit: limit,
		})
		if err != nil {
			return nil, err
		}
		if all = append(all, page.Items...); len(all) >= limit {
			break
		}
	}
	return all, nil
}

func (s store) Proposed(ctx context.Context, cursor string) (platform.Page[Item], error) {
	return platform.List[Item](ctx, s.db, platform.Query{Kind: "receivable", By: []string{"proposed"}, Limit: pageSize, Cursor: cursor})
}

func (s store) Tasked(ctx context.Context, cursor string) (platform.Page[Item], error) {
	return platform.List[Item](ctx, s.db, platform.Query{Kind: "receivable", By: []string{"task"}, Limit: pageSize, Cursor: cursor})
}

func (s store) Due(ctx context.Context, now time.Time, cursor string) (platform.Page[Item], error) {
	return platform.List[Item](ctx, s.db, platform.Query{
		Kind: "receivable", By: []string{"next"}, Until: now.Add(time.Microsecond), Limit: pageSize, Cursor: cursor, // the end is exclusive
	})
}

func (s store) Unsent(ctx context.Context, now time.Time, cursor string) (platform.Page[Letter], error) {
	return platform.List[Letter](ctx, s.db, platform.Query{
		Kind: "receivable.letter", By: []string{"due"}, Until: now.Add(time.Microsecond), Limit: pageSize, Cursor: cursor,
	})
}

func (s store) Receipts(ctx context.Context, payer platform.ID, cursor string) (platform.Page[Receipt], error) {
	q := platform.Query{Kind: "receivable.receipt", By: []string{"at"}, Backward: true, Limit: pageSize, Cursor: cursor}
	if payer != "" {
		q.By, q.Equal = []string{"payer", "at"}, []any{payer}
	}
	return platform.List[Receipt](ctx, s.db, q)
}

func (s store) Letters(ctx context.Context, party platform.ID, cursor string) (platform.Page[Letter], error) {
	return platform.List[Letter](ctx, s.db, platform.Query{
		Kind: "receivable.letter", By: []string{"to", "at"}, Equal: []any{party}, Backward: true, Limit: pageSize, Cursor: cursor,
	})
}

func (s store) Valued(ctx context.Context, portfolio, cursor string) (platform.Page[Allowance], error) {
	return platform.List[Allowance](ctx, s.db, platform.Query{
		Kind: "receivable.allowance", By: []string{"portfolio", "period"}, Equal: []any{portfolio}, Backward: true, Limit: pageSize, Cursor: cursor,
	})
}

func (s store) Rates(ctx context.Context, at time.Time) (Rates, error) {
	page, err := platform.List[Rates](ctx, s.db, platform.Query{
		Kind: "receivable.rates", By: []string{"from"}, Until: at.Add(time.Microsecond), Backward: true, Limit: 1,
	})
	if err == nil && len(page.Items) == 0 {
		err = platform.NotFound(platform.Ref{Kind: "receivable.rates"})
	}
	if err != nil {
		return Rates{}, err
	}
	return page.Items[0], nil
}

func (s store) Forgiven(ctx context.Context, month string, c platform.Currency) (platform.Money, error) {
	ref := forgiven(month, c)
	found, err := platform.Lookup(ctx, s.db, ref)
	if err != nil {
		return platform.Money{}, err
	}
	r, known := found[ref]
	if !known {
		return money(0, c), nil
	}
	return forgave(r, c)
}
