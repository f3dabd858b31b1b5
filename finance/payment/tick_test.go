package payment_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

func TestTickFiresUpToItsLimit(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	for range 5 {
		_, err := v.pay(v.placed(t), sandbox.Timeout)
		require.NoError(t, err)
	}
	now := v.clock.Advance(time.Minute)

	for _, want := range []int{2, 2, 1, 0} {
		fired, err := v.s.Tick(t.Context(), now, 2)
		require.NoError(t, err)
		assert.Equal(t, want, fired)
	}
	for _, a := range v.attempts(t) {
		assert.Equal(t, payment.AttemptCaptured, a.State)
	}
}

func TestLimitHoldsOverAllThatIsDue(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	for range 2 {
		_, err := v.pay(v.placed(t), sandbox.Timeout)
		require.NoError(t, err)
		_, err = v.refund(v.paid(t, sandbox.OK), price)
		require.NoError(t, err)
	}

	fired, err := v.s.Tick(t.Context(), v.clock.Advance(time.Minute), 3)

	require.NoError(t, err)
	assert.Equal(t, 3, fired)
	assert.Equal(t, 1, v.totals(t).Refunds)
}

func TestParallelTicksFireOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	for range 8 {
		_, err := v.s.Pay(by(customer), payment.Pay{Intent: full(v.placed(t)), Method: sandbox.Timeout, Institution: "sandbox"})
		require.NoError(t, err)
		o := v.placed(t)
		_, err = v.s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.OK, Institution: "sandbox"})
		require.NoError(t, err)
		_, err = v.refund(o, price)
		require.NoError(t, err)
	}
	now := v.clock.Advance(time.Minute)

	fired, errs := together(4, func(int) (int, error) { return v.s.Tick(context.Background(), now, 0) })

	sum := 0
	for n, err := range errs {
		require.NoError(t, err)
		sum += fired[n]
	}
	assert.Equal(t, 16, sum)
	assert.Equal(t, 16, v.totals(t).Charges)
	assert.Equal(t, 8, v.totals(t).Refunds)
	v.conserved(t)
}

// An institution that is not wired any more is named, and stops nobody else.
func TestTickNamesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	other := sandbox.New(&sandbox.Options{Name: "other", Now: v.clock.Now})
	both := payment.Ports{Books: ledger{}, Subject: shop{db: v.db}, Gateways: []payment.Gateway{v.bank, other}}
	s := payment.New(v.w, payment.StoreOn(v.db), both, nil)
	for _, institution := range []string{"other", "sandbox"} {
		o, err := v.place(price)
		require.NoError(t, err)
		_, err = s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.Timeout, Institution: institution})
		require.NoError(t, err)
	}

	fired, err := v.s.Tick(t.Context(), v.clock.Advance(time.Minute), 0)

	require.ErrorIs(t, err, payment.ErrInstitution)
	assert.Equal(t, 1, fired)
}

// A late Tick makes no late payment: the ladder is climbed from the moment of the
// Tick, and nothing fires twice.
func TestTickWithAnOlderNowDoesNothing(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a, err := v.pay(v.placed(t), sandbox.Timeout)
	require.NoError(t, err)

	fired, err := v.s.Tick(t.Context(), noon.Add(-time.Hour), 0)

	require.NoError(t, err)
	assert.Zero(t, fired)
	assert.Equal(t, a, v.attempt(t, a.ID))
}

// "Not found" is a failure only of an institution whose word is final, and only
// two minutes after the attempt's time.
func TestNotFoundIsNoFailureByItself(t *testing.T) {
	t.Parallel()
	for final, want := range map[bool]payment.AttemptState{true: payment.AttemptFailed, false: payment.AttemptUnknown} {
		v := newWorld(setup{})
		v.hooks.Gateway = vague{v.bank, final}
		a, err := v.pay(v.placed(t), sandbox.Lost)
		require.NoError(t, err)

		require.NoError(t, v.after(4*time.Minute-time.Second))
		assert.Equal(t, payment.AttemptUnknown, v.attempt(t, a.ID).State)
		require.NoError(t, v.after(time.Minute))
		assert.Equal(t, want, v.attempt(t, a.ID).State)
		require.NoError(t, v.quiesce())
		if !final {
			assert.Equal(t, payment.AttemptManual, v.attempt(t, a.ID).State)
		}
	}
}

// vague is an institution whose look-up may or may not be final.
type vague struct {
	payment.Gateway
	final bool
}

func (g vague) Info() payment.Info {
	info := g.Gateway.Info()
	info.Final = g.final
	return info
}
