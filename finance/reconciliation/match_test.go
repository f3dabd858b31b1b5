package reconciliation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/store/sandbox"
)

func key(n int) string { return string(attempt(n).ID) }

const at = "2026-03-02T12:00:00Z"

func TestPass1FindsOurKey(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.paid(1, "10.00")
	v.paid(2, "10.00")
	v.giveBack(1, yuan("4.00"))
	v.returned(1, yuan("4.00"))
	v.now = morning

	run := v.reconciled(v.fetched("2026-03-02"))

	assert.Equal(t, []reconciliation.Tally{{Class: reconciliation.Matched, Pass: 1, Lines: 3, Entries: 3}}, run.Tallies)
	assert.Equal(t, 10_000, run.Share())
	assert.Empty(t, v.cases(reconciliation.CaseOpen))
	assert.Equal(t, yuan("16.00"), run.Proofs[0].Institution)
}

func TestPass1SumsUpWhatOneRecordMadeOfSeveralOperations(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.captured(1, yuan("10.00"))
	v.returned(1, yuan("7.00"))
	rtn := string(refund(1).ID.As("rtn"))

	run := v.reconciled(v.file("2026-03-02",
		"a,charge,"+key(1)+",,10.00,,CNY,"+at+",",
		"b,refund,"+rtn+",,-3.00,,CNY,"+at+",",
		"c,refund,"+rtn+".1,,-4.00,,CNY,"+at+",",
	))

	assert.Equal(t, []string{"matched(1) a ↔ 1", "matched(1) b+c ↔ 2"}, v.rows(run))
}

func TestPass2FindsTheInstitutionsReference(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.captured(1, yuan("10.00"))
	v.captured(2, yuan("10.00"))
	v.names[attempt(1)], v.names[attempt(2)] = "ch_1", "ch_2"

	run := v.reconciled(v.file("2026-03-02", "b,charge,,ch_2,10.00,,CNY,"+at+",", "a,charge,,ch_1,10.00,,CNY,"+at+","))

	assert.Equal(t, []string{"matched(2) b ↔ 2", "matched(2) a ↔ 1"}, v.rows(run))
}

func TestPass3FindsAnAmountThatThereIsOnce(t *testing.T) {
	t.Parallel()
	row := func(id, amount, at string) string { return id + ",charge,,," + amount + ",,CNY," + at + "," }
	for name, c := range map[string]struct {
		booked []string
		rows   []string
		want   []string
	}{
		"once on both sides":  {[]string{"10.00", "11.00"}, []string{row("a", "11.00", at)}, []string{"matched(3) a ↔ 2", "missing_at_institution  ↔ 1"}},
		"twice in the books":  {[]string{"10.00", "10.00"}, []string{row("a", "10.00", at)}, []string{"missing_in_books a ↔ ", "missing_at_institution  ↔ 1", "missing_at_institution  ↔ 2"}},
		"twice there":         {[]string{"10.00"}, []string{row("a", "10.00", at), row("b", "10.00", at)}, []string{"missing_in_books a ↔ ", "missing_in_books b ↔ ", "missing_at_institution  ↔ 1"}},
		"three days apart":    {[]string{"10.00"}, []string{row("a", "10.00", "2026-02-27T12:00:00Z")}, []string{"matched(3) a ↔ 1"}},
		"more than three":     {[]string{"10.00"}, []string{row("a", "10.00", "2026-02-27T11:59:59Z")}, []string{"missing_in_books a ↔ ", "missing_at_institution  ↔ 1"}},
		"of another kind":     {[]string{"10.00"}, []string{"a,payout,,,10.00,,CNY," + at + ","}, []string{"missing_in_books a ↔ ", "missing_at_institution  ↔ 1"}},
		"with another's key":  {[]string{"10.00"}, []string{"a,charge," + key(9) + ",,10.00,,CNY," + at + ","}, []string{"missing_in_books a ↔ ", "missing_at_institution  ↔ 1"}},
		"of another currency": {[]string{"10.00"}, []string{"a,charge,,,10.00,,USD," + at + ","}, []string{"missing_in_books a ↔ ", "missing_at_institution  ↔ 1"}},
	} {
		v := newWorld(t, sandbox.Faults{}, 0, nil)
		for n, amount := range c.booked {
			v.captured(n+1, yuan(amount))
		}
		assert.Equal(t, c.want, v.rows(v.reconciled(v.file("2026-03-02", c.rows...))), name)
	}
}

func TestPass4FindsALumpOfManyLines(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.captured(1, yuan("60.00"))
	v.captured(2, yuan("70.00"))
	v.names[attempt(2)] = "po_2"
	row := func(id, amount, batch string) string { return id + ",charge,,," + amount + ",,CNY," + at + "," + batch }

	run := v.reconciled(v.file("2026-03-02", row("a", "10.00", "po_1"), row("b", "20.00", "po_1"), row("c", "30.00", "po_1"), row("d", "30.00", "po_2"), row("e", "40.00", "po_2")))

	assert.Equal(t, []string{"matched(4) a+b+c ↔ 1", "matched(4) d+e ↔ 2"}, v.rows(run))
}

func TestPass5FindsTheOtherSideWithinAWeek(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]string{1: "matched(5) a ↔ 1", 7: "matched(5) a ↔ 1", 8: "missing_at_institution  ↔ 1"} {
		v := newWorld(t, sandbox.Faults{}, 0, nil)
		first := v.reconciled(v.file("2026-03-02", "a,charge,"+key(1)+",,10.00,,CNY,"+at+","))
		assert.Equal(t, []string{"missing_in_books a ↔ "}, v.rows(first))
		require.Len(t, v.cases(reconciliation.CaseOpen), 1)
		v.now = noon.AddDate(0, 0, days)
		v.captured(1, yuan("10.00"))

		again := v.reconciled(v.file(v.now.Format(time.DateOnly)))

		assert.Equal(t, []string{want}, v.rows(again), days)
		if days > 7 {
			assert.Len(t, v.cases(reconciliation.CaseOpen), 2)
			continue
		}
		assert.Len(t, v.cases(reconciliation.CaseMatched), 1)
		assert.Empty(t, v.cases(reconciliation.CaseOpen))
	}
}

func TestPass6BooksSmallDifferencesOfFees(t *testing.T) {
	t.Parallel()
	o := &reconciliation.Options{Accounts: []reconciliation.Account{{Institution: "sandbox", FeesEach: true}}}
	v := newWorld(t, sandbox.Faults{}, 0, o)
	for n, fee := range []string{"0.60", "100.00", "0.60"} {
		v.captured(n+1, yuan("1000.00"))
		v.book("gateway.fee", attempt(n+1), leg("gateway_fee", yuan(fee)), leg("clearing", yuan(fee).Neg()))
	}
	row := func(n, fee string, of int) string {
		return n + ",charge," + key(of) + ",,1000.00," + fee + ",CNY," + at + ","
	}

	run := v.reconciled(v.file("2026-03-02", row("a", "0.61", 1), row("b", "99.90", 2), row("c", "0.62", 3)))

	assert.ElementsMatch(t, []string{
		"matched(1) a ↔ 1", "matched(1) b ↔ 3", "matched(1) c ↔ 5", "matched(6) a#fee ↔ 2", "matched(6) b#fee ↔ 4", "fee_differs c#fee ↔ 6",
	}, v.rows(run))
	balance, err := v.books.Balance(by(clerk), account("difference"), yuan("0.00").Currency())
	require.NoError(t, err)
	assert.Equal(t, yuan("0.09"), balance.Posted)

	v.now = morning
	next := v.reconciled(v.file("2026-03-03"))
	assert.Equal(t, []string{"matched(5) tolerance#2026-03-02/CNY ↔ 7"}, v.rows(next))
}
