package store

import "hash/maphash"

// ledger finds where two tellings of the same things differ and keeps neither:
// for each of its pages it has the sum of the fingerprints of the one less those
// of the other. Of the pages that do not come to zero, a second reading keeps
// what either says, as many at a time as memory allows.
type ledger[K, V comparable] struct {
	seed  maphash.Seed
	sums  [ledgerPages]uint64
	sizes [ledgerPages]int
	open  map[int]bool // of the second reading
	told  [2]map[K]V
}

const ledgerPages = 4096

func newLedger[K, V comparable]() *ledger[K, V] { return &ledger[K, V]{seed: maphash.MakeSeed()} }

// tell notes what the first (0) or the second telling (1) says of k. Where it
// said something else before, that is other.
func (l *ledger[K, V]) tell(telling int, k K, v V) (other V, twice bool) {
	page := int(maphash.Comparable(l.seed, k) % ledgerPages)
	if l.open == nil {
		sum := maphash.Comparable(l.seed, struct {
			k K
			v V
		}{k, v})
		if telling == 1 {
			sum = -sum
		}
		l.sums[page] += sum
		l.sizes[page]++
		return other, false
	}
	if l.open[page] {
		other, twice = l.told[telling][k]
		l.told[telling][k] = v
	}
	return other, twice && other != v
}

// reread opens pages that differ, with at most so many entries unless one has
// more, and tells whether there are any. It has them told again.
func (l *ledger[K, V]) reread(most int) bool {
	l.open, l.told = map[int]bool{}, [2]map[K]V{{}, {}}
	for page, sum := range l.sums {
		if sum == 0 || len(l.open) > 0 && l.sizes[page] > most {
			continue
		}
		l.open[page], l.sums[page] = true, 0
		most -= l.sizes[page]
	}
	return len(l.open) > 0
}
