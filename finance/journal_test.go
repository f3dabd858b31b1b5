package finance

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

func accountant(id platform.ID) context.Context {
	return platform.As(context.Background(), platform.Actor{ID: id, Kind: platform.Operator, Roles: []string{Accountant}})
}

func proposed(words ...string) ProposeJournal {
	return ProposeJournal{Legs: lines(words...), Reason: "audit_adjustment", Voucher: strings.Repeat("0f", 32)}
}

// Invariant 20 for journals: whoever proposes does not decide.
func TestAManualJournalNeedsFourEyes(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	first, second := accountant("opr_first"), accountant("opr_second")
	j, err := c.ProposeJournal(first, proposed("expense:hq.rent", "500.00", "bank:house", "-500.00"))
	require.NoError(t, err)
	assert.Equal(t, "1000.00, 1000.00", c.on(t, "bank:house"), "a proposal books nothing")

	_, err = c.ApproveJournal(first, ApproveJournal{Journal: j.ID})
	require.ErrorIs(t, err, ErrFourEyes)
	_, err = c.RejectJournal(first, RejectJournal{Journal: j.ID, Reason: "mine"})
	require.ErrorIs(t, err, ErrFourEyes)
	_, err = c.ApproveJournal(asOperator(), ApproveJournal{Journal: j.ID})
	require.ErrorIs(t, err, ErrAccountant)

	results := race(8, func(uint64) error {
		_, err := c.ApproveJournal(second, ApproveJournal{Journal: j.ID})
		return err
	})
	assert.Equal(t, map[string]int{"": 1, "ledger.journal_ended": 7}, results)
	assert.Equal(t, "500.00, 500.00", c.on(t, "bank:house"))
	stored, err := c.Journal(as(platform.Auditor, "aud"), j.ID)
	require.NoError(t, err)
	assert.Equal(t, []any{JournalPosted, platform.ID("opr_first"), platform.ID("opr_second")}, []any{stored.State, stored.Proposer, stored.Decider})
	_, err = c.Journal(as(platform.Merchant, merchant), j.ID)
	require.ErrorIs(t, err, ErrReader)
	c.sound(t)
}

func TestARejectedJournalBooksNothing(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	j, err := c.ProposeJournal(accountant("opr_first"), proposed("expense", "5.00", "bank:house", "-5.00"))
	require.NoError(t, err)

	_, err = c.RejectJournal(accountant("opr_second"), RejectJournal{Journal: j.ID, Reason: "no_voucher"})
	require.NoError(t, err)

	_, err = c.ApproveJournal(accountant("opr_third"), ApproveJournal{Journal: j.ID})
	require.ErrorIs(t, err, ErrJournalEnded)
	assert.Equal(t, "1000.00, 1000.00", c.on(t, "bank:house"))
	c.sound(t)
}

func TestAJournalIsWellFormed(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	short := proposed("expense", "5.00", "bank:house", "-5.00")
	short.Voucher = "abc"
	for name, row := range map[string]struct {
		in   ProposeJournal
		code string
	}{
		"unbalanced":   {proposed("expense", "5.00", "bank:house", "-4.00"), "ledger.unbalanced"},
		"memo mixed":   {proposed("plan:"+string(budget.ID), "5.00", "bank:house", "-5.00"), "ledger.memo_mixed"},
		"no account":   {proposed("cash", "5.00", "bank:house", "-5.00"), "ledger.role"},
		"one leg":      {proposed("bank:house", "-5.00"), "ledger.legs"},
		"no voucher":   {short, "field.len"},
		"account once": {proposed("bank:house", "5.00", "bank:house", "-5.00"), "ledger.legs"},
	} {
		_, err := c.ProposeJournal(accountant("opr_first"), row.in)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		assert.Equal(t, row.code, platform.Code(err), name)
	}
	j, err := c.ProposeJournal(accountant("opr_first"), proposed(unapplied(), "1000.01", "commission", "-1000.01"))
	require.NoError(t, err)
	_, err = c.ApproveJournal(accountant("opr_second"), ApproveJournal{Journal: j.ID})
	require.ErrorIs(t, err, ErrInsufficient)
	assert.Equal(t, unapplied(), platform.Details(err)["account"])
}
