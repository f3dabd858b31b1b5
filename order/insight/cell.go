package insight

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// place is a cell's, within a measure.
type place struct{ key, unit string }

// cell gathers the observations of one figure.
type cell struct {
	over, under, n int64
	overs, unders  []int64 // one by one, where the interval needs them
	who            people
	hidden         bool
}

// tally gathers what orders say to one measure.
type tally struct {
	Definition
	terms Terms
	cells map[place]*cell
	all   *cell // of which a disjoint measure's cells are parts
}

func newTally(d Definition, t Terms) *tally {
	y := &tally{Definition: d, terms: t, cells: map[place]*cell{}, all: &cell{who: people{}}}
	for _, key := range d.keys {
		y.cell(place{key: key})
	}
	return y
}

func (y *tally) cell(at place) *cell {
	c := y.cells[at]
	if c == nil {
		c = &cell{who: people{}}
		y.cells[at] = c
	}
	return c
}

// add takes what an order says, into the cells of a prefix. It fails with
// [ErrTooMany].
func (y *tally) add(prefix string, j Journey) error {
	for _, s := range y.of(j, y.terms) {
		if s.under < 0 || y.all.n >= int64(y.terms.Most) {
			return fmt.Errorf("measure %s: %w", y.Name, ErrTooMany)
		}
		c := y.cell(place{prefix + s.key, s.unit})
		for _, to := range []*cell{c, y.all} {
			to.n++
			to.over, to.under = to.over+s.over, to.under+s.under
			to.who.add(j.Customer, y.terms.Least)
		}
		if y.Sort == Median || y.Sort == P90 || y.Sort == Ratio {
			c.overs = append(c.overs, s.over)
		}
		if y.Sort == Ratio {
			c.unders = append(c.unders, s.under)
		}
	}
	return nil
}

// figures are the figures of the cells, by key and unit. What is kept back has no
// numbers; a measure of which no cell may be shown is one figure without a key.
func (y *tally) figures() (all []Figure) {
	places := slices.SortedFunc(maps.Keys(y.cells), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.unit, b.unit))
	})
	of := Figure{Name: y.Name, Version: y.Version}
	if y.Disjoint {
		cells := make([]*cell, len(places))
		for i, at := range places {
			cells[i] = y.cells[at]
		}
		if !suppress(cells, y.terms.Least) {
			return []Figure{of.hidden()}
		}
	}
	if len(places) == 0 {
		return []Figure{of}
	}
	for _, at := range places {
		c := y.cells[at]
		f := of
		f.Key, f.Unit = at.key, at.unit
		if c.hidden || !y.Disjoint && c.n > 0 && len(c.who) < y.terms.Least {
			all = append(all, f.hidden())
			continue
		}
		all = append(all, y.figure(f, c))
	}
	return all
}

// plain is the figure of a cell with nothing kept back, for the platform's own
// rules.
func (y *tally) figure(f Figure, c *cell) Figure {
	f.Numerator, f.Denominator, f.N = c.over, c.under, c.n
	switch {
	case y.Sort == Count || y.Sort == Amount:
		f.Denominator = 1 // also of nothing, which is none
	case c.n == 0:
		f.Denominator = 0
	case y.Sort == Rate:
		f.N, f.Interval = c.under, Wilson(c.over, c.under)
	case y.Sort == Ratio:
		f.Interval = ratio(c.overs, c.unders)
	case y.Sort == Median:
		f.Numerator, f.Interval = quantile(50, c.overs)
		f.Denominator = 1
	case y.Sort == P90:
		f.Numerator, f.Interval = quantile(90, c.overs)
		f.Denominator = 1
	}
	return f
}
