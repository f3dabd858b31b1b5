package supervision_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/supervision"
	"github.com/liangding/platform/store/memory"
)

var (
	monday = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	day    = 24 * time.Hour

	supervisor = operator(1, supervision.Supervisor)
	second     = operator(2, supervision.Supervisor)
	owner      = operator(3, "finance")
	fixer      = operator(4, "finance")
	accountant = operator(5, finance.Accountant)
	auditor    = platform.Actor{ID: platform.NewID("aud", monday, 1, 6), Kind: platform.Auditor}
	system     = platform.SystemActor("test")

	alice, bob = party(1), party(2)
)

func operator(n uint64, roles ...string) platform.Actor {
	return platform.Actor{ID: platform.NewID("opr", monday, 1, n), Kind: platform.Operator, Roles: roles}
}

func party(n uint64) platform.ID { return platform.NewID("mer", monday, 2, n) }

func ref(n int) platform.Ref {
	return platform.Ref{Kind: "settlement.payout", ID: platform.NewID("pay", monday, 3, uint64(n))}
}

func cny(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

// payout is one to alice at a moment of Monday, which nothing is wrong with.
func payout(n int, change ...func(*supervision.Item)) supervision.Item {
	i := supervision.Item{
		Ref: ref(n), What: "payout", Party: alice, Amount: cny("123.45"), At: monday.Add(time.Duration(n) * time.Minute),
		Hands: []supervision.Hand{{As: supervision.Asked, By: operator(11).ID}, {As: supervision.Approved, By: operator(12).ID}, {As: supervision.Paid, By: operator(13).ID}},
	}
	for _, c := range change {
		c(&i)
	}
	return i
}

// list is a source of what happened, in pages of two.
type list[F any] struct {
	mu  sync.Mutex
	all []F
	at  func(F) time.Time // nil for what stands
	err error
}

func (l *list[F]) Facts(_ context.Context, w supervision.Window, cursor string) (page platform.Page[F], err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return page, l.err
	}
	var within []F
	for _, f := range l.all {
		if l.at == nil || !l.at(f).Before(w.From) && l.at(f).Before(w.Until) {
			within = append(within, f)
		}
	}
	from, _ := strconv.Atoi(cursor)
	until := min(from+2, len(within))
	if page.Items = within[from:until]; until < len(within) {
		page.Next = strconv.Itoa(until)
	}
	return page, nil
}

func (l *list[F]) set(all ...F) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = all
}

// world is supervision over a store in memory, with sources that a test fills.
type world struct {
	*supervision.Service
	db      *memory.DB
	clock   *time.Time
	items   *list[supervision.Item]
	waiting *list[supervision.Waiting]
	pairs   *list[supervision.Pair]
	payees  *list[supervision.Payee]
	lines   *list[supervision.Line]
	prices  *list[supervision.Price]
	books   finance.Books
	closed  map[string]string
	units   []supervision.Unit
	booked  map[platform.ID][]platform.Leg
}

func newWorld(t *testing.T, change ...func(*supervision.Ports, *supervision.Options)) *world {
	t.Helper()
	now := monday
	v := &world{
		db: memory.New(append(supervision.Kinds(), finance.Kinds()...), nil), clock: &now, closed: map[string]string{}, booked: map[platform.ID][]platform.Leg{},
		items:   &list[supervision.Item]{at: func(i supervision.Item) time.Time { return i.At }},
		waiting: &list[supervision.Waiting]{},
		pairs:   &list[supervision.Pair]{at: func(p supervision.Pair) time.Time { return p.At }},
		payees:  &list[supervision.Payee]{},
		lines:   &list[supervision.Line]{},
		prices:  &list[supervision.Price]{at: func(p supervision.Price) time.Time { return p.At }},
	}
	clock := func() time.Time { return *v.clock }
	v.books = finance.Books{Store: finance.StoreOn(v.db), Now: clock}
	p := supervision.Ports{
		Items: v.items, Waiting: v.waiting, Pairs: v.pairs, Payees: v.payees, Lines: v.lines, Prices: v.prices,
		Books: v.books, Closes: v, Population: v, Records: v, Journals: v, Sections: v,
	}
	o := supervision.Options{}
	for _, c := range change {
		c(&p, &o)
	}
	v.Service = supervision.New(platform.Writer{Store: v.db, Now: clock}, v.db, p, &o)
	return v
}

// Closed implements supervision.Closes.
func (v *world) Closed(_ context.Context, month string) (string, error) { return v.closed[month], nil }

// Units implements supervision.Population.
func (v *world) Units(_ context.Context, _, cursor string) (page platform.Page[supervision.Unit], err error) {
	from, _ := strconv.Atoi(cursor)
	until := min(from+7, len(v.units))
	if page.Items = v.units[from:until]; until < len(v.units) {
		page.Next = strconv.Itoa(until)
	}
	return page, nil
}

// Masked implements supervision.Records.
func (v *world) Masked(_ context.Context, of platform.Ref) (json.RawMessage, error) {
	return fmt.Appendf(nil, `{"id":%q,"name":"•••"}`, of.ID), nil
}

// Booked implements supervision.Journals.
func (v *world) Booked(_ context.Context, journal platform.ID) ([]platform.Leg, error) {
	legs, known := v.booked[journal]
	if !known {
		return nil, platform.ErrState
	}
	return legs, nil
}

func (v *world) as(t *testing.T, a platform.Actor) context.Context {
	t.Helper()
	return platform.As(t.Context(), a)
}

// pass lets time pass, with a tick at its end.
func (v *world) pass(t *testing.T, d time.Duration) {
	t.Helper()
	*v.clock = v.clock.Add(d)
	_, err := v.Tick(t.Context(), *v.clock, 0)
	require.NoError(t, err)
}

// until lets time pass until a moment.
func (v *world) until(t *testing.T, at time.Time) { t.Helper(); v.pass(t, at.Sub(*v.clock)) }

// found is the finding of a control on an object.
func (v *world) found(t *testing.T, control, object string) supervision.Finding {
	t.Helper()
	f, err := v.Finding(v.as(t, supervisor), supervision.FindingID(control, object))
	require.NoError(t, err)
	return f
}

func (v *world) open(t *testing.T) []supervision.Finding {
	t.Helper()
	page, err := v.Findings(v.as(t, supervisor), supervision.Open, "")
	require.NoError(t, err)
	return page.Items
}

// events counts events by type.
func (v *world) events(t *testing.T) map[string]int {
	t.Helper()
	all := map[string]int{}
	for cursor := ""; ; {
		page, err := platform.List[platform.Event](t.Context(), v.db, platform.Query{Kind: "event", Cursor: cursor, Limit: 500})
		require.NoError(t, err)
		for _, e := range page.Items {
			all[e.Type]++
		}
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}
