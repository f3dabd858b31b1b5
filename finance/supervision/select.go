package supervision

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"crypto/sha256"
	"iter"
	"maps"
	"math/big"
	"slices"

	"github.com/liangding/platform"
)

// Method is how a sample is drawn.
type Method string

// The methods.
const (
	Random     Method = "random"
	Stratified Method = "stratified" // random within each stratum, in proportion to its size
	Monetary   Method = "monetary"   // each unit of money with the same chance
)

// Unit is one of the population: a posting, a voucher.
type Unit struct {
	Ref     platform.Ref   `json:"ref" class:"internal"`
	Amount  platform.Money `json:"amount" class:"internal"`
	Stratum string         `json:"stratum" class:"internal"`
}

// Population hands out what samples are drawn from.
type Population interface {
	// Units is a page of what was booked in a closed month, always in the same
	// order.
	Units(ctx context.Context, month, cursor string) (platform.Page[Unit], error)
}

// Draw is what a sample is drawn by.
type Draw struct {
	Method   Method            `json:"method"`
	N        int               `json:"n"`
	Currency platform.Currency `json:"currency"` // of a monetary sample
}

// SeedOf is the seed that follows from the root of a close and the auditor's
// nonce: neither side can choose it alone. The formula is frozen: SHA-256 of the
// root, a zero byte, and the nonce.
func SeedOf(root, nonce string) [32]byte {
	return sha256.Sum256([]byte(root + "\x00" + nonce))
}

// Select draws a sample: the same seed and the same units in the same order give
// the same sample. It walks the units twice, and keeps no more than n of them. It
// fails with ErrSample when there is nothing to draw.
//
// A random sample are those of the lowest hashes under the seed. Of a monetary one
// the interval is the total divided by n, rounded up: every unit as large as that
// is in it, and of the others each that holds a whole interval's end, counted from
// a start that the seed gives.
func Select(seed [32]byte, d Draw, units func() iter.Seq2[Unit, error]) (picked []Unit, interval int64, err error) {
	strata, total := map[string]int64{}, new(big.Int)
	for u, err := range units() {
		if err != nil {
			return nil, 0, err
		}
		strata[u.Stratum]++
		if u.Amount.Currency() == d.Currency {
			total.Add(total, big.NewInt(u.Amount.Minor()))
		}
	}
	switch {
	case len(strata) == 0 || d.N < 1:
		return nil, 0, ErrSample
	case d.Method == Monetary:
		return monetary(seed, d, total, units)
	case d.Method == Random:
		n := int64(0)
		for _, size := range strata {
			n += size
		}
		strata = map[string]int64{"": n}
	}
	parts, err := shares(strata, d.N)
	if err != nil {
		return nil, 0, err
	}
	lowest := map[string]*hashes{}
	for u, err := range units() {
		if err != nil {
			return nil, 0, err
		}
		stratum := u.Stratum
		if d.Method == Random {
			stratum = ""
		}
		if lowest[stratum] == nil {
			lowest[stratum] = &hashes{}
		}
		lowest[stratum].offer(seed, u, parts[stratum])
	}
	for _, stratum := range slices.Sorted(maps.Keys(lowest)) {
		all := *lowest[stratum]
		slices.SortFunc(all, hashed.compare)
		for _, h := range all {
			picked = append(picked, h.unit)
		}
	}
	return picked, 0, nil
}

// shares divides n among strata in proportion, at least one each where n allows it.
func shares(strata map[string]int64, n int) (map[string]int, error) {
	names := slices.Sorted(maps.Keys(strata))
	weights := make([]int64, len(names))
	for i, name := range names {
		weights[i] = strata[name]
	}
	whole, err := platform.FromMinor(int64(n), sampleUnit)
	if err != nil {
		return nil, err
	}
	parts, err := whole.Allocate(weights...)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for i, name := range names {
		out[name] = int(min(max(parts[i].Minor(), 1), weights[i]))
	}
	return out, nil
}

// sampleUnit lets a number be divided by largest remainder, as money is.
var sampleUnit = platform.MustMoney("0", "JPY").Currency()

// hashed is a unit under the seed.
type hashed struct {
	hash [32]byte
	unit Unit
}

func (h hashed) compare(o hashed) int {
	return cmp.Or(bytes.Compare(h.hash[:], o.hash[:]), cmp.Compare(h.unit.Ref.String(), o.unit.Ref.String()))
}

// hashes are the lowest, the highest of them first.
type hashes []hashed

func (h hashes) Len() int           { return len(h) }
func (h hashes) Less(i, j int) bool { return h[i].compare(h[j]) > 0 }
func (h hashes) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *hashes) Push(x any) {
	if v, ok := x.(hashed); ok {
		*h = append(*h, v)
	}
}

// Pop implements heap.Interface.
func (h *hashes) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// offer keeps the unit if it is among the n lowest.
func (h *hashes) offer(seed [32]byte, u Unit, n int) {
	next := hashed{sha256.Sum256(append(seed[:], u.Ref.String()...)), u}
	switch {
	case len(*h) < n:
		heap.Push(h, next)
	case n > 0 && next.compare((*h)[0]) < 0:
		(*h)[0] = next
		heap.Fix(h, 0)
	}
}

// monetary draws by units of money.
func monetary(seed [32]byte, d Draw, total *big.Int, units func() iter.Seq2[Unit, error]) (picked []Unit, interval int64, err error) {
	n := big.NewInt(int64(d.N))
	step := new(big.Int).Add(total, n)
	step.Sub(step, big.NewInt(1)).Div(step, n)
	if total.Sign() <= 0 || !step.IsInt64() {
		return nil, 0, ErrSample
	}
	interval = step.Int64()
	start := new(big.Int).Mod(new(big.Int).SetBytes(seed[:]), step).Int64()
	left := start // until the next end of an interval
	for u, err := range units() {
		if err != nil {
			return nil, 0, err
		}
		amount := u.Amount.Minor()
		switch {
		case u.Amount.Currency() != d.Currency || amount <= 0:
		case amount >= interval:
			picked = append(picked, u)
		case amount <= left:
			left -= amount
		default:
			left += interval - amount
			picked = append(picked, u)
		}
	}
	return picked, interval, nil
}
