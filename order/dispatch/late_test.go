package dispatch

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/staff"
)

// Work that was wanted before it is offered is done from the offer on: that is
// what the member agrees to.
func TestWorkOfferedLateIsDoneFromTheOfferOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	order := w.order()
	late := w.later(25 * time.Minute)
	member := w.member(&station)

	a := w.offers(order)[0]
	require.NoError(t, w.accept(a))

	assert.Equal(t, late, a.From)
	assert.Equal(t, late.Add(time.Hour), a.Until, "as long as planned")
	_, err := w.NoShow(w.ctx, NoShow{Assignment: a.ID})
	require.ErrorIs(t, err, ErrTooEarly, "who has just agreed is no no-show")
	last := noon.Add(time.Hour + 24*time.Minute) // the order's own hour, and the travel after it, are over
	reasons, err := w.staff.Reasons(w.ctx, staff.Ask{Member: member, From: last, Until: last.Add(time.Minute)})
	require.NoError(t, err)
	assert.Equal(t, []string{"overlap"}, reasons, "booked for as long as the work lasts")
}

func TestWhatIsOverStopsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	member := w.member(&station)
	order := w.order()
	_, err := w.staff.Excuse(w.ctx, staff.Excuse{Member: member, From: noon, Until: noon.Add(time.Minute)})
	require.NoError(t, err)
	require.Empty(t, w.offers(order))

	w.later(time.Minute)
	w.tick()

	assert.Equal(t, []platform.ID{member}, w.asked(order), "back from the moment on at which the work can begin")
}

// A planner that has fallen behind neither restarts a search that another ended,
// nor offers for it.
func TestLatePlannerLeavesAnUnfilledSearchAlone(t *testing.T) {
	t.Parallel()
	for name, staffed := range map[string]bool{"nobody": false, "somebody": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			order := w.order()
			require.Empty(t, w.offers(order))
			if staffed {
				w.member(&station)
			}
			now := w.later(9 * time.Minute)
			twin := New(w.w, w.store, w.ports, nil)
			w.ports.Members = &slow{Members: w.ports.Members, after: func() {
				_, err := twin.Tick(context.Background(), w.later(time.Minute), 0)
				require.NoError(t, err)
				require.Equal(t, Unfilled, w.look(order, 1).State)
			}}

			_, err := w.Tick(context.Background(), now, 0)

			require.NoError(t, err)
			assert.Equal(t, Unfilled, w.look(order, 1).State)
			assert.Empty(t, w.all(order))
		})
	}
}

// slow is Members that lets something happen once it has answered.
type slow struct {
	Members
	after func()
}

func (s *slow) OnDuty(ctx context.Context, zone platform.ID, need []string, from, until time.Time) ([]platform.ID, error) {
	able, err := s.Members.OnDuty(ctx, zone, need, from, until)
	if once := s.after; once != nil {
		s.after = nil
		once()
	}
	return able, err
}

func TestTickPlansAllThatIsDueTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var orders []platform.ID
	for range 5 {
		orders = append(orders, w.order())
		require.Empty(t, w.offers(orders[len(orders)-1]))
	}
	for range 5 {
		w.member(&station)
	}
	bad := orders[2]
	require.NoError(t, w.end(bad))
	w.later(time.Minute)

	fired := w.tick()

	assert.Equal(t, 4, fired)
	plans := map[string]bool{}
	for _, order := range orders {
		for _, a := range w.all(order) {
			plans[a.Why.Plan] = true
		}
	}
	assert.Len(t, plans, 1)
}

func TestTickStopsAtItsLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		w.offers(w.order())
	}
	w.later(time.Minute)
	for _, want := range []int{2, 2, 1, 0} {
		fired, err := w.Tick(context.Background(), w.now(), 2)
		require.NoError(t, err)
		assert.Equal(t, want, fired)
	}
}
