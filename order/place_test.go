package order_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

func TestPlaceFreezesWhatTheCustomerSaw(t *testing.T) {
	t.Parallel()
	h := open(t, &order.Options{ExtraKinds: []string{"freight"}})
	listing := h.list(nil)

	o, err := h.place(listing, func(in *order.Place) {
		in.Lines[0].Quantity = 3
		in.Extras = []order.Extra{{Kind: "freight", Amount: cny("12.30")}}
		in.Start, in.TimeZone = nextDay, "Asia/Shanghai"
		in.Checkout, in.Note = "basket-1", "the bell is broken"
		in.Spot = &order.Spot{Lat: 31.23456, Lon: 121.47654}
	})
	require.NoError(t, err)
	h.takeDown(listing)

	stored := h.read(o.ID)
	assert.Equal(t, o, stored, "the answer is the record")
	assert.Equal(t, order.AwaitingPayment, o.State)
	assert.Equal(t, customer.ID, o.Customer)
	assert.Equal(t, merchant.ID, o.Merchant)
	assert.Equal(t, cny("312.30"), o.Total)
	assert.Equal(t, cny("300"), o.Lines[0].Amount)
	assert.Equal(t, cny("30"), o.Lines[0].Fee)
	assert.Equal(t, cny("0"), o.Lines[1].Fee)
	assert.Contains(t, string(o.Lines[0].Seen), "Deep clean")
	assert.Equal(t, "ten-1", o.FeeVersion)
	assert.Equal(t, nextDay.Add(3*time.Hour), o.PlannedEnd, "an hour a visit")
	assert.Equal(t, &order.Spot{Lat: 31.23, Lon: 121.48}, o.Spot)
	assert.NotContains(t, string(o.Note), "bell")
	assert.Equal(t, noon.Add(15*time.Minute), o.Due())
	assert.Equal(t, order.Unpaid, o.Payment())
}

func TestBadInputNamesItsFieldAndCode(t *testing.T) {
	t.Parallel()
	h := open(t, &order.Options{ExtraKinds: []string{"freight"}})
	listing, dollars := h.list(nil), h.list(func(m map[string]any) { m["price"] = platform.MustMoney("9", "USD") })
	others := h.list(func(m map[string]any) { m["merchant"] = platform.NewID("mer", noon, 9, 9) })
	dear := h.list(func(m map[string]any) { m["price"] = cny("90000000000000000.00") })
	line := func(id platform.ID) order.PlaceLine { return order.PlaceLine{Listing: id, Quantity: 1} }
	for name, c := range map[string]struct {
		spoil func(*order.Place)
		field string
		code  string
	}{
		"no lines":                {func(in *order.Place) { in.Lines = nil }, "lines", "order.no_lines"},
		"201 lines":               {func(in *order.Place) { in.Lines = make([]order.PlaceLine, 201) }, "lines", "order.too_many_lines"},
		"none of it":              {func(in *order.Place) { in.Lines[0].Quantity = 0 }, "lines[0].quantity", "order.quantity"},
		"too much of it":          {func(in *order.Place) { in.Lines[0].Quantity = 10001 }, "lines[0].quantity", "order.quantity"},
		"no id":                   {func(in *order.Place) { in.Lines[0].Listing = "x" }, "lines[0].listing", "id.malformed"},
		"an id of something else": {func(in *order.Place) { in.Lines[0].Listing = merchant.ID }, "lines[0].listing", "id.wrong_kind"},
		"two currencies":          {func(in *order.Place) { in.Lines = append(in.Lines, line(dollars)) }, "lines[1]", "money.currency_mixed"},
		"an extra in dollars": {func(in *order.Place) {
			in.Extras = []order.Extra{{Kind: "freight", Amount: platform.MustMoney("1", "USD")}}
		}, "extras[0].amount", "money.currency_mixed"},
		"an extra beyond counting": {func(in *order.Place) {
			in.Extras = []order.Extra{{Kind: "freight", Amount: cny("92233720368547758.07")}}
		}, "extras[0].amount", "money.overflow"},
		"two lines beyond it":      {func(in *order.Place) { in.Lines = []order.PlaceLine{line(dear), line(dear)} }, "lines[1]", "money.overflow"},
		"two merchants":            {func(in *order.Place) { in.Lines = append(in.Lines, line(others)) }, "lines[1].listing", "order.merchant_mixed"},
		"more than money can be":   {func(in *order.Place) { in.Lines[0] = order.PlaceLine{Listing: dear, Quantity: 10000} }, "lines[0].quantity", "money.overflow"},
		"an unknown extra":         {func(in *order.Place) { in.Extras = []order.Extra{{Kind: "gift", Amount: cny("1")}} }, "extras[0].kind", "order.extra_not_allowed"},
		"an extra for nothing":     {func(in *order.Place) { in.Extras = []order.Extra{{Kind: "freight", Amount: cny("0")}} }, "extras[0].amount", "order.amount_not_positive"},
		"an extra below nothing":   {func(in *order.Place) { in.Extras = []order.Extra{{Kind: "freight", Amount: cny("-1")}} }, "extras[0].amount", "order.amount_not_positive"},
		"an extra without amount":  {func(in *order.Place) { in.Extras = []order.Extra{{Kind: "freight"}} }, "extras[0].amount", "order.amount_not_positive"},
		"a start that has been":    {func(in *order.Place) { in.Start, in.TimeZone = noon.Add(-time.Second), "UTC" }, "start", "order.start_past"},
		"a start in two years":     {func(in *order.Place) { in.Start, in.TimeZone = noon.AddDate(1, 0, 1), "UTC" }, "start", "order.start_far"},
		"an end before the start":  {func(in *order.Place) { in.Start, in.End, in.TimeZone = nextDay, nextDay, "UTC" }, "end", "order.interval"},
		"work without end":         {func(in *order.Place) { in.Start, in.End, in.TimeZone = nextDay, nextDay.AddDate(1, 0, 1), "UTC" }, "end", "order.interval"},
		"an end without a start":   {func(in *order.Place) { in.End = nextDay }, "end", "order.interval"},
		"a start without a zone":   {func(in *order.Place) { in.Start = nextDay }, "time_zone", "time.zone"},
		"a zone of fancy":          {func(in *order.Place) { in.Start, in.TimeZone = nextDay, "Mars/Base" }, "time_zone", "time.zone"},
		"the zone of this machine": {func(in *order.Place) { in.Start, in.TimeZone = nextDay, "Local" }, "time_zone", "time.zone"},
		"a zone that is a path":    {func(in *order.Place) { in.TimeZone = "../etc/passwd" }, "time_zone", "time.zone"},
		"a novel":                  {func(in *order.Place) { in.Note = strings.Repeat("好", 2001) }, "note", "text.too_long"},
		"a bell":                   {func(in *order.Place) { in.Note = "a\a" }, "note", "text.control"},
		"bytes":                    {func(in *order.Place) { in.Note = "\xff" }, "note", "text.encoding"},
		"a long checkout":          {func(in *order.Place) { in.Checkout = strings.Repeat("x", 65) }, "checkout", "text.too_long"},
		"north of north":           {func(in *order.Place) { in.Spot = &order.Spot{Lat: 90.1} }, "spot.lat", "field.max"},
		"no total":                 {func(in *order.Place) { in.Total = platform.Money{} }, "total", "order.total"},
	} {
		in := order.Place{Lines: []order.PlaceLine{line(listing)}, Total: cny("100")}
		c.spoil(&in)
		_, err := h.orders.Place(as(customer), in)

		var fields platform.FieldErrors
		require.ErrorAs(t, err, &fields, name)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		found := map[string]string{}
		for _, f := range fields {
			found[f.Path] = f.Code
		}
		assert.Equal(t, c.code, found[c.field], "%s: %v", name, found)
	}
	page, err := h.orders.Orders(as(operator), order.Query{})
	require.NoError(t, err)
	assert.Empty(t, page.Items, "a refused command leaves nothing behind")
}

func TestEveryWrongFieldIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	_, err := h.orders.Place(as(customer), order.Place{
		Lines: []order.PlaceLine{{Listing: "x", Quantity: -1}}, Extras: []order.Extra{{Kind: "gift", Amount: cny("1")}},
		Start: noon.Add(-time.Second), End: noon.Add(-time.Minute), TimeZone: "Mars/Base", Note: "a\a",
	})
	var fields platform.FieldErrors
	require.ErrorAs(t, err, &fields)
	found := map[string]string{}
	for _, f := range fields {
		found[f.Path] = f.Code
		assert.NotEqual(t, f.En, f.Zh, "%s is told in both languages", f.Path)
	}
	assert.Equal(t, map[string]string{
		"lines[0].listing": "id.malformed", "lines[0].quantity": "order.quantity", "extras[0].kind": "order.extra_not_allowed", "total": "order.total",
		"start": "order.start_past", "end": "order.interval", "time_zone": "time.zone", "note": "text.control",
	}, found)
}

func TestPlaceIsRefusedWithATrueReason(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing, gone := h.list(nil), h.list(nil)
	h.takeDown(gone)
	suspended := h.list(func(m map[string]any) { m["merchant"] = rival.ID })
	place := func(who platform.Actor, id platform.ID, total string) error {
		_, err := h.orders.Place(as(who), order.Place{Lines: []order.PlaceLine{{Listing: id, Quantity: 1}}, Total: cny(total)})
		return err
	}
	for name, c := range map[string]struct {
		err  error
		kind error
		code string
	}{
		"another price":                {place(customer, listing, "99.99"), platform.ErrState, "order.price_changed"},
		"taken down":                   {place(customer, gone, "100"), platform.ErrState, "order.listing_not_live"},
		"a suspended merchant":         {place(customer, suspended, "100"), platform.ErrState, "merchant.not_active"},
		"a listing that never was":     {place(customer, platform.NewID("lst", noon, 1, 1), "100"), platform.ErrNotFound, "listing.not_found"},
		"a merchant as a customer":     {place(merchant, listing, "100"), platform.ErrDenied, "order.actor_not_allowed"},
		"an operator for nobody":       {place(operator, listing, "100"), platform.ErrInvalid, "order.customer"},
		"nobody":                       {place(platform.Actor{}, listing, "100"), platform.ErrDenied, "actor.missing"},
		"the customer of another city": {place(platform.Actor{ID: customer.ID, Kind: platform.Customer, Tenant: "x"}, listing, "100"), platform.ErrNotFound, "tenant.not_found"},
	} {
		require.ErrorIs(t, c.err, c.kind, name)
		assert.Equal(t, c.code, platform.Code(c.err), name)
	}
	quote, ok := platform.Details(place(customer, listing, "99.99"))["quote"].(order.Quote)
	require.True(t, ok, "the new price comes with the refusal")
	assert.Equal(t, cny("100"), quote.Total)
	require.NoError(t, place(customer, listing, quote.Total.Decimal().String()))
}

func TestAPersonalNoteNeedsASealer(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.ports.Sealer = nil
	h.orders = order.New(h.w, h.store, h.ports, nil)
	_, err := h.place(h.list(nil), func(in *order.Place) { in.Note = "the bell is broken" })
	assert.Equal(t, "order.note_unsealable", platform.Code(err))
}

func TestE34AnOperatorOrdersOnBehalfOfACustomer(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	acting := operator
	acting.OnBehalf = customer.ID

	o, err := h.orders.Place(as(acting), order.Place{Lines: []order.PlaceLine{{Listing: listing, Quantity: 1}}, Total: cny("100")})

	require.NoError(t, err)
	assert.Equal(t, customer.ID, o.Customer)
	mine, err := h.orders.Order(as(customer), o.ID)
	require.NoError(t, err)
	assert.Equal(t, o, mine)
	placed := h.events(o.Ref())[0]
	assert.Equal(t, acting, placed.Actor, "the trail shows who did it and for whom")
}

func TestE26AnOrderWithoutAPriceIsConfirmedAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o, err := h.place(h.list(func(m map[string]any) { m["price"] = cny("0") }), nil)

	require.NoError(t, err)
	assert.Equal(t, order.Confirmed, o.State)
	assert.Equal(t, order.Paid, o.Payment())
	assert.NotContains(t, types(h.events(o.Ref())), "payment.asked")

	_, err = h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(t, err)
	_, err = h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID})
	require.NoError(t, err)
	done, err := h.orders.Accept(as(customer), order.Accept{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, order.Completed, done.State)
}

func TestE19AListingTakenDownMeanwhileIsNotSold(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	h.screen.outcome = "allow"
	h.ports.Screen = hurdle{h.screen, func() { h.takeDown(listing) }}
	h.orders = order.New(h.w, h.store, h.ports, nil)

	_, err := h.orders.Place(as(customer), order.Place{Lines: []order.PlaceLine{{Listing: listing, Quantity: 1}}, Total: cny("100")})
	assert.Equal(t, "order.listing_not_live", platform.Code(err))
}

// meddling is a till while whose request something else happens, once.
type meddling struct {
	*till
	meanwhile *func()
}

func (m meddling) Ask(ctx context.Context, subject platform.Ref, purpose string, amount platform.Money, due time.Time) ([]platform.Change, error) {
	if do := *m.meanwhile; do != nil {
		*m.meanwhile = nil
		do()
	}
	return m.till.Ask(ctx, subject, purpose, amount, due)
}

func TestAListingTakenDownAsTheOrderCommitsIsNotSold(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	down := func() { h.takeDown(listing) }
	h.ports.Payments = meddling{h.till, &down}
	h.orders = order.New(h.w, h.store, h.ports, nil)

	_, err := h.orders.Place(as(customer), order.Place{Lines: []order.PlaceLine{{Listing: listing, Quantity: 1}}, Total: cny("100")})

	assert.Equal(t, "order.listing_not_live", platform.Code(err), "what the order pinned is checked by its commit")
	assert.Nil(t, down)
}

func types(events []platform.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, e.Type)
	}
	return all
}

func TestWorkOfNoLengthIsNotPlanned(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	_, err := h.place(h.list(func(m map[string]any) { m["minutes"], m["seats"] = 0, 1 }), nil)
	assert.Equal(t, "order.terms_unreadable", platform.Code(err), "nobody could be booked for it")

	own := h.list(func(m map[string]any) { m["minutes"] = 0 })
	_, err = h.place(own, func(in *order.Place) { in.Start, in.TimeZone = nextDay, "UTC" })
	var fields platform.FieldErrors
	require.ErrorAs(t, err, &fields)
	assert.Equal(t, "end", fields[0].Path)
	assert.Equal(t, "order.interval", fields[0].Code)
	_, err = h.place(own, func(in *order.Place) { in.Start, in.End, in.TimeZone = nextDay, nextDay.Add(time.Hour), "UTC" })
	require.NoError(t, err)
}

// The clocks are put back between the order and the work: the moment stays what it was
// and reads by its own zone.
func TestE22AStartIsAMomentAndItsZone(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for _, start := range []time.Time{ // an hour apart, and both at half past two
		time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC),
	} {
		o, err := h.place(h.list(nil), func(in *order.Place) { in.Start, in.TimeZone = start.In(berlin), "Europe/Berlin" })
		require.NoError(t, err)

		kept := h.read(o.ID)

		assert.Equal(t, start, kept.PlannedStart)
		assert.Equal(t, "Europe/Berlin", kept.TimeZone)
		zone, err := time.LoadLocation(kept.TimeZone)
		require.NoError(t, err)
		assert.Equal(t, "02:30", kept.PlannedStart.In(zone).Format("15:04"))
	}
}
