package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// recordSharing writes down what was learnt of the current operation of a sharing,
// with all that follows. It fails with ErrNothingNew when that was known already.
func (s *Service) recordSharing(ctx context.Context, h Sharing, in record, arrived []Share) error {
	_, err := persist(ctx, s, in, func(ctx context.Context) (Sharing, []platform.Change, error) {
		all, now, err := s.sharings(ctx, h)
		if err != nil {
			return Sharing{}, nil, err
		}
		if in.Key != now.Key() {
			return Sharing{}, nil, fmt.Errorf("operation %s: %w", in.Key, ErrNothingNew)
		}
		next, err := now.Learn(in.Status, arrived, in.Certain, in.At)
		if errors.Is(err, ErrNothingNew) && in.Doubts {
			next, err = now.Doubt(in.At)
		}
		if err != nil {
			return Sharing{}, nil, err
		}
		changes, err := s.handedOn(ctx, all, next, in.At, in.Via)
		return next, changes, err
	})
	return err
}

// handedOn is what a sharing's new state means for the books, for those that
// waited for it, and for the refund that it is taken back for.
func (s *Service) handedOn(ctx context.Context, all *sharings, next Sharing, at time.Time, why string) ([]platform.Change, error) {
	all.put(next, next.event().Because(why))
	changes, err := s.bookSharing(ctx, next, at)
	if err != nil {
		return nil, err
	}
	if next.State == SharingDone && next.Back == "" {
		rest, some, err := next.rest(at)
		if err != nil {
			return nil, err
		}
		if some {
			all.put(rest, rest.event())
		}
	}
	if next.Restored && !next.pending() { // what it is for came to nothing meanwhile
		if err := all.undo(next, at); err != nil {
			return nil, err
		}
	}
	all.wake(next, at)
	if next.Back != "" {
		woken, err := s.gathered(ctx, all, next.Cause, at)
		if err != nil {
			return nil, err
		}
		changes = append(changes, woken...)
	}
	return append(changes, all.changes()...), nil
}

// bookSharing books what a sharing has moved, each share on the clearing account of
// its receiver.
func (s *Service) bookSharing(ctx context.Context, h Sharing, at time.Time) ([]platform.Change, error) {
	if h.State != SharingDone {
		return nil, nil
	}
	what, total := "split.made", zero(h.Amount)
	var legs []platform.Leg
	for _, p := range h.Portions {
		moved := p.Arrived
		if h.Back != "" {
			what, moved = "split.returned", p.Arrived.Neg()
		}
		var err error
		if total, err = total.Sub(moved); err != nil {
			return nil, err
		}
		legs = append(legs, platform.Leg{Role: "clearing", Party: subAccount(h.Institution, p.Party), Amount: moved})
	}
	if total.Sign() == 0 {
		return nil, nil
	}
	changes, err := s.ports.Books.Post(ctx, what, h.Ref(), at, append(legs, platform.Leg{Role: "clearing", Party: platform.ID(h.Institution), Amount: total}))
	if err != nil {
		return nil, fmt.Errorf("book %s: %w", h.ID, err)
	}
	return changes, nil
}

// rest is what did not arrive of a sharing, to go out in another one.
func (h Sharing) rest(at time.Time) (rest Sharing, some bool, err error) {
	rest = Sharing{
		Head:    platform.Head{ID: derived(h.ID, string(h.ID), "rest")},
		Subject: h.Subject, Attempt: h.Attempt, Capture: h.Capture, Institution: h.Institution, State: SharingFailed, Amount: zero(h.Amount),
		Cause: h.Ref(), Released: h.Released, Tries: h.Tries + 1, Reason: "payment.mismatch",
	}
	for _, p := range h.Portions {
		left, err := p.Amount.Sub(p.Arrived)
		if err == nil && left.Sign() > 0 {
			rest.Portions = append(rest.Portions, Portion{Party: p.Party, Amount: left})
			rest.Amount, err = rest.Amount.Add(left)
		}
		if err != nil {
			return Sharing{}, false, err
		}
	}
	due, again := retry(h.Tries, at)
	if rest.Due = due; !again {
		rest.State = SharingManual
	}
	return rest, len(rest.Portions) > 0, nil
}

// gathered lets a refund go on that waited for shares, once none is to come.
func (s *Service) gathered(ctx context.Context, all *sharings, refund platform.Ref, at time.Time) ([]platform.Change, error) {
	found, err := s.store.Found(ctx, returnRef(refund))
	if err != nil || len(found.Returns) == 0 {
		return nil, err
	}
	r := found.Returns[0]
	if r.State != ReturnGathering || all.blocked(refund) {
		return []platform.Change{platform.Unchanged(r)}, nil
	}
	next, err := r.Gather(false, at)
	if err != nil {
		return nil, err
	}
	return []platform.Change{platform.Put(next), next.event()}, nil
}

// returnRef names the return of a refund.
func returnRef(refund platform.Ref) platform.Ref {
	return platform.Ref{Kind: "payment.return", ID: refund.ID.As("rtn")}
}

// askSharing sends the next operation of a sharing, or asks how the one under way
// stands.
func (s *Service) askSharing(due Sharing, now time.Time) errand {
	switch due.State {
	case SharingFrozen:
		return errand{then: func(ctx context.Context) error { return s.thaw(ctx, due, now) }}
	case SharingPlanned, SharingFailed:
		return errand{then: func(ctx context.Context) error { return s.handOver(ctx, due, now) }}
	}
	in, arrived := record{Key: due.Key(), Doubts: true, Via: "look", At: now}, []Share(nil)
	return errand{
		ask: func(ctx context.Context) (err error) {
			in.Status, arrived, in.Certain, err = s.foundSharing(ctx, due, now)
			return err
		},
		then: func(ctx context.Context) error { return s.recordSharing(context.WithoutCancel(ctx), due, in, arrived) },
	}
}

// foundSharing is what the institution says about a sharing.
func (s *Service) foundSharing(ctx context.Context, h Sharing, now time.Time) (st Status, arrived []Share, certain bool, _ error) {
	g, err := s.gateway(h.Institution)
	if err != nil {
		return Status{}, nil, false, err
	}
	can, err := s.splitter(h.Institution)
	if err != nil {
		return Status{}, nil, false, err
	}
	st, certain = s.question(ctx, g, h.Key(), h.Missed(now), func(ctx context.Context) (st Status, err error) {
		st, arrived, err = h.ask(ctx, can)
		return st, err
	})
	return st, arrived, certain, nil
}

// tellSharing follows a notice of a sharing: the institution is asked how it
// stands, and the notice is filed.
func (s *Service) tellSharing(ctx context.Context, n Received, id platform.ID, at time.Time) error {
	h, err := sharingIn(ctx, s.store, id)
	switch {
	case errors.Is(err, platform.ErrNotFound):
		return s.file(ctx, n.wait(at))
	case err != nil:
		return err
	case h.Institution != n.Institution:
		return s.settle(ctx, n, NoticeUnmatched, at)
	case n.Key != h.Key() || !h.pending():
		return s.settle(ctx, n, NoticeFiled, at)
	}
	st, arrived, certain, err := s.foundSharing(ctx, h, at)
	if err != nil || st.Outcome == Pending {
		return s.settle(ctx, n, NoticeWaiting, at)
	}
	in := record{Key: h.Key(), Status: st, Certain: certain, Via: "notice", At: at}
	if err := s.recordSharing(context.WithoutCancel(ctx), h, in, arrived); err != nil && !errors.Is(err, ErrNothingNew) {
		return err
	}
	return s.settle(ctx, n, NoticeFiled, at)
}
