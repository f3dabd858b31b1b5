package risk

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// walk steps through samples a minute apart, in percent; -1 is no sample, -2 one
// of too few events.
func walk(i Indicator, percent ...int64) (c Condition, moves []Move) {
	for n, p := range percent {
		now := noon.Add(time.Duration(n) * time.Minute)
		s := &Sample{At: now, Numerator: p, Denominator: 100}
		switch p {
		case -1:
			s = nil
		case -2:
			s.Numerator, s.Denominator = 1, 1
		}
		var m []Move
		c, m = i.Step(c, s, now)
		moves = append(moves, m...)
	}
	return c, moves
}

// soon fires after 2 minutes, resolves after 3, and is stale after 3.
func soon(i *Indicator) {
	i.For, i.KeepFiring, i.StaleAfter = new(2*time.Minute), new(3*time.Minute), 3*time.Minute
}

func TestEveryPhaseGoesWhereItMay(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		percent []int64
		phase   Phase
		level   Level
		moves   []Move
	}{
		"quiet":                          {[]int64{0, 9}, Inactive, "", nil},
		"beyond fire waits":              {[]int64{10, 10}, Pending, "", nil},
		"back before its time":           {[]int64{10, 9, 10, 10}, Pending, "", nil},
		"fires after its time":           {[]int64{10, 10, 10}, Firing, Warning, []Move{Fired}},
		"fires at the level of the day":  {[]int64{10, 10, 20}, Firing, Critical, []Move{Fired}},
		"rises at once":                  {[]int64{10, 10, 10, 20}, Firing, Critical, []Move{Fired, Raised}},
		"stays between":                  {[]int64{10, 10, 10, 6, 6, 6, 6, 6, 6}, Firing, Warning, []Move{Fired}},
		"recovers":                       {[]int64{10, 10, 10, 5}, Recovering, Warning, []Move{Fired}},
		"stays recovering between":       {[]int64{10, 10, 10, 5, 9}, Recovering, Warning, []Move{Fired}},
		"fires on beyond fire":           {[]int64{10, 10, 10, 5, 10}, Firing, Warning, []Move{Fired}},
		"its clock begins again":         {[]int64{10, 10, 10, 5, 5, 10, 5, 5, 5}, Recovering, Warning, []Move{Fired}},
		"resolves after its time":        {[]int64{10, 10, 10, 5, 5, 5, 5}, Inactive, "", []Move{Fired, Resolved}},
		"rises from recovering":          {[]int64{10, 10, 10, 5, 20}, Firing, Critical, []Move{Fired, Raised}},
		"critical stays between":         {[]int64{20, 20, 20, 16, 16, 16, 16}, Firing, Critical, []Move{Fired}},
		"critical recovers to a warning": {[]int64{20, 20, 20, 12, 12, 12, 12}, Firing, Warning, []Move{Fired, Lowered}},
		"a warning first, then nothing":  {[]int64{20, 20, 20, 12, 5, 5, 5, 5}, Inactive, "", []Move{Fired, Lowered, Resolved}},
		"critical resolves straight":     {[]int64{20, 20, 20, 0, 0, 0, 0}, Inactive, "", []Move{Fired, Resolved}},
		"too few tell nothing":           {[]int64{10, 10, 10, -2, -2, -2, -2, -2}, Firing, Warning, []Move{Fired}},
		"too few do not fire":            {[]int64{10, 10, -2, 10}, Pending, "", nil},
		"stale":                          {[]int64{0, -1, -1, -1}, Stale, "", []Move{WentDark}},
		"not stale yet":                  {[]int64{0, -1, -1, 0, -1, -1}, Inactive, "", nil},
		"stale from the beginning":       {[]int64{-1, -1, -1, -1}, Stale, "", []Move{WentDark}},
		"stale keeps its level":          {[]int64{10, 10, 10, -1, -1, -1}, Stale, Warning, []Move{Fired, WentDark}},
		"a sample resumes":               {[]int64{10, 10, 10, -1, -1, -1, 10}, Firing, Warning, []Move{Fired, WentDark, CameBack}},
		"with its clock":                 {[]int64{10, -1, -1, -1, 10}, Firing, Warning, []Move{WentDark, CameBack, Fired}},
	} {
		c, moves := walk(refunds(soon), row.percent...)
		assert.Equal(t, row.phase, c.Phase, name)
		assert.Equal(t, row.level, c.Level, name)
		assert.Equal(t, row.moves, moves, name)
	}
}

func TestBelowIsTheMirrorOfAbove(t *testing.T) {
	t.Parallel()
	i := refunds(soon, func(i *Indicator) {
		critical := bound("0.80", "0.85")
		i.Direction, i.Warn, i.Critical = Below, bound("0.90", "0.95"), &critical
	})
	require.NoError(t, i.Fault())
	c, moves := walk(i, 90, 90, 90, 80, 100, 100, 100, 100)
	assert.Equal(t, Inactive, c.Phase)
	assert.Equal(t, []Move{Fired, Raised, Resolved}, moves)
}

func TestASampleThatIsNotNewerIsIgnored(t *testing.T) {
	t.Parallel()
	i := refunds(soon)
	c, _ := walk(i, 10, 10, 10)
	for _, at := range []time.Time{c.Seen, c.Seen.Add(-time.Second)} {
		next, moves := i.Step(c, &Sample{At: at, Numerator: 0, Denominator: 100}, c.Seen)
		assert.Equal(t, c, next)
		assert.Empty(t, moves)
	}
}

func TestFlappingHoldsTheAlertOpen(t *testing.T) {
	t.Parallel()
	i := refunds(soon)
	cycle := []int64{10, 10, 10, 0, 0, 0, 0}
	var percent []int64
	for range 8 {
		percent = append(percent, cycle...)
	}
	_, moves := walk(i, percent...)
	assert.Equal(t, []Move{Fired, Resolved, Fired, Resolved, Fired}, moves, "56 minutes of flapping")

	for range 60 {
		percent = append(percent, 0)
	}
	c, moves := walk(i, percent...)
	assert.Equal(t, Inactive, c.Phase)
	assert.Equal(t, []Move{Fired, Resolved, Fired, Resolved, Fired, Resolved}, moves)
}

// drawn is any indicator without fault, in whole percent.
func drawn(t *rapid.T) Indicator {
	at := func(n int) string { return percent(n).String() }
	points := rapid.SliceOfNDistinct(rapid.IntRange(0, 100), 3, 3, rapid.ID[int]).Draw(t, "thresholds")
	slices.Sort(points)
	low, mid, high := points[0], points[1], points[2]
	critical := bound(at(high), at(rapid.IntRange(low, high-1).Draw(t, "critical recover")))
	return Indicator{
		Name: "x", Metric: "a/b", Owner: "o", Direction: Above, Warn: bound(at(mid), at(low)), Critical: &critical,
		For:        new(time.Duration(rapid.IntRange(0, 4).Draw(t, "for")) * time.Minute),
		KeepFiring: new(time.Duration(rapid.IntRange(0, 4).Draw(t, "keep")) * time.Minute),
	}
}

// TestStepKeepsItsLaws walks any indicator through any samples.
func TestStepKeepsItsLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		i := drawn(rt)
		require.NoError(rt, i.Fault())
		var c Condition
		open, now := false, noon
		var beyond, calm time.Time // since when the samples were beyond fire, and never beyond it
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			now = now.Add(time.Minute)
			p := rapid.Int64Range(0, 100).Draw(rt, "percent")
			s := Sample{At: now, Numerator: p, Denominator: 100}
			if i.worse(s, i.Warn.Fire) >= 0 {
				calm = time.Time{}
				if beyond.IsZero() {
					beyond = now
				}
			} else {
				beyond = time.Time{}
				if calm.IsZero() {
					calm = now
				}
			}
			before := c
			next, moves := i.Step(c, &s, now)
			again, same := i.Step(before, &s, now)
			require.Equal(rt, next, again, "pure")
			require.Equal(rt, moves, same)
			c = next
			for _, m := range moves {
				switch m {
				case Fired:
					require.False(rt, open, "fired while open")
					require.False(rt, beyond.IsZero())
					require.GreaterOrEqual(rt, now.Sub(beyond), *i.For)
					open = true
				case Resolved:
					require.True(rt, open, "resolved what never fired")
					require.False(rt, calm.IsZero(), "resolved beyond fire")
					require.GreaterOrEqual(rt, now.Sub(calm), *i.KeepFiring)
					open = false
				case Raised, Lowered:
					require.True(rt, open)
				}
			}
			require.Equal(rt, open, c.Phase == Firing || c.Phase == Recovering)
			require.Equal(rt, open, c.Level != "")
		}
	})
}

// TestNothingFlapsBetweenTheThresholds: samples that stay strictly between
// recover and fire never fire, and never end a firing.
func TestNothingFlapsBetweenTheThresholds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		i := refunds(soon)
		c, moves := Condition{}, []Move(nil)
		if rapid.Bool().Draw(rt, "fired before") {
			c, _ = walk(i, 12, 12, 12)
		}
		before := c.Phase
		for n := range 60 {
			at := noon.Add(time.Duration(3+n) * time.Minute)
			var m []Move
			c, m = i.Step(c, &Sample{At: at, Numerator: rapid.Int64Range(51, 99).Draw(rt, "permille"), Denominator: 1000}, at)
			moves = append(moves, m...)
		}
		require.Empty(rt, moves)
		if before == Firing {
			require.Equal(rt, Firing, c.Phase)
		} else {
			require.Equal(rt, Inactive, c.Phase)
		}
	})
}
