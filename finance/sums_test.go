package finance

import (
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// numbered is a desk on which something of everything was booked and numbered.
func numbered(t testing.TB) clerk {
	t.Helper()
	d := busy(t)
	d.w.Now = func() time.Time { return nextDay }
	c := clerk{d, New(d.w, d.Store, nil)}
	c.number(t)
	return c
}

// number gives all postings their numbers.
func (c clerk) number(t testing.TB) {
	t.Helper()
	for range 3 {
		_, err := c.Tick(asSystem(), nextDay.Add(time.Hour), 0)
		require.NoError(t, err)
	}
}

func lineIn(t testing.TB, all []MonthBalance, role string) MonthLine {
	t.Helper()
	for _, b := range all {
		for _, l := range b.Lines {
			if l.Role == role {
				return l
			}
		}
	}
	require.Fail(t, "no line", role)
	return MonthLine{}
}

// words is a line in short.
func (l MonthLine) words() []string {
	return []string{l.Opening.Decimal().String(), l.Debit.Decimal().String(), l.Credit.Decimal().String(), l.Closing.Decimal().String()}
}

func TestATrialBalanceOfAMonthGoesOnFromTheMonthBefore(t *testing.T) {
	t.Parallel()
	c := clerkOn(t, newDesk(t), 100_000)
	for n, at := range []time.Time{nextDay.AddDate(0, -1, 0), nextDay, nextDay} {
		in := paid(n)
		in.Steps[0].At, in.Steps[0].Reason = at, "late_invoice"
		_, err := c.Transfer(asOperator(), in)
		require.NoError(t, err)
	}
	c.number(t)

	february, err := c.TrialBalanceOf(asOperator(), "2026-02")
	require.NoError(t, err)
	march, err := c.TrialBalanceOf(as(platform.Auditor, "aud"), "2026-03")
	require.NoError(t, err)
	may, err := c.TrialBalanceOf(asOperator(), "2026-05")
	require.NoError(t, err)

	assert.Equal(t, []string{"0", "0", "0.9", "-0.9"}, lineIn(t, february, "payable").words())
	assert.Equal(t, []string{"-0.9", "0", "1.8", "-2.7"}, lineIn(t, march, "payable").words())
	assert.Equal(t, []string{"-2.7", "0", "0", "-2.7"}, lineIn(t, may, "payable").words())
	assert.Equal(t, []string{"1", "2", "1000", "-997"}, lineIn(t, march, "unapplied").words())
	assert.Equal(t, march[0].Debit, march[0].Credit)
	now, err := c.TrialBalance(asOperator())
	require.NoError(t, err)
	assert.Equal(t, "2.70 CNY", now[0].Lines[1].Credit.String(), "it ends where the counters are")
	_, err = c.TrialBalanceOf(as(platform.Merchant, merchant), "2026-03")
	require.ErrorIs(t, err, ErrReader)
	c.sound(t)
}

func TestASumThatNoAmountCanHoldIsRefusedNotWrapped(t *testing.T) {
	t.Parallel()
	s := newSumming()
	huge := booked("pay.captured", attempt, dr("clearing", "92233720368547758.07", "sandbox"), cr("escrow", "92233720368547758.07", order.ID)).posting("")
	for range 3 {
		s.add(Number{Month: "2026-03", Day: "2026-03-05"}, huge, huge)
	}
	row := s.spans[spanID("2026-03")].Rows[0]

	assert.Equal(t, "27670116110564327421", row.Debit.String())
	_, err := moniesOf(currency(t, "CNY"), row.Debit)
	require.ErrorIs(t, err, ErrOverflow)
}

// What the parties earned, straight from the postings: a sale, a tip, a refund
// after it, and a reversal.
func TestTurnoverFollowsThePostings(t *testing.T) {
	t.Parallel()
	d := newDesk(t, captured("100.00"), completed("100.00", "90.00", "9.43", "0.57"), closed("90.00"),
		booked("tip.captured", order, dr("clearing", "5.00", "sandbox"), cr("tips", "5.00", order.ID)),
		booked("tip.released", order, dr("tips", "5.00", order.ID), cr("payable", "5.00", member)),
		booked("refund.approved", refund(1), dr("payable", "27.00", merchant), dr("commission", "2.83"), dr("output_tax", "0.17"), cr("refund_due", "30.00", order.ID)),
		booked("refund.given_up", refund(1)))
	c := clerk{d, New(d.w, d.Store, nil)}
	c.number(t)
	of := func(party platform.ID) []int64 {
		page, err := c.Turnovers(asOperator(), "2026-03", "")
		require.NoError(t, err)
		for _, v := range page.Items {
			if v.Party == party {
				return []int64{v.Orders, v.Gross.Int64(), v.Refunds.Int64(), v.Commission.Int64(), v.Net().Int64()}
			}
		}
		return nil
	}

	assert.Equal(t, []int64{1, 10000, 3000, 700, 6300}, of(merchant))
	assert.Equal(t, []int64{0, 500, 0, 0, 500}, of(member))

	sale := completed("100.00", "90.00", "9.43", "0.57").id()
	require.NoError(t, d.book(booked("fine.imposed", claim, dr("payable", "1.00", merchant), cr("penalty", "1.00"))))
	require.NoError(t, d.book(booked("payout.sent", refund(8), dr("payable", "1.00", merchant), cr("clearing", "1.00", "sandbox"))))
	d.w.Now = func() time.Time { return nextDay.Add(time.Minute) }
	_, err := New(d.w, d.Store, nil).Reverse(asOperator(), Reverse{Posting: sale, Legs: lines(escrow(), "-1.00", "commission", "1.00"), Reason: "fee_waived"})
	require.NoError(t, err)
	c.number(t)
	assert.Equal(t, []int64{1, 9900, 3000, 600, 6300}, of(merchant), "fines and payouts are no turnover; a fee that was taken back is none any more")
	c.sound(t)
}

func TestVerifyFindsFaultsOfSumsAndBudgets(t *testing.T) {
	t.Parallel()
	month := func(s Sums) bool { return s.Span == "2026-03" }
	day := func(s Sums) bool { return s.Span == "2026-03-02" }
	account := func(s AccountSum) bool { return s.Account.Role == "commission" }
	party := func(v Turnover) bool { return v.Party == merchant }
	for name, c := range map[string]struct {
		plant edit
		rule  string
	}{
		"month's sum one unit off":  {change(sumsKind, month, func(s *Sums) { s.Rows[0].Debit.Add(s.Rows[0].Debit, big.NewInt(1)) }), "V8"},
		"month's sums lost":         {drop(sumsKind, month), "V8"},
		"month miscounted":          {change(sumsKind, month, func(s *Sums) { s.Count-- }), "V8"},
		"row of a month lost":       {change(sumsKind, month, func(s *Sums) { s.Rows = s.Rows[1:] }), "V8"},
		"flow of a month renamed":   {change(sumsKind, month, func(s *Sums) { s.Flows[0].Of = "pay.imagined" }), "V8"},
		"day's sums under another":  {change(sumsKind, day, func(s *Sums) { s.Span = "2026-03-03" }), "V8"},
		"account's sum one off":     {change(accountSumKind, account, func(s *AccountSum) { s.Credit.SetInt64(1) }), "V8"},
		"account's sum lost":        {drop(accountSumKind, account), "V8"},
		"turnover of a party":       {change(turnoverKind, party, func(v *Turnover) { v.Orders = 7 }), "V8"},
		"number moved to a month":   {change(numberKind, func(n Number) bool { return n.No == 1 }, func(n *Number) { n.Month = "2026-02" }), "V3"},
		"number of another day":     {change(numberKind, func(n Number) bool { return n.No == 1 }, func(n *Number) { n.Day = "2026-03-20" }), "V8"},
		"date of a posting altered": {change(postingKind, posting("order.closed"), func(p *Posting) { p.At = p.At.AddDate(0, 0, -5) }), "V3"},
		"budget line that leaks": {both(
			change("counter", counter(posted, "free:"+string(budget.ID)), func(c *platform.Count) { c.Value += 5 }),
			change("counter", counter(posted, "commission"), func(c *platform.Count) { c.Value -= 5 }),
		), "V11"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := numbered(t)
			planned := booked("budget.planned", budget, dr("plan", "9.00"), cr("free", "9.00"))
			planned.Legs[0].Of, planned.Legs[1].Of = budget.ID, budget.ID
			require.NoError(t, d.book(planned))
			d.sound(t)

			var rules []string
			for _, w := range find(t, d.desk, c.plant) {
				rules = append(rules, w.Rule)
				assert.NotEqual(t, w.Expected, w.Found)
			}
			assert.Contains(t, rules, c.rule)
		})
	}
}

func TestAPassTakesAsManyPostingsAsOneSetHolds(t *testing.T) {
	t.Parallel()
	wide := Posting{Fact: Fact{Legs: make([]platform.Leg, 1000)}}
	assert.Len(t, fitting([]Posting{wide, wide, wide, wide, wide, wide}), 4)
	assert.Len(t, fitting([]Posting{{Fact: Fact{Legs: make([]platform.Leg, 9000)}}, wide}), 1, "one at least")
}
