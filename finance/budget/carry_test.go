package budget_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/budget"
)

// committed is the one commitment that is open on a line.
func (v *world) committed(l budget.Line) budget.Commitment {
	v.t.Helper()
	page, err := v.Open(v.as(first), l.ID, "")
	require.NoError(v.t, err)
	require.Len(v.t, page.Items, 1)
	return page.Items[0]
}

// yearOver is a closed line with 30.00 committed of 100.00, and next year's.
func yearOver(t *testing.T) (v *world, old, next budget.Line) {
	t.Helper()
	v = newWorld(t)
	b, lines := v.active(draft(planned("travel", "100.00")))
	require.NoError(t, v.act("budget.committed", claim(1), on(lines[0], "30.00")))
	v.at(nextYear)
	in := draft(planned("travel", "50.00"))
	in.From, in.Until = nextYear, nextYear.AddDate(1, 0, 0)
	_, after := v.active(in)
	_, err := v.Close(v.as(first), budget.Close{Budget: b.ID, Reason: "year_over"})
	require.NoError(t, err)
	return v, lines[0], after[0]
}

// F24.
func TestACommitmentOutlivesItsBudgetByDecisionOnly(t *testing.T) {
	t.Parallel()
	v, old, next := yearOver(t)
	require.ErrorIs(t, v.act("budget.settled", claim(1), on(old, "30.00")), budget.ErrClosed, "never silently")

	c, err := v.Carry(v.as(first), budget.Carry{Commitment: v.committed(old).ID, To: next.ID, Reason: "order_placed"})
	require.NoError(t, err)
	assert.Equal(t, next.ID, c.On)
	v.holds(old, "70.00", "70.00", "0.00", "0.00")
	v.holds(next, "80.00", "50.00", "30.00", "0.00")
	require.NoError(t, v.act("budget.settled", claim(1), on(old, "31.00")), "its source need not know")

	v.holds(next, "80.00", "49.00", "0.00", "31.00")
	v.holds(old, "70.00", "70.00", "0.00", "0.00")
}

// What a line passes above its plan is no budget that could be carried.
func TestToleranceIsNotCarried(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	b, lines := v.active(draft(planned("travel", "100.00", warns("10.00"))))
	require.NoError(t, v.act("budget.committed", claim(1), on(lines[0], "90.00")))
	require.NoError(t, v.act("budget.committed", claim(2), on(lines[0], "15.00")))
	v.at(nextYear)
	in := draft(planned("travel", "50.00"))
	in.From, in.Until = nextYear, nextYear.AddDate(1, 0, 0)
	_, after := v.active(in)
	_, err := v.Close(v.as(first), budget.Close{Budget: b.ID, Reason: "year_over"})
	require.NoError(t, err)
	page, err := v.Open(v.as(first), lines[0].ID, "")
	require.NoError(t, err)
	carried := platform.MustMoney("0.00", "CNY")

	for _, c := range page.Items {
		_, err := v.Carry(v.as(first), budget.Carry{Commitment: c.ID, To: after[0].ID, Reason: "order_placed"})
		if err == nil {
			carried, err = carried.Add(c.Open)
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, budget.ErrExceeded)
	}

	over, err := carried.Cmp(cny("100.00"))
	require.NoError(t, err)
	assert.Negative(t, over, "never more than the plan had")
}

func TestARebookedCommitmentIsPaidByItsNewLine(t *testing.T) {
	t.Parallel()
	v, old, next := yearOver(t)
	c := v.committed(old).ID
	require.NoError(t, v.act("budget.committed", claim(9), on(next, "20.01")))
	_, err := v.Rebook(v.as(first), budget.Rebook{Commitment: c, To: next.ID, Reason: "late"})
	require.ErrorIs(t, err, budget.ErrExceeded)
	require.NoError(t, v.act("budget.committed", claim(9), on(next, "20.00")))

	_, err = v.Rebook(v.as(first), budget.Rebook{Commitment: c, To: next.ID, Reason: "late"})
	require.NoError(t, err)

	v.holds(old, "100.00", "100.00", "0.00", "0.00")
	v.holds(next, "50.00", "0.00", "50.00", "0.00")
}

func TestACommitmentIsReleasedByDecision(t *testing.T) {
	t.Parallel()
	v, old, _ := yearOver(t)
	c := v.committed(old).ID

	_, err := v.Release(v.as(first), budget.Release{Commitment: c, Reason: "not_needed"})
	require.NoError(t, err)
	v.holds(old, "100.00", "100.00", "0.00", "0.00")

	_, err = v.Release(v.as(first), budget.Release{Commitment: c, Reason: "again"})
	require.ErrorIs(t, err, budget.ErrSettled)
	assert.Equal(t, []string{"not_needed"}, v.events("budget.released"))
}

func TestWhatCannotBeCarriedStays(t *testing.T) {
	t.Parallel()
	v, old, next := yearOver(t)
	c := v.committed(old).ID
	in := draft(planned("travel", "1.00"))
	yen := platform.MustMoney("100", "JPY")
	in.Envelope, in.Lines[0].Amount = yen, yen
	_, foreign := v.active(in)
	for name, x := range map[string]struct {
		who platform.Actor
		in  budget.Carry
		is  error
	}{
		"to itself":        {first, budget.Carry{Commitment: c, To: old.ID, Reason: "x"}, platform.ErrInvalid},
		"to yen":           {first, budget.Carry{Commitment: c, To: foreign[0].ID, Reason: "x"}, budget.ErrCurrency},
		"to nowhere":       {first, budget.Carry{Commitment: c, To: platform.NewID("bgt", march, 1, 1), Reason: "x"}, budget.ErrNoLine},
		"of nothing":       {first, budget.Carry{Commitment: platform.NewID("cmt", march, 1, 1), To: next.ID, Reason: "x"}, platform.ErrNotFound},
		"by the system":    {platform.SystemActor("clock"), budget.Carry{Commitment: c, To: next.ID, Reason: "x"}, platform.ErrDenied},
		"without a reason": {first, budget.Carry{Commitment: c, To: next.ID}, platform.ErrInvalid},
	} {
		_, err := v.Carry(v.as(x.who), x.in)
		require.ErrorIs(t, err, x.is, name)
	}
	v.holds(old, "100.00", "70.00", "30.00", "0.00")
}

func TestManyWhoCarryOneCommitmentCarryItOnce(t *testing.T) {
	t.Parallel()
	v, old, next := yearOver(t)
	c := v.committed(old).ID

	told := crowd(8, func(int) error {
		_, err := v.Carry(v.as(first), budget.Carry{Commitment: c, To: next.ID, Reason: "order_placed"})
		return err
	})

	assert.Equal(t, map[string]int{"": 1, "budget.same_line": 7}, told)
	v.holds(next, "80.00", "50.00", "30.00", "0.00")
}
