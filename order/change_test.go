package order_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/order"
)

// propose proposes what was quoted.
func (h *house) propose(by platform.Actor, in order.ProposeChange) (order.Change, error) {
	in.Reason = "plans"
	q, err := h.orders.QuoteChange(as(by), in)
	if err != nil {
		return order.Change{}, err
	}
	in.Hash = q.Hash
	return h.orders.ProposeChange(as(by), in)
}

func (h *house) agree(by platform.Actor, c order.Change) (order.Change, error) {
	return h.orders.ApproveChange(as(by), order.ApproveChange{Change: c.ID, Hash: c.Hash})
}

// quantity is a change of the first line to so many.
func quantity(o order.Order, n int64) order.ProposeChange {
	return order.ProposeChange{Order: o.ID, Lines: []order.ChangeLine{{Line: 1, Quantity: n}}}
}

// begun is an order of 200.00 for two visits, and a change of it to n that both
// sides agreed to.
func (h *house) agreed(n int64) (order.Order, order.Change) {
	h.t.Helper()
	o := h.twice()
	c, err := h.propose(customer, quantity(o, n))
	require.NoError(h.t, err)
	c, err = h.agree(merchant, c)
	require.NoError(h.t, err)
	return h.read(o.ID), c
}

// twice is a confirmed order of two visits, 200.00.
func (h *house) twice() order.Order {
	h.t.Helper()
	o, err := h.place(h.list(nil), func(in *order.Place) { in.Lines[0].Quantity = 2 })
	require.NoError(h.t, err)
	require.NoError(h.t, h.pay(o.ID, o.Total))
	return h.read(o.ID)
}

// same tells that an order is as it was but for its version.
func same(t *testing.T, was, is order.Order) {
	t.Helper()
	is.Version, is.Generation = was.Version, was.Generation
	assert.Equal(t, was, is)
}

func TestAChangeThatCostsMoreIsAppliedOnceItIsPaid(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o, c := h.agreed(3)
	assert.Equal(t, order.ChangeApproved, c.State)
	assert.Equal(t, cny("100"), c.Extra)
	assert.Equal(t, cny("300"), o.Asked)
	assert.Equal(t, cny("200"), o.Total, "as it was, until the money is there")
	assert.Zero(t, h.tick())

	require.NoError(t, h.payFor(o.ID, "extra", cny("40")))
	assert.Zero(t, h.tick(), "a part is not enough")
	require.NoError(t, h.payFor(o.ID, "extra", cny("60")))
	assert.Equal(t, cny("200"), h.read(o.ID).Refundable(), "what came for the change is the change's")
	assert.Equal(t, 1, h.tick())

	o = h.read(o.ID)
	assert.Equal(t, cny("300"), o.Total)
	assert.Equal(t, int64(3), o.Lines[0].Quantity)
	assert.Equal(t, cny("30"), o.Lines[0].Fee, "by the schedule that was frozen")
	assert.Equal(t, 1, o.TermsVersion)
	assert.Nil(t, o.Change)
	c, err := h.orders.Change(as(customer), c.ID)
	require.NoError(t, err)
	assert.Equal(t, order.ChangeApplied, c.State)

	h.finish(o.ID)
	assert.Equal(t, "270.00", h.balance("earning", o.ID, o.Merchant))
	assert.Equal(t, "30.00", h.balance("commission", "", ""))
	assert.Equal(t, "0.00", h.balance("escrow", o.ID, ""))
}

// finish starts, delivers and accepts.
func (h *house) finish(id platform.ID) {
	h.t.Helper()
	_, err := h.orders.Start(as(merchant), order.Start{Order: id})
	require.NoError(h.t, err)
	_, err = h.orders.Deliver(as(merchant), order.Deliver{Order: id})
	require.NoError(h.t, err)
	_, err = h.orders.Accept(as(customer), order.Accept{Order: id})
	require.NoError(h.t, err)
}

func TestAChangeThatCostsLessGivesBackInTheSameSet(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o, c := h.agreed(1)
	assert.Equal(t, order.ChangeApplied, c.State)
	assert.Equal(t, cny("-100"), c.Delta)
	assert.Equal(t, cny("100"), o.Total)
	assert.Equal(t, cny("100"), o.Refundable())
	require.Len(t, h.refunds(o.ID), 1)
	r := h.refunds(o.ID)[0]
	assert.Equal(t, order.RefundApproved, r.State)
	assert.Equal(t, cny("100"), r.Undone)
	assert.Equal(t, "100.00", h.balance("refund_due", o.ID, ""))
	require.NoError(t, h.tell(r.ID, "succeeded"))
	assert.Equal(t, "100.00", h.balance("escrow", o.ID, ""))

	h.finish(o.ID)
	assert.Equal(t, "90.00", h.balance("earning", o.ID, o.Merchant))
	assert.Equal(t, "10.00", h.balance("commission", "", ""))
	_, err := h.refund(h.read(o.ID), customer, "100")
	require.NoError(t, err, "what is left can be given back to the last")
	assert.Equal(t, cny("0"), h.read(o.ID).Refundable())
}

// A change may fall and rise again: each time the difference moves, once.
func TestAnOrderThatShrinksAndGrowsKeepsItsMoneyStraight(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o, _ := h.agreed(1)
	c, err := h.propose(merchant, quantity(o, 2))
	require.NoError(t, err)
	c, err = h.agree(customer, c)
	require.NoError(t, err)
	assert.Equal(t, cny("100"), c.Extra)
	require.NoError(t, h.payFor(o.ID, "extra", cny("100")))
	assert.Equal(t, 1, h.tick())
	h.finish(o.ID)
	assert.Equal(t, "180.00", h.balance("earning", o.ID, o.Merchant))
	assert.Equal(t, "100.00", h.balance("refund_due", o.ID, ""))
}

func TestAChangeThatComesToNothingLeavesTheOrderAsItWas(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*house, order.Change) error{
		"rejected": func(h *house, c order.Change) error {
			_, err := h.orders.RejectChange(as(merchant), order.RejectChange{Change: c.ID, Reason: "full"})
			return err
		},
		"withdrawn": func(h *house, c order.Change) error {
			_, err := h.orders.WithdrawChange(as(customer), order.WithdrawChange{Change: c.ID})
			return err
		},
		"withdrawn when approved": func(h *house, c order.Change) error {
			_, err := h.agree(merchant, c)
			require.NoError(h.t, err)
			_, err = h.orders.WithdrawChange(as(customer), order.WithdrawChange{Change: c.ID})
			return err
		},
		"nobody answers": func(h *house, _ order.Change) error {
			h.clock.pass(24 * time.Hour)
			require.Equal(h.t, 1, h.tick())
			return nil
		},
		"nobody pays": func(h *house, c order.Change) error {
			_, err := h.agree(merchant, c)
			require.NoError(h.t, err)
			h.clock.pass(15 * time.Minute)
			require.Equal(h.t, 1, h.tick())
			return nil
		},
	} {
		h := open(t, nil)
		o := h.twice()
		c, err := h.propose(customer, quantity(o, 3))
		require.NoError(t, err, name)
		require.NoError(t, end(h, c), name)
		is := h.read(o.ID)
		if is.Extra.Sign() == 0 {
			is.Extra = platform.Money{}
		}
		same(t, o, is)
		_, err = h.agree(merchant, c)
		assert.Equal(t, "change.not_approvable", platform.Code(err), name)
		assert.Empty(t, h.refunds(o.ID), name)
	}
}

func TestAPartThatWasPaidForAChangeGoesBack(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o, c := h.agreed(3)
	require.NoError(t, h.payFor(o.ID, "extra", cny("40")))
	h.till.busy.Store(true)
	h.clock.pass(15 * time.Minute)
	assert.Equal(t, 1, h.tick(), "an attempt is under way: wait")
	assert.NotNil(t, h.read(o.ID).Change)
	h.till.busy.Store(false)
	h.clock.pass(2 * time.Minute)
	assert.Equal(t, 1, h.tick())

	c, err := h.orders.Change(as(merchant), c.ID)
	require.NoError(t, err)
	assert.Equal(t, order.ChangeExpired, c.State)
	o = h.read(o.ID)
	assert.Equal(t, cny("200"), o.Refundable())
	assert.Equal(t, "40.00", h.balance("refund_due", o.ID, ""))
	assert.Equal(t, "200.00", h.balance("escrow", o.ID, ""))
	require.ErrorIs(t, h.payFor(o.ID, "extra", cny("60")), order.ErrNotPayable, "E18: surplus, and the order unchanged")

	c, err = h.propose(customer, quantity(o, 3))
	require.NoError(t, err)
	c, err = h.agree(merchant, c)
	require.NoError(t, err)
	assert.Equal(t, cny("100"), c.Extra)
	require.NoError(t, h.payFor(o.ID, "extra", cny("100")))
	assert.Equal(t, 1, h.tick())
	h.finish(o.ID)
	assert.Equal(t, "270.00", h.balance("earning", o.ID, o.Merchant))
}

// E18: the price that was shown counts, however the listing moves.
func TestE18TheTableThatWasPricedCounts(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	listing := h.list(nil)
	o := h.confirmed(listing)
	add := order.ProposeChange{Order: o.ID, Lines: []order.ChangeLine{{Listing: listing, Quantity: 1}}, Reason: "more"}
	q, err := h.orders.QuoteChange(as(customer), add)
	require.NoError(t, err)
	h.reprice(listing, "150")
	add.Hash = q.Hash
	_, err = h.orders.ProposeChange(as(customer), add)
	require.ErrorIs(t, err, order.ErrChangePrice)
	shown, ok := platform.Details(err)["quote"].(order.Proposal)
	require.True(t, ok)
	assert.Equal(t, cny("150"), shown.Delta)

	add.Hash = shown.Hash
	c, err := h.orders.ProposeChange(as(customer), add)
	require.NoError(t, err)
	h.reprice(listing, "999")
	c, err = h.agree(merchant, c)
	require.NoError(t, err)
	assert.Equal(t, cny("150"), c.Extra)
	_, err = h.orders.ApproveChange(as(merchant), order.ApproveChange{Change: c.ID, Hash: "other"})
	assert.Equal(t, "change.not_approvable", platform.Code(err))
}

func TestWhoMayProposeAndAnswer(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.twice()
	for who, code := range map[*platform.Actor]string{&stranger: "order.not_found", &member: "order.not_found", &auditor: "order.actor_not_allowed"} {
		_, err := h.propose(*who, quantity(o, 3))
		assert.Equal(t, code, platform.Code(err))
	}
	c, err := h.propose(operator, quantity(o, 1))
	require.NoError(t, err)
	_, err = h.propose(customer, quantity(o, 1))
	require.ErrorIs(t, err, order.ErrChangeOpen)
	_, err = h.agree(operator, c)
	assert.Equal(t, "change.actor_not_allowed", platform.Code(err), "the platform agrees for nobody")
	_, err = h.orders.WithdrawChange(as(customer), order.WithdrawChange{Change: c.ID})
	assert.Equal(t, "change.not_proposer", platform.Code(err))
	c, err = h.agree(merchant, c)
	require.NoError(t, err)
	assert.Equal(t, order.ChangePriced, c.State, "of the platform's proposals both sides are asked")
	assert.Equal(t, []string{"approve", "reject"}, c.Allowed(h.read(o.ID), customer, noon))
	assert.Empty(t, c.Allowed(h.read(o.ID), merchant, noon))
	_, err = h.orders.ApproveChange(as(customer), order.ApproveChange{Change: c.ID, Hash: "unseen"})
	require.ErrorIs(t, err, order.ErrChangePrice)
	c, err = h.agree(customer, c)
	require.NoError(t, err)
	assert.Equal(t, order.ChangeApplied, c.State)
	_, err = h.orders.Change(as(stranger), c.ID)
	require.ErrorIs(t, err, platform.ErrNotFound)
}

func TestAPlanMovesThreeTimesByOneSide(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o, err := h.place(h.list(nil), func(in *order.Place) { in.Start, in.TimeZone = noon.Add(72*time.Hour), "Asia/Shanghai" })
	require.NoError(t, err)
	require.NoError(t, h.pay(o.ID, o.Total))
	move := func(by, other platform.Actor, days int) error {
		c, err := h.propose(by, order.ProposeChange{Order: o.ID, Start: noon.AddDate(0, 0, days)})
		if err != nil {
			return err
		}
		_, err = h.agree(other, c)
		return err
	}
	for day := range 3 {
		require.NoError(t, move(customer, merchant, 10+day))
	}
	assert.Equal(t, "change.limit", platform.Code(move(customer, merchant, 20)))
	require.NoError(t, move(merchant, customer, 20), "the other side has its own")
	o = h.read(o.ID)
	assert.Equal(t, noon.AddDate(0, 0, 20), o.PlannedStart)
	assert.Equal(t, o.PlannedStart.Add(time.Hour), o.PlannedEnd)
	h.clock.pass(20*24*time.Hour - time.Hour)
	assert.Equal(t, "order.not_changeable", platform.Code(move(merchant, customer, 30)), "an hour before, it is too late")
}

// E17: who cannot follow is told beforehand, and released only once both agreed.
func TestE17AMemberWhoCannotFollowIsReleasedAfterApproval(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o, err := h.place(h.list(func(m map[string]any) { m["seats"] = 1 }), func(in *order.Place) { in.Start, in.TimeZone = noon.Add(72*time.Hour), "Asia/Shanghai" })
	require.NoError(t, err)
	require.NoError(t, h.pay(o.ID, o.Total))
	require.NoError(t, h.fill(o.ID, 1, member))
	c, err := h.propose(customer, order.ProposeChange{Order: o.ID, Start: noon.AddDate(0, 0, 5)})
	require.NoError(t, err)
	assert.Equal(t, []int{1}, c.Vacates)
	assert.Equal(t, order.Assigned, h.read(o.ID).State)
	_, err = h.agree(merchant, c)
	require.NoError(t, err)
	o = h.read(o.ID)
	assert.Equal(t, order.Confirmed, o.State)
	assert.Equal(t, []order.Seat{{No: 1}}, o.Seats)
	assert.Contains(t, types(h.events(o.Ref())), "assignment.released")
	for d, err := range order.Verify(context.Background(), h.db) {
		require.NoError(t, err)
		assert.Fail(t, "out of step", "%+v", d)
	}
}

func TestTheOrderGoesOnByItsOldTerms(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.twice()
	c, err := h.propose(customer, quantity(o, 3))
	require.NoError(t, err)
	_, err = h.orders.Start(as(merchant), order.Start{Order: o.ID})
	require.NoError(t, err)
	c, err = h.orders.Change(as(customer), c.ID)
	require.NoError(t, err)
	assert.Equal(t, order.ChangeExpired, c.State)
	assert.Equal(t, "order_in_progress", c.Ending)

	o, c = h.agreed(3)
	_, err = h.orders.Start(as(merchant), order.Start{Order: o.ID})
	assert.Equal(t, "order.not_startable", platform.Code(err), "a change is being applied")
	assert.Equal(t, c.ID, platform.Details(err)["change"])
	require.NoError(t, h.payFor(o.ID, "extra", cny("100")))
	o, err = h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("60"), Reason: "x"})
	require.NoError(t, err)
	assert.Equal(t, cny("60"), o.Cancellation.Fee, "of the terms that were agreed")
	assert.Equal(t, cny("240"), o.Cancellation.Refund)
	assert.Equal(t, "240.00", h.balance("refund_due", o.ID, ""))
	assert.Equal(t, "0.00", h.balance("escrow", o.ID, ""))
	assert.Equal(t, order.ChangeExpired, h.change(c.ID).State)
}

func (h *house) change(id platform.ID) order.Change {
	h.t.Helper()
	c, err := h.store.Change(context.Background(), id)
	require.NoError(h.t, err)
	return c
}

// Whatever meets a change at once, both are told the truth, no money is lost, and
// of approval and end one wins.
func TestAChangeInARace(t *testing.T) {
	t.Parallel()
	for name, rival := range map[string]func(*house, order.Order, order.Change) error{
		"start": func(h *house, o order.Order, _ order.Change) error {
			return failure(h.orders.Start(as(merchant), order.Start{Order: o.ID}))
		},
		"cancel": func(h *house, o order.Order, _ order.Change) error {
			return failure(h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("200"), Reason: "x"}))
		},
		"withdraw": func(h *house, _ order.Order, c order.Change) error {
			_, err := h.orders.WithdrawChange(as(customer), order.WithdrawChange{Change: c.ID})
			return err
		},
		"reject": func(h *house, _ order.Order, c order.Change) error {
			_, err := h.orders.RejectChange(as(merchant), order.RejectChange{Change: c.ID, Reason: "x"})
			return err
		},
		"refund": func(h *house, o order.Order, _ order.Change) error {
			_, err := h.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Amount: cny("1"), Reason: "x"})
			return err
		},
	} {
		for _, n := range []int64{1, 3} {
			for range 5 {
				h := open(t, nil)
				o := h.twice()
				c, err := h.propose(customer, quantity(o, n))
				require.NoError(t, err)
				var agreed, other error
				var both sync.WaitGroup
				both.Go(func() { _, agreed = h.agree(merchant, c) })
				both.Go(func() { other = rival(h, o, c) })
				both.Wait()
				for _, err := range []error{agreed, other} {
					if err != nil {
						require.ErrorIs(t, err, platform.ErrState, "%s %d", name, n)
					}
				}
				require.False(t, agreed != nil && other != nil, "%s %d: neither took effect: %v", name, n, errors.Join(agreed, other))
				h.conserved(h.read(o.ID))
			}
		}
	}
}

// Money for a change that arrives as it ends is either the change's, or back, or
// refused and so surplus.
func TestAChangePaidAsItEnds(t *testing.T) {
	t.Parallel()
	for range 20 {
		h := open(t, nil)
		o, c := h.agreed(3)
		var paid, withdrawn, cancelled error
		var all sync.WaitGroup
		all.Go(func() { paid = h.payFor(o.ID, "extra", cny("100")) })
		all.Go(func() { _, withdrawn = h.orders.WithdrawChange(as(customer), order.WithdrawChange{Change: c.ID}) })
		all.Go(func() {
			_, cancelled = h.orders.Cancel(as(customer), order.Cancel{Order: o.ID, MaxFee: cny("60"), Reason: "x"})
		})
		all.Wait()
		require.NoError(t, cancelled)
		if withdrawn != nil {
			assert.Equal(t, "change.not_withdrawable", platform.Code(withdrawn))
		}
		if paid != nil {
			require.ErrorIs(t, paid, order.ErrNotPayable)
		}
		is := h.read(o.ID)
		assert.Equal(t, cny("0"), is.Refundable())
		assert.Equal(t, "0.00", h.balance("escrow", o.ID, ""))
		h.conserved(is)
	}
}

// conserved tells that what came in is where the order says it is.
func (h *house) conserved(o order.Order) {
	h.t.Helper()
	minor := func(role string, of, party platform.ID) int64 {
		return platform.MustMoney(h.balance(role, of, party), "CNY").Minor()
	}
	in := -minor("clearing", "", "sandbox")
	assert.Equal(h.t, o.Captured.Minor()-o.Refunded.Minor(), in)
	assert.Equal(h.t, in, minor("escrow", o.ID, "")+minor("earning", o.ID, o.Merchant)+minor("refund_due", o.ID, "")+minor("cancel_fee", "", "")+minor("commission", "", ""))
	var lines int64
	for _, l := range o.Lines {
		lines += l.Amount.Minor()
	}
	assert.Equal(h.t, o.Total.Minor(), lines)
}

func TestAGuardThatIsLostAfterPaymentGivesTheMoneyBack(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o, c := h.agreed(3)
	require.NoError(t, h.payFor(o.ID, "extra", cny("100")))
	_, err := h.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Amount: cny("1"), Reason: "x"})
	require.NoError(t, err)
	assert.Equal(t, 1, h.tick())
	c = h.change(c.ID)
	assert.Equal(t, order.ChangeFailed, c.State)
	assert.Equal(t, "change.refunded", c.Ending)
	o = h.read(o.ID)
	assert.Equal(t, cny("200"), o.Total)
	assert.Equal(t, "100.00", h.balance("refund_due", o.ID, ""))
	h.conserved(o)
}

func TestAProposalNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.twice()
	other := h.list(func(m map[string]any) { m["merchant"] = rival.ID })
	staffed := h.list(func(m map[string]any) { m["seats"] = 1 })
	for name, c := range map[string]struct {
		in   order.ProposeChange
		code string
	}{
		"nothing":           {order.ProposeChange{}, "change.nothing"},
		"the same again":    {quantity(o, 2), "change.nothing"},
		"no such line":      {order.ProposeChange{Lines: []order.ChangeLine{{Line: 2, Quantity: 1}}}, "order.line_unknown"},
		"too many":          {quantity(o, 10_001), "order.quantity"},
		"all taken out":     {quantity(o, 0), "order.no_lines"},
		"another merchant":  {order.ProposeChange{Lines: []order.ChangeLine{{Listing: other, Quantity: 1}}}, "order.merchant_mixed"},
		"other terms":       {order.ProposeChange{Lines: []order.ChangeLine{{Listing: staffed, Quantity: 1}}}, "order.terms_mixed"},
		"in the past":       {order.ProposeChange{Start: noon.Add(-time.Hour), TimeZone: "UTC"}, "order.start_past"},
		"far ahead":         {order.ProposeChange{Start: noon.AddDate(2, 0, 0), TimeZone: "UTC"}, "order.start_far"},
		"without a zone":    {order.ProposeChange{Start: noon.Add(time.Hour)}, "time.zone"},
		"an end alone":      {order.ProposeChange{End: noon.Add(time.Hour)}, "order.interval"},
		"another currency":  {order.ProposeChange{Lines: []order.ChangeLine{{Line: 1, Quantity: 2, Price: platform.MustMoney("1", "USD")}}}, "money.currency_mixed"},
		"nobody to restaff": {order.ProposeChange{Restaff: true}, "change.nothing"},
	} {
		c.in.Order = o.ID
		_, err := h.propose(customer, c.in)
		assert.Equal(t, c.code, platform.Code(err), "%s: %v", name, err)
	}
	same(t, o, h.read(o.ID))
}
