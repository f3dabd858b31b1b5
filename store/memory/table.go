package memory

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/btree"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// entry is a stored row. It is never changed once it is in a table.
type entry struct {
	*store.Row
	plain any // *platform.Count or *platform.Movement, whose document is written when it is read
}

// record is the entry for a caller, who gets bytes of its own.
func (e *entry) record() platform.Record {
	r := e.Record
	if e.plain != nil {
		r.Doc, _ = json.Marshal(e.plain) // plain data, cannot fail
	} else {
		r.Doc = slices.Clone(r.Doc)
	}
	return r
}

// whole is the entry for who reads everything.
func (e *entry) whole() store.Entry {
	switch plain := e.plain.(type) {
	case *platform.Count:
		return store.Entry{Count: plain}
	case *platform.Movement:
		return store.Entry{Movement: plain}
	}
	return store.Entry{Row: &store.Row{Record: e.record(), Claims: slices.Clone(e.Claims), Keys: slices.Clone(e.Keys)}}
}

// counted is a counter's row.
func counted(c platform.Count) *entry {
	return &entry{Row: &store.Row{Record: platform.Record{Ref: c.Ref, Version: c.Seq, Schema: 1}}, plain: &c}
}

// moved is the row of a counter's movement: its id is the counter's, and its
// number in a form that sorts. Its id and keys are parts of one text.
func moved(m platform.Movement) *entry {
	b := make([]byte, 0, 512)
	b = append(append(b, m.Counter.ID...), '#')
	digits := strconv.FormatInt(m.Seq, 10)
	b = append(append(b, "0000000000000000000"[len(digits):]...), digits...)
	id := len(b)
	b, _ = store.AppendKey(b, m.Counter, m.Seq)
	b = append(b, b[:id]...)
	by := len(b)
	b, _ = store.AppendKey(b, m.Cause)
	text := string(append(b, b[:id]...))
	ref := platform.Ref{Kind: store.Movement, ID: platform.ID(text[:id])}
	row := &store.Row{Record: platform.Record{Ref: ref, Version: 1, Schema: 1}, Keys: []string{text[id:by], text[by:]}}
	return &entry{Row: row, plain: &m}
}

// table is one kind's rows, by id and by each index. A copy of it costs the
// same however large it is, and goes on showing the moment of the copy.
type table struct {
	rows    *btree.Map[string, *entry]
	indexes []*btree.Map[string, *entry]
}

func newTable(indexes int) *table {
	t := &table{rows: &btree.Map[string, *entry]{}}
	for range indexes {
		t.indexes = append(t.indexes, &btree.Map[string, *entry]{})
	}
	return t
}

func (t *table) copy() *table {
	c := &table{rows: t.rows.Copy()}
	for _, index := range t.indexes {
		c.indexes = append(c.indexes, index.Copy())
	}
	return c
}

func (t *table) get(id platform.ID) *entry {
	e, _ := t.rows.Get(string(id))
	return e
}

// put tells whether there was one before.
func (t *table) put(e *entry) bool {
	old, again := t.rows.Set(string(e.Ref.ID), e)
	for i, index := range t.indexes {
		if old != nil && old.Keys[i] != "" && old.Keys[i] != e.Keys[i] {
			index.Delete(old.Keys[i])
		}
		if e.Keys[i] != "" {
			index.Set(e.Keys[i], e)
		}
	}
	return again
}

func (t *table) remove(id platform.ID) {
	old, found := t.rows.Delete(string(id))
	if !found {
		return
	}
	for i, index := range t.indexes {
		if old.Keys[i] != "" {
			index.Delete(old.Keys[i])
		}
	}
}

// scan reads one page.
func (t *table) scan(b store.Bounds) platform.Page[platform.Record] {
	index := t.rows
	if b.Index >= 0 {
		index = t.indexes[b.Index]
	}
	page := platform.Page[platform.Record]{Items: []platform.Record{}}
	var last string
	take := func(key string, e *entry) bool {
		switch {
		case b.Backward && key < b.Low, !b.Backward && b.High != "" && key >= b.High:
			return false
		case b.Backward && b.High != "" && key >= b.High:
			return true // the excluded edge itself
		case len(page.Items) == b.Limit:
			page.Next = b.Cursor(last)
			return false
		}
		page.Items, last = append(page.Items, e.record()), key
		return true
	}
	switch {
	case !b.Backward:
		index.Ascend(b.Low, take)
	case b.High == "":
		index.Reverse(take)
	default:
		index.Descend(b.High, take)
	}
	return page
}

func get(kinds *store.Kinds, tables map[string]*table, refs []platform.Ref) ([]platform.Record, error) {
	found := make([]platform.Record, 0, len(refs))
	var missing error
	for _, ref := range refs {
		kind, err := kinds.Kind(ref.Kind)
		if err != nil {
			return nil, err
		}
		if ref.Kind != store.Counter && ref.Kind != store.Movement {
			if _, err := platform.ParseID(string(ref.ID)); err != nil {
				return nil, fmt.Errorf("%s: %w", ref, err)
			}
			if !strings.HasPrefix(string(ref.ID), kind.Prefix) {
				return nil, fmt.Errorf("%s: %w", ref, store.ErrPrefix)
			}
		}
		if e := tables[ref.Kind].get(ref.ID); e != nil {
			found = append(found, e.record())
		} else if missing == nil {
			missing = platform.NotFound(ref)
		}
	}
	return found, missing
}
