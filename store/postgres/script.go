package postgres

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// Script is the SQL that [DB.Migrate] would run on an empty database, for teams
// with a migration tool of their own. An [Open] for the same kinds and schema
// finds nothing to do after it, and needs no right to create anything. Each part
// is headed by what it makes; of a database that was made before, a later
// program's further parts are what it lacks. A new index on rows that are there
// takes [DB.Migrate]: its keys come from their documents. Script fails with
// ErrInvalid for a faulty kind.
func Script(kinds []platform.Kind, opts *Options) (string, error) {
	all, err := store.NewKinds(kinds)
	if err != nil {
		return "", err
	}
	ts, err := newTables(opts.ready().Schema, all)
	if err != nil {
		return "", err
	}
	var script strings.Builder
	part := func(name string, statements ...string) {
		fmt.Fprintf(&script, "-- %s\n\n", name)
		for _, s := range statements {
			script.WriteString(strings.TrimRight(ts.sql(s), ";\n") + ";\n")
		}
		script.WriteString("\n")
	}
	part("what every migration needs", begun...)
	for _, m := range known() {
		part("migration "+m.name, m.text, fmt.Sprintf("insert into {schema}.migration values (%d, %s, '\\x%x', now(), 1)", m.number, literal(m.name), m.sum))
	}
	for _, t := range ts.all {
		if t.typed {
			continue
		}
		l := layout{}.next(t)
		indexes, err := json.Marshal(l.Indexes)
		if err != nil {
			return "", err
		}
		part("kind "+t.kind.Name, append(t.create(l), fmt.Sprintf("insert into {schema}.layout (kind, number, schema, settled, indexes) values (%s, %d, %d, true, %s)",
			literal(t.kind.Name), l.Number, l.Schema, literal(string(indexes))))...)
	}
	return script.String(), nil
}

// literal is a text as it stands in a statement.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
