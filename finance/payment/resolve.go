package payment

import (
	"context"
	"fmt"

	"github.com/liangding/platform"
)

// Resolve tells what an operator found in the institution's own books about an
// attempt that is quarantined or manual.
type Resolve struct {
	Attempt platform.ID    `json:"attempt" validate:"required,id=att"`
	Taken   platform.Money `json:"taken,omitzero"`                               // what the institution took; absent or zero for nothing
	Reason  string         `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the attempt.
func (r Resolve) Subject() platform.Ref {
	return platform.Ref{Kind: "payment.attempt", ID: r.Attempt}
}

// Resolve ends the attempt: nothing taken is a failure and opens the intent
// again, the amount tried is captured, any other is surplus and goes back whole.
// Only operators may do so. It fails with ErrNotResolvable unless the attempt is
// quarantined or manual, and with ErrAmount for another currency.
func (s *Service) Resolve(ctx context.Context, in Resolve) (Attempt, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Attempt, []platform.Change, error) {
		actor, err := platform.ActorOf(ctx)
		if err == nil && actor.Kind != platform.Operator {
			err = ErrActor
		}
		if err != nil {
			return Attempt{}, nil, fmt.Errorf("resolve %s: %w", in.Attempt, err)
		}
		a, err := s.store.Attempt(ctx, in.Attempt)
		if err != nil {
			return Attempt{}, nil, err
		}
		now, _, err := s.scene(ctx, a, record{})
		if err != nil {
			return Attempt{}, nil, err
		}
		next, err := now.was.Resolve(in.Taken, s.w.Now())
		if err != nil {
			return Attempt{}, nil, err
		}
		next, changes, err := s.effects(ctx, now, next, actor.Kind)
		if err != nil {
			return Attempt{}, nil, err
		}
		return next, append(changes, next.event().Because(in.Reason)), nil
	})
}
