package dispatch

import (
	"context"
	"fmt"

	"github.com/liangding/platform"
)

// DispatchOrder looks for members for all open seats of an order.
//
//nolint:revive // a command is named after its method; dispatch.Order would be an order
type DispatchOrder struct {
	Order platform.ID `json:"order" validate:"required,id=ord"`
}

// Subject is the order.
func (d DispatchOrder) Subject() platform.Ref { return orderRef(d.Order) }

// Dispatch looks for members for a batch of orders in one plan.
type Dispatch struct {
	Orders []platform.ID `json:"orders" validate:"min=1,max=500,unique,dive,id=ord"`
}

// Dispatched is what became of one order of a batch.
type Dispatched struct {
	Order  platform.ID  `json:"order"`
	Offers []Assignment `json:"offers"`         // made now
	Left   []Left       `json:"left,omitempty"` // seats for which nobody is asked; another round will follow
	Code   string       `json:"code,omitempty"` // why the order could not be dispatched at all
	err    error
}

// seats counts the seats of which something became.
func (d Dispatched) seats() int {
	asked := map[int]bool{}
	for _, a := range d.Offers {
		asked[a.Seat] = true
	}
	return len(asked) + len(d.Left)
}

// DispatchOrder gathers, plans and offers. Each offer is a commit of its own; a
// pair that fails is left out and the rest planned again. A seat with an open
// offer is left alone, so a repeat does no harm; so is one whose rounds are over,
// until an operator takes it up again once it is unfilled. Seats for which nobody
// is found are tried again by [Service.Tick].
//
// It fails with whatever the order refuses, with ErrDenied for all but
// operators and the platform itself and for those to whom the guard refuses
// dispatch.offer, and with FieldErrors for a policy outside its ranges.
func (s *Service) DispatchOrder(ctx context.Context, in DispatchOrder) (Dispatched, error) {
	all, err := s.dispatch(ctx, in, []platform.ID{in.Order})
	if err != nil {
		return Dispatched{}, err
	}
	return all[0], all[0].err
}

// Dispatch does as [Service.DispatchOrder] for many orders, and answers for each
// in the order asked; what fails one order fails no other.
func (s *Service) Dispatch(ctx context.Context, in Dispatch) ([]Dispatched, error) {
	return s.dispatch(ctx, in, in.Orders)
}

func (s *Service) dispatch(ctx context.Context, in any, orders []platform.ID) ([]Dispatched, error) {
	if err := platform.Validate(in); err != nil {
		return nil, err
	}
	actor, err := s.w.Actor(ctx)
	if err != nil {
		return nil, err
	}
	if !office(actor) {
		return nil, fmt.Errorf("dispatch: %w", ErrDenied)
	}
	r := newRound(s, s.w.Now())
	r.allow = func(order platform.ID) error {
		if s.w.Guard == nil {
			return nil
		}
		_, err := s.w.Guard.Permit(ctx, platform.Act{Actor: actor, Action: "dispatch.offer", On: orderRef(order)})
		return err
	}
	r.wanted = func(x Search) bool {
		if x.State == Unfilled {
			return actor.Kind == platform.Operator
		}
		return x.State != Searching || !x.spent(s.policy, r.now)
	}
	return r.run(platform.WithoutKey(ctx), orders)
}
