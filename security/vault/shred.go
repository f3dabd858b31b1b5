package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Shred has a subject forgotten: its data keys are destroyed, and whatever they
// sealed stays closed in every copy.
type Shred struct {
	Of    platform.Ref `json:"subject" validate:"required"`
	Basis string       `json:"basis" validate:"required,max=64"` // a code of why the law has it done
}

// Subject is whom it is about.
func (in Shred) Subject() platform.Ref { return in.Of }

// Erasure is the shredding of one subject. It is ended when Erased is set.
type Erasure struct {
	platform.Head
	Of      platform.Ref `json:"subject" class:"internal"`
	Basis   string       `json:"basis" class:"internal"`
	Started time.Time    `json:"started" class:"internal"`
	Erased  time.Time    `json:"erased,omitzero" class:"internal"`
	Beyond  time.Time    `json:"beyond,omitzero" class:"internal"` // from when no older copy of the key store opens anything either
	Due     time.Time    `json:"due,omitzero" class:"internal"`    // to be ended, if a crash cut it short
}

// Ref names the erasure.
func (e Erasure) Ref() platform.Ref { return platform.Ref{Kind: "vault.erasure", ID: e.ID} }

// grace is how long whoever began an erasure has before a tick ends it.
const grace = 10 * time.Second

// Shred destroys the keys of a subject for good: after the event
// privacy.erase_started its key record becomes a tombstone, and the event
// privacy.erased tells so. What a crash leaves undone a tick ends. A repeat
// changes nothing and gets the same answer. Nothing is sealed for the subject any
// more: ErrShredded.
//
// Blind indexes of the subject's values stay, so that what was unique remains so:
// whoever was excluded does not come back as somebody new. They tell no value, but
// that one which is known was used here; what must not even tell that, its domain
// deletes.
func (v *Vault) Shred(ctx context.Context, in Shred) (Erasure, error) {
	e, err := v.begun(ctx, in)
	if err != nil {
		return Erasure{}, fmt.Errorf("erase %s: %w", in.Of, err)
	}
	if e.Erased.IsZero() {
		e, err = v.end(ctx, e)
	}
	return e, err
}

// begun is the erasure of the subject, old or new.
func (v *Vault) begun(ctx context.Context, in Shred) (Erasure, error) {
	if in.Of.Kind == "" || in.Of.ID == "" || own(in.Of) {
		return Erasure{}, platform.Wrong("subject", errHouse)
	}
	if !code.MatchString(in.Basis) {
		return Erasure{}, platform.Wrong("basis", errCode)
	}
	id := keyOf(in.Of).record().As("ers")
	e, err := platform.Read[Erasure](ctx, v.db, "vault.erasure", id)
	if err == nil {
		return e, v.repeated(ctx, in)
	}
	if !missing(err) {
		return Erasure{}, err
	}
	now := v.w.Now()
	e = Erasure{Head: platform.Head{ID: id}, Of: in.Of, Basis: in.Basis, Started: now, Due: now.Add(grace)}
	e, err = platform.Update(ctx, v.w, in, func(context.Context) (Erasure, []platform.Change, error) {
		return e, []platform.Change{platform.Put(e), platform.Happened("privacy.erase_started", in.Of, map[string]string{"basis": in.Basis})}, nil
	})
	if errors.Is(err, platform.ErrConflict) { // somebody began it meanwhile
		if known, unread := platform.Read[Erasure](ctx, v.db, "vault.erasure", id); unread == nil {
			return known, nil
		}
	}
	return e, err
}

// repeated asks the guard for an answer that needs no commit.
func (v *Vault) repeated(ctx context.Context, in Shred) error {
	actor, err := v.w.Actor(ctx)
	if err != nil || v.w.Guard == nil {
		return err
	}
	_, err = v.w.Guard.Permit(ctx, platform.Act{Actor: actor, Action: "vault.shred", On: in.Of})
	return err
}

// end does what is left of an erasure. Each step is done once, whoever does it.
func (v *Vault) end(ctx context.Context, e Erasure) (Erasure, error) {
	ctx = v.system(ctx)
	beyond, err := v.bury(ctx, e)
	if err != nil {
		return Erasure{}, fmt.Errorf("erase %s: %w", e.Of, err)
	}
	w := v.w
	w.Guard = nil // it was asked when the erasure began
	ended, err := platform.Update(ctx, w, erased{e.ID}, func(ctx context.Context) (Erasure, []platform.Change, error) {
		now, err := platform.Read[Erasure](ctx, v.db, "vault.erasure", e.ID)
		if err != nil {
			return Erasure{}, nil, err
		}
		if !now.Erased.IsZero() {
			return now, nil, errEnded
		}
		now.Erased, now.Beyond, now.Due = v.w.Now(), beyond, time.Time{}
		facts := map[string]any{"basis": now.Basis, "beyond": now.Beyond, "erasure": now.Ref()}
		return now, []platform.Change{platform.Put(now), platform.Happened("privacy.erased", now.Of, facts)}, nil
	})
	if errors.Is(err, errEnded) { // somebody else was faster
		return platform.Read[Erasure](ctx, v.db, "vault.erasure", e.ID)
	}
	return ended, err
}

type erased struct{ Erasure platform.ID }

// bury puts a tombstone in the place of the subject's keys, also where there were
// none.
func (v *Vault) bury(ctx context.Context, e Erasure) (beyond time.Time, _ error) {
	id := keyOf(e.Of)
	for {
		k, err := v.known(ctx, id)
		if errors.Is(err, ErrShredded) {
			return k.Beyond, nil
		}
		if err != nil {
			return beyond, err
		}
		last := v.w.Now()
		for _, w := range k.Keys {
			if end := ends(w.Epoch); end.After(last) {
				last = end
			}
		}
		k.ID, k.Subject, k.Keys = id.record(), e.Of, nil
		k.Shredded, k.Basis, k.Beyond = v.w.Now(), e.Basis, last.Add(v.o.Keep)
		err = v.write(ctx, e, platform.Put(k), platform.Happened("vault.shredded", k.Ref(), map[string]string{"basis": e.Basis}))
		v.cache.drop(id)
		if err == nil || !errors.Is(err, platform.ErrConflict) {
			return k.Beyond, err
		}
	}
}

// Erased tells whether the main store knows the subject as erased, or as being
// erased.
func (v *Vault) Erased(ctx context.Context, subject platform.Ref) (bool, error) {
	_, err := platform.Read[Erasure](ctx, v.db, "vault.erasure", keyOf(subject).record().As("ers"))
	if missing(err) {
		return false, nil
	}
	return err == nil, err
}

// Bury destroys again the keys of everybody who was erased, and tells how many
// there were: after a copy of the key store was restored that is older than an
// erasure, and before anything is read.
func (v *Vault) Bury(ctx context.Context) (n int, err error) {
	ctx = v.system(ctx)
	for q := (platform.Query{Kind: "vault.erasure", Limit: 500}); ; {
		page, err := platform.List[Erasure](ctx, v.db, q)
		if err != nil {
			return n, err
		}
		for _, e := range page.Items {
			if _, err := v.bury(ctx, e); err != nil {
				return n, err
			}
			n++
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return n, nil
		}
	}
}

// finish ends erasures that are due.
func (v *Vault) finish(ctx context.Context, now time.Time, limit int) (int, error) {
	return platform.Sweep(ctx, limit, func(cursor string) (platform.Page[Erasure], error) {
		q := platform.Query{Kind: "vault.erasure", By: []string{"due"}, Until: now.Add(time.Microsecond), Cursor: cursor}
		return platform.List[Erasure](ctx, v.db, q)
	}, func(e Erasure) error {
		_, err := v.end(ctx, e)
		return err
	})
}

func missing(err error) bool { return errors.Is(err, platform.ErrNotFound) }
