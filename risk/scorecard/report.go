package scorecard

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Report is how well a model's kind predicts what it has not seen: of each fifth of
// the time, by a model of what came before it.
type Report struct {
	Rows        int           `json:"rows"`
	Penalty     float64       `json:"penalty"`
	AUC         Range         `json:"auc"`   // that a bad case is ranked above a good one
	AP          Range         `json:"ap"`    // average precision
	KS          Range         `json:"ks"`    // the widest gap between bad and good
	Brier       Range         `json:"brier"` // mean squared error of the probability
	Calibration []Calibration `json:"calibration"`
	Months      []Month       `json:"months"`
	Rejected    []Rejected    `json:"rejected"`
	Suspect     []string      `json:"suspect,omitempty"` // features so good that they may know the answer
}

// Range is a figure with its interval of 95 %, by bootstrap.
type Range struct {
	At   float64 `json:"at"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Calibration compares what was said of a tenth of the cases with what came.
type Calibration struct {
	N    int     `json:"n"`
	Said float64 `json:"said"`
	Came float64 `json:"came"`
}

// Month is how a model fares over time.
type Month struct {
	Month  string  `json:"month"` // 2030-03
	N      int     `json:"n"`
	Events int     `json:"events"`
	AUC    float64 `json:"auc"` // 0 where there are only good or only bad cases
}

const resamples = 200

// measured is the report of guesses.
func measured(all []guess, seed uint64) (r Report) {
	ranked := bySaid(all)
	r.AUC, r.AP, r.KS, r.Brier = Range{At: auc(ranked)}, Range{At: precision(ranked)}, Range{At: gap(ranked)}, Range{At: brier(ranked)}
	chance := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // it is to be repeated
	var aucs, aps, kss, briers []float64
	for range resamples {
		again := slices.Clone(ranked)
		for i := range again {
			again[i].times = 0
		}
		for range again {
			again[chance.IntN(len(again))].times++
		}
		aucs, aps, kss, briers = append(aucs, auc(again)), append(aps, precision(again)), append(kss, gap(again)), append(briers, brier(again))
	}
	for _, f := range []struct {
		of   *Range
		seen []float64
	}{{&r.AUC, aucs}, {&r.AP, aps}, {&r.KS, kss}, {&r.Brier, briers}} {
		slices.Sort(f.seen)
		f.of.Low, f.of.High = f.seen[resamples*25/1000], f.seen[resamples*975/1000-1]
	}
	for i := range 10 {
		r.Calibration = append(r.Calibration, calibrated(ranked[len(ranked)*i/10:len(ranked)*(i+1)/10]))
	}
	r.Months = months(all)
	return r
}

// bySaid are guesses from the safest to the most doubtful.
func bySaid(all []guess) []guess {
	return slices.SortedFunc(slices.Values(all), func(a, b guess) int { return cmp.Or(cmp.Compare(a.p, b.p), cmp.Compare(a.ID, b.ID)) })
}

func calibrated(part []guess) (c Calibration) {
	for _, g := range part {
		c.N++
		c.Said += g.p / float64(len(part))
		if g.Event {
			c.Came += 1 / float64(len(part))
		}
	}
	return c
}

func months(all []guess) (out []Month) {
	by := map[string][]guess{}
	for _, g := range all {
		month := g.At.UTC().Format("2006-01")
		by[month] = append(by[month], g)
	}
	for month, part := range by {
		m := Month{Month: month, N: len(part), AUC: auc(bySaid(part))}
		for _, g := range part {
			if g.Event {
				m.Events++
			}
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b Month) int { return cmp.Compare(a.Month, b.Month) })
	return out
}

// ties walks ranked guesses in groups of those that say the same.
func ties(ranked []guess, each func(good, bad float64)) {
	for i := 0; i < len(ranked); {
		good, bad, said := 0.0, 0.0, ranked[i].p
		for ; i < len(ranked) && ranked[i].p == said; i++ {
			if ranked[i].Event {
				bad += ranked[i].times
			} else {
				good += ranked[i].times
			}
		}
		each(good, bad)
	}
}

func sizes(ranked []guess) (good, bad float64) {
	ties(ranked, func(g, b float64) { good, bad = good+g, bad+b })
	return good, bad
}

// auc counts ties by half (Mann and Whitney).
func auc(ranked []guess) float64 {
	goods, bads := sizes(ranked)
	if goods == 0 || bads == 0 {
		return 0
	}
	below, sum := 0.0, 0.0
	ties(ranked, func(good, bad float64) {
		sum += bad * (below + good/2)
		below += good
	})
	return sum / goods / bads
}

// precision is averaged over the bad cases found, from the most doubtful on.
func precision(ranked []guess) float64 {
	_, bads := sizes(ranked)
	if bads == 0 {
		return 0
	}
	worst := slices.Clone(ranked)
	slices.Reverse(worst)
	found, seen, sum := 0.0, 0.0, 0.0
	ties(worst, func(good, bad float64) {
		found, seen = found+bad, seen+good+bad
		if seen > 0 {
			sum += bad / bads * found / seen
		}
	})
	return sum
}

// gap is the statistic of Kolmogorov and Smirnov.
func gap(ranked []guess) float64 {
	goods, bads := sizes(ranked)
	if goods == 0 || bads == 0 {
		return 0
	}
	good, bad, widest := 0.0, 0.0, 0.0
	ties(ranked, func(g, b float64) {
		good, bad = good+g/goods, bad+b/bads
		widest = math.Max(widest, math.Abs(good-bad))
	})
	return widest
}

func brier(all []guess) float64 {
	sum, n := 0.0, 0.0
	for _, g := range all {
		miss := g.p
		if g.Event {
			miss = 1 - g.p
		}
		sum, n = sum+g.times*miss*miss, n+g.times
	}
	return sum / n
}
