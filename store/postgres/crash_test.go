package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/storetest/pgserver"
)

// TestAKilledServerLosesNothing: callers go on while the server is killed and
// comes back, and each is told the truth.
func TestAKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	if server.Database(t); !server.Private() {
		t.Skip("the server is not this test's to kill")
	}
	var own pgserver.Server
	t.Cleanup(own.Stop)
	opts := unsafe()
	opts.Unknown *= 4
	db, err := postgres.Open(t.Context(), own.Database(t), kinds(), opts)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()

	kills, err := strconv.ParseInt(os.Getenv("PLATFORM_KILLS"), 10, 64)
	if err != nil {
		kills = 2
	}
	const callers, each = 16, 30
	var done atomic.Int64
	told := crowd(callers+1, func(i int) error {
		if i == callers {
			for kill := int64(1); kill <= kills; kill++ {
				for done.Load() < kill*callers*each/(kills+2) { // in the middle of them
					_, _ = db.Get(t.Context(), pages)
				}
				if err := own.Kill(); err != nil {
					return err
				}
			}
			return nil
		}
		for n := range each {
			if _, err := db.Commit(t.Context(), set(titled(fmt.Sprintf("%d-%d", i, n)))); err != nil {
				return err
			}
			done.Add(1)
		}
		return nil
	})

	for _, err := range told {
		require.NoError(t, err)
	}
	assert.Equal(t, int64(callers*each), counted(t, db))
}

// TestTwoProcessesShareOneRow: two stores on one database add to one counter,
// and to rows that neither knew of.
func TestTwoProcessesShareOneRow(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	var dbs []*postgres.DB
	for range 2 {
		db, err := opened(t, dsn, kinds())
		require.NoError(t, err)
		dbs = append(dbs, db)
	}
	var won atomic.Int64
	for _, err := range crowd(64, func(i int) error {
		for n := range 4 {
			_, err := dbs[i%2].Commit(t.Context(), keyed(fmt.Sprint("k", n), set(titled(fmt.Sprint("t", n)))))
			if err == nil {
				won.Add(1)
			}
			if err != nil && !errors.Is(err, store.ErrTaken) {
				return err
			}
		}
		_, err := dbs[i%2].Commit(t.Context(), set(titled(fmt.Sprint("own", i))))
		return err
	}) {
		require.NoError(t, err)
	}
	assert.Equal(t, int64(64+4), counted(t, dbs[0]))
	assert.Equal(t, int64(64*4), won.Load(), "whoever comes later with a key gets its answer")
}

// TestOneOfTwoProcessesCreates: neither finds the record, so no lock keeps them
// apart.
func TestOneOfTwoProcessesCreates(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	one, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	two, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	for range 40 {
		p := titled("")
		told := crowd(4, func(i int) error {
			change := set(p)
			change.Changes = append(change.Changes[:1:1], change.Changes[2]) // no counter, for which they would wait
			_, err := []*postgres.DB{one, two}[i%2].Commit(t.Context(), change)
			return err
		})
		won := 0
		for _, err := range told {
			if err == nil {
				won++
			} else {
				require.ErrorIs(t, err, store.ErrExists)
			}
		}
		require.Equal(t, 1, won)
	}
}

// TestASetThatTheServerCannotTakeHarmsNobody: its neighbours pass.
func TestASetThatTheServerCannotTakeHarmsNobody(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	execute(t, dsn, `create function picky() returns trigger language plpgsql as $$ begin
 if new.doc->>'title' = 'bad' then raise exception 'not this one' using errcode = '22023'; end if; return new; end $$`,
		"create trigger picky before insert on platform.page for each row execute function picky()")
	for i, err := range crowd(40, func(i int) error {
		p := titled(fmt.Sprint("title ", i))
		if i == 20 {
			p.Title = "bad"
		}
		_, err := db.Commit(t.Context(), set(p))
		return err
	}) {
		if i == 20 {
			require.ErrorIs(t, err, store.ErrDocument)
			assert.NotContains(t, err.Error(), "not this one")
			continue
		}
		require.NoError(t, err)
	}
	assert.Equal(t, int64(39), counted(t, db))
}

// TestEachExecModeWorks is law 33: all statements under each way of sending
// them. PLATFORM_POSTGRES_ALL=1 puts each to all the laws.
func TestEachExecModeWorks(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			edit := func(config *pgxpool.Config) { config.ConnConfig.DefaultQueryExecMode = mode }
			if os.Getenv("PLATFORM_POSTGRES_ALL") == "1" {
				laws(t, hasty(), edit)
			}
			db, err := reached(t, server.Database(t), kinds(), edit)
			require.NoError(t, err)
			everyStatement(t, db.DB)
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
	for id, want := range map[platform.ID]int64{events[0].ID: 0, events[1].ID: -1} {
		at, err := db.Tree().Leaf(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, want, at)
	}
	leaves, err := db.Tree().Leaves(t.Context(), 0, 5)
	require.NoError(t, err)
	assert.Equal(t, []platform.ID{events[0].ID}, leaves)
	assert.Len(t, lines(t, db), 2+1+3+2+1+1+2)
	require.NoError(t, db.Migrate(context.WithoutCancel(t.Context())))
}
