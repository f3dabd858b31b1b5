package finance

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/postgres"
	"github.com/liangding/platform/store/storetest/pgserver"
)

var (
	lastOfMonth = time.Date(2026, 3, 31, 23, 30, 0, 0, time.UTC)
	inApril     = time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC)
)

// inMonth is a clerk on the given day, with a fence.
func inMonth(t testing.TB, d *desk, now time.Time) clerk {
	t.Helper()
	d.w.Now = func() time.Time { return now }
	d.Now = d.w.Now
	c := clerk{d, New(d.w, d.Store, nil)}
	_, err := c.Tick(asSystem(), now, 0)
	require.NoError(t, err)
	return c
}

// fenced changes the fence, as a close does.
func (c clerk) fenced(t testing.TB, change func(Periods) (Periods, error)) error {
	t.Helper()
	_, err := platform.Update(asSystem(), c.desk.w, struct{}{}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		p, err := c.Periods(ctx)
		if err != nil {
			return struct{}{}, nil, err
		}
		next, err := change(p)
		return struct{}{}, []platform.Change{platform.Put(next), platform.Happened("period.changed", p.Ref(), nil)}, err
	})
	return err
}

func (c clerk) softClose(t testing.TB, month string) error {
	t.Helper()
	return c.fenced(t, func(p Periods) (Periods, error) { return p.SoftClose(month, time.UTC, c.desk.w.Now()) })
}

func (c clerk) hardClose(t testing.TB, month string) error {
	t.Helper()
	return c.fenced(t, func(p Periods) (Periods, error) { return p.HardClose(month, c.desk.w.Now()) })
}

// last is the posting that was made last, with its memo and day.
func (d *desk) stands(t testing.TB, f Fact) string {
	t.Helper()
	found, err := d.Store.Posted(context.Background(), f.id())
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0].At.Format(time.DateOnly) + " " + found[0].Memo
}

// Invariant 21: no posting in a closed period; none lost at the edge.
func TestALateFactIsBookedInTheNextOpenMonth(t *testing.T) {
	t.Parallel()
	c := inMonth(t, newDesk(t), inApril)
	late := func(n uint64) booking {
		b := booked("pay.captured", platform.Ref{Kind: "payment.attempt", ID: platform.NewID("att", noon, 7, n)}, dr("clearing", "1.00", "sandbox"), cr("escrow", "1.00", order.ID))
		b.At = lastOfMonth
		return b
	}
	require.NoError(t, c.book(late(1)))
	require.NoError(t, c.softClose(t, "2026-03"))
	require.NoError(t, c.book(late(2)))
	require.NoError(t, c.hardClose(t, "2026-03"))
	require.NoError(t, c.book(late(3)))
	hold := booked("refund.approved", refund(1), dr("escrow", "1.00", order.ID), cr("refund_due", "1.00", order.ID))
	require.NoError(t, c.book(hold))
	settled := booked("refund.given_up", refund(1))
	settled.At = lastOfMonth
	require.NoError(t, c.book(settled))

	assert.Equal(t, "2026-03-31 ", c.stands(t, late(1).Fact))
	assert.Equal(t, "2026-04-01 of:2026-03-31", c.stands(t, late(2).Fact))
	assert.Equal(t, "2026-04-01 of:2026-03-31", c.stands(t, late(3).Fact))
	assert.Equal(t, "2026-04-01 of:2026-03-31", c.stands(t, hold.Fact), "what ends a hold is late too")
	c.sound(t)
}

func TestOnlyAccountantsWithAReasonBookInASoftClosedMonth(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	clerkOn(t, d, 100_000)
	c := inMonth(t, d, inApril)
	at := func(n int, ctx context.Context) error {
		in := paid(n)
		in.Steps[0].At, in.Steps[0].Reason = lastOfMonth, "accrual"
		_, err := c.Transfer(ctx, in)
		return err
	}
	accountant := platform.As(context.Background(), platform.Actor{ID: "opr-a", Kind: platform.Operator, Roles: []string{Accountant}})
	require.NoError(t, at(1, asOperator()))
	require.NoError(t, c.softClose(t, "2026-03"))

	require.ErrorIs(t, at(2, asOperator()), ErrPeriodClosed)
	before, err := c.Periods(asSystem())
	require.NoError(t, err)
	require.NoError(t, at(3, accountant))
	after, err := c.Periods(asSystem())
	require.NoError(t, err)
	assert.Equal(t, before.Version+1, after.Version, "a hard close that did not see it is decided again")

	require.NoError(t, c.hardClose(t, "2026-03"))
	require.ErrorIs(t, at(4, accountant), ErrPeriodClosed)
	assert.Equal(t, "hard_closed", platform.Details(at(4, accountant))["state"])
	_, err = c.OpenAccounts(asOperator(), opened(brought("retained", "1.00")))
	require.ErrorIs(t, err, ErrPeriodClosed)
	ending := booked("allowance.changed", claim, dr("bad_debt", "1.00"), cr("allowance", "1.00", "cny"))
	ending.At = lastOfMonth
	require.NoError(t, c.book(ending))
	assert.Equal(t, "2026-04-01 of:2026-03-31", c.stands(t, ending.Fact))
	c.sound(t)
}

func TestFactsOfThePeriodsEndEnterASoftClosedMonth(t *testing.T) {
	t.Parallel()
	c := inMonth(t, newDesk(t), inApril)
	require.NoError(t, c.softClose(t, "2026-03"))
	ending := booked("allowance.changed", claim, dr("bad_debt", "1.00"), cr("allowance", "1.00", "cny"))
	ending.At = lastOfMonth

	require.NoError(t, c.book(ending))

	assert.Equal(t, "2026-03-31 ", c.stands(t, ending.Fact))
}

func TestMonthsAreClosedInOrderAndTheLastIsReopenedByTwo(t *testing.T) {
	t.Parallel()
	p := Periods{Head: platform.Head{ID: periodsID, Version: 1}}
	soft := func(p Periods, month string, now time.Time) (Periods, error) {
		return p.SoftClose(month, time.UTC, now)
	}

	_, err := soft(p, "2026-03", time.Date(2026, 4, 1, 23, 59, 59, 0, time.UTC))
	require.ErrorIs(t, err, ErrPeriod, "it is not over for a day")
	_, err = soft(p, "2026-3", inApril)
	require.ErrorIs(t, err, ErrPeriod)
	_, err = p.HardClose("2026-03", inApril)
	require.ErrorIs(t, err, ErrPeriod, "it is open")
	p, err = soft(p, "2026-02", inApril)
	require.NoError(t, err)
	_, err = soft(p, "2026-02", inApril)
	require.ErrorIs(t, err, ErrPeriod, "twice")
	p, err = soft(p, "2026-03", inApril)
	require.NoError(t, err)
	_, err = p.HardClose("2026-03", inApril)
	require.ErrorIs(t, err, ErrPeriod, "the month before comes first")
	p, err = p.HardClose("2026-02", inApril)
	require.NoError(t, err)
	p, err = p.HardClose("2026-03", inApril)
	require.NoError(t, err)
	assert.Equal(t, []PeriodState{PeriodHardClosed, PeriodHardClosed, PeriodHardClosed, PeriodOpen}, []PeriodState{p.State("2025-01"), p.State("2026-02"), p.State("2026-03"), p.State("2026-04")})

	_, err = p.AskReopen("2026-02", "late_invoice", platform.Actor{ID: "opr-a"})
	require.ErrorIs(t, err, ErrNotLast)
	_, err = p.Reopen("2026-03", platform.Actor{ID: "opr-b"})
	require.ErrorIs(t, err, ErrNotLast, "nobody asked")
	for _, want := range []struct {
		month string
		state PeriodState
	}{{"2026-03", PeriodSoftClosed}, {"2026-03", PeriodOpen}, {"2026-02", PeriodSoftClosed}, {"2026-02", PeriodOpen}} {
		p, err = p.AskReopen(want.month, "late_invoice", platform.Actor{ID: "opr-a", OnBehalf: "opr-c"})
		require.NoError(t, err)
		for _, tied := range []platform.Actor{{ID: "opr-a"}, {ID: "opr-c"}, {ID: "opr-b", OnBehalf: "opr-a"}, {ID: "opr-b", OnBehalf: "opr-c"}} {
			_, err = p.Reopen(want.month, tied)
			require.ErrorIs(t, err, ErrCloseFourEyes, "who asked, and in whose name")
		}
		p, err = p.Reopen(want.month, platform.Actor{ID: "opr-b"})
		require.NoError(t, err)
		assert.Equal(t, want.state, p.State(want.month))
	}
	assert.Equal(t, []string{"", "", ""}, []string{p.Soft, p.Hard, p.Since})
}

// F27: close while postings run. Each of them is in the old period or in the new
// one, and none is lost.
func TestARacingPostingLandsInTheOldOrTheNewPeriod(t *testing.T) {
	t.Parallel()
	for name, d := range desks(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inMonth(t, d, inApril).racesTheClose(t, d)
		})
	}
}

var server pgserver.Server

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// F27 on PostgreSQL, where the month is closed, and half of the postings are made,
// by another process than the rest.
func TestARacingPostingLandsInTheOldOrTheNewPeriodOnPostgres(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	at := func() *desk {
		db, err := postgres.Open(t.Context(), dsn, Kinds(), &postgres.Options{AllowUnsafe: true})
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		d := newDesk(t)
		d.Store, d.file, d.w.Store, d.w.IDs = StoreOn(db), db, db, nil
		return d
	}
	c, other := inMonth(t, at(), inApril), inMonth(t, at(), inApril)

	split := c.racesTheClose(t, other.desk)

	reread := map[string]int{}
	for i := range racing {
		reread[other.stands(t, racer(i).Fact)]++
	}
	assert.Equal(t, split, reread, "both processes see the same")
}

// racing is how many facts of March are booked, the first of them before March is
// closed, and the others meanwhile.
const racing, early = 64, 8

func racer(i int) booking {
	at := platform.Ref{Kind: "payment.attempt", ID: platform.NewID("att", noon, platform.Slot(i), uint64(i))}
	f := booked("pay.captured", at, dr("clearing", "1.00", "sandbox"), cr("escrow", "1.00", order.ID))
	f.At = lastOfMonth
	return f
}

// racesTheClose closes March at one of two desks while postings run at both, and
// tells in which period each landed.
func (c clerk) racesTheClose(t *testing.T, other *desk) map[string]int {
	t.Helper()
	var closing sync.WaitGroup
	var closed int64
	var landed atomic.Int64
	begun := make(chan struct{}) // once some are in the old period
	closing.Go(func() {
		<-begun
		assert.NoError(t, c.softClose(t, "2026-03"))
		p, err := c.Periods(asSystem())
		assert.NoError(t, err)
		closed = p.Version
	})
	results := race(racing, func(i uint64) error {
		d := c.desk
		if i%2 == 0 {
			d = other
		}
		if i > early {
			<-begun
		}
		err := d.book(racer(int(i - 1)))
		if landed.Add(1) == early {
			close(begun)
		}
		return err
	})
	closing.Wait()

	assert.Equal(t, map[string]int{"": racing}, results)
	assert.EqualValues(t, 2, closed)
	split := map[string]int{}
	for i := range racing {
		split[c.stands(t, racer(i).Fact)]++
	}
	t.Log("the split:", split)
	assert.GreaterOrEqual(t, split["2026-03-31 "], early)
	assert.Equal(t, racing, split["2026-03-31 "]+split["2026-04-01 of:2026-03-31"])
	assert.Equal(t, "64.00, 64.00", c.on(t, escrow()))
	c.sound(t)
	return split
}

// A posting that was decided before the close and commits after it is decided
// again.
func TestAPostingThatSawTheMonthOpenIsDecidedAgain(t *testing.T) {
	t.Parallel()
	c := inMonth(t, newDesk(t), inApril)
	w := c.desk.w
	w.Store = &between{c.db, func() { require.NoError(t, c.softClose(t, "2026-03")) }}
	late := captured("1.00")
	late.At = lastOfMonth

	d := *c.desk
	d.w = w
	require.NoError(t, d.book(late))

	assert.Equal(t, "2026-04-01 of:2026-03-31", c.stands(t, late.Fact))
}

func TestWhatIsBookedInItsMonthReadsNoFence(t *testing.T) {
	t.Parallel()
	set, err := Books{Now: func() time.Time { return nextDay }}.Post(context.Background(), "pay.captured", attempt, noon, captured("1.00").Legs)
	require.NoError(t, err, "without a store")
	assert.Len(t, set, 4)
	_, err = Books{Now: func() time.Time { return noon.AddDate(0, 0, -2) }}.Post(context.Background(), "pay.captured", attempt, noon, captured("1.00").Legs)
	require.ErrorIs(t, err, ErrEffective, "more than a day ahead")
}

// BenchmarkBooksWithFence books payables, which check the fence, from all sides.
func BenchmarkBooksWithFence(b *testing.B) {
	c := inMonth(b, newDesk(b), nextDay)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			random := c.desk.w.IDs()
			at := platform.Ref{Kind: "finance.claim", ID: platform.NewID("clm", noon, platform.Slot(random>>20), random)}
			if err := c.book(booked("claim.approved", at, dr("expense", "1.00"), cr("payable", "1.00", employee))); err != nil {
				b.Error(err)
			}
		}
	})
}
