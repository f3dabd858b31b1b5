package invoice

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

// Store is where invoices are read. Records that are not there are ErrNotFound.
type Store interface {
	Invoice(ctx context.Context, id platform.ID) (Invoice, error)
	Letter(ctx context.Context, id platform.ID) (Letter, error)
	Tally(ctx context.Context, id platform.ID) (Tally, error)
	Series(ctx context.Context, id platform.ID) (Series, error)

	// LetterOf is a letter with its invoice, in one trip.
	LetterOf(ctx context.Context, invoice, letter platform.ID) (Invoice, Letter, error)

	// Some are invoices, and Letters letters, in the order asked, in one trip;
	// none of none.
	Some(ctx context.Context, ids ...platform.ID) ([]Invoice, error)
	Letters(ctx context.Context, ids ...platform.ID) ([]Letter, error)

	// Invoices is a page of them, the newest first.
	Invoices(ctx context.Context, q Query) (platform.Page[Invoice], error)

	// Due is a page of the records of a kind that are due at now, in any order.
	Due(ctx context.Context, kind string, now time.Time, cursor string) (platform.Page[platform.Stored], error)
}

const (
	invoiceKind = "invoice"
	letterKind  = "invoice.letter"
	tallyKind   = "invoice.tally"
	seriesKind  = "invoice.series"
)

// Kinds are the records of invoices, as an engine must know them.
func Kinds() []platform.Kind {
	due := platform.Index{By: []string{"due"}, Sparse: true}
	return []platform.Kind{
		platform.Shape[Invoice]{
			Name: invoiceKind, Prefix: "inv",
			Columns: func(v Invoice) []platform.Column {
				return []platform.Column{
					{Name: "subject", Value: v.Subject}, {Name: "seller", Value: v.Seller}, {Name: "buyer", Value: v.Buyer}, {Name: "state", Value: v.State},
					{Name: "at", Value: v.At}, {Name: "kind", Value: v.Kind}, {Name: "number", Value: v.Number}, {Name: "due", Value: v.Due},
				}
			},
			Indexes: []platform.Index{
				{By: []string{"subject", "at"}}, {By: []string{"seller", "at"}}, {By: []string{"buyer", "at"}}, {By: []string{"state", "at"}},
				{By: []string{"at"}}, {By: []string{"seller", "kind", "number"}}, due,
			},
		}.Kind(),
		platform.Shape[Letter]{
			Name: letterKind, Prefix: "red", Root: invoiceKind, RootOf: func(l Letter) platform.ID { return l.Invoice },
			Columns: func(l Letter) []platform.Column { return []platform.Column{{Name: "due", Value: l.Due}} },
			Indexes: []platform.Index{due},
		}.Kind(),
		platform.Shape[Tally]{
			Name: tallyKind, Prefix: "ivt",
			Columns: func(t Tally) []platform.Column { return []platform.Column{{Name: "due", Value: t.Due}} },
			Indexes: []platform.Index{due},
		}.Kind(),
		platform.Shape[Series]{Name: seriesKind, Prefix: "ser"}.Kind(),
	}
}

// StoreOn reads from any engine that knows [Kinds].
func StoreOn(db platform.Getter) Store { return records{db} }

type records struct{ db platform.Getter }

func (r records) Invoice(ctx context.Context, id platform.ID) (Invoice, error) {
	return platform.Read[Invoice](ctx, r.db, invoiceKind, id)
}

func (r records) Letter(ctx context.Context, id platform.ID) (Letter, error) {
	return platform.Read[Letter](ctx, r.db, letterKind, id)
}

func (r records) Tally(ctx context.Context, id platform.ID) (Tally, error) {
	return platform.Read[Tally](ctx, r.db, tallyKind, id)
}

func (r records) Series(ctx context.Context, id platform.ID) (Series, error) {
	return platform.Read[Series](ctx, r.db, seriesKind, id)
}

func (r records) LetterOf(ctx context.Context, invoice, letter platform.ID) (v Invoice, l Letter, err error) {
	at, on := platform.Ref{Kind: invoiceKind, ID: invoice}, platform.Ref{Kind: letterKind, ID: letter}
	found, err := platform.Lookup(ctx, r.db, at, on)
	if err != nil {
		return v, l, err
	}
	invoices, err := platform.Found[Invoice](found, at)
	if err != nil {
		return v, l, err
	}
	letters, err := platform.Found[Letter](found, on)
	switch {
	case err != nil:
		return v, l, err
	case len(invoices) == 0:
		return v, l, platform.NotFound(at)
	case len(letters) == 0:
		return v, l, platform.NotFound(on)
	}
	return invoices[0], letters[0], nil
}

func (r records) Some(ctx context.Context, ids ...platform.ID) ([]Invoice, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return platform.ReadAll[Invoice](ctx, r.db, invoiceKind, ids...)
}

func (r records) Letters(ctx context.Context, ids ...platform.ID) ([]Letter, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return platform.ReadAll[Letter](ctx, r.db, letterKind, ids...)
}

func (r records) Invoices(ctx context.Context, q Query) (platform.Page[Invoice], error) {
	by := platform.Query{Kind: invoiceKind, By: []string{"at"}, Backward: true, Cursor: q.Cursor}
	switch {
	case q.Subject != (platform.Ref{}):
		by.By, by.Equal = []string{"subject", "at"}, []any{q.Subject}
	case q.Buyer != "":
		by.By, by.Equal = []string{"buyer", "at"}, []any{q.Buyer}
	case q.Seller != "":
		by.By, by.Equal = []string{"seller", "at"}, []any{q.Seller}
	case q.State != "":
		by.By, by.Equal = []string{"state", "at"}, []any{q.State}
	}
	return platform.List[Invoice](ctx, r.db, by)
}

func (r records) Due(ctx context.Context, kind string, now time.Time, cursor string) (platform.Page[platform.Stored], error) {
	q := platform.Query{Kind: kind, By: []string{"due"}, Until: now.Add(time.Microsecond), Limit: 100, Cursor: cursor}
	switch kind {
	case letterKind:
		return due[Letter](ctx, r.db, q)
	case tallyKind:
		return due[Tally](ctx, r.db, q)
	}
	return due[Invoice](ctx, r.db, q)
}

func due[T platform.Stored](ctx context.Context, db platform.Getter, q platform.Query) (platform.Page[platform.Stored], error) {
	page, err := platform.List[T](ctx, db, q)
	all := platform.Page[platform.Stored]{Next: page.Next}
	for _, r := range page.Items {
		all.Items = append(all.Items, r)
	}
	return all, err
}
