package nats_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/nats"
)

func ExampleNew() {
	url, stop := serve()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := client.Connect(url, client.MaxReconnects(-1), client.Timeout(10*time.Second))
	if err != nil {
		return
	}
	defer conn.Close()
	sink, err := nats.New(conn, nil)
	if err != nil {
		return
	}
	if err := sink.Ensure(ctx, nats.Stream{Replicas: 1}); err != nil {
		return // says what to do
	}
	db := memory.New(nil, nil)
	relay := &store.Relay{Outbox: db, Sinks: map[string]store.Sink{"nats": sink}}
	fmt.Println(relay.Drain(ctx)) // a server hands the relay to platform.Run
	// Output: 0 <nil>
}

// award is what a consumer makes of an order that was completed.
type award struct {
	platform.Head
	Order platform.Ref `json:"order" class:"internal"`
}

func (a award) Ref() platform.Ref { return platform.Ref{Kind: "award", ID: a.ID} }

// A consumer gives its command in the event's inbox and acknowledges when that is
// durable: a message that comes again has no second effect.
func Example_consumer() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	stream, stop := completed(ctx)
	defer stop()
	db := memory.New([]platform.Kind{platform.Shape[award]{Name: "award", Prefix: "awd"}.Kind()}, nil)
	writer := platform.Writer{Store: db}.Ready()
	take := func(message []byte) error {
		var e struct {
			ID      platform.ID
			Subject platform.Ref
		}
		if err := json.Unmarshal(message, &e); err != nil {
			return err
		}
		ctx := store.Inbox(ctx, "loyalty", platform.Event{ID: e.ID})
		_, err := platform.Update(ctx, writer, struct{ Order platform.Ref }{e.Subject}, func(ctx context.Context) (award, []platform.Change, error) {
			a := award{Head: platform.Head{ID: writer.NewRoot(ctx, "awd")}, Order: e.Subject}
			return a, []platform.Change{platform.Put(a), platform.Happened("award.given", a.Ref(), nil)}, nil
		})
		return err
	}

	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "loyalty", FilterSubject: "platform.*.order.completed"})
	if err != nil {
		return
	}
	for _, acknowledge := range []func(jetstream.Msg) error{jetstream.Msg.Nak, jetstream.Msg.Ack} { // as if the first were lost
		m, err := consumer.Next()
		if err != nil {
			return
		}
		fmt.Println(m.Subject(), take(m.Data()), acknowledge(m))
	}
	awards, err := platform.List[platform.Event](ctx, db, platform.Query{Kind: "event", By: []string{"type", "id"}, Equal: []any{"award.given"}})
	fmt.Println(len(awards.Items), err)
	// Output:
	// platform.00.order.completed <nil> <nil>
	// platform.00.order.completed <nil> <nil>
	// 1 <nil>
}

// serve is a broker of an example, and its end.
func serve() (url string, stop func()) {
	dir := must(os.MkdirTemp("", "nats"))
	b := &broker{opts: alone(dir)}
	if err := b.start(); err != nil {
		panic(err)
	}
	return b.runs.Load().ClientURL(), func() {
		b.stop()
		_ = os.RemoveAll(dir)
	}
}

// completed is a stream with one event of an order.
func completed(ctx context.Context) (stream jetstream.Stream, stop func()) {
	url, end := serve()
	conn := must(client.Connect(url, client.MaxReconnects(-1), client.Timeout(time.Minute)))
	sink := must(nats.New(conn, nil))
	if err := sink.Ensure(ctx, kept); err != nil {
		panic(err)
	}
	if err := sink.Publish(ctx, []platform.Event{event(1)}); err != nil {
		panic(err)
	}
	return must(must(jetstream.New(conn)).Stream(ctx, kept.Name)), func() {
		conn.Close()
		end()
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
