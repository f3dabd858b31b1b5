package supervision

import (
	"math/bits"
	"slices"
	"strconv"

	"github.com/liangding/platform"
)

// Expected shares of first and of second digits, in millionths (F. Benford, The
// law of anomalous numbers, 1938), and the mean absolute deviation above which a
// set does not conform (M. Nigrini, Benford's Law, 2012, table 7.1).
var (
	firstDigits  = []int64{301030, 176091, 124939, 96910, 79181, 66947, 57992, 51153, 45757}
	secondDigits = []int64{119679, 113890, 108821, 104330, 100308, 96677, 93375, 90352, 87570, 84998}
)

const firstDeviates, secondDeviates = 15_000, 12_000

// least is how many amounts a robust z needs to say something.
const least = 20

// unusual is C4: round amounts, nights and days off and dates far back in what was
// written by hand; amounts far from others of their sort (robust z ≥ 3.5); digits
// that do not fall as they should.
func unusual(f Facts, p Params, w Window) (hits []Hit) {
	for _, i := range f.Items {
		if i.Manual && w.covers(i.At) {
			hits = append(hits, byHand(i, p)...)
		}
	}
	type sort struct {
		what     string
		currency platform.Currency
	}
	for _, g := range groups(f.Items, func(i Item) (sort, bool) { return sort{i.What, i.Amount.Currency()}, i.Amount.Sign() > 0 }) {
		g = byTime(g)
		hits = append(hits, outliers(g, w)...)
		if len(g) >= p.Digits && w.covers(g[len(g)-1].At) {
			hits = append(hits, digits(g)...)
		}
	}
	return hits
}

// byHand looks at one item that somebody wrote.
func byHand(i Item, p Params) (hits []Hit) {
	who := splitter(i)
	amount := i.Amount
	hit := func(code string) {
		hits = append(hits, Hit{code, who, []platform.Ref{i.Ref}, amount, "explain"})
		amount = platform.Money{} // it counts once, whatever else is wrong with it
	}
	if unit := whole(p.Round, i.Amount.Currency()); i.Amount.Sign() > 0 && i.Amount.Minor()%unit == 0 {
		hit("round")
	}
	if local := i.At.In(p.Zone); !p.Calendar.Workday(i.At) || local.Hour() < 6 || local.Hour() >= 22 {
		hit("off_hours")
	}
	if !i.Effective.IsZero() && i.At.Sub(i.Effective) > p.Backdated {
		hit("backdated")
	}
	return hits
}

// outliers are items whose amount is far from the median of their sort: 0.6745
// times the distance is at least 3.5 median deviations (B. Iglewicz, D. Hoaglin,
// How to detect and handle outliers, 1993).
func outliers(g []Item, w Window) (hits []Hit) {
	if len(g) < least {
		return nil
	}
	amounts := make([]int64, len(g))
	for n, i := range g {
		amounts[n] = i.Amount.Minor()
	}
	middle := median(amounts)
	far := make([]int64, len(g))
	for n, i := range g {
		far[n] = max(i.Amount.Minor()-middle, middle-i.Amount.Minor())
	}
	deviation := median(far)
	for n, i := range g {
		if deviation > 0 && mulCmp(far[n], 6745, deviation, 35_000) >= 0 && w.covers(i.At) {
			hits = append(hits, Hit{"outlier", splitter(i), []platform.Ref{i.Ref}, i.Amount, "explain"})
		}
	}
	return hits
}

// digits compares the first and the second digits of amounts with what they
// mostly are.
func digits(g []Item) (hits []Hit) {
	first, second := make([]int64, 9), make([]int64, 10)
	for _, i := range g {
		text := strconv.FormatInt(i.Amount.Minor(), 10)
		first[text[0]-'1']++
		if len(text) > 1 {
			second[text[1]-'0']++
		}
	}
	month := g[len(g)-1].At.Format("2006-01")
	for _, d := range []struct {
		code         string
		counts, want []int64
		most         int64
	}{{"first_digits", first, firstDigits, firstDeviates}, {"second_digits", second, secondDigits, secondDeviates}} {
		if deviates(d.counts, d.want) > d.most {
			object := g[0].What + ":" + g[0].Amount.Currency().String()
			hits = append(hits, Hit{Code: d.code + ":" + month, Object: object, Proposal: "sample"})
		}
	}
	return hits
}

// deviates is the mean absolute deviation of shares, in millionths.
func deviates(counts, want []int64) int64 {
	var all, off int64
	for _, n := range counts {
		all += n
	}
	if all == 0 {
		return 0
	}
	for n, count := range counts {
		share := count * 1_000_000 / all
		off += max(share-want[n], want[n]-share)
	}
	return off / int64(len(counts))
}

// median is the middle one, or the lower of the two that are.
func median(of []int64) int64 {
	if len(of) == 0 {
		return 0
	}
	of = slices.Clone(of)
	slices.Sort(of)
	return of[(len(of)-1)/2]
}

// mulCmp compares a·x with b·y, none of them below zero, however large.
func mulCmp(a, x, b, y int64) int {
	ah, al := bits.Mul64(uint64(max(a, 0)), uint64(x))
	bh, bl := bits.Mul64(uint64(max(b, 0)), uint64(y))
	switch {
	case ah > bh || ah == bh && al > bl:
		return 1
	case ah == bh && al == bl:
		return 0
	}
	return -1
}
