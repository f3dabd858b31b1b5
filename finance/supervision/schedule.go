package supervision

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

// Schedule is when a control runs next, and what came of the last time.
type Schedule struct {
	platform.Head
	Control string      `json:"control" class:"internal"`
	Due     time.Time   `json:"due" class:"internal"`              // when it is tried next
	Wanted  time.Time   `json:"wanted" class:"internal"`           // when it should run next
	Until   time.Time   `json:"until" class:"internal"`            // up to where it has looked
	Last    platform.ID `json:"last,omitempty" class:"internal"`   // the last run
	Ran     time.Time   `json:"ran,omitzero" class:"internal"`     // when that was
	Failed  string      `json:"failed,omitempty" class:"internal"` // why it could not run since, a code
	Told    bool        `json:"told,omitempty" class:"internal"`   // that it did not run
}

// Ref names the schedule.
func (c Schedule) Ref() platform.Ref { return platform.Ref{Kind: scheduleKind, ID: c.ID} }

func scheduleID(control string) platform.ID { return derived("ctl", "", control) }

// midnight is the beginning of the day of a moment, and monthStart of its month.
func midnight(at time.Time, zone *time.Location) time.Time {
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

func monthStart(at time.Time, zone *time.Location) time.Time {
	y, m, _ := at.In(zone).Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, zone)
}

// next is when a control runs after a moment: at its hour, by day or on the first
// workday of a month.
func (s *Service) next(every Every, after time.Time) time.Time {
	day := midnight(after, s.zone)
	if every == Daily {
		for ; ; day = day.AddDate(0, 0, 1) {
			y, m, d := day.Date()
			if at := time.Date(y, m, d, s.terms.Hour, 0, 0, 0, s.zone); at.After(after) {
				return at
			}
		}
	}
	for month := monthStart(after, s.zone); ; month = month.AddDate(0, 1, 0) {
		day := month
		for n := 0; n < 27 && !s.calendar.Workday(day.Add(12*time.Hour)); n++ {
			day = day.AddDate(0, 0, 1)
		}
		y, m, d := day.Date()
		if at := time.Date(y, m, d, s.terms.Hour, 0, 0, 0, s.zone); at.After(after) {
			return at
		}
	}
}

// most is how many days one run of a daily control catches up with.
const most = 7

// window is what a control has to look at, from where it left off: whole days, at
// most a week of them, or one month.
func (s *Service) window(c Schedule, every Every, now time.Time) Window {
	w := Window{From: c.Until, Until: midnight(now, s.zone)}
	if every == Daily {
		if latest := midnight(w.From, s.zone).AddDate(0, 0, most); w.Until.After(latest) {
			w.Until = latest
		}
		return w
	}
	w.Until = monthStart(now, s.zone)
	if first := monthStart(w.From, s.zone).AddDate(0, 1, 0); w.Until.After(first) {
		w.Until = first
	}
	return w
}

type schedule struct{}

// begin makes the schedules that there are not yet.
func (s *Service) begin(ctx context.Context, now time.Time) error {
	if s.begun.Load() {
		return nil
	}
	all := []Schedule{s.beginWatch(now)}
	for _, k := range Controls() {
		c := Schedule{Head: platform.Head{ID: scheduleID(k.Code)}, Control: k.Code, Due: s.next(k.Every, now), Until: midnight(now, s.zone)}
		if c.Wanted = c.Due; k.Every == Monthly {
			c.Until = monthStart(now, s.zone)
		}
		all = append(all, c)
	}
	refs := make([]platform.Ref, len(all))
	for i, c := range all {
		refs[i] = c.Ref()
	}
	found, err := platform.Lookup(ctx, s.db, refs...)
	if err != nil {
		return err
	}
	var changes []platform.Change
	for _, c := range all {
		if _, known := found[c.Ref()]; !known {
			changes = append(changes, platform.Put(c), platform.Happened("control.scheduled", c.Ref(), map[string]any{"control": c.Control, "due": c.Due}))
		}
	}
	if len(changes) > 0 {
		_, err = platform.Update(ctx, s.w, schedule{}, func(context.Context) (struct{}, []platform.Change, error) {
			return struct{}{}, changes, nil
		})
	}
	if platform.Code(err) == "exists" { // another process did
		err = nil
	}
	s.begun.Store(err == nil)
	return err
}
