package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// engine is the adapter's, unless it is a plain DB, which is noted as a gap.
func (w *world) engine(unchecked string) (store.Engine, bool) {
	db, offers := w.inner.(store.Engine)
	if !offers {
		w.gaps = append(w.gaps, "no engine: "+unchecked)
	}
	return db, offers
}

// oldAnswers checks law 26 for answers that are swept.
func oldAnswers(ctx context.Context, w *world) error {
	db, offers := w.engine("old answers are swept")
	if !offers {
		return nil
	}
	var sets []platform.Set
	for i := range 5 {
		s := w.keyed("k"+strconv.Itoa(i), "request", platform.Put(w.duty("keyed")))
		if _, err := w.db.Commit(ctx, s); err != nil {
			return err
		}
		sets = append(sets, s)
	}
	before, after := time.Now().Add(-time.Hour), time.Now().Add(time.Hour) // by whichever clock the answers are kept
	if n, err := db.Sweep(ctx, before, 100); n != 0 || err != nil {
		return fmt.Errorf("swept %d answers that are young: %w", n, err)
	}
	if n, err := db.Sweep(ctx, after, 0); n != 0 || err != nil {
		return fmt.Errorf("swept %d answers, at most none: %w", n, err)
	}
	if n, err := db.Sweep(ctx, after, 2); n != 2 || err != nil {
		return fmt.Errorf("swept %d answers, want 2: %w", n, err)
	}
	kept := 0
	for _, s := range sets {
		_, err := w.db.Recall(ctx, s.Key)
		if err == nil {
			kept++
		} else if !errors.Is(err, platform.ErrNotFound) {
			return err
		}
	}
	swept := 0
	for _, r := range together(crowd, func(int) (int, error) { return db.Sweep(ctx, after, 100) }) {
		swept, kept = swept+r.value, kept-r.value
		if r.err != nil {
			return fmt.Errorf("sweep beside others: %w", r.err)
		}
	}
	if kept != 0 || swept != 3 {
		return fmt.Errorf("swept %d of 3 answers, and %d more are not there", swept, kept)
	}
	again := w.keyed("k0", "another request", platform.Put(w.duty("keyed anew")))
	r, err := w.db.Commit(ctx, again)
	if err != nil || r.Answer != nil {
		return fmt.Errorf("a key that was swept still holds %+v: %w", r.Answer, err)
	}
	return nil
}

// countedBacklog checks law 30 for what an operator asks: how much is left, and
// that what is parked can be given up.
func countedBacklog(ctx context.Context, w *world) error {
	box, offers := w.outbox("the backlog is counted")
	if !offers {
		return nil
	}
	if b, err := box.Backlog(ctx); b != (store.Backlog{}) || err != nil {
		return fmt.Errorf("backlog of an empty store is %+v: %w", b, err)
	}
	var said []platform.ID
	for range 5 {
		d := w.duty("said")
		id, err := w.say(ctx, &d)
		if err != nil {
			return err
		}
		said = append(said, id)
	}
	now := w.clock.Now()
	keep := func(sink string, i int, due time.Time) store.Delivery {
		return store.Delivery{Sink: sink, Event: platform.Event{ID: said[i]}, Tries: 1, Since: dawn, Due: due, Last: "cut"}
	}
	late, parked, other := keep("a", 0, now), keep("a", 1, time.Time{}), keep("b", 1, time.Time{})
	s := store.Settlement{Handed: said[:3], Late: []store.Delivery{late, parked, other}}
	if err := box.Settle(ctx, now, nil, s); err != nil {
		return err
	}
	want := store.Backlog{Fresh: 2, Oldest: slices.MinFunc(said[3:], func(a, b platform.ID) int { return a.Time().Compare(b.Time()) }).Time(), Late: 1, Parked: 2}
	for _, discarded := range []int{1, 0} {
		if b, err := box.Backlog(ctx); b != want || err != nil {
			return fmt.Errorf("backlog is %+v, want %+v: %w", b, want, err)
		}
		n, err := box.Discard(ctx, late, parked, store.Delivery{Sink: "nobody", Event: parked.Event})
		if n != discarded || err != nil {
			return fmt.Errorf("discarded %d, want %d: %w", n, discarded, err)
		}
		want.Parked = 1
	}
	left, err := box.Parked(ctx, store.Delivery{}, 10)
	if err != nil || len(left) != 1 || left[0].Sink != "b" {
		return fmt.Errorf("parked after a discard are %+v: %w", left, err)
	}
	return nil
}

// countedSets checks law 14 for what the engine says of its work.
func countedSets(ctx context.Context, w *world) error {
	db, offers := w.engine("an engine counts its sets")
	if !offers {
		return nil
	}
	before := db.Stats()
	replies := together(crowd, func(int) (platform.Receipt, error) { return w.db.Commit(ctx, w.set(platform.Put(w.duty("counted")))) })
	if err := unanimous(replies); err != nil {
		return err
	}
	gone := w.duty("never was")
	gone.Version = 7
	if _, err := w.db.Commit(ctx, w.set(platform.Put(gone))); !errors.Is(err, platform.ErrConflict) {
		return fmt.Errorf("a replace of nothing: %w", err)
	}
	s := db.Stats()
	if s.Sets-before.Sets != crowd+1 || s.Refused-before.Refused != 1 || s.Flushes-before.Flushes < 1 || s.Waiting != 0 || s.Busy+s.Unknown+s.Lost != 0 {
		return fmt.Errorf("after %d sets and a refusal the engine counts %+v, %+v before", crowd, s, before)
	}
	return nil
}
