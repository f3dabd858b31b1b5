package staff

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Places whose clocks change at unusual times: Beirut skips midnight, Havana
// shows it twice, Lord Howe moves by half an hour.
var places = []string{"UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Beirut", "America/Havana", "Australia/Lord_Howe", "America/Santiago"}

func TestDayBeginsWithItsFirstMoment(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := place(rapid.SampledFrom(places).Draw(t, "place"))
		at := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "at"), 0)
		day := dayOf(at, in)

		begins := day.begins(in)

		require.False(t, begins.After(at))
		require.Equal(t, day, dayOf(begins, in))
		require.Less(t, dayOf(begins.Add(-time.Nanosecond), in), day)
	})
}

func TestDaysTileTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := place(rapid.SampledFrom(places).Draw(t, "place"))
		from := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "from"), 0)
		until := from.Add(time.Duration(rapid.Int64Range(1, int64(72*time.Hour)).Draw(t, "length")))

		days := daysOf(from, until, in)

		require.Equal(t, dayOf(from, in), days[0])
		require.Equal(t, dayOf(until.Add(-time.Nanosecond), in), days[len(days)-1])
		var sum time.Duration
		for i, day := range days {
			next := until
			if i+1 < len(days) {
				next = days[i+1].begins(in)
			}
			sum += shared(from, until, day.begins(in), next)
		}
		require.Equal(t, until.Sub(from), sum)
	})
}

func TestShiftFollowsTheClocks(t *testing.T) {
	t.Parallel()
	night := everyDay("22:00", "06:00")
	for name, c := range map[string]struct {
		shift       Shift
		place, day  string
		from, until string
	}{
		"plain night":             {night, "Europe/Berlin", "2026-03-10", "2026-03-10T21:00:00Z", "2026-03-11T05:00:00Z"},
		"clocks go forward":       {night, "Europe/Berlin", "2026-03-28", "2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z"},
		"clocks go back":          {night, "Europe/Berlin", "2026-10-24", "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"},
		"starts in skipped hour":  {everyDay("02:30", "06:00"), "Europe/Berlin", "2026-03-29", "2026-03-29T01:00:00Z", "2026-03-29T04:00:00Z"},
		"starts in repeated hour": {everyDay("02:30", "06:00"), "Europe/Berlin", "2026-10-25", "2026-10-25T00:30:00Z", "2026-10-25T05:00:00Z"},
		"midnight skipped":        {everyDay("00:00", "08:00"), "Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"},
		"midnight twice":          {everyDay("00:00", "08:00"), "America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-01T13:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			day, err := Day(c.day).parse()
			require.NoError(t, err)

			i, falls := c.shift.on(day, place(c.place))

			require.True(t, falls)
			assert.Equal(t, c.from, i.From.UTC().Format(time.RFC3339))
			assert.Equal(t, c.until, i.Until.UTC().Format(time.RFC3339))
		})
	}
}

func TestNightShiftCoversBothDays(t *testing.T) {
	t.Parallel()
	m := member(shifts("22:00", "06:00"))

	assert.Empty(t, Dispatchable(m, Facts{Place: shanghai}, Need{}, hours(15, 2).From, hours(15, 2).Until), "23:00 to 01:00")
	assert.Empty(t, Dispatchable(m, Facts{Place: shanghai}, Need{}, hours(20, 1).From, hours(20, 1).Until), "04:00 to 05:00")
	assert.Equal(t, []string{"no_shift"}, Dispatchable(m, Facts{Place: shanghai}, Need{}, hour(2).From, hour(2).Until), "10:00")
}

func TestHoursAreCountedOnTheLocalDay(t *testing.T) {
	t.Parallel()
	m := member(func(m *Member) { m.Shifts = []Shift{everyDay("00:00", "12:00"), everyDay("12:00", "00:00")} })
	free := Terms{Rest: -1, Buffer: -1}
	for name, c := range map[string]struct {
		booked, work [2]string
		why          []string
	}{
		"six and four on one day": {
			[2]string{"2026-03-10T01:00:00Z", "2026-03-10T07:00:00Z"}, [2]string{"2026-03-10T08:00:00Z", "2026-03-10T12:00:00Z"}, nil,
		},
		"six and five on one day": {
			[2]string{"2026-03-10T01:00:00Z", "2026-03-10T07:00:00Z"}, [2]string{"2026-03-10T08:00:00Z", "2026-03-10T13:00:00Z"}, []string{"hours_day"},
		},
		"five of them after midnight": {
			[2]string{"2026-03-10T13:00:00Z", "2026-03-10T22:00:00Z"}, [2]string{"2026-03-10T22:30:00Z", "2026-03-11T03:30:00Z"}, nil,
		},
		"eleven hours in the short night": { // the clocks skip an hour: 00:00 to 12:00 is eleven hours
			[2]string{"2026-03-28T23:00:00Z", "2026-03-29T06:00:00Z"}, [2]string{"2026-03-29T06:00:00Z", "2026-03-29T10:00:00Z"}, []string{"hours_day"},
		},
		"ten hours in the short night": {
			[2]string{"2026-03-28T23:00:00Z", "2026-03-29T06:00:00Z"}, [2]string{"2026-03-29T06:00:00Z", "2026-03-29T09:00:00Z"}, nil,
		},
		"the long day has an hour more": {
			[2]string{"2026-10-24T22:00:00Z", "2026-10-25T04:00:00Z"}, [2]string{"2026-10-25T18:00:00Z", "2026-10-25T23:00:00Z"}, []string{"hours_day"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			booked := []Interval{{From: utc(c.booked[0]), Until: utc(c.booked[1])}}

			why := Dispatchable(m, Facts{Place: berlin, Bookings: booked, Terms: free}, Need{}, utc(c.work[0]), utc(c.work[1]))

			assert.Equal(t, c.why, why)
		})
	}
}

func FuzzShift(f *testing.F) {
	f.Add("mon", "08:00", "16:00", "2026-01-01", "2026-02-01")
	f.Add("", "22:00", "06:00", "2026-03-29", "2026-03-30")
	f.Fuzz(func(t *testing.T, weekday, starts, ends, first, until string) {
		s := Shift{Weekdays: []string{weekday}, Starts: Clock(starts), Ends: Clock(ends), First: Day(first), Until: Day(until)}
		if s.fault() != nil {
			return
		}
		day, err := s.First.parse()
		require.NoError(t, err)
		for range 7 {
			if i, falls := s.on(day, berlin); falls {
				require.True(t, i.From.Before(i.Until))
				require.LessOrEqual(t, i.Until.Sub(i.From), 17*time.Hour)
			}
			day = day.AddDate(0, 0, 1)
		}
	})
}
