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

// purse gives what is payable as far as it reaches; the rest is owed.
type purse struct{ payable, lie platform.Money }

func (p purse) Sources(_ context.Context, merchant platform.ID, amount platform.Money) ([]platform.Leg, error) {
	owed, err := amount.Sub(p.payable)
	if err != nil {
		return nil, err
	}
	if !p.lie.Absent() {
		owed = p.lie
	}
	return []platform.Leg{{Role: "payable", Party: merchant, Amount: p.payable}, {Role: "receivable", Party: merchant, Amount: owed}}, nil
}

// plans know one plan of every refund.
type plans struct{ sources []platform.Leg }

var errPlan = platform.Err(platform.ErrState, "refund.plan_changed", "another plan", "方案已变化")

func (p plans) Confirm(_ context.Context, refund platform.Ref, hash string) ([]platform.Leg, []platform.Change, error) {
	if hash != "shown" {
		return nil, nil, errPlan
	}
	return p.sources, []platform.Change{platform.Happened("refund.planned", refund, nil)}, nil
}

// closedWith is a closed order with a refund of 50.00 asked for, over other ports.
func (h *house) closedWith(change func(*order.Ports)) order.Refund {
	h.t.Helper()
	change(&h.ports)
	h.orders = order.New(h.w, h.store, h.ports, nil)
	o := h.completed(h.list(nil))
	h.clock.pass(7 * 24 * time.Hour)
	require.Equal(h.t, 1, h.tick())
	r, err := h.refund(o, merchant, "50")
	require.NoError(h.t, err)
	return r
}

// E12: a refund after payout does not wait for the merchant's money.
func TestE12ARefundAfterPayoutIsOwedByTheMerchant(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	r := h.closedWith(func(p *order.Ports) { p.Sources = purse{payable: cny("30")} })

	_, err := h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})
	require.NoError(t, err)
	require.NoError(t, h.tell(r.ID, "succeeded"))

	o := h.read(r.Order)
	assert.Equal(t, "60.00", h.balance("payable", "", o.Merchant))
	assert.Equal(t, "-15.00", h.balance("receivable", "", o.Merchant))
	assert.Equal(t, "5.00", h.balance("commission", "", ""))
}

// What is kept of the fees and what is missing are owed together.
func TestAKeptFeeAndAMissingAmountAreOneDebt(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	h.ports.Fees = taxed{}
	r := h.closedWith(func(p *order.Ports) { p.Sources = purse{payable: cny("30")} })
	all, err := h.refund(h.read(r.Order), merchant, "53.18")
	require.NoError(t, err)
	for _, id := range []platform.ID{r.ID, all.ID} {
		_, err := h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: id})
		require.NoError(t, err)
	}
	o := h.read(r.Order)
	assert.Equal(t, "28.00", h.balance("payable", "", o.Merchant), "88 − 30 − 30")
	assert.Equal(t, "-29.00", h.balance("receivable", "", o.Merchant), "of it 1.00 for the payment, which is kept")
	assert.Equal(t, "1.00", h.balance("commission", "", ""))
	assert.Equal(t, "0.00", h.balance("output_tax", "", ""))
}

func TestSourcesThatDoNotMakeTheAmountAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	r := h.closedWith(func(p *order.Ports) { p.Sources = purse{payable: cny("30"), lie: cny("14.99")} })

	_, err := h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})

	require.ErrorIs(t, err, platform.ErrUnavailable)
	assert.Equal(t, "refund.sources", platform.Code(err))
}

func TestARefundIsApprovedAsItsPlanWasShown(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	r := h.closedWith(func(*order.Ports) {})
	_, err := h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID, Plan: "shown"})
	assert.Equal(t, "refund.plans", platform.Code(err), "nobody plans here")

	h.ports.Plans = plans{}
	h.orders = order.New(h.w, h.store, h.ports, nil)
	_, err = h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID, Plan: "another"})
	require.ErrorIs(t, err, errPlan)
	r, err = h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID, Plan: "shown"})
	require.NoError(t, err)
	assert.Equal(t, order.RefundApproved, r.State)
}

// The accounts have changed since the plan was made, in the same decision even:
// what was shown is what is booked.
func TestAPlanIsBookedOutOfTheSourcesThatItShowed(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	r := h.closedWith(func(p *order.Ports) {
		p.Sources = purse{payable: cny("30")}
		p.Plans = plans{[]platform.Leg{{Role: "payable", Party: merchant.ID, Amount: cny("12.34")}, {Role: "receivable", Party: merchant.ID, Amount: cny("32.66")}}}
	})

	_, err := h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID, Plan: "shown"})
	require.NoError(t, err)
	require.NoError(t, h.tell(r.ID, "succeeded"))

	assert.Equal(t, "77.66", h.balance("payable", "", merchant.ID))
	assert.Equal(t, "-32.66", h.balance("receivable", "", merchant.ID))
}

// A plan that does not make the amount is never booked.
func TestAPlanOfAnotherAmountIsRefused(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	r := h.closedWith(func(p *order.Ports) {
		p.Plans = plans{[]platform.Leg{{Role: "payable", Party: merchant.ID, Amount: cny("44.99")}}}
	})

	_, err := h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID, Plan: "shown"})

	assert.Equal(t, "refund.sources", platform.Code(err))
}

// stale is a purse whose first answers are of another moment.
type stale struct {
	purse
	times *int
}

func (s stale) Sources(ctx context.Context, merchant platform.ID, amount platform.Money) ([]platform.Leg, error) {
	if *s.times--; *s.times >= 0 {
		return purse{payable: cny("145")}.Sources(ctx, merchant, amount) // more than the merchant has
	}
	return s.purse.Sources(ctx, merchant, amount)
}

// An account has less at the commit than when the sources were chosen: they are
// chosen again, and not for ever.
func TestSourcesAreChosenAgainWhenAnAccountHasLess(t *testing.T) {
	t.Parallel()
	for times, granted := range map[int]bool{1: true, 7: true, 8: false} {
		h := open(t, nil)
		r := h.closedWith(func(p *order.Ports) { p.Sources = stale{purse{payable: cny("30")}, &times} })

		_, err := h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})

		if granted {
			require.NoError(t, err)
			continue
		}
		assert.Equal(t, "floor", platform.Code(err))
	}
}

// A refund that approves itself chooses again too.
func TestAutomaticApprovalChoosesItsSourcesAgain(t *testing.T) {
	t.Parallel()
	times := 0
	h := open(t, nil)
	r := h.closedWith(func(p *order.Ports) { p.Sources = stale{purse{payable: cny("30")}, &times} })
	h.orders = order.New(h.w, h.store, h.ports, &order.Options{AutoRefund: order.AutoRefund{In: []order.State{order.Closed}}})
	times = 3

	again, err := h.refund(h.read(r.Order), merchant, "50")

	require.NoError(t, err)
	assert.Equal(t, order.RefundApproved, again.State)
}

// F7: a refund is in flight when the order is to close: the close waits for it.
func TestTheCloseWaitsForARefundInFlight(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.completed(h.list(nil))
	r, err := h.refund(o, customer, "30")
	require.NoError(t, err)
	require.Equal(t, order.RefundApproved, r.State)

	h.clock.pass(7 * 24 * time.Hour)
	require.Equal(t, 1, h.tick())
	assert.Equal(t, order.Completed, h.read(o.ID).State)
	require.NoError(t, h.tell(r.ID, "succeeded"))
	h.clock.pass(25 * time.Hour)
	require.Equal(t, 1, h.tick())

	assert.Equal(t, order.Closed, h.read(o.ID).State)
	assert.Equal(t, "63.00", h.balance("payable", "", o.Merchant))
}
