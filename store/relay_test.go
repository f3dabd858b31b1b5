package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

var (
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	clerk = platform.Actor{ID: "opr_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Operator}
	errNo = platform.Err(platform.ErrUnavailable, "test.no", "no", "否")
)

// noted is a record that events are about.
type noted struct {
	platform.Head
	Text string `json:"text" class:"internal"`
}

func (n noted) Ref() platform.Ref { return platform.Ref{Kind: "noted", ID: n.ID} }

var notedKind = platform.Shape[noted]{Name: "noted", Prefix: "ntd"}.Kind()

// world is a store with a clock that stands still.
type world struct {
	*testing.T
	db    *memory.DB
	clock *storetest.Clock
	ids   platform.IDs
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t, memory.New([]platform.Kind{notedKind}, nil), storetest.NewClock(noon), storetest.IDs(1)}
}

// say commits n events, and returns them in order.
func (w *world) say(n int) (ids []platform.ID) {
	w.Helper()
	for range n {
		bits := w.ids()
		subject := noted{Head: platform.Head{ID: platform.NewID("ntd", w.clock.Now(), platform.Slot(bits%4096), w.ids())}}
		id := platform.NewID("evt", w.clock.Now(), subject.ID.Slot(), w.ids())
		e := platform.Event{ID: id, Type: "noted.said", Subject: subject.Ref(), Version: 1, Actor: clerk, At: w.clock.Now()}
		_, err := w.db.Commit(w.Context(), platform.Set{Changes: []platform.Change{
			platform.Put(subject), {Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: id}, Value: e},
		}})
		require.NoError(w, err)
		ids = append(ids, id)
	}
	return ids
}

func (w *world) relay(sinks map[string]store.Sink) *store.Relay {
	return &store.Relay{Outbox: w.db, Sinks: sinks, Now: w.clock.Now}
}

// tick lets a relay work after a pause.
func (w *world) tick(r *store.Relay, after time.Duration) error {
	w.Helper()
	_, err := r.Tick(w.Context(), w.clock.Advance(after), 0)
	return err
}

func (w *world) parked() []store.Delivery {
	w.Helper()
	parked, err := w.db.Parked(w.Context(), store.Delivery{}, 500)
	require.NoError(w, err)
	return parked
}

// sink is a function that keeps what it took.
type sink struct {
	mu    sync.Mutex
	calls int
	took  []platform.ID
	does  func(events []platform.Event) error // if nil, it takes all
}

func (s *sink) Publish(_ context.Context, events []platform.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	var err error
	if s.does != nil {
		err = s.does(events)
	}
	var left *store.LeftError
	if err != nil && !errors.As(err, &left) {
		return err
	}
	for _, e := range events {
		if left == nil || left.Failed[e.ID] == nil && !slices.Contains(left.Untried, e.ID) {
			s.took = append(s.took, e.ID)
		}
	}
	return err
}

func TestEventsAreHandedOverInOrderAndOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids, got := w.say(1200), &sink{}
	relay := w.relay(map[string]store.Sink{"got": got})

	n, err := relay.Drain(t.Context())

	require.NoError(t, err)
	assert.Equal(t, 1200, n)
	assert.Equal(t, ids, got.took, "in the order of their commits")
	n, err = relay.Drain(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n)
}

func TestACtxThatIsOverTakesNobodysTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	relay := w.relay(map[string]store.Sink{"got": &sink{}})
	over, end := context.WithCancel(t.Context())
	end()
	for range 64 { // which of two that are ready is taken is a matter of luck
		_, err := relay.Tick(over, noon, 0)
		require.ErrorIs(t, err, context.Canceled)
	}
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := relay.Tick(soon, noon, 0)
	require.NoError(t, err)
}

func TestLateOnesOfOneSinkLeaveFreshOnesTheirRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fails := true
	ill := &sink{does: func([]platform.Event) error {
		if fails {
			return errNo
		}
		return nil
	}}
	well := &sink{}
	relay := w.relay(map[string]store.Sink{"ill": ill, "well": well})
	w.say(40)
	require.Error(t, w.tick(relay, 0))
	fails = false
	w.say(5)

	_, err := relay.Tick(t.Context(), w.clock.Advance(time.Hour), 5)

	require.NoError(t, err)
	assert.Len(t, well.took, 45, "the late ones of the other are a matter of its own")
}

// slotted is an outbox that knows no order of commits.
type slotted struct{ *memory.DB }

func (s slotted) Fresh(ctx context.Context, of store.Slots, limit int) ([]platform.Event, error) {
	all, err := s.DB.Fresh(ctx, of, 5000)
	slices.SortStableFunc(all, func(a, b platform.Event) int { return int(a.ID.Slot()) - int(b.ID.Slot()) })
	return all[:min(limit, len(all))], err
}

// TestNoSlotWaitsForEver, while there is always more than a tick may hand over.
func TestNoSlotWaitsForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := &sink{}
	relay := &store.Relay{Outbox: slotted{w.db}, Sinks: map[string]store.Sink{"got": got}, Now: w.clock.Now}
	first := w.say(64) // of most ranges
	for range 2 * 16 {
		w.say(20)
		n, err := relay.Tick(t.Context(), w.clock.Now(), 10)
		require.NoError(t, err)
		require.Equal(t, 10, n)
	}
	assert.Subset(t, got.took, first)
}

func TestAnErrorAmongOthersDoesNotSpeakForThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.say(2)
	first := true
	both := &sink{does: func([]platform.Event) error {
		if !first {
			return nil
		}
		first = false
		return errors.Join(
			&store.LeftError{Failed: map[platform.ID]error{ids[0]: errNo}}, &store.LeftError{Failed: map[platform.ID]error{ids[1]: errNo}})
	}}
	relay := w.relay(map[string]store.Sink{"both": both})
	require.Error(t, w.tick(relay, 0))
	both.took = nil

	for range 4 {
		_ = w.tick(relay, time.Hour)
	}

	assert.ElementsMatch(t, ids, both.took, "each came again")
}

func TestATickKeepsItsLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.say(30)
	relay := w.relay(map[string]store.Sink{"a": &sink{}, "b": &sink{}})
	for _, want := range []int{20, 10, 0} {
		n, err := relay.Tick(t.Context(), noon, 20)
		require.NoError(t, err)
		assert.Equal(t, want, n)
	}
}

func TestASinkThatPanicsHasFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	broken, got := &sink{}, &sink{}
	broken.does = func([]platform.Event) error { panic("broken") }
	relay := w.relay(map[string]store.Sink{"broken": broken, "got": got})
	ids := w.say(3)

	err := w.tick(relay, 0)

	assert.Equal(t, "sink.panic", platform.Code(err))
	assert.Equal(t, ids, got.took)
	broken.does = nil
	require.NoError(t, w.tick(relay, time.Minute))
	assert.ElementsMatch(t, ids, broken.took)
}

func TestWhatCanNeverBeTakenEndsUpAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.say(400)
	poison := map[platform.ID]bool{ids[7]: true, ids[8]: true, ids[301]: true}
	got := &sink{does: func(events []platform.Event) error {
		if slices.ContainsFunc(events, func(e platform.Event) bool { return poison[e.ID] }) {
			return errNo
		}
		return nil
	}}
	relay := w.relay(map[string]store.Sink{"got": got})
	for range 90 { // minutes
		_ = w.tick(relay, time.Minute)
	}
	healthy := slices.DeleteFunc(slices.Clone(ids), func(id platform.ID) bool { return poison[id] })
	assert.ElementsMatch(t, healthy, got.took, "once each, and within the day")
	for range 80 {
		_ = w.tick(relay, time.Hour)
	}
	parked := w.parked()
	assert.Len(t, parked, 3)
	for _, d := range parked {
		assert.True(t, poison[d.Event.ID])
		assert.Equal(t, "test.no", d.Last)
	}
}

func TestNewEventsPassTheOnesThatFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := w.say(1)[0]
	got := &sink{does: func(events []platform.Event) error {
		if slices.ContainsFunc(events, func(e platform.Event) bool { return e.ID == bad }) {
			return errNo
		}
		return nil
	}}
	relay := w.relay(map[string]store.Sink{"got": got})
	var said []platform.ID
	for range 200 {
		said = append(said, w.say(2)...)
		_ = w.tick(relay, 10*time.Second)
	}
	require.NoError(t, w.tick(relay, time.Minute))
	assert.ElementsMatch(t, said, got.took)
}

func TestASinkTellsWhatItLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.say(5)
	got := &sink{}
	got.does = func([]platform.Event) error {
		return &store.LeftError{Failed: map[platform.ID]error{ids[1]: errNo, ids[2]: store.ErrHopeless}, Untried: ids[3:4], Wait: time.Hour}
	}
	relay := w.relay(map[string]store.Sink{"got": got})

	err := w.tick(relay, 0)

	require.ErrorIs(t, err, store.ErrParked)
	assert.Equal(t, []platform.ID{ids[0], ids[4]}, got.took)
	require.Len(t, w.parked(), 1)
	assert.Equal(t, ids[2], w.parked()[0].Event.ID)
	got.does = nil
	require.NoError(t, w.tick(relay, time.Hour-time.Second))
	assert.Equal(t, 1, got.calls, "it asked to wait")
	late, err := w.db.Late(t.Context(), store.Slots{Until: 4096}, "got", w.clock.Now().Add(time.Hour), 9)
	require.NoError(t, err)
	require.Len(t, late, 2)
	assert.Equal(t, []int{0, 1}, []int{late[0].Tries, late[1].Tries}, "what was not tried has not failed")
	require.NoError(t, w.tick(relay, time.Second))
	assert.ElementsMatch(t, []platform.ID{ids[0], ids[4], ids[3], ids[1]}, got.took)
}

// hung does not return before it is let go, whatever the ctx.
type hung struct {
	sink
	let chan struct{}
}

func (h *hung) Publish(ctx context.Context, events []platform.Event) error {
	<-h.let
	return h.sink.Publish(ctx, events)
}

func TestASinkThatHangsHoldsNobodyUpForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stuck, got := &hung{let: make(chan struct{})}, &sink{}
		relay := &store.Relay{Outbox: w.db, Sinks: map[string]store.Sink{"stuck": stuck, "got": got}}
		begin := time.Now()
		var ids []platform.ID
		for range 60 {
			ids = append(ids, w.say(5)...)
			_, _ = relay.Tick(t.Context(), time.Now(), 0)
			time.Sleep(time.Second)
		}
		assert.Equal(t, ids, got.took)
		assert.Less(t, time.Since(begin), 70*time.Second, "one call was waited for, nine seconds")

		close(stuck.let)
		synctest.Wait()
		for range 60 {
			_, err := relay.Tick(t.Context(), time.Now(), 0)
			require.NoError(t, err)
			time.Sleep(time.Minute)
		}
		missing := slices.DeleteFunc(slices.Clone(ids), func(id platform.ID) bool { return slices.Contains(stuck.took, id) })
		assert.Empty(t, missing)
	})
}

func TestARelayThatIsStoppedHasHandedNothingOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.say(3)
	ctx, stop := context.WithCancel(t.Context())
	relay := w.relay(map[string]store.Sink{"got": &sink{does: func([]platform.Event) error { stop(); return nil }}})

	n, err := relay.Tick(ctx, noon, 0)

	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, n)
	fresh, err := w.db.Fresh(t.Context(), store.Slots{Until: 4096}, 9)
	require.NoError(t, err)
	assert.Len(t, fresh, len(ids))
}

// TestARelayThatWakesLateWritesNothing has another take over while a sink works.
func TestARelayThatWakesLateWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.say(3)
	fast := &sink{}
	rival := w.relay(map[string]store.Sink{"got": fast})
	slow := &sink{does: func([]platform.Event) error {
		w.clock.Advance(time.Minute)
		_, err := rival.Drain(t.Context())
		return errors.Join(err, errNo)
	}}

	err := w.tick(w.relay(map[string]store.Sink{"got": slow}), 0)

	require.ErrorIs(t, err, store.ErrFence)
	assert.Equal(t, ids, fast.took)
	late, err := w.db.Late(t.Context(), store.Slots{Until: 4096}, "got", w.clock.Now().Add(time.Hour), 9)
	require.NoError(t, err)
	assert.Empty(t, late, "what the late one failed at is not kept")
}

func TestLeasesAreGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := &sink{}, &sink{}
	a, b := w.relay(map[string]store.Sink{"got": first}), w.relay(map[string]store.Sink{"got": second})
	require.NoError(t, w.tick(a, 0))
	require.NoError(t, a.Release(t.Context()))
	require.NoError(t, a.Release(t.Context()), "twice")
	ids := w.say(2)

	require.NoError(t, w.tick(b, 0))
	require.NoError(t, w.tick(a, 0))

	assert.Equal(t, ids, second.took)
	assert.Empty(t, first.took)
}

func TestARelayNeedsAnOutboxAndSinksWithNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, r := range []*store.Relay{
		{}, {Outbox: w.db}, {Sinks: map[string]store.Sink{"a": &sink{}}},
		w.relay(map[string]store.Sink{"": &sink{}}), w.relay(map[string]store.Sink{"a": nil}),
	} {
		_, err := r.Drain(t.Context())
		assert.Equal(t, "relay.sinks", platform.Code(err), i)
	}
}

func TestOneRelayMayBeTickedByMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got, ids := &sink{}, w.say(1500)
	relay := w.relay(map[string]store.Sink{"got": got})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := relay.Drain(t.Context())
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Equal(t, ids, got.took)
}

type note struct{ Text string }

func TestAnInboxTakesAnEventOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	writer := platform.Writer{Store: w.db, Now: w.clock.Now, IDs: w.ids}.Ready()
	consumer := &sink{}
	consumer.does = func(events []platform.Event) error {
		for _, e := range events {
			ctx := store.Inbox(t.Context(), "notes", e)
			n := noted{Head: platform.Head{ID: writer.NewRoot(ctx, "ntd")}, Text: strconv.Itoa(len(e.ID))}
			if _, err := platform.Update(ctx, writer, note{n.Text}, func(context.Context) (noted, []platform.Change, error) {
				return n, []platform.Change{platform.Put(n), platform.Happened("noted.kept", n.Ref(), nil)}, nil
			}); err != nil {
				return err
			}
		}
		return nil
	}
	w.say(2)
	events, err := w.db.Fresh(t.Context(), store.Slots{Until: 4096}, 9)
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, consumer.Publish(t.Context(), events))
	}

	kept, err := platform.List[platform.Event](t.Context(), w.db, platform.Query{Kind: "event", By: []string{"type", "id"}, Equal: []any{"noted.kept"}})

	require.NoError(t, err)
	assert.Len(t, kept.Items, 2)
}

func ExampleRelay() {
	db := memory.New([]platform.Kind{notedKind}, nil)
	said := sinkFunc(func(events []platform.Event) error {
		for _, e := range events {
			fmt.Println(e.Type)
		}
		return nil
	})
	relay := &store.Relay{Outbox: db, Sinks: map[string]store.Sink{"printer": said}}
	writer := platform.Writer{Store: db}.Ready()
	ctx := platform.As(context.Background(), clerk)
	n := noted{Head: platform.Head{ID: writer.NewRoot(ctx, "ntd")}, Text: "hello"}
	_, _ = platform.Update(ctx, writer, note{n.Text}, func(context.Context) (noted, []platform.Change, error) {
		return n, []platform.Change{platform.Put(n), platform.Happened("noted.kept", n.Ref(), nil)}, nil
	})

	fmt.Println(relay.Drain(ctx)) // a server hands the relay to platform.Run
	// Output:
	// noted.kept
	// 1 <nil>
}

type sinkFunc func([]platform.Event) error

func (f sinkFunc) Publish(_ context.Context, events []platform.Event) error { return f(events) }
