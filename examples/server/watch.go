package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// watched is the engine's part of /metrics. It is read when it is asked for.
type watched struct {
	db  store.Engine
	now func() time.Time
}

// figure is one metric of the engine.
type figure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(store.Stats) float64
}

func counter(name, help string, of func(store.Stats) int64) figure {
	return figure{prometheus.NewDesc(name, help, nil, nil), prometheus.CounterValue, func(s store.Stats) float64 { return float64(of(s)) }}
}

func gauge(name, help string, of func(store.Stats) int) figure {
	return figure{prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, func(s store.Stats) float64 { return float64(of(s)) }}
}

var figures = []figure{
	counter("store_sets_total", "Sets that were decided.", func(s store.Stats) int64 { return s.Sets }),
	counter("store_flushes_total", "Transactions in which sets were decided.", func(s store.Stats) int64 { return s.Flushes }),
	counter("store_refused_sets_total", "Sets refused as stale, taken or below a floor.", func(s store.Stats) int64 { return s.Refused }),
	counter("store_busy_sets_total", "Sets turned away because too many waited.", func(s store.Stats) int64 { return s.Busy }),
	counter("store_unknown_sets_total", "Sets whose fate could not be told.", func(s store.Stats) int64 { return s.Unknown }),
	counter("store_flush_retries_total", "Flushes begun again.", func(s store.Stats) int64 { return s.Retries }),
	counter("store_lost_commits_total", "Commits whose answer was lost.", func(s store.Stats) int64 { return s.Lost }),
	{
		prometheus.NewDesc("store_flush_seconds_total", "Time spent in flushes.", nil, nil), prometheus.CounterValue,
		func(s store.Stats) float64 { return s.Flushing.Seconds() },
	},
	gauge("store_waiting_sets", "Sets that wait for a flush.", func(s store.Stats) int { return s.Waiting }),
	gauge("store_open_connections", "Connections to the engine.", func(s store.Stats) int { return s.Connections.Open }),
	gauge("store_busy_connections", "Connections in use.", func(s store.Stats) int { return s.Connections.Busy }),
	gauge("store_most_connections", "Connections at most.", func(s store.Stats) int { return s.Connections.Most }),
}

// The figures of the relay end at store.Counted.
var (
	freshEvents  = prometheus.NewDesc("relay_fresh_events", "Events that no sink was offered yet.", nil, nil)
	relayLag     = prometheus.NewDesc("relay_lag_seconds", "Age of the oldest of these.", nil, nil)
	lateOnes     = prometheus.NewDesc("relay_late_deliveries", "Deliveries that one sink has still to get.", nil, nil)
	deadLetters  = prometheus.NewDesc("relay_parked_deliveries", "Deliveries that were given up.", nil, nil)
	backlogBound = 2 * time.Second // for counting
)

// Describe implements [prometheus.Collector].
func (w watched) Describe(out chan<- *prometheus.Desc) {
	for _, f := range figures {
		out <- f.desc
	}
	for _, d := range []*prometheus.Desc{freshEvents, relayLag, lateOnes, deadLetters} {
		out <- d
	}
}

// Collect implements [prometheus.Collector]. A store that does not answer leaves
// the relay's figures out.
func (w watched) Collect(out chan<- prometheus.Metric) {
	stats := w.db.Stats()
	for _, f := range figures {
		out <- prometheus.MustNewConstMetric(f.desc, f.kind, f.of(stats))
	}
	ctx, cancel := context.WithTimeout(context.Background(), backlogBound)
	defer cancel()
	b, err := w.db.Backlog(ctx)
	if err != nil {
		return
	}
	lag := time.Duration(0)
	if !b.Oldest.IsZero() {
		lag = max(0, w.now().Sub(b.Oldest))
	}
	for desc, value := range map[*prometheus.Desc]float64{
		freshEvents: float64(b.Fresh), relayLag: lag.Seconds(), lateOnes: float64(b.Late), deadLetters: float64(b.Parked),
	} {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
}

// windows are how long events could have been altered without a trace: until they
// are in the audit log.
func windows() prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "audit_window_seconds", Help: "Time from an event to its leaf in the audit log.",
		Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600, 3600},
	})
}

// traced is an engine whose calls are spans of the requests that make them.
type traced struct {
	store.Engine
	tracer trace.Tracer
}

func (t traced) span(ctx context.Context, name string, what ...attribute.KeyValue) (context.Context, trace.Span) {
	return t.tracer.Start(ctx, name, trace.WithAttributes(what...), trace.WithSpanKind(trace.SpanKindClient)) //nolint:spancheck // its callers end it
}

// ended closes a span: with the code of the error, never its text.
func ended(s trace.Span, err error) {
	if err != nil {
		s.SetStatus(codes.Error, platform.Code(err))
	}
	s.End()
}

// Get implements [platform.DB].
func (t traced) Get(ctx context.Context, refs ...platform.Ref) (records []platform.Record, err error) {
	ctx, s := t.span(ctx, "store.get", attribute.Int("store.refs", len(refs)))
	defer func() { ended(s, err) }()
	return t.Engine.Get(ctx, refs...)
}

// Scan implements [platform.DB].
func (t traced) Scan(ctx context.Context, q platform.Query) (page platform.Page[platform.Record], err error) {
	ctx, s := t.span(ctx, "store.scan", attribute.String("store.kind", q.Kind), attribute.StringSlice("store.index", q.By))
	defer func() { ended(s, err) }()
	return t.Engine.Scan(ctx, q)
}

// Commit implements [platform.DB]. The span lasts until the flush that took the
// set along is durable.
func (t traced) Commit(ctx context.Context, set platform.Set) (receipt platform.Receipt, err error) {
	ctx, s := t.span(ctx, "store.commit", attribute.Int("store.changes", len(set.Changes)))
	defer func() { ended(s, err) }()
	return t.Engine.Commit(ctx, set)
}
