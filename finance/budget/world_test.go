package budget_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/budget"
	"github.com/liangding/platform/store/memory"
)

var (
	newYear  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	march    = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	nextYear = newYear.AddDate(1, 0, 0)

	planner, first, second, director = operator(1), operator(2), operator(3), operator(4, "director")
)

func operator(n uint64, roles ...string) platform.Actor {
	return platform.Actor{ID: platform.NewID("opr", newYear, 1, n), Kind: platform.Operator, Roles: roles}
}

func cny(amount string) platform.Money { return platform.MustMoney(amount, "CNY") }

// claim is a source of commitments.
func claim(n uint64) platform.Ref {
	return platform.Ref{Kind: "claim", ID: platform.NewID("clm", march, platform.Slot(n), n)}
}

// world is budgets over books on a clock of its own.
type world struct {
	*budget.Service
	t       testing.TB
	w       platform.Writer
	db      *memory.DB
	control budget.Control
	now     atomic.Int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	v := &world{t: t, db: memory.New(append(finance.Kinds(), budget.Kinds()...), nil)}
	t.Cleanup(func() { _ = v.db.Close() })
	v.at(march)
	v.w = platform.Writer{Store: v.db, Now: func() time.Time { return time.UnixMicro(v.now.Add(1)).UTC() }}.Ready()
	books := finance.Books{Store: finance.StoreOn(v.db), Now: v.w.Now}
	v.control = budget.Control{Store: budget.StoreOn(v.db), Books: books}
	v.Service = budget.New(v.w, budget.StoreOn(v.db), budget.Ports{Books: books}, nil)
	return v
}

func (v *world) at(now time.Time) { v.now.Store(now.UnixMicro()) }

func (v *world) as(who platform.Actor) context.Context { return platform.As(context.Background(), who) }

func (v *world) tick() int {
	v.t.Helper()
	n, err := v.Tick(context.Background(), v.w.Now(), 0)
	require.NoError(v.t, err)
	return n
}

// planned is a line of a plan.
func planned(account, amount string, change ...func(*budget.Planned)) budget.Planned {
	p := budget.Planned{Account: account, Amount: cny(amount)}
	for _, c := range change {
		c(&p)
	}
	return p
}

func warns(tolerance string) func(*budget.Planned) {
	return func(p *budget.Planned) { p.Over, p.Tolerance = budget.Warn, cny(tolerance) }
}

func draft(lines ...budget.Planned) budget.Draft {
	total := cny("0.00")
	for _, l := range lines {
		total, _ = total.Add(l.Amount)
	}
	return budget.Draft{Centre: "sales", From: newYear, Until: nextYear, Envelope: total, Lines: lines}
}

// active is a budget in force, and its lines in the order of the plan.
func (v *world) active(in budget.Draft) (budget.Budget, []budget.Line) {
	v.t.Helper()
	b, err := v.Draft(v.as(planner), in)
	require.NoError(v.t, err)
	_, err = v.Submit(v.as(planner), budget.Submit{Budget: b.ID})
	require.NoError(v.t, err)
	for _, who := range []platform.Actor{first, second} {
		b, err = v.Approve(v.as(who), budget.Approve{Budget: b.ID})
		require.NoError(v.t, err)
	}
	require.Equal(v.t, budget.Approved, b.State)
	v.tick()
	b, err = v.Budget(v.as(planner), b.ID)
	require.NoError(v.t, err)
	return b, v.lines(b)
}

func (v *world) lines(b budget.Budget) []budget.Line {
	v.t.Helper()
	page, err := v.Lines(v.as(planner), b.ID, "")
	require.NoError(v.t, err)
	var lines []budget.Line
	for _, p := range b.Lines {
		for _, l := range page.Items {
			if l.Account == p.Account {
				lines = append(lines, l.Line)
			}
		}
	}
	return lines
}

// line is a budget of one line in force.
func (v *world) line(amount string, change ...func(*budget.Planned)) budget.Line {
	v.t.Helper()
	_, lines := v.active(draft(planned("travel", amount, change...)))
	return lines[0]
}

// purchase is a command of another room, which acts on lines in its own set.
type purchase struct {
	What   string
	Source platform.Ref
}

func on(l budget.Line, amount string) platform.Leg {
	return platform.Leg{Of: l.ID, Amount: cny(amount)}
}

// act is what another room does with lines.
func (v *world) act(what string, source platform.Ref, legs ...platform.Leg) error {
	ctx := platform.As(context.Background(), platform.SystemActor("purchase"))
	_, err := platform.Update(ctx, v.w, purchase{what, source}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		set, err := v.control.Post(ctx, what, source, v.w.Now(), legs)
		return struct{}{}, append(set, platform.Happened("purchase.done", source, nil)), err
	})
	return v.control.Refusal(err)
}

func (v *world) balance(l budget.Line) budget.Balance {
	v.t.Helper()
	f, err := v.Forecast(v.as(planner), l.ID)
	require.NoError(v.t, err)
	return f.Balance
}

// holds asserts what is on a line, and that all lines and books are proved.
func (v *world) holds(l budget.Line, plan, free, committed, spent string) {
	v.t.Helper()
	assert.Equal(v.t, budget.Balance{Plan: cny(plan), Free: cny(free), Committed: cny(committed), Spent: cny(spent)}, v.balance(l))
	v.proved()
}

// proved asserts that lines and books agree (V11), and that plan = free +
// committed + spent.
func (v *world) proved() {
	v.t.Helper()
	for d, err := range budget.Verify(context.Background(), v.db) {
		require.NoError(v.t, err)
		assert.Fail(v.t, "a line is wrong", "%+v", d)
	}
	found, err := finance.Verify(context.Background(), v.db)
	require.NoError(v.t, err)
	assert.Empty(v.t, found)
}

// events are the reasons of the events of a type so far.
func (v *world) events(what string) (reasons []string) {
	v.t.Helper()
	page, err := platform.List[platform.Event](context.Background(), v.db, platform.Query{Kind: "event", Limit: 500})
	require.NoError(v.t, err)
	for _, e := range page.Items {
		if e.Type == what {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons
}

// crowd runs n calls at once and counts them by the code of their refusal.
func crowd(n int, call func(i int) error) map[string]int {
	told := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { told[i] = call(i) })
	}
	all.Wait()
	codes := map[string]int{}
	for _, err := range told {
		codes[platform.Code(err)]++
	}
	return codes
}
