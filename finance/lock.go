package finance

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Lock is what an account is barred from, by a sanction or a legal hold. It holds
// in all currencies. Only accounts that a party has for itself and that have a
// floor can be locked: what an order holds ends with the order.
//
// A posting is decided against the lock that it read, and its commit demands
// that the lock is still so; of an account without one, that [Periods] is, which
// the first lock of an account moves.
type Lock struct {
	platform.Head
	Account Account   `json:"account" class:"internal"`
	Out     bool      `json:"out,omitempty" class:"internal"`    // nothing may be taken
	In      bool      `json:"in,omitempty" class:"internal"`     // nothing may come
	Closed  bool      `json:"closed,omitempty" class:"internal"` // for ever
	Since   time.Time `json:"since" class:"internal"`
}

// Ref names the lock.
func (l Lock) Ref() platform.Ref { return platform.Ref{Kind: lockKind, ID: l.ID} }

// LockID is the id of an account's lock. The formula is frozen: no time, and slot
// and bits cut from SHA-256 of the account's text.
func LockID(a Account) platform.ID {
	sum := sha256.Sum256([]byte("lock\x00" + a.String()))
	return platform.NewID("acc", time.Unix(0, 0), platform.Key{Scope: "lock", Name: a.String()}.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// refuses says whether the lock stands against a leg.
func (l Lock) refuses(leg platform.Leg, row line) error {
	growth := grows(leg, row)
	switch {
	case l.Closed:
		return ErrAccountClosed
	case growth < 0 && l.Out, growth > 0 && l.In:
		return ErrFrozen
	}
	return nil
}

// lockable are the locks that may stand against the legs of a fact. What ends a
// hold meets none: the institution has decided already.
func (f Fact) lockable() (ids []platform.ID) {
	if r := recipes[f.What]; r.Settles != "" || r.Voids != "" {
		return nil
	}
	for _, l := range f.Legs {
		if row, err := accountOf(l).line(); err == nil && row.locks() {
			ids = append(ids, LockID(accountOf(l)))
		}
	}
	return ids
}

// locks tells whether accounts of the role can be locked.
func (l line) locks() bool { return l.Party && l.Floored && !l.Of }

// unbarred checks facts that somebody books by hand against locks and closed
// periods, and returns what must hold of these at commit. It reads only if there
// is something that may stand against them, and then once.
func (s *Service) unbarred(ctx context.Context, facts ...Fact) ([]platform.Change, error) {
	x, err := s.books.bars(ctx, facts...)
	if err != nil {
		return nil, err
	}
	by, err := s.w.Actor(ctx)
	if err != nil {
		return nil, err
	}
	enters, err := x.admits(by.Has(Accountant), facts...)
	if err != nil {
		return nil, err
	}
	return x.pins(enters, facts...)
}

// allowed checks facts against the locks that there are.
func allowed(locks []Lock, facts []Fact) ([]platform.Change, error) {
	var pinned []platform.Change
	for _, lock := range locks {
		stands := false
		for _, f := range facts {
			if !slices.Contains(f.lockable(), lock.ID) {
				continue
			}
			stands = true
			for _, l := range f.Legs {
				row, _ := lineOf(l.Role)
				if accountOf(l) != lock.Account {
					continue
				}
				if err := lock.refuses(l, row); err != nil {
					return nil, platform.Detail(fmt.Errorf("book %s of %s on %s: %w", f.What, f.Subject, lock.Account, err), "account", lock.Account.String())
				}
			}
		}
		if stands {
			pinned = append(pinned, platform.Unchanged(lock))
		}
	}
	return pinned, nil
}

// FreezeAccount bars an account from what its members say, beside what it is
// barred from already.
type FreezeAccount struct {
	Account string `json:"account" validate:"required,max=160"` // as in [Account]
	Out     bool   `json:"out,omitempty"`                       // nothing may be taken
	In      bool   `json:"in,omitempty"`                        // nothing may come
	Reason  string `json:"reason" validate:"required,text=64"`  // a code
}

// ReleaseAccount ends every bar on an account that is not closed.
type ReleaseAccount struct {
	Account string `json:"account" validate:"required,max=160"`
	Reason  string `json:"reason" validate:"required,text=64"`
}

// CloseAccount ends an account for ever. It must be frozen both ways and be
// empty, in every currency.
type CloseAccount struct {
	Account string `json:"account" validate:"required,max=160"`
	Reason  string `json:"reason" validate:"required,text=64"`
}

// FreezeAccount locks an account. Operators and the system may. It fails with
// ErrRole for an account that cannot be locked, and with ErrAccountClosed.
func (s *Service) FreezeAccount(ctx context.Context, in FreezeAccount) (Lock, error) {
	return s.lock(ctx, in, in.Account, "account.frozen", in.Reason, func(_ context.Context, l Lock) (Lock, error) {
		l.Out, l.In = l.Out || in.Out, l.In || in.In
		return l, nil
	})
}

// ReleaseAccount unlocks an account. It is refused as [Service.FreezeAccount] is.
func (s *Service) ReleaseAccount(ctx context.Context, in ReleaseAccount) (Lock, error) {
	return s.lock(ctx, in, in.Account, "account.released", in.Reason, func(_ context.Context, l Lock) (Lock, error) {
		l.Out, l.In = false, false
		return l, nil
	})
}

// CloseAccount closes an account. It is refused as [Service.FreezeAccount] is,
// and with ErrAccountInUse while the account is not frozen both ways or anything
// is on it, or held, or will come to it by a hold.
func (s *Service) CloseAccount(ctx context.Context, in CloseAccount) (Lock, error) {
	return s.lock(ctx, in, in.Account, "account.closed", in.Reason, func(ctx context.Context, l Lock) (Lock, error) {
		counts, err := s.books.Store.CountersOf(ctx, l.Account)
		if err != nil {
			return Lock{}, err
		}
		empty := !slices.ContainsFunc(counts, func(c platform.Count) bool { return c.Value != 0 })
		if !l.Out || !l.In || !empty {
			return Lock{}, ErrAccountInUse
		}
		for page, err := range pages(func(cursor string) (platform.Page[Pending], error) { return s.books.Store.Incoming(ctx, cursor) }) {
			if err != nil {
				return Lock{}, err
			}
			for _, p := range page { // none can come any more: the account is frozen
				if slices.Contains(p.incoming(), l.Account) {
					return Lock{}, ErrAccountInUse
				}
			}
		}
		l.Closed = true
		return l, nil
	})
}

// lock changes an account's lock, which is made by the first change.
func (s *Service) lock(ctx context.Context, in any, text, what, reason string, change func(context.Context, Lock) (Lock, error)) (Lock, error) {
	if err := s.desk(ctx, platform.System); err != nil {
		return Lock{}, fmt.Errorf("%s: %w", what, err)
	}
	a, err := ParseAccount(text)
	if row, _ := a.line(); err == nil && !row.locks() {
		err = ErrRole
	}
	if err != nil {
		return Lock{}, fmt.Errorf("%s: %w", what, err)
	}
	if err := s.fence(platform.WithoutKey(ctx)); err != nil {
		return Lock{}, fmt.Errorf("%s of %s: %w", what, a, err)
	}
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Lock, []platform.Change, error) {
		l := Lock{Head: platform.Head{ID: LockID(a)}, Account: a}
		fence, found, err := s.books.Store.Bars(ctx, l.ID)
		if err != nil {
			return Lock{}, nil, fmt.Errorf("%s of %s: %w", what, a, err)
		}
		if len(found) > 0 {
			l = found[0]
		}
		if l.Closed {
			return Lock{}, nil, fmt.Errorf("%s of %s: %w", what, a, ErrAccountClosed)
		}
		l.Since = s.w.Now()
		if l, err = change(ctx, l); err != nil {
			return Lock{}, nil, fmt.Errorf("%s of %s: %w", what, a, err)
		}
		facts := struct {
			Account Account `json:"account"`
			Out     bool    `json:"out,omitempty"`
			In      bool    `json:"in,omitempty"`
		}{a, l.Out, l.In}
		set := []platform.Change{platform.Put(l), platform.Happened(what, l.Ref(), facts).Because(reason)}
		if l.Version == 0 {
			set = append(set, platform.Put(fence))
		}
		return l, set, nil
	})
}

// desk refuses everybody but operators, and those named.
func (s *Service) desk(ctx context.Context, others ...platform.ActorKind) error {
	by, err := s.w.Actor(ctx)
	if err == nil && by.Kind != platform.Operator && !slices.Contains(others, by.Kind) {
		err = errDesk
	}
	return err
}
