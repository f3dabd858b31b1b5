package receivable_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/receivable"
)

// owing books a fact of another domain, and the claim that follows.
func (w *world) owing(what string, subject platform.Ref, legs ...platform.Leg) {
	w.t.Helper()
	books := receivable.Owing{Books: w.books, Claims: receivable.Claims{Store: receivable.StoreOn(w.db), Books: w.books, Terms: receivable.Standard()}}
	_, err := platform.Update(as(clock), w.w, struct{}{}, func(ctx context.Context) (struct{}, []platform.Change, error) {
		set, err := books.Post(ctx, what, subject, w.clock.Now(), legs)
		return struct{}{}, append(set, platform.Happened("test.booked", subject, nil)), err
	})
	require.NoError(w.t, err)
}

// claims are those on the merchant, the latest due first.
func (w *world) claims(party platform.ID) []receivable.Item {
	w.t.Helper()
	page, err := w.Items(as(clerk), party, "")
	require.NoError(w.t, err)
	return page.Items
}

func refunding(n int) (refund platform.Ref, order platform.ID) {
	order = platform.NewID("ord", noon, 7, uint64(n))
	return platform.Ref{Kind: "order.refund", ID: platform.NewID("rfd", noon, 7, uint64(n))}, order
}

// refunded is a refund of 90.00 whose merchant has nothing, up to its success.
func (w *world) refunded(n int, owed string) platform.Ref {
	refund, order := refunding(n)
	w.owing("refund.approved", refund,
		platform.Leg{Role: "receivable", Party: merchant.ID, Amount: yuan(owed)}, platform.Leg{Role: "refund_due", Of: order, Amount: yuan(owed).Neg()})
	return refund
}

func (w *world) succeeded(n int, amount string) {
	refund, order := refunding(n)
	w.owing("refund.succeeded", refund,
		platform.Leg{Role: "refund_due", Of: order, Amount: yuan(amount)}, platform.Leg{Role: "clearing", Party: "sandbox", Amount: yuan(amount).Neg()})
}

// F13: a merchant that was paid owes what its customer gets back, as soon as that is
// on its account: it falls due, and is asked for.
func TestWhatAMerchantOwesOfARefundIsAClaim(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	refund := w.refunded(1, "90.00")
	assert.Empty(t, w.claims(merchant.ID), "it is only held so far")

	w.succeeded(1, "90.00")

	all := w.claims(merchant.ID)
	require.Len(t, all, 1)
	assert.Equal(t, receivable.Negative, all[0].Cause)
	assert.Equal(t, refund, all[0].Source)
	assert.Equal(t, yuan("90.00"), all[0].Open())
	assert.True(t, all[0].Due.After(noon))
	w.sound(merchant.ID)
	w.days(60)
	assert.NotEmpty(t, w.letters())
	w.pay("90.00")
	assert.Equal(t, receivable.Paid, w.item(all[0].ID).State)
	w.sound(merchant.ID)
}

// A voucher was false: the claimant owes what was paid for it, within the term.
func TestWhatIsReclaimedIsAClaimOnTheClaimant(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	subject := platform.Ref{Kind: "claim", ID: platform.NewID("clm", noon, 7, 1)}

	w.owing("claim.reclaimed", subject,
		platform.Leg{Role: "receivable", Party: clerk.ID, Amount: yuan("21.20")}, platform.Leg{Role: "expense", Party: "hq.travel", Amount: yuan("-21.20")})

	all := w.claims(clerk.ID)
	require.Len(t, all, 1)
	assert.Equal(t, receivable.Damage, all[0].Cause)
	assert.Equal(t, subject, all[0].Source)
	assert.Equal(t, yuan("21.20"), all[0].Amount)
	w.sound(clerk.ID)
}

// A refund waits for no debt: where a party has as many claims as can be decided on
// together, what it owes besides is on its account alone.
func TestARefundIsBookedHoweverMuchIsOwed(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	for n := range 500 {
		w.owes(merchant.ID, n+1, "1.00", 30)
	}
	w.refunded(1, "90.00")

	w.succeeded(1, "90.00")

	assert.Equal(t, "590.00 CNY", w.balance("receivable", merchant.ID))
}
