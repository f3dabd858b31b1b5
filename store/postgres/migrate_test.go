package postgres_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/storetest/pgserver"
)

// grown is the page of a newer program: its title counts its letters, and has
// an index by them.
type grown struct {
	platform.Head
	Title  string    `json:"title" class:"public"`
	Due    time.Time `json:"due,omitzero" class:"public"`
	Length int       `json:"length" class:"public"`
}

func grownKinds() []platform.Kind {
	return []platform.Kind{platform.Shape[grown]{
		Name: "page", Prefix: "pag", Schema: 2,
		Upcasts: []func([]byte) ([]byte, error){func(doc []byte) ([]byte, error) {
			var g grown
			err := json.Unmarshal(doc, &g)
			g.Length = utf8.RuneCountInString(g.Title)
			next, failed := json.Marshal(g)
			if err == nil {
				err = failed
			}
			return next, err
		}},
		Columns: func(g grown) []platform.Column {
			return []platform.Column{{Name: "title", Value: g.Title}, {Name: "due", Value: g.Due}, {Name: "length", Value: g.Length}}
		},
		Indexes: []platform.Index{{By: []string{"length"}}, {By: []string{"title"}}, {By: []string{"due"}, Sparse: true}},
		Unique:  func(g grown) []platform.Claim { return []platform.Claim{{Scope: "title", Key: g.Title}} },
	}.Kind()}
}

func execute(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	for _, s := range statements {
		_, err := conn.Exec(t.Context(), s)
		require.NoError(t, err)
	}
}

func dump(t *testing.T, dsn string) string {
	t.Helper()
	return strings.Join(append(structure(t, dsn), queried(t, dsn, "select number::text || at::text from platform.migration order by 1")...), "\n")
}

// structure is what the tables look like.
func structure(t *testing.T, dsn string) []string {
	t.Helper()
	return queried(t, dsn, `select table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable from information_schema.columns where table_schema = 'platform'
 union all select indexdef from pg_indexes where schemaname = 'platform' union all select conrelid::regclass || pg_get_constraintdef(oid) from pg_constraint where connamespace = 'platform'::regnamespace
 union all select number || name || sum::text || min_reader from platform.migration union all select l::text from platform.layout l union all select name from platform.lease order by 1`)
}

func queried(t *testing.T, dsn, statement string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	rows, err := conn.Query(t.Context(), statement)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return all
}

// until waits until a count is no longer zero.
func until(t testing.TB, dsn, count string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	require.Eventually(t, func() bool {
		var n int
		return conn.QueryRow(t.Context(), count, args...).Scan(&n) == nil && n > 0
	}, time.Minute, 5*time.Millisecond)
}

// TestMigratingTwiceIsMigratingOnce is law 39.
func TestMigratingTwiceIsMigratingOnce(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	for _, err := range crowd(8, func(int) error { _, err := opened(t, dsn, kinds()); return err }) {
		require.NoError(t, err, "of several processes one migrates, and the others wait")
	}
	before := dump(t, dsn)

	db, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))

	assert.Equal(t, before, dump(t, dsn))
}

func TestANewIndexFindsWhatWasThere(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	old, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	var many []page
	for i := range 2500 { // more than two batches
		many = append(many, titled(strings.Repeat("x", i%7)+string(rune(0x4e00+i))))
	}
	_, err = old.Commit(t.Context(), set(many...))
	require.NoError(t, err)

	db, err := opened(t, dsn, grownKinds())

	require.NoError(t, err)
	found := 0
	q := platform.Query{Kind: "page", By: []string{"length"}, Equal: []any{4}, Limit: 500}
	list, err := platform.List[grown](t.Context(), db, q)
	require.NoError(t, err)
	for _, g := range list.Items {
		assert.Equal(t, 4, utf8.RuneCountInString(g.Title))
		assert.Equal(t, int64(1), g.Version)
		found++
	}
	assert.Equal(t, 357, found)
	assert.Len(t, titles(t, db), 500, "the old index is kept")
	_, err = db.Commit(t.Context(), set(titled(many[0].Title)))
	require.ErrorIs(t, err, platform.ErrInvalid, "a page of the old program is none of the new one")
}

// TestAnOldProgramCannotWritePastANewIndex: it still runs when a newer one opens
// the database.
func TestAnOldProgramCannotWritePastANewIndex(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	old, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	commitAll(t, old, "old", 1)
	_, err = opened(t, dsn, grownKinds())
	require.NoError(t, err)

	_, err = old.Commit(t.Context(), set(titled("late")))
	require.ErrorIs(t, err, postgres.ErrNewer)
	_, err = opened(t, dsn, kinds())
	require.ErrorIs(t, err, postgres.ErrNewer)
	assert.ErrorContains(t, err, "schema 2, this program knows 1")
}

func TestAStoppedMigrationIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	old, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	commitAll(t, old, "old", 20)
	// As far as a newer program came: a column, some keys of which are missing, an
	// index that is not valid, and the note that it is not settled.
	execute(t, dsn, "alter table platform.page drop constraint layout", "alter table platform.page add constraint layout check (layout >= 2) not valid",
		"alter table platform.page add column k3 bytea", "update platform.page set k3 = '\\x00', layout = 2 where slot % 2 = 0",
		"create index page_k3 on platform.page (k3)", "update pg_index set indisvalid = false where indexrelid = 'platform.page_k3'::regclass",
		"update platform.layout set number = 2, settled = false where kind = 'page'")

	db, err := opened(t, dsn, grownKinds())

	require.NoError(t, err)
	list, err := platform.List[grown](t.Context(), db, platform.Query{Kind: "page", By: []string{"length"}, From: 1, Limit: 500})
	require.NoError(t, err)
	assert.Len(t, list.Items, 20)
}

func TestAForeignDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statement string
		want      error
		says      string
	}{
		"newer":   {"insert into platform.migration values (4, 'future', 'x', now(), 2)", postgres.ErrNewer, "at migration 4, this program knows 3"},
		"edited":  {"update platform.migration set sum = 'x'", postgres.ErrMigration, "migration 1 of 3"},
		"a gap":   {"update platform.migration set number = 0 where number = 1", postgres.ErrMigration, "0 where 1"},
		"indexes": {`update platform.layout set indexes = '[{"by":["colour"],"name":"k1"}]' where kind = 'page'`, postgres.ErrNewer, "[colour]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := server.Database(t)
			_, err := opened(t, dsn, kinds())
			require.NoError(t, err)
			execute(t, dsn, c.statement)

			_, err = opened(t, dsn, kinds())

			require.ErrorIs(t, err, c.want)
			assert.ErrorContains(t, err, c.says)
		})
	}
}

func TestBadPlacesAreRefusedOnOpening(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	_, err := postgres.Open(t.Context(), "postgres://%zz", kinds(), nil)
	require.ErrorIs(t, err, platform.ErrInvalid)
	_, err = postgres.Open(t.Context(), "host=/nowhere dbname=secret", kinds(), nil)
	require.ErrorIs(t, err, postgres.ErrConnection)
	assert.NotContains(t, err.Error(), "secret")
	if server.Private() { // which writes nothing through to disk
		_, err = postgres.Open(t.Context(), dsn, kinds(), nil)
		require.ErrorIs(t, err, postgres.ErrUnsafe)
	}
	twin := platform.Shape[page]{Name: "answer", Prefix: "ans"}.Kind()
	_, err = postgres.Open(t.Context(), dsn, []platform.Kind{twin}, unsafe())
	require.ErrorIs(t, err, platform.ErrInvalid, "a kind whose table is another's")
}

// TestAStandbyThatNobodyWaitsForIsUnsafe: what was acknowledged may be missing on
// it.
func TestAStandbyThatNobodyWaitsForIsUnsafe(t *testing.T) {
	t.Parallel()
	if server.Database(t); !server.Private() {
		t.Skip("the settings are the server's, which is not the test's own")
	}
	own := pgserver.Server{Settings: []string{"fsync=on", "synchronous_commit=local"}}
	t.Cleanup(own.Stop)
	dsn := own.Database(t)
	db, err := postgres.Open(t.Context(), dsn, kinds(), nil)
	require.NoError(t, err, "there is none")
	require.NoError(t, db.Close())
	execute(t, dsn, "alter system set synchronous_standby_names = 'ANY 1 (standby)'", "select pg_reload_conf()")
	until(t, dsn, "select count(*) from pg_settings where name = 'synchronous_standby_names' and setting <> $1", "")

	_, err = postgres.Open(t.Context(), dsn, kinds(), nil)
	require.ErrorIs(t, err, postgres.ErrUnsafe)
	require.ErrorContains(t, err, "standby")
	_, err = opened(t, dsn, kinds())
	require.NoError(t, err)
}

func TestTwoSchemasAreTwoStores(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	one, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	opts := unsafe()
	opts.Schema = `odd "schema`
	two, err := postgres.Open(t.Context(), dsn, kinds(), opts)
	require.NoError(t, err)
	defer func() { _ = two.Close() }()

	p := titled("a")
	_, err = one.Commit(t.Context(), set(p))
	require.NoError(t, err)
	_, err = two.Get(t.Context(), p.Ref())
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = two.Commit(t.Context(), set(titled("a")))
	require.NoError(t, err)
}
