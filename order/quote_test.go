package order_test

import (
	"context"
	"encoding/json"
	"strings"
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

// says are fees that are stated so.
type says string

func (f says) Quote(context.Context, platform.ID, time.Time, []platform.Leg, []json.RawMessage) (json.RawMessage, []platform.Change, error) {
	return json.RawMessage(f), nil, nil
}

func TestFeesThatDoNotFitTheLinesAreRefused(t *testing.T) {
	t.Parallel()
	merchants := func(amount, tax string) string {
		return `{"version":"v-1","charges":[{"component":"commission","payer":"merchant","back":"pro_rata","parts":[{"line":1,"amount":` + amount + `,"tax":` + tax + `}]}]}`
	}
	customers := func(back, amount, tax string) string {
		return `{"version":"v-1","charges":[{"component":"service_fee","payer":"customer","back":"` + back + `","amount":` + amount + `,"tax":` + tax + `}]}`
	}
	const zero, one, more, hundred = `{"amount":"0","currency":"CNY"}`, `{"amount":"1","currency":"CNY"}`, `{"amount":"100.01","currency":"CNY"}`, `{"amount":"100","currency":"CNY"}`
	for name, fees := range map[string]string{
		"no document":           `[`,
		"no version":            `{"charges":[]}`,
		"of a line that is not": strings.Replace(merchants(one, zero), `"line":1`, `"line":2`, 1),
		"above the price":       merchants(more, zero),
		"below nothing":         merchants(`{"amount":"-0.01","currency":"CNY"}`, zero),
		"of another money":      merchants(`{"amount":"1","currency":"USD"}`, `{"amount":"0","currency":"USD"}`),
		"of no money":           strings.Replace(merchants(one, zero), `"amount":`+one+`,`, "", 1),
		"more tax than fee":     merchants(one, hundred),
		"twice the price":       `{"version":"v-1","charges":[` + strings.Repeat(`{"component":"commission","payer":"merchant","back":"kept","parts":[{"line":1,"amount":`+hundred+`,"tax":`+zero+`}]},`, 2) + `{"component":"x","payer":"merchant","back":"kept"}]}`,
		"given back otherwise":  strings.Replace(merchants(one, zero), "pro_rata", "sometimes", 1),
		"kept of the customer":  customers("kept", one, zero),
		"of the customer below": customers("pro_rata", `{"amount":"-1","currency":"CNY"}`, zero),
		"all tax and more":      customers("pro_rata", one, hundred),
	} {
		h := open(t, nil)
		h.ports.Fees = says(fees)
		h.orders = order.New(h.w, h.store, h.ports, nil)
		_, err := h.place(h.list(nil), nil)
		assert.Equal(t, "order.fees_unreadable", platform.Code(err), name)
	}
}

// What the customer pays of the fees is a line of the order that is the
// platform's alone, in the total that the customer agrees to.
func TestAFeeOfTheCustomerIsALineOfTheOrder(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.ports.Fees = taxed{}
	h.orders = order.New(h.w, h.store, h.ports, nil)

	o, err := h.place(h.list(nil), nil)

	require.NoError(t, err)
	assert.Equal(t, cny("103.18"), o.Total)
	require.Len(t, o.Lines, 2)
	assert.Equal(t, "service_fee", o.Lines[1].Kind)
	assert.Equal(t, o.Lines[1].Amount, o.Lines[1].Fee)
	require.NoError(t, h.pay(o.ID, o.Total))
	for _, step := range []func() error{
		func() error { return failure(h.orders.Start(as(merchant), order.Start{Order: o.ID})) },
		func() error { return failure(h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID})) },
		func() error { return failure(h.orders.Accept(as(customer), order.Accept{Order: o.ID})) },
	} {
		require.NoError(t, step())
	}
	assert.Equal(t, "88.00", h.balance("earning", o.ID, merchant.ID), "100 − 10 − 2")
	assert.Equal(t, "14.43", h.balance("commission", "", ""), "9.43 + 2 + 3")
	assert.Equal(t, "0.75", h.balance("output_tax", "", ""), "0.57 + 0.18")
	assert.Equal(t, "0.00", h.balance("escrow", o.ID, ""))
}
