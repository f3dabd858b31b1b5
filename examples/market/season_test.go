package market_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
)

// A demo's season ends at its moment, with its payouts paid and its books sound,
// and leaves orders for each of its people.
func TestADemosSeasonIsWholeTrade(t *testing.T) {
	t.Parallel()
	clock := &market.Clock{}
	var m *market.Market
	deliver := func(ctx context.Context, header map[string][]string, body []byte) error {
		return m.Payments.Receive(ctx, "sandbox", header, body)
	}
	m, err := market.Open(memory.New(market.Kinds(), nil), &market.Options{Now: clock.Now, Sandbox: sandbox.Options{Deliver: deliver}})
	require.NoError(t, err)
	until := time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC)
	clock.Set(until.AddDate(0, 0, -21))
	c, err := m.Demo(t.Context())
	require.NoError(t, err)

	require.NoError(t, m.Season(t.Context(), c, clock, until))

	assert.Equal(t, until, clock.Now())
	operator := platform.As(t.Context(), c.Operator)
	counts := map[order.State]int{}
	page, err := m.Orders.Orders(operator, order.Query{})
	require.NoError(t, err)
	for _, o := range page.Items {
		counts[o.State]++
	}
	assert.Subset(t, counts, map[order.State]int{"delivered": 1, "in_progress": 1, "confirmed": 1, "awaiting_payment": 1}, "%v", counts)
	next := page.Items[slices.IndexFunc(page.Items, func(o order.Order) bool { return o.State == order.Confirmed })]
	found, err := m.Dispatch.DispatchOrder(operator, dispatch.DispatchOrder{Order: next.ID})
	require.NoError(t, err)
	assert.Len(t, found.Offers, 1, "whoever orders first finds somebody free")
	payouts, err := m.Payouts.Payouts(operator, settlement.PayoutQuery{})
	require.NoError(t, err)
	require.NotEmpty(t, payouts.Items)
	wrong, err := m.VerifyBooks(t.Context())
	require.NoError(t, err)
	assert.Empty(t, wrong)
}
