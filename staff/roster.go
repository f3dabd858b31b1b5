package staff

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Shift is working time that repeats by the clocks of the member's time zone:
// on the named weekdays from Starts to Ends, on days from First on and before
// Until. An end at or before the start is on the next day. A shift across a
// change of the clocks is as long as it really is.
type Shift struct {
	Weekdays []string `json:"weekdays,omitempty"` // "mon" … "sun"; empty is every day
	Starts   Clock    `json:"starts"`
	Ends     Clock    `json:"ends"`
	First    Day      `json:"first"`
	Until    Day      `json:"until"` // exclusive
}

var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // as time.Weekday counts

// fault is what is wrong with the shift, as a code of the package.
func (s Shift) fault() error {
	starts, err := s.Starts.minutes()
	if err != nil {
		return err
	}
	ends, err := s.Ends.minutes()
	if err != nil {
		return err
	}
	for _, name := range s.Weekdays {
		if !slices.Contains(weekdays[:], name) {
			return ErrShiftTime
		}
	}
	first, err := s.First.parse()
	if err != nil {
		return err
	}
	until, err := s.Until.parse()
	if err != nil {
		return err
	}
	if length := (ends - starts + 24*60) % (24 * 60); length == 0 || length > 16*60 {
		return ErrShiftLength
	}
	if !first.Before(until) || until.After(first.AddDate(2, 0, 0)) {
		return ErrShiftSpan
	}
	return nil
}

// on is the shift's interval that starts on a day (given as midnight in UTC);
// false when it does not fall on that day.
func (s Shift) on(day time.Time, in *time.Location) (Interval, bool) {
	if len(s.Weekdays) > 0 && !slices.Contains(s.Weekdays, weekdays[day.Weekday()]) {
		return Interval{}, false
	}
	first, firstErr := s.First.parse()
	until, untilErr := s.Until.parse()
	starts, startsErr := s.Starts.minutes()
	ends, endsErr := s.Ends.minutes()
	if firstErr != nil || untilErr != nil || startsErr != nil || endsErr != nil || day.Before(first) || !day.Before(until) {
		return Interval{}, false
	}
	end := day
	if ends <= starts {
		end = day.AddDate(0, 0, 1)
	}
	return Interval{From: wall(day, starts, in), Until: wall(end, ends, in)}, true
}

// works is how far from the moment on the member's shifts reach without a gap:
// the moment itself when no shift covers it.
func (m Member) works(from, until time.Time, in *time.Location) time.Time {
	reach := from
	for moved := true; moved && reach.Before(until); {
		moved = false
		today := date(reach.In(in))
		for _, s := range m.Shifts {
			for back := range 2 { // a shift over midnight began the day before
				i, falls := s.on(today.AddDate(0, 0, -back), in)
				if falls && i.covers(reach) {
					reach, moved = i.Until, true
				}
			}
		}
	}
	return reach
}

// Publish sets a member's whole roster: what was published before no longer
// holds, and a member without shifts is not available.
type Publish struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
	Shifts []Shift     `json:"shifts" validate:"max=100"`
}

// Subject is the member.
func (p Publish) Subject() platform.Ref { return of(p.Member) }

// Publish fails with FieldErrors whose codes are those of ErrShiftTime,
// ErrShiftLength and ErrShiftSpan, one for each shift that is wrong.
func (s *Service) Publish(ctx context.Context, in Publish) (Member, error) {
	var wrong platform.FieldErrors
	for i, shift := range in.Shifts {
		if err := shift.fault(); err != nil {
			wrong = append(wrong, platform.Wrong(fmt.Sprintf("shifts[%d]", i), err)...)
		}
	}
	if len(wrong) > 0 {
		return Member{}, wrong
	}
	return s.amend(ctx, in, platform.Happened("staff.roster_published", in.Subject(), in), func(m Member, _ time.Time) (Member, error) {
		m.Shifts = slices.Clone(in.Shifts)
		return m, nil
	})
}

// Excuse records that a member is away for an interval. Why is nobody's
// business here.
type Excuse struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
	From   time.Time   `json:"from" validate:"required"`
	Until  time.Time   `json:"until" validate:"required"`
}

// Subject is the member.
func (e Excuse) Subject() platform.Ref { return of(e.Member) }

// Excuse fails with ErrInterval unless Until comes after From, and with
// ErrTooMany beyond 200 absences that have not ended.
func (s *Service) Excuse(ctx context.Context, in Excuse) (Member, error) {
	return s.amend(ctx, in, platform.Happened("staff.excused", in.Subject(), in), func(m Member, now time.Time) (Member, error) {
		if !in.From.Before(in.Until) {
			return Member{}, platform.Wrong("until", ErrInterval)
		}
		m.Absences = slices.DeleteFunc(slices.Clone(m.Absences), func(a Interval) bool { return !a.Until.After(now) })
		if len(m.Absences) >= most {
			return Member{}, fmt.Errorf("excuse member %s: %w", m.ID, ErrTooMany)
		}
		m.Absences = append(m.Absences, Interval{From: in.From, Until: in.Until})
		return m, nil
	})
}

// Recall withdraws an absence, named by its interval.
type Recall struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
	From   time.Time   `json:"from" validate:"required"`
	Until  time.Time   `json:"until" validate:"required"`
}

// Subject is the member.
func (r Recall) Subject() platform.Ref { return of(r.Member) }

// Recall fails with ErrAbsenceUnknown when no absence has that interval.
func (s *Service) Recall(ctx context.Context, in Recall) (Member, error) {
	return s.amend(ctx, in, platform.Happened("staff.recalled", in.Subject(), in), func(m Member, _ time.Time) (Member, error) {
		at := slices.IndexFunc(m.Absences, func(a Interval) bool { return a.From.Equal(in.From) && a.Until.Equal(in.Until) })
		if at < 0 {
			return Member{}, fmt.Errorf("recall member %s: %w", m.ID, ErrAbsenceUnknown)
		}
		m.Absences = slices.Delete(slices.Clone(m.Absences), at, at+1)
		return m, nil
	})
}
