package order_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

func TestAQuoteIsForTheMarketsOwn(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	in := order.Place{Lines: []order.PlaceLine{{Listing: h.list(nil), Quantity: 1}}}
	abroad := customer
	abroad.Tenant = "elsewhere"
	_, err := h.orders.Quote(as(abroad), in)
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.orders.Quote(context.Background(), in)
	require.NoError(t, err, "what is on sale anybody may ask")
}

// wrongFees are fees that do not fit the lines.
type wrongFees struct{ fees []platform.Leg }

func (f wrongFees) Quote(context.Context, platform.ID, time.Time, []platform.Leg) (string, []platform.Leg, error) {
	return "wrong-1", f.fees, nil
}

func TestFeesThatDoNotFitTheLinesAreRefused(t *testing.T) {
	t.Parallel()
	for name, fees := range map[string][]platform.Leg{
		"none":             {},
		"one too many":     {{Amount: cny("1")}, {Amount: cny("1")}},
		"above the price":  {{Amount: cny("100.01")}},
		"below nothing":    {{Amount: cny("-0.01")}},
		"of another money": {{Amount: platform.MustMoney("1", "USD")}},
		"of no money":      {{}},
	} {
		h := open(t, nil)
		h.ports.Fees = wrongFees{fees}
		h.orders = order.New(h.w, h.store, h.ports, nil)
		_, err := h.place(h.list(nil), nil)
		assert.Equal(t, "order.fees_unreadable", platform.Code(err), name)
	}
}
