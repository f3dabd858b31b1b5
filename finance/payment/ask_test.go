package payment_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// ask asks for one more purpose of a sale.
func (v *world) ask(actor platform.Actor, o sale, purpose payment.Purpose, amount string) error {
	return v.update(actor, func(ctx context.Context) ([]platform.Change, error) {
		return v.asks.Ask(ctx, o.Ref(), string(purpose), yuan(amount), payBy)
	})
}

// halves is a sale of the price, asked as deposit and balance.
func (v *world) halves(t *testing.T) sale {
	t.Helper()
	o := sale{Head: platform.Head{ID: v.w.NewRoot(by(customer), "ord")}, State: "open", Total: price, Captured: nothing, Given: nothing}
	require.NoError(t, v.update(customer, func(ctx context.Context) ([]platform.Change, error) {
		one, err := v.asks.Ask(ctx, o.Ref(), "deposit", yuan("30.00"), payBy)
		if err != nil {
			return nil, err
		}
		two, err := v.asks.Ask(ctx, o.Ref(), "balance", yuan("70.00"), payBy)
		return append(append(one, two...), platform.Put(o)), err
	}))
	return o
}

func TestAskNamesThePayer(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	require.NoError(t, v.ask(platform.Actor{ID: clerk.ID, Kind: platform.Operator, OnBehalf: customer.ID}, o, payment.Extra, "5.00"))
	require.NoError(t, v.ask(clerk, o, payment.Tip, "5.00"))
	require.Equal(t, "payment.purpose", platform.Code(v.ask(clerk, o, "bribe", "5.00")))
	require.ErrorIs(t, v.ask(customer, o, payment.Penalty, "0.00"), payment.ErrAmount, "a free order has no intent")

	mine, err := v.s.Intent(by(customer), payment.IntentID(o.Ref(), payment.Extra))
	require.NoError(t, err)
	assert.Equal(t, customer.ID, mine.Payer)
	_, err = v.s.Intent(by(customer), payment.IntentID(o.Ref(), payment.Tip))
	require.ErrorIs(t, err, platform.ErrNotFound, "asked by nobody's order")
	intents, err := v.s.Intents(by(clerk), o.Ref())
	require.NoError(t, err)
	assert.Len(t, intents, 3)
}

// The subject hears the totals over all that is asked of it, also when two
// payments come at once.
func TestSubjectHearsTotals(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.halves(t)
	purposes := []payment.Purpose{payment.Deposit, payment.Balance}

	_, errs := together(2, func(n int) (payment.Attempt, error) {
		return v.s.Pay(by(customer), payment.Pay{Intent: payment.IntentID(o.Ref(), purposes[n]), Method: sandbox.OK})
	})

	require.NoError(t, errs[0])
	require.NoError(t, errs[1])
	assert.Equal(t, price, v.sale(t, o).Captured)
	assert.Equal(t, "confirmed", v.sale(t, o).State)
	g, err := v.refund(o, price)
	require.NoError(t, err)
	require.NoError(t, v.after(0))
	assert.Len(t, v.ret(t, g).Parts, 2, "a refund takes from every intent")
	assert.Equal(t, price, v.sale(t, o).Given)
	v.conserved(t)
}

// Whatever the totals were made of is in the set, so that they are true when it
// commits.
func TestTotalsRelyOnWhatIsInTheSet(t *testing.T) {
	t.Parallel()
	seen := &witness{}
	v := newWorld(setup{store: func(db platform.DB) platform.DB { seen.DB = db; return seen }})
	o := v.halves(t)

	_, err := v.s.Pay(by(customer), payment.Pay{Intent: payment.IntentID(o.Ref(), payment.Deposit), Method: sandbox.OK})

	require.NoError(t, err)
	balance := platform.Ref{Kind: "payment.intent", ID: payment.IntentID(o.Ref(), payment.Balance)}
	assert.Contains(t, seen.last, platform.Change{Op: platform.Check, Ref: balance, Version: 1})
}

// witness remembers the last set.
type witness struct {
	platform.DB
	last []platform.Change
}

func (w *witness) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	w.last = set.Changes
	return w.DB.Commit(ctx, set)
}

func TestCancelEndsWhatIsStillAsked(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.halves(t)
	deposit, balance := payment.IntentID(o.Ref(), payment.Deposit), payment.IntentID(o.Ref(), payment.Balance)
	_, err := v.s.Pay(by(customer), payment.Pay{Intent: deposit, Method: sandbox.OK})
	require.NoError(t, err)
	_, err = v.s.Pay(by(customer), payment.Pay{Intent: balance, Method: sandbox.OK, Amount: yuan("1.00")})
	require.NoError(t, err)

	require.NoError(t, v.cancel(o))

	assert.Equal(t, payment.IntentCaptured, read[payment.Intent](t, v, "payment.intent", deposit).State)
	assert.Equal(t, payment.IntentCancelled, read[payment.Intent](t, v, "payment.intent", balance).State)
	_, err = v.refund(o, yuan("31.00"))
	require.NoError(t, err, "what was paid in part goes back too")
	require.NoError(t, v.after(0))
	v.conserved(t)
	require.NoError(t, v.cancel(v.placed(t)))
	unknown := sale{Head: platform.Head{ID: v.w.NewRoot(by(customer), "ord")}}
	require.NoError(t, v.cancel(unknown), "nothing was asked")
}

// A Cancel and a Pay at once: one of them wins, and both hear the truth.
func TestCancelAndPayAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		v := newWorld(setup{})
		o := v.placed(t)

		_, errs := together(2, func(n int) (int, error) {
			if n == 0 {
				return 0, v.cancel(o)
			}
			_, err := v.pay(o, sandbox.RequiresAction)
			return 0, err
		})

		if errs[0] == nil {
			require.ErrorIs(t, errs[1], payment.ErrNotPayable)
			assert.Equal(t, payment.IntentCancelled, v.intent(t, o).State)
			continue
		}
		require.ErrorIs(t, errs[0], payment.ErrAttemptActive)
		require.NoError(t, errs[1])
	}
}

func TestAskingMoreOpensAPaidIntent(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.paid(t, sandbox.OK)
	require.NoError(t, v.ask(customer, o, payment.Full, "120.00"))

	a, err := v.pay(o, sandbox.OK)

	require.NoError(t, err)
	assert.Equal(t, yuan("20.00"), a.Amount)
	assert.Equal(t, yuan("120.00"), v.sale(t, o).Captured)
	v.conserved(t)
}

func TestInfoAdmits(t *testing.T) {
	t.Parallel()
	info := payment.Info{
		Institution: "bank", Licence: payment.Licence{ValidUntil: noon.AddDate(1, 0, 0), CheckedAt: noon},
		Limits: []payment.Limit{{Least: yuan("1.00"), Most: yuan("10.00")}, {Least: platform.MustMoney("5", "JPY"), Most: platform.MustMoney("500", "JPY")}},
	}
	for amount, want := range map[platform.Money]error{
		yuan("0.99"): payment.ErrNoChannel, yuan("1.00"): nil, yuan("10.00"): nil, yuan("10.01"): payment.ErrNoChannel,
		platform.MustMoney("500", "JPY"): nil, platform.MustMoney("501", "JPY"): payment.ErrNoChannel,
		platform.MustMoney("5.00", "USD"): payment.ErrNoChannel, {}: payment.ErrNoChannel,
	} {
		require.ErrorIs(t, info.Admits(amount, noon), want, amount)
	}
	for at, want := range map[time.Time]error{
		noon.AddDate(0, 0, 90): nil, noon.AddDate(0, 0, 90).Add(1): payment.ErrUnlicensed,
		noon.AddDate(1, 0, 0): payment.ErrUnlicensed,
	} {
		require.ErrorIs(t, info.Admits(yuan("1.00"), at), want, at)
	}
}
