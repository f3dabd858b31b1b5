package reconciliation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/store/sandbox"
)

// planted says what is wrong with a day, told by what the institution really did.
type planted map[string]int

// plant lets the institution and the books live through a day.
func plant(v *world, dice *rand.Rand) {
	n := 0
	for range 8 + dice.IntN(20) {
		n++
		amount := yuan(fmt.Sprintf("%d.%02d", 10+n, dice.IntN(100)))
		v.charge(n, amount)
		v.captured(n, amount)
		switch dice.IntN(8) {
		case 0:
			part := yuan(fmt.Sprintf("%d.01", n))
			v.giveBack(n, part)
			v.returned(n, part)
		case 1: // at the institution's console, which nobody told the books
			require.NoError(v, v.bank.RefundByHand(payment.Key(attempt(n).ID), yuan(fmt.Sprintf("%d.77", n))))
		case 2: // money that nobody asked for
			v.bank.Deposit(yuan(fmt.Sprintf("%d.33", 500+n)))
		case 3: // in the books alone
			v.captured(1000+n, yuan(fmt.Sprintf("%d.55", 900+n)))
		}
		v.now = v.now.Add(time.Minute)
	}
}

// expected compares what the institution told with what the books have, entry by
// entry, without any of the passes: amounts of a key are unique in these worlds.
func expected(told []payment.Line, booked map[string]platform.Money) planted {
	want := planted{}
	seen := map[string]bool{}
	for _, l := range told {
		name, ours := strings.TrimSuffix(l.ID, "-again"), booked[string(l.Key)]
		switch {
		case seen[name]:
			want["duplicate"]++
		case ours.Absent():
			want["missing_in_books"]++
		case ours != l.Gross:
			want["amount_differs"]++
			delete(booked, string(l.Key))
		default:
			delete(booked, string(l.Key))
		}
		seen[name] = true
	}
	want["missing_at_institution"] += len(booked)
	for class, n := range want {
		if n == 0 {
			delete(want, class)
		}
	}
	return want
}

func TestEveryPlantedDifferenceIsFoundAndNoneInvented(t *testing.T) {
	t.Parallel()
	faults := sandbox.Faults{LineMissing: 0.08, LineDoubled: 0.08, LineAltered: 0.08}
	all := planted{}
	for seed := range uint64(300) {
		v := newWorld(t, faults, seed, nil)
		plant(v, rand.New(rand.NewPCG(seed, 1)))
		v.now = morning
		told, _, err := v.bank.Lines(context.Background(), noon, "")
		require.NoError(t, err)
		want := expected(told, v.ledger())

		run := v.reconciled(v.fetched("2026-03-02"))

		found := planted{}
		for _, c := range v.cases(reconciliation.CaseOpen) {
			found[string(c.Class)]++
			all[string(c.Class)]++
		}
		require.Equal(t, want, found, "seed %d", seed)
		require.Len(t, v.cases(reconciliation.CaseOpen), run.Cases, "seed %d", seed)
	}
	for _, class := range []string{"duplicate", "missing_in_books", "missing_at_institution", "amount_differs"} {
		assert.Greater(t, all[class], 100, class)
	}
}

// ledger are the entries on clearing, by the key of their operation.
func (v *world) ledger() map[string]platform.Money {
	booked := map[string]platform.Money{}
	entries, err := v.books.EntriesFrom(by(clerk), account("clearing:sandbox"), yuan("0.00").Currency(), 1)
	require.NoError(v, err)
	for _, e := range entries {
		id := e.Subject.ID
		if id.Prefix() == "rfd" {
			id = id.As("rtn")
		}
		booked[string(id)] = e.Amount
	}
	return booked
}

// TestEveryResolvedDifferenceIsExplained resolves all that was found by what is
// proposed, on a suspense account at worst: the books are then as the institution
// says, and nothing is open.
func TestEveryResolvedDifferenceIsExplained(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		v := newWorld(t, sandbox.Faults{LineMissing: 0.1, LineDoubled: 0.1, LineAltered: 0.1}, seed, nil)
		plant(v, rand.New(rand.NewPCG(seed, 2)))
		v.now = morning
		v.reconciled(v.fetched("2026-03-02"))
		for _, c := range v.cases(reconciliation.CaseOpen) {
			in := reconciliation.ResolveCase{Case: c.ID}
			if len(c.Proposal.Against) == 0 {
				in.What, in.Against = "suspense.opened", lines("suspense:sandbox", c.Differs.Neg())
			}
			_, err := v.s.ResolveCase(by(clerk), in)
			require.NoError(t, err, "%+v", c)
		}
		v.now = morning.AddDate(0, 0, 1)

		run := v.reconciled(v.fetched("2026-03-03"))

		require.Zero(t, run.Open, "seed %d: %v", seed, v.rows(run))
		require.Equal(t, run.Proofs[0].Institution, run.Proofs[0].Books)
		require.Empty(t, v.cases(reconciliation.CaseOpen))
		require.Empty(t, v.cases(reconciliation.CaseMatched))
	}
}

// TestSameFilesAndBooksGiveTheSameBytes: the digest of all rows, and the rows.
func TestSameFilesAndBooksGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	once := func() (reconciliation.Run, []string) {
		v := newWorld(t, sandbox.Faults{LineMissing: 0.1, LineDoubled: 0.1, LineAltered: 0.1}, 7, nil)
		plant(v, rand.New(rand.NewPCG(7, 3)))
		v.now = morning
		run := v.reconciled(v.fetched("2026-03-02"))
		return run, v.rows(run)
	}
	first, rows := once()
	for range 5 {
		again, same := once()
		require.Equal(t, first.Digest, again.Digest)
		require.True(t, slices.Equal(rows, same))
	}
	assert.NotEmpty(t, rows)
}
