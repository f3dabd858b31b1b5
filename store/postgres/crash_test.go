package postgres_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
