package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Tick ends the offers that nobody answered in time, and begins the rounds that
// are due: after an offer ended without a member, or after a round that found
// nobody. A search that has had its rounds, or its time, ends in the event
// order.unfilled. Of several ticks at once each deadline fires in one.
func (s *Service) Tick(ctx context.Context, now time.Time, limit int) (int, error) {
	ctx, limit = s.system(ctx), platform.TickLimit(limit)
	overdue := func(cursor string) (platform.Page[Assignment], error) { return s.store.Overdue(ctx, now, cursor) }
	expired, failed := platform.Sweep(ctx, limit, overdue, func(a Assignment) error { return s.expire(ctx, a, now) })
	if expired >= limit {
		return expired, failed
	}
	begun, err := s.rounds(ctx, now, limit-expired)
	return expired + begun, errors.Join(failed, err)
}

// expire ends an offer at its deadline.
type expire struct{ Assignment platform.ID }

// Subject is the assignment.
func (e expire) Subject() platform.Ref { return assigned(e.Assignment) }

func (s *Service) expire(ctx context.Context, found Assignment, now time.Time) error {
	_, err := s.act(ctx, expire{found.ID}, func(ctx context.Context, a Assignment, _ platform.ActorKind) (Assignment, []platform.Change, error) {
		next, err := a.Expire(now)
		return s.over(ctx, next, err)
	})
	return err
}

// batch is the most orders of one plan.
const batch = 500

// rounds ends the searches that are over, and begins the next round of the
// others: all that are due are planned together.
func (s *Service) rounds(ctx context.Context, now time.Time, limit int) (fired int, err error) {
	var orders []platform.ID
	first, goesOn := newRound(s, now), map[platform.ID]bool{}
	due := func(cursor string) (platform.Page[Search], error) { return s.store.Rounds(ctx, now, cursor) }
	_, err = platform.Sweep(ctx, limit, due, func(found Search) error {
		n := first.hear(ctx, found.Order)
		if n.err != nil && !gone(n.err) {
			return n.err
		}
		if n.err == nil && !found.spent(s.policy, now) && slices.Contains(n.Open, found.Seat) {
			orders, goesOn[found.ID] = append(orders, found.Order), true
			return nil
		}
		err := s.conclude(ctx, found, n, now)
		if err == nil {
			fired++
		}
		return err
	})
	slices.Sort(orders)
	for some := range slices.Chunk(slices.Compact(orders), batch) {
		r := newRound(s, now)
		r.told = first.told
		r.wanted = func(x Search) bool { return goesOn[x.ID] && x.due(now) }
		answers, failed := r.run(ctx, some)
		if failed != nil {
			return fired, errors.Join(err, failed)
		}
		for _, a := range answers {
			fired += a.seats()
			if a.err != nil && !errors.Is(a.err, platform.ErrState) && !errors.Is(a.err, platform.ErrConflict) {
				err = errors.Join(err, a.err)
			}
		}
	}
	return fired, err
}

// gone tells whether an order takes no staff any more.
func gone(err error) bool {
	return errors.Is(err, platform.ErrState) || errors.Is(err, platform.ErrNotFound)
}

// conclude ends a search without a member.
type conclude struct{ Search platform.ID }

func (s *Service) conclude(ctx context.Context, found Search, t told, now time.Time) error {
	need := s.needed(&t, found.Order, now)
	_, err := platform.Update(ctx, s.w, conclude{found.ID}, func(ctx context.Context) (Search, []platform.Change, error) {
		search, err := s.store.Search(ctx, found.ID)
		if err != nil {
			return Search{}, nil, err
		}
		n := need(ctx)
		if n.err != nil && !gone(n.err) {
			return Search{}, nil, n.err
		}
		closed, changes := n.err != nil || !slices.Contains(n.Open, search.Seat), slices.Clone(n.checks)
		tell := map[string]any{"seat": search.Seat, "rounds": search.Round, "since": search.Since}
		switch {
		case !search.due(now):
			return Search{}, nil, fmt.Errorf("search %s: %w", search.ID, ErrNotDue)
		case closed:
			next := search.ended(Closed)
			return next, append(changes, platform.Put(next), platform.Happened("dispatch.closed", orderRef(search.Order), tell)), nil
		case search.spent(s.policy, now):
			next := search.ended(Unfilled)
			return next, append(changes, platform.Put(next), platform.Happened("order.unfilled", orderRef(search.Order), tell)), nil
		}
		return Search{}, nil, fmt.Errorf("search %s goes on: %w", search.ID, ErrNotDue)
	})
	return err
}
