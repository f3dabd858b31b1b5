package fee

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Course is how the versions of one name and currency follow each other: each
// until the next starts, the last for as long as there is none. It is the one
// record that a quote reads of them.
type Course struct {
	platform.Head
	Name     string            `json:"name" class:"internal"`
	Currency platform.Currency `json:"currency" class:"internal"`
	Versions []Schedule        `json:"versions" class:"internal"`     // as published, oldest first; what was over a day ago is left out
	Due      time.Time         `json:"due,omitzero" class:"internal"` // the last one's end, until it is known to have gone on
}

// Ref names the course.
func (c Course) Ref() platform.Ref { return platform.Ref{Kind: courseKind, ID: c.ID} }

// CourseID is the id of the course of a name and currency. The formula is frozen:
// no time, slot and bits from SHA-256 of both.
func CourseID(name string, currency platform.Currency) platform.ID {
	key := platform.Key{Scope: "fee/" + currency.String(), Name: name}
	sum := sha256.Sum256([]byte(key.Scope + "\x00" + key.Name))
	return platform.NewID("fco", time.Unix(0, 0), key.Slot(), binary.BigEndian.Uint64(sum[8:16]))
}

// In is the version in force at a moment, which is not before the course was
// last changed. There is none before the first starts.
func (c Course) In(at time.Time) (Schedule, bool) {
	for _, s := range slices.Backward(c.Versions) {
		if !at.Before(s.From) {
			return s, true
		}
	}
	return Schedule{}, false
}

// Coming are the versions that start after a moment.
func (c Course) Coming(at time.Time) []Schedule {
	return slices.DeleteFunc(slices.Clone(c.Versions), func(s Schedule) bool { return !s.From.After(at) })
}

// publish is the draft as the next version, and the course with it. The version
// starts after the notice, when the one before ends if that has an end; where the
// notice leaves no time for it, the one before goes on meanwhile.
func (c Course) publish(s Schedule, by platform.Actor, now time.Time, notice time.Duration, first int) (Course, Schedule, error) {
	state, err := schedules.Take(s.State, "publish", by.Kind)
	switch {
	case err != nil:
		return Course{}, Schedule{}, err
	case s.By == by.ID:
		return Course{}, Schedule{}, ErrFourEyes
	}
	if err := s.timely(now, notice); err != nil {
		return Course{}, Schedule{}, err
	}
	s.Number = first
	if len(c.Versions) > 0 {
		last := c.Versions[len(c.Versions)-1]
		s.Number = last.Number + 1
		switch {
		case !s.From.After(last.From), s.From.Before(last.Until):
			return Course{}, Schedule{}, fmt.Errorf("from %s on: %w", s.From.Format(time.RFC3339), ErrOverlap)
		case !last.Until.IsZero() && s.From.After(last.Until) && !last.Until.Before(now.Add(notice)):
			return Course{}, Schedule{}, fmt.Errorf("from %s on: %w", last.Until.Format(time.RFC3339), ErrGap)
		}
	}
	s.State, s.PublishedBy, s.PublishedAt = state, by.ID, now
	c.Versions = append(slices.Clone(c.Versions), s)
	for len(c.Versions) > 1 && c.Versions[1].From.Before(now.Add(-24*time.Hour)) {
		c.Versions = c.Versions[1:]
	}
	c.Due = s.Until
	return c, s, nil
}

// timely refuses a schedule that starts in the past, or before those who pay have
// seen it for so long.
func (s Schedule) timely(now time.Time, notice time.Duration) error {
	switch {
	case s.From.Before(now):
		return platform.Wrong("from", ErrRetroactive)
	case s.From.Before(now.Add(notice)):
		return platform.Wrong("from", ErrNotice)
	}
	return nil
}
