package payment_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

func (v *world) reduce(o sale, purpose payment.Purpose, amount string) error {
	return v.update(clerk, func(ctx context.Context) ([]platform.Change, error) {
		changes, err := v.asks.Reduce(ctx, o.Ref(), string(purpose), yuan(amount))
		return append(changes, platform.Happened("sale.reduced", o.Ref(), nil)), err
	})
}

func TestReducedIsNoLongerAsked(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	extra := func() payment.Intent {
		i, err := v.s.Intent(by(clerk), payment.IntentID(o.Ref(), payment.Extra))
		require.NoError(t, err)
		return i
	}
	require.NoError(t, v.reduce(o, payment.Extra, "0.00"), "what was never asked for")
	require.NoError(t, v.ask(customer, o, payment.Extra, "20.00"))
	require.NoError(t, v.reduce(o, payment.Extra, "5.00"))
	assert.Equal(t, yuan("5.00"), extra().Rest())
	require.NoError(t, v.reduce(o, payment.Extra, "0.00"))
	assert.Equal(t, payment.IntentCancelled, extra().State)
	require.NoError(t, v.reduce(o, payment.Extra, "0.00"), "an end stays")
	require.NoError(t, v.ask(customer, o, payment.Extra, "10.00"), "and is opened again")
	assert.Equal(t, payment.IntentOpen, extra().State)
	assert.Equal(t, payment.IntentOpen, v.intent(t, o).State, "the other purpose goes on")
}

func TestNoLessIsAskedThanWasCaptured(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.paid(t, sandbox.OK)
	require.NoError(t, v.ask(clerk, o, payment.Full, "150.00"))
	require.ErrorIs(t, v.reduce(o, payment.Full, "99.99"), payment.ErrBelowSecured)
	require.NoError(t, v.reduce(o, payment.Full, "100.00"))
	assert.Equal(t, payment.IntentCaptured, v.intent(t, o).State)
	assert.Equal(t, price, v.intent(t, o).Asked)
}

func TestE11WhatIsHeldAboveIsLetGoOf(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: later})
	o, a := v.held(t, sandbox.OK)
	require.NoError(t, v.reduce(o, payment.Full, "0.00"))
	require.NoError(t, v.quiesce())
	assert.Equal(t, payment.AttemptReleased, v.attempt(t, a.ID).State)
	assert.Equal(t, payment.IntentCancelled, v.intent(t, o).State)
	v.conserved(t)
}
