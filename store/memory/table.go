package memory

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/btree"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// entry is a stored row with the keys under which the indexes list it. It is
// never changed once it is in a table.
type entry struct {
	store.Row
	keys  []string
	count platform.Count // of a counter
	moved platform.Movement
}

// record is the entry for a caller, who gets bytes of its own.
func (e *entry) record() platform.Record {
	r := e.Record
	switch r.Ref.Kind {
	case store.Counter:
		r.Doc, _ = json.Marshal(e.count) // plain data, cannot fail
	case store.Movement:
		r.Doc, _ = json.Marshal(e.moved)
	default:
		r.Doc = slices.Clone(r.Doc)
	}
	return r
}

// counted is a counter's row; its document is written when it is read.
func counted(c platform.Count) *entry {
	return &entry{Row: store.Row{Record: platform.Record{Ref: c.Ref, Version: c.Seq, Schema: 1}}, count: c}
}

// moved is the row of a counter's movement: its id is the counter's, and its
// number in a form that sorts.
func moved(m platform.Movement) *entry {
	ref := platform.Ref{Kind: store.Movement, ID: platform.ID(fmt.Sprintf("%s#%019d", m.Counter.ID, m.Seq))}
	by, _ := store.Key(m.Counter, m.Seq)
	cause, _ := store.Key(m.Cause)
	return &entry{
		Row:  store.Row{Record: platform.Record{Ref: ref, Version: 1, Schema: 1}},
		keys: []string{by + string(ref.ID), cause + string(ref.ID)}, moved: m,
	}
}

// table is one kind's rows, by id and by each index. A copy of it costs the
// same however large it is, and goes on showing the moment of the copy.
type table struct {
	rows    *btree.BTreeG[*entry]
	indexes []*btree.BTreeG[item]
}

type item struct {
	key string
	row *entry
}

func newTable(indexes int) *table {
	t := &table{rows: btree.NewBTreeGOptions(func(a, b *entry) bool { return a.Ref.ID < b.Ref.ID }, btree.Options{NoLocks: true})}
	for range indexes {
		t.indexes = append(t.indexes, btree.NewBTreeGOptions(func(a, b item) bool { return a.key < b.key }, btree.Options{NoLocks: true}))
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
	e, _ := t.rows.Get(&entry{Row: store.Row{Record: platform.Record{Ref: platform.Ref{ID: id}}}})
	return e
}

func (t *table) put(e *entry) {
	old, _ := t.rows.Set(e)
	for i, index := range t.indexes {
		if old != nil && old.keys[i] != "" && old.keys[i] != e.keys[i] {
			index.Delete(item{key: old.keys[i]})
		}
		if e.keys[i] != "" {
			index.Set(item{e.keys[i], e})
		}
	}
}

func (t *table) remove(id platform.ID) {
	old, found := t.rows.Delete(&entry{Row: store.Row{Record: platform.Record{Ref: platform.Ref{ID: id}}}})
	if !found {
		return
	}
	for i, index := range t.indexes {
		if old.keys[i] != "" {
			index.Delete(item{key: old.keys[i]})
		}
	}
}

// scan reads one page.
func (t *table) scan(b store.Bounds) platform.Page[platform.Record] {
	var found []item
	take := func(i item) bool {
		if b.Backward && i.key < b.Low || !b.Backward && b.High != "" && i.key >= b.High {
			return false
		}
		if !b.Backward || b.High == "" || i.key < b.High {
			found = append(found, i)
		}
		return len(found) <= b.Limit
	}
	if b.Index < 0 {
		t.scanIDs(b, take)
	} else if index := t.indexes[b.Index]; !b.Backward {
		index.Ascend(item{key: b.Low}, take)
	} else if b.High == "" {
		index.Reverse(take)
	} else {
		index.Descend(item{key: b.High}, take)
	}
	var page platform.Page[platform.Record]
	if len(found) > b.Limit {
		found = found[:b.Limit]
		page.Next = b.Cursor(found[len(found)-1].key)
	}
	page.Items = make([]platform.Record, len(found))
	for i, f := range found {
		page.Items[i] = f.row.record()
	}
	return page
}

func (t *table) scanIDs(b store.Bounds, take func(item) bool) {
	at := func(id string) *entry {
		return &entry{Row: store.Row{Record: platform.Record{Ref: platform.Ref{ID: platform.ID(id)}}}}
	}
	each := func(e *entry) bool { return take(item{string(e.Ref.ID), e}) }
	switch {
	case !b.Backward:
		t.rows.Ascend(at(b.Low), each)
	case b.High == "":
		t.rows.Reverse(each)
	default:
		t.rows.Descend(at(b.High), each)
	}
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
