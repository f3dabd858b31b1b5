package market_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/store/memory"
)

// counting counts the trips to a store.
type counting struct {
	*memory.DB
	gets, scans, commits atomic.Int64
}

func (c *counting) Get(ctx context.Context, refs ...platform.Ref) ([]platform.Record, error) {
	c.gets.Add(1)
	return c.DB.Get(ctx, refs...)
}

func (c *counting) Scan(ctx context.Context, q platform.Query) (platform.Page[platform.Record], error) {
	c.scans.Add(1)
	return c.DB.Scan(ctx, q)
}

func (c *counting) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	c.commits.Add(1)
	return c.DB.Commit(ctx, set)
}

// TestWhatACommandCosts: one commit a command whatever the packages, but for a
// payment, which records, calls and records; and no read in a loop. The figures
// are exact: whoever adds a trip changes them here, and says why.
func TestWhatACommandCosts(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC)
	db := &counting{DB: memory.New(market.Kinds(), nil)}
	m, err := market.Open(db, &market.Options{Now: func() time.Time { return now }})
	require.NoError(t, err)
	cast, err := m.Demo(t.Context())
	require.NoError(t, err)
	customer, member, operator := platform.As(t.Context(), cast.Customer), platform.As(t.Context(), cast.Staff), platform.As(t.Context(), cast.Operator)

	type trips struct{ gets, scans, commits int64 }
	cost := func(what string, want trips, command func() error) {
		db.gets.Store(0)
		db.scans.Store(0)
		db.commits.Store(0)
		require.NoError(t, command(), what)
		assert.Equal(t, want, trips{db.gets.Load(), db.scans.Load(), db.commits.Load()}, what)
	}
	lines := func(n int) []order.PlaceLine {
		all := make([]order.PlaceLine, n)
		for i := range all {
			all[i] = order.PlaceLine{Listing: cast.Listing, Quantity: 1}
		}
		return all
	}
	var o order.Order
	total, err := platform.Sum(cast.Price.Currency(), cast.Price, cast.Price, cast.Price)
	require.NoError(t, err)
	cost("place three lines", trips{8, 1, 1}, func() error {
		_, err := m.Orders.Place(customer, order.Place{Lines: lines(3), Total: total})
		return err
	})
	cost("place", trips{8, 0, 1}, func() (err error) {
		o, err = m.Orders.Place(customer, order.Place{Lines: lines(1), Total: cast.Price})
		return err
	})
	cost("pay", trips{6, 1, 2}, func() error {
		_, err := m.Payments.Pay(platform.WithKey(customer, "pay-1"), payment.Pay{Intent: payment.IntentID(o.Ref(), "full"), Method: "pm_ok"})
		return err
	})
	var offer dispatch.Assignment
	cost("dispatch", trips{6, 3, 1}, func() error {
		d, err := m.Dispatch.DispatchOrder(operator, dispatch.DispatchOrder{Order: o.ID})
		offer = d.Offers[0]
		return err
	})
	cost("accept the offer", trips{5, 0, 1}, func() error {
		_, err := m.Dispatch.Accept(member, dispatch.Accept{Assignment: offer.ID})
		return err
	})
	cost("start", trips{1, 0, 1}, func() error {
		_, err := m.Orders.Start(member, order.Start{Order: o.ID})
		return err
	})
	cost("deliver", trips{1, 0, 1}, func() error {
		_, err := m.Orders.Deliver(member, order.Deliver{Order: o.ID, Proofs: m.Photo()})
		return err
	})
	cost("accept", trips{1, 0, 1}, func() error {
		_, err := m.Orders.Accept(customer, order.Accept{Order: o.ID})
		return err
	})
}
