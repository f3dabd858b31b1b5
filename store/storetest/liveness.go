package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
)

// everybodyCounts checks law 5.
func everybodyCounts(ctx context.Context, w *world) error {
	const callers = 16
	d := w.duty("counted")
	d.Count = 0
	if err := w.given(ctx, platform.Put(d)); err != nil {
		return err
	}
	replies := together(callers, func(int) (int64, error) {
		return platform.Update(platform.As(ctx, actor), w.writer(), bump{d.ID}, func(ctx context.Context) (int64, []platform.Change, error) {
			now, err := platform.Read[duty](ctx, w.db, dutyKind, d.ID)
			if err != nil {
				return 0, nil, err
			}
			now.Count++
			return now.Count, []platform.Change{platform.Put(now), platform.Happened("test.counted", d.Ref(), nil)}, nil
		})
	})
	if err := unanimous(replies); err != nil {
		return err
	}
	answers := map[int64]int{}
	for i, r := range replies {
		if other, twice := answers[r.value]; twice || r.value < 1 || r.value > callers {
			return fmt.Errorf("callers %d and %d were both answered %d", other, i, r.value)
		}
		answers[r.value] = i
	}
	d.Count = callers
	return errors.Join(w.stored(ctx, d.at(1+callers)), w.history.Linearizable())
}

// nobodyStarves checks law 15 as far as any engine can show it: callers go on
// with a hot row until a late one has had its turns. The bound in flushes is
// for the tests of engines that have flushes.
func nobodyStarves(ctx context.Context, w *world) error {
	const turns = 10
	hot, cause := platform.Counter("hot", "piece"), w.duty("cause")
	if err := w.given(ctx, platform.Put(cause), platform.Delta(hot, 1, cause.Ref())); err != nil {
		return err
	}
	var served atomic.Bool
	replies := together(8, func(i int) (int64, error) {
		if i > 0 {
			for n := int64(0); ; n++ {
				if served.Load() {
					return n, nil
				}
				if _, err := w.inner.Commit(ctx, w.set(platform.Delta(hot, 1, cause.Ref()))); err != nil {
					return n, err
				}
			}
		}
		defer served.Store(true)
		for range turns {
			if _, err := w.commit(ctx, platform.Unchanged(cause.at(1)), platform.Delta(hot, 1, cause.Ref())); err != nil {
				return 0, err
			}
		}
		return turns, nil
	})
	if err := unanimous(replies); err != nil {
		return err
	}
	sum := int64(1)
	for _, r := range replies {
		sum += r.value
	}
	return w.counted(ctx, hot, sum, sum)
}

// noDeadlock checks law 16.
func noDeadlock(ctx context.Context, w *world) error {
	const records, balances, each = 20, 5, 4
	f := field{base: make([]duty, records), deltas: make([]atomic.Int64, balances), moves: make([]atomic.Int64, records)}
	var set []platform.Change
	for i := range f.base {
		f.base[i] = w.duty(fmt.Sprint("row ", i))
		set = append(set, platform.Put(f.base[i]))
	}
	if err := w.given(ctx, set...); err != nil {
		return err
	}
	handles, end := w.handles(4, "writers of several processes do not deadlock")
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	replies := together(crowd*len(handles), func(i int) (any, error) {
		die := w.die(i)
		for range each {
			if err := f.play(ctx, w, handles[i%len(handles)], die); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	if err := errors.Join(unanimous(replies), end()); err != nil {
		return err
	}
	return f.settled(ctx, w)
}

// field is rows and balances that a crowd writes at random, with what was
// acknowledged on each.
type field struct {
	base   []duty
	deltas []atomic.Int64
	moves  []atomic.Int64
}

func balance(i int) platform.Ref { return platform.Counter(fmt.Sprint("balance ", i), "piece") }

// play commits one random set; being beaten to a row or a balance is an answer,
// anything else a failure.
func (f *field) play(ctx context.Context, w *world, db platform.DB, die *rand.Rand) error {
	var refs []platform.Ref
	for _, i := range die.Perm(len(f.base))[:1+die.IntN(4)] {
		refs = append(refs, f.base[i].Ref())
	}
	rows, err := db.Get(ctx, refs...)
	if err != nil {
		return err
	}
	var set []platform.Change
	for _, r := range rows {
		d := duty{Head: platform.Head{ID: r.Ref.ID, Version: r.Version}, Mark: strconv.FormatUint(uint64(die.Uint32()), 10)}
		if die.IntN(3) == 0 {
			set = append(set, platform.Unchanged(d))
		} else {
			set = append(set, platform.Put(d))
		}
	}
	deltas := map[int]int64{}
	for _, i := range die.Perm(len(f.deltas))[:die.IntN(4)] {
		deltas[i] = 1 + die.Int64N(9)
		if die.IntN(2) == 0 {
			deltas[i] *= -1
		}
		set = append(set, platform.Delta(balance(i), deltas[i], f.base[0].Ref()).Above(-20))
	}
	switch _, err := db.Commit(ctx, w.set(set...)); {
	case err == nil:
		f.note(set, deltas)
	case errors.Is(err, platform.ErrConflict), platform.Code(err) == "floor":
	default:
		return err
	}
	return nil
}

func (f *field) note(set []platform.Change, deltas map[int]int64) {
	for i, delta := range deltas {
		f.deltas[i].Add(delta)
	}
	for _, c := range set {
		for i := range f.base {
			if c.Op == platform.Replace && c.Ref == f.base[i].Ref() {
				f.moves[i].Add(1)
			}
		}
	}
}

// settled demands that rows and balances are what was acknowledged.
func (f *field) settled(ctx context.Context, w *world) error {
	for i := range f.base {
		version, err := w.version(ctx, f.base[i].Ref())
		if err != nil {
			return err
		}
		if want := 1 + f.moves[i].Load(); version != want {
			return fmt.Errorf("%s is at version %d, acknowledged %d", f.base[i].Mark, version, want)
		}
	}
	for i := range f.deltas {
		if err := w.gapless(ctx, balance(i), -20); err != nil {
			return err
		}
		c, err := count(ctx, w.db, balance(i))
		if err != nil {
			return err
		}
		if want := f.deltas[i].Load(); c.Value != want {
			return fmt.Errorf("%s is %d, acknowledged %d", c.Ref, c.Value, want)
		}
	}
	return nil
}

// oneOrder checks law 19: everybody does anything to a few records.
func oneOrder(ctx context.Context, w *world) error {
	const each = 8
	keys := make([]platform.ID, 6)
	for i := range keys {
		keys[i] = w.id("dty")
	}
	replies := together(crowd, func(i int) (any, error) {
		die := w.die(i)
		for n := range each {
			d := duty{Head: platform.Head{ID: keys[die.IntN(len(keys))]}, Mark: fmt.Sprint(i, " ", n)}
			if err := w.anything(ctx, die, d); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	if err := unanimous(replies); err != nil {
		return err
	}
	return w.history.Linearizable()
}

// anything reads, creates, replaces, checks or deletes a record, at a version
// just read.
func (w *world) anything(ctx context.Context, die *rand.Rand, d duty) error {
	records, err := w.db.Get(ctx, d.Ref())
	if err != nil && !errors.Is(err, platform.ErrNotFound) {
		return err
	}
	change := platform.Put(d)
	if len(records) > 0 && die.IntN(8) > 0 {
		switch d.Version = records[0].Version; die.IntN(4) {
		case 0:
			change = platform.Remove(d)
		case 1:
			change = platform.Unchanged(d)
		default:
			change = platform.Put(d)
		}
	}
	if _, err := w.commit(ctx, change); err != nil && !errors.Is(err, platform.ErrConflict) {
		return err
	}
	return nil
}
