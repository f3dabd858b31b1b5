package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Order reads an order of the actor's: its customer's, its merchant's, that of
// staff in its seats; operators, auditors and the system see all. Anybody
// else's is ErrNotFound.
func (s *Service) Order(ctx context.Context, id platform.ID) (Order, error) {
	o, _, err := s.mine(ctx, id)
	return o, err
}

// Orders lists orders. Customers and merchants see their own, which need not be
// said; staff find theirs through the dispatch.
func (s *Service) Orders(ctx context.Context, q Query) (platform.Page[Order], error) {
	by, err := platform.ActorOf(ctx)
	if err != nil {
		return platform.Page[Order]{}, err
	}
	q, err = q.of(by)
	if err != nil || by.Tenant != s.w.Tenant {
		return platform.Page[Order]{}, err
	}
	return s.store.Orders(ctx, q)
}

// of narrows the query to what the actor may see.
func (q Query) of(by platform.Actor) (Query, error) {
	own := &q.Customer
	switch by.Kind {
	case platform.Operator, platform.System, platform.Auditor:
		return q, nil
	case platform.Customer:
	case platform.Merchant:
		own = &q.Merchant
	default:
		return Query{}, fmt.Errorf("list orders: %w", errActor)
	}
	if *own != "" && *own != by.For() {
		return Query{}, fmt.Errorf("list orders: %w", errActor)
	}
	*own = by.For()
	return q, nil
}

// Refunds lists the refunds of an order of the actor's, the oldest first.
func (s *Service) Refunds(ctx context.Context, order platform.ID, cursor string) (platform.Page[Refund], error) {
	if _, _, err := s.mine(ctx, order); err != nil {
		return platform.Page[Refund]{}, err
	}
	return s.store.Refunds(ctx, order, cursor)
}

// Proofs lists the proofs of an order of the actor's, the oldest first.
func (s *Service) Proofs(ctx context.Context, order platform.ID, cursor string) (platform.Page[Proof], error) {
	if _, _, err := s.mine(ctx, order); err != nil {
		return platform.Page[Proof]{}, err
	}
	return s.store.Proofs(ctx, order, cursor)
}

// onRefund is a command on one refund: decide returns its order and itself as
// they are to be, and the changes beside them.
func onRefund[C any](ctx context.Context, s *Service, in C, id platform.ID,
	decide func(context.Context, Order, Refund, platform.Actor, time.Time) (Order, Refund, []platform.Change, error),
) (Refund, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Refund, []platform.Change, error) {
		r, err := s.store.Refund(ctx, id)
		if err != nil {
			return Refund{}, nil, err
		}
		o, by, err := s.mine(ctx, r.Order)
		if errors.Is(err, platform.ErrNotFound) {
			return Refund{}, nil, platform.NotFound(r.Ref())
		}
		if err != nil {
			return Refund{}, nil, err
		}
		o, r, changes, err := decide(ctx, o, r, by, s.w.Now())
		if err != nil {
			return Refund{}, nil, err
		}
		return r, append(changes, platform.Put(o), platform.Put(r)), nil
	})
}

// Sales are the orders as those see them who ask customers about them. It needs
// only the store, and satisfies care.Orders.
type Sales struct{ Store Store }

// Sale returns who sold an order to whom, and when it was completed, as JSON
// {customer, merchant, completed}, the last absent until then. The check holds
// the order as it is.
func (p Sales) Sale(ctx context.Context, order platform.ID) (json.RawMessage, []platform.Change, error) {
	o, err := p.Store.Order(ctx, order)
	if err != nil {
		return nil, nil, err
	}
	doc, err := json.Marshal(struct {
		Customer  platform.ID `json:"customer"`
		Merchant  platform.ID `json:"merchant"`
		Completed time.Time   `json:"completed,omitzero"`
	}{o.Customer, o.Merchant, o.CompletedAt})
	if err != nil {
		return nil, nil, fmt.Errorf("tell the sale of order %s: %w", o.ID, err)
	}
	return doc, []platform.Change{platform.Unchanged(o)}, nil
}
