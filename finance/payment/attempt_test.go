package payment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

func is(state payment.AttemptState) payment.Attempt {
	return sent(func(a *payment.Attempt) { a.State = state })
}

func TestNewsMovesAnAttemptForwardOnly(t *testing.T) {
	t.Parallel()
	var (
		done     = payment.Status{Outcome: payment.Done, Amount: price, Reference: "ch_1"}
		short    = payment.Status{Outcome: payment.Done, Amount: yuan("99.99"), Reference: "ch_1"}
		foreign  = payment.Status{Outcome: payment.Done, Amount: platform.MustMoney("100.00", "USD")}
		empty    = payment.Status{Outcome: payment.Done}
		declined = payment.Status{Outcome: payment.Declined, Code: "card_declined"}
		action   = payment.Status{Outcome: payment.NeedsAction, Action: "https://pay.example/1", Until: payBy}
		pending  = payment.Status{Outcome: payment.Pending}
		absent   = payment.Status{Outcome: payment.Absent}
		odd      = payment.Status{Outcome: "something else"}
	)
	const same = payment.AttemptState("")
	live := []payment.AttemptState{payment.AttemptSent, payment.AttemptRequiresAction, payment.AttemptUnknown, payment.AttemptManual}
	for name, c := range map[string]struct {
		st      payment.Status
		certain bool
		live    payment.AttemptState // from any live state
		failed  payment.AttemptState // from failed
	}{
		"done":             {done, false, payment.AttemptCaptured, payment.AttemptSurplus},
		"other amount":     {short, false, payment.AttemptQuarantined, payment.AttemptQuarantined},
		"other currency":   {foreign, false, payment.AttemptQuarantined, payment.AttemptQuarantined},
		"no amount":        {empty, false, payment.AttemptQuarantined, payment.AttemptQuarantined},
		"declined":         {declined, false, payment.AttemptFailed, same},
		"certainly absent": {absent, true, payment.AttemptFailed, same},
		"perhaps absent":   {absent, false, same, same},
		"pending":          {pending, true, same, same},
		"unheard of":       {odd, true, same, same},
	} {
		want := map[payment.AttemptState]payment.AttemptState{
			payment.AttemptFailed: c.failed, payment.AttemptCaptured: same, payment.AttemptSurplus: same, payment.AttemptQuarantined: same,
		}
		for _, state := range live {
			want[state] = c.live
		}
		for from, to := range want {
			next, err := is(from).Learn(c.st, c.certain, noon)
			if to == same {
				require.ErrorIs(t, err, payment.ErrNothingNew, "%s from %s", name, from)
				continue
			}
			require.NoError(t, err, "%s from %s", name, from)
			assert.Equal(t, to, next.State, "%s from %s", name, from)
			assert.True(t, next.Due.IsZero(), "an outcome needs no more looks")
			assert.Equal(t, noon, next.EndedAt)
			assert.Equal(t, c.st.Amount, next.Received)
		}
	}

	next, err := is(payment.AttemptSent).Learn(action, false, noon)
	require.NoError(t, err)
	assert.Equal(t, payment.AttemptRequiresAction, next.State)
	assert.Equal(t, payBy, next.Due, "the institution is asked when the payer's time is over")
	_, err = next.Learn(action, false, noon)
	require.ErrorIs(t, err, payment.ErrNothingNew)
}

// A charge whose answer told nothing is asked about after 5 s, 15 s, 1 m, 5 m,
// 15 m, then hourly until a day has passed, and then left to a person.
func TestUnknownIsAskedByTheLadder(t *testing.T) {
	t.Parallel()
	a, at := sent(nil), noon.Add(3*time.Second)
	a, err := a.Doubt(at)
	require.NoError(t, err)

	waits := []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute}
	for n := 0; a.State == payment.AttemptUnknown; n++ {
		want := time.Hour
		if n < len(waits) {
			want = waits[n]
		}
		if end := noon.Add(24 * time.Hour); at.Add(want).After(end) {
			want = end.Sub(at)
		}
		require.Equal(t, want, a.Due.Sub(at), "look %d", n+1)
		_, early := a.Doubt(a.Due.Add(-1))
		require.ErrorIs(t, early, payment.ErrNothingNew, "each look is made once")
		at = a.Due
		a, err = a.Doubt(at)
		require.NoError(t, err)
	}

	assert.Equal(t, payment.AttemptManual, a.State)
	assert.Equal(t, noon.Add(24*time.Hour), at)
	assert.True(t, a.Due.IsZero())
	assert.Equal(t, 5+24+1, a.Looks, "the answer, five short waits, 24 of an hour or what is left of it")
	_, err = a.Doubt(at.Add(time.Hour))
	require.ErrorIs(t, err, payment.ErrNothingNew)
}

func TestNotFoundCountsTwoMinutesPastItsTime(t *testing.T) {
	t.Parallel()
	a := sent(nil)
	assert.False(t, a.Missed(noon.Add(4*time.Minute-1)))
	assert.True(t, a.Missed(noon.Add(4*time.Minute)))
}

func TestOperatorResolvesWhatIsQueued(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		taken platform.Money
		want  payment.AttemptState
		err   error
	}{
		{platform.Money{}, payment.AttemptFailed, nil},
		{nothing, payment.AttemptFailed, nil},
		{price, payment.AttemptCaptured, nil},
		{yuan("99.99"), payment.AttemptSurplus, nil},
		{yuan("100.01"), payment.AttemptSurplus, nil},
		{yuan("-1.00"), "", payment.ErrAmount},
		{platform.MustMoney("100.00", "USD"), "", payment.ErrAmount},
	} {
		for _, from := range []payment.AttemptState{payment.AttemptManual, payment.AttemptQuarantined} {
			next, err := is(from).Resolve(c.taken, noon)
			require.ErrorIs(t, err, c.err)
			assert.Equal(t, c.want, next.State, c.taken)
		}
	}
	for _, from := range []payment.AttemptState{payment.AttemptSent, payment.AttemptUnknown, payment.AttemptCaptured, payment.AttemptFailed, payment.AttemptSurplus} {
		_, err := is(from).Resolve(price, noon)
		require.ErrorIs(t, err, payment.ErrNotResolvable, from)
	}
}
