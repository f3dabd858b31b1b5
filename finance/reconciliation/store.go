package reconciliation

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/liangding/platform"
)

// Store is what reconciliation reads.
type Store interface {
	// Statement is one statement, or ErrNotFound.
	Statement(ctx context.Context, id platform.ID) (Statement, error)

	// Statements is a page of an account's statements, the last day first.
	Statements(ctx context.Context, account, cursor string) (platform.Page[Statement], error)

	// Run is one run, or ErrNotFound.
	Run(ctx context.Context, id platform.ID) (Run, error)

	// Runs is a page of an account's runs, the last first.
	Runs(ctx context.Context, account, cursor string) (platform.Page[Run], error)

	records
}

// records are cases, and the sheets of statements and runs.
type records interface {
	// Cases are those of the cases of these ids that exist.
	Cases(ctx context.Context, ids ...platform.ID) ([]Case, error)

	// Inbox is a page of the cases in a state, the first due first.
	Inbox(ctx context.Context, state CaseState, cursor string) (platform.Page[Case], error)

	// Due is a page of the cases that are late and not known to be.
	Due(ctx context.Context, now time.Time, cursor string) (platform.Page[Case], error)

	// sheet is one page of a statement or run, and drafts what was begun.
	sheet(ctx context.Context, id platform.ID) (sheet, error)
	sheets(ctx context.Context, draft platform.ID, cursor string) (platform.Page[sheet], error)
	drafts(ctx context.Context, now time.Time, cursor string) (platform.Page[draft], error)
}

// Kinds are the records that this package writes. Sheets count for nothing until
// the statement or run that they belong to is there, and are derived from it.
func Kinds() []platform.Kind {
	return []platform.Kind{
		platform.Shape[Statement]{
			Name: statementKind, Prefix: "stm",
			Columns: func(s Statement) []platform.Column {
				return []platform.Column{{Name: "account", Value: s.of()}, {Name: "day", Value: s.Day}}
			},
			Indexes: []platform.Index{{By: []string{"account", "day"}}},
			Unique:  Statement.claims,
		}.Kind(),
		platform.Shape[Run]{
			Name: runKind, Prefix: "rec",
			Columns: func(r Run) []platform.Column {
				return []platform.Column{{Name: "account", Value: r.Account}, {Name: "no", Value: r.No}}
			},
			Indexes: []platform.Index{{By: []string{"account", "no"}}},
			Unique: func(r Run) []platform.Claim {
				return []platform.Claim{{Scope: "reconciliation.run/" + r.Account, Key: strconv.Itoa(r.No)}}
			},
		}.Kind(),
		platform.Shape[Case]{
			Name: caseKind, Prefix: "rcn",
			Columns: func(c Case) []platform.Column {
				due := c.Due
				if c.Overdue || !c.open() {
					due = time.Time{}
				}
				return []platform.Column{{Name: "state", Value: string(c.State)}, {Name: "until", Value: c.Due}, {Name: "due", Value: due}}
			},
			Indexes: []platform.Index{{By: []string{"state", "until"}}, {By: []string{"due"}, Sparse: true}},
		}.Kind(),
		platform.Shape[sheet]{
			Name: sheetKind, Prefix: "sht", Derived: true,
			Columns: func(s sheet) []platform.Column { return []platform.Column{{Name: "draft", Value: s.Draft}} },
			Indexes: []platform.Index{{By: []string{"draft"}}},
		}.Kind(),
		platform.Shape[draft]{
			Name: draftKind, Prefix: draftPrefix, Derived: true,
			Columns: func(d draft) []platform.Column { return []platform.Column{{Name: "due", Value: d.Due}} },
			Indexes: []platform.Index{{By: []string{"due"}}},
		}.Kind(),
	}
}

// StoreOn is the store on an engine, or on a snapshot of one.
func StoreOn(db platform.Getter) Store { return store{db} }

type store struct{ db platform.Getter }

func (s store) Statement(ctx context.Context, id platform.ID) (Statement, error) {
	return platform.Read[Statement](ctx, s.db, statementKind, id)
}

func (s store) Statements(ctx context.Context, account, cursor string) (platform.Page[Statement], error) {
	return platform.List[Statement](ctx, s.db, platform.Query{
		Kind: statementKind, By: []string{"account", "day"}, Equal: []any{account}, Backward: true, Cursor: cursor,
	})
}

func (s store) Run(ctx context.Context, id platform.ID) (Run, error) {
	return platform.Read[Run](ctx, s.db, runKind, id)
}

func (s store) Runs(ctx context.Context, account, cursor string) (platform.Page[Run], error) {
	return platform.List[Run](ctx, s.db, platform.Query{
		Kind: runKind, By: []string{"account", "no"}, Equal: []any{account}, Backward: true, Cursor: cursor,
	})
}

func (s store) Cases(ctx context.Context, ids ...platform.ID) ([]Case, error) {
	refs := make([]platform.Ref, len(ids))
	for i, id := range ids {
		refs[i] = platform.Ref{Kind: caseKind, ID: id}
	}
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return nil, err
	}
	return platform.Found[Case](found, refs...)
}

func (s store) Inbox(ctx context.Context, state CaseState, cursor string) (platform.Page[Case], error) {
	return platform.List[Case](ctx, s.db, platform.Query{
		Kind: caseKind, By: []string{"state", "until"}, Equal: []any{string(state)}, Limit: 100, Cursor: cursor,
	})
}

func (s store) Due(ctx context.Context, now time.Time, cursor string) (platform.Page[Case], error) {
	return platform.List[Case](ctx, s.db, platform.Query{
		Kind: caseKind, By: []string{"due"}, Until: now.Add(time.Microsecond), Limit: 500, Cursor: cursor,
	})
}

func (s store) sheet(ctx context.Context, id platform.ID) (sheet, error) {
	return platform.Read[sheet](ctx, s.db, sheetKind, id)
}

func (s store) sheets(ctx context.Context, of platform.ID, cursor string) (platform.Page[sheet], error) {
	return platform.List[sheet](ctx, s.db, platform.Query{Kind: sheetKind, By: []string{"draft"}, Equal: []any{of}, Limit: 20, Cursor: cursor})
}

func (s store) drafts(ctx context.Context, now time.Time, cursor string) (platform.Page[draft], error) {
	return platform.List[draft](ctx, s.db, platform.Query{Kind: draftKind, By: []string{"due"}, Until: now.Add(time.Microsecond), Cursor: cursor})
}

// derived is an id that follows from what it is of, so that the same is made once.
func derived(prefix string, like platform.ID, parts ...string) platform.ID {
	h := sha256.New()
	for _, p := range append([]string{string(like)}, parts...) {
		h.Write([]byte(p + "\x00"))
	}
	return platform.NewID(prefix, like.Time(), like.Slot(), binary.BigEndian.Uint64(h.Sum(nil)))
}
