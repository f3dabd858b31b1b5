package market_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
)

// objected has the payer's bank take an amount of the order, and answers it.
func (s *shop) objected(amount string) string {
	s.t.Helper()
	intent, err := s.Payments.Intent(s.as(s.cast.Operator), payment.IntentID(s.order.Ref(), payment.Full))
	require.NoError(s.t, err)
	charge, err := s.Payments.Attempt(s.as(s.cast.Operator), intent.Paid[0])
	require.NoError(s.t, err)
	reference, err := s.Sandbox.Object(charge.Key(), platform.MustMoney(amount, "CNY"), "fraud")
	require.NoError(s.t, err)
	s.heard()
	_, err = s.Payments.Contest(s.as(s.cast.Operator), payment.Contest{Chargeback: payment.ChargebackID(charge.ID, charge.Institution, reference, 1), Text: "the work was done"})
	require.NoError(s.t, err)
	return reference
}

// heard brings what the institution has to tell.
func (s *shop) heard() {
	s.t.Helper()
	for _, l := range s.Sandbox.Drain() {
		require.NoError(s.t, s.Payments.Receive(s.t.Context(), "sandbox", l.Header, l.Body))
	}
	s.pass(0)
}

func (s *shop) now() order.Order {
	s.t.Helper()
	o, err := s.Orders.Order(s.as(s.cast.Operator), s.order.ID)
	require.NoError(s.t, err)
	return o
}

// lies is what is free of the order's money, and of its merchant's.
func (s *shop) lies() map[string]string {
	s.t.Helper()
	free := map[string]string{}
	for role, of := range map[string]platform.ID{"escrow": s.order.ID, "earning": s.order.ID, "payable": ""} {
		party := s.cast.Merchant.ID
		if role == "escrow" {
			party = ""
		}
		m, err := finance.Books{Store: finance.StoreOn(s.DB)}.Free(s.t.Context(), role, of, party, s.cast.Price.Currency())
		require.NoError(s.t, err)
		free[role] = m.String()
	}
	return free
}

// What a payer's bank takes of an order, before its sale or after, keeps it open
// until the bank has decided; then it closes with what is left.
func TestAnOrderClosesWithWhatThePayersBankLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from    order.State
		takes   string
		won     bool
		payable string
	}{
		"before the sale, won":                    {order.Delivered, "45.00", true, "162.00 CNY"},
		"before the sale, lost":                   {order.Delivered, "45.00", false, "117.00 CNY"},
		"before the sale, lost, more than earned": {order.Delivered, "170.00", false, "0.00 CNY"},
		"before the sale, all lost":               {order.Delivered, "180.00", false, "0.00 CNY"},
		"after the sale, won":                     {order.Completed, "45.00", true, "162.00 CNY"},
		"after the sale, lost":                    {order.Completed, "45.00", false, "117.00 CNY"},
		"after the sale, lost, more than earned":  {order.Completed, "180.00", false, "0.00 CNY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shopAt(t, order.Confirmed)
			s.deliver()
			if c.from == order.Completed {
				s.accept()
			}
			reference := s.objected(c.takes)
			s.pass(10 * 24 * time.Hour)
			o := s.now()
			require.Equal(t, c.from, o.State, "nothing happens by itself meanwhile")
			_, err := s.Orders.Accept(s.as(s.cast.Customer), order.Accept{Order: o.ID})
			require.ErrorIs(t, err, platform.ErrState)
			assert.NotContains(t, o.Allowed(s.cast.Customer, s.clock.Now()), "accept")

			require.NoError(t, s.Sandbox.Decide(reference, c.won))
			s.heard()
			for range 20 {
				s.pass(24 * time.Hour)
			}

			o = s.now()
			assert.Equal(t, order.Closed, o.State)
			assert.Equal(t, int64(0), o.Earned.Minor())
			assert.Equal(t, map[string]string{"escrow": "0.00 CNY", "earning": "0.00 CNY", "payable": c.payable}, s.lies())
			s.sound()
		})
	}
}

// The rest of an order of which a payer's bank took a part is given back whole:
// what its earnings lack comes from what the merchant has besides, and what the
// bank then gives back is the merchant's.
func TestTheRestIsGivenBackWhileABankHasAPart(t *testing.T) {
	t.Parallel()
	for won, payable := range map[bool]string{true: "243.00 CNY", false: "153.00 CNY"} {
		s := shopAt(t, order.Closed) // the merchant is owed 162.00
		s.place()
		s.work()
		reference := s.objected("90.00")
		r := s.ask("90.00")
		require.Equal(t, order.RefundApproved, r.State)
		require.Equal(t, map[string]string{"escrow": "0.00 CNY", "earning": "0.00 CNY", "payable": "153.00 CNY"}, s.lies())
		require.NoError(t, s.Sandbox.Decide(reference, won))
		s.heard()
		for range 20 {
			s.pass(24 * time.Hour)
		}

		assert.Equal(t, order.Closed, s.now().State)
		assert.Equal(t, payable, s.lies()["payable"], "won: %t", won)
		s.sound()
	}
}
