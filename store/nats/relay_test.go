package nats_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/nats"
	"github.com/liangding/platform/store/storetest"
)

type order struct {
	platform.Head
	Mark string `json:"mark" class:"internal"`
}

func (o order) Ref() platform.Ref { return platform.Ref{Kind: "order", ID: o.ID} }

// market is a store whose events a relay hands on, and a clock that stands still.
type market struct {
	*testing.T
	db     *memory.DB
	clock  *storetest.Clock
	writer platform.Writer
	ids    []string // of all events
}

func newMarket(t *testing.T) *market {
	t.Helper()
	m := &market{T: t, db: memory.New([]platform.Kind{platform.Shape[order]{Name: "order", Prefix: "ord"}.Kind()}, nil), clock: storetest.NewClock(noon)}
	m.writer = platform.Writer{Store: m.db, Now: m.clock.Now, IDs: storetest.IDs(1)}.Ready()
	return m
}

// say moves orders on, each so many times.
func (m *market) say(orders, moves int) {
	m.Helper()
	ctx := platform.As(m.Context(), platform.SystemActor("test"))
	for range orders {
		o := order{Head: platform.Head{ID: m.writer.NewRoot(ctx, "ord")}}
		for range moves {
			_, err := platform.Update(ctx, m.writer, struct{ order }{o}, func(context.Context) (order, []platform.Change, error) {
				return o, []platform.Change{platform.Put(o), platform.Happened("order.moved", o.Ref(), nil)}, nil
			})
			require.NoError(m, err)
			o.Version++
		}
	}
	all, err := m.db.Fresh(m.Context(), store.Slots{Until: 4096}, 1<<20)
	require.NoError(m, err)
	m.ids = m.ids[:0]
	for _, e := range all {
		m.ids = append(m.ids, string(e.ID))
	}
}

func (m *market) relay(to store.Sink) *store.Relay {
	return &store.Relay{Outbox: m.db, Sinks: map[string]store.Sink{"nats": to}, Now: m.clock.Now}
}

// settle ticks a relay, a minute apart, until there is nothing left to hand over.
// It waits for the connection, so that a try is one.
func (m *market) settle(r *store.Relay, conn *client.Conn) {
	m.Helper()
	for range 1000 {
		require.Eventually(m, conn.IsConnected, time.Minute, time.Millisecond)
		_, err := r.Tick(m.Context(), m.clock.Advance(time.Minute), 5000)
		fresh, failed := m.db.Fresh(m.Context(), store.Slots{Until: 4096}, 1)
		require.NoError(m, failed)
		late, failed := m.db.Late(m.Context(), store.Slots{Until: 4096}, "nats", noon.AddDate(1, 0, 0), 1)
		require.NoError(m, failed)
		if err == nil && len(fresh)+len(late) == 0 {
			parked, err := m.db.Parked(m.Context(), store.Delivery{}, 1)
			require.NoError(m, err)
			require.Empty(m, parked)
			return
		}
	}
	m.Fatal("events are left")
}

// sinkFunc is a sink that is a function.
type sinkFunc func(ctx context.Context, events []platform.Event) error

func (f sinkFunc) Publish(ctx context.Context, events []platform.Event) error { return f(ctx, events) }

// killed is an outbox whose relay dies before it can say what was handed over.
type killed struct{ store.Outbox }

var errKilled = errors.New("killed")

func (killed) Settle(context.Context, time.Time, []store.Lease, store.Settlement) error {
	return errKilled
}

func keys(of map[string]*jetstream.RawStreamMsg) (all []string) {
	for id := range of {
		all = append(all, id)
	}
	return all
}

func TestEveryEventArrivesOnce(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.say(300, 3)
	b := open(t, alone(t.TempDir()))
	s, stream := b.sink(t, nil)

	m.settle(m.relay(s), b.connect(t))

	assert.ElementsMatch(t, m.ids, keys(arrived(t, stream)))
	assert.Len(t, messages(t, stream), 900)
}

// TestARelayThatIsKilledBeforeItSettles leaves everything to the next one, which
// sends it again: within the stream's window the broker drops that, and later a
// consumer knows it by its id.
func TestARelayThatIsKilledBeforeItSettles(t *testing.T) {
	t.Parallel()
	for _, window := range []time.Duration{time.Hour, 100 * time.Millisecond} { // the least that a server takes
		m := newMarket(t)
		m.say(100, 2)
		conn := open(t, alone(t.TempDir())).connect(t)
		s, err := nats.New(conn, nil)
		require.NoError(t, err)
		require.NoError(t, s.Ensure(soon(t), nats.Stream{Name: "events", Replicas: 1, Duplicates: window}))
		dying := m.relay(s)
		dying.Outbox = killed{m.db}
		_, err = dying.Tick(t.Context(), m.clock.Now(), 5000)
		require.ErrorIs(t, err, errKilled)
		if window < time.Minute {
			forget(t, conn)
		}
		m.clock.Advance(time.Minute) // the leases ran out

		m.settle(m.relay(s), conn)

		got, all := arrived(t, streamOf(t, conn)), messages(t, streamOf(t, conn))
		delete(got, "probe")
		assert.ElementsMatch(t, m.ids, keys(got))
		if window < time.Minute {
			assert.Greater(t, len(all), 202, "some came again")
		} else {
			assert.Len(t, all, 200)
		}
	}
}

// forget returns when the stream knows nothing any more that came before.
func forget(t *testing.T, conn *client.Conn) {
	t.Helper()
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	again := func() bool {
		ack, err := js.Publish(soon(t), "platform.00.probe", nil, jetstream.WithMsgID("probe"))
		require.NoError(t, err)
		return ack.Duplicate
	}
	require.False(t, again())
	require.Eventually(t, func() bool { return !again() }, time.Minute, 50*time.Millisecond)
}

// TestABrokerThatStopsWhileEventsAreHandedOver gets all of them once it is back.
func TestABrokerThatStopsWhileEventsAreHandedOver(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.say(500, 6)
	b := open(t, alone(t.TempDir()))
	conn := b.connect(t)
	s, err := nats.New(conn, nil)
	require.NoError(t, err)
	require.NoError(t, s.Ensure(soon(t), kept))
	var stop, start sync.WaitGroup
	calls, failures := 0, 0
	meddled := sinkFunc(func(ctx context.Context, events []platform.Event) error {
		if calls++; calls == 3 {
			stop.Go(b.stop)
		} else {
			stop.Wait()
		}
		err := s.Publish(ctx, events)
		if err != nil {
			if failures++; failures == 1 {
				start.Go(func() {
					stop.Wait()
					assert.NoError(t, b.start())
				})
			}
		}
		return err
	})

	m.settle(m.relay(meddled), conn)

	start.Wait()
	assert.Positive(t, failures)
	assert.ElementsMatch(t, m.ids, keys(arrived(t, streamOf(t, conn))))
}

// TestVersionsTellTheOrderOfASubjectsEvents, which the way through a sink that
// fails at times does not keep.
func TestVersionsTellTheOrderOfASubjectsEvents(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.say(5, 40)
	b := open(t, alone(t.TempDir()))
	s, stream := b.sink(t, nil)
	fails := true
	moody := sinkFunc(func(ctx context.Context, events []platform.Event) error {
		if !fails {
			return s.Publish(ctx, events)
		}
		fails = false
		l := &store.LeftError{Failed: map[platform.ID]error{}}
		for _, e := range events {
			if e.Version%3 == 0 {
				l.Failed[e.ID] = nats.ErrUnreachable
			}
		}
		if err := s.Publish(ctx, slices.DeleteFunc(slices.Clone(events), func(e platform.Event) bool { return l.Failed[e.ID] != nil })); err != nil {
			return err
		}
		return l
	})
	m.settle(m.relay(moody), b.connect(t))
	type is struct {
		Subject        string
		SubjectVersion int64
	}
	came := map[string][]is{}
	for _, m := range messages(t, stream) {
		var e is
		require.NoError(t, json.Unmarshal(m.Data, &e))
		came[e.Subject] = append(came[e.Subject], e)
	}

	require.Len(t, came, 5)
	for _, all := range came {
		byVersion := func(a, b is) int { return cmp.Compare(a.SubjectVersion, b.SubjectVersion) }
		assert.False(t, slices.IsSortedFunc(all, byVersion), "they came in order by chance")
		slices.SortFunc(all, byVersion)
		require.Len(t, all, 40)
		for i, e := range all {
			assert.Equal(t, int64(i+1), e.SubjectVersion)
		}
	}
}

func TestASinkServesManyAtOnce(t *testing.T) {
	t.Parallel()
	s, stream := open(t, alone(t.TempDir())).sink(t, &nats.Options{InFlight: 7})
	all := events(800)
	var done sync.WaitGroup
	for part := range slices.Chunk(all, 100) {
		done.Go(func() { assert.NoError(t, s.Publish(t.Context(), part)) })
	}
	done.Wait()
	assert.Len(t, messages(t, stream), 800)
}
