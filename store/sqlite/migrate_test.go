package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

func TestMigrationsAreNumberedWithoutGaps(t *testing.T) {
	t.Parallel()
	all, err := migrations(embedded)
	require.NoError(t, err)
	assert.NotEmpty(t, all)
	_, err = migrations(fstest.MapFS{"migrations/0001_a.sql": {}, "migrations/0003_c.sql": {}})
	require.ErrorIs(t, err, ErrMigration)
	assert.ErrorContains(t, err, "0003_c.sql in the place of number 2")
}

// TestMigratingTwiceIsMigratingOnce is law 39: also with several runners.
func TestMigratingTwiceIsMigratingOnce(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	errs := make(chan error)
	for range 8 {
		go func() {
			db, err := Open(t.Context(), path, notes, nil)
			if err == nil {
				_, err = db.Commit(t.Context(), set(platform.Put(noteOf("x"))))
				err = errors.Join(err, db.Close())
			}
			errs <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-errs)
	}
	db := open(t, path, notes)
	var steps int
	require.NoError(t, db.readers.QueryRow("select count(*) from migration").Scan(&steps))
	known, err := migrations(embedded)
	require.NoError(t, err)
	assert.Len(t, known, steps)
	assert.Equal(t, 8, found(t, db, "x"), "and what was written is there")
}

func TestAFileOfAnotherProgramIsRefused(t *testing.T) {
	t.Parallel()
	known, err := migrations(embedded)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		change string
		err    error
		says   string
	}{
		"newer":    {fmt.Sprintf("insert into migration values (%d, 'later', x'00', 0)", len(known)+1), ErrNewer, fmt.Sprintf("migration %d, known %d", len(known)+1, len(known))},
		"edited":   {"update migration set sum = x'00' where number = 1", ErrMigration, "migration 1 of"},
		"with gap": {"delete from migration where number = 1; insert into migration values (0, '', x'', 0), (1, '', x'', 0)", ErrMigration, "migration 0 after 0"},
	} {
		path := fresh(t)
		db := open(t, path, notes)
		write(t, db, platform.Put(noteOf("x")))
		require.NoError(t, db.writer.transact(t.Context(), func() error { return db.writer.script(test.change) }))
		require.NoError(t, db.Close())

		_, err := Open(t.Context(), path, notes, nil)

		require.ErrorIs(t, err, test.err, name)
		assert.ErrorIs(t, err, platform.ErrUnavailable)
		assert.ErrorContains(t, err, test.says)
	}
}

// TestAnIndexHoldsWhatAnyProgramWrote: rows from before an index was declared,
// and rows that an older program wrote after.
func TestAnIndexHoldsWhatAnyProgramWrote(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	older, newer := noteWith(byDue), noteWith(byOwner, byDue)
	db := open(t, path, older)
	var first []note
	for range 2300 { // more than two batches
		first = append(first, noteOf("anna"))
	}
	for some := first; len(some) > 0; some = some[100:] {
		var changes []platform.Change
		for _, n := range some[:100] {
			changes = append(changes, platform.Put(n))
		}
		write(t, db, changes...)
	}
	require.NoError(t, db.Close())

	db = open(t, path, newer)
	assert.Equal(t, 2300, owned(t, db, "anna"))
	require.NoError(t, db.Close())

	db = open(t, path, older)
	moved := first[0]
	moved.Version, moved.Owner = 1, "bert"
	write(t, db, platform.Put(moved), platform.Put(noteOf("bert")))
	require.NoError(t, db.Close())

	db = open(t, path, newer)
	assert.Equal(t, 2, found(t, db, "bert"), "written without the index")
	assert.Equal(t, 2299, owned(t, db, "anna"), "and gone from where it was")
}

// TestAnOlderFileIsBroughtToTheNewest is law 39 for files of each older number.
func TestAnOlderFileIsBroughtToTheNewest(t *testing.T) {
	t.Parallel()
	dump, err := os.ReadFile("testdata/0002.sql")
	require.NoError(t, err)
	rival := note{Head: platform.Head{ID: platform.NewID("nte", dawn.Add(time.Hour), 1, 1)}, Name: "first"}
	for number, change := range map[int]string{
		2: "",
		1: "drop table lease; drop table delivery; delete from migration where number = 2",
	} {
		path := fresh(t)
		older, err := pool(source(path, 0), 1)
		require.NoError(t, err)
		_, err = older.Exec(string(dump) + change)
		require.NoError(t, err)
		require.NoError(t, older.Close())
		require.NoError(t, open(t, path, noteWith(byDue)).Close(), "which leaves the other index as it was")

		for range 2 {
			db := open(t, path, notes)

			sum, seq := value(t, db, hot)
			assert.Equal(t, [2]int64{9, 5}, [2]int64{sum, seq})
			assert.Equal(t, 3, found(t, db, "anna"))
			assert.Equal(t, 1, found(t, db, "bert"))
			due, err := db.Scan(t.Context(), platform.Query{Kind: "note", By: []string{"due"}})
			require.NoError(t, err)
			assert.Len(t, due.Items, 1)
			movements, err := db.Scan(t.Context(), platform.Query{Kind: store.Movement})
			require.NoError(t, err)
			var ids []platform.ID
			for _, r := range movements.Items {
				ids = append(ids, r.Ref.ID)
			}
			assert.Len(t, ids, 8)
			assert.True(t, slices.IsSorted(ids), ids)
			answer, err := db.Recall(t.Context(), platform.Key{Scope: "key/test", Name: "A1"})
			require.NoError(t, err)
			assert.Equal(t, int64(2), answer.Receipt.Counters[0].Seq)
			_, err = db.Commit(t.Context(), set(platform.Put(rival)))
			require.ErrorIs(t, err, store.ErrTaken)
			events, err := db.Fresh(t.Context(), all, 10)
			require.NoError(t, err)
			assert.Len(t, events, 4)
			late, err := db.Late(t.Context(), all, "a", dawn, 10)
			require.NoError(t, err)
			assert.Len(t, late, number-1)
			size, err := db.Tree().Size(t.Context())
			require.NoError(t, err)
			assert.Equal(t, int64(1), size)
			require.NoError(t, db.Close())
		}
	}
}

func owned(t *testing.T, db *DB, owner string) (n int) {
	t.Helper()
	q := platform.Query{Kind: "note", By: []string{"owner"}, Equal: []any{owner}, Limit: 500}
	for {
		page, err := db.Scan(t.Context(), q)
		require.NoError(t, err)
		n += len(page.Items)
		if q.Cursor = page.Next; q.Cursor == "" {
			return n
		}
	}
}

func TestOnlyAStoreOnALocalDiskOpens(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	notOurs := filepath.Join(folder, "text.db")
	require.NoError(t, os.WriteFile(notOurs, []byte("a text that is long enough to be no database at all, nor the beginning of one, in any version"), 0o600))
	for path, want := range map[string]error{
		"": ErrPath, ":memory:": ErrPath, "file:x?mode=memory": ErrPath, filepath.Join(folder, "none", "x.db"): ErrPath, notOurs: ErrDamaged,
	} {
		_, err := Open(t.Context(), path, notes, nil)
		require.ErrorIs(t, err, want, path)
	}
	_, err := Open(t.Context(), fresh(t), noteWith(platform.Index{By: []string{"colour"}}), nil)
	require.ErrorIs(t, err, platform.ErrInvalid)
	for _, name := range []string{"claim", "Event", "note"} {
		kind := noteWith()[0]
		kind.Name, kind.Prefix = name, "zzz"
		_, err := Open(t.Context(), fresh(t), append(noteWith(), kind), nil)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
	}
}

// TestADamagedFileIsFoundAfterAnUncleanStop spoils pages of a file that nobody
// closed.
func TestADamagedFileIsFoundAfterAnUncleanStop(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	db := open(t, path, notes)
	for range 50 {
		write(t, db, platform.Put(noteOf("x")))
	}
	require.NoError(t, db.Close())
	assert.False(t, unclean(path), "a closed store leaves no log")
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	for at := 8 * 4096; at+64 < len(file); at += 4096 {
		copy(file[at:], make([]byte, 64))
	}
	require.NoError(t, os.WriteFile(path, file, 0o600))
	require.NoError(t, os.WriteFile(path+"-wal", []byte("left behind"), 0o600))

	_, err = Open(t.Context(), path, notes, nil)

	require.ErrorIs(t, err, ErrDamaged)
}

func TestOpeningHasAnEnd(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	rival := open(t, path, notes)
	require.NoError(t, rival.writer.begin(t.Context()))
	_, err := Open(t.Context(), path, notes, &Options{Patience: 20 * time.Millisecond})
	require.ErrorIs(t, err, ErrLocked)
	rival.writer.abandon()
	open(t, path, notes)
}
