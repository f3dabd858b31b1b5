package platform_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

const officeDay = "09:00-12:00, 13:00-18:00"

// officeWeek is open on Monday to Friday, seven hours and one.
func officeWeek() [7]string {
	return [7]string{"", officeDay, officeDay, officeDay, officeDay, officeDay, ""}
}

func everyDay(hours string) [7]string {
	return [7]string{hours, hours, hours, hours, hours, hours, hours}
}

// goldenWeek has the holidays and make-up workdays of autumn 2025 as announced
// by the State Council.
func goldenWeek(t require.TestingT) platform.Calendar {
	return calendarOf(t, platform.Hours{Zone: "Asia/Shanghai", Week: officeWeek(), Dates: map[string]string{
		"2025-09-28": "Monday", // a Sunday
		"2025-10-01": "", "2025-10-02": "", "2025-10-03": "", "2025-10-04": "",
		"2025-10-05": "", "2025-10-06": "", "2025-10-07": "", "2025-10-08": "",
		"2025-10-11": "Tuesday", // a Saturday
	}})
}

func calendarOf(t require.TestingT, h platform.Hours) platform.Calendar {
	c, err := h.Calendar()
	require.NoError(t, err)
	return c
}

// wallClock reads "2026-03-29 01:00" in zone, with "+0200" behind it where clocks
// show that twice.
func wallClock(t require.TestingT, zone, text string) time.Time {
	location, err := time.LoadLocation(zone)
	require.NoError(t, err)
	at, err := time.ParseInLocation("2006-01-02 15:04", text, location)
	if err != nil {
		at, err = time.Parse("2006-01-02 15:04 -0700", text)
	}
	require.NoError(t, err)
	return at.In(location)
}

func TestDueAfterBusinessTime(t *testing.T) {
	t.Parallel()
	office := platform.Hours{Week: officeWeek()}
	always := platform.Hours{Week: everyDay("00:00-24:00")}
	nights := platform.Hours{Week: everyDay("00:00-06:00, 22:00-24:00")}
	small := platform.Hours{Week: everyDay("02:15-02:45")}
	later := platform.Hours{Week: everyDay("03:15-03:45")}
	for _, c := range []struct {
		name, zone string
		hours      platform.Hours
		from       string
		budget     time.Duration
		due        string
	}{
		{"within a stretch", "Asia/Shanghai", office, "2026-03-02 09:30", time.Hour, "2026-03-02 10:30"},
		{"over lunch", "Asia/Shanghai", office, "2026-03-02 11:30", time.Hour, "2026-03-02 13:30"},
		{"a whole day ends at its close", "Asia/Shanghai", office, "2026-03-02 09:00", 8 * time.Hour, "2026-03-02 18:00"},
		{"and a moment more on the next day", "Asia/Shanghai", office, "2026-03-02 09:00", 8*time.Hour + time.Minute, "2026-03-03 09:01"},
		{"from the night", "Asia/Shanghai", office, "2026-03-02 23:00", 4 * time.Hour, "2026-03-03 14:00"},
		{"over the weekend", "Asia/Shanghai", office, "2026-03-06 17:00", 4 * time.Hour, "2026-03-09 12:00"},
		{"nothing while open is now", "Asia/Shanghai", office, "2026-03-02 09:30", 0, "2026-03-02 09:30"},
		{"nothing at closing is now", "Asia/Shanghai", office, "2026-03-02 18:00", 0, "2026-03-02 18:00"},
		{"nothing while closed is the next opening", "Asia/Shanghai", office, "2026-03-06 18:01", 0, "2026-03-09 09:00"},
		{"less than nothing is nothing", "Asia/Shanghai", office, "2026-03-02 09:30", -time.Hour, "2026-03-02 09:30"},
		{"night shift over midnight", "Asia/Shanghai", nights, "2026-03-02 23:00", 3 * time.Hour, "2026-03-03 02:00"},
		{"a day that ends at 24:00", "Asia/Shanghai", nights, "2026-03-02 22:00", 2 * time.Hour, "2026-03-03 00:00"},
		{"spring, 23 hours", "Europe/Berlin", always, "2026-03-29 00:00", 23 * time.Hour, "2026-03-30 00:00"},
		{"autumn, 25 hours", "Europe/Berlin", always, "2026-10-25 00:00", 25 * time.Hour, "2026-10-26 00:00"},
		{"spring, 23 hours", "America/New_York", always, "2026-03-08 00:00", 23 * time.Hour, "2026-03-09 00:00"},
		{"autumn, 25 hours", "America/New_York", always, "2026-11-01 00:00", 25 * time.Hour, "2026-11-02 00:00"},
		{"office hours ignore the change", "Europe/Berlin", office, "2026-03-27 17:00", 2 * time.Hour, "2026-03-30 10:00"},
		{"office hours ignore the change", "America/New_York", office, "2026-10-30 17:00", 2 * time.Hour, "2026-11-02 10:00"},
		{"a stretch that the clock jumps over is none", "Europe/Berlin", small, "2026-03-29 00:00", 30 * time.Minute, "2026-03-30 02:45"},
		{"nor does anything fall into it", "Europe/Berlin", small, "2026-03-29 00:00", 0, "2026-03-30 02:15"},
		{"a stretch shown twice counts once", "Europe/Berlin", small, "2026-10-25 00:00", 30 * time.Minute, "2026-10-25 02:45 +0200"},
		{"then closed, though shown again", "Europe/Berlin", small, "2026-10-25 02:20 +0100", 0, "2026-10-26 02:15"},
		{"so does the far west", "Pacific/Apia", later, "2011-09-24 00:00", 30 * time.Minute, "2011-09-25 03:45"},
		{"and the far east", "Pacific/Apia", later, "2012-04-01 00:00", 30 * time.Minute, "2012-04-01 03:45 +1400"},
		{"a date that was left out", "Pacific/Apia", always, "2011-12-29 12:00", 13 * time.Hour, "2011-12-31 01:00"},
		{"long ago", "UTC", office, "1960-03-04 17:00", 2 * time.Hour, "1960-03-07 10:00"},
		{"a shift through the repeated hour is longer", "America/New_York", nights, "2026-11-01 00:00", 7 * time.Hour, "2026-11-01 06:00"},
		{"a shift through the missing hour is shorter", "America/New_York", nights, "2026-03-08 00:00", 5 * time.Hour, "2026-03-08 06:00"},
	} {
		t.Run(c.zone+" "+c.name, func(t *testing.T) {
			t.Parallel()
			c.hours.Zone = c.zone
			calendar, from := calendarOf(t, c.hours), wallClock(t, c.zone, c.from)

			due := calendar.Add(from, c.budget)

			assert.Equal(t, wallClock(t, c.zone, c.due), due)
			assert.Equal(t, max(0, c.budget), calendar.Between(from, due))
			assert.Equal(t, -max(0, c.budget), calendar.Between(due, from))
			assert.Equal(t, time.UTC, calendar.Add(from.UTC(), c.budget).Location())
		})
	}
}

func TestMakeUpWorkdayWorksLikeItsWeekday(t *testing.T) {
	t.Parallel()
	c, at := goldenWeek(t), func(text string) time.Time { return wallClock(t, "Asia/Shanghai", text) }

	for date, works := range map[string]bool{
		"2025-09-27": false, "2025-09-28": true, "2025-09-30": true, "2025-10-01": false,
		"2025-10-08": false, "2025-10-09": true, "2025-10-11": true, "2025-10-12": false,
	} {
		assert.Equal(t, works, c.Workday(at(date+" 23:59")), date)
		assert.Equal(t, works, c.Open(at(date+" 09:00")), date)
		assert.False(t, c.Open(at(date+" 12:00")), date)
	}
	assert.Equal(t, at("2025-09-28 11:00"), c.Add(at("2025-09-26 16:00"), 4*time.Hour), "due on the make-up day")
	assert.Equal(t, at("2025-10-09 11:00"), c.Add(at("2025-09-30 16:00"), 4*time.Hour), "over the holidays")
	assert.Equal(t, 5*8*time.Hour, c.Between(at("2025-09-28 00:00"), at("2025-10-10 18:00")))
}

func TestTermOfBusinessDaysEndsAtClose(t *testing.T) {
	t.Parallel()
	c, at := goldenWeek(t), func(text string) time.Time { return wallClock(t, "Asia/Shanghai", text) }

	for _, term := range []struct {
		from string
		days int
		due  string
	}{
		{"2025-09-22 09:30", 1, "2025-09-23 18:00"},
		{"2025-09-22 23:30", 1, "2025-09-23 18:00"},
		{"2025-09-26 10:00", 1, "2025-09-28 18:00"},
		{"2025-09-27 10:00", 1, "2025-09-28 18:00"},
		{"2025-09-30 16:00", 3, "2025-10-11 18:00"},
		{"2025-09-30 16:00", 4, "2025-10-13 18:00"},
		{"2025-09-22 10:00", 0, "2025-09-22 18:00"},
		{"2025-09-22 18:00", 0, "2025-09-23 18:00"},
		{"2025-10-04 10:00", 0, "2025-10-09 18:00"},
		{"2025-10-10 10:00", -2, "2025-09-30 18:00"},
		{"2025-10-08 10:00", -3, "2025-09-28 18:00"},
	} {
		assert.Equal(t, at(term.due), c.AddDays(at(term.from), term.days), "%d days from %s", term.days, term.from)
	}
	assert.Equal(t, time.UTC, c.AddDays(at("2025-09-22 09:30").UTC(), 1).Location())
}

func TestPauseKeepsTheBusinessTimeLeft(t *testing.T) {
	t.Parallel()
	c, at := goldenWeek(t), func(text string) time.Time { return wallClock(t, "Asia/Shanghai", text) }
	due := at("2025-09-24 15:00")

	for _, pause := range []struct{ name, paused, resumed, due string }{
		{"while open", "2025-09-24 10:00", "2025-09-24 11:00", "2025-09-24 16:00"},
		{"overnight", "2025-09-23 17:00", "2025-09-24 10:00", "2025-09-24 17:00"},
		{"while closed", "2025-09-23 18:00", "2025-09-24 09:00", "2025-09-24 15:00"},
		{"over the holidays", "2025-09-24 14:00", "2025-10-05 10:00", "2025-10-09 10:00"},
		{"after the breach", "2025-09-24 15:00", "2025-09-24 17:00", "2025-09-24 15:00"},
		{"backwards", "2025-09-24 10:00", "2025-09-24 09:00", "2025-09-24 15:00"},
	} {
		assert.Equal(t, at(pause.due), c.Resume(due, at(pause.paused), at(pause.resumed)), pause.name)
	}
}

func TestZeroCalendarIsAlwaysOpenInUTC(t *testing.T) {
	t.Parallel()
	var c platform.Calendar
	from := time.Date(2026, 3, 29, 0, 30, 0, 1, time.UTC)

	assert.True(t, c.Open(from))
	assert.True(t, c.Workday(from))
	assert.Equal(t, from.Add(1000*time.Hour), c.Add(from, 1000*time.Hour))
	assert.Equal(t, 1000*time.Hour, c.Between(from, from.Add(1000*time.Hour)))
	midnight := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	assert.Equal(t, midnight, c.AddDays(from, 2))
	assert.Equal(t, midnight, c.AddDays(midnight.Add(-1), 0))
	assert.Equal(t, midnight.AddDate(0, 0, 1), c.AddDays(midnight, 0))
}

func TestUnreadableHoursAreRefused(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 2_501 {
		many[time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)] = ""
	}
	for code, refused := range map[string][]platform.Hours{
		"calendar.zone": {
			{Zone: "Europe/Atlantis", Week: officeWeek()}, {Zone: "Local", Week: officeWeek()}, {Zone: "../etc", Week: officeWeek()},
		},
		"calendar.never_open": {{}, {Week: [7]string{1: "Tuesday"}}, {Dates: map[string]string{"2026-01-01": officeDay}}},
		"calendar.date": {
			{Week: officeWeek(), Dates: map[string]string{"1.1.2026": ""}},
			{Week: officeWeek(), Dates: map[string]string{"2026-02-29": ""}}, {Week: officeWeek(), Dates: many},
		},
		"calendar.hours": {
			{Week: everyDay("9-17")}, {Week: everyDay("09:00")}, {Week: everyDay("09:00-09:00")}, {Week: everyDay("22:00-06:00")},
			{Week: everyDay("09:00-24:01")}, {Week: everyDay("24:00-24:00")}, {Week: everyDay("13:00-18:00, 09:00-12:00")},
			{Week: everyDay("09:00-12:00, 11:00-18:00")}, {Week: everyDay("09:00-12:00,")}, {Week: everyDay("Someday")},
			{Week: everyDay("00:00-01:00, 02:00-03:00, 04:00-05:00, 06:00-07:00, 08:00-09:00, 10:00-11:00, 12:00-13:00")},
			{Week: officeWeek(), Dates: map[string]string{"2026-01-01": "closed"}},
		},
	} {
		for _, h := range refused {
			_, err := h.Calendar()
			require.ErrorIs(t, err, platform.ErrInvalid, "%.200v", h)
			assert.Equal(t, code, platform.Code(err), "%.200v", h)
		}
	}
}

func TestHolidaysWithoutEndStillEnd(t *testing.T) {
	t.Parallel()
	h := platform.Hours{Week: [7]string{time.Monday: "09:00-10:00"}, Dates: map[string]string{}}
	for week := range 2_500 {
		h.Dates[time.Date(2026, 1, 5+7*week, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)] = ""
	}
	c, from := calendarOf(t, h), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	opens := time.Date(2026, 1, 5+7*2_500, 9, 0, 0, 0, time.UTC)

	assert.Equal(t, opens, c.Add(from, 0))
	assert.Equal(t, opens.Add(time.Hour), c.AddDays(from, 1))
	assert.Zero(t, c.Between(from, opens))
}

func TestWorkStopsAtTheHorizon(t *testing.T) {
	t.Parallel()
	c, from := goldenWeek(t), wallClock(t, "Asia/Shanghai", "2025-09-30 16:00")
	near, far := from.AddDate(49, 0, 0), from.AddDate(51, 0, 0)

	for _, due := range []time.Time{c.Add(from, math.MaxInt64), c.AddDays(from, math.MaxInt)} {
		assert.WithinRange(t, due, near, far)
		assert.True(t, c.Open(due.Add(-1)))
	}
	assert.WithinRange(t, c.AddDays(from, math.MinInt), from.AddDate(-51, 0, 0), from.AddDate(-49, 0, 0))
	assert.Equal(t, c.Between(from, far), c.Between(from, far.AddDate(900, 0, 0)))
}

func BenchmarkCalendarAdd(b *testing.B) {
	c, from := goldenWeek(b), wallClock(b, "Asia/Shanghai", "2025-09-30 16:00")
	for _, budget := range []time.Duration{4 * time.Hour, 40 * time.Hour, math.MaxInt64} {
		b.Run(budget.String(), func(b *testing.B) {
			for b.Loop() {
				c.Add(from, budget)
			}
		})
	}
}
