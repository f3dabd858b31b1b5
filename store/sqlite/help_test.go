package sqlite

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// note is a root with a claim and two indexes.
type note struct {
	platform.Head
	Owner string    `json:"owner" class:"internal"`
	Due   time.Time `json:"due,omitzero" class:"internal"`
	Name  string    `json:"name,omitempty" class:"internal"`
}

func (n note) Ref() platform.Ref { return platform.Ref{Kind: "note", ID: n.ID} }

// noteWith is the kind of notes as a program with these indexes declares it.
func noteWith(indexes ...platform.Index) []platform.Kind {
	return []platform.Kind{platform.Shape[note]{
		Name: "note", Prefix: "nte",
		Columns: func(n note) []platform.Column {
			return []platform.Column{{Name: "owner", Value: n.Owner}, {Name: "due", Value: n.Due}}
		},
		Indexes: indexes,
		Unique: func(n note) []platform.Claim {
			if n.Name == "" {
				return nil
			}
			return []platform.Claim{{Scope: "name", Key: n.Name}}
		},
	}.Kind()}
}

var (
	byOwner = platform.Index{By: []string{"owner"}}
	byDue   = platform.Index{By: []string{"due"}, Sparse: true}
	notes   = noteWith(byOwner, byDue)
)

// unique numbers whatever the tests write.
var unique atomic.Uint64

func noteOf(owner string) note {
	n := unique.Add(1)
	return note{Head: platform.Head{ID: platform.NewID("nte", dawn, platform.Slot(n*37), n)}, Owner: owner}
}

// set is the changes with an event about the first of them.
func set(changes ...platform.Change) platform.Set {
	ref := changes[0].Ref
	id := platform.NewID("evt", dawn, ref.ID.Slot(), unique.Add(1))
	e := platform.Event{ID: id, Type: "note.written", Subject: ref, Actor: platform.SystemActor("test"), At: dawn}
	return platform.Set{Changes: append(changes, platform.Change{Op: platform.Append, Ref: platform.Ref{Kind: store.Event, ID: id}, Value: e})}
}

// under is the set under a key, with an answer.
func under(name string, s platform.Set) platform.Set {
	s.Key = platform.Key{Scope: "key/test", Name: name}
	s.Answer = platform.Answer{Digest: []byte(name), Body: []byte(`{"done":true}`)}
	return s
}

func fresh(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "a store?.db")
}

func open(t testing.TB, path string, kinds []platform.Kind) *DB {
	t.Helper()
	db, err := Open(t.Context(), path, kinds, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func write(t testing.TB, db *DB, changes ...platform.Change) {
	t.Helper()
	_, err := db.Commit(t.Context(), set(changes...))
	require.NoError(t, err)
}

// found is how many notes an index has for an owner.
func found(t testing.TB, db platform.Getter, owner string) int {
	t.Helper()
	page, err := db.Scan(t.Context(), platform.Query{Kind: "note", By: []string{"owner"}, Equal: []any{owner}, Limit: 500})
	require.NoError(t, err)
	return len(page.Items)
}

// value is a counter as it stands.
func value(t testing.TB, db platform.Getter, counter platform.Ref) (value, seq int64) {
	t.Helper()
	records, err := db.Get(t.Context(), counter)
	require.NoError(t, err)
	var c platform.Count
	_, err = fmt.Sscanf(string(records[0].Doc), `{"ref":"`+counter.String()+`","value":%d,"seq":%d}`, &c.Value, &c.Seq)
	require.NoError(t, err, "%s", records[0].Doc)
	return c.Value, c.Seq
}

// plan is how the engine would run a statement.
func plan(t testing.TB, db *DB, statement string, args ...any) string {
	t.Helper()
	rows, err := db.readers.QueryContext(t.Context(), "explain query plan "+statement, args...)
	require.NoError(t, err)
	var all strings.Builder
	require.NoError(t, walk(rows, func() (bool, error) {
		var id, parent, unused int
		var step string
		err := rows.Scan(&id, &parent, &unused, &step)
		all.WriteString(step + "\n")
		return true, err
	}))
	return all.String()
}
