package platform

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"
)

// Refusals of [Hours.Calendar].
var (
	errCalendarZone  = Err(ErrInvalid, "calendar.zone", "not a time zone of the IANA database", "不是IANA时区")
	errCalendarHours = Err(ErrInvalid, "calendar.hours", "hours are written as 09:00-12:00, 13:00-18:00", "营业时间写作09:00-12:00, 13:00-18:00")
	errCalendarDate  = Err(ErrInvalid, "calendar.date", "dates are written as 2006-01-02, at most 2,500", "日期写作2006-01-02，至多2500个")
	errCalendarShut  = Err(ErrInvalid, "calendar.never_open", "no weekday has business hours", "一周中没有营业时间")
)

// Days looked at, dates (fewer than their weeks: holidays cannot fill them), stretches a day.
const calendarHorizon, calendarDates, calendarParts = 50 * 366, 2_500, 6

// Hours say when a team works, as it is configured. A day is "" (closed), up to six stretches of the wall
// clock in order, "09:00-12:00, 13:00-18:00", or a weekday that has its hours, "Friday". A stretch stays in
// its day and may end at 24:00: a night shift is "22:00-24:00", and "00:00-06:00" on the next day.
type Hours struct {
	Zone  string            `json:"zone"`            // IANA name such as Asia/Shanghai. If empty, UTC.
	Week  [7]string         `json:"week"`            // by [time.Weekday], Sunday first
	Dates map[string]string `json:"dates,omitempty"` // "2026-10-01": "" a holiday, "2026-10-10": "Friday" a make-up workday (调休)
}

// Calendar counts time in business hours: real time that passes while open. Make one with [Hours.Calendar];
// the zero Calendar is open at all hours, in UTC. It never changes: several goroutines may use it at once.
//
// A stretch begins and ends when the zone's clock first shows its time or jumps over it, so a day on which
// clocks change has more or less of it. Methods look 50 years away at most and stop at the last close
// before; their cost grows with the days they pass.
type Calendar struct {
	zone  *time.Location // nil in the zero Calendar
	week  [7][]stretch
	dates map[int][]stretch // by Calendar.day
}

// stretch is a part of a day, since midnight by the wall clock.
type stretch struct{ from, to time.Duration }

var wholeDay = []stretch{{0, 24 * time.Hour}}

// Calendar reads h. It fails as ErrInvalid with code calendar.zone when neither the system nor time/tzdata
// knows the zone, or it is "Local"; calendar.hours or calendar.date when a text is not as above or there are
// over 2,500 dates; calendar.never_open when no weekday has hours.
func (h Hours) Calendar() (Calendar, error) {
	zone, err := time.LoadLocation(h.Zone)
	if err != nil || zone == time.Local {
		return Calendar{}, fmt.Errorf("load zone %q: %w", h.Zone, errCalendarZone)
	}
	c := Calendar{zone: zone, dates: make(map[int][]stretch, len(h.Dates))}
	for i, text := range h.Week {
		if c.week[i], err = h.read(text); err != nil {
			return Calendar{}, fmt.Errorf("read hours of %s: %w", time.Weekday(i), err)
		}
	}
	if len(slices.Concat(c.week[:]...)) == 0 {
		return Calendar{}, errCalendarShut
	}
	for _, date := range slices.Sorted(maps.Keys(h.Dates)) {
		at, err := time.Parse(time.DateOnly, date)
		if err != nil || len(h.Dates) > calendarDates {
			return Calendar{}, fmt.Errorf("read date %q of %d: %w", date, len(h.Dates), errCalendarDate)
		}
		if c.dates[int(at.Unix()/86400)], err = h.read(h.Dates[date]); err != nil {
			return Calendar{}, fmt.Errorf("read hours of %s: %w", date, err)
		}
	}
	return c, nil
}

func (h Hours) read(text string) (list []stretch, err error) {
	for i, hours := range h.Week {
		if text == time.Weekday(i).String() {
			text = hours
			break
		}
	}
	if text == "" {
		return nil, nil
	}
	var last stretch
	for part := range strings.SplitSeq(text, ",") {
		from, to, _ := strings.Cut(strings.TrimSpace(part), "-")
		next := stretch{sinceMidnight(from), sinceMidnight(to)}
		if next.from < last.to || next.to <= next.from || len(list) == calendarParts {
			return nil, fmt.Errorf("%q: %w", text, errCalendarHours)
		}
		list, last = append(list, next), next
	}
	return list, nil
}

// sinceMidnight reads 15:04; it is negative when it cannot.
func sinceMidnight(text string) time.Duration {
	if text == "24:00" {
		return 24 * time.Hour
	}
	at, err := time.Parse("15:04", text)
	if err != nil {
		return -1
	}
	return time.Duration(at.Hour()*60+at.Minute()) * time.Minute
}

// Open reports whether t lies in business hours, from each opening until its close.
func (c Calendar) Open(t time.Time) bool { return c.Between(t, t.Add(1)) > 0 }

// Workday reports whether the date of t, in the calendar's zone, has hours.
func (c Calendar) Workday(t time.Time) bool { return len(c.hours(c.day(t))) > 0 }

// Add returns when a budget of d, begun at from, is used up: the first moment, never inside closed time, at
// which that business time has passed. 8 hours from the opening of an 8-hour day end at its close; with
// d ≤ 0 it is from, or the next opening when from is inside closed time. It is in the location of from.
func (c Calendar) Add(from time.Time, d time.Duration) time.Time {
	due, d := from, max(d, 0)
	for begins, ends := range c.ahead(from) {
		open := ends.Sub(begins)
		if due = begins.Add(min(d, open)); d <= open {
			break
		}
		d -= open
	}
	return due.In(from.Location())
}

// AddDays returns the close of business of the n-th workday after the date of from (which does not count:
// articles 201 and 203 of China's Civil Code), before it when n is negative; with n = 0, of the day in which
// business time next passes. It is in the location of from; a close at 24:00 reads as the next date.
func (c Calendar) AddDays(from time.Time, n int) time.Time {
	day := c.day(from)
	if n == 0 {
		day, n = c.day(c.Add(from, 1).Add(-1))-1, 1
	}
	last, step := day, cmp.Compare(n, 0)
	for i := 1; i <= calendarHorizon && n != 0; i++ {
		if len(c.hours(day+i*step)) > 0 {
			last, n = day+i*step, n-step
		}
	}
	hours := c.hours(last)
	return c.Add(c.moment(last, hours[len(hours)-1].to), 0).In(from.Location())
}

// Between returns the business time from a until b, negative when b is before a. Between(a, Add(a, d)) is d.
func (c Calendar) Between(a, b time.Time) (sum time.Duration) {
	if b.Before(a) {
		return -c.Between(b, a)
	}
	for begins, ends := range c.ahead(a) {
		if !ends.Before(b) {
			return sum + max(0, b.Sub(begins))
		}
		sum += ends.Sub(begins)
	}
	return sum
}

// Resume returns the new due moment of what stood still from paused until resumed: as much business time is
// left as was. Nothing changes when the pause lies in closed time, begins at due or later (a breach stands),
// or ends before it begins.
func (c Calendar) Resume(due, paused, resumed time.Time) time.Time {
	if !paused.Before(due) || c.Between(paused, resumed) <= 0 {
		return due
	}
	return c.Add(resumed, c.Between(paused, due)).In(due.Location())
}

// ahead yields what is open from t on, in order. The first is empty when t is a close; other empty stretches
// (the clock jumps over them) are left out.
func (c Calendar) ahead(t time.Time) iter.Seq2[time.Time, time.Time] {
	return func(yield func(begins, ends time.Time) bool) {
		first := c.day(t.Add(-1)) // a close at 24:00 is of the day before
		for day := first; day < first+calendarHorizon; day++ {
			for _, s := range c.hours(day) {
				begins, ends := c.moment(day, s.from), c.moment(day, s.to)
				if ends.Before(t) || !begins.Before(ends) {
					continue
				}
				if begins.Before(t) {
					begins = t
				}
				if !yield(begins, ends) {
					return
				}
			}
		}
	}
}

// day is the date that the zone's clock shows at t, in days since 1970-01-01.
func (c Calendar) day(t time.Time) int {
	return int(t.Add(c.offset(t)).UTC().Truncate(24*time.Hour).Unix() / 86400)
}

func (c Calendar) hours(day int) []stretch {
	if c.zone == nil {
		return wholeDay
	}
	if hours, ok := c.dates[day]; ok {
		return hours
	}
	return c.week[((day+int(time.Thursday))%7+7)%7]
}

// moment is when the zone's clock first shows wall on a day or jumps over it. No zone is 16 hours from UTC or
// changes its clocks twice in 32 hours. [time.Time.ZoneBounds] would not do: on 31 December of leap years far
// ahead it may answer a bound in the past (go1.26).
func (c Calendar) moment(day int, wall time.Duration) time.Time {
	utc := time.Unix(int64(day)*86400, 0).UTC().Add(wall)
	before, after := c.offset(utc.Add(-16*time.Hour)), c.offset(utc.Add(16*time.Hour))
	if first := utc.Add(-before); c.offset(first) == before {
		return first
	}
	last := utc.Add(-after)
	changed := func(s int) bool { return c.offset(last.Add(time.Duration(s)*time.Second)) == after }
	return last.Add(time.Duration(sort.Search(86400, changed)) * time.Second)
}

// offset is how far the zone's clock is ahead of UTC at t.
func (c Calendar) offset(t time.Time) time.Duration {
	_, seconds := t.In(cmp.Or(c.zone, time.UTC)).Zone()
	return time.Duration(seconds) * time.Second
}
