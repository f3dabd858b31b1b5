package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

// shaky is a world whose writes go through a faulty store; its reads do not.
func shaky(faults Faults) (*world, *Faulty) {
	w := &world{history: new(History), clock: NewClock(dawn), ids: IDs(1)}
	w.use(memory.New(kinds(newest), nil))
	return w, NewFaulty(w.db, faults)
}

func TestFaultsTellTheTruth(t *testing.T) {
	t.Parallel()
	w, db := shaky(Faults{Seed: 1, Refuse: 0.2, Clash: 0.2, Lose: 0.2})
	codes := map[string]int{}
	for i := range 500 {
		d := w.deed(fmt.Sprint("deed-", i))
		_, err := db.Commit(t.Context(), d.set)
		codes[platform.Code(err)]++
		happened := err == nil || isLost(err)
		if happened {
			err = w.whole(t.Context(), d)
		} else {
			err = w.nothing(t.Context(), d)
		}
		if err != nil {
			t.Fatalf("deed %d, happened %t: %v", i, happened, err)
		}
	}
	for _, code := range []string{"", "cut", "stale", "unknown"} {
		if codes[code] < 25 {
			t.Errorf("%d of 500 commits came to %q: %v", codes[code], code, codes)
		}
	}
}

func TestFaultsRepeatByTheirSeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		var codes strings.Builder
		w, db := shaky(Faults{Seed: seed, Refuse: 0.3, Lose: 0.3})
		for i := range 64 {
			_, err := db.Commit(t.Context(), w.deed(fmt.Sprint("deed-", i)).set)
			codes.WriteString(platform.Code(err) + " ")
		}
		return codes.String()
	}
	first, again, other := run(1), run(1), run(2)
	if first != again || first == other {
		t.Errorf("seed 1: %s\nagain:  %s\nseed 2: %s", first, again, other)
	}
}

func TestNoFaultsChangeNothing(t *testing.T) {
	t.Parallel()
	w, db := shaky(Faults{})
	d := w.deed("deed")
	if _, err := db.Commit(t.Context(), d.set); err != nil {
		t.Fatal(err)
	}
	_, get := db.Get(t.Context(), d.root.Ref())
	_, scan := db.Scan(t.Context(), platform.Query{Kind: dutyKind})
	_, recall := db.Recall(t.Context(), d.set.Key)
	if err := errors.Join(get, scan, recall, w.whole(t.Context(), d), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// Where the process stops decides what is written and what its caller hears.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		at       Point
		happened bool
		heard    bool
	}{{at: BeforeSend}, {at: Committed, happened: true}, {at: Answered, happened: true, heard: true}} {
		w, db := shaky(Faults{Stop: func(at Point, _ platform.Set) bool { return at == tt.at }})
		d := w.deed("deed")
		_, err := db.Commit(t.Context(), d.set)
		if (err == nil) != tt.heard || err != nil && !isLost(err) {
			t.Errorf("stopped at %d: %v", tt.at, err)
		}
		state := w.nothing
		if tt.happened {
			state = w.whole
		}
		if err := state(t.Context(), d); err != nil {
			t.Errorf("stopped at %d: %v", tt.at, err)
		}
		_, get := db.Get(t.Context(), d.root.Ref())
		_, scan := db.Scan(t.Context(), platform.Query{Kind: dutyKind})
		_, recall := db.Recall(t.Context(), d.set.Key)
		_, commit := db.Commit(t.Context(), d.set)
		for _, err := range []error{get, scan, recall, commit} {
			if !isLost(err) {
				t.Errorf("after it stopped at %d: %v", tt.at, err)
			}
		}
	}
}

// A process that stops does not wait for the store, which goes on.
func TestStopCutsCallsUnderWay(t *testing.T) {
	t.Parallel()
	w, _ := shaky(Faults{})
	held := &holding{DB: w.db, entered: make(chan struct{}), free: make(chan struct{}), done: make(chan error, 1)}
	db := NewFaulty(held, Faults{})
	d := w.deed("deed")
	heard := make(chan error)
	go func() {
		_, err := db.Commit(t.Context(), d.set)
		heard <- err
	}()
	<-held.entered
	db.Stop()
	if err := <-heard; !isLost(err) {
		t.Fatal(err)
	}
	close(held.free)
	if err := errors.Join(<-held.done, w.whole(t.Context(), d)); err != nil {
		t.Fatal(err)
	}
}

// holding is a store that commits when it is told to.
type holding struct {
	platform.DB
	entered, free chan struct{}
	done          chan error
}

func (h *holding) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	close(h.entered)
	<-h.free
	receipt, err := h.DB.Commit(ctx, set)
	h.done <- err
	return receipt, err
}

// A slow call ends with its ctx, or with the process, whichever comes first.
func TestSlowCallsEndEarly(t *testing.T) {
	t.Parallel()
	_, db := shaky(Faults{Slow: 1, Delay: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Get(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	heard := make(chan error)
	go func() {
		_, err := db.Get(t.Context())
		heard <- err
	}()
	db.Stop()
	if err := <-heard; !isLost(err) {
		t.Fatal(err)
	}
}

func TestSlowCallsArrive(t *testing.T) {
	t.Parallel()
	w, db := shaky(Faults{Slow: 1, Delay: time.Millisecond})
	d := w.deed("deed")
	if _, err := db.Commit(t.Context(), d.set); err != nil {
		t.Fatal(err)
	}
	if err := w.whole(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// A command on a store that often fails, repeated under its key, happens once.
func TestKeysSurviveFaults(t *testing.T) {
	t.Parallel()
	w, db := shaky(Faults{Seed: 7, Refuse: 0.3, Clash: 0.2, Lose: 0.4})
	sound := w.db
	w.db = db
	for i := range 20 {
		ctx := platform.WithKey(platform.As(t.Context(), actor), fmt.Sprint("k", i))
		err := errLost
		for errors.Is(err, platform.ErrUnavailable) {
			_, err = w.enrol(ctx, enrol{fmt.Sprint("badge ", i)}, always)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.db = sound
	if err := w.counted(t.Context(), enrolled, 20, 20); err != nil {
		t.Fatal(err)
	}
}
