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

// crew is a dispatch that knows how far each member has come.
type crew struct {
	released
	at map[platform.ID]map[string]any // by assignment
}

func (c *crew) Present(_ context.Context, assignments ...platform.ID) (json.RawMessage, []platform.Change, error) {
	all := []map[string]any{}
	for _, id := range assignments {
		all = append(all, c.at[id])
	}
	doc, err := json.Marshal(all)
	return doc, nil, err
}

// manned is a house whose dispatch knows where the members are, and an order with
// two seats, both filled.
func manned(t *testing.T) (*house, *crew, order.Order) {
	t.Helper()
	h, c := open(t, nil), &crew{at: map[platform.ID]map[string]any{}}
	h.ports.Staffing = c
	h.orders = order.New(h.w, h.store, h.ports, nil)
	o := h.confirmed(h.list(func(m map[string]any) { m["seats"] = 2 }))
	for i, who := range []platform.Actor{member, mate} {
		require.NoError(t, h.fill(o.ID, i+1, who))
	}
	o = h.read(o.ID)
	c.comes(o, 0, "accepted")
	c.comes(o, 1, "accepted")
	return h, c, o
}

var mate = platform.Actor{ID: platform.NewID("stf", noon, 1, 9), Kind: platform.Staff}

// comes puts the member of a seat where the test wants it.
func (c *crew) comes(o order.Order, seat int, state string) {
	c.at[o.Seats[seat].Assignment] = map[string]any{"member": o.Seats[seat].Member, "state": state, "arrived": noon}
}

func TestWhoIsOnTheWayIsPaidForIt(t *testing.T) {
	t.Parallel()
	h, c, o := manned(t)
	q := func() order.CancelQuote {
		q, err := h.orders.QuoteCancel(as(customer), order.Cancel{Order: o.ID})
		require.NoError(t, err)
		return q
	}
	assert.Equal(t, "K3c", q().Row)
	c.comes(o, 0, "en_route")
	assert.Equal(t, "K4a", q().Row)
	c.comes(o, 1, "arrived")
	assert.Equal(t, "K4b", q().Row, "the furthest counts")
	assert.Equal(t, order.There, q().Way)
	theirs, err := h.orders.QuoteCancel(as(merchant), order.Cancel{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, "K7b", theirs.Row, "it is nothing to the merchant's own fault")

	o, err = h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("50"), Reason: "x"})
	require.NoError(t, err)
	assert.Equal(t, []order.MemberShare{{Member: member.ID, Amount: cny("12.50")}, {Member: mate.ID, Amount: cny("12.50")}}, o.Cancellation.Staff)
	assert.Equal(t, []string{"20.00", "12.50", "12.50", "5.00", "0.00"}, []string{
		h.balance("earning", o.ID, merchant.ID), h.balance("earning", o.ID, member.ID), h.balance("earning", o.ID, mate.ID),
		h.balance("cancel_fee", "", ""), h.balance("escrow", o.ID, ""),
	})
	require.NoError(t, h.tell(h.refunds(o.ID)[0].ID, "succeeded"))
	h.clock.pass(7*24*time.Hour - time.Second)
	assert.Zero(t, h.tick(), "held as long as it can be disputed")
	h.clock.pass(time.Second)
	assert.Equal(t, 1, h.tick())
	for who, amount := range map[platform.ID]string{merchant.ID: "20.00", member.ID: "12.50", mate.ID: "12.50"} {
		assert.Equal(t, amount, h.balance("payable", "", who))
		assert.Equal(t, "0.00", h.balance("earning", o.ID, who))
	}
	assert.Empty(t, h.read(o.ID).Cancellation.Staff, "released once")
	assert.Zero(t, h.tick())
}

func TestAmendsAreOwedToTheCustomer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who       platform.Actor
		in        order.Cancel
		row       string
		amends    string
		borne     string
		by        string
		otherwise string
	}{
		"the merchant":  {merchant, order.Cancel{}, "K7b", "30.00", "receivable", "mer", "compensation"},
		"the platform":  {operator, order.Cancel{}, "K9", "10.00", "compensation", "", "receivable"},
		"nobody came":   {operator, order.Cancel{Fault: order.StaffFault}, "K8", "20.00", "compensation", "", "receivable"},
		"a flood":       {operator, order.Cancel{Fault: order.ForceMajeure, Notice: "MEM-2026-17"}, "K10", "0.00", "", "", "compensation"},
		"both":          {operator, order.Cancel{Fault: order.BothFault, MaxFee: cny("15")}, "K11", "15.00", "receivable", "mer", "compensation"},
		"with a member": {operator, order.Cancel{Fault: order.BothFault, With: order.StaffFault, MaxFee: cny("15")}, "K11", "10.00", "compensation", "", "receivable"},
	} {
		h := open(t, nil)
		o := h.confirmed(h.list(nil))
		c.in.Order, c.in.Reason = o.ID, "x"
		o, err := h.orders.Cancel(as(c.who), c.in)
		require.NoError(t, err, name)

		party := map[string]platform.ID{"mer": merchant.ID}[c.by]
		assert.Equal(t, c.row, o.Cancellation.Row, name)
		assert.Equal(t, c.amends, h.balance("payable", "", customer.ID), name)
		if c.borne != "" {
			assert.Equal(t, "-"+c.amends, h.balance(c.borne, "", party), name)
			assert.Equal(t, c.amends+" CNY", o.Cancellation.Amends.String(), name)
		}
		assert.Equal(t, "0.00", h.balance(c.otherwise, "", ""), name)
		assert.Equal(t, o.Captured, must(must(o.Cancellation.Fee.Add(o.Cancellation.Refund)).Add(cny("0"))), "%s: amends come on top", name)
		assert.Equal(t, c.in.Notice, o.Cancellation.Notice, name)
	}
}

func must(m platform.Money, err error) platform.Money {
	if err != nil {
		panic(err)
	}
	return m
}

func TestAForceMajeureIsByANotice(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(nil))
	for name, c := range map[string]struct {
		who  platform.Actor
		in   order.Cancel
		code string
	}{
		"without":                {operator, order.Cancel{Fault: order.ForceMajeure}, "order.notice_missing"},
		"without, of both":       {operator, order.Cancel{Fault: order.BothFault, With: order.ForceMajeure}, "order.notice_missing"},
		"for nothing of it":      {operator, order.Cancel{Fault: order.PlatformFault, Notice: "n"}, "order.notice_missing"},
		"with nobody else":       {operator, order.Cancel{Fault: order.PlatformFault, With: order.MerchantFault}, "policy.facts"},
		"the customer says":      {customer, order.Cancel{Fault: order.ForceMajeure, Notice: "n"}, "order.actor_not_allowed"},
		"the merchant says both": {merchant, order.Cancel{Fault: order.BothFault}, "order.actor_not_allowed"},
		"the merchant shares":    {merchant, order.Cancel{With: order.MerchantFault}, "order.actor_not_allowed"},
		"no such other":          {operator, order.Cancel{Fault: order.BothFault, With: order.CustomerFault}, "field.oneof"},
	} {
		c.in.Order, c.in.Reason = o.ID, "x"
		_, err := h.orders.Cancel(as(c.who), c.in)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	assert.Equal(t, order.Confirmed, h.read(o.ID).State)
}
