package platform_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
)

// randomHours has any week, in zones whose clocks change by an hour, by half of
// one, at midnight, over midnight, by a whole day, and never.
func randomHours(t *rapid.T) platform.Hours {
	h := platform.Hours{Dates: map[string]string{}, Zone: rapid.SampledFrom([]string{
		"", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/St_Johns", "Pacific/Apia",
	}).Draw(t, "zone")}
	for i := range h.Week {
		h.Week[i] = randomDay(t)
	}
	h.Week[rapid.IntRange(0, 6).Draw(t, "open")] = "01:30-02:30, 08:00-24:00"
	for range rapid.IntRange(0, 9).Draw(t, "dates") {
		h.Dates[randomMoment(t, "date").Format(time.DateOnly)] = rapid.SampledFrom([]string{"", "Friday", randomDay(t)}).Draw(t, "special")
	}
	return h
}

func randomDay(t *rapid.T) string {
	var parts []string
	for at := 0; len(parts) < 6; {
		from := at + rapid.IntRange(0, 600).Draw(t, "closed")
		at = from + rapid.IntRange(1, 600).Draw(t, "open")
		if at > 24*60 {
			break
		}
		parts = append(parts, fmt.Sprintf("%02d:%02d-%02d:%02d", from/60, from%60, at/60, at%60))
	}
	return strings.Join(parts, ", ")
}

// randomMoment is near the changes of clocks of 2011 in all those zones: Apia
// left out a date, St John's set back its clocks over midnight.
func randomMoment(t *rapid.T, name string) time.Time {
	return time.Unix(rapid.Int64Range(1293840000, 1325980800).Draw(t, name), rapid.Int64Range(0, 1).Draw(t, "ns")).UTC()
}

func randomBudget(t *rapid.T, name string) time.Duration {
	return time.Duration(rapid.Int64Range(0, int64(300*time.Hour)).Draw(t, name))
}

func TestCalendarLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := calendarOf(t, randomHours(t))
		checkCalendarLaws(t, c, randomMoment(t, "from"), randomBudget(t, "budget"), randomMoment(t, "paused"), randomMoment(t, "resumed"))
	})
}

// checkCalendarLaws holds for all calendars and moments within the horizon.
func checkCalendarLaws(t require.TestingT, c platform.Calendar, from time.Time, d time.Duration, paused, resumed time.Time) {
	due := c.Add(from, d)
	require.False(t, due.Before(from), "due %v before its start", due)
	require.True(t, c.Open(due) || c.Open(due.Add(-1)), "due %v inside closed time", due)
	require.Equal(t, d, c.Between(from, due), "Between undoes Add")
	if d > 0 {
		require.Equal(t, d-1, c.Between(from, due.Add(-1)), "due is the first such moment")
	}
	require.Equal(t, due, c.Add(c.Add(from, d/3), d-d/3), "a budget may be spent in parts")
	require.Equal(t, due, c.Add(due, 0), "a due moment is due")
	require.False(t, c.Add(from.Add(d/2), d).Before(due), "a later start is due no earlier")

	require.Equal(t, c.Between(from, resumed), c.Between(from, paused)+c.Between(paused, resumed), "time adds up")
	require.Equal(t, c.Between(from, paused), -c.Between(paused, from))

	moved := c.Resume(due, paused, resumed)
	if !paused.Before(due) || !paused.Before(resumed) || c.Between(paused, resumed) == 0 {
		require.Equal(t, due, moved, "after due, backwards or in closed time it is no pause")
		return
	}
	require.Equal(t, d+c.Between(paused, resumed), c.Between(from, moved), "a pause costs no budget")
	if left := d - c.Between(from, paused); !paused.Before(from) {
		require.Equal(t, c.Add(resumed, left), moved, "what was left is left")
	}
}

func TestBusinessDaysAreCounted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := randomHours(t)
		h.Zone = rapid.SampledFrom([]string{"", "Asia/Shanghai", "America/New_York"}).Draw(t, "plain zone")
		c, from := calendarOf(t, h), randomMoment(t, "from")
		location, err := time.LoadLocation(h.Zone)
		require.NoError(t, err)
		n := rapid.IntRange(1, 40).Draw(t, "days")

		due := c.AddDays(from, n)

		workdays, date := 0, from.In(location)
		for workdays < n {
			date = time.Date(date.Year(), date.Month(), date.Day()+1, 12, 0, 0, 0, location)
			if c.Workday(date) {
				workdays++
			}
		}
		midnight := time.Date(date.Year(), date.Month(), date.Day()+1, 0, 0, 0, 0, location)
		require.True(t, due.After(midnight.Add(-25*time.Hour)) && !due.After(midnight), "%v not on %v", due, date)
		require.True(t, c.Open(due.Add(-1)), "%v is no close", due)
		require.Zero(t, c.Between(due, midnight), "business after the close")
		require.True(t, due.Before(c.AddDays(from, n+1)))
		require.True(t, c.AddDays(due.Add(-1), -n).Before(due))
	})
}

func TestOpenReadsTheWallClock(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h, at := randomHours(t), randomMoment(t, "at")
		location, err := time.LoadLocation(h.Zone)
		require.NoError(t, err)
		at = at.In(location)
		_, before := at.Add(-36 * time.Hour).Zone()
		_, after := at.Add(36 * time.Hour).Zone()
		if before != after {
			t.Skip("clocks change")
		}
		day, special := h.Dates[at.Format(time.DateOnly)]
		if !special {
			day = h.Week[at.Weekday()]
		} else if day == "Friday" {
			day = h.Week[time.Friday]
		}
		open := false
		for part := range strings.SplitSeq(day, ", ") {
			from, to, _ := strings.Cut(part, "-")
			open = open || (day != "" && from <= at.Format("15:04") && at.Format("15:04") < to)
		}

		require.Equal(t, open, calendarOf(t, h).Open(at))
	})
}

func FuzzCalendar(f *testing.F) {
	f.Add("Europe/Berlin", officeDay, "02:00-03:00", "2026-03-29", "Friday", int64(1774742400), int64(4*time.Hour), int64(3600))
	f.Add("Asia/Shanghai", officeDay, "", "2026-10-01", "", int64(1790811000), int64(90*time.Hour), int64(864000))
	f.Add("Pacific/Apia", "00:00-24:00", "", "2011-12-30", "", int64(1325152800), int64(25*time.Hour), int64(0))
	f.Add("Local", "22:00-06:00", "closed", "tomorrow", "Someday", int64(0), int64(-1), int64(-1))
	f.Fuzz(func(t *testing.T, zone, weekday, sunday, date, special string, seconds, budget, pause int64) {
		h := platform.Hours{Zone: zone, Week: everyDay(weekday), Dates: map[string]string{date: special}}
		h.Week[time.Sunday] = sunday
		c, err := h.Calendar()
		if err != nil {
			require.ErrorIs(t, err, platform.ErrInvalid)
			require.True(t, strings.HasPrefix(platform.Code(err), "calendar."), platform.Code(err))
			return
		}
		from := time.Unix(seconds%5_000_000_000, 0).UTC() // 1811 to 2128
		d := max(0, time.Duration(budget)%(400*24*time.Hour))
		if c.Between(from, from.AddDate(40, 0, 0)) < 2*d {
			due := c.Add(from, d)
			require.True(t, c.Open(due) || c.Open(due.Add(-1)))
			require.True(t, due.Before(from.AddDate(51, 0, 0)))
			return
		}
		paused := from.Add(d / 2)
		checkCalendarLaws(t, c, from, d, paused, paused.Add(time.Duration(pause%100_000_000)*time.Second))
	})
}
