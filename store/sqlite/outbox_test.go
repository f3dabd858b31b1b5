package sqlite

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/storetest"
)

var (
	errDown = platform.Err(platform.ErrUnavailable, "test.down", "down", "停机")
	all     = store.Slots{Until: 4096}
)

// ear is a sink that is up or down, and counts how often it met whom.
type ear struct {
	mu   sync.Mutex
	down bool
	met  map[platform.ID]int
}

func (e *ear) Publish(_ context.Context, events []platform.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down {
		return errDown
	}
	for _, event := range events {
		e.met[event.ID]++
	}
	return nil
}

func (e *ear) set(down bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = down
}

func once(ids []platform.ID) map[platform.ID]int {
	met := map[platform.ID]int{}
	for _, id := range ids {
		met[id] = 1
	}
	return met
}

// say commits n events and returns their ids.
func say(t testing.TB, db *DB, n int) (ids []platform.ID) {
	t.Helper()
	for range n {
		s := set(platform.Put(noteOf("said")))
		_, err := db.Commit(t.Context(), s)
		require.NoError(t, err)
		ids = append(ids, s.Changes[1].Ref.ID)
	}
	return ids
}

// held is the lease that lets a test settle.
func held(t testing.TB, db *DB, now time.Time) []store.Lease {
	t.Helper()
	by, err := db.Lease(t.Context(), now, store.Lease{Name: "all", Holder: "test", Until: now.Add(time.Hour)})
	require.NoError(t, err)
	require.Len(t, by, 1)
	return by
}

// TestRelayOfTwoHandlesServesEverySinkOnce: two relays, each on a handle of its
// own, while others write; one sink is down until its deliveries are parked.
func TestRelayOfTwoHandlesServesEverySinkOnce(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	first, second := open(t, path, notes), open(t, path, notes)
	clock := storetest.NewClock(dawn)
	well, ill := &ear{met: map[platform.ID]int{}}, &ear{down: true, met: map[platform.ID]int{}}
	var relays []*store.Relay
	for _, db := range []*DB{first, second} {
		relays = append(relays, &store.Relay{Outbox: db, Sinks: map[string]store.Sink{"well": well, "ill": ill}, Now: clock.Now})
	}
	var said []platform.ID
	var writing, working sync.WaitGroup
	over := make(chan struct{})
	writing.Go(func() { said = say(t, first, 30) })
	for _, r := range relays {
		working.Go(func() {
			for going := true; going; {
				select {
				case <-over:
					going = false
				default:
				}
				if _, err := r.Tick(t.Context(), clock.Now(), 0); err != nil {
					assert.ErrorIs(t, err, errDown)
				}
			}
		})
	}
	writing.Wait()
	close(over)
	working.Wait()
	var parked []store.Delivery
	for hour := 0; len(parked) < len(said) && hour < 300; hour++ { // each finds the other's leases run out
		_, _ = relays[hour%2].Tick(t.Context(), clock.Advance(time.Hour), 0) // the sink that is down fails it
		var err error
		parked, err = second.Parked(t.Context(), store.Delivery{}, 500)
		require.NoError(t, err)
	}
	assert.Equal(t, once(said), well.met, "once each, whatever became of the other sink")
	require.Len(t, parked, 30)
	assert.Equal(t, "test.down", parked[0].Last)

	ill.set(false)
	n, err := first.Resend(t.Context(), clock.Now(), parked...)
	require.NoError(t, err)
	assert.Equal(t, 30, n)
	n, err = second.Resend(t.Context(), clock.Now(), parked...)
	require.NoError(t, err)
	assert.Zero(t, n, "nothing is parked any more")
	clock.Advance(time.Hour)
	for _, r := range relays {
		_, err := r.Drain(t.Context())
		require.NoError(t, err)
	}
	assert.Equal(t, once(said), ill.met)
	assert.Equal(t, once(said), well.met)
}

// TestOutboxOutlivesTheProcess: leases and late deliveries are in the file.
func TestOutboxOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	path := fresh(t)
	db := open(t, path, notes)
	ids, now := say(t, db, 2), dawn.Add(1234567*time.Nanosecond)
	by := held(t, db, now)
	assert.Equal(t, dawn.Add(time.Hour+1234*time.Microsecond), by[0].Until, "to the microsecond")
	late := store.Delivery{Sink: "a", Event: platform.Event{ID: ids[0]}, Tries: 3, Since: dawn, Due: now, Last: "test.down"}
	require.NoError(t, db.Settle(t.Context(), now, by, store.Settlement{Handed: ids[:1], Late: []store.Delivery{late}}))
	require.NoError(t, db.Close())

	db = open(t, path, notes)
	got, err := db.Lease(t.Context(), now, store.Lease{Name: "all", Holder: "other", Until: now.Add(time.Hour)})
	require.NoError(t, err)
	assert.Empty(t, got)
	found, err := db.Late(t.Context(), all, "a", now, 10)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, "note.written", found[0].Event.Type)
	found[0].Event = late.Event
	late.Due = dawn.Add(1234 * time.Microsecond)
	assert.Equal(t, late, found[0])
	require.NoError(t, db.Settle(t.Context(), now, by, store.Settlement{Done: []store.Delivery{late}}))
	require.ErrorIs(t, db.Settle(t.Context(), now.Add(time.Hour), by, store.Settlement{Handed: ids}), store.ErrFence)
	events, err := db.Fresh(t.Context(), all, 10)
	require.NoError(t, err)
	require.Len(t, events, 1)
	assert.Equal(t, ids[1], events[0].ID)
	require.NoError(t, db.Close())
	require.ErrorIs(t, db.Settle(t.Context(), now, nil, store.Settlement{}), store.ErrClosed)
}

// TestOutboxCountsWhatWaits: up to a bound, and parked ones until they are
// discarded.
func TestOutboxCountsWhatWaits(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	got, err := db.Backlog(t.Context())
	require.NoError(t, err)
	assert.Zero(t, got)
	ids, by := say(t, db, 5), held(t, db, dawn)
	of := func(sink string, i int, due time.Time) store.Delivery {
		return store.Delivery{Sink: sink, Event: platform.Event{ID: ids[i]}, Since: dawn, Due: due}
	}
	require.NoError(t, db.Settle(t.Context(), dawn, by, store.Settlement{Handed: ids[:2], Late: []store.Delivery{
		of("a", 0, dawn), of("b", 0, time.Time{}), of("a", 1, time.Time{}),
	}}))

	got, err = db.Backlog(t.Context())
	require.NoError(t, err)
	assert.Equal(t, store.Backlog{Fresh: 3, Oldest: dawn, Late: 1, Parked: 2}, got)

	for _, want := range []int{1, 0} {
		n, err := db.Discard(t.Context(), of("b", 0, dawn), of("a", 0, dawn), of("c", 1, dawn))
		require.NoError(t, err)
		assert.Equal(t, want, n, "only what is parked")
	}
	require.NoError(t, db.writer.transact(t.Context(), func() error {
		return db.writer.script(`with recursive n (i) as (select 1 union all select i + 1 from n where i < 12000)
			insert into undelivered (slot, id) select 0, unhex(printf('ffffffffffff7000800000000000%04x', i)) from n`)
	}))
	got, err = db.Backlog(t.Context())
	require.NoError(t, err)
	assert.Equal(t, store.Backlog{Fresh: store.Counted, Oldest: dawn, Late: 1, Parked: 1}, got)
	require.NoError(t, db.Close())
	_, err = db.Backlog(t.Context())
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = db.Discard(t.Context(), of("a", 1, dawn))
	require.ErrorIs(t, err, store.ErrClosed)
}

// TestFreshOnesOfSomeSlotsAreTheFirstOfThem, whatever waits in the others.
func TestFreshOnesOfSomeSlotsAreTheFirstOfThem(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	said := say(t, db, 200)
	for _, of := range []store.Slots{
		all, {From: 0, Until: 256}, {From: 256, Until: 1024}, {From: 3840, Until: 4096}, {From: 300, Until: 301}, {From: 255, Until: 2049}, {From: 7, Until: 7}, {From: 9, Until: 8},
	} {
		for _, limit := range []int{-1, 0, 1, 5, 500} {
			var want, got []platform.ID
			for _, id := range said {
				if of.Has(id) && len(want) < limit {
					want = append(want, id)
				}
			}

			events, err := db.Fresh(t.Context(), of, limit)

			require.NoError(t, err)
			for _, e := range events {
				got = append(got, e.ID)
			}
			assert.Equal(t, want, got, "%v, at most %d", of, limit)
		}
	}
}

// TestOutboxIsRestoredAsFresh: what one sink has still to get, every sink gets
// again.
func TestOutboxIsRestoredAsFresh(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	ids, by := say(t, db, 5), held(t, db, dawn)
	of := func(sink string, i int, due time.Time) store.Delivery {
		return store.Delivery{Sink: sink, Event: platform.Event{ID: ids[i]}, Since: dawn, Due: due}
	}
	require.NoError(t, db.Settle(t.Context(), dawn, by, store.Settlement{Handed: ids[:4], Late: []store.Delivery{
		of("a", 1, dawn), of("b", 1, dawn), of("a", 3, time.Time{}), of("b", 4, dawn),
	}}))
	copied := open(t, fresh(t), notes)
	lines := db.Lines(t.Context())

	require.NoError(t, copied.Load(t.Context(), lines))

	events, err := copied.Fresh(t.Context(), all, 10)
	require.NoError(t, err)
	var got []platform.ID
	for _, e := range events {
		got = append(got, e.ID)
	}
	assert.ElementsMatch(t, []platform.ID{ids[1], ids[3], ids[4]}, got, "each once")
	assert.Equal(t, ids[4], got[0], "fresh ones first")
	late, err := copied.Late(t.Context(), all, "a", dawn, 10)
	require.NoError(t, err)
	assert.Empty(t, late)
}

// TestOutboxReadsByIndex: neither a planner nor its statistics can make a
// reader of deliveries look at all events, or sort.
func TestOutboxReadsByIndex(t *testing.T) {
	t.Parallel()
	db := open(t, fresh(t), notes)
	say(t, db, 3)
	require.NoError(t, db.writer.transact(t.Context(), func() error { return db.writer.script("analyze") }))
	for statement, args := range map[string][]any{
		freshEvents: {10}, lateOnes: {"a", 0, 0, 4096, 10}, parkedOnes: {"", []byte{}, 10},
	} {
		text := plan(t, db, db.about(statement), args...)
		assert.Contains(t, text, "SEARCH e USING INDEX", statement)
		assert.NotContains(t, text, "TEMP B-TREE", statement)
		if statement != freshEvents { // which walks all that are fresh
			assert.Contains(t, text, "SEARCH d USING", statement)
		}
	}
	assert.NotContains(t, plan(t, db, waiting, 10), "TEMP B-TREE")
	assert.Contains(t, plan(t, db, db.about(freshWithin), "[0,1]", 0, 512, 10), "USING COVERING INDEX undelivered_by_range")
}
