package supervision_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/supervision"
)

// tuesday is when the first controls run: at three.
var tuesday = time.Date(2026, 3, 3, 3, 0, 0, 0, time.UTC)

func runs(t *testing.T, v *world, code string) []supervision.Run {
	t.Helper()
	page, err := v.Runs(v.as(t, auditor), code, "")
	require.NoError(t, err)
	return page.Items
}

func TestControlsRunAtTheirHourAndLeaveARecordEvenWithoutAHit(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.pass(t, 0)
	v.until(t, tuesday.Add(-time.Second))
	assert.Empty(t, runs(t, v, ""), "not before three")

	v.until(t, tuesday)
	all := runs(t, v, "")
	assert.Len(t, all, 9, "of nine controls by day")
	for _, r := range all {
		assert.Zero(t, r.Hits)
		assert.Equal(t, today.From, r.From.UTC())
		assert.Equal(t, today.Until, r.Until.UTC())
		assert.Positive(t, r.Edition)
		assert.Equal(t, 3*24*time.Hour, r.Params.Duplicate)
	}
	v.pass(t, time.Minute)
	assert.Len(t, runs(t, v, ""), 9, "once a day")
	v.until(t, tuesday.AddDate(0, 0, 1))
	assert.Len(t, runs(t, v, "C1"), 2)
	assert.Empty(t, v.open(t))
}

func TestControlsByMonthRunOnItsFirstWorkday(t *testing.T) {
	t.Parallel()
	week, err := platform.Hours{Week: [7]string{1: "09:00-18:00", 2: "Monday", 3: "Monday", 4: "Monday", 5: "Monday"}}.Calendar()
	require.NoError(t, err)
	v := newWorld(t, func(_ *supervision.Ports, o *supervision.Options) { o.Calendar = week })
	*v.clock = time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)
	v.pass(t, 0)
	for d := v.clock.AddDate(0, 0, 1); d.Before(time.Date(2026, 8, 3, 0, 0, 0, 0, time.UTC)); d = d.AddDate(0, 0, 1) {
		v.until(t, d) // 1 August 2026 is a Saturday
	}
	assert.Empty(t, runs(t, v, "C12"))
	v.until(t, time.Date(2026, 8, 3, 3, 0, 0, 0, time.UTC))
	got := runs(t, v, "C12")
	require.Len(t, got, 1)
	assert.Equal(t, time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), got[0].From.UTC())
	assert.Equal(t, time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), got[0].Until.UTC())
}

func TestAHitThatIsKnownAndUnchangedDoesNotRepeat(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.pass(t, 0)
	v.items.set(payout(1), payout(2))
	suspense := supervision.Waiting{Ref: ref(9), What: "suspense", Object: "suspense:bank", Amount: cny("5.00"), Since: monday.AddDate(0, 0, -2)}
	v.waiting.set(suspense)
	v.until(t, tuesday)
	assert.Equal(t, 1, runs(t, v, "C1")[0].Fresh)
	assert.Len(t, v.open(t), 2)
	raised := v.events(t)["finding.raised"]

	v.until(t, tuesday.AddDate(0, 0, 1))
	latest := runs(t, v, "C5")[0]
	assert.Equal(t, 1, latest.Hits, "it still stands")
	assert.Zero(t, latest.Fresh)
	assert.Equal(t, raised, v.events(t)["finding.raised"])

	suspense.Amount = cny("7.00")
	v.waiting.set(suspense)
	v.until(t, tuesday.AddDate(0, 0, 2))
	assert.Equal(t, 1, runs(t, v, "C5")[0].Fresh, "it is more now")
	f := v.found(t, "C5", "suspense:bank")
	assert.Equal(t, cny("7.00"), f.Amount)
	assert.Equal(t, 1, f.Hits)
}

func TestMoreHitsOnOneObjectAreOneFinding(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.pass(t, 0)
	v.items.set(payout(1), payout(2), payout(3), payout(4, to(bob)))
	v.until(t, tuesday)
	f := v.found(t, "C1", string(alice))
	assert.Equal(t, 2, f.Hits)
	assert.Equal(t, cny("246.90"), f.Amount)
	assert.Len(t, f.Refs, 3)
	assert.Equal(t, supervision.High, f.Severity)
	assert.Len(t, v.open(t), 1)
	hits, err := v.Hits(v.as(t, supervisor), f.ID, "")
	require.NoError(t, err)
	assert.Len(t, hits.Items, 2)
}

func TestAControlThatNeverRanIsAFinding(t *testing.T) {
	t.Parallel()
	v := newWorld(t, func(p *supervision.Ports, _ *supervision.Options) { p.Payees = nil })
	v.pass(t, 0)
	for hour := range 26 {
		*v.clock = tuesday.Add(time.Duration(hour) * time.Hour)
		_, err := v.Tick(t.Context(), *v.clock, 0)
		require.ErrorIs(t, err, supervision.ErrSource)
	}
	f := v.found(t, "control", "C7")
	assert.Equal(t, supervision.High, f.Severity)
	assert.Equal(t, 1, f.Hits, "told once")
	assert.Empty(t, runs(t, v, "C7"))
	assert.Len(t, runs(t, v, "C1"), 2, "one that fails stops no other")
}

func TestARunThatWasLateCatchesUpDayByDayAndSaysSo(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.pass(t, 0)
	v.items.set(payout(1), payout(2))
	v.until(t, tuesday.AddDate(0, 0, 9))
	first := runs(t, v, "C1")
	require.Len(t, first, 1)
	assert.Equal(t, today.From.AddDate(0, 0, 7), first[0].Until.UTC(), "a week at most")
	assert.Equal(t, "control", v.found(t, "control", "C1").Control, "nine days late")

	v.pass(t, time.Second)
	all := runs(t, v, "C1")
	require.Len(t, all, 2)
	assert.Equal(t, all[1].Until, all[0].From, "where the first left off")
	assert.Equal(t, today.From.AddDate(0, 0, 10), all[0].Until.UTC())
	v.pass(t, time.Second)
	assert.Len(t, runs(t, v, "C1"), 2)
	assert.Equal(t, 1, v.found(t, "C1", string(alice)).Hits)
}

func TestARunReadsNoMorePagesThanItMay(t *testing.T) {
	t.Parallel()
	v := newWorld(t, func(_ *supervision.Ports, o *supervision.Options) { o.Terms.Pages = 3 })
	v.items.set(payout(1), payout(2), payout(3), payout(4), payout(5), payout(6))
	*v.clock = monday.Add(time.Hour)
	run, err := v.RunControl(v.as(t, supervisor), supervision.RunControl{Control: "C9"})
	require.NoError(t, err)
	assert.Equal(t, 3, run.Pages)
	assert.Equal(t, 6, run.Facts)

	v.items.set(append(v.items.all, payout(7))...)
	_, err = v.RunControl(v.as(t, supervisor), supervision.RunControl{Control: "C9"})
	require.ErrorIs(t, err, supervision.ErrTooMuch)
	assert.Equal(t, 3, platform.Details(err)["pages"])
	assert.Len(t, runs(t, v, "C9"), 1)
}

func TestOnlySupervisorsRunAControlNow(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	for _, c := range []struct {
		who  platform.Actor
		want error
	}{
		{owner, supervision.ErrSupervisor}, {auditor, supervision.ErrReadOnly},
		{operator(8, supervision.Supervisor, "finance"), supervision.ErrSegregation},
		{operator(8, supervision.Supervisor, "accountant"), supervision.ErrSegregation},
		{platform.Actor{ID: alice, Kind: platform.Merchant}, supervision.ErrReader},
	} {
		_, err := v.RunControl(v.as(t, c.who), supervision.RunControl{Control: "C1"})
		require.ErrorIs(t, err, c.want)
		require.ErrorIs(t, err, platform.ErrDenied)
	}
	_, err := v.RunControl(v.as(t, supervisor), supervision.RunControl{Control: "C13"})
	require.ErrorIs(t, err, supervision.ErrControl)

	v.items.set(payout(1), payout(2))
	*v.clock = monday.Add(time.Hour)
	keyed := platform.WithKey(v.as(t, supervisor), "once")
	run, err := v.RunControl(keyed, supervision.RunControl{Control: "C1"})
	require.NoError(t, err)
	assert.Equal(t, 1, run.Fresh)
	assert.Equal(t, supervisor.ID, run.By)
	again, err := v.RunControl(keyed, supervision.RunControl{Control: "C1"})
	require.NoError(t, err)
	assert.Equal(t, run.ID, again.ID)
	assert.Len(t, runs(t, v, "C1"), 1)

	all, err := v.Schedules(v.as(t, auditor))
	require.NoError(t, err)
	require.Len(t, all, 12)
	assert.Equal(t, run.ID, all[0].Last)
	assert.Equal(t, tuesday, all[0].Due.UTC(), "its own schedule goes on")
}

// TestRacingTicksRunAControlOnce: N processes tick at once.
func TestRacingTicksRunAControlOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.pass(t, 0)
	v.items.set(payout(1), payout(2))
	*v.clock = tuesday
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := v.Tick(t.Context(), tuesday, 0)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Len(t, runs(t, v, ""), 9)
	assert.Equal(t, 1, v.found(t, "C1", string(alice)).Hits)
	assert.Equal(t, 1, v.events(t)["finding.raised"])
}

func TestManyHitsAreRaisedInLots(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.pass(t, 0)
	var all []item
	for n := range 350 {
		all = append(all, payout(n, to(party(uint64(1000+n))), at(monday), func(i *item) { i.Barred = "frozen" }))
	}
	v.items.set(all...)
	v.until(t, tuesday)
	assert.Equal(t, 350, runs(t, v, "C9")[0].Fresh)
	v.until(t, tuesday.AddDate(0, 0, 1))
	assert.Zero(t, runs(t, v, "C9")[0].Hits)
}
