package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// scan is a query as a statement: what rows are wanted of a table, in which
// order, and how a row is named in a cursor.
type scan struct {
	where  []string
	args   []any
	order  []string
	cursor string // the column that is the key; "" for what the record tells
	empty  bool   // no row can be in the range
}

// arg is the placeholder of a value.
func (s *scan) arg(v any) string {
	s.args = append(s.args, v)
	return fmt.Sprintf("$%d", len(s.args))
}

// Scan reads one page of one index.
func (r *reader) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	none := platform.Page[platform.Record]{}
	bounds, err := r.kinds.Bounds(q)
	if err != nil {
		return none, err
	}
	t := r.tables.byKind[q.Kind]
	s, err := t.scan(bounds)
	if err != nil {
		return none, err
	}
	page := platform.Page[platform.Record]{Items: []platform.Record{}}
	if s.empty {
		return page, nil
	}
	rows, err := r.query.Query(ctx, t.paged(s, bounds), s.args...)
	if err != nil {
		return none, reading(ctx, err)
	}
	defer rows.Close()
	var last string
	for rows.Next() {
		var key []byte
		record, err := r.next(t, rows, &key)
		if err != nil {
			return none, err
		}
		if len(page.Items) == bounds.Limit {
			page.Next = bounds.Cursor(last)
			break
		}
		page.Items = append(page.Items, record)
		if last, err = cursorKey(t, bounds, key, record); err != nil {
			return none, err
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return none, reading(ctx, err)
	}
	return page, nil
}

// next is the record of a row, behind whose fields the given ones stand.
func (r *reader) next(t *table, rows pgx.Rows, behind ...any) (platform.Record, error) {
	var f found
	if err := rows.Scan(append(f.fields(), behind...)...); err != nil {
		return platform.Record{}, trouble("read "+t.kind.Name, err)
	}
	return r.record(t, f)
}

func (t *table) paged(s scan, b store.Bounds) string {
	cursor, where, order := "null::bytea", "", strings.Join(s.order, ", ")
	if s.cursor != "" {
		cursor = s.cursor
	}
	if len(s.where) > 0 {
		where = " where " + strings.Join(s.where, " and ")
	}
	if b.Backward {
		order = strings.Join(s.order, " desc, ") + " desc"
	}
	return fmt.Sprintf("select %s, %s from %s%s order by %s limit %d", t.fields, cursor, t.from, where, order, b.Limit+1)
}

// scan is the range of a query as conditions on the table's columns.
func (t *table) scan(b store.Bounds) (scan, error) {
	switch {
	case t.typed && b.Index < 0 && (!utf8.ValidString(b.Low) || !utf8.ValidString(b.High)):
		return scan{}, fmt.Errorf("scan %s by an id that is no text: %w", t.kind.Name, store.ErrColumn)
	case t.kind.Name == store.Counter:
		return counterScan(b), nil
	case t.kind.Name == store.Movement:
		return movementScan(b), nil
	case b.Index < 0:
		return t.scanIDs(b), nil
	}
	s := scan{cursor: "t." + t.keys[b.Index], order: []string{"t." + t.keys[b.Index]}}
	s.where = append(s.where, s.order[0]+" >= "+s.arg([]byte(b.Low)))
	if b.High != "" {
		s.where = append(s.where, s.order[0]+" < "+s.arg([]byte(b.High)))
	}
	return s, nil
}

func (t *table) scanIDs(b store.Bounds) scan {
	s := scan{order: []string{"t.id"}}
	if b.Low != "" {
		low, some := firstID(t.kind.Prefix, b.Low)
		s.empty = !some
		s.where = append(s.where, "t.id >= "+s.arg(uuid(low)))
	}
	if b.High != "" {
		if high, some := firstID(t.kind.Prefix, b.High); some {
			s.where = append(s.where, "t.id < "+s.arg(uuid(high)))
		}
	}
	return s
}

// firstID is the lowest of all 16 bytes whose text is not before the given one,
// found bit by bit: the order of bytes is that of texts.
func firstID(prefix, text string) (u [16]byte, some bool) {
	for bit := range 128 { // the highest that is still before it
		next := u
		next[bit/8] |= 1 << (7 - bit%8)
		if string(platform.IDFromUUID(prefix, next)) < text {
			u = next
		}
	}
	if string(platform.IDFromUUID(prefix, u)) >= text {
		return u, true // even the lowest of all is not
	}
	for i := 15; i >= 0; i-- {
		if u[i]++; u[i] != 0 {
			return u, true
		}
	}
	return u, false
}

// cursorKey is the key by which a cursor names a row.
func cursorKey(t *table, b store.Bounds, key []byte, record platform.Record) (string, error) {
	switch {
	case b.Index < 0:
		return string(record.Ref.ID), nil
	case t.kind.Name != store.Movement:
		return string(key), nil
	}
	var m platform.Movement
	if err := json.Unmarshal(record.Doc, &m); err != nil {
		return "", fmt.Errorf("%s: %w", record.Ref, store.ErrSchema)
	}
	values := []any{m.Counter, m.Seq}
	if b.Index == byCause {
		values = []any{m.Cause}
	}
	text, err := store.Key(values...)
	return text + string(record.Ref.ID), err
}

// byCause is the position of the index of movements by cause; that by counter
// and number is before it.
const byCause = 1

func counterScan(b store.Bounds) scan {
	s := scan{order: []string{"t.name"}}
	s.text("t.name", before(b.Low), b.High != "", before(b.High))
	return s
}

// text limits a column of text; a zero byte, which no row has, ends an edge
// behind the rows of the text before it.
func (s *scan) text(column string, low edge, closed bool, high edge) {
	condition := func(e edge, at, after string) {
		text, _, cut := strings.Cut(e.text, "\x00")
		if cut || e.seq == behind("").seq {
			at = after
		}
		s.where = append(s.where, column+at+s.arg(text))
	}
	if s.empty = s.empty || low.end; s.empty {
		return
	}
	condition(low, " >= ", " > ")
	if closed && !high.end {
		condition(high, " < ", " <= ")
	}
}

// movementScan is a range of movements. Rows lie by counter and number; what
// joins them with the counter's name is wanted only where it spans counters.
func movementScan(b store.Bounds) scan {
	open := b.High == ""
	switch b.Index {
	case byCause:
		return causeScan(b)
	case -1:
		s := scan{order: []string{"(c.name || '#')", "t.seq"}}
		s.pair(s.order[0], byID(b.Low), !open, byID(b.High))
		return s
	}
	low, high := byNumber(b.Low), byNumber(b.High)
	s := scan{order: []string{"c.name", "t.seq"}}
	if open || low.end || low.text != high.text || high.end {
		s.pair("c.name", low, !open, high)
		return s
	}
	at := placed(platform.Ref{Kind: store.Counter, ID: platform.ID(low.text)})
	s.order = []string{"t.seq"}
	s.where = append(s.where, "t.slot = "+s.arg(at.slot), "t.counter = "+s.arg(uuid(at.id)), "t.seq >= "+s.arg(low.seq), "t.seq < "+s.arg(high.seq))
	return s
}

// pair limits a column of text with the number behind it; the text alone too,
// which an index can follow.
func (s *scan) pair(column string, low edge, closed bool, high edge) {
	if s.empty = s.empty || low.end; s.empty {
		return
	}
	lowText, _, cut := strings.Cut(low.text, "\x00")
	if cut {
		low.seq = behind("").seq
	}
	s.where = append(s.where, column+" >= "+s.arg(lowText), fmt.Sprintf("(%s, t.seq) >= (%s, %s)", column, s.arg(lowText), s.arg(low.seq)))
	if !closed || high.end {
		return
	}
	highText, _, cut := strings.Cut(high.text, "\x00")
	if cut {
		high.seq = behind("").seq
	}
	s.where = append(s.where, column+" <= "+s.arg(highText), fmt.Sprintf("(%s, t.seq) < (%s, %s)", column, s.arg(highText), s.arg(high.seq)))
}

// causeScan is a range of movements by cause, then by id.
func causeScan(b store.Bounds) scan {
	s := scan{order: []string{"t.cause", "(c.name || '#')", "t.seq"}}
	bound := func(key, coarse, fine, only string) {
		e, rest, whole := textEdge(key, "")
		switch {
		case e.end:
			s.empty = s.empty || fine == ">="
		case whole && rest != "":
			id := byID(rest)
			s.where = append(s.where, "t.cause "+coarse+s.arg(e.text),
				fmt.Sprintf("(t.cause, (c.name || '#'), t.seq) %s (%s, %s, %s)", fine, s.arg(e.text), s.arg(id.text), s.arg(id.seq)))
		default:
			if e.seq == behind("").seq {
				fine = only
			}
			s.where = append(s.where, "t.cause "+fine+s.arg(e.text))
		}
	}
	bound(b.Low, ">= ", ">=", "> ")
	if b.High != "" {
		bound(b.High, "<= ", "<", "<= ")
	}
	return s
}
