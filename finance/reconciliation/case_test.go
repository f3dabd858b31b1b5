package reconciliation_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/finance/reconciliation"
	"github.com/liangding/platform/store/memory"
	"github.com/liangding/platform/store/sandbox"
)

// differing is a world with one open case: the institution has these rows, which
// the books do not have.
func differing(t *testing.T, rows ...string) (*world, reconciliation.Case) {
	t.Helper()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.reconciled(v.file("2026-03-02", rows...))
	open := v.cases(reconciliation.CaseOpen)
	require.Len(t, open, 1)
	return v, open[0]
}

func surplus(t *testing.T, amount string) (*world, reconciliation.Case) {
	t.Helper()
	return differing(t, "a,charge,,ch_1,"+amount+",,CNY,"+at+",")
}

func (v *world) balance(text string) platform.Money {
	b, err := v.books.Balance(by(clerk), account(text), yuan("0.00").Currency())
	require.NoError(v, err)
	return b.Posted
}

func (v *world) resolve(c reconciliation.Case, what string, against ...finance.Line) (reconciliation.Case, error) {
	return v.s.ResolveCase(by(clerk), reconciliation.ResolveCase{Case: c.ID, What: what, Against: against})
}

func TestADifferenceIsACaseWithOwnerDueAndProposal(t *testing.T) {
	t.Parallel()
	_, c := surplus(t, "10.00")

	assert.Equal(t, reconciliation.MissingInBooks, c.Class)
	assert.Equal(t, platform.ID("reconciliation"), c.Owner)
	assert.Equal(t, time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC), c.Due, "the end of the next business day")
	assert.Equal(t, reconciliation.Resolution{What: "pay.surplus", Against: []platform.Leg{{Role: "surplus", Of: c.ID, Amount: yuan("-10.00")}}}, c.Proposal)
	assert.Equal(t, []string{"a"}, c.Lines)
	assert.Equal(t, "ch_1", c.Reference)
	assert.Equal(t, yuan("10.00"), c.Differs)
}

func TestWhatIsProposedFollowsFromTheDifference(t *testing.T) {
	t.Parallel()
	for row, want := range map[string]string{
		"a,charge,,,10.00,,CNY," + at + ",":      "pay.surplus surplus",
		"a,charge,,,-10.00,,CNY," + at + ",":     "suspense.opened suspense",
		"a,refund,,,-10.00,,CNY," + at + ",":     "refund.imported ",
		"a,payout,,,-10.00,,CNY," + at + ",":     "bank.swept ",
		"a,sweep,,,-10.00,,CNY," + at + ",":      "bank.swept ",
		"a,fee,,,-10.00,,CNY," + at + ",":        "gateway.fee gateway_fee",
		"a,fee,,,10.00,,CNY," + at + ",":         "suspense.opened suspense",
		"a,chargeback,,,-10.00,,CNY," + at + ",": "suspense.opened suspense",
		"a,split,,,-10.00,,CNY," + at + ",":      "suspense.opened suspense",
	} {
		_, c := differing(t, row)
		role := ""
		if len(c.Proposal.Against) > 0 {
			role = c.Proposal.Against[0].Role
		}
		assert.Equal(t, want, c.Proposal.What+" "+role, row)
	}
}

func TestAConsoleRefundIsResolvedOutOfTheOrder(t *testing.T) {
	t.Parallel()
	v := newWorld(t, sandbox.Faults{}, 0, nil)
	v.paid(1, "100.00")
	require.NoError(t, v.bank.RefundByHand(payment.Key(attempt(1).ID), yuan("30.00")))
	v.now = morning
	v.reconciled(v.fetched("2026-03-02"))
	c := v.cases(reconciliation.CaseOpen)[0]
	assert.Equal(t, "refund.imported", c.Proposal.What)

	_, err := v.resolve(c, "")
	assert.Equal(t, "recon.amount", platform.Code(err), "a person says whose money it was")
	done, err := v.resolve(c, "", finance.Line{Account: "escrow:" + string(order(1)), Amount: yuan("30.00")})
	require.NoError(t, err)
	assert.Equal(t, reconciliation.CaseResolved, done.State)
	assert.Equal(t, yuan("70.00"), v.balance("escrow:"+string(order(1))))
	assert.Equal(t, yuan("70.00"), v.balance("clearing:sandbox"))

	v.now = morning.AddDate(0, 0, 1)
	run := v.reconciled(v.fetched("2026-03-03"))
	assert.Zero(t, run.Open)
	assert.Equal(t, reconciliation.CaseResolved, must(v.s.Case(by(auditor), c.ID))(t).State)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

func TestAResolutionTakesUpTheWholeDifferenceByItsRecipe(t *testing.T) {
	t.Parallel()
	v, c := surplus(t, "10.00")
	for name, try := range map[string]struct {
		what    string
		against []finance.Line
		code    string
	}{
		"less":               {"pay.surplus", lines("surplus:"+string(c.ID), yuan("-9.00")), "recon.amount"},
		"the other way":      {"pay.surplus", lines("surplus:"+string(c.ID), yuan("10.00")), "recon.amount"},
		"another currency":   {"pay.surplus", lines("surplus:"+string(c.ID), platform.MustMoney("-10.00", "USD")), "money.currency_mixed"},
		"nobody's":           {"receipt.unapplied", nil, "recon.amount"},
		"no such recipe":     {"order.completed", lines("commission", yuan("-10.00")), "recon.recipe"},
		"from no suspense":   {"suspense.resolved", lines("difference", yuan("-10.00")), "recon.recipe"},
		"another's account":  {"pay.surplus", lines("commission", yuan("-10.00")), "ledger.recipe"},
		"no such account":    {"pay.surplus", lines("purse", yuan("-10.00")), "ledger.role"},
		"with the wrong end": {"gateway.fee", lines("gateway_fee:sandbox", yuan("-10.00")), "ledger.recipe"},
	} {
		_, err := v.resolve(c, try.what, try.against...)
		assert.Equal(t, try.code, platform.Code(err), name)
	}
	assert.Equal(t, reconciliation.CaseOpen, v.cases(reconciliation.CaseOpen)[0].State)
	_, err := v.s.ResolveCase(by(auditor), reconciliation.ResolveCase{Case: c.ID})
	assert.Equal(t, "recon.actor_not_allowed", platform.Code(err))
	_, err = v.s.ResolveCase(by(clerk), reconciliation.ResolveCase{Case: platform.NewID("rcn", noon, 1, 99)})
	require.ErrorIs(t, err, platform.ErrNotFound)
}

func TestAboveFiveThousandTwoPeopleResolve(t *testing.T) {
	t.Parallel()
	v, c := surplus(t, "5000.01")

	proposed, err := v.resolve(c, "")
	require.NoError(t, err)
	assert.Equal(t, reconciliation.CaseProposed, proposed.State)
	assert.Equal(t, clerk.ID, proposed.Owner)
	assert.Equal(t, yuan("0.00"), v.balance("clearing:sandbox"), "nothing is booked yet")
	_, err = v.resolve(c, "")
	assert.Equal(t, "recon.case_ended", platform.Code(err))
	_, err = v.s.ApproveCase(by(clerk), reconciliation.ApproveCase{Case: c.ID})
	assert.Equal(t, "recon.four_eyes", platform.Code(err))
	_, err = v.s.RejectCase(by(clerk), reconciliation.RejectCase{Case: c.ID, Reason: "mine"})
	assert.Equal(t, "recon.four_eyes", platform.Code(err))

	rejected, err := v.s.RejectCase(by(second), reconciliation.RejectCase{Case: c.ID, Reason: "wrong account"})
	require.NoError(t, err)
	assert.Equal(t, reconciliation.CaseOpen, rejected.State)
	_, err = v.s.ApproveCase(by(second), reconciliation.ApproveCase{Case: c.ID})
	assert.Equal(t, "recon.case_ended", platform.Code(err))
	_, err = v.resolve(c, "suspense.opened", lines("suspense:sandbox", yuan("-5000.01"))...)
	require.NoError(t, err)
	parked, err := v.s.ApproveCase(by(second), reconciliation.ApproveCase{Case: c.ID})
	require.NoError(t, err)
	assert.Equal(t, reconciliation.CaseSuspended, parked.State)
	assert.Equal(t, second.ID, parked.Decider)
	assert.Equal(t, yuan("5000.01"), v.balance("clearing:sandbox"))
	assert.Equal(t, yuan("-5000.01"), v.balance("suspense:sandbox"))
}

func TestFiveThousandNeedsOnePersonAndTheLimitIsATerm(t *testing.T) {
	t.Parallel()
	v, c := surplus(t, "5000.00")
	done, err := v.resolve(c, "")
	require.NoError(t, err)
	assert.Equal(t, reconciliation.CaseResolved, done.State)

	strict := newWorld(t, sandbox.Faults{}, 0, &reconciliation.Options{Terms: reconciliation.Terms{FourEyes: decimal.New(1, 0)}})
	strict.reconciled(strict.file("2026-03-02", "a,charge,,,1.01,,CNY,"+at+","))
	done, err = strict.resolve(strict.cases(reconciliation.CaseOpen)[0], "")
	require.NoError(t, err)
	assert.Equal(t, reconciliation.CaseProposed, done.State)
}

func TestSuspenseIsResolvedIntoANamedAccount(t *testing.T) {
	t.Parallel()
	v, c := surplus(t, "10.00")
	parked, err := v.resolve(c, "suspense.opened", lines("suspense:sandbox", yuan("-10.00"))...)
	require.NoError(t, err)
	assert.Equal(t, reconciliation.CaseSuspended, parked.State)
	v.now = morning.AddDate(0, 0, 1)
	assert.Zero(t, v.reconciled(v.file("2026-03-03")).Open, "clearing is explained")
	assert.Len(t, v.cases(reconciliation.CaseSuspended), 1, "the case is not")

	_, err = v.resolve(c, "pay.surplus", lines("surplus:"+string(c.ID), yuan("-10.00"))...)
	assert.Equal(t, "recon.recipe", platform.Code(err))
	done, err := v.resolve(c, "suspense.resolved", lines("difference", yuan("-10.00"))...)
	require.NoError(t, err)
	assert.Equal(t, reconciliation.CaseResolved, done.State)
	assert.Equal(t, yuan("0.00"), v.balance("suspense:sandbox"))
	assert.Equal(t, yuan("10.00"), v.balance("difference"))
	_, err = v.resolve(c, "suspense.resolved", lines("difference", yuan("-10.00"))...)
	assert.Equal(t, "recon.case_ended", platform.Code(err))
}

func TestOfManyWhoResolveOneDoes(t *testing.T) {
	t.Parallel()
	v, c := surplus(t, "10.00")
	told := make([]error, 16)
	s := reconciliation.New(platform.Writer{Store: v.db, Now: func() time.Time { return noon }}, v.store, reconciliation.Ports{Books: v.books}, nil)
	var crowd sync.WaitGroup
	for i := range told {
		crowd.Go(func() { _, told[i] = s.ResolveCase(by(clerk), reconciliation.ResolveCase{Case: c.ID}) })
	}
	crowd.Wait()

	done := 0
	for _, err := range told {
		if err == nil {
			done++
			continue
		}
		assert.Equal(t, "recon.case_ended", platform.Code(err))
	}
	assert.Equal(t, 1, done)
	assert.Equal(t, yuan("10.00"), v.balance("clearing:sandbox"))
}

func TestACaseThatIsLateIsToldOnce(t *testing.T) {
	t.Parallel()
	v, c := surplus(t, "10.00")
	tick := func(at time.Time) int {
		n, err := v.s.Tick(context.Background(), at, 0)
		require.NoError(t, err)
		return n
	}
	assert.Zero(t, tick(c.Due.Add(-time.Microsecond)))
	v.now = c.Due
	assert.Equal(t, 1, tick(c.Due))
	assert.Zero(t, tick(c.Due.Add(time.Hour)))
	assert.True(t, v.cases(reconciliation.CaseOpen)[0].Overdue)

	taken, err := v.s.TakeCase(by(second), reconciliation.TakeCase{Case: c.ID})
	require.NoError(t, err)
	assert.Equal(t, second.ID, taken.Owner)
	_, err = v.resolve(c, "")
	require.NoError(t, err)
	_, err = v.s.TakeCase(by(second), reconciliation.TakeCase{Case: c.ID})
	assert.Equal(t, "recon.case_ended", platform.Code(err))
}

func TestOfManyRunsOfOneStatementThereIsOne(t *testing.T) {
	t.Parallel()
	db := memory.New(kinds(), nil)
	t.Cleanup(func() { _ = db.Close() })
	v := worldOn(t, db, sandbox.Faults{}, 0, nil)
	s := reconciliation.New(platform.Writer{Store: db, Now: func() time.Time { return noon }}, v.store, reconciliation.Ports{Books: v.books}, nil)
	days := []reconciliation.Statement{
		v.file("2026-03-01", "a,charge,,,1.00,,CNY,2026-03-01T12:00:00Z,"), v.file("2026-03-02", "b,charge,,,2.00,,CNY,"+at+","),
	}
	runs := make([]reconciliation.Run, 16)
	var crowd sync.WaitGroup
	for i := range runs {
		crowd.Go(func() {
			run, err := s.Reconcile(by(clerk), reconciliation.Reconcile{Statement: days[i%2].ID})
			assert.NoError(t, err)
			runs[i] = run
		})
	}
	crowd.Wait()

	for i := range runs {
		assert.Equal(t, runs[i%2].ID, runs[i].ID)
		assert.Equal(t, runs[i%2].Digest, runs[i].Digest)
	}
	page, err := s.Runs(by(auditor), "sandbox", "")
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	assert.Equal(t, yuan("3.00"), page.Items[0].Proofs[0].Institution)
	assert.Len(t, v.cases(reconciliation.CaseOpen), 2)
	drafts, err := db.Scan(context.Background(), platform.Query{Kind: "reconciliation.draft"})
	require.NoError(t, err)
	assert.Empty(t, drafts.Items)
}

// A payout that came back is booked on the payout, once its institution was asked.
func TestAReturnedPayoutIsNotBookedOnACase(t *testing.T) {
	t.Parallel()
	v, c := differing(t, "a,reversal,,po_1,10.00,,CNY,"+at+",")

	_, err := v.resolve(c, "payout.returned", finance.Line{Account: "payable:mer_01kdvdna00eajs4d2pf2dbsqqg", Amount: yuan("-10.00")})

	assert.Equal(t, "recon.recipe", platform.Code(err))
}
