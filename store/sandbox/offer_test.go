package sandbox_test

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// paid is a sandbox with one charge of 100, att_1.
func paid(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	_, err := s.Charge(t.Context(), charge("att_1", sandbox.OK))
	require.NoError(t, err)
}

func balance(t *testing.T, s *sandbox.Sandbox, account string) string {
	t.Helper()
	sum, err := s.Balance(account, price.Currency())
	require.NoError(t, err)
	return sum.String()
}

func TestDisputeTakesTheMoneyUntilItIsWon(t *testing.T) {
	t.Parallel()
	s, clock := opened(nil)
	paid(t, s)

	won, err := s.Object("att_1", half, "fraudulent")
	require.NoError(t, err)
	_, err = s.Object("att_1", price, "fraudulent")
	require.ErrorIs(t, err, payment.ErrRefused, "more than is left")
	assert.Equal(t, "50.00 CNY", balance(t, s, ""))
	_, err = s.Refund(t.Context(), payment.Refund{Key: "rtn_1", Charge: "att_1", Amount: price})
	require.ErrorIs(t, err, payment.ErrRefused, "the half is disputed")

	d, err := s.Evidence(t.Context(), payment.Evidence{Dispute: won, Text: "signed at the door"})
	require.NoError(t, err)
	assert.Equal(t, payment.Dispute{Reference: won, Charge: "att_1", Amount: half, Reason: "fraudulent", State: payment.DisputeContested, Due: noon.AddDate(0, 0, 7)}, d)
	_, err = s.Evidence(t.Context(), payment.Evidence{Dispute: won, Text: "again"})
	require.ErrorIs(t, err, payment.ErrRefused)
	require.NoError(t, s.Decide(won, true))
	require.ErrorIs(t, s.Decide(won, false), payment.ErrRefused)
	assert.Equal(t, "100.00 CNY", balance(t, s, ""))

	lost, err := s.Object("att_1", half, "not received")
	require.NoError(t, err)
	d, err = s.Accept(t.Context(), lost)
	require.NoError(t, err)
	assert.Equal(t, payment.DisputeLost, d.State)
	missed, err := s.Object("att_1", half, "not received")
	require.NoError(t, err)
	clock.Advance(7 * 24 * time.Hour)
	d, err = s.Dispute(t.Context(), missed)
	require.NoError(t, err)
	assert.Equal(t, payment.DisputeLost, d.State, "nobody contested it in time")
	_, err = s.Accept(t.Context(), missed)
	require.ErrorIs(t, err, payment.ErrRefused)
	_, err = s.Dispute(t.Context(), "dp_nobody")
	require.ErrorIs(t, err, payment.ErrRefused)
	assert.Equal(t, "0.00 CNY", balance(t, s, ""))
	_, err = s.Refund(t.Context(), payment.Refund{Key: "rtn_2", Charge: "att_1", Amount: cent})
	require.ErrorIs(t, err, payment.ErrRefused, "all of it is charged back")
}

func TestNoticesTellOfDisputesAndReversals(t *testing.T) {
	t.Parallel()
	s, _ := opened(nil)
	paid(t, s)
	s.Drain()
	reference, err := s.Object("att_1", half, "fraudulent")
	require.NoError(t, err)
	require.NoError(t, s.Reverse("att_1", cent))

	var all []payment.Notice
	for _, l := range s.Drain() {
		read, err := s.Notices(t.Context(), l.Header, l.Body)
		require.NoError(t, err)
		all = append(all, read...)
	}

	require.Len(t, all, 2)
	assert.Equal(t, reference, all[0].Dispute)
	assert.Equal(t, payment.Key("att_1"), all[0].Status.Key)
	assert.Equal(t, payment.Pending, all[0].Status.Outcome, "which moves no state")
	assert.Equal(t, half, all[0].Status.Amount)
	assert.Equal(t, payment.Returned, all[1].Status.Outcome)
	assert.Equal(t, payment.Key("att_1"), all[1].Status.Key)
	assert.Equal(t, cent, all[1].Status.Amount)
}

func TestShareIsTheReceiversUntilItReturns(t *testing.T) {
	t.Parallel()
	s, clock := opened(nil)
	paid(t, s)
	require.NoError(t, s.AddReceiver(t.Context(), payment.Receiver{Account: "acct_1"}))
	require.ErrorIs(t, s.AddReceiver(t.Context(), payment.Receiver{}), payment.ErrRefused)

	_, err := s.Split(t.Context(), payment.Split{Key: "spl_1", Charge: "att_1", Shares: []payment.Share{{Account: "acct_1", Amount: half}}})
	require.NoError(t, err)
	assert.Equal(t, "50.00 CNY", balance(t, s, "acct_1"))
	_, err = s.Payout(t.Context(), payment.Payout{Key: "pay_1", Account: "acct_1", Amount: price})
	require.ErrorIs(t, err, payment.ErrRefused)
	st, err := s.Payout(t.Context(), payment.Payout{Key: "pay_1", Account: "acct_1", Amount: half})
	require.NoError(t, err)
	assert.Equal(t, payment.Pending, st.Outcome, "accepted is not paid")
	clock.Advance(time.Minute)
	st, err = s.LookupPayout(t.Context(), payment.Payout{Key: "pay_1"})
	require.NoError(t, err)
	assert.Equal(t, payment.Done, st.Outcome)
	assert.Equal(t, "0.00 CNY", balance(t, s, "acct_1"))
	assert.Equal(t, "50.00 CNY", balance(t, s, ""))
}

func TestSplitMayReachOnlySome(t *testing.T) {
	t.Parallel()
	s, _ := opened(nil)
	paid(t, s)
	for _, account := range []string{"acct_1", "acct_2"} {
		require.NoError(t, s.AddReceiver(t.Context(), payment.Receiver{Account: account}))
	}
	split := payment.Split{Key: "spl_1", Charge: "att_1", Shares: []payment.Share{{Account: "acct_1", Amount: cent}, {Account: "acct_2", Amount: half}}}
	s.Force("spl_1", sandbox.Short)

	_, err := s.Split(t.Context(), split)
	require.NoError(t, err)
	st, there, err := s.LookupSplit(t.Context(), split)
	require.NoError(t, err)

	assert.Equal(t, cent, st.Amount)
	assert.Equal(t, split.Shares[:1], there)
	_, err = s.ReturnSplit(t.Context(), payment.SplitReturn{Key: "spr_1", Split: "spl_1", Account: "acct_2", Amount: cent})
	require.ErrorIs(t, err, payment.ErrRefused, "it has nothing of it")
	assert.Equal(t, "99.99 CNY", balance(t, s, ""))
}

func TestAccountIsOpenOnceApplied(t *testing.T) {
	t.Parallel()
	s, _ := opened(nil)
	got, err := s.Apply(t.Context(), payment.Application{Key: "acc_1", Country: "CN"})
	require.NoError(t, err)
	again, err := s.Apply(t.Context(), payment.Application{Key: "acc_1", Country: "CN"})
	require.NoError(t, err)
	assert.Equal(t, got, again)
	found, err := s.Standing(t.Context(), got.Account)
	require.NoError(t, err)
	assert.Equal(t, payment.Standing{Account: got.Account, Receives: true, PaysOut: true}, found)
	_, err = s.Standing(t.Context(), "acct_nobody")
	require.ErrorIs(t, err, payment.ErrRefused)
	_, err = s.Apply(t.Context(), payment.Application{})
	require.ErrorIs(t, err, payment.ErrRefused)
}

// What was refunded at the console is in the statement, under no key of ours.
func TestStatementHasWhatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	s, clock := opened(nil)
	paid(t, s)
	s.Deposit(half)
	require.NoError(t, s.RefundByHand("att_1", cent))
	require.ErrorIs(t, s.RefundByHand("att_1", price), payment.ErrRefused)
	won, err := s.Object("att_1", half, "fraudulent")
	require.NoError(t, err)
	require.NoError(t, s.Decide(won, true))
	require.NoError(t, s.Reverse("att_1", cent))
	_, _, err = s.Lines(t.Context(), noon, "")
	require.ErrorIs(t, err, payment.ErrRetryable, "the day is not over")
	clock.Advance(12 * time.Hour)

	lines, next, err := s.Lines(t.Context(), noon, "")
	require.NoError(t, err)
	assert.Empty(t, next)
	_, _, err = s.Lines(t.Context(), noon, "x")
	require.ErrorIs(t, err, payment.ErrRefused)

	type row struct {
		kind payment.LineKind
		key  payment.Key
		net  string
	}
	var rows []row
	for _, l := range lines {
		rows = append(rows, row{l.Kind, l.Key, l.Net.String()})
	}
	assert.Equal(t, []row{
		{payment.LineCharge, "att_1", "100.00 CNY"}, {payment.LineCharge, "", "50.00 CNY"}, {payment.LineRefund, "", "-0.01 CNY"},
		{payment.LineChargeback, "att_1", "-50.00 CNY"}, {payment.LineReversal, "att_1", "50.00 CNY"}, {payment.LineReversal, "att_1", "-0.01 CNY"},
	}, rows)
	assert.Equal(t, "149.98 CNY", balance(t, s, ""))
}

func TestStatementComesInPages(t *testing.T) {
	t.Parallel()
	s, clock := opened(nil)
	for n := range 501 {
		_, err := s.Charge(t.Context(), charge("att_"+strconv.Itoa(n), sandbox.OK))
		require.NoError(t, err)
	}
	clock.Advance(24 * time.Hour)

	one, next, err := s.Lines(t.Context(), noon, "")
	require.NoError(t, err)
	two, end, err := s.Lines(t.Context(), noon, next)
	require.NoError(t, err)

	assert.Len(t, one, 500)
	assert.Len(t, two, 1)
	assert.Empty(t, end)
	past, end, err := s.Lines(t.Context(), noon, "502")
	require.NoError(t, err)
	assert.Empty(t, past)
	assert.Empty(t, end)
}

func TestAllOfTheBooksOutliveTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sandbox.jsonl")
	now := noon
	start := func() *sandbox.Sandbox {
		s, err := sandbox.Open(path, &sandbox.Options{Now: func() time.Time { return now }})
		require.NoError(t, err)
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	s := start()
	ctx := t.Context()
	hold := payment.Charge{Key: "att_2", Amount: price, Method: sandbox.OK}
	split := payment.Split{Key: "spl_1", Charge: "att_1", Shares: []payment.Share{{Account: "acct_1", Amount: half}}, Final: true}
	back := payment.SplitReturn{Key: "spr_1", Split: "spl_1", Account: "acct_1", Amount: cent}
	paid(t, s)
	require.NoError(t, s.AddReceiver(ctx, payment.Receiver{Account: "acct_1"}))
	_, err := s.Split(ctx, split)
	require.NoError(t, err)
	_, err = s.ReturnSplit(ctx, back)
	require.NoError(t, err)
	_, err = s.Authorize(ctx, hold)
	require.NoError(t, err)
	_, err = s.Capture(ctx, payment.Capture{Key: "cap_1", Of: "att_2", Amount: half, Final: true})
	require.NoError(t, err)
	s.Force("pay_1", sandbox.Bounce)
	_, err = s.Payout(ctx, payment.Payout{Key: "pay_1", Amount: cent})
	require.NoError(t, err)
	disputed, err := s.Object("cap_1", cent, "fraudulent")
	require.NoError(t, err)
	require.NoError(t, s.Close())

	s = start()
	assert.Equal(t, "99.99 CNY", balance(t, s, ""), "100 - 50 + 0.01 + 50 - 0.01 - 0.01")
	assert.Equal(t, "49.99 CNY", balance(t, s, "acct_1"))
	_, err = s.Split(ctx, split)
	require.NoError(t, err, "the same split")
	_, err = s.Split(ctx, payment.Split{Key: "spl_2", Charge: "att_1", Shares: split.Shares})
	require.ErrorIs(t, err, payment.ErrRefused, "the final split was made")
	_, err = s.ReturnSplit(ctx, payment.SplitReturn{Key: "spr_2", Split: "spl_1", Account: "acct_1", Amount: half})
	require.ErrorIs(t, err, payment.ErrRefused, "a cent of it has returned")
	_, err = s.Capture(ctx, payment.Capture{Key: "cap_2", Of: "att_2", Amount: cent})
	require.ErrorIs(t, err, payment.ErrRefused, "the final capture was made")
	require.NoError(t, s.Decide(disputed, true))
	now = now.Add(25 * time.Hour)
	st, err := s.LookupPayout(ctx, payment.Payout{Key: "pay_1"})
	require.NoError(t, err)
	assert.Equal(t, payment.Returned, st.Outcome)
	assert.Equal(t, platform.MustMoney("100.01", "CNY").String(), balance(t, s, ""))
}

func TestAuthorizationIsToldWhenItExpires(t *testing.T) {
	t.Parallel()
	s, clock := opened(nil)
	for _, key := range []payment.Key{"att_1", "att_2", "att_3"} {
		_, err := s.Authorize(t.Context(), payment.Charge{Key: key, Amount: price, Method: sandbox.OK})
		require.NoError(t, err)
	}
	_, err := s.Capture(t.Context(), payment.Capture{Key: "cap_1", Of: "att_1", Amount: half})
	require.NoError(t, err)
	_, err = s.Void(t.Context(), payment.Void{Key: "voi_1", Of: "att_2"})
	require.NoError(t, err)
	s.Drain()
	clock.Advance(8 * 24 * time.Hour)

	letters := s.Drain()

	require.Len(t, letters, 1)
	read, err := s.Notices(t.Context(), letters[0].Header, letters[0].Body)
	require.NoError(t, err)
	assert.Equal(t, payment.Key("att_3"), read[0].Status.Key)
	assert.Equal(t, "expired", read[0].Status.Code)
}

// What was captured stays; the rest is let go of.
func TestVoidAfterACapture(t *testing.T) {
	t.Parallel()
	s := sandbox.New(nil)
	_, err := s.Authorize(t.Context(), payment.Charge{Key: "att_1", Amount: platform.MustMoney("10.00", "CNY"), Method: sandbox.OK})
	require.NoError(t, err)
	_, err = s.Capture(t.Context(), payment.Capture{Key: "cap_1", Of: "att_1", Amount: platform.MustMoney("4.00", "CNY")})
	require.NoError(t, err)

	_, err = s.Void(t.Context(), payment.Void{Key: "voi_1", Of: "att_1"})

	require.NoError(t, err)
	_, err = s.Capture(t.Context(), payment.Capture{Key: "cap_2", Of: "att_1", Amount: platform.MustMoney("6.00", "CNY")})
	require.ErrorIs(t, err, payment.ErrRefused)
	sum, err := s.Totals(platform.MustMoney("0.00", "CNY").Currency())
	require.NoError(t, err)
	assert.Equal(t, platform.MustMoney("4.00", "CNY"), sum.Charged)
}
