package storetest

import (
	"sync"
	"testing"
	"time"
)

func TestClockMovesOnlyWhenTold(t *testing.T) {
	t.Parallel()
	c := NewClock(dawn.In(time.FixedZone("east", 8*3600)))
	if now := c.Now(); now != dawn || c.Now() != now {
		t.Fatalf("shows %s, want %s", now, dawn)
	}
	if now := c.Advance(30 * 24 * time.Hour); now != dawn.AddDate(0, 0, 30) || c.Now() != now {
		t.Fatalf("shows %s after thirty days", now)
	}
	if now := c.Advance(-time.Second); now != c.Now() || !now.Before(dawn.AddDate(0, 0, 30)) {
		t.Fatalf("shows %s after a second back", now)
	}
}

func TestClockAddsUpAdvances(t *testing.T) {
	t.Parallel()
	c := NewClock(dawn)
	var done sync.WaitGroup
	for range crowd {
		done.Go(func() { c.Advance(time.Second) })
	}
	done.Wait()
	if now := c.Now(); now != dawn.Add(crowd*time.Second) {
		t.Fatalf("shows %s", now)
	}
}

// The vector is the published one of SplitMix64 for seed 1234567.
func TestIDsRepeatByTheirSeed(t *testing.T) {
	t.Parallel()
	ids := IDs(1234567)
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		if got := ids(); got != want {
			t.Fatalf("draw %d is %d, want %d", i, got, want)
		}
	}
}

func TestIDsNeverRepeatWithin(t *testing.T) {
	t.Parallel()
	ids := IDs(1)
	replies := together(8, func(int) (drawn []uint64, _ error) {
		for range 5_000 {
			drawn = append(drawn, ids())
		}
		return drawn, nil
	})
	seen := map[uint64]bool{}
	for _, r := range replies {
		for _, n := range r.value {
			if seen[n] {
				t.Fatalf("%d drawn twice", n)
			}
			seen[n] = true
		}
	}
}
