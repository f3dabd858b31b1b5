package nats_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/nats"
)

func TestAStreamIsMadeOnce(t *testing.T) {
	t.Parallel()
	b := open(t, alone(t.TempDir()))
	conn, want := b.connect(t), nats.Stream{Name: "events", Replicas: 1}
	s, err := nats.New(conn, nil)
	require.NoError(t, err)
	require.NoError(t, s.Ensure(soon(t), want))
	require.NoError(t, s.Publish(t.Context(), events(3)))

	require.NoError(t, s.Ensure(soon(t), want))
	b.stop()
	require.NoError(t, b.start())
	s, err = nats.New(b.connect(t), nil)
	require.NoError(t, err)
	require.NoError(t, s.Ensure(soon(t), want), "also after a restart")

	stream := streamOf(t, b.connect(t))
	is := stream.CachedInfo().Config
	assert.Equal(t, jetstream.FileStorage, is.Storage)
	assert.Equal(t, 2*time.Minute, is.Duplicates)
	assert.Equal(t, []string{"platform.>"}, is.Subjects)
	assert.Zero(t, is.MaxAge)
	assert.Len(t, messages(t, stream), 3)
}

func TestAStreamThatIsThereIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	s, stream := open(t, alone(t.TempDir())).sink(t, nil)
	before := stream.CachedInfo().Config
	for _, want := range []nats.Stream{
		{Name: "events", Replicas: 1, Keep: time.Hour}, {Name: "events", Replicas: 1, Duplicates: time.Second},
		{Name: "events", Replicas: 1, Subjects: []string{"platform.*.order.>"}},
	} {
		err := s.Ensure(soon(t), want)
		require.ErrorIs(t, err, nats.ErrDiffers)
		assert.ErrorContains(t, err, "File, 1 replicas, subjects [platform.>], keep 0s, duplicates 1h0m0s", "it says what is there")
	}
	after, err := stream.Info(soon(t))
	require.NoError(t, err)
	assert.Equal(t, before, after.Config)
}

func TestAStreamThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	s, _ := open(t, alone(t.TempDir())).sink(t, nil)
	for _, c := range []struct {
		want nats.Stream
		says string
	}{
		{nats.Stream{Name: "others", Replicas: 1}, "overlap"},
		{nats.Stream{Name: "others", Subjects: []string{"others.>"}}, "replicas"},
		{nats.Stream{Name: "a.b", Replicas: 1}, "name"},
		{nats.Stream{Name: "others", Replicas: 1, Subjects: []string{"a..b"}}, ""},
	} {
		err := s.Ensure(soon(t), c.want)
		require.ErrorIs(t, err, nats.ErrRefused)
		assert.ErrorContains(t, err, c.says)
	}
}

func TestAGroupOfSlotsMayHaveAStreamOfItsOwn(t *testing.T) {
	t.Parallel()
	conn := open(t, alone(t.TempDir())).connect(t)
	s, err := nats.New(conn, nil)
	require.NoError(t, err)
	require.NoError(t, s.Ensure(soon(t), nats.Stream{Name: "rest", Replicas: 1, Subjects: []string{"platform.00.>", "platform.02.>"}}))
	require.NoError(t, s.Ensure(soon(t), nats.Stream{Name: "events", Replicas: 1, Subjects: []string{"platform.01.>"}, Keep: time.Minute}))

	require.NoError(t, s.Publish(t.Context(), eventsFrom(250, 20)))

	assert.Len(t, messages(t, streamOf(t, conn)), 14)
}

func TestAStreamNeedsABrokerWithJetStream(t *testing.T) {
	t.Parallel()
	o := alone(t.TempDir())
	o.JetStream = false
	b := open(t, o)
	s, err := nats.New(b.connect(t), nil)
	require.NoError(t, err)
	require.ErrorIs(t, s.Ensure(soon(t), nats.Stream{Replicas: 1}), nats.ErrNoStream)

	over, end := context.WithCancel(t.Context())
	end()
	err = s.Ensure(over, nats.Stream{Replicas: 1})
	require.ErrorIs(t, err, nats.ErrUnreachable)
	assert.ErrorIs(t, err, context.Canceled)
}

// TestOnlyABrokerThatIsSeenToSyncAlwaysIsSilent, and one warning is enough.
func TestOnlyABrokerThatIsSeenToSyncAlwaysIsSilent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, config string
		user         string // of System; if empty, there is none
		warnings     int
	}{
		{"always, and seen", "jetstream { sync_interval: always }", "sys", 0},
		{"always, but not seen", "jetstream { sync_interval: always }", "", 1},
		{"always, but asked by nobody who may", "jetstream { sync_interval: always }", "app", 1},
		{"by default", "jetstream: enabled", "sys", 1},
		{"often", "jetstream { sync_interval: 1s }", "sys", 1},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			b := open(t, configured(t, accounts+c.config))
			var text bytes.Buffer
			o := &nats.Options{Log: slog.New(slog.NewTextHandler(&text, nil))}
			if c.user != "" {
				o.System = b.connect(t, client.UserInfo(c.user, c.user))
			}
			s, err := nats.New(b.connect(t), o)
			require.NoError(t, err)

			for range 2 {
				require.NoError(t, s.Ensure(soon(t), nats.Stream{Replicas: 1}))
			}

			assert.Equal(t, c.warnings, strings.Count(text.String(), "sync_interval: always"), text.String())
			if c.warnings > 0 {
				assert.Contains(t, text.String(), "alone", "it names the server")
			}
		})
	}
}
