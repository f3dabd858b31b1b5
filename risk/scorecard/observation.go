package scorecard

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// Observation is what was seen of one criterion: a rate, Hits of N, or the mean of
// N values with their variance.
type Observation struct {
	Criterion string          `json:"criterion"`
	N         int             `json:"n"`                  // cases
	Hits      int             `json:"hits,omitempty"`     // of a rate
	Mean      decimal.Decimal `json:"mean,omitzero"`      // of what is no rate
	Variance  decimal.Decimal `json:"variance,omitzero"`  // of the values about it
	Measured  bool            `json:"measured,omitempty"` // whether it is a mean
	Peers     Peers           `json:"peers"`
	Evidence  []string        `json:"evidence,omitempty"` // what was counted, by id
	Excluded  []Excluded      `json:"excluded,omitempty"` // what was not
}

// Peers are those with whom a small sample is compared.
type Peers struct {
	N        int             `json:"n"`                 // how many they are
	Mean     decimal.Decimal `json:"mean,omitzero"`     // of the rate, or of the values
	Variance decimal.Decimal `json:"variance,omitzero"` // of the values
}

// Excluded is a case that does not count, and the code of the reason.
type Excluded struct {
	ID   string `json:"id"`
	Code string `json:"code"`
}

// check tells whether the observation can be.
func (o Observation) check() error {
	counts := o.N >= 0 && o.Hits >= 0 && o.Hits <= o.N && o.Peers.N >= 0
	spread := !o.Variance.IsNegative() && !o.Peers.Variance.IsNegative()
	sort := !o.Measured || o.Hits == 0
	share := o.Measured || !o.Peers.Mean.IsNegative() && o.Peers.Mean.LessThanOrEqual(one)
	if counts && spread && sort && share {
		return nil
	}
	return fmt.Errorf("criterion %s: %w", o.Criterion, ErrObservation)
}

// estimate is a value with its interval of 95 %.
type estimate struct{ at, low, high decimal.Decimal }

// estimate is what the observation says, drawn towards its peers when there are
// fewer cases than the sample.
func (o Observation) estimate(c Criterion) (estimate, error) {
	n, pull := decimal.NewFromInt(int64(o.N)), zero
	if o.N < c.Sample {
		pull = decimal.NewFromInt(int64(c.pull()))
	}
	weight := n.Add(pull)
	drawn := func(own, peers decimal.Decimal) decimal.Decimal {
		return own.Add(pull.Mul(peers)).DivRound(weight, digits)
	}
	if !o.Measured {
		return wilson(drawn(decimal.NewFromInt(int64(o.Hits)), o.Peers.Mean), weight)
	}
	at := drawn(n.Mul(o.Mean), o.Peers.Mean)
	half, err := root(drawn(n.Mul(o.Variance), o.Peers.Variance).DivRound(weight, digits))
	if err != nil {
		return estimate{}, fmt.Errorf("criterion %s: %w", o.Criterion, err)
	}
	half = half.Mul(z95)
	return estimate{at: at, low: at.Sub(half), high: at.Add(half)}, nil
}

// digits are those after the point until the result is rounded; roots have 12.
const (
	digits = 24
	roots  = 12
)

// z95 is the normal quantile of a two-sided interval of 95 %.
var z95 = decimal.RequireFromString("1.959963984540054")

func root(of decimal.Decimal) (decimal.Decimal, error) { return of.SqrtRound(roots) }

// wilson is the score interval of a rate (E. B. Wilson, JASA 1927).
func wilson(rate, n decimal.Decimal) (estimate, error) {
	square := z95.Mul(z95)
	two, four := decimal.NewFromInt(2), decimal.NewFromInt(4)
	whole := one.Add(square.DivRound(n, digits))
	centre := rate.Add(square.DivRound(two.Mul(n), digits))
	spread := rate.Mul(one.Sub(rate)).DivRound(n, digits).Add(square.DivRound(four.Mul(n).Mul(n), digits))
	half, err := root(spread)
	if err != nil {
		return estimate{}, fmt.Errorf("interval of a rate: %w", err)
	}
	half = half.Mul(z95)
	return estimate{
		at:   rate,
		low:  decimal.Max(zero, centre.Sub(half).DivRound(whole, digits)),
		high: decimal.Min(one, centre.Add(half).DivRound(whole, digits)),
	}, nil
}

// omission is why a criterion counts for nothing, or what its rule makes of it;
// empty when it counts as observed.
func (o Observation) omission(c Criterion) (reason string, rule Rule) {
	thin := o.N < c.Sample
	rule = c.Thin
	switch {
	case !thin:
		return "", ""
	case rule == Fail:
		return "too_few", Fail
	case rule == Omit:
		return "too_few", Omit
	case o.N == 0, o.Peers.N < minPeers:
		return "insufficient_data", Omit
	}
	return "", ""
}
