package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// finish takes an assignment to its end.
func (w *world) finish(a Assignment) {
	w.t.Helper()
	for _, step := range w.steps() {
		_, err := step(as(a.Member), a.ID)
		require.NoError(w.t, err)
	}
}

// Work that is done counts among equals, or the first by id would get it all.
func TestEqualsTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.member(&square)
	}
	got := map[platform.ID]int{}
	for range 6 {
		a := w.offers(w.order())[0]
		require.NoError(t, w.accept(a))
		w.finish(a)
		got[a.Member]++
		w.later(45 * time.Minute)
	}

	assert.Len(t, got, 3)
	for member, n := range got {
		assert.Equal(t, 2, n, member)
	}
}

// Nobody pays for ever for an assignment whose steps were never told.
func TestWorkIsNoLoadOnceItsTimeIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	near := w.member(&square)
	for range 2 {
		require.NoError(t, w.accept(w.offers(w.order())[0]))
		w.later(2 * time.Hour)
	}
	_, err := w.Ping(w.ctx, Ping{Member: near, Lat: square.Lat, Lon: square.Lon})
	require.NoError(t, err)
	w.member(&station)

	a := w.offers(w.order())[0]

	assert.Equal(t, near, a.Member)
	assert.Equal(t, a.Why.Travel, a.Why.Cost)
}
