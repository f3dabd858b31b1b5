package sandbox_test

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

var (
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	price = platform.MustMoney("100.00", "CNY")
	half  = platform.MustMoney("50.00", "CNY")
	cent  = platform.MustMoney("0.01", "CNY")
	none  = platform.MustMoney("0.00", "CNY")
)

// opened is a sandbox with a clock of its own.
func opened(change func(*sandbox.Options)) (*sandbox.Sandbox, *storetest.Clock) {
	clock := storetest.NewClock(noon)
	opts := sandbox.Options{Seed: 1, Now: clock.Now}
	if change != nil {
		change(&opts)
	}
	return sandbox.New(&opts), clock
}

func charge(key, method string) payment.Charge {
	return payment.Charge{Key: payment.Key(key), Amount: price, Method: method}
}

func totals(t *testing.T, s *sandbox.Sandbox) sandbox.Totals {
	t.Helper()
	sum, err := s.Totals(price.Currency())
	require.NoError(t, err)
	return sum
}

func TestTokenForcesOutcome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		token   string
		err     error
		answer  payment.Outcome
		atOnce  payment.Outcome // what Lookup says then
		inAnd   time.Duration
		later   payment.Outcome
		charged platform.Money
	}{
		{sandbox.OK, nil, payment.Done, payment.Done, 0, payment.Done, price},
		{sandbox.NoRefund, nil, payment.Done, payment.Done, 0, payment.Done, price},
		{sandbox.Decline, payment.ErrDeclined, payment.Declined, payment.Declined, 0, payment.Declined, none},
		{sandbox.RequiresAction, nil, payment.NeedsAction, payment.NeedsAction, 15 * time.Minute, payment.Declined, none},
		{sandbox.Delay, nil, payment.Pending, payment.Pending, time.Minute, payment.Done, price},
		{sandbox.Timeout, payment.ErrUnknownOutcome, "", payment.Absent, 21 * time.Second, payment.Done, price},
		{sandbox.Lost, payment.ErrUnknownOutcome, "", payment.Absent, 24 * time.Hour, payment.Absent, none},
		{sandbox.Late, payment.ErrUnknownOutcome, "", payment.Absent, time.Hour, payment.Done, price},
		{sandbox.Down, payment.ErrRetryable, "", payment.Absent, 24 * time.Hour, payment.Absent, none},
		{sandbox.Short, nil, payment.Done, payment.Done, 0, payment.Done, platform.MustMoney("99.99", "CNY")},
		{"pm_card_visa", nil, payment.Done, payment.Done, 0, payment.Done, price},
	} {
		t.Run(c.token, func(t *testing.T) {
			t.Parallel()
			s, clock := opened(nil)

			st, err := s.Charge(t.Context(), charge("att_1", c.token))
			if c.err == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, c.err)
			}
			assert.Equal(t, c.answer, st.Outcome)
			if st.Outcome == payment.NeedsAction {
				assert.NotEmpty(t, st.Action)
			}

			now, err := s.Lookup(t.Context(), "att_1")
			require.NoError(t, err)
			assert.Equal(t, c.atOnce, now.Outcome)
			clock.Advance(c.inAnd)
			then, err := s.Lookup(t.Context(), "att_1")
			require.NoError(t, err)
			assert.Equal(t, c.later, then.Outcome)
			assert.Equal(t, c.charged, totals(t, s).Charged)
		})
	}
}

func TestSameKeyIsOneCharge(t *testing.T) {
	t.Parallel()
	s, _ := opened(nil)

	var all sync.WaitGroup
	answers := make([]payment.Status, 8)
	for i := range answers {
		all.Go(func() { answers[i], _ = s.Charge(context.Background(), charge("att_1", sandbox.OK)) })
	}
	all.Wait()

	for _, st := range answers {
		assert.Equal(t, answers[0], st)
	}
	assert.Equal(t, sandbox.Totals{Charged: price, Refunded: none, Charges: 1}, totals(t, s))
	_, err := s.Charge(t.Context(), payment.Charge{Key: "att_1", Amount: half, Method: sandbox.OK})
	require.ErrorIs(t, err, payment.ErrRefused, "same key, other content")
	_, err = s.Charge(t.Context(), charge("att_1", sandbox.Decline))
	require.ErrorIs(t, err, payment.ErrRefused, "same key, other method")
	_, err = s.Refund(t.Context(), payment.Refund{Key: "att_1", Charge: "att_1", Amount: price})
	require.ErrorIs(t, err, payment.ErrRefused, "same key, other operation")
	_, err = s.Charge(t.Context(), charge("att_2", sandbox.Decline))
	require.ErrorIs(t, err, payment.ErrDeclined)
	_, err = s.Charge(t.Context(), charge("att_2", sandbox.Decline))
	require.ErrorIs(t, err, payment.ErrDeclined, "a repeat gets the first answer")
}

func TestRepeatWhileUnderWayIsUnknown(t *testing.T) {
	t.Parallel()
	s, clock := opened(nil)

	for range 2 {
		_, err := s.Charge(t.Context(), charge("att_1", sandbox.Timeout))
		require.ErrorIs(t, err, payment.ErrUnknownOutcome)
	}
	clock.Advance(time.Minute)
	st, err := s.Charge(t.Context(), charge("att_1", sandbox.Timeout))
	require.NoError(t, err)
	assert.Equal(t, payment.Done, st.Outcome)
	assert.Equal(t, 1, totals(t, s).Charges)
}

func TestRefundsNeverExceedCharge(t *testing.T) {
	t.Parallel()
	s, _ := opened(nil)
	_, err := s.Charge(t.Context(), charge("att_1", sandbox.OK))
	require.NoError(t, err)

	var all sync.WaitGroup
	answers := make([]error, 8)
	for i := range answers {
		all.Go(func() {
			_, answers[i] = s.Refund(context.Background(), payment.Refund{Key: payment.Key("rtn_" + strconv.Itoa(i)), Charge: "att_1", Amount: half})
		})
	}
	all.Wait()

	done := 0
	for _, err := range answers {
		if err == nil {
			done++
			continue
		}
		require.ErrorIs(t, err, payment.ErrRefused)
	}
	assert.Equal(t, 2, done)
	assert.Equal(t, price, totals(t, s).Refunded)
	_, err = s.Refund(t.Context(), payment.Refund{Key: "rtn_9", Charge: "att_1", Amount: cent})
	require.ErrorIs(t, err, payment.ErrRefused)
}

func TestRefundNeedsItsCharge(t *testing.T) {
	t.Parallel()
	s, _ := opened(nil)
	_, err := s.Charge(t.Context(), charge("att_1", sandbox.Delay))
	require.NoError(t, err)
	_, err = s.Charge(t.Context(), charge("att_2", sandbox.NoRefund))
	require.NoError(t, err)

	_, err = s.Refund(t.Context(), payment.Refund{Key: "rtn_1", Charge: "att_1", Amount: price})
	require.ErrorIs(t, err, payment.ErrRefused, "not captured yet")
	_, err = s.Refund(t.Context(), payment.Refund{Key: "rtn_1", Charge: "att_9", Amount: price})
	require.ErrorIs(t, err, payment.ErrRefused, "no such charge")
	_, err = s.Refund(t.Context(), payment.Refund{Key: "rtn_2", Charge: "att_2", Amount: price})
	require.ErrorIs(t, err, payment.ErrDeclined)
	_, err = s.Refund(t.Context(), payment.Refund{Key: "rtn_2.1", Charge: "att_2", Amount: price})
	require.ErrorIs(t, err, payment.ErrDeclined)
	assert.Zero(t, totals(t, s).Refunds)
}

// A refund that never arrived may arrive when it is sent again.
func TestLostRefundIsLostByChance(t *testing.T) {
	t.Parallel()
	s, _ := opened(func(o *sandbox.Options) { o.Faults = sandbox.Faults{LostRefund: 0.5} })
	_, err := s.Charge(t.Context(), charge("att_1", sandbox.OK))
	require.NoError(t, err)

	lost, again := 0, payment.Refund{Charge: "att_1", Amount: cent}
	for i := range 64 {
		again.Key = payment.Key("rtn_" + strconv.Itoa(i))
		for tries := 0; ; tries++ {
			require.Less(t, tries, 64)
			if _, err := s.Refund(t.Context(), again); err == nil {
				break
			}
			lost++
		}
	}

	assert.Positive(t, lost)
	assert.Equal(t, 64, totals(t, s).Refunds)
}

func TestDepositGoesBackByReference(t *testing.T) {
	t.Parallel()
	s, _ := opened(nil)
	reference := s.Deposit(half)

	st, err := s.Refund(t.Context(), payment.Refund{Key: "rtn_1", Reference: reference, Amount: half})

	require.NoError(t, err)
	assert.Equal(t, payment.Done, st.Outcome)
	assert.Equal(t, sandbox.Totals{Charged: half, Refunded: half, Charges: 1, Refunds: 1}, totals(t, s))
}

func TestPayerActsOnce(t *testing.T) {
	t.Parallel()
	s, clock := opened(nil)
	for _, key := range []string{"att_1", "att_2", "att_3"} {
		_, err := s.Charge(t.Context(), charge(key, sandbox.RequiresAction))
		require.NoError(t, err)
	}

	require.NoError(t, s.Act("att_1", true))
	require.NoError(t, s.Act("att_2", false))
	require.ErrorIs(t, s.Act("att_1", false), payment.ErrRefused)
	require.ErrorIs(t, s.Act("att_9", true), payment.ErrRefused)
	clock.Advance(15 * time.Minute)
	require.ErrorIs(t, s.Act("att_3", true), payment.ErrRefused, "too late")

	for key, want := range map[payment.Key]payment.Outcome{"att_1": payment.Done, "att_2": payment.Declined, "att_3": payment.Declined} {
		st, err := s.Lookup(t.Context(), key)
		require.NoError(t, err)
		assert.Equal(t, want, st.Outcome, key)
	}
	assert.Equal(t, price, totals(t, s).Charged)
	assert.Len(t, s.Drain(), 6, "three asked for action; one done, one refused, one expired")
}

func TestEndedCtxIsUnknown(t *testing.T) {
	t.Parallel()
	s, _ := opened(nil)
	ended, cancel := context.WithCancel(t.Context())
	cancel()

	_, one := s.Charge(ended, charge("att_1", sandbox.OK))
	_, two := s.Refund(ended, payment.Refund{Key: "rtn_1", Charge: "att_1", Amount: price})
	_, three := s.Lookup(ended, "att_1")

	for _, err := range []error{one, two, three} {
		require.ErrorIs(t, err, payment.ErrUnknownOutcome)
	}
}

func TestCallInsideDecisionPanics(t *testing.T) {
	t.Parallel()
	s, _ := opened(nil)
	db := memory.New(nil, nil)
	ctx := platform.As(t.Context(), platform.SystemActor("test"))
	type command struct{}

	for name, call := range map[string]func(ctx context.Context){
		"charge":  func(ctx context.Context) { _, _ = s.Charge(ctx, charge("att_1", sandbox.OK)) },
		"refund":  func(ctx context.Context) { _, _ = s.Refund(ctx, payment.Refund{Key: "rtn_1"}) },
		"look up": func(ctx context.Context) { _, _ = s.Lookup(ctx, "att_1") },
	} {
		assert.Panics(t, func() {
			_, _ = platform.Update(ctx, platform.Writer{Store: db}, command{}, func(ctx context.Context) (int, []platform.Change, error) {
				call(ctx)
				return 0, nil, nil
			})
		}, name)
	}
}

func TestSameSeedSameFaults(t *testing.T) {
	t.Parallel()
	run := func(seed uint64, backward bool) map[string]string {
		s, _ := opened(func(o *sandbox.Options) {
			o.Seed = seed
			o.Faults = sandbox.Faults{Decline: 0.2, Timeout: 0.2, Lost: 0.2, Down: 0.1, Delay: 0.1}
		})
		all := map[string]string{}
		for i := range 200 {
			if backward {
				i = 199 - i
			}
			key := "att_" + strconv.Itoa(i)
			st, err := s.Charge(t.Context(), charge(key, "pm_any"))
			all[key] = string(st.Outcome) + platform.Code(err)
		}
		return all
	}

	assert.Equal(t, run(7, false), run(7, true), "the order of arrival does not matter")
	assert.NotEqual(t, run(7, false), run(8, false))
}

func TestFaultsStrikeAtTheirRate(t *testing.T) {
	t.Parallel()
	s, _ := opened(func(o *sandbox.Options) { o.Faults = sandbox.Faults{Decline: 0.25, Timeout: 0.25, Silence: 0.5} })
	const n = 4000
	var declined, unknown, silent float64
	for i := range n {
		key := payment.Key("att_" + strconv.Itoa(i))
		_, err := s.Charge(t.Context(), charge(string(key), "pm_any"))
		if errors.Is(err, payment.ErrDeclined) {
			declined++
		}
		if errors.Is(err, payment.ErrUnknownOutcome) {
			unknown++
		}
		if _, err := s.Lookup(t.Context(), key); err != nil {
			silent++
		}
	}

	within := 5 * math.Sqrt(n*0.25*0.75) // five standard deviations
	assert.InDelta(t, n*0.25, declined, within)
	assert.InDelta(t, n*0.25, unknown, within)
	assert.InDelta(t, n*0.5, silent, 5*math.Sqrt(n*0.25))
}

// A refund costs the same however many came before it.
func BenchmarkRefund(b *testing.B) {
	for _, before := range []int{1_000, 32_000} {
		b.Run(strconv.Itoa(before)+" before", func(b *testing.B) {
			s, _ := opened(nil)
			_, err := s.Charge(b.Context(), payment.Charge{Key: "att_1", Amount: platform.MustMoney("1000000000.00", "CNY"), Method: sandbox.OK})
			require.NoError(b, err)
			n := 0
			refund := func() {
				n++
				_, err := s.Refund(b.Context(), payment.Refund{Key: payment.Key("rtn_" + strconv.Itoa(n)), Charge: "att_1", Amount: cent})
				require.NoError(b, err)
			}
			for range before {
				refund()
			}
			for b.Loop() {
				refund()
			}
		})
	}
}
