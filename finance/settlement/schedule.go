package settlement

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Round is how often Tick starts a run by itself: once statements of the cycle
// are confirmed by silence, on the first workday from then on.
type Round struct {
	Cycle Cycle
	Zone  *time.Location // of the days; if nil, UTC
}

// last is the moment of the last run of the round that is due by now, and its
// name: the date on which the windows ended. Before the first there is none.
func (r Round) last(t Terms, now time.Time) (name string, at time.Time) {
	zone := r.Zone
	if zone == nil {
		zone = time.UTC
	}
	// Windows before that long ended had their run on some workday since.
	for end := r.Cycle.End(now.AddDate(0, -3, 0), zone); !end.After(now); end = r.Cycle.End(end, zone) {
		due := r.Cycle.silent(end, end, t)
		for !t.Calendar.Workday(due) {
			due = midnight(due.In(zone).AddDate(0, 0, 1)).UTC()
		}
		if !due.After(now) {
			name, at = end.In(zone).Format(time.DateOnly), due
		}
	}
	return name, at
}

func midnight(at time.Time) time.Time {
	year, month, day := at.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, at.Location())
}

// schedule starts the runs that are due. There is one of a name: one that was
// started by hand, or by another process, is that run.
func (s *Service) schedule(ctx context.Context, now time.Time) (fired int, err error) {
	for _, currency := range slices.Sorted(maps.Keys(s.opts.Terms.Runs)) {
		name, _ := s.opts.Terms.Runs[currency].last(s.opts.Terms, now)
		if name == "" {
			continue
		}
		_, known := read[Run](ctx, s, runKind, RunID(name, currency))
		if known != nil && missing(known) {
			_, known = s.StartRun(ctx, StartRun{Name: name, Currency: currency})
			fired++
		}
		if known != nil {
			err = errors.Join(err, fmt.Errorf("start run %s in %s: %w", name, currency, known))
		}
	}
	return fired, err
}
