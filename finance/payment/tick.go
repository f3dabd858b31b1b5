package payment

import (
	"context"
	"errors"
	"slices"
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
// notices that waited are tried again, charges that nobody shares out are told of, and
// intents expire.
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

// gather lists what is due of a kind, at most limit of it, by institution in the
// order in which each is met first; institutions whose lane is taken are left out.
//
// It reads one page of what is due anywhere. Only when there is more does it read
// on, and then from each lane that is free: so what is due at an institution that
// hangs, or is not wired any more, costs a page however much it is, and of the
// limit no more than the others leave.
func (s *Service) gather(ctx context.Context, kind string, now time.Time, limit int) ([]round, error) {
	var g gathering
	page, err := s.store.Due(ctx, kind, now, "")
	if err != nil {
		return nil, err
	}
	for _, due := range page.Items {
		institution, e := s.errand(due, now)
		g.add(institution, e)
	}
	lanes := append([]string{""}, s.order...)
	if !laned(kind) {
		lanes = lanes[:1]
	}
	for _, institution := range lanes {
		if page.Next == "" || s.lanes.taken(institution) {
			continue
		}
		if err := s.lane(ctx, &g, kind, institution, now, limit); err != nil {
			return nil, err
		}
	}
	return g.deal(limit, s.lanes.taken), nil
}

// lane gathers what is due of a kind at one institution instead of what a page of
// all had of it.
func (s *Service) lane(ctx context.Context, g *gathering, kind, institution string, now time.Time, limit int) error {
	g.clear(institution)
	_, err := platform.Sweep(ctx, limit, func(cursor string) (platform.Page[platform.Stored], error) {
		return s.store.DueAt(ctx, kind, institution, now, cursor)
	}, func(listed platform.Stored) error {
		at, e := s.errand(listed, now)
		g.add(at, e)
		return nil
	})
	return err
}

// gathering are rounds in the making.
type gathering []round

func (g *gathering) add(institution string, e errand) {
	n := slices.IndexFunc(*g, func(r round) bool { return r.institution == institution })
	if n < 0 {
		n, *g = len(*g), append(*g, round{institution: institution})
	}
	(*g)[n].errands = append((*g)[n].errands, e)
}

func (g gathering) clear(institution string) {
	for n := range g {
		if g[n].institution == institution {
			g[n].errands = nil
		}
	}
}

// deal gives each institution in turn one of the limit, until it is used up.
func (g gathering) deal(limit int, taken func(institution string) bool) (dealt []round) {
	g = slices.DeleteFunc(g, func(r round) bool { return taken(r.institution) })
	share := make([]int, len(g))
	for more := true; more && limit > 0; {
		more = false
		for n := range g {
			if share[n] < len(g[n].errands) && limit > 0 {
				share[n], limit, more = share[n]+1, limit-1, true
			}
		}
	}
	for n, r := range g {
		if r.errands = r.errands[:share[n]]; share[n] > 0 {
			dealt = append(dealt, r)
		}
	}
	return dealt
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
		case AttemptCaptured:
			return "", errand{then: func(ctx context.Context) error { return s.lapse(ctx, due, now) }}
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
