package budget_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance/budget"
)

func TestAForecastAddsTheMedianOfThreeMonths(t *testing.T) {
	t.Parallel()
	v := newWorld(t)
	l := v.line("1000.00")
	for i, spent := range []string{"50.00", "300.00", "70.00"} { // January to March
		v.at(newYear.AddDate(0, i, 10))
		require.NoError(t, v.act("budget.settled", claim(uint64(i+1)), on(l, spent)))
	}
	v.at(newYear.AddDate(0, 3, 15)) // April: eight months are left after it
	require.NoError(t, v.act("budget.committed", claim(9), on(l, "20.00")))
	require.NoError(t, v.act("budget.settled", claim(8), on(l, "5.00")))

	f, err := v.Forecast(v.as(first), l.ID)

	require.NoError(t, err)
	assert.Equal(t, cny("70.00"), f.Rate)
	assert.Equal(t, 8, f.Left)
	expected := cny("1005.00") // 425 spent, 20 committed, 8 × 70
	assert.Equal(t, expected, f.Expected)
	assert.True(t, f.Above)
	assert.False(t, f.Early)
}

func TestAForecastWarnsOfALineThatIsUsedUpTooSoon(t *testing.T) {
	t.Parallel()
	l := budget.Line{From: newYear, Until: nextYear, Plan: cny("100.00")}
	none := cny("0.00")
	spring, autumn := newYear.Add(nextYear.Sub(newYear)*3/4-1), newYear.Add(nextYear.Sub(newYear)*3/4)
	for name, c := range map[string]struct {
		spent, committed string
		late, early      bool
	}{
		"nine tenths":              {"50.00", "40.00", false, false},
		"more than nine tenths":    {"50.00", "40.01", false, true},
		"in the last quarter":      {"50.00", "40.01", true, false},
		"nothing is committed":     {"90.01", "0.00", false, true},
		"more than there ever was": {"190.01", "0.00", false, true},
	} {
		now := spring
		if c.late {
			now = autumn
		}
		f, err := l.Forecast(budget.Balance{Spent: cny(c.spent), Committed: cny(c.committed)}, [3]platform.Money{none, none, none}, now)
		require.NoError(t, err)
		assert.Equal(t, c.early, f.Early, name)
	}
}
