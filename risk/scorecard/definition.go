package scorecard

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Definition says how something is scored. Once scores were published by it, it
// never changes: what differs is the next version.
type Definition struct {
	Name     string      `json:"name"`
	Version  int         `json:"version"`
	Criteria []Criterion `json:"criteria"`
	Bands    []Band      `json:"bands"` // from the best grade to the worst
	Floor    int         `json:"floor"` // per cent of the weight that must be covered for a score; 1 to 100
}

// Rule says what becomes of a criterion of which too little was seen.
type Rule string

// The rules. Without any cases, or without peers to compare with, Shrink omits.
const (
	Shrink Rule = "shrink" // drawn towards the peers' mean
	Omit   Rule = "omit"   // left out; the others share its weight
	Fail   Rule = "fail"   // no points, at its full weight
)

// Criterion is one thing that counts.
type Criterion struct {
	Name   string          `json:"name"`
	Weight decimal.Decimal `json:"weight"`         // above 0; those of a definition add up to 1
	Curve  []Point         `json:"curve"`          // from values to points
	Sample int             `json:"sample"`         // below so many cases, Thin says what happens
	Pull   int             `json:"pull,omitempty"` // how many of its own cases the peers' mean weighs as much as; if zero, Sample
	Thin   Rule            `json:"thin,omitempty"` // if empty, Shrink
	Gate   *Gate           `json:"gate,omitempty"` // if nil, none
}

// Gate caps the grade of whoever is too bad at one thing.
type Gate struct {
	Below decimal.Decimal `json:"below"` // points
	Grade string          `json:"grade"` // at most
}

// Point is where a curve bends.
type Point struct {
	Value  decimal.Decimal `json:"value"`
	Points decimal.Decimal `json:"points"` // 0 to 100
}

// Band is a grade and the score from which it is given: up to the next better one,
// that one's not included.
type Band struct {
	Grade string          `json:"grade"`
	From  decimal.Decimal `json:"from"` // the last one's is 0; where grades are shares of peers, see [Definition.Among]
}

const (
	most     = 40
	minPeers = 10 // to be drawn towards
	ranked   = 30 // to be a quantile of
)

var (
	zero    = decimal.Zero
	one     = decimal.NewFromInt(1)
	hundred = decimal.NewFromInt(100)
)

// Check tells everything that is wrong with a definition, as FieldErrors with
// ErrWeights, ErrCurve, ErrSample, ErrCriteria, ErrBands and ErrFloor.
func (d Definition) Check() error {
	var wrong platform.FieldErrors
	check := func(holds bool, path string, refusal error) {
		if !holds {
			wrong = append(wrong, platform.Wrong(path, refusal)...)
		}
	}
	check(d.Name != "" && d.Version > 0 && len(d.Criteria) > 0 && len(d.Criteria) <= most, "criteria", ErrCriteria)
	check(d.Floor >= 1 && d.Floor <= 100, "floor", ErrFloor)
	check(d.graded(), "bands", ErrBands)
	sum := zero
	for i, c := range d.Criteria {
		path := fmt.Sprintf("criteria[%d].", i)
		sum = sum.Add(c.Weight)
		twice := slices.ContainsFunc(d.Criteria[:i], func(other Criterion) bool { return other.Name == c.Name })
		check(c.Name != "" && !twice, path+"name", ErrCriteria)
		check(c.Weight.IsPositive(), path+"weight", ErrWeights)
		check(c.runs(), path+"curve", ErrCurve)
		check(c.Sample >= 1 && c.Pull >= 0 && slices.Contains([]Rule{"", Shrink, Omit, Fail}, c.Thin), path+"sample", ErrSample)
		check(c.Gate == nil || d.rank(c.Gate.Grade) >= 0, path+"gate", ErrBands)
	}
	check(sum.Equal(one), "criteria", ErrWeights)
	if len(wrong) > 0 {
		return fmt.Errorf("scorecard %s version %d: %w", d.Name, d.Version, wrong)
	}
	return nil
}

// graded tells whether the bands cover every score once.
func (d Definition) graded() bool {
	for i, b := range d.Bands {
		if b.Grade == "" || d.rank(b.Grade) != i || b.From.GreaterThan(hundred) || i > 0 && !b.From.LessThan(d.Bands[i-1].From) {
			return false
		}
	}
	return len(d.Bands) > 0 && d.Bands[len(d.Bands)-1].From.IsZero()
}

// rank is how many grades are better than one; -1 when there is no such grade.
func (d Definition) rank(grade string) int {
	return slices.IndexFunc(d.Bands, func(b Band) bool { return b.Grade == grade })
}

// runs tells whether the curve is one: in order, one way, and within 0 to 100.
func (c Criterion) runs() bool {
	if len(c.Curve) < 2 || len(c.Curve) > 10 {
		return false
	}
	rises := c.rises()
	for i, p := range c.Curve {
		if p.Points.IsNegative() || p.Points.GreaterThan(hundred) {
			return false
		}
		if i == 0 {
			continue
		}
		last := c.Curve[i-1]
		if !p.Value.GreaterThan(last.Value) || rises && p.Points.LessThan(last.Points) || !rises && p.Points.GreaterThan(last.Points) {
			return false
		}
	}
	return true
}

// rises tells whether more is better.
func (c Criterion) rises() bool {
	return c.Curve[len(c.Curve)-1].Points.GreaterThanOrEqual(c.Curve[0].Points)
}

// points are what a value is worth: on the line between two points of the curve,
// and at its ends what the end is worth.
func (c Criterion) points(value decimal.Decimal) decimal.Decimal {
	last := c.Curve[0]
	for _, p := range c.Curve {
		if value.LessThan(p.Value) {
			if p.Value.Equal(last.Value) || value.LessThanOrEqual(last.Value) {
				return last.Points
			}
			along := value.Sub(last.Value).Mul(p.Points.Sub(last.Points))
			return last.Points.Add(along.DivRound(p.Value.Sub(last.Value), digits))
		}
		last = p
	}
	return last.Points
}

func (c Criterion) pull() int {
	if c.Pull > 0 {
		return c.Pull
	}
	return c.Sample
}
