package staff

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// ZoneState is where a zone stands.
type ZoneState string

// The states of a zone. Members are hired for live ones only.
const (
	Draft   ZoneState = "draft"
	Live    ZoneState = "live"
	Retired ZoneState = "retired"
)

var zoneMoves = platform.Moves[ZoneState]{
	{Verb: "draft", To: Draft, From: []ZoneState{""}, By: office, Refusal: ErrZoneNotPublishable},
	{Verb: "publish", From: []ZoneState{Draft}, To: Live, By: office, Refusal: ErrZoneNotPublishable},
	{Verb: "retire", From: []ZoneState{Live}, To: Retired, By: office, Refusal: ErrZoneNotRetirable},
}

// Zone is an area of service with its time zone.
type Zone struct {
	platform.Head
	State    ZoneState `json:"state" class:"public"`
	Name     string    `json:"name" class:"public"`
	TimeZone string    `json:"time_zone" class:"public"` // IANA name
}

// Ref names the zone.
func (z Zone) Ref() platform.Ref { return zoned(z.ID) }

func zoned(id platform.ID) platform.Ref { return platform.Ref{Kind: "staff.zone", ID: id} }

// DraftZone draws up a zone.
type DraftZone struct {
	Name     string `json:"name" validate:"required,text=100"`
	TimeZone string `json:"time_zone" validate:"required"`
}

// DraftZone fails with ErrTimeZone for a time zone that is unknown.
func (s *Service) DraftZone(ctx context.Context, in DraftZone) (Zone, error) {
	zone := Zone{Head: platform.Head{ID: s.w.NewRoot(ctx, "zon")}, Name: in.Name, TimeZone: in.TimeZone}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Zone, []platform.Change, error) {
		if _, err := location(in.TimeZone); err != nil {
			return Zone{}, nil, platform.Wrong("time_zone", ErrTimeZone)
		}
		return zone.move(ctx, "draft", "staff.zone_drafted")
	})
}

// PublishZone takes a drafted zone into use.
type PublishZone struct {
	Zone platform.ID `json:"zone" validate:"required,id=zon"`
}

// Subject is the zone.
func (p PublishZone) Subject() platform.Ref { return zoned(p.Zone) }

// PublishZone fails with ErrZoneNotPublishable unless the zone is a draft.
func (s *Service) PublishZone(ctx context.Context, in PublishZone) (Zone, error) {
	return s.zone(ctx, in, "publish", "staff.zone_published")
}

// RetireZone takes a live zone out of use: nobody new is hired for it.
type RetireZone struct {
	Zone platform.ID `json:"zone" validate:"required,id=zon"`
}

// Subject is the zone.
func (r RetireZone) Subject() platform.Ref { return zoned(r.Zone) }

// RetireZone fails with ErrZoneNotRetirable unless the zone is live.
func (s *Service) RetireZone(ctx context.Context, in RetireZone) (Zone, error) {
	return s.zone(ctx, in, "retire", "staff.zone_retired")
}

// Zone is one zone; zones are public in their tenant.
func (s *Service) Zone(ctx context.Context, id platform.ID) (Zone, error) {
	if _, err := s.w.Actor(ctx); errors.Is(err, platform.ErrNotFound) {
		return Zone{}, err
	}
	return s.store.Zone(ctx, id)
}

// Zones lists the zones of a state; an empty state is all of them.
func (s *Service) Zones(ctx context.Context, state ZoneState, cursor string) (platform.Page[Zone], error) {
	if _, err := s.w.Actor(ctx); errors.Is(err, platform.ErrNotFound) {
		return platform.Page[Zone]{}, err
	}
	return s.store.Zones(ctx, state, cursor)
}

func (s *Service) zone(ctx context.Context, in named, verb, event string) (Zone, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Zone, []platform.Change, error) {
		z, err := s.store.Zone(ctx, in.Subject().ID)
		if err != nil {
			return Zone{}, nil, err
		}
		return z.move(ctx, verb, event)
	})
}

func (z Zone) move(ctx context.Context, verb, event string) (Zone, []platform.Change, error) {
	actor, err := platform.ActorOf(ctx)
	if err != nil {
		return Zone{}, nil, err
	}
	if z.State, err = zoneMoves.Take(z.State, verb, actor.Kind); err != nil {
		return Zone{}, nil, fmt.Errorf("zone %s: %w", z.ID, err)
	}
	return z, []platform.Change{platform.Put(z), platform.Happened(event, z.Ref(), map[string]any{"state": z.State})}, nil
}

// location reads a time zone by its name; the machine's own is not one.
func location(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("time zone %q: %w", name, ErrTimeZone)
	}
	in, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", name, ErrTimeZone)
	}
	return in, nil
}
