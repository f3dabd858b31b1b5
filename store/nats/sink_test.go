package nats_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/nats"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func event(n int) platform.Event {
	return platform.Event{
		ID: platform.NewID("evt", noon, platform.Slot(n%4096), uint64(n)), Type: "order.completed", At: noon, Version: int64(n),
		Subject: platform.Ref{Kind: "order", ID: platform.NewID("ord", noon, 7, 1)}, Actor: platform.SystemActor("test"),
	}
}

func events(n int) []platform.Event { return eventsFrom(1, n) }

func eventsFrom(first, n int) (all []platform.Event) {
	for i := range n {
		all = append(all, event(first+i))
	}
	return all
}

// left is what a Publish left.
func left(t *testing.T, err error) *store.LeftError {
	t.Helper()
	var l *store.LeftError
	require.ErrorAs(t, err, &l)
	return l
}

func TestEachEventIsAMessage(t *testing.T) {
	t.Parallel()
	s, stream := open(t, alone(t.TempDir())).sink(t, &nats.Options{
		Envelope: store.Envelope{Source: "https://market.example"},
		Wants:    func(e platform.Event) bool { return e.Version != 3 },
	})
	e := event(2)
	e.ID = platform.NewID("evt", noon, 0x7ab, 1)

	require.NoError(t, s.Publish(t.Context(), append(events(20), e)))

	got := arrived(t, stream)
	assert.Len(t, got, 20)
	assert.NotContains(t, got, string(event(3).ID))
	m := got[string(e.ID)]
	require.NotNil(t, m)
	assert.Equal(t, "platform.07.order.completed", m.Subject)
	assert.Equal(t, "application/cloudevents+json; charset=utf-8", m.Header.Get("Content-Type"))
	var is struct {
		Source, ID     string
		SubjectVersion int64
	}
	require.NoError(t, json.Unmarshal(m.Data, &is))
	assert.Equal(t, "https://market.example", is.Source)
	assert.Equal(t, string(e.ID), is.ID)
	assert.Equal(t, int64(2), is.SubjectVersion)
}

func TestARepeatIsDropped(t *testing.T) {
	t.Parallel()
	s, stream := open(t, alone(t.TempDir())).sink(t, nil)
	require.NoError(t, s.Publish(t.Context(), events(60)))
	require.NoError(t, s.Publish(t.Context(), events(70)), "and was taken")
	assert.Len(t, messages(t, stream), 70)
}

// TestAnyTypeHasASubjectOfItsOwn, which no wildcard, blank or line break gets
// into, and which tells the type.
func TestAnyTypeHasASubjectOfItsOwn(t *testing.T) {
	t.Parallel()
	s, stream := open(t, alone(t.TempDir())).sink(t, nil)
	types := []string{
		"order.completed", "order.*", ">", "order.>", "a b", "a\tb", "a\r\nPUB platform.x 0\r\n", "a..b", ".a", "a.", ".", "", "%", "%.%", "a%20b",
		"订单.完成", "\xff\x00", "$JS.API", "order.completed.", "ORDER.completed",
	}
	var sent []platform.Event
	for i, what := range types {
		e := event(i)
		e.Type = what
		sent = append(sent, e)
	}

	require.NoError(t, s.Publish(t.Context(), sent))

	got, subjects := arrived(t, stream), map[string]bool{}
	for i, e := range sent {
		m := got[string(e.ID)]
		require.NotNil(t, m, types[i])
		subjects[m.Subject] = true
		part := strings.Split(strings.TrimPrefix(m.Subject, "platform.00."), ".")
		for i, token := range part {
			if token == "%" {
				part[i] = ""
			}
		}
		back, err := url.PathUnescape(strings.Join(part, "."))
		require.NoError(t, err)
		assert.Equal(t, types[i], back)
	}
	assert.Len(t, subjects, len(types))
}

func TestWhatNoMessageCanCarryIsHopeless(t *testing.T) {
	t.Parallel()
	b := open(t, alone(t.TempDir()))
	s, stream := b.sink(t, nil)
	large, long, broken := event(1), event(2), event(3)
	large.Data = json.RawMessage(`"` + strings.Repeat("x", 64<<10) + `"`)
	long.Type = strings.Repeat("x", 5000) // a server cuts the connection for a line that long
	broken.Data = json.RawMessage(`{`)

	err := s.Publish(t.Context(), []platform.Event{large, long, broken, event(4)})

	l := left(t, err)
	require.ErrorIs(t, l.Failed[large.ID], nats.ErrTooLarge)
	require.ErrorIs(t, l.Failed[long.ID], nats.ErrType)
	require.ErrorIs(t, l.Failed[broken.ID], platform.ErrInvalid)
	for _, err := range l.Failed {
		require.ErrorIs(t, err, store.ErrHopeless)
	}
	assert.Empty(t, l.Untried)
	assert.Len(t, messages(t, stream), 1, "the others are not held up")
}

func TestAStreamMayTakeLessThanTheServer(t *testing.T) {
	t.Parallel()
	conn := open(t, alone(t.TempDir())).connect(t)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	_, err = js.CreateStream(soon(t), jetstream.StreamConfig{Name: "events", Subjects: []string{"platform.>"}, MaxMsgSize: 1000, MaxMsgs: 2, Discard: jetstream.DiscardNew})
	require.NoError(t, err)
	s, err := nats.New(conn, nil)
	require.NoError(t, err)
	large := event(1)
	large.Data = json.RawMessage(`"` + strings.Repeat("x", 1000) + `"`)

	err = s.Publish(t.Context(), []platform.Event{large, event(2), event(3), event(4)})

	l := left(t, err)
	require.ErrorIs(t, l.Failed[large.ID], nats.ErrTooLarge)
	require.ErrorIs(t, l.Failed[event(4).ID], nats.ErrRefused, "the stream is full")
	require.NotErrorIs(t, l.Failed[event(4).ID], store.ErrHopeless)
	assert.Len(t, l.Failed, 2)
}

func TestWithoutAStreamTheErrorSaysWhatToDo(t *testing.T) {
	t.Parallel()
	without := alone(t.TempDir())
	without.JetStream = false
	for _, b := range []*broker{open(t, alone(t.TempDir())), open(t, without)} {
		s, err := nats.New(b.connect(t), &nats.Options{InFlight: 5})
		require.NoError(t, err)

		err = s.Publish(t.Context(), events(20))

		require.ErrorIs(t, err, nats.ErrNoStream)
		assert.NotErrorIs(t, err, store.ErrHopeless)
		assert.ErrorContains(t, left(t, err).Failed[event(1).ID], "Ensure")
		assert.Len(t, left(t, err).Failed, 5)
		assert.Len(t, left(t, err).Untried, 15)
	}
}

func TestWithoutABrokerNothingWaitsInABuffer(t *testing.T) {
	t.Parallel()
	b := open(t, alone(t.TempDir()))
	conn := b.connect(t)
	s, err := nats.New(conn, nil)
	require.NoError(t, err)
	require.NoError(t, s.Ensure(soon(t), kept))
	b.stop()
	require.Eventually(t, func() bool { return !conn.IsConnected() }, time.Minute, time.Millisecond)

	err = s.Publish(t.Context(), events(20))

	require.ErrorIs(t, err, nats.ErrUnreachable)
	assert.Len(t, left(t, err).Failed, 1)
	assert.Len(t, left(t, err).Untried, 19)
	require.NoError(t, b.start())
	require.Eventually(t, func() bool { return s.Publish(t.Context(), events(1)) == nil }, time.Minute, time.Millisecond)
	assert.Len(t, messages(t, streamOf(t, conn)), 1)
}

// mute takes the place of a stream, and answers as it is told.
func mute(t *testing.T, conn *client.Conn) *client.Subscription {
	t.Helper()
	sub, err := conn.SubscribeSync("platform.>")
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	return sub
}

func next(t *testing.T, sub *client.Subscription) *client.Msg {
	t.Helper()
	m, err := sub.NextMsg(time.Minute)
	require.NoError(t, err)
	return m
}

func TestWhatIsCutShortWasNotTried(t *testing.T) {
	t.Parallel()
	b := open(t, alone(t.TempDir()))
	broken := mute(t, b.connect(t))
	s, err := nats.New(b.connect(t), nil)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() { answer <- s.Publish(ctx, events(50)) }()
	require.NoError(t, next(t, broken).Respond([]byte(`{"stream":"events","seq":1}`)))
	for range 49 {
		next(t, broken)
	}

	stop()

	l := left(t, <-answer)
	assert.Empty(t, l.Failed)
	assert.GreaterOrEqual(t, len(l.Untried), 49)
	assert.Len(t, left(t, s.Publish(ctx, events(50))).Untried, 50, "nothing is sent for a ctx that is over")
	assert.Error(t, func() error { _, err := broken.NextMsg(0); return err }())
}

func TestABrokerThatDoesNotAnswerHasFailed(t *testing.T) {
	t.Parallel()
	b := open(t, alone(t.TempDir()))
	mute(t, b.connect(t))
	s, err := nats.New(b.connect(t), &nats.Options{InFlight: 2})
	require.NoError(t, err)

	err = s.Publish(t.Context(), events(9)) // takes five seconds

	require.ErrorIs(t, err, nats.ErrUnreachable)
	assert.Len(t, left(t, err).Failed, 2)
	assert.Len(t, left(t, err).Untried, 7)
}

func TestNoMoreAreInFlightThanAllowed(t *testing.T) {
	t.Parallel()
	b := open(t, alone(t.TempDir()))
	broken, conn := mute(t, b.connect(t)), b.connect(t)
	s, err := nats.New(conn, &nats.Options{InFlight: 3})
	require.NoError(t, err)
	answer := make(chan error, 1)
	go func() { answer <- s.Publish(t.Context(), events(50)) }()

	var waiting []*client.Msg
	for n := range 50 {
		for len(waiting) < min(3, 50-n) {
			waiting = append(waiting, next(t, broken))
		}
		require.NoError(t, conn.Flush()) // what was sent is there
		pending, _, err := broken.Pending()
		require.NoError(t, err)
		assert.Zero(t, pending)
		require.NoError(t, waiting[0].Respond(fmt.Appendf(nil, `{"stream":"events","seq":%d}`, n+1)))
		waiting = waiting[1:]
	}

	require.NoError(t, <-answer)
}

func TestAnAnswerThatIsNoneIsNoAcknowledgement(t *testing.T) {
	t.Parallel()
	b := open(t, alone(t.TempDir()))
	broken := mute(t, b.connect(t))
	s, err := nats.New(b.connect(t), nil)
	require.NoError(t, err)
	for _, text := range []string{"", "ok", `{}`, `{"stream":""}`, `{"error":{"code":503,"err_code":10077,"description":"disk full"}}`} {
		answer := make(chan error, 1)
		go func() { answer <- s.Publish(t.Context(), events(1)) }()
		require.NoError(t, next(t, broken).Respond([]byte(text)))

		err := <-answer

		assert.Len(t, left(t, err).Failed, 1, text)
		assert.ErrorIs(t, err, platform.ErrUnavailable, text)
	}
}

func TestAConnectionThatWouldGiveUpIsRefused(t *testing.T) {
	t.Parallel()
	b := open(t, alone(t.TempDir()))
	for _, conn := range []*client.Conn{nil, b.connect(t, client.MaxReconnects(60)), b.connect(t, client.NoReconnect())} {
		_, err := nats.New(conn, nil)
		assert.ErrorIs(t, err, nats.ErrReconnect)
	}
}

func TestAPrefixIsASubject(t *testing.T) {
	t.Parallel()
	conn := open(t, alone(t.TempDir())).connect(t)
	for _, prefix := range []string{"a b", "a.", ".a", "a..b", "a.*", ">", "$JS", "a\n", strings.Repeat("x", 500)} {
		_, err := nats.New(conn, &nats.Options{Prefix: prefix})
		assert.ErrorIs(t, err, nats.ErrPrefix, prefix)
	}
	s, err := nats.New(conn, &nats.Options{Prefix: "acme.market"})
	require.NoError(t, err)
	require.NoError(t, s.Ensure(soon(t), nats.Stream{Replicas: 1}))
	require.NoError(t, s.Publish(t.Context(), events(1)))
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	stream, err := js.Stream(soon(t), "acme_market")
	require.NoError(t, err)
	assert.Equal(t, "acme.market.00.order.completed", messages(t, stream)[0].Subject)
}
