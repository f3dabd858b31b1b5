package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"

	"github.com/liangding/platform"
)

// Refusals of a query.
var (
	ErrIndex  = platform.Err(platform.ErrInvalid, "query.index", "no such index", "没有此索引")
	ErrLimit  = platform.Err(platform.ErrInvalid, "query.limit", "a page has 1 to 500 rows", "每页1至500行")
	ErrCursor = platform.Err(platform.ErrInvalid, "query.cursor", "a cursor of another query, or altered", "游标无效")
)

// Bounds is a query as a range of keys of one index. A key is [Key] of the
// index's columns followed by the id as it stands, so that each is unique.
type Bounds struct {
	Index    int    // position in Kind.Indexes; -1 is by id
	Low      string // included
	High     string // excluded; "" is open
	Backward bool
	Limit    int
	identity [8]byte
}

// Bounds reads a query. It fails with ErrInvalid when the index does not exist,
// when the limit is negative or over 500, and when the cursor is altered or of
// another query.
func (k *Kinds) Bounds(q platform.Query) (Bounds, error) {
	kind, err := k.Kind(q.Kind)
	if err != nil {
		return Bounds{}, err
	}
	b := Bounds{Index: -1, Backward: q.Backward, Limit: q.Limit}
	if len(q.By) > 0 {
		b.Index = slices.IndexFunc(kind.Indexes, func(i platform.Index) bool { return slices.Equal(i.By, q.By) })
		if b.Index < 0 {
			return Bounds{}, fmt.Errorf("%s by %v: %w", q.Kind, q.By, ErrIndex)
		}
	}
	if b.Limit == 0 {
		b.Limit = 50
	}
	if b.Limit < 0 || b.Limit > 500 {
		return Bounds{}, fmt.Errorf("%d rows of %s: %w", q.Limit, q.Kind, ErrLimit)
	}
	if err := b.span(q); err != nil {
		return Bounds{}, err
	}
	b.identity = [8]byte(sum(q.Kind, fmt.Sprint(q.By), b.Low, b.High, strconv.FormatBool(q.Backward)))
	return b, b.resume(q.Cursor)
}

func (b *Bounds) span(q platform.Query) error {
	if extra := len(q.Equal) - len(q.By); extra > 0 || extra == 0 && len(q.By) > 0 && (q.From != nil || q.Until != nil) {
		return fmt.Errorf("%s by %v: more values than columns: %w", q.Kind, q.By, ErrIndex)
	}
	prefix, err := Key(q.Equal...)
	if err != nil {
		return err
	}
	b.Low, b.High = prefix, after(prefix)
	edge := func(v any) (string, error) {
		if b.Index < 0 {
			id, ok := v.(platform.ID)
			if !ok {
				return "", fmt.Errorf("%T as an id: %w", v, ErrColumn)
			}
			return string(id), nil
		}
		return Key(append(slices.Clone(q.Equal), v)...)
	}
	if q.From != nil {
		if b.Low, err = edge(q.From); err != nil {
			return err
		}
	}
	if q.Until != nil {
		if b.High, err = edge(q.Until); err != nil {
			return err
		}
	}
	if b.Index >= 0 && (q.From != nil || q.Until != nil) {
		b.Low = max(b.Low, prefix+string([]byte{keyNull + 1})) // a range leaves nulls out, also one from null
	}
	return nil
}

// after is the first key behind all that begin with prefix; "" is open.
func after(prefix string) string {
	p := []byte(prefix)
	for len(p) > 0 && p[len(p)-1] == 0xff {
		p = p[:len(p)-1]
	}
	if len(p) == 0 {
		return ""
	}
	p[len(p)-1]++
	return string(p)
}

// Cursor is where the next page goes on: behind the row with this key.
func (b Bounds) Cursor(last string) string {
	raw := append([]byte(last), sum(string(b.identity[:]), last)[:8]...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// resume narrows the range to what lies behind the cursor.
func (b *Bounds) resume(cursor string) error {
	if cursor == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < 8 {
		return ErrCursor
	}
	last, mark := string(raw[:len(raw)-8]), raw[len(raw)-8:]
	if !bytes.Equal(mark, sum(string(b.identity[:]), last)[:8]) {
		return ErrCursor
	}
	if last < b.Low || b.High != "" && last >= b.High {
		return ErrCursor // the sum has no key, so anybody can make a cursor
	}
	if b.Backward {
		b.High = last
	} else {
		b.Low = last + "\x00"
	}
	return nil
}

func sum(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return h.Sum(nil)
}

// Keys are the keys of a row, one for each index of its kind; "" where the
// index leaves the row out.
func (k *Kinds) Keys(row *Row) ([]string, error) {
	kind, err := k.Kind(row.Ref.Kind)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(kind.Indexes))
	var b []byte
	if len(keys) > 0 {
		b = make([]byte, 0, 192)
	}
	for i, index := range kind.Indexes {
		b = b[:0]
		for _, name := range index.By {
			at := slices.IndexFunc(row.Columns, func(c platform.Column) bool { return c.Name == name })
			if at < 0 {
				return nil, fmt.Errorf("%s has no column %s: %w", row.Ref, name, ErrColumn)
			}
			if b, err = appendKey(b, row.Columns[at].Value); err != nil {
				return nil, fmt.Errorf("%s column %s: %w", row.Ref, name, err)
			}
		}
		last := row.Columns[slices.IndexFunc(row.Columns, func(c platform.Column) bool { return c.Name == index.By[len(index.By)-1] })]
		if !index.Sparse || !null(last.Value) {
			if b = append(b, row.Ref.ID...); len(b) > maxKey {
				return nil, fmt.Errorf("%s by %v: %w", row.Ref, index.By, ErrColumnSize)
			}
			keys[i] = string(b)
		}
	}
	return keys, nil
}
