package settlement_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
	"github.com/liangding/platform/finance/settlement"
	"github.com/liangding/platform/store/sandbox"
)

// ready is a party's account with an amount on a confirmed statement.
func ready(t require.TestingT, v *world, amount, payee string) settlement.Account {
	a := v.account(t, merchant, payee)
	v.earn(t, merchant.ID, amount)
	v.confirmed(t)
	return a
}

func TestPayoutIsPlannedApprovedHeldAndPaid(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", "bright-windows")
	p := v.planned(t, a)
	assert.Equal(t, settlement.PayoutPlanned, p.State)
	assert.Equal(t, "100.00 CNY", p.Amount.String())
	assert.Equal(t, "100.00, 100.00", v.on(t, "payable:"+string(merchant.ID)), "a plan holds nothing")
	require.NoError(t, v.after(time.Hour))
	assert.Equal(t, settlement.PayoutPlanned, v.payout(t, p.ID).State, "nor does it go by itself")

	_, err := v.s.ApprovePayout(by(second), settlement.ApprovePayout{Payout: p.ID})
	require.NoError(t, err)
	require.NoError(t, v.after(0))
	assert.Equal(t, settlement.PayoutSending, v.payout(t, p.ID).State, "accepted is not paid")
	assert.Equal(t, "100.00, 0.00", v.on(t, "payable:"+string(merchant.ID)), "held")
	assert.Equal(t, "100.00 CNY", v.purse(t, a).InTransit.String())
	v.quiesce(t)

	p = v.payout(t, p.ID)
	assert.Equal(t, settlement.PayoutPaid, p.State)
	assert.Equal(t, "0.00, 0.00", v.on(t, "payable:"+string(merchant.ID)))
	assert.Equal(t, "0.00, 0.00", v.on(t, "clearing:sandbox"))
	assert.Equal(t, "100", v.out(t, "100.00").String())
	assert.Contains(t, v.events(t, p.Ref()), "payout.paid")
	v.sound(t)
}

// holder is a port that holds a party.
type holder struct{ held bool }

func (h *holder) Held(context.Context, platform.ID, time.Time) ([]platform.Change, error) {
	if h.held {
		return nil, platform.ErrState
	}
	return nil, nil
}

// judge is a screen with one opinion.
type judge string

func (j judge) Screen(context.Context, platform.Event) (string, []platform.Change, error) {
	return string(j), nil, nil
}

func TestPayoutIsNotPlanned(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set  setup
		do   func(t *testing.T, v *world, a settlement.Account)
		want []string
	}{
		"below the minimum": {setup{terms: settlement.Terms{Limits: map[string]settlement.Limits{"CNY": {Minimum: 101}}}}, nil, []string{"payout.minimum"}},
		"to an account that was changed": {setup{}, func(t *testing.T, v *world, _ settlement.Account) {
			t.Helper()
			v.account(t, merchant, "elsewhere")
			v.clock.Advance(72*time.Hour - time.Second)
		}, []string{"payout.account"}},
		"to an account that is rejected": {setup{}, func(t *testing.T, v *world, a settlement.Account) {
			t.Helper()
			_, err := v.s.RejectAccount(by(clerk), settlement.RejectAccount{Account: a.ID, Reason: "not_theirs"})
			require.NoError(t, err)
		}, []string{"payout.account"}},
		"from a frozen account": {setup{}, func(t *testing.T, v *world, _ settlement.Account) {
			t.Helper()
			desk := finance.New(v.w, finance.StoreOn(v.db), nil)
			_, err := desk.FreezeAccount(by(clerk), finance.FreezeAccount{Account: "payable:" + string(merchant.ID), Out: true, Reason: "court"})
			require.NoError(t, err)
		}, []string{"payout.frozen"}},
		"to a party under sanction": {setup{holds: &holder{held: true}}, nil, []string{"payout.frozen"}},
		"out of what is disputed": {setup{}, func(t *testing.T, v *world, _ settlement.Account) {
			t.Helper()
			_, err := v.hold(merchant.ID, yuan("100.00"))
			require.NoError(t, err)
		}, []string{"payout.nothing_due"}},
		"when screening blocks it": {setup{screen: judge("block")}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newWorld(c.set)
			a := ready(t, v, "100.00", sandbox.OK)
			if c.do != nil {
				c.do(t, v, a)
			}

			r := v.run(t, "r1")

			assert.True(t, r.Planned)
			assert.Zero(t, r.Count)
			assert.Empty(t, each[settlement.Payout](t, v, "settlement.payout"))
			assert.Equal(t, c.want, v.purse(t, a).Waits, "and the party sees why")
			v.sound(t)
		})
	}
}

// Whoever started the run, approved all that waits, or finds nothing that waits, has
// nothing to approve in it.
func TestARunIsApprovableByThoseWhoCanStillApproveInIt(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{terms: settlement.Terms{Limits: map[string]settlement.Limits{"CNY": {Each: 50}}}})
	a := ready(t, v, "100.00", "bright-windows")
	r := v.run(t, "r1").Run
	may := func(who platform.Actor) bool {
		t.Helper()
		waits, err := v.s.Approvable(by(who), r)
		require.NoError(t, err)
		return waits
	}
	assert.False(t, may(clerk), "who started it")
	assert.True(t, may(second))
	_, err := v.s.ApproveRun(by(second), settlement.ApproveRun{Run: r.ID})
	require.NoError(t, err)
	assert.Equal(t, settlement.PayoutPlanned, v.payout(t, settlement.PayoutID(a.ID, r.ID)).State, "one more must")
	assert.False(t, may(second), "who has approved")
	assert.True(t, may(third))
	_, err = v.s.ApproveRun(by(third), settlement.ApproveRun{Run: r.ID})
	require.NoError(t, err)
	assert.False(t, may(third), "all are approved")
	assert.False(t, may(clerk))
	_, err = v.s.Approvable(by(merchant), r)
	require.ErrorIs(t, err, platform.ErrDenied)
	open := r
	open.Planned = false
	waits, err := v.s.Approvable(by(third), open)
	require.NoError(t, err)
	assert.False(t, waits, "payouts may still join it")
}

// Verified 48 hours ago, no sooner.
func TestFreshAccountWaits(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{terms: settlement.Terms{Cycles: map[string]settlement.Cycle{"mer": settlement.Daily}}})
	v.earn(t, merchant.ID, "100.00")
	a := v.account(t, merchant, sandbox.OK)
	v.clock.Advance(time.Hour)
	require.NoError(t, v.after(12*time.Hour))
	_, err := v.s.ConfirmStatement(by(merchant), settlement.ConfirmStatement{Statement: v.latest(t, a).ID})
	require.NoError(t, err)

	v.clock.Advance(35*time.Hour - time.Second)
	assert.Zero(t, v.run(t, "r1").Count)
	v.clock.Advance(time.Second)
	assert.EqualValues(t, 1, v.run(t, "r2").Count)
}

func TestReviewWaitsForAPerson(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{screen: judge("review")})
	a := ready(t, v, "100.00", sandbox.OK)
	p := v.planned(t, a)
	assert.Equal(t, settlement.PayoutReview, p.State)

	_, err := v.s.ApprovePayout(by(second), settlement.ApprovePayout{Payout: p.ID})
	require.ErrorIs(t, err, settlement.ErrPayout)
	p, err = v.s.ClearPayout(by(third), settlement.ClearPayout{Payout: p.ID, Reason: "known_customer"})
	require.NoError(t, err)
	assert.Equal(t, settlement.PayoutPlanned, p.State)
	p, err = v.s.ApprovePayout(by(second), settlement.ApprovePayout{Payout: p.ID})
	require.NoError(t, err)
	assert.Equal(t, settlement.PayoutApproved, p.State)
}

// Invariant 20: who starts a run, approves and pays are different people, and
// large sums take two approvals.
func TestApproversDiffer(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "50000.01", sandbox.OK)
	p := v.planned(t, a)
	approve := func(who platform.Actor) (settlement.Payout, error) {
		return v.s.ApprovePayout(by(who), settlement.ApprovePayout{Payout: p.ID})
	}

	_, err := approve(clerk)
	require.ErrorIs(t, err, settlement.ErrSelf, "the clerk started the run")
	_, err = approve(merchant)
	require.ErrorIs(t, err, platform.ErrDenied)
	got, err := approve(second)
	require.NoError(t, err)
	assert.Equal(t, settlement.PayoutPlanned, got.State, "above 50,000: one is not enough")
	_, err = approve(second)
	require.ErrorIs(t, err, settlement.ErrSelf)
	_, err = approve(platform.Actor{ID: third.ID, Kind: platform.Operator, OnBehalf: second.ID})
	require.ErrorIs(t, err, settlement.ErrSelf, "nor does a delegate of the same person count")
	got, err = approve(third)
	require.NoError(t, err)
	assert.Equal(t, settlement.PayoutApproved, got.State)
	_, err = v.s.SendPayout(by(third), settlement.SendPayout{Payout: p.ID})
	require.ErrorIs(t, err, settlement.ErrSelf, "an approver does not pay")
	got, err = v.s.SendPayout(by(clerk), settlement.SendPayout{Payout: p.ID})
	require.NoError(t, err)
	assert.Equal(t, settlement.PayoutSending, got.State)
}

func TestLargeRunTakesTwoApprovalsForEach(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{terms: settlement.Terms{Limits: map[string]settlement.Limits{"CNY": {Run: 150}}}})
	other := platform.Actor{ID: stranger.ID, Kind: platform.Merchant}
	accounts := []settlement.Account{v.account(t, merchant, sandbox.OK), v.account(t, other, sandbox.OK)}
	v.earn(t, merchant.ID, "100.00")
	v.earn(t, other.ID, "50.01")
	v.confirmed(t)
	r := v.run(t, "r1")
	assert.Equal(t, "150.01 CNY", r.Amount.String())

	n, err := v.s.ApproveRun(by(second), settlement.ApproveRun{Run: r.ID})
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	for _, a := range accounts {
		assert.Equal(t, settlement.PayoutPlanned, v.payout(t, settlement.PayoutID(a.ID, r.ID)).State)
	}
	n, err = v.s.ApproveRun(by(second), settlement.ApproveRun{Run: r.ID})
	require.NoError(t, err)
	assert.Zero(t, n, "the same person again")
	_, err = v.s.ApproveRun(by(third), settlement.ApproveRun{Run: r.ID})
	require.NoError(t, err)
	for _, a := range accounts {
		assert.Equal(t, settlement.PayoutApproved, v.payout(t, settlement.PayoutID(a.ID, r.ID)).State)
	}
}

// Two persons stand behind each payout: the one who starts its run and the one who
// approves it, or two who approve what the system started.
func TestRunOfTheSystemTakesTwoApprovers(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.OK)
	r, err := v.s.StartRun(system(), settlement.StartRun{Name: "nightly", Currency: "CNY"})
	require.NoError(t, err)
	in := settlement.ApprovePayout{Payout: settlement.PayoutID(a.ID, r.ID)}

	p, err := v.s.ApprovePayout(by(second), in)
	require.NoError(t, err)
	assert.Equal(t, settlement.PayoutPlanned, p.State)
	_, err = v.s.ApprovePayout(by(second), in)
	require.ErrorIs(t, err, settlement.ErrSelf)
	p, err = v.s.ApprovePayout(by(third), in)
	require.NoError(t, err)
	assert.Equal(t, settlement.PayoutApproved, p.State)
}

func TestCancelledMoneyIsForTheNextRun(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.OK)
	p := v.approved(t, a)
	assert.Zero(t, v.run(t, "again").Count, "one that is not sent is enough")

	p, err := v.s.CancelPayout(by(clerk), settlement.CancelPayout{Payout: p.ID, Reason: "wrong_day"})
	require.NoError(t, err)
	assert.Equal(t, "wrong_day", p.Reason)
	require.NoError(t, v.after(time.Hour))
	assert.Equal(t, settlement.PayoutCancelled, v.payout(t, p.ID).State)
	again := v.approved(t, a)
	assert.NotEqual(t, p.ID, again.ID)
	v.quiesce(t)
	_, err = v.s.CancelPayout(by(clerk), settlement.CancelPayout{Payout: again.ID, Reason: "too_late"})
	require.ErrorIs(t, err, settlement.ErrPayout)
	assert.Equal(t, "100", v.out(t, "100.00").String())
	v.sound(t)
}

// A party is asked anew when money goes out: what changed since the plan stops it.
func TestSendingDecidesAnew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(v *world, a settlement.Account) error
		want string
	}{
		"the money is disputed": {func(v *world, _ settlement.Account) error { _, err := v.hold(merchant.ID, yuan("0.01")); return err }, "payout.insufficient"},
		"the account changed": {func(v *world, _ settlement.Account) error {
			_, err := v.s.Register(by(merchant), settlement.Register{Party: merchant.ID, Currency: "CNY", Institution: "sandbox", Payee: "other"})
			return err
		}, "payout.account"},
		"the party is held": {func(v *world, _ settlement.Account) error { v.set.holds.(*holder).held = true; return nil }, "payout.frozen"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newWorld(setup{holds: &holder{}})
			a := ready(t, v, "100.00", sandbox.OK)
			p := v.approved(t, a)
			require.NoError(t, c.do(v, a))

			require.NoError(t, v.after(0))

			p = v.payout(t, p.ID)
			assert.Equal(t, settlement.PayoutCancelled, p.State)
			assert.Equal(t, c.want, p.Reason)
			assert.Equal(t, "0", v.out(t, "100.00").String())
			v.sound(t)
		})
	}
}

// F13: debts are set off first, what is left of them stays.
func TestDebtsAreSetOffFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ debt, paid, payable, receivable string }{
		"less than is due":   {"30.00", "70.00", "0.00, 0.00", "0.00, 0.00"},
		"all of it":          {"100.00", "0.00", "0.00, 0.00", "0.00, 0.00"},
		"more than there is": {"130.00", "0.00", "0.00, 0.00", "30.00, 30.00"},
		"all but too little": {"99.50", "0.00", "0.50, 0.50", "0.00, 0.00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newWorld(setup{})
			a := v.account(t, merchant, sandbox.OK)
			_, err := v.post("fee.invoiced", "inv", leg("receivable", merchant.ID, "", yuan(c.debt)), leg("advertising", "", "", yuan(c.debt).Neg()))
			require.NoError(t, err)
			v.earn(t, merchant.ID, "100.00")
			v.confirmed(t)

			p := v.planned(t, a)
			if p.State == settlement.PayoutPlanned {
				_, err = v.s.ApprovePayout(by(second), settlement.ApprovePayout{Payout: p.ID})
				require.NoError(t, err)
			}
			v.quiesce(t)

			assert.Equal(t, c.paid, p.Amount.Decimal().StringFixed(2))
			assert.Equal(t, c.payable, v.on(t, "payable:"+string(merchant.ID)))
			assert.Equal(t, c.receivable, v.on(t, "receivable:"+string(merchant.ID)))
			v.run(t, "again")
			assert.Equal(t, c.receivable, v.on(t, "receivable:"+string(merchant.ID)), "once")
			v.sound(t)
		})
	}
}

// F33: a dispute is decided after the payout. The customer is paid, the merchant
// owes it, and what it earns next goes there first.
func TestDebtAfterThePayoutComesOutOfTheNextEarnings(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.OK)
	v.approved(t, a)
	v.quiesce(t)
	buyer := v.w.NewRoot(system(), "cus")
	_, err := v.post("dispute.compensated", "dsp", leg("receivable", merchant.ID, "", yuan("80.00")), leg("payable", buyer, "", yuan("-80.00")))
	require.NoError(t, err)
	assert.Equal(t, "80.00 CNY", v.purse(t, a).Debt.String())
	v.earn(t, merchant.ID, "100.00")
	v.confirmed(t)

	p := v.approved(t, a)
	v.quiesce(t)

	assert.Equal(t, "20.00 CNY", p.Amount.String())
	assert.Equal(t, "80.00 CNY", p.SetOff.String())
	assert.Equal(t, "120", v.out(t, "200.00").String())
	v.sound(t)
}

// F14: paid, and back from the bank days later.
func TestReturnedPayoutIsBookedBackAndItsAccountDoubted(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.Bounce)
	p := v.approved(t, a)
	require.NoError(t, v.after(0))
	require.NoError(t, v.after(2*time.Minute))
	require.Equal(t, settlement.PayoutPaid, v.payout(t, p.ID).State)
	assert.Equal(t, "0.00, 0.00", v.on(t, "payable:"+string(merchant.ID)))

	require.NoError(t, v.after(49*time.Hour))

	p = v.payout(t, p.ID)
	assert.Equal(t, settlement.PayoutReturned, p.State)
	assert.False(t, p.PaidAt.IsZero(), "that it was paid stays true")
	assert.Equal(t, "100.00, 100.00", v.on(t, "payable:"+string(merchant.ID)))
	got, err := v.s.Account(by(merchant), a.ID)
	require.NoError(t, err)
	assert.Equal(t, settlement.AccountRejected, got.State)
	assert.Equal(t, v.clock.Now().Add(72*time.Hour), got.CoolsUntil)
	assert.Zero(t, v.run(t, "r2").Count)
	v.account(t, merchant, sandbox.OK)
	v.clock.Advance(72 * time.Hour)
	v.approved(t, a)
	v.quiesce(t)
	assert.Equal(t, "100", v.out(t, "100.00").String(), "and goes out once")
	v.sound(t)
}

// The institution told of the return before anybody looked whether it was paid.
func TestReturnIsHeardBeforeThePayment(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.Bounce)
	p := v.approved(t, a)
	require.NoError(t, v.after(0))
	v.clock.Advance(30 * time.Hour)

	require.NoError(t, v.s.Heard(context.Background(), string(p.ID)))

	assert.Equal(t, settlement.PayoutReturned, v.payout(t, p.ID).State)
	assert.Equal(t, "100.00, 100.00", v.on(t, "payable:"+string(merchant.ID)))
	require.ErrorIs(t, v.s.Heard(context.Background(), string(settlement.PayoutID(p.Run, p.ID))), platform.ErrNotFound)
	v.sound(t)
}

func TestFailedPayoutFreesTheMoneyAndWaitsForTheAccount(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.Decline+":account_closed")
	p := v.approved(t, a)

	require.NoError(t, v.after(0))
	v.quiesce(t)

	p = v.payout(t, p.ID)
	assert.Equal(t, settlement.PayoutFailed, p.State)
	assert.Equal(t, "account_closed", p.Reason)
	assert.Equal(t, "100.00, 100.00", v.on(t, "payable:"+string(merchant.ID)))
	assert.Equal(t, []string{"payout.account"}, v.purse(t, a).Waits)
	r, err := v.s.Run(by(clerk), p.Run)
	require.NoError(t, err)
	assert.Zero(t, r.Count, "a failed payout is no part of what the run pays")
	assert.Equal(t, "0.00 CNY", r.Amount.String())
	v.sound(t)
}

// What the institution refuses is our mistake, not the party's.
func TestRefusedPayoutDoubtsNoAccount(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.OK)
	_, err := v.post("reward.granted", "chg", leg("reward", "", "", yuan("50.00")), leg("payable", merchant.ID, "", yuan("-50.00")))
	require.NoError(t, err) // more than the institution has of ours
	v.confirmed(t)
	p := v.approved(t, a)
	require.NoError(t, v.after(0))

	p = v.payout(t, p.ID)
	assert.Equal(t, settlement.PayoutFailed, p.State)
	assert.Equal(t, "payment.refused", p.Reason)
	got, err := v.s.Account(by(merchant), a.ID)
	require.NoError(t, err)
	assert.Equal(t, settlement.AccountVerified, got.State)
}

// F15: nobody knows for a day. The money stays held, a person looks, and no other
// key is ever used.
func TestUnknownForADayWaitsForAPerson(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{faults: sandbox.Faults{Silence: 1}})
	a := ready(t, v, "100.00", sandbox.Timeout)
	p := v.approved(t, a)
	v.quiesce(t)

	p = v.payout(t, p.ID)
	require.Equal(t, settlement.PayoutManual, p.State)
	assert.Equal(t, "100.00, 0.00", v.on(t, "payable:"+string(merchant.ID)))
	assert.Zero(t, v.run(t, "next").Count, "nothing of it is free for another")
	page, err := v.s.Payouts(by(clerk), settlement.PayoutQuery{State: settlement.PayoutManual})
	require.NoError(t, err)
	require.Len(t, page.Items, 1, "the queue of those who find out")
	_, err = v.s.ResolvePayout(by(clerk), settlement.ResolvePayout{Payout: p.ID, Outcome: "paid", Reason: "bank_statement"})
	require.NoError(t, err)
	assert.Equal(t, "0.00, 0.00", v.on(t, "payable:"+string(merchant.ID)))
	assert.Equal(t, "100", v.out(t, "100.00").String())
	assert.Less(t, strings.Count(strings.Join(v.events(t, p.Ref()), " "), "payout."), 40)
	v.sound(t)
}

// slow are funds that accept everything, and whose bank never says a word.
type slow struct{}

func (slow) PayOut(context.Context, string, string, string, platform.Money) (string, string, string, error) {
	return "unknown", "po_1", "", nil
}

func (slow) LookUp(context.Context, string, string, string, platform.Money, time.Time) (string, string, string, error) {
	return "unknown", "po_1", "", nil
}

// What the institution has accepted is no mystery: a bank has a week before a
// person asks.
func TestAcceptedPayoutHasAWeek(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", "payee")
	p := v.approved(t, a)
	v.funds.Funds = slow{}

	for range 6 * 24 {
		require.NoError(t, v.after(time.Hour))
	}
	assert.Equal(t, settlement.PayoutSending, v.payout(t, p.ID).State)
	assert.Equal(t, "po_1", v.payout(t, p.ID).Reference)
	for range 2 * 24 {
		require.NoError(t, v.after(time.Hour))
	}

	assert.Equal(t, settlement.PayoutManual, v.payout(t, p.ID).State)
	assert.Equal(t, "100.00, 0.00", v.on(t, "payable:"+string(merchant.ID)), "and is held all the time")
	assert.Less(t, len(v.events(t, p.Ref())), 70)
}

// A payout that never arrived goes out again, under its own key.
func TestLostPayoutIsSentAgainUnderItsKey(t *testing.T) {
	t.Parallel()
	for _, fate := range []string{sandbox.Lost, sandbox.Down, sandbox.Late, sandbox.Timeout, sandbox.Broken, sandbox.Delay} {
		t.Run(fate, func(t *testing.T) {
			t.Parallel()
			v := newWorld(setup{})
			a := ready(t, v, "100.00", "payee")
			p := v.approved(t, a)
			v.bank.Force(paymentKey(p), fate)

			v.quiesce(t)

			assert.Equal(t, settlement.PayoutPaid, v.payout(t, p.ID).State)
			assert.Equal(t, "100", v.out(t, "100.00").String(), "once")
			v.sound(t)
		})
	}
}

func TestOthersSeeNothing(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.OK)
	p := v.planned(t, a)
	for _, who := range []platform.Actor{stranger, {ID: merchant.ID, Kind: platform.Merchant, Tenant: "other"}} {
		_, account := v.s.Account(by(who), a.ID)
		_, payout := v.s.Payout(by(who), p.ID)
		_, purse := v.s.Purse(by(who), a.ID)
		_, list := v.s.Payouts(by(who), settlement.PayoutQuery{Account: a.ID})
		_, statements := v.s.Statements(by(who), a.ID, "", "")
		_, accounts := v.s.Accounts(by(who), merchant.ID, "", "")
		for _, err := range []error{account, payout, purse, list, statements, accounts} {
			require.ErrorIs(t, err, platform.ErrNotFound)
		}
	}
	_, err := v.s.Runs(by(merchant), "")
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.s.Payouts(by(merchant), settlement.PayoutQuery{})
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.s.Purse(by(merchant), a.ID)
	require.NoError(t, err)
	_, err = v.s.Runs(by(auditor), "")
	require.NoError(t, err)
}

// A repeat of the command is answered with what became of the payout: the
// institution forgets keys, and is not called again.
func TestSendingRepeatedCallsNobody(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.OK)
	p := v.approved(t, a)
	calls := 0
	v.funds.before = func() { calls++ }
	ctx := platform.WithKey(by(third), "send")
	_, err := v.s.SendPayout(ctx, settlement.SendPayout{Payout: p.ID})
	require.NoError(t, err)
	v.quiesce(t)

	again, err := v.s.SendPayout(ctx, settlement.SendPayout{Payout: p.ID})

	require.NoError(t, err)
	assert.Equal(t, v.payout(t, p.ID), again)
	assert.Equal(t, 1, calls)
}

// The institution's notice comes before its answer.
func TestSendingIsAnsweredThoughTheNoticeWasFirst(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	a := ready(t, v, "100.00", sandbox.OK)
	p := v.approved(t, a)
	v.funds.after = func() {
		v.clock.Advance(5 * time.Minute)
		assert.NoError(t, v.s.Heard(context.Background(), string(p.ID)))
	}

	got, err := v.s.SendPayout(by(third), settlement.SendPayout{Payout: p.ID})

	require.NoError(t, err)
	assert.Equal(t, v.payout(t, p.ID), got)
	assert.Equal(t, settlement.PayoutPaid, got.State)
}

// What the platform paid of an order itself never came to the party's account at the
// institution: of what is owed no more is paid out of there than lies there, and the
// rest stays owed.
func TestAPartysAccountPaysNoMoreThanItHas(t *testing.T) {
	t.Parallel()
	v := newWorld(setup{})
	own := "sandbox." + string(merchant.ID)
	a, err := v.s.Register(by(merchant), settlement.Register{Party: merchant.ID, Currency: "CNY", Institution: own, Payee: "acct_1"})
	require.NoError(t, err)
	a, err = v.s.VerifyAccount(by(clerk), settlement.VerifyAccount{Account: a.ID, Reason: "document"})
	require.NoError(t, err)
	handed := func(amount string) {
		_, err := v.post("split.made", "spl", leg("clearing", platform.ID(own), "", yuan(amount)), leg("clearing", "sandbox", "", yuan("-"+amount)))
		require.NoError(t, err)
	}
	v.earn(t, merchant.ID, "162.00")
	v.confirmed(t)
	assert.Equal(t, []string{"payout.elsewhere"}, v.purse(t, a).Waits)
	v.run(t, "nothing there")
	handed("160.00")

	p := v.planned(t, a)

	assert.Equal(t, settlement.PayoutPlanned, p.State)
	assert.Equal(t, "160.00 CNY", p.Amount.String())
	assert.Equal(t, own, p.Institution)
}
