package budget_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/budget"
)

// Invariant 19.
func TestOfManyCommitmentsExactlyAsManyPassAsFit(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	l := v.line("1000.00")

	told := crowd(64, func(i int) error { return v.act("budget.committed", claim(uint64(i+1)), on(l, "30.00")) })

	assert.Equal(t, map[string]int{"": 33, "budget.exceeded": 31}, told)
	v.holds(l, "1000.00", "10.00", "990.00", "0.00")
}

func TestARefusalTellsTheLineAndWhatWasLacking(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	l := v.line("100.00")

	err := v.act("budget.committed", claim(1), on(l, "100.30"))

	require.ErrorIs(t, err, budget.ErrExceeded)
	require.ErrorIs(t, err, platform.ErrState)
	assert.Equal(t, map[string]any{"line": string(l.ID), "shortage": int64(30)}, platform.Details(err))
	v.holds(l, "100.00", "100.00", "0.00", "0.00")
}

func TestWhatIsSpentMovesFromCommittedAndTheExcessFromFree(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		acts                   [][2]string
		free, committed, spent string
		refused                string
	}{
		"as committed":              {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.settled", "60.00"}}, free: "40.00", committed: "0.00", spent: "60.00"},
		"less: the rest is free":    {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.settled", "45.00"}}, free: "55.00", committed: "0.00", spent: "45.00"},
		"a part: the rest stays":    {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.spent", "45.00"}}, free: "40.00", committed: "15.00", spent: "45.00"},
		"in parts":                  {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.spent", "20.00"}, {"budget.spent", "20.00"}, {"budget.settled", "5.00"}}, free: "55.00", committed: "0.00", spent: "45.00"},
		"more: the excess is free":  {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.settled", "75.00"}}, free: "25.00", committed: "0.00", spent: "75.00"},
		"more than is free":         {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.settled", "100.01"}}, refused: "budget.exceeded", free: "40.00", committed: "60.00", spent: "0.00"},
		"nothing was committed":     {acts: [][2]string{{"budget.settled", "75.00"}}, free: "25.00", committed: "0.00", spent: "75.00"},
		"nothing was spent":         {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.settled", "0.00"}}, free: "100.00", committed: "0.00", spent: "0.00"},
		"given back":                {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.released", "0.00"}}, free: "100.00", committed: "0.00", spent: "0.00"},
		"given back twice":          {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.released", "0.00"}, {"budget.released", "0.00"}}, free: "100.00", committed: "0.00", spent: "0.00"},
		"committed anew, more":      {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.committed", "80.00"}}, free: "20.00", committed: "80.00", spent: "0.00"},
		"committed anew, less":      {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.committed", "20.00"}}, free: "80.00", committed: "20.00", spent: "0.00"},
		"committed anew, too much":  {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.committed", "100.01"}}, refused: "budget.exceeded", free: "40.00", committed: "60.00", spent: "0.00"},
		"committed again after all": {acts: [][2]string{{"budget.committed", "60.00"}, {"budget.released", "0.00"}, {"budget.committed", "30.00"}}, free: "70.00", committed: "30.00", spent: "0.00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newWorld(t)
			l := v.line("100.00")

			var last error
			for _, a := range c.acts {
				require.NoError(t, last)
				last = v.act(a[0], claim(1), on(l, a[1]))
			}

			assert.Equal(t, c.refused, platform.Code(last))
			v.holds(l, "100.00", c.free, c.committed, c.spent)
		})
	}
}

func TestASourceCommitsOnSeveralLinesOrOnNone(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	_, lines := v.active(draft(planned("travel", "100.00"), planned("software", "10.00")))

	err := v.act("budget.committed", claim(1), on(lines[0], "20.00"), on(lines[1], "10.01"), on(lines[0], "5.00"))
	require.ErrorIs(t, err, budget.ErrExceeded)
	v.holds(lines[0], "100.00", "100.00", "0.00", "0.00")

	require.NoError(t, v.act("budget.committed", claim(1), on(lines[0], "20.00"), on(lines[1], "10.00"), on(lines[0], "5.00")))
	v.holds(lines[0], "100.00", "75.00", "25.00", "0.00")
	v.holds(lines[1], "10.00", "0.00", "10.00", "0.00")
}

func TestALineThatWarnsPassesItsToleranceAndTells(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	v.at(nextYear.AddDate(0, -1, 0)) // late in the period, where much may be used
	l := v.line("100.00", warns("20.00"))

	require.NoError(t, v.act("budget.committed", claim(1), on(l, "100.00")))
	assert.Empty(t, v.events("budget.warned"))
	require.NoError(t, v.act("budget.committed", claim(2), on(l, "15.00")))
	assert.Equal(t, []string{"above_plan"}, v.events("budget.warned"))
	require.ErrorIs(t, v.act("budget.committed", claim(3), on(l, "5.01")), budget.ErrExceeded)
	require.NoError(t, v.act("budget.committed", claim(3), on(l, "5.00")))

	v.holds(l, "100.00", "-20.00", "120.00", "0.00")
}

func TestALineThatOnlyRecordsPassesAll(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	l := v.line("100.00", func(p *budget.Planned) { p.Over = budget.Record })

	require.NoError(t, v.act("budget.settled", claim(1), on(l, "4321.00")))

	v.holds(l, "100.00", "-4221.00", "0.00", "4321.00")
	assert.Contains(t, v.events("budget.warned"), "above_plan")
}

func TestALineThatIsUsedUpTooSoonTells(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	l := v.line("100.00")

	require.NoError(t, v.act("budget.committed", claim(1), on(l, "90.00")))
	assert.Empty(t, v.events("budget.warned"))
	require.NoError(t, v.act("budget.committed", claim(2), on(l, "0.01")))
	require.NoError(t, v.act("budget.committed", claim(3), on(l, "1.00")))

	assert.Equal(t, []string{"early"}, v.events("budget.warned"), "once")
}

func TestWhatIsNoActOnALineIsRefused(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	b, lines := v.active(draft(planned("travel", "100.00")))
	l := lines[0]
	nowhere := budget.Line{Head: platform.Head{ID: platform.NewID("bgt", march, 3, 3)}}
	_, err := v.Close(v.as(first), budget.Close{Budget: v.closable().ID, Reason: "done"})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		what string
		legs []platform.Leg
		kind error
		code string
	}{
		"no legs":        {"budget.committed", nil, platform.ErrInvalid, "budget.no_line"},
		"no line":        {"budget.committed", []platform.Leg{{Amount: cny("1.00")}}, platform.ErrInvalid, "budget.no_line"},
		"a budget":       {"budget.committed", []platform.Leg{{Of: b.ID, Amount: cny("1.00")}}, platform.ErrInvalid, "budget.no_line"},
		"an unknown one": {"budget.committed", []platform.Leg{on(nowhere, "1.00")}, platform.ErrInvalid, "budget.no_line"},
		"no amount":      {"budget.committed", []platform.Leg{{Of: l.ID}}, platform.ErrInvalid, "budget.amount"},
		"below zero":     {"budget.committed", []platform.Leg{on(l, "-1.00")}, platform.ErrInvalid, "budget.amount"},
		"yen":            {"budget.committed", []platform.Leg{{Of: l.ID, Amount: platform.MustMoney("1", "JPY")}}, platform.ErrInvalid, "budget.currency"},
		"planned":        {"budget.planned", []platform.Leg{on(l, "1.00")}, platform.ErrInvalid, "budget.what"},
	} {
		err := v.act(c.what, claim(1), c.legs...)
		require.ErrorIs(t, err, c.kind, name)
		assert.Equal(t, c.code, platform.Code(err), name)
	}
	v.holds(l, "100.00", "100.00", "0.00", "0.00")
}

// closable is another budget in force.
func (v *world) closable() budget.Budget {
	b, _ := v.active(draft(planned("rent", "1.00")))
	return b
}

func TestLinesAreToldInTheOrderAsked(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	b, lines := v.active(draft(planned("travel", "100.00"), planned("software", "10.00")))
	doc, err := v.control.Lines(t.Context(), lines[1].ID, lines[0].ID, lines[1].ID)
	require.NoError(t, err)
	var told []struct {
		ID              platform.ID
		Centre, Account string
		Currency        string
	}
	require.NoError(t, json.Unmarshal(doc, &told))
	require.Len(t, told, 3)
	assert.Equal(t, "software", told[0].Account)
	assert.Equal(t, lines[0].ID, told[1].ID)
	assert.Equal(t, "CNY", told[1].Currency)
	assert.Equal(t, "sales", told[2].Centre)

	_, err = v.control.Lines(t.Context(), platform.NewID("bgt", march, 3, 3))
	require.ErrorIs(t, err, budget.ErrNoLine)
	_, err = v.Close(v.as(first), budget.Close{Budget: b.ID, Reason: "done"})
	require.NoError(t, err)
	_, err = v.control.Lines(t.Context(), lines[0].ID)
	require.ErrorIs(t, err, budget.ErrClosed)
}

func TestOfTwoActsOfOneSourceAtOnceBothCount(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	l := v.line("100.00")
	require.NoError(t, v.act("budget.committed", claim(1), on(l, "90.00")))

	told := crowd(9, func(int) error { return v.act("budget.spent", claim(1), on(l, "10.00")) })

	assert.Equal(t, map[string]int{"": 9}, told)
	v.holds(l, "100.00", "10.00", "0.00", "90.00")
}
