package dispute

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/liangding/platform"
)

// Dispute reads a dispute of the actor's: its customer's, its merchant's; operators,
// auditors and the system see all. By the id of a chargeback operators and auditors
// read that as a dispute of kind chargeback.
func (s *Service) Dispute(ctx context.Context, id platform.ID) (Dispute, error) {
	if id.Prefix() != "cbk" {
		d, _, err := s.mine(ctx, id)
		return d, err
	}
	if err := s.platforms(ctx); err != nil {
		return Dispute{}, err
	}
	if s.ports.Banks == nil {
		return Dispute{}, fmt.Errorf("chargeback %s: %w", id, errBanks)
	}
	doc, err := s.ports.Banks.Chargeback(ctx, id)
	if err != nil {
		return Dispute{}, err
	}
	return viewed(doc)
}

func viewed(doc json.RawMessage) (d Dispute, err error) {
	if err := json.Unmarshal(doc, &d); err != nil {
		return Dispute{}, fmt.Errorf("read chargeback: %w", errStands)
	}
	return d, nil
}

// platforms refuses all but the platform's own people.
func (s *Service) platforms(ctx context.Context) error {
	by, err := s.w.Actor(ctx)
	if err == nil && by.Kind != platform.Operator && by.Kind != platform.Auditor && by.Kind != platform.System {
		err = errActor
	}
	return err
}

// Disputes lists disputes. Customers and merchants see their own, which need not be
// said; operators and auditors all, and in platform_turn and bank_turn chargebacks.
func (s *Service) Disputes(ctx context.Context, q Query) (platform.Page[Dispute], error) {
	by, err := s.w.Actor(ctx)
	if err != nil {
		return platform.Page[Dispute]{}, err
	}
	switch by.Kind {
	case platform.Customer:
		q.Customer = by.For()
	case platform.Merchant:
		q.Merchant = by.For()
	case platform.Operator, platform.Auditor, platform.System:
		if q.State == PlatformTurn || q.State == BankTurn {
			return s.chargebacks(ctx, q)
		}
		return s.store.Disputes(ctx, q)
	default:
		return platform.Page[Dispute]{}, errActor
	}
	of := q.Order
	q.Order = ""
	page, err := s.store.Disputes(ctx, q)
	if of == "" {
		return page, err
	}
	mine := platform.Page[Dispute]{Next: page.Next}
	for _, d := range page.Items {
		if d.Order == of {
			mine.Items = append(mine.Items, d)
		}
	}
	return mine, err
}

func (s *Service) chargebacks(ctx context.Context, q Query) (page platform.Page[Dispute], err error) {
	if s.ports.Banks == nil {
		return page, nil
	}
	docs, next, err := s.ports.Banks.Chargebacks(ctx, string(q.State), q.Cursor)
	if err != nil {
		return page, err
	}
	for _, doc := range docs {
		d, err := viewed(doc)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, d)
	}
	page.Next = next
	return page, nil
}

// Evidence lists what was filed in a dispute of the actor's, the oldest first. Both
// sides see all of it; texts stay sealed.
func (s *Service) Evidence(ctx context.Context, id platform.ID, cursor string) (platform.Page[Evidence], error) {
	if _, _, err := s.mine(ctx, id); err != nil {
		return platform.Page[Evidence]{}, err
	}
	return s.store.Evidence(ctx, id, cursor)
}
