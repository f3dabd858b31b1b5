package refund

import "math/bits"

// divide splits a whole by weights, which add up to at least the whole: by the
// smallest of (2k+1)÷weight, of equal ones the earlier (the method of Webster
// and Sainte-Laguë). A part of a larger whole is never smaller, and the parts of
// the sum of the weights are the weights. That is what allocation by largest
// remainder cannot promise for more than two parts: there, a unit more in all
// can be one less for somebody. Of two parts both are the same.
func divide(whole int64, weights []int64) []int64 {
	parts := make([]int64, len(weights))
	total := uint64(0)
	for _, w := range weights {
		total += uint64(w)
	}
	if total == 0 {
		return parts
	}
	sum := int64(0)
	for i, w := range weights {
		high, low := bits.Mul64(uint64(whole), uint64(w))
		part, rest := bits.Div64(high, low, total) // whole ≤ total
		if rest >= total-rest {
			part++
		}
		parts[i] = int64(part)
		sum += parts[i]
	}
	for ; sum < whole; sum++ {
		parts[next(parts, weights)]++
	}
	for ; sum > whole; sum-- {
		parts[last(parts, weights)]--
	}
	return parts
}

// next is who gets one more unit.
func next(parts, weights []int64) int {
	best := -1
	for i, w := range weights {
		if w > 0 && (best < 0 || before(parts[i], w, parts[best], weights[best])) {
			best = i
		}
	}
	return best
}

// last is who got the last unit.
func last(parts, weights []int64) int {
	worst := -1
	for i, w := range weights {
		if parts[i] > 0 && (worst < 0 || !before(parts[i]-1, w, parts[worst]-1, weights[worst])) {
			worst = i
		}
	}
	return worst
}

// before tells whether (2k+1)÷v is below (2l+1)÷w.
func before(k, v, l, w int64) bool {
	highA, lowA := bits.Mul64(2*uint64(k)+1, uint64(w))
	highB, lowB := bits.Mul64(2*uint64(l)+1, uint64(v))
	return highA < highB || highA == highB && lowA < lowB
}

// follow is how much of an amount goes with so much of a whole: all of it with
// the whole, and never less with more.
func follow(amount, part, whole int64) int64 {
	if whole == 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(part), uint64(amount))
	share, rest := bits.Div64(high, low, uint64(whole)) // part ≤ whole, so it fits
	if rest > 0 && rest >= uint64(whole)-rest {
		share++
	}
	return int64(share)
}
