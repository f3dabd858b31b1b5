package insight

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The bounds of the first two are those of Newcombe, Statistics in Medicine 1998, table I.
func TestWilsonGivesThePublishedBounds(t *testing.T) {
	t.Parallel()
	for _, of := range []struct {
		x, n      int64
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		got := Wilson(of.x, of.n)
		assert.InDelta(t, of.low, got.Low, 5e-5)
		assert.InDelta(t, of.high, got.High, 5e-5)
	}
	assert.Nil(t, Wilson(0, 0))
	assert.Nil(t, Wilson(2, 1))
	assert.Nil(t, Wilson(-1, 1))
}

func TestIntervalsContainTheRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.Int64Range(1, 1<<40).Draw(rt, "n")
		x := rapid.Int64Range(0, n).Draw(rt, "x")
		got, rate := Wilson(x, n), float64(x)/float64(n)
		require.True(rt, 0 <= got.Low && got.Low <= rate && rate <= got.High && got.High <= 1, "%d/%d: %v", x, n, *got)
		if x > 0 && x < n && n < 1<<20 {
			require.True(rt, got.Low < rate && rate < got.High)
		}

		values := rapid.SliceOfN(rapid.Int64Range(-1000, 1000), 1, 30).Draw(rt, "values")
		for _, percent := range []int{50, 90} {
			value, bounds := quantile(percent, slices.Clone(values))
			require.True(rt, bounds.Low <= float64(value) && float64(value) <= bounds.High)
			below, upto := 0, 0
			for _, v := range values {
				below, upto = below+int(one(v < value)), upto+int(one(v <= value))
			}
			require.True(rt, 100*upto >= percent*len(values) && 100*below < percent*len(values), "%d of %v is %d", percent, values, value)
		}
		under := slices.Repeat([]int64{7}, len(values))
		bounds, sum := ratio(values, under), int64(0)
		for _, v := range values {
			sum += v
		}
		require.True(rt, bounds.Low <= float64(sum)/float64(7*len(values)) && float64(sum)/float64(7*len(values)) <= bounds.High)
	})
}

func TestTheBootstrapIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	values := []int64{9, 1, 5, 7, 3, 8, 2, 6, 4, 10}
	value, bounds := quantile(50, slices.Clone(values))
	again, twice := quantile(50, slices.Clone(values))
	assert.Equal(t, int64(5), value)
	assert.Equal(t, []any{value, *bounds}, []any{again, *twice})
	assert.Equal(t, Interval{Low: 2, High: 8}, *bounds)
	assert.Nil(t, ratio([]int64{1}, []int64{0}))
}

// TestTheBootstrapCoversTheMedian: of many samples of a known distribution, about
// 95 % of the intervals hold its median.
func TestTheBootstrapCoversTheMedian(t *testing.T) {
	t.Parallel()
	d, held := draws(7), 0
	for range 400 {
		values := make([]int64, 61)
		for i := range values {
			u := float64(d.next(1_000_000)+1) / 1_000_001
			values[i] = int64(-1e6 * math.Log(u))
		}
		_, bounds := quantile(50, values)
		held += int(one(bounds.Low <= 1e6*math.Ln2 && 1e6*math.Ln2 <= bounds.High))
	}
	assert.Greater(t, held, 365)
	assert.Less(t, held, 395)
}

func TestDrawsAreEven(t *testing.T) {
	t.Parallel()
	d, counts := draws(seed), make([]int, 10)
	for range 10_000 {
		counts[d.next(10)]++
	}
	for _, n := range counts {
		assert.InDelta(t, 1000, n, 120)
	}
}
