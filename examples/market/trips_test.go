package market_test

import (
	"context"
	"path"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/risk/screen"
	"github.com/liangding/platform/security/access"
	"github.com/liangding/platform/staff"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"

	"github.com/shopspring/decimal"
)

// trips are reads by the package that made them and their kind: "order get".
type trips map[string]int

// meter is a store that notes what each decision read, from the commit before it
// to its own, and a guard that hears the decision's name.
type meter struct {
	*memory.DB
	access  *access.Policy
	command string           // under way, as the script gave it
	step    string           // of it, as the guard heard it
	commits int              // of the command
	read    trips            // since the last commit
	most    map[string]trips // the most that a decision read, by its name
	all     trips
}

func newMeter() *meter {
	policy, err := access.Standard().Compile(access.Known{})
	if err != nil {
		panic(err) // the standard rules
	}
	return &meter{DB: memory.New(market.Kinds(), nil), access: policy, read: trips{}, most: map[string]trips{}, all: trips{}}
}

// Permit implements [platform.Guard].
func (m *meter) Permit(ctx context.Context, act platform.Act) ([]platform.Change, error) {
	m.step = act.Action
	return m.access.Permit(ctx, act)
}

func (m *meter) note(trip string) {
	m.read[trip]++
	m.all[trip]++
}

func (m *meter) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	m.note(reader() + " get")
	return m.DB.Get(ctx, refs...)
}

func (m *meter) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	m.note(reader() + " scan")
	return m.DB.Scan(ctx, q)
}

func (m *meter) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	name := m.command
	if !strings.EqualFold(name, m.step) {
		name += ": " + m.step
	}
	if m.most[name] == nil {
		m.most[name] = trips{}
	}
	for what, n := range m.read {
		m.most[name][what] = max(m.most[name][what], n)
	}
	m.commits, m.read = m.commits+1, trips{}
	return m.DB.Commit(ctx, set)
}

// reader is the package that reads: the first of a domain on the stack.
func reader() string {
	calls := make([]uintptr, 64)
	frames := runtime.CallersFrames(calls[:runtime.Callers(3, calls)])
	for {
		frame, more := frames.Next()
		room, ours := strings.CutPrefix(frame.Function, "github.com/liangding/platform/")
		if ours {
			name, _, _ := strings.Cut(path.Base(room), ".")
			return name
		}
		if !more {
			return "nobody"
		}
	}
}

// town is a market in which everything comes n times: lines, seats, offers,
// payments, refunds.
type town struct {
	*market.Market
	t     *testing.T
	n     int
	meter *meter
	clock *storetest.Clock
	given map[string]bool // commands and ticks

	operator, second, customer, seller platform.Actor
	zone                               platform.ID
	members                            []platform.ID // on duty
	listings                           []platform.ID // live, with n seats each
}

func newTown(t *testing.T, n int) *town {
	t.Helper()
	c := &town{t: t, n: n, meter: newMeter(), given: map[string]bool{}, clock: storetest.NewClock(time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC))}
	some := decimal.NewFromInt(1)
	rules := screen.Rules{
		Version: "town-1", Basis: "what the test is about", Owner: "test",
		Policies: []screen.Policy{{Event: "order.place", Failure: "closed"}, {Event: "payment.pay", Failure: "closed"}},
		Rules:    []screen.Rule{{ID: "dear", Version: 1, Event: "order.place", Feature: "amount", Limits: []platform.Money{yuan(10_000)}, Outcome: screen.Review}},
	}
	var err error
	c.Market, err = market.Open(c.meter, &market.Options{
		Now: c.clock.Now, IDs: storetest.IDs(1), Guard: c.meter, Rules: &rules,
		Dispatch: dispatch.Options{Policy: dispatch.Policy{FanOut: n, Quota: 20, Rounds: 50, CoolDown: -1}},
		Staff:    staff.Options{Terms: staff.Terms{Day: -1, Rest: -1, Buffer: -1}},
		Risk: &risk.Options{Indicators: []risk.Indicator{{
			Name: "orders", Metric: "order.placed", Owner: "service", Direction: risk.Above, Window: 24 * time.Hour,
			Warn: risk.Bound{Fire: some, Recover: decimal.Zero}, For: new(time.Duration), KeepFiring: new(time.Duration),
		}}},
	})
	require.NoError(t, err)
	actor := func(prefix string, kind platform.ActorKind) platform.Actor {
		return platform.Actor{ID: c.Writer.NewRoot(t.Context(), prefix), Kind: kind, Roles: []string{"admin"}}
	}
	c.operator, c.second, c.customer = actor("opr", platform.Operator), actor("opr", platform.Operator), actor("cus", platform.Customer)
	return c
}

func yuan(n int64) platform.Money {
	m, err := platform.FromMinor(100*n, platform.MustMoney("0", "CNY").Currency())
	if err != nil {
		panic(err)
	}
	return m
}

// give gives a command, which commits so often: once if nothing is said. After
// its last commit it reads nothing more.
func give[C, A any](c *town, who platform.Actor, method func(context.Context, C) (A, error), in C, commits ...int) A {
	c.t.Helper()
	var answer A
	name := reflect.TypeFor[C]().String()
	c.do(name, append(commits, 1)[0], func() (err error) {
		answer, err = method(platform.As(c.t.Context(), who), in)
		return err
	})
	return answer
}

// some is as many commits as there are, but for none.
const some = -1

func (c *town) do(name string, commits int, command func() error) {
	c.t.Helper()
	c.given[name] = true
	c.meter.command, c.meter.step, c.meter.commits, c.meter.read = name, "", 0, trips{}
	require.NoError(c.t, command(), name)
	if commits == some {
		assert.Positive(c.t, c.meter.commits, name)
	} else {
		assert.Equal(c.t, commits, c.meter.commits, "commits of %s", name)
	}
	for what, n := range c.meter.read {
		assert.False(c.t, c.meter.commits > 0 && strings.HasSuffix(what, " get"), "%s ends with %s, %d times", name, what, n)
	}
}

// tick lets time pass, then has one domain do what is due.
func (c *town) tick(name string, after time.Duration, domain platform.Ticker) {
	c.t.Helper()
	now := c.clock.Advance(after)
	c.do(name+".Tick", some, func() error {
		_, err := domain.Tick(platform.As(c.t.Context(), platform.SystemActor("clock")), now, 0)
		return err
	})
}
