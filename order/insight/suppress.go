package insight

import (
	"cmp"
	"slices"

	"github.com/liangding/platform"
)

// people are the persons of a cell, no more of them than decide whether it may
// be shown.
type people map[platform.ID]struct{}

func (p people) add(id platform.ID, most int) {
	if len(p) < most {
		p[id] = struct{}{}
	}
}

// suppress keeps back, of cells that add up to a total which is shown, those of
// fewer than least persons, and as many more, the smallest first, as it takes
// until what is kept back cannot be worked out: two cells at least, of least
// persons together. Empty cells are kept back with them, so that a hidden one may
// be empty; where there is none, there is more to share out than one each. It
// tells whether that came about; if not, no cell may be shown.
func suppress(cells []*cell, least int) (safe bool) {
	order := slices.SortedStableFunc(slices.Values(cells), func(a, b *cell) int {
		return cmp.Or(cmp.Compare(len(a.who), len(b.who)), cmp.Compare(a.n, b.n))
	})
	together, hidden, empty, n := people{}, 0, 0, int64(0)
	for _, c := range order {
		if c.n == 0 {
			empty++
			continue
		}
		enough := hidden > 1 && len(together) >= least && (empty > 0 || n > int64(hidden))
		if len(c.who) >= least && (hidden == 0 || enough) {
			continue
		}
		c.hidden = true
		hidden, n = hidden+1, n+c.n
		for id := range c.who {
			together.add(id, least)
		}
	}
	for _, c := range order {
		c.hidden = c.hidden || hidden > 0 && c.n == 0
	}
	return hidden == 0 || hidden > 1 && len(together) >= least && (empty > 0 || n > int64(hidden))
}
