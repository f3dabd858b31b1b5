package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
)

// world is a server on a clock of its own, spoken to over HTTP.
type world struct {
	*app
	t    *testing.T
	base string
	now  atomic.Int64 // the virtual clock, in microseconds
	keys atomic.Int64

	heard func(path string, answer []byte) // of every answer, if not nil
}

func newWorld(t *testing.T, faults sandbox.Faults) *world {
	t.Helper()
	return newWorldWith(t, faults, slog.DiscardHandler, func(*market.Options) {})
}

// newWorldWith opens the market with a log and options of the test's own.
func newWorldWith(t *testing.T, faults sandbox.Faults, log slog.Handler, set func(*market.Options)) *world {
	t.Helper()
	o := market.Options{Sandbox: sandbox.Options{Seed: 7, Faults: faults}}
	set(&o)
	return worldOn(t, memory.New(market.Kinds(), nil), o, slog.New(log))
}

func worldOn(t *testing.T, db store.Engine, o market.Options, log *slog.Logger) *world {
	t.Helper()
	w := &world{t: t}
	w.now.Store(time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC).UnixMicro())
	var handler atomic.Pointer[http.Handler]
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) { (*handler.Load()).ServeHTTP(out, r) }))
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); server.Close() })
	w.base = server.URL
	o.Now = func() time.Time { return time.UnixMicro(w.now.Add(1)).UTC() }
	a, err := assemble(ctx, server.URL, config{demo: true, commands: -1, reads: -1}, log, db, o, fresh)
	require.NoError(t, err)
	w.app = a
	handler.Store(&a.http.Handler)
	return w
}

// pass lets time go by, then ticks once.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	now := time.UnixMicro(w.now.Add(d.Microseconds())).UTC()
	_, err := w.market.Sandbox.Tick(w.t.Context(), now, 0)
	require.NoError(w.t, err)
	_, err = w.market.Tick(w.t.Context(), now, 0)
	require.NoError(w.t, err)
}

// reply is what the server answered.
type reply struct {
	status int
	code   string
	etag   string
	body   map[string]any
	raw    []byte
}

func (r reply) state() string { s, _ := r.body["state"].(string); return s }
func (r reply) id() platform.ID {
	s, _ := r.body["id"].(string)
	return platform.ID(s)
}

// call sends a request as one of the demo's people; headers are pairs.
func (w *world) call(who, method, path string, body any, headers ...string) reply {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			w.t.Error(err)
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(context.Background(), method, w.base+path, sent)
	if err != nil {
		w.t.Error(err)
		return reply{}
	}
	for _, p := range w.people {
		if p.name == who {
			r.Header.Set("Authorization", "Bearer "+p.token)
		}
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Error(err)
		return reply{}
	}
	defer func() { _ = answer.Body.Close() }()
	out := reply{status: answer.StatusCode, etag: answer.Header.Get("ETag")}
	out.raw, _ = io.ReadAll(answer.Body)
	if w.heard != nil {
		w.heard(path, out.raw)
	}
	_ = json.Unmarshal(out.raw, &out.body)
	out.code, _ = out.body["code"].(string)
	return out
}

// do gives a command under a key of its own and demands success.
func (w *world) do(who, path string, body any) reply {
	w.t.Helper()
	r := w.call(who, "POST", path, body, "Idempotency-Key", "key-"+strconv.FormatInt(w.keys.Add(1), 10))
	require.Less(w.t, r.status, 300, "%s %s: %s", who, path, r.raw)
	return r
}

func (w *world) get(who, path string) reply {
	w.t.Helper()
	r := w.call(who, "GET", path, nil)
	require.Equal(w.t, 200, r.status, "%s %s: %s", who, path, r.raw)
	return r
}

type object = map[string]any

func cny(amount string) object { return object{"amount": amount, "currency": "CNY"} }

func (w *world) place() platform.ID {
	w.t.Helper()
	return w.do("customer", "/v1/orders", object{"lines": []object{{"listing": w.cast.Listing, "quantity": 1}}, "total": cny("180.00")}).id()
}

func intent(id platform.ID) string {
	return "/v1/intents/" + string(payment.IntentID(platform.Ref{Kind: "order", ID: id}, "full"))
}

func (w *world) paid() platform.ID {
	w.t.Helper()
	id := w.place()
	w.do("customer", intent(id)+"/pay", object{"method": sandbox.OK})
	require.Equal(w.t, "confirmed", w.get("customer", "/v1/orders/"+string(id)).state())
	return id
}

func (w *world) started() platform.ID {
	w.t.Helper()
	id := w.paid()
	path := "/v1/orders/" + string(id)
	offers := w.do("operator", path+"/dispatch", nil).body["offers"].([]any)
	require.Len(w.t, offers, 1)
	w.do("staff", "/v1/assignments/"+offers[0].(object)["id"].(string)+"/accept", nil)
	w.do("staff", path+"/start", nil)
	return id
}

func (w *world) photo() object { return object{"proofs": w.market.Photo()} }

func (w *world) delivered() platform.ID {
	w.t.Helper()
	id := w.started()
	w.do("staff", "/v1/orders/"+string(id)+"/deliver", w.photo())
	return id
}

// order reads the record behind the API.
func (w *world) order(id platform.ID) order.Order {
	w.t.Helper()
	o, err := w.market.Orders.Order(platform.As(w.t.Context(), w.cast.Operator), id)
	require.NoError(w.t, err)
	return o
}

// sound demands that the books and the audit log verify.
func (w *world) sound() {
	w.t.Helper()
	found, err := w.market.VerifyBooks(w.t.Context())
	require.NoError(w.t, err)
	assert.Empty(w.t, found)
	balances, err := w.market.Books.TrialBalance(platform.As(w.t.Context(), w.cast.Operator))
	require.NoError(w.t, err)
	for _, b := range balances {
		assert.Equal(w.t, b.Debit, b.Credit)
	}
}

// together runs f n times at once and returns the answers.
func together(n int, f func(i int) reply) []reply {
	replies := make([]reply, n)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			replies[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return replies
}
