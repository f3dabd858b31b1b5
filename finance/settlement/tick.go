package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

var _ platform.Ticker = (*Service)(nil)

// Tick does what is due at now, at most limit of it: statements are cut and
// confirmed, reserves released, runs that Terms.Runs ask for started, those that
// stopped planned on, approved payouts sent, and institutions asked about those of
// which nobody knows. Calls go one after the other.
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	ctx = s.system(ctx)
	steps := []func(limit int) (int, error){
		func(limit int) (int, error) { return s.extend(ctx, now, limit) },
		func(limit int) (int, error) {
			return sweep(ctx, s, statementKind, now, limit, func(st Statement) error { return s.settle(ctx, st, now) })
		},
		func(limit int) (int, error) {
			return sweep(ctx, s, reserveKind, now, limit, func(r Reserve) error { return s.release(ctx, r.ID, now) })
		},
		func(int) (int, error) { return s.schedule(ctx, now) },
		func(limit int) (int, error) {
			return sweep(ctx, s, runKind, now, limit, func(r Run) error { _, err := s.plan(ctx, r); return err })
		},
		func(limit int) (int, error) {
			return sweep(ctx, s, payoutKind, now, limit, func(p Payout) error { return s.fire(ctx, p) })
		},
	}
	fired, failed := 0, []error(nil)
	for limit = platform.TickLimit(limit); len(steps) > 0 && fired < limit; steps = steps[1:] {
		n, err := steps[0](limit - fired)
		fired, failed = fired+n, append(failed, err)
	}
	return fired, errors.Join(failed...)
}

func sweep[T any](ctx context.Context, s *Service, kind string, now time.Time, limit int, fire func(T) error) (int, error) {
	return platform.Sweep(ctx, limit, func(cursor string) (platform.Page[T], error) { return due[T](ctx, s, kind, now, cursor) }, fire)
}

// fire does what a payout's due asks for. One that cannot be sent as planned is
// cancelled with the reason: what is free then is for another run. One that never
// arrived is given up when its party may not be paid any more.
func (s *Service) fire(ctx context.Context, p Payout) error {
	switch {
	case p.State == PayoutApproved:
		_, err := s.SendPayout(ctx, SendPayout{Payout: p.ID})
		if ruled(err) && !errors.Is(err, ErrPayout) {
			_, err = s.CancelPayout(ctx, CancelPayout{Payout: p.ID, Reason: platform.Code(err)})
		}
		return err
	case p.Absent:
		_, barred := s.still(ctx, p, s.w.Now())
		if barred != nil && !ruled(barred) {
			return barred
		}
		if barred != nil {
			word := told{Outcome: "failed", Reference: p.Reference, Reason: platform.Code(barred)}
			_, err := s.learn(ctx, recorded{p.ID, word}, func(now Payout) (Payout, error) {
				if !now.Absent {
					return Payout{}, fmt.Errorf("give payout %s up: %w", now.ID, ErrNoNews)
				}
				return now.Learn(word, platform.System, s.w.Now())
			})
			return err
		}
		next, err := s.learn(ctx, recorded{Payout: p.ID}, func(now Payout) (Payout, error) {
			return now.again(s.w.Now().Add(s.opts.Terms.Answer))
		})
		if err == nil {
			err = s.call(ctx, next)
		}
		return err
	}
	_, err := s.look(ctx, p)
	return err
}
