package nats_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/nats"
)

// gate keeps the address of a broker's routes, whose own port changes with each
// start: so no port is named before it is taken.
type gate struct {
	net.Listener
	to    *broker
	flows sync.WaitGroup
}

func (g *gate) serve() {
	for {
		in, err := g.Accept()
		if err != nil {
			return
		}
		out, err := g.dial()
		if err != nil {
			_ = in.Close()
			continue
		}
		for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
			g.flows.Go(func() {
				_, _ = io.Copy(way[0], way[1])
				_ = way[0].Close()
				_ = way[1].Close()
			})
		}
	}
}

func (g *gate) dial() (net.Conn, error) {
	if s := g.to.runs.Load(); s != nil && s.ClusterAddr() != nil {
		return net.Dial("tcp", s.ClusterAddr().String())
	}
	return nil, errStopped
}

// cluster is three brokers, n1 to n3. Clients that dial through it find them at
// ports 1 to 3.
type cluster [3]*broker

func openCluster(t testing.TB, settings func(i int) server.Options) (c cluster) {
	t.Helper()
	var gates [3]*gate
	var served sync.WaitGroup
	for i := range c {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		c[i] = &broker{opts: settings(i)}
		gates[i] = &gate{Listener: listener, to: c[i]}
		served.Go(gates[i].serve)
	}
	t.Cleanup(func() {
		for i, b := range c {
			_ = gates[i].Close()
			b.stop()
		}
		served.Wait()
		for _, g := range gates {
			g.flows.Wait()
		}
	})
	var started sync.WaitGroup
	for i, b := range c {
		b.opts.ServerName = fmt.Sprintf("n%d", i+1)
		b.opts.Cluster = server.ClusterOpts{Name: "market", Host: "127.0.0.1", Port: server.RANDOM_PORT, Advertise: gates[i].Addr().String()}
		for _, g := range gates {
			b.opts.Routes = append(b.opts.Routes, &url.URL{Scheme: "nats-route", Host: g.Addr().String()})
		}
		started.Go(func() { assert.NoError(t, b.start()) })
	}
	started.Wait()
	return c
}

// Dial finds a broker by its port.
func (c cluster) Dial(network, address string) (net.Conn, error) {
	return c[address[len(address)-1]-'1'].Dial(network, address)
}

// connect is a connection to the first of the named that is there.
func (c cluster) connect(t testing.TB, names ...string) *client.Conn {
	t.Helper()
	o := client.GetDefaultOptions()
	for _, name := range names {
		o.Servers = append(o.Servers, "nats://127.0.0.1:"+name[1:])
	}
	o.NoRandomize, o.MaxReconnect, o.ReconnectWait, o.Timeout, o.IgnoreDiscoveredServers, o.CustomDialer = true, -1, 10*time.Millisecond, time.Minute, true, c
	o.AsyncErrorCB = func(*client.Conn, *client.Subscription, error) {}
	conn, err := o.Connect()
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return conn
}

// sink is one over a connection to n1, with a stream on all three.
func (c cluster) sink(t testing.TB, o *nats.Options) (*nats.Sink, jetstream.Stream) {
	t.Helper()
	conn := c.connect(t, "n1", "n2", "n3")
	s, err := nats.New(conn, o)
	require.NoError(t, err)
	three := nats.Stream{Name: "events", Duplicates: time.Hour}
	require.Eventually(t, func() bool { return s.Ensure(t.Context(), three) == nil }, time.Minute, 50*time.Millisecond)
	return s, streamOf(t, conn)
}

// leader is the name of the stream's leader, once there is one.
func leader(t *testing.T, stream jetstream.Stream) (name string) {
	t.Helper()
	require.Eventually(t, func() bool {
		info, err := stream.Info(t.Context())
		if err == nil && info.Cluster != nil {
			name = info.Cluster.Leader
		}
		return name != ""
	}, time.Minute, 50*time.Millisecond)
	return name
}

// nightly is for tests that take long.
func nightly(t *testing.T) {
	t.Helper()
	if os.Getenv("PLATFORM_NIGHTLY") != "1" {
		t.Skip("three brokers run with PLATFORM_NIGHTLY=1")
	}
}

func TestEveryBrokerOfAStreamIsAskedHowItSyncs(t *testing.T) {
	nightly(t)
	c := openCluster(t, func(i int) server.Options {
		return configured(t, accounts+[]string{"jetstream { sync_interval: always }", "jetstream { sync_interval: always }", "jetstream: enabled"}[i])
	})
	var text bytes.Buffer

	c.sink(t, &nats.Options{System: c[0].connect(t, client.UserInfo("sys", "sys")), Log: slog.New(slog.NewTextHandler(&text, nil))})

	assert.Contains(t, text.String(), "servers=[n3]")
}

// TestALeaderThatStopsWhileEventsAreHandedOver costs no event, whether the sink
// was connected to it or to another, and it catches up when it is back.
func TestALeaderThatStopsWhileEventsAreHandedOver(t *testing.T) {
	nightly(t)
	for _, near := range []bool{true, false} {
		t.Run(fmt.Sprintf("connected to it %v", near), func(t *testing.T) {
			m := newMarket(t)
			m.say(500, 6)
			c := openCluster(t, func(int) server.Options { return alone(t.TempDir()) })
			_, stream := c.sink(t, nil)
			lead := leader(t, stream)
			names := slices.DeleteFunc([]string{"n1", "n2", "n3"}, func(name string) bool { return name == lead })
			if near {
				names = slices.Insert(names, 0, lead)
			}
			conn := c.connect(t, names...)
			s, err := nats.New(conn, nil)
			require.NoError(t, err)
			stopped := c[lead[1]-'1']
			var stop sync.WaitGroup
			calls, failures := 0, 0
			meddled := sinkFunc(func(ctx context.Context, events []platform.Event) error {
				if calls++; calls == 3 {
					stop.Go(stopped.stop)
				} else {
					stop.Wait()
				}
				err := s.Publish(ctx, events)
				if err != nil {
					failures++
				}
				return err
			})

			m.settle(m.relay(meddled), conn)

			t.Logf("%d of %d hand-overs failed", failures, calls)
			require.NoError(t, stopped.start())
			stream = streamOf(t, conn)
			assert.ElementsMatch(t, m.ids, keys(arrived(t, stream)))
			require.Eventually(t, func() bool {
				info, err := stream.Info(t.Context())
				return err == nil && info.Cluster != nil && len(info.Cluster.Replicas) == 2 &&
					!slices.ContainsFunc(info.Cluster.Replicas, func(p *jetstream.PeerInfo) bool { return !p.Current })
			}, time.Minute, 50*time.Millisecond)
		})
	}
}
