package payment

import "time"

// settling is how long after its time an operation may still appear at an
// institution whose Lookup is final.
const settling = 2 * time.Minute

// patience is how long an outcome may stay unknown before a person decides.
const patience = 24 * time.Hour

// looks are the waits before the institution is asked again; after the last, an
// hour each.
var looks = [...]time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute}

// nextLook is when to ask again after n looks, for an operation sent at since.
// The last look is at the end of the patience; behind it there is none.
func nextLook(n int, since, at time.Time) (due time.Time, ok bool) {
	end := since.Add(patience)
	if !at.Before(end) {
		return time.Time{}, false
	}
	wait := time.Hour
	if n < len(looks) {
		wait = looks[n]
	}
	if due = at.Add(wait); due.After(end) {
		due = end
	}
	return due, true
}

// retries are the waits before a return that failed for certain is tried again;
// after the last, a person decides.
var retries = [...]time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour}
