package insight

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Ask names what is measured: the whole platform, or a merchant or a zone, in
// the window [From, Until), which are moments; [Service.Window] makes them of days.
type Ask struct {
	Of    platform.Ref `json:"of,omitzero"`
	From  time.Time    `json:"from"`
	Until time.Time    `json:"until"`
}

// Figures are what was asked for, over one window.
type Figures struct {
	Ask
	Zone     string           `json:"zone"`               // the tenant's
	Revision int64            `json:"revision"`           // of the window's days: it rises with each event that corrects them
	Building bool             `json:"building,omitempty"` // the log is still being read back: more will come
	Figures  []Figure         `json:"figures"`
	Apart    map[string]int64 `json:"apart,omitempty"` // orders placed in the window that are in no figure, by why
}

// Window is the days from one until another, the latter not included, in the
// tenant's zone: 2026-03-01. It fails with [ErrWindow].
func (s *Service) Window(from, until string) (a Ask, err error) {
	a.From, err = time.ParseInLocation(time.DateOnly, from, s.terms.Zone)
	if err == nil {
		a.Until, err = time.ParseInLocation(time.DateOnly, until, s.terms.Zone)
	}
	if err != nil {
		return a, fmt.Errorf("days %.10s to %.10s: %w", from, until, ErrWindow)
	}
	return a, a.sound()
}

func (a Ask) sound() error {
	if !a.From.Before(a.Until) || a.From.Year() < 1970 || a.Until.Sub(a.From) > 3660*day {
		return fmt.Errorf("figures from %s to %s: %w", a.From.Format(time.DateOnly), a.Until.Format(time.DateOnly), ErrWindow)
	}
	return nil
}

// Report measures everything in [Definitions], or what is named of it. The
// platform's people see all, a merchant its own. It fails with [ErrMeasure],
// [ErrWindow], [ErrSubject] and [ErrTooMany].
//
// It reads the orders of the window once for each moment by which one holds them,
// some twenty microseconds each: the whole of a year's hundred thousand orders
// takes seconds, one measure a part of that.
func (s *Service) Report(ctx context.Context, a Ask, names ...string) (Figures, error) {
	tallies, err := s.tallies(names)
	if err == nil {
		err = s.asked(ctx, a)
	}
	if err != nil {
		return Figures{}, fmt.Errorf("report: %w", err)
	}
	f, err := s.header(ctx, a)
	if err != nil {
		return Figures{}, err
	}
	if f.Apart, err = s.gather(ctx, a, tallies, func(time.Time) string { return "" }); err != nil {
		return Figures{}, err
	}
	for _, y := range tallies {
		f.Figures = append(f.Figures, y.figures()...)
	}
	return f, nil
}

// Measure is one measure as the platform's own rules take it: of an appraisal, an
// indicator. Nothing is kept back. A name with a slash is a cell:
// "cancellation_by_fault/merchant"; an amount is refused with [ErrMeasure] unless
// its currency is named so: "gmv/CNY". Only the system and operators may.
func (s *Service) Measure(ctx context.Context, name string, of platform.Ref, from, until time.Time) (numerator, denominator, n int64, err error) {
	a := Ask{Of: of, From: from, Until: until}
	measure, cell := cut(name)
	tallies, err := s.tallies([]string{measure})
	if err == nil {
		err = s.asked(ctx, a)
	}
	if err == nil {
		_, err = s.gather(ctx, a, tallies, func(time.Time) string { return "" })
	}
	if err != nil {
		return 0, 0, 0, fmt.Errorf("measure %s: %w", name, err)
	}
	y := tallies[0]
	for at, c := range y.cells {
		if at.key == cell && (at.unit == "" || at.unit == "s") || at.unit == cell && at.key == "" {
			f := y.figure(Figure{}, c)
			return f.Numerator, f.Denominator, f.N, nil
		}
	}
	if cell == "" && y.Cells != "" {
		return 0, 0, 0, fmt.Errorf("measure %s has cells: %w", name, ErrMeasure)
	}
	return 0, 0, 0, nil // nothing happened that it measures
}

// tallies are the measures of the names; all when none is named.
func (s *Service) tallies(names []string) (all []*tally, err error) {
	for _, d := range definitions {
		if len(names) == 0 || slices.Contains(names, d.Name) {
			all = append(all, newTally(d, s.terms))
		}
	}
	for _, name := range names {
		if _, known := definition(name); !known {
			return nil, fmt.Errorf("%.40q: %w", name, ErrMeasure)
		}
	}
	return all, nil
}

func (s *Service) asked(ctx context.Context, a Ask) error {
	if err := a.sound(); err != nil {
		return err
	}
	if err := s.admit(ctx, a.Of); err != nil || s.mark() != "" {
		return err
	}
	_, err := s.look(ctx)
	return err
}

// header is what figures say of their window.
func (s *Service) header(ctx context.Context, a Ask) (Figures, error) {
	f := Figures{Ask: a, Zone: s.terms.Zone.String()}
	read, err := s.look(ctx)
	if err != nil {
		return f, err
	}
	f.Building = read.Terms != s.digest || !read.Done
	f.Revision, err = s.revision(ctx, a)
	return f, err
}

// revision is the sum of those of the days that the window touches.
func (s *Service) revision(ctx context.Context, a Ask) (sum int64, err error) {
	from, until := s.dayOf(a.From), a.Until.Add(-1).In(s.terms.Zone).AddDate(0, 0, 1).Format(time.DateOnly)
	for cursor := ""; ; {
		page, err := s.store.Days(ctx, from, until, cursor)
		if err != nil {
			return 0, err
		}
		for _, d := range page.Items {
			if d.Fold == s.mark() {
				sum += d.Events
			}
		}
		if cursor = page.Next; cursor == "" {
			return sum, nil
		}
	}
}

// gather reads the orders of the window, once for each anchor, and lets them
// speak to the measures, in cells whose prefix follows from the moment. It counts
// those placed that are in no figure.
func (s *Service) gather(ctx context.Context, a Ask, tallies []*tally, prefix func(time.Time) string) (apart map[string]int64, err error) {
	apart = map[string]int64{}
	for _, by := range []Anchor{ByPlaced, ByConfirmed, ByStarted, ByCompleted} {
		mine := slices.DeleteFunc(slices.Clone(tallies), func(y *tally) bool { return y.By != by })
		if len(mine) == 0 {
			continue
		}
		err := s.each(ctx, a, by, func(j Journey) error {
			if why := j.apart(); why != "" {
				if by == ByPlaced {
					apart[why]++
				}
				return nil
			}
			for _, y := range mine {
				if err := y.add(prefix(j.moments()[by]), j); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return apart, nil
}

// each hands out the journeys of a window, page by page.
func (s *Service) each(ctx context.Context, a Ask, by Anchor, use func(Journey) error) error {
	find := Find{By: by, From: a.From, Until: a.Until}
	if a.Of.Kind == "merchant" {
		find.Merchant = a.Of.ID
	}
	for {
		page, err := s.store.Journeys(ctx, find)
		if err != nil {
			return err
		}
		for _, j := range page.Items {
			if j.Fold != s.mark() || a.Of.Kind == "zone" && j.Zone != a.Of.ID {
				continue
			}
			if err := use(j); err != nil {
				return err
			}
		}
		if find.Cursor = page.Next; find.Cursor == "" {
			return nil
		}
	}
}
