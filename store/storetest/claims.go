package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/liangding/platform"
)

// oneHolder checks law 6: rivals for a name, and how it gets free.
func oneHolder(ctx context.Context, w *world) error {
	for _, free := range []func(context.Context, *world, duty) error{freeByDelete, freeByMove, freeByHandover} {
		badge := fmt.Sprint("badge ", w.ids())
		rivals := make([]duty, crowd)
		for i := range rivals {
			rivals[i] = w.duty(fmt.Sprint("rival ", i))
			rivals[i].Badge = badge
		}
		won, err := winner(together(crowd, func(i int) (platform.Receipt, error) {
			return w.commit(ctx, platform.Put(rivals[i]))
		}), platform.ErrConflict, "taken")
		if err != nil {
			return fmt.Errorf("claim %s: %w", badge, err)
		}
		holder := rivals[won].at(1)
		if err := w.stored(ctx, holder); err != nil {
			return err
		}
		for i, r := range rivals {
			if i != won {
				err = errors.Join(err, w.absent(ctx, r.Ref()))
			}
		}
		if err := errors.Join(err, free(ctx, w, holder)); err != nil {
			return err
		}
	}
	return nil
}

// heir is another record that wants the holder's badge.
func (w *world) heir(holder duty) duty {
	heir := w.duty("heir of " + holder.Mark)
	heir.Badge = holder.Badge
	return heir
}

func freeByDelete(ctx context.Context, w *world, holder duty) error {
	heir := w.heir(holder)
	if err := w.given(ctx, platform.Remove(holder)); err != nil {
		return err
	}
	if _, err := w.commit(ctx, platform.Put(heir)); err != nil {
		return fmt.Errorf("claim of a deleted record: %w", err)
	}
	return w.stored(ctx, heir.at(1))
}

// freeByMove: a holder that keeps its badge over a replace still holds it; one
// that takes another has both to itself for no moment.
func freeByMove(ctx context.Context, w *world, holder duty) error {
	holder.Count++
	if err := w.given(ctx, platform.Put(holder)); err != nil {
		return fmt.Errorf("keep a badge over a replace: %w", err)
	}
	heir := w.heir(holder)
	_, err := w.commit(ctx, platform.Put(heir))
	if err := refusal("claim of a badge kept", err, platform.ErrConflict, "taken"); err != nil {
		return err
	}
	holder = holder.at(2)
	holder.Badge += " moved"
	if err := w.given(ctx, platform.Put(holder)); err != nil {
		return err
	}
	if _, err := w.commit(ctx, platform.Put(heir)); err != nil {
		return fmt.Errorf("claim of a badge moved away from: %w", err)
	}
	_, err = w.commit(ctx, platform.Put(w.heir(holder)))
	if err := refusal("claim of the badge moved to", err, platform.ErrConflict, "taken"); err != nil {
		return err
	}
	back := holder.at(3)
	back.Badge = heir.Badge
	_, err = w.commit(ctx, platform.Put(back))
	if err := refusal("move back to a badge taken meanwhile", err, platform.ErrConflict, "taken"); err != nil {
		return err
	}
	return w.stored(ctx, holder.at(3), heir.at(1))
}

// freeByHandover: exactly one of many sets that each give the badge on, from
// the old holder to one of their own, succeeds.
func freeByHandover(ctx context.Context, w *world, holder duty) error {
	bare := holder
	bare.Badge = ""
	heirs := make([]duty, crowd)
	for i := range heirs {
		heirs[i] = w.heir(holder)
	}
	won, err := winner(together(crowd, func(i int) (platform.Receipt, error) {
		return w.commit(ctx, platform.Put(heirs[i]), platform.Put(bare))
	}), platform.ErrConflict, "")
	if err != nil {
		return fmt.Errorf("hand over a badge: %w", err)
	}
	_, err = w.commit(ctx, platform.Put(w.heir(holder)))
	if err := refusal("claim of a badge handed over", err, platform.ErrConflict, "taken"); err != nil {
		return err
	}
	return w.stored(ctx, bare.at(2), heirs[won].at(1))
}
