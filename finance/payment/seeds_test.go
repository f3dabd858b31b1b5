package payment_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// seeds is how many runs: SEEDS says so, or else 300, and 30 under -short.
func seeds(t *testing.T) uint64 {
	t.Helper()
	if text := os.Getenv("SEEDS"); text != "" {
		n, err := strconv.ParseUint(text, 10, 32)
		require.NoError(t, err)
		return n
	}
	if testing.Short() {
		return 30
	}
	return 300
}

// storm is one order on which everybody wants money back at once.
type storm struct {
	*world
	t        *testing.T
	chance   *rand.Rand
	order    sale
	disputes []string // at the institution

	mu   sync.Mutex
	lost []sandbox.Letter // not taken, to be posted again
}

// Invariants 12, 13, 15: 64 refunds and chargebacks at once on one order, at an
// institution that times out, succeeds later, repeats and reorders its notices.
// The ceilings hold, each has one effect, the books sum to zero and equal the
// institution's statement, and every operation ends or stands in a queue.
func TestStormOfRefundsAndChargebacks(t *testing.T) {
	t.Parallel()
	for seed := range seeds(t) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			s := &storm{t: t, chance: rand.New(rand.NewPCG(seed, 1)), world: newWorld(setup{real: true, seed: seed, tries: 200, faults: sandbox.Faults{
				RefundDecline: 0.05, RefundDelay: 0.1, RefundTimeout: 0.2, LostRefund: 0.1, RefundDown: 0.05,
				Silence: 0.1, Duplicate: 0.3, Reorder: 0.3,
			}})}
			s.order = s.placed(t)
			s.payInParts()
			s.rage()
			s.calm()
			s.sound()
		})
	}
}

// payInParts pays the order in three payments.
func (s *storm) payInParts() {
	for _, part := range []string{"50.00", "30.00", "20.00"} {
		_, err := s.s.Pay(by(customer), payment.Pay{Intent: full(s.order), Amount: yuan(part), Method: sandbox.OK})
		require.NoError(s.t, err)
	}
	require.NoError(s.t, s.deliver())
}

// rage lets 64 callers loose.
func (s *storm) rage() {
	var all sync.WaitGroup
	attempts := s.attempts(s.t)
	for range 64 {
		cents := s.chance.Int64N(9_00) + 1
		amount, err := platform.FromMinor(cents, price.Currency())
		require.NoError(s.t, err)
		kind, charge := s.chance.IntN(4), attempts[s.chance.IntN(len(attempts))]
		all.Go(func() {
			switch kind {
			case 0:
				s.object(charge.Key(), amount)
			case 1:
				s.notices()
			default:
				s.giveBack(amount)
			}
		})
	}
	all.Wait()
}

func (s *storm) giveBack(amount platform.Money) {
	g, err := s.refund(s.order, amount)
	if err != nil {
		s.may(err)
		return
	}
	_, err = s.s.Send(by(clerk), payment.Send{Return: g.ID.As("rtn")})
	s.may(err)
}

// object is the payer's bank taking money back, if the charge has so much left.
func (s *storm) object(charge payment.Key, amount platform.Money) {
	reference, err := s.bank.Object(charge, amount, "fraud")
	if err != nil {
		assert.ErrorIs(s.t, err, payment.ErrRefused)
		return
	}
	s.mu.Lock()
	s.disputes = append(s.disputes, reference)
	s.mu.Unlock()
	s.notices()
}

// notices posts what the institution has to tell.
func (s *storm) notices() {
	for _, l := range s.bank.Drain() {
		if err := s.s.Receive(s.t.Context(), "sandbox", l.Header, l.Body); err != nil {
			s.may(err)
			s.mu.Lock()
			s.lost = append(s.lost, l)
			s.mu.Unlock()
		}
	}
}

// may is what a caller may well get: a refusal, or a conflict without end.
func (s *storm) may(err error) {
	if err != nil && !errors.Is(err, platform.ErrState) && !errors.Is(err, platform.ErrConflict) && !errors.Is(err, platform.ErrUnavailable) {
		assert.NoError(s.t, err)
	}
}

// calm lets everything end: disputes are contested, decided or left alone, and
// time passes.
func (s *storm) calm() {
	for _, l := range s.lost {
		require.NoError(s.t, s.s.Receive(s.t.Context(), "sandbox", l.Header, l.Body))
	}
	for range 8 {
		require.NoError(s.t, s.after(time.Hour))
	}
	open, err := all[payment.Chargeback](s.db, "payment.chargeback")
	require.NoError(s.t, err)
	for _, c := range open {
		if s.chance.IntN(3) == 0 {
			_, err := s.s.Contest(by(clerk), payment.Contest{Chargeback: c.ID, Text: "the work was done"})
			require.NoError(s.t, err)
		}
	}
	for _, reference := range s.disputes {
		if s.chance.IntN(2) == 0 {
			require.NoError(s.t, s.bank.Decide(reference, s.chance.IntN(2) == 0))
		}
	}
	for range 16 {
		require.NoError(s.t, s.after(24*time.Hour))
	}
	for _, reference := range s.disputes { // those that were contested
		_ = s.bank.Decide(reference, true)
	}
	for range 60 {
		require.NoError(s.t, s.after(time.Hour))
	}
}

func (s *storm) sound() {
	t := s.t
	for _, kind := range []string{"payment.attempt", "payment.return", "payment.notice", "payment.chargeback"} {
		page, err := payment.StoreOn(s.db).Due(t.Context(), kind, s.clock.Now().AddDate(1, 0, 0), "")
		require.NoError(t, err)
		require.Empty(t, page.Items, "every %s has ended or waits for an operator", kind)
	}
	returns, err := all[payment.Return](s.db, "payment.return")
	require.NoError(t, err)
	back, parts := map[platform.ID]int64{}, 0
	for _, r := range returns {
		require.Contains(t, []payment.ReturnState{payment.ReturnSucceeded, payment.ReturnManual}, r.State)
		for _, p := range r.Parts[:r.Done] {
			back[p.Attempt] += p.Amount.Minor()
			parts++
		}
	}
	chargebacks, err := all[payment.Chargeback](s.db, "payment.chargeback")
	require.NoError(t, err)
	require.Len(t, chargebacks, len(s.disputes), "one record a dispute")
	for _, c := range chargebacks {
		require.False(t, c.Open())
		back[c.Attempt] += c.Lost.Minor()
	}
	for _, a := range s.attempts(t) {
		require.LessOrEqual(t, back[a.ID], a.Received.Minor(), "refunds and lost chargebacks are within the payment")
	}
	require.Equal(t, s.totals(t).Refunds, parts, "each refund has one effect")
	s.booksAgree(t)
}

// unbooked is what has gone back of refunds that wait for an operator with their
// other parts: it is booked with the whole.
func (v *world) unbooked(t *testing.T) (sum int64) {
	t.Helper()
	returns, err := all[payment.Return](v.db, "payment.return")
	require.NoError(t, err)
	for _, r := range returns {
		for _, p := range r.Parts[:r.Done] {
			if r.State != payment.ReturnSucceeded && p.Institution == "sandbox" {
				sum += p.Amount.Minor()
			}
		}
	}
	return sum
}

// booksAgree checks that the books prove themselves and that clearing is what the
// institution's statement says.
func (v *world) booksAgree(t *testing.T) {
	t.Helper()
	wrong, err := finance.Verify(t.Context(), v.db)
	require.NoError(t, err)
	require.Empty(t, wrong)
	balances, err := finance.Books{Store: finance.StoreOn(v.db)}.TrialBalance(by(clerk))
	require.NoError(t, err)
	for _, b := range balances {
		require.Equal(t, b.Debit, b.Credit)
	}
	v.clock.Advance(24 * time.Hour) // until today's statement is made
	var stated int64
	for day := noon; !day.After(v.clock.Now()); day = day.AddDate(0, 0, 1) {
		for cursor := ""; ; {
			lines, next, err := v.bank.Lines(t.Context(), day, cursor)
			if errors.Is(err, payment.ErrRetryable) { // not made yet
				break
			}
			require.NoError(t, err)
			for _, l := range lines {
				stated += l.Net.Minor()
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	require.Equal(t, stated, v.balance(t, "posted:clearing:sandbox")-v.unbooked(t), "the books equal the institution's statement")
}
