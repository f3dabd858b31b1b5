package orders

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/examples/server/edge"
)

const (
	heartbeat = 15 * time.Second // keeps proxies from closing a quiet stream
	patience  = 10 * time.Second // with a client that does not read
)

// stream sends an order's events as they happen (server-sent events): those so
// far at once, each once. It is a sink of the relay, which tells it that there
// is something new; what that is it reads from the store.
type stream struct {
	market    *market.Market
	ended     <-chan struct{} // closed, it ends the connections
	mu        sync.Mutex
	listeners map[platform.Ref]map[chan struct{}]bool
}

// mountStream adds GET /v1/orders/{id}/events; the streams end when ctx does.
func mountStream(ctx context.Context, api huma.API, m *market.Market) {
	s := &stream{market: m, ended: ctx.Done(), listeners: map[platform.Ref]map[chan struct{}]bool{}}
	m.Follow("streams", s)
	text := &huma.Schema{Type: "string"}
	edge.Raw(api, huma.Operation{
		OperationID: "get-orders-id-events", Method: http.MethodGet, Path: "/v1/orders/{id}/events", Tags: []string{"orders"},
		Summary: "The order's events so far, and each new one as it happens", Security: []map[string][]string{{"bearer": {}}},
		Parameters: []*huma.Param{
			{Name: "id", In: "path", Required: true, Schema: text, Description: "The order's id."},
			{Name: "Last-Event-ID", In: "header", Schema: text, Description: "The last event that the client saw; the stream goes on after it."},
		},
		Responses: map[string]*huma.Response{"200": {Description: "Server-sent events", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: text}}}},
		Errors:    []int{401, 404, 422, 429, 503},
	}, s)
}

// Publish wakes the streams of the events' subjects.
func (s *stream) Publish(_ context.Context, events []platform.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		for wake := range s.listeners[e.Subject] {
			select {
			case wake <- struct{}{}:
			default: // it has not come round to the last one yet
			}
		}
	}
	return nil
}

// listen gives a channel that wakes when the subject has news, until leave.
func (s *stream) listen(subject platform.Ref) (wake chan struct{}, leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wake = make(chan struct{}, 1)
	if s.listeners[subject] == nil {
		s.listeners[subject] = map[chan struct{}]bool{}
	}
	s.listeners[subject][wake] = true
	return wake, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if delete(s.listeners[subject], wake); len(s.listeners[subject]) == 0 {
			delete(s.listeners, subject)
		}
	}
}

// ServeHTTP streams until the client leaves, or may see the order no more.
func (s *stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, id := r.Context(), platform.ID(r.PathValue("id"))
	o, err := s.market.Orders.Order(ctx, id)
	if err != nil {
		edge.Refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	wake, leave := s.listen(o.Ref())
	defer leave()
	sent := map[platform.ID]bool{}
	if last := platform.ID(r.Header.Get("Last-Event-ID")); last != "" {
		s.skip(ctx, o.Ref(), last, sent)
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	news := func() error { return s.send(ctx, w, o.Ref(), sent) }
	for next := news; err == nil && flushed(w, next) == nil; {
		select {
		case <-wake:
			_, err = s.market.Orders.Order(ctx, id)
			next = news
		case <-beat.C:
			next = func() error { _, err := io.WriteString(w, ": still here\n\n"); return err }
		case <-ctx.Done():
			return
		case <-s.ended:
			return
		}
	}
}

// flushed writes and flushes, for as long as patience has it. A stream has no
// end of its own, so that the server's time-out does not hold for it.
func flushed(w http.ResponseWriter, write func() error) error {
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Now().Add(patience)) // not there in tests without a connection
	if err := write(); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_ = out.SetWriteDeadline(time.Time{})
	return nil
}

// send writes the events that were not sent yet.
func (s *stream) send(ctx context.Context, w io.Writer, subject platform.Ref, sent map[platform.ID]bool) error {
	all, err := s.events(ctx, subject)
	if err != nil {
		return err
	}
	for _, e := range all {
		if sent[e.ID] {
			continue
		}
		sent[e.ID] = true
		e.Actor = platform.Actor{Kind: e.Actor.Kind} // who of the other side acted is not the caller's affair
		data, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "id: %s\nevent: %s\ndata: %s\n\n", e.ID, e.Type, data); err != nil {
			return err
		}
	}
	return nil
}

// skip marks what a client that comes back has seen: everything up to the event
// that it names.
func (s *stream) skip(ctx context.Context, subject platform.Ref, last platform.ID, sent map[platform.ID]bool) {
	all, _ := s.events(ctx, subject) // a failure sends some events twice
	named := slices.IndexFunc(all, func(e platform.Event) bool { return e.ID == last })
	for _, e := range all[:named+1] {
		sent[e.ID] = true
	}
}

// events are those of the subject so far, in the order in which they happened;
// ids of one millisecond are in none.
func (s *stream) events(ctx context.Context, subject platform.Ref) (all []platform.Event, err error) {
	q := platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{subject}, Limit: 500}
	for {
		page, err := platform.List[platform.Event](ctx, s.market.DB, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b platform.Event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}
