package supervision

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/liangding/platform"
)

// watch is the schedule by which years without an audit from outside are found. It
// is no control: it asks nothing of the books.
const watch = "audit"

// Unaudited are the years that ended before a moment, from the one in which since
// lies, of which some month since then is in no engagement that a firm was signed
// for.
func Unaudited(all []Engagement, since, before time.Time) (years []int) {
	for year := since.Year(); !time.Date(year+1, 1, 1, 0, 0, 0, 0, since.Location()).After(before); year++ {
		month := time.Date(year, 1, 1, 0, 0, 0, 0, since.Location())
		if month.Before(since) {
			month = monthStart(since, since.Location())
		}
		for ; month.Year() == year; month = month.AddDate(0, 1, 0) {
			if !signedFor(all, month.Format("2006-01")) {
				years = append(years, year)
				break
			}
		}
	}
	return years
}

func signedFor(all []Engagement, month string) bool {
	for _, e := range all {
		if e.Phase != Planning && e.From <= month && month <= e.Until {
			return true
		}
	}
	return false
}

// beginWatch is the schedule as it begins: the books are watched over from this
// month on.
func (s *Service) beginWatch(now time.Time) Schedule {
	c := Schedule{Head: platform.Head{ID: scheduleID(watch)}, Control: watch, Due: s.nextWatch(now), Until: monthStart(now, s.zone)}
	c.Wanted = c.Due
	return c
}

// nextWatch is when the next year must have its audit: so long after its end.
func (s *Service) nextWatch(after time.Time) time.Time {
	for year := after.In(s.zone).Year(); ; year++ {
		if at := time.Date(year, 1, 1, s.terms.Hour, 0, 0, 0, s.zone).AddDate(0, 0, s.terms.Engaged); at.After(after) {
			return at
		}
	}
}

// unaudited raises that years have no audit, and asks again in a month until they
// have one. Each time it tells so.
func (s *Service) unaudited(ctx context.Context, c Schedule, now time.Time) error {
	page, err := platform.List[Engagement](ctx, s.db, platform.Query{Kind: engagementKind, By: []string{"from"}, Backward: true, Limit: 100})
	if err != nil {
		return fmt.Errorf("look for audits: %w", err)
	}
	years := Unaudited(page.Items, c.Until.In(s.zone), now.AddDate(0, 0, -s.terms.Engaged))
	what, reason, next := "control.scheduled", "", func(c Schedule) Schedule {
		c.Due = s.nextWatch(now)
		if year := time.Date(c.Due.In(s.zone).Year()-1, 1, 1, 0, 0, 0, 0, s.zone); year.After(c.Until) {
			c.Until = year
		}
		return c
	}
	if len(years) > 0 {
		hits := make([]Hit, len(years))
		for n, year := range years {
			hits[n] = Hit{Code: "no_engagement", Object: "year:" + strconv.Itoa(year), Refs: []platform.Ref{c.Ref()}, Proposal: "engage"}
		}
		if _, err := s.raise(ctx, from{code: watch, severity: High, stands: true, window: Window{c.Until, now}}, hits, now); err != nil {
			return err
		}
		what, reason = "audit.missing", "no_engagement"
		next = func(c Schedule) Schedule { c.Due = now.AddDate(0, 1, 0); return c }
	}
	return s.reschedule(ctx, c.ID, now, func(c Schedule) Schedule {
		c = next(c)
		c.Wanted, c.Ran = c.Due, now
		return c
	}, what, reason)
}
