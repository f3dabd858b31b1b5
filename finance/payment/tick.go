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
	for _, due := range []struct {
		kind string
		fire func(context.Context, platform.ID, time.Time) error
	}{
		{"payment.attempt", s.tickAttempt},
		{"payment.return", s.tickReturn},
		{"payment.notice", s.tickNotice},
		{"payment.intent", s.tickIntent},
	} {
		if fired >= limit {
			break
		}
		n, err := platform.Sweep(ctx, limit-fired, func(cursor string) (platform.Page[platform.Ref], error) {
			return s.store.Due(ctx, due.kind, now, cursor)
		}, func(ref platform.Ref) error { return due.fire(s.system(ctx), ref.ID, now) })
		fired += n
		failed = append(failed, err)
	}
	return fired, errors.Join(failed...)
}

func (s *Service) tickAttempt(ctx context.Context, id platform.ID, now time.Time) error {
	a, err := s.store.Attempt(ctx, id)
	if err != nil {
		return err
	}
	if !a.Open() || now.Before(a.Due) {
		return fmt.Errorf("attempt %s: %w", id, ErrNotDue)
	}
	return s.look(ctx, a, now, true)
}

func (s *Service) tickReturn(ctx context.Context, id platform.ID, now time.Time) error {
	r, err := s.store.Return(ctx, id)
	if err != nil {
		return err
	}
	if r.State == ReturnAsked || r.State == ReturnFailed {
		_, err := s.send(ctx, Send{Return: id}, now)
		return err
	}
	if r.Due.IsZero() || now.Before(r.Due) {
		return fmt.Errorf("return %s: %w", id, ErrNotDue)
	}
	if r.Part().own() { // a crash came between claim and record
		return s.refund(ctx, r, now)
	}
	g, err := s.gateway(r.Part().Institution)
	if err != nil {
		return err
	}
	st, certain := s.lookup(ctx, g, r.Key(), r.Missed(now))
	return s.recordReturn(ctx, r, record{Key: r.Key(), Status: st, Certain: certain, Doubts: true, Via: "look", At: now})
}

func (s *Service) tickNotice(ctx context.Context, id platform.ID, now time.Time) error {
	n, err := s.store.Received(ctx, id)
	if err != nil {
		return err
	}
	if n.State != NoticeWaiting || now.Before(n.Due) {
		return fmt.Errorf("notice %s: %w", id, ErrNotDue)
	}
	return s.take(ctx, n, now)
}

// expire ends an intent past its time.
type expire struct{ Intent platform.ID }

// Subject is the intent.
func (e expire) Subject() platform.Ref { return platform.Ref{Kind: "payment.intent", ID: e.Intent} }

func (s *Service) tickIntent(ctx context.Context, id platform.ID, now time.Time) error {
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
