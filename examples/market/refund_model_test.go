package market_test

import (
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/fee"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/order/dispatch"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

// fair is a market with two institutions, and one order in it.
type fair struct {
	*market.Market
	cast     market.Cast
	clock    *storetest.Clock
	payments *payment.Service
	banks    []*sandbox.Sandbox
	order    platform.Ref
}

// taxed takes 10 % with 6 % tax in it and 1 % for the placement, both given back as
// the order is, and for the payment 0.6 % and 30 fen with tax on top, given back or not.
func taxed(back fee.Back) fee.Terms {
	rate := decimal.RequireFromString
	all := func(r, fixed string) []fee.Rule {
		return []fee.Rule{{ID: "all", Rate: rate(r), Fixed: platform.MustMoney(fixed, "CNY")}}
	}
	return fee.Terms{Standard: fee.Schedule{
		Name: "taxed", Number: 1, Currency: platform.MustMoney("0", "CNY").Currency(),
		Components: []fee.Component{
			{Name: "commission", Tax: rate("0.06"), Rules: all("0.1", "0")},
			{Name: "placement", Per: fee.Line, Rules: all("0.01", "0")},
			{Name: "payment_fee", Back: back, Tax: rate("0.06"), Exclusive: true, Rules: all("0.006", "0.30")},
		},
	}}
}

func open(t *rapid.T, fees fee.Terms) *fair {
	f := &fair{clock: storetest.NewClock(time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC))}
	faults := sandbox.Faults{RefundDelay: 0.2, RefundTimeout: 0.2, LostRefund: 0.2}
	var err error
	f.Market, err = market.Open(memory.New(market.Kinds(), nil), &market.Options{
		Now: f.clock.Now, IDs: storetest.IDs(1), Sandbox: sandbox.Options{Seed: 1, Faults: faults}, Fees: fees,
	})
	require.NoError(t, err)
	f.cast, err = f.Demo(t.Context())
	require.NoError(t, err)
	f.banks = []*sandbox.Sandbox{f.Sandbox, sandbox.New(&sandbox.Options{Name: "second", Seed: 2, Now: f.clock.Now, Faults: faults})}
	f.payments = payment.New(f.Writer, payment.StoreOn(f.DB), payment.Ports{
		Books: f.Books, Subject: order.Payable{Store: order.StoreOn(f.DB), Books: f.Books}, Gateways: []payment.Gateway{f.banks[0], f.banks[1]},
	}, nil)
	o, err := f.Orders.Place(f.as(f.cast.Customer), order.Place{Lines: []order.PlaceLine{{Listing: f.cast.Listing, Quantity: 1}}, Total: f.cast.Price})
	require.NoError(t, err)
	f.order = o.Ref()
	return f
}

func (f *fair) as(who platform.Actor) context.Context { return platform.As(context.Background(), who) }

func (f *fair) now(t *rapid.T) order.Order {
	o, err := f.Orders.Order(f.as(f.cast.Customer), f.order.ID)
	require.NoError(t, err)
	return o
}

func amount(t *rapid.T, least, most int64) platform.Money {
	m, err := platform.FromMinor(rapid.Int64Range(least, most).Draw(t, "minor"), platform.MustMoney("0", "CNY").Currency())
	require.NoError(t, err)
	return m
}

// pay brings the whole price together, from the platform and from the customer
// through either institution, and tells what the platform gave.
func (f *fair) pay(t *rapid.T) (promotion int64) {
	intent := payment.IntentID(f.order, payment.Full)
	for rest := f.cast.Price.Minor(); rest > 0; {
		part := amount(t, min(rest, rest/3+1), rest)
		rest -= part.Minor()
		var err error
		switch by := rapid.SampledFrom([]string{"", "sandbox", "second"}).Draw(t, "by"); by {
		case "":
			promotion += part.Minor()
			_, err = f.payments.Promote(f.as(f.cast.Operator), payment.Promote{Intent: intent, Amount: part, Reason: "voucher"})
		default:
			_, err = f.payments.Pay(f.as(f.cast.Customer), payment.Pay{Intent: intent, Amount: part, Method: sandbox.OK, Institution: by})
		}
		require.NoError(t, err)
	}
	return promotion
}

// work carries the order on by so many steps, to its close at most.
func (f *fair) work(t *rapid.T, steps int) {
	done := func(_ order.Order, err error) { require.NoError(t, err) }
	for _, step := range []func(){
		func() {
			work, err := f.Dispatch.DispatchOrder(f.as(f.cast.Operator), dispatch.DispatchOrder{Order: f.order.ID})
			require.NoError(t, err)
			_, err = f.Dispatch.Accept(f.as(f.cast.Staff), dispatch.Accept{Assignment: work.Offers[0].ID})
			require.NoError(t, err)
		},
		func() { done(f.Orders.Start(f.as(f.cast.Staff), order.Start{Order: f.order.ID})) },
		func() {
			done(f.Orders.Deliver(f.as(f.cast.Staff), order.Deliver{Order: f.order.ID, Proofs: f.Photo()}))
		},
		func() { done(f.Orders.Accept(f.as(f.cast.Customer), order.Accept{Order: f.order.ID})) },
		func() {
			_, err := f.Orders.Tick(context.Background(), f.clock.Advance(8*24*time.Hour), 0)
			require.NoError(t, err)
		},
	}[:steps] {
		step()
	}
}

// refund gives an amount back, and perhaps takes that back before it is sent.
func (f *fair) refund(t *rapid.T, amount platform.Money) {
	r, err := f.Orders.RequestRefund(f.as(f.cast.Customer), order.RequestRefund{Order: f.order.ID, Amount: amount, Reason: "late"})
	require.NoError(t, err)
	if r.State == order.RefundRequested {
		r, err = f.Orders.ApproveRefund(f.as(f.cast.Merchant), order.ApproveRefund{Refund: r.ID})
		require.NoError(t, err)
	}
	require.Equal(t, order.RefundApproved, r.State)
	switch rapid.IntRange(0, 3).Draw(t, "then") {
	case 0:
		_, err = f.Orders.WithdrawRefund(f.as(f.cast.Customer), order.WithdrawRefund{Refund: r.ID})
		require.NoError(t, err)
	case 1:
		_, err = f.payments.Tick(context.Background(), f.clock.Now(), 0)
		require.NoError(t, err)
	}
}

// settle lets everything that is on its way arrive, within two days.
func (f *fair) settle(t *rapid.T) {
	for hours := 0; f.now(t).Reserved.Sign() > 0; hours++ {
		require.Less(t, hours, 48, "a refund is stuck")
		_, err := f.payments.Tick(context.Background(), f.clock.Advance(time.Hour), 0)
		require.NoError(t, err)
	}
}

// balance is what is on an account, in minor units.
func (f *fair) balance(t *rapid.T, a finance.Account) int64 {
	b, err := f.Books.Balance(f.as(f.cast.Operator), a, f.cast.Price.Currency())
	require.NoError(t, err)
	return b.Posted.Minor()
}

func (f *fair) sound(t *rapid.T) {
	sums, err := f.TrialBalance(f.as(f.cast.Operator))
	require.NoError(t, err)
	for _, sum := range sums {
		require.Equal(t, sum.Debit, sum.Credit)
	}
	wrong, err := f.VerifyBooks(f.as(f.cast.Operator))
	require.NoError(t, err)
	require.Empty(t, wrong)
	for _, bank := range f.banks {
		held, err := bank.Totals(f.cast.Price.Currency())
		require.NoError(t, err)
		clearing := f.balance(t, finance.Account{Role: "clearing", Party: platform.ID(bank.Info().Institution)})
		require.Equal(t, held.Charged.Minor()-held.Refunded.Minor(), clearing, "what %s holds is in its account", bank.Info().Institution)
	}
}

// Whoever paid through whom, however far the order is, and in whatever parts it
// goes back: in the end the customer has what the customer paid, marketing what
// it gave, and the order's accounts are empty.
func TestAllOfAnOrderGoesBackWhereItCameFrom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := open(t, rapid.SampledFrom([]fee.Terms{{}, taxed(fee.ProRata)}).Draw(t, "fees"))
		promotion := f.pay(t)
		require.Equal(t, promotion, f.balance(t, finance.Account{Role: "marketing"}))
		f.work(t, rapid.IntRange(0, 5).Draw(t, "steps"))
		for left := f.now(t).Refundable().Minor(); left > 0; left = f.now(t).Refundable().Minor() {
			f.refund(t, amount(t, min(left, left/3+1), left))
		}
		f.settle(t)

		f.sound(t)
		o := f.now(t)
		require.Equal(t, f.cast.Price, o.Refunded)
		require.Equal(t, order.Refunded, o.Payment())
		for _, bank := range f.banks {
			held, err := bank.Totals(f.cast.Price.Currency())
			require.NoError(t, err)
			require.Equal(t, held.Charged, held.Refunded)
		}
		for _, a := range []finance.Account{
			{Role: "escrow", Of: o.ID}, {Role: "refund_due", Of: o.ID}, {Role: "earning", Of: o.ID, Party: o.Merchant},
			{Role: "payable", Party: o.Merchant}, {Role: "receivable", Party: o.Merchant},
			{Role: "commission"}, {Role: "output_tax"}, {Role: "marketing"},
		} {
			require.Zero(t, f.balance(t, a), a)
		}
	})
}

// A fee that is kept stays with the platform, tax and all, once there was a sale;
// the merchant, who has nothing left of the order, owes it.
func TestAKeptFeeIsOwedByTheMerchant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := open(t, taxed(fee.Kept))
		promotion := f.pay(t)
		steps := rapid.IntRange(1, 5).Draw(t, "steps")
		f.work(t, steps)
		for left := f.now(t).Refundable().Minor(); left > 0; left = f.now(t).Refundable().Minor() {
			f.refund(t, amount(t, min(left, left/3+1), left))
		}
		f.settle(t)

		f.sound(t)
		require.Equal(t, f.cast.Price, f.now(t).Refunded)
		kept, tax := int64(0), int64(0)
		if steps >= 4 { // sold
			p := f.now(t).Lines[0].Parts[2]
			kept, tax = p.Amount.Minor(), p.Tax.Minor()
		}
		merchant := f.now(t).Merchant
		require.Equal(t, []int64{kept - tax, tax, kept}, []int64{
			f.balance(t, finance.Account{Role: "commission"}), f.balance(t, finance.Account{Role: "output_tax"}),
			f.balance(t, finance.Account{Role: "receivable", Party: merchant}),
		})
		require.Zero(t, f.balance(t, finance.Account{Role: "payable", Party: merchant}))
		require.Zero(t, f.balance(t, finance.Account{Role: "marketing"}), promotion)
	})
}

// A cancellation's fee is shared as the price was: what is left goes back to the
// customer and to the platform, and the fee stays where it was earned.
func TestACancelledOrderGoesBackWhereItCameFrom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := open(t, fee.Terms{})
		promotion := f.pay(t)
		f.work(t, rapid.IntRange(0, 2).Draw(t, "steps"))
		if left := f.now(t).Refundable().Minor(); rapid.Bool().Draw(t, "some before") {
			f.refund(t, amount(t, 1, left/2))
		}

		o, err := f.Orders.Cancel(f.as(f.cast.Customer), order.Cancel{Order: f.order.ID, MaxFee: f.cast.Price, Reason: "changed_plans"})

		require.NoError(t, err)
		f.settle(t)
		f.sound(t)
		fee := o.Cancellation.Fee.Minor()
		require.Equal(t, f.cast.Price.Minor()-fee, f.now(t).Refunded.Minor())
		require.Zero(t, f.balance(t, finance.Account{Role: "escrow", Of: o.ID}))
		require.Zero(t, f.balance(t, finance.Account{Role: "refund_due", Of: o.ID}))
		kept := f.balance(t, finance.Account{Role: "marketing"})
		off := kept*f.cast.Price.Minor() - fee*promotion
		require.LessOrEqual(t, max(off, -off), f.cast.Price.Minor(), "the platform bears its share of the fee, to the unit")
	})
}
