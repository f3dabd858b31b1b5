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

func (h *house) refund(o order.Order, who platform.Actor, amount string) (order.Refund, error) {
	in := order.RequestRefund{Order: o.ID, Reason: "late"}
	if amount != "" {
		in.Amount = cny(amount)
	}
	return h.orders.RequestRefund(as(who), in)
}

// dear is a completed order of 10,000.00, above every limit.
func (h *house) dear() order.Order {
	return h.completed(h.list(func(m map[string]any) { m["price"] = cny("10000") }))
}

func TestASmallRefundNeedsNobody(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.completed(h.list(func(m map[string]any) { m["price"] = cny("300") }))

	r, err := h.refund(o, customer, "150")
	require.NoError(t, err)
	assert.Equal(t, order.RefundApproved, r.State)
	assert.Empty(t, r.Approvers)
	assert.Equal(t, "partial", r.Kind)
	assert.Equal(t, "150.00", h.balance("refund_due", o.ID, ""))
	assert.ElementsMatch(t, []string{"refund.requested", "refund.approved", "payment.return_asked"}, types(h.events(r.Ref())))

	r, err = h.refund(o, customer, "50.01")
	require.NoError(t, err)
	assert.Equal(t, order.RefundRequested, r.State, "all of an order's refunds together are within the limit, not each")
	r, err = h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})
	require.NoError(t, err)
	assert.Equal(t, order.RefundApproved, r.State)
	_, err = h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})
	assert.Equal(t, "refund.not_approvable", platform.Code(err))

	none := open(t, &order.Options{AutoRefund: order.AutoRefund{Within: []platform.Money{}}})
	r, err = none.refund(none.completed(none.list(nil)), customer, "1")
	require.NoError(t, err)
	assert.Equal(t, order.RefundRequested, r.State)
}

func TestWhoMayApproveARefund(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.dear()
	approve := func(r order.Refund, who platform.Actor) (order.Refund, error) {
		return h.orders.ApproveRefund(as(who), order.ApproveRefund{Refund: r.ID})
	}
	r, err := h.refund(o, operator, "1000")
	require.NoError(t, err)
	for who, code := range map[*platform.Actor]string{
		&customer: "refund.actor_not_allowed", &operator: "refund.four_eyes", &rival: "order.refund.not_found", &stranger: "order.refund.not_found",
	} {
		_, err := approve(r, *who)
		assert.Equal(t, code, platform.Code(err), who.Kind)
	}
	_, err = approve(r, second)
	require.NoError(t, err)

	big, err := h.refund(o, customer, "5000.01")
	require.NoError(t, err)
	big, err = approve(big, operator)
	require.NoError(t, err)
	assert.Equal(t, order.RefundRequested, big.State, "four eyes")
	_, err = approve(big, operator)
	assert.Equal(t, "refund.four_eyes", platform.Code(err))
	big, err = approve(big, merchant)
	require.NoError(t, err)
	assert.Equal(t, order.RefundApproved, big.State)
	assert.Equal(t, []platform.ID{operator.ID, merchant.ID}, big.Approvers)
}

func TestARefundMovesWithTheInstitutionsWord(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.completed(h.list(nil))
	r, err := h.refund(o, customer, "")
	require.NoError(t, err)
	assert.Equal(t, "full", r.Kind)
	reserved := func() platform.Money { return h.read(o.ID).Reserved }

	for _, outcome := range []string{"sent", "sent", "failed", "failed", "sent", "succeeded", "succeeded", "sent"} {
		require.NoError(t, h.tell(r.ID, outcome), outcome)
		if outcome != "succeeded" && h.read(o.ID).Refunded.Sign() == 0 {
			assert.Equal(t, cny("100"), reserved(), "it stays reserved until it is back")
		}
	}

	o = h.read(o.ID)
	assert.Equal(t, cny("100"), o.Refunded)
	assert.Equal(t, cny("0"), o.Reserved)
	assert.Equal(t, order.Refunded, o.Payment())
	assert.Equal(t, order.Completed, o.State, "money is another axis")
	assert.Equal(t, "0.00", h.balance("refund_due", o.ID, ""))
	assert.Equal(t, "0.00", h.balance("clearing", "", "sandbox"))
	assert.Equal(t, "0.00", h.balance("earning", o.ID, o.Merchant))
	assert.Equal(t, "0.00", h.balance("commission", "", ""))
	assert.Equal(t, "refund.not_sendable", platform.Code(h.tell(r.ID, "failed")))
	assert.Equal(t, "refund.outcome", platform.Code(h.tell(r.ID, "lost")))
}

func TestARefundThatIsRejectedOrWithdrawnFreesItsMoney(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.dear()
	r, err := h.refund(o, customer, "")
	require.NoError(t, err)
	_, err = h.refund(o, customer, "0.01")
	require.ErrorIs(t, err, order.ErrRefundExceeds)
	assert.Equal(t, cny("0"), platform.Details(err)["refundable"])
	_, err = h.orders.RejectRefund(as(customer), order.RejectRefund{Refund: r.ID, Reason: "x"})
	assert.Equal(t, "refund.actor_not_allowed", platform.Code(err))
	_, err = h.orders.WithdrawRefund(as(merchant), order.WithdrawRefund{Refund: r.ID})
	assert.Equal(t, "refund.not_requester", platform.Code(err))

	_, err = h.orders.RejectRefund(as(merchant), order.RejectRefund{Refund: r.ID, Reason: "no_grounds"})
	require.NoError(t, err)
	assert.Equal(t, o.Mirrors, h.read(o.ID).Mirrors)
	_, err = h.orders.WithdrawRefund(as(customer), order.WithdrawRefund{Refund: r.ID})
	assert.Equal(t, "refund.not_withdrawable", platform.Code(err))

	r, err = h.refund(o, customer, "4000")
	require.NoError(t, err)
	_, err = h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})
	require.NoError(t, err)
	assert.Equal(t, "4000.00", h.balance("refund_due", o.ID, ""))
	r, err = h.orders.WithdrawRefund(as(customer), order.WithdrawRefund{Refund: r.ID})
	require.NoError(t, err)
	assert.Equal(t, order.RefundWithdrawn, r.State)
	assert.Equal(t, o.Mirrors, h.read(o.ID).Mirrors)
	assert.Equal(t, "9000.00", h.balance("earning", o.ID, o.Merchant))
	assert.Equal(t, "refund.not_sendable", platform.Code(h.tell(r.ID, "sent")), "the payments learn it before they send")
}

// A refund that the books took out of escrow cannot go back there once the rest
// has been sold: nobody would own it.
func TestARefundIsNotWithdrawnAcrossTheSale(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.delivered(h.list(nil))
	r, err := h.refund(o, customer, "30")
	require.NoError(t, err)
	_, err = h.orders.Accept(as(customer), order.Accept{Order: o.ID})
	require.NoError(t, err)
	assert.Equal(t, "63.00", h.balance("earning", o.ID, o.Merchant))
	assert.Equal(t, "7.00", h.balance("commission", "", ""))
	_, err = h.orders.WithdrawRefund(as(customer), order.WithdrawRefund{Refund: r.ID})
	assert.Equal(t, "refund.not_withdrawable", platform.Code(err))
}

func TestARefundAfterTheCloseComesOutOfWhatTheMerchantIsOwed(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.completed(h.list(nil))
	h.clock.pass(7 * 24 * time.Hour)
	require.Equal(t, 1, h.tick())
	r, err := h.refund(o, merchant, "50")
	require.NoError(t, err)
	_, err = h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})
	require.NoError(t, err, "a merchant may give back what it owes itself")
	require.NoError(t, h.tell(r.ID, "succeeded"))

	assert.Equal(t, order.Closed, h.read(o.ID).State)
	assert.Equal(t, "45.00", h.balance("payable", "", o.Merchant))
	assert.Equal(t, "5.00", h.balance("commission", "", ""))
}

func TestARefundNamesItsLines(t *testing.T) {
	t.Parallel()
	h := open(t, &order.Options{ExtraKinds: []string{"freight"}})
	o, err := h.place(h.list(nil), func(in *order.Place) { in.Extras = []order.Extra{{Kind: "freight", Amount: cny("20")}} })
	require.NoError(t, err)
	require.NoError(t, h.pay(o.ID, o.Total))
	for name, c := range map[string]struct {
		in   order.RequestRefund
		path string
		code string
	}{
		"line nought":            {order.RequestRefund{Lines: []order.RefundLine{{Line: 0}}}, "lines[0].line", "refund.line_unknown"},
		"line three":             {order.RequestRefund{Lines: []order.RefundLine{{Line: 3}}}, "lines[0].line", "refund.line_unknown"},
		"a line twice":           {order.RequestRefund{Lines: []order.RefundLine{{Line: 1}, {Line: 1}}}, "lines[1].line", "refund.line_unknown"},
		"nothing of it":          {order.RequestRefund{Lines: []order.RefundLine{{Line: 1, Amount: cny("0")}}}, "lines[0].amount", "refund.amount"},
		"less than nothing":      {order.RequestRefund{Amount: cny("-1")}, "amount", "refund.amount"},
		"nothing at all":         {order.RequestRefund{Amount: cny("0")}, "amount", "refund.amount"},
		"not the sum":            {order.RequestRefund{Amount: cny("21"), Lines: []order.RefundLine{{Line: 2}}}, "amount", "refund.amount"},
		"full, but less":         {order.RequestRefund{Amount: cny("21"), Kind: "full"}, "amount", "refund.amount"},
		"other money":            {order.RequestRefund{Amount: platform.MustMoney("1", "USD")}, "amount", "money.currency_mixed"},
		"other money for a line": {order.RequestRefund{Lines: []order.RefundLine{{Line: 1, Amount: platform.MustMoney("1", "USD")}}}, "lines[0].amount", "money.currency_mixed"},
		"no reason":              {order.RequestRefund{Amount: cny("1"), Reason: "-"}, "reason", "field.required"},
		"a kind of fancy":        {order.RequestRefund{Amount: cny("1"), Kind: "goodwill"}, "kind", "field.oneof"},
	} {
		c.in.Order = o.ID
		switch c.in.Reason {
		case "":
			c.in.Reason = "late"
		case "-":
			c.in.Reason = ""
		}
		_, err := h.orders.RequestRefund(as(customer), c.in)
		var fields platform.FieldErrors
		require.ErrorAs(t, err, &fields, name)
		assert.Equal(t, c.path, fields[0].Path, name)
		assert.Equal(t, c.code, fields[0].Code, name)
	}
	_, err = h.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Reason: "late", Lines: []order.RefundLine{{Line: 2, Amount: cny("20.01")}}})
	require.ErrorIs(t, err, order.ErrRefundExceeds)

	r, err := h.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Reason: "late", Lines: []order.RefundLine{{Line: 2}}})
	require.NoError(t, err)
	assert.Equal(t, []order.Share{{Line: 2, Amount: cny("20"), Fee: cny("0")}}, r.Shares)
	_, err = h.orders.RequestRefund(as(customer), order.RequestRefund{Order: o.ID, Reason: "late", Lines: []order.RefundLine{{Line: 2}}})
	require.ErrorIs(t, err, order.ErrRefundExceeds, "of that line nothing is left")
}

func TestNoRefundBeforeThereIsMoney(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	_, err := h.refund(h.placed(h.list(nil)), customer, "1")
	assert.Equal(t, "order.not_refundable", platform.Code(err))
	_, err = h.refund(h.completed(h.list(nil)), member, "1")
	require.ErrorIs(t, err, platform.ErrNotFound)
}

// disputed is the payers' banks' word on an order.
type disputed struct {
	Order platform.ID
	Back  platform.Money
}

// What a payer's bank has taken back cannot be refunded besides.
func TestChargebackLowersWhatIsRefundable(t *testing.T) {
	t.Parallel()
	h := open(t, nil)
	o := h.confirmed(h.list(nil))
	system := platform.As(t.Context(), platform.SystemActor("payment"))
	_, err := platform.Update(system, h.w, disputed{o.ID, cny("30.00")}, func(ctx context.Context) (int, []platform.Change, error) {
		changes, err := h.payable.Disputed(ctx, o.Ref(), cny("30.00"), cny("30.00"), h.clock.now())
		return 0, append(changes, platform.Happened("chargeback.received", o.Ref(), nil)), err
	})
	require.NoError(t, err)

	now, err := h.store.Order(t.Context(), o.ID)

	require.NoError(t, err)
	assert.Equal(t, cny("70.00"), now.Refundable())
	assert.Equal(t, order.ChargedBack, now.Payment())
}

// What is kept after a sale is kept of a refund too that waited through it: before,
// the platform had nothing to keep.
func TestARefundThatWaitedThroughTheSaleLeavesWhatIsKept(t *testing.T) {
	t.Parallel()
	h := open(t, &order.Options{AutoRefund: order.AutoRefund{Within: []platform.Money{}}})
	h.ports.Fees = taxed{}
	h.orders = order.New(h.w, h.store, h.ports, &order.Options{AutoRefund: order.AutoRefund{Within: []platform.Money{}}})
	o := h.delivered(h.list(nil))
	r, err := h.refund(o, customer, "")
	require.NoError(t, err)
	h.clock.pass(time.Minute)
	_, err = h.orders.Accept(as(customer), order.Accept{Order: o.ID})
	require.NoError(t, err)

	r, err = h.orders.ApproveRefund(as(merchant), order.ApproveRefund{Refund: r.ID})
	require.NoError(t, err)

	assert.Equal(t, "1.00", h.balance("commission", "", ""), "for the payment")
	assert.Equal(t, "-1.00", h.balance("receivable", "", o.Merchant))
	assert.Equal(t, "0.00", h.balance("earning", o.ID, o.Merchant))
	_, err = h.orders.WithdrawRefund(as(customer), order.WithdrawRefund{Refund: r.ID})
	require.NoError(t, err)
	assert.True(t, h.read(o.ID).Lines[0].Owed.Absent(), "withdrawn without a trace")
	assert.Equal(t, cny("88"), h.read(o.ID).Earned)
}
