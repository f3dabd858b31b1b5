package settlement

import (
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Cycle is how often a party is settled: daily, weekly, monthly, or t+n, which is
// daily and confirmed by itself at the close of the n-th workday after.
type Cycle string

// The cycles with names. Weeks begin on Monday.
const (
	Daily   Cycle = "daily"
	Weekly  Cycle = "weekly"
	Monthly Cycle = "monthly"
)

// workdays is n of t+n; 0 for other cycles.
func (c Cycle) workdays() int {
	text, ok := strings.CutPrefix(string(c), "t+")
	n, err := strconv.Atoi(text)
	if !ok || err != nil || n < 1 || n > 30 || strconv.Itoa(n) != text {
		return 0
	}
	return n
}

func (c Cycle) check() error {
	if c == Daily || c == Weekly || c == Monthly || c.workdays() > 0 {
		return nil
	}
	return ErrCycle
}

// End is when the window ends in which a moment lies: the first midnight in the
// zone after it at which a day, a week or a month is over.
func (c Cycle) End(at time.Time, zone *time.Location) time.Time {
	year, month, day := at.In(zone).Date()
	switch c {
	case Monthly:
		month, day = month+1, 1
	case Weekly:
		day += 7 - (int(at.In(zone).Weekday())+6)%7
	default:
		day++
	}
	return time.Date(year, month, day, 0, 0, 0, 0, zone).UTC()
}

// silent is when a statement that ends at to and was cut at a moment counts as
// confirmed, though nobody said so.
func (c Cycle) silent(to, cut time.Time, t Terms) time.Time {
	if n := c.workdays(); n > 0 {
		if due := t.Calendar.AddDays(to.Add(-time.Microsecond), n).UTC(); due.After(cut) {
			return due
		}
		return cut
	}
	return cut.Add(t.Silence)
}

// zoneOf is the time zone of that name; empty is UTC.
func zoneOf(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || zone == time.Local {
		return nil, platform.Wrong("zone", ErrZone)
	}
	return zone, nil
}
