package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// named is a command that names its record.
type named interface{ Subject() platform.Ref }

// act carries out a command on one assignment: decide moves it, and says what
// else changes with it.
func (s *Service) act(ctx context.Context, in named, decide func(context.Context, Assignment, platform.ActorKind) (Assignment, []platform.Change, error)) (Assignment, error) {
	actor, err := platform.ActorOf(ctx)
	if err != nil {
		return Assignment{}, err
	}
	a, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Assignment, []platform.Change, error) {
		a, err := s.store.Assignment(ctx, in.Subject().ID)
		if err != nil {
			return Assignment{}, nil, err
		}
		if !a.visible(actor) {
			return Assignment{}, nil, platform.NotFound(a.Ref())
		}
		next, changes, err := decide(ctx, a, actor.Kind)
		if err != nil {
			return Assignment{}, nil, err
		}
		return next, append(changes, platform.Put(next), next.happened()), nil
	})
	return a.shown(actor), err
}

// Accept is a member's yes to an offer.
type Accept struct {
	Assignment platform.ID `json:"assignment" validate:"required,id=asg"`
}

// Subject is the assignment.
func (a Accept) Subject() platform.Ref { return assigned(a.Assignment) }

// Accept gives the seat to the member: the order names the assignment, the
// member is booked, and all other offers of the seat are withdrawn, in one set.
//
// It fails with ErrOfferExpired from the deadline on, whether or not a tick has
// run; with ErrSeatTaken when another was faster; with ErrOverlap when the
// member is booked for that time, and with ErrNotEligible for any other reason
// of staff, the reasons in the detail "reasons".
func (s *Service) Accept(ctx context.Context, in Accept) (Assignment, error) {
	return s.act(ctx, in, func(ctx context.Context, a Assignment, by platform.ActorKind) (Assignment, []platform.Change, error) {
		now := s.w.Now()
		next, err := a.Accept(by, now)
		if err != nil {
			return Assignment{}, nil, err
		}
		changes, err := s.ports.Orders.Fill(ctx, a.Order, a.Seat, a.ID, a.Member, now)
		if err != nil {
			return Assignment{}, nil, err
		}
		booked, err := vouch(ctx, s.ports.Members, a, a.Member)
		if err != nil {
			return Assignment{}, nil, err
		}
		lost, err := s.beat(ctx, a, now)
		if err != nil {
			return Assignment{}, nil, err
		}
		return next, append(append(append(changes, booked...), lost...), next.freed()), nil
	})
}

// beat ends the search for a seat that an assignment gets: all other offers are
// withdrawn.
func (s *Service) beat(ctx context.Context, winner Assignment, now time.Time) ([]platform.Change, error) {
	search, err := s.store.Search(ctx, searchID(winner.Order, winner.Seat))
	if err != nil {
		return nil, err
	}
	changes := []platform.Change{platform.Put(search.ended(Filled))}
	siblings, err := s.store.Offers(ctx, search.others(winner.ID)...)
	if err != nil {
		return nil, err
	}
	for _, sibling := range siblings {
		if sibling.State != Offered {
			continue // the search has changed with it, and all is decided anew
		}
		lost, err := sibling.Withdraw(beaten, platform.System, now)
		if err != nil {
			return nil, err
		}
		changes = append(changes, platform.Put(lost), lost.freed(), lost.happened())
	}
	return changes, nil
}

// vouch asks staff for members once more, for the work of an assignment, and puts
// the refusal into the words of dispatch.
func vouch(ctx context.Context, members Members, a Assignment, who ...platform.ID) ([]platform.Change, error) {
	changes, err := members.Vouch(ctx, a.Need, a.From, a.Until, who...)
	if !errors.Is(err, platform.ErrState) {
		return changes, err
	}
	reasons, _ := platform.Details(err)["reasons"].([]string)
	refusal := ErrNotEligible
	if slices.Contains(reasons, "overlap") {
		refusal = ErrOverlap
	}
	member := platform.Details(err)["member"]
	refusal = fmt.Errorf("member %v for order %s: %w", member, a.Order, refusal)
	return nil, platform.Detail(platform.Detail(refusal, "reasons", reasons), "member", member)
}

// Decline is a member's no to an offer, with the reason. None of the reasons
// has a consequence for the member but the cool-down.
type Decline struct {
	Assignment platform.ID `json:"assignment" validate:"required,id=asg"`
	Reason     string      `json:"reason" validate:"required,oneof=too_far break unsafe equipment unwell other"`
}

// Subject is the assignment.
func (d Decline) Subject() platform.Ref { return assigned(d.Assignment) }

// Decline ends the offer; when no other stands, the next round is due at once.
// It fails with ErrOfferExpired and ErrNotDeclinable.
func (s *Service) Decline(ctx context.Context, in Decline) (Assignment, error) {
	return s.act(ctx, in, func(ctx context.Context, a Assignment, by platform.ActorKind) (Assignment, []platform.Change, error) {
		next, err := a.Decline(in.Reason, by, s.w.Now())
		return s.over(ctx, next, err)
	})
}

// Withdraw takes an offer back.
type Withdraw struct {
	Assignment platform.ID `json:"assignment" validate:"required,id=asg"`
	Reason     string      `json:"reason" validate:"required,text=40"`
}

// Subject is the assignment.
func (w Withdraw) Subject() platform.Ref { return assigned(w.Assignment) }

// Withdraw ends the offer; when no other stands, the next round is due at once,
// and does not ask the same member. It fails with ErrNotWithdrawable.
func (s *Service) Withdraw(ctx context.Context, in Withdraw) (Assignment, error) {
	return s.act(ctx, in, func(ctx context.Context, a Assignment, by platform.ActorKind) (Assignment, []platform.Change, error) {
		next, err := a.Withdraw(in.Reason, by, s.w.Now())
		return s.over(ctx, next, err)
	})
}

// over is what else changes when an offer ends without a member.
func (s *Service) over(ctx context.Context, ended Assignment, err error) (Assignment, []platform.Change, error) {
	if err != nil {
		return Assignment{}, nil, err
	}
	search, err := s.store.Search(ctx, searchID(ended.Order, ended.Seat))
	if err != nil {
		return Assignment{}, nil, err
	}
	at := ended.Steps[len(ended.Steps)-1].At
	return ended, []platform.Change{platform.Put(search.answered(ended, s.policy, at)), ended.freed()}, nil
}

// Assignment is one assignment, for those who may see it; anybody else finds
// nothing. Whoever else was considered is masked for all but the platform's own
// people.
func (s *Service) Assignment(ctx context.Context, id platform.ID) (Assignment, error) {
	actor, err := s.w.Actor(ctx)
	if err != nil {
		return Assignment{}, err
	}
	a, err := s.store.Assignment(ctx, id)
	if err == nil && !a.visible(actor) {
		return Assignment{}, platform.NotFound(assigned(id))
	}
	return a.shown(actor), err
}

// Assignments lists for the platform's own people, and to a member its own; it
// fails with ErrDenied otherwise.
func (s *Service) Assignments(ctx context.Context, q Find) (platform.Page[Assignment], error) {
	actor, err := s.w.Actor(ctx)
	if err != nil {
		return platform.Page[Assignment]{}, err
	}
	own := actor.Kind == platform.Staff && q.Order == "" && q.Member == actor.For()
	if !own && !office(actor) && actor.Kind != platform.Auditor {
		return platform.Page[Assignment]{}, fmt.Errorf("list assignments: %w", ErrDenied)
	}
	page, err := s.store.Assignments(ctx, q)
	for i := range page.Items {
		page.Items[i] = page.Items[i].shown(actor)
	}
	return page, err
}
