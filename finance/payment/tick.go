package payment

import (
	"context"
	"errors"
	"time"

	"github.com/liangding/platform"
)

var _ platform.Ticker = (*Service)(nil)

// dueKinds are the kinds of records with a due, in the order in which Tick looks
// at them.
var dueKinds = []string{"payment.attempt", sharingKind, "payment.return", "payment.notice", "payment.chargeback", "payment.intent", "payment.institution", recipientKind}

// Tick does what is due at now, at most limit of it: institutions are asked
// about attempts, returns and splits whose outcome is not known, captures, voids,
// returns and splits are sent, authorisations that are about to end are captured,
// notices that waited are tried again, and intents expire.
//
// Each institution has a lane of its own, in which at most ten look-ups run side
// by side and all else one after the other. Tick waits for a lane no longer than
// Options.Wait: an institution that hangs delays neither the others nor the
// caller for long. What is under way then goes on, each call within its limit
// and with the ctx of this Tick; see [Service.Close]. Until it ends, Tick leaves that
// institution alone, and what it failed with is told by a later Tick.
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	limit = platform.TickLimit(limit)
	fired, failed := 0, []error{s.lanes.late()}
	for _, kind := range dueKinds {
		if fired >= limit {
			break
		}
		rounds, err := s.gather(ctx, kind, now, limit-fired)
		failed = append(failed, err)
		for _, r := range rounds {
			n, err := s.lanes.walk(s.system(ctx), r, s.opts.Wait)
			fired += n
			failed = append(failed, err)
		}
	}
	return fired, errors.Join(failed...)
}

// gather lists what is due of a kind by institution, in the order in which each
// is met first, but for institutions whose lane is taken.
func (s *Service) gather(ctx context.Context, kind string, now time.Time, limit int) (rounds []round, err error) {
	at := map[string]int{}
	_, err = platform.Sweep(ctx, limit, func(cursor string) (platform.Page[platform.Stored], error) {
		return s.store.Due(ctx, kind, now, cursor)
	}, func(due platform.Stored) error {
		institution, e := s.errand(due, now)
		if s.lanes.taken(institution) {
			return ErrNotDue
		}
		n, met := at[institution]
		if !met {
			n, at[institution] = len(rounds), len(rounds)
			rounds = append(rounds, round{institution: institution})
		}
		rounds[n].errands = append(rounds[n].errands, e)
		return nil
	})
	return rounds, err
}

// errand is what to do for a record that was listed, and at which institution;
// at none for what calls nobody.
func (s *Service) errand(listed platform.Stored, now time.Time) (institution string, _ errand) {
	switch due := listed.(type) {
	case Attempt:
		switch due.State {
		case AttemptAuthorized:
			return due.Institution, errand{then: func(ctx context.Context) error { return s.draw(ctx, due, now) }}
		case AttemptReleasing:
			return due.Institution, s.askVoid(due, now)
		}
		return due.Institution, s.askAttempt(due, now)
	case Return:
		return due.Part().Institution, s.askReturn(due, now)
	case Sharing:
		return due.Institution, s.askSharing(due, now)
	case Recipient:
		return due.Institution, s.askRecipient(due)
	case Institution:
		return "", errand{then: func(ctx context.Context) error { return s.ring(ctx, due.ID, now) }}
	case Chargeback:
		return due.Institution, s.askChargeback(due, now)
	case Received:
		return due.Institution, errand{then: func(ctx context.Context) error { return s.take(ctx, due, now) }}
	}
	return "", errand{then: func(ctx context.Context) error { return s.expire(ctx, listed.Ref().ID, now) }}
}

// askAttempt asks the institution how an attempt stands.
func (s *Service) askAttempt(due Attempt, now time.Time) errand {
	in := record{Key: due.Key(), Doubts: true, Via: "look", At: now}
	return errand{
		ask: func(ctx context.Context) (err error) {
			in.Status, in.Certain, err = s.found(ctx, due.Institution, due.Key(), due.Missed(now))
			return err
		},
		then: func(ctx context.Context) error {
			_, err := s.record(context.WithoutCancel(ctx), due, in)
			return err
		},
	}
}

// askReturn sends the next operation of a return, or asks how the one under way
// stands.
func (s *Service) askReturn(due Return, now time.Time) errand {
	if due.ready(now) {
		return errand{then: func(ctx context.Context) error {
			_, err := s.send(ctx, Send{Return: due.ID}, now)
			return err
		}}
	}
	if due.Part().own() { // a crash came between claim and record
		return errand{then: func(ctx context.Context) error {
			_, err := s.refund(ctx, due, now)
			return err
		}}
	}
	in := record{Key: due.Key(), Doubts: true, Via: "look", At: now}
	return errand{
		ask: func(ctx context.Context) (err error) {
			in.Status, in.Certain, err = s.found(ctx, due.Part().Institution, due.Key(), due.Missed(now))
			return err
		},
		then: func(ctx context.Context) error {
			_, err := s.recordReturn(context.WithoutCancel(ctx), due, in)
			return err
		},
	}
}

// Close waits until no call is under way that a Tick began and did not wait for.
// It is of use before the store is closed.
func (s *Service) Close() error {
	s.lanes.calls.Wait()
	return s.lanes.late()
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
		released, err := asksOn(s.store).release(ctx, []Intent{i})
		if err != nil {
			return Intent{}, nil, err
		}
		return next, append(released, platform.Put(next), platform.Happened("payment.expired", next.Ref(), next.facts())), nil
	})
	return err
}
