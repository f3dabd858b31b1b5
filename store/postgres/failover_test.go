//go:build linux

package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/storetest/pgserver"
)

// TestFailover: a server that its standby no longer hears from is killed under
// load, and the standby takes over. With a synchronous one nothing acknowledged
// is lost; with an asynchronous one the same fault loses something, or else it
// would prove nothing. PLATFORM_NIGHTLY=1 does so more often.
func TestFailover(t *testing.T) {
	t.Parallel()
	if server.Database(t); !server.Private() {
		t.Skip("the server's processes are not this test's to stop")
	}
	rounds := 1
	if os.Getenv("PLATFORM_NIGHTLY") == "1" {
		rounds = 20
	}
	for round := range rounds {
		for name, c := range map[string]struct {
			synchronous bool
			unknown     time.Duration // how long callers wait for the standby
		}{
			"synchronous":          {true, time.Minute},
			"asking a second time": {true, 300 * time.Millisecond},
			"asynchronous":         {false, time.Minute},
		} {
			t.Run(fmt.Sprint(name, " ", round), func(t *testing.T) {
				if rounds == 1 {
					t.Parallel()
				}
				lost := failedOver(t, c.synchronous, c.unknown)
				if c.synchronous {
					assert.Empty(t, lost, "acknowledged and lost")
				} else {
					assert.NotEmpty(t, lost, "the fault is too weak")
				}
			})
		}
	}
}

// failedOver are the titles that were acknowledged and lost.
func failedOver(t *testing.T, synchronous bool, unknown time.Duration) (lost []string) {
	t.Helper()
	var first pgserver.Server
	t.Cleanup(first.Stop)
	require.NoError(t, first.Start())
	dsn, _, err := first.Create()
	require.NoError(t, err)
	second, err := first.Standby()
	require.NoError(t, err)
	t.Cleanup(second.Stop)
	told := "streaming"
	if synchronous {
		told = "quorum"
		execute(t, dsn, "alter system set synchronous_standby_names = 'ANY 1 (standby)'", "select pg_reload_conf()")
	}
	until(t, dsn, "select count(*) from pg_stat_replication where $1 in (state, sync_state)", told)
	opts := unsafe()
	opts.Unknown = unknown
	db, err := postgres.Open(t.Context(), first.Any(second, dsn), kinds(), opts)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	w := writing(db, 8)
	defer w.end()

	w.more(t, 100)
	for _, sender := range queried(t, dsn, "select pid::text from pg_stat_replication") {
		pid, err := strconv.Atoi(sender)
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	}
	if synchronous {
		until(t, dsn, "select count(*) from pg_stat_activity where wait_event = $1", "SyncRep") // a commit that the standby has not heard of
	} else {
		w.more(t, 100)
	}
	require.NoError(t, first.Crash())
	if unknown < time.Second {
		require.Eventually(t, func() bool { _, unsure := w.told(); return unsure > 0 }, time.Minute, time.Millisecond)
	}
	require.NoError(t, second.Promote())
	w.more(t, 100)
	w.end()

	for title, s := range w.unsure {
		require.Eventually(t, func() bool { _, err := db.Commit(t.Context(), s); return err == nil }, time.Minute, time.Millisecond)
		w.acked[title] = true
	}
	there := map[string]bool{}
	for _, title := range allTitles(t, db) {
		assert.True(t, w.acked[title], "%s, of which nobody was told", title)
		assert.False(t, there[title], "%s, a second time", title)
		there[title] = true
	}
	assert.Equal(t, int64(len(there)), counted(t, db), "one effect each")
	for title := range w.acked {
		if !there[title] {
			lost = append(lost, title)
		}
	}
	t.Logf("%d acknowledged, %d by a second asking, %d lost", len(w.acked), len(w.unsure), len(lost))
	return lost
}

func allTitles(t testing.TB, db platform.Getter) (all []string) {
	t.Helper()
	q := platform.Query{Kind: "page", Limit: 500}
	for {
		list, err := platform.List[page](t.Context(), db, q)
		require.NoError(t, err)
		for _, p := range list.Items {
			all = append(all, p.Title)
		}
		if q.Cursor = list.Next; q.Cursor == "" {
			return all
		}
	}
}

// writers commit one set after the other, and note what they are told.
type writers struct {
	db     *postgres.DB
	ended  atomic.Bool
	all    sync.WaitGroup
	mu     sync.Mutex
	acked  map[string]bool
	unsure map[string]platform.Set
}

func writing(db *postgres.DB, n int) *writers {
	w := &writers{db: db, acked: map[string]bool{}, unsure: map[string]platform.Set{}}
	for i := range n {
		w.all.Go(func() {
			for n := 0; !w.ended.Load(); n++ {
				title := fmt.Sprintf("%d-%d", i, n)
				s := keyed(title, set(titled(title)))
				_, err := db.Commit(context.Background(), s)
				w.note(title, s, err)
			}
		})
	}
	return w
}

func (w *writers) note(title string, s platform.Set, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.acked[title] = true
	} else {
		w.unsure[title] = s
	}
}

// more waits until so many more are acknowledged.
func (w *writers) more(t testing.TB, n int) {
	t.Helper()
	before, _ := w.told()
	require.Eventually(t, func() bool { now, _ := w.told(); return now >= before+n }, 2*time.Minute, time.Millisecond)
}

func (w *writers) told() (acked, unsure int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acked), len(w.unsure)
}

func (w *writers) end() {
	w.ended.Store(true)
	w.all.Wait()
}
