package scorecard

import (
	"cmp"
	"math"
	"slices"
)

const (
	quantiles = 20
	binShare  = 20 // a bin has a twentieth of the rows at least,
	binEvents = 30 // and so many that as many events are to be expected
	weak      = 0.02
	leaking   = 0.5
)

// tally counts rows and events.
type tally struct{ n, events int }

func (t tally) and(u tally) tally { return tally{t.n + u.n, t.events + u.events} }

func (t tally) rate() float64 { return float64(t.events) / float64(t.n) }

func (t *tally) count(event bool) {
	t.n++
	if event {
		t.events++
	}
}

// thin tells whether a bin is too small to stand alone among all rows. It goes by
// the events to be expected, not by those seen: many rows without one say a lot.
func (t tally) thin(all tally) bool {
	return t.n*binShare < all.n || t.n*all.events < binEvents*all.n
}

// binned is a feature of the rows with its bins, without weights yet.
func binned(rows []Row, name string, text bool) Feature {
	f := Feature{Name: name, Text: text}
	var missing, all tally
	var seen []Row
	for _, r := range rows {
		all.count(r.Event)
		if _, _, there := r.value(name, text); there {
			seen = append(seen, r)
		} else {
			missing.count(r.Event)
		}
	}
	if text {
		f.Bins = levels(seen, name, all)
	} else {
		f.Bins = ranges(seen, name, all)
	}
	if missing.n > 0 {
		f.Bins = append(f.Bins, Bin{Missing: true, N: missing.n, Events: missing.events})
	}
	for i := range f.Bins {
		b := &f.Bins[i]
		good, bad := float64(b.N-b.Events)+0.5, float64(b.Events)+0.5
		goods, bads := good/(float64(all.n-all.events)+0.5), bad/(float64(all.events)+0.5)
		b.WoE = math.Log(bads / goods)
		f.IV += (bads - goods) * b.WoE
	}
	return f
}

// levels are the bins of a text: one for each level that is frequent enough, and
// one for all others.
func levels(rows []Row, name string, all tally) (bins []Bin) {
	counts := map[string]*tally{}
	for _, r := range rows {
		c := counts[r.Texts[name]]
		if c == nil {
			c = &tally{}
			counts[r.Texts[name]] = c
		}
		c.count(r.Event)
	}
	var rare tally
	for level, c := range counts {
		if c.thin(all) {
			rare = rare.and(*c)
			continue
		}
		bins = append(bins, Bin{Levels: []string{level}, N: c.n, Events: c.events})
	}
	slices.SortFunc(bins, func(a, b Bin) int { return cmp.Compare(a.Levels[0], b.Levels[0]) })
	if rare.n > 0 {
		bins = append(bins, Bin{Other: true, N: rare.n, Events: rare.events})
	}
	return bins
}

// ranges are the bins of a number: its quantiles, merged until the share of events
// runs one way and none is too small.
func ranges(rows []Row, name string, all tally) []Bin {
	if len(rows) == 0 {
		return nil
	}
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b Row) int { return cmp.Compare(a.Numbers[name], b.Numbers[name]) })
	var cells []cell
	for i, r := range sorted {
		v := r.Numbers[name]
		fresh := i == 0 || v != sorted[i-1].Numbers[name] && i*quantiles/len(sorted) > cells[len(cells)-1].quantile
		if fresh {
			cells = append(cells, cell{from: v, quantile: i * quantiles / len(sorted)})
		}
		cells[len(cells)-1].count(r.Event)
	}
	up, down := pooled(cells, 1), pooled(cells, -1)
	if spread(down) > spread(up) {
		up = down
	}
	merged := merge(up, all)
	bins := make([]Bin, len(merged))
	for i, c := range merged {
		bins[i] = Bin{N: c.n, Events: c.events, Last: i == len(merged)-1}
		if !bins[i].Last {
			bins[i].Below = merged[i+1].from
		}
	}
	return bins
}

// cell is a range of numbers that becomes a bin, or a part of one.
type cell struct {
	tally
	from     float64
	quantile int
}

// pooled joins neighbours whose shares of events run against the way (pool adjacent
// violators).
func pooled(cells []cell, way float64) (out []cell) {
	for _, c := range cells {
		out = append(out, c)
		for n := len(out); n > 1 && way*out[n-2].rate() >= way*out[n-1].rate(); n = len(out) {
			out[n-2].tally = out[n-2].and(out[n-1].tally)
			out = out[:n-1]
		}
	}
	return out
}

// spread is how much the cells tell rows apart: the variance of their shares.
func spread(cells []cell) (sum float64) {
	var all tally
	for _, c := range cells {
		all = all.and(c.tally)
	}
	for _, c := range cells {
		sum += float64(c.n) * math.Pow(c.rate()-all.rate(), 2)
	}
	return sum
}

// merge joins each cell that is too small with the neighbour more like it; a run
// that goes one way still does.
func merge(cells []cell, all tally) []cell {
	for {
		at := slices.IndexFunc(cells, func(c cell) bool { return c.thin(all) })
		if at < 0 || len(cells) == 1 {
			return cells
		}
		into := at - 1
		left := at > 0
		right := at < len(cells)-1
		if !left || right && math.Abs(cells[at+1].rate()-cells[at].rate()) < math.Abs(cells[at-1].rate()-cells[at].rate()) {
			into = at
		}
		cells[into].tally = cells[into].and(cells[into+1].tally)
		cells = slices.Delete(cells, into+1, into+2)
	}
}
