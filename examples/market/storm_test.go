package market_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/examples/market"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/order"
	"github.com/liangding/platform/store"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

// raced tells that the race detector watches, which makes a storm twenty times as long.
var raced bool

// seeds are those of the runs: SEED is one alone, SEEDS how many, or else there are
// 300, and 20 under -short and with the race detector.
func seeds(t *testing.T) (from, until uint64) {
	t.Helper()
	number := func(name string) (n uint64, set bool) {
		text, set := os.LookupEnv(name)
		if set {
			var err error
			n, err = strconv.ParseUint(text, 10, 32)
			require.NoError(t, err)
		}
		return n, set
	}
	if n, alone := number("SEED"); alone {
		return n, n + 1
	}
	if n, set := number("SEEDS"); set {
		return 0, n
	}
	if testing.Short() || raced {
		return 0, 20
	}
	return 0, 300
}

// weathered is a store whose commits clash, and lose their answers, while it storms.
type weathered struct {
	*memory.DB
	faulty *storetest.Faulty
	storms atomic.Bool
}

func (w *weathered) Commit(ctx context.Context, set platform.Set) (platform.Receipt, error) {
	if w.storms.Load() {
		return w.faulty.Commit(ctx, set)
	}
	return w.DB.Commit(ctx, set)
}

// storm is one order whose merchant is being paid, and on which everybody wants
// money back at once.
type storm struct {
	*stall
	db       *weathered
	chance   *rand.Rand
	who      platform.Actor // the customer
	order    platform.ID
	charges  []payment.Attempt
	disputes []string // at the institution

	mu   sync.Mutex
	lost []sandbox.Letter // not taken, to be posted again
}

// Invariants 12 to 16: 64 refunds, payouts and chargebacks at once on one order, in
// a market whose store clashes and loses answers, at an institution that times
// out, succeeds later, repeats and reorders its notices. The ceilings hold, each has
// one effect, the books sum to zero and equal the institution's, and everything
// ends or stands in a queue.
func TestStormOfRefundsPayoutsAndChargebacks(t *testing.T) {
	t.Parallel()
	from, until := seeds(t)
	for seed := from; seed < until; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("alone: SEED=%d go test -run TestStormOfRefundsPayoutsAndChargebacks ./examples/market", seed)
				}
			})
			s := brewed(t, seed)
			s.earn()
			s.rage()
			s.calm()
			s.sound()
		})
	}
}

// brewed is a market with a merchant who is settled daily and paid at once.
func brewed(t *testing.T, seed uint64) *storm {
	t.Helper()
	db := memory.New(market.Kinds(), nil)
	s := &storm{
		chance: rand.New(rand.NewPCG(seed, 1)),
		stall:  &stall{t: t, clock: storetest.NewClock(time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC))},
		db:     &weathered{DB: db, faulty: storetest.NewFaulty(db, storetest.Faults{Seed: seed, Clash: 0.05, Lose: 0.03})},
	}
	s.engine = s.db
	var err error
	s.Market, err = market.Open(s.db, &market.Options{
		Now: s.clock.Now, IDs: storetest.IDs(seed),
		Order: order.Options{Windows: order.Windows{Close: time.Hour}},
		Sandbox: sandbox.Options{Seed: seed, Faults: sandbox.Faults{
			RefundDecline: 0.05, RefundDelay: 0.1, RefundTimeout: 0.2, LostRefund: 0.1, RefundDown: 0.05,
			Silence: 0.1, Duplicate: 0.3, Reorder: 0.3,
		}},
		Settlement: settlement.Options{Terms: settlement.Terms{
			Reserve: decimal.New(5, -2), ReserveFor: 48 * time.Hour, Silence: time.Hour,
			Cycles: map[string]settlement.Cycle{"mer": settlement.Daily},
		}},
	})
	require.NoError(t, err)
	s.cast, err = s.Demo(t.Context())
	require.NoError(t, err)
	return s
}

// earn is an order paid in three payments, carried out, closed and settled: its
// merchant may be paid.
func (s *storm) earn() {
	t := s.t
	s.who = s.cast.Customer
	o, err := s.Orders.Place(s.as(s.who), order.Place{Lines: []order.PlaceLine{{Listing: s.cast.Listing, Quantity: 1}}, Total: s.cast.Price})
	require.NoError(t, err)
	s.order = o.ID
	for _, part := range []string{"90.00", "60.00", "30.00"} {
		a, err := s.Payments.Pay(s.as(s.who), payment.Pay{Intent: payment.IntentID(o.Ref(), payment.Full), Amount: platform.MustMoney(part, "CNY"), Method: sandbox.OK})
		require.NoError(t, err)
		require.Equal(t, payment.AttemptCaptured, a.State)
		s.charges = append(s.charges, a)
	}
	s.carriedOut(s.who, s.order)
	for range 3 { // it is closed, cut and confirmed
		s.tick(24 * time.Hour)
	}
	closed, err := s.Orders.Order(s.as(s.who), s.order)
	require.NoError(t, err)
	require.Equal(t, order.Closed, closed.State)
	if s.chance.IntN(2) == 0 { // else the run starts in the storm, too
		s.payOut("before")
	}
}

// rage lets 64 callers loose.
func (s *storm) rage() {
	var all sync.WaitGroup
	s.db.storms.Store(true)
	for n := range 64 {
		amount := platform.MustMoney(fmt.Sprintf("%d.%02d", 1+s.chance.IntN(12), s.chance.IntN(100)), "CNY")
		charge, kind := s.charges[s.chance.IntN(len(s.charges))], s.chance.IntN(8)
		all.Go(func() {
			switch kind {
			case 0, 1:
				s.object(charge, amount)
			case 2:
				s.notices()
			case 3:
				s.payOut(fmt.Sprint("storm ", n%3))
			case 4:
				_, err := s.Payouts.Tick(s.t.Context(), s.clock.Now(), 0)
				s.may(err)
			default:
				s.giveBack(amount)
			}
		})
	}
	all.Wait()
	s.db.storms.Store(false)
}

// payOut starts a run and approves what it planned.
func (s *storm) payOut(name string) {
	run, err := s.Payouts.StartRun(platform.As(s.t.Context(), platform.SystemActor("calendar")), settlement.StartRun{Name: name, Currency: "CNY"})
	if err != nil {
		s.may(err)
		return
	}
	for _, by := range []platform.Actor{s.cast.Operator, s.cast.Second} { // nobody started it: two approve
		_, err = s.Payouts.ApproveRun(s.as(by), settlement.ApproveRun{Run: run.ID})
		if !errors.Is(err, settlement.ErrSelf) { // another who runs it has just done so
			s.may(err)
		}
	}
	_, err = s.Payouts.Tick(s.t.Context(), s.clock.Now(), 0)
	s.may(err)
}

func (s *storm) giveBack(amount platform.Money) {
	r, err := s.Orders.RequestRefund(s.as(s.who), order.RequestRefund{Order: s.order, Amount: amount, Reason: "late"})
	if err == nil && r.State == order.RefundRequested {
		r, err = s.Orders.ApproveRefund(s.as(s.cast.Operator), order.ApproveRefund{Refund: r.ID})
	}
	if err != nil {
		s.may(err)
		return
	}
	_, err = s.Payments.Send(s.as(s.cast.Operator), payment.Send{Return: r.ID.As("rtn")})
	s.may(err)
}

// object is the payer's bank taking money back, if the charge has so much left.
func (s *storm) object(charge payment.Attempt, amount platform.Money) {
	reference, err := s.Sandbox.Object(charge.Key(), amount, "fraud")
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
	for _, l := range s.Sandbox.Drain() {
		if err := s.Payments.Receive(s.t.Context(), "sandbox", l.Header, l.Body); err != nil {
			s.may(err)
			s.mu.Lock()
			s.lost = append(s.lost, l)
			s.mu.Unlock()
		}
	}
}

// may is what a caller may well get: a refusal, a conflict without end, or no
// answer.
func (s *storm) may(err error) {
	if err != nil && !errors.Is(err, platform.ErrState) && !errors.Is(err, platform.ErrConflict) && !errors.Is(err, platform.ErrUnavailable) {
		assert.NoError(s.t, err)
	}
}

// pass lets time pass, in steps, and the letters arrive.
func (s *storm) pass(steps ...time.Duration) {
	for _, d := range steps {
		s.tick(d)
		s.notices()
	}
}

// calm lets everything end: disputes are contested, decided or left alone, the
// merchant is paid twice more, and time passes.
func (s *storm) calm() {
	t := s.t
	lost := s.lost
	s.lost = nil
	for _, l := range lost {
		require.NoError(t, s.Payments.Receive(t.Context(), "sandbox", l.Header, l.Body))
	}
	_, err := s.Tick(t.Context(), s.clock.Advance(time.Minute), 0)
	s.may(err) // what the storm kept from being told
	s.pass(5*time.Minute, 30*time.Minute, time.Hour, 3*time.Hour)
	for _, c := range kept[payment.Chargeback](s.stall, "payment.chargeback") {
		if s.chance.IntN(3) == 0 && c.Open() {
			_, err := s.Payments.Contest(s.as(s.cast.Operator), payment.Contest{Chargeback: c.ID, Text: "the work was done"})
			require.NoError(t, err)
		}
	}
	for _, reference := range s.disputes {
		if s.chance.IntN(2) == 0 {
			require.NoError(t, s.Sandbox.Decide(reference, s.chance.IntN(2) == 0))
		}
	}
	s.pass(24*time.Hour, 24*time.Hour, 24*time.Hour, 24*time.Hour)
	s.payOut("after")
	s.pass(time.Minute, 10*time.Minute, time.Hour, 24*time.Hour, 24*time.Hour, 48*time.Hour, 48*time.Hour)
	for _, reference := range s.disputes { // those that were contested
		_ = s.Sandbox.Decide(reference, true)
	}
	s.pass(time.Hour, 24*time.Hour, 24*time.Hour)
	s.payOut("last")
	s.pass(time.Minute, 10*time.Minute, time.Hour, 24*time.Hour, 24*time.Hour)
	s.findOut()
}

// findOut is an operator with what nobody knew of for a day: a refund that the
// institution has goes out again under its key, and a payout is asked about.
func (s *storm) findOut() {
	for _, r := range kept[payment.Return](s.stall, "payment.return") {
		if r.State == payment.ReturnManual && s.has(r.Key()) {
			_, err := s.Payments.Send(s.as(s.cast.Operator), payment.Send{Return: r.ID})
			s.may(err)
		}
	}
	for _, p := range kept[settlement.Payout](s.stall, "settlement.payout") {
		for try := 0; p.State == settlement.PayoutManual && try < 20; try++ { // it is silent now and then
			var err error
			p, err = s.Payouts.LookPayout(s.as(s.cast.Operator), settlement.LookPayout{Payout: p.ID})
			require.NoError(s.t, err)
		}
		if p.State == settlement.PayoutManual { // it never arrived
			_, err := s.Payouts.ResolvePayout(s.as(s.cast.Operator), settlement.ResolvePayout{Payout: p.ID, Outcome: "failed", Reason: "bank.never_got_it"})
			require.NoError(s.t, err)
		}
	}
	s.pass(time.Minute, 10*time.Minute, time.Hour)
}

// has tells whether the institution has carried an operation out.
func (s *storm) has(k payment.Key) bool {
	for range 20 { // it is silent now and then
		if st, err := s.Sandbox.Lookup(s.t.Context(), k); err == nil {
			return st.Outcome == payment.Done
		}
	}
	return false
}

// kept is all records of a kind.
func kept[T any](s *stall, kind string) []T {
	s.t.Helper()
	all, err := every[T](s, kind)
	require.NoError(s.t, err)
	return all
}

// sound checks what the storm has left.
func (s *storm) sound() {
	t := s.t
	back, parts, unbooked := map[platform.ID]int64{}, 0, int64(0)
	for _, r := range kept[payment.Return](s.stall, "payment.return") {
		require.Contains(t, []payment.ReturnState{payment.ReturnSucceeded, payment.ReturnManual}, r.State, "each refund has ended or waits for an operator")
		for _, p := range r.Parts[:r.Done] {
			back[p.Attempt] += p.Amount.Minor()
			parts++
			if r.State != payment.ReturnSucceeded { // it is booked with the whole
				unbooked += p.Amount.Minor()
			}
		}
	}
	chargebacks := kept[payment.Chargeback](s.stall, "payment.chargeback")
	require.Len(t, chargebacks, len(s.disputes), "one record a dispute")
	for _, c := range chargebacks {
		require.False(t, c.Open())
		back[c.Attempt] += c.Lost.Minor()
	}
	for _, a := range kept[payment.Attempt](s.stall, "payment.attempt") {
		require.LessOrEqual(t, back[a.ID], a.Received.Minor(), "refunds and lost chargebacks are within the payment")
	}
	told, err := s.Sandbox.Totals(s.cast.Price.Currency())
	require.NoError(t, err)
	require.Equal(t, told.Refunds, parts, "each refund has one effect")
	s.paidOnce()
	s.agree(unbooked)
}

// paidOnce checks payouts by the institution's own lines.
func (s *storm) paidOnce() {
	t := s.t
	net := map[payment.Key]int64{}
	s.clock.Advance(24 * time.Hour) // until today's statement is made
	for day := s.order.Time(); day.Before(s.clock.Now().Add(-24 * time.Hour)); day = day.AddDate(0, 0, 1) {
		for cursor := ""; ; {
			lines, next, err := s.Sandbox.Lines(t.Context(), day, cursor)
			require.NoError(t, err)
			for _, l := range lines {
				if l.Key.Record().Prefix() == "pay" {
					net[l.Key] -= l.Net.Minor()
				}
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	var paid int64
	for _, p := range kept[settlement.Payout](s.stall, "settlement.payout") {
		require.Contains(t, []settlement.PayoutState{
			settlement.PayoutPlanned, settlement.PayoutPaid, settlement.PayoutFailed, settlement.PayoutCancelled,
		}, p.State, "each payout has ended, or was never sent")
		want := int64(0)
		if p.State == settlement.PayoutPaid {
			want = p.Amount.Minor()
		}
		require.Equal(t, want, net[payment.Key(p.ID)], "each payout has one effect")
		paid += want
	}
	bought, err := s.Orders.Order(s.as(s.who), s.order)
	require.NoError(t, err)
	require.LessOrEqual(t, paid, bought.Total.Minor(), "no more was paid out than the order brought")
}

// agree checks that the books prove themselves and are the institution's.
func (s *storm) agree(unbooked int64) {
	t := s.t
	s.ledgered()
	cny := s.cast.Price.Currency()
	has, err := s.Sandbox.Balance("", cny)
	require.NoError(t, err)
	clearing, err := s.Books.Balance(s.as(s.cast.Operator), finance.Account{Role: "clearing", Party: "sandbox"}, cny)
	require.NoError(t, err)
	require.Equal(t, has.Minor(), clearing.Posted.Minor()-unbooked, "the books equal the institution's")
	pendings := kept[finance.Pending](s.stall, "finance.pending")
	for _, p := range pendings {
		if p.State == finance.Open {
			require.Equal(t, "refund.approved", p.What, "nothing is held but for refunds that wait for an operator")
		}
	}
	_, err = s.Verify(t.Context(), func(f store.Finding) { assert.Fail(t, f.String()) })
	require.NoError(t, err)
}
