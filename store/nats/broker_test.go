package nats_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/store/nats"
)

// broker is a server in this process, on a port that nobody uses, which can be
// stopped and started again: clients that dial through it find the new one.
type broker struct {
	opts server.Options
	runs atomic.Pointer[server.Server]
}

// soon is a ctx with all the time that a busy machine needs.
func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

var errStopped = errors.New("the broker is stopped")

// alone are the settings of a server that syncs always.
func alone(dir string) server.Options {
	return server.Options{
		ServerName: "alone", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: dir, SyncAlways: true, MaxPayload: 64 << 10,
	}
}

// accounts are the system's and the one of everybody who does not say who it is.
const accounts = `
	accounts {
	  SYS { users: [{user: sys, password: sys}] }
	  APP { jetstream: enabled, users: [{user: app, password: app}] }
	}
	system_account: SYS
	no_auth_user: app
	`

// configured is a server with a configuration as its documentation has it.
func configured(t testing.TB, text string) server.Options {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "nats.conf")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	o, err := server.ProcessConfigFile(file)
	require.NoError(t, err)
	o.ServerName, o.Host, o.Port, o.NoLog, o.NoSigs, o.StoreDir = "alone", "127.0.0.1", server.RANDOM_PORT, true, true, dir
	return *o
}

func open(t testing.TB, o server.Options) *broker {
	t.Helper()
	b := &broker{opts: o}
	require.NoError(t, b.start())
	t.Cleanup(b.stop)
	return b
}

func (b *broker) start() error {
	o := b.opts
	s, err := server.NewServer(&o)
	if err != nil {
		return err
	}
	go s.Start()
	if !s.ReadyForConnections(time.Minute) {
		s.Shutdown()
		s.WaitForShutdown()
		return errors.New("the broker does not start")
	}
	b.runs.Store(s)
	return nil
}

func (b *broker) stop() {
	if s := b.runs.Swap(nil); s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// Dial ignores the address, since each start has another.
func (b *broker) Dial(network, _ string) (net.Conn, error) {
	s := b.runs.Load()
	if s == nil {
		return nil, errStopped
	}
	return net.Dial(network, s.Addr().String())
}

// connect is a connection that outlives restarts.
func (b *broker) connect(t testing.TB, opts ...client.Option) *client.Conn {
	t.Helper()
	conn, err := client.Connect("nats://127.0.0.1:1", append([]client.Option{
		client.SetCustomDialer(b), client.Timeout(time.Minute), client.MaxReconnects(-1), client.ReconnectWait(10 * time.Millisecond), client.ReconnectJitter(0, 0), client.IgnoreDiscoveredServers(),
		client.ErrorHandler(func(*client.Conn, *client.Subscription, error) {}), // by default it prints
	}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return conn
}

// kept is a stream on a broker that stands alone. It knows repeats for as long as
// a test may take.
var kept = nats.Stream{Name: "events", Replicas: 1, Duplicates: time.Hour}

// sink is one over a new connection, with its stream.
func (b *broker) sink(t testing.TB, o *nats.Options) (*nats.Sink, jetstream.Stream) {
	t.Helper()
	conn := b.connect(t)
	s, err := nats.New(conn, o)
	require.NoError(t, err)
	require.NoError(t, s.Ensure(soon(t), kept))
	return s, streamOf(t, conn)
}

func streamOf(t testing.TB, conn *client.Conn) jetstream.Stream {
	t.Helper()
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	stream, err := js.Stream(soon(t), "events")
	require.NoError(t, err)
	return stream
}

// messages are all that a stream holds, in its order.
func messages(t testing.TB, stream jetstream.Stream) (all []*jetstream.RawStreamMsg) {
	t.Helper()
	ctx := soon(t)
	info, err := stream.Info(ctx)
	require.NoError(t, err)
	for i := info.State.FirstSeq; i <= info.State.LastSeq; i++ {
		m, err := stream.GetMsg(ctx, i)
		require.NoError(t, err)
		all = append(all, m)
	}
	return all
}

// arrived are the messages by their ids. A message that comes again must be the
// same.
func arrived(t testing.TB, stream jetstream.Stream) map[string]*jetstream.RawStreamMsg {
	t.Helper()
	all := map[string]*jetstream.RawStreamMsg{}
	for _, m := range messages(t, stream) {
		id := m.Header.Get(jetstream.MsgIDHeader)
		if first := all[id]; first != nil {
			assert.Equal(t, first.Subject, m.Subject)
			assert.Equal(t, string(first.Data), string(m.Data))
		}
		all[id] = m
	}
	return all
}
