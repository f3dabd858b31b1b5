package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Offer asks one member, chosen by hand, for one seat.
type Offer struct {
	Order  platform.ID `json:"order" validate:"required,id=ord"`
	Seat   int         `json:"seat" validate:"min=1,max=20"`
	Member platform.ID `json:"member" validate:"required,id=stf"`
}

// Subject is the order.
func (o Offer) Subject() platform.Ref { return orderRef(o.Order) }

func orderRef(id platform.ID) platform.Ref { return platform.Ref{Kind: "order", ID: id} }

// Offer makes an offer outside any plan, under the same guards: the seat is
// open, staff vouches for the member, the pair does not rest, the member has
// room for another offer, and at most 10 stand open for the seat.
//
// It fails with ErrSeatTaken, ErrSeatOffered, ErrCoolDown, ErrQuota, ErrOverlap
// and ErrNotEligible, with ErrDenied for all but operators, and with whatever
// the order refuses.
func (s *Service) Offer(ctx context.Context, in Offer) (Assignment, error) {
	if err := s.policy.Fault(); err != nil {
		return Assignment{}, err
	}
	return s.offer(ctx, in, proposal{at: s.w.Now()})
}

// proposal is what a plan adds to an offer; zero but for the moment when it is
// made by hand.
type proposal struct {
	at    time.Time
	round int
	why   Why
	told  *told
}

// offer commits one offer.
func (s *Service) offer(ctx context.Context, in Offer, p proposal) (Assignment, error) {
	id, need := s.w.NewChild("asg", in.Order), s.needed(p.told, in.Order, p.at)
	a, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Assignment, []platform.Change, error) {
		actor, err := platform.ActorOf(ctx)
		if err != nil {
			return Assignment{}, nil, err
		}
		n := need(ctx)
		if n.err != nil {
			return Assignment{}, nil, n.err
		}
		a, err := n.offered(id, in, p, s.policy.answer(p.at, n.From)).take("offer", actor.Kind, p.at)
		if err != nil {
			return Assignment{}, nil, err
		}
		if !slices.Contains(n.Open, in.Seat) {
			return Assignment{}, nil, fmt.Errorf("offer order %s seat %d: %w", in.Order, in.Seat, ErrSeatTaken)
		}
		search, err := s.search(ctx, in.Order, in.Seat, p.at, n.From)
		if err != nil {
			return Assignment{}, nil, err
		}
		// A planner that fell behind must not take up what was given up meanwhile.
		if p.round > 0 && search.State == Unfilled && actor.Kind == platform.System {
			return Assignment{}, nil, fmt.Errorf("offer order %s seat %d: %w", in.Order, in.Seat, ErrNotDue)
		}
		if search, err = search.offer(a, s.policy, p.at); err != nil {
			return Assignment{}, nil, err
		}
		vouched, err := vouch(ctx, s.ports.Members, a, a.Member)
		if err != nil {
			return Assignment{}, nil, err
		}
		changes := slices.Clone(n.checks)
		for _, c := range vouched { // an offer books nobody
			if c.Op == platform.Check {
				changes = append(changes, c)
			}
		}
		room := platform.Delta(quota(a.Member), -1, a.Ref()).Above(int64(-s.policy.Quota))
		return a, append(changes, room, platform.Put(search), platform.Put(a), a.happened()), nil
	})
	if platform.Code(err) == "floor" {
		return Assignment{}, fmt.Errorf("offer to member %s: %w", in.Member, ErrQuota)
	}
	return a, err
}

// offered is the assignment as it will be offered.
func (n need) offered(id platform.ID, in Offer, p proposal, answer time.Duration) Assignment {
	return Assignment{
		Head: platform.Head{ID: id}, Order: in.Order, Seat: in.Seat, Member: in.Member,
		Customer: n.Customer, Merchant: n.Merchant, Zone: n.Zone, Need: n.words(), From: n.From, Until: n.Until, Place: n.place(),
		Round: p.round, Why: p.why, Offered: p.at, Due: p.at.Add(answer),
	}
}

// search is the search for a seat, begun now if there was none.
func (s *Service) search(ctx context.Context, order platform.ID, seat int, now, start time.Time) (Search, error) {
	found, err := s.store.Search(ctx, searchID(order, seat))
	if errors.Is(err, platform.ErrNotFound) {
		return newSearch(order, seat, s.policy, now, start), nil
	}
	return found, err
}

// pairFault is the code of a refusal that concerns only the pair, so that
// another member may do; "" for any other.
func pairFault(err error) string {
	switch {
	case errors.Is(err, ErrOverlap):
		return "overlap"
	case errors.Is(err, ErrNotEligible):
		return "not_eligible"
	case errors.Is(err, ErrCoolDown):
		return "cool_down"
	case errors.Is(err, ErrQuota):
		return "quota"
	}
	return ""
}
