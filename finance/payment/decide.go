package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Debts keeps what receivers owe, beside the posting on their account receivable.
// receivable.Claims is one.
type Debts interface {
	Arise(ctx context.Context, cause string, source platform.Ref, party platform.ID, amount platform.Money, at time.Time) ([]platform.Change, error)
}

// Split is one sharing, to operators and auditors.
func (s *Service) Split(ctx context.Context, id platform.ID) (Sharing, error) {
	h, err := sharingIn(ctx, s.store, id)
	if err == nil {
		err = s.visible(ctx, "", h.Ref())
	}
	if err != nil {
		return Sharing{}, err
	}
	return h, nil
}

// Splits are the sharings of a subject, shares that come back among them, to
// operators and auditors.
func (s *Service) Splits(ctx context.Context, subject platform.Ref) ([]Sharing, error) {
	if err := s.visible(ctx, "", subject); err != nil {
		return nil, err
	}
	return sharingsIn(ctx, s.store, subject)
}

// Sharings is a page of the sharings in a state, to operators and auditors. The
// cursor of a page is where the next one begins; the last has none.
func (s *Service) Sharings(ctx context.Context, state SharingState, cursor string) (platform.Page[Sharing], error) {
	if err := s.visible(ctx, "", platform.Ref{Kind: sharingKind}); err != nil {
		return platform.Page[Sharing]{}, err
	}
	return s.store.Sharings(ctx, SharingQuery{State: state, Cursor: cursor})
}

// Decision is what an operator says about a sharing that waits for one.
type Decision string

// The decisions.
const (
	DecideSend    Decision = "send"    // it goes out, also of a subject in dispute; not while the payer's bank has taken the money back
	DecideKeep    Decision = "keep"    // it does not; the money stays ours at the institution, and is owed otherwise
	DecideArrived Decision = "arrived" // the institution's books have it
	DecideRefused Decision = "refused" // they have not, and never will
	DecideOwed    Decision = "owed"    // the share does not come back: its receiver owes it
)

// Decide returns the sharing as an operator decided. It fails with ErrNotDecidable
// when it waits for no such decision: while the outcome is not known, only arrived
// and refused say how it is, and send sends the same again under the same key;
// afterwards send, keep and, of a share that comes back, owed go on.
func (h Sharing) Decide(d Decision, at time.Time) (Sharing, error) {
	known := h.SentAt.IsZero()
	if told := d == DecideArrived || d == DecideRefused; known && (told || d == DecideOwed && h.Back == "") || !known && !told && d != DecideSend {
		return Sharing{}, platform.Detail(fmt.Errorf("decide %s: %w", h.ID, ErrNotDecidable), "state", string(h.State))
	}
	if d == DecideArrived {
		return h.arrive(string(d), platform.Operator, "", h.shares(), at)
	}
	next, err := h.move(string(d), platform.Operator)
	if err != nil {
		return Sharing{}, err
	}
	next.Due, next.Reason = time.Time{}, ""
	switch d {
	case DecideSend:
		next.Due, next.Tries, next.Decided, next.Again = at, 0, true, !known
	case DecideRefused:
		return next.over(time.Time{}), nil
	default:
		next.EndedAt = at
	}
	return next, nil
}

// DecideSplit is an operator's word on a sharing that waits for one.
type DecideSplit struct {
	Split    platform.ID `json:"split" validate:"required,id=spl"`
	Decision Decision    `json:"decision" validate:"required,oneof=send keep arrived refused owed"`
	Reason   string      `json:"reason" validate:"required,max=64,printascii"` // a code
}

// Subject is the sharing.
func (in DecideSplit) Subject() platform.Ref { return sharingRef(in.Split) }

// DecideSplit carries the decision out, see [Sharing.Decide], and returns the
// sharing: what is to be sent is due at once, and Tick sends it. A share that its
// receiver owes becomes a debt on the account receivable, in the same set. Only
// operators may do so.
func (s *Service) DecideSplit(ctx context.Context, in DecideSplit) (Sharing, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Sharing, []platform.Change, error) {
		actor, err := platform.ActorOf(ctx)
		if err == nil && actor.Kind != platform.Operator {
			err = ErrActor
		}
		if err != nil {
			return Sharing{}, nil, fmt.Errorf("decide %s: %w", in.Split, err)
		}
		known, err := sharingIn(ctx, s.store, in.Split)
		if err != nil {
			return Sharing{}, nil, err
		}
		all, h, err := s.sharings(ctx, known)
		if err != nil {
			return Sharing{}, nil, err
		}
		now := s.w.Now()
		next, err := h.Decide(in.Decision, now)
		if err != nil {
			return Sharing{}, nil, err
		}
		var owed []platform.Change
		if in.Decision == DecideOwed {
			if owed, err = s.owe(ctx, next, now); err != nil {
				return Sharing{}, nil, err
			}
		}
		changes, err := s.handedOn(ctx, all, next, now, in.Reason)
		return next, append(changes, owed...), err
	})
}

// owe books a share that stays with its receiver, who owes it: what was on the
// receiver's clearing account is its own now.
func (s *Service) owe(ctx context.Context, h Sharing, at time.Time) ([]platform.Change, error) {
	p := h.Portions[0]
	changes, err := s.ports.Books.Post(ctx, "split.owed", h.Ref(), at, []platform.Leg{
		{Role: "receivable", Party: p.Party, Amount: h.Amount},
		{Role: "clearing", Party: subAccount(h.Institution, p.Party), Amount: h.Amount.Neg()},
	})
	if err != nil {
		return nil, fmt.Errorf("book %s: %w", h.ID, err)
	}
	if s.ports.Debts == nil {
		return changes, nil
	}
	debt, err := s.ports.Debts.Arise(ctx, "negative_balance", h.Ref(), p.Party, h.Amount, at)
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", h.ID, err)
	}
	return append(changes, debt...), nil
}

// thaw looks again at a sharing that is frozen: one that is no longer in dispute
// goes out, and at its last moment the rule decides.
func (s *Service) thaw(ctx context.Context, due Sharing, at time.Time) error {
	_, err := persist(ctx, s, handover{due.ID}, func(ctx context.Context) (Sharing, []platform.Change, error) {
		all, h, err := s.sharings(ctx, due)
		if err != nil {
			return Sharing{}, nil, err
		}
		if h.State != SharingFrozen || h.Due.IsZero() || at.Before(h.Due) {
			return Sharing{}, nil, fmt.Errorf("thaw %s: %w", h.ID, ErrNotDue)
		}
		a, err := s.store.Attempt(ctx, h.Attempt)
		if err != nil {
			return Sharing{}, nil, err
		}
		contested, taken, err := s.contested(ctx, a)
		if err != nil {
			return Sharing{}, nil, err
		}
		next, kept, err := h.thawed(contested, s.opts.HandOn && !taken, at)
		if g, err := s.gateway(h.Institution); err == nil && kept && g.Info().Owner != "" {
			next = next.secured(all.unshared(a, h))
		}
		if err != nil {
			return Sharing{}, nil, err
		}
		changes, err := s.handedOn(ctx, all, next, at, "time")
		return next, append(changes, platform.Unchanged(a)), err
	})
	return err
}

// thawed is a frozen sharing as time leaves it: waiting another day, going out, or
// at its last moment decided by the rule, which keeps the money with us or hands it
// on.
func (h Sharing) thawed(contested, handOn bool, at time.Time) (_ Sharing, kept bool, _ error) {
	over := !at.Before(h.Released.Add(-ruled))
	if contested && !over {
		next, err := h.Wait(at)
		return next, false, err
	}
	next, err := h.move("wait", platform.System)
	next.Due, next.Reason, next.Decided = at, "", handOn
	if kept = contested && !handOn; kept {
		// What is unfrozen is ours at the institution; that we owe it stays in the books.
		next.Portions, next.Amount, next.Final, next.Reason = nil, zero(h.Amount), true, "payment.kept"
	}
	return next, kept, err
}

// secured is a kept sharing of a charge on a party's own account, which what is
// unfrozen would go to: all that is left of the charge comes to us instead.
func (h Sharing) secured(left platform.Money) Sharing {
	if left.Sign() > 0 {
		h.Portions, h.Amount, h.Decided = []Portion{{Party: Ours, Amount: left}}, left, true
	}
	return h
}
