package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/liangding/platform"
)

// gapless demands that a counter's movements are numbered 1, 2, 3 …, that each
// carries the running value, that none fell below floor by a debit, and that
// the counter stands where the last one left it.
func (w *world) gapless(ctx context.Context, counter platform.Ref, floor int64) error {
	log, err := w.movements(ctx, counter)
	if err != nil {
		return err
	}
	var value int64
	for i, m := range log {
		value += m.Delta
		switch {
		case m.Counter != counter || m.Seq != int64(i+1):
			return fmt.Errorf("movement %d of %s is number %d of %s", i+1, counter, m.Seq, m.Counter)
		case m.After != value:
			return fmt.Errorf("movement %d of %s leaves %d, the sum so far is %d", m.Seq, counter, m.After, value)
		case m.Delta < 0 && m.After < floor:
			return fmt.Errorf("movement %d of %s leaves %d, below %d", m.Seq, counter, m.After, floor)
		case m.Cause == platform.Ref{} || m.Event == "":
			return fmt.Errorf("movement %d of %s has cause %q and event %q", m.Seq, counter, m.Cause, m.Event)
		}
	}
	return w.counted(ctx, counter, value, int64(len(log)))
}

// exactSums checks law 9.
func exactSums(ctx context.Context, w *world) error {
	const each = 8
	counter, cause := platform.Counter("sum", "piece"), w.duty("cause")
	if err := w.given(ctx, platform.Put(cause)); err != nil {
		return err
	}
	deltas, sum := make([][each]int64, crowd), int64(0)
	for i := range deltas {
		die := w.die(i)
		for j := range deltas[i] {
			deltas[i][j] = die.Int64N(1000) - 500
			if deltas[i][j] == 0 {
				deltas[i][j] = math.MaxInt32
			}
			sum += deltas[i][j]
		}
	}
	replies := together(crowd, func(i int) (counts []platform.Count, err error) {
		for _, delta := range deltas[i] {
			receipt, err := w.commit(ctx, platform.Delta(counter, delta, cause.Ref()))
			if err != nil {
				return nil, err
			}
			counts = append(counts, receipt.Counters...)
		}
		return counts, nil
	})
	if err := errors.Join(unanimous(replies), w.counted(ctx, counter, sum, crowd*each), w.gapless(ctx, counter, math.MinInt64)); err != nil {
		return err
	}
	return w.receiptsTrue(ctx, counter, replies)
}

// receiptsTrue demands that what callers were told of a counter is what its log
// says, and that no two were told of the same movement.
func (w *world) receiptsTrue(ctx context.Context, counter platform.Ref, replies []reply[[]platform.Count]) error {
	log, err := w.movements(ctx, counter)
	if err != nil {
		return err
	}
	told := map[int64]bool{}
	for i, r := range replies {
		for _, c := range r.value {
			if c.Ref != counter || told[c.Seq] || c.Seq < 1 || c.Seq > int64(len(log)) || log[c.Seq-1].After != c.Value {
				return fmt.Errorf("caller %d was told %s = %d after %d movements, which the log does not say or another was told too", i, c.Ref, c.Value, c.Seq)
			}
			told[c.Seq] = true
		}
	}
	if len(told) != len(log) {
		return fmt.Errorf("%d movements in the log, %d in receipts", len(log), len(told))
	}
	return nil
}

// floorUnderRace checks law 10.
func floorUnderRace(ctx context.Context, w *world) error {
	counter, cause := platform.Counter("balance", "piece"), w.duty("cause")
	if err := w.given(ctx, platform.Put(cause), platform.Delta(counter, 100, cause.Ref())); err != nil {
		return err
	}
	replies := together(crowd, func(int) (platform.Receipt, error) {
		return w.commit(ctx, platform.Delta(counter, -7, cause.Ref()).Above(0))
	})
	passed := 0
	for i, r := range replies {
		if r.err == nil {
			passed++
			continue
		}
		if err := short(r.err, 5); err != nil {
			return fmt.Errorf("caller %d: %w", i, err)
		}
	}
	if passed != 14 {
		return fmt.Errorf("%d debits of 7 from 100 passed, want 14", passed)
	}
	return errors.Join(w.counted(ctx, counter, 2, 15), w.gapless(ctx, counter, 0))
}

// short demands a refusal for the floor that tells how much was missing.
func short(err error, shortage int64) error {
	if err := refusal("debit", err, platform.ErrState, "floor"); err != nil {
		return err
	}
	if got := platform.Details(err)["shortage"]; got != shortage {
		return fmt.Errorf("debit: shortage %v (%T), want %d (int64)", got, got, shortage)
	}
	return nil
}

// floorsInOrder checks law 11.
func floorsInOrder(ctx context.Context, w *world) error {
	cause := w.duty("cause").Ref()
	fresh := func(n string) platform.Ref { return platform.Counter(n, "piece") }
	debit := func(c platform.Ref, n, floor int64) platform.Change { return platform.Delta(c, -n, cause).Above(floor) }
	credit := func(c platform.Ref, n int64) platform.Change { return platform.Delta(c, n, cause) }
	for _, t := range []struct {
		name     string
		counter  platform.Ref
		changes  func(c platform.Ref) []platform.Change
		shortage int64 // 0: passes
		value    int64 // after
		seq      int64
	}{
		{"debit before its credit", fresh("a"), func(c platform.Ref) []platform.Change { return []platform.Change{debit(c, 5, 0), credit(c, 5)} }, 5, 0, 0},
		{"debit after its credit", fresh("b"), func(c platform.Ref) []platform.Change { return []platform.Change{credit(c, 5), debit(c, 5, 0)} }, 0, 0, 2},
		{"second debit too many", fresh("c"), func(c platform.Ref) []platform.Change {
			return []platform.Change{credit(c, 5), debit(c, 3, 0), debit(c, 3, 0), credit(c, 9)}
		}, 1, 0, 0},
		{"missing row counts as 0", fresh("d"), func(c platform.Ref) []platform.Change { return []platform.Change{debit(c, 1, 0)} }, 1, 0, 0},
		{"down to a negative floor", fresh("e"), func(c platform.Ref) []platform.Change { return []platform.Change{debit(c, 5, -5)} }, 0, -5, 1},
		{"below a negative floor", fresh("f"), func(c platform.Ref) []platform.Change { return []platform.Change{debit(c, 8, -5)} }, 3, 0, 0},
		{"a floor for this debit only", fresh("g"), func(c platform.Ref) []platform.Change {
			return []platform.Change{debit(c, 5, -5), debit(c, 5, -10)}
		}, 0, -10, 2},
		{"a credit below the floor", fresh("h"), func(c platform.Ref) []platform.Change {
			return []platform.Change{platform.Delta(c, -9, cause), credit(c, 4).Above(0)}
		}, 0, -5, 2},
	} {
		receipt, err := w.commit(ctx, t.changes(t.counter)...)
		if t.shortage > 0 {
			err = short(err, t.shortage)
		} else if err == nil && (len(receipt.Counters) != int(t.seq) || receipt.Counters[t.seq-1].Value != t.value) {
			err = fmt.Errorf("receipt %v, want one entry for each of %d additions, the last at %d", receipt.Counters, t.seq, t.value)
		}
		if err := errors.Join(err, w.counted(ctx, t.counter, t.value, t.seq), w.gapless(ctx, t.counter, math.MinInt64)); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return w.debitsMeetCredits(ctx, cause)
}

// debitsMeetCredits races debits against credits of the same amount: whatever
// the order, the log never shows a debit that nothing covered.
func (w *world) debitsMeetCredits(ctx context.Context, cause platform.Ref) error {
	counter, passed := platform.Counter("racing", "piece"), int64(0)
	replies := together(crowd, func(i int) (platform.Receipt, error) {
		if i%2 == 0 {
			return w.commit(ctx, platform.Delta(counter, -10, cause).Above(0))
		}
		return w.commit(ctx, platform.Delta(counter, 10, cause))
	})
	for i, r := range replies {
		switch {
		case r.err == nil && i%2 == 0:
			passed++
		case r.err != nil && i%2 == 0:
			if err := short(r.err, 10); err != nil {
				return fmt.Errorf("caller %d: %w", i, err)
			}
		case r.err != nil:
			return fmt.Errorf("caller %d, a credit: %w", i, r.err)
		}
	}
	return errors.Join(w.counted(ctx, counter, 10*(crowd/2-passed), crowd/2+passed), w.gapless(ctx, counter, 0))
}

// noNetting checks law 13: sets that would cover each other all fail.
func noNetting(ctx context.Context, w *world) error {
	x, y, cause := platform.Counter("x", "piece"), platform.Counter("y", "piece"), w.duty("cause").Ref()
	replies := together(crowd, func(i int) (platform.Receipt, error) {
		from, to := x, y
		if i%2 == 0 {
			from, to = y, x
		}
		if i%4 < 2 {
			return w.commit(ctx, platform.Delta(to, 10, cause), platform.Delta(from, -10, cause).Above(0))
		}
		return w.commit(ctx, platform.Delta(from, -10, cause).Above(0), platform.Delta(to, 10, cause))
	})
	for i, r := range replies {
		if err := short(r.err, 10); err != nil {
			return fmt.Errorf("caller %d: %w", i, err)
		}
	}
	return errors.Join(w.counted(ctx, x, 0, 0), w.counted(ctx, y, 0, 0))
}
