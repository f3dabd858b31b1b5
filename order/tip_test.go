package order_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

var helper = platform.Actor{ID: platform.NewID("stf", noon, 1, 15), Kind: platform.Staff}

// crewed is a delivered order of 100.00 whose work two members did.
func (h *house) crewed() order.Order {
	h.t.Helper()
	o := h.confirmed(h.list(func(m map[string]any) { m["seats"] = 2 }))
	require.NoError(h.t, h.fill(o.ID, 1, member))
	require.NoError(h.t, h.fill(o.ID, 2, helper))
	_, err := h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(h.t, err)
	o, err = h.orders.Deliver(as(merchant), order.Deliver{Order: o.ID})
	require.NoError(h.t, err)
	return o
}

func (h *house) tip(o order.Order, amount string, shares ...order.TipShare) (order.Tip, error) {
	return h.orders.GiveTip(as(customer), order.GiveTip{Order: o.ID, Amount: cny(amount), Shares: shares})
}

// receives is the payments' word on all that has come of a tip.
func (h *house) receives(t order.Tip, captured string) error {
	attempt := platform.Ref{Kind: "payment.attempt", ID: platform.NewID("att", h.clock.now(), t.ID.Slot(), h.w.IDs())}
	_, err := platform.Update(platform.As(context.Background(), platform.SystemActor("payment")), h.w, pay{t.ID, cny(captured)}, func(ctx context.Context) (int, []platform.Change, error) {
		was, err := h.store.Tip(ctx, t.ID)
		if err != nil {
			return 0, nil, err
		}
		changes, err := h.payable.Secured(ctx, t.Ref(), "tip", cny(captured), cny(captured), h.clock.now())
		if err != nil {
			return 0, nil, err
		}
		more, err := cny(captured).Sub(was.Received)
		if err != nil {
			return 0, nil, err
		}
		booked, err := ledger{h.db}.Post(ctx, "tip.captured", attempt, h.clock.now(), []platform.Leg{
			{Role: "clearing", Party: "sandbox", Amount: more}, {Role: "tips", Of: t.ID, Amount: more.Neg()},
		})
		return 0, append(append(booked, changes...), platform.Happened("payment.captured", attempt, nil)), err
	})
	return err
}

func (h *house) readTip(id platform.ID) order.Tip {
	h.t.Helper()
	t, err := h.store.Tip(context.Background(), id)
	require.NoError(h.t, err)
	return t
}

// §9: a tip passes through to those who did the work, with no commission, and is no
// part of the order's money.
func TestATipIsOnlyForThoseWhoDidTheWork(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.crewed()
	tip, err := h.tip(o, "10.01")
	require.NoError(t, err)
	assert.Equal(t, []order.TipShare{{Member: member.ID, Amount: cny("5.01")}, {Member: helper.ID, Amount: cny("5.00")}}, tip.Shares)
	before := h.read(o.ID)
	require.NoError(t, h.receives(tip, "10.01"))
	assert.Equal(t, order.TipReceived, h.readTip(tip.ID).State)
	assert.Equal(t, "10.01", h.balance("tips", tip.ID, ""))
	assert.Equal(t, before.Mirrors, h.read(o.ID).Mirrors, "out of the order's money")

	_, err = h.orders.Accept(as(customer), order.Accept{Order: o.ID})
	require.NoError(t, err)
	h.clock.pass(7 * 24 * time.Hour)
	require.Equal(t, 2, h.tick(), "the order closes, the tip is released")

	assert.Equal(t, order.TipReleased, h.readTip(tip.ID).State)
	assert.Equal(t, "5.01", h.balance("payable", "", member.ID))
	assert.Equal(t, "5.00", h.balance("payable", "", helper.ID))
	assert.Equal(t, "90.00", h.balance("payable", "", o.Merchant))
	assert.Equal(t, "10.00", h.balance("commission", "", ""))
	assert.Equal(t, "0.00", h.balance("tips", tip.ID, ""))
	_, err = h.tip(o, "1")
	assert.Equal(t, "order.not_tippable", platform.Code(err))
}

func TestWhoMayTipHowMuch(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.crewed()
	share := func(who platform.Actor, amount string) order.TipShare {
		return order.TipShare{Member: who.ID, Amount: cny(amount)}
	}
	for name, c := range map[string]struct {
		in   order.GiveTip
		code string
	}{
		"nothing":            {order.GiveTip{Amount: cny("0")}, "tip.amount"},
		"less than nothing":  {order.GiveTip{Amount: cny("-1")}, "tip.amount"},
		"above the total":    {order.GiveTip{Amount: cny("100.01")}, "tip.amount"},
		"other money":        {order.GiveTip{Amount: platform.MustMoney("1", "USD")}, "tip.amount"},
		"shares too small":   {order.GiveTip{Amount: cny("5"), Shares: []order.TipShare{share(member, "2"), share(helper, "2.99")}}, "tip.amount"},
		"a share of nothing": {order.GiveTip{Amount: cny("5"), Shares: []order.TipShare{share(member, "5"), {Member: helper.ID}}}, "tip.amount"},
		"for somebody else":  {order.GiveTip{Amount: cny("5"), Shares: []order.TipShare{share(operator, "5")}}, "tip.member"},
		"twice for a member": {order.GiveTip{Amount: cny("5"), Shares: []order.TipShare{share(member, "2"), share(member, "3")}}, "tip.member"},
		"for the merchant":   {order.GiveTip{Amount: cny("5"), Shares: []order.TipShare{share(merchant, "5")}}, "tip.member"},
	} {
		c.in.Order = o.ID
		_, err := h.orders.GiveTip(as(customer), c.in)
		var fields platform.FieldErrors
		require.ErrorAs(t, err, &fields, name)
		assert.Equal(t, c.code, fields[0].Code, name)
	}
	_, err := h.orders.GiveTip(as(merchant), order.GiveTip{Order: o.ID, Amount: cny("1")})
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = h.orders.GiveTip(as(operator), order.GiveTip{Order: o.ID, Amount: cny("1")})
	require.ErrorIs(t, err, platform.ErrDenied, "only on behalf of the customer")
	_, err = h.orders.GiveTip(as(stranger), order.GiveTip{Order: o.ID, Amount: cny("1")})
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = h.tip(h.confirmed(h.list(nil)), "1")
	assert.Equal(t, "order.not_tippable", platform.Code(err), "before the work is delivered")

	given, err := h.tip(o, "100", share(member, "99.99"), share(helper, "0.01"))
	require.NoError(t, err)
	_, err = h.tip(o, "0.01")
	require.Error(t, err, "all of an order's tips together")
	h.clock.pass(24 * time.Hour)
	require.Equal(t, 1, h.tick())
	assert.Equal(t, order.TipExpired, h.readTip(given.ID).State)
	require.ErrorIs(t, h.receives(given, "100"), order.ErrNotPayable, "surplus")
	_, err = h.tip(o, "0.01")
	require.NoError(t, err, "what expired does not count")

	dear := h.dear()
	_, err = h.tip(dear, "2000.01")
	require.Error(t, err)
	one, err := h.tip(dear, "2000")
	require.NoError(t, err)
	assert.Equal(t, merchant.ID, one.Shares[0].Member, "it works without staff")
}

// What came of a tip that was not paid in full is the tip.
func TestATipPaidInPartIsAsLargeAsThat(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.crewed()
	tip, err := h.tip(o, "10", order.TipShare{Member: member.ID, Amount: cny("7.50")}, order.TipShare{Member: helper.ID, Amount: cny("2.50")})
	require.NoError(t, err)
	require.NoError(t, h.receives(tip, "0.02"))
	h.clock.pass(24 * time.Hour)
	h.till.busy.Store(true)
	require.Equal(t, 1, h.tick(), "a payment is under way")
	assert.Equal(t, order.TipAsked, h.readTip(tip.ID).State)
	h.till.busy.Store(false)
	h.clock.pass(2 * time.Minute)
	require.Equal(t, 1, h.tick())

	tip = h.readTip(tip.ID)
	assert.Equal(t, order.TipReceived, tip.State)
	assert.Equal(t, cny("0.02"), tip.Amount)
	assert.Equal(t, cny("0.02"), h.read(o.ID).Tipped)
}

// A tip goes back from where it lies, by an operator and once.
func TestATipIsGivenBack(t *testing.T) {
	t.Parallel()
	for _, released := range []bool{false, true} {
		h := open(t, nil)
		o := h.crewed()
		tip, err := h.tip(o, "10")
		require.NoError(t, err)
		_, err = h.orders.RefundTip(as(operator), order.RefundTip{Tip: tip.ID, Reason: "mistake"})
		assert.Equal(t, "tip.not_refundable", platform.Code(err), "nothing came yet")
		require.NoError(t, h.receives(tip, "10"))
		if released {
			h.clock.pass(7 * 24 * time.Hour)
			h.tick()
			require.Equal(t, "5.00", h.balance("payable", "", member.ID))
		}
		_, err = h.orders.RefundTip(as(customer), order.RefundTip{Tip: tip.ID, Reason: "mistake"})
		require.ErrorIs(t, err, platform.ErrDenied)

		var crowd sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			crowd.Go(func() {
				_, errs[i] = h.orders.RefundTip(as(operator), order.RefundTip{Tip: tip.ID, Reason: "mistake"})
			})
		}
		crowd.Wait()
		granted := 0
		for _, err := range errs {
			if err == nil {
				granted++
				continue
			}
			require.ErrorIs(t, err, platform.ErrState)
		}
		assert.Equal(t, 1, granted)
		require.NoError(t, h.tellTip(tip, "sent"))
		require.NoError(t, h.tellTip(tip, "succeeded"))
		require.NoError(t, h.tellTip(tip, "succeeded"), "heard twice")
		assert.Equal(t, order.TipRefunded, h.readTip(tip.ID).State)
		assert.Equal(t, "0.00", h.balance("tips", tip.ID, ""))
		assert.Equal(t, "0.00", h.balance("payable", "", member.ID))
		assert.Equal(t, "0.00", h.balance("refund_due", tip.ID, ""))
	}
}

func (h *house) tellTip(tip order.Tip, outcome string) error {
	_, err := platform.Update(platform.As(context.Background(), platform.SystemActor("payment")), h.w, tell{tip.ID, outcome}, func(ctx context.Context) (int, []platform.Change, error) {
		var out []platform.Leg
		if outcome == "succeeded" {
			out = []platform.Leg{{Role: "clearing", Party: "sandbox", Amount: tip.Amount.Neg()}}
		}
		changes, err := h.payable.Returned(ctx, tip.Ref(), tip.Ref(), outcome, out, h.clock.now())
		return 0, append(changes, platform.Happened("payment.return_"+outcome, tip.Ref(), nil)), err
	})
	return err
}

// E33: a chargeback of the order's payment leaves the tip alone; one of the tip's own
// payment holds it back.
func TestE33AChargebackOfTheOrderLeavesItsTip(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.crewed()
	kept, err := h.tip(o, "10")
	require.NoError(t, err)
	lost, err := h.tip(o, "5")
	require.NoError(t, err)
	require.NoError(t, h.receives(kept, "10"))
	require.NoError(t, h.receives(lost, "5"))
	for subject, back := range map[platform.Ref]string{o.Ref(): "100", lost.Ref(): "5"} {
		_, err := platform.Update(platform.As(t.Context(), platform.SystemActor("payment")), h.w, disputed{subject.ID, cny(back)}, func(ctx context.Context) (int, []platform.Change, error) {
			changes, err := h.payable.Disputed(ctx, subject, cny(back), cny("0"), h.clock.now())
			return 0, append(changes, platform.Happened("chargeback.received", subject, nil)), err
		})
		require.NoError(t, err)
	}
	_, err = h.orders.RefundTip(as(operator), order.RefundTip{Tip: lost.ID, Reason: "mistake"})
	assert.Equal(t, "tip.not_refundable", platform.Code(err), "the bank gives it back")
	h.clock.pass(7 * 24 * time.Hour)
	h.tick()
	assert.Equal(t, order.TipReleased, h.readTip(kept.ID).State)
	assert.Equal(t, order.TipReceived, h.readTip(lost.ID).State)
	assert.Equal(t, "5.00", h.balance("payable", "", member.ID))
}

func TestSharesOfATipAddUp(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.crewed()
	rapid.Check(t, func(t *rapid.T) {
		amount, err := platform.FromMinor(rapid.Int64Range(1, 100_00).Draw(t, "amount"), cny("0").Currency())
		require.NoError(t, err)
		_, tip, err := o.Tip("tip", amount, nil, nil, platform.Customer, noon)
		require.NoError(t, err)
		sum := cny("0")
		for _, s := range tip.Shares {
			require.Positive(t, s.Amount.Sign(), "nobody gets a share of nothing")
			sum, err = sum.Add(s.Amount)
			require.NoError(t, err)
		}
		require.Equal(t, amount, sum)
	})
}
