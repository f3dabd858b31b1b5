package market_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/fee"
	"github.com/liangding/platform/finance/invoice"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/refund"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

// shop is a market with one order of 180.00, of which 18.00 is commission.
type shop struct {
	*market.Market
	t     *testing.T
	cast  market.Cast
	clock *storetest.Clock
	order order.Order
}

// shopAt is a shop whose order has come so far: confirmed, completed or closed.
func shopAt(t *testing.T, state order.State) *shop {
	t.Helper()
	return shopWith(t, state, market.Options{})
}

func shopWith(t *testing.T, state order.State, o market.Options) *shop {
	t.Helper()
	s := &shop{t: t, clock: storetest.NewClock(time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC))}
	var err error
	o.Now, o.IDs = s.clock.Now, storetest.IDs(7)
	s.Market, err = market.Open(memory.New(market.Kinds(), nil), &o)
	require.NoError(t, err)
	s.cast, err = s.Demo(t.Context())
	require.NoError(t, err)
	s.place()
	if state != order.Confirmed {
		s.work()
	}
	if state == order.Closed {
		s.pass(8 * 24 * time.Hour)
	}
	s.order, err = s.Orders.Order(s.as(s.cast.Operator), s.order.ID)
	require.NoError(t, err)
	require.Equal(t, state, s.order.State)
	return s
}

func (s *shop) as(who platform.Actor) context.Context { return platform.As(s.t.Context(), who) }

func (s *shop) pass(d time.Duration) {
	s.t.Helper()
	_, err := s.Tick(s.t.Context(), s.clock.Advance(d), 0)
	require.NoError(s.t, err)
}

// place places an order and pays for it.
func (s *shop) place() {
	s.t.Helper()
	var err error
	s.order, err = s.Orders.Place(s.as(s.cast.Customer), order.Place{Lines: []order.PlaceLine{{Listing: s.cast.Listing, Quantity: 1}}, Total: s.cast.Price})
	require.NoError(s.t, err)
	_, err = s.Payments.Pay(s.as(s.cast.Customer), payment.Pay{Intent: payment.IntentID(s.order.Ref(), payment.Full), Method: sandbox.OK})
	require.NoError(s.t, err)
}

func (s *shop) work() {
	s.t.Helper()
	s.deliver()
	s.accept()
}

func (s *shop) deliver() {
	s.t.Helper()
	d, err := s.Dispatch.DispatchOrder(s.as(s.cast.Operator), dispatch.DispatchOrder{Order: s.order.ID})
	require.NoError(s.t, err)
	_, err = s.Dispatch.Accept(s.as(s.cast.Staff), dispatch.Accept{Assignment: d.Offers[0].ID})
	require.NoError(s.t, err)
	_, err = s.Orders.Start(s.as(s.cast.Staff), order.Start{Order: s.order.ID})
	require.NoError(s.t, err)
	_, err = s.Orders.Deliver(s.as(s.cast.Staff), order.Deliver{Order: s.order.ID, Proofs: s.Photo()})
	require.NoError(s.t, err)
}

func (s *shop) accept() {
	s.t.Helper()
	_, err := s.Orders.Accept(s.as(s.cast.Customer), order.Accept{Order: s.order.ID})
	require.NoError(s.t, err)
}

// drain takes what the merchant is owed, as a payout does.
func (s *shop) drain(amount string) {
	s.t.Helper()
	m := platform.MustMoney(amount, "CNY")
	_, err := s.Ledger.Transfer(s.as(s.cast.Operator), finance.Transfer{Steps: []finance.Step{{
		What: "dormant.moved", Subject: platform.Ref{Kind: "merchant", ID: s.cast.Merchant.ID},
		Legs: []finance.Line{{Account: "payable:" + string(s.cast.Merchant.ID), Amount: m}, {Account: "unclaimed:" + string(s.cast.Merchant.ID), Amount: m.Neg()}},
	}}})
	require.NoError(s.t, err)
}

func (s *shop) ask(amount string) order.Refund {
	s.t.Helper()
	r, err := s.Orders.RequestRefund(s.as(s.cast.Merchant), order.RequestRefund{Order: s.order.ID, Amount: platform.MustMoney(amount, "CNY"), Reason: "late"})
	require.NoError(s.t, err)
	return r
}

func (s *shop) sound() {
	s.t.Helper()
	_, err := s.Verify(s.t.Context(), func(f store.Finding) { assert.Fail(s.t, "not sound", "%s %s: %s", f.Code, f.Ref, f.What) })
	require.NoError(s.t, err)
}

// booked are the legs of the refund's hold.
func (s *shop) booked(r order.Refund) map[string]string {
	s.t.Helper()
	p, err := finance.StoreOn(s.DB).Pending(s.t.Context(), r.ID.As("pen"))
	require.NoError(s.t, err)
	all := map[string]string{}
	for _, l := range p.Legs {
		all[l.Role] = l.Amount.String()
	}
	return all
}

func planned(p market.RefundPlan) map[string]string {
	all := map[string]string{}
	for _, l := range p.Legs {
		all[l.Role] = l.Amount.String()
	}
	return all
}

// The plan that is shown is what the books get, wherever the order stands.
func TestARefundIsBookedAsItsPlanWasShown(t *testing.T) {
	t.Parallel()
	for _, state := range []order.State{order.Confirmed, order.Closed} {
		s := shopAt(t, state)
		if state == order.Closed {
			s.drain("150.00")
		}
		for _, amount := range []string{"0.07", "33.33", "0.05"} {
			r := s.ask(amount)
			later := s.ask("0.01") // is reserved too, and comes after

			p, err := s.PlanRefund(s.as(s.cast.Merchant), market.PlanRefund{Refund: r.ID}, "en")
			require.NoError(t, err)
			r, err = s.Orders.ApproveRefund(s.as(s.cast.Operator), order.ApproveRefund{Refund: r.ID, Plan: p.Hash})
			require.NoError(t, err)

			assert.Equal(t, planned(p), s.booked(r), "%s %s", state, amount)
			stored, err := s.StoredPlan(s.as(s.cast.Operator), r.ID.As("rpl"), "zh")
			require.NoError(t, err)
			assert.Equal(t, p.Hash, stored.Hash)
			assert.Contains(t, stored.Felt[0].Text, "客户原路退回")
			_, err = s.Orders.ApproveRefund(s.as(s.cast.Operator), order.ApproveRefund{Refund: later.ID})
			require.NoError(t, err)
		}
		s.pass(time.Hour)
		s.sound()
	}
}

// Taxed and kept fees are planned as they are booked: a plan of nothing that was
// asked for, the plan of the refund, and the books tell the same.
func TestAPlanTellsOfTheFeesThatTheOrderFroze(t *testing.T) {
	t.Parallel()
	rate := func(permille int64) []fee.Rule { return []fee.Rule{{ID: "all", Rate: decimal.New(permille, -3)}} }
	charged := market.Options{
		Order: order.Options{AutoRefund: order.AutoRefund{Within: []platform.Money{}}},
		Fees: fee.Terms{Standard: fee.Schedule{Name: "standard", Number: 1, State: fee.Published, Components: []fee.Component{
			{Name: "commission", Tax: decimal.New(6, -2), Rules: rate(100)},
			{Name: "payment_fee", Back: fee.Kept, Rules: rate(10)},
			{Name: "placement", Back: fee.KeptAtFault, Tax: decimal.New(6, -2), Rules: rate(30)},
		}}},
	}
	for _, state := range []order.State{order.Confirmed, order.Completed, order.Closed} {
		s := shopWith(t, state, charged)
		if state == order.Closed {
			s.drain("100.00")
		}
		for i, fault := range []order.Fault{"", order.CustomerFault, order.PlatformFault, ""} {
			amount := []string{"33.33", "0.07", "60.61", "85.99"}[i]
			in := market.PlanRefund{Order: s.order.ID, Request: refund.Request{Fault: string(fault), Amount: platform.MustMoney(amount, "CNY")}}
			tried, err := s.PlanRefund(s.as(s.cast.Operator), in, "en")
			require.NoError(t, err, "%s %s", state, amount)
			r, err := s.Orders.RequestRefund(s.as(s.cast.Operator), order.RequestRefund{Order: s.order.ID, Amount: in.Amount, Fault: fault, Reason: "late"})
			require.NoError(t, err)
			p, err := s.PlanRefund(s.as(s.cast.Second), market.PlanRefund{Refund: r.ID}, "en")
			require.NoError(t, err)
			assert.Equal(t, tried, p)
			r, err = s.Orders.ApproveRefund(s.as(s.cast.Second), order.ApproveRefund{Refund: r.ID, Plan: p.Hash})
			require.NoError(t, err)
			assert.Equal(t, s.booked(r), planned(p), "%s %s %s", state, fault, amount)
		}
		s.pass(time.Hour)
		s.sound()
	}
}

// F13, E12: the merchant was paid out; the customer waits for nothing.
func TestARefundAfterPayoutIsOwed(t *testing.T) {
	t.Parallel()
	s := shopAt(t, order.Closed)
	s.drain("162.00")
	r := s.ask("180.00")

	_, err := s.Orders.ApproveRefund(s.as(s.cast.Operator), order.ApproveRefund{Refund: r.ID})
	require.NoError(t, err)
	s.pass(time.Hour)

	o, err := s.Orders.Order(s.as(s.cast.Customer), s.order.ID)
	require.NoError(t, err)
	assert.Equal(t, platform.MustMoney("180.00", "CNY"), o.Refunded)
	owed, err := s.Books.Free(t.Context(), "receivable", "", s.cast.Merchant.ID, o.Total.Currency())
	require.NoError(t, err)
	assert.Equal(t, platform.MustMoney("162.00", "CNY"), owed)
	claims, err := s.Receivables.Items(s.as(s.cast.Operator), s.cast.Merchant.ID, "")
	require.NoError(t, err)
	require.Len(t, claims.Items, 1, "it falls due, and is asked for")
	assert.Equal(t, r.Ref(), claims.Items[0].Source)
	assert.Equal(t, owed, claims.Items[0].Amount)
	s.sound()
}

// Many refunds at once of one merchant, which has less than they take: each is
// granted, nothing falls below zero, and what is missing is owed.
func TestRefundsThatRaceForAMerchantsMoneyAreAllGranted(t *testing.T) {
	t.Parallel()
	s := shopAt(t, order.Confirmed)
	s.work()
	orders := []platform.ID{s.order.ID}
	for range 5 {
		s.clock.Advance(26 * time.Hour)
		s.place()
		s.work()
		orders = append(orders, s.order.ID)
	}
	s.pass(9 * 24 * time.Hour)
	s.drain("900.00") // of 6 × 162.00
	var refunds []order.Refund
	for _, id := range orders {
		s.order.ID = id
		refunds = append(refunds, s.ask("100.00"))
	}
	told := make([]error, len(refunds))
	var crowd sync.WaitGroup
	for i, r := range refunds {
		crowd.Go(func() { _, told[i] = s.Orders.ApproveRefund(s.as(s.cast.Operator), order.ApproveRefund{Refund: r.ID}) })
	}
	crowd.Wait()

	for _, err := range told {
		require.NoError(t, err)
	}
	s.pass(time.Hour)
	free := func(role string) string {
		m, err := s.Books.Free(t.Context(), role, "", s.cast.Merchant.ID, s.cast.Price.Currency())
		require.NoError(t, err)
		return m.String()
	}
	assert.Equal(t, []string{"0.00 CNY", "468.00 CNY"}, []string{free("payable"), free("receivable")}) // 6 × 90.00 less 72.00
	s.sound()
}

func TestAPlanOfAnotherMomentIsShownAgain(t *testing.T) {
	t.Parallel()
	s := shopAt(t, order.Closed)
	r := s.ask("100.00")
	shown, err := s.PlanRefund(s.as(s.cast.Operator), market.PlanRefund{Refund: r.ID}, "en")
	require.NoError(t, err)
	s.drain("100.00")

	_, err = s.Orders.ApproveRefund(s.as(s.cast.Operator), order.ApproveRefund{Refund: r.ID, Plan: shown.Hash})

	require.ErrorIs(t, err, refund.ErrPlanChanged)
	again, is := platform.Details(err)["plan"].(refund.Plan)
	require.True(t, is)
	_, err = s.Orders.ApproveRefund(s.as(s.cast.Operator), order.ApproveRefund{Refund: r.ID, Plan: again.Hash})
	require.NoError(t, err)
	s.sound()
}

func TestPlansAreForThoseWhoMayKnowTheMerchantsMoney(t *testing.T) {
	t.Parallel()
	s := shopAt(t, order.Completed)
	in := market.PlanRefund{Order: s.order.ID}
	for _, who := range []platform.Actor{s.cast.Merchant, s.cast.Operator} {
		p, err := s.PlanRefund(s.as(who), in, "en")
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"earning": "162.00 CNY", "commission": "18.00 CNY", "refund_due": "-180.00 CNY"}, planned(p))
	}
	_, err := s.PlanRefund(s.as(s.cast.Customer), in, "en")
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = s.PlanRefund(s.as(platform.Actor{ID: "mer_01kdvdna00eajs4d2pf2dbsqqg", Kind: platform.Merchant}), in, "en")
	require.ErrorIs(t, err, platform.ErrNotFound)
	_, err = s.PlanRefund(s.as(s.cast.Operator), market.PlanRefund{}, "en")
	require.ErrorIs(t, err, platform.ErrInvalid)
	r := s.ask("10.00") // within what is refunded without asking
	_, err = s.PlanRefund(s.as(s.cast.Operator), market.PlanRefund{Refund: r.ID}, "en")
	require.ErrorIs(t, err, platform.ErrState)
	assert.Equal(t, "refund.not_plannable", platform.Code(err))
}

// An order is invoiced by its merchant, its commission by the platform; a refund
// brings red letters by itself.
func TestARefundTakesBackWhatWasInvoiced(t *testing.T) {
	t.Parallel()
	s := shopAt(t, order.Completed)
	ask := func(who platform.Actor, kind invoice.Kind) platform.ID {
		v, err := s.Invoices.RequestInvoice(s.as(who), invoice.RequestInvoice{
			Of: s.order.Ref(), Kind: kind, Title: invoice.Title{Company: true, Name: "Good Cleaning Ltd", TaxID: "91350100M000100Y43"},
		})
		require.NoError(t, err)
		return v.ID
	}
	service, charged := ask(s.cast.Customer, invoice.ForService), ask(s.cast.Merchant, invoice.ForFee)
	s.pass(time.Minute)
	for id, gross := range map[platform.ID]string{service: "180.00", charged: "18.00"} {
		v, err := s.Invoices.Invoice(s.as(s.cast.Merchant), id)
		require.NoError(t, err)
		assert.Equal(t, invoice.Issued, v.State)
		assert.Equal(t, platform.MustMoney(gross, "CNY"), v.Gross)
	}

	s.ask("45.00") // within what is refunded without asking
	for range 4 {
		s.pass(time.Minute)
	}

	for id, red := range map[platform.ID]string{service: "45.00", charged: "4.50"} {
		v, err := s.Invoices.Invoice(s.as(s.cast.Operator), id)
		require.NoError(t, err)
		assert.Equal(t, invoice.PartlyRed, v.State)
		assert.Equal(t, platform.MustMoney(red, "CNY"), v.Red)
	}
	s.sound()
}
