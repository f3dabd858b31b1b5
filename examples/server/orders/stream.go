package orders

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
)

// heartbeat keeps proxies from closing a quiet stream.
const heartbeat = 15 * time.Second

// Stream sends an order's events as they happen (server-sent events): those so
// far at once, each once. It is a sink of the relay, which tells it that there
// is something new; what that is it reads from the store.
type Stream struct {
	market *market.Market
	mu     sync.Mutex
	news   map[platform.Ref]chan struct{} // closed when the subject has new events
	ended  context.Context
}

// NewStream is a stream that ends its connections when ctx ends.
func NewStream(ctx context.Context, m *market.Market) *Stream {
	return &Stream{market: m, news: map[platform.Ref]chan struct{}{}, ended: ctx}
}

// Publish wakes the streams of the events' subjects.
func (s *Stream) Publish(_ context.Context, events []platform.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		if wake, waiting := s.news[e.Subject]; waiting {
			close(wake)
			delete(s.news, e.Subject)
		}
	}
	return nil
}

// wake is closed with the subject's next event.
func (s *Stream) wake(subject platform.Ref) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.news[subject] == nil {
		s.news[subject] = make(chan struct{})
	}
	return s.news[subject]
}

// ServeHTTP answers GET /v1/orders/{id}/events.
func (s *Stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o, err := s.market.Orders.Order(r.Context(), platform.ID(r.PathValue("id")))
	if err != nil {
		edge.Refuse(w, r, err)
		return
	}
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // a stream has no end of its own
	w.Header().Set("Content-Type", "text/event-stream")
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	sent := map[platform.ID]bool{}
	if last := platform.ID(r.Header.Get("Last-Event-ID")); last != "" {
		s.skip(r.Context(), o.Ref(), last, sent)
	}
	for {
		wake := s.wake(o.Ref())
		if s.send(r.Context(), w, o.Ref(), sent) != nil || out.Flush() != nil {
			return
		}
		select {
		case <-wake:
		case <-beat.C:
			if _, err := fmt.Fprint(w, ": still here\n\n"); err != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.ended.Done():
			return
		}
	}
}

// send writes the events that were not sent yet.
func (s *Stream) send(ctx context.Context, w http.ResponseWriter, subject platform.Ref, sent map[platform.ID]bool) error {
	return s.each(ctx, subject, func(e platform.Event) error {
		if sent[e.ID] {
			return nil
		}
		sent[e.ID] = true
		e.Actor = platform.Actor{Kind: e.Actor.Kind} // who of the other side acted is not the caller's affair
		data, err := json.Marshal(e)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "id: %s\nevent: %s\ndata: %s\n\n", e.ID, e.Type, data)
		return err
	})
}

// skip marks what a client that comes back has seen: everything up to the event
// that it names.
func (s *Stream) skip(ctx context.Context, subject platform.Ref, last platform.ID, sent map[platform.ID]bool) {
	seen := map[platform.ID]bool{}
	_ = s.each(ctx, subject, func(e platform.Event) error { // a failure sends some events twice
		seen[e.ID] = true
		if e.ID == last {
			for id := range seen {
				sent[id] = true
			}
		}
		return nil
	})
}

func (s *Stream) each(ctx context.Context, subject platform.Ref, do func(platform.Event) error) error {
	q := platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{subject}, Limit: 500}
	for {
		page, err := platform.List[platform.Event](ctx, s.market.DB, q)
		if err != nil {
			return err
		}
		for _, e := range page.Items {
			if err := do(e); err != nil {
				return err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}
