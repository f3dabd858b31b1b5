package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

var _ platform.Ticker = (*Service)(nil)

// Tick does what is due at now, at most limit of it: institutions are asked
// about attempts and returns whose outcome is not known, returns are sent,
// notices that waited are tried again, and intents expire. What is asked of an
// institution goes one call after the other.
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	limit = platform.TickLimit(limit)
	fired, failed := 0, []error(nil)
	for _, kind := range []string{"payment.attempt", "payment.return", "payment.notice", "payment.intent"} {
		if fired >= limit {
			break
		}
		n, err := platform.Sweep(ctx, limit-fired, func(cursor string) (platform.Page[platform.Stored], error) {
			return s.store.Due(ctx, kind, now, cursor)
		}, func(due platform.Stored) error { return s.fire(s.system(ctx), due, now) })
		fired += n
		failed = append(failed, err)
	}
	return fired, errors.Join(failed...)
}

// fire does what a record was listed for. Of several ticks at once one asks an
// institution: the others find that the record has changed since.
func (s *Service) fire(ctx context.Context, listed platform.Stored, now time.Time) error {
	switch due := listed.(type) {
	case Attempt:
		a, err := s.store.Attempt(ctx, due.ID)
		if err = still(a, due, err); err == nil {
			_, err = s.look(ctx, a, now, true)
		}
		return err
	case Return:
		if due.ready(now) {
			_, err := s.send(ctx, Send{Return: due.ID}, now)
			return err
		}
		r, err := s.store.Return(ctx, due.ID)
		if err = still(r, due, err); err == nil {
			err = s.lookReturn(ctx, r, now)
		}
		return err
	case Received:
		return s.take(ctx, due, now)
	}
	return s.expire(ctx, listed.Ref().ID, now)
}

// still fails with ErrNotDue when a record is no longer as it was listed.
func still(now, listed platform.Stored, err error) error {
	if err == nil && now.Revision() != listed.Revision() {
		return fmt.Errorf("%s: %w", listed.Ref(), ErrNotDue)
	}
	return err
}

// lookReturn asks the institution how the current operation of a return stands.
func (s *Service) lookReturn(ctx context.Context, r Return, now time.Time) error {
	if r.Part().own() { // a crash came between claim and record
		_, err := s.refund(ctx, r, now)
		return err
	}
	g, err := s.gateway(r.Part().Institution)
	if err != nil {
		return err
	}
	st, certain := s.lookup(ctx, g, r.Key(), r.Missed(now))
	_, err = s.recordReturn(ctx, r, record{Key: r.Key(), Status: st, Certain: certain, Doubts: true, Via: "look", At: now})
	return err
}

// expire ends an intent past its time.
type expire struct{ Intent platform.ID }

// Subject is the intent.
func (e expire) Subject() platform.Ref { return platform.Ref{Kind: "payment.intent", ID: e.Intent} }

func (s *Service) expire(ctx context.Context, id platform.ID, now time.Time) error {
	_, err := platform.Update(ctx, s.w, expire{id}, func(ctx context.Context) (Intent, []platform.Change, error) {
		i, err := s.store.Intent(ctx, id)
		if err != nil {
			return Intent{}, nil, err
		}
		next, err := i.Expire(now)
		if err != nil {
			return Intent{}, nil, err
		}
		return next, []platform.Change{platform.Put(next), platform.Happened("payment.expired", next.Ref(), next.facts())}, nil
	})
	return err
}
