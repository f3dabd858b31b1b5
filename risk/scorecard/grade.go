package scorecard

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// grade is that of a score.
func (d Definition) grade(score decimal.Decimal) string {
	at := slices.IndexFunc(d.Bands, func(b Band) bool { return score.GreaterThanOrEqual(b.From) })
	return d.Bands[at].Grade
}

// Among is the definition with bands of its peers' scores: what From said is the
// share of them, in per cent, that lies below. It fails with ErrPeers for fewer than
// 30, and with ErrBands where the grades would fall together.
func (d Definition) Among(peers []decimal.Decimal) (Definition, error) {
	if len(peers) < ranked {
		return Definition{}, fmt.Errorf("scorecard %s over %d peers: %w", d.Name, len(peers), ErrPeers)
	}
	sorted := slices.SortedFunc(slices.Values(peers), decimal.Decimal.Cmp)
	d.Bands = slices.Clone(d.Bands)
	for i, b := range d.Bands {
		if b.From.IsZero() {
			continue
		}
		below := b.From.Mul(decimal.NewFromInt(int64(len(sorted)))).DivRound(hundred, 0).IntPart()
		d.Bands[i].From = sorted[min(below, int64(len(sorted)-1))]
	}
	if !d.graded() {
		return Definition{}, fmt.Errorf("scorecard %s over %d peers: %w", d.Name, len(peers), ErrBands)
	}
	return d, nil
}

// Settled is the grade that holds for somebody who had one: the former, until the
// interval of the score lies wholly beyond the boundary towards the new one, or the
// period before said the new one too. A gate holds at once. Without a score the
// former stays; without a former, or one that the definition does not know, the
// score's own holds.
func (d Definition) Settled(r Result, former, before string) string {
	was, is := d.rank(former), d.rank(r.Grade)
	switch {
	case is < 0:
		return former
	case was < 0, was == is, before == r.Grade, r.Gate != "" && is > was:
		return r.Grade
	case is < was && r.Low.GreaterThanOrEqual(d.Bands[was-1].From), // above the upper boundary of the former
		is > was && r.High.LessThan(d.Bands[was].From): // below its lower one
		return r.Grade
	}
	return former
}
