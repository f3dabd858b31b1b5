package payment_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
	"github.com/liangding/platform/store/storetest"
)

// payoutKey is the id of a payout.
const payoutKey = "pay_01kdvdna00eajs4d2pf2dbsqqg"

// pot is funds over a sandbox that has an amount of ours.
func pot(faults sandbox.Faults) (payment.Funds, *sandbox.Sandbox, *storetest.Clock) {
	clock := storetest.NewClock(noon)
	bank := sandbox.New(&sandbox.Options{Seed: 1, Now: clock.Now, Faults: faults})
	bank.Deposit(price)
	return payment.Funds{Gateways: []payment.Gateway{bank}, Now: clock.Now}, bank, clock
}

// What the institution answers, and says when it is asked: at once, after its bank
// had a minute, and after two days.
func TestFundsTellWhatIsProven(t *testing.T) {
	t.Parallel()
	until := noon.Add(2 * time.Minute)
	for fate, want := range map[string][4]string{ // on sending, asked at once, four minutes and two days later
		sandbox.OK:      {"unknown", "unknown", "paid", "paid"},
		sandbox.Decline: {"unknown", "unknown", "failed", "failed"},
		sandbox.Timeout: {"unknown", "unknown", "paid", "paid"},
		sandbox.Broken:  {"unknown", "unknown", "paid", "paid"},
		sandbox.Lost:    {"unknown", "unknown", "absent", "absent"},
		sandbox.Down:    {"absent", "unknown", "absent", "absent"},
		sandbox.Short:   {"unknown", "unknown", "unknown", "unknown"},
		sandbox.Bounce:  {"unknown", "unknown", "paid", "returned"},
	} {
		t.Run(fate, func(t *testing.T) {
			t.Parallel()
			f, bank, clock := pot(sandbox.Faults{})
			bank.Force(payoutKey, fate)
			ctx := context.Background()
			var got [4]string
			var err error

			got[0], _, _, err = f.PayOut(ctx, "sandbox", payoutKey, "payee", price)
			require.NoError(t, err)
			for i, wait := range []time.Duration{0, 4 * time.Minute, 48 * time.Hour} {
				clock.Advance(wait)
				got[i+1], _, _, err = f.LookUp(ctx, "sandbox", payoutKey, "payee", price, until)
				require.NoError(t, err)
			}

			assert.Equal(t, want, got)
		})
	}
}

// Whatever is not proven is unknown, never a failure: an ended ctx, a silent
// institution.
func TestFundsTakeNoSilenceForAFailure(t *testing.T) {
	t.Parallel()
	f, _, _ := pot(sandbox.Faults{Silence: 1})
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	outcome, _, _, err := f.PayOut(ended, "sandbox", payoutKey, "payee", price)
	require.NoError(t, err)
	assert.Equal(t, payment.PayoutUnknown, outcome)
	outcome, _, reason, err := f.LookUp(context.Background(), "sandbox", payoutKey, "payee", price, noon)
	require.NoError(t, err)
	assert.Equal(t, payment.PayoutUnknown, outcome)
	assert.Equal(t, "payment.unknown_outcome", reason)
}

func TestFundsRefuseBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	f, bank, _ := pot(sandbox.Faults{})
	f.Gateways = append(f.Gateways, plain{bank})
	for institution, want := range map[string]error{"nobody": payment.ErrInstitution, "plain": payment.ErrNoPayouts} {
		_, _, _, sent := f.PayOut(context.Background(), institution, payoutKey, "payee", price)
		_, _, _, asked := f.LookUp(context.Background(), institution, payoutKey, "payee", price, noon)
		for _, err := range []error{sent, asked, f.Pays(institution)} {
			require.ErrorIs(t, err, want)
		}
	}
	require.NoError(t, f.Pays("sandbox"))
	outcome, _, reason, err := f.PayOut(context.Background(), "sandbox", payoutKey, "payee", yuan("100.01"))
	require.NoError(t, err)
	assert.Equal(t, []string{payment.PayoutFailed, "payment.refused"}, []string{outcome, reason}, "more than there is")
}

// The same key is the same payout.
func TestFundsPayOutOnceForAKey(t *testing.T) {
	t.Parallel()
	f, bank, clock := pot(sandbox.Faults{})
	for range 3 {
		_, _, _, err := f.PayOut(context.Background(), "sandbox", payoutKey, "payee", yuan("40.00"))
		require.NoError(t, err)
		clock.Advance(time.Minute)
	}
	left, err := bank.Balance("", price.Currency())
	require.NoError(t, err)
	assert.Equal(t, "60.00 CNY", left.String())
	outcome, _, reason, err := f.PayOut(context.Background(), "sandbox", payoutKey, "another", yuan("40.00"))
	require.NoError(t, err)
	assert.Equal(t, []string{payment.PayoutFailed, "payment.refused"}, []string{outcome, reason})
}

// plain is an institution that does not pay out.
type plain struct{ payment.Gateway }

func (plain) Info() payment.Info { return payment.Info{Institution: "plain"} }

// listener hears of payouts.
type listener struct {
	keys []string
	err  error
}

func (l *listener) Heard(_ context.Context, key string) error {
	l.keys = append(l.keys, key)
	return l.err
}

// A notice of a payout is handed on, and filed; while nobody can take it, it
// waits and is tried again.
func TestNoticesOfPayoutsAreHandedOn(t *testing.T) {
	t.Parallel()
	hears := &listener{err: errors.New("down")}
	v := newWorld(setup{payouts: hears})
	v.paid(t, sandbox.OK)
	_, err := v.bank.Payout(context.Background(), payment.Payout{Key: payoutKey, To: "payee", Amount: price})
	require.NoError(t, err)

	require.NoError(t, v.after(2*time.Minute))
	assert.Equal(t, []string{payoutKey}, hears.keys)
	hears.err = nil
	require.NoError(t, v.after(time.Minute))

	assert.Equal(t, []string{payoutKey, payoutKey}, hears.keys)
	found, err := all[payment.Received](v.db, "payment.notice")
	require.NoError(t, err)
	states := map[platform.ID]payment.InboxState{}
	for _, n := range found {
		if n.Key == payoutKey {
			states[n.ID] = n.State
		}
	}
	require.Len(t, states, 1)
	for _, state := range states {
		assert.Equal(t, payment.NoticeFiled, state)
	}
}

// In funds mode split, what came to a party's account is paid out of it, to the
// bank of its holder; our own account is not touched.
func TestFundsPayOutOfAPartysAccount(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	o := v.sold(t)
	account := "acct_" + string(payment.RecipientID("sandbox", seller))
	f := payment.Funds{Gateways: []payment.Gateway{v.bank}, Accounts: payment.StoreOn(v.db), Now: v.clock.Now}
	ours, err := v.bank.Balance("", price.Currency())
	require.NoError(t, err)

	require.NoError(t, f.Pays("sandbox."+string(seller)))
	_, _, _, err = f.PayOut(t.Context(), "sandbox."+string(seller), payoutKey, account, yuan("80.00"))
	require.NoError(t, err)
	until := v.clock.Now()
	v.clock.Advance(4 * time.Minute)
	outcome, _, _, err := f.LookUp(t.Context(), "sandbox."+string(seller), payoutKey, account, yuan("80.00"), until)

	require.NoError(t, err)
	assert.Equal(t, payment.PayoutPaid, outcome)
	assert.Equal(t, nothing, v.has(t, seller))
	left, err := v.bank.Balance("", price.Currency())
	require.NoError(t, err)
	assert.Equal(t, ours, left)
	_, _, _, err = f.PayOut(t.Context(), "sandbox."+string(o.ID), payoutKey, account, price)
	require.ErrorIs(t, err, payment.ErrNoRecipient)
	require.ErrorIs(t, f.Pays("sandbox2."+string(seller)), payment.ErrInstitution)
	require.ErrorIs(t, payment.Funds{Gateways: f.Gateways}.Pays("sandbox."+string(seller)), payment.ErrInstitution)
}

// Where the institution pays nothing out of parties' accounts, what is there is
// theirs.
func TestWhatNobodyPaysOutIsItsHoldersOwn(t *testing.T) {
	t.Parallel()
	v := newSplits(t, setup{})
	v.sold(t)
	f := payment.Funds{Gateways: []payment.Gateway{sharesOnly{coreOnly{v.bank}, v.bank}}, Accounts: payment.StoreOn(v.db), Now: v.clock.Now}

	outcome, reference, _, err := f.PayOut(t.Context(), "sandbox."+string(seller), payoutKey, "x", yuan("80.00"))

	require.NoError(t, err)
	assert.Equal(t, payment.PayoutPaid, outcome)
	assert.Equal(t, "acct_"+string(payment.RecipientID("sandbox", seller)), reference)
	assert.Equal(t, yuan("80.00"), v.has(t, seller), "nobody was called")
	require.ErrorIs(t, f.Pays("sandbox"), payment.ErrNoPayouts)
}

// sharesOnly is an institution that hands shares on and pays nothing out.
type sharesOnly struct {
	coreOnly
	payment.Splitter
}
