package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Scan implements [platform.DB]. A page sees one moment.
func (db *DB) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	if err := db.use(ctx); err != nil {
		return platform.Page[platform.Record]{}, err
	}
	return db.reader.scan(ctx, q)
}

func (v view) scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	bounds, err := v.kinds.Bounds(q)
	if err != nil {
		return platform.Page[platform.Record]{}, err
	}
	page := &page{bounds: bounds, Page: platform.Page[platform.Record]{Items: []platform.Record{}}}
	switch q.Kind {
	case store.Counter:
		err = v.scanCounters(ctx, page)
	case store.Movement:
		err = v.scanMovements(ctx, page)
	default:
		err = v.scanRecords(ctx, v.tables[q.Kind], page)
	}
	if err != nil {
		return platform.Page[platform.Record]{}, trouble("scan "+q.Kind, err)
	}
	return page.Page, nil
}

// page is what a scan fills.
type page struct {
	platform.Page[platform.Record]
	bounds store.Bounds
	last   string // key of the last row
}

// add takes a row in, and tells whether there is room for more.
func (p *page) add(r platform.Record, key string) (more bool) {
	if len(p.Items) == p.bounds.Limit {
		p.Next = p.bounds.Cursor(p.last)
		return false
	}
	p.Items, p.last = append(p.Items, r), key
	return true
}

// between is the condition that column lies in a range, and its arguments. nil
// is open.
func between(column string, low, high any) (string, []any) {
	switch {
	case low == nil && high == nil:
		return column + " is not null", nil
	case low == nil:
		return column + " < ?", []any{high}
	case high == nil:
		return column + " >= ?", []any{low}
	}
	return column + " >= ? and " + column + " < ?", []any{low, high}
}

func order(backward bool, columns ...string) string {
	if backward {
		return " order by " + strings.Join(columns, " desc, ") + " desc"
	}
	return " order by " + strings.Join(columns, ", ")
}

func (v view) scanRecords(ctx context.Context, t *table, p *page) error {
	column := "id"
	var low, high any
	if p.bounds.Index >= 0 {
		column = t.columns[p.bounds.Index]
		low = []byte(p.bounds.Low)
		if p.bounds.High != "" {
			high = []byte(p.bounds.High)
		}
	} else if from, none := least(t.kind.Prefix, p.bounds.Low); none {
		return nil
	} else {
		low = from[:]
		if until, none := least(t.kind.Prefix, p.bounds.High); p.bounds.High != "" && !none {
			high = until[:]
		}
	}
	where, args := between(column, low, high)
	rows, err := v.by.QueryContext(ctx, "select id, version, schema, doc, "+column+" from "+t.name+" where "+where+
		order(p.bounds.Backward, column)+" limit ?", append(args, p.bounds.Limit+1)...)
	if err != nil {
		return err
	}
	return walk(rows, func() (bool, error) {
		var key []byte
		r, err := t.record(rows, &key)
		if err != nil {
			return false, err
		}
		if r, err = v.newest(t, r); err != nil {
			return false, err
		}
		if p.bounds.Index < 0 {
			key = []byte(r.Ref.ID)
		}
		return p.add(r, string(key)), nil
	})
}

func (v view) scanCounters(ctx context.Context, p *page) error {
	var high any
	if p.bounds.High != "" {
		high = p.bounds.High
	}
	where, args := between("name", p.bounds.Low, high)
	rows, err := v.by.QueryContext(ctx, "select name, value, seq from counter where "+where+order(p.bounds.Backward, "name")+" limit ?",
		append(args, p.bounds.Limit+1)...)
	if err != nil {
		return err
	}
	return walk(rows, func() (bool, error) {
		var name string
		var value, seq int64
		if err := rows.Scan(&name, &value, &seq); err != nil {
			return false, err
		}
		return p.add(counted(platform.Ref{Kind: store.Counter, ID: platform.ID(name)}, value, seq), name), nil
	})
}

// walk goes through rows until there are no more, or enough.
func walk(rows *sql.Rows, row func() (more bool, err error)) error {
	defer rows.Close()
	for rows.Next() {
		if more, err := row(); err != nil || !more {
			return err
		}
	}
	return rows.Err()
}

// Ids are kept as 16 bytes, written as 26 digits of base 32, the first of which
// is at most 7; both forms have the same order.
const (
	alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	idDigits = 26
)

// least is the first of all ids of a kind, as they are kept, whose text is not
// before the given one, which need not be an id; none when there is no such id.
func least(prefix, text string) (id [16]byte, none bool) {
	head := prefix + "_"
	rest, ours := strings.CutPrefix(text, head)
	if !ours {
		return id, text > head
	}
	var digits [idDigits]byte
	for i := range digits {
		if i == len(rest) {
			return packed(digits), false
		}
		digit := strings.IndexByte(alphabet, rest[i])
		if digit >= 0 && digit <= top(i) {
			digits[i] = byte(digit)
			continue
		}
		next := strings.IndexFunc(alphabet, func(r rune) bool { return r > rune(rest[i]) })
		if next >= 0 && next <= top(i) {
			digits[i] = byte(next)
			return packed(digits), false
		}
		for j := i; j < idDigits; j++ { // all with these digits before it are before the text
			digits[j] = byte(top(j))
		}
		return following(digits)
	}
	if len(rest) == idDigits {
		return packed(digits), false
	}
	return following(digits)
}

// top is the highest digit in a place.
func top(place int) int {
	if place == 0 {
		return 7
	}
	return 31
}

// following is the id after the one with these digits.
func following(digits [idDigits]byte) (id [16]byte, none bool) {
	for i := idDigits - 1; i >= 0; i-- {
		if int(digits[i]) < top(i) {
			digits[i]++
			return packed(digits), false
		}
		digits[i] = 0
	}
	return id, true
}

func packed(digits [idDigits]byte) (id [16]byte) {
	var high, low uint64
	for _, d := range digits {
		high, low = high<<5|low>>59, low<<5|uint64(d)
	}
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
	return id
}
