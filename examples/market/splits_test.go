package market_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/finance/refund"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/sandbox"
)

// Two weeks in funds mode split, with either plan of compensation: what merchants
// earn goes to their account at the institution, refunds take it back from there,
// payouts leave from there, and at the end each of the two clearing accounts is what
// the institution says, to the cent.
func TestAFortnightInFundsModeSplit(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{false, true} {
		t.Run(fmt.Sprintf("refund first %v", first), func(t *testing.T) {
			t.Parallel()
			s := till(t, func(o *market.Options) {
				o.Payment.Funds, o.Sandbox.RefundFirst = payment.SplitFunds, first
			})
			s.fortnight()
			s.apart()
		})
	}
}

func (s *stall) fortnight() {
	type sale struct {
		who platform.Actor
		id  platform.ID
	}
	var sales []sale
	for n := range 60 {
		who, o := s.ordered()
		if n%11 == 3 {
			_, err := s.Orders.Cancel(s.as(who), order.Cancel{Order: o, Reason: "changed_mind", MaxFee: s.cast.Price})
			require.NoError(s.t, err)
		} else {
			s.carriedOut(who, o)
			sales = append(sales, sale{who, o})
		}
		switch {
		case n%9 == 5:
			s.refunded(who, o, "33.33")
		case n%9 == 7 && len(sales) > 3:
			old := sales[len(sales)-3]
			s.refunded(old.who, old.id, "12.34")
		}
		for range 5 {
			s.tick(time.Hour)
		}
	}
	for range 160 {
		s.tick(3 * time.Hour)
	}
	run, err := s.Payouts.StartRun(platform.As(s.t.Context(), platform.SystemActor("calendar")), settlement.StartRun{Name: "last", Currency: "CNY"})
	require.NoError(s.t, err)
	s.approved(run)
	for range 20 {
		s.tick(12 * time.Hour)
	}
}

// apart checks that what is ours and what is the merchant's lie apart.
func (s *stall) apart() {
	t, cny, merchant := s.t, s.cast.Price.Currency(), s.cast.Merchant.ID
	operator := s.as(s.cast.Operator)
	states := map[payment.SharingState]int{}
	all, err := every[payment.Sharing](s, "payment.split")
	require.NoError(t, err)
	backs := 0
	for _, h := range all {
		states[h.State]++
		if h.Back != "" {
			backs++
		}
	}
	assert.Positive(t, states[payment.SharingDone])
	assert.Positive(t, backs)
	assert.Equal(t, len(all), states[payment.SharingDone]+states[payment.SharingDropped], "every split has ended: %v", states)
	r, err := s.Payments.Recipient(operator, payment.RecipientID("sandbox", merchant))
	require.NoError(t, err)
	for account, name := range map[string]platform.ID{"": "sandbox", r.Account: platform.ID("sandbox." + string(merchant))} {
		there, err := s.Sandbox.Balance(account, cny)
		require.NoError(t, err)
		here, err := s.Books.Balance(operator, finance.Account{Role: "clearing", Party: name}, cny)
		require.NoError(t, err)
		assert.Equal(t, there, here.Posted, "clearing of %s", name)
	}
	payouts, err := every[settlement.Payout](s, "settlement.payout")
	require.NoError(t, err)
	require.Len(t, payouts, 1)
	assert.Equal(t, settlement.PayoutPaid, payouts[0].State)
	assert.Equal(t, "sandbox."+string(merchant), payouts[0].Institution)
	_, err = s.Verify(t.Context(), func(f store.Finding) { assert.Fail(t, f.String()) })
	require.NoError(t, err)
}

// every is all records of a kind.
func every[T any](s *stall, kind string) (all []T, err error) {
	for q := (platform.Query{Kind: kind, Limit: 500}); ; {
		page, err := platform.List[T](s.t.Context(), s.DB, q)
		all = append(all, page.Items...)
		if q.Cursor = page.Next; err != nil || q.Cursor == "" {
			return all, err
		}
	}
}

// The plan of a refund says which shares come back, and that is what comes back;
// what came back for a refund that failed and went out again is with its receiver.
func TestPlanTellsWhichSharesComeBack(t *testing.T) {
	t.Parallel()
	s := till(t, func(o *market.Options) {
		o.Payment.Funds, o.Sandbox.Faults = payment.SplitFunds, sandbox.Faults{}
	})
	who, o := s.ordered()
	s.carriedOut(who, o)
	s.tick(time.Minute)
	returns := func() platform.Money {
		plan, err := s.PlanRefund(s.as(s.cast.Operator), market.PlanRefund{Order: o, Request: refund.Request{Amount: platform.MustMoney("60.00", "CNY")}}, "en")
		require.NoError(t, err)
		for _, step := range plan.Steps {
			if step.Way == refund.ReturnShare {
				require.Equal(t, s.cast.Merchant.ID, step.Receiver)
				return step.Amount
			}
		}
		return platform.Money{}
	}
	require.Equal(t, platform.MustMoney("54.00", "CNY"), returns())
	back := func() (all []payment.Sharing) {
		known, err := s.Payments.Splits(s.as(s.cast.Operator), platform.Ref{Kind: "order", ID: o})
		require.NoError(t, err)
		return slices.DeleteFunc(known, func(h payment.Sharing) bool { return h.Back == "" })
	}

	r, err := s.Orders.RequestRefund(s.as(who), order.RequestRefund{Order: o, Amount: platform.MustMoney("60.00", "CNY"), Reason: "late"})
	require.NoError(t, err)
	for _, suffix := range []string{"", ".1", ".2", ".3"} {
		s.Sandbox.Force(payment.Key(string(r.ID.As("rtn"))+suffix), sandbox.Decline+":closed")
	}
	for range 60 {
		s.tick(time.Hour)
	}
	require.Len(t, back(), 1)
	assert.Equal(t, platform.MustMoney("54.00", "CNY"), back()[0].Amount)
	assert.Equal(t, platform.MustMoney("108.00", "CNY"), returns(), "of both refunds, as neither is back")

	_, err = s.Payments.Send(s.as(s.cast.Operator), payment.Send{Return: r.ID.As("rtn")})
	require.NoError(t, err)
	for range 3 {
		s.tick(time.Minute)
	}
	require.Len(t, back(), 2)
	assert.Equal(t, platform.MustMoney("54.00", "CNY"), returns(), "the first is back")
	_, err = s.Verify(t.Context(), func(f store.Finding) { assert.Fail(t, f.String()) })
	require.NoError(t, err)
}

// What a payer's bank takes for good comes back from the merchant who bears it.
func TestLostChargebackTakesTheShareBack(t *testing.T) {
	t.Parallel()
	s := till(t, func(o *market.Options) {
		o.Payment.Funds, o.Sandbox.Faults = payment.SplitFunds, sandbox.Faults{}
	})
	who, o := s.ordered()
	s.carriedOut(who, o)
	s.tick(time.Minute)
	operator, cny := s.as(s.cast.Operator), s.cast.Price.Currency()
	r, err := s.Payments.Recipient(operator, payment.RecipientID("sandbox", s.cast.Merchant.ID))
	require.NoError(t, err)
	before, err := s.Sandbox.Balance(r.Account, cny)
	require.NoError(t, err)
	intent, err := s.Payments.Intent(operator, payment.IntentID(platform.Ref{Kind: "order", ID: o}, payment.Full))
	require.NoError(t, err)
	s.Sandbox.Drain()
	reference, err := s.Sandbox.Object(payment.Key(intent.Paid[0]), platform.MustMoney("10.00", "CNY"), "fraud")
	require.NoError(t, err)
	heard := func() {
		for _, l := range s.Sandbox.Drain() {
			require.NoError(t, s.Payments.Receive(t.Context(), "sandbox", l.Header, l.Body))
		}
	}
	heard()
	require.NoError(t, s.Sandbox.Decide(reference, false))
	heard()
	for range 3 {
		s.tick(time.Hour)
	}

	after, err := s.Sandbox.Balance(r.Account, cny)
	require.NoError(t, err)
	assert.Equal(t, before.Minor()-10_00, after.Minor())
	for account, name := range map[string]platform.ID{"": "sandbox", r.Account: platform.ID("sandbox." + string(s.cast.Merchant.ID))} {
		there, err := s.Sandbox.Balance(account, cny)
		require.NoError(t, err)
		here, err := s.Books.Balance(operator, finance.Account{Role: "clearing", Party: name}, cny)
		require.NoError(t, err)
		assert.Equal(t, there, here.Posted, "clearing of %s", name)
	}
	_, err = s.Verify(t.Context(), func(f store.Finding) { assert.Fail(t, f.String()) })
	require.NoError(t, err)
}

// The institution's statement of a merchant's own account is compared with what the
// books say came there and left, line by line.
func TestAMerchantsAccountAtTheInstitutionIsReconciled(t *testing.T) {
	t.Parallel()
	s := till(t, func(o *market.Options) {
		o.Payment.Funds, o.Sandbox.Faults = payment.SplitFunds, sandbox.Faults{}
	})
	who, o := s.ordered()
	s.carriedOut(who, o)
	s.tick(time.Minute)
	s.refunded(who, o, "60.00")
	for range 5 {
		s.tick(time.Minute)
	}
	day := s.clock.Now().Format(time.DateOnly)
	s.tick(30 * time.Hour)
	operator := s.as(s.cast.Operator)

	st, err := s.Recon.Fetch(operator, reconciliation.Fetch{Institution: "sandbox", Account: string(s.cast.Merchant.ID), Day: day})
	require.NoError(t, err)
	assert.Equal(t, 2, st.Lines, "a share came and a part of it went back")
	run, err := s.Recon.Reconcile(operator, reconciliation.Reconcile{Statement: st.ID})

	require.NoError(t, err)
	assert.Zero(t, run.Open)
	require.Len(t, run.Proofs, 1)
	assert.True(t, run.Proofs[0].Holds())
	assert.Equal(t, platform.MustMoney("108.00", "CNY"), run.Proofs[0].Institution)
	_, err = s.Recon.Fetch(operator, reconciliation.Fetch{Institution: "sandbox", Account: "mer_01kdvdna00eajs4d2pf2dbsqqg", Day: day})
	require.ErrorIs(t, err, platform.ErrNotFound)
}

// A month is not closed while nobody knows what became of a split.
func TestUnknownSplitKeepsTheMonthOpen(t *testing.T) {
	t.Parallel()
	s := till(t, func(o *market.Options) {
		o.Payment.Funds, o.Sandbox.Faults = payment.SplitFunds, sandbox.Faults{RefundTimeout: 1, Silence: 1}
	})
	who, o := s.ordered()
	s.carriedOut(who, o)
	problem := func() string {
		items, err := s.Closing.Checklist(s.as(s.cast.Operator), "2030-03")
		require.NoError(t, err)
		for _, i := range items {
			if i.Name == "payments_known" {
				return i.Problem
			}
		}
		return "no such item"
	}
	s.tick(time.Minute)
	require.Empty(t, problem())
	for range 30 {
		s.tick(time.Hour)
	}

	known, err := s.Payments.Splits(s.as(s.cast.Operator), platform.Ref{Kind: "order", ID: o})
	require.NoError(t, err)
	require.Equal(t, payment.SharingManual, known[0].State)
	assert.Equal(t, string(known[0].ID), problem())
}
