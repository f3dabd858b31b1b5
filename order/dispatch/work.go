package dispatch

import (
	"context"

	"github.com/liangding/platform"
)

// EnRoute tells that the member is on the way.
type EnRoute struct {
	Assignment platform.ID `json:"assignment" validate:"required,id=asg"`
}

// Subject is the assignment.
func (e EnRoute) Subject() platform.Ref { return assigned(e.Assignment) }

// EnRoute fails with ErrNotStartable unless the assignment is accepted.
func (s *Service) EnRoute(ctx context.Context, in EnRoute) (Assignment, error) {
	return s.step(ctx, in, "en_route")
}

// Arrive tells that the member is there.
type Arrive struct {
	Assignment platform.ID `json:"assignment" validate:"required,id=asg"`
}

// Subject is the assignment.
func (a Arrive) Subject() platform.Ref { return assigned(a.Assignment) }

// Arrive fails with ErrNotStartable unless the member is on the way. The place
// of the order is where the member counts until the next ping.
func (s *Service) Arrive(ctx context.Context, in Arrive) (Assignment, error) {
	a, err := s.step(ctx, in, "arrive")
	if err == nil {
		s.positions.stopped(a.Member, a.Place)
	}
	return a, err
}

// Work tells that the member has begun.
type Work struct {
	Assignment platform.ID `json:"assignment" validate:"required,id=asg"`
}

// Subject is the assignment.
func (w Work) Subject() platform.Ref { return assigned(w.Assignment) }

// Work fails with ErrNotStartable unless the member has arrived.
func (s *Service) Work(ctx context.Context, in Work) (Assignment, error) {
	return s.step(ctx, in, "work")
}

// Done tells that the member's part is over.
type Done struct {
	Assignment platform.ID `json:"assignment" validate:"required,id=asg"`
}

// Subject is the assignment.
func (d Done) Subject() platform.Ref { return assigned(d.Assignment) }

// Done fails with ErrNotStartable unless the member is at work. The booking
// stays, as a record of time worked.
func (s *Service) Done(ctx context.Context, in Done) (Assignment, error) {
	return s.step(ctx, in, "done")
}

// step takes one step of the work.
func (s *Service) step(ctx context.Context, in named, verb string) (Assignment, error) {
	return s.act(ctx, in, func(_ context.Context, a Assignment, by platform.ActorKind) (Assignment, []platform.Change, error) {
		next, err := a.take(verb, by, s.w.Now())
		return next, nil, err
	})
}

// Contact records an attempt to reach the customer, who is not there.
type Contact struct {
	Assignment platform.ID `json:"assignment" validate:"required,id=asg"`
	Way        string      `json:"way" validate:"required,oneof=call message door"`
}

// Subject is the assignment.
func (c Contact) Subject() platform.Ref { return assigned(c.Assignment) }

// Contact records an attempt at the moment it is made: what a no-show of the
// customer rests on. It fails with ErrNotWaiting unless the member has arrived,
// and with ErrContacts after twenty.
func (s *Service) Contact(ctx context.Context, in Contact) (Assignment, error) {
	actor, err := platform.ActorOf(ctx)
	if err != nil {
		return Assignment{}, err
	}
	a, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Assignment, []platform.Change, error) {
		a, err := s.store.Assignment(ctx, in.Assignment)
		if err == nil && !a.visible(actor) {
			err = platform.NotFound(a.Ref())
		}
		if err != nil {
			return Assignment{}, nil, err
		}
		next, err := a.contact(in.Way, actor.Kind, s.w.Now())
		if err != nil {
			return Assignment{}, nil, err
		}
		tell := facts{Order: a.Order, Seat: a.Seat, Member: a.Member}
		return next, []platform.Change{platform.Put(next), platform.Happened("assignment.contacted", a.Ref(), tell).Because(in.Way)}, nil
	})
	return a.shown(actor), err
}

// Release gives a seat back before the work begins, with the reason and whose
// fault it is.
type Release struct {
	Assignment platform.ID `json:"assignment" validate:"required,id=asg"`
	Reason     string      `json:"reason" validate:"required,text=40"`
	Fault      string      `json:"fault" validate:"required,oneof=staff merchant customer platform force_majeure"`
}

// Subject is the assignment.
func (r Release) Subject() platform.Ref { return assigned(r.Assignment) }

// Release opens the seat, frees the member, and makes a new round due at once,
// in one set. It fails with ErrNotReleasable once the work has begun.
func (s *Service) Release(ctx context.Context, in Release) (Assignment, error) {
	return s.act(ctx, in, func(ctx context.Context, a Assignment, by platform.ActorKind) (Assignment, []platform.Change, error) {
		next, err := a.Release(in.Reason, in.Fault, by, s.w.Now())
		return s.vacate(ctx, next, err)
	})
}

// NoShow states that a member who accepted did not come.
type NoShow struct {
	Assignment platform.ID `json:"assignment" validate:"required,id=asg"`
}

// Subject is the assignment.
func (n NoShow) Subject() platform.Ref { return assigned(n.Assignment) }

// NoShow does as [Service.Release] with the fault of the member. It fails with
// ErrTooEarly until Policy.NoShow after the start, and with ErrNotMissable once
// the member has arrived. The customer may, too. What the order makes of it is its
// own: it is told of the fault as staff_no_show.
func (s *Service) NoShow(ctx context.Context, in NoShow) (Assignment, error) {
	return s.act(ctx, in, func(ctx context.Context, a Assignment, by platform.ActorKind) (Assignment, []platform.Change, error) {
		next, err := a.Miss(s.policy.NoShow, by, s.w.Now())
		return s.vacate(ctx, next, err)
	})
}

// vacate is what else changes when a seat becomes empty.
func (s *Service) vacate(ctx context.Context, gone Assignment, err error) (Assignment, []platform.Change, error) {
	if err != nil {
		return Assignment{}, nil, err
	}
	at := gone.Steps[len(gone.Steps)-1].At
	fault := gone.Fault
	if gone.State == Missed {
		fault = string(Missed)
	}
	changes, err := s.ports.Orders.Free(ctx, gone.Order, gone.Seat, fault, at)
	if err != nil {
		return Assignment{}, nil, err
	}
	freed, err := s.ports.Members.Unbook(ctx, gone.booked())
	if err != nil {
		return Assignment{}, nil, err
	}
	search, err := s.store.Search(ctx, searchID(gone.Order, gone.Seat))
	if err != nil {
		return Assignment{}, nil, err
	}
	search = search.begun(s.policy, at, gone.From).answered(gone, s.policy, at)
	return gone, append(append(changes, freed...), platform.Put(search)), nil
}
