package scorecard

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Model is a fitted scorecard: for each feature the bins of its values with their
// points, which add up to a score. More points are a lower risk: 600 stand for odds
// of 50 good cases to a bad one, and 20 more double the odds.
type Model struct {
	Features  []Feature `json:"features"`
	Intercept float64   `json:"intercept"` // of the log odds of a bad case
	Base      int       `json:"base"`      // points before any feature
}

// Feature is one input of a model.
type Feature struct {
	Name string  `json:"name"`
	Text bool    `json:"text,omitempty"` // of levels, and not of numbers
	Beta float64 `json:"beta"`           // what its evidence weighs, above zero
	IV   float64 `json:"iv"`             // information value of its bins
	Bins []Bin   `json:"bins"`           // in ascending order; then the missing
}

// Bin is a range of values, or a group of levels, with what was seen in it.
type Bin struct {
	Below   float64  `json:"below,omitempty"` // of numbers: those from the bin before up to here, not included
	Last    bool     `json:"last,omitempty"`  // of numbers: all that is not below another
	Levels  []string `json:"levels,omitempty"`
	Other   bool     `json:"other,omitempty"`   // of levels: all that no other bin names
	Missing bool     `json:"missing,omitempty"` // without a value
	N       int      `json:"n"`
	Events  int      `json:"events"`
	WoE     float64  `json:"woe"` // weight of evidence: log odds of its bad cases against those of all
	Points  int      `json:"points"`
}

const (
	pdo    = 20.0 // points that double the odds
	anchor = 600.0
	odds   = 50.0
)

// factor turns log odds into points.
var factor = pdo / math.Ln2

// Points is the score of a row: its base and the points of one bin of each feature.
func (m Model) Points(r Row) int {
	sum := m.Base
	for _, f := range m.Features {
		sum += f.of(r).Points
	}
	return sum
}

// Probability is that of a bad case, between 0 and 1.
func (m Model) Probability(r Row) float64 {
	logit := m.Intercept
	for _, f := range m.Features {
		logit += f.Beta * f.of(r).WoE
	}
	return logistic(logit)
}

// Reasons are the features that cost a row most against their best bin, the worst
// first, at most so many.
func (m Model) Reasons(r Row, most int) []string {
	type cost struct {
		name string
		of   int
	}
	var costs []cost
	for _, f := range m.Features {
		best := slices.MaxFunc(f.Bins, func(a, b Bin) int { return a.Points - b.Points }).Points
		if lost := best - f.of(r).Points; lost > 0 {
			costs = append(costs, cost{f.Name, lost})
		}
	}
	slices.SortStableFunc(costs, func(a, b cost) int { return b.of - a.of })
	var names []string
	for _, c := range costs[:min(most, len(costs))] {
		names = append(names, c.name)
	}
	return names
}

// Table prints the model: a line for each bin.
func (m Model) Table() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%-24s %-24s %8s %8s %8s %6d\n", "base", "", "n", "events", "woe", m.Base)
	for _, f := range m.Features {
		from := "−∞"
		for _, b := range f.Bins {
			label := b.label(from)
			if !b.Missing && !f.Text {
				from = fmt.Sprintf("%g", b.Below)
			}
			fmt.Fprintf(&out, "%-24s %-24s %8d %8d %8.4f %6d\n", f.Name, label, b.N, b.Events, b.WoE, b.Points)
		}
	}
	return out.String()
}

func (b Bin) label(from string) string {
	switch {
	case b.Missing:
		return "missing"
	case b.Other:
		return "other"
	case len(b.Levels) > 0:
		return strings.Join(b.Levels, ", ")
	case b.Last:
		return "[" + from + ", ∞)"
	}
	return fmt.Sprintf("[%s, %g)", from, b.Below)
}

var untold Bin

// of is the bin into which a row falls. Where no row was missing, or of another
// level, when the model was fitted, such a row tells nothing: it has no points.
func (f Feature) of(r Row) *Bin {
	number, text, there := r.value(f.Name, f.Text)
	for i := range f.Bins {
		b := &f.Bins[i]
		switch {
		case b.Missing != !there:
		case !there, f.Text && (b.Other || slices.Contains(b.Levels, text)), !f.Text && (b.Last || number < b.Below):
			return b
		}
	}
	return &untold
}

// pointed is the model with its points.
func (m Model) pointed() Model {
	m.Base = int(math.Round(anchor - factor*math.Log(odds) - factor*m.Intercept))
	for i := range m.Features {
		f := &m.Features[i]
		for j := range f.Bins {
			f.Bins[j].Points = int(math.Round(-factor * f.Beta * f.Bins[j].WoE))
		}
	}
	return m
}
