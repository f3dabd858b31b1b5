package sqlite

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// planted are what somebody may have done to the file, each with how the finding
// begins that names it. Of the notes' names, "name 7" is one.
var planted = map[string]struct{ statement, want string }{
	"a key of an index":           {`update note set "by owner" = x'00' where doc like '%name 7"%'`, "index note/"},
	"a row that is in no index":   {`update note set "by owner" = null where doc like '%name 7"%'`, "index note/"},
	"a row that is in an index":   {`update note set "by due sparse" = x'01' where doc like '%name 7"%'`, "index note/"},
	"a document":                  {`update note set doc = replace(doc, 'owner 3', 'owner 9') where doc like '%name 7"%'`, "index note/"},
	"a document that is none":     {`update note set doc = 'x' where doc like '%name 7"%'`, "document note/"},
	"a version":                   {`update note set version = 0 where doc like '%name 7"%'`, "document note/"},
	"a schema":                    {`update note set schema = 2 where doc like '%name 7"%'`, "document note/"},
	"a row that holds no name":    {`update note set claims = null where doc like '%name 7"%'`, "claim note/"},
	"a row that holds what is no": {`update note set claims = 'x' where doc like '%name 7"%'`, "claim note/"},
	"a stolen name":               {`update claim set owner = (select id from note where doc like '%name 8"%') where key = 'name 7'`, "claim note/"},
	"a name of another kind":      {`update claim set kind = 'event' where key = 'name 7'`, "claim note/"},
	"a name that nobody has":      {`delete from claim where key = 'name 7'`, "claim note/"},
	"a name without owner":        {`update claim set owner = x'019b76daa80072a5923456789abcdef0' where key = 'name 7'`, "claim note/"},
	"a name that nobody holds":    {`insert into claim select scope, 'none', kind, owner from claim where key = 'name 7'`, "claim note/"},
	"a note that is gone":         {`delete from note where doc like '%name 7"%'`, "claim note/"},
	"a balance":                   {`update counter set value = value + 1 where name = 'purse 3/piece'`, "counter counter/purse 3/piece"},
	"a count":                     {`update counter set seq = seq - 1 where name = 'purse 3/piece'`, "counter counter/purse 3/piece"},
	"a counter's name":            {`update counter set name = 'purse x/piece' where name = 'purse 3/piece'`, "counter counter/purse x/piece"},
	"a counter that is gone":      {`delete from counter where name = 'purse 3/piece'`, "orphan movement/"},
	"a movement that is gone":     {`delete from movement where seq = 5 and log = 'purse 3/piece#'`, "counter counter/purse 3/piece movement 6"},
	"a movement's number":         {`update movement set seq = 99 where seq = 12 and log = 'purse 3/piece#'`, "counter counter/purse 3/piece movement 99"},
	"a movement's amount":         {`update movement set delta = delta + 1 where seq = 5 and log = 'purse 3/piece#'`, "counter counter/purse 3/piece movement 5"},
	"a movement's event":          {`update movement set event = null where seq = 5 and log = 'purse 3/piece#'`, "event movement/purse 3/piece#0000000000000000005"},
	"an event that is gone":       {`delete from event where id in (select id from undelivered limit 1)`, "event undelivered/"},
	"an event's type":             {`update event set doc = replace(doc, 'note.written', 'note.read') where id in (select id from undelivered limit 1)`, "index event/"},
	"an event's version":          {`update event set version = 2 where id in (select id from undelivered limit 1)`, "document event/"},
	"an answer that is cut":       {`update answer set body = x'7b' where name = 'k3'`, "answer answer/key/test/k3"},
	"an answer's receipt":         {`update answer set receipt = 'x' where name = 'k3'`, "answer answer/key/test/k3"},
	"an answer of other counters": {`update answer set receipt = replace(receipt, 'purse 3', 'purse x') where name = 'k3'`, "answer answer/key/test/k3"},
	"undelivered and never said":  {`insert into undelivered (slot, id) values (677, x'019b76daa80072a5923456789abcdef0')`, "event undelivered/"},
	"undelivered elsewhere":       {`update undelivered set slot = (slot + 1) % 4096 where place = (select max(place) from undelivered)`, "slot undelivered/"},
	"late and never said":         {`insert into delivery values (677, 'ill', x'019b76daa80072a5923456789abcdef0', 1, 0, 0, '')`, "event undelivered/"},
	"a leaf that is gone":         {`delete from leaf where number = 0`, "tree leaf/0 is missing"},
	"a leaf of another event":     {`update leaf set event = 'evt_01kdvdna00eajs4d2pf2dbsqqg' where number = 1`, "event leaf/1 event/evt_01kdvdna00eajs4d2pf2dbsqqg"},
	"a hash that is gone":         {`delete from hash where number = 1`, "tree hash/1 is missing"},
	"the last hash":               {`delete from hash where number = 2`, "tree leaf/2"},
	"a hash":                      {`update hash set hash = zeroblob(32) where number = 0`, "tree hash/2"},
	"a hash that is none":         {`update hash set hash = x'00' where number = 0`, "tree hash/0"},
}

// TestVerifyNamesWhatWasDoneToTheFile is law 38 for what lies beside the records.
func TestVerifyNamesWhatWasDoneToTheFile(t *testing.T) {
	t.Parallel()
	source := stocked(t)
	require.Empty(t, verified(t, source), "a sound file")
	file := saved(t, source)
	for name, c := range planted {
		db := open(t, fresh(t), notes)
		_, err := store.Restore(t.Context(), db, bytes.NewReader(file))
		require.NoError(t, err)
		require.NoError(t, db.writer.transact(t.Context(), func() error { return db.writer.script(c.statement) }), name)

		found := verified(t, db)

		assert.True(t, slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, c.want) }), "%s: no %q in\n%s", name, c.want, strings.Join(found, "\n"))
		require.NoError(t, db.Close())
	}
}

func verified(t *testing.T, db *DB) (all []string) {
	t.Helper()
	now, err := db.Moment(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, now.Close()) }()
	for f, err := range db.kinds.Verify(t.Context(), now) {
		require.NoError(t, err)
		all = append(all, f.String())
	}
	return all
}

// TestABackupLeavesNothingOut: where something cannot be read, there is none.
func TestABackupLeavesNothingOut(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"a movement without its counter": `delete from counter where name = 'purse 3/piece'`,
		"a receipt that is none":         `update answer set receipt = 'x' where name = 'k3'`,
		"a document that is none":        `update note set doc = 'x' where doc like '%name 7"%'`,
	} {
		db := stocked(t)
		require.NoError(t, db.writer.transact(t.Context(), func() error { return db.writer.script(statement) }))
		_, err := store.Backup(t.Context(), db, io.Discard)
		require.ErrorIs(t, err, store.ErrUnreadable, name)
	}
}

// TestRecordsOfAKindThatIsNotKnownAreNamed, and not left out of a backup.
func TestRecordsOfAKindThatIsNotKnownAreNamed(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	other := platform.Shape[note]{Name: "other.note", Prefix: "oth", Unique: func(n note) []platform.Claim { return []platform.Claim{{Scope: "other", Key: n.Owner}} }}.Kind()
	more := open(t, path, append(slices.Clip(notes), other))
	write(t, more, platform.Put(noteOf("mine")))
	db := open(t, path, notes)
	require.Empty(t, verified(t, db), "a table without rows")
	n := noteOf("theirs")
	n.ID = n.ID.As("oth")
	write(t, more, platform.Change{Op: platform.Create, Ref: platform.Ref{Kind: "other.note", ID: n.ID}, Value: n})

	assert.Equal(t, []string{"kind other.note/all are of a kind that this program does not know"}, verified(t, db))
	_, err := store.Backup(t.Context(), db, io.Discard)
	require.ErrorIs(t, err, store.ErrUnreadable)
	require.ErrorContains(t, err, "other.note")
}
