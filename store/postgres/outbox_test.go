package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/storetest"
)

// sink counts what it took, and fails as long as it is told to.
type sink struct {
	mu    sync.Mutex
	fails error
	took  map[platform.ID]int
}

func (s *sink) Publish(_ context.Context, events []platform.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	if s.took == nil {
		s.took = map[platform.ID]int{}
	}
	for _, e := range events {
		s.took[e.ID]++
	}
	return nil
}

func (s *sink) fail(with error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = with
}

// once is that a sink took each of the events one time.
func once(ids []platform.ID) map[platform.ID]int {
	all := make(map[platform.ID]int, len(ids))
	for _, id := range ids {
		all[id] = 1
	}
	return all
}

// say commits n events.
func say(t testing.TB, db platform.DB, n int) []platform.ID {
	t.Helper()
	ids, err := spoken(t.Context(), db, n)
	require.NoError(t, err)
	return ids
}

func spoken(ctx context.Context, db platform.DB, n int) (ids []platform.ID, err error) {
	for range n {
		s := set(titled(""))
		if _, err := db.Commit(ctx, s); err != nil {
			return nil, err
		}
		ids = append(ids, s.Changes[len(s.Changes)-1].Ref.ID)
	}
	return ids, nil
}

// pair are two handles on one database, as two processes have them.
func pair(t testing.TB) [2]*postgres.DB {
	t.Helper()
	dsn := server.Database(t)
	one, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	two, err := opened(t, dsn, kinds())
	require.NoError(t, err)
	return [2]*postgres.DB{one, two}
}

func parked(t testing.TB, box store.Outbox) []store.Delivery {
	t.Helper()
	all, err := box.Parked(t.Context(), store.Delivery{}, 500)
	require.NoError(t, err)
	return all
}

// leased is a lease on everything for an hour.
func leased(t testing.TB, box store.Outbox, holder string, now time.Time) store.Lease {
	t.Helper()
	got, err := box.Lease(t.Context(), now, store.Lease{Name: "all", Holder: holder, Until: now.Add(time.Hour)})
	require.NoError(t, err)
	require.Len(t, got, 1)
	return got[0]
}

// TestTwoRelaysShareAnOutbox: while others write and one sink fails, the other
// gets each event once; the one that is back gets what it missed, though the
// relay that met its failure is gone.
func TestTwoRelaysShareAnOutbox(t *testing.T) {
	t.Parallel()
	dbs, clock := pair(t), storetest.NewClock(noon)
	well, ill := &sink{}, &sink{fails: platform.ErrUnavailable}
	var relays [2]*store.Relay
	for i := range relays {
		relays[i] = &store.Relay{Outbox: dbs[i], Sinks: map[string]store.Sink{"well": well, "ill": ill}, Holder: strconv.Itoa(i), Now: clock.Now}
	}
	var said [2][]platform.ID
	var writing atomic.Int64
	writing.Store(2)
	for _, err := range crowd(4, func(i int) (err error) {
		if i < 2 {
			defer writing.Add(-1)
			said[i], err = spoken(t.Context(), dbs[i], 40)
			return err
		}
		for more := true; more; {
			more = writing.Load() > 0
			if _, err := relays[i-2].Tick(t.Context(), clock.Now(), 0); err != nil && !errors.Is(err, platform.ErrUnavailable) {
				return err
			}
		}
		return nil
	}) {
		require.NoError(t, err)
	}
	ids := slices.Concat(said[0], said[1])
	clock.Advance(time.Minute) // both have lost their leases
	_, err := relays[1].Drain(t.Context())
	require.ErrorIs(t, err, platform.ErrUnavailable)
	assert.Equal(t, once(ids), well.took)
	fresh, err := dbs[0].Fresh(t.Context(), store.Slots{Until: 4096}, 10)
	require.NoError(t, err)
	assert.Empty(t, fresh)
	late, err := dbs[0].Late(t.Context(), store.Slots{Until: 4096}, "ill", noon.Add(24*time.Hour), 500)
	require.NoError(t, err)
	assert.Len(t, late, len(ids))

	ill.fail(nil)
	clock.Advance(2 * time.Hour)
	_, err = relays[0].Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, once(ids), ill.took)
	assert.Equal(t, once(ids), well.took, "who had taken them is not called again")
}

func TestARelayParksAndAnotherSendsAgain(t *testing.T) {
	t.Parallel()
	dbs, clock := pair(t), storetest.NewClock(noon)
	well, ill := &sink{}, &sink{fails: store.ErrHopeless}
	sinks := map[string]store.Sink{"well": well, "ill": ill}
	one := &store.Relay{Outbox: dbs[0], Sinks: sinks, Now: clock.Now}
	ids := say(t, dbs[0], 3)
	_, err := one.Drain(t.Context())
	require.ErrorIs(t, err, store.ErrParked)
	all := parked(t, dbs[1])
	require.Len(t, all, 3)
	assert.Equal(t, "sink.hopeless", all[0].Last)
	assert.Equal(t, `{"b":1.10,"a":2}`, string(all[0].Event.Data))
	require.NoError(t, one.Release(t.Context()))

	ill.fail(nil)
	var sent atomic.Int64
	for _, err := range crowd(8, func(i int) error {
		n, err := dbs[i%2].Resend(t.Context(), clock.Now(), all[i%2], all[1-i%2], all[0], store.Delivery{Sink: "nobody", Event: all[2].Event})
		sent.Add(int64(n))
		return err
	}) {
		require.NoError(t, err)
	}
	assert.EqualValues(t, 2, sent.Load(), "each is sent again once, whoever asks")
	clock.Advance(time.Minute)
	two := &store.Relay{Outbox: dbs[1], Sinks: sinks, Now: clock.Now}
	_, err = two.Drain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, once([]platform.ID{all[0].Event.ID, all[1].Event.ID}), ill.took)
	assert.Equal(t, once(ids), well.took)
	require.Len(t, parked(t, dbs[0]), 1)
	assert.Equal(t, all[2].Event.ID, parked(t, dbs[0])[0].Event.ID)
}

// TestARestoredRelayHandsOverWhatWasLate: what one sink lacks, a restored store hands
// to all.
func TestARestoredRelayHandsOverWhatWasLate(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	ids := say(t, db, 5)
	by := leased(t, db, "a", noon)
	late := func(sink string, i int, due time.Time) store.Delivery {
		return store.Delivery{Sink: sink, Event: platform.Event{ID: ids[i]}, Since: noon, Due: due}
	}
	require.NoError(t, db.Settle(t.Context(), noon, []store.Lease{by}, store.Settlement{
		Handed: ids[:4], Late: []store.Delivery{late("a", 0, noon), late("b", 0, noon), late("a", 1, time.Time{}), late("a", 4, noon)},
	}))
	other, inMemory := fresh(t), memory.New(kinds(), nil)
	require.NoError(t, inMemory.Load(t.Context(), giving(lines(t, db), nil)))
	require.NoError(t, other.Load(t.Context(), giving(lines(t, db), nil)))
	want := once([]platform.ID{ids[0], ids[1], ids[4]})
	for _, box := range []store.Outbox{inMemory, other} {
		got := &sink{}
		_, err := (&store.Relay{Outbox: box, Sinks: map[string]store.Sink{"a": got}}).Drain(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, got.took)
	}
}

// TestAnOutboxKeepsTheLastOfTwo: named twice, the last counts; what is done too is
// gone.
func TestAnOutboxKeepsTheLastOfTwo(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	ids, by := say(t, db, 2), leased(t, db, "a", noon)
	d := func(i, tries int) store.Delivery {
		return store.Delivery{Sink: "a", Event: platform.Event{ID: ids[i]}, Tries: tries, Since: noon, Due: noon}
	}
	require.NoError(t, db.Settle(t.Context(), noon, []store.Lease{by, by}, store.Settlement{
		Handed: []platform.ID{ids[0], ids[1], ids[0]}, Late: []store.Delivery{d(0, 1), d(1, 1), d(0, 2)}, Done: []store.Delivery{d(1, 0), d(1, 0)},
	}))
	late, err := db.Late(t.Context(), store.Slots{Until: 4096}, "a", noon, 10)
	require.NoError(t, err)
	require.Len(t, late, 1)
	assert.Equal(t, 2, late[0].Tries)
	require.NoError(t, db.Settle(t.Context(), noon, []store.Lease{by}, store.Settlement{}))
	got, err := db.Lease(t.Context(), noon, store.Lease{Name: "two", Holder: "a", Until: noon.Add(time.Hour)}, store.Lease{Name: "two", Holder: "b", Until: noon.Add(time.Hour)})
	require.NoError(t, err)
	require.Len(t, got, 1, "who is named first was faster")
	assert.Equal(t, store.Lease{Name: "two", Holder: "a", Fence: 1, Until: noon.Add(time.Hour)}, got[0])
}

// TestOutboxInEachExecMode is law 33 for the outbox, over connections that were
// lost meanwhile.
func TestOutboxInEachExecMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			db, err := reached(t, server.Database(t), kinds(), func(config *pgxpool.Config) { config.ConnConfig.DefaultQueryExecMode = mode })
			require.NoError(t, err)
			ids := say(t, db, 2)
			db.line.cut(false)
			by, now := leased(t, db, "a", noon), noon.Add(time.Microsecond)
			assert.Equal(t, store.Lease{Name: "all", Holder: "a", Fence: 1, Until: noon.Add(time.Hour)}, by)
			d := store.Delivery{Sink: "a", Event: platform.Event{ID: ids[0]}, Tries: 3, Since: noon, Due: now, Last: "cut"}
			gone := store.Delivery{Sink: "b", Event: d.Event, Since: noon}
			db.line.cut(false)
			require.NoError(t, db.Settle(t.Context(), now, []store.Lease{by}, store.Settlement{Handed: ids, Late: []store.Delivery{d, gone}}))
			require.Len(t, parked(t, db), 1)
			db.line.cut(false)
			n, err := db.Resend(t.Context(), now, gone, d)
			require.NoError(t, err)
			assert.Equal(t, 1, n)
			late, err := db.Late(t.Context(), store.Slots{Until: 4096}, "b", now, 10)
			require.NoError(t, err)
			require.Len(t, late, 1)
			require.NoError(t, db.Settle(t.Context(), now, []store.Lease{by}, store.Settlement{Done: late}))
			late, err = db.Late(t.Context(), store.Slots{Until: 4096}, "a", now, 10)
			require.NoError(t, err)
			require.Len(t, late, 1)
			d.Event = late[0].Event
			assert.Equal(t, d, late[0])
			assert.Empty(t, parked(t, db))
			err = db.Settle(t.Context(), noon.Add(time.Hour), []store.Lease{by}, store.Settlement{Done: late})
			require.ErrorIs(t, err, store.ErrFence)
		})
	}
}

// deaf is a connection that ends once, behind a commit that the server gets.
type deaf struct {
	net.Conn
	armed *atomic.Bool
}

func (d deaf) Write(b []byte) (int, error) {
	n, err := d.Conn.Write(b)
	if bytes.Contains(b, []byte("commit\x00")) && d.armed.CompareAndSwap(true, false) {
		err = errors.Join(err, d.Close())
	}
	return n, err
}

// TestAnOutboxDoesNotGuessWhatWasCommitted: done twice, it would tell of nothing
// that was sent again.
func TestAnOutboxDoesNotGuessWhatWasCommitted(t *testing.T) {
	t.Parallel()
	var armed atomic.Bool
	l := dialled(t, server.Database(t), nil)
	l.mu.Lock()
	l.wrap = func(conn net.Conn) net.Conn { return deaf{conn, &armed} }
	l.mu.Unlock()
	db, err := postgres.New(t.Context(), l.pool, kinds(), hasty())
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	l.pool.Reset() // connections that hear
	ids, by := say(t, db, 1), leased(t, db, "a", noon)
	d := store.Delivery{Sink: "a", Event: platform.Event{ID: ids[0]}, Since: noon}
	require.NoError(t, db.Settle(t.Context(), noon, []store.Lease{by}, store.Settlement{Handed: ids, Late: []store.Delivery{d}}))

	armed.Store(true)
	_, err = db.Resend(t.Context(), noon, d)
	require.ErrorIs(t, err, store.ErrUnknown)
	n, err := db.Resend(t.Context(), noon, d) // waits for the first, which holds the row
	require.NoError(t, err)
	assert.Zero(t, n)
	late, err := db.Late(t.Context(), store.Slots{Until: 4096}, "a", noon, 10)
	require.NoError(t, err)
	assert.Len(t, late, 1)
}
