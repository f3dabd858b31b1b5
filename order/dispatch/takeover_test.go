package dispatch

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// takeOver seats a member in an order as another system had it.
func (w *world) takeOver(order, member platform.ID) (Assignment, error) {
	id := w.w.NewChild("asg", order)
	_, err := platform.Update(w.ctx, w.w, seed{order}, func(ctx context.Context) (string, []platform.Change, error) {
		need, checks, err := errands{w.db}.Need(ctx, order)
		if err != nil {
			return "", nil, err
		}
		changes, err := Releases{Store: StoreOn(w.db), Members: w.staff.Duty()}.TakeOver(ctx, need, w.now(), Seated{1, id, member})
		if err != nil {
			return "", nil, err
		}
		e, err := platform.Read[errand](ctx, w.db, "order", order)
		e.Seats[0] = id
		return "", append(append(changes, checks...), platform.Put(e)), err
	})
	if err != nil {
		return Assignment{}, err
	}
	return w.Assignment(w.ctx, id)
}

// A member who had the seat elsewhere has it here: booked, told, at work, or
// released and replaced.
func TestAMemberTakenOverIsAssigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	near, far := w.member(&station), w.member(&harbour)
	order := w.order(starts(2 * time.Hour))

	a, err := w.takeOver(order, near)

	require.NoError(t, err)
	assert.Equal(t, []any{Accepted, near, noon.Add(2 * time.Hour), true}, []any{a.State, a.Member, a.From, a.Due.IsZero()})
	assert.Len(t, w.events("assignment.accepted"), 1)
	assert.Zero(t, w.room(near), "nothing is on offer")
	assert.Zero(t, w.tick(), "nobody is looked for")
	_, err = w.takeOver(w.order(starts(2*time.Hour)), near)
	require.ErrorIs(t, err, ErrOverlap, "booked")
	for _, step := range w.steps()[:2] {
		_, err := step(as(near), a.ID)
		require.NoError(t, err)
	}
	_, err = w.Release(w.ctx, Release{Assignment: a.ID, Reason: "flat_tyre", Fault: "staff"})
	require.NoError(t, err)
	require.Equal(t, 1, w.tick())
	assert.Equal(t, []platform.ID{far}, w.asked(order), "another is looked for")
}

func TestAMemberTakenOverIsReleasedWithTheOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	member := w.member(nil)
	a, err := w.takeOver(w.order(), member)
	require.NoError(t, err)

	require.NoError(t, w.end(a.Order))

	a, err = w.Assignment(w.ctx, a.ID)
	require.NoError(t, err)
	assert.Equal(t, Released, a.State)
	_, err = w.staff.Duty().Vouch(w.ctx, nil, a.From, a.Until, member)
	require.NoError(t, err, "free again")
}

func TestAMemberWhoCannotDoTheWorkIsNotTakenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	member := w.member(nil)
	_, err := w.takeOver(w.order(func(e *errand) { e.Need = []string{"welding"} }), member)
	require.ErrorIs(t, err, ErrNotEligible)
	_, err = w.takeOver(w.order(starts(12*time.Hour)), member)
	require.ErrorIs(t, err, ErrNotEligible, "off duty")
	_, err = w.takeOver(w.order(), id("stf", 99))
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = Releases{}.TakeOver(t.Context(), []byte("{}"), noon, Seated{1, id("asg", 1), member})
	require.ErrorIs(t, err, platform.ErrUnavailable)

	late := w.order(starts(-3 * time.Hour))
	a, err := w.takeOver(late, member)
	require.NoError(t, err)
	assert.Equal(t, noon, a.From, "what was wanted before is booked from now on")
}
