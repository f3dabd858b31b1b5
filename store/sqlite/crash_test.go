package sqlite

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// whole demands that deeds were done whole, each once: so many notes, and as
// much on the counters.
func whole(t *testing.T, db *DB, deeds int) {
	t.Helper()
	for counter, each := range map[platform.Ref]int64{hot: 1, till: -7, drawer: 7} {
		if deeds == 0 {
			_, err := db.Get(t.Context(), counter)
			require.ErrorIs(t, err, platform.ErrNotFound)
			continue
		}
		sum, seq := value(t, db, counter)
		assert.Equal(t, [2]int64{each * int64(deeds), int64(deeds)}, [2]int64{sum, seq}, "%s of %d notes", counter, deeds)
	}
}

func there(t *testing.T, db *DB, id platform.ID) bool {
	t.Helper()
	_, err := db.Get(t.Context(), platform.Ref{Kind: "note", ID: id})
	if err != nil {
		require.ErrorIs(t, err, platform.ErrNotFound)
	}
	return err == nil
}

// TestAKilledProcessLosesNothingItToldOf kills writers of one file again and
// again. PLATFORM_KILLS says how often; 3 if unset. What was acknowledged is there,
// nothing is that was not sent, and a repeat under its key tells what became of
// the rest. Every other time the file is closed in between.
func TestAKilledProcessLosesNothingItToldOf(t *testing.T) {
	t.Parallel()
	kills, err := strconv.Atoi(os.Getenv("PLATFORM_KILLS"))
	if err != nil {
		kills = 3
	}
	path := fresh(t)
	var db *DB
	done := 0
	for kill := range kills {
		p := start(t, path, "child "+strconv.Itoa(kill))
		p.hear(t, 1+rand.IntN(childSets/2))
		p.kill(t)
		if db == nil {
			require.True(t, unclean(path), "it did not close its file")
			db = open(t, path, notes)
		}

		present := 0
		for _, id := range p.sent {
			_, acked := p.acked[id]
			if there(t, db, id) {
				present++
			} else {
				require.False(t, acked, "%s was acknowledged, then gone", id)
			}
		}
		assert.Equal(t, present, owned(t, db, p.name), "nothing that was not sent")
		whole(t, db, done+present)
		for _, id := range p.sent {
			before := there(t, db, id)
			receipt, err := db.Commit(t.Context(), deed(id, p.name))
			require.NoError(t, err)
			assert.Equal(t, before, receipt.Answer != nil, "its key tells")
		}
		done += len(p.sent)
		whole(t, db, done)
		if kill%2 == 1 {
			require.NoError(t, db.Close())
			db = nil
		}
	}
}

// TestWhatIsCutOffTheLogWasNotToldOf: of a log that ends anywhere, or goes on
// with something else, as after a loss of power, all is there that had been
// acknowledged when it was so long, and everything else is whole or absent.
func TestWhatIsCutOffTheLogWasNotToldOf(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	p := start(t, path, "child")
	p.hear(t, childSets/4)
	p.kill(t)
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	log, err := os.ReadFile(path + "-wal")
	require.NoError(t, err)
	for i := range 12 {
		cut := rand.IntN(len(log) + 1)
		tail := make([]byte, len(log)-cut)
		switch i % 3 {
		case 0:
			tail = nil
		case 1:
			copy(tail, log) // an older use of the same place
		}
		after := filepath.Join(t.TempDir(), "after.db")
		require.NoError(t, os.WriteFile(after, file, 0o600))
		require.NoError(t, os.WriteFile(after+"-wal", append(log[:cut:cut], tail...), 0o600))

		db := open(t, after, notes)

		for id, size := range p.acked {
			if size <= int64(cut) {
				require.True(t, there(t, db, id), "%s, acknowledged at %d, is gone at %d of %d", id, size, cut, len(log))
			}
		}
		whole(t, db, owned(t, db, "child"))
		for _, id := range p.sent[:min(len(p.sent), 20)] {
			_, err := db.Commit(t.Context(), deed(id, "child"))
			require.NoError(t, err)
		}
		whole(t, db, owned(t, db, "child"))
		require.NoError(t, db.Close())
	}
}

// TestTwoProcessesAreCorrectOnOneFile has three of them on counters and on a
// note that are everybody's: no update is lost.
func TestTwoProcessesAreCorrectOnOneFile(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	db := open(t, path, notes)
	write(t, db, platform.Put(shared))
	one, two := start(t, path, "one"), start(t, path, "two")
	for range 50 {
		n := noteOf("here")
		write(t, db, platform.Put(n), platform.Delta(hot, 1, n.Ref()), platform.Delta(till, -7, n.Ref()), platform.Delta(drawer, 7, n.Ref()))
	}
	require.NoError(t, bump(db))
	for _, p := range []*process{one, two} {
		p.hear(t, childSets+1)
		require.NoError(t, p.Wait())
		assert.Len(t, p.acked, childSets)
		assert.Equal(t, childSets, owned(t, db, p.name))
	}
	whole(t, db, 2*childSets+50)
	bumped, err := platform.Read[note](t.Context(), db, "note", shared.ID)
	require.NoError(t, err)
	assert.Equal(t, strconv.Itoa(3*childBumps), bumped.Owner)
	assert.Equal(t, int64(1+3*childBumps), bumped.Version)
}

// TestCloseLeavesNothing: no file of the store is open, and its log is empty.
func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	db := open(t, path, notes)
	write(t, db, platform.Put(noteOf("x")))
	_, err := db.Moment(t.Context())
	require.NoError(t, err)
	require.NotZero(t, descriptors(t, path))

	require.NoError(t, db.Close())

	assert.Zero(t, descriptors(t, path))
	assert.False(t, unclean(path))
	require.NoError(t, db.Close())
	require.ErrorIs(t, db.Settle(t.Context(), time.Now(), nil, store.Settlement{}), platform.ErrUnavailable)
	require.ErrorIs(t, db.Tree().Grow(t.Context(), 0, nil, nil), platform.ErrUnavailable)
	require.ErrorIs(t, db.writer.transact(t.Context(), func() error { return nil }), platform.ErrUnavailable)
}

func descriptors(t *testing.T, path string) (n int) {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not list open files")
	}
	for _, fd := range open {
		if name, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(name, path) {
			n++
		}
	}
	return n
}
