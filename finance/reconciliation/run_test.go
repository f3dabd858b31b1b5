package reconciliation_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
)

// F16: an institution's statement a day late, or in another time zone.
func TestF16WhatLiesAtTheEdgeOfADayIsTiming(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.now = time.Date(2026, 3, 2, 22, 0, 0, 0, time.UTC)
	v.captured(1, yuan("10.00"))

	first := v.reconciled(v.file("2026-03-02", "b,charge,"+key(2)+",,20.00,,CNY,2026-03-02T23:59:59Z,"))
	assert.Equal(t, []string{"timing b ↔ ", "timing  ↔ 1"}, v.rows(first))
	assert.Equal(t, 2, first.Open)
	v.now = v.now.AddDate(0, 0, 1)
	v.captured(2, yuan("20.00"))
	next := v.reconciled(v.file("2026-03-03", "a,charge,"+key(1)+",,10.00,,CNY,2026-03-03T00:00:01Z,"))

	assert.Equal(t, []string{"matched(5) b ↔ 2", "matched(5) a ↔ 1"}, v.rows(next))
	assert.Empty(t, v.cases(reconciliation.CaseOpen))
	assert.Empty(t, v.cases(reconciliation.CaseMatched))
}

func TestF16AStatementThatComesLateEndsTheWaiting(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.reconciled(v.file("2026-03-01"))
	v.captured(1, yuan("10.00"))
	v.now = noon.AddDate(0, 0, 1)
	v.captured(2, yuan("20.00"))

	ahead := v.reconciled(v.file("2026-03-03", "b,charge,"+key(2)+",,20.00,,CNY,2026-03-03T12:00:00Z,"))
	assert.Equal(t, []string{"matched(1) b ↔ 2", "timing  ↔ 1"}, v.rows(ahead), "its day has no statement yet")
	late := v.reconciled(v.file("2026-03-02", "a,charge,"+key(1)+",,10.00,,CNY,"+at+","))
	assert.Equal(t, []string{"matched(5) a ↔ 1"}, v.rows(late))
	assert.Equal(t, yuan("30.00"), late.Proofs[0].Institution)
	assert.Empty(t, v.cases(reconciliation.CaseOpen))
}

func TestF16ADayIsTheInstitutions(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	v := newWorld(t, sandbox.Faults{}, 0, &reconciliation.Options{Accounts: []reconciliation.Account{{Institution: "sandbox", Zone: zone}}})
	st := v.file("2026-03-02")
	assert.Equal(t, "Asia/Shanghai", st.Zone)
	assert.Equal(t, time.Date(2026, 3, 1, 16, 0, 0, 0, time.UTC), st.From)
	assert.Equal(t, time.Date(2026, 3, 2, 16, 0, 0, 0, time.UTC), st.Until)

	v.now = time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)
	v.captured(1, yuan("1.00"))
	assert.Equal(t, []string{"timing  ↔ 1"}, v.rows(v.reconciled(st)))
}

// F17: a fee differs from the contract.
func TestF17AFeeThatDiffersFromTheContractIsACase(t *testing.T) {
	t.Parallel()
	contract := &reconciliation.Contract{Rate: decimal.New(6, -3), Fixed: yuan("0.10")}
	v := newWorld(t, sandbox.Faults{}, 0, &reconciliation.Options{Accounts: []reconciliation.Account{{Institution: "sandbox", Contract: contract}}})
	row := func(n int, fee string) string {
		return fmt.Sprintf("l%d,charge,%s,,100.00,%s,CNY,%s,", n, key(n), fee, at)
	}
	var rows []string
	for n, fee := range []string{"0.70", "0.71", "0.72", "0.69", "2.70"} {
		v.captured(n+1, yuan("100.00"))
		rows = append(rows, row(n+1, fee))
	}

	run := v.reconciled(v.file("2026-03-02", append(rows, "f,fee,,,-3.00,,CNY,"+at+",")...))

	assert.ElementsMatch(t, []string{
		"matched(1) l1 ↔ 1", "matched(1) l2 ↔ 2", "matched(1) l3 ↔ 3", "matched(1) l4 ↔ 4", "matched(1) l5 ↔ 5",
		"fee_differs l3#fee ↔ ", "fee_differs l5#fee ↔ ", "missing_in_books fees#2026-03-02/CNY ↔ ",
	}, v.rows(run))
	differs := map[reconciliation.Class][]platform.Money{}
	for _, c := range v.cases(reconciliation.CaseOpen) {
		differs[c.Class] = append(differs[c.Class], c.Differs)
		in := reconciliation.ResolveCase{Case: c.ID}
		_, err := v.s.ResolveCase(by(clerk), in)
		require.NoError(t, err)
	}
	assert.Equal(t, []platform.Money{yuan("-6.50")}, differs[reconciliation.MissingInBooks], "the day's fees in one: 5 × 0.70, a cent more and a cent less, and 3.00")
	assert.ElementsMatch(t, []platform.Money{yuan("-0.02"), yuan("-2.00")}, differs[reconciliation.FeeDiffers], "what to claim back")
	assert.Equal(t, yuan("6.50"), v.balance("gateway_fee:sandbox"))
	assert.Equal(t, yuan("2.02"), v.balance("suspense:sandbox"))
	v.now = morning
	assert.Zero(t, v.reconciled(v.file("2026-03-03")).Open)
}

func TestALineThatComesTwiceIsADuplicateOnAnyDay(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.captured(1, yuan("10.00"))
	row := func(id string) string { return id + ",charge," + key(1) + ",ch_1,10.00,,CNY," + at + "," }

	same := v.reconciled(v.file("2026-03-02", row("a"), row("a2")))
	assert.Equal(t, []string{"matched(1) a ↔ 1", "duplicate a2 ↔ "}, v.rows(same))
	next := v.reconciled(v.file("2026-03-03", row("a3"), "x,charge,,,10.00,,CNY,"+at+","))
	assert.Equal(t, []string{"duplicate a3 ↔ ", "missing_in_books x ↔ "}, v.rows(next))
}

func TestAnAmountThatDiffersIsOneCaseOfBothSides(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.captured(1, yuan("10.00"))

	run := v.reconciled(v.file("2026-03-02", "a,charge,"+key(1)+",,10.01,,CNY,"+at+","))

	assert.Equal(t, []string{"amount_differs a ↔ 1"}, v.rows(run))
	c := v.cases(reconciliation.CaseOpen)[0]
	assert.Equal(t, yuan("10.01"), c.Theirs)
	assert.Equal(t, yuan("10.00"), c.Ours)
	assert.Equal(t, yuan("0.01"), c.Differs)
	assert.Equal(t, []platform.Ref{attempt(1)}, c.Subjects)

	v.now = morning
	assert.Empty(t, v.rows(v.reconciled(v.file("2026-03-03"))), "what is as it was is not told again")
}

func TestTheRestOfAReturnMayComeTheNextDay(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.captured(1, yuan("10.00"))
	v.returned(1, yuan("7.00"))
	rtn := string(refund(1).ID.As("rtn"))
	first := v.reconciled(v.file("2026-03-02", "a,charge,"+key(1)+",,10.00,,CNY,"+at+",", "b,refund,"+rtn+",,-3.00,,CNY,"+at+","))
	assert.Equal(t, []string{"matched(1) a ↔ 1", "amount_differs b ↔ 2"}, v.rows(first))

	next := v.reconciled(v.file("2026-03-03", "c,refund,"+rtn+".1,,-4.00,,CNY,2026-03-03T00:00:01Z,"))

	assert.Equal(t, []string{"matched(5) b+c ↔ 2"}, v.rows(next))
	assert.Len(t, v.cases(reconciliation.CaseMatched), 1)
}

func TestWhatTheBooksTookBackThemselvesNeedsNoLine(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.captured(1, yuan("10.00"))
	entries, err := v.books.EntriesFrom(by(clerk), account("clearing:sandbox"), yuan("0.00").Currency(), 1)
	require.NoError(t, err)
	ledger := finance.New(v.w, finance.StoreOn(v.db), nil)
	_, err = ledger.Reverse(by(clerk), finance.Reverse{Posting: entries[0].Posting, Reason: "mistake"})
	require.NoError(t, err)

	assert.Equal(t, []string{"matched(1)  ↔ 1 2"}, v.rows(v.reconciled(v.file("2026-03-02"))))
}

func TestBankStatementsAreComparedWithTheBank(t *testing.T) {
	t.Parallel()
	o := &reconciliation.Options{Accounts: []reconciliation.Account{{Institution: "icbc", Name: "main", Ledger: account("bank:icbc.main")}}}
	v := newWorld(t, sandbox.Faults{}, 0, o)
	sweep := platform.Ref{Kind: "finance.payout", ID: platform.NewID("pay", noon, 3, 1)}
	v.captured(1, yuan("100.00"))
	v.book("bank.swept", sweep, platform.Leg{Role: "bank", Party: "icbc.main", Amount: yuan("80.00")}, leg("clearing", yuan("-80.00")))

	here := v.reconciled(v.file("2026-03-02", "a,charge,"+key(1)+",,100.00,,CNY,"+at+",", "b,payout,"+string(sweep.ID)+",,-80.00,,CNY,"+at+","))
	assert.Equal(t, []string{"matched(1) a ↔ 1", "matched(1) b ↔ 2"}, v.rows(here))
	text := header + "z9,sweep,,,80.00,,,CNY," + at + ",\n"
	st, err := imported(v, reconciliation.Import{Institution: "icbc", Account: "main", Day: "2026-03-02", Opening: []platform.Money{yuan("0.00")}, Closing: []platform.Money{yuan("80.00")}}, text)
	require.NoError(t, err)
	there, err := v.s.Reconcile(by(clerk), reconciliation.Reconcile{Statement: st.ID})
	require.NoError(t, err)
	assert.Equal(t, []string{"matched(3) z9 ↔ 1"}, v.rows(there))
	assert.Equal(t, "icbc/main", there.Account)
	assert.True(t, there.Proofs[0].Holds())
}

// What shares brought to a merchant's own account at the institution, and what left it
// again, is compared with that account's statement, as ours is with ours.
func TestAMerchantsOwnAccountIsReconciled(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	merchant := platform.NewID("mer", noon, 7, 1)
	own := platform.Leg{Role: "clearing", Party: "sandbox." + merchant, Amount: yuan("80.00")}
	share, back := platform.NewID("spl", noon, 3, 1), platform.NewID("spl", noon, 3, 2)
	v.captured(1, yuan("100.00"))
	v.book("split.made", platform.Ref{Kind: "payment.split", ID: share}, own, leg("clearing", yuan("-80.00")))
	own.Amount = yuan("-5.00")
	v.book("split.returned", platform.Ref{Kind: "payment.split", ID: back}, own, leg("clearing", yuan("5.00")))

	ours := v.reconciled(v.file("2026-03-02", "a,charge,"+key(1)+",,100.00,,CNY,"+at+",",
		"b,split,"+string(share)+",,-80.00,,CNY,"+at+",", "c,split_return,"+string(back)+",,5.00,,CNY,"+at+","))
	text := header + "s1,split," + string(share) + ",,80.00,,,CNY," + at + ",\n" + "s2,split_return," + string(back) + ",,-4.00,,,CNY," + at + ",\n"
	st, err := imported(v, reconciliation.Import{Institution: "sandbox", Account: string(merchant), Day: "2026-03-02"}, text)
	require.NoError(t, err)
	theirs, err := v.s.Reconcile(by(clerk), reconciliation.Reconcile{Statement: st.ID})
	require.NoError(t, err)

	assert.Equal(t, []string{"matched(1) a ↔ 1", "matched(1) b ↔ 2", "matched(1) c ↔ 3"}, v.rows(ours))
	assert.Equal(t, []string{"matched(1) s1 ↔ 1", "amount_differs s2 ↔ 2"}, v.rows(theirs))
	assert.Equal(t, "sandbox/"+string(merchant), theirs.Account)
	assert.Len(t, v.cases(reconciliation.CaseOpen), 1, "the institution took 4.00 where we booked 5.00")
	assert.True(t, theirs.Proofs[0].Holds())
}

func TestAnAccountBeginsWithWhatItHad(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.now = noon.AddDate(0, 0, -1)
	ledger := finance.New(v.w, finance.StoreOn(v.db), nil)
	_, err := ledger.OpenAccounts(by(clerk), finance.OpenAccounts{
		Source: "old", Reason: "migration", At: v.now, Balances: []finance.Brought{{Account: "clearing:sandbox", Amount: yuan("500.00"), Reference: "1012"}},
	})
	require.NoError(t, err)
	v.now = noon
	st, err := imported(v, reconciliation.Import{Institution: "sandbox", Day: "2026-03-02", Opening: []platform.Money{yuan("500.00")}}, header)
	require.NoError(t, err)

	run := v.reconciled(st)

	assert.Equal(t, []string{"matched(3) opening/CNY ↔ 1"}, v.rows(run))
	assert.Equal(t, yuan("500.00"), run.Proofs[0].Institution)
}

func TestADayThatNeverCameIsUnexplained(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	told := func(day, opening, closing string, rows string) reconciliation.Run {
		in := reconciliation.Import{Institution: "sandbox", Day: day, Opening: []platform.Money{yuan(opening)}, Closing: []platform.Money{yuan(closing)}}
		st, err := imported(v, in, header+rows)
		require.NoError(t, err)
		run, err := v.s.Reconcile(by(clerk), reconciliation.Reconcile{Statement: st.ID})
		require.NoError(t, err)
		return run
	}
	assert.True(t, told("2026-03-01", "0.00", "0.00", "").Proofs[0].Holds())
	without := told("2026-03-03", "10.00", "10.00", "")
	assert.Equal(t, yuan("-10.00"), without.Proofs[0].Unexplained)
	wrong, err := reconciliation.Verify(by(clerk), v.store, v.books, "sandbox")
	require.NoError(t, err)
	require.Len(t, wrong, 1)
	assert.Equal(t, "V7", wrong[0].Rule)

	v.captured(1, yuan("10.00"))
	assert.True(t, told("2026-03-02", "0.00", "10.00", "a,charge,"+key(1)+",,10.00,,,CNY,"+at+",\n").Proofs[0].Holds())
}

func TestARunIsMadeOnceAndNothingOfItChanges(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.captured(1, yuan("10.00"))
	st := v.file("2026-03-02")
	first := v.reconciled(st)
	v.captured(2, yuan("10.00"))

	assert.Equal(t, first, v.reconciled(st))
	_, err := v.s.Reconcile(by(clerk), reconciliation.Reconcile{Statement: platform.NewID("stm", noon, 1, 1)})
	require.ErrorIs(t, err, platform.ErrNotFound)
}

// TestARunThatCrashesLeavesNothingAndIsMadeAgain: whatever was written before.
func TestARunThatCrashesLeavesNothingAndIsMadeAgain(t *testing.T) {
	t.Parallel()
	for crash := range 6 {
		v := newWorld(t, sandbox.Faults{}, 0, nil)
		v.captured(1, yuan("10.00"))
		st := v.file("2026-03-02", "a,charge,,,11.00,,CNY,"+at+",")
		left := crash
		w := v.w
		w.Store = failing{v.db, &left}
		s := reconciliation.New(w, v.store, reconciliation.Ports{Books: v.books}, nil)
		_, err := s.Reconcile(by(clerk), reconciliation.Reconcile{Statement: st.ID})
		if crash < 5 {
			require.ErrorIs(t, err, platform.ErrUnavailable, crash)
		}

		run := v.reconciled(st)
		assert.Equal(t, []string{"missing_in_books a ↔ ", "missing_at_institution  ↔ 1"}, v.rows(run))
		assert.Len(t, v.cases(reconciliation.CaseOpen), 2)
		_, err = v.s.Tick(context.Background(), noon.Add(2*time.Hour), 0)
		require.NoError(t, err)
		assert.Len(t, v.rows(run), 2, "what a run keeps is not removed")
		sheets, err := v.db.Scan(context.Background(), platform.Query{Kind: "reconciliation.sheet"})
		require.NoError(t, err)
		assert.Len(t, sheets.Items, 3, crash)
	}
}

func TestVerifyFindsAProofThatIsNoMore(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.captured(1, yuan("10.00"))
	v.reconciled(v.file("2026-03-02", "a,charge,,,11.00,,CNY,"+at+","))
	empty := finance.Books{Store: finance.StoreOn(memory.New(kinds(), nil))}

	wrong, err := reconciliation.Verify(by(clerk), v.store, empty, "sandbox", "never.seen")

	require.NoError(t, err)
	require.Len(t, wrong, 2, "the balance, and the entry that is open")
	assert.Equal(t, "V7", wrong[0].Rule)
}

// TestAStatementOfWhichTheBooksKnowNothingIsAsManyCases: more than go into a set,
// also when the process dies in between; they end when the books catch up.
func TestAStatementOfWhichTheBooksKnowNothingIsAsManyCases(t *testing.T) {
	t.Parallel()
	const n = 1100
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	st, err := v.s.Import(by(clerk), reconciliation.Import{Institution: "sandbox", Day: "2026-03-02", File: long(n)})
	require.NoError(t, err)
	left := 6
	w := v.w
	w.Store = failing{v.db, &left}
	_, err = reconciliation.New(w, v.store, reconciliation.Ports{Books: v.books}, nil).Reconcile(by(clerk), reconciliation.Reconcile{Statement: st.ID})
	require.ErrorIs(t, err, platform.ErrUnavailable)

	run := v.reconciled(st)
	assert.Equal(t, n+1, run.Cases, "and the day's fees")
	assert.Len(t, v.cases(reconciliation.CaseOpen), n+1)
	for i := range n {
		v.captured(i, yuan(fmt.Sprintf("%d.00", 100+i%900)))
	}
	v.now = morning
	run = v.reconciled(v.file("2026-03-03"))
	assert.Equal(t, []reconciliation.Tally{{Class: reconciliation.Matched, Pass: 5, Lines: n, Entries: n}}, run.Tallies)
	assert.Len(t, v.cases(reconciliation.CaseMatched), n)
	assert.Len(t, v.cases(reconciliation.CaseOpen), 1)
}

func TestAMonthIsReconciledOnceItsLastDayIs(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, &reconciliation.Options{Accounts: []reconciliation.Account{{Institution: "icbc", Name: "main", Ledger: account("bank:icbc")}}})
	check := func() string {
		found, err := v.s.Checks(by(auditor), "2026-03")
		require.NoError(t, err)
		require.Len(t, found, 1)
		return found["reconciled"]
	}
	assert.Empty(t, check(), "nothing was booked")
	v.captured(1, yuan("10.00"))
	assert.Equal(t, "sandbox: never reconciled", check())
	v.reconciled(v.file("2026-03-30", "a,charge,"+key(1)+",,10.00,,CNY,"+at+",", "b,charge,,,5.00,,CNY,"+at+","))
	assert.Equal(t, "sandbox: reconciled until 2026-03-31 only", check())
	v.reconciled(v.file("2026-03-31"))
	assert.Equal(t, "sandbox: 1 lines and entries are open", check())
	_, err := v.resolve(v.cases(reconciliation.CaseOpen)[0], "")
	require.NoError(t, err)
	v.reconciled(v.file("2026-04-01"))
	assert.Empty(t, check())

	_, err = v.s.Checks(by(auditor), "march")
	require.ErrorIs(t, err, platform.ErrInvalid)
	_, err = v.s.Checks(by(shop), "2026-03")
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestKindsAreSound(t *testing.T) {
	t.Parallel()
	for _, k := range reconciliation.Kinds() {
		require.NoError(t, k.Fault(), k.Name)
	}
}

// TestAHundredThousandLinesComeIn is the tenth of what BenchmarkImport takes in.
func TestAHundredThousandLinesComeIn(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)

	st, err := v.s.Import(by(clerk), reconciliation.Import{Institution: "sandbox", Day: "2026-03-02", File: long(100_000)})

	require.NoError(t, err)
	assert.Equal(t, 100_000, st.Lines)
	assert.Equal(t, 100, st.Sheets)
	last, next, err := v.s.Lines(by(auditor), st.ID, 99)
	require.NoError(t, err)
	assert.Zero(t, next)
	require.Len(t, last, 1000)
	assert.Equal(t, "txn_000099999", last[999].ID)
}
