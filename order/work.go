package order

import (
	"context"
	"time"

	"github.com/liangding/platform"
)

const maxReworks = 2

// Start begins the work.
type Start struct {
	Order platform.ID `json:"order" validate:"required,id=ord"`
}

// Subject is the order.
func (in Start) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// Start returns the order in progress. It fails with order.not_startable while
// a seat is open, while the merchant has not answered, and earlier than
// Windows.StartEarly before the planned start (detail "from"), and with
// order.not_secured while the money that must be there is not (detail "lacks").
func (o Order) Start(by platform.ActorKind, at time.Time) (Order, error) {
	next, err := o.take("start", by, at)
	if err != nil {
		return Order{}, err
	}
	next.StartedAt = at
	return next, nil
}

// Start notes that the work has begun: by staff in one of the seats, or the
// merchant. Where the terms say so, the customer's money is captured. See
// [Order.Start].
func (s *Service) Start(ctx context.Context, in Start) (Order, error) {
	return onOrder(ctx, s, in, in.Order, func(ctx context.Context, o Order, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
		return s.start(ctx, o, by.Kind, at)
	})
}

// start begins the work, and takes the money where that is its moment.
func (s *Service) start(ctx context.Context, o Order, by platform.ActorKind, at time.Time) (Order, []platform.Change, error) {
	next, err := o.Start(by, at)
	if err != nil {
		return Order{}, nil, err
	}
	var taken []platform.Change
	if o.Terms.Capture == onStart {
		if taken, err = s.capture(ctx, next, at); err != nil {
			return Order{}, nil, err
		}
	}
	return next, append(taken, next.happened("started")), nil
}

// Deliver hands the work over, with its proofs.
type Deliver struct {
	Order  platform.ID `json:"order" validate:"required,id=ord"`
	Proofs []Taken     `json:"proofs,omitempty" validate:"max=30,dive"`
}

// Subject is the order.
func (in Deliver) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// Deliver returns the order as delivered at a moment; the customer has
// Windows.Accept from now. It fails with ErrProofMissing unless every kind of
// proof that the terms demand is there.
func (o Order) Deliver(by platform.ActorKind, at time.Time) (Order, error) {
	next, err := o.take("deliver", by, at)
	if err != nil {
		return Order{}, err
	}
	if err := next.proved(); err != nil {
		return Order{}, err
	}
	if next.DeliveredAt = at; next.FirstDeliveredAt.IsZero() {
		next.FirstDeliveredAt = at
	}
	if next.arm(acceptTimer, at.Add(next.Windows.Accept)); next.Dispute != "" {
		next.disarm()
	}
	return next, nil
}

// Deliver stores the proofs and hands the work over, in one set. See
// [Order.Deliver]; a proof that was taken at another time than the work fails
// with FieldErrors, code proof.time.
func (s *Service) Deliver(ctx context.Context, in Deliver) (Order, error) {
	proofs := s.proofs(in.Order, in.Proofs)
	return onOrder(ctx, s, in, in.Order, func(_ context.Context, o Order, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
		next, added, err := o.prove("deliver", proofs, by, at)
		if err != nil {
			return Order{}, nil, err
		}
		if next, err = next.Deliver(by.Kind, at); err != nil {
			return Order{}, nil, err
		}
		return next, append(added, next.happened("delivered")), nil
	})
}

// Complete finishes an order whose terms take proof for acceptance.
type Complete struct {
	Order  platform.ID `json:"order" validate:"required,id=ord"`
	Proofs []Taken     `json:"proofs,omitempty" validate:"max=30,dive"`
}

// Subject is the order.
func (in Complete) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// Complete starts the work if need be, delivers and completes it in one set,
// with the sale in the books; where the money is taken only now, it stays delivered
// and completes with the tick after that is there. It fails with order.not_completable where the
// customer accepts, and as [Order.Start] and [Order.Deliver] do.
func (s *Service) Complete(ctx context.Context, in Complete) (Order, error) {
	proofs := s.proofs(in.Order, in.Proofs)
	return onOrder(ctx, s, in, in.Order, func(ctx context.Context, o Order, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
		next, changes, err := o.prove("complete", proofs, by, at)
		if err != nil {
			return Order{}, nil, err
		}
		if next, err = next.take("complete", by.Kind, at); err != nil {
			return Order{}, nil, err
		}
		if err := next.proved(); err != nil {
			return Order{}, nil, err
		}
		if o.untaken().Sign() > 0 {
			o.Proofs = next.Proofs
			handed, more, err := s.handOver(ctx, o, by.Kind, at)
			return handed, append(changes, more...), err
		}
		if next.StartedAt.IsZero() {
			next.StartedAt = at
			changes = append(changes, next.happened("started"))
		}
		if next.DeliveredAt = at; next.FirstDeliveredAt.IsZero() {
			next.FirstDeliveredAt = at
		}
		next, sale, err := s.sell(ctx, next, at)
		if err != nil {
			return Order{}, nil, err
		}
		return next, append(append(changes, next.happened("delivered")), sale...), nil
	})
}

// handOver starts and delivers work whose proofs complete it, and takes the money:
// the order completes once that is there.
func (s *Service) handOver(ctx context.Context, o Order, by platform.ActorKind, at time.Time) (Order, []platform.Change, error) {
	var changes []platform.Change
	if o.StartedAt.IsZero() {
		next, err := o.Start(by, at)
		if err != nil {
			return Order{}, nil, err
		}
		o, changes = next, append(changes, next.happened("started"))
	}
	o, err := o.Deliver(by, at)
	if err != nil {
		return Order{}, nil, err
	}
	delivered := o.happened("delivered")
	o, more, err := s.awaitMoney(ctx, o, "accepted", at)
	return o, append(append(changes, delivered), more...), err
}

// RequestRework hands the work back.
type RequestRework struct {
	Order  platform.ID `json:"order" validate:"required,id=ord"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code
	Lines  []int       `json:"lines" validate:"required,min=1,max=200" code:"order.line_unknown"`
}

// Subject is the order.
func (in RequestRework) Subject() platform.Ref { return platform.Ref{Kind: "order", ID: in.Order} }

// RequestRework hands a delivered order back while it could be accepted, twice
// at most; anything else is order.not_reworkable. Work that is not delivered
// again within Windows.Rework of the first delivery is told as order.overdue.
func (s *Service) RequestRework(ctx context.Context, in RequestRework) (Order, error) {
	return onOrder(ctx, s, in, in.Order, func(_ context.Context, o Order, by platform.Actor, at time.Time) (Order, []platform.Change, error) {
		for i, no := range in.Lines {
			if no < 1 || no > len(o.Lines) {
				return Order{}, nil, platform.Wrong(path("lines", i, ""), errLineUnknown)
			}
		}
		next, err := o.take("rework", by.Kind, at)
		if err != nil {
			return Order{}, nil, err
		}
		next.Reworks++
		next.arm(reworkTimer, next.FirstDeliveredAt.Add(next.Windows.Rework))
		return next, []platform.Change{next.happened("rework_requested").Because(in.Reason)}, nil
	})
}
