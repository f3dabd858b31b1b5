package payment

import (
	"strconv"
	"time"

	"github.com/liangding/platform"
)

// Operation is a call to an institution for as long as its outcome is not
// known: of an attempt, of the current part of a return, or of a sharing.
type Operation struct {
	SentAt time.Time `json:"sent_at,omitzero" class:"internal"` // when it was first sent
	Until  time.Time `json:"until,omitzero" class:"internal"`   // end of the time that the call, or the payer, has
	Looks  int       `json:"looks,omitempty" class:"internal"`  // times that the institution was asked in vain
	Due    time.Time `json:"due,omitzero" class:"internal"`     // when it is sent, or asked about, next
}

// Missed tells whether an operation that the institution does not find, though
// its Lookup is final, has never reached it: two minutes past its time.
func (o Operation) Missed(at time.Time) bool { return !at.Before(o.Until.Add(settling)) }

// until is when the time of an operation ends that is claimed at a moment.
func (s *Service) until(at time.Time) time.Time { return later(at, s.w.Now()).Add(s.opts.Answer) }

// slept tells whether the process slept between claim and call. The operation is
// not sent then: the institution is asked by now, and what it does not find may
// have been sent again under another key.
func (s *Service) slept(o Operation) bool { return !s.w.Now().Before(o.Until) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// looked is the operation after the institution was asked in vain, and where
// that leads its record: by the verb given, or, a day after it was sent, to an
// operator.
func (o Operation) looked(verb string, at time.Time) (Operation, string) {
	due, ok := nextLook(o.Looks, o.SentAt, at)
	if !ok {
		verb = "park"
	}
	o.Due, o.Looks = due, o.Looks+1
	return o, verb
}

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

// retry is when what failed for certain is tried again, if it was tried again so
// often before; after the last time a person decides.
func retry(tries int, at time.Time) (due time.Time, again bool) {
	if tries >= len(retries) {
		return time.Time{}, false
	}
	return at.Add(retries[tries]), true
}

// nth is the key of a record's operation after some that are over.
func nth(id platform.ID, over int) Key {
	if over == 0 {
		return Key(id)
	}
	return Key(string(id) + "." + strconv.Itoa(over))
}

// retries are the waits before a return or a sharing that failed for certain is
// tried again.
var retries = [...]time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour}
