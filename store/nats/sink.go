package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

var _ store.Sink = (*Sink)(nil)

// How events are sent.
const (
	patience   = 5 * time.Second // with one acknowledgement
	inFlight   = 512
	maxSubject = 512 // bytes
	groupOf    = 256 // slots
)

// Options of a sink; nil means defaults.
type Options struct {
	Envelope store.Envelope
	Wants    func(platform.Event) bool // which events it gets; if nil, all
	Prefix   string                    // of subjects; if empty, platform
	InFlight int                       // events sent and not acknowledged, at most; if zero, 512
	System   *nats.Conn                // of the system account, by which Ensure sees how servers sync; if nil, it sees nothing
	Log      *slog.Logger              // for the warning of Ensure; if nil, nothing is logged
}

// Sink is a broker. It may be used by several goroutines at once, each with its
// own events in flight. What it holds of the connection ends with that.
type Sink struct {
	conn   *nats.Conn
	js     jetstream.JetStream
	opts   Options
	warned sync.Once
}

// New is a sink over a connection, which stays the caller's and must never give
// up: [nats.MaxReconnects] of -1. It fails with [ErrReconnect] and [ErrPrefix].
func New(conn *nats.Conn, o *Options) (*Sink, error) {
	if o == nil {
		o = &Options{}
	}
	s := &Sink{conn: conn, opts: *o}
	s.opts.Prefix = cmp.Or(o.Prefix, "platform")
	if s.opts.InFlight <= 0 {
		s.opts.InFlight = inFlight
	}
	if conn == nil || !conn.Opts.AllowReconnect || conn.Opts.MaxReconnect >= 0 {
		return nil, ErrReconnect
	}
	if s.opts.Prefix != tokens(s.opts.Prefix) || strings.HasPrefix(s.opts.Prefix, "$") || len(s.opts.Prefix) > maxSubject/2 {
		return nil, ErrPrefix
	}
	var err error
	s.js, err = jetstream.New(conn, jetstream.WithPublishAsyncTimeout(patience), jetstream.WithPublishAsyncMaxPending(math.MaxInt))
	return s, err
}

// Publish sends each event that the sink wants under the event's id, many before
// the first is acknowledged, and returns when each is. Those that are not are in
// the [store.LeftError] that it fails with, with errors of this package. It stops
// when the broker does not answer or no stream takes the events.
func (s *Sink) Publish(ctx context.Context, events []platform.Event) error {
	b := batch{left: &store.LeftError{Failed: map[platform.ID]error{}}}
	for _, e := range events {
		if s.opts.Wants != nil && !s.opts.Wants(e) {
			continue
		}
		if len(b.sent) == s.opts.InFlight {
			b.await(ctx)
		}
		if b.over || ctx.Err() != nil {
			b.left.Untried = append(b.left.Untried, e.ID)
			continue
		}
		if ack, err := s.send(e); err != nil {
			b.fail(e.ID, err)
		} else {
			b.sent = append(b.sent, sent{e.ID, ack})
		}
	}
	for len(b.sent) > 0 {
		b.await(ctx)
	}
	if len(b.left.Failed)+len(b.left.Untried) == 0 {
		return nil
	}
	return b.left
}

// send hands one event to the connection. While that is lost nothing is sent: its
// buffer would take the events, and the relay send them again into it.
func (s *Sink) send(e platform.Event) (jetstream.PubAckFuture, error) {
	if !s.conn.IsConnected() {
		return nil, fmt.Errorf("connection %s: %w", strings.ToLower(s.conn.Status().String()), ErrUnreachable)
	}
	body, err := s.opts.Envelope.Wrap(e)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrHopeless, err)
	}
	subject := fmt.Sprintf("%s.%02d.%s", s.opts.Prefix, e.ID.Slot()/groupOf, tokens(e.Type))
	if len(subject) > maxSubject {
		return nil, ErrType
	}
	ack, err := s.js.PublishMsgAsync(&nats.Msg{Subject: subject, Data: body, Header: nats.Header{
		jetstream.MsgIDHeader: {string(e.ID)},
		"Content-Type":        {store.ContentType},
	}})
	return ack, verdict(err)
}

// tokens is a text as it may stand in a subject: what may not is percent-encoded,
// and an empty token is written %. No two texts become one.
func tokens(text string) string {
	all := strings.Split(url.PathEscape(text), ".")
	for i, token := range all {
		all[i] = cmp.Or(token, "%")
	}
	return strings.Join(all, ".")
}

// batch is what is sent in one Publish.
type batch struct {
	sent []sent // and not acknowledged, oldest first
	left *store.LeftError
	over bool // nothing more is sent
}

type sent struct {
	id  platform.ID
	ack jetstream.PubAckFuture
}

// await learns what became of the oldest.
func (b *batch) await(ctx context.Context) {
	first := b.sent[0]
	b.sent = b.sent[1:]
	select {
	case <-first.ack.Ok():
	case err := <-first.ack.Err():
		b.fail(first.id, verdict(err))
	case <-ctx.Done():
		select {
		case <-first.ack.Ok(): // both were ready
		default: // cut short, which says nothing of the broker
			b.left.Untried = append(b.left.Untried, first.id)
		}
	}
}

func (b *batch) fail(id platform.ID, err error) {
	b.left.Failed[id] = fmt.Errorf("publish event %s: %w", id, err)
	b.over = b.over || errors.Is(err, ErrUnreachable) || errors.Is(err, ErrNoStream)
}

// verdict is what an error of the client or the server means.
func verdict(err error) error {
	is := func(one ...error) bool {
		return slices.ContainsFunc(one, func(of error) bool { return errors.Is(err, of) })
	}
	refused, _ := errors.AsType[*jetstream.APIError](err)
	switch {
	case err == nil:
		return nil
	case is(nats.ErrMaxPayload, jetstream.ErrStreamMessageExceedsMaximum):
		return ErrTooLarge
	case is(nats.ErrNoResponders, jetstream.ErrNoStreamResponse, jetstream.ErrJetStreamNotEnabled, jetstream.ErrJetStreamNotEnabledForAccount):
		return ErrNoStream
	case refused != nil:
		return fmt.Errorf("%w: %s", ErrRefused, refused.Description)
	case is(jetstream.ErrInvalidStreamName):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}
