package receivable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

var _ platform.Ticker = (*Service)(nil)

// Tick does what is due at now, at most limit of it: it duns debtors, sends
// letters, and values what is open once a month has ended.
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	actor := platform.SystemActor("receivable")
	actor.Tenant = s.w.Tenant
	ctx = platform.WithoutKey(platform.As(ctx, actor))
	limit = platform.TickLimit(limit)
	dunned := map[platform.ID]bool{} // all claims on a debtor at once
	fired, failed := platform.Sweep(ctx, limit, func(cursor string) (platform.Page[Item], error) {
		return s.store.Due(ctx, now, cursor)
	}, func(i Item) error {
		if dunned[i.Debtor] {
			return fmt.Errorf("dun %s: %w", i.Debtor, ErrNotDue)
		}
		dunned[i.Debtor] = true
		_, err := s.Dun(ctx, Dun{i.Debtor})
		return err
	})
	if s.ports.Notify != nil && fired < limit {
		sent, err := platform.Sweep(ctx, limit-fired, func(cursor string) (platform.Page[Letter], error) {
			return s.store.Unsent(ctx, now, cursor)
		}, func(l Letter) error { return s.send(ctx, l, now) })
		fired, failed = fired+sent, errors.Join(failed, err)
	}
	valued, err := s.value(ctx, now)
	return fired + valued, errors.Join(failed, err)
}

// value changes the allowances of the month before, if it was not done.
func (s *Service) value(ctx context.Context, now time.Time) (done int, err error) {
	y, m, _ := now.In(s.terms.Zone).Date()
	ends := time.Date(y, m, 1, 0, 0, 0, 0, s.terms.Zone).UTC()
	portfolios := s.terms.all()
	ids := make([]platform.ID, len(portfolios))
	for n, p := range portfolios {
		ids[n] = allowanceOf(p, ends)
	}
	there, err := s.store.Allowances(ctx, ids...)
	if err != nil || len(there) == len(ids) {
		return 0, err
	}
	if idle, err := s.idle(ctx, portfolios); idle || err != nil {
		return 0, err
	}
	period := ends.Add(-time.Microsecond).In(s.terms.Zone).Format("2006-01")
	for _, p := range portfolios {
		if _, failed := s.ChangeAllowance(ctx, ChangeAllowance{Portfolio: p, Period: period}); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		done++
	}
	return done, err
}

// idle tells whether nothing is open and nothing ever was valued.
func (s *Service) idle(ctx context.Context, portfolios []string) (bool, error) {
	for _, p := range portfolios {
		page, err := s.store.Valued(ctx, p, "")
		if err != nil || len(page.Items) > 0 {
			return false, err
		}
	}
	for page, err := range s.store.Open(ctx, "") {
		if err != nil || len(page) > 0 {
			return false, err
		}
	}
	return true, nil
}
