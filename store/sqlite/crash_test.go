package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// TestMain is also the program of the processes that the tests start: with a
// file in its environment it writes to that, and tells of each commit.
func TestMain(m *testing.M) {
	path := os.Getenv("SQLITE_TEST_FILE")
	if path == "" {
		os.Exit(m.Run())
	}
	if err := child(path, os.Getenv("SQLITE_TEST_NAME")); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

var hot = platform.Counter("hot", "piece")

const childSets = 64 * 10

// child writes sets with 64 goroutines: a note of its own, and one more on the
// hot counter.
func child(path, name string) error {
	db, err := Open(context.Background(), path, notes, nil)
	if err != nil {
		return err
	}
	var writers sync.WaitGroup
	errs := make(chan error, 64)
	for i := range 64 {
		writers.Go(func() {
			for j := range childSets / 64 {
				n := note{Head: platform.Head{ID: platform.NewID("nte", time.Now(), platform.Slot(i), rand.Uint64())}, Owner: name}
				s := set(platform.Put(n), platform.Delta(hot, 1, n.Ref()))
				s.Changes[2].Ref.ID = platform.NewID("evt", time.Now(), n.ID.Slot(), rand.Uint64())
				e := s.Changes[2].Value.(platform.Event)
				e.ID = s.Changes[2].Ref.ID
				s.Changes[2].Value = e
				if _, err := db.Commit(context.Background(), under(fmt.Sprintf("%s-%d-%d", name, i, j), s)); err != nil {
					errs <- err
					return
				}
				fmt.Println("committed", n.ID) // one write, so it is whole or absent
			}
		})
	}
	writers.Wait()
	close(errs)
	for err := range errs {
		return err
	}
	return db.Close()
}

func start(t *testing.T, path, name string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env = append(os.Environ(), "SQLITE_TEST_FILE="+path, "SQLITE_TEST_NAME="+name)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}

// acknowledged reads what a process says until it has said enough, or ends.
func acknowledged(t *testing.T, lines *bufio.Scanner, enough int) (ids []platform.ID) {
	t.Helper()
	for len(ids) < enough && lines.Scan() {
		id, ok := strings.CutPrefix(lines.Text(), "committed ")
		require.True(t, ok, lines.Text())
		ids = append(ids, platform.ID(id))
	}
	return ids
}

// TestAKilledProcessLosesNothingItToldOf kills it in the middle of its writes.
func TestAKilledProcessLosesNothingItToldOf(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	cmd, lines := start(t, path, "child")
	ids := acknowledged(t, lines, childSets/4)
	require.NoError(t, cmd.Process.Kill())
	ids = append(ids, acknowledged(t, lines, childSets)...)
	require.Error(t, cmd.Wait())
	require.True(t, unclean(path), "it did not close its file")

	db := open(t, path, notes)

	for _, id := range ids {
		_, err := db.Get(t.Context(), platform.Ref{Kind: "note", ID: id})
		require.NoError(t, err)
	}
	sum, seq := value(t, db, hot)
	n := owned(t, db, "child")
	assert.GreaterOrEqual(t, n, len(ids))
	assert.Equal(t, [2]int64{int64(n), int64(n)}, [2]int64{sum, seq}, "each set is whole: a note, and one on the counter")
	write(t, db, platform.Put(noteOf("after")))
}

// TestTwoProcessesAreCorrectOnOneFile has three of them on one hot counter.
func TestTwoProcessesAreCorrectOnOneFile(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	db := open(t, path, notes)
	one, oneSays := start(t, path, "one")
	two, twoSays := start(t, path, "two")
	for range 50 {
		n := noteOf("here")
		write(t, db, platform.Put(n), platform.Delta(hot, 1, n.Ref()))
	}
	ids := append(acknowledged(t, oneSays, childSets+1), acknowledged(t, twoSays, childSets+1)...)
	require.NoError(t, one.Wait())
	require.NoError(t, two.Wait())

	assert.Len(t, ids, 2*childSets)
	sum, seq := value(t, db, hot)
	assert.Equal(t, [2]int64{2*childSets + 50, 2*childSets + 50}, [2]int64{sum, seq})
	assert.Equal(t, childSets, owned(t, db, "one"))
	assert.Equal(t, childSets, owned(t, db, "two"))
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
