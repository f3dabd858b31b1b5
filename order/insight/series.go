package insight

import (
	"context"
	"fmt"
	"time"
)

// Step is how long the windows of a series are.
type Step string

// The steps, in days of the tenant's zone; a week begins on Monday.
const (
	Daily   Step = "day"
	Weekly  Step = "week"
	Monthly Step = "month"
)

// Series is one measure over consecutive windows.
type Series struct {
	Ask
	Zone       string     `json:"zone"`
	Step       Step       `json:"step"`
	Revision   int64      `json:"revision"`
	Building   bool       `json:"building,omitempty"`
	Definition Definition `json:"definition"`
	Points     []Point    `json:"points"`
	Trend      Trend      `json:"trend"`
}

// Point is one window of a series, [From, Until); the first and last are cut to
// what was asked for.
type Point struct {
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	Figure Figure    `json:"figure"`
}

// maxPoints of a series: more than ten years of weeks, or a year of days.
const maxPoints = 600

// Series measures one measure, of no cells, in consecutive windows; an amount is
// named with its currency: "gmv/CNY". The points add up to the whole, so a window
// of few persons is kept back together with others. It fails as
// [Service.Report] does, and with [ErrWindow] for more than 600 points.
func (s *Service) Series(ctx context.Context, a Ask, name string, step Step) (Series, error) {
	measure, unit := cut(name)
	tallies, err := s.tallies([]string{measure})
	if err == nil {
		err = s.asked(ctx, a)
	}
	if err == nil && (tallies[0].Cells != "" || step != Daily && step != Weekly && step != Monthly) {
		err = ErrMeasure
	}
	if err != nil {
		return Series{}, fmt.Errorf("series of %.40q: %w", name, err)
	}
	y, out := tallies[0], Series{Ask: a, Zone: s.terms.Zone.String(), Step: step, Definition: tallies[0].Definition}
	y.Disjoint = true
	for at := a.From; at.Before(a.Until); {
		next := s.after(at, step)
		if next.After(a.Until) {
			next = a.Until
		}
		out.Points = append(out.Points, Point{From: at, Until: next})
		at = next
	}
	if len(out.Points) > maxPoints {
		return Series{}, fmt.Errorf("series of %d points: %w", len(out.Points), ErrWindow)
	}
	for _, p := range out.Points {
		y.cell(place{s.stepOf(p.From, step), unit})
	}
	f, err := s.header(ctx, a)
	if err != nil {
		return Series{}, err
	}
	out.Revision, out.Building = f.Revision, f.Building
	if _, err := s.gather(ctx, a, tallies, func(at time.Time) string { return s.stepOf(at, step) }); err != nil {
		return Series{}, err
	}
	shown := map[string]Figure{}
	for _, f := range y.figures() {
		if f.Unit == unit || f.Unit == "s" && unit == "" {
			shown[f.Key] = f
		}
	}
	for i, p := range out.Points {
		key := s.stepOf(p.From, step)
		f, known := shown[key]
		if !known {
			f = Figure{Name: y.Name, Version: y.Version, Key: key, Unit: unit, Suppressed: true}
		}
		out.Points[i].Figure = f
	}
	out.Trend = trend(out.Points, step, s.terms.Zone)
	return out, nil
}

// stepOf names the window of a moment by its first day.
func (s *Service) stepOf(at time.Time, step Step) string {
	at = at.In(s.terms.Zone)
	switch step {
	case Weekly:
		at = at.AddDate(0, 0, -(int(at.Weekday())+6)%7)
	case Monthly:
		at = at.AddDate(0, 0, 1-at.Day())
	}
	return at.Format(time.DateOnly)
}

// after is where the window of a moment ends.
func (s *Service) after(at time.Time, step Step) time.Time {
	begun, err := time.ParseInLocation(time.DateOnly, s.stepOf(at, step), s.terms.Zone)
	if err != nil {
		return at.Add(day)
	}
	switch step {
	case Weekly:
		return begun.AddDate(0, 0, 7)
	case Monthly:
		return begun.AddDate(0, 1, 0)
	}
	return begun.AddDate(0, 0, 1)
}

// Days are moments as days of the tenant's zone, for those who show them.
func (s *Service) Days(a Ask) (from, until string) {
	return s.dayOf(a.From), s.dayOf(a.Until)
}
