package verification

import (
	"strconv"
	"time"

	"github.com/liangding/platform"
)

// Party is what is known of somebody who has to prove things.
type Party struct {
	ID         platform.ID          `json:"id"`
	Kind       platform.ActorKind   `json:"kind"`
	Attributes map[string]string    `json:"attributes,omitempty"`
	Since      time.Time            `json:"since,omitzero"`    // when it joined
	Admitted   time.Time            `json:"admitted,omitzero"` // when it was let in; zero while it applies
	Count      int64                `json:"count,omitempty"`   // sales so far, for requirements at a count
	Volume     platform.Money       `json:"volume,omitzero"`   // and at a volume
	Asked      map[string]time.Time `json:"asked,omitempty"`   // when such a requirement was reached, by its code
}

// attribute is what a scope sees of the party.
func (p *Party) attribute(name string, now time.Time) (string, bool) {
	if name == Age {
		return strconv.Itoa(int(max(0, now.Sub(p.Since)) / day)), !p.Since.IsZero()
	}
	value, known := p.Attributes[name]
	return value, known
}

// reached tells whether the party has come to where a requirement is asked. A
// volume in another currency has.
func (p *Party) reached(r *Requirement) bool {
	switch r.Phase {
	case AtCount:
		return p.Count >= r.Count
	case AtVolume:
		if p.Volume.Absent() {
			return false
		}
		c, err := p.Volume.Cmp(r.Volume)
		return err != nil || c >= 0
	case AtApply:
		return true
	}
	return !p.Admitted.IsZero()
}

// Evidence is what a submission means for its party's standing.
type Evidence struct {
	Submission platform.ID `json:"submission"`
	Code       string      `json:"code"`
	Version    int         `json:"version"` // of the set that it was submitted under
	State      State       `json:"state"`
	From       time.Time   `json:"from,omitzero"`
	Until      time.Time   `json:"until,omitzero"`    // zero is for ever
	Deadline   time.Time   `json:"deadline,omitzero"` // of one that was verified and is to be proved anew
	At         time.Time   `json:"at,omitzero"`       // of the last decision
	Reason     string      `json:"reason,omitempty"`  // code of a rejection or revocation
	Remedy     string      `json:"remedy,omitempty"`
	Path       string      `json:"path,omitempty"`
	Reminded   int         `json:"reminded,omitempty"` // reminders that were sent, or came too late
}

// ends is when the evidence no longer proves r; zero for never.
func (e Evidence) ends(r *Requirement) time.Time {
	end := e.Until
	if r.Every > 0 {
		if anew := e.From.Add(time.Duration(r.Every) * day); end.IsZero() || anew.Before(end) {
			end = anew
		}
	}
	return end
}

// proves tells whether the evidence was ever found good.
func (e Evidence) proves() bool {
	return e.State == Verified || e.State == Expired || e.State == Superseded
}

// Waived lets a party off a requirement for a time.
type Waived struct {
	Waiver platform.ID `json:"waiver"`
	Code   string      `json:"code"`
	From   time.Time   `json:"from"`
	Until  time.Time   `json:"until"`
}
