package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/liangding/platform"
)

// rounds is how often a race is run: each is another chance to be caught.
const rounds = 5

// oneCreate checks law 3.
func oneCreate(ctx context.Context, w *world) error {
	for range rounds {
		id := w.id("dty")
		rival := func(i int) duty {
			return duty{Head: platform.Head{ID: id}, Team: "red", Mark: fmt.Sprint("caller ", i)}
		}
		won, err := winner(together(crowd, func(i int) (platform.Receipt, error) {
			return w.commit(ctx, platform.Put(rival(i)))
		}), platform.ErrConflict, "exists")
		if err != nil {
			return fmt.Errorf("create %s: %w", id, err)
		}
		if err := w.stored(ctx, rival(won).at(1)); err != nil {
			return err
		}
	}
	return w.history.Linearizable()
}

// oneReplace checks law 4, over several versions of one record; of deletions at
// one version, too, exactly one succeeds.
func oneReplace(ctx context.Context, w *world) error {
	d := w.duty("first")
	if err := w.given(ctx, platform.Put(d)); err != nil {
		return err
	}
	for version := int64(1); version <= rounds; version++ {
		rival := func(i int) duty {
			next := d.at(version)
			next.Mark = fmt.Sprintf("caller %d at %d", i, version)
			return next
		}
		replies := together(crowd, func(i int) (platform.Receipt, error) {
			return w.commit(ctx, platform.Put(rival(i)))
		})
		won, err := winner(replies, platform.ErrConflict, "stale")
		if err != nil {
			return fmt.Errorf("replace %s at version %d: %w", d.ID, version, err)
		}
		if err := errors.Join(ownReceipt(replies[won].value, d.Ref(), version+1), w.stored(ctx, rival(won).at(version+1))); err != nil {
			return err
		}
	}
	_, err := winner(together(crowd, func(int) (platform.Receipt, error) {
		return w.commit(ctx, platform.Remove(d.at(rounds+1)))
	}), platform.ErrConflict, "stale")
	if err != nil {
		return fmt.Errorf("delete %s: %w", d.ID, err)
	}
	return errors.Join(w.absent(ctx, d.Ref()), w.history.Linearizable())
}

// noWriteSkew checks law 7: whoever leaves has checked that the other stays.
func noWriteSkew(ctx context.Context, w *world) error {
	for range rounds {
		pair := [2]duty{w.duty("one"), w.duty("other")}
		if err := w.given(ctx, platform.Put(pair[0]), platform.Put(pair[1])); err != nil {
			return err
		}
		replies := together(crowd, func(i int) (platform.Receipt, error) {
			leaving, staying := pair[i%2].at(1), pair[1-i%2].at(1)
			leaving.On = false
			return w.commit(ctx, platform.Put(leaving), platform.Unchanged(staying))
		})
		won, err := winner(replies, platform.ErrConflict, "stale")
		if err != nil {
			return fmt.Errorf("leave duty: %w", err)
		}
		gone := pair[won%2].at(2)
		gone.On = false
		if err := w.stored(ctx, gone, pair[1-won%2].at(1)); err != nil {
			return err
		}
	}
	return nil
}

// checksAgree checks law 8, for plain and for pinned records.
func checksAgree(ctx context.Context, w *world) error {
	d, f := w.duty("checked"), fence{Head: platform.Head{ID: w.id("fnc")}, Open: true}
	if err := w.given(ctx, platform.Put(d), platform.Put(f)); err != nil {
		return err
	}
	f.Version = 1
	replies := together(crowd, func(i int) (platform.Receipt, error) {
		return w.commit(ctx, platform.Unchanged(d.at(1)), platform.Unchanged(f), platform.Put(w.duty(fmt.Sprint("caller ", i))))
	})
	if err := unanimous(replies); err != nil {
		return fmt.Errorf("check %s: %w", d.ID, err)
	}
	for _, r := range replies {
		if len(r.value.Versions) != 1 {
			return fmt.Errorf("receipt names %v, want only the record created", r.value.Versions)
		}
	}
	if err := w.stored(ctx, d.at(1), f); err != nil {
		return err
	}
	_, err := w.commit(ctx, platform.Unchanged(d.at(2)))
	if err := refusal("check at a version that is not yet", err, platform.ErrConflict, "stale"); err != nil {
		return err
	}
	_, err = w.commit(ctx, platform.Unchanged(w.duty("nobody").at(1)))
	return refusal("check of a record that is not there", err, platform.ErrConflict, "stale")
}

// eitherOrder checks law 17: moves of root and child that name them in both
// orders of text, with commands of the usual kind in between.
func eitherOrder(ctx context.Context, w *world) error {
	root := w.duty("root")
	young := w.child(root, "child")
	if err := w.given(ctx, platform.Put(root), platform.Put(young)); err != nil {
		return err
	}
	for version := int64(1); version <= rounds; version++ {
		r, c := root.at(version), young.at(version)
		r.Count, c.Count = version, version
		_, err := winner(together(crowd, func(i int) (platform.Receipt, error) {
			if i%2 == 0 {
				return w.commit(ctx, platform.Put(r), platform.Put(c))
			}
			return w.commit(ctx, platform.Put(c), platform.Put(r))
		}), platform.ErrConflict, "stale")
		if err != nil {
			return fmt.Errorf("move %d: %w", version, err)
		}
		if err := w.stored(ctx, r.at(version+1), c.at(version+1)); err != nil {
			return err
		}
	}
	const writers = 16
	err := unanimous(together(writers, func(i int) (any, error) {
		return nil, w.moveBoth(ctx, root.Ref(), young.Ref(), i%2 == 0)
	}))
	if err != nil {
		return err
	}
	root.Count, young.Count = rounds+writers, rounds+writers
	return w.stored(ctx, root.at(rounds+1+writers), young.at(rounds+1+writers))
}

type bump struct {
	Record platform.ID `json:"record"`
}

func (w *world) moveBoth(ctx context.Context, root, young platform.Ref, rootFirst bool) error {
	_, err := platform.Update(platform.As(ctx, actor), w.writer(), bump{root.ID}, func(ctx context.Context) (any, []platform.Change, error) {
		d, err := platform.Read[duty](ctx, w.db, root.Kind, root.ID)
		if err != nil {
			return nil, nil, err
		}
		c, err := platform.Read[child](ctx, w.db, young.Kind, young.ID)
		if err != nil {
			return nil, nil, err
		}
		d.Count++
		c.Count++
		happened := platform.Happened("test.moved", root, nil)
		if rootFirst {
			return nil, []platform.Change{platform.Put(d), platform.Put(c), happened}, nil
		}
		return nil, []platform.Change{platform.Put(c), platform.Put(d), happened}, nil
	})
	return err
}
