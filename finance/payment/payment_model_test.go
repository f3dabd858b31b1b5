package payment_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

var methods = []string{
	sandbox.OK, sandbox.Decline, sandbox.RequiresAction, sandbox.Delay, sandbox.Timeout, sandbox.Lost,
	sandbox.Late, sandbox.Down, sandbox.Short, sandbox.NoRefund, "pm_any",
}

// machine drives payers, operators, an unreliable institution and time, in any
// order.
type machine struct {
	*world
	sales   []sale
	letters []sandbox.Letter // posted so far
}

func (m *machine) sale(t *rapid.T) sale { return rapid.SampledFrom(m.sales).Draw(t, "sale") }

// state is an error that a caller may well get; any other breaks the run.
func state(t *rapid.T, err error) {
	if err != nil && !errors.Is(err, platform.ErrState) && !errors.Is(err, payment.ErrUnavailable) {
		t.Fatalf("%v", err)
	}
}

func (m *machine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"place": func(t *rapid.T) {
			o, err := m.place(price)
			require.NoError(t, err)
			m.sales = append(m.sales, o)
		},
		"pay": func(t *rapid.T) {
			o, method := m.sale(t), rapid.SampledFrom(methods).Draw(t, "method")
			in := payment.Pay{Intent: full(o), Method: method, Institution: rapid.SampledFrom([]string{"", "second"}).Draw(t, "institution")}
			if cents := rapid.Int64Range(0, 100_00).Draw(t, "part"); cents > 0 {
				in.Amount, _ = platform.FromMinor(cents, price.Currency())
			}
			_, err := m.s.Pay(by(customer), in)
			state(t, err)
		},
		"act": func(t *rapid.T) {
			i, err := m.s.Intent(by(clerk), full(m.sale(t)))
			require.NoError(t, err)
			_ = m.bank.Act(payment.Key(i.Active), rapid.Bool().Draw(t, "agree")) // nothing may wait for the payer
		},
		"refund": func(t *rapid.T) {
			amount, err := platform.FromMinor(rapid.Int64Range(1, 100_00).Draw(t, "cents"), price.Currency())
			require.NoError(t, err)
			_, err = m.refund(m.sale(t), amount)
			state(t, err)
		},
		"draw": func(t *rapid.T) {
			in := payment.Draw{Intent: full(m.sale(t)), Final: rapid.Bool().Draw(t, "final")}
			if cents := rapid.Int64Range(0, 100_00).Draw(t, "part"); cents > 0 {
				in.Amount, _ = platform.FromMinor(cents, price.Currency())
			}
			_, err := m.s.Draw(by(clerk), in)
			state(t, err)
		},
		"promote": func(t *rapid.T) {
			amount, err := platform.FromMinor(rapid.Int64Range(1, 10_00).Draw(t, "cents"), price.Currency())
			require.NoError(t, err)
			_, err = m.s.Promote(by(clerk), payment.Promote{Intent: full(m.sale(t)), Amount: amount, Reason: "voucher"})
			state(t, err)
		},
		"cancel": func(t *rapid.T) { state(t, m.cancel(m.sale(t))) },
		"deposit": func(t *rapid.T) {
			in := payment.Surplus{For: m.sale(t).Ref(), Amount: price, Institution: "sandbox", Reference: m.bank.Deposit(price), Keep: rapid.Bool().Draw(t, "keep")}
			_, err := m.s.Surplus(by(clerk), in)
			require.NoError(t, err)
		},
		"silence": func(t *rapid.T) { m.hooks.silence(rapid.Bool().Draw(t, "deaf")) },
		"post": func(t *rapid.T) { // what is not taken is posted again
			away := rapid.Bool().Draw(t, "away")
			m.post = func(l sandbox.Letter) error {
				m.letters = append(m.letters, l)
				if away {
					return platform.ErrUnavailable
				}
				return m.receive(l)
			}
			_, err := m.bank.Tick(t.Context(), m.clock.Now(), 0)
			if !away {
				require.NoError(t, err)
			}
		},
		"again": func(t *rapid.T) { // any that was posted, any number of times
			if len(m.letters) == 0 {
				t.Skip("nothing was posted")
			}
			l := rapid.SampledFrom(m.letters).Draw(t, "letter")
			err := m.s.Receive(t.Context(), "sandbox", l.Header, l.Body)
			if !errors.Is(err, payment.ErrNoticeStale) {
				require.NoError(t, err)
			}
		},
		"wait": func(t *rapid.T) {
			steps := []time.Duration{time.Second, 5 * time.Second, time.Minute, 4 * time.Minute, 20 * time.Minute, 2 * time.Hour}
			m.clock.Advance(rapid.SampledFrom(steps).Draw(t, "time"))
			if rapid.Bool().Draw(t, "tick") {
				_, err := m.s.Tick(t.Context(), m.clock.Now(), 0)
				require.NoError(t, err)
			}
		},
		"": m.sound,
	}
}

// sound holds at every moment.
func (m *machine) sound(t *rapid.T) {
	attempts, err := all[payment.Attempt](m.db, "payment.attempt")
	require.NoError(t, err)
	paid := map[platform.ID]int64{}
	active := map[platform.ID]bool{}
	for _, a := range attempts {
		if a.State == payment.AttemptCaptured {
			paid[a.Intent] += a.Received.Minor()
		}
		require.LessOrEqual(t, a.Returned.Minor(), a.Received.Minor(), "never more back than came")
		if a.State == payment.AttemptAuthorized && !a.Drawn.Absent() {
			require.LessOrEqual(t, a.Drawn.Minor(), a.Amount.Minor(), "never more captured than held")
		}
		if a.Open() {
			owner := a.Intent + a.Of
			require.False(t, active[owner], "one active attempt an intent, and one capture an authorisation")
			active[owner] = true
			require.False(t, a.Due.IsZero(), "what is open is looked after")
		}
	}
	intents, err := all[payment.Intent](m.db, "payment.intent")
	require.NoError(t, err)
	for _, i := range intents {
		require.Equal(t, paid[i.ID], i.Captured.Minor(), "an intent has what its attempts brought")
		require.LessOrEqual(t, i.Secured.Minor(), i.Asked.Minor())
		require.LessOrEqual(t, i.Captured.Minor(), i.Secured.Minor())
		require.Equal(t, i.State == payment.IntentCaptured, i.Captured == i.Asked && i.State != payment.IntentCancelled && i.State != payment.IntentExpired)
	}
	bank := m.totals(t)
	require.LessOrEqual(t, bank.Refunded.Minor(), bank.Charged.Minor())
}

// quiet is the end: everything that can happen by itself has.
func (m *machine) quiet(t *rapid.T) {
	m.hooks.silence(false)
	require.NoError(t, m.quiesce())
	m.clock.Advance(5 * 24 * time.Hour) // until authorisations lapse
	require.NoError(t, m.quiesce())
	for _, kind := range []string{"payment.attempt", "payment.return", "payment.notice"} {
		page, err := payment.StoreOn(m.db).Due(t.Context(), kind, m.clock.Now().AddDate(1, 0, 0), "")
		require.NoError(t, err)
		require.Empty(t, page.Items, kind)
	}
	attempts, err := all[payment.Attempt](m.db, "payment.attempt")
	require.NoError(t, err)
	for _, a := range attempts {
		assert.False(t, a.Open(), "every attempt ends or waits for an operator")
	}
	m.sound(t)
	m.conserved(t)
}

// Whatever payers, operators and the institution do, and whatever gets lost,
// comes twice or late: the money at the institution is what our records say.
func TestMoneyIsConserved(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]float64{0, 0.1, 0.3})
		opts := &payment.Options{Later: rapid.Bool().Draw(t, "later")}
		m := &machine{world: newWorld(setup{opts: opts, faults: sandbox.Faults{
			Decline: rate.Draw(t, "decline") / 3, Timeout: rate.Draw(t, "timeout"), Lost: rate.Draw(t, "lost"), Delay: rate.Draw(t, "delay") / 3,
			RefundDecline: rate.Draw(t, "refund decline"), RefundTimeout: rate.Draw(t, "refund timeout"), LostRefund: rate.Draw(t, "refund lost"),
			Silence: rate.Draw(t, "silence"), Duplicate: rate.Draw(t, "duplicate"), Reorder: rate.Draw(t, "reorder"),
		}})}
		for range 2 {
			o, err := m.place(price)
			require.NoError(t, err)
			m.sales = append(m.sales, o)
		}
		t.Repeat(m.actions())
		m.quiet(t)
	})
}
