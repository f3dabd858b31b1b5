package order_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

func (*crew) StandUp(_ context.Context, o platform.Ref, _ time.Time) ([]platform.Change, error) {
	return []platform.Change{platform.Happened("assignment.customer_no_show", o, nil)}, nil
}

// waits puts the member of a seat at the customer's door, where it tried to reach
// the customer so long after noon.
func (c *crew) waits(o order.Order, seat int, tries ...time.Duration) {
	c.comes(o, seat, "arrived")
	var all []time.Time
	for _, after := range tries {
		all = append(all, noon.Add(after))
	}
	c.at[o.Seats[seat].Assignment]["contacts"] = all
}

const minute = time.Minute

func TestACustomerWhoIsNotThereIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after time.Duration // noon, when the members arrive
		tries []time.Duration
		state string
		code  string
	}{
		"as it must be":           {15 * minute, []time.Duration{5 * minute, 10 * minute}, "arrived", ""},
		"long enough":             {15*minute - time.Second, []time.Duration{5 * minute, 10 * minute}, "arrived", "order.no_show_early"},
		"no try":                  {time.Hour, nil, "arrived", "order.no_show_contacts"},
		"one try":                 {time.Hour, []time.Duration{5 * minute}, "arrived", "order.no_show_contacts"},
		"at once, again":          {time.Hour, []time.Duration{5 * minute, 10*minute - time.Second}, "arrived", "order.no_show_contacts"},
		"three, the first counts": {time.Hour, []time.Duration{5 * minute, 7 * minute, 10 * minute}, "arrived", ""},
		"only on the way":         {time.Hour, []time.Duration{5 * minute, 10 * minute}, "en_route", "order.no_show_early"},
		"already at work":         {time.Hour, []time.Duration{5 * minute, 10 * minute}, "working", "order.no_show_early"},
	} {
		h, crew, o := manned(t)
		crew.waits(o, 0, c.tries...)
		crew.at[o.Seats[0].Assignment]["state"] = c.state
		h.clock.pass(c.after)
		_, err := h.orders.NoShow(as(member), order.NoShow{Order: o.ID})
		assert.Equal(t, c.code, platform.Code(err), name)
		if c.code == "order.no_show_early" && c.state == "arrived" {
			assert.Equal(t, noon.Add(15*minute), platform.Details(err)["from"], name)
		}
		assert.Equal(t, c.code != "", h.read(o.ID).State == order.Assigned, name)
	}
}

func TestNobodyWaitsBeforeThePlannedStart(t *testing.T) {
	t.Parallel()
	h, crew, o := manned(t)
	_ = o
	planned, err := h.place(h.list(func(m map[string]any) { m["seats"] = 1 }), func(in *order.Place) { in.Start, in.TimeZone = noon.Add(time.Hour), "UTC" })
	require.NoError(t, err)
	require.NoError(t, h.pay(planned.ID, planned.Total))
	require.NoError(t, h.fill(planned.ID, 1, member))
	planned = h.read(planned.ID)
	crew.waits(planned, 0, 5*minute, 10*minute) // who came an hour early
	h.clock.pass(time.Hour)
	_, err = h.orders.NoShow(as(member), order.NoShow{Order: planned.ID})
	assert.Equal(t, noon.Add(75*minute), platform.Details(err)["from"])
	h.clock.pass(15 * minute)
	_, err = h.orders.NoShow(as(member), order.NoShow{Order: planned.ID})
	require.NoError(t, err)
}

// missed is an order whose customer was not there at all, an hour after noon.
func missed(t *testing.T) (*house, *crew, order.Order) {
	t.Helper()
	h, crew, o := manned(t)
	crew.waits(o, 0, 5*minute, 10*minute)
	h.clock.pass(time.Hour)
	return h, crew, o
}

// again is another order of the customer's, missed as well.
func (h *house) again(crew *crew) order.Order {
	h.t.Helper()
	o := h.confirmed(h.list(func(m map[string]any) { m["seats"] = 2 }))
	for i, who := range []platform.Actor{member, mate} {
		require.NoError(h.t, h.fill(o.ID, i+1, who))
	}
	o = h.read(o.ID)
	crew.waits(o, 0, 5*minute, 10*minute)
	crew.comes(o, 1, "accepted")
	return o
}

func TestTheFirstNoShowInAWhileIsForgiven(t *testing.T) {
	t.Parallel()
	h, crew, o := missed(t)
	o, err := h.orders.NoShow(as(member), order.NoShow{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, order.Cancelled, o.State)
	assert.Equal(t, []any{"K6", order.NoShowWaived, cny("0"), cny("100")}, []any{o.Cancellation.Row, o.Cancellation.NoShow, o.Cancellation.Fee, o.Cancellation.Refund})
	assert.True(t, o.Due().IsZero())
	assert.Subset(t, types(h.events(o.Ref())), []string{"order.cancelled", "order.no_show", "assignment.customer_no_show"})
	_, err = h.orders.WaiveNoShow(as(merchant), order.WaiveNoShow{Order: o.ID, Reason: "x"})
	assert.Equal(t, "order.not_waivable", platform.Code(err), "there is nothing to waive")

	o = h.again(crew)
	h.clock.pass(179 * 24 * time.Hour)
	charged, err := h.orders.NoShow(as(member), order.NoShow{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, []any{order.NoShowCharged, cny("50"), cny("50")}, []any{charged.Cancellation.NoShow, charged.Cancellation.Fee, charged.Cancellation.Refund})
	assert.Equal(t, []string{"20.00", "25.00", "0.00", "5.00"}, []string{
		h.balance("earning", o.ID, merchant.ID), h.balance("earning", o.ID, member.ID), h.balance("earning", o.ID, mate.ID), h.balance("cancel_fee", "", ""),
	}, "whoever came has half")

	o = h.again(crew)
	h.clock.pass(180 * 24 * time.Hour)
	o, err = h.orders.NoShow(as(operator), order.NoShow{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, order.NoShowWaived, o.Cancellation.NoShow)
	o = h.again(crew)
	_, err = h.orders.NoShow(as(member), order.NoShow{Order: o.ID, Waive: true})
	assert.Equal(t, "order.actor_not_allowed", platform.Code(err))
	o, err = h.orders.NoShow(as(operator), order.NoShow{Order: o.ID, Waive: true})
	require.NoError(t, err)
	assert.Equal(t, order.NoShowWaived, o.Cancellation.NoShow)
}

func TestTheFeeOfANoShowIsHeldAndCanBeWaived(t *testing.T) {
	t.Parallel()
	h, crew, o := missed(t)
	_, err := h.orders.NoShow(as(member), order.NoShow{Order: o.ID})
	require.NoError(t, err)
	o, kept := h.again(crew), h.again(crew)
	for _, missed := range []order.Order{o, kept} {
		_, err := h.orders.NoShow(as(member), order.NoShow{Order: missed.ID})
		require.NoError(t, err)
	}
	h.clock.pass(7*24*time.Hour - time.Second)
	for _, who := range []platform.Actor{customer, member} {
		_, err := h.orders.WaiveNoShow(as(who), order.WaiveNoShow{Order: o.ID, Reason: "x"})
		require.Error(t, err)
	}

	o, err = h.orders.WaiveNoShow(as(merchant), order.WaiveNoShow{Order: o.ID, Reason: "good_customer"})
	require.NoError(t, err)
	assert.Equal(t, order.NoShowWaived, o.Cancellation.NoShow)
	assert.Equal(t, []string{"0.00", "0.00", "0.00"}, []string{h.balance("earning", o.ID, merchant.ID), h.balance("earning", o.ID, member.ID), h.balance("escrow", o.ID, "")})
	assert.Equal(t, "5.00", h.balance("cancel_fee", "", ""), "that of the other")
	assert.Equal(t, "100.00", h.balance("refund_due", o.ID, ""), "all of it, in two refunds")
	assert.Equal(t, cny("0"), o.Refundable())
	_, err = h.orders.WaiveNoShow(as(operator), order.WaiveNoShow{Order: o.ID, Reason: "x"})
	assert.Equal(t, "order.not_waivable", platform.Code(err), "once")
	for _, missed := range []order.Order{o, kept} {
		for _, r := range h.refunds(missed.ID) {
			require.NoError(t, h.tell(r.ID, "succeeded"))
		}
	}

	h.clock.pass(time.Second)
	assert.Equal(t, 2, h.tick())
	assert.Equal(t, "20.00", h.balance("payable", "", merchant.ID), "of the other")
	assert.Equal(t, "25.00", h.balance("payable", "", member.ID))
	_, err = h.orders.WaiveNoShow(as(merchant), order.WaiveNoShow{Order: kept.ID, Reason: "x"})
	assert.Equal(t, "order.not_waivable", platform.Code(err), "it has been released")
}

// Of two orders of one customer missed at once, one is forgiven.
func TestTwoNoShowsAtOnceForgiveOne(t *testing.T) {
	t.Parallel()
	h, crew, o := missed(t)
	const n = 4
	all := []order.Order{o}
	for len(all) < n {
		all = append(all, h.again(crew))
	}
	var wg sync.WaitGroup
	outcomes := make([]order.NoShowOutcome, n)
	for i, o := range all {
		wg.Go(func() {
			for { // a name that is taken is tried again
				done, err := h.orders.NoShow(as(member), order.NoShow{Order: o.ID})
				if err == nil {
					outcomes[i] = done.Cancellation.NoShow
					return
				}
				if !assert.ErrorIs(t, err, platform.ErrConflict) {
					return
				}
			}
		})
	}
	wg.Wait()
	count := map[order.NoShowOutcome]int{}
	for _, o := range outcomes {
		count[o]++
	}
	assert.Equal(t, map[order.NoShowOutcome]int{order.NoShowWaived: 1, order.NoShowCharged: n - 1}, count)
}

// abandon tells that the member of a seat did not come.
func (h *house) abandon(id platform.ID, seat int) {
	h.t.Helper()
	_, err := platform.Update(as(operator), h.w, fill{id, seat}, func(ctx context.Context) (string, []platform.Change, error) {
		changes, err := h.seats.Free(ctx, id, seat, "staff_no_show", h.clock.now())
		return "", changes, err
	})
	require.NoError(h.t, err)
}

func TestSomebodyElseComesOrTheOrderEnds(t *testing.T) {
	t.Parallel()
	h, _, o := manned(t)
	h.abandon(o.ID, 1)
	o = h.read(o.ID)
	assert.Equal(t, order.Confirmed, o.State)
	assert.Equal(t, noon.Add(30*minute), o.Due())
	assert.Contains(t, types(h.events(o.Ref())), "order.no_show")
	h.clock.pass(10 * minute)
	h.abandon(o.ID, 2)
	assert.Equal(t, noon.Add(30*minute), h.read(o.ID).Due(), "the customer waits since the first")
	require.NoError(t, h.fill(o.ID, 1, member))
	assert.Equal(t, noon.Add(30*minute), h.read(o.ID).Due(), "one is not all")
	require.NoError(t, h.fill(o.ID, 2, mate))
	assert.True(t, h.read(o.ID).Due().IsZero())
	h.clock.pass(time.Hour)
	assert.Zero(t, h.tick())

	h.abandon(o.ID, 2)
	h.clock.pass(30*minute - time.Second)
	assert.Zero(t, h.tick())
	h.clock.pass(time.Second)
	assert.Equal(t, 1, h.tick())
	o = h.read(o.ID)
	assert.Equal(t, order.Cancelled, o.State)
	assert.Equal(t, []any{"K8", order.StaffFault, cny("0"), cny("100"), cny("20")}, []any{o.Cancellation.Row, o.Cancellation.Fault, o.Cancellation.Fee, o.Cancellation.Refund, o.Cancellation.Amends})
	assert.Equal(t, "20.00", h.balance("payable", "", customer.ID))
	assert.Equal(t, "100.00", h.balance("refund_due", o.ID, ""))
	assert.Contains(t, types(h.events(o.Ref())), "assignment.released", "who had come goes home")
}

// A seat that is given back in time is no no-show, and another time is another wait.
func TestWhoGivesASeatBackIsNoNoShow(t *testing.T) {
	t.Parallel()
	h, _, o := manned(t)
	require.NoError(t, h.free(o.ID, 1))
	assert.True(t, h.read(o.ID).Due().IsZero())

	h.abandon(o.ID, 2)
	c, err := h.propose(customer, order.ProposeChange{Order: o.ID, Start: noon.Add(24 * time.Hour), TimeZone: "UTC", Reason: "later"})
	require.NoError(t, err)
	_, err = h.agree(merchant, c)
	require.NoError(t, err)
	assert.True(t, h.read(o.ID).Due().IsZero(), "they are awaited tomorrow")
}
