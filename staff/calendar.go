package staff

import "time"

// Day is a local calendar day, as "2026-03-29".
type Day string

// dayOf is the local day of a moment.
func dayOf(at time.Time, in *time.Location) Day { return Day(at.In(in).Format(time.DateOnly)) }

// parse is the day's midnight in UTC: a form to count and compare days in.
func (d Day) parse() (time.Time, error) {
	if len(d) != len(time.DateOnly) || d[4] != '-' || d[7] != '-' {
		return time.Time{}, ErrShiftTime
	}
	year, month, day := digits(d[:4]), digits(d[5:7]), digits(d[8:])
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if year < 1970 || month < 0 || day < 0 || int(t.Month()) != month || t.Day() != day {
		return time.Time{}, ErrShiftTime
	}
	return t, nil
}

// digits reads a number, -1 when the text is none.
func digits[T ~string](text T) int {
	n := 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// begins is the first moment of the day, which is not midnight where the clock
// skips it.
func (d Day) begins(in *time.Location) time.Time {
	t, err := d.parse()
	if err != nil {
		return time.Time{}
	}
	return wall(t, 0, in)
}

// daysOf are the local days that [from, until) touches.
func daysOf(from, until time.Time, in *time.Location) []Day {
	day := date(from.In(in))
	last := date(until.Add(-time.Nanosecond).In(in))
	var days []Day
	for ; !day.After(last); day = day.AddDate(0, 0, 1) {
		days = append(days, Day(day.Format(time.DateOnly)))
	}
	return days
}

// date is the calendar day that a local time shows, as midnight in UTC.
func date(local time.Time) time.Time {
	year, month, day := local.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Clock is a time of day, as "08:30", from 00:00 to 23:59.
type Clock string

// minutes is the time of day in minutes after midnight.
func (c Clock) minutes() (int, error) {
	if len(c) != 5 || c[2] != ':' {
		return 0, ErrShiftTime
	}
	hour, minute := digits(c[:2]), digits(c[3:])
	if hour < 0 || minute < 0 || hour > 23 || minute > 59 {
		return 0, ErrShiftTime
	}
	return hour*60 + minute, nil
}

// wall is the moment at which the clocks of a place show so many minutes after
// midnight of a day (given as midnight in UTC). Of a time that they show twice
// it is the first; for one that they skip it is the moment of the jump.
func wall(day time.Time, minutes int, in *time.Location) time.Time {
	year, month, d := day.Date()
	t := time.Date(year, month, d, 0, minutes, 0, 0, in)
	want := day.Add(time.Duration(minutes) * time.Minute)
	start, end := t.ZoneBounds()
	switch shown := shows(t); {
	case shown.Before(want):
		return end
	case shown.After(want):
		return start
	case start.IsZero():
		return t
	}
	_, offset := t.Zone()
	_, before := start.Add(-time.Nanosecond).Zone()
	twin := t.Add(-time.Duration(before-offset) * time.Second)
	if before > offset && twin.Before(start) {
		return twin
	}
	return t
}

// shows is what the local clock and calendar show, written as UTC.
func shows(local time.Time) time.Time {
	year, month, day := local.Date()
	hour, minute, second := local.Clock()
	return time.Date(year, month, day, hour, minute, second, local.Nanosecond(), time.UTC)
}
