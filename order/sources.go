package order

import (
	"context"
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// Sources tells out of which accounts a merchant gives back what it was paid
// already. refund.Chain is one.
type Sources interface {
	// Sources returns debits that add up to the amount, as far as they are free at
	// this moment; the commit's floors have the last word.
	Sources(ctx context.Context, merchant platform.ID, amount platform.Money) ([]platform.Leg, error)
}

// sources are the legs of a refund with the accounts that give in the place of what
// a merchant earned or is owed: those of the plan that was shown or, without one,
// those that have it now.
func (s *Service) sources(ctx context.Context, o Order, legs, shown []platform.Leg) ([]platform.Leg, error) {
	at := slices.IndexFunc(legs, func(l platform.Leg) bool {
		return l.Party == o.Merchant && (l.Role == "payable" || l.Role == "earning" && shown != nil)
	})
	if at >= 0 && shown != nil {
		return o.given(legs, at, shown)
	}
	if at >= 0 && s.ports.Sources != nil && legs[at].Amount.Sign() != 0 {
		out, err := s.ports.Sources.Sources(ctx, o.Merchant, legs[at].Amount)
		if err != nil {
			return nil, fmt.Errorf("refund order %s: %w", o.ID, err)
		}
		return o.given(legs, at, out)
	}
	return covered(ctx, s.ports.Purse, s.ports.Sources, o, legs)
}

// given are legs with the accounts of sources, which must make its amount, in the
// place of one of them.
func (o Order) given(legs []platform.Leg, at int, sources []platform.Leg) ([]platform.Leg, error) {
	amount := legs[at].Amount
	sum := plus(amount, amount.Neg())
	for _, l := range sources {
		sum = plus(sum, l.Amount)
	}
	if sum != amount {
		return nil, fmt.Errorf("refund order %s: %w", o.ID, errRefundSources)
	}
	return joined(slices.Concat(legs[:at], sources, legs[at+1:])), nil
}

// Purse knows what is free on an account. finance.Books is one.
type Purse interface {
	Free(ctx context.Context, role string, of, party platform.ID, currency platform.Currency) (platform.Money, error)
}

// onAccount is what there is of an amount on an account of the order: payers' banks may
// have taken some, and others given in its place.
func onAccount(ctx context.Context, purse Purse, o Order, l platform.Leg) (platform.Money, error) {
	if o.Contested.Absent() || purse == nil {
		return l.Amount, nil
	}
	return purse.Free(ctx, l.Role, l.Of, l.Party, l.Amount.Currency())
}

// covered takes of what the merchant earned no more than is there, and the rest
// from its sources.
func covered(ctx context.Context, purse Purse, sources Sources, o Order, legs []platform.Leg) ([]platform.Leg, error) {
	at := slices.IndexFunc(legs, func(l platform.Leg) bool { return l.Role == "earning" })
	if at < 0 || sources == nil {
		return legs, nil
	}
	free, err := onAccount(ctx, purse, o, legs[at])
	if err != nil {
		return nil, err
	}
	lack := plus(legs[at].Amount, free.Neg())
	if lack.Sign() <= 0 {
		return legs, nil
	}
	more, err := sources.Sources(ctx, o.Merchant, lack)
	if err != nil {
		return nil, fmt.Errorf("refund order %s: %w", o.ID, err)
	}
	legs[at].Amount = free
	return joined(nonzero(slices.Concat(legs, more))), nil
}

// joined are the legs with one for each account: what a merchant owes may come of
// what it has not got, and of fees that were kept.
func joined(legs []platform.Leg) (all []platform.Leg) {
	for _, l := range legs {
		same := slices.IndexFunc(all, func(other platform.Leg) bool {
			return other.Role == l.Role && other.Of == l.Of && other.Party == l.Party
		})
		if same < 0 {
			all = append(all, l)
			continue
		}
		all[same].Amount = plus(all[same].Amount, l.Amount)
	}
	return all
}

// Plans knows how a refund is going to be carried out, as its approver was shown
// it.
type Plans interface {
	// Confirm returns the changes under which a refund is carried out as the plan
	// of this hash, which join the approval: the plan itself, and checks of what it
	// rests on. Sources are what the plan takes of a merchant that was paid already,
	// and are booked so, whatever the accounts have had since it was made; nil leaves
	// them to [Sources]. It refuses with refund.plan_changed when the plan is another
	// now.
	Confirm(ctx context.Context, refund platform.Ref, hash string) (sources []platform.Leg, changes []platform.Change, err error)
}

// planned are the sources and the changes of the plan that an approval names.
func (s *Service) planned(ctx context.Context, r Refund, hash string) ([]platform.Leg, []platform.Change, error) {
	if hash == "" {
		return nil, nil, nil
	}
	if s.ports.Plans == nil {
		return nil, nil, fmt.Errorf("approve refund %s: %w", r.ID, errRefundPlans)
	}
	sources, changes, err := s.ports.Plans.Confirm(ctx, r.Ref(), hash)
	if err != nil {
		return nil, nil, fmt.Errorf("approve refund %s: %w", r.ID, err)
	}
	return sources, slices.Clip(changes), nil
}
