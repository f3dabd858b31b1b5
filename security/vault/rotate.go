package vault

import (
	"context"
	"errors"
	"time"

	"github.com/liangding/platform"
)

// ring is the record of the epochs that had a key, from the first on.
type ring struct {
	platform.Head
	Epochs []epoch `json:"epochs"`
}

type epoch struct {
	Epoch     uint32    `json:"epoch" class:"internal"`
	Emptied   time.Time `json:"emptied,omitzero" class:"internal"` // since when nothing is wrapped under it
	Destroyed time.Time `json:"destroyed,omitzero" class:"internal"`
}

// Ref names the record.
func (r ring) Ref() platform.Ref { return platform.Ref{Kind: kindRing, ID: r.ID} }

var ringID = keyOf(platform.Ref{Kind: "vault", ID: "ring"}).record().As("vrg")

// gird makes the record of epochs when there is none.
func (v *Vault) gird(ctx context.Context) error {
	_, err := platform.Read[ring](ctx, v.keys, kindRing, ringID)
	if !missing(err) {
		return err
	}
	r := ring{Head: platform.Head{ID: ringID}, Epochs: []epoch{{Epoch: epochOf(v.w.Now())}}}
	err = v.write(ctx, rotate{}, platform.Put(r), platform.Happened("vault.begun", r.Ref(), nil))
	if errors.Is(err, platform.ErrConflict) {
		err = nil // another process was faster
	}
	return err
}

type rotate struct{}

// batch is how many keys are rewrapped in one commit.
const batch = 500

// Rotate rewraps at most limit subjects' keys of past epochs under the current
// one, the oldest first, and tells how many: a batch is one commit with one event
// vault.rewrapped in the key store's log. Values are sealed and revealed
// meanwhile. When nothing of an epoch is left, and Options.Keep has passed since,
// its key is destroyed. A key that does not unwrap holds up no other's turn; Rotate
// fails with ErrKEK then, and no epoch is destroyed until that one is mended or
// shredded.
func (v *Vault) Rotate(ctx context.Context, now time.Time, limit int) (n int, err error) {
	current := epochOf(now)
	var failed error
	for limit = platform.TickLimit(limit); n < limit; {
		page, err := v.keys.Scan(ctx, platform.Query{Kind: kindKey, By: []string{"epoch"}, Until: column(current), Limit: min(batch, limit-n)})
		if err != nil {
			return n, err
		}
		refs := make([]platform.Ref, len(page.Items))
		for i, r := range page.Items {
			refs[i] = r.Ref
		}
		var done int
		done, failed = v.rewrap(ctx, refs, current)
		n += done
		switch {
		case done == 0 && failed == nil:
			return n, v.retire(ctx, now)
		case done == 0:
			return n, failed
		}
	}
	return n, failed
}

// patience is how many keys in a row may fail to unwrap before it is the KEK that
// is taken to fail.
const patience = 10

// rewrap brings the keys to the epoch, and fails for those that it left out. Where
// one was written meanwhile, the rest goes in halves, and that one has its turn
// again.
func (v *Vault) rewrap(ctx context.Context, refs []platform.Ref, to uint32) (int, error) {
	found, err := platform.Lookup(ctx, v.keys, refs...)
	if err != nil {
		return 0, err
	}
	all, err := platform.Found[key](found, refs...)
	if err != nil {
		return 0, err
	}
	var changes []platform.Change
	var failed error
	row := 0
	for _, k := range all {
		if from := k.epoch(); from == 0 || from >= to {
			continue
		}
		if k.Keys, err = v.rewrapped(ctx, k, to); err != nil {
			failed = err
			if row++; row == patience {
				break
			}
			continue
		}
		changes, row = append(changes, platform.Put(k)), 0
	}
	if len(changes) == 0 {
		return 0, failed
	}
	told := platform.Happened("vault.rewrapped", platform.Ref{Kind: kindRing, ID: ringID}, map[string]any{"keys": len(changes), "epoch": to})
	err = v.write(ctx, rotate{}, append(changes, told)...)
	switch {
	case err == nil:
		return len(changes), failed
	case !errors.Is(err, platform.ErrConflict):
		return 0, err
	case len(refs) == 1:
		return 0, nil
	}
	first, failed := v.rewrap(ctx, refs[:len(refs)/2], to)
	second, err := v.rewrap(ctx, refs[len(refs)/2:], to)
	return first + second, errors.Join(failed, err)
}

// rewrapped are the subject's keys under another epoch.
func (v *Vault) rewrapped(ctx context.Context, k key, to uint32) ([]wrapped, error) {
	next := make([]wrapped, len(k.Keys))
	for i, w := range k.Keys {
		dek, err := v.unwrap(ctx, k, uint32(i))
		if err != nil {
			return nil, err
		}
		fresh, err := v.wrap(ctx, to, k.ID, uint32(i), dek)
		clear(dek)
		if err != nil {
			return nil, err
		}
		fresh.Seals = w.Seals
		next[i] = fresh
	}
	return next, nil
}

// retire notes which past epochs are empty, and destroys those that have been
// for long enough.
func (v *Vault) retire(ctx context.Context, now time.Time) error {
	r, err := platform.Read[ring](ctx, v.keys, kindRing, ringID)
	if err != nil {
		return err
	}
	var told []platform.Change
	tell := func(what string, e uint32) {
		told = append(told, platform.Happened(what, r.Ref(), map[string]uint32{"epoch": e}))
	}
	for last := r.Epochs[len(r.Epochs)-1].Epoch; last < epochOf(now); tell("vault.epoch_begun", last) {
		last++
		r.Epochs = append(r.Epochs, epoch{Epoch: last})
	}
	for i := range r.Epochs[:len(r.Epochs)-1] {
		e := &r.Epochs[i]
		if !e.Destroyed.IsZero() || e.Epoch >= epochOf(now) {
			continue
		}
		empty, err := v.empty(ctx, e.Epoch)
		switch {
		case err != nil:
			return err
		case !empty && !e.Emptied.IsZero():
			e.Emptied = time.Time{}
			tell("vault.epoch_used", e.Epoch)
		case empty && e.Emptied.IsZero():
			e.Emptied = now
			tell("vault.epoch_emptied", e.Epoch)
		case empty && !now.Before(e.Emptied.Add(v.o.Keep)):
			if err := v.kek.Destroy(ctx, e.Epoch); err != nil {
				return err
			}
			e.Destroyed = now
			tell("vault.epoch_destroyed", e.Epoch)
		}
	}
	if len(told) == 0 {
		return nil
	}
	err = v.write(ctx, rotate{}, append(told, platform.Put(r))...)
	if errors.Is(err, platform.ErrConflict) {
		err = nil // another process keeps the record too
	}
	return err
}

// empty tells whether nothing is wrapped under an epoch.
func (v *Vault) empty(ctx context.Context, e uint32) (bool, error) {
	page, err := v.keys.Scan(ctx, platform.Query{Kind: kindKey, By: []string{"epoch"}, Equal: []any{column(e)}, Limit: 1})
	return len(page.Items) == 0, err
}
