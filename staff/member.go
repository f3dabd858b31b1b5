package staff

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// State is where a member stands.
type State string

// The states of a member. Only an active one is sent to work.
const (
	Onboarding State = "onboarding"
	Active     State = "active"
	Suspended  State = "suspended"
	Leaving    State = "leaving"
	Left       State = "left"
)

var office = []platform.ActorKind{platform.Operator, platform.System}

var moves = platform.Moves[State]{
	{Verb: "activate", From: []State{Onboarding}, To: Active, By: office, Refusal: ErrNotActivatable},
	{Verb: "suspend", From: []State{Active}, To: Suspended, By: office, Refusal: ErrNotSuspendable},
	{Verb: "restore", From: []State{Suspended}, To: Active, By: office, Refusal: ErrNotRestorable},
	{Verb: "give_notice", From: []State{Onboarding, Active, Suspended}, To: Leaving, By: office, Refusal: ErrNotLeavable},
	{Verb: "leave", From: []State{Leaving}, To: Left, By: office, Refusal: ErrNotLeavable},
	{Verb: "amend", From: []State{Onboarding, Active, Suspended, Leaving}, By: office, Refusal: ErrLeft},
}

// Most entries of one list of a member.
const most = 200

// Member is a person who carries out services. What the zone's clocks say,
// weekdays and days, is read in TimeZone, which is the home zone's at the time
// of hiring and stays, since booking days are counted in it.
type Member struct {
	platform.Head
	State     State           `json:"state" class:"internal"`
	Name      platform.Sealed `json:"name,omitempty" class:"personal,employment,2y,contract"`
	Positions []string        `json:"positions,omitempty" class:"internal"`
	Zone      platform.ID     `json:"zone" class:"internal"`
	TimeZone  string          `json:"time_zone" class:"internal"` // IANA name
	Skills    []Skill         `json:"skills,omitempty" class:"internal"`
	Shifts    []Shift         `json:"shifts,omitempty" class:"internal"`
	Absences  []Interval      `json:"absences,omitempty" class:"internal"`
	Holds     []Hold          `json:"holds,omitempty" class:"internal"`
	Bars      []platform.ID   `json:"bars,omitempty" class:"internal"` // parties whose orders the member must not serve
	Reason    string          `json:"reason,omitempty" class:"internal"`
	Due       time.Time       `json:"due,omitzero" class:"internal"` // when a suspension ends by itself; zero is never
	Hired     time.Time       `json:"hired" class:"internal"`
}

// Ref names the member.
func (m Member) Ref() platform.Ref { return of(m.ID) }

// Open lists the verbs that a kind of actor may take on the member now.
func (m Member) Open(by platform.ActorKind) []string { return moves.Open(m.State, by) }

func (m Member) visible(a platform.Actor) bool {
	return oversees(a) || a.Kind == platform.Staff && a.For() == m.ID
}

// move is the member after the verb; a suspension's end and reason go with it.
func (m Member) move(verb string, by platform.ActorKind, reason string, due time.Time) (Member, error) {
	next, err := moves.Take(m.State, verb, by)
	if err != nil {
		return Member{}, fmt.Errorf("member %s: %w", m.ID, err)
	}
	m.State, m.Reason, m.Due = next, reason, due
	return m, nil
}

// Hire registers a member, who starts onboarding: nobody is sent to work before
// [Service.Activate]. The zone must be live. Parties are the accounts that
// belong to the person or to relatives, whose orders the member never serves.
type Hire struct {
	Name      string        `json:"name,omitempty" validate:"text=100"`
	Positions []string      `json:"positions,omitempty" validate:"max=20,dive,min=1,text=40"`
	Zone      platform.ID   `json:"zone" validate:"required,id=zon"`
	Parties   []platform.ID `json:"parties,omitempty" validate:"max=200,unique,dive,id"`
}

// Hire fails with ErrZoneNotLive, with ErrNoSealer when a name is given and
// there is nothing to seal it with, and with ErrDenied for all but operators.
func (s *Service) Hire(ctx context.Context, in Hire) (Member, error) {
	member := Member{
		Head: platform.Head{ID: s.w.NewRoot(ctx, "stf")}, State: Onboarding,
		Positions: in.Positions, Zone: in.Zone, Bars: in.Parties, Hired: s.w.Now(),
	}
	var err error
	if member.Name, err = s.seal(ctx, member.Ref(), in.Name); err != nil {
		return Member{}, err
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Member, []platform.Change, error) {
		actor, err := platform.ActorOf(ctx)
		if err != nil {
			return Member{}, nil, err
		}
		if _, err := moves.Take(Onboarding, "amend", actor.Kind); err != nil {
			return Member{}, nil, err
		}
		zone, err := s.store.Zone(ctx, in.Zone)
		if err != nil {
			return Member{}, nil, err
		}
		if zone.State != Live {
			return Member{}, nil, fmt.Errorf("hire for zone %s: %w", zone.ID, ErrZoneNotLive)
		}
		next := member
		next.TimeZone = zone.TimeZone
		facts := map[string]any{"zone": zone.ID, "positions": in.Positions}
		return next, []platform.Change{platform.Put(next), platform.Unchanged(zone), platform.Happened("staff.hired", next.Ref(), facts)}, nil
	})
}

func (s *Service) seal(ctx context.Context, member platform.Ref, name string) (platform.Sealed, error) {
	if name == "" {
		return nil, nil
	}
	if s.ports.Sealer == nil {
		return nil, fmt.Errorf("hire: %w", ErrNoSealer)
	}
	return s.ports.Sealer.Seal(ctx, platform.Place{Subject: member, Record: member, Field: "name"}, name)
}

// Activate ends a member's onboarding.
type Activate struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
}

// Subject is the member.
func (a Activate) Subject() platform.Ref { return of(a.Member) }

// Activate fails with ErrNotActivatable unless the member is onboarding.
func (s *Service) Activate(ctx context.Context, in Activate) (Member, error) {
	return s.step(ctx, in, platform.Happened("staff.activated", in.Subject(), nil), func(m Member, by platform.ActorKind) (Member, error) {
		return m.move("activate", by, "", time.Time{})
	})
}

// Suspend takes an active member off work, for a reason and until a moment at
// which it ends by itself; a zero Until is until [Service.Restore]. What the
// member is booked for is not released by it.
type Suspend struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
	Reason string      `json:"reason" validate:"required,text=40"`
	Until  time.Time   `json:"until,omitzero"`
}

// Subject is the member.
func (s Suspend) Subject() platform.Ref { return of(s.Member) }

// Suspend fails with ErrNotSuspendable unless the member is active, and with
// ErrInterval when Until is not ahead.
func (s *Service) Suspend(ctx context.Context, in Suspend) (Member, error) {
	event := platform.Happened("staff.suspended", in.Subject(), map[string]any{"until": in.Until}).Because(in.Reason)
	return s.step(ctx, in, event, func(m Member, by platform.ActorKind) (Member, error) {
		if !in.Until.IsZero() && !in.Until.After(s.w.Now()) {
			return Member{}, platform.Wrong("until", ErrInterval)
		}
		return m.move("suspend", by, in.Reason, in.Until)
	})
}

// Restore sends a suspended member back to work.
type Restore struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
}

// Subject is the member.
func (r Restore) Subject() platform.Ref { return of(r.Member) }

// Restore fails with ErrNotRestorable unless the member is suspended.
func (s *Service) Restore(ctx context.Context, in Restore) (Member, error) {
	return s.step(ctx, in, platform.Happened("staff.restored", in.Subject(), nil), func(m Member, by platform.ActorKind) (Member, error) {
		return m.move("restore", by, "", time.Time{})
	})
}

// GiveNotice begins a member's leaving: no new work from now on.
type GiveNotice struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
	Reason string      `json:"reason" validate:"required,text=40"`
}

// Subject is the member.
func (g GiveNotice) Subject() platform.Ref { return of(g.Member) }

// GiveNotice fails with ErrNotLeavable when the member is leaving or has left.
func (s *Service) GiveNotice(ctx context.Context, in GiveNotice) (Member, error) {
	event := platform.Happened("staff.notice_given", in.Subject(), nil).Because(in.Reason)
	return s.step(ctx, in, event, func(m Member, by platform.ActorKind) (Member, error) {
		return m.move("give_notice", by, in.Reason, time.Time{})
	})
}

// Leave ends a member's employment for good.
type Leave struct {
	Member platform.ID `json:"member" validate:"required,id=stf"`
}

// Subject is the member.
func (l Leave) Subject() platform.Ref { return of(l.Member) }

// Leave fails with ErrNotLeavable unless notice was given.
func (s *Service) Leave(ctx context.Context, in Leave) (Member, error) {
	return s.step(ctx, in, platform.Happened("staff.left", in.Subject(), nil), func(m Member, by platform.ActorKind) (Member, error) {
		return m.move("leave", by, m.Reason, time.Time{})
	})
}

// Member is one member, for overseers and for the member itself; anybody else
// finds nothing.
func (s *Service) Member(ctx context.Context, id platform.ID) (Member, error) {
	actor, err := s.w.Actor(ctx)
	if err != nil {
		return Member{}, err
	}
	m, err := s.store.Member(ctx, id)
	if err == nil && !m.visible(actor) {
		return Member{}, platform.NotFound(m.Ref())
	}
	return m, err
}

// Members lists for overseers; anybody else gets ErrDenied.
func (s *Service) Members(ctx context.Context, q Find) (platform.Page[Member], error) {
	actor, err := s.w.Actor(ctx)
	if err != nil {
		return platform.Page[Member]{}, err
	}
	if !oversees(actor) {
		return platform.Page[Member]{}, fmt.Errorf("list members: %w", platform.ErrDenied)
	}
	return s.store.Members(ctx, q)
}

// Tick ends suspensions that are due.
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	ctx = platform.WithoutKey(platform.As(ctx, platform.SystemActor("staff")))
	due := func(cursor string) (platform.Page[Member], error) { return s.store.Due(ctx, now, cursor) }
	return platform.Sweep(ctx, limit, due, func(found Member) error {
		in := Restore{Member: found.ID}
		event := platform.Happened("staff.restored", in.Subject(), nil).Because("lapsed")
		_, err := s.step(ctx, in, event, func(m Member, by platform.ActorKind) (Member, error) {
			if m.Due.IsZero() || m.Due.After(now) {
				return Member{}, fmt.Errorf("restore member %s before its time: %w", m.ID, ErrNotRestorable)
			}
			return m.move("restore", by, "", time.Time{})
		})
		return err
	})
}
