package dispatch

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	relay "github.com/liangding/platform/store"
)

var _ relay.Sink = (*Service)(nil)

// owner is a ctx in which the merchant of the orders acts.
var owner = platform.As(context.Background(), platform.Actor{ID: id("mer", 1), Kind: platform.Merchant})

// tell commits an event of an order, as order itself would.
func (w *world) tell(ctx context.Context, order platform.ID, what string) {
	w.t.Helper()
	_, err := platform.Update(ctx, w.w, seed{order}, func(context.Context) (string, []platform.Change, error) {
		return "", []platform.Change{platform.Happened(what, orderRef(order), nil)}, nil
	})
	require.NoError(w.t, err)
}

// relay hands the events to the service.
func (w *world) relay() *relay.Relay {
	return &relay.Relay{Outbox: w.db, Sinks: map[string]relay.Sink{"dispatch": w.Service}, Now: w.w.Now}
}

func TestAssignmentsFollowTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Policy) { p.FanOut = 2 })
	for range 4 {
		w.member(&station)
	}
	order := w.order(seats(2))
	for _, a := range w.offers(order)[:3] {
		_ = w.accept(a)
	}
	held := func() (states []State) {
		for _, a := range w.all(order) {
			if a.State != Withdrawn {
				states = append(states, a.State)
			}
		}
		return states
	}
	require.Equal(t, []State{Accepted, Accepted}, held())
	_, err := w.EnRoute(w.ctx, EnRoute{Assignment: w.seat(order, 1)})
	require.NoError(t, err)

	events := w.relay()
	for _, c := range []struct {
		what string
		want State
	}{{"order.started", Working}, {"order.delivered", Finished}, {"order.started", Finished}, {"order.completed", Finished}} {
		w.tell(owner, order, c.what)
		_, err := events.Drain(w.ctx)
		require.NoError(t, err)
		assert.Equal(t, []State{c.want, c.want}, held(), c.what)
	}

	assert.Len(t, w.events("assignment.working"), 2)
	assert.Len(t, w.events("assignment.done"), 2)
	require.NoError(t, w.Publish(w.ctx, w.events("order.delivered")), "told twice")
	assert.Len(t, w.events("assignment.done"), 2)
}

func TestOneMemberStartsForItselfOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	w.member(&station)
	order := w.order(seats(2))
	offers := w.offers(order)
	for _, a := range offers {
		require.NoError(t, w.accept(a))
	}

	w.tell(as(offers[0].Member), order, "order.started")
	require.NoError(t, w.Publish(w.ctx, w.events("order.started")))

	for i, want := range []State{Working, Accepted} {
		a, err := w.Assignment(w.ctx, offers[i].ID)
		require.NoError(t, err)
		assert.Equal(t, want, a.State)
	}
}

func TestOrdersWithoutStaffLeadNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	offered, unknown := w.offers(w.order())[0], w.order()
	for _, order := range []platform.ID{offered.Order, unknown} {
		w.tell(owner, order, "order.started")
		w.tell(owner, order, "order.delivered")
	}

	_, err := w.relay().Drain(w.ctx)

	require.NoError(t, err)
	a, err := w.Assignment(w.ctx, offered.ID)
	require.NoError(t, err)
	assert.Equal(t, Offered, a.State, "an offer that nobody accepted works on nothing")
}

func TestWhoWorksForTheOrderIsFreeForTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(&station)
	a := w.accepted()
	w.tell(owner, a.Order, "order.completed")
	require.NoError(t, w.Publish(w.ctx, w.events("order.completed")))

	a, err := w.Assignment(w.ctx, a.ID)

	require.NoError(t, err)
	assert.Equal(t, Finished, a.State)
	assert.Equal(t, w.events("order.completed")[0].At, a.Steps[len(a.Steps)-1].At)
}
