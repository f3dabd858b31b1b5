package order

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Presence is a [Staffing] that knows how far the members of an order have come.
// dispatch.Releases is one.
type Presence interface {
	// Present tells of assignments, in the order asked, as a JSON array of
	//
	//	{"member": id, "state": "accepted en_route arrived working …", "arrived": time, "contacts": [times]}
	//
	// and the checks under which it is so; contacts are attempts to reach the customer.
	Present(ctx context.Context, assignments ...platform.ID) (json.RawMessage, []platform.Change, error)

	// StandUp does as Release for an order whose customer was not there.
	StandUp(ctx context.Context, order platform.Ref, at time.Time) ([]platform.Change, error)
}

// attending is how far a member has come.
type attending struct {
	Member   platform.ID `json:"member"`
	State    string      `json:"state"`
	Arrived  time.Time   `json:"arrived,omitzero"`
	Contacts []time.Time `json:"contacts,omitempty"`
}

// way is as far as the member has come before the work.
func (a attending) way() Way {
	switch a.State {
	case string(Underway):
		return Underway
	case string(There), "working", "done":
		return There
	}
	return ""
}

// furthest is as far as anybody has come.
func furthest(all []attending) (way Way) {
	for _, a := range all {
		if slices.Index(ways, a.way()) > slices.Index(ways, way) {
			way = a.way()
		}
	}
	return way
}

// attending asks how far the members in the seats have come, if somebody knows.
func (s *Service) attending(ctx context.Context, o Order) ([]attending, []platform.Change, error) {
	knows, ok := s.ports.Staffing.(Presence)
	var seated []platform.ID
	for _, seat := range o.Seats {
		if seat.Assignment != "" {
			seated = append(seated, seat.Assignment)
		}
	}
	if !ok || len(seated) == 0 || o.State != Confirmed && o.State != Assigned {
		return nil, nil, nil
	}
	doc, checks, err := knows.Present(ctx, seated...)
	if err != nil {
		return nil, nil, fmt.Errorf("ask where the members of order %s are: %w", o.ID, err)
	}
	var all []attending
	if err := json.Unmarshal(doc, &all); err != nil || len(all) != len(seated) {
		return nil, nil, fmt.Errorf("read where the members of order %s are: %w", o.ID, errPresence)
	}
	return all, checks, nil
}
