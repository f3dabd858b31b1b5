package risk

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/memory"
)

func happened(what string, n uint64, at time.Time) platform.Event {
	return platform.Event{
		ID: platform.NewID("evt", at, platform.Slot(n%7), n), Type: what, At: at, Actor: operator,
		Subject: platform.Ref{Kind: "order", ID: platform.NewID("ord", at, platform.Slot(n%7), n)},
	}
}

// logged writes events as they were committed at their time.
func logged(t require.TestingT, db *memory.DB, events ...platform.Event) {
	for _, e := range events {
		_, err := db.Commit(as(operator), platform.Set{Changes: []platform.Change{{Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: e.ID}, Value: e}}})
		require.NoError(t, err)
	}
}

func TestCountsAnswerARatio(t *testing.T) {
	t.Parallel()
	c := NewCounts(memory.New(nil, nil), refunds())
	var events []platform.Event
	for n := range uint64(20) {
		events = append(events, happened("order.completed", n, noon.Add(-time.Duration(n)*time.Minute)))
	}
	events = append(events, happened("refund.requested", 90, noon.Add(-time.Minute)), happened("order.placed", 91, noon))
	require.NoError(t, c.Publish(t.Context(), events))

	n, d, err := c.Measure(t.Context(), "refund.requested/order.completed", noon.Add(-time.Hour), noon)
	require.NoError(t, err)
	assert.Equal(t, []int64{1, 19}, []int64{n, d}, "the minute at noon is not over")
	n, d, err = c.Measure(t.Context(), "order.completed", noon.Add(-5*time.Minute), noon.Add(time.Second))
	require.NoError(t, err)
	assert.Equal(t, []int64{6, 1}, []int64{n, d})
}

func TestCountsRefuseWhatTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	c := NewCounts(memory.New(nil, nil), refunds())
	for name, from := range map[string]time.Time{
		"order.placed":                noon.Add(-time.Minute),
		"refund.requested/order.seen": noon.Add(-time.Minute),
		"":                            noon.Add(-time.Minute),
		"order.completed":             noon.Add(-time.Hour - time.Second),
	} {
		_, _, err := c.Measure(t.Context(), name, from, noon)
		require.ErrorIs(t, err, ErrUnmeasured, name)
	}
	db := memory.New(nil, nil)
	require.NoError(t, db.Close())
	_, _, err := NewCounts(db, refunds()).Measure(t.Context(), "order.completed", noon, noon)
	require.Error(t, err)
}

// TestCountsAreExact: events that come in any order, several times, before and
// after a restart, are each counted once, as in a list of everything.
func TestCountsAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		db := memory.New(nil, nil)
		var all []platform.Event
		for n := range rapid.IntRange(0, 40).Draw(rt, "events") {
			at := noon.Add(-time.Duration(rapid.IntRange(0, 100*60).Draw(rt, "seconds ago")) * time.Second)
			what := rapid.SampledFrom([]string{"refund.requested", "order.completed", "order.placed"}).Draw(rt, "type")
			all = append(all, happened(what, uint64(n), at))
		}
		logged(rt, db, all...)
		c := NewCounts(db, refunds())
		for _, e := range all {
			if rapid.Bool().Draw(rt, "published") {
				require.NoError(rt, c.Publish(as(operator), []platform.Event{e, e}))
			}
			if rapid.IntRange(0, 9).Draw(rt, "measured") == 0 {
				_, _, err := c.Measure(as(operator), "order.completed", noon.Add(-time.Hour), noon)
				require.NoError(rt, err)
			}
		}
		from := noon.Add(-time.Duration(rapid.IntRange(0, 60).Draw(rt, "window")) * time.Minute)
		want := map[string]int64{}
		for _, e := range all {
			if minute := e.At.Truncate(time.Minute); !minute.Before(from) && minute.Before(noon) {
				want[e.Type]++
			}
		}
		n, d, err := c.Measure(as(operator), "refund.requested/order.completed", from, noon)
		require.NoError(rt, err)
		require.Equal(rt, []int64{want["refund.requested"], want["order.completed"]}, []int64{n, d})
	})
}

func TestCountsForgetWhatNobodyMeasures(t *testing.T) {
	t.Parallel()
	c := NewCounts(memory.New(nil, nil), refunds())
	for n := range uint64(500) {
		at := noon.Add(time.Duration(n) * time.Minute)
		require.NoError(t, c.Publish(t.Context(), []platform.Event{happened("order.completed", n, at)}))
		_, _, err := c.Measure(t.Context(), "order.completed", at.Add(-time.Hour), at)
		require.NoError(t, err)
	}
	assert.LessOrEqual(t, len(c.types["order.completed"]), 62)
}

func TestCountsInParallel(t *testing.T) {
	t.Parallel()
	db := memory.New(nil, nil)
	c := NewCounts(db, refunds())
	var events []platform.Event
	for n := range uint64(200) {
		events = append(events, happened("order.completed", n, noon.Add(-time.Minute)))
	}
	logged(t, db, events[:100]...)
	var group sync.WaitGroup
	for part := range slices.Chunk(events, 20) {
		group.Go(func() {
			assert.NoError(t, c.Publish(as(operator), part))
			assert.NoError(t, c.Publish(as(operator), part))
			_, _, err := c.Measure(as(operator), "order.completed", noon.Add(-time.Hour), noon)
			assert.NoError(t, err)
		})
	}
	group.Wait()
	n, _, err := c.Measure(t.Context(), "order.completed", noon.Add(-time.Hour), noon)
	require.NoError(t, err)
	assert.Equal(t, int64(200), n)
}

// BenchmarkTick ticks a thousand indicators: when all are due, and when none is.
func BenchmarkTick(b *testing.B) {
	for name, pass := range map[string]time.Duration{"due": time.Minute, "at rest": 0} {
		b.Run(name, func(b *testing.B) {
			db := memory.New(Kinds(), nil)
			var all []Indicator
			for n := range 1000 {
				all = append(all, refunds(func(i *Indicator) { i.Name = fmt.Sprint("i", n) }))
			}
			s, err := New(platform.Writer{Store: db}, StoreOn(db), Ports{Meter: &dial{d: 100}}, &Options{Indicators: all})
			require.NoError(b, err)
			now := noon
			_, err = s.Tick(b.Context(), now, 5000)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(pass)
				if _, err := s.Tick(b.Context(), now, 5000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkStep(b *testing.B) {
	i, c, now := refunds().ready(), Condition{}, noon
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Second)
		c, _ = i.Step(c, &Sample{At: now, Numerator: 7, Denominator: 100}, now)
	}
}
