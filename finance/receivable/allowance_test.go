package receivable_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/receivable"
)

var one = decimal.New(1, 0)

// aged are open claims overdue for so many days at noon, 100.00 each.
func (w *world) aged(days ...int) {
	w.t.Helper()
	for n, d := range days {
		in := arise(merchant.ID, n+1, "100.00", noon.AddDate(0, 0, -d), 0)
		_, err := w.Arise(as(clerk), in)
		require.NoError(w.t, err)
	}
}

func TestBucketsAreByDaysOverdue(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.aged(0, 1, 30, 31, 60, 61, 90, 91, 180, 181, 700)
	w.owes(stranger.ID, 20, "50.00", 10)
	all, err := w.Ageing(as(auditor))
	require.NoError(t, err)
	require.Len(t, all.Totals, 1)
	assert.Equal(t, "1150.00 CNY", all.Totals[0].Open.String())
	assert.Equal(t, 12, all.Totals[0].Claims)
	var buckets []string
	for _, m := range all.Totals[0].Buckets {
		buckets = append(buckets, m.String())
	}
	assert.Equal(t, []string{"150.00 CNY", "200.00 CNY", "200.00 CNY", "200.00 CNY", "200.00 CNY", "200.00 CNY"}, buckets)
	require.Len(t, all.Debtors, 2)
	assert.Equal(t, merchant.ID, all.Debtors[0].Party)
	assert.Equal(t, stranger.ID, all.Debtors[1].Party)
	_, err = w.Ageing(as(merchant))
	require.ErrorIs(t, err, receivable.ErrReader)
}

func TestTheAllowanceIsWhatTheRatesExpectToBeLost(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.clock.Advance(30 * 24 * time.Hour) // April; as of 31 March all are 29 days older
	w.aged(-25, 0, 20, 40, 100, 200)     // overdue by then: -, 29, 49, 69, 129, 229
	a, err := w.ChangeAllowance(as(clerk), receivable.ChangeAllowance{Portfolio: "mer", Period: "2026-03"})
	require.NoError(t, err)
	require.Len(t, a.Lines, 1)
	// 5 + 20 + 50 + 80 + 100, and 5 for what is due in the last days of March
	assert.Equal(t, "260.00 CNY", a.Lines[0].Target.String())
	assert.Equal(t, "0.00 CNY", a.Lines[0].Before.String())
	assert.Equal(t, "260.00 CNY", w.balance("allowance", "mer"))
	assert.Equal(t, "260.00 CNY", w.balance("bad_debt", ""))

	w.pay("300.00") // the three oldest
	w.clock.Advance(30 * 24 * time.Hour)
	b, err := w.ChangeAllowance(as(clerk), receivable.ChangeAllowance{Portfolio: "mer", Period: "2026-04"})
	require.NoError(t, err)
	assert.Equal(t, "260.00 CNY", b.Lines[0].Before.String())
	assert.Equal(t, w.balance("allowance", "mer"), b.Lines[0].Target.String(), "the deltas sum right")
	w.pay("300.00")
	w.clock.Advance(31 * 24 * time.Hour)
	c, err := w.ChangeAllowance(as(clerk), receivable.ChangeAllowance{Portfolio: "mer", Period: "2026-05"})
	require.NoError(t, err)
	assert.Equal(t, "0.00 CNY", c.Lines[0].Target.String(), "what is paid is released")
	assert.Equal(t, "0.00 CNY", w.balance("allowance", "mer"))
	assert.Equal(t, "0.00 CNY", w.balance("bad_debt", ""))
	page, err := w.Allowances(as(auditor), "mer", "")
	require.NoError(t, err)
	assert.Len(t, page.Items, 3)
	w.sound(merchant.ID)
}

func TestTheAllowanceChangesOnceForEachPeriodAndPortfolio(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.aged(10)
	w.clock.Advance(30 * 24 * time.Hour)
	var crowd sync.WaitGroup
	for range 8 {
		crowd.Go(func() {
			a, err := w.ChangeAllowance(as(clerk), receivable.ChangeAllowance{Portfolio: "mer", Period: "2026-03"})
			assert.NoError(t, err)
			assert.Equal(t, "20.00 CNY", a.Lines[0].Delta.String())
		})
		crowd.Go(func() { _, _ = w.Tick(context.Background(), w.clock.Now(), 100) })
	}
	crowd.Wait()
	assert.Equal(t, "20.00 CNY", w.balance("allowance", "mer"))
	assert.Len(t, w.events("allowance.changed"), 3, "one for each portfolio")

	for name, in := range map[string]receivable.ChangeAllowance{
		"this month":   {Portfolio: "mer", Period: "2026-04"},
		"no month":     {Portfolio: "mer", Period: "2026-13"},
		"no portfolio": {Portfolio: "abc", Period: "2026-03"},
	} {
		_, err := w.ChangeAllowance(as(clerk), in)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
	}
	_, err := w.ChangeAllowance(as(merchant), receivable.ChangeAllowance{Portfolio: "mer", Period: "2026-03"})
	require.ErrorIs(t, err, receivable.ErrDesk)
	w.sound(merchant.ID)
}

func TestAnIdleMarketIsNotValued(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.days(60)
	assert.Empty(t, w.events("allowance.changed"))
	w.invoiced(1, "100.00", 0)
	w.tick() // of the month before, when there was none
	assert.Len(t, w.events("allowance.changed"), 3)
	assert.Equal(t, "0.00 CNY", w.balance("allowance", "mer"))
}

func TestRatesAreVersioned(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.aged(0)
	tenth := decimal.New(1, -1)
	in := receivable.PublishRates{Rates: []decimal.Decimal{tenth, tenth, tenth, tenth, tenth, tenth}, From: noon.AddDate(0, 1, 10), Reason: "review"}
	_, err := w.PublishRates(as(manager), in)
	require.ErrorIs(t, err, receivable.ErrAuthority)
	for name, change := range map[string]func(*receivable.PublishRates){
		"past":      func(in *receivable.PublishRates) { in.From = noon },
		"five":      func(in *receivable.PublishRates) { in.Rates = in.Rates[1:] },
		"above one": func(in *receivable.PublishRates) { in.Rates = append(in.Rates[:5:5], one.Add(tenth)) },
	} {
		bad := in
		change(&bad)
		_, err := w.PublishRates(as(director), bad)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		assert.Equal(t, "receivable.rates", platform.Code(err), name)
	}
	r, err := w.PublishRates(as(director), in)
	require.NoError(t, err)

	w.clock.Advance(60 * 24 * time.Hour)
	march, err := w.ChangeAllowance(as(clerk), receivable.ChangeAllowance{Portfolio: "mer", Period: "2026-03"})
	require.NoError(t, err)
	assert.Empty(t, march.Rates, "those of the terms")
	assert.Equal(t, "5.00 CNY", march.Lines[0].Target.String())
	april, err := w.ChangeAllowance(as(clerk), receivable.ChangeAllowance{Portfolio: "mer", Period: "2026-04"})
	require.NoError(t, err)
	assert.Equal(t, r.ID, april.Rates)
	assert.Equal(t, "10.00 CNY", april.Lines[0].Target.String())
}

func TestTheLastLevelIsExpectedToBeLostWhole(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.invoiced(1, "100.00", 0)
	w.days(120) // 90 days on 31 May
	page, err := w.Allowances(as(clerk), "mer", "")
	require.NoError(t, err)
	var targets []string
	for _, a := range page.Items {
		for _, l := range a.Lines {
			targets = append(targets, l.Target.String())
		}
	}
	assert.Equal(t, []string{"100.00 CNY", "20.00 CNY", "5.00 CNY"}, targets, "90 days, at the last level; 59; 29")
}

func TestNoPeriodIsValuedAfterALaterOne(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.aged(10)
	w.clock.Advance(30 * 24 * time.Hour)
	_, err := w.ChangeAllowance(as(clerk), receivable.ChangeAllowance{Portfolio: "mer", Period: "2026-03"})
	require.NoError(t, err)
	held := w.balance("allowance", "mer")

	_, err = w.ChangeAllowance(as(clerk), receivable.ChangeAllowance{Portfolio: "mer", Period: "2026-01"})

	require.ErrorIs(t, err, receivable.ErrPeriod)
	assert.Equal(t, held, w.balance("allowance", "mer"), "what is expected to be lost now stays")
}
