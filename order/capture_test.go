package order_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// later puts a listing on the shelf whose money is taken at a moment.
func (h *house) later(mode string) platform.ID {
	return h.list(func(m map[string]any) { m["capture"] = mode })
}

// came tells the order what is secured and captured in all; what is captured more
// than before is in the books.
func (h *house) came(id platform.ID, secured, captured string) error {
	attempt := platform.Ref{Kind: "payment.attempt", ID: platform.NewID("att", h.clock.now(), id.Slot(), h.w.IDs())}
	_, err := platform.Update(platform.As(context.Background(), platform.SystemActor("payment")), h.w, pay{id, cny(captured)}, func(ctx context.Context) (int, []platform.Change, error) {
		o, err := h.store.Order(ctx, id)
		if err != nil {
			return 0, nil, err
		}
		changes, err := h.payable.Secured(ctx, o.Ref(), "full", cny(secured), cny(captured), h.clock.now())
		if err != nil {
			return 0, nil, err
		}
		more, err := cny(captured).Sub(o.Captured)
		if err == nil && more.Sign() > 0 {
			var booked []platform.Change
			booked, err = ledger{h.db}.Post(ctx, "pay.captured", attempt, h.clock.now(), []platform.Leg{
				{Role: "clearing", Party: "sandbox", Amount: more}, {Role: "escrow", Of: id, Amount: more.Neg()},
			})
			changes = append(booked, changes...)
		}
		return 0, append(changes, platform.Happened("payment.told", attempt, nil)), err
	})
	return err
}

// authorised is a confirmed order of 100.00 whose money is only held.
func (h *house) authorised(listing platform.ID) order.Order {
	h.t.Helper()
	o := h.placed(listing)
	require.NoError(h.t, h.came(o.ID, "100", "0"))
	o = h.read(o.ID)
	require.Equal(h.t, order.Confirmed, o.State)
	return o
}

func contains(events []platform.Event, what string) bool { return count(events, what) > 0 }

func count(events []platform.Event, what string) int {
	return len(slices.DeleteFunc(types(events), func(t string) bool { return t != what }))
}

func (h *house) drawn() string {
	m, err := platform.FromMinor(h.till.drawn.Load(), cny("0").Currency())
	require.NoError(h.t, err)
	return m.String()
}

func TestMoneyIsTakenAtTheMomentOfTheMode(t *testing.T) {
	t.Parallel()
	for mode, moment := range map[string]string{"on_place": "placed", "on_start": "started", "on_completion": "accepted"} {
		h := open(t, nil)
		o := h.placed(h.later(mode))
		assert.Equal(t, mode, o.Terms.Capture, "pinned")
		assert.Equal(t, mode != "on_place", contains(h.events(o.Ref()), "payment.hold_asked"), mode)
		require.NoError(t, h.came(o.ID, "100", map[bool]string{true: "100", false: "0"}[mode == "on_place"]))

		_, err := h.orders.Start(as(merchant), order.Start{Order: o.ID})
		require.NoError(t, err, mode)
		assert.Equal(t, moment == "started", contains(h.events(o.Ref()), "payment.capture_asked"), mode)
		if moment == "started" {
			require.NoError(t, h.came(o.ID, "100", "100"))
		}
		_, err = h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID})
		require.NoError(t, err)
		o, err = h.orders.Accept(as(customer), order.Accept{Order: o.ID})
		require.NoError(t, err)
		assert.Equal(t, moment == "accepted", o.State == order.Delivered, mode)
		if moment != "accepted" {
			continue
		}
		assert.Equal(t, "100.00 CNY", h.drawn())
		assert.Equal(t, "0.00", h.balance("earning", o.ID, o.Merchant), "nothing is sold that is not there")
		_, err = h.orders.Accept(as(customer), order.Accept{Order: o.ID})
		assert.Equal(t, "order.not_acceptable", platform.Code(err), "once is enough")
		_, err = h.orders.RequestRework(as(customer), order.RequestRework{Order: o.ID, Reason: "streaks", Lines: []int{1}})
		assert.Equal(t, "order.not_reworkable", platform.Code(err))

		require.NoError(t, h.came(o.ID, "100", "100"))
		require.Equal(t, 1, h.tick())
		o = h.read(o.ID)
		assert.Equal(t, order.Completed, o.State)
		assert.Equal(t, "90.00", h.balance("earning", o.ID, o.Merchant))
		assert.Equal(t, 1, count(h.events(o.Ref()), "order.accepted"))
	}
}

// A capture that does not come is looked at each day; the order never completes
// without it.
func TestAnAcceptedOrderWaitsForItsMoney(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.authorised(h.later("on_completion"))
	_, err := h.orders.Complete(as(merchant), order.Complete{Order: o.ID})
	require.Error(t, err, "its customer accepts")
	_, err = h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(t, err)
	_, err = h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID})
	require.NoError(t, err)
	h.clock.pass(72 * time.Hour)
	require.Equal(t, 1, h.tick(), "accepted by itself")
	require.NoError(t, h.came(o.ID, "0", "0"), "the authorisation lapsed")
	for range 3 {
		h.clock.pass(24 * time.Hour)
		require.Equal(t, 1, h.tick())
		assert.Equal(t, order.Delivered, h.read(o.ID).State)
	}
	assert.Equal(t, 1, count(h.events(o.Ref()), "order.auto_accepted"))

	require.NoError(t, h.came(o.ID, "100", "100"), "paid anew")
	require.Equal(t, 1, h.tick())
	assert.Equal(t, order.Completed, h.read(o.ID).State)
}

func TestProofCompletesOnceTheMoneyIsThere(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.authorised(h.list(func(m map[string]any) {
		m["capture"], m["acceptance"], m["proof"] = "on_start", "proof", []string{"photo"}
	}))
	photo := order.Taken{Kind: "photo", SHA256: strings.Repeat("ab", 32), Bytes: 1, TakenAt: h.clock.now()}

	o, err := h.orders.Complete(as(merchant), order.Complete{Order: o.ID, Proofs: []order.Taken{photo}})

	require.NoError(t, err)
	assert.Equal(t, order.Delivered, o.State)
	assert.Len(t, o.Proofs, 1)
	require.NoError(t, h.came(o.ID, "100", "100"))
	require.Equal(t, 1, h.tick())
	assert.Equal(t, order.Completed, h.read(o.ID).State)
	for d, err := range order.Verify(t.Context(), h.db) {
		require.NoError(t, err)
		require.Fail(t, "no step is missing", "%+v", d)
	}
}

// §6: what is not yet captured is given back by not taking it.
func TestARefundOfHeldMoneyIsNeverTaken(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.authorised(h.later("on_start"))
	r, err := h.refund(o, customer, "30")
	require.NoError(t, err)
	assert.Equal(t, order.RefundRequested, r.State)
	r, err = h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})
	require.NoError(t, err)

	assert.Equal(t, order.RefundSucceeded, r.State)
	assert.Equal(t, int64(70_00), h.till.most.Load())
	assert.NotContains(t, types(h.events(r.Ref())), "payment.return_asked", "nothing goes back")
	o = h.read(o.ID)
	assert.Equal(t, order.PartlyRefunded, o.Payment())
	assert.Equal(t, cny("70"), o.Refundable())
	_, err = h.refund(o, customer, "70.01")
	require.ErrorIs(t, err, order.ErrRefundExceeds)

	_, err = h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, "70.00 CNY", h.drawn())
	require.NoError(t, h.came(o.ID, "70", "70"))
	_, err = h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID})
	require.NoError(t, err)
	o, err = h.orders.Accept(as(customer), order.Accept{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, order.Completed, o.State)
	assert.Equal(t, "63.00", h.balance("earning", o.ID, o.Merchant))
	assert.Equal(t, "7.00", h.balance("commission", "", ""))
	assert.Equal(t, "0.00", h.balance("escrow", o.ID, ""))

	r, err = h.refund(o, customer, "")
	require.NoError(t, err)
	assert.Equal(t, cny("70"), r.Amount, "what was taken")
	require.NoError(t, h.tell(r.ID, "succeeded"))
	assert.Equal(t, order.Refunded, h.read(o.ID).Payment())
	assert.Equal(t, "0.00", h.balance("commission", "", ""))
}

func TestAllOfHeldMoneyGivenBackIsLetGo(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.authorised(h.later("on_start"))
	r, err := h.refund(o, customer, "")
	require.NoError(t, err)
	r, err = h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})
	require.NoError(t, err)

	assert.Equal(t, order.RefundSucceeded, r.State)
	assert.Contains(t, types(h.events(o.Ref())), "payment.cancelled")
	o = h.read(o.ID)
	assert.Equal(t, order.Refunded, o.Payment())
	assert.Equal(t, cny("0"), o.Refundable())
}

// E10: while a capture is under way the refund waits, its reservation on what is
// secured; it is one refund in the end, and nothing is voided besides.
func TestE10ARefundWaitsForTheCapture(t *testing.T) {
	t.Parallel()
	for _, captured := range []bool{true, false} {
		h := open(t, &order.Options{AutoRefund: order.AutoRefund{In: []order.State{order.InProgress}}})
		o := h.authorised(h.later("on_start"))
		_, err := h.orders.Start(as(merchant), order.Start{Order: o.ID})
		require.NoError(t, err)
		h.till.capturing.Store(true)

		r, err := h.refund(o, customer, "40")
		require.NoError(t, err)
		assert.Equal(t, order.RefundRequested, r.State, "it would have been granted at once")
		assert.Equal(t, cny("40"), h.read(o.ID).Reserved)
		_, err = h.refund(o, customer, "60.01")
		require.ErrorIs(t, err, order.ErrRefundExceeds)
		_, err = h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})
		require.ErrorIs(t, err, platform.ErrState)

		h.till.capturing.Store(false)
		if captured {
			require.NoError(t, h.came(o.ID, "100", "100"))
		}
		r, err = h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})
		require.NoError(t, err)
		returned := contains(h.events(r.Ref()), "payment.return_asked")
		assert.Equal(t, captured, returned, "given back")
		assert.Equal(t, !captured, h.till.most.Load() == 60_00, "or never taken")
	}
}

// E11: an order that was reduced while it was only authorised.
func TestE11AReducedOrderIsCapturedInPart(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.authorised(h.later("on_start"))
	in := order.ProposeChange{Order: o.ID, Reason: "plans", Lines: []order.ChangeLine{{Line: 1, Quantity: 1, Price: cny("70")}}}
	q, err := h.orders.QuoteChange(as(customer), in)
	require.NoError(t, err)
	in.Hash = q.Hash
	c, err := h.orders.ProposeChange(as(customer), in)
	require.NoError(t, err)
	c, err = h.orders.ApproveChange(as(merchant), order.ApproveChange{Change: c.ID, Hash: c.Hash})
	require.NoError(t, err)

	assert.Equal(t, order.ChangeApplied, c.State)
	assert.Equal(t, int64(70_00), h.till.most.Load())
	assert.NotContains(t, types(h.events(o.Ref())), "payment.cancelled", "nothing is voided")
	assert.Empty(t, h.refunds(o.ID), "and nothing refunded")
	_, err = h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, "70.00 CNY", h.drawn())
	require.NoError(t, h.came(o.ID, "70", "70"))
	assert.Equal(t, order.Paid, h.read(o.ID).Payment())
}

// A cancellation takes no more than its fee, which is earned once it is there.
func TestACancellationCapturesOnlyItsFee(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.later("on_start")
	o, err := h.place(listing, func(in *order.Place) { in.Start, in.TimeZone = h.clock.now().Add(3*time.Hour), "Asia/Shanghai" })
	require.NoError(t, err)
	require.NoError(t, h.came(o.ID, "100", "0"))
	h.clock.pass(time.Hour)
	q, err := h.orders.QuoteCancel(as(customer), order.Cancel{Order: o.ID})
	require.NoError(t, err)
	require.Positive(t, q.Fee.Sign())
	sum, err := q.Fee.Add(q.Refund)
	require.NoError(t, err)
	assert.Equal(t, cny("100"), sum)

	o, err = h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, Reason: "plans", MaxFee: q.Fee})

	require.NoError(t, err)
	assert.Equal(t, order.Cancelled, o.State)
	assert.Equal(t, q.Fee.String(), h.drawn())
	assert.Empty(t, h.refunds(o.ID), "never void and refund both")
	assert.Equal(t, "0.00", h.balance("cancel_fee", "", ""))
	require.ErrorIs(t, h.came(o.ID, "100", "100"), order.ErrNotPayable, "more than the fee is nobody's")
	fee := q.Fee.Decimal().String()
	require.NoError(t, h.came(o.ID, fee, fee))
	o = h.read(o.ID)
	assert.Equal(t, "0.00", h.balance("escrow", o.ID, ""))
	assert.Equal(t, o.Earned.Decimal().StringFixed(2), h.balance("earning", o.ID, o.Merchant))
	require.ErrorIs(t, h.came(o.ID, "100", "100"), order.ErrNotPayable)
	h.clock.pass(7 * 24 * time.Hour)
	require.Equal(t, 1, h.tick())
	assert.Equal(t, "0.00", h.balance("earning", o.ID, o.Merchant), "closed as any other")
}

func TestFreeCancellationAndDeclineLetGoOfWhatIsHeld(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.authorised(h.later("on_completion"))
	o, err := h.orders.Cancel(as(merchant), order.Cancel{Order: o.ID, Reason: "ill"})
	require.NoError(t, err)
	other := h.authorised(h.list(func(m map[string]any) { m["capture"], m["confirmation"] = "on_start", "manual" }))
	other, err = h.orders.Decline(as(merchant), order.Decline{Order: other.ID, Reason: "full"})
	require.NoError(t, err)
	for _, o := range []order.Order{o, other} {
		assert.Contains(t, types(h.events(o.Ref())), "payment.cancelled")
		assert.Empty(t, h.refunds(o.ID))
		assert.Equal(t, cny("0"), o.Secured, o.State)
	}
}

// What a dispute is about is taken before an institution lets go of it.
func TestADisputeTakesWhatIsHeld(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.authorised(h.later("on_completion"))
	_, err := h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(t, err)
	desk := order.Disputes{Store: h.store, Books: h.ports.Books, Payments: h.till}
	_, err = platform.Update(as(operator), h.w, fill{o.ID, 0}, func(ctx context.Context) (int, []platform.Change, error) {
		changes, err := desk.Hold(ctx, o.ID, o.ID.As("dsp"), cny("50"))
		return 0, append(changes, platform.Happened("dispute.opened", o.Ref(), nil)), err
	})
	require.NoError(t, err)
	assert.Equal(t, "100.00 CNY", h.drawn())
	assert.Equal(t, cny("50"), h.read(o.ID).Refundable(), "and nobody else gets it")
}

func TestOfSeveralListingsTheEarliestMomentCounts(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o, err := h.place(h.later("on_completion"), func(in *order.Place) {
		in.Lines = append(in.Lines, order.PlaceLine{Listing: h.later("on_start"), Quantity: 1})
	})
	require.NoError(t, err)
	assert.Equal(t, "on_start", o.Terms.Capture)
	_, err = h.place(h.later("on_the_moon"), nil)
	assert.Equal(t, "order.terms_unreadable", platform.Code(err))
	h.ports.Payments = struct{ order.Payments }{h.till}
	h.orders = order.New(h.w, h.store, h.ports, nil)
	_, err = h.place(h.later("on_start"), nil)
	assert.Equal(t, "order.capture_unsupported", platform.Code(err))
}
