package risk

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

var (
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	operator = platform.Actor{ID: "opr-1", Kind: platform.Operator}
	auditor  = platform.Actor{ID: "aud-1", Kind: platform.Auditor}
	customer = platform.Actor{ID: "cus-1", Kind: platform.Customer}
	duty     = platform.Ref{Kind: "role", ID: "duty"}
	head     = platform.Ref{Kind: "role", ID: "head_of_risk"}
)

func bound(fire, safe string) Bound {
	return Bound{Fire: decimal.RequireFromString(fire), Recover: decimal.RequireFromString(safe)}
}

// refunds warns from 10 % on until 5 %, and is critical from 20 % on until 15 %.
func refunds(change ...func(*Indicator)) Indicator {
	critical := bound("0.20", "0.15")
	i := Indicator{
		Name: "refund_rate", Metric: "refund.requested/order.completed", Owner: "care", Direction: Above,
		Warn: bound("0.10", "0.05"), Critical: &critical, Least: 10,
	}
	for _, f := range change {
		f(&i)
	}
	return i
}

// dial is a meter that is turned by hand.
type dial struct {
	mu   sync.Mutex
	n, d int64
	err  error
}

func (m *dial) turn(n, d int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n, m.d, m.err = n, d, err
}

func (m *dial) Measure(context.Context, string, time.Time, time.Time) (int64, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n, m.d, m.err
}

// bell is a notifier that drops what it has sent under a key before.
type bell struct {
	mu   sync.Mutex
	rung map[string]string
	to   map[string][]platform.Ref
	err  error
}

func (b *bell) Notify(ctx context.Context, to []platform.Ref, key, text string) error {
	if platform.Deciding(ctx) {
		return errors.New("called inside a decision")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.rung[key], b.to[key] = text, to
	return nil
}

func (b *bell) texts() (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.rung {
		all = append(all, t)
	}
	return all
}

// house is a service over a memory store with a clock moved by hand.
type house struct {
	*Service
	db    *memory.DB
	dial  *dial
	bell  *bell
	mu    sync.Mutex
	clock time.Time
}

func opened(t testing.TB, change ...func(*Indicator)) *house {
	t.Helper()
	h := &house{
		db: memory.New(Kinds(), nil), clock: noon, dial: &dial{d: 100},
		bell: &bell{rung: map[string]string{}, to: map[string][]platform.Ref{}},
	}
	opts := &Options{
		Indicators: []Indicator{refunds(change...)},
		Routes:     []Route{{Level: Critical, Calls: []platform.Ref{head, duty}}, {Indicator: "refund_rate", Level: Warning, Calls: []platform.Ref{duty}}},
	}
	s, err := New(platform.Writer{Store: h.db, Now: h.now}, StoreOn(h.db), Ports{Meter: h.dial, Notifier: h.bell}, opts)
	require.NoError(t, err)
	h.Service = s
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

// run ticks once a minute, with the refunds of a hundred sales at that number.
func (h *house) run(t testing.TB, minutes int, refunds int64) {
	t.Helper()
	h.dial.turn(refunds, 100, nil)
	for range minutes {
		h.minute(t)
	}
}

func (h *house) minute(t testing.TB) {
	t.Helper()
	h.mu.Lock()
	h.clock = h.clock.Add(time.Minute)
	h.mu.Unlock()
	_, err := h.Tick(context.Background(), h.now(), 0)
	require.NoError(t, err)
}

func as(by platform.Actor) context.Context { return platform.As(context.Background(), by) }

func (h *house) alerts(t testing.TB, state State) []Alert {
	t.Helper()
	page, err := h.Alerts(as(operator), state, "", 0)
	require.NoError(t, err)
	return page.Items
}

// firing is the only alert once refunds were at 12 % for long enough.
func (h *house) firing(t testing.TB) Alert {
	t.Helper()
	h.run(t, 6, 12)
	all := h.alerts(t, AlertFiring)
	require.Len(t, all, 1)
	return all[0]
}
