package order_test

import (
	"context"
	"encoding/json"
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

// few is a catalogue that answers for one listing less than it was asked about.
type few struct{ order.Catalogue }

func (f few) Pin(ctx context.Context, at time.Time, listings ...platform.ID) ([]json.RawMessage, []platform.Change, error) {
	return f.Catalogue.Pin(ctx, at, listings[1:]...)
}

func TestTermsThatDoNotFitTheListingsAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.ports.Catalogue = few{h.ports.Catalogue}
	h.orders = order.New(h.w, h.store, h.ports, nil)
	_, err := h.place(h.list(nil), nil)
	assert.Equal(t, "order.terms_unreadable", platform.Code(err))
}

func TestTheListingThatIsNotOnSaleIsNamed(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	live, gone := h.list(nil), h.list(nil)
	h.takeDown(gone)
	in := order.Place{Lines: []order.PlaceLine{{Listing: live, Quantity: 1}, {Listing: live, Quantity: 2}, {Listing: gone, Quantity: 1}}}

	_, err := h.orders.Quote(as(customer), in)

	assert.Equal(t, "order.listing_not_live", platform.Code(err))
	assert.Equal(t, gone, platform.Details(err)["listing"])
	in.Lines = in.Lines[:2]
	q, err := h.orders.Quote(as(customer), in)
	require.NoError(t, err, "a listing may stand on two lines")
	assert.Equal(t, cny("300"), q.Total)
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
