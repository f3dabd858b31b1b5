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

// steps are the commands of the work, in order.
func (w *world) steps() []func(context.Context, platform.ID) (Assignment, error) {
	return []func(context.Context, platform.ID) (Assignment, error){
		func(ctx context.Context, a platform.ID) (Assignment, error) {
			return w.EnRoute(ctx, EnRoute{Assignment: a})
		},
		func(ctx context.Context, a platform.ID) (Assignment, error) {
			return w.Arrive(ctx, Arrive{Assignment: a})
		},
		func(ctx context.Context, a platform.ID) (Assignment, error) { return w.Work(ctx, Work{Assignment: a}) },
		func(ctx context.Context, a platform.ID) (Assignment, error) { return w.Done(ctx, Done{Assignment: a}) },
	}
}

// accepted is an assignment that its member has accepted.
func (w *world) accepted() Assignment {
	w.t.Helper()
	a := w.offers(w.order())[0]
	a, err := w.Accept(as(a.Member), Accept{Assignment: a.ID})
	require.NoError(w.t, err)
	return a
}

func TestStepsOfTheWorkComeInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	a := w.accepted()
	want := []State{Travelling, Arrived, Working, Finished}
	for i := range want {
		for j, step := range w.steps() {
			if j == i {
				continue
			}
			_, err := step(as(a.Member), a.ID)
			require.ErrorIs(t, err, ErrNotStartable, "step %d before %d", j, i)
		}
		got, err := w.steps()[i](as(a.Member), a.ID)
		require.NoError(t, err)
		assert.Equal(t, want[i], got.State)
		assert.Len(t, w.events("assignment."+string(want[i])), 1)
	}
	got, err := w.Assignment(w.ctx, a.ID)
	require.NoError(t, err)
	assert.Len(t, got.Steps, 6, "offered, accepted and the four")
	assert.Equal(t, &square, w.positions.Of(a.Member, noon.Add(time.Hour)), "counts where it worked")
	_, err = w.Release(w.ctx, Release{Assignment: a.ID, Reason: "late", Fault: "staff"})
	require.ErrorIs(t, err, ErrNotReleasable)
}

func TestReleaseOpensTheSeatAndFreesTheMember(t *testing.T) {
	t.Parallel()
	for steps := range 3 { // accepted, en_route, arrived
		w := newWorld(t)
		near, far := w.member(&station), w.member(&harbour)
		a := w.accepted()
		for _, step := range w.steps()[:steps] {
			_, err := step(as(near), a.ID)
			require.NoError(t, err)
		}

		released, err := w.Release(as(near), Release{Assignment: a.ID, Reason: "flat_tyre", Fault: "staff"})

		require.NoError(t, err)
		assert.Equal(t, Released, released.State)
		assert.Equal(t, "staff", released.Fault)
		assert.Empty(t, w.seat(a.Order, 1))
		_, err = w.staff.Duty().Vouch(w.ctx, nil, a.From, a.Until, near)
		require.NoError(t, err, "free again")
		events := w.events("assignment.released")
		require.Len(t, events, 1)
		assert.Equal(t, "flat_tyre", events[0].Reason)

		require.Equal(t, 1, w.tick())
		assert.Equal(t, []platform.ID{far}, w.asked(a.Order), "the next nearest, at once")
		assert.Equal(t, 1, w.look(a.Order, 1).Round, "the rounds begin anew")
	}
}

func TestReleaseStopsAtWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	a := w.accepted()
	for _, step := range w.steps()[:3] {
		_, err := step(as(a.Member), a.ID)
		require.NoError(t, err)
	}
	_, err := w.Release(w.ctx, Release{Assignment: a.ID, Reason: "late", Fault: "platform"})
	require.ErrorIs(t, err, ErrNotReleasable)
	assert.Equal(t, a.ID, w.seat(a.Order, 1))
}

func TestNoShowWaitsForItsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	a := w.accepted()
	_, err := w.NoShow(as(a.Member), NoShow{Assignment: a.ID})
	require.ErrorIs(t, err, platform.ErrDenied)
	w.later(20*time.Minute - 1)
	_, err = w.NoShow(w.ctx, NoShow{Assignment: a.ID})
	require.ErrorIs(t, err, ErrTooEarly)
	w.later(1)

	a, err = w.NoShow(w.ctx, NoShow{Assignment: a.ID})

	require.NoError(t, err)
	assert.Equal(t, Missed, a.State)
	assert.Equal(t, "staff", a.Fault)
	assert.Empty(t, w.seat(a.Order, 1))
	assert.Len(t, w.events("assignment.staff_no_show"), 1)
}

func TestWhoArrivedIsNoNoShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	a := w.accepted()
	for _, step := range w.steps()[:2] {
		_, err := step(as(a.Member), a.ID)
		require.NoError(t, err)
	}
	w.later(time.Hour)
	_, err := w.NoShow(w.ctx, NoShow{Assignment: a.ID})
	require.ErrorIs(t, err, ErrNotMissable)
}

func TestWithdrawnOfferGoesToAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	near, far := w.member(&station), w.member(&harbour)
	a := w.offers(w.order())[0]
	require.Equal(t, near, a.Member)

	a, err := w.Withdraw(w.ctx, Withdraw{Assignment: a.ID, Reason: "better_known"})

	require.NoError(t, err)
	assert.Equal(t, Withdrawn, a.State)
	assert.EqualValues(t, 0, w.room(near))
	require.ErrorIs(t, w.accept(a), ErrNotAcceptable)
	w.tick()
	assert.Equal(t, []platform.ID{far}, w.asked(a.Order))
}

func TestEndOfAnOrderLetsEverybodyGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Policy) { p.FanOut = 2 })
	for range 3 {
		w.member(&station)
	}
	order := w.order(seats(2))
	offers := w.offers(order)
	require.Len(t, offers, 3, "two for the first seat, one for the second")
	require.NoError(t, w.accept(offers[0]))
	require.NoError(t, w.accept(offers[2]))
	for _, step := range w.steps()[:3] {
		_, err := step(as(offers[0].Member), offers[0].ID)
		require.NoError(t, err)
	}
	other := w.order(seats(2), starts(2*time.Hour))
	open := w.offers(other)
	require.NotEmpty(t, open)

	require.NoError(t, w.end(order))
	require.NoError(t, w.end(other))

	for _, a := range append(w.all(order), w.all(other)...) {
		switch a.ID {
		case offers[0].ID, offers[2].ID:
			assert.Equal(t, Released, a.State)
			assert.Equal(t, "customer", a.Fault)
		default:
			assert.Equal(t, Withdrawn, a.State)
			assert.Empty(t, a.Fault)
		}
		assert.EqualValues(t, 0, w.room(a.Member))
		_, err := w.staff.Duty().Vouch(w.ctx, nil, a.From, a.Until, a.Member)
		require.NoError(t, err)
	}
	assert.Equal(t, Closed, w.look(order, 1).State)
	assert.Equal(t, Closed, w.look(other, 1).State)
	w.later(24 * time.Hour)
	assert.Zero(t, w.tick())
	require.NoError(t, w.end(order), "nothing is left to let go")
	require.NoError(t, w.end(w.order()), "an order that dispatch has not seen")
}

func TestFinishedWorkOutlivesItsOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	a := w.accepted()
	for _, step := range w.steps() {
		_, err := step(as(a.Member), a.ID)
		require.NoError(t, err)
	}
	require.NoError(t, w.end(a.Order))
	a, err := w.Assignment(w.ctx, a.ID)
	require.NoError(t, err)
	assert.Equal(t, Finished, a.State)
}

// TestSearchOfAnOrderThatEndedElsewhereIsClosed: the order ended without a word
// to dispatch, as when the offer was on its way.
func TestSearchOfAnOrderThatEndedElsewhereIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	order := w.order()
	a := w.offers(order)[0]
	e, err := platform.Read[errand](w.ctx, w.db, "order", order)
	require.NoError(t, err)
	e.Ended = true
	w.put(e)

	require.ErrorIs(t, w.accept(a), errEnded)
	w.later(time.Minute)
	require.Equal(t, 2, w.tick(), "the offer expires, and the search ends")

	assert.Equal(t, Closed, w.look(order, 1).State)
	assert.Empty(t, w.events("order.unfilled"))
}

func TestAssignmentsAreSeenByThoseConcerned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	other := w.member(&harbour)
	order := w.order()
	offered := w.offers(order)[0]
	see := func(kind platform.ActorKind, who platform.ID) (Assignment, error) {
		return w.Assignment(platform.As(context.Background(), platform.Actor{ID: who, Kind: kind}), offered.ID)
	}
	check := func(customer string) {
		for name, c := range map[string]struct {
			kind platform.ActorKind
			who  platform.ID
			code string
		}{
			"operator":       {platform.Operator, "opr_desk", ""},
			"auditor":        {platform.Auditor, "aud_1", ""},
			"member":         {platform.Staff, offered.Member, ""},
			"other member":   {platform.Staff, other, "dispatch.assignment.not_found"},
			"merchant":       {platform.Merchant, id("mer", 1), ""},
			"other merchant": {platform.Merchant, id("mer", 2), "dispatch.assignment.not_found"},
			"customer":       {platform.Customer, id("cus", 1), customer},
			"other customer": {platform.Customer, id("cus", 2), "dispatch.assignment.not_found"},
		} {
			a, err := see(c.kind, c.who)
			require.Equal(t, c.code, platform.Code(err), name)
			if err != nil {
				continue
			}
			masked := c.kind != platform.Operator && c.kind != platform.Auditor
			assert.Equal(t, masked, a.Why.Others[0].Member == "", name)
			assert.Equal(t, "nearer_colleague", a.Why.Others[0].Code, name)
		}
	}
	check("dispatch.assignment.not_found") // told only once it is accepted
	require.NoError(t, w.accept(offered))
	check("")

	for name, c := range map[string]struct {
		ctx  context.Context
		q    Find
		code string
		n    int
	}{
		"own":           {as(offered.Member), Find{Member: offered.Member}, "", 1},
		"own, accepted": {as(offered.Member), Find{Member: offered.Member, State: Accepted}, "", 1},
		"own, offered":  {as(offered.Member), Find{Member: offered.Member, State: Offered}, "", 0},
		"another's":     {as(other), Find{Member: offered.Member}, "dispatch.actor_not_allowed", 0},
		"an order's":    {as(offered.Member), Find{Order: order, Member: offered.Member}, "dispatch.actor_not_allowed", 0},
		"zone":          {w.ctx, Find{Zone: w.zone}, "", 1},
		"all":           {w.ctx, Find{}, "", 1},
		"nobody":        {context.Background(), Find{}, "actor.missing", 0},
	} {
		page, err := w.Assignments(c.ctx, c.q)
		assert.Equal(t, c.code, platform.Code(err), name)
		assert.Len(t, page.Items, c.n, name)
	}
}

func TestCommandsNeedTheRightActor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	other := w.member(&harbour)
	a := w.offers(w.order())[0]
	merchant := platform.As(context.Background(), platform.Actor{ID: id("mer", 1), Kind: platform.Merchant})
	for name, c := range map[string]struct {
		call func() error
		code string
	}{
		"another accepts":  {func() error { _, err := w.Accept(as(other), Accept{Assignment: a.ID}); return err }, "dispatch.assignment.not_found"},
		"operator accepts": {func() error { _, err := w.Accept(w.ctx, Accept{Assignment: a.ID}); return err }, "dispatch.actor_not_allowed"},
		"merchant declines": {func() error {
			_, err := w.Decline(merchant, Decline{Assignment: a.ID, Reason: "other"})
			return err
		}, "dispatch.actor_not_allowed"},
		"member withdraws": {func() error {
			_, err := w.Withdraw(as(a.Member), Withdraw{Assignment: a.ID, Reason: "x"})
			return err
		}, "dispatch.actor_not_allowed"},
		"reason unknown": {func() error {
			_, err := w.Decline(as(a.Member), Decline{Assignment: a.ID, Reason: "bored"})
			return err
		}, "field.oneof"},
		"fault unknown": {func() error {
			_, err := w.Release(as(a.Member), Release{Assignment: a.ID, Reason: "x", Fault: "weather"})
			return err
		}, "field.oneof"},
		"malformed id": {func() error { _, err := w.Accept(as(a.Member), Accept{Assignment: "asg"}); return err }, "id.malformed"},
		"other id":     {func() error { _, err := w.Accept(as(a.Member), Accept{Assignment: a.Order}); return err }, "id.wrong_kind"},
		"unknown id":   {func() error { _, err := w.Accept(as(a.Member), Accept{Assignment: id("asg", 9)}); return err }, "dispatch.assignment.not_found"},
		"nobody":       {func() error { _, err := w.Accept(context.Background(), Accept{Assignment: a.ID}); return err }, "actor.missing"},
		"too early":    {func() error { _, err := w.EnRoute(as(a.Member), EnRoute{Assignment: a.ID}); return err }, "dispatch.not_in_order"},
		"release of an offer": {func() error {
			_, err := w.Release(as(a.Member), Release{Assignment: a.ID, Reason: "x", Fault: "staff"})
			return err
		}, "dispatch.not_releasable"},
	} {
		assert.Equal(t, c.code, platform.Code(c.call()), name)
	}
	got, err := w.Assignment(w.ctx, a.ID)
	require.NoError(t, err)
	assert.Equal(t, a, got, "no refused command changed anything")
}

func TestEligibilityIsJudgedAgainAtAcceptance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	member := w.member(&station)
	a := w.offers(w.order())[0]
	_, err := w.staff.Excuse(w.ctx, staff.Excuse{Member: member, From: noon, Until: noon.Add(time.Hour)})
	require.NoError(t, err)

	err = w.accept(a)

	require.ErrorIs(t, err, ErrNotEligible)
	assert.Equal(t, []string{"absent"}, platform.Details(err)["reasons"])
	assert.Empty(t, w.seat(a.Order, 1))
}

func TestOpenListsWhatTheActorMayDo(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"accept", "decline"}, Assignment{State: Offered}.Open(platform.Staff))
	assert.Equal(t, []string{"withdraw"}, Assignment{State: Offered}.Open(platform.Operator))
	assert.Equal(t, []string{"release"}, Assignment{State: Arrived}.Open(platform.Merchant))
	assert.Empty(t, Assignment{State: Finished}.Open(platform.Operator))
}
