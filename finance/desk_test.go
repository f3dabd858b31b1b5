package finance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store/sqlite"
)

// clerk is somebody who works on the ledger: the service over a store.
type clerk struct {
	*desk
	*Service
}

// newClerk is a clerk over memory, with 1,000.00 of unapplied money of the
// customer.
func newClerk(t tester) clerk {
	t.Helper()
	d := newDesk(t)
	return clerkOn(t, d, 100_000)
}

func clerkOn(t tester, d *desk, fen int64) clerk {
	t.Helper()
	c := clerk{d, New(d.w, d.Store, nil)}
	amount := yuan(fen)
	_, err := c.Transfer(asOperator(), Transfer{Steps: []Step{{
		What: "receipt.unapplied", Subject: contract, Legs: lines("bank:house", amount, unapplied(), "-"+amount),
	}}})
	require.NoError(t, err)
	return c
}

func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

func unapplied() string { return "unapplied:" + string(customer) }

// lines are legs as they are written from outside: account, amount, ….
func lines(words ...string) (all []Line) {
	for pair := range slices.Chunk(words, 2) {
		all = append(all, Line{pair[0], platform.MustMoney(pair[1], "CNY")})
	}
	return all
}

// trf is the n-th transfer.
func trf(n int) platform.Ref {
	return platform.Ref{Kind: "finance.transfer", ID: platform.NewID("trf", noon, platform.Slot(n), uint64(n))}
}

// paid is a transfer of 1.00: 0.90 to the merchant, 0.10 to the platform.
func paid(n int) Transfer {
	return Transfer{Steps: []Step{{What: "transfer.made", Subject: trf(n), Legs: lines(unapplied(), "1.00", payable(), "-0.90", "commission", "-0.10")}}}
}

func codes(results []Result) map[string]int {
	all := map[string]int{}
	for _, r := range results {
		name := string(r.Outcome)
		if r.Err != nil {
			name = platform.Code(r.Err)
		}
		all[name]++
	}
	return all
}

func TestATransferAnswersWithItsBalances(t *testing.T) {
	t.Parallel()
	c := newClerk(t)

	result, err := c.Transfer(asOperator(), paid(1))

	require.NoError(t, err)
	require.Len(t, result.Made, 1)
	assert.Equal(t, Done, result.Outcome)
	assert.Equal(t, "posting", result.Made[0].Ref.Kind[len("finance."):])
	var told []string
	for _, a := range result.Made[0].Accounts {
		told = append(told, fmt.Sprintf("%s %s: %s, %s, %d", a.Account.Role, a.Amount, a.After, a.Available, a.Seq))
	}
	assert.Equal(t, []string{
		"unapplied 1.00 CNY: 999.00 CNY, 999.00 CNY, 2", "payable -0.90 CNY: 0.90 CNY, 0.90 CNY, 1", "commission -0.10 CNY: 0.10 CNY, , 1",
	}, told)
	c.sound(t)
}

// Invariant 4: a fact posts once, whatever retries.
func TestAFactPostsOnceWhateverRetries(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"by its identity": "", "by its key": "k-1"} {
		c := newClerk(t)
		in := paid(1)
		in.Key = key
		first, err := c.Transfer(asOperator(), in)
		require.NoError(t, err, name)
		_, err = c.Transfer(asOperator(), paid(2)) // balances go on
		require.NoError(t, err, name)

		again, err := c.Transfer(asOperator(), in)

		require.NoError(t, err, name)
		assert.Equal(t, Duplicate, again.Outcome, name)
		for i := range first.Made[0].Accounts {
			was, is := first.Made[0].Accounts[i], again.Made[0].Accounts[i]
			assert.Equal(t, []any{was.Account, was.Amount, was.After, was.Available, was.Seq}, []any{is.Account, is.Amount, is.After, is.Available, is.Seq}, "the balances of then")
		}
		other := in
		other.Steps = []Step{{What: "transfer.made", Subject: trf(1), Legs: lines(unapplied(), "2.00", payable(), "-2.00")}}
		_, err = c.Transfer(asOperator(), other)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		assert.Contains(t, []string{"ledger.key_reused", "key.reused"}, platform.Code(err), name)
		assert.Equal(t, "998.00, 998.00", c.on(t, unapplied()), name)
	}
}

func TestATransferUnderAKeyNeedsNoSubject(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	bare := func(key string) Transfer {
		return Transfer{Key: key, Steps: []Step{
			{What: "transfer.made", Legs: lines(unapplied(), "1.00", payable(), "-1.00")},
			{What: "transfer.made", Legs: lines(unapplied(), "2.00", payable(), "-2.00")},
		}}
	}

	_, err := c.Transfer(asOperator(), bare(""))
	require.ErrorIs(t, err, ErrSubject)
	for range 2 {
		_, err = c.Transfer(asOperator(), bare("k"))
		require.NoError(t, err)
	}
	_, err = c.Transfer(platform.WithKey(asOperator(), "l"), bare(""))
	require.NoError(t, err)

	assert.Equal(t, "6.00, 6.00", c.on(t, payable()))
	c.sound(t)
}

// Invariant 8: one group's failure changes nothing and no neighbour.
func TestOneGroupsFailureChangesNothingAndNoNeighbour(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	linked := Transfer{Steps: []Step{
		{What: "transfer.made", Subject: trf(90), Legs: lines(unapplied(), "5.00", payable(), "-5.00")},
		{What: "transfer.made", Subject: trf(91), Legs: lines(payable(), "10000.00", unapplied(), "-10000.00")}, // too much
	}}
	unbalanced := Transfer{Steps: []Step{{What: "transfer.made", Subject: trf(92), Legs: lines(unapplied(), "5.00", payable(), "-4.00")}}}

	results, err := c.Batch(asOperator(), Batch{Groups: []Transfer{paid(1), linked, paid(2), unbalanced, {}, paid(3)}})

	require.NoError(t, err)
	var outcomes []string
	for _, r := range results {
		outcomes = append(outcomes, string(r.Outcome)+" "+platform.Code(r.Err))
	}
	assert.Equal(t, []string{"posted ", "refused ledger.insufficient", "posted ", "refused ledger.unbalanced", "refused field.min", "posted "}, outcomes)
	assert.Equal(t, "997.00, 997.00", c.on(t, unapplied()))
	c.sound(t)
}

// F1: a split posting half refused. F3: duplicate keys inside one batch.
func TestTheSameKeyTwiceInOneBatchIsADuplicate(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"identity": "", "key": "k"} {
		c := newClerk(t)
		groups := make([]Transfer, 20)
		for i := range groups {
			groups[i] = paid(1)
			groups[i].Key = key
		}

		results, err := c.Batch(asOperator(), Batch{Groups: groups})

		require.NoError(t, err, name)
		assert.Equal(t, Done, results[0].Outcome, "%s: it is the first", name)
		assert.Equal(t, map[string]int{"posted": 1, "duplicate": 19}, codes(results), name)
		assert.Equal(t, "999.00, 999.00", c.on(t, unapplied()), name)
		for _, r := range results[1:] {
			assert.Equal(t, results[0].Made[0].Ref, r.Made[0].Ref)
			assert.Equal(t, results[0].Made[0].Accounts[0].After, r.Made[0].Accounts[0].After)
		}
	}
}

func TestABatchSentAgainSettlesNoFurtherPart(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	_, err := c.Transfer(asOperator(), Transfer{Steps: []Step{{What: "transfer.held", Subject: trf(1), Legs: lines(unapplied(), "100.00", payable(), "-100.00")}}})
	require.NoError(t, err)
	part := Transfer{Steps: []Step{{What: "transfer.settled", Subject: trf(1), Legs: lines(unapplied(), "30.00", payable(), "-30.00")}}}

	var outcomes []map[string]int
	for range 2 {
		results, err := c.Batch(platform.WithKey(asOperator(), "b"), Batch{Groups: []Transfer{part}})
		require.NoError(t, err)
		outcomes = append(outcomes, codes(results))
	}

	assert.Equal(t, []map[string]int{{"posted": 1}, {"duplicate": 1}}, outcomes)
	assert.Equal(t, "970.00, 900.00", c.on(t, unapplied()))
	c.sound(t)
}

func TestAnAtomicBatchStandsOrFallsAsOne(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	poor := Transfer{Steps: []Step{{What: "transfer.made", Subject: trf(9), Legs: lines(unapplied(), "1000.00", payable(), "-1000.00")}}}

	_, err := c.Batch(asOperator(), Batch{Atomic: true, Groups: []Transfer{paid(1), poor}})
	require.ErrorIs(t, err, ErrInsufficient)
	assert.Equal(t, "1000.00, 1000.00", c.on(t, unapplied()))

	results, err := c.Batch(asOperator(), Batch{Atomic: true, Groups: []Transfer{paid(1), paid(2)}})
	require.NoError(t, err)
	require.Len(t, results, 2)
	assert.Equal(t, "998.00 CNY", results[1].Made[0].Accounts[0].After.String())
	c.sound(t)
}

func TestOnlyOperatorsWorkOnTheLedger(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	for _, ctx := range []context.Context{as(platform.Customer, customer), as(platform.Merchant, merchant), as(platform.Staff, member), as(platform.Auditor, "aud"), context.Background(), abroad(platform.Operator, "opr")} {
		_, batch := c.Batch(ctx, Batch{Groups: []Transfer{paid(1)}})
		_, transfer := c.Transfer(ctx, paid(1))
		_, reverse := c.Reverse(ctx, Reverse{Posting: "pst_x", Reason: "wrong"})
		_, freeze := c.FreezeAccount(ctx, FreezeAccount{Account: payable(), Out: true, Reason: "sanction"})
		for _, err := range []error{batch, transfer, reverse, freeze} {
			require.Error(t, err)
			assert.True(t, errors.Is(err, platform.ErrDenied) || errors.Is(err, platform.ErrNotFound), err)
		}
	}
	for _, n := range []int{0, 10_001} {
		_, err := c.Batch(asOperator(), Batch{Groups: make([]Transfer, n)})
		require.ErrorIs(t, err, errSize)
	}
}

func TestNotEnoughNamesAccountAvailableAndAsked(t *testing.T) {
	t.Parallel()
	c := newClerk(t)

	_, err := c.Transfer(asOperator(), Transfer{Steps: []Step{{What: "transfer.made", Subject: trf(1), Legs: lines(unapplied(), "1000.01", payable(), "-1000.01")}}})

	require.ErrorIs(t, err, ErrInsufficient)
	require.ErrorIs(t, err, platform.ErrState)
	details := platform.Details(err)
	assert.Equal(t, unapplied(), details["account"])
	assert.Equal(t, "1000.00 CNY", fmt.Sprint(details["available"]))
	assert.Equal(t, "1000.01 CNY", fmt.Sprint(details["asked"]))
}

func TestAFactTooFarAwayNeedsAReasonOrIsRefused(t *testing.T) {
	t.Parallel()
	c := newClerk(t) // it is nextDay
	for name, at := range map[string]struct {
		at     time.Time
		reason string
		want   error
	}{
		"a day ahead":             {nextDay.AddDate(0, 0, 1), "", nil},
		"more":                    {nextDay.AddDate(0, 0, 1).Add(1), "planned", ErrEffective},
		"three days ago":          {nextDay.AddDate(0, 0, -3), "", nil},
		"longer ago, no reason":   {nextDay.AddDate(0, 0, -3).Add(-1), "", ErrEffective},
		"longer ago, with reason": {nextDay.AddDate(0, 0, -30), "late_invoice", nil},
	} {
		in := paid(len(name))
		in.Steps[0].At, in.Steps[0].Reason = at.at, at.reason
		_, err := c.Transfer(asOperator(), in)
		require.ErrorIs(t, err, at.want, name)
	}
}

// Invariant 5: settled + voided + open = held.
func TestAHoldInPartsMakesUpWhatWasHeld(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	step := func(what string, words ...string) error {
		_, err := c.Transfer(asOperator(), Transfer{Steps: []Step{{What: what, Subject: trf(1), Legs: lines(words...)}}})
		return err
	}
	require.NoError(t, step("transfer.held", unapplied(), "100.00", payable(), "-90.00", "commission", "-10.00"))
	assert.Equal(t, "1000.00, 900.00", c.on(t, unapplied()))
	assert.Equal(t, "0.00, 0.00", c.on(t, payable()))

	require.NoError(t, step("transfer.settled", unapplied(), "30.00", payable(), "-27.00", "commission", "-3.00"))
	assert.Equal(t, "970.00, 900.00", c.on(t, unapplied()))
	c.sound(t)
	_, err := c.Transfer(asOperator(), part(1, unapplied(), "70.01", payable(), "-63.00", "commission", "-7.01"))
	require.ErrorIs(t, err, ErrPendingExceeds)
	_, err = c.Transfer(asOperator(), part(1, unapplied(), "1.00", unapplied()+"x", "-1.00"))
	require.ErrorIs(t, err, ErrPendingExceeds, "an account that the hold has not")

	require.NoError(t, step("transfer.closed", unapplied(), "40.00", payable(), "-36.00", "commission", "-4.00"))
	assert.Equal(t, "930.00, 930.00", c.on(t, unapplied()))
	assert.Equal(t, "63.00, 63.00", c.on(t, payable()))
	require.ErrorIs(t, step("transfer.voided"), ErrPendingEnded)
	c.sound(t)
}

func TestAHoldSettledPieceByPieceEndsWithTheLast(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	step := func(what string, words ...string) error {
		_, err := c.Transfer(asOperator(), Transfer{Steps: []Step{{What: what, Subject: trf(1), Legs: lines(words...)}}})
		return err
	}
	require.NoError(t, step("transfer.held", unapplied(), "100.00", payable(), "-100.00"))
	require.NoError(t, step("transfer.settled", unapplied(), "30.00", payable(), "-30.00"))
	_, err := c.Transfer(asOperator(), part(1))
	require.NoError(t, err)

	p, err := c.Store.Pending(asOperator(), pendingOf(trf(1)).ID)
	require.NoError(t, err)
	assert.Equal(t, Settled, p.State)
	assert.Len(t, p.Parts, 2)
	assert.Equal(t, "900.00, 900.00", c.on(t, unapplied()))
	c.sound(t)
}

// F6: settle and void at once; settle at expiry.
func TestSettleAndVoidAtOnceAndSettleAtExpiry(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	hold := Step{What: "transfer.held", Subject: trf(1), Due: nextDay.Add(time.Hour), Legs: lines(unapplied(), "100.00", payable(), "-100.00")}
	_, err := c.Transfer(asOperator(), Transfer{Steps: []Step{hold}})
	require.NoError(t, err)

	fired, err := c.Tick(asSystem(), nextDay, 0)
	require.NoError(t, err)
	assert.Zero(t, fired, "it is not due")
	c.desk.w.Now = func() time.Time { return hold.Due }
	late := New(c.desk.w, c.Store, nil)
	_, err = late.Transfer(asOperator(), Transfer{Steps: []Step{{What: "transfer.settled", Subject: trf(1)}}})
	require.ErrorIs(t, err, ErrPendingEnded, "a late tick makes nothing legal")
	assert.Equal(t, "expired", platform.Details(err)["state"])

	_, err = late.Tick(asSystem(), hold.Due, 0)
	require.NoError(t, err)
	assert.Equal(t, "1000.00, 1000.00", c.on(t, unapplied()))
	p, err := c.Store.Pending(asOperator(), pendingOf(trf(1)).ID)
	require.NoError(t, err)
	assert.Equal(t, Expired, p.State)
	c.sound(t)
}

// Invariant 6: reversals ≤ original.
func TestReversalsAreNoMoreThanTheOriginal(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	first, err := c.Transfer(asOperator(), Transfer{Steps: []Step{{What: "transfer.made", Subject: trf(1), Legs: lines(unapplied(), "100.00", payable(), "-90.00", "commission", "-10.00")}}})
	require.NoError(t, err)
	id := first.Made[0].Ref.ID
	back := func(words ...string) error {
		_, err := c.Reverse(asOperator(), Reverse{Posting: id, Legs: lines(words...), Reason: "wrong_amount"})
		return err
	}

	require.NoError(t, back(unapplied(), "-40.00", payable(), "36.00", "commission", "4.00"))
	c.sound(t)
	for name, legs := range map[string][]string{
		"too much":        {unapplied(), "-61.00", payable(), "61.00"},
		"the same side":   {unapplied(), "1.00", payable(), "-1.00"},
		"another account": {unapplied(), "-1.00", "commission:x", "1.00"},
	} {
		require.ErrorIs(t, back(legs...), ErrReversalExceeds, name)
	}
	require.NoError(t, back(), "the rest")
	require.ErrorIs(t, back(), ErrReversalExceeds)

	assert.Equal(t, "1000.00, 1000.00", c.on(t, unapplied()))
	assert.Equal(t, "0.00, 0.00", c.on(t, payable()))
	original, err := c.Store.Postings(asOperator(), id)
	require.NoError(t, err)
	linked, err := c.reversals(asOperator(), original[0])
	require.NoError(t, err)
	require.Len(t, linked, 2)
	assert.Equal(t, []platform.ID{id, id}, []platform.ID{linked[0].Reverses, linked[1].Reverses})
	c.sound(t)
}

func TestOfManyReversalsAsManyHappenAsFit(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	first, err := c.Transfer(asOperator(), Transfer{Steps: []Step{{What: "transfer.made", Subject: trf(1), Legs: lines(unapplied(), "10.00", payable(), "-10.00")}}})
	require.NoError(t, err)
	c.desk.w.Tries = 200
	s := New(c.desk.w, c.Store, nil)

	results := race(32, func(uint64) error {
		_, err := s.Reverse(asOperator(), Reverse{Posting: first.Made[0].Ref.ID, Legs: lines(unapplied(), "-1.00", payable(), "1.00"), Reason: "wrong"})
		return err
	})

	assert.Equal(t, map[string]int{"": 10, "ledger.reversal_exceeds": 22}, results)
	assert.Equal(t, "1000.00, 1000.00", c.on(t, unapplied()))
	c.sound(t)
}

func TestALockedAccountRefusesOneWayBothOrAll(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	_, err := c.Transfer(asOperator(), paid(1))
	require.NoError(t, err)
	in := func(n int) error { _, err := c.Transfer(asOperator(), paid(n)); return err }
	out := func(n int) error {
		return c.book(booked("payout.sent", platform.Ref{Kind: "finance.payout", ID: trf(n).ID.As("pay")}, dr("payable", "0.10", merchant), cr("clearing", "0.10", "sandbox")))
	}
	freeze := func(in, out bool) {
		_, err := c.FreezeAccount(asOperator(), FreezeAccount{Account: payable(), In: in, Out: out, Reason: "sanction"})
		require.NoError(t, err)
	}

	freeze(false, true)
	require.NoError(t, in(2))
	require.ErrorIs(t, out(2), ErrFrozen, "other domains are refused too")
	freeze(true, false)
	require.ErrorIs(t, in(3), ErrFrozen)
	_, err = c.CloseAccount(asOperator(), CloseAccount{Account: payable(), Reason: "gone"})
	require.ErrorIs(t, err, ErrAccountInUse, "something is on it")
	_, err = c.ReleaseAccount(asOperator(), ReleaseAccount{Account: payable(), Reason: "lifted"})
	require.NoError(t, err)
	require.NoError(t, out(4))
	require.NoError(t, in(4))

	empty := "payable:" + string(employee)
	_, err = c.CloseAccount(asOperator(), CloseAccount{Account: empty, Reason: "gone"})
	require.ErrorIs(t, err, ErrAccountInUse, "it is not frozen")
	_, err = c.FreezeAccount(asOperator(), FreezeAccount{Account: empty, In: true, Out: true, Reason: "gone"})
	require.NoError(t, err)
	_, err = c.CloseAccount(asOperator(), CloseAccount{Account: empty, Reason: "gone"})
	require.NoError(t, err)
	require.ErrorIs(t, c.book(booked("claim.approved", claim, dr("expense", "1.00"), cr("payable", "1.00", employee))), ErrAccountClosed)
	_, err = c.OpenAccounts(asOperator(), opened(brought(empty, "1.00")))
	require.ErrorIs(t, err, ErrAccountClosed)
	_, err = c.ReleaseAccount(asOperator(), ReleaseAccount{Account: empty, Reason: "back"})
	require.ErrorIs(t, err, ErrAccountClosed)
	for _, account := range []string{escrow(), "commission", "cash"} {
		_, err = c.FreezeAccount(asOperator(), FreezeAccount{Account: account, In: true, Reason: "x"})
		require.ErrorIs(t, err, ErrRole, account)
	}
	c.sound(t)
}

func TestMemoAccountsAreNotMixedWithOthers(t *testing.T) {
	t.Parallel()
	legs := []platform.Leg{dr("plan", "1.00"), cr("commission", "1.00")}
	legs[0].Of = budget.ID

	_, err := Post(booked("budget.planned", budget, legs...).Fact)

	require.ErrorIs(t, err, ErrMemoMixed)
}

func TestNoDomainPostsFreeLegs(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"journal.manual", reversed} {
		err := newDesk(t).book(booked(what, claim, dr("bank", "1.00", "house"), cr("commission", "1.00")))
		require.ErrorIs(t, err, ErrRecipe)
	}
}

// 64 debits at once on one floor: as many pass as fit, on every engine; F4, F5.
func TestOfManyDebitsOnOneFloorAsManyPassAsFit(t *testing.T) {
	t.Parallel()
	for name, d := range desks(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clerkOn(t, d, 4000)

			results := race(64, func(n uint64) error { _, err := c.Transfer(asOperator(), paid(int(n))); return err })

			assert.Equal(t, map[string]int{"": 40, "ledger.insufficient": 24}, results)
			assert.Equal(t, "0.00, 0.00", c.on(t, unapplied()))
			assert.Equal(t, "36.00, 36.00", c.on(t, payable()))
			c.sound(t)
		})
	}
}

func TestABatchOfAThousandIsBookedOnEveryEngine(t *testing.T) {
	t.Parallel()
	for name, d := range desks(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clerkOn(t, d, 90_000)
			groups := make([]Transfer, 1000)
			for i := range groups {
				groups[i] = paid(i)
			}

			results, err := c.Batch(asOperator(), Batch{Groups: groups})

			require.NoError(t, err)
			assert.Equal(t, map[string]int{"posted": 900, "ledger.insufficient": 100}, codes(results))
			results, err = c.Batch(asOperator(), Batch{Groups: groups})
			require.NoError(t, err)
			assert.Equal(t, map[string]int{"duplicate": 900, "ledger.insufficient": 100}, codes(results))
			c.sound(t)
		})
	}
}

// desks are desks over each engine that needs no server.
func desks(t *testing.T) map[string]*desk {
	t.Helper()
	file, err := sqlite.Open(t.Context(), t.TempDir()+"/books.db", Kinds(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	all := map[string]*desk{"memory": newDesk(t), "sqlite": newDesk(t)}
	d := all["sqlite"]
	d.Store, d.file, d.w.Store = StoreOn(file), file, file
	return all
}
