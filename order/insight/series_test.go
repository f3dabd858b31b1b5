package insight

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/liangding/platform"
)

// daily places so many orders on each day from noon on.
func daily(counts ...int) (stories []*story) {
	n := 0
	for d, count := range counts {
		for range count {
			stories = append(stories, sold(n, noon.AddDate(0, 0, d), int64(100+d)))
			n++
		}
	}
	return stories
}

func days(n int) Ask {
	begun := noon.Truncate(day)
	return Ask{From: begun, Until: begun.AddDate(0, 0, n)}
}

// TestATrendFlagsWhatStandsOut: a series with busy weekends and one day that is
// out of line.
func TestATrendFlagsWhatStandsOut(t *testing.T) {
	t.Parallel()
	counts := make([]int, 35)
	for d := range counts {
		counts[d] = 3 + d%2
		if d%7 >= 5 {
			counts[d] += 4
		}
	}
	counts[30] = 14
	s := measured(t, Terms{Least: 1}, Ports{}, daily(counts...)...)

	got, err := s.Series(as(operator), days(35), "placed", Daily)
	require.NoError(t, err)
	require.Len(t, got.Points, 35)
	assert.Equal(t, 35, got.Trend.Points)
	assert.Greater(t, got.Trend.Season[5], got.Trend.Season[0]+3)
	for i, l := range got.Trend.Levels {
		assert.Equal(t, int64(counts[i]), got.Points[i].Figure.Numerator)
		assert.Equal(t, i == 30, l.Changed, "day %d: %v", i, l)
	}
	level := got.Trend.Levels[0].Level
	for i, l := range got.Trend.Levels {
		left := float64(counts[i]) - got.Trend.Season[i%7]
		level = 0.3*left + 0.7*level
		if i == 0 {
			level = left
		}
		assert.InDelta(t, level, l.Level, 1e-9)
	}
}

// TestADayWithoutOrdersIsAPoint: of a count and of an amount, not of a rate.
func TestADayWithoutOrdersIsAPoint(t *testing.T) {
	t.Parallel()
	s := measured(t, Terms{Least: 1}, Ports{}, daily(2, 0, 1)...)
	for name, want := range map[string]int{"placed": 5, "gmv/CNY": 5, "cancellation_rate": 2} {
		got, err := s.Series(as(operator), days(5), name, Daily)
		require.NoError(t, err)
		assert.Equal(t, want, got.Trend.Points, name)
	}
}

func TestATrendOfFewPointsSaysSo(t *testing.T) {
	t.Parallel()
	counts := make([]int, 28)
	for d := range counts {
		counts[d] = 1
	}
	s := measured(t, Terms{Least: 1}, Ports{}, daily(counts...)...)

	got, err := s.Series(as(operator), days(27), "placed", Daily)
	require.NoError(t, err)
	assert.Equal(t, Trend{Points: 27, Insufficient: true}, got.Trend)
	got, err = s.Series(as(operator), days(28), "placed", Daily)
	require.NoError(t, err)
	assert.False(t, got.Trend.Insufficient)
	for _, l := range got.Trend.Levels {
		assert.False(t, l.Changed, "all are equal")
		assert.InDelta(t, 1, l.Level, 1e-12)
	}
	got, err = s.Series(as(operator), days(60), "basket", Daily)
	require.NoError(t, err)
	assert.Zero(t, got.Trend.Points, "an amount is of a currency")
	got, err = s.Series(as(operator), days(60), "basket/CNY", Daily)
	require.NoError(t, err)
	assert.Equal(t, 28, got.Trend.Points, "days without orders have no median")
}

// TestATrendTellsNoMoreThanItsSeries: it is made of what is shown.
func TestATrendTellsNoMoreThanItsSeries(t *testing.T) {
	t.Parallel()
	counts := make([]int, 40)
	for d := range counts {
		counts[d] = 12
	}
	counts[3], counts[20] = 2, 11
	s := measured(t, Terms{}, Ports{}, daily(counts...)...)

	got, err := s.Series(as(operator), days(40), "placed", Daily)
	require.NoError(t, err)
	assert.True(t, got.Points[3].Figure.Suppressed)
	assert.True(t, got.Points[20].Figure.Suppressed, "the complement")
	assert.Equal(t, 38, got.Trend.Points)
	for _, l := range got.Trend.Levels {
		assert.NotContains(t, []int{3, 20}, l.Point)
		assert.InDelta(t, 12, l.Level, 1e-12)
	}
}

func TestModifiedScores(t *testing.T) {
	t.Parallel()
	got := scores([]float64{1, 2, 3, 4, 100})
	assert.InDelta(t, 0.6745*97, got[4], 1e-9)
	assert.Zero(t, got[2])
	mostly := scores([]float64{5, 5, 5, 5, 9})
	assert.InDelta(t, 4/(1.253314*0.8), mostly[4], 1e-9)
	assert.InDelta(t, 2.5, median([]float64{4, 1, 2, 3}), 1e-12)
	assert.False(t, math.IsNaN(scores([]float64{7})[0]))
}

func TestSeriesStepByTheTenantsCalendar(t *testing.T) {
	t.Parallel()
	s := measured(t, Terms{Least: 1}, Ports{}, sold(1, noon, 100), sold(2, noon.AddDate(0, 0, 6), 100), sold(3, noon.AddDate(0, 0, 7), 100), sold(4, noon.AddDate(0, 1, 0), 100))
	a, err := s.Window("2026-03-04", "2026-05-01")
	require.NoError(t, err)

	weeks, err := s.Series(as(operator), a, "placed", Weekly)
	require.NoError(t, err)
	assert.Equal(t, "2026-03-04 2026-03-09", weeks.Points[0].From.Format(time.DateOnly)+" "+weeks.Points[0].Until.Format(time.DateOnly), "cut to what was asked")
	assert.Equal(t, int64(1), weeks.Points[0].Figure.Numerator)
	assert.Equal(t, "2026-03-02", weeks.Points[0].Figure.Key, "of the week that began then")
	assert.Equal(t, int64(1), weeks.Points[1].Figure.Numerator)
	months, err := s.Series(as(operator), a, "gmv/CNY", Monthly)
	require.NoError(t, err)
	require.Len(t, months.Points, 2)
	assert.Equal(t, []int64{300, 100}, []int64{months.Points[0].Figure.Numerator, months.Points[1].Figure.Numerator}, "by completion")
	assert.NotZero(t, months.Revision)

	var out strings.Builder
	require.NoError(t, months.WriteCSV(&out, "en"))
	assert.Len(t, strings.Split(strings.TrimSpace(out.String()), "\n"), 3)

	for name, step := range map[string]Step{"by_hour": Daily, "placed": "hour", "nothing": Daily} {
		_, err := s.Series(as(operator), a, name, step)
		require.ErrorIs(t, err, ErrMeasure, name)
	}
	_, err = s.Series(as(operator), Ask{From: noon.AddDate(-3, 0, 0), Until: noon}, "placed", Daily)
	require.ErrorIs(t, err, ErrWindow)
	_, err = s.Series(as(buyer), a, "placed", Daily)
	require.ErrorIs(t, err, platform.ErrDenied)
}
