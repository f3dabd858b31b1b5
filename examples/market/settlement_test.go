package market_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/receivable"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/staff"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

// till is a market in which a merchant sells for a month, is settled weekly, and
// 5 % of its sales are kept back; its institution fails as institutions do.
func till(t *testing.T, changes ...func(*market.Options)) *stall {
	t.Helper()
	s := &stall{t: t, clock: storetest.NewClock(time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC))}
	o := market.Options{
		Now: s.clock.Now, IDs: storetest.IDs(1),
		Sandbox:    sandbox.Options{Seed: 7, Faults: sandbox.Faults{RefundTimeout: 0.1, RefundDelay: 0.1, LostRefund: 0.1}},
		Settlement: settlement.Options{Terms: settlement.Terms{Reserve: decimal.New(5, -2)}},
	}
	for _, change := range changes {
		change(&o)
	}
	var err error
	s.Market, err = market.Open(memory.New(market.Kinds(), nil), &o)
	require.NoError(t, err)
	s.cast, err = s.Demo(t.Context())
	require.NoError(t, err)
	operator, day := s.as(s.cast.Operator), func(n int) staff.Day { return staff.Day(s.clock.Now().AddDate(0, 0, n).Format(time.DateOnly)) }
	for range 12 { // nobody works around the clock
		m, err := s.Staff.Hire(operator, staff.Hire{Name: "N. N.", Zone: s.cast.Zone})
		require.NoError(t, err)
		_, err = s.Staff.Grant(operator, staff.Grant{Member: m.ID, Code: "cleaning", Level: 3, From: s.clock.Now()})
		require.NoError(t, err)
		always := []staff.Shift{{Starts: "00:00", Ends: "12:00", First: day(-1), Until: day(300)}, {Starts: "12:00", Ends: "00:00", First: day(-1), Until: day(300)}}
		_, err = s.Staff.Publish(operator, staff.Publish{Member: m.ID, Shifts: always})
		require.NoError(t, err)
		_, err = s.Staff.Activate(operator, staff.Activate{Member: m.ID})
		require.NoError(t, err)
	}
	return s
}

// ordered is an order of somebody new, paid.
func (s *stall) ordered() (platform.Actor, platform.ID) {
	s.t.Helper()
	who := platform.Actor{ID: s.Writer.NewRoot(s.t.Context(), "cus"), Kind: platform.Customer}
	o, err := s.Orders.Place(s.as(who), order.Place{Lines: []order.PlaceLine{{Listing: s.cast.Listing, Quantity: 1}}, Total: s.cast.Price})
	require.NoError(s.t, err)
	_, err = s.Payments.Pay(s.as(who), payment.Pay{Intent: payment.IntentID(o.Ref(), payment.Full), Method: sandbox.OK})
	require.NoError(s.t, err)
	return who, o.ID
}

// carriedOut brings a paid order to its completion.
func (s *stall) carriedOut(who platform.Actor, o platform.ID) {
	s.t.Helper()
	d, err := s.Dispatch.DispatchOrder(s.as(s.cast.Operator), dispatch.DispatchOrder{Order: o})
	require.NoError(s.t, err)
	member := s.as(platform.Actor{ID: d.Offers[0].Member, Kind: platform.Staff})
	_, err = s.Dispatch.Accept(member, dispatch.Accept{Assignment: d.Offers[0].ID})
	require.NoError(s.t, err)
	_, err = s.Orders.Start(member, order.Start{Order: o})
	require.NoError(s.t, err)
	_, err = s.Orders.Deliver(member, order.Deliver{Order: o, Proofs: s.Photo()})
	require.NoError(s.t, err)
	_, err = s.Orders.Accept(s.as(who), order.Accept{Order: o})
	require.NoError(s.t, err)
}

// refunded gives a part back, if there is still something to take it from.
func (s *stall) refunded(who platform.Actor, o platform.ID, amount string) {
	s.t.Helper()
	r, err := s.Orders.RequestRefund(s.as(who), order.RequestRefund{Order: o, Amount: platform.MustMoney(amount, "CNY"), Reason: "late"})
	if err == nil && r.State == order.RefundRequested {
		_, err = s.Orders.ApproveRefund(s.as(s.cast.Operator), order.ApproveRefund{Refund: r.ID})
	}
	require.True(s.t, err == nil || errors.Is(err, platform.ErrState), "%v", err)
}

// approved is a run of the system's, by two.
func (s *stall) approved(run settlement.Run) {
	s.t.Helper()
	for _, by := range []platform.Actor{s.cast.Operator, s.cast.Second} {
		_, err := s.Payouts.ApproveRun(s.as(by), settlement.ApproveRun{Run: run.ID})
		require.NoError(s.t, err)
	}
}

// ledgered is what all accounts of the roles have, credits positive.
func (s *stall) ledgered() map[string]int64 {
	s.t.Helper()
	sums, err := s.TrialBalance(s.as(s.cast.Operator))
	require.NoError(s.t, err)
	roles := map[string]int64{}
	for _, sum := range sums {
		require.Equal(s.t, sum.Debit, sum.Credit)
		for _, l := range sum.Lines {
			roles[l.Role] = l.Credit.Minor() - l.Debit.Minor()
		}
	}
	return roles
}

// balanced proves to the cent that what was captured is what was paid out, paid
// back, earned by the platform, or still owed and held; and that the institution
// says the same.
func (s *stall) balanced() (paid int64) {
	s.t.Helper()
	for q := (platform.Query{Kind: "settlement.payout", Limit: 500}); ; {
		page, err := platform.List[settlement.Payout](context.Background(), s.DB, q)
		require.NoError(s.t, err)
		for _, p := range page.Items {
			if p.State == settlement.PayoutPaid {
				paid += p.Amount.Minor()
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	cny := s.cast.Price.Currency()
	bank, err := s.Sandbox.Totals(cny)
	require.NoError(s.t, err)
	left, err := s.Sandbox.Balance("", cny)
	require.NoError(s.t, err)
	l := s.ledgered()
	sum := func(roles ...string) (n int64) {
		for _, role := range roles {
			n += l[role]
		}
		return n
	}
	fees := sum("commission", "cancel_fee", "output_tax", "advertising")
	owed := sum("escrow", "earning", "payable", "reserve", "refund_due", "surplus")
	assert.Equal(s.t, bank.Charged.Minor(), paid+bank.Refunded.Minor()+fees+owed+l["receivable"], "payouts, refunds, fees and what is owed, less what is owed to us, are what was captured")
	assert.Equal(s.t, left.Minor(), -l["clearing"], "and the institution has as much of ours")
	return paid
}

// A month of sales with cancellations, refunds before and after the close, a debt
// and a payout that came back: at every week's end, and at the end, payouts and
// reserve and receivables and fees and refunds are what was captured, to the cent.
func TestAMonthIsSettledWeeklyToTheCent(t *testing.T) {
	t.Parallel()
	s := till(t)
	account, err := s.Payouts.Register(s.as(s.cast.Merchant), settlement.Register{Party: s.cast.Merchant.ID, Currency: "CNY", Institution: "sandbox", Payee: "bright-windows", Contact: "post@bright-windows.example"})
	require.NoError(t, err)
	_, err = s.Payouts.VerifyAccount(s.as(s.cast.Operator), settlement.VerifyAccount{Account: account.ID, Reason: "document"})
	require.NoError(t, err)
	type sale struct {
		who platform.Actor
		id  platform.ID
	}
	var sales []sale
	var payouts []platform.ID
	week := func(name string) {
		run, err := s.Payouts.StartRun(platform.As(t.Context(), platform.SystemActor("calendar")), settlement.StartRun{Name: name, Currency: "CNY"})
		require.NoError(t, err)
		s.approved(run)
		payouts = append(payouts, settlement.PayoutID(account.ID, run.ID))
		s.balanced()
	}
	for n := range 300 {
		who, o := s.ordered()
		if n%11 == 3 {
			_, err := s.Orders.Cancel(s.as(who), order.Cancel{Order: o, Reason: "changed_mind", MaxFee: s.cast.Price})
			require.NoError(t, err)
		} else {
			s.carriedOut(who, o)
			sales = append(sales, sale{who, o})
		}
		if n%9 == 5 {
			s.refunded(who, o, "33.33")
		}
		if n%13 == 7 && n > 100 {
			old := sales[len(sales)-90] // more than a week ago: it is closed
			s.refunded(old.who, old.id, "12.34")
		}
		if s.tick(2 * time.Hour); n%84 == 60 { // each Wednesday
			week(fmt.Sprint("week ", n/84))
		}
		if n == 150 {
			s.fined(account.Party, "777.77")
		}
	}
	for n := range 8 {
		for range 14 {
			s.tick(12 * time.Hour)
		}
		if n < 5 {
			week(fmt.Sprint("later ", n))
		}
	}

	paid := s.balanced()
	l := s.ledgered()
	for _, role := range []string{"escrow", "earning", "refund_due", "surplus", "receivable", "reserve"} {
		assert.Zero(t, l[role], "%s is through", role)
	}
	assert.Positive(t, paid)
	purse, err := s.Payouts.Purse(s.as(s.cast.Merchant), account.ID)
	require.NoError(t, err)
	assert.Equal(t, l["payable"], purse.Available.Minor(), "only what became free after the last run is still owed")
	var sent int
	for _, id := range payouts {
		if p, err := s.Payouts.Payout(s.as(s.cast.Operator), id); err == nil && p.State == settlement.PayoutPaid {
			sent++
		}
	}
	assert.GreaterOrEqual(t, sent, 5)
	_, err = s.Verify(t.Context(), func(f store.Finding) { assert.Fail(t, f.String()) })
	require.NoError(t, err)
}

// fined invoices a party, who now owes it.
func (s *stall) fined(party platform.ID, amount string) {
	s.t.Helper()
	m := platform.MustMoney(amount, "CNY")
	_, err := s.Receivables.Arise(platform.As(s.t.Context(), platform.SystemActor("test")), receivable.Arise{
		Debtor: party, Cause: receivable.Invoice, Source: platform.Ref{Kind: "test.invoice", ID: s.Writer.NewRoot(s.t.Context(), "inv")},
		Amount: m, Credits: []platform.Leg{{Role: "advertising", Amount: m.Neg()}},
	})
	require.NoError(s.t, err)
}
