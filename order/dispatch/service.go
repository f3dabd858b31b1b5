package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Members is what staff answers. A need is a list of words: skills as the order
// states them, then the ids of the order's zone, customer and merchant. A value
// of package staff satisfies it.
type Members interface {
	// OnDuty lists who could take the work, in any order. It is a hint.
	OnDuty(ctx context.Context, zone platform.ID, need []string, from, until time.Time) ([]platform.ID, error)

	// Vouch answers the changes that book members: checks of all that the
	// decision relied on, and the booking days. It fails with ErrState, all
	// reasons in the detail "reasons", a []string; one of them is "overlap" when
	// the member, who stands in the detail "member", is booked for that time.
	Vouch(ctx context.Context, need []string, from, until time.Time, members ...platform.ID) ([]platform.Change, error)

	// Rebook answers the changes that move work to another time or need: of all the
	// members those are able who can follow, and booked; the others are free.
	Rebook(ctx context.Context, need []string, from, until time.Time, work ...Booked) (able []platform.ID, changes []platform.Change, err error)

	// Unbook answers the changes that free members of what Vouch booked.
	Unbook(ctx context.Context, work ...Booked) ([]platform.Change, error)
}

// Booked is work that a member was booked for. The type has no name of its own,
// so that staff need not know this package.
type Booked = struct {
	Staff       platform.ID
	From, Until time.Time
}

// Orders is what the order answers. A value of package order satisfies it.
type Orders interface {
	// Need is what the order needs, with the checks of what that relies on:
	//
	//	{"order","customer","merchant","zone": ids, "need": [skills], "from","until": times,
	//	 "lat","lon": degrees, optional, "open": [numbers of the seats that nobody fills]}
	//
	// It fails with ErrState when the order takes no staff.
	Need(ctx context.Context, order platform.ID) (need json.RawMessage, checks []platform.Change, err error)

	// Fill answers the changes that put a member into a seat. It fails with
	// ErrState, code order.seat_taken, when the seat is not open.
	Fill(ctx context.Context, order platform.ID, seat int, assignment, member platform.ID, at time.Time) ([]platform.Change, error)

	// Free answers the changes that open a seat again, by whose fault: that of a
	// release, or staff_no_show for a member who did not come.
	Free(ctx context.Context, order platform.ID, seat int, fault string, at time.Time) ([]platform.Change, error)
}

// Ports are what the package needs of others; both are required.
type Ports struct {
	Members Members
	Orders  Orders
}

// Options are all optional.
type Options struct {
	// Policy is how members are found. One outside its ranges makes every offer
	// fail with ErrInvalid: see [Policy.Fault].
	Policy Policy
}

// Service finds members for orders and carries out what they answer. It may be
// used by several goroutines at once.
type Service struct {
	w         platform.Writer
	store     Store
	ports     Ports
	policy    Policy
	positions Positions
}

// New is the service over a store; nil opts mean defaults.
func New(w platform.Writer, store Store, ports Ports, opts *Options) *Service {
	if opts == nil {
		opts = &Options{}
	}
	return &Service{w: w.Ready(), store: store, ports: ports, policy: opts.Policy.Ready()}
}

// office tells whether the actor is the platform's own and may act.
func office(a platform.Actor) bool { return a.Kind == platform.Operator || a.Kind == platform.System }

// system is a ctx in which the platform itself acts.
func (s *Service) system(ctx context.Context) context.Context {
	return platform.WithoutKey(platform.As(ctx, platform.SystemActor("dispatch")))
}

// need is what an order needs.
type need struct {
	Order    platform.ID `json:"order"`
	Customer platform.ID `json:"customer"`
	Merchant platform.ID `json:"merchant"`
	Zone     platform.ID `json:"zone"`
	Skills   []string    `json:"need"`
	From     time.Time   `json:"from"`
	Until    time.Time   `json:"until"`
	Lat      *float64    `json:"lat"`
	Lon      *float64    `json:"lon"`
	Open     []int       `json:"open"`
}

// told is a need with the checks under which it stands, or why there is none.
type told struct {
	need
	checks []platform.Change
	err    error
}

// need asks the order, and fails with ErrUnavailable when the answer makes no
// sense. Work that was wanted before now is done from now on, and takes as long:
// that is what a member must be free for, and is measured by.
func (s *Service) need(ctx context.Context, order platform.ID, now time.Time) (t told) {
	var text json.RawMessage
	if text, t.checks, t.err = s.ports.Orders.Need(ctx, order); t.err != nil {
		return t
	}
	if t.need, t.err = readNeed(text, now); t.err == nil && t.Order != order {
		t.err = errNeed
	}
	if t.err != nil {
		t.err = fmt.Errorf("order %s: %w", order, t.err)
	}
	return t
}

// readNeed reads what an order needs, as of now.
func readNeed(text json.RawMessage, now time.Time) (need, error) {
	var n need
	if err := json.Unmarshal(text, &n); err != nil || !n.From.Before(n.Until) {
		return need{}, errNeed
	}
	if late := now.Sub(n.From); late > 0 {
		n.From, n.Until = now, n.Until.Add(late)
	}
	return n, nil
}

// needed asks for a decision: its first try takes what was told before, if
// anything was, since the checks are in its set. Decided again, it asks anew.
func (s *Service) needed(before *told, order platform.ID, now time.Time) func(context.Context) told {
	return func(ctx context.Context) told {
		if t := before; t != nil {
			before = nil
			return *t
		}
		return s.need(ctx, order, now)
	}
}

// words are the need as [Members] reads it.
func (n need) words() []string {
	words := append([]string{}, n.Skills...)
	for _, id := range []platform.ID{n.Zone, n.Customer, n.Merchant} {
		if id != "" {
			words = append(words, string(id))
		}
	}
	return words
}

// place is where the work is; nil when the order names none.
func (n need) place() *Place {
	if n.Lat == nil || n.Lon == nil {
		return nil
	}
	return &Place{Lat: *n.Lat, Lon: *n.Lon}
}
