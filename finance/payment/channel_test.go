package payment_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// seen is a health after so many calls of which some have no answer.
func seen(calls, unknown int, took time.Duration, at time.Time) payment.Health {
	var h payment.Health
	for n := range calls {
		h = h.Saw(n < unknown, took, at)
	}
	return h
}

func TestChannelOpensAndCloses(t *testing.T) {
	t.Parallel()
	assert.Equal(t, payment.Closed, payment.Health{}.Circuit(noon))
	assert.Equal(t, payment.Closed, seen(9, 9, 0, noon).Circuit(noon), "too few to conclude anything")
	assert.Equal(t, payment.Closed, seen(12, 5, 0, noon).Circuit(noon))
	assert.Equal(t, payment.Open, seen(40, 2, 9*time.Second, noon).Circuit(noon), "slower than 95 of 100 may be")
	h := seen(10, 10, 0, noon)
	require.Equal(t, payment.Open, h.Circuit(noon))
	_, may := h.Try(noon.Add(29 * time.Second))
	assert.False(t, may)

	trial := noon.Add(30 * time.Second)
	assert.Equal(t, payment.HalfOpen, h.Circuit(trial))
	h, may = h.Try(trial)
	assert.True(t, may)
	_, another := h.Try(trial)
	assert.False(t, another, "one tries it")

	assert.Equal(t, payment.Open, h.Saw(true, 0, trial).Circuit(trial))
	assert.Equal(t, payment.Closed, h.Saw(false, 0, trial).Circuit(trial))
}

// What is older than five minutes counts no more, however often the ring came
// round.
func TestHealthForgets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at, h := noon, payment.Health{}
		var calls []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			at = at.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "pause")) * time.Second)
			h, calls = h.Saw(false, 0, at), append(calls, at)
		}
		want := 0
		for _, c := range calls {
			if at.Unix()/10-c.Unix()/10 < 30 {
				want++
			}
		}
		assert.Equal(t, want, h.Sum(at).All)
	})
}

func TestRouteIsTheCheapestThatFits(t *testing.T) {
	t.Parallel()
	routes := []payment.Route{
		{Institution: "card", Rate: decimal.RequireFromString("0.006")},
		{Institution: "bank", Least: yuan("1000.00"), Fixed: yuan("5.00")},
		{Institution: "wallet", Most: yuan("500.00"), Methods: []string{"wx_"}, Rate: decimal.RequireFromString("0.001")},
	}
	for _, c := range []struct {
		amount platform.Money
		method string
		want   []string
	}{
		{yuan("100.00"), "pm_1", []string{"card"}},
		{yuan("100.00"), "wx_1", []string{"wallet", "card"}},
		{yuan("500.01"), "wx_1", []string{"card"}},
		{yuan("1000.00"), "pm_1", []string{"bank", "card"}},
		{platform.MustMoney("1000.00", "USD"), "pm_1", []string{"card"}},
	} {
		assert.Equal(t, c.want, payment.Ordered(routes, c.amount, c.method), c.amount)
	}
}

// A channel that gives no answers is passed over where another takes the payment,
// tried again, and used when there is no other.
func TestFallbackBeforeSent(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	for range 10 {
		_, err := v.pay(v.placed(t), sandbox.Timeout)
		require.NoError(t, err)
	}
	a, err := v.pay(v.placed(t), sandbox.OK)
	require.NoError(t, err)
	assert.Equal(t, "second", a.Institution)
	channels, err := v.s.Channels(by(auditor))
	require.NoError(t, err)
	assert.Equal(t, payment.Open, channels[0].Circuit)
	assert.Equal(t, payment.Calls{All: 10, Unknown: 10}, channels[0].Calls)
	_, err = v.s.Channels(by(customer))
	require.ErrorIs(t, err, platform.ErrNotFound)

	v.clock.Advance(30 * time.Second)
	a, err = v.pay(v.placed(t), sandbox.OK)
	require.NoError(t, err)
	assert.Equal(t, "sandbox", a.Institution, "one tries it")
	sandboxed := platform.Ref{Kind: "payment.institution", ID: payment.InstitutionID("sandbox")}
	assert.Equal(t, []string{"payment.channel_opened", "payment.channel_closed"}, v.events(t, sandboxed))
}

// An unknown attempt pins its intent to its channel: nothing goes elsewhere before
// the institution has spoken.
func TestUnknownAttemptPinsTheChannel(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	o := v.placed(t)
	first, err := v.pay(o, sandbox.Timeout)
	require.NoError(t, err)

	again, err := v.s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.OK, Institution: "second"})

	require.NoError(t, err)
	assert.Equal(t, first.ID, again.ID)
	assert.Equal(t, "sandbox", again.Institution)
	sum, err := v.second.Totals(price.Currency())
	require.NoError(t, err)
	assert.Zero(t, sum.Charges)
}

func TestOnlyChannelIsUsedEvenIfOpen(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{opts: &payment.Options{Routes: []payment.Route{{Institution: "sandbox"}}}})
	for range 12 {
		a, err := v.pay(v.placed(t), sandbox.Timeout)
		require.NoError(t, err)
		assert.Equal(t, "sandbox", a.Institution)
	}
}

func TestRouteToNowhereIsRefused(t *testing.T) {
	t.Parallel()
	assert.Panics(t, func() { newWorld(setup{opts: &payment.Options{Routes: []payment.Route{{Institution: "nobody"}}}}) })
}
