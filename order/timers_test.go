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

func TestAnOrderThatIsNotPaidExpires(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.placed(h.list(nil))
	h.clock.pass(15*time.Minute - time.Second)
	assert.Zero(t, h.tick())
	h.clock.pass(time.Second)
	assert.Equal(t, 1, h.tick())

	o = h.read(o.ID)
	assert.Equal(t, order.Expired, o.State)
	assert.True(t, o.Due().IsZero())
	assert.Contains(t, types(h.events(o.Ref())), "payment.cancelled")
	assert.Equal(t, "order.not_payable", platform.Code(h.pay(o.ID, o.Total)), "money that comes now is surplus")
	assert.Equal(t, order.Expired, h.read(o.ID).State)
}

func TestAnAttemptUnderWayHoldsTheOrderButNotForEver(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.placed(h.list(nil))
	h.till.busy.Store(true)
	h.clock.pass(15 * time.Minute)
	for waited := time.Duration(0); waited < 30*time.Minute; waited += 2 * time.Minute {
		assert.Equal(t, 1, h.tick())
		assert.Zero(t, h.tick(), "once in two minutes")
		assert.Equal(t, order.AwaitingPayment, h.read(o.ID).State)
		h.clock.pass(2 * time.Minute)
	}
	assert.Equal(t, 1, h.tick())
	assert.Equal(t, order.Expired, h.read(o.ID).State)

	paid := h.placed(h.list(nil))
	h.clock.pass(16 * time.Minute)
	assert.Equal(t, 1, h.tick())
	require.NoError(t, h.pay(paid.ID, paid.Total), "the attempt that was waited for")
	h.clock.pass(2 * time.Minute)
	assert.Zero(t, h.tick())
	assert.Equal(t, order.Confirmed, h.read(paid.ID).State)
}

func TestE7APartThatWasPaidGoesBackWhenTheOrderExpires(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.placed(h.list(nil))
	require.NoError(t, h.pay(o.ID, cny("40")))
	assert.Equal(t, order.PartlyPaid, h.read(o.ID).Payment())
	h.clock.pass(15 * time.Minute)
	assert.Equal(t, 1, h.tick())

	o = h.read(o.ID)
	assert.Equal(t, order.Expired, o.State)
	assert.Equal(t, cny("40"), o.Reserved)
	require.NoError(t, h.tell(h.refunds(o.ID)[0].ID, "succeeded"))
	assert.Equal(t, "0.00", h.balance("clearing", "", "sandbox"))
	assert.Equal(t, "0.00", h.balance("escrow", o.ID, ""))
}

func TestSilenceOfTheMerchantIsANo(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(func(m map[string]any) { m["confirmation"] = "manual" }))
	h.clock.pass(30 * time.Minute)
	_, err := h.orders.Confirm(as(merchant), order.Confirm{Order: o.ID})
	assert.Equal(t, "order.not_confirmable", platform.Code(err), "a late tick makes no late answer legal")
	assert.Equal(t, 1, h.tick())

	o = h.read(o.ID)
	assert.Equal(t, order.Declined, o.State)
	assert.Equal(t, cny("100"), o.Reserved)
	for _, e := range h.events(o.Ref()) {
		if e.Type == "order.declined" {
			assert.Equal(t, "answer_timeout", e.Reason)
			assert.Equal(t, platform.System, e.Actor.Kind)
		}
	}
}

func TestSilenceOfTheCustomerIsAYes(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.delivered(h.list(nil))
	h.clock.pass(72 * time.Hour)
	_, err := h.orders.RequestRework(as(customer), order.RequestRework{Order: o.ID, Reason: "dusty", Lines: []int{1}})
	assert.Equal(t, "order.not_reworkable", platform.Code(err), "the time is over, fired or not")
	assert.Equal(t, 1, h.tick())

	o = h.read(o.ID)
	assert.Equal(t, order.Completed, o.State)
	assert.Contains(t, types(h.events(o.Ref())), "order.auto_accepted")
}

func TestClosingWaitsForARefundOnItsWay(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.completed(h.list(nil))
	r, err := h.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Amount: cny("30"), Reason: "late"})
	require.NoError(t, err)
	h.clock.pass(7 * 24 * time.Hour)
	assert.Equal(t, 1, h.tick())
	assert.Equal(t, order.Completed, h.read(o.ID).State)
	assert.Zero(t, h.tick(), "looked at again tomorrow")
	require.NoError(t, h.tell(r.ID, "succeeded"))
	h.clock.pass(24 * time.Hour)
	assert.Equal(t, 1, h.tick())

	assert.Equal(t, order.Closed, h.read(o.ID).State)
	assert.Equal(t, "63.00", h.balance("payable", "", o.Merchant), "ninety, less its part of thirty")
	assert.Equal(t, "7.00", h.balance("commission", "", ""))
	assert.Equal(t, "0.00", h.balance("earning", o.ID, o.Merchant))
}

func TestManyTicksFireEachDeadlineOnce(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	var orders []order.Order
	for range 8 {
		orders = append(orders, h.delivered(listing))
	}
	now := h.clock.pass(72 * time.Hour)
	fired := make([]int, 8)
	var ticks sync.WaitGroup
	for i := range fired {
		ticks.Go(func() {
			n, err := h.orders.Tick(context.Background(), now, 0)
			assert.NoError(t, err)
			fired[i] = n
		})
	}
	ticks.Wait()

	sum := 0
	for _, n := range fired {
		sum += n
	}
	assert.Equal(t, len(orders), sum)
	for _, o := range orders {
		assert.Equal(t, "90.00", h.balance("earning", o.ID, o.Merchant), "sold once")
		assert.Equal(t, order.Completed, h.read(o.ID).State)
	}
}

func TestE23ATickWithAnOlderNowFiresNothing(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.delivered(h.list(nil))
	h.clock.pass(100 * time.Hour)
	n, err := h.orders.Tick(context.Background(), noon, 0)
	require.NoError(t, err)
	assert.Zero(t, n)
	assert.Equal(t, order.Delivered, h.read(o.ID).State)
}

func TestOneOrderThatCannotGoOnStopsNoOther(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	stuck, fine := h.delivered(listing), h.delivered(listing)
	h.ports.Books = refusing{h.ports.Books, stuck.ID, platform.ErrUnavailable}
	h.orders = order.New(h.w, h.store, h.ports, nil)
	now := h.clock.pass(72 * time.Hour)

	n, err := h.orders.Tick(context.Background(), now, 0)

	require.ErrorIs(t, err, platform.ErrUnavailable)
	assert.Equal(t, 1, n)
	assert.Equal(t, order.Completed, h.read(fine.ID).State)
	assert.Equal(t, order.Delivered, h.read(stuck.ID).State, "it stays due")
}

func TestADeadlineThatIsRefusedIsTold(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	stuck := h.delivered(h.list(nil))
	h.ports.Books = refusing{h.ports.Books, stuck.ID, platform.ErrState}
	h.orders = order.New(h.w, h.store, h.ports, nil)

	n, err := h.orders.Tick(context.Background(), h.clock.pass(72*time.Hour), 0)

	assert.Zero(t, n)
	assert.Equal(t, "timer.stuck", platform.Code(err), "a refusal is not somebody else's success")
	assert.Equal(t, order.Delivered, h.read(stuck.ID).State)
}

// refusing is books that refuse one subject.
type refusing struct {
	order.Books
	subject platform.ID
	refusal error
}

func (b refusing) Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error) {
	if subject.ID == b.subject {
		return nil, b.refusal
	}
	return b.Books.Post(ctx, what, subject, at, legs)
}
