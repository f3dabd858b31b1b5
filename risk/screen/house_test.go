package screen

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

var (
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	customer = platform.NewID("cus", noon, 3, 1)
	merchant = platform.NewID("mer", noon, 4, 1)
	operator = platform.Actor{ID: "opr-1", Kind: platform.Operator}
)

// house is a service over a memory store, with a clock that is moved by hand.
type house struct {
	*Service
	db    *memory.DB
	mu    sync.Mutex
	clock time.Time
	ids   atomic.Uint64
}

func opened(t testing.TB, change ...func(*Rules)) *house {
	t.Helper()
	set, err := rules(change...).Compile()
	require.NoError(t, err)
	return open(set)
}

func open(set Ruleset) *house {
	h := &house{db: memory.New(Kinds(), nil), clock: noon}
	h.Service = New(h.writer(), StoreOn(h.db), set, nil)
	return h
}

// empty is another house under the same rules.
func (h *house) empty() *house { return open(h.rules) }

// again is another service over the same store: what a restart gives.
func (h *house) again() *Service { return New(h.writer(), StoreOn(h.db), h.rules, nil) }

func (h *house) writer() platform.Writer { return platform.Writer{Store: h.db, Now: h.now} }

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

// rules block above 1,000.00 CNY and above ten attempts an hour, and ask for a
// review above 500.00 CNY in one amount or 2,000.00 CNY a day.
func rules(change ...func(*Rules)) Rules {
	r := Rules{
		Version: "7", Basis: "house rules", Owner: "risk",
		Policies: []Policy{
			{Event: "order.place", Failure: "open", StepUp: 10, Review: 20, Block: 30},
			{Event: "payment.pay", Failure: "review", Tolerate: cny("200")},
			{Event: "payout.send", Failure: "closed"},
		},
		Rules: []Rule{
			{ID: "most", Version: 1, Event: "order.place", Feature: "amount", Limits: cny("1000"), Outcome: Block},
			{ID: "high", Version: 2, Event: "order.place", Feature: "amount", Limits: cny("500"), Points: 20},
			{ID: "many", Version: 1, Event: "order.place", Feature: "count", Minutes: 60, Most: 10, Outcome: Block},
			{ID: "much", Version: 1, Event: "order.place", Feature: "sum", Minutes: 1440, Limits: cny("2000"), Points: 20},
			{ID: "paid", Version: 1, Event: "payment.pay", Feature: "amount", Limits: cny("5000"), Outcome: Block},
			{ID: "out", Version: 1, Event: "payout.send", Feature: "amount", Limits: cny("5000"), Outcome: Block},
		},
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func cny(amount string) []platform.Money {
	return []platform.Money{platform.MustMoney(amount, "CNY")}
}

// event is an order of 100.00 CNY now; change makes it what a test is about.
func (h *house) event(change ...func(*platform.Event)) platform.Event {
	n := h.ids.Add(1)
	ev := platform.Event{
		ID: platform.NewID("evt", noon, platform.Slot(n%4096), n), Type: "order.place",
		Subject: platform.Ref{Kind: "order", ID: platform.NewID("ord", noon, 5, n)}, At: h.now(),
	}
	of("100")(&ev)
	for _, f := range change {
		f(&ev)
	}
	return ev
}

func of(amount string) func(*platform.Event) {
	return func(ev *platform.Event) {
		ev.Data, _ = json.Marshal(map[string]any{"customer": customer, "merchant": merchant, "amount": platform.MustMoney(amount, "CNY"), "lines": 2})
	}
}

func data(text string) func(*platform.Event) {
	return func(ev *platform.Event) { ev.Data = []byte(text) }
}

func kindOf(name string) func(*platform.Event) { return func(ev *platform.Event) { ev.Type = name } }

// place is a command of some domain that is screened.
type place struct{ ID platform.ID }

var errBlocked = platform.Err(platform.ErrDenied, "test.blocked", "blocked", "已拦截")

// commit screens the event and carries out its command: on block the decision is
// kept and the command refused.
func commit(ctx context.Context, s *Service, w platform.Writer, ev platform.Event) (string, error) {
	outcome, changes, err := s.Screen(ctx, ev)
	if err != nil {
		return "", err
	}
	return platform.Update(platform.As(ctx, operator), w, place{ID: ev.ID}, func(context.Context) (string, []platform.Change, error) {
		if outcome == "block" {
			return outcome, changes, errBlocked
		}
		return outcome, append(changes, platform.Happened("order.placed", ev.Subject, nil)), nil
	})
}

func (h *house) commit(t testing.TB, ev platform.Event) string {
	t.Helper()
	outcome, err := commit(t.Context(), h.Service, h.writer(), ev)
	if !errors.Is(err, errBlocked) {
		require.NoError(t, err)
	}
	return outcome
}

// decided is the decision among the changes of a screening.
func decided(t testing.TB, changes []platform.Change) Decision {
	t.Helper()
	require.Equal(t, platform.Create, changes[0].Op)
	d := changes[0].Value.(Decision)
	types := []string{happened[d.Outcome]}
	if len(d.Failures) > 0 {
		types = append(types, "screen.flagged")
	}
	require.Len(t, changes, 1+len(types))
	for i, what := range types {
		require.Equal(t, what, changes[1+i].Value.(platform.Event).Type)
	}
	return d
}
