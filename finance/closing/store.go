package closing

import (
	"context"
	"errors"

	"github.com/liangding/platform"
)

// Store is what closing reads of its own records.
type Store interface {
	// Close is the close of a month; at version 0 if it never was closed.
	Close(ctx context.Context, month string) (Close, error)

	// Closes is a page of all closes, the first month first.
	Closes(ctx context.Context, cursor string) (platform.Page[Close], error)

	// Year is the close of a year; at version 0 if it never was closed.
	Year(ctx context.Context, year int) (Year, error)

	// Reports is a page of tax reports, by quarter and version.
	Reports(ctx context.Context, quarter, cursor string) (platform.Page[TaxReport], error)

	// Report is a tax report, or ErrNotFound.
	Report(ctx context.Context, id platform.ID) (TaxReport, error)

	// Rows are those of a part of a report.
	Rows(ctx context.Context, report platform.ID, part int) (TaxPart, error)

	// Exemption is an exemption, or ErrNotFound; Reported are those of parties from
	// reporting that exist, in one trip.
	Exemption(ctx context.Context, id platform.ID) (Exemption, error)
	Reported(ctx context.Context, parties ...platform.ID) (map[platform.ID]Exemption, error)

	// Exemptions is a page of exemptions, of a party if it is given, the last changed
	// first.
	Exemptions(ctx context.Context, party platform.ID, cursor string) (platform.Page[Exemption], error)
}

// StoreOn is the store on an engine.
func StoreOn(db platform.Getter) Store { return store{db} }

// Kinds are the records that this package writes.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Close]{
			Name: closeKind, Prefix: "cls",
			Columns: func(c Close) []platform.Column { return []platform.Column{{Name: "month", Value: c.Month}} },
			Indexes: []platform.Index{{By: []string{"month"}}},
		}.Kind(),
		platform.Shape[Year]{Name: yearKind, Prefix: "yrc"}.Kind(),
		platform.Shape[TaxReport]{
			Name: reportKind, Prefix: "txr",
			Columns: func(r TaxReport) []platform.Column {
				return []platform.Column{{Name: "quarter", Value: r.Quarter}, {Name: "edition", Value: r.Edition}}
			},
			Indexes: []platform.Index{{By: []string{"quarter", "edition"}}},
		}.Kind(),
		platform.Shape[TaxPart]{Name: partKind, Prefix: "txp", Root: reportKind, RootOf: func(p TaxPart) platform.ID { return p.Report }}.Kind(),
		platform.Shape[Exemption]{
			Name: exemptionKind, Prefix: "txe",
			Columns: func(e Exemption) []platform.Column {
				return []platform.Column{{Name: "party", Value: e.Party}, {Name: "at", Value: e.At}}
			},
			Indexes: []platform.Index{{By: []string{"party", "at"}}, {By: []string{"at"}}},
		}.Kind(),
	}
}

const (
	closeKind  = "closing.close"
	yearKind   = "closing.year"
	reportKind = "closing.tax_report"
	partKind   = "closing.tax_part"

	exemptionKind = "closing.exemption"
)

type store struct{ db platform.Getter }

func (s store) Close(ctx context.Context, month string) (Close, error) {
	c, err := platform.Read[Close](ctx, s.db, closeKind, closeID(month))
	if errors.Is(err, platform.ErrNotFound) {
		return Close{Head: platform.Head{ID: closeID(month)}, Month: month}, nil
	}
	return c, err
}

func (s store) Closes(ctx context.Context, cursor string) (platform.Page[Close], error) {
	return platform.List[Close](ctx, s.db, platform.Query{Kind: closeKind, By: []string{"month"}, Cursor: cursor})
}

func (s store) Year(ctx context.Context, year int) (Year, error) {
	y, err := platform.Read[Year](ctx, s.db, yearKind, yearID(year))
	if errors.Is(err, platform.ErrNotFound) {
		return Year{Head: platform.Head{ID: yearID(year)}, Year: year}, nil
	}
	return y, err
}

func (s store) Reports(ctx context.Context, quarter, cursor string) (platform.Page[TaxReport], error) {
	q := platform.Query{Kind: reportKind, By: []string{"quarter", "edition"}, Cursor: cursor}
	if quarter != "" {
		q.Equal = []any{quarter}
	}
	return platform.List[TaxReport](ctx, s.db, q)
}

func (s store) Report(ctx context.Context, id platform.ID) (TaxReport, error) {
	return platform.Read[TaxReport](ctx, s.db, reportKind, id)
}

func (s store) Rows(ctx context.Context, report platform.ID, part int) (TaxPart, error) {
	return platform.Read[TaxPart](ctx, s.db, partKind, partID(report, part))
}

func (s store) Exemption(ctx context.Context, id platform.ID) (Exemption, error) {
	return platform.Read[Exemption](ctx, s.db, exemptionKind, id)
}

func (s store) Reported(ctx context.Context, parties ...platform.ID) (map[platform.ID]Exemption, error) {
	refs := make([]platform.Ref, len(parties))
	for i, party := range parties {
		refs[i] = platform.Ref{Kind: exemptionKind, ID: exemptionID(party, Reporting)}
	}
	all := map[platform.ID]Exemption{}
	if len(refs) == 0 {
		return all, nil
	}
	records, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return nil, err
	}
	found, err := platform.Found[Exemption](records, refs...)
	for _, e := range found {
		all[e.Party] = e
	}
	return all, err
}

func (s store) Exemptions(ctx context.Context, party platform.ID, cursor string) (platform.Page[Exemption], error) {
	q := platform.Query{Kind: exemptionKind, By: []string{"at"}, Backward: true, Cursor: cursor}
	if party != "" {
		q.By, q.Equal = []string{"party", "at"}, []any{party}
	}
	return platform.List[Exemption](ctx, s.db, q)
}
