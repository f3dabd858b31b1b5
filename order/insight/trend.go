package insight

import (
	"math"
	"slices"
	"time"
)

// Trend is what a series does, as far as its figures are shown: what is kept
// back counts as missing, so that a trend tells no more than the series.
type Trend struct {
	Points       int       `json:"points"`                 // that have a value
	Insufficient bool      `json:"insufficient,omitempty"` // fewer than 28: no change is told
	Levels       []Level   `json:"levels,omitempty"`
	Season       []float64 `json:"season,omitempty"` // of a daily series: what each weekday, Monday first, lies above the median
}

// Level is where the series stands at a point of it.
type Level struct {
	Point   int     `json:"point"`             // its index
	Level   float64 `json:"level"`             // exponentially weighted mean, without the season
	Score   float64 `json:"score"`             // robust z of the point, without the season
	Changed bool    `json:"changed,omitempty"` // the score is 3.5 or more, up or down
}

// How a trend is found.
const (
	leastPoints = 28
	smoothing   = 0.3
	changed     = 3.5
)

// trend takes the median of each weekday off a daily series, smooths what is left
// and flags what stands out: the modified z score of B. Iglewicz and D. C.
// Hoaglin (1993), with the mean deviation where half of all points are equal.
func trend(points []Point, step Step, zone *time.Location) Trend {
	var at []int
	var values []float64
	for i, p := range points {
		if v, known := p.Figure.Value(); known {
			at, values = append(at, i), append(values, v)
		}
	}
	t := Trend{Points: len(values)}
	if len(values) < leastPoints {
		t.Insufficient = true
		return t
	}
	if step == Daily {
		t.Season = make([]float64, 7)
		weekday := func(i int) int { return (int(points[at[i]].From.In(zone).Weekday()) + 6) % 7 }
		of, whole := make([][]float64, 7), median(values)
		for i, v := range values {
			of[weekday(i)] = append(of[weekday(i)], v)
		}
		for d := range of {
			if len(of[d]) > 0 {
				t.Season[d] = median(of[d]) - whole
			}
		}
		for i := range values {
			values[i] -= t.Season[weekday(i)]
		}
	}
	score, level := scores(values), values[0]
	for i, v := range values {
		level = float64(smoothing*v) + float64((1-smoothing)*level)
		t.Levels = append(t.Levels, Level{Point: at[i], Level: level, Score: score[i], Changed: math.Abs(score[i]) >= changed})
	}
	return t
}

// scores are the modified z scores of values; zero where all are equal.
func scores(values []float64) []float64 {
	mid, all := median(values), make([]float64, len(values))
	away, sum := make([]float64, len(values)), 0.0
	for i, v := range values {
		away[i] = math.Abs(v - mid)
		sum += away[i]
	}
	unit := median(away) / 0.6745
	if unit == 0 {
		unit = 1.253314 * sum / float64(len(values))
	}
	for i, v := range values {
		if unit > 0 {
			all[i] = (v - mid) / unit
		}
	}
	return all
}

// median is the middle of values, or the mean of the middle two.
func median(of []float64) float64 {
	of = slices.Sorted(slices.Values(of))
	half := len(of) / 2
	if len(of)%2 == 1 {
		return of[half]
	}
	return (of[half-1] + of[half]) / 2
}
