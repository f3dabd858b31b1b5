package platform_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/liangding/platform"
)

// Two lamps are always switched together; whoever refuses because they differ
// has seen what never was.
func TestNoRefusalIsDecidedOnAMixture(t *testing.T) {
	t.Parallel()
	s := newLamps(t)
	a, b := s.add(t), s.add(t)
	ctx := platform.As(t.Context(), alice)
	read := func(ctx context.Context) (x, y lamp) {
		x, _ = platform.Read[lamp](ctx, s.db, "lamp", a.ID)
		time.Sleep(20 * time.Microsecond) // two trips to a server
		y, _ = platform.Read[lamp](ctx, s.db, "lamp", b.ID)
		return x, y
	}
	var over atomic.Bool
	var flips, untrue, restless, fine atomic.Int64
	var writers, readers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			for !over.Load() {
				_, err := platform.Update(ctx, s.w, SwitchOn{Lamp: a.ID}, func(ctx context.Context) (lamp, []platform.Change, error) {
					x, y := read(ctx)
					x.On, y.On = !x.On, !x.On
					return x, []platform.Change{platform.Put(x), platform.Put(y), platform.Happened("lamp.switched", x.Ref(), nil)}, nil
				})
				if err == nil {
					flips.Add(1)
				}
				time.Sleep(200 * time.Microsecond)
			}
		})
	}
	for range 8 {
		readers.Go(func() {
			for range 100 {
				_, err := platform.Update(ctx, s.w, SwitchOn{Lamp: a.ID}, func(ctx context.Context) (lamp, []platform.Change, error) {
					if x, y := read(ctx); x.On != y.On {
						return lamp{}, nil, errOn
					}
					return lamp{}, nil, errNothing
				})
				switch {
				case errors.Is(err, errOn):
					untrue.Add(1)
				case errors.Is(err, errNothing):
					fine.Add(1)
				default:
					restless.Add(1)
				}
			}
		})
	}
	readers.Wait()
	over.Store(true)
	writers.Wait()
	if untrue.Load() > 0 {
		t.Errorf("%d refusals were never true", untrue.Load())
	}
}

var errNothing = platform.Err(platform.ErrState, "lamp.nothing", "nothing to do", "无事可做")
