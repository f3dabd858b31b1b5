package invoice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

var _ platform.Ticker = (*Service)(nil)

// Tick does what is due at now, at most limit of it: invoices and red letters are
// sent, the Invoicer is asked about those of which nobody knows, and imbalances
// are looked at again. What is asked of the Invoicer goes one call after the
// other.
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	ctx, limit = s.system(ctx), platform.TickLimit(limit)
	fired, failed := 0, []error(nil)
	for _, kind := range []string{invoiceKind, letterKind, tallyKind} {
		if fired >= limit {
			break
		}
		n, err := platform.Sweep(ctx, limit-fired, func(cursor string) (platform.Page[platform.Stored], error) {
			return s.store.Due(ctx, kind, now, cursor)
		}, func(due platform.Stored) error { return s.fire(ctx, due, now) })
		fired, failed = fired+n, append(failed, err)
	}
	return fired, errors.Join(failed...)
}

// fire does what a record was listed for. Of several ticks at once one sends, and
// one records what was learnt.
func (s *Service) fire(ctx context.Context, listed platform.Stored, now time.Time) error {
	switch due := listed.(type) {
	case Invoice:
		if due.State != Issuing {
			_, err := s.send(ctx, IssueInvoice{Invoice: due.ID}, now)
			return err
		}
		v, err := s.store.Invoice(ctx, due.ID)
		if err = still(v, due, err); err == nil {
			err = s.look(ctx, v, now)
		}
		return err
	case Letter:
		if due.State == LetterAsked {
			return s.write(ctx, due.ID, now)
		}
		l, err := s.store.Letter(ctx, due.ID)
		if err = still(l, due, err); err == nil {
			err = s.lookRed(ctx, l, now)
		}
		return err
	case Tally:
		_, err := s.reconcile(ctx, Reconcile{Of: due.Subject, Kind: due.Kind}, now)
		return err
	}
	return nil
}

// still fails with ErrNotDue when a record is no longer as it was listed.
func still(now, listed platform.Stored, err error) error {
	if err == nil && now.Revision() != listed.Revision() {
		return fmt.Errorf("%s: %w", listed.Ref(), ErrNotDue)
	}
	return err
}
