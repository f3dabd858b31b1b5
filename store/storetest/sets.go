package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/liangding/platform"
)

// allOrNothing checks law 1: first in a store where nothing was ever written,
// then in a warm one, for each way in which the last change of a set can fail.
func allOrNothing(ctx context.Context, w *world) error {
	missing := w.duty("missing")
	trials := []trial{{"first use, replace of what never was", platform.Put(missing.at(1)), platform.ErrConflict, "stale"}}
	if err := w.undone(ctx, trials[0]); err != nil {
		return err
	}
	moved, holder, low := w.duty("moved"), w.duty("holder"), platform.Counter("low", "piece")
	holder.Badge = "gold"
	rival := w.duty("rival")
	rival.Badge = holder.Badge
	err := errors.Join(
		w.given(ctx, platform.Put(moved), platform.Put(holder), platform.Delta(low, 3, moved.Ref())),
		w.given(ctx, platform.Put(moved.at(1))))
	if err != nil {
		return err
	}
	trials = []trial{
		{"stale replace", platform.Put(moved.at(1)), platform.ErrConflict, "stale"},
		{"stale check", platform.Unchanged(moved.at(1)), platform.ErrConflict, "stale"},
		{"stale delete", platform.Remove(moved.at(1)), platform.ErrConflict, "stale"},
		{"version of the future", platform.Put(moved.at(3)), platform.ErrConflict, "stale"},
		{"create of what exists", platform.Put(moved), platform.ErrConflict, "exists"},
		{"rival claim", platform.Put(rival), platform.ErrConflict, "taken"},
		{"floor", platform.Delta(low, -4, moved.Ref()).Above(0), platform.ErrState, "floor"},
	}
	for _, t := range trials {
		if err := w.undone(ctx, t); err != nil {
			return err
		}
	}
	return errors.Join(w.stored(ctx, moved.at(2), holder.at(1)), w.counted(ctx, low, 3, 1))
}

// trial is a set of good changes with a last one that fails.
type trial struct {
	name string
	last platform.Change
	kind error
	code string
}

// undone commits a set of every operation that ends in the trial's failure,
// and demands that nothing of it is left: the same set passes without its end.
func (w *world) undone(ctx context.Context, t trial) error {
	d := w.duty(t.name)
	d.Badge = "badge of " + t.name
	c, counter := w.child(d, t.name), platform.Counter("purse of "+t.name, "piece")
	good := []platform.Change{platform.Put(d), platform.Put(c), platform.Delta(counter, 5, d.Ref())}
	set := w.keyed(strings.ReplaceAll(t.name, " ", "-"), "request", append(good, t.last)...)
	event := set.Changes[len(set.Changes)-1].Ref

	_, err := w.db.Commit(ctx, set)
	if err := refusal(t.name, err, t.kind, t.code); err != nil {
		return err
	}
	if err := errors.Join(w.absent(ctx, d.Ref(), c.Ref(), event), w.counted(ctx, counter, 0, 0)); err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	if _, err := w.db.Recall(ctx, set.Key); !errors.Is(err, platform.ErrNotFound) {
		return fmt.Errorf("%s: the key of a refused set is known: %w", t.name, err)
	}
	set.Changes = append(slices.Clip(good), set.Changes[len(set.Changes)-1])
	if _, err := w.db.Commit(ctx, set); err != nil {
		return fmt.Errorf("%s: the same set without its failing change: %w", t.name, err)
	}
	_, recall := w.db.Recall(ctx, set.Key)
	_, get := w.db.Get(ctx, event)
	return errors.Join(recall, get, w.stored(ctx, d.at(1), c.at(1)), w.counted(ctx, counter, 5, 1))
}

// bothOrNeither checks law 12: records and counters of one set share its fate.
func bothOrNeither(ctx context.Context, w *world) error {
	d, counter := w.duty("first"), platform.Counter("purse", "piece")
	if err := w.given(ctx, platform.Put(d), platform.Delta(counter, 10, d.Ref())); err != nil {
		return err
	}
	next, other := d.at(1), w.duty("other")
	next.Mark = "written with a debit that fails"
	_, err := w.commit(ctx, platform.Put(next), platform.Put(other), platform.Delta(counter, 5, d.Ref()), platform.Delta(counter, -16, d.Ref()).Above(0))
	if err := refusal("records with a debit below the floor", err, platform.ErrState, "floor"); err != nil {
		return err
	}
	if err := errors.Join(w.stored(ctx, d.at(1)), w.absent(ctx, other.Ref()), w.counted(ctx, counter, 10, 1)); err != nil {
		return err
	}
	_, err = w.commit(ctx, platform.Delta(counter, -5, d.Ref()).Above(0), platform.Put(d.at(7)))
	if err := refusal("a debit with a stale record", err, platform.ErrConflict, "stale"); err != nil {
		return err
	}
	receipt, err := w.commit(ctx, platform.Delta(counter, -10, d.Ref()).Above(0))
	if err != nil {
		return err
	}
	if len(receipt.Counters) != 1 || receipt.Counters[0] != (platform.Count{Ref: counter, Value: 0, Seq: 2}) {
		return fmt.Errorf("receipt %+v, want the counter at 0 after 2 movements", receipt.Counters)
	}
	return w.gapless(ctx, counter, 0)
}

// ownAnswers checks law 14: good and bad sets of every sort arrive at once, and
// each caller gets what its own set deserves.
func ownAnswers(ctx context.Context, w *world) error {
	base, purse := w.duty("base"), platform.Counter("purse", "piece")
	base.Badge = "gold"
	if err := w.given(ctx, platform.Put(base), platform.Delta(purse, 1000, base.Ref())); err != nil {
		return err
	}
	duties := make([]duty, crowd)
	for i := range duties {
		duties[i] = w.duty(fmt.Sprint("caller ", i))
	}
	replies := together(crowd, func(i int) (platform.Receipt, error) {
		put := platform.Put(duties[i])
		switch i % 5 {
		case 1:
			return w.commit(ctx, put, platform.Unchanged(base.at(9)))
		case 2:
			return w.commit(ctx, put, platform.Delta(platform.Counter("empty", "piece"), -1, base.Ref()).Above(0))
		case 3:
			rival := w.duty("rival")
			rival.Badge = base.Badge
			return w.commit(ctx, put, platform.Put(rival))
		case 4:
			return w.db.Commit(ctx, platform.Set{Changes: []platform.Change{put}})
		}
		return w.commit(ctx, put, platform.Unchanged(base.at(1)), platform.Delta(purse, -1, duties[i].Ref()).Above(0))
	})
	good := 0
	for i, r := range replies {
		var err error
		switch what := duties[i].Mark; i % 5 {
		case 1:
			err = refusal(what, r.err, platform.ErrConflict, "stale")
		case 2:
			err = refusal(what, r.err, platform.ErrState, "floor")
		case 3:
			err = refusal(what, r.err, platform.ErrConflict, "taken")
		case 4:
			err = refusal(what, r.err, platform.ErrInvalid, "")
		default:
			good++
			err = errors.Join(r.err, ownReceipt(r.value, duties[i].Ref(), 1), w.stored(ctx, duties[i].at(1)))
		}
		if i%5 != 0 {
			err = errors.Join(err, w.absent(ctx, duties[i].Ref()))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", duties[i].Mark, err)
		}
	}
	return errors.Join(w.counted(ctx, purse, int64(1000-good), int64(1+good)), w.stored(ctx, base.at(1)))
}

func ownReceipt(r platform.Receipt, ref platform.Ref, version int64) error {
	if len(r.Versions) != 1 || r.Versions[0] != (platform.Version{Ref: ref, Version: version}) {
		return fmt.Errorf("receipt names %v, want %s at %d", r.Versions, ref, version)
	}
	return nil
}
