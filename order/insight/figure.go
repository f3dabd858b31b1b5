package insight

import (
	"math"
	"slices"
)

// Figure is one measure over one window. Its value is Numerator over
// Denominator.
type Figure struct {
	Name        string    `json:"name"`
	Version     int       `json:"version"`        // of its definition
	Key         string    `json:"key,omitempty"`  // the cell of a measure that has several: a fault, an hour
	Unit        string    `json:"unit,omitempty"` // a currency, in its minor units; s for seconds
	Numerator   int64     `json:"numerator"`
	Denominator int64     `json:"denominator"`
	N           int64     `json:"n"`                    // observations
	Interval    *Interval `json:"interval,omitempty"`   // 95 %; none of what was counted and not estimated
	Suppressed  bool      `json:"suppressed,omitempty"` // kept back: then all numbers are zero
}

// Interval is between which bounds the true value lies, with 95 %.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Value is numerator over denominator, and whether there is one.
func (f Figure) Value() (float64, bool) {
	if f.Suppressed || f.Denominator == 0 {
		return 0, false
	}
	return float64(f.Numerator) / float64(f.Denominator), true
}

// hidden is the figure kept back.
func (f Figure) hidden() Figure {
	return Figure{Name: f.Name, Version: f.Version, Key: f.Key, Unit: f.Unit, Suppressed: true}
}

// z is the 97.5 % quantile of the normal distribution.
const z = 1.959963984540054

// Wilson is the score interval of a rate (E. B. Wilson, JASA 1927); of nothing
// there is none. It always contains the rate.
func Wilson(numerator, denominator int64) *Interval {
	if denominator <= 0 || numerator < 0 || numerator > denominator {
		return nil
	}
	n, p := float64(denominator), float64(numerator)/float64(denominator)
	mid := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return &Interval{Low: min(p, max(0, mid-half)), High: max(p, min(1, mid+half))}
}

// The bootstrap (B. Efron, Annals of Statistics 1979) draws so many times from
// the observations, always by the same numbers: those of the minimal standard
// generator of S. K. Park and K. W. Miller, CACM 1988, with the multiplier 48271.
const (
	resamples = 400
	seed      = 20260302
	modulus   = 1<<31 - 1
)

// draws are the positions that the bootstrap draws of n, one after the other.
type draws int64

func (d *draws) next(n int) int {
	*d = *d * 48271 % modulus
	return int(int64(*d) * int64(n) / modulus)
}

// percentiles is the interval that the middle 95 % of the resamples span,
// widened to the value itself where that lies outside.
func percentiles(of []float64, value float64) *Interval {
	slices.Sort(of)
	return &Interval{Low: min(value, of[resamples/40]), High: max(value, of[resamples-resamples/40-1])}
}

// rank is the position of a quantile, in percent, among n in order: the smallest
// that so many percent do not lie above.
func rank(percent, n int) int { return max((percent*n+99)/100, 1) - 1 }

// quantile is the observation at a quantile, with its bootstrap interval. The
// observations are sorted in place.
func quantile(percent int, of []int64) (int64, *Interval) {
	slices.Sort(of)
	value, d, found := of[rank(percent, len(of))], draws(seed), make([]float64, resamples)
	drawn := make([]int32, len(of))
	for i := range found {
		clear(drawn)
		for range of {
			drawn[d.next(len(of))]++
		}
		at, below := 0, int(drawn[0])
		for below <= rank(percent, len(of)) {
			at++
			below += int(drawn[at])
		}
		found[i] = float64(of[at])
	}
	return value, percentiles(found, float64(value))
}

// ratio is the bootstrap interval of a sum over another, order by order.
func ratio(over, under []int64) *Interval {
	d, found := draws(seed), make([]float64, resamples)
	var above, below int64
	for i := range over {
		above, below = above+over[i], below+under[i]
	}
	if below <= 0 {
		return nil
	}
	for i := range found {
		var a, b int64
		for range over {
			at := d.next(len(over))
			a, b = a+over[at], b+under[at]
		}
		if b > 0 {
			found[i] = float64(a) / float64(b)
		}
	}
	return percentiles(found, float64(above)/float64(below))
}
