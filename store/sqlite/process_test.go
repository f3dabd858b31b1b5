package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

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

// What processes write to: counters that are everybody's, and a note.
var (
	hot    = platform.Counter("hot", "piece")
	till   = platform.Counter("till", "CNY")
	drawer = platform.Counter("drawer", "CNY")
	shared = note{Head: platform.Head{ID: platform.NewID("nte", dawn, 7, 1<<40)}, Owner: "0"}
)

const (
	childWriters = 16
	childSets    = childWriters * 40
	childBumps   = 20
)

// deed is the set of a note: itself, one more on the hot counter, and a movement
// of money. It is the same set whoever makes it, under a key.
func deed(id platform.ID, owner string) platform.Set {
	n := note{Head: platform.Head{ID: id}, Owner: owner}
	s := set(platform.Put(n), platform.Delta(hot, 1, n.Ref()), platform.Delta(till, -7, n.Ref()), platform.Delta(drawer, 7, n.Ref()))
	event := &s.Changes[4]
	e := event.Value.(platform.Event)
	e.ID = id.As("evt")
	event.Ref.ID, event.Value = e.ID, e
	return under(string(id), s)
}

// child writes deeds with many goroutines, and says before each that it sends
// it, after each that it is committed, and how long the log was then. Lines are
// one write each, so they are whole or absent.
func child(path, name string) error {
	db, err := Open(context.Background(), path, notes, nil)
	if err != nil {
		return err
	}
	var writers sync.WaitGroup
	errs := make(chan error, childWriters+1)
	for i := range childWriters {
		writers.Go(func() {
			for range childSets / childWriters {
				id := platform.NewID("nte", time.Now(), platform.Slot(i), rand.Uint64())
				fmt.Println("sent", id)
				if _, err := db.Commit(context.Background(), deed(id, name)); err != nil {
					errs <- err
					return
				}
				log, err := os.Stat(path + "-wal")
				if err != nil {
					errs <- err
					return
				}
				fmt.Println("committed", id, log.Size())
			}
		})
	}
	writers.Go(func() { errs <- bump(db) })
	writers.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return db.Close()
}

// bump counts the shared note up, if it is there, as often as nobody was faster.
func bump(db *DB) error {
	for done := 0; done < childBumps; {
		n, err := platform.Read[note](context.Background(), db, "note", shared.ID)
		if errors.Is(err, platform.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		count, err := strconv.Atoi(n.Owner)
		if err != nil {
			return err
		}
		n.Owner = strconv.Itoa(count + 1)
		s := set(platform.Put(n))
		event := &s.Changes[1]
		e := event.Value.(platform.Event)
		e.ID = platform.NewID("evt", time.Now(), n.ID.Slot(), rand.Uint64())
		event.Ref.ID, event.Value = e.ID, e
		_, err = db.Commit(context.Background(), s)
		switch {
		case err == nil:
			done++
		case !errors.Is(err, store.ErrStale):
			return err
		}
	}
	return nil
}

// process is one that a test started, and what it said.
type process struct {
	*exec.Cmd
	lines *bufio.Scanner
	name  string
	sent  []platform.ID
	acked map[platform.ID]int64 // how long the log was then
}

func start(t *testing.T, path, name string) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	p := &process{Cmd: exec.CommandContext(t.Context(), self, "-test.run=^$"), name: name, acked: map[platform.ID]int64{}}
	p.Env = append(os.Environ(), "SQLITE_TEST_FILE="+path, "SQLITE_TEST_NAME="+name)
	out, err := p.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.Start())
	p.lines = bufio.NewScanner(out)
	return p
}

// hear reads what a process says until it has said enough, or ends.
func (p *process) hear(t *testing.T, enough int) {
	t.Helper()
	for len(p.acked) < enough && p.lines.Scan() {
		var id platform.ID
		var size int64
		if n, _ := fmt.Sscanf(p.lines.Text(), "committed %s %d", &id, &size); n == 2 {
			p.acked[id] = size
			continue
		}
		_, err := fmt.Sscanf(p.lines.Text(), "sent %s", &id)
		require.NoError(t, err, p.lines.Text())
		p.sent = append(p.sent, id)
	}
}

// kill ends a process in the middle of its writes, and hears the rest.
func (p *process) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.Process.Kill())
	p.hear(t, childSets+1)
	require.Error(t, p.Wait())
}
