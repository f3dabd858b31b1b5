package merchant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

var _ platform.Ticker = (*Service)(nil)

// lapse is the command that a deadline gives.
type lapse struct {
	Record platform.Ref `json:"record"`
}

// Subject is the record that lapses.
func (in lapse) Subject() platform.Ref { return in.Record }

// Lapse is the application once its time is over. Before, it fails with
// ErrState, code merchant.not_due.
func (a Application) Lapse(by platform.Actor, at time.Time) (Application, error) {
	if a.Due.IsZero() || at.Before(a.Due) {
		return Application{}, errNotDue
	}
	return a.end(by)
}

// end is the application that keeps nobody out any more.
func (a Application) end(by platform.Actor) (Application, error) {
	state, err := applicationMoves.Take(a.State, "lapse", by.Kind)
	a.State, a.Asked, a.Due = state, nil, time.Time{}
	return a, err
}

// Lapse is the merchant that did not sign or did not become active in time.
// Before, it fails with ErrState, code merchant.not_due.
func (m Merchant) Lapse(by platform.Actor, at time.Time) (Merchant, error) {
	if m.Due.IsZero() || at.Before(m.Due) {
		return Merchant{}, errNotDue
	}
	state, err := merchantMoves.Take(m.State, "lapse", by.Kind)
	m.State, m.Due = state, time.Time{}
	return m, err
}

// Tick lets lapse what is due at now: applications that were not handed in or
// answered, and merchants that did not sign or become active. See
// [platform.Ticker].
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	limit = platform.TickLimit(limit)
	ctx = platform.As(platform.WithoutKey(ctx), platform.SystemActor("merchant"))
	due := platform.Query{By: []string{"due"}, Until: now.Add(time.Microsecond)} // the end is exclusive
	fired, err := platform.Sweep(ctx, limit, func(cursor string) (platform.Page[Application], error) {
		due.Cursor = cursor
		return s.store.Applications(ctx, due)
	}, func(a Application) error { return s.lapseApplication(ctx, a.Ref(), now) })
	if fired == limit {
		return fired, err
	}
	more, failed := platform.Sweep(ctx, limit-fired, func(cursor string) (platform.Page[Merchant], error) {
		due.Cursor = cursor
		return s.store.Merchants(ctx, due)
	}, func(m Merchant) error { return s.lapseMerchant(ctx, m.Ref(), now) })
	return fired + more, errors.Join(err, failed)
}

func (s *Service) lapseApplication(ctx context.Context, ref platform.Ref, now time.Time) error {
	_, err := platform.Update(ctx, s.w, lapse{ref}, func(ctx context.Context) (Application, []platform.Change, error) {
		a, by, err := s.application(ctx, ref.ID)
		if err != nil {
			return Application{}, nil, err
		}
		next, err := a.Lapse(by, now)
		if err != nil {
			return Application{}, nil, fmt.Errorf("lapse %s: %w", ref, err)
		}
		facts := map[string]any{"from": a.State}
		return next, []platform.Change{platform.Put(next), platform.Happened("merchant.lapsed", ref, facts)}, nil
	})
	return err
}

// lapseMerchant ends the merchant with its application, which frees the
// licence, and with its agreement.
func (s *Service) lapseMerchant(ctx context.Context, ref platform.Ref, now time.Time) error {
	_, err := platform.Update(ctx, s.w, lapse{ref}, func(ctx context.Context) (Merchant, []platform.Change, error) {
		m, by, err := s.merchant(ctx, ref.ID)
		if err != nil {
			return Merchant{}, nil, err
		}
		next, err := m.Lapse(by, now)
		if err != nil {
			return Merchant{}, nil, fmt.Errorf("lapse %s: %w", ref, err)
		}
		with, err := s.ended(ctx, m, by)
		if err != nil {
			return Merchant{}, nil, fmt.Errorf("lapse %s: %w", ref, err)
		}
		facts := map[string]any{"from": m.State}
		return next, append(with, platform.Put(next), platform.Happened("merchant.lapsed", ref, facts)), nil
	})
	return err
}

// ended are the changes that end a merchant's application and agreement.
func (s *Service) ended(ctx context.Context, m Merchant, by platform.Actor) ([]platform.Change, error) {
	a, g, err := s.store.Papers(ctx, m)
	if err != nil {
		return nil, err
	}
	if a, err = a.end(by); err != nil {
		return nil, err
	}
	if g, err = g.end(by); err != nil {
		return nil, err
	}
	changes := []platform.Change{platform.Put(a), platform.Put(g)}
	if g.State == Terminated {
		changes = append(changes, platform.Happened("agreement.terminated", g.Ref(), nil).Because("lapsed"))
	}
	return changes, nil
}
