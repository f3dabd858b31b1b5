package staff

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Need is what a piece of work asks of whoever takes it.
type Need struct {
	Skills  []Skill       // code and level; the intervals are not used
	Zone    platform.ID   // empty: anywhere
	Parties []platform.ID // customer, merchant: whose order it is
}

// ParseNeed reads a need from words: a skill's code, with the level behind a
// colon when it is above 1 ("massage:3"); the id of the zone; the id of a party
// to the order. It fails with ErrNeed.
func ParseNeed(words []string) (Need, error) {
	var n Need
	for _, word := range words {
		if id, err := platform.ParseID(word); err == nil {
			if id.Prefix() == "zon" {
				n.Zone = id
			} else {
				n.Parties = append(n.Parties, id)
			}
			continue
		}
		code, text, leveled := strings.Cut(word, ":")
		level := 1
		if leveled {
			level, _ = strconv.Atoi(text)
		}
		if !sound(code) || level < 1 || level > 5 {
			return Need{}, fmt.Errorf("need of %d words: %w", len(words), ErrNeed)
		}
		n.Skills = append(n.Skills, Skill{Code: code, Level: level})
	}
	return n, nil
}

// Facts are what [Dispatchable] knows beside the member.
type Facts struct {
	Place    *time.Location // the member's time zone
	Bookings []Interval     // of the member, all within 24 hours of the work
	Terms    Terms
}

// Dispatchable tells why a member cannot take work from one moment until
// another: all reasons in the order below, nil when there is none.
//
//	not_active on_hold absent   the state, a hold or an absence that touches the work
//	no_shift                    no published shift covers it, but for Terms.Grace at the end
//	skill_missing:code          not held at the start, at the level needed
//	skill_expires:code          held at the start, but not until the end
//	out_of_zone                 another home zone
//	overlap                     booked within the work and Terms.Buffer around it
//	hours_day                   more than Terms.Day of work on a local day
//	rest                        no Terms.Rest without work in the 24 hours from the start of duty
//	conflict                    a party to the order is barred from the member, or is the member
//
// It is pure, and allocates nothing when there is no reason.
func Dispatchable(m Member, f Facts, need Need, from, until time.Time) []string {
	f.Terms = f.Terms.ready()
	var why []string
	if m.State != Active {
		why = append(why, "not_active")
	}
	if m.held(from, until) {
		why = append(why, "on_hold")
	}
	if m.away(from, until) {
		why = append(why, "absent")
	}
	reach := m.works(from, until, f.Place)
	if !from.Before(reach) || reach.Add(f.Terms.Grace).Before(until) {
		why = append(why, "no_shift")
	}
	for _, s := range need.Skills {
		switch reach := m.holds(s.Code, s.Level, from, until); {
		case !from.Before(reach):
			why = append(why, "skill_missing:"+s.Code)
		case reach.Before(until):
			why = append(why, "skill_expires:"+s.Code)
		}
	}
	if need.Zone != "" && need.Zone != m.Zone {
		why = append(why, "out_of_zone")
	}
	if f.overlap(from, until) {
		why = append(why, "overlap")
	}
	if f.overworked(from, until) {
		why = append(why, "hours_day")
	}
	if f.restless(from, until) {
		why = append(why, "rest")
	}
	if m.conflicted(need.Parties) {
		why = append(why, "conflict")
	}
	return why
}

func (m Member) held(from, until time.Time) bool {
	for _, h := range m.Holds {
		if h.meets(from, until) {
			return true
		}
	}
	return false
}

func (m Member) away(from, until time.Time) bool {
	for _, a := range m.Absences {
		if a.meets(from, until) {
			return true
		}
	}
	return false
}

func (m Member) conflicted(parties []platform.ID) bool {
	for _, p := range parties {
		if p == m.ID || slices.Contains(m.Bars, p) {
			return true
		}
	}
	return false
}

func (f Facts) overlap(from, until time.Time) bool {
	for _, b := range f.Bookings {
		if b.meets(from.Add(-f.Terms.Buffer), until.Add(f.Terms.Buffer)) {
			return true
		}
	}
	return false
}

// overworked adds up what is booked on each local day that the work touches.
func (f Facts) overworked(from, until time.Time) bool {
	last := date(until.Add(-time.Nanosecond).In(f.Place))
	for day := date(from.In(f.Place)); !day.After(last); day = day.AddDate(0, 0, 1) {
		begin, end := wall(day, 0, f.Place), wall(day.AddDate(0, 0, 1), 0, f.Place)
		worked := shared(from, until, begin, end)
		for _, b := range f.Bookings {
			worked += shared(b.From, b.Until, begin, end)
		}
		if worked > f.Terms.Day {
			return true
		}
	}
	return false
}

// shared is how long two intervals run together.
func shared(from, until, begin, end time.Time) time.Duration {
	if from.Before(begin) {
		from = begin
	}
	if until.After(end) {
		until = end
	}
	return max(until.Sub(from), 0)
}

// restless joins the work with all bookings that are nearer than a rest. Such a
// stretch of duty may last 24 hours less the rest: then, and only then, the 24
// hours from its start hold one.
func (f Facts) restless(from, until time.Time) bool {
	for grown := true; grown; {
		grown = false
		for _, b := range f.Bookings {
			near := b.meets(from.Add(-f.Terms.Rest), until.Add(f.Terms.Rest))
			if near && b.From.Before(from) {
				from, grown = b.From, true
			}
			if near && b.Until.After(until) {
				until, grown = b.Until, true
			}
		}
	}
	return f.Terms.Rest > 0 && until.Sub(from) > span-f.Terms.Rest
}
