package payment_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

func cents(minor int64) platform.Money {
	m, err := platform.FromMinor(minor, price.Currency())
	if err != nil {
		panic(err)
	}
	return m
}

func (v *world) promote(o sale, amount platform.Money) error {
	_, err := v.s.Promote(by(clerk), payment.Promote{Intent: full(o), Amount: amount, Reason: "voucher"})
	return err
}

// shared is a sale of which the platform paid so much, and the payer the rest.
func (v *world) shared(t *testing.T, promotion platform.Money) sale {
	t.Helper()
	o := v.placed(t)
	require.NoError(t, v.promote(o, promotion))
	if promotion == price {
		return o
	}
	_, err := v.pay(o, sandbox.OK)
	require.NoError(t, err)
	return o
}

// The payer gets what the payer paid, and the platform its own.
func TestPromotionGoesBackToThePlatform(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.shared(t, yuan("10.00"))
	for _, c := range []struct{ refund, payer string }{
		{"50.00", "45.00"}, {"0.05", "0.05"}, {"0.05", "0.04"}, {"49.90", "44.91"},
	} {
		before := v.totals(t).Refunded
		g, err := v.refund(o, yuan(c.refund))
		require.NoError(t, err)
		r, err := v.s.Send(by(clerk), payment.Send{Return: g.ID.As("rtn")})
		require.NoError(t, err)
		require.Equal(t, payment.ReturnSucceeded, r.State)
		assert.Zero(t, r.Calls, "one operation")
		assert.Equal(t, []string{"sent", "succeeded"}, v.giving(t, g).Heard)
		after := v.totals(t).Refunded
		assert.Equal(t, yuan(c.payer).Minor(), after.Minor()-before.Minor(), "of %s", c.refund)
		v.conserved(t)
	}
	assert.Equal(t, yuan("90.00"), v.totals(t).Refunded)
	assert.Equal(t, 4, v.totals(t).Refunds, "nobody is called for the platform's own money")
	assert.Zero(t, v.balance(t, "marketing"))
	assert.Zero(t, v.balance(t, "escrow"))
	_, err := v.refund(o, yuan("0.01"))
	require.ErrorIs(t, err, payment.ErrReturnExceeds)
}

// What the platform paid alone goes back wherever the process dies meanwhile.
func TestPromotionAloneGoesBackWithoutACall(t *testing.T) {
	t.Parallel()
	for commit := 1; commit <= 2; commit++ {
		for _, at := range []storetest.Point{storetest.BeforeSend, storetest.Committed, storetest.Answered} {
			c := crash{commit: commit, at: at}
			t.Run(fmt.Sprint(c), func(t *testing.T) {
				t.Parallel()
				v := newWorld(setup{})
				o := v.shared(t, price)
				g, err := v.refund(o, price)
				require.NoError(t, err)
				v.mortal(c)
				_, _ = v.s.Send(by(clerk), payment.Send{Return: g.ID.As("rtn")})

				v.reborn()
				require.NoError(t, v.after(2*time.Minute))

				assert.Equal(t, payment.ReturnSucceeded, v.ret(t, g).State)
				assert.Equal(t, []string{"sent", "succeeded"}, v.giving(t, g).Heard)
				assert.Zero(t, v.totals(t).Refunds)
				assert.Zero(t, v.balance(t, "marketing"))
				v.conserved(t)
			})
		}
	}
}

// A part that waits for the institution keeps the platform's own back too; the
// refund is all or, until then, nothing.
func TestPromotionWaitsForTheInstitution(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	require.NoError(t, v.promote(o, yuan("10.00")))
	_, err := v.pay(o, sandbox.NoRefund)
	require.NoError(t, err)
	g, err := v.refund(o, price)
	require.NoError(t, err)

	require.NoError(t, v.quiesce())

	assert.Equal(t, payment.ReturnManual, v.ret(t, g).State)
	assert.Equal(t, int64(10_00), v.balance(t, "marketing"))
	v.conserved(t)
}

// payments of a sale: by the platform itself, or through an institution.
func (v *world) fill(t *rapid.T, o sale) (cash, own int64) {
	for rest := o.Total.Minor(); rest > 0; {
		n := rapid.Int64Range(min(rest, rest/3+1), rest).Draw(t, "part")
		if rest -= n; rapid.IntRange(0, 2).Draw(t, "by") == 0 {
			require.NoError(t, v.promote(o, cents(n)))
			own += n
			continue
		}
		institution := rapid.SampledFrom([]string{"sandbox", "second"}).Draw(t, "institution")
		a, err := v.s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.OK, Amount: cents(n), Institution: institution})
		require.NoError(t, err)
		require.Equal(t, payment.AttemptCaptured, a.State)
		v.clock.Advance(time.Duration(rapid.IntRange(0, 1).Draw(t, "wait")) * time.Second)
		cash += n
	}
	return cash, own
}

// onItsWay is what goes back to the payer, and what to the platform.
func (v *world) onItsWay(t require.TestingT) (payer, own int64) {
	attempts, err := all[payment.Attempt](v.db, "payment.attempt")
	require.NoError(t, err)
	for _, a := range attempts {
		if a.Institution == "" {
			own += a.Returned.Minor()
			continue
		}
		payer += a.Returned.Minor()
	}
	return payer, own
}

// Whoever paid how much through whom, and in whatever parts it goes back, some
// of them withdrawn: each side's share follows the whole by largest remainder,
// no refund of what is there is stuck, and in the end the payer has what the
// payer paid, the platform what it gave, and the institutions nothing.
func TestPartsEndAsTheWholeAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := newWorld(setup{faults: sandbox.Faults{RefundDelay: 0.2, RefundTimeout: 0.2, LostRefund: 0.2}})
		o, err := v.place(cents(rapid.Int64Range(1, 200_00).Draw(t, "total")))
		require.NoError(t, err)
		cash, own := v.fill(t, o)
		var waiting []giving
		withdrawn := false
		for left := cash + own; left > 0; {
			g, err := v.refund(o, cents(rapid.Int64Range(min(left, left/4+1), left).Draw(t, "refund")))
			require.NoError(t, err)
			waiting, left = append(waiting, g), left-g.Amount.Minor()
			if payer, _ := v.onItsWay(t); !withdrawn {
				parts, err := cents(cash+own-left).Allocate(cash, own)
				require.NoError(t, err)
				require.Equal(t, parts[0].Minor(), payer)
			}
			switch rapid.IntRange(0, 3).Draw(t, "then") {
			case 0:
				n := rapid.IntRange(0, len(waiting)-1).Draw(t, "withdrawn")
				require.NoError(t, v.withdraw(waiting[n]))
				left, withdrawn = left+waiting[n].Amount.Minor(), true
				waiting = slices.Delete(waiting, n, n+1)
			case 1:
				require.NoError(t, v.after(0))
				waiting = nil
			}
			payer, platforms := v.onItsWay(t)
			require.Equal(t, cash+own-left, payer+platforms)
			require.LessOrEqual(t, payer, cash)
			require.LessOrEqual(t, platforms, own)
			v.conserved(t)
		}
		require.NoError(t, v.quiesce())
		v.conserved(t)
		for _, account := range []string{"escrow", "marketing", "clearing:sandbox", "clearing:second"} {
			require.Zero(t, v.balance(t, account), account)
		}
	})
}
