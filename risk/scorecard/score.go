package scorecard

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// places is how many digits after the point a result has; two are shown.
const places = 4

// Result is a score that explains itself. All figures have four digits after the
// point, rounded half to even, once.
type Result struct {
	Definition    string              `json:"definition"`
	Version       int                 `json:"version"`
	Score         decimal.NullDecimal `json:"score"` // 0 to 100: the contributions' Share, summed; null when too little was seen
	Low           decimal.Decimal     `json:"low"`   // of the interval of 95 %
	High          decimal.Decimal     `json:"high"`
	Grade         string              `json:"grade,omitempty"` // of the score alone, gates considered; empty without a score
	Gate          string              `json:"gate,omitempty"`  // the criterion that capped the grade
	Covered       decimal.Decimal     `json:"covered"`         // per cent of the weight that rests on cases
	Contributions []Contribution      `json:"contributions"`   // one for each criterion, in the definition's order
	Hash          string              `json:"hash"`            // SHA-256 over definition, observations and score
}

// Contribution is what one criterion adds to a score, and why.
type Contribution struct {
	Criterion string          `json:"criterion"`
	N         int             `json:"n"`
	Value     decimal.Decimal `json:"value"` // as it counts, drawn towards the peers where the sample was small
	Low       decimal.Decimal `json:"low"`   // of its interval of 95 %
	High      decimal.Decimal `json:"high"`
	Points    decimal.Decimal `json:"points"`            // of the curve
	Weight    decimal.Decimal `json:"weight"`            // with its share of what others left
	Share     decimal.Decimal `json:"share"`             // of the score
	Omitted   string          `json:"omitted,omitempty"` // why it counts for nothing: not_observed, insufficient_data, too_few
	Drawn     bool            `json:"drawn,omitempty"`   // towards the peers
	Evidence  []string        `json:"evidence,omitempty"`
	Excluded  []Excluded      `json:"excluded,omitempty"`
}

// part is a criterion as it was observed, unrounded.
type part struct {
	Criterion
	seen      Observation
	reason    string
	counts    bool
	value     estimate
	points    decimal.Decimal
	low, high decimal.Decimal // points, the worse and the better end
}

// Score applies a definition that holds by [Definition.Check] to observations in
// any order; a criterion that is not among them is not observed. It is pure.
//
// It fails as Check does, and with ErrObservation.
func (d Definition) Score(seen []Observation) (Result, error) {
	if err := d.Check(); err != nil {
		return Result{}, err
	}
	parts, err := d.parts(seen)
	if err != nil {
		return Result{}, fmt.Errorf("score by %s version %d: %w", d.Name, d.Version, err)
	}
	covered := zero
	for _, p := range parts {
		if p.counts {
			covered = covered.Add(p.Weight)
		}
	}
	r := Result{Definition: d.Name, Version: d.Version, Covered: covered.Mul(hundred).RoundBank(places)}
	exact, down, up := zero, zero, zero
	var shares []decimal.Decimal
	for _, p := range parts {
		c, weight := p.tell(), zero
		if p.counts {
			weight = p.Weight.DivRound(covered, digits)
		}
		share := weight.Mul(p.points)
		exact = exact.Add(share)
		below, above := weight.Mul(p.points.Sub(p.low)), weight.Mul(p.high.Sub(p.points))
		down, up = down.Add(below.Mul(below)), up.Add(above.Mul(above))
		c.Weight = weight.RoundBank(places)
		r.Contributions, shares = append(r.Contributions, c), append(shares, share)
	}
	if covered.Mul(hundred).GreaterThanOrEqual(decimal.NewFromInt(int64(d.Floor))) {
		if err := r.total(d, parts, exact, down, up); err != nil {
			return Result{}, err
		}
		r.divide(shares)
	}
	return r.hashed(parts)
}

// total sets score, interval and grade.
func (r *Result) total(d Definition, parts []part, exact, down, up decimal.Decimal) error {
	below, err := root(down)
	if err != nil {
		return fmt.Errorf("interval of a score: %w", err)
	}
	above, err := root(up)
	if err != nil {
		return fmt.Errorf("interval of a score: %w", err)
	}
	r.Score = decimal.NewNullDecimal(exact.RoundBank(places))
	r.Low = decimal.Max(zero, exact.Sub(below)).RoundBank(places)
	r.High = decimal.Min(hundred, exact.Add(above)).RoundBank(places)
	rank := d.rank(d.grade(r.Score.Decimal))
	for _, p := range parts {
		if p.Gate == nil || !p.counts || p.reason != "" || !p.points.LessThan(p.Gate.Below) {
			continue
		}
		if most := d.rank(p.Gate.Grade); most > rank {
			rank, r.Gate = most, p.Name
		}
	}
	r.Grade = d.Bands[rank].Grade
	return nil
}

// divide rounds the shares so that they add up to the score: what is missing goes
// to those that lost most by rounding.
func (r *Result) divide(shares []decimal.Decimal) {
	left := r.Score.Decimal
	for i, s := range shares {
		r.Contributions[i].Share = s.Truncate(places)
		left = left.Sub(r.Contributions[i].Share)
	}
	order := make([]int, len(shares))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return shares[b].Sub(r.Contributions[b].Share).Cmp(shares[a].Sub(r.Contributions[a].Share))
	})
	unit := decimal.New(1, -places)
	for _, i := range order {
		if left.LessThan(unit) {
			return
		}
		r.Contributions[i].Share, left = r.Contributions[i].Share.Add(unit), left.Sub(unit)
	}
}

// parts are the definition's criteria as they were observed.
func (d Definition) parts(seen []Observation) ([]part, error) {
	parts := make([]part, len(d.Criteria))
	for i, c := range d.Criteria {
		parts[i] = part{Criterion: c, seen: Observation{Criterion: c.Name}, reason: "not_observed"}
	}
	for i, o := range seen {
		at := slices.IndexFunc(d.Criteria, func(c Criterion) bool { return c.Name == o.Criterion })
		twice := slices.ContainsFunc(seen[:i], func(other Observation) bool { return other.Criterion == o.Criterion })
		if at < 0 || twice {
			return nil, fmt.Errorf("criterion %q: %w", o.Criterion, ErrObservation)
		}
		if err := o.check(); err != nil {
			return nil, err
		}
		var err error
		if parts[at], err = o.part(d.Criteria[at]); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

func (o Observation) part(c Criterion) (part, error) {
	p := part{Criterion: c, seen: o}
	var rule Rule
	if p.reason, rule = o.omission(c); rule != "" {
		p.counts = rule == Fail
		return p, nil
	}
	var err error
	if p.value, err = o.estimate(c); err != nil {
		return p, err
	}
	p.counts, p.points = true, c.points(p.value.at)
	p.low, p.high = c.points(p.value.low), c.points(p.value.high)
	if !c.rises() {
		p.low, p.high = p.high, p.low
	}
	return p, nil
}

// tell is the part as it is explained.
func (p part) tell() Contribution {
	drawn := p.counts && p.reason == "" && p.seen.N < p.Sample
	return Contribution{
		Criterion: p.Name, N: p.seen.N, Omitted: p.reason, Drawn: drawn, Evidence: p.seen.Evidence, Excluded: p.seen.Excluded,
		Value: p.value.at.RoundBank(places), Low: p.value.low.RoundBank(places), High: p.value.high.RoundBank(places), Points: p.points.RoundBank(places),
	}
}

// hashed is the result with the proof of what it was made of.
func (r Result) hashed(parts []part) (Result, error) {
	seen := make([]Observation, len(parts))
	for i, p := range parts {
		seen[i] = p.seen
	}
	doc, err := json.Marshal(struct {
		Definition string              `json:"definition"`
		Version    int                 `json:"version"`
		Seen       []Observation       `json:"seen"`
		Score      decimal.NullDecimal `json:"score"`
	}{r.Definition, r.Version, seen, r.Score})
	if err != nil {
		return Result{}, fmt.Errorf("hash a score: %w", err)
	}
	sum := sha256.Sum256(doc)
	r.Hash = hex.EncodeToString(sum[:])
	return r, nil
}
