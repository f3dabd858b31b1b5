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
	return SplitReturn{Key: h.Key(), Split: h.Of, Account: h.Portions[0].Account, Amount: h.Amount}
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
	changes := []platform.Change{found.Attempts[0].shared()}
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
	h.Portions[0].Account, h.Of = of.Portions[i].Account, of.Key()
	next, err := h.Send(at, s.until(at))
	if err != nil {
		return Sharing{}, nil, err
	}
	all.put(next, next.event())
	return next, nil, nil
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
