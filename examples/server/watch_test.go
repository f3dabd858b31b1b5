package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
)

var sample = regexp.MustCompile(`(?m)^((?:store|relay|audit)_\w+) (\S+)$`)

// figures are the engine's metrics as they stand.
func (w *world) figures() map[string]float64 {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.base+"/metrics", nil)
	require.NoError(w.t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(w.t, err)
	all := map[string]float64{}
	for _, m := range sample.FindAllSubmatch(text, -1) {
		all[string(m[1])], err = strconv.ParseFloat(string(m[2]), 64)
		require.NoError(w.t, err)
	}
	return all
}

type gone struct{}

func (gone) Publish(context.Context, []platform.Event) error { return store.ErrHopeless }

// TestMetricsShowTheEngineAndItsRelay, and operators what was given up.
func TestMetricsShowTheEngineAndItsRelay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Faults{})
	w.market.Follow("accounts", gone{})
	before := w.figures()
	w.paid()
	after := w.figures()
	assert.InDelta(t, before["store_sets_total"]+3, after["store_sets_total"], 0, "placed, and paid in two steps")
	assert.Positive(t, after["relay_fresh_events"])
	assert.Contains(t, after, "relay_lag_seconds")
	require.ErrorIs(t, w.market.Relay(t.Context()), store.ErrParked)
	after = w.figures()
	assert.Zero(t, after["relay_fresh_events"])
	parked := after["relay_parked_deliveries"]
	assert.Positive(t, parked)

	page := w.get("operator", "/v1/deliveries/parked?limit=1").body
	first := page["items"].([]any)[0].(object)
	require.NotEmpty(t, page["next"])
	assert.Equal(t, "accounts", first["sink"])
	assert.Equal(t, "sink.hopeless", first["last"])
	at := "/v1/deliveries/" + first["event"].(string)
	for who, status := range map[string]int{"": 401, "customer": 403, "merchant": 403, "staff": 403} {
		assert.Equal(t, status, w.call(who, "GET", "/v1/deliveries/parked", nil).status, who)
		assert.Equal(t, status, w.call(who, "POST", at+"/discard", object{"sink": "accounts", "reason": "sink_gone"}, "Idempotency-Key", "d0"+who).status, who)
	}
	for _, r := range together(8, func(int) reply {
		return w.call("operator", "POST", at+"/discard", object{"sink": "accounts", "reason": "sink_gone"}, "Idempotency-Key", "d1")
	}) {
		assert.Equal(t, 200, r.status, "%s", r.raw)
	}
	r := w.call("operator", "POST", at+"/resend", object{"sink": "accounts"}, "Idempotency-Key", "d2")
	assert.Equal(t, "delivery.not_parked", r.code)
	assert.Equal(t, 409, r.status)
	assert.InDelta(t, parked-1, w.figures()["relay_parked_deliveries"], 0)
}

func TestEachCallOfTheStoreIsASpan(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	m, err := market.Open(traced{memory.New(market.Kinds(), nil), provider.Tracer("test")}, nil)
	require.NoError(t, err)
	cast, err := m.Demo(t.Context())
	require.NoError(t, err)
	_, err = m.Orders.Order(platform.As(t.Context(), cast.Operator), platform.NewID("ord", time.Now(), 1, 1))
	require.ErrorIs(t, err, platform.ErrNotFound)

	seen := map[string]int{}
	var last sdktrace.ReadOnlySpan
	for _, s := range spans.Ended() {
		seen[s.Name()]++
		if s.Name() == "store.get" {
			last = s
		}
	}
	assert.Positive(t, seen["store.commit"])
	assert.Positive(t, seen["store.scan"])
	require.NotNil(t, last)
	assert.Equal(t, "order.not_found", last.Status().Description, "a code, and no text of an error")
}
