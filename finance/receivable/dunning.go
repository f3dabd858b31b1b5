package receivable

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Dun does what is due on all claims on one party.
type Dun struct {
	Debtor platform.ID `json:"debtor" validate:"required,id="`
}

// Subject is the debtor.
func (in Dun) Subject() platform.Ref {
	return platform.Ref{Kind: "receivable.debtor", ID: debtorOf(in.Debtor)}
}

// Dun does what is due on the claims on a party, as [Service.Tick] does by
// itself: it applies money that waited, judges promises, writes small rests off,
// and takes each claim whose time has come to its next level, told in one letter.
// Operators may, and the system; it fails with ErrNotDue when there is nothing
// to do.
func (s *Service) Dun(ctx context.Context, in Dun) (Debtor, error) {
	if err := s.desk(ctx, in); err != nil {
		return Debtor{}, err
	}
	return s.onDebtor(ctx, in, in.Debtor, s.dun)
}

// dun is one run over all claims on a party. What is paid by the money that it
// finds is dunned no more.
func (s *Service) dun(ctx context.Context, a *account) error {
	for _, step := range []func(context.Context, *account) error{s.apply, s.judge, s.forgive, s.setOff, s.climb} {
		if err := step(ctx, a); err != nil {
			return fmt.Errorf("dun %s: %w", a.Party, err)
		}
	}
	if len(a.moved) == 0 {
		return fmt.Errorf("dun %s: %w", a.Party, ErrNotDue)
	}
	return nil
}

// due tells whether something is to be done about a claim now.
func (a *account) due(i Item) bool { return !i.Next.IsZero() && !i.Next.After(a.at) }

// apply covers claims with money of the debtor's that waited for one.
func (s *Service) apply(ctx context.Context, a *account) error {
	for _, c := range a.currencies(a.due) {
		free, err := s.ports.Books.Free(ctx, "unapplied", "", a.Party, c)
		if err != nil {
			return err
		}
		if free.Sign() > 0 {
			if _, err := s.claims.draw(ctx, a, a.drawing("unapplied", c), "unapplied", free); err != nil {
				return err
			}
		}
	}
	// A claim that only waited for money has its own time again.
	for _, i := range a.claims {
		if next := i.next(a.Written, a.terms); a.due(i) && (next.IsZero() || next.After(a.at)) {
			if !a.moved[i.ID] {
				a.tell("receivable.postponed", i, map[string]any{"until": next})
			}
			a.put(i)
		}
	}
	return nil
}

// judge ends the promises of which a part did not come in time; their claims go
// one level higher.
func (s *Service) judge(_ context.Context, a *account) error {
	for _, i := range slices.Clone(a.claims) {
		for i.State == Promised && a.due(i) {
			next, broken, err := i.judged(a.at, a.terms)
			if err != nil {
				return err
			}
			kept := i.Promise.paid(i.Open())
			i = a.put(next)
			if broken {
				a.tell("receivable.promise_broken", i, map[string]any{"broken": i.Broken})
			} else {
				a.tell("receivable.promise_kept", i, map[string]any{"parts": kept})
			}
		}
	}
	return nil
}

// setOff covers claims that reach or hold a level which says so from what the
// platform owes the debtor, and from its deposit.
func (s *Service) setOff(ctx context.Context, a *account) error {
	for _, role := range []string{"payable", "deposit"} {
		from := func(i Item) bool {
			l, more := a.terms.level(i.Level + 1)
			return a.due(i) && i.State != Promised && more && (role == "payable" && l.SetOff || l.Deposit)
		}
		for _, c := range a.currencies(from) {
			var named []platform.ID
			sum := money(0, c)
			for _, i := range a.claims {
				if from(i) && i.Amount.Currency() == c {
					named, sum = append(named, i.ID), plus(sum, i.Claimed())
				}
			}
			_, err := s.claims.draw(ctx, a, a.drawing(role, c), role, sum, named...)
			if err != nil && !errors.Is(err, ErrNothingFree) {
				return err
			}
		}
	}
	return nil
}

// climb takes each claim whose time has come to its next level, and writes the
// letter.
func (s *Service) climb(_ context.Context, a *account) error {
	id := a.terms.letterOf(a.Party, a.at)
	stepped := map[platform.ID]bool{}
	for _, i := range slices.Clone(a.claims) {
		level, more := a.terms.level(i.Level + 1)
		if !a.due(i) || !more || !level.worth(i.Claimed()) || i.State == Promised || i.small(a.terms) {
			continue
		}
		next, err := i.stepped(id, a.at, a.terms)
		if err != nil {
			return err
		}
		stepped[i.ID] = true
		a.Written = a.at
		a.put(next)
		a.tell("receivable.dunned", next, map[string]any{"level": next.Level, "name": level.Name, "fee": next.Fee, "letter": id, "tasks": level.Tasks})
	}
	if len(stepped) == 0 {
		return nil
	}
	l := Letter{Head: platform.Head{ID: id}, To: a.Party, At: a.at}
	if s.ports.Notify != nil {
		l.Due = a.at
	}
	for _, i := range a.claims {
		if i.Open().Sign() > 0 && a.terms.days(i.Due, a.at) > 0 {
			l.Lines = append(l.Lines, i.demand(a.at, a.terms, stepped[i.ID]))
		}
		if !stepped[i.ID] && a.due(i) { // nothing more of this debtor today
			a.put(i)
		}
	}
	a.set = append(a.set, platform.Put(l))
	return nil
}

// currencies are those of the claims that match, in order.
func (a *account) currencies(match func(Item) bool) (all []platform.Currency) {
	for _, i := range a.claims {
		if c := i.Amount.Currency(); match(i) && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// drawing is the id of what a run takes from an account of the debtor's.
func (a *account) drawing(role string, c platform.Currency) platform.ID {
	return platform.NewID("rct", a.at, a.Party.Slot(), random(string(a.Party), role, c.String(), a.at.Format(time.RFC3339Nano)))
}

// random are bits made of words: the same words, the same bits.
func random(words ...string) uint64 {
	h := sha256.New()
	for _, w := range words {
		_, _ = h.Write([]byte(w + "\x00"))
	}
	return binary.BigEndian.Uint64(h.Sum(nil)[:8])
}
