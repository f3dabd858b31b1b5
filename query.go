package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
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
	records, err := look(ctx, db, refs)
	if err != nil {
		return nil, err
	}
	return decodeAll[T](records)
}

// Lookup reads those of the records that exist, in one trip. A malformed id is
// ErrInvalid.
func Lookup(ctx context.Context, db Getter, refs ...Ref) (map[Ref]Record, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	records, err := look(ctx, db, refs)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	found := make(map[Ref]Record, len(records))
	for _, r := range records {
		found[r.Ref] = r
	}
	return found, nil
}

// Found decodes those of the records that [Lookup] found, in the order of refs.
func Found[T any](found map[Ref]Record, refs ...Ref) ([]T, error) {
	var records []Record
	for _, ref := range refs {
		if r, exists := found[ref]; exists {
			records = append(records, r)
		}
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
		var err error
		if all[i], err = decode[T](r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// decode is the document of a record, with the version at which it was read.
func decode[T any](r Record) (T, error) {
	var v T
	if err := json.Unmarshal(r.Doc, &v); err != nil {
		return v, fmt.Errorf("decode %s, schema %d: %w", r.Ref, r.Schema, errUndecodable)
	}
	if h, ok := any(&v).(interface{ readAt(int64) }); ok {
		h.readAt(r.Version)
	}
	return v, nil
}

var errUndecodable = Err(ErrUnavailable, "document.undecodable", "a stored document cannot be read", "存储的文档无法读取")

// sight is what a decision has seen of its records: one entry a trip. Counters
// are left out, which never stand still and have floors instead.
type sight struct {
	mu    sync.Mutex
	trips []trip
}

type trip struct {
	db   Getter
	refs []Ref
	seen []Version
}

func look(ctx context.Context, db Getter, refs []Ref) ([]Record, error) {
	records, err := db.Get(ctx, refs...)
	if s, deciding := ctx.Value(decideKey{}).(*sight); deciding && (err == nil || errors.Is(err, ErrNotFound)) {
		refs = slices.DeleteFunc(slices.Clone(refs), func(r Ref) bool { return r.Kind == "counter" })
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(refs) > 0 {
			s.trips = append(s.trips, trip{db, refs, versions(records)})
		}
	}
	return records, err
}

func versions(records []Record) []Version {
	seen := make([]Version, 0, len(records))
	for _, r := range records {
		if r.Ref.Kind != "counter" {
			seen = append(seen, Version{r.Ref, r.Version})
		}
	}
	return seen
}

// version is at which a record was seen last; 0 if it was not.
func (s *sight) version(of Ref) (at int64) {
	for _, t := range s.trips {
		for _, v := range t.seen {
			if v.Ref == of {
				at = v.Version
			}
		}
	}
	return at
}

// moved tells whether a record that the decision saw has changed since: it may
// then have seen two moments, and refused what neither of them would. What still
// stands was all true when the last trip ended. One record is one moment.
func (s *sight) moved(ctx context.Context) (bool, error) {
	if n := 0; !slices.ContainsFunc(s.trips, func(t trip) bool { n += len(t.refs); return n > 1 }) {
		return false, nil
	}
	for _, t := range s.trips {
		now, err := t.db.Get(ctx, t.refs...)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false, err
		}
		if !slices.Equal(versions(now), t.seen) {
			return true, nil
		}
	}
	return false, nil
}
