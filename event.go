package platform

import (
	"encoding/json"
	"fmt"
	"time"
)

// Event is what happened: one entry of the append-only log that is the outbox,
// the audit trail and the source of projections. Its data holds no plain
// personal value; a correction is a new event.
type Event struct {
	ID      ID              `json:"id" class:"internal"`   // in the slot of the subject
	Type    string          `json:"type" class:"internal"` // domain, dot, past participle: order.completed
	Subject Ref             `json:"subject" class:"internal"`
	Version int64           `json:"version,omitempty" class:"internal"` // of the subject after the set; 0 when it was not part of it
	Actor   Actor           `json:"actor" class:"internal"`
	At      time.Time       `json:"at" class:"internal"`
	Reason  string          `json:"reason,omitempty" class:"internal"` // a code
	Request string          `json:"request,omitempty" class:"internal"`
	Data    json.RawMessage `json:"data,omitempty" class:"internal"`

	facts any
}

// Happened says what a set means: its type, its subject and facts that a reader
// needs (money as deltas, rule versions; never plain personal data). [Update]
// adds id, moment, actor and request.
func Happened(what string, subject Ref, facts any) Change {
	return Change{Op: Append, Ref: Ref{Kind: "event"}, Value: Event{Type: what, Subject: subject, facts: facts}}
}

// Because gives an event the code of its reason.
func (c Change) Because(reason string) Change {
	if e, ok := c.Value.(Event); ok {
		e.Reason = reason
		c.Value = e
	}
	return c
}

// stamped completes an event with what only the moment of the command knows.
func (e Event) stamped(id ID, by Actor, at time.Time, request string, version int64) (Event, error) {
	e.ID, e.Actor, e.At, e.Request, e.Version = id, by, at, request, version
	if e.facts != nil {
		data, err := json.Marshal(e.facts)
		if err != nil {
			return Event{}, fmt.Errorf("encode facts of %s: %w", e.Type, ErrInvalid)
		}
		e.Data, e.facts = data, nil
	}
	return e, nil
}

// Movement is one entry of a counter's append-only log.
type Movement struct {
	Counter Ref       `json:"counter" class:"internal"`
	Seq     int64     `json:"seq" class:"internal"`   // 1, 2, 3 … of this counter
	Delta   int64     `json:"delta" class:"internal"` // in units of the counter
	After   int64     `json:"after" class:"internal"` // value of the counter after it
	Cause   Ref       `json:"cause" class:"internal"`
	Event   ID        `json:"event" class:"internal"` // the first event of the set
	At      time.Time `json:"at" class:"internal"`
}
