package payment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/payment"
)

var soldTo = platform.Ref{Kind: "order", ID: "ord_01kdvdna00eajs4d2pf2dbsqqg"}

// asked is an open intent for the price.
func asked(change func(*payment.Intent)) payment.Intent {
	i := payment.Intent{
		Head: platform.Head{ID: payment.IntentID(soldTo, payment.Full)}, Subject: soldTo, Purpose: payment.Full, Payer: customer.ID,
		State: payment.IntentOpen, Asked: price, Secured: nothing, Captured: nothing, Due: payBy,
	}
	if change != nil {
		change(&i)
	}
	return i
}

// sent is an attempt at the price that was claimed at noon.
func sent(change func(*payment.Attempt)) payment.Attempt {
	a := payment.Attempt{
		Head: platform.Head{ID: "att_01kdvdna00eajs4d2pf2dbsqqg"}, Intent: payment.IntentID(soldTo, payment.Full), Subject: soldTo,
		Institution: "sandbox", State: payment.AttemptSent, Amount: price, Operation: payment.Operation{SentAt: noon, Until: noon.Add(2 * time.Minute), Due: noon.Add(2 * time.Minute)},
	}
	if change != nil {
		change(&a)
	}
	return a
}

func in(state payment.IntentState, secured string) func(*payment.Intent) {
	return func(i *payment.Intent) { i.State, i.Secured, i.Captured = state, yuan(secured), yuan(secured) }
}

func TestIntentIDIsFrozen(t *testing.T) {
	t.Parallel()
	assert.Equal(t, platform.ID("int_01kdvdna00eajtxnvtrvbk35p5"), payment.IntentID(soldTo, payment.Full))
	seen := map[platform.ID]bool{}
	for _, p := range []payment.Purpose{payment.Deposit, payment.Balance, payment.Full, payment.Extra, payment.Tip, payment.Penalty} {
		id := payment.IntentID(soldTo, p)
		assert.False(t, seen[id])
		assert.Equal(t, soldTo.ID.Slot(), id.Slot())
		assert.Equal(t, soldTo.ID.Time(), id.Time())
		seen[id] = true
	}
}

func TestAskingAgainChangesWhatIsAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		intent payment.Intent
		amount string
		state  payment.IntentState
		want   error
	}{
		"new":                  {payment.Intent{}, "100.00", payment.IntentOpen, nil},
		"new, nothing":         {payment.Intent{}, "0.00", "", payment.ErrAmount},
		"negative":             {asked(nil), "-1.00", "", payment.ErrAmount},
		"open, less":           {asked(nil), "50.00", payment.IntentOpen, nil},
		"part, rest asked":     {asked(in(payment.IntentPartlySecured, "40.00")), "90.00", payment.IntentPartlySecured, nil},
		"part, just that":      {asked(in(payment.IntentPartlySecured, "40.00")), "40.00", payment.IntentCaptured, nil},
		"part, less":           {asked(in(payment.IntentPartlySecured, "40.00")), "39.99", "", payment.ErrBelowSecured},
		"captured, the same":   {asked(in(payment.IntentCaptured, "100.00")), "100.00", payment.IntentCaptured, nil},
		"captured, more":       {asked(in(payment.IntentCaptured, "100.00")), "120.00", payment.IntentPartlySecured, nil},
		"captured, less":       {asked(in(payment.IntentCaptured, "100.00")), "99.00", "", payment.ErrBelowSecured},
		"cancelled, unpaid":    {asked(in(payment.IntentCancelled, "0.00")), "10.00", payment.IntentOpen, nil},
		"expired, unpaid":      {asked(in(payment.IntentExpired, "0.00")), "10.00", payment.IntentOpen, nil},
		"cancelled, part paid": {asked(in(payment.IntentCancelled, "10.00")), "20.00", "", payment.ErrNotPayable},
		"attempt under way":    {asked(func(i *payment.Intent) { i.Active = "att_1" }), "20.00", "", payment.ErrAttemptActive},
	} {
		next, err := c.intent.Ask(yuan(c.amount), payBy)

		require.ErrorIs(t, err, c.want, name)
		if c.want == nil {
			assert.Equal(t, c.state, next.State, name)
			assert.Equal(t, yuan(c.amount), next.Asked, name)
			assert.Equal(t, payBy, next.Due, name)
		}
	}
	_, err := asked(nil).Ask(platform.MustMoney("1.00", "USD"), payBy)
	require.Equal(t, "money.currency_mixed", platform.Code(err))
}

func TestEveryStateSaysWhetherItMayBePaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		intent payment.Intent
		by     platform.ActorKind
		at     time.Time
		want   error
	}{
		{asked(nil), platform.Customer, noon, nil},
		{asked(nil), platform.Operator, noon, nil},
		{asked(nil), platform.Merchant, noon, platform.ErrDenied},
		{asked(nil), platform.Staff, noon, platform.ErrDenied},
		{asked(nil), platform.Customer, payBy.Add(-1), nil},
		{asked(nil), platform.Customer, payBy, payment.ErrTooLate},
		{asked(func(i *payment.Intent) { i.Due = time.Time{} }), platform.Customer, payBy.AddDate(1, 0, 0), nil},
		{asked(in(payment.IntentPartlySecured, "1.00")), platform.Customer, noon, nil},
		{asked(in(payment.IntentCaptured, "100.00")), platform.Customer, noon, payment.ErrSecured},
		{asked(in(payment.IntentCancelled, "0.00")), platform.Customer, noon, payment.ErrNotPayable},
		{asked(in(payment.IntentExpired, "0.00")), platform.Customer, noon, payment.ErrNotPayable},
		{asked(func(i *payment.Intent) { i.Active = "att_1" }), platform.Customer, noon, payment.ErrAttemptActive},
	} {
		require.ErrorIs(t, c.intent.MayPay(c.by, c.at), c.want, "%s by %s", c.intent.State, c.by)
	}
}

func TestOnlyTheActiveAttemptIsTaken(t *testing.T) {
	t.Parallel()
	a := sent(nil)
	claimed, err := asked(nil).Claim(a, platform.Customer)
	require.NoError(t, err)

	next, err := claimed.Take(a)
	require.NoError(t, err)
	assert.Equal(t, payment.IntentCaptured, next.State)
	assert.Equal(t, []platform.ID{a.ID}, next.Paid)
	_, err = claimed.Take(sent(func(a *payment.Attempt) { a.ID = "att_2" }))
	require.ErrorIs(t, err, payment.ErrNotPayable)
	_, err = next.Take(a)
	require.ErrorIs(t, err, payment.ErrNotPayable, "a second time")
	for _, end := range []payment.IntentState{payment.IntentCancelled, payment.IntentExpired} {
		over := claimed
		over.State = end
		_, err = over.Take(a)
		require.ErrorIs(t, err, payment.ErrNotPayable, end)
	}
	assert.Empty(t, claimed.Free(a).Active)
	assert.Equal(t, a.ID, claimed.Free(sent(func(a *payment.Attempt) { a.ID = "att_2" })).Active)
}

func TestIntentExpiresAtItsTime(t *testing.T) {
	t.Parallel()
	busy := asked(func(i *payment.Intent) { i.Active = "att_1" })
	for _, c := range []struct {
		name   string
		intent payment.Intent
		at     time.Time
		want   error
	}{
		{"before", asked(nil), payBy.Add(-1), payment.ErrNotDue},
		{"at its due", asked(nil), payBy, nil},
		{"part paid", asked(in(payment.IntentPartlySecured, "1.00")), payBy, nil},
		{"an attempt under way", busy, payBy.Add(30*time.Minute - 1), payment.ErrNotDue},
		{"half an hour later", busy, payBy.Add(30 * time.Minute), nil},
		{"without due", asked(func(i *payment.Intent) { i.Due = time.Time{} }), payBy.AddDate(9, 0, 0), payment.ErrNotDue},
		{"captured", asked(in(payment.IntentCaptured, "100.00")), payBy, payment.ErrNotDue},
		{"over", asked(in(payment.IntentExpired, "0.00")), payBy, payment.ErrNotDue},
	} {
		next, err := c.intent.Expire(c.at)
		require.ErrorIs(t, err, c.want, c.name)
		if c.want == nil {
			assert.Equal(t, payment.IntentExpired, next.State, c.name)
		}
	}
}

// Every verb of every table, from every state: what is not a row is refused.
func TestTablesAreClosed(t *testing.T) {
	t.Parallel()
	closed(t, payment.IntentMoves, payment.IntentOpen, payment.IntentPartlySecured, payment.IntentSecured, payment.IntentCaptured, payment.IntentCancelled, payment.IntentExpired)
	closed(t, payment.AttemptMoves, payment.AttemptSent, payment.AttemptRequiresAction, payment.AttemptUnknown, payment.AttemptCaptured,
		payment.AttemptFailed, payment.AttemptSurplus, payment.AttemptQuarantined, payment.AttemptManual,
		payment.AttemptAuthorized, payment.AttemptReleasing, payment.AttemptReleased)
	closed(t, payment.ReturnMoves, payment.ReturnAsked, payment.ReturnSent, payment.ReturnUnknown, payment.ReturnSucceeded,
		payment.ReturnFailed, payment.ReturnManual, payment.ReturnWithdrawn, payment.ReturnGathering)
	closed(t, payment.SharingMoves, payment.SharingPlanned, payment.SharingFrozen, payment.SharingSent, payment.SharingUnknown,
		payment.SharingDone, payment.SharingFailed, payment.SharingManual, payment.SharingOwed, payment.SharingDropped)

	for _, end := range []payment.AttemptState{payment.AttemptCaptured, payment.AttemptSurplus, payment.AttemptReleased} {
		for _, row := range payment.AttemptMoves {
			assert.NotContains(t, row.From, end, "an end is never left")
		}
	}
	for _, end := range []payment.ReturnState{payment.ReturnSucceeded, payment.ReturnWithdrawn} {
		for _, row := range payment.ReturnMoves {
			assert.NotContains(t, row.From, end, "an end is never left")
		}
	}
	for _, end := range []payment.SharingState{payment.SharingDone, payment.SharingOwed, payment.SharingDropped} {
		for _, row := range payment.SharingMoves {
			assert.NotContains(t, row.From, end, "an end is never left")
		}
	}
}

// closed checks that each row leads where it says and that every other state
// answers a refusal.
func closed[S ~string](t *testing.T, table platform.Moves[S], states ...S) {
	t.Helper()
	kinds := []platform.ActorKind{platform.Customer, platform.Merchant, platform.Staff, platform.Operator, platform.System, platform.Auditor}
	for _, row := range table {
		require.ErrorIs(t, row.Refusal, platform.ErrState)
		for _, state := range states {
			for _, kind := range kinds {
				next, err := table.Take(state, row.Verb, kind)
				if err != nil {
					assert.Equal(t, state, next)
					continue
				}
				assert.Contains(t, states, next)
				assert.Contains(t, table.Open(state, kind), row.Verb)
			}
		}
	}
}
