package dispatch

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/staff"
)

func TestNearestMemberGetsTheOfferAndTheSeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	far, near := w.member(&harbour), w.member(&station)
	w.member(&suburb)
	order := w.order()

	offers := w.offers(order)

	require.Len(t, offers, 1)
	a := offers[0]
	assert.Equal(t, near, a.Member)
	assert.Equal(t, noon.Add(time.Minute), a.Due)
	assert.Equal(t, 1, a.Round)
	assert.Len(t, a.Why.Plan, 64)
	assert.Equal(t, map[string]int{"nearer_colleague": 1, "beyond_radius": 1}, a.Why.Counts)
	assert.Equal(t, far, a.Why.Others[0].Member)
	assert.EqualValues(t, 1, w.room(near))
	assert.Empty(t, w.seat(order, 1), "an offer fills no seat")
	assert.Len(t, w.events("assignment.offered"), 1)

	require.NoError(t, w.accept(a))

	assert.Equal(t, a.ID, w.seat(order, 1))
	assert.EqualValues(t, 0, w.room(near))
	assert.Equal(t, Filled, w.look(order, 1).State)
	reasons, err := w.staff.Reasons(w.ctx, staff.Ask{Member: near, From: noon, Until: noon.Add(time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, []string{"overlap"}, reasons)
	assert.Empty(t, w.offers(order), "nothing is open")
}

func TestSeatWithAnOpenOfferIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&harbour)
	w.member(&station)
	order := w.order()

	require.Len(t, w.offers(order), 1)
	assert.Empty(t, w.offers(order))
	assert.Len(t, w.all(order), 1)
}

func TestDeclineGoesToTheNextNearest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	far, near := w.member(&harbour), w.member(&station)
	order := w.order()

	w.decline(w.offers(order)[0])
	assert.Empty(t, w.asked(order))
	assert.EqualValues(t, 0, w.room(near))
	require.Equal(t, 1, w.tick())

	assert.Equal(t, []platform.ID{far}, w.asked(order))
	again := w.all(order)[1]
	assert.Equal(t, 2, again.Round)
	assert.Equal(t, map[string]int{"cool_down": 1}, again.Why.Counts)
}

func TestExpiredOfferGoesToTheNextNearest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	far, near := w.member(&harbour), w.member(&station)
	order := w.order()
	first := w.offers(order)[0]

	w.later(time.Minute - 1)
	require.Zero(t, w.tick())
	w.later(1)
	require.Equal(t, 2, w.tick(), "the offer expires and the next round begins")

	assert.Equal(t, []platform.ID{far}, w.asked(order))
	first, err := w.Assignment(w.ctx, first.ID)
	require.NoError(t, err)
	assert.Equal(t, Expired, first.State)
	assert.Equal(t, "no_answer", first.Reason)
	assert.EqualValues(t, 0, w.room(near))
}

func TestExpiredOfferIsRefusedThoughNoTickHasRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	order := w.order()
	a := w.offers(order)[0]

	w.later(time.Minute)

	require.ErrorIs(t, w.accept(a), ErrOfferExpired)
	_, err := w.Decline(as(a.Member), Decline{Assignment: a.ID, Reason: "break"})
	require.ErrorIs(t, err, ErrOfferExpired)
	w.tick()
	require.ErrorIs(t, w.accept(a), ErrOfferExpired, "nor after it")
	assert.Empty(t, w.seat(order, 1))
}

func TestTickAfterAcceptanceIsNoOp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	order := w.order()
	a := w.offers(order)[0]
	require.NoError(t, w.accept(a))

	w.later(time.Hour)

	assert.Zero(t, w.tick())
	assert.Equal(t, a.ID, w.seat(order, 1))
}

func TestOrderIsUnfilledAfterItsRounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Policy) { p.Rounds = 2 })
	w.member(&harbour)
	w.member(&station)
	w.member(&square)
	order := w.order()

	w.decline(w.offers(order)[0])
	w.tick()
	w.decline(w.all(order)[1])
	require.Empty(t, w.events("order.unfilled"))
	require.Equal(t, 1, w.tick())

	events := w.events("order.unfilled")
	require.Len(t, events, 1)
	assert.Equal(t, orderRef(order), events[0].Subject)
	assert.Equal(t, Unfilled, w.look(order, 1).State)
	w.later(time.Hour)
	assert.Zero(t, w.tick(), "it is in the operators' hands")
	assert.Len(t, w.all(order), 2)
}

func TestSearchThatFindsNobodyIsGivenUpAfterMaxWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&suburb)
	order := w.order()

	d, err := w.DispatchOrder(w.ctx, DispatchOrder{Order: order})
	require.NoError(t, err)
	assert.Equal(t, []Left{{Order: order, Seat: 1, Code: "far"}}, d.Left)
	rounds := 0
	for w.look(order, 1).State == Searching {
		w.later(30 * time.Second)
		rounds += w.tick()
		require.Less(t, rounds, 100)
	}

	assert.Equal(t, noon.Add(10*time.Minute), w.now())
	assert.Equal(t, 10, rounds, "one a minute, the last of them gives up")
	assert.Len(t, w.events("dispatch.searched"), 10, "the first by hand")
	assert.Len(t, w.events("order.unfilled"), 1)
}

func TestSearchFindsWhoComesOnDutyLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	order := w.order()
	assert.Empty(t, w.offers(order))
	late := w.member(&station)

	w.later(time.Minute)
	w.tick()

	assert.Equal(t, []platform.ID{late}, w.asked(order))
}

func TestUnfilledOrderIsTakenUpByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Policy) { p.Rounds = 1 })
	order := w.order()
	w.decline(func() Assignment { w.member(&station); return w.offers(order)[0] }())
	w.tick()
	require.Equal(t, Unfilled, w.look(order, 1).State)
	other := w.member(&harbour)
	d, err := w.DispatchOrder(w.system(w.ctx), DispatchOrder{Order: order})
	require.NoError(t, err)
	require.Empty(t, d.Offers, "the platform itself leaves it alone")

	a, err := w.Offer(w.ctx, Offer{Order: order, Seat: 1, Member: other})

	require.NoError(t, err)
	assert.Zero(t, a.Round)
	assert.Empty(t, a.Why.Plan)
	assert.Equal(t, Searching, w.look(order, 1).State)
	require.NoError(t, w.accept(a))
}

func TestUnfilledOrderIsDispatchedAgainByAnOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Policy) { p.Rounds = 1 })
	w.member(&station)
	order := w.order()
	w.decline(w.offers(order)[0])
	require.Empty(t, w.offers(order), "its rounds are over")
	w.tick()
	other := w.member(&harbour)

	a := w.offers(order)[0]

	assert.Equal(t, other, a.Member)
	assert.Equal(t, 1, a.Round, "the rounds begin anew")
}

func TestPlannedWorkHasItsOwnDeadlines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	far := w.member(&suburb)
	order := w.order(starts(5 * time.Hour))

	a := w.offers(order)[0]

	assert.Equal(t, far, a.Member, "where somebody is now plays no part")
	assert.Equal(t, noon.Add(30*time.Minute), a.Due)
	assert.Equal(t, noon.Add(3*time.Hour), w.look(order, 1).Until)
	w.decline(a)
	w.tick()
	assert.Equal(t, noon.Add(15*time.Minute), w.look(order, 1).Due, "nobody else is there")
}

func TestWorkIsSharedAmongThoseWhoAreAsNear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := map[platform.ID]int{}
	for range 3 {
		w.member(&square)
	}
	for i := range 9 {
		order := w.order(starts(time.Duration(24+2*(i%3))*time.Hour), seats(1))
		a := w.offers(order)[0]
		require.NoError(t, w.accept(a))
		got[a.Member]++
	}
	for member, n := range got {
		assert.Equal(t, 3, n, member)
	}
	assert.Len(t, got, 3)
}

func TestFanOutAsksSeveralAndTheFirstWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Policy) { p.FanOut = 3 })
	for range 4 {
		w.member(&station)
	}
	order := w.order()
	offers := w.offers(order)
	require.Len(t, offers, 3)

	require.NoError(t, w.accept(offers[1]))

	require.ErrorIs(t, w.accept(offers[0]), ErrSeatTaken)
	for _, a := range w.all(order) {
		want := Withdrawn
		if a.ID == offers[1].ID {
			want = Accepted
		}
		assert.Equal(t, want, a.State)
		assert.EqualValues(t, 0, w.room(a.Member))
	}
	assert.Len(t, w.events("assignment.withdrawn"), 2)
}

func TestNextRoundWaitsForAllOffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Policy) { p.FanOut = 2 })
	for range 3 {
		w.member(&station)
	}
	order := w.order()
	offers := w.offers(order)
	w.decline(offers[0])
	require.Zero(t, w.tick())
	w.decline(offers[1])
	require.Equal(t, 1, w.tick())
	assert.Len(t, w.asked(order), 1)
}

func TestSeveralSeatsGoToSeveralMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Policy) { p.Every = 30 * time.Second })
	w.member(&harbour)
	w.member(&station)
	order := w.order(seats(3))

	d, err := w.DispatchOrder(w.ctx, DispatchOrder{Order: order})
	require.NoError(t, err)

	require.Len(t, d.Offers, 2)
	assert.NotEqual(t, d.Offers[0].Member, d.Offers[1].Member)
	assert.Equal(t, []Left{{Order: order, Seat: 3, Code: "busy"}}, d.Left)
	w.later(30 * time.Second)
	require.Equal(t, 1, w.tick())
	assert.Len(t, w.all(order), 2, "nobody is asked for a second seat while the first offer stands")
}

func TestBatchAnswersForEachOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	w.member(&harbour)
	first, ended, unknown, bad, second := w.order(), w.order(), id("ord", 99), w.order(func(e *errand) { e.Place = &Place{} }), w.order()
	require.NoError(t, w.end(ended))

	all, err := w.Dispatch(w.ctx, Dispatch{Orders: []platform.ID{first, ended, unknown, bad, second}})

	require.NoError(t, err)
	require.Len(t, all, 5)
	assert.Len(t, all[0].Offers, 1)
	assert.Equal(t, "order.not_staffable", all[1].Code)
	assert.Equal(t, "order.not_found", all[2].Code)
	assert.Equal(t, []Left{{Order: bad, Seat: 1, Code: "place"}}, all[3].Left)
	assert.Len(t, all[4].Offers, 1)
	assert.NotEqual(t, all[0].Offers[0].Member, all[4].Offers[0].Member)
	assert.Equal(t, all[0].Offers[0].Why.Plan, all[4].Offers[0].Why.Plan, "one plan")
}

func TestFullMemberIsPassedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	near, far := w.member(&square), w.member(&harbour)
	for range 2 {
		require.Equal(t, near, w.offers(w.order())[0].Member)
	}
	third := w.order()

	a := w.offers(third)[0]

	assert.Equal(t, far, a.Member)
	assert.Equal(t, map[string]int{"quota": 1}, a.Why.Counts)
	assert.EqualValues(t, 2, w.room(near))
	_, err := w.Offer(w.ctx, Offer{Order: w.order(), Seat: 1, Member: near})
	require.ErrorIs(t, err, ErrQuota)
}

func TestOfferByHandHasTheSameGuards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	able, booked, away := w.member(&station), w.member(&station), w.member(&station)
	_, err := w.staff.PlaceHold(w.ctx, staff.PlaceHold{Member: away, Reason: "safety"})
	require.NoError(t, err)
	other := w.order()
	a, err := w.Offer(w.ctx, Offer{Order: other, Seat: 1, Member: booked})
	require.NoError(t, err)
	require.NoError(t, w.accept(a))
	order, ended, late := w.order(), w.order(), w.order(starts(12*time.Hour))
	require.NoError(t, w.end(ended))
	declined, err := w.Offer(w.ctx, Offer{Order: late, Seat: 1, Member: able})
	require.ErrorIs(t, err, ErrNotEligible, "at midnight")
	assert.Equal(t, []string{"no_shift"}, platform.Details(err)["reasons"])
	assert.Empty(t, declined.ID)
	skilled := w.order(func(e *errand) { e.Need = []string{"massage:2"} })
	elsewhere := w.order(func(e *errand) { e.Zone = id("zon", 9) })
	resting := w.order()
	a, err = w.Offer(w.ctx, Offer{Order: resting, Seat: 1, Member: able})
	require.NoError(t, err)
	w.decline(a)

	for name, c := range map[string]struct {
		ctx  context.Context
		in   Offer
		code string
	}{
		"filled":         {w.ctx, Offer{other, 1, able}, "order.seat_taken"},
		"no such seat":   {w.ctx, Offer{order, 2, able}, "order.seat_taken"},
		"ended":          {w.ctx, Offer{ended, 1, able}, "order.not_staffable"},
		"booked":         {w.ctx, Offer{order, 1, booked}, "order.assignment_overlap"},
		"on hold":        {w.ctx, Offer{order, 1, away}, "dispatch.not_eligible"},
		"unskilled":      {w.ctx, Offer{skilled, 1, able}, "dispatch.not_eligible"},
		"other zone":     {w.ctx, Offer{elsewhere, 1, able}, "dispatch.not_eligible"},
		"declined":       {w.ctx, Offer{resting, 1, able}, "dispatch.cool_down"},
		"unknown":        {w.ctx, Offer{order, 1, id("stf", 77)}, "staff.member.not_found"},
		"unknown order":  {w.ctx, Offer{id("ord", 77), 1, able}, "order.not_found"},
		"by staff":       {as(able), Offer{order, 1, able}, "dispatch.actor_not_allowed"},
		"seat zero":      {w.ctx, Offer{order, 0, able}, "field.min"},
		"malformed":      {w.ctx, Offer{"ord_1", 1, able}, "id.malformed"},
		"another's kind": {w.ctx, Offer{able, 1, able}, "id.wrong_kind"},
		"nobody":         {context.Background(), Offer{order, 1, able}, "actor.missing"},
	} {
		_, err := w.Offer(c.ctx, c.in)
		assert.Equal(t, c.code, platform.Code(err), "%s: %v", name, err)
	}
	assert.Empty(t, w.all(order))
	w.later(10 * time.Minute)
	_, err = w.Offer(w.ctx, Offer{Order: resting, Seat: 1, Member: able})
	require.NoError(t, err, "rested")
}

func TestSeatHasTenOpenOffersAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	order := w.order()
	for range 10 {
		_, err := w.Offer(w.ctx, Offer{Order: order, Seat: 1, Member: w.member(nil)})
		require.NoError(t, err)
	}
	_, err := w.Offer(w.ctx, Offer{Order: order, Seat: 1, Member: w.member(nil)})
	require.ErrorIs(t, err, ErrSeatOffered)
}

func TestE32BarredMemberIsNotAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	near, far := w.member(&square), w.member(&harbour)
	_, err := w.staff.Bar(w.ctx, staff.Bar{Member: near, Party: id("cus", 1), Reason: "asked"})
	require.NoError(t, err)

	assert.Equal(t, far, w.offers(w.order())[0].Member)
}

func TestOnlyTheOfficeDispatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	order := w.order()
	_, err := w.DispatchOrder(as(id("stf", 1)), DispatchOrder{Order: order})
	assert.Equal(t, "dispatch.actor_not_allowed", platform.Code(err))
	_, err = w.Dispatch(context.Background(), Dispatch{Orders: []platform.ID{order}})
	assert.Equal(t, "actor.missing", platform.Code(err))
	for _, orders := range [][]platform.ID{nil, {order, order}, {"x"}, make([]platform.ID, 501)} {
		_, err = w.Dispatch(w.ctx, Dispatch{Orders: orders})
		require.ErrorIs(t, err, platform.ErrInvalid)
	}
}

func TestPolicyOutsideItsRangesOffersNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Policy) { p.Rounds = 100 })
	member, order := w.member(&station), w.order()
	_, err := w.DispatchOrder(w.ctx, DispatchOrder{Order: order})
	assert.Equal(t, "policy.range", platform.Code(err))
	_, err = w.Offer(w.ctx, Offer{Order: order, Seat: 1, Member: member})
	assert.Equal(t, "policy.range", platform.Code(err))
}

// muddled answers needs that make no sense.
type muddled struct {
	errands
	text string
}

func (m muddled) Need(context.Context, platform.ID) (json.RawMessage, []platform.Change, error) {
	return json.RawMessage(m.text), nil, nil
}

func TestNeedThatMakesNoSenseIsUnavailable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	order := w.order()
	for _, text := range []string{"", "[]", "{}", `{"order":"` + string(order) + `","from":"2026-03-02T12:00:00Z","until":"2026-03-02T12:00:00Z"}`} {
		w.ports.Orders = muddled{errands{w.db}, text}
		_, err := w.DispatchOrder(w.ctx, DispatchOrder{Order: order})
		assert.Equal(t, "dispatch.need_unreadable", platform.Code(err), text)
		require.ErrorIs(t, err, platform.ErrUnavailable)
	}
}
