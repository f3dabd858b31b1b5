package postgres_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/postgres"
)

// sent is a DSN under which statements are sent in a mode.
func sent(dsn, mode string) string {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" {
		return dsn + " default_query_exec_mode=" + mode
	}
	q := u.Query()
	q.Set("default_query_exec_mode", mode)
	u.RawQuery = q.Encode()
	return u.String()
}

// TestEachExecModeKeepsTheLaws is law 33; cache_statement is that of all other
// tests. PLATFORM_NIGHTLY=1 puts each to all the laws, not only to those that can
// tell them apart.
func TestEachExecModeKeepsTheLaws(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"cache_describe", "describe_exec", "exec", "simple_protocol"} {
		lawful(t, mode, func(_ testing.TB, dsn string) string { return sent(dsn, mode) })
	}
}

// TestBehindAPoolerTheLawsHold: each transaction may get another connection, so
// no mode with named statements works there.
func TestBehindAPoolerTheLawsHold(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"cache_describe", "exec", "simple_protocol"} {
		lawful(t, mode, func(t testing.TB, dsn string) string { t.Helper(); return sent(server.Pooled(t, dsn), mode) })
	}
}

// unlessNightly are the laws to be checked: all when there is time.
func unlessNightly(laws ...int) []int {
	if os.Getenv("PLATFORM_NIGHTLY") == "1" {
		return nil
	}
	return laws
}

func lawful(t *testing.T, name string, dsn func(testing.TB, string) string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		w := way{dsn: dsn, only: unlessNightly(1, 3, 4, 10, 28)}
		w.laws(t)
		t.Run("all statements", func(t *testing.T) {
			db, err := w.reach(t, w.database(t), kinds())
			require.NoError(t, err)
			everyStatement(t, db.DB)
		})
		for form, begin := range forms {
			t.Run("32 in a transaction of "+form, func(t *testing.T) { oneTransaction(t, w.database(t), begin) })
		}
	})
}

// TestAPoolersProcessesAreLeftAlone, since they serve others too: none is ended
// when a connection is lost, as one of the store's own is that holds locks, and
// none keeps a setting.
func TestAPoolersProcessesAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dsn   func(t testing.TB) string
		ended int64
	}{
		"of its own": {func(t testing.TB) string { t.Helper(); return server.Database(t) }, 1},
		"a pooler's": {func(t testing.TB) string { t.Helper(); return server.Pooled(t, server.Database(t)) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := c.dsn(t)
			db, snare := lossy(t, dsn, unsafe())
			commitAll(t, db, "before", 3)
			cut := func(conn net.Conn, trip []byte) (int, error) {
				n, _ := conn.Write(trip[:len(trip)/2])
				return n, errors.Join(errCut, conn.Close())
			}
			snare.set.Store(&cut)

			_, err := db.Commit(t.Context(), set(titled("lost")))

			require.NoError(t, err)
			assert.Equal(t, c.ended, snare.ended.Load())
			assert.Equal(t, int64(4), counted(t, db))
			other, err := pgx.Connect(t.Context(), sent(dsn, "exec"))
			require.NoError(t, err)
			defer func() { _ = other.Close(t.Context()) }()
			for range 20 { // a pooler gives each to another process
				var plan string
				require.NoError(t, other.QueryRow(t.Context(), "show plan_cache_mode").Scan(&plan))
				require.Equal(t, "auto", plan)
			}
		})
	}
}

// everySet has sets do all that they can, and reads it.
func everySet(t *testing.T, db platform.DB) {
	t.Helper()
	a, b := titled("a"), titled("b")
	_, err := db.Commit(t.Context(), keyed("k", set(a, b)))
	require.NoError(t, err)
	receipt, err := db.Commit(t.Context(), keyed("k", set(a)))
	require.NoError(t, err)
	require.NotNil(t, receipt.Answer)
	a.Version, b.Version = 1, 1
	moved := set(titled("a")) // takes over the claim of the page that goes
	a.Title = "c"
	moved.Changes = append(moved.Changes, platform.Put(a), platform.Remove(b))
	_, err = db.Commit(t.Context(), moved)
	require.NoError(t, err)
	_, err = db.Commit(t.Context(), moved)
	require.ErrorIs(t, err, platform.ErrConflict)

	assert.Equal(t, []string{"a", "c"}, titles(t, db))
	assert.Equal(t, int64(3), counted(t, db))
	for _, by := range [][]string{nil, {"counter", "seq"}, {"cause"}} {
		list, err := platform.List[platform.Movement](t.Context(), db, platform.Query{Kind: store.Movement, By: by, Limit: 2})
		require.NoError(t, err)
		require.Len(t, list.Items, 2)
		rest, err := db.Scan(t.Context(), platform.Query{Kind: store.Movement, By: by, Limit: 2, Cursor: list.Next})
		require.NoError(t, err)
		require.Len(t, rest.Items, 1)
		again, err := db.Get(t.Context(), rest.Items[0].Ref, pages, a.Ref())
		require.NoError(t, err)
		assert.Equal(t, rest.Items[0], again[0])
	}
}

// everyStatement uses all that the package sends.
func everyStatement(t *testing.T, db *postgres.DB) {
	t.Helper()
	everySet(t, db)
	events, err := db.Fresh(t.Context(), store.Slots{Until: 4096}, 10)
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.JSONEq(t, `{"b":1.10,"a":2}`, string(events[0].Data))
	assert.Equal(t, `{"b":1.10,"a":2}`, string(events[0].Data), "to the byte, since the audit log takes its hash")
	require.NoError(t, db.Settle(t.Context(), time.Now(), nil, store.Settlement{Handed: []platform.ID{events[0].ID, events[1].ID}}))
	require.NoError(t, db.Tree().Grow(t.Context(), 0, []platform.ID{events[0].ID}, [][]byte{{1}, {2}}))
	require.ErrorIs(t, db.Tree().Grow(t.Context(), 0, []platform.ID{events[1].ID}, nil), store.ErrHead)
	require.ErrorIs(t, db.Tree().Grow(t.Context(), 1, []platform.ID{events[0].ID}, nil), store.ErrHead)
	hashes, err := db.Tree().Hashes(t.Context(), []int64{1, 0})
	require.NoError(t, err)
	assert.Equal(t, [][]byte{{2}, {1}}, hashes)
	_, err = db.Tree().Hashes(t.Context(), []int64{2})
	require.ErrorIs(t, err, platform.ErrNotFound)
	at, err := db.Tree().Find(t.Context(), events[1].ID, events[0].ID, events[1].ID)
	require.NoError(t, err)
	assert.Equal(t, []int64{-1, 0, -1}, at)
	leaves, err := db.Tree().Leaves(t.Context(), 0, 5)
	require.NoError(t, err)
	assert.Equal(t, []platform.ID{events[0].ID}, leaves)
	assert.Len(t, lines(t, db), 2+1+3+2+1+1+2)
	require.NoError(t, db.Migrate(context.WithoutCancel(t.Context())))
}
