package budget_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/budget"
)

// proposed is a virement of a budget of 100.00 and 50.00.
func proposed(t *testing.T, amount string) (v *world, from, to budget.Line, m budget.Move) {
	t.Helper()
	v = newWorld(t)
	_, lines := v.active(draft(planned("travel", "100.00"), planned("software", "50.00")))
	m, err := v.ProposeMove(v.as(planner), budget.ProposeMove{From: lines[0].ID, To: lines[1].ID, Amount: cny(amount), Reason: "licences"})
	require.NoError(t, err)
	return v, lines[0], lines[1], m
}

func TestAVirementMovesPlanAndFree(t *testing.T) {
	t.Parallel()
	v, from, to, m := proposed(t, "10.00")
	_, err := v.ApproveMove(v.as(planner), budget.ApproveMove{Move: m.ID})
	require.ErrorIs(t, err, budget.ErrFourEyes)
	v.holds(from, "100.00", "100.00", "0.00", "0.00")

	m, err = v.ApproveMove(v.as(first), budget.ApproveMove{Move: m.ID})
	require.NoError(t, err)

	assert.Equal(t, budget.MoveMade, m.State)
	v.holds(from, "90.00", "90.00", "0.00", "0.00")
	v.holds(to, "60.00", "60.00", "0.00", "0.00")
	_, err = v.ApproveMove(v.as(second), budget.ApproveMove{Move: m.ID})
	require.ErrorIs(t, err, budget.ErrNotPending)
}

func TestALargeVirementIsApprovedALevelHigher(t *testing.T) {
	t.Parallel()
	v, from, _, m := proposed(t, "10.01")
	_, err := v.ApproveMove(v.as(first), budget.ApproveMove{Move: m.ID})
	require.ErrorIs(t, err, budget.ErrSenior)

	_, err = v.ApproveMove(v.as(director), budget.ApproveMove{Move: m.ID})
	require.NoError(t, err)
	v.holds(from, "89.99", "89.99", "0.00", "0.00")
}

func TestAVirementTakesOnlyWhatIsFree(t *testing.T) {
	t.Parallel()
	v, from, to, m := proposed(t, "10.00")
	require.NoError(t, v.act("budget.committed", claim(1), on(from, "90.01")))

	_, err := v.ApproveMove(v.as(first), budget.ApproveMove{Move: m.ID})

	require.ErrorIs(t, err, budget.ErrExceeded)
	v.holds(to, "50.00", "50.00", "0.00", "0.00")
	_, err = v.RejectMove(v.as(first), budget.RejectMove{Move: m.ID, Reason: "used"})
	require.NoError(t, err)
	page, err := v.Moves(v.as(first), "")
	require.NoError(t, err)
	assert.Empty(t, page.Items)
}

func TestAVirementStaysInItsCurrency(t *testing.T) {
	t.Parallel()
	v, from, to, _ := proposed(t, "10.00")
	_, err := v.ProposeMove(v.as(planner), budget.ProposeMove{From: from.ID, To: to.ID, Amount: platform.MustMoney("5", "JPY"), Reason: "x"})
	require.ErrorIs(t, err, budget.ErrCurrency)
	_, err = v.ProposeMove(v.as(planner), budget.ProposeMove{From: from.ID, To: from.ID, Amount: cny("1.00"), Reason: "x"})
	require.ErrorIs(t, err, platform.ErrInvalid)
	_, err = v.ProposeMove(v.as(planner), budget.ProposeMove{From: from.ID, To: to.ID, Amount: cny("-1.00"), Reason: "x"})
	require.ErrorIs(t, err, platform.ErrInvalid)
	_, err = v.ProposeMove(v.as(platform.Actor{ID: "stf", Kind: platform.Staff}), budget.ProposeMove{From: from.ID, To: to.ID, Amount: cny("1.00"), Reason: "x"})
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestManyWhoApproveOneVirementMakeItOnce(t *testing.T) {
	t.Parallel()
	v, from, _, m := proposed(t, "10.00")

	told := crowd(8, func(i int) error {
		_, err := v.ApproveMove(v.as(operator(uint64(20+i))), budget.ApproveMove{Move: m.ID})
		return err
	})

	assert.Equal(t, map[string]int{"": 1, "budget.not_pending": 7}, told)
	v.holds(from, "90.00", "90.00", "0.00", "0.00")
}

func TestAVirementGivesNoneOfWhatPassesAboveThePlan(t *testing.T) {
	t.Parallel()
	for name, over := range map[string]func(*budget.Planned){"warn": warns("30.00"), "record": func(p *budget.Planned) { p.Over = budget.Record }} {
		v := newWorld(t)
		_, lines := v.active(draft(planned("travel", "100.00", over), planned("software", "50.00")))
		require.NoError(t, v.act("budget.committed", claim(1), on(lines[0], "80.00")))
		approve := func(amount string) error {
			m, err := v.ProposeMove(v.as(planner), budget.ProposeMove{From: lines[0].ID, To: lines[1].ID, Amount: cny(amount), Reason: "licences"})
			require.NoError(t, err)
			_, err = v.ApproveMove(v.as(director), budget.ApproveMove{Move: m.ID})
			return err
		}

		require.ErrorIs(t, approve("20.01"), budget.ErrExceeded, name)
		require.NoError(t, approve("20.00"), name)

		v.holds(lines[0], "80.00", "0.00", "80.00", "0.00")
		v.holds(lines[1], "70.00", "70.00", "0.00", "0.00")
	}
}

func TestNobodyApprovesWhatTheirStandInProposed(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	_, lines := v.active(draft(planned("travel", "100.00"), planned("software", "50.00")))
	standIn := planner
	standIn.OnBehalf = first.ID
	m, err := v.ProposeMove(v.as(standIn), budget.ProposeMove{From: lines[0].ID, To: lines[1].ID, Amount: cny("10.00"), Reason: "licences"})
	require.NoError(t, err)
	_, err = v.ApproveMove(v.as(first), budget.ApproveMove{Move: m.ID})
	require.ErrorIs(t, err, budget.ErrFourEyes)

	b, err := v.Draft(v.as(standIn), draft(planned("travel", "10.00")))
	require.NoError(t, err)
	_, err = v.Submit(v.as(standIn), budget.Submit{Budget: b.ID})
	require.NoError(t, err)
	_, err = v.Approve(v.as(first), budget.Approve{Budget: b.ID})
	require.ErrorIs(t, err, budget.ErrFourEyes, "it was proposed for them")
	standIn = director
	standIn.OnBehalf = second.ID
	_, err = v.Approve(v.as(standIn), budget.Approve{Budget: b.ID})
	require.NoError(t, err)
	_, err = v.Approve(v.as(second), budget.Approve{Budget: b.ID})
	require.ErrorIs(t, err, budget.ErrFourEyes, "it was approved for them")
	_, err = v.Reject(v.as(second), budget.Reject{Budget: b.ID, Reason: "again"})
	require.NoError(t, err)
	_, err = v.Submit(v.as(planner), budget.Submit{Budget: b.ID})
	require.NoError(t, err)
	_, err = v.Approve(v.as(second), budget.Approve{Budget: b.ID})
	require.NoError(t, err, "what was approved before is void")
}
