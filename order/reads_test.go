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

func TestAnOrderIsThereForItsOwn(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(func(m map[string]any) { m["seats"] = 1 }))
	require.NoError(t, h.fill(o.ID, 1, member))
	abroad := customer
	abroad.Tenant = "elsewhere"
	other := member
	other.ID = second.ID
	for name, c := range map[string]struct {
		who  platform.Actor
		sees bool
	}{
		"its customer": {customer, true}, "its merchant": {merchant, true}, "its member": {member, true},
		"an operator": {operator, true}, "an auditor": {auditor, true}, "the system": {platform.SystemActor("x"), true},
		"another customer": {stranger, false}, "another merchant": {rival, false}, "another member": {other, false},
		"its customer in another tenant": {abroad, false},
	} {
		_, err := h.orders.Order(as(c.who), o.ID)
		if c.sees {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, platform.ErrNotFound, name)
		assert.Equal(t, "order.not_found", platform.Code(err), name)
		_, err = h.orders.Refunds(as(c.who), o.ID, "")
		require.ErrorIs(t, err, platform.ErrNotFound, name)
	}
	_, err := h.orders.Order(context.Background(), o.ID)
	assert.Equal(t, "actor.missing", platform.Code(err))
	_, err = h.orders.Order(as(operator), "ord_x")
	require.ErrorIs(t, err, platform.ErrInvalid)
}

func TestOrdersAreListedByWhoseTheyAre(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	first, err := h.place(listing, func(in *order.Place) { in.Checkout = "basket" })
	require.NoError(t, err)
	h.clock.pass(time.Minute)
	paid := h.confirmed(listing)
	h.clock.pass(time.Minute)
	other, err := h.orders.Place(as(stranger), order.Place{Lines: []order.PlaceLine{{Listing: listing, Quantity: 1}}, Total: cny("100"), Checkout: "basket"})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		who  platform.Actor
		q    order.Query
		want []platform.ID
	}{
		"a customer's own":               {customer, order.Query{}, []platform.ID{first.ID, paid.ID}},
		"the newest first":               {customer, order.Query{Backward: true}, []platform.ID{paid.ID, first.ID}},
		"of a state":                     {customer, order.Query{State: order.Confirmed}, []platform.ID{paid.ID}},
		"of a time":                      {customer, order.Query{From: noon.Add(time.Minute)}, []platform.ID{paid.ID}},
		"before a time":                  {customer, order.Query{Until: noon.Add(time.Minute)}, []platform.ID{first.ID}},
		"of a checkout":                  {customer, order.Query{Checkout: "basket"}, []platform.ID{first.ID}},
		"a merchant's own":               {merchant, order.Query{}, []platform.ID{first.ID, paid.ID, other.ID}},
		"a merchant's own of a state":    {merchant, order.Query{State: order.AwaitingPayment}, []platform.ID{first.ID, other.ID}},
		"another merchant has none":      {rival, order.Query{}, nil},
		"an operator sees all":           {operator, order.Query{}, []platform.ID{first.ID, paid.ID, other.ID}},
		"all of a state":                 {operator, order.Query{State: order.AwaitingPayment}, []platform.ID{first.ID, other.ID}},
		"an operator, of a customer":     {operator, order.Query{Customer: stranger.ID}, []platform.ID{other.ID}},
		"an operator, of a merchant":     {operator, order.Query{Merchant: merchant.ID, From: noon.Add(90 * time.Second)}, []platform.ID{other.ID}},
		"an operator, of one's checkout": {operator, order.Query{Customer: stranger.ID, Checkout: "basket"}, []platform.ID{other.ID}},
	} {
		page, err := h.orders.Orders(as(c.who), c.q)
		require.NoError(t, err, name)
		var got []platform.ID
		for _, o := range page.Items {
			got = append(got, o.ID)
		}
		assert.Equal(t, c.want, got, name)
	}
	for name, c := range map[string]struct {
		who  platform.Actor
		q    order.Query
		code string
	}{
		"a customer asks for another's": {customer, order.Query{Customer: stranger.ID}, "order.actor_not_allowed"},
		"a merchant for another's":      {rival, order.Query{Merchant: merchant.ID}, "order.actor_not_allowed"},
		"staff":                         {member, order.Query{}, "order.actor_not_allowed"},
		"a checkout of nobody":          {operator, order.Query{Checkout: "basket"}, "order.query"},
		"a customer of a merchant":      {operator, order.Query{Customer: customer.ID, Merchant: merchant.ID}, "order.query"},
		"nobody":                        {platform.Actor{}, order.Query{}, "actor.missing"},
	} {
		_, err := h.orders.Orders(as(c.who), c.q)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
}

func TestOrdersComeInPages(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	for range 5 {
		h.placed(listing)
	}
	seen, pages := map[platform.ID]bool{}, 0
	for q := (order.Query{Limit: 2}); pages == 0 || q.Cursor != ""; pages++ {
		page, err := h.orders.Orders(as(customer), q)
		require.NoError(t, err)
		for _, o := range page.Items {
			seen[o.ID] = true
		}
		q.Cursor = page.Next
	}
	assert.Len(t, seen, 5)
	assert.Equal(t, 3, pages)
}

func TestASaleTellsWhoSoldWhatToWhomAndWhen(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	sales := order.Sales{Store: h.store}
	open, done := h.delivered(h.list(nil)), h.completed(h.list(nil))
	doc, checks, err := sales.Sale(context.Background(), done.ID)
	require.NoError(t, err)
	assert.Equal(t, []platform.Change{platform.Unchanged(done)}, checks)
	assert.JSONEq(t, `{"customer":"`+string(customer.ID)+`","merchant":"`+string(merchant.ID)+`","completed":"2026-03-02T12:00:00Z"}`, string(doc))
	doc, _, err = sales.Sale(context.Background(), open.ID)
	require.NoError(t, err)
	assert.NotContains(t, string(doc), "completed")
	assert.True(t, json.Valid(doc))
}

func TestNewRefusesAWiringThatCannotWork(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	gap := order.StandardPolicy()
	gap.Rows = gap.Rows[1:]
	for name, c := range map[string]struct {
		ports func(*order.Ports)
		opts  *order.Options
	}{
		"no catalogue":          {func(p *order.Ports) { p.Catalogue = nil }, nil},
		"no standing":           {func(p *order.Ports) { p.Parties = nil }, nil},
		"no payments":           {func(p *order.Ports) { p.Payments = nil }, nil},
		"no books":              {func(p *order.Ports) { p.Books = nil }, nil},
		"a window of minus one": {func(*order.Ports) {}, &order.Options{Windows: order.Windows{Accept: -1}}},
		"a window of years":     {func(*order.Ports) {}, &order.Options{Windows: order.Windows{Close: 401 * 24 * time.Hour}}},
		"a policy with a gap":   {func(*order.Ports) {}, &order.Options{Policies: []order.Policy{gap}}},
		"a policy twice":        {func(*order.Ports) {}, &order.Options{Policies: []order.Policy{order.StandardPolicy(), order.StandardPolicy()}}},
	} {
		ports := h.ports
		c.ports(&ports)
		assert.Panics(t, func() { order.New(h.w, h.store, ports, c.opts) }, name)
	}
	ports := h.ports
	ports.Books, ports.Screen, ports.Fees = nil, nil, nil
	h.orders = order.New(h.w, h.store, ports, &order.Options{WithoutBooks: true})
	h.payable.Books = ledger{h.db}
	o := h.completed(h.list(nil))
	assert.Equal(t, cny("100"), o.Earned, "no fees")
	assert.Equal(t, "0.00", h.balance("earning", o.ID, o.Merchant))
}

func TestKindsAreSoundAndClassified(t *testing.T) {
	t.Parallel()
	for _, k := range order.Kinds() {
		require.NoError(t, k.Fault(), k.Name)
		for _, f := range k.Fields {
			assert.NotEmpty(t, f.Class, "%s of %s", f.Path, k.Name)
		}
	}
}
