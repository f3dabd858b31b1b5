package risk

import (
	"slices"
	"time"
)

// Phase is where an indicator stands.
type Phase string

// The phases. Stale means that there was no sample for too long; the former
// phase waits under it, with its clock.
const (
	Inactive   Phase = "inactive"
	Pending    Phase = "pending"
	Firing     Phase = "firing"
	Recovering Phase = "recovering"
	Stale      Phase = "stale"
)

// Level is how bad it is. The empty level is none.
type Level string

// The levels.
const (
	Warning  Level = "warning"
	Critical Level = "critical"
)

func (l Level) rank() int { return slices.Index([]Level{"", Warning, Critical}, l) }

// Condition is the state of an indicator. The zero value is one that was never
// sampled. [Indicator.Step] makes one of another; it is never changed in place.
type Condition struct {
	Phase   Phase       `json:"phase"`
	Level   Level       `json:"level,omitempty"`   // fired, while firing or recovering
	Since   time.Time   `json:"since,omitzero"`    // pending: beyond Fire since; recovering: beyond the level's Recover since
	Safe    time.Time   `json:"safe,omitzero"`     // recovering: beyond warn's Recover since, unless it came back
	Seen    time.Time   `json:"seen,omitzero"`     // the last sample, or when the watch began
	Was     Phase       `json:"was,omitempty"`     // the phase under stale
	Changes []time.Time `json:"changes,omitempty"` // of the last hour: fired or resolved
}

// Move is what a step changed that people may have to know.
type Move string

// The moves. Lowered is a critical level that is a warning from now on.
const (
	Fired    Move = "fired"
	Raised   Move = "raised"
	Lowered  Move = "lowered"
	Resolved Move = "resolved"
	WentDark Move = "went_dark" // no sample for too long
	CameBack Move = "came_back" // a sample after that
)

// While there were more changes than this within the last flapTime, nothing
// resolves.
const (
	flaps    = 4
	flapTime = time.Hour
)

// Step is the condition after a sample, or after none (nil), at the moment now;
// and what moved, in order. A sample that is not newer than the last is ignored.
// The indicator must be without [Indicator.Fault].
//
// It is pending when beyond Fire and fires when it still is after For. From
// firing it rises to critical at once, and is recovering once beyond the level's
// Recover. Beyond Fire again it fires on; otherwise, after KeepFiring, it is
// resolved, or a warning if only critical has passed. Between the two thresholds
// nothing ever moves but by its clock.
func (i Indicator) Step(c Condition, s *Sample, now time.Time) (Condition, []Move) {
	i = i.ready()
	if c.Phase == "" {
		c.Phase, c.Seen = Inactive, now
		if s != nil {
			c.Seen = s.At.Add(-1)
		}
	}
	if s == nil || !s.At.After(c.Seen) {
		if c.Phase == Stale || now.Sub(c.Seen) < i.StaleAfter {
			return c, nil
		}
		c.Was, c.Phase = c.Phase, Stale
		return c, []Move{WentDark}
	}
	var moves []Move
	c.Seen = s.At
	if c.Phase == Stale {
		c.Phase, c.Was, moves = c.Was, "", append(moves, CameBack)
	}
	c, move := i.step(c, *s, now)
	if move != "" {
		moves = append(moves, move)
	}
	return c, moves
}

func (i Indicator) step(c Condition, s Sample, now time.Time) (Condition, Move) {
	r := i.read(s, c.Level)
	switch c.Phase {
	case Inactive, Pending:
		return i.rise(c, r, now)
	case Firing, Recovering:
		if r.told && r.level.rank() > c.Level.rank() {
			return Condition{Phase: Firing, Level: r.level, Seen: c.Seen, Changes: c.Changes}, Raised
		}
	}
	if c.Phase == Firing {
		return c.settle(r, now), ""
	}
	return i.recover(c, r, now)
}

// rise goes from inactive over pending to firing.
func (i Indicator) rise(c Condition, r reading, now time.Time) (Condition, Move) {
	if r.level == "" {
		c.Phase, c.Since = Inactive, time.Time{}
		return c, ""
	}
	if c.Phase == Inactive {
		c.Phase, c.Since = Pending, now
	}
	if now.Sub(c.Since) < *i.For {
		return c, ""
	}
	return Condition{Phase: Firing, Level: r.level, Seen: c.Seen, Changes: changed(c.Changes, now)}, Fired
}

// settle goes from firing to recovering.
func (c Condition) settle(r reading, now time.Time) Condition {
	if r.told && r.calm {
		c.Phase, c.Since = Recovering, now
		if r.safe {
			c.Safe = now
		}
	}
	return c
}

// recover goes from recovering back to firing, down to a warning, or to its end.
func (i Indicator) recover(c Condition, r reading, now time.Time) (Condition, Move) {
	switch {
	case !r.told:
		return c, "" // too few events prove no recovery
	case r.level == c.Level:
		c.Phase, c.Since, c.Safe = Firing, time.Time{}, time.Time{}
		return c, ""
	case r.level != "": // a warning, under a critical level
		c.Safe = time.Time{}
	case r.safe && c.Safe.IsZero():
		c.Safe = now
	}
	switch {
	case !c.Safe.IsZero() && now.Sub(c.Safe) >= *i.KeepFiring:
		if flapping(c.Changes, now) {
			return c, ""
		}
		return Condition{Phase: Inactive, Seen: c.Seen, Changes: changed(c.Changes, now)}, Resolved
	case c.Level == Critical && now.Sub(c.Since) >= *i.KeepFiring:
		next := Condition{Phase: Firing, Level: Warning, Seen: c.Seen, Changes: c.Changes}
		if !c.Safe.IsZero() {
			next.Phase, next.Since, next.Safe = Recovering, c.Safe, c.Safe
		}
		return next, Lowered
	}
	return c, ""
}

// changed are the changes of the last hour, with one now.
func changed(at []time.Time, now time.Time) []time.Time {
	return append(recent(at, now), now)
}

// flapping tells whether it changed too often to be believed.
func flapping(at []time.Time, now time.Time) bool { return len(recent(at, now)) > flaps }

func recent(at []time.Time, now time.Time) (kept []time.Time) {
	for _, t := range at {
		if now.Sub(t) < flapTime {
			kept = append(kept, t)
		}
	}
	return kept
}
