package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Reserve is a share of what an order brought its merchant, kept back until its
// term is over.
type Reserve struct {
	platform.Head
	Party      platform.ID    `json:"party" class:"internal"`
	Of         platform.Ref   `json:"of" class:"internal"` // the order
	Amount     platform.Money `json:"amount" class:"internal"`
	Released   platform.Money `json:"released,omitzero" class:"internal"` // less than Amount when refunds or chargebacks took from the reserve
	HeldAt     time.Time      `json:"held_at" class:"internal"`
	ReleasedAt time.Time      `json:"released_at,omitzero" class:"internal"`
	Due        time.Time      `json:"due,omitzero" class:"internal"` // when it is released
}

// Ref names the reserve.
func (r Reserve) Ref() platform.Ref { return platform.Ref{Kind: reserveKind, ID: r.ID} }

func (r Reserve) currency() string {
	if r.Amount.Absent() {
		return ""
	}
	return r.Amount.Currency().String()
}

// Release returns the reserve released: its amount, or what is left of the balance
// on the account reserve. While an open hold takes so much of it that less than
// the amount is free, the reserve waits a day: what the hold gives back is still
// to be released.
func (r Reserve) Release(balance, free platform.Money, at time.Time) (Reserve, error) {
	if r.Due.IsZero() || at.Before(r.Due) {
		return Reserve{}, fmt.Errorf("release reserve %s: %w", r.ID, ErrNoNews)
	}
	held, one := balance.Cmp(free)
	short, two := free.Cmp(r.Amount)
	if err := errors.Join(one, two); err != nil {
		return Reserve{}, fmt.Errorf("release reserve %s: %w", r.ID, err)
	}
	if held > 0 && short < 0 {
		r.Due = at.Add(24 * time.Hour)
		return r, nil
	}
	released, err := least(r.Amount, free)
	r.Released, r.ReleasedAt, r.Due = released, at, time.Time{}
	return r, err
}

// Poster books. finance.Books is one.
type Poster interface {
	Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error)
}

// Reserving books for orders, and keeps Terms.Reserve of what a closed order brings
// its merchant on the account reserve, with a [Reserve] that says until when. All
// else it hands on.
type Reserving struct {
	Books Poster
	Terms Terms
}

// Post is that of Books.
func (r Reserving) Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error) {
	if what != "order.closed" || r.Terms.Reserve.Sign() <= 0 {
		return r.Books.Post(ctx, what, subject, at, legs)
	}
	var out []platform.Leg
	var kept []Reserve
	for _, l := range legs {
		if l.Role != "payable" || l.Amount.Sign() >= 0 || l.Party.Prefix() != "mer" || kept != nil {
			out = append(out, l)
			continue
		}
		share, err := l.Amount.MulRate(r.Terms.Reserve, platform.HalfEven)
		if err != nil {
			return nil, fmt.Errorf("reserve of %s: %w", subject, err)
		}
		rest, err := l.Amount.Sub(share)
		if err != nil {
			return nil, err
		}
		if out = append(out, platform.Leg{Role: l.Role, Party: l.Party, Amount: rest}); share.Sign() == 0 {
			continue
		}
		out = append(out, platform.Leg{Role: "reserve", Party: l.Party, Amount: share})
		kept = []Reserve{{
			Head: platform.Head{ID: subject.ID.As("rsv")}, Party: l.Party, Of: subject, Amount: share.Neg(), HeldAt: at,
			Due: at.Add(r.Terms.ready().ReserveFor),
		}}
	}
	set, err := r.Books.Post(ctx, what, subject, at, out)
	for _, k := range kept {
		set = append(set, platform.Put(k), k.happened("held"))
	}
	return set, err
}

func (r Reserve) happened(what string) platform.Change {
	return platform.Happened("reserve."+what, r.Ref(), struct {
		Party    platform.ID    `json:"party"`
		Of       platform.Ref   `json:"of"`
		Amount   platform.Money `json:"amount"`
		Released platform.Money `json:"released,omitzero"`
		Due      time.Time      `json:"due,omitzero"`
	}{r.Party, r.Of, r.Amount, r.Released, r.Due})
}

// release is what Tick does to a reserve whose term is over.
type release struct {
	Reserve platform.ID `json:"reserve"`
}

// Subject is the reserve.
func (in release) Subject() platform.Ref { return platform.Ref{Kind: reserveKind, ID: in.Reserve} }

func (s *Service) release(ctx context.Context, id platform.ID, now time.Time) error {
	_, err := platform.Update(ctx, s.w, release{id}, func(ctx context.Context) (Reserve, []platform.Change, error) {
		r, err := read[Reserve](ctx, s, reserveKind, id)
		if err != nil {
			return Reserve{}, nil, err
		}
		books := finance.Books{Store: finance.StoreOn(s.db), Tenant: s.w.Tenant}
		on, err := books.Balance(ctx, finance.Account{Role: "reserve", Party: r.Party}, r.Amount.Currency())
		if err != nil {
			return Reserve{}, nil, err
		}
		next, err := r.Release(on.Posted, on.Available, now)
		if err != nil {
			return Reserve{}, nil, err
		}
		if !next.Due.IsZero() {
			return next, []platform.Change{platform.Put(next), next.happened("waits")}, nil
		}
		set := []platform.Change{platform.Put(next), next.happened("released")}
		if next.Released.Sign() == 0 {
			return next, set, nil
		}
		booked, err := s.ports.Books.Post(ctx, "reserve.released", r.Ref(), now, []platform.Leg{
			{Role: "reserve", Party: r.Party, Amount: next.Released},
			{Role: "payable", Party: r.Party, Amount: next.Released.Neg()},
		})
		return next, append(set, booked...), err
	})
	return err
}
