package payment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
	"github.com/liangding/platform/store/sandbox"
)

// atSellers is a world whose first institution is the seller's own account: the
// platform only acts for it, and gets its fees as a share.
func atSellers(t *testing.T) *world {
	t.Helper()
	v := newWorld(setup{real: true, split: true, owner: seller})
	for _, party := range []platform.ID{payment.Ours, cleaner} {
		r, err := v.s.AddRecipient(by(clerk), payment.AddRecipient{Party: party, Institution: "sandbox", Account: "acct_" + string(party)})
		require.NoError(t, err)
		require.Equal(t, payment.RecipientReady, r.State)
	}
	return v
}

// bought is a sale that was paid to the seller.
func (v *world) bought(t *testing.T) sale {
	t.Helper()
	o := v.placed(t)
	a, err := v.s.Pay(by(customer), payment.Pay{Intent: full(o), Method: sandbox.OK, Institution: "sandbox"})
	require.NoError(t, err)
	require.Equal(t, payment.AttemptCaptured, a.State)
	return o
}

func (v *world) at(t *testing.T, account string) platform.Money {
	t.Helper()
	sum, err := v.bank.Balance(account, price.Currency())
	require.NoError(t, err)
	return sum
}

// Where the merchant's own account takes the charge, the platform's fees go out of
// it, and the merchant's part is unfrozen to it in the end.
func TestPlatformGetsItsShareOutOfAMerchantsAccount(t *testing.T) {
	t.Parallel()
	v := atSellers(t)
	o := v.bought(t)

	v.complete(t, o)
	require.NoError(t, v.book("order.closed", o.Ref(),
		platform.Leg{Role: "earning", Of: o.ID, Party: seller, Amount: yuan("80.00")}, platform.Leg{Role: "payable", Party: seller, Amount: yuan("-80.00")}))
	require.NoError(t, v.quiesce())

	for _, h := range v.shares(t, o) {
		assert.Equal(t, payment.SharingDone, h.State)
	}
	assert.Equal(t, yuan("80.00"), v.at(t, ""), "the seller's own")
	assert.Equal(t, yuan("10.00"), v.at(t, "acct_platform"))
	assert.Equal(t, yuan("10.00"), v.at(t, "acct_"+string(cleaner)))
	assert.Equal(t, int64(10_00), v.balance(t, "posted:clearing:sandbox.platform"))
	v.booksAgree(t)
}

// A refund takes of the platform's share what the platform bears of it, and the rest
// is the merchant's, where it lies.
func TestRefundFromAMerchantsAccountTakesThePlatformsShareBack(t *testing.T) {
	t.Parallel()
	v := atSellers(t)
	o := v.bought(t)
	v.complete(t, o)
	require.NoError(t, v.after(time.Minute))

	g, err := v.approve(o, yuan("50.00"))
	require.NoError(t, err)
	require.NoError(t, v.after(0))
	require.NoError(t, v.after(0))

	assert.Equal(t, payment.ReturnSucceeded, v.returned(t, g).State)
	assert.Equal(t, payment.Ours, v.back(t, o).Portions[0].Party)
	assert.Equal(t, yuan("5.00"), v.at(t, "acct_platform"))
	assert.Equal(t, yuan("35.00"), v.at(t, ""))
	v.booksAgree(t)
}

// What the institution would let go to the merchant while it is in dispute comes to
// the platform first, unless the rule hands it on.
func TestDisputedMoneyOfAMerchantsAccountIsSecured(t *testing.T) {
	t.Parallel()
	v := atSellers(t)
	o := v.bought(t)
	require.NoError(t, v.argue(o, true))
	v.complete(t, o)
	for range 177 {
		require.NoError(t, v.after(day))
	}

	require.Len(t, v.shares(t, o), 1)
	h := v.shares(t, o)[0]
	assert.Equal(t, payment.SharingDone, h.State)
	assert.True(t, h.Final)
	assert.Equal(t, yuan("100.00"), v.at(t, "acct_platform"))
	assert.Equal(t, nothing, v.at(t, ""))
	assert.Equal(t, int64(-80_00), v.balance(t, "posted:earning:"+string(o.ID)+":"+string(seller)), "it is owed as before")
	v.booksAgree(t)
}

// Nobody's payment comes to a merchant's account who is not named.
func TestMerchantsAccountIsUsedOnlyWhenNamed(t *testing.T) {
	t.Parallel()
	v := atSellers(t)
	a, err := v.pay(v.placed(t), sandbox.OK)
	require.NoError(t, err)
	assert.Equal(t, "second", a.Institution)
}
