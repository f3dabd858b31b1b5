package market_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance/fee"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/risk"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/storetest"
)

// charging is a stall that counts its merchants' volumes, and opens on 1 March.
func charging(t *testing.T) *stall {
	t.Helper()
	s := &stall{t: t, engine: memory.New(market.Kinds(), nil), clock: storetest.NewClock(time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC))}
	var err error
	s.Market, err = market.Open(s.engine, &market.Options{Now: s.clock.Now, Fees: fee.Terms{Volumes: true}})
	require.NoError(t, err)
	s.cast, err = s.Demo(t.Context())
	require.NoError(t, err)
	return s
}

// publish puts rules in force ten days from now.
func (s *stall) publish(until time.Time, rules ...fee.Rule) {
	s.t.Helper()
	d, err := s.Fees.Draft(s.as(s.cast.Operator), fee.Draft{
		Name: "standard", Currency: s.cast.Price.Currency(), From: s.clock.Now().Add(10 * 24 * time.Hour), Until: until,
		Components: []fee.Component{{Name: "commission", Rules: rules}},
	})
	require.NoError(s.t, err)
	_, err = s.Fees.Publish(s.as(s.cast.Second), fee.Publish{Schedule: d.ID})
	require.NoError(s.t, err)
}

// F22: somebody is called when a schedule goes on without a successor.
func TestAScheduleWithoutSuccessorCallsSomebody(t *testing.T) {
	t.Parallel()
	s := charging(t)
	s.publish(s.clock.Now().Add(20*24*time.Hour), fee.Rule{ID: "all", Rate: decimal.New(5, -2)})
	s.tick(20 * 24 * time.Hour)
	s.tick(time.Minute)
	page, err := s.Risk.Alerts(s.as(s.cast.Operator), risk.AlertFiring, "", 0)
	require.NoError(t, err)
	var names []string
	for _, a := range page.Items {
		names = append(names, a.Indicator)
	}
	assert.Contains(t, names, "fees_continued")
	o, err := s.Orders.Order(s.as(s.cast.Operator), s.place("after"))
	require.NoError(t, err)
	assert.Equal(t, []any{"standard-2", platform.MustMoney("9", "CNY")}, []any{o.FeeVersion, o.Lines[0].Fee})
}

// A sale counts once for its month, and what is refunded of it still does.
func TestCompletedOrdersMakeTheVolumeOfTheirMonth(t *testing.T) {
	t.Parallel()
	s := charging(t)
	s.publish(time.Time{}, fee.Rule{ID: "all", By: fee.Volume, Tiers: []fee.Tier{
		{From: platform.MustMoney("0", "CNY"), Rate: decimal.New(10, -2)}, {From: platform.MustMoney("180", "CNY"), Rate: decimal.New(5, -2)},
	}})
	s.tick(11 * 24 * time.Hour)
	first := s.place("first")
	s.pay(first)
	s.deliver(first)
	_, err := s.Orders.RequestRefund(s.as(s.cast.Customer), order.RequestRefund{Order: first, Reason: "late"})
	require.NoError(t, err)
	fee := func(key string) platform.Money {
		o, err := s.Orders.Order(s.as(s.cast.Operator), s.place(key))
		require.NoError(t, err)
		return o.Lines[0].Fee
	}
	assert.Equal(t, platform.MustMoney("18", "CNY"), fee("march"))
	s.tick(20 * 24 * time.Hour)
	assert.Equal(t, platform.MustMoney("9", "CNY"), fee("april"))
	s.tick(30 * 24 * time.Hour)
	assert.Equal(t, platform.MustMoney("18", "CNY"), fee("may"))
}
