package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/liangding/platform"
)

// deed is one keyed set of a workload with all that must be there if it
// happened: a root, its child, a counter of its own, an event and the key.
type deed struct {
	set     platform.Set
	root    duty
	child   child
	counter platform.Ref
	event   platform.Ref
}

func (w *world) deed(name string) deed {
	d := deed{root: w.duty(name), counter: platform.Counter("purse of "+name, "piece")}
	d.child = w.child(d.root, name)
	d.set = w.keyed(name, "request", platform.Put(d.root), platform.Put(d.child),
		platform.Delta(d.counter, 1, d.root.Ref()), platform.Delta(total, 1, d.root.Ref()))
	d.event = d.set.Changes[len(d.set.Changes)-1].Ref
	return d
}

// total is what every deed adds to.
var total = platform.Counter("total", "piece")

// whole demands that all of the deed is there, once.
func (w *world) whole(ctx context.Context, d deed) error {
	if _, err := w.db.Recall(ctx, d.set.Key); err != nil {
		return fmt.Errorf("%s without its key: %w", d.root.Mark, err)
	}
	if _, err := w.db.Get(ctx, d.event); err != nil {
		return fmt.Errorf("%s without its event: %w", d.root.Mark, err)
	}
	return errors.Join(w.stored(ctx, d.root.at(1), d.child.at(1)), w.counted(ctx, d.counter, 1, 1))
}

// nothing demands that no part of the deed is there.
func (w *world) nothing(ctx context.Context, d deed) error {
	if _, err := w.db.Recall(ctx, d.set.Key); !errors.Is(err, platform.ErrNotFound) {
		return fmt.Errorf("%s did not happen and left its key: %w", d.root.Mark, err)
	}
	return errors.Join(w.absent(ctx, d.root.Ref(), d.child.Ref(), d.event), w.counted(ctx, d.counter, 0, 0))
}

// wholeOrNothing demands one of the two, whichever it is. A commit that is
// still on its way may land between two looks, hence the second one.
func (w *world) wholeOrNothing(ctx context.Context, d deed) error {
	if w.nothing(ctx, d) == nil {
		return nil
	}
	return w.whole(ctx, d)
}

// tellTheTruth checks law 18: good sets among bad ones, all at once, then seen
// through another handle and after a restart.
func tellTheTruth(ctx context.Context, w *world) error {
	base := w.duty("base")
	if err := w.given(ctx, platform.Put(base)); err != nil {
		return err
	}
	deeds := make([]deed, crowd)
	for i := range deeds {
		deeds[i] = w.deed(fmt.Sprint("deed-", i))
		if i%3 == 0 {
			deeds[i].set.Changes = append(deeds[i].set.Changes, platform.Unchanged(base.at(2)))
		}
	}
	replies := together(crowd, func(i int) (platform.Receipt, error) { return w.db.Commit(ctx, deeds[i].set) })
	check := func() error {
		for i, r := range replies {
			var err error
			if r.err == nil {
				err = w.whole(ctx, deeds[i])
			} else {
				err = w.nothing(ctx, deeds[i])
			}
			if err != nil {
				return fmt.Errorf("caller %d was told %v: %w", i, r.err, err)
			}
		}
		return nil
	}
	for i, r := range replies {
		if (r.err == nil) != (i%3 != 0) {
			return fmt.Errorf("caller %d of %s was told %v", i, deeds[i].root.Mark, r.err)
		}
	}
	if err := check(); err != nil {
		return err
	}
	if err := w.elsewhere(check); err != nil {
		return fmt.Errorf("through another handle: %w", err)
	}
	if !w.mayRestart("what was acknowledged is there after a restart") {
		return nil
	}
	if err := errors.Join(w.restart(newest), check()); err != nil {
		return fmt.Errorf("after a restart: %w", err)
	}
	return nil
}

// elsewhere runs the check through a fresh handle.
func (w *world) elsewhere(check func() error) error {
	handles, end := w.handles(2, "a commit is seen through a fresh handle")
	if len(handles) < 2 {
		return end()
	}
	own := w.db
	w.db = handles[1]
	err := check()
	w.db = own
	return errors.Join(err, end())
}

// crashPoints checks law 28: at each point of a commit the process stops, in
// the middle of a crowd of writers, and its data are opened again.
func crashPoints(ctx context.Context, w *world) error {
	if !w.mayRestart("a process stopped before, during and after a commit") {
		return nil
	}
	var happened int64
	for _, point := range []Point{BeforeSend, Sent, Committed, Answered} {
		deeds := make([]deed, crowd)
		for i := range deeds {
			deeds[i] = w.deed(fmt.Sprintf("point-%d-deed-%d", point, i))
		}
		if err := w.crash(ctx, point, deeds); err != nil {
			return fmt.Errorf("stopped at point %d: %w", point, err)
		}
		happened += crowd
		if err := errors.Join(w.counted(ctx, total, happened, happened), w.gapless(ctx, total, 0)); err != nil {
			return fmt.Errorf("stopped at point %d: %w", point, err)
		}
	}
	return nil
}

// crash commits the deeds all at once on a process that stops at the given
// point of one of them, opens the data again and repeats every deed.
func (w *world) crash(ctx context.Context, point Point, deeds []deed) error {
	var passed atomic.Int64
	process := NewFaulty(w.db, Faults{Stop: func(at Point, _ platform.Set) bool {
		return at == point && passed.Add(1) == crowd/2
	}})
	replies := together(len(deeds), func(i int) (platform.Receipt, error) { return process.Commit(ctx, deeds[i].set) })
	if err := w.restart(newest); err != nil {
		return err
	}
	for i, r := range replies {
		switch {
		case r.err == nil:
			if err := w.whole(ctx, deeds[i]); err != nil {
				return fmt.Errorf("acknowledged to caller %d, then gone: %w", i, err)
			}
		case !isLost(r.err):
			return fmt.Errorf("caller %d: %w", i, r.err)
		}
		if err := w.wholeOrNothing(ctx, deeds[i]); err != nil {
			return fmt.Errorf("half of the set of caller %d: %w", i, err)
		}
	}
	if !process.over() {
		return errors.New("the process never stopped")
	}
	repeated := together(len(deeds), func(i int) (platform.Receipt, error) { return w.db.Commit(ctx, deeds[i].set) })
	for i, r := range repeated {
		if err := errors.Join(r.err, w.whole(ctx, deeds[i])); err != nil {
			return fmt.Errorf("repeat of caller %d: %w", i, err)
		}
		if replies[i].err == nil && r.value.Answer == nil {
			return fmt.Errorf("repeat of caller %d took effect a second time", i)
		}
	}
	return nil
}
