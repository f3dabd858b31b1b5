package budget_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/budget"
)

func TestABudgetIsApprovedByTwoWhoDidNotProposeIt(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	b, err := v.Draft(v.as(planner), draft(planned("travel", "100.00")))
	require.NoError(t, err)
	approve := func(who platform.Actor) (budget.Budget, error) {
		return v.Approve(v.as(who), budget.Approve{Budget: b.ID})
	}
	_, err = approve(first)
	require.ErrorIs(t, err, budget.ErrNotPending, "a draft")
	_, err = v.Submit(v.as(planner), budget.Submit{Budget: b.ID})
	require.NoError(t, err)

	_, err = approve(planner)
	require.ErrorIs(t, err, budget.ErrFourEyes)
	deputy := platform.Actor{ID: second.ID, Kind: platform.Operator, OnBehalf: planner.ID}
	_, err = approve(deputy)
	require.ErrorIs(t, err, budget.ErrFourEyes, "on behalf of the proposer")
	one, err := approve(first)
	require.NoError(t, err)
	assert.Equal(t, budget.Submitted, one.State)
	_, err = approve(first)
	require.ErrorIs(t, err, budget.ErrFourEyes, "twice")
	_, err = approve(platform.Actor{ID: "system", Kind: platform.System})
	require.ErrorIs(t, err, platform.ErrDenied)
	two, err := approve(second)
	require.NoError(t, err)

	assert.Equal(t, budget.Approved, two.State)
	assert.Equal(t, []platform.ID{first.ID, second.ID}, two.Approvers)
	assert.Equal(t, 1, v.tick())
	assert.Equal(t, 0, v.tick())
	v.holds(v.lines(two)[0], "100.00", "100.00", "0.00", "0.00")
}

func TestOfManyApprovalsAtOnceTwoCount(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	b, err := v.Draft(v.as(planner), draft(planned("travel", "100.00")))
	require.NoError(t, err)
	_, err = v.Submit(v.as(planner), budget.Submit{Budget: b.ID})
	require.NoError(t, err)

	told := crowd(16, func(i int) error {
		_, err := v.Approve(v.as(operator(uint64(10+i))), budget.Approve{Budget: b.ID})
		return err
	})

	assert.Equal(t, map[string]int{"": 2, "budget.not_pending": 14}, told)
}

func TestABudgetComesIntoForceWithItsPeriod(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.at(newYear.AddDate(0, -1, 0))
	in := draft(planned("travel", "100.00"))
	b, err := v.Draft(v.as(planner), in)
	require.NoError(t, err)
	_, err = v.Submit(v.as(planner), budget.Submit{Budget: b.ID})
	require.NoError(t, err)
	for _, who := range []platform.Actor{first, second} {
		_, err = v.Approve(v.as(who), budget.Approve{Budget: b.ID})
		require.NoError(t, err)
	}
	assert.Equal(t, 0, v.tick())
	v.at(newYear)
	assert.Equal(t, 1, v.tick())
	b, err = v.Budget(v.as(planner), b.ID)
	require.NoError(t, err)
	assert.Equal(t, budget.Active, b.State)
}

func TestParallelTicksActivateOnce(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	b, err := v.Draft(v.as(planner), draft(planned("travel", "100.00")))
	require.NoError(t, err)
	_, err = v.Submit(v.as(planner), budget.Submit{Budget: b.ID})
	require.NoError(t, err)
	for _, who := range []platform.Actor{first, second} {
		b, err = v.Approve(v.as(who), budget.Approve{Budget: b.ID})
		require.NoError(t, err)
	}

	told := crowd(8, func(int) error { _, err := v.Tick(t.Context(), march, 0); return err })

	assert.Equal(t, map[string]int{"": 8}, told)
	v.holds(v.lines(b)[0], "100.00", "100.00", "0.00", "0.00")
}

func TestAPlanThatDoesNotAddUpIsRefused(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	yen := platform.MustMoney("100", "JPY")
	for name, c := range map[string]struct {
		change func(*budget.Draft)
		code   string
	}{
		"more than the envelope": {func(d *budget.Draft) { d.Envelope = cny("99.99") }, "budget.envelope"},
		"another currency":       {func(d *budget.Draft) { d.Lines[0].Amount = yen }, "budget.currency"},
		"a line twice":           {func(d *budget.Draft) { d.Lines = append(d.Lines, planned("travel", "0.00")) }, "budget.line_twice"},
		"stops with a tolerance": {func(d *budget.Draft) { d.Lines[0].Tolerance = cny("1.00") }, "budget.tolerance"},
		"warns without one":      {func(d *budget.Draft) { d.Lines[0].Over = budget.Warn }, "budget.tolerance"},
		"a tolerance in yen":     {func(d *budget.Draft) { d.Lines[0].Over, d.Lines[0].Tolerance = budget.Warn, yen }, "budget.currency"},
		"ends as it begins":      {func(d *budget.Draft) { d.Until = d.From }, "budget.period"},
		"37 months":              {func(d *budget.Draft) { d.Until = d.From.AddDate(0, 36, 1) }, "budget.period"},
		"no lines":               {func(d *budget.Draft) { d.Lines = nil }, "field.min"},
		"no amount":              {func(d *budget.Draft) { d.Lines[0].Amount = platform.Money{} }, "field.min"},
		"below zero":             {func(d *budget.Draft) { d.Lines[0].Amount = cny("-1.00") }, "field.min"},
		"an account with a dot":  {func(d *budget.Draft) { d.Lines[0].Account = "a.b" }, "field.alphanum"},
		"an unknown action":      {func(d *budget.Draft) { d.Lines[0].Over = "shout" }, "field.oneof"},
	} {
		in := draft(planned("travel", "100.00"))
		c.change(&in)
		_, err := v.Draft(v.as(planner), in)
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	_, err := v.Draft(v.as(platform.Actor{ID: "cus", Kind: platform.Customer}), draft(planned("travel", "1.00")))
	require.ErrorIs(t, err, platform.ErrDenied)
}

func TestARejectedBudgetIsADraftAgain(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	b, err := v.Draft(v.as(planner), draft(planned("travel", "100.00")))
	require.NoError(t, err)
	_, err = v.Submit(v.as(planner), budget.Submit{Budget: b.ID})
	require.NoError(t, err)
	_, err = v.Approve(v.as(first), budget.Approve{Budget: b.ID})
	require.NoError(t, err)

	b, err = v.Reject(v.as(second), budget.Reject{Budget: b.ID, Reason: "too_much"})
	require.NoError(t, err)
	assert.Equal(t, budget.Drafted, b.State)
	assert.Empty(t, b.Approvers)
	b, err = v.Amend(v.as(planner), budget.Amend{Budget: b.ID, Envelope: cny("50.00"), Lines: []budget.Planned{planned("travel", "50.00")}})
	require.NoError(t, err)
	assert.Equal(t, 1, b.Number)
}

func TestAnotherEditionChangesTheLinesWhenItIsApproved(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	b, lines := v.active(draft(planned("travel", "100.00"), planned("software", "50.00"), planned("rent", "10.00")))
	require.NoError(t, v.act("budget.committed", claim(1), on(lines[1], "30.00")))
	amend := func(software string) {
		_, err := v.Amend(v.as(planner), budget.Amend{Budget: b.ID, Envelope: cny("500.00"), Lines: []budget.Planned{
			planned("travel", "120.00"), planned("software", software), planned("books", "5.00"),
		}})
		require.NoError(t, err)
		_, err = v.Approve(v.as(first), budget.Approve{Budget: b.ID})
		require.NoError(t, err)
		v.holds(lines[0], "100.00", "100.00", "0.00", "0.00")
	}

	amend("29.99")
	_, err := v.Approve(v.as(second), budget.Approve{Budget: b.ID})
	require.ErrorIs(t, err, budget.ErrExceeded, "less than what is promised")
	amend("30.00")
	b, err = v.Approve(v.as(second), budget.Approve{Budget: b.ID})
	require.NoError(t, err)

	assert.Equal(t, 2, b.Number)
	assert.Nil(t, b.Next)
	v.holds(lines[0], "120.00", "120.00", "0.00", "0.00")
	v.holds(lines[1], "30.00", "0.00", "30.00", "0.00")
	v.holds(lines[2], "0.00", "0.00", "0.00", "0.00")
	v.holds(v.lines(b)[2], "5.00", "5.00", "0.00", "0.00")
	_, err = v.Reject(v.as(second), budget.Reject{Budget: b.ID, Reason: "late"})
	require.ErrorIs(t, err, budget.ErrNotPending)
}

func TestALinePlannedByTheMonthFreesItsPartEachMonth(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	l := v.line("1000.00", func(p *budget.Planned) { p.Monthly = true })
	v.holds(l, "250.00", "250.00", "0.00", "0.00")
	assert.Equal(t, 0, v.tick())

	require.ErrorIs(t, v.act("budget.committed", claim(1), on(l, "250.01")), budget.ErrExceeded)
	v.at(newYear.AddDate(0, 3, 0))
	assert.Equal(t, 1, v.tick())
	v.holds(l, "333.33", "333.33", "0.00", "0.00")
	require.NoError(t, v.act("budget.committed", claim(1), on(l, "250.01")))
	v.at(newYear.AddDate(0, 9, 5)) // three months at once, since nobody ticked
	assert.Equal(t, 1, v.tick())
	v.at(nextYear)
	assert.Equal(t, 1, v.tick())
	assert.Equal(t, 0, v.tick())

	v.holds(l, "1000.00", "749.99", "250.01", "0.00")
}

func TestAClosedBudgetLetsNothingPass(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	b, lines := v.active(draft(planned("travel", "100.00", func(p *budget.Planned) { p.Monthly = true })))
	require.NoError(t, v.act("budget.committed", claim(1), on(lines[0], "5.00")))
	b, err := v.Close(v.as(first), budget.Close{Budget: b.ID, Reason: "year_over"})
	require.NoError(t, err)

	assert.Equal(t, budget.Closed, b.State)
	for _, what := range []string{"budget.committed", "budget.spent", "budget.settled"} {
		require.ErrorIs(t, v.act(what, claim(1), on(lines[0], "1.00")), budget.ErrClosed, what)
	}
	_, err = v.Close(v.as(first), budget.Close{Budget: b.ID, Reason: "again"})
	require.ErrorIs(t, err, budget.ErrNotActive)
	_, err = v.Amend(v.as(planner), budget.Amend{Budget: b.ID, Envelope: cny("1.00"), Lines: []budget.Planned{planned("travel", "1.00")}})
	require.ErrorIs(t, err, budget.ErrNotDraft)
	v.at(nextYear)
	assert.Equal(t, 0, v.tick(), "no month of a closed line")
	require.NoError(t, v.act("budget.released", claim(1), on(lines[0], "0.00")), "giving back is always possible")
	v.proved()
}

func TestClosingRacesWithCommitmentsTruly(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	b, lines := v.active(draft(planned("travel", "100.00")))

	told := crowd(17, func(i int) error {
		if i == 8 {
			_, err := v.Close(v.as(first), budget.Close{Budget: b.ID, Reason: "year_over"})
			return err
		}
		return v.act("budget.committed", claim(uint64(i+1)), on(lines[0], "1.00"))
	})

	assert.Equal(t, 17, told[""]+told["budget.closed"])
	passed, err := platform.FromMinor(int64(told[""]-1)*100, lines[0].Plan.Currency())
	require.NoError(t, err)
	assert.Equal(t, passed, v.balance(lines[0]).Committed)
	v.proved()
}

func TestOnlyOperatorsAndAuditorsSeeBudgets(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	b, lines := v.active(draft(planned("travel", "100.00")))
	customer := v.as(platform.Actor{ID: "cus", Kind: platform.Customer})
	abroad := first
	abroad.Tenant = "elsewhere"
	auditor := v.as(platform.Actor{ID: "aud", Kind: platform.Auditor})

	_, err := v.Budget(customer, b.ID)
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.Forecast(customer, lines[0].ID)
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.Lines(customer, b.ID, "")
	require.ErrorIs(t, err, platform.ErrDenied)
	_, err = v.Budgets(v.as(abroad), "")
	require.ErrorIs(t, err, platform.ErrNotFound)
	page, err := v.Budgets(auditor, "")
	require.NoError(t, err)
	assert.Len(t, page.Items, 1)
	_, err = v.Forecast(auditor, platform.NewID("bgt", march, 1, 1))
	require.ErrorIs(t, err, platform.ErrNotFound)
}
