package access

import (
	"context"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// One by one a minute, and accounts that are told apart.
const (
	singly      = 10
	mostTallies = 10_000
)

// refusals counts refusals worth knowing, so that somebody who tries on and on
// does not fill the log: an event each for the first ten in a minute of one
// account and code, then one for all the rest. What was counted and not summed up
// dies with the process.
type refusals struct {
	mu      sync.Mutex
	tallies map[offence]*tally
}

type offence struct {
	account platform.ID
	code    string
}

type tally struct {
	since time.Time
	count int
}

// accountRef is whom a refusal is about.
func accountRef(account platform.ID) platform.Ref {
	return platform.Ref{Kind: "access.account", ID: account}
}

// refused counts a refusal, and returns the events that are to be committed.
func (s *Service) refused(act platform.Act, epoch int64, refusal error) (events []platform.Change) {
	now, r := s.w.Now(), &s.refusals
	of := offence{act.Actor.ID, platform.Code(refusal)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tallies == nil {
		r.tallies = map[offence]*tally{}
	}
	t := r.tallies[of]
	if t == nil && len(r.tallies) >= mostTallies {
		of = offence{"others", of.code}
		t = r.tallies[of]
	}
	if t != nil && now.Sub(t.since).Abs() >= time.Minute {
		events = append(events, t.sum(of)...)
		t = nil
	}
	if t == nil {
		t = &tally{since: now}
		r.tallies[of] = t
	}
	if t.count++; t.count > singly {
		return events
	}
	facts := map[string]any{"action": act.Action, "on": act.On, "field": act.Field, "purpose": act.Purpose, "epoch": epoch}
	return append(events, platform.Happened("access.refused", accountRef(act.Actor.ID), facts).Because(of.code))
}

// sum is the event of what came after the first ten, if anything did.
func (t *tally) sum(of offence) []platform.Change {
	if t.count <= singly {
		return nil
	}
	facts := map[string]any{"count": t.count - singly, "since": t.since}
	return []platform.Change{platform.Happened("access.refused_often", accountRef(of.account), facts).Because(of.code)}
}

// summarise is the command that sums refusals up.
type summarise struct{}

// sumUp ends the minutes that are over.
func (s *Service) sumUp(ctx context.Context, now time.Time) (int, error) {
	var events []platform.Change
	r := &s.refusals
	r.mu.Lock()
	for of, t := range r.tallies {
		if now.Sub(t.since).Abs() >= time.Minute && len(events) < 500 {
			events = append(events, t.sum(of)...)
			delete(r.tallies, of)
		}
	}
	r.mu.Unlock()
	if len(events) == 0 {
		return 0, nil
	}
	_, err := platform.Update(ctx, s.w, summarise{}, func(context.Context) (struct{}, []platform.Change, error) {
		return struct{}{}, events, nil
	})
	return len(events), err
}
