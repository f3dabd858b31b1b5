package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"time"

	"github.com/liangding/platform"
)

// endedContexts checks law 34: a ctx that was over before, and ctxs that end
// somewhere on the way.
func endedContexts(ctx context.Context, w *world) error {
	over, cancel := context.WithCancel(ctx)
	cancel()
	d := w.deed("never")
	if _, err := w.db.Commit(over, d.set); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("commit with a ctx that is over: %w", errors.Join(err, errors.New("want context.Canceled")))
	}
	if err := w.nothing(ctx, d); err != nil {
		return fmt.Errorf("commit with a ctx that is over: %w", err)
	}
	deeds := make([]deed, 4*crowd)
	for i := range deeds {
		deeds[i] = w.deed(fmt.Sprint("deed-", i))
	}
	var answered atomic.Int64
	replies := together(len(deeds), func(i int) (platform.Receipt, error) {
		own, cancel := context.WithCancel(ctx)
		defer cancel()
		if i%2 == 0 {
			go func() { // somewhere between before and after, as the scheduler will
				for answered.Load() < int64(i) && own.Err() == nil {
					runtime.Gosched()
				}
				cancel()
			}()
		}
		defer answered.Add(1)
		return w.db.Commit(own, deeds[i].set)
	})
	for i, r := range replies {
		if err := w.truth(ctx, deeds[i], r.err, i%2 == 0); err != nil {
			return fmt.Errorf("caller %d was told %v: %w", i, r.err, err)
		}
	}
	return nil
}

// truth demands that the deed is as its caller was told, by the key where the
// answer is unknown.
func (w *world) truth(ctx context.Context, d deed, told error, mayEnd bool) error {
	switch {
	case told == nil:
		return w.whole(ctx, d)
	case !mayEnd:
		return errors.New("a ctx that never ended")
	case errors.Is(told, context.Canceled) && !isLost(told):
		return w.nothing(ctx, d)
	case isLost(told):
		if _, err := w.db.Commit(ctx, d.set); err != nil {
			return fmt.Errorf("repeat: %w", err)
		}
		return w.whole(ctx, d)
	}
	return errors.New("want nil, the ctx's error or unknown")
}

// closing checks law 35.
func closing(ctx context.Context, w *world) error {
	var deeds [crowd][]deed
	var written atomic.Int64
	var closed atomic.Bool
	replies := together(crowd+1, func(i int) (any, error) {
		if i == crowd {
			for written.Load() < 4*crowd && ctx.Err() == nil {
				runtime.Gosched()
			}
			defer closed.Store(true)
			return nil, w.db.Close()
		}
		for n := 0; ; n++ {
			late, d := closed.Load(), w.deed(fmt.Sprintf("deed-%d-%d", i, n))
			if _, err := w.db.Commit(ctx, d.set); err != nil || late {
				return nil, err
			}
			deeds[i] = append(deeds[i], d)
			written.Add(1)
		}
	})
	if err := replies[crowd].err; err != nil {
		return fmt.Errorf("close under load: %w", err)
	}
	for i, r := range replies[:crowd] {
		if err := refusal(fmt.Sprintf("caller %d when the store closed", i), r.err, platform.ErrUnavailable, ""); err != nil {
			return err
		}
	}
	if err := w.shut(ctx); err != nil {
		return err
	}
	if err := w.leftovers(ctx); err != nil {
		return err
	}
	if !w.mayRestart("what was acknowledged before a close is there afterwards") {
		return nil
	}
	if err := w.restart(newest); err != nil {
		return err
	}
	for i := range deeds {
		for _, d := range deeds[i][max(0, len(deeds[i])-3):] { // the last ones are those at risk
			if err := w.whole(ctx, d); err != nil {
				return fmt.Errorf("acknowledged before the store was closed: %w", err)
			}
		}
	}
	return nil
}

// shut demands that a closed store refuses every call, and a second Close not.
func (w *world) shut(ctx context.Context) error {
	if err := w.db.Close(); err != nil {
		return fmt.Errorf("close a second time: %w", err)
	}
	d := w.deed("late")
	_, get := w.db.Get(ctx, d.root.Ref())
	_, scan := w.db.Scan(ctx, platform.Query{Kind: dutyKind})
	_, recall := w.db.Recall(ctx, d.set.Key)
	_, commit := w.db.Commit(ctx, d.set)
	for what, err := range map[string]error{"get": get, "scan": scan, "recall": recall, "commit": commit} {
		if err := refusal(what+" after close", err, platform.ErrUnavailable, ""); err != nil {
			return err
		}
	}
	return nil
}

// leftovers demands that no goroutine which the store started is left. They may
// take a moment to end, so this looks again for a while before it complains.
func (w *world) leftovers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		left := w.labelled()
		if len(left) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("goroutines left by a closed store:\n%s", strings.Join(left, "\n"))
		case <-again.C:
		}
	}
}

// labelled are the stacks of the goroutines that carry this world's label, but
// for the one that asks.
func (w *world) labelled() []string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return []string{err.Error()}
	}
	var left []string
	for stack := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(stack, w.label) && !strings.Contains(stack, "labelled") {
			left = append(left, stack)
		}
	}
	return left
}
