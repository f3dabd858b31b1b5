package claim

import (
	"context"
	"errors"
	"time"

	"github.com/liangding/platform"
)

var _ platform.Ticker = (*Service)(nil)

// Tick does what is due at now, at most limit of it: approved claims are booked
// once their vouchers were checked, returned ones lose their budget, payments are
// asked about, and of advances that are overdue an event tells.
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	ctx, limit = s.system(ctx), platform.TickLimit(limit)
	fired, failed := 0, []error(nil)
	for _, sweep := range []func(left int) (int, error){
		func(left int) (int, error) {
			return platform.Sweep(ctx, left, func(cursor string) (platform.Page[Claim], error) { return s.store.DueClaims(ctx, now, cursor) }, s.due(ctx))
		},
		func(left int) (int, error) {
			return platform.Sweep(ctx, left, func(cursor string) (platform.Page[Payment], error) { return s.store.DuePayments(ctx, now, cursor) },
				func(p Payment) error { return s.look(ctx, p) })
		},
		func(left int) (int, error) {
			return platform.Sweep(ctx, left, func(cursor string) (platform.Page[Advance], error) { return s.store.DueAdvances(ctx, now, cursor) },
				func(a Advance) error { return s.remind(ctx, a.ID) })
		},
	} {
		if fired >= limit {
			break
		}
		n, err := sweep(limit - fired)
		fired, failed = fired+n, append(failed, err)
	}
	return fired, errors.Join(failed...)
}

// due fires what is due on a claim.
func (s *Service) due(ctx context.Context) func(Claim) error {
	return func(c Claim) error {
		if c.State == Approved {
			return s.examine(ctx, c)
		}
		return s.fire(ctx, c.ID, "lapse", func(ctx context.Context, _, next Claim) (Claim, []platform.Change, error) {
			next, set, err := s.release(ctx, next)
			return next, append(set, platform.Happened("claim.lapsed", next.Ref(), next.facts())), err
		})
	}
}
