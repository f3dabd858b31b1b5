package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// TestOneHolderAtATime lets holders with clocks of their own ask in any order.
func TestOneHolderAtATime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var stored store.Lease
		mine := map[string]store.Lease{}
		now := noon
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(-5, 20).Draw(t, "passed")) * time.Second)
			who := fmt.Sprint("holder ", rapid.IntRange(1, 3).Draw(t, "who"))
			want := store.Lease{Name: "x", Holder: who, Fence: mine[who].Fence, Until: now.Add(time.Duration(rapid.IntRange(0, 15).Draw(t, "for")) * time.Second)}
			next, granted := stored.Grant(want, now)
			switch {
			case !granted:
				require.Equal(t, stored, next)
				continue
			case next.Fence == stored.Fence:
				require.Equal(t, stored.Holder, who)
			default:
				require.Equal(t, stored.Fence+1, next.Fence)
				require.False(t, now.Before(stored.Until), "taken before it ran out")
				require.True(t, now.Before(next.Until))
			}
			stored, mine[who] = next, next
			admitted := 0
			for _, l := range mine {
				if stored.Admits(l, now) {
					admitted++
				}
			}
			require.LessOrEqual(t, admitted, 1)
		}
	})
}

func TestNobodyIsAdmittedToWhatWasNeverTaken(t *testing.T) {
	t.Parallel()
	assert.False(t, store.Lease{Until: noon.Add(time.Hour)}.Admits(store.Lease{}, noon))
	_, granted := store.Lease{}.Grant(store.Lease{Name: "x", Until: noon}, noon)
	assert.False(t, granted, "for no time at all")
}

func TestTheLadderDoublesFromASecondToAnHour(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := platform.NewID("evt", noon, 7, rapid.Uint64().Draw(t, "id"))
		d := store.Delivery{Sink: "a", Event: platform.Event{ID: id}}.Again(noon)
		now, step := noon, time.Second
		for tries := 1; ; tries++ {
			d = d.Failed(errNo, now, 0)
			require.Equal(t, tries, d.Tries)
			if d.Parked() {
				require.GreaterOrEqual(t, now.Sub(noon), 72*time.Hour)
				require.LessOrEqual(t, now.Sub(noon), 73*time.Hour)
				break
			}
			pause := d.Due.Sub(now)
			require.LessOrEqual(t, pause, step)
			require.GreaterOrEqual(t, pause, max(time.Second, step*3/4))
			now, step = d.Due, min(2*step, time.Hour)
		}
		require.Equal(t, "test.no", d.Last)
		again := d.Again(now)
		require.Equal(t, store.Delivery{Sink: "a", Event: d.Event, Since: now, Due: now}, again)
	})
}

func TestASinkThatAsksToWaitIsWaitedFor(t *testing.T) {
	t.Parallel()
	d := store.Delivery{Since: noon}
	assert.Equal(t, noon.Add(2*time.Hour), d.Failed(errNo, noon, 2*time.Hour).Due)
	assert.True(t, d.Failed(fmt.Errorf("gone: %w", store.ErrHopeless), noon, 0).Parked())
	assert.True(t, d.Failed(&store.LeftError{Failed: map[platform.ID]error{"x": store.ErrHopeless}}, noon, 0).Parked())
}
