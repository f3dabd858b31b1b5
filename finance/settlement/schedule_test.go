package settlement_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/settlement"
)

// names are the runs that there are, by name.
func (v *world) names(t *testing.T) (names []string) {
	t.Helper()
	for _, r := range each[settlement.Run](t, v, "settlement.run") {
		names = append(names, r.Name+" "+r.StartedAt.Format("Mon 15:04"))
	}
	slices.Sort(names)
	return names
}

// Runs come by themselves once the statements of a week are confirmed by silence,
// once each, also when nobody looked for weeks.
func TestRunsStartBySchedule(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{terms: settlement.Terms{Runs: map[string]settlement.Round{"CNY": {Cycle: settlement.Weekly}}}})
	a := ready(t, v, "100.00", "payee") // Monday the 2nd until Friday the 13th
	require.NoError(t, v.after(0))

	require.Equal(t, []string{"2026-03-02 Mon 12:00", "2026-03-09 Thu 12:00"}, v.names(t), "the first finds nothing")
	p := v.payout(t, settlement.PayoutID(a.ID, settlement.RunID("2026-03-09", "CNY")))
	assert.Equal(t, settlement.PayoutPlanned, p.State, "people still approve it")

	require.NoError(t, v.after(21*24*time.Hour))
	require.NoError(t, v.after(time.Hour))
	assert.Len(t, v.names(t), 3, "what was missed is one run")
}

// A run that falls on a day on which nobody works waits for the next workday.
func TestRunsWaitForWorkdays(t *testing.T) {
	t.Parallel()
	office := platform.Hours{Week: [7]string{1: "09:00-18:00", 2: "Monday", 3: "Monday", 4: "Monday", 5: "Monday"}}
	calendar, err := office.Calendar()
	require.NoError(t, err)
	v := newWorld(setup{terms: settlement.Terms{Calendar: calendar, Runs: map[string]settlement.Round{"CNY": {Cycle: settlement.Daily}}}})
	for range 14 {
		require.NoError(t, v.after(24*time.Hour))
	}

	assert.Len(t, v.names(t), 10, "each workday has one")
	for _, r := range each[settlement.Run](t, v, "settlement.run") {
		assert.NotContains(t, []time.Weekday{time.Saturday, time.Sunday}, r.StartedAt.Weekday())
	}
}

// What 64 processes tick at once is one run.
func TestScheduledRunIsStartedOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{terms: settlement.Terms{Runs: map[string]settlement.Round{"CNY": {Cycle: settlement.Weekly}}}})
	crowd(t, v, 3, "100.00")
	v.clock.Advance(9 * 24 * time.Hour)

	together(16, func(int) {
		_, err := v.s.Tick(system(), v.clock.Now(), 0)
		assert.NoError(t, err)
	})

	assert.Len(t, v.names(t), 1)
}

// Of parties that sold nothing the windows go on together, and each cut still has
// all that was booked since the one before.
func TestIdleWindowsGoOnTogether(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	accounts := crowd(t, v, 150, "1.00")
	require.NoError(t, v.after(7*24*time.Hour)) // all are cut
	require.NoError(t, v.after(14*24*time.Hour))
	v.earn(t, accounts[3].Party, "5.00")
	require.NoError(t, v.after(7*24*time.Hour))

	extended := 0
	for _, e := range each[platform.Event](t, v, "event") {
		if e.Type == "settlement.extended" {
			extended++
		}
	}
	assert.Less(t, extended, 10, "a set of many each time")
	for i, a := range accounts {
		page, err := v.s.Statements(system(), a.ID, "", "")
		require.NoError(t, err)
		st := page.Items[0]
		require.Equal(t, settlement.StatementOpen, st.State)
		require.True(t, st.To.After(v.clock.Now()))
		require.Len(t, page.Items, map[bool]int{true: 3, false: 2}[i == 3])
	}
	v.sound(t)
}
