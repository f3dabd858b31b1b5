package scorecard

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var spring = time.Date(2030, 3, 1, 0, 0, 0, 0, time.UTC)

// cases are drawn from known odds: age lowers them, amount raises them where it is
// known, a channel of three matters, and noise does not.
func cases(n int) (rows []Row) {
	chance := rand.New(rand.NewPCG(7, 7))
	for i := range n {
		age, amount := chance.Float64()*100, chance.ExpFloat64()*50
		channel := []string{"web", "app", "phone"}[chance.IntN(3)]
		logit := -1.5 - age/40 + amount/60
		if channel == "phone" {
			logit++
		}
		r := Row{
			ID: fmt.Sprintf("case-%05d", i), At: spring.Add(time.Duration(i) * time.Hour), Event: chance.Float64() < logistic(logit),
			Numbers: map[string]float64{"age": age, "noise": chance.NormFloat64()}, Texts: map[string]string{"channel": channel},
		}
		if i%4 > 0 {
			r.Numbers["amount"] = amount
		}
		rows = append(rows, r)
	}
	return rows
}

func fitted(t testing.TB, rows []Row) (Model, Report) {
	t.Helper()
	m, r, err := Fit(rows, FitOptions{Until: spring.AddDate(2, 0, 0), Seed: 1})
	require.NoError(t, err)
	return m, r
}

func TestAFitFindsWhatMatters(t *testing.T) {
	t.Parallel()
	rows := cases(6000)
	m, r := fitted(t, rows)

	var names []string
	for _, f := range m.Features {
		names = append(names, f.Name)
		assert.Positive(t, f.Beta, f.Name)
	}
	assert.Equal(t, []string{"age", "amount", "channel"}, names)
	assert.Equal(t, "noise", r.Rejected[0].Name)
	assert.Equal(t, "weak", r.Rejected[0].Why)
	assert.Greater(t, r.AUC.At, 0.70)
	assert.Less(t, r.AUC.Low, r.AUC.At)
	assert.Greater(t, r.AUC.High, r.AUC.At)
	assert.Len(t, r.Calibration, 10)
	for _, c := range r.Calibration {
		assert.InDelta(t, c.Said, c.Came, 0.06)
	}
	assert.Equal(t, "2030-04", r.Months[0].Month, "the first sixth is only learnt from")
	assert.Contains(t, m.Table(), "missing")
}

// Every bin is large enough, and its odds run one way.
func TestBinsRunOneWay(t *testing.T) {
	t.Parallel()
	rows := cases(6000)
	m, _ := fitted(t, rows)
	var all tally
	for _, r := range rows {
		all.count(r.Event)
	}
	for _, f := range m.Features {
		sum := tally{}
		for i, b := range f.Bins {
			sum = sum.and(tally{b.N, b.Events})
			if b.Missing || f.Text {
				continue
			}
			assert.False(t, tally{b.N, b.Events}.thin(all))
			if i > 1 && !f.Bins[i-1].Missing {
				assert.Equal(t, f.Bins[1].WoE > f.Bins[0].WoE, b.WoE > f.Bins[i-1].WoE, f.Name)
			}
		}
		assert.Equal(t, len(rows), sum.n, "%s: each row is in one bin", f.Name)
		counts := make([]int, len(f.Bins))
		for _, r := range rows {
			counts[slices.IndexFunc(f.Bins, func(b Bin) bool { return reflect.DeepEqual(b, *f.of(r)) })]++
		}
		for i, b := range f.Bins {
			assert.Equal(t, b.N, counts[i], f.Name)
		}
	}
}

func TestPointsFollowTheOdds(t *testing.T) {
	t.Parallel()
	rows := cases(3000)
	m, _ := fitted(t, rows)
	for _, r := range rows[:300] {
		p := m.Probability(r)
		want := anchor + factor*(math.Log((1-p)/p)-math.Log(odds))
		assert.InDelta(t, want, float64(m.Points(r)), float64(len(m.Features)+1)/2+1e-6, "rounding apart")
	}
	worst := Row{Numbers: map[string]float64{"age": 1, "amount": 500}, Texts: map[string]string{"channel": "phone"}}
	assert.Subset(t, []string{"age", "amount", "channel"}, m.Reasons(worst, 2))
	assert.Len(t, m.Reasons(worst, 2), 2)
	assert.NotPanics(t, func() { m.Points(Row{Texts: map[string]string{"channel": "pigeon"}}) })
}

func TestTheSameRowsInAnyOrderFitTheSameModel(t *testing.T) {
	t.Parallel()
	rows := cases(1500)
	m, r := fitted(t, rows)
	rand.New(rand.NewPCG(3, 3)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	again, same := fitted(t, rows)
	assert.Equal(t, m, again)
	assert.Equal(t, r, same)
}

// What is too young for its label to be known teaches nothing, and neither does
// it count.
func TestYoungLabelsAreNotUsed(t *testing.T) {
	t.Parallel()
	rows := cases(2000)
	until := rows[1499].At
	old, r, err := Fit(rows[:1500], FitOptions{Until: until})
	require.NoError(t, err)
	m, all, err := Fit(rows, FitOptions{Until: until.Add(24 * time.Hour), Delay: 24 * time.Hour})
	require.NoError(t, err)
	assert.Equal(t, old, m)
	assert.Equal(t, r, all)
}

func TestAFeatureThatKnowsTheAnswerIsSuspect(t *testing.T) {
	t.Parallel()
	rows := cases(2000)
	for i := range rows {
		rows[i].Numbers["blocked"] = 0
		if rows[i].Event {
			rows[i].Numbers["blocked"] = 1
		}
	}
	m, r := fitted(t, rows)
	assert.Contains(t, r.Suspect, "blocked")
	for _, f := range m.Features {
		assert.False(t, math.IsNaN(f.Beta) || math.IsInf(f.Beta, 0), "what separates the cases is held back")
	}
}

func TestTooFewCasesAreRefused(t *testing.T) {
	t.Parallel()
	good := cases(400)
	none := slices.Clone(good)
	for i := range none {
		none[i].Event = false
	}
	flat := slices.Clone(good)
	for i := range flat {
		flat[i].Numbers, flat[i].Texts = nil, nil
	}
	for name, c := range map[string]struct {
		rows []Row
		want error
	}{
		"few":          {good[:99], ErrCases},
		"no bad ones":  {none, ErrCases},
		"one twice":    {append(slices.Clone(good), good[0]), ErrCases},
		"nothing seen": {flat, ErrFeatures},
	} {
		_, _, err := Fit(c.rows, FitOptions{Until: spring.AddDate(2, 0, 0)})
		require.ErrorIs(t, err, c.want, name)
	}
}

// The fit stands where nothing pulls: the slope of the penalised likelihood is zero.
func TestTheRegressionStandsAtItsOptimum(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		chance := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		penalty := rapid.SampledFrom(penalties).Draw(t, "penalty")
		x, events := make([][]float64, 80), make([]bool, 80)
		for i := range x {
			x[i] = []float64{chance.NormFloat64(), chance.NormFloat64()}
			events[i] = chance.Float64() < logistic(x[i][0]-0.5)
		}
		beta, err := regress(x, events, penalty)
		require.NoError(t, err)
		_, slope := system(x, events, beta, penalty)
		for _, s := range slope {
			require.InDelta(t, 0, s, 1e-5)
		}
	})
}

// The figures are what their definitions say, by comparing every pair.
func TestFiguresAreThoseOfTheirDefinitions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 30).Draw(t, "n")
		all := make([]guess, n)
		for i := range all {
			all[i] = guess{Row{ID: strconv.Itoa(i), Event: i == 0 || i > 1 && rapid.Bool().Draw(t, "event")}, float64(rapid.IntRange(0, 9).Draw(t, "said")) / 10, 1}
		}
		pairs, wins, mse := 0.0, 0.0, 0.0
		for _, a := range all {
			for _, b := range all {
				if a.Event && !b.Event {
					pairs++
					wins += map[bool]float64{true: 1}[a.p > b.p] + map[bool]float64{true: 0.5}[a.p == b.p]
				}
			}
			truth := map[bool]float64{true: 1}[a.Event]
			mse += (a.p - truth) * (a.p - truth) / float64(n)
		}
		ranked := bySaid(all)
		require.InDelta(t, wins/pairs, auc(ranked), 1e-12)
		require.InDelta(t, mse, brier(ranked), 1e-12)
		require.True(t, precision(ranked) > 0 && precision(ranked) <= 1+1e-12)
		require.True(t, gap(ranked) >= 0 && gap(ranked) <= 1+1e-12)
	})
	perfect := []guess{{Row{ID: "a"}, 0.1, 1}, {Row{ID: "b"}, 0.2, 1}, {Row{ID: "c", Event: true}, 0.9, 1}}
	assert.Equal(t, []float64{1, 1, 1}, []float64{auc(perfect), precision(perfect), gap(perfect)})
	half := []guess{{Row{ID: "a", Event: true}, 0.1, 1}, {Row{ID: "b"}, 0.2, 1}, {Row{ID: "c", Event: true}, 0.9, 1}}
	assert.InDelta(t, 0.5*1+0.5*2/3, precision(half), 1e-12)
}

func BenchmarkFit(b *testing.B) {
	rows := cases(20_000)
	for b.Loop() {
		fitted(b, rows)
	}
}
