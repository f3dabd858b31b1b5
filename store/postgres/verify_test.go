package postgres_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/postgres"
)

// stocked has a dozen pages, each counted and under a key, and a tree of two
// leaves.
func stocked(t *testing.T, dsn string) *postgres.DB {
	t.Helper()
	db, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	var leaves []platform.ID
	for i := range 12 {
		p := titled(fmt.Sprint("page ", i))
		if i%2 == 0 {
			p.Due = noon
		}
		s := keyed(fmt.Sprint("k", i), set(p))
		_, err := db.Commit(t.Context(), s)
		require.NoError(t, err)
		leaves = append(leaves, s.Changes[2].Ref.ID)
	}
	left, right := sha256.Sum256([]byte("left")), sha256.Sum256([]byte("right"))
	both := sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
	require.NoError(t, db.Tree().Grow(t.Context(), 0, leaves[:2], [][]byte{left[:], right[:], both[:]}))
	return db
}

// planted are what somebody may have done to the database, each with how the
// finding begins that names it.
var planted = map[string]struct{ statement, want string }{
	"a key of an index":           {`update page set k1 = '\x00' where doc->>'title' = 'page 7'`, "index page/"},
	"a row that is in no index":   {`update page set k1 = null where doc->>'title' = 'page 7'`, "index page/"},
	"a row that is in an index":   {`update page set k2 = '\x01' where doc->>'title' = 'page 7'`, "index page/"},
	"a document":                  {`update page set doc = doc || '{"title": "page 99"}' where doc->>'title' = 'page 7'`, "index page/"},
	"a document that is none":     {`update page set doc = '[]' where doc->>'title' = 'page 7'`, "document page/"},
	"a document of another":       {`update page set doc = doc || '{"id": "pag_01kdvdna00eajs4d2pf2dbsqqg"}' where doc->>'title' = 'page 7'`, "document page/"},
	"a version":                   {`update page set version = 0 where doc->>'title' = 'page 7'`, "document page/"},
	"a schema":                    {`update page set schema = 2 where doc->>'title' = 'page 7'`, "document page/"},
	"a row in another slot":       {`update page set slot = (slot + 1) % 4096 where doc->>'title' = 'page 7'`, "slot page/"},
	"a row that holds no name":    {`update page set claims = null where doc->>'title' = 'page 7'`, "claim page/"},
	"a row that holds what is no": {`update page set claims = '"x"' where doc->>'title' = 'page 7'`, "claim page/"},
	"a stolen name":               {`update claim set owner = (select id from page where doc->>'title' = 'page 8') where key = 'page 7'`, "claim page/"},
	"a name of another kind":      {`update claim set kind = 'event' where key = 'page 7'`, "claim page/"},
	"a name that nobody has":      {`delete from claim where key = 'page 7'`, "claim page/"},
	"a name without owner":        {`update claim set owner = '019b76da-a800-72a5-9234-56789abcdef0' where key = 'page 7'`, "claim page/"},
	"a name that nobody holds":    {`insert into claim select slot, scope, 'none', kind, owner from claim where key = 'page 7'`, "claim page/"},
	"a name in another slot":      {`update claim set slot = (slot + 1) % 4096 where key = 'page 7'`, "slot page/"},
	"a page that is gone":         {`delete from page where doc->>'title' = 'page 7'`, "claim page/"},
	"a balance":                   {`update counter set value = value + 1`, "counter counter/pages/piece is 13"},
	"a count":                     {`update counter set seq = seq - 1`, "counter counter/pages/piece is 12 after 11"},
	"a counter's name":            {`update counter set name = 'sheets/piece'`, "slot counter/sheets/piece"},
	"a counter in another slot":   {`update counter set slot = (slot + 1) % 4096`, "slot counter/pages/piece"},
	"a counter that is gone":      {`delete from counter`, "orphan movement/"},
	"a movement that is gone":     {`delete from movement where seq = 5`, "counter counter/pages/piece movement 6"},
	"a movement's number":         {`update movement set seq = 99 where seq = 12`, "counter counter/pages/piece movement 99"},
	"a movement's amount":         {`update movement set delta = delta + 1 where seq = 5`, "counter counter/pages/piece movement 5"},
	"a movement's event":          {`update movement set event = '019b76da-a800-72a5-9234-56789abcdef0' where seq = 5`, "event movement/pages/piece#0000000000000000005"},
	"an event that is gone":       {`delete from event where id = (select id from undelivered limit 1)`, "event undelivered/"},
	"an event's type":             {`update event set doc = replace(doc::text, 'page.written', 'page.read')::json where id = (select id from undelivered limit 1)`, "index event/"},
	"an event's version":          {`update event set version = 2 where id = (select id from undelivered limit 1)`, "document event/"},
	"an answer that is cut":       {`update answer set body = '\x7b' where name = 'k3'`, "answer answer/key/test/k3"},
	"an answer's receipt":         {`update answer set receipt = '"x"' where name = 'k3'`, "answer answer/key/test/k3"},
	"an answer of other counters": {`update answer set receipt = replace(receipt::text, 'pages', 'sheets')::json where name = 'k3'`, "answer answer/key/test/k3"},
	"an answer in another slot":   {`update answer set slot = (slot + 1) % 4096 where name = 'k3'`, "slot answer/key/test/k3"},
	"undelivered and never said":  {`insert into undelivered values (677, '019b76da-a800-72a5-9234-56789abcdef0')`, "event undelivered/"},
	"undelivered elsewhere":       {`update undelivered set slot = (slot + 1) % 4096 where id = (select id from undelivered limit 1)`, "slot undelivered/"},
	"late and never said":         {`insert into delivery values (677, 'ill', '019b76da-a800-72a5-9234-56789abcdef0', 1, now(), now(), '')`, "event undelivered/"},
	"a leaf that is gone":         {`delete from leaf where n = 0`, "tree leaf/0 is missing"},
	"a leaf of another event":     {`update leaf set event = '019b76da-a800-72a5-9234-56789abcdef0' where n = 1`, "event leaf/1 event/evt_01kdvdna00eajs4d2pf2dbsqqg"},
	"a hash that is gone":         {`delete from hash where n = 1`, "tree hash/1 is missing"},
	"the last hash":               {`delete from hash where n = 2`, "tree leaf/2"},
	"a hash":                      {`update hash set hash = decode(repeat('00', 32), 'hex') where n = 0`, "tree hash/2"},
	"a hash that is none":         {`update hash set hash = '\x00' where n = 0`, "tree hash/0"},
}

// TestVerifyNamesWhatWasDoneToTheDatabase is law 38 for what lies beside the
// records.
func TestVerifyNamesWhatWasDoneToTheDatabase(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db := stocked(t, dsn)
	require.Empty(t, verified(t, db), "a sound database")
	all := lines(t, db)
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	do := func(statement string) {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	do("set search_path to platform")
	for name, c := range planted {
		do("truncate page, event, counter, movement, claim, answer, undelivered, delivery, leaf, hash")
		require.NoError(t, db.Load(t.Context(), giving(all, nil)))
		do(c.statement)

		found := verified(t, db)

		assert.True(t, slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, c.want) }), "%s: no %q in\n%s", name, c.want, strings.Join(found, "\n"))
	}
}

func verified(t *testing.T, db *postgres.DB) (all []string) {
	t.Helper()
	known, err := store.NewKinds(kinds())
	require.NoError(t, err)
	now, err := db.Moment(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, now.Close()) }()
	for f, err := range known.Verify(t.Context(), now) {
		require.NoError(t, err)
		all = append(all, f.String())
	}
	return all
}

// TestABackupLeavesNothingOut: where something cannot be read, there is none.
func TestABackupLeavesNothingOut(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"a movement without its counter": `delete from platform.counter`,
		"a receipt that is none":         `update platform.answer set receipt = '"x"' where name = 'k3'`,
	} {
		dsn := server.Database(t)
		db := stocked(t, dsn)
		execute(t, dsn, statement)
		_, err := store.Backup(t.Context(), db, io.Discard)
		require.ErrorIs(t, err, store.ErrUnreadable, name)
	}
}

// TestAMomentIsReadWhileItIsListed: between two entries anything else can be
// read of the same moment, listings among it, and a listing can be left.
func TestAMomentIsReadWhileItIsListed(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	commitAll(t, db, "a", 700) // more than a page
	now, err := db.Moment(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, now.Close()) }()
	commitAll(t, db, "b", 1)
	count := func() (n int) {
		for e, err := range now.Entries(t.Context()) {
			require.NoError(t, err)
			if e.Row == nil || e.Row.Ref.Kind != "page" {
				continue
			}
			if n++; n%300 == 0 {
				got, err := now.Get(t.Context(), e.Row.Ref)
				require.NoError(t, err)
				require.JSONEq(t, string(e.Row.Doc), string(got[0].Doc))
			}
		}
		return n
	}
	left := 0
	for e, err := range now.Entries(t.Context()) {
		require.NoError(t, err)
		if e.Row == nil {
			continue
		}
		if left++; left == 2 {
			assert.Equal(t, 700, count(), "one within the other")
		}
		if left == 3 {
			break
		}
	}
	assert.Equal(t, 700, count())
}

// TestRecordsOfAKindThatIsNotKnownAreNamed, and not left out of a backup.
func TestRecordsOfAKindThatIsNotKnownAreNamed(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	other := platform.Shape[page]{Name: "other.page", Prefix: "oth", Unique: func(p page) []platform.Claim { return []platform.Claim{{Scope: "other", Key: p.Title}} }}.Kind()
	more, err := opened(t, dsn, append(kinds(), other))
	require.NoError(t, err)
	db, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	commitAll(t, more, "a", 1)
	require.Empty(t, verified(t, db), "a table without rows")
	p := titled("theirs")
	s := set(p)
	p.ID = p.ID.As("oth")
	s.Changes[0] = platform.Change{Op: platform.Create, Ref: platform.Ref{Kind: "other.page", ID: p.ID}, Value: p}
	_, err = more.Commit(t.Context(), s)
	require.NoError(t, err)

	assert.Equal(t, []string{"kind other.page/all are of a kind that this program does not know"}, verified(t, db))
	_, err = store.Backup(t.Context(), db, io.Discard)
	require.ErrorIs(t, err, store.ErrUnreadable)
	require.ErrorContains(t, err, "other.page")
}
