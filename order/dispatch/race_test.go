package dispatch

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// TestE14OneOfManyWhoAcceptASeatGetsIt: each of 32 members has an offer of one
// seat, more than any policy makes, and all say yes at once.
func TestE14OneOfManyWhoAcceptASeatGetsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	order := w.order()
	search := newSearch(order, 1, w.policy, noon, noon)
	var offers []Assignment
	records := []platform.Stored{}
	for range 32 {
		a := Assignment{
			Head: platform.Head{ID: w.w.NewChild("asg", order)}, State: Offered, Order: order, Seat: 1, Member: w.member(nil),
			Zone: w.zone, From: noon, Until: noon.Add(time.Hour), Offered: noon, Due: noon.Add(time.Minute),
		}
		search.Asked = append(search.Asked, Asked{Assignment: a.ID, Member: a.Member, Due: a.Due})
		offers, records = append(offers, a), append(records, a)
	}
	w.put(append(records, search)...)

	errs := together(32, func(i int) error { return w.accept(offers[i]) })

	winners := passed(errs)
	require.Len(t, winners, 1)
	assert.Equal(t, offers[winners[0]].ID, w.seat(order, 1))
	for i, err := range errs {
		if i == winners[0] {
			continue
		}
		require.ErrorIs(t, err, ErrSeatTaken, "every loser gets a true answer")
		a, err := w.Assignment(w.ctx, offers[i].ID)
		require.NoError(t, err)
		assert.Equal(t, Withdrawn, a.State)
	}
	assert.Len(t, w.events("assignment.accepted"), 1)
}

func TestOneAcceptanceOfManyByOneMemberCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	order := w.order()
	a := w.offers(order)[0]

	errs := together(32, func(int) error { return w.accept(a) })

	require.Len(t, passed(errs), 1)
	for _, err := range errs {
		if err != nil {
			require.ErrorIs(t, err, ErrNotAcceptable)
			assert.Equal(t, string(Accepted), platform.Details(err)["state"])
		}
	}
}

// meddled is a store that lets something happen between two readings, once.
type meddled struct {
	Store
	after func()
}

func (m *meddled) Search(ctx context.Context, id platform.ID) (Search, error) {
	s, err := m.Store.Search(ctx, id)
	if once := m.after; once != nil {
		m.after = nil
		once()
	}
	return s, err
}

func TestSiblingThatAnswersMeanwhileStopsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Policy) { p.FanOut = 2 })
	w.member(&station)
	w.member(&station)
	order := w.order()
	offers := w.offers(order)
	twin := New(w.w, w.store, w.ports, nil)
	w.store = &meddled{Store: w.store, after: func() {
		_, err := twin.Decline(as(offers[1].Member), Decline{Assignment: offers[1].ID, Reason: "break"})
		require.NoError(t, err)
	}}

	require.NoError(t, w.accept(offers[0]))

	assert.Equal(t, offers[0].ID, w.seat(order, 1))
	a, err := w.Assignment(w.ctx, offers[1].ID)
	require.NoError(t, err)
	assert.Equal(t, Declined, a.State)
}

// swift is Orders that lets something happen before a seat is filled, once.
type swift struct {
	errands
	before func()
}

func (o *swift) Fill(ctx context.Context, order platform.ID, seat int, assignment, member platform.ID, at time.Time) ([]platform.Change, error) {
	if once := o.before; once != nil {
		o.before = nil
		once()
	}
	return o.errands.Fill(ctx, order, seat, assignment, member, at)
}

// The twin must not hear that somebody else took the seat.
func TestTwinOfAnAcceptanceIsToldThatItIsAccepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	a := w.offers(w.order())[0]
	w.ports.Orders = &swift{errands: errands{w.db}, before: func() { require.NoError(t, w.accept(a)) }}

	err := w.accept(a)

	require.ErrorIs(t, err, ErrNotAcceptable)
	assert.Equal(t, string(Accepted), platform.Details(err)["state"])
}

func TestRepeatsUnderOneKeyGetTheSameAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	a := w.offers(w.order())[0]
	ctx := platform.WithKey(as(a.Member), "yes")

	answers := make([]Assignment, 16)
	errs := together(16, func(i int) (err error) {
		answers[i], err = w.Accept(ctx, Accept{Assignment: a.ID})
		return err
	})

	require.Len(t, passed(errs), 16)
	for _, answer := range answers {
		assert.Equal(t, answers[0], answer)
	}
	assert.Len(t, w.events("assignment.accepted"), 1)
}

func TestE16MemberGetsOneOfTwoOverlappingOrders(t *testing.T) {
	t.Parallel()
	for range 8 {
		w := newWorld(t)
		member := w.member(&station)
		var offers []Assignment
		for _, order := range []platform.ID{w.order(), w.order(starts(30 * time.Minute))} {
			a, err := w.Offer(w.ctx, Offer{Order: order, Seat: 1, Member: member})
			require.NoError(t, err)
			offers = append(offers, a)
		}

		errs := together(2, func(i int) error { return w.accept(offers[i]) })

		winners := passed(errs)
		require.Len(t, winners, 1)
		loser := 1 - winners[0]
		require.ErrorIs(t, errs[loser], ErrOverlap)
		assert.Equal(t, "order.assignment_overlap", platform.Code(errs[loser]))
		assert.Empty(t, w.seat(offers[loser].Order, 1))
		a, err := w.Assignment(w.ctx, offers[loser].ID)
		require.NoError(t, err)
		assert.Equal(t, Offered, a.State, "a refused command changes nothing")
	}
}

func TestTwoPlannersOfferASeatOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 4 {
		w.member(&station)
	}
	order := w.order()

	errs := together(16, func(int) error {
		_, err := w.DispatchOrder(w.ctx, DispatchOrder{Order: order})
		return err
	})

	assert.Len(t, passed(errs), 16)
	assert.Len(t, w.all(order), 1)
}

func TestManyTicksFireEachDeadlineOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var orders []platform.ID
	for range 6 {
		w.member(&station)
		orders = append(orders, w.order())
	}
	_, err := w.Dispatch(w.ctx, Dispatch{Orders: orders})
	require.NoError(t, err)
	now := w.later(time.Minute)

	errs := together(8, func(int) error {
		_, err := w.Tick(context.Background(), now, 0)
		return err
	})

	assert.Len(t, passed(errs), 8)
	assert.Len(t, w.events("assignment.expired"), 6)
	for _, order := range orders {
		assert.LessOrEqual(t, len(w.all(order)), 2)
		assert.LessOrEqual(t, w.look(order, 1).Round, 2)
	}
}

func TestAcceptanceAgainstTheEndOfTheOrderHasOneOutcome(t *testing.T) {
	t.Parallel()
	for range 16 {
		w := newWorld(t)
		member := w.member(&station)
		order := w.order()
		a := w.offers(order)[0]

		errs := together(2, func(i int) error {
			if i == 0 {
				return w.end(order)
			}
			return w.accept(a)
		})

		require.NoError(t, errs[0])
		if errs[1] != nil {
			ended := errors.Is(errs[1], errEnded) || errors.Is(errs[1], ErrNotAcceptable)
			require.True(t, ended, "%v", errs[1])
		}
		a, err := w.Assignment(w.ctx, a.ID)
		require.NoError(t, err)
		assert.Contains(t, []State{Withdrawn, Released}, a.State)
		assert.Equal(t, errs[1] == nil, a.State == Released)
		assert.EqualValues(t, 0, w.room(member))
		reasons, err := w.staff.Duty().Vouch(w.ctx, nil, noon, noon.Add(time.Hour), member)
		require.NoError(t, err, "the member is free again")
		assert.NotEmpty(t, reasons)
	}
}
