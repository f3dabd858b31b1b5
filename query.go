package platform

import (
	"context"
	"encoding/json"
	"fmt"
)

// Record is a stored document as an engine hands it out: nothing of it is
// shared with the engine.
type Record struct {
	Ref     Ref
	Version int64
	Schema  int    // of Doc, which is always of the newest
	Doc     []byte // JSON
}

// Query reads one index of one kind: equality on the first columns, at most one
// range on the next, in either direction.
type Query struct {
	Kind        string
	By          []string // the index, by its columns; nil is by id
	Equal       []any    // values of the first columns
	From, Until any      // range on the column after them: From included, Until not; nil is open
	Backward    bool     // last first
	Limit       int      // rows a page; 0 is 50, at most 500
	Cursor      string   // Next of the page before
}

// Page is one page of a list. Rows that are inserted, changed or deleted
// between two pages never make another row appear twice or vanish.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // the next page's cursor; empty at the end
}

// NotFound is the refusal for a record that is not there, or not for the
// caller's eyes: ErrNotFound with the code of its kind, "order.not_found".
func NotFound(ref Ref) error {
	return fmt.Errorf("%s: %w", ref, Err(ErrNotFound, ref.Kind+".not_found", "not found", "找不到"))
}

// Getter is the reading half of [DB].
type Getter interface {
	Get(ctx context.Context, refs ...Ref) ([]Record, error)
	Scan(ctx context.Context, q Query) (Page[Record], error)
}

// Read loads one record and decodes it. It fails with ErrNotFound when there is
// none, and with ErrInvalid when the id is malformed.
func Read[T any](ctx context.Context, db Getter, kind string, id ID) (T, error) {
	all, err := ReadAll[T](ctx, db, kind, id)
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

// ReadAll loads several records of one kind in one trip, in the order asked. It
// fails with ErrNotFound when any is missing.
func ReadAll[T any](ctx context.Context, db Getter, kind string, ids ...ID) ([]T, error) {
	refs := make([]Ref, len(ids))
	for i, id := range ids {
		refs[i] = Ref{Kind: kind, ID: id}
	}
	records, err := db.Get(ctx, refs...)
	if err != nil {
		return nil, err
	}
	return decodeAll[T](records)
}

// List reads a page and decodes it.
func List[T any](ctx context.Context, db Getter, q Query) (Page[T], error) {
	page, err := db.Scan(ctx, q)
	if err != nil {
		return Page[T]{}, err
	}
	items, err := decodeAll[T](page.Items)
	return Page[T]{Items: items, Next: page.Next}, err
}

func decodeAll[T any](records []Record) ([]T, error) {
	all := make([]T, len(records))
	for i, r := range records {
		if err := json.Unmarshal(r.Doc, &all[i]); err != nil {
			return nil, fmt.Errorf("decode %s, schema %d: %w", r.Ref, r.Schema, errUndecodable)
		}
		if h, ok := any(&all[i]).(interface{ readAt(int64) }); ok {
			h.readAt(r.Version)
		}
	}
	return all, nil
}

var errUndecodable = Err(ErrUnavailable, "document.undecodable", "a stored document cannot be read", "存储的文档无法读取")
