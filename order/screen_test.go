package order_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// hurdle is a screening during which something else happens.
type hurdle struct {
	*screen
	meanwhile func()
}

func (h hurdle) Screen(ctx context.Context, ev platform.Event) (string, []platform.Change, error) {
	h.meanwhile()
	return h.screen.Screen(ctx, ev)
}

func TestABlockedOrderLeavesTheDecisionAndNothingElse(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.screen.outcome = "block"
	_, err := h.place(h.list(nil), nil)

	require.ErrorIs(t, err, order.ErrBlocked)
	require.ErrorIs(t, err, platform.ErrDenied)
	assert.Empty(t, platform.Details(err), "no rule is told")
	require.Len(t, h.screen.asked, 1)
	assert.Equal(t, []string{"screen.decided", "order.blocked"}, types(h.events(h.screen.asked[0].Subject)))
	_, err = h.store.Order(context.Background(), h.screen.asked[0].Subject.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
}

func TestARepeatIsScreenedUnderTheSameId(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	in := order.Place{Lines: []order.PlaceLine{{Listing: listing, Quantity: 1}}, Total: cny("100")}
	once, err := h.orders.Place(platform.WithKey(as(customer), "k1"), in)
	require.NoError(t, err)
	_, err = h.orders.Place(platform.WithKey(as(customer), "k1"), in)
	require.NoError(t, err)
	h.takeDown(listing)

	again, err := h.orders.Place(platform.WithKey(as(customer), "k1"), in)

	require.NoError(t, err, "what happened stays true")
	assert.Equal(t, once, again)
	_, err = h.orders.Place(platform.WithKey(as(stranger), "k1"), in)
	assert.Equal(t, "order.listing_not_live", platform.Code(err), "a key is its actor's own")
	require.Len(t, h.screen.asked, 2)
	for _, ev := range h.screen.asked {
		assert.Equal(t, h.screen.asked[0].ID, ev.ID)
	}
	var facts map[string]any
	require.NoError(t, json.Unmarshal(h.screen.asked[0].Data, &facts))
	assert.Equal(t, string(customer.ID), facts["customer"])
	assert.Equal(t, string(merchant.ID), facts["merchant"])

	_, err = h.orders.Place(as(customer), order.Place{Lines: []order.PlaceLine{{Listing: h.list(nil), Quantity: 1}}, Total: cny("100")})
	require.NoError(t, err)
	assert.NotEqual(t, h.screen.asked[0].ID, h.screen.asked[2].ID, "without a key each is its own")

	in.Lines[0].Quantity = 2
	_, err = h.orders.Place(platform.WithKey(as(customer), "k1"), in)
	assert.Equal(t, "key.reused", platform.Code(err))
}

func TestAnOrderUnderReviewWaitsThoughItIsPaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		outcome  string
		paid     bool
		state    order.State
		refunded string
	}{
		{"allow", true, order.Confirmed, "0"},
		{"allow", false, order.AwaitingPayment, "0"},
		{"reject", true, order.Declined, "100"},
		{"reject", false, order.Declined, "0"},
	} {
		h := open(t, nil)
		h.screen.outcome = "review"
		o := h.placed(h.list(nil))
		if c.paid {
			require.NoError(t, h.pay(o.ID, cny("100")))
			h.clock.pass(5 * 60 * 1e9)
			assert.Equal(t, order.AwaitingPayment, h.read(o.ID).State)
		}
		_, err := h.orders.ClearReview(as(customer), order.ClearReview{Order: o.ID, Outcome: "allow", Reason: "please"})
		require.ErrorIs(t, err, platform.ErrDenied)

		o, err = h.orders.ClearReview(as(operator), order.ClearReview{Order: o.ID, Outcome: c.outcome, Reason: "checked"})

		require.NoError(t, err)
		assert.Equal(t, c.state, o.State)
		assert.Equal(t, cny(c.refunded), o.Reserved)
		_, err = h.orders.ClearReview(as(operator), order.ClearReview{Order: o.ID, Outcome: c.outcome, Reason: "checked"})
		assert.Equal(t, "order.not_clearable", platform.Code(err), "a review ends once")
	}
}

func TestWhatIsScreenedIsWhatIsPaid(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	h.ports.Screen = hurdle{h.screen, func() { h.reprice(listing, "900") }}
	h.orders = order.New(h.w, h.store, h.ports, nil)

	o, err := h.orders.Place(as(customer), order.Place{Lines: []order.PlaceLine{{Listing: listing, Quantity: 1}}, Total: cny("900")})

	require.NoError(t, err)
	var facts struct{ Amount platform.Money }
	require.NoError(t, json.Unmarshal(h.screen.asked[0].Data, &facts))
	assert.Equal(t, o.Total, facts.Amount, "though the price rose in between")
}
