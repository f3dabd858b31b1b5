package scorecard_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/liangding/platform"
	"github.com/liangding/platform/risk/scorecard"
)

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func line(points ...string) (curve []scorecard.Point) {
	for i := 0; i < len(points); i += 2 {
		curve = append(curve, scorecard.Point{Value: dec(points[i]), Points: dec(points[i+1])})
	}
	return curve
}

// definition is of a good share, a bad share and a mean.
func definition(changes ...func(*scorecard.Definition)) scorecard.Definition {
	d := scorecard.Definition{
		Name: "merchant", Version: 1, Floor: 50,
		Criteria: []scorecard.Criterion{
			{Name: "first_time_right", Weight: dec("0.5"), Curve: line("0.5", "0", "0.9", "60", "1", "100"), Sample: 20},
			{Name: "cancelled", Weight: dec("0.3"), Curve: line("0", "100", "0.2", "0"), Sample: 20, Gate: &scorecard.Gate{Below: dec("10"), Grade: "D"}},
			{Name: "rating", Weight: dec("0.2"), Curve: line("1", "0", "5", "100"), Sample: 10, Pull: 20},
		},
		Bands: []scorecard.Band{{Grade: "A", From: dec("90")}, {Grade: "B", From: dec("75")}, {Grade: "C", From: dec("60")}, {Grade: "D", From: dec("0")}},
	}
	for _, change := range changes {
		change(&d)
	}
	return d
}

func rate(criterion string, hits, n int) scorecard.Observation {
	return scorecard.Observation{Criterion: criterion, Hits: hits, N: n, Peers: scorecard.Peers{N: 50, Mean: dec("0.1")}}
}

func rating(mean string, n int) scorecard.Observation {
	return scorecard.Observation{Criterion: "rating", Measured: true, Mean: dec(mean), Variance: dec("0.64"), N: n, Peers: scorecard.Peers{N: 50, Mean: dec("4"), Variance: dec("1")}}
}

func score(t *testing.T, d scorecard.Definition, seen ...scorecard.Observation) scorecard.Result {
	t.Helper()
	r, err := d.Score(seen)
	require.NoError(t, err)
	return r
}

func TestAScoreIsWhatItsCurvesAndWeightsSay(t *testing.T) {
	t.Parallel()
	r := score(t, definition(), rate("first_time_right", 95, 100), rate("cancelled", 4, 100), rating("4.5", 100))

	// 0.5·80 + 0.3·80 + 0.2·87.5
	assert.Equal(t, "81.5", r.Score.Decimal.String())
	assert.Equal(t, "B", r.Grade)
	assert.Equal(t, "100", r.Covered.String())
	assert.Equal(t, []string{"40", "24", "17.5"}, shares(r))
	assert.Equal(t, []int{100, 100, 100}, []int{r.Contributions[0].N, r.Contributions[1].N, r.Contributions[2].N})
	first, last := r.Contributions[0], r.Contributions[2]
	assert.Equal(t, []string{"0.95", "0.8882", "0.9785"}, []string{first.Value.String(), first.Low.String(), first.High.String()}, "Wilson, 95 of 100")
	assert.Equal(t, []string{"4.5", "4.3432", "4.6568"}, []string{last.Value.String(), last.Low.String(), last.High.String()}, "1.96 · √(0.64 / 100)")
	assert.True(t, r.Low.LessThan(r.Score.Decimal) && r.High.GreaterThan(r.Score.Decimal))
}

func shares(r scorecard.Result) (all []string) {
	for _, c := range r.Contributions {
		all = append(all, c.Share.String())
	}
	return all
}

func TestASmallSampleIsDrawnToItsPeers(t *testing.T) {
	t.Parallel()
	r := score(t, definition(), rate("first_time_right", 100, 100), rate("cancelled", 2, 2), rating("5", 5))

	c, m := r.Contributions[1], r.Contributions[2]
	assert.True(t, c.Drawn)
	assert.Equal(t, "0.1818", c.Value.String(), "(2 + 20·0.1) / 22")
	assert.Equal(t, "4.2", m.Value.String(), "(5·5 + 20·4) / 25")
	assert.False(t, r.Contributions[0].Drawn)
}

// Nothing scores 0 or 100 by absence: the others share the weight, and below the
// floor there is no score at all.
func TestAbsenceScoresNothing(t *testing.T) {
	t.Parallel()
	few := rate("cancelled", 0, 3)
	few.Peers.N = 9
	r := score(t, definition(), rate("first_time_right", 95, 100), few)
	assert.Equal(t, "80", r.Score.Decimal.String())
	assert.Equal(t, []string{"80", "0", "0"}, shares(r))
	assert.Equal(t, []string{"", "insufficient_data", "not_observed"}, []string{r.Contributions[0].Omitted, r.Contributions[1].Omitted, r.Contributions[2].Omitted})
	assert.Equal(t, "50", r.Covered.String())

	none := score(t, definition(), few, rating("5", 100))
	assert.False(t, none.Score.Valid)
	assert.Empty(t, none.Grade)
	doc, err := json.Marshal(none)
	require.NoError(t, err)
	assert.Contains(t, string(doc), `"score":null`)
	assert.False(t, score(t, definition()).Score.Valid)
}

func TestRulesForThinSamples(t *testing.T) {
	t.Parallel()
	for rule, want := range map[scorecard.Rule]string{
		scorecard.Omit:   "80", // of the other alone
		scorecard.Fail:   "56", // 0.7 · 80
		scorecard.Shrink: "68", // and 0.3 · 40, of (1 + 20·0.1) / 25
	} {
		d := definition(func(d *scorecard.Definition) {
			d.Criteria = d.Criteria[:2]
			d.Criteria[0].Weight, d.Criteria[1].Weight = dec("0.7"), dec("0.3")
			d.Criteria[1].Thin, d.Criteria[1].Gate = rule, nil
		})
		r := score(t, d, rate("first_time_right", 95, 100), rate("cancelled", 1, 5))
		assert.Equal(t, want, r.Score.Decimal.String(), rule)
	}
}

func TestAGateCapsTheGrade(t *testing.T) {
	t.Parallel()
	r := score(t, definition(), rate("first_time_right", 100, 100), rate("cancelled", 19, 100), rating("5", 100))
	assert.Equal(t, "71.5", r.Score.Decimal.String())
	assert.Equal(t, []string{"D", "cancelled"}, []string{r.Grade, r.Gate})
}

func TestGradesDoNotFlutter(t *testing.T) {
	t.Parallel()
	d := definition()
	at := func(grade, low, high string) scorecard.Result {
		return scorecard.Result{Grade: grade, Low: dec(low), High: dec(high)}
	}
	for _, c := range []struct {
		name           string
		r              scorecard.Result
		former, before string
		want           string
	}{
		{"the first grade", at("B", "70", "80"), "", "", "B"},
		{"up, the boundary within", at("A", "88", "95"), "B", "B", "B"},
		{"up, beyond the boundary", at("A", "90", "95"), "B", "B", "A"},
		{"down, the boundary within", at("C", "70", "75"), "B", "B", "B"},
		{"down, beyond the boundary", at("C", "70", "74.9999"), "B", "B", "C"},
		{"two periods agree", at("C", "70", "80"), "B", "C", "C"},
		{"two steps, beyond the first boundary", at("D", "50", "70"), "B", "B", "D"},
		{"no score", scorecard.Result{}, "B", "B", "B"},
		{"a gate", scorecard.Result{Grade: "D", Gate: "cancelled", Low: dec("80"), High: dec("95")}, "B", "B", "D"},
		{"a grade of another definition", at("B", "70", "80"), "gold", "", "B"},
	} {
		assert.Equal(t, c.want, d.Settled(c.r, c.former, c.before), c.name)
	}
}

func TestQuantilesTakeThirtyPeers(t *testing.T) {
	t.Parallel()
	peers := func(n int) (scores []decimal.Decimal) {
		for i := range n {
			scores = append(scores, decimal.NewFromInt(int64((i*37)%n)))
		}
		return scores
	}
	_, err := definition().Among(peers(29))
	require.ErrorIs(t, err, scorecard.ErrPeers)
	d, err := definition().Among(peers(40))
	require.NoError(t, err)
	assert.Equal(t, []string{"36", "30", "24", "0"}, []string{d.Bands[0].From.String(), d.Bands[1].From.String(), d.Bands[2].From.String(), d.Bands[3].From.String()})
	_, err = definition().Among(slices.Repeat(peers(1), 40))
	require.ErrorIs(t, err, scorecard.ErrBands, "all alike")
}

func TestBadDefinitionsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*scorecard.Definition)
		path   string
		code   string
	}{
		"weights below one":        {func(d *scorecard.Definition) { d.Criteria[0].Weight = dec("0.4999") }, "criteria", "scorecard.weights"},
		"a negative weight":        {func(d *scorecard.Definition) { d.Criteria[0].Weight, d.Criteria[1].Weight = dec("-0.5"), dec("1.3") }, "criteria[0].weight", "scorecard.weights"},
		"a curve that turns":       {func(d *scorecard.Definition) { d.Criteria[0].Curve = line("0", "0", "0.5", "60", "1", "50") }, "criteria[0].curve", "scorecard.curve"},
		"a curve of one point":     {func(d *scorecard.Definition) { d.Criteria[0].Curve = line("0", "0") }, "criteria[0].curve", "scorecard.curve"},
		"a curve above 100":        {func(d *scorecard.Definition) { d.Criteria[0].Curve = line("0", "0", "1", "101") }, "criteria[0].curve", "scorecard.curve"},
		"a curve out of order":     {func(d *scorecard.Definition) { d.Criteria[0].Curve = line("1", "0", "1", "100") }, "criteria[0].curve", "scorecard.curve"},
		"no sample":                {func(d *scorecard.Definition) { d.Criteria[2].Sample = 0 }, "criteria[2].sample", "scorecard.sample"},
		"an unknown rule":          {func(d *scorecard.Definition) { d.Criteria[2].Thin = "guess" }, "criteria[2].sample", "scorecard.sample"},
		"two of a name":            {func(d *scorecard.Definition) { d.Criteria[2].Name = "cancelled" }, "criteria[2].name", "scorecard.criteria"},
		"no criteria":              {func(d *scorecard.Definition) { d.Criteria = nil }, "criteria", "scorecard.criteria"},
		"no floor":                 {func(d *scorecard.Definition) { d.Floor = 0 }, "floor", "scorecard.floor"},
		"bands with a hole":        {func(d *scorecard.Definition) { d.Bands = d.Bands[:3] }, "bands", "scorecard.bands"},
		"bands out of order":       {func(d *scorecard.Definition) { d.Bands[1].From = dec("95") }, "bands", "scorecard.bands"},
		"a grade twice":            {func(d *scorecard.Definition) { d.Bands[1].Grade = "A" }, "bands", "scorecard.bands"},
		"a gate to an unknown one": {func(d *scorecard.Definition) { d.Criteria[1].Gate = &scorecard.Gate{Grade: "E"} }, "criteria[1].gate", "scorecard.bands"},
	} {
		err := definition(c.change).Check()
		require.ErrorIs(t, err, platform.ErrInvalid, name)
		fields, ok := errors.AsType[platform.FieldErrors](err)
		require.True(t, ok, name)
		assert.Contains(t, fmt.Sprint(pathsOf(fields)), c.path+" "+c.code, name)
	}
	require.NoError(t, definition().Check())
}

func pathsOf(fields platform.FieldErrors) (all []string) {
	for _, f := range fields {
		all = append(all, f.Path+" "+f.Code)
	}
	return all
}

func TestBadObservationsAreRefused(t *testing.T) {
	t.Parallel()
	wild := rate("cancelled", 1, 10)
	wild.Peers.Mean = dec("1.1")
	spread := rating("4", 10)
	spread.Variance = dec("-1")
	for name, seen := range map[string][]scorecard.Observation{
		"unknown":             {rate("beauty", 1, 2)},
		"twice":               {rate("cancelled", 1, 2), rate("cancelled", 1, 2)},
		"more hits than n":    {rate("cancelled", 3, 2)},
		"below zero":          {rate("cancelled", -1, 2)},
		"no rate":             {wild},
		"a negative variance": {spread},
	} {
		_, err := definition().Score(seen)
		require.ErrorIs(t, err, scorecard.ErrObservation, name)
	}
}

// anything is observations of the definition, of any size.
func anything(t *rapid.T) []scorecard.Observation {
	n := rapid.IntRange(0, 60)
	share := func(criterion string) scorecard.Observation {
		all := n.Draw(t, criterion)
		o := rate(criterion, rapid.IntRange(0, all).Draw(t, "hits"), all)
		o.Peers = scorecard.Peers{N: rapid.IntRange(0, 40).Draw(t, "peers"), Mean: decimal.New(rapid.Int64Range(0, 100).Draw(t, "mean"), -2)}
		return o
	}
	o := rating(decimal.New(rapid.Int64Range(100, 500).Draw(t, "stars"), -2).String(), n.Draw(t, "ratings"))
	return []scorecard.Observation{share("first_time_right"), share("cancelled"), o}
}

func TestSC1SameInputsSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seen := anything(t)
		shuffled := rapid.Permutation(seen).Draw(t, "order")
		one, err := definition().Score(seen)
		require.NoError(t, err)
		two, err := definition().Score(shuffled)
		require.NoError(t, err)
		a, err := json.Marshal(one)
		require.NoError(t, err)
		b, err := json.Marshal(two)
		require.NoError(t, err)
		require.Equal(t, string(a), string(b))

		other, err := definition(func(d *scorecard.Definition) { d.Version = 2 }).Score(seen)
		require.NoError(t, err)
		require.NotEqual(t, one.Hash, other.Hash)
	})
}

func TestSC2BetterNeverScoresLess(t *testing.T) {
	t.Parallel()
	d := definition(func(d *scorecard.Definition) { d.Criteria[1].Gate = nil })
	rapid.Check(t, func(t *rapid.T) {
		seen := anything(t)
		before, err := d.Score(seen)
		require.NoError(t, err)
		switch at := rapid.IntRange(0, 2).Draw(t, "better"); {
		case at == 0 && seen[0].Hits < seen[0].N:
			seen[0].Hits++
		case at == 1 && seen[1].Hits > 0:
			seen[1].Hits--
		case at == 2:
			seen[2].Mean = seen[2].Mean.Add(dec("0.3"))
		}
		after, err := d.Score(seen)
		require.NoError(t, err)
		require.Equal(t, before.Score.Valid, after.Score.Valid)
		require.False(t, after.Score.Decimal.LessThan(before.Score.Decimal), "%s < %s", after.Score.Decimal, before.Score.Decimal)
	})
}

func TestSC3ContributionsAddUpToTheScore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r, err := definition().Score(anything(t))
		require.NoError(t, err)
		sum := decimal.Zero
		for _, c := range r.Contributions {
			sum = sum.Add(c.Share)
			require.False(t, c.Share.IsNegative())
		}
		require.True(t, sum.Equal(r.Score.Decimal), "%s and %s", sum, r.Score.Decimal)
		if r.Score.Valid {
			require.True(t, r.Low.LessThanOrEqual(r.Score.Decimal) && r.High.GreaterThanOrEqual(r.Score.Decimal))
			require.False(t, r.Low.IsNegative() || r.High.GreaterThan(dec("100")))
			require.NotEmpty(t, r.Grade)
		}
	})
}

// SC-4: what counts says how many cases it rests on, and how sure it is.
func TestSC4NoScoreWithoutNAndInterval(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r, err := definition().Score(anything(t))
		require.NoError(t, err)
		for _, c := range r.Contributions {
			if c.Omitted == "" {
				require.Positive(t, c.N)
				require.True(t, c.Low.LessThanOrEqual(c.Value) && c.High.GreaterThanOrEqual(c.Value))
				continue
			}
			require.True(t, c.Share.IsZero())
		}
	})
}
