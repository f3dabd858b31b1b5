package insight

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func cells(persons ...int) (all []*cell) {
	next := 0
	for _, n := range persons {
		c := &cell{n: int64(n), who: people{}}
		for range n {
			c.who.add(customer(next), 10)
			next++
		}
		all = append(all, c)
	}
	return all
}

func hiddenOf(all []*cell) (hidden []bool) {
	for _, c := range all {
		hidden = append(hidden, c.hidden)
	}
	return hidden
}

func TestFewPersonsAreKeptBackWithTheirComplement(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		persons []int
		hidden  []bool
		safe    bool
	}{
		"all large enough":             {[]int{10, 25, 11}, []bool{false, false, false}, true},
		"one small takes the next":     {[]int{3, 40, 15, 60}, []bool{true, false, true, false}, true},
		"two small with ten together":  {[]int{4, 6, 50}, []bool{true, true, false}, true},
		"two small, fewer together":    {[]int{2, 3, 50, 60}, []bool{true, true, true, false}, true},
		"empty ones go with them":      {[]int{0, 4, 20, 30}, []bool{true, true, true, false}, true},
		"empty ones alone are told":    {[]int{0, 20, 30}, []bool{false, false, false}, true},
		"one alone is all there is":    {[]int{4, 0}, []bool{true, true}, false},
		"too few in all":               {[]int{4, 3}, []bool{true, true}, false},
		"nothing":                      {nil, nil, true},
		"one each would be worked out": {slices.Repeat([]int{1}, 12), slices.Repeat([]bool{true}, 12), false},
	} {
		all := cells(of.persons...)
		assert.Equal(t, of.safe, suppress(all, 10), name)
		assert.Equal(t, of.hidden, hiddenOf(all), name)
	}
}

// TestSuppressionNeverRevealsACell: whoever knows the total and every cell that is
// shown finds at least two values for each that is not, and those kept back are
// of ten persons together.
func TestSuppressionNeverRevealsACell(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		persons := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 12), rapid.IntRange(0, 60)), 1, 12).Draw(rt, "persons")
		all := cells(persons...)
		for _, c := range all {
			if c.n > 0 {
				c.n += int64(rapid.IntRange(0, 9).Draw(rt, "orders more"))
			}
		}
		if !suppress(all, 10) {
			return // nothing of it is shown
		}
		least, hidden, rest := int64(1), int64(0), int64(0)
		together := people{}
		for i, c := range all {
			require.True(rt, c.hidden || persons[i] >= 10 || persons[i] == 0, "cell %d of %d persons is shown", i, persons[i])
			if !c.hidden {
				continue
			}
			hidden, rest = hidden+1, rest+c.n
			if persons[i] == 0 {
				least = 0 // a hidden cell may be empty: then any may be
			}
			for id := range c.who {
				together.add(id, 10)
			}
		}
		if hidden == 0 {
			return
		}
		// What a hidden cell can be, given the others: from least to this.
		most := rest - (hidden-1)*least
		require.Greater(rt, most, least, "%v", persons)
		require.GreaterOrEqual(rt, len(together), 10)
	})
}

// TestAReportRevealsNoHour: the cells of a real report, and its total.
func TestAReportRevealsNoHour(t *testing.T) {
	t.Parallel()
	var stories []*story
	for n := range 40 {
		at := noon
		if n < 3 {
			at = noon.Add(5 * 60 * 60 * 1e9) // three persons at five
		} else if n < 15 {
			at = noon.Add(60 * 60 * 1e9)
		}
		stories = append(stories, sold(n, at, 100))
	}
	s := measured(t, Terms{}, Ports{}, stories...)

	f := report(t, s, march, "placed", "by_hour", "by_zone")
	assert.Equal(t, int64(40), figure(t, f, "placed", "").Numerator)
	assert.True(t, figure(t, f, "by_hour", "17").Suppressed)
	assert.True(t, figure(t, f, "by_hour", "13").Suppressed, "the complement")
	assert.True(t, figure(t, f, "by_hour", "03").Suppressed, "an empty one is not told from them")
	assert.Equal(t, int64(25), figure(t, f, "by_hour", "12").Numerator)
	assert.Equal(t, int64(40), figure(t, f, "by_zone", "none").Numerator)
}
