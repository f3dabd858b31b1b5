package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/liangding/platform"
)

// When a position is not believed.
const (
	vague   = 500.0           // metres of accuracy
	tooFast = 150.0           // km/h since the position before
	tooOld  = 2 * time.Minute // of a position when it is asked for
	oneHour = float64(time.Hour)
)

// Position is where a member is known to be.
type Position struct {
	Place Place     `json:"place"`
	At    time.Time `json:"at"`
	Stale string    `json:"stale,omitempty"` // why the ping was not believed: accuracy, speed
}

// Ping tells where a member is. The device's own clock plays no part.
type Ping struct {
	Member   platform.ID `json:"member" validate:"required,id=stf"`
	Lat      float64     `json:"lat"`
	Lon      float64     `json:"lon"`
	Accuracy float64     `json:"accuracy" validate:"min=0"` // metres
}

// Positions is where members are, in memory: positions are never committed. The
// zero value knows nobody. It may be used by several goroutines at once.
type Positions struct {
	mu    sync.Mutex
	known map[platform.ID]track
}

// track is a member's last believed position, and the place of the last stop.
type track struct {
	last Position
	stop *Place
}

// take judges a ping against what is known: a vague one, or one that the member
// could not have reached, leaves the last position as it was.
func (t track) take(at time.Time, place Place, accuracy float64) (track, Position) {
	next := Position{Place: place, At: at}
	elapsed := at.Sub(t.last.At)
	fresh := !t.last.At.IsZero() && elapsed <= tooOld
	switch {
	case !(accuracy >= 0 && accuracy <= vague): // so for NaN
		next.Stale = "accuracy"
	case fresh && float64(t.last.Place.metres(place))/1000 > tooFast*float64(max(elapsed, time.Second))/oneHour:
		next.Stale = "speed"
	default:
		t.last = next
	}
	return t, next
}

// place is where to count the member: at the last position while it is fresh,
// else at the last stop, or at the old position when there was no stop; nil when
// nothing is known.
func (t track) place(now time.Time) *Place {
	if t.last.At.IsZero() || t.stop != nil && now.Sub(t.last.At) > tooOld {
		return t.stop
	}
	p := t.last.Place
	return &p
}

// Take notes a ping at a moment. It fails with ErrPlace.
func (p *Positions) Take(at time.Time, ping Ping) (Position, error) {
	place := Place{Lat: ping.Lat, Lon: ping.Lon}
	if err := place.Fault(); err != nil {
		return Position{}, fmt.Errorf("ping of member %s: %w", ping.Member, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = map[platform.ID]track{}
	}
	next, position := p.known[ping.Member].take(at, place, ping.Accuracy)
	p.known[ping.Member] = next
	return position, nil
}

// Of is where to count a member now; nil when that is not known.
func (p *Positions) Of(member platform.ID, now time.Time) *Place {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[member].place(now)
}

// stopped notes that a member arrived at the place of an order.
func (p *Positions) stopped(member platform.ID, at *Place) {
	if at == nil || at.Fault() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = map[platform.ID]track{}
	}
	t := p.known[member]
	t.stop = at
	p.known[member] = t
}

// Ping notes where a member is, told by the member or an operator. A position
// that cannot be believed is answered with the reason and changes nothing; see
// [Position]. It commits nothing. It fails with ErrPlace and ErrDenied.
func (s *Service) Ping(ctx context.Context, in Ping) (Position, error) {
	if err := platform.Validate(in); err != nil {
		return Position{}, err
	}
	actor, err := s.w.Actor(ctx)
	if err != nil {
		return Position{}, err
	}
	if !office(actor) && (actor.Kind != platform.Staff || actor.For() != in.Member) {
		return Position{}, fmt.Errorf("ping: %w", ErrDenied)
	}
	return s.positions.Take(s.w.Now(), in)
}
