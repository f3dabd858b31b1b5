package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Contested is a [Subject] that knows whether what it brought is in dispute: its
// shares wait then.
type Contested interface {
	Contested(ctx context.Context, subject platform.Ref) (bool, error)
}

// handover is a sharing whose next operation goes out.
type handover struct{ Split platform.ID }

// Subject is the sharing.
func (h handover) Subject() platform.Ref { return sharingRef(h.Split) }

// handOver sends what is due of a sharing. The claim comes first, then the call.
func (s *Service) handOver(ctx context.Context, due Sharing, at time.Time) error {
	claimed, err := persist(ctx, s, handover{due.ID}, func(ctx context.Context) (Sharing, []platform.Change, error) {
		all, h, err := s.sharings(ctx, due)
		if err != nil {
			return Sharing{}, nil, err
		}
		if !h.ready(at) {
			return Sharing{}, nil, fmt.Errorf("send %s: %w", h.ID, ErrNotDue)
		}
		next, changes, err := s.claimSharing(ctx, all, h, at)
		if err != nil {
			return Sharing{}, nil, err
		}
		return next, append(changes, all.changes()...), nil
	})
	if err != nil || claimed.State != SharingSent {
		return err
	}
	if s.slept(claimed.Operation) {
		return nil
	}
	g, err := s.splitter(claimed.Institution)
	if err != nil {
		return err
	}
	call, cancel := context.WithTimeout(ctx, min(s.opts.Call, s.opts.Answer))
	defer cancel()
	begun := s.w.Now()
	said, err := claimed.call(call, g)
	s.saw(ctx, claimed.Institution, begun, err)
	st, certain := told(said, err)
	err = s.recordSharing(context.WithoutCancel(ctx), claimed, record{Key: claimed.Key(), Status: st, Certain: certain, Doubts: true, Via: "answer", At: at}, nil)
	if errors.Is(err, ErrNothingNew) {
		return nil
	}
	return err
}

// call makes the call that a sharing is.
func (h Sharing) call(ctx context.Context, g Splitter) (Status, error) {
	if h.Back != "" {
		return g.ReturnSplit(ctx, h.takes())
	}
	return g.Split(ctx, h.gives())
}

// ask asks how it stands, and what has arrived.
func (h Sharing) ask(ctx context.Context, g Splitter) (Status, []Share, error) {
	if h.Back != "" {
		st, err := g.LookupReturn(ctx, h.takes())
		return st, nil, err
	}
	return g.LookupSplit(ctx, h.gives())
}

func (h Sharing) gives() Split {
	return Split{Key: h.Key(), Charge: h.charge(), Shares: h.shares(), Final: h.Final}
}

func (h Sharing) takes() SplitReturn {
	return SplitReturn{Key: h.Key(), Split: Key(h.Reference), Account: h.Portions[0].Account, Amount: h.Amount}
}

// sharings reads a sharing as it is now, with all others of its subject.
func (s *Service) sharings(ctx context.Context, known Sharing) (*sharings, Sharing, error) {
	found, err := sharingsIn(ctx, s.store, known.Subject)
	if err != nil {
		return nil, Sharing{}, err
	}
	all := sharingsOf(found)
	h, err := all.of(known.ID)
	return all, h, err
}

// claimSharing decides whether a sharing goes out now. The changes returned are
// beside those of the sharings.
func (s *Service) claimSharing(ctx context.Context, all *sharings, h Sharing, at time.Time) (Sharing, []platform.Change, error) {
	if h.Back != "" {
		return s.claimBack(ctx, all, h, at)
	}
	attempt := platform.Ref{Kind: "payment.attempt", ID: h.Attempt}
	refs := []platform.Ref{attempt}
	for _, p := range h.Portions {
		refs = append(refs, recipientRef(h.Institution, p.Party))
	}
	found, err := s.store.Found(ctx, refs...)
	if err == nil && len(found.Attempts) == 0 {
		err = platform.NotFound(attempt)
	}
	if err != nil {
		return Sharing{}, nil, err
	}
	next, err := s.goes(ctx, all, h, found, at)
	if err != nil {
		return Sharing{}, nil, err
	}
	all.put(next, next.event())
	changes := []platform.Change{platform.Unchanged(found.Attempts[0])}
	for _, r := range found.Recipients {
		changes = append(changes, platform.Unchanged(r))
	}
	return next, changes, nil
}

// goes is a sharing as it goes out, or as what keeps it leaves it: other sharings
// of a charge that is to end, a dispute, a receiver without account.
func (s *Service) goes(ctx context.Context, all *sharings, h Sharing, found Records, at time.Time) (Sharing, error) {
	if h.closes() && all.busy(h) {
		h.Due = time.Time{}
		return h, nil
	}
	if h.closes() {
		return h.Send(at, s.until(at))
	}
	contested, taken, err := s.contested(ctx, found.Attempts[0])
	if err != nil {
		return Sharing{}, err
	}
	if taken || contested && !h.Decided {
		return h.Wait(at)
	}
	h, missing := h.addressed(found.Recipients)
	if missing {
		next, err := h.move("stop", platform.System)
		next.Due, next.Reason = time.Time{}, platform.Code(ErrNoRecipient)
		return next, err
	}
	return h.Send(at, s.until(at))
}

// addressed is the sharing with the accounts of its receivers, unless one has none.
func (h Sharing) addressed(recipients []Recipient) (_ Sharing, missing bool) {
	h.Portions = slices.Clone(h.Portions)
	for i, p := range h.Portions {
		at := slices.IndexFunc(recipients, func(r Recipient) bool { return r.Party == p.Party && r.State == RecipientReady })
		if at < 0 {
			return h, true
		}
		h.Portions[i].Account = recipients[at].Account
	}
	return h, false
}

// contested tells whether what an attempt brought is in dispute, and whether the
// payer's bank has even taken it back.
func (s *Service) contested(ctx context.Context, a Attempt) (contested, taken bool, err error) {
	if a.Disputed.Sign() > 0 {
		return true, true, nil
	}
	subject, knows := s.ports.Subject.(Contested)
	if !knows {
		return false, false, nil
	}
	contested, err = subject.Contested(ctx, a.Subject)
	return contested, false, err
}

// claimBack decides about a share that comes back. One that has not gone out is
// spared; while that is not known, it waits for it.
func (s *Service) claimBack(ctx context.Context, all *sharings, h Sharing, at time.Time) (Sharing, []platform.Change, error) {
	of, err := all.of(h.Back)
	if err != nil {
		return Sharing{}, nil, err
	}
	if of.pending() {
		h.Due = time.Time{}
		all.put(h, h.event())
		return h, nil, nil
	}
	if of.State != SharingDone {
		if err := all.spare(h, of, at); err != nil {
			return Sharing{}, nil, err
		}
		changes, err := s.gathered(ctx, all, h.Cause, at)
		return Sharing{}, changes, err
	}
	i := slices.IndexFunc(of.Portions, func(p Portion) bool { return p.Party == h.Portions[0].Party })
	if i < 0 {
		return Sharing{}, nil, platform.NotFound(of.Ref())
	}
	h.Portions = slices.Clone(h.Portions)
	h.Portions[0].Account, h.Reference = of.Portions[i].Account, string(of.Key())
	next, err := h.Send(at, s.until(at))
	if err != nil {
		return Sharing{}, nil, err
	}
	all.put(next, next.event())
	return next, nil, nil
}

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

// splitter is the institution of that name, which hands shares on.
func (s *Service) splitter(institution string) (Splitter, error) {
	g, err := s.gateway(institution)
	if err != nil {
		return nil, err
	}
	can, ok := g.(Splitter)
	if !ok {
		return nil, fmt.Errorf("institution %q: %w", institution, ErrNoSplits)
	}
	return can, nil
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
