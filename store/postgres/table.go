package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// tables are where everything lies.
type tables struct {
	schema string
	byKind map[string]*table
	order  []*table // of records, as they are locked: pinned kinds first
	all    []*table // in lock order of the kinds
}

// table is the table of a kind. Its rows have the record's document, the claims
// that it holds, and one ordered column for each index.
type table struct {
	kind   *platform.Kind
	number int16  // position in tables.all
	name   string // with the schema, quoted
	plain  string // without
	fields string // what [found.fields] scans
	from   string
	typed  bool     // counter or movement, which have columns of their own
	doc    string   // type of the document's column
	keys   []string // column of each index
	layout int      // of the rows that this program writes, see [layout]
}

// longest is how long a table's name may be, so that its indexes' names fit.
const longest = 50

// taken are the names of the tables that are no kind's.
var taken = []string{"answer", "claim", "undelivered", "delivery", "leaf", "hash", "witness", "migration", "lease", "layout"}

func newTables(schema string, kinds *store.Kinds) (*tables, error) {
	ts := &tables{schema: schema, byKind: map[string]*table{}}
	seen := map[string]bool{}
	for i, name := range kinds.Names() {
		kind, err := kinds.Kind(name)
		if err != nil {
			return nil, err
		}
		plain := store.Table(name)
		if seen[plain] || slices.Contains(taken, plain) || len(plain) > longest {
			return nil, fmt.Errorf("kind %s: a table %s is there already, or its name is over %d letters: %w", name, plain, longest, platform.ErrInvalid)
		}
		seen[plain] = true
		t := &table{kind: kind, number: int16(i), name: quoted(schema, plain), plain: plain, doc: "jsonb", layout: 1}
		t.shape(ts)
		ts.byKind[name] = t
		ts.all = append(ts.all, t)
		if !t.typed && name != store.Event {
			ts.order = append(ts.order, t)
		}
	}
	slices.SortStableFunc(ts.order, func(a, b *table) int {
		if a.kind.Pinned == b.kind.Pinned {
			return 0
		}
		if a.kind.Pinned {
			return -1
		}
		return 1
	})
	return ts, nil
}

func (t *table) shape(ts *tables) {
	t.from = t.name + " t"
	switch t.kind.Name {
	case store.Counter:
		t.typed = true
		t.fields = "t.id, t.seq, 1::int2, ''::text, t.value, t.name, t.seq, null::timestamptz"
	case store.Movement:
		t.typed = true
		t.from += ts.sql(" join {schema}.counter c on c.slot = t.slot and c.id = t.counter")
		t.fields = "t.event, t.delta, 1::int2, t.cause, t.after, c.name, t.seq, t.at"
	case store.Event:
		t.doc = "json" // byte for byte: others take hashes of it
		fallthrough
	default:
		t.fields = "t.id, t.version, t.schema, t.doc::text, null::int8, null::text, null::int8, null::timestamptz"
	}
}

// sql is a statement with the schema in place.
func (ts *tables) sql(text string) string {
	return strings.ReplaceAll(text, "{schema}", quoted(ts.schema))
}

// lock is how the rows that a flush names are locked and read, in the order of
// the arrays: by index, whatever the planner believes of the table's size.
func (t *table) lock(mode string) string {
	return fmt.Sprintf(`select t.id, t.version, t.claims from unnest($1::int2[], $2::uuid[]) x(slot, id),
 lateral (select id, version, claims::text from %s t where t.slot = x.slot and t.id = x.id offset 0 %s) t`, t.name, mode)
}

// columns of a row that is written, and their values from one array each: side by
// side in a select list, where the server makes no table of them first.
func (t *table) columns() (names, values string) {
	names = "slot, id, version, schema, layout, doc, claims" + t.each(func(_ int, key string) string { return ", " + key })
	values = fmt.Sprintf("unnest($1::int2[]), unnest($2::uuid[]), unnest($3::int8[]), unnest($4::int2[]), %d, unnest($5::text[])::%s, unnest($6::text[])::jsonb", t.layout, t.doc) +
		t.each(func(i int, _ string) string { return fmt.Sprintf(", unnest($%d::bytea[])", 7+i) })
	return names, values
}

// each is the part of a statement that repeats for every key.
func (t *table) each(part func(i int, key string) string) string {
	var all strings.Builder
	for i, key := range t.keys {
		all.WriteString(part(i, key))
	}
	return all.String()
}

// insert writes new rows; replace writes rows that this transaction has locked.
func (t *table) insert() string {
	names, values := t.columns()
	return fmt.Sprintf("insert into %s (%s) select %s", t.name, names, values)
}

func (t *table) replace() string {
	set := "version = excluded.version, schema = excluded.schema, layout = excluded.layout, doc = excluded.doc, claims = excluded.claims" +
		t.each(func(_ int, key string) string { return fmt.Sprintf(", %s = excluded.%s", key, key) })
	return t.insert() + " on conflict (slot, id) do update set " + set
}

// remove deletes rows by where they lie on disk: a join with the array could be
// planned as a scan of the whole table.
func (t *table) remove() string {
	return fmt.Sprintf(`delete from %s where ctid = any(array(select t.ctid from unnest($1::int2[], $2::uuid[]) x(slot, id),
 lateral (select t.ctid from %s t where t.slot = x.slot and t.id = x.id offset 0) t))`, t.name, t.name)
}
