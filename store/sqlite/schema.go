package sqlite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// table is where the records of a kind are, and the statements about them.
type table struct {
	kind    *platform.Kind
	name    string   // quoted
	columns []string // quoted, one an index: its keys
	shape   int64    // number of the definition by which this program derives keys

	exists, one, many, insert, put, remove string
}

// reserved are the names of the tables that are no kind's.
var reserved = []string{"counter", "movement", "claim", "answer", "undelivered", "delivery", "lease", "leaf", "hash", "witness", "shape", "migration"}

// tables are those of all kinds but counters and movements. It fails with
// ErrInvalid when two kinds would share one.
func tables(kinds *store.Kinds) (map[string]*table, error) {
	all, taken := map[string]*table{}, slices.Clone(reserved)
	for _, name := range kinds.Names() {
		if name == store.Counter || name == store.Movement {
			continue
		}
		lower := strings.ToLower(store.Table(name)) // names of tables are equal in either case
		if slices.Contains(taken, lower) || strings.HasPrefix(lower, "sqlite_") {
			return nil, fmt.Errorf("kind %s: its table %s is another's: %w", name, lower, store.ErrKind)
		}
		taken = append(taken, lower)
		kind, _ := kinds.Kind(name)
		all[name] = newTable(kind)
	}
	return all, nil
}

func newTable(kind *platform.Kind) *table {
	t := &table{kind: kind, name: quoted(store.Table(kind.Name))}
	for _, index := range kind.Indexes {
		t.columns = append(t.columns, quoted("by "+label(index)))
	}
	fields := append([]string{"id", "version", "schema", "shape", "doc", "claims"}, t.columns...)
	var set []string
	for _, f := range fields[1:] {
		set = append(set, f+" = excluded."+f)
	}
	const found = " from json_each(?) x cross join %s t on t.id = unhex(x.value)"
	t.exists = "select x.key, t.version, t.claims" + fmt.Sprintf(found, t.name)
	t.many = "select x.key, t.version, t.schema, t.doc" + fmt.Sprintf(found, t.name)
	t.one = "select 0, version, schema, doc from " + t.name + " where id = ?"
	t.insert = "insert into " + t.name + " (" + strings.Join(fields, ", ") + ") values (?" + strings.Repeat(", ?", len(fields)-1) + ")"
	t.put = t.insert + " on conflict (id) do update set " + strings.Join(set, ", ")
	t.remove = "delete from " + t.name + " where id = ?"
	return t
}

// create are the statements that make the table; its indexes follow when old
// rows have their keys.
func (t *table) create() string {
	return declaration(t.name, t.columns) + `;
		create index if not exists ` + t.index("shape") + " on " + t.name + " (shape)"
}

func declaration(name string, columns []string) string {
	var keys strings.Builder
	for _, c := range columns {
		keys.WriteString(c + " blob, ")
	}
	return "create table if not exists " + name + ` (id blob not null, version integer not null,
		schema integer not null, shape integer not null, doc text not null, claims text, ` + keys.String() + "primary key (id)) strict"
}

// rekey are the statements that take the slot out of the table's key. The columns
// are all that it has for indexes, this program's or another's.
func (t *table) rekey(columns []string) string {
	next := quoted(store.Table(t.kind.Name) + " next")
	all := strings.Join(append([]string{"id", "version", "schema", "shape", "doc", "claims"}, columns...), ", ")
	return declaration(next, columns) + `;
		insert into ` + next + " (" + all + ") select " + all + " from " + t.name + ` order by rowid;
		drop table ` + t.name + `;
		alter table ` + next + " rename to " + t.name + ";\n" + t.create()
}

func (t *table) indexes() string {
	var all strings.Builder
	for i, index := range t.kind.Indexes {
		c := t.columns[i]
		fmt.Fprintf(&all, "create index if not exists %s on %s (%s) where %s is not null;\n", t.index(label(index)), t.name, c, c)
	}
	return all.String()
}

func (t *table) index(of string) string { return quoted(store.Table(t.kind.Name) + " by " + of) }

// label names an index by what it is over, so that a column outlives a change
// of the order in which a kind declares its indexes.
func label(index platform.Index) string {
	by := strings.Join(index.By, ",")
	if index.Sparse {
		by += " sparse"
	}
	return by
}

// definition is by what a program derives keys: a row kept under another one
// may be missing in an index, or be under keys of an older schema.
func (t *table) definition() string {
	labels := make([]string, len(t.kind.Indexes))
	for i, index := range t.kind.Indexes {
		labels[i] = label(index)
	}
	slices.Sort(labels)
	return fmt.Sprintf("%d: %s", t.kind.Schema, strings.Join(labels, "; "))
}

// covers tells whether rows of another definition are found as well by this
// one's indexes. Rows of a newer schema are left alone: they cannot be read.
func (t *table) covers(other string) bool {
	var schema int
	head, labels, _ := strings.Cut(other, ": ")
	if _, err := fmt.Sscan(head, &schema); err != nil || schema > t.kind.Schema {
		return true
	}
	has := strings.Split(labels, "; ")
	return schema == t.kind.Schema && !slices.ContainsFunc(t.kind.Indexes, func(i platform.Index) bool { return !slices.Contains(has, label(i)) })
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
