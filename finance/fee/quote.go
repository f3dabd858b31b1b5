package fee

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Statement is what a schedule takes for an order, and why. The same schedule and
// facts give the same statement, and the same JSON, byte for byte.
type Statement struct {
	Version  string      `json:"version"`            // label of the schedule
	Schedule platform.ID `json:"schedule,omitempty"` // none: the program's own
	Facts    Facts       `json:"facts"`
	Charges  []Charge    `json:"charges"` // in the order of work
}

// Charge is what one rule of a component takes: of each line, or of all lines
// that it matches together.
type Charge struct {
	Component string            `json:"component"`
	Rule      string            `json:"rule"`
	Payer     Payer             `json:"payer"`
	Back      Back              `json:"back"`
	Base      platform.Money    `json:"base"`
	Rate      decimal.Decimal   `json:"rate"`             // of the tier, where there are tiers; without meaning with slices
	Slices    []Slice           `json:"slices,omitempty"` // of marginal tiers
	Fixed     platform.Money    `json:"fixed,omitzero"`
	Limit     string            `json:"limit,omitempty"` // min or max, if one decided
	Amount    platform.Money    `json:"amount"`          // tax included
	TaxRate   decimal.Decimal   `json:"tax_rate"`
	Exclusive bool              `json:"exclusive,omitempty"`
	Tax       platform.Money    `json:"tax"`              // inside the amount
	Reduced   platform.Money    `json:"reduced,omitzero"` // by so much, since no line bears more than itself
	Rounding  platform.Rounding `json:"rounding"`
	Parts     []Part            `json:"parts"` // of the lines; together they are amount and tax
}

// Slice is the part of a base that lies in one tier.
type Slice struct {
	Base platform.Money  `json:"base"`
	Rate decimal.Decimal `json:"rate"`
}

// Part is what one line bears of a charge.
type Part struct {
	Line   int            `json:"line"` // 1, 2, 3 … as in the facts
	Amount platform.Money `json:"amount"`
	Tax    platform.Money `json:"tax"` // inside the amount
}

// Quote prices what the facts tell of, a pure function. Components are reckoned in
// their order, each rounded once, then its tax. What merchants pay is never more
// than the line: what is too much is taken from the last component first, and
// stands in the charge as Reduced.
//
// It fails with ErrInvalid for lines that cannot be priced (fee.line,
// fee.currency, fee.gap, money.currency, money.overflow).
func (s Schedule) Quote(f Facts) (Statement, error) {
	price, err := s.price(f)
	if err != nil {
		return Statement{}, err
	}
	q := quoting{
		facts: f, price: price,
		charges: make([]Charge, 0, len(s.Components)*len(f.Lines)),
		parts:   make([]Part, 0, len(s.Components)*len(f.Lines)),
	}
	for _, c := range s.Components {
		if err := q.component(c); err != nil {
			return Statement{}, fmt.Errorf("quote %s: %w", s.Label(), err)
		}
	}
	if err := q.cap(); err != nil {
		return Statement{}, fmt.Errorf("quote %s: %w", s.Label(), err)
	}
	return Statement{Version: s.Label(), Schedule: s.ID, Facts: f, Charges: q.charges}, nil
}

// quoting is a quote under way.
type quoting struct {
	facts   Facts
	price   platform.Money
	charges []Charge
	parts   []Part // of all charges: each line has one of each component
}

// component is reckoned for each line, or for all lines of one rule together.
func (q *quoting) component(c Component) error {
	first := len(q.charges)
	for i, l := range q.facts.Lines {
		at, err := c.rule(q.facts, l, q.price)
		if err != nil {
			return err
		}
		rule := c.Rules[at]
		if c.Per != Line && q.joined(first, rule.ID) {
			continue
		}
		charge := Charge{
			Component: c.Name, Rule: rule.ID, Payer: or(c.Payer, Merchant), Back: or(c.Back, ProRata),
			TaxRate: c.Tax, Exclusive: c.Exclusive, Rounding: or(c.Rounding, platform.HalfEven), Fixed: rule.Fixed, Base: l.Amount,
		}
		from := len(q.parts)
		q.parts = append(q.parts, Part{Line: i + 1})
		for j := i + 1; c.Per != Line && j < len(q.facts.Lines); j++ {
			if other, err := c.rule(q.facts, q.facts.Lines[j], q.price); err != nil || other != at {
				continue // an error is met again at its own line
			}
			q.parts = append(q.parts, Part{Line: j + 1})
			if charge.Base, err = charge.Base.Add(q.facts.Lines[j].Amount); err != nil {
				return err
			}
		}
		charge.Parts = q.parts[from:len(q.parts):len(q.parts)]
		if err := q.reckon(&charge, rule); err != nil {
			return err
		}
		q.charges = append(q.charges, charge)
	}
	return nil
}

// joined tells whether a charge of this component already covers the rule's lines.
func (q *quoting) joined(first int, rule string) bool {
	for _, c := range q.charges[first:] {
		if c.Rule == rule {
			return true
		}
	}
	return false
}

// reckon fills in what a charge amounts to, and what each of its lines bears.
func (q *quoting) reckon(c *Charge, r Rule) error {
	net, err := r.amount(c, q.facts.Volume)
	if err != nil {
		return err
	}
	switch {
	case c.Base.Sign() == 0: // what costs nothing bears nothing
		c.Amount, c.Tax, c.Limit = c.Base, c.Base, ""
	case c.Exclusive:
		if c.Tax, err = net.MulRate(c.TaxRate, c.Rounding); err == nil {
			c.Amount, err = net.Add(c.Tax)
		}
	default:
		c.Amount = net
		c.Tax, err = inside(net, c.TaxRate, c.Rounding)
	}
	if err != nil {
		return err
	}
	return q.share(c)
}

// amount is what the rule takes of the charge's base, within its bounds; the
// charge notes how.
func (r Rule) amount(c *Charge, volume platform.Money) (amount platform.Money, err error) {
	c.Rate = r.Rate
	switch r.By {
	case Marginal:
		c.Rate, c.Slices = decimal.Zero, r.slices(c.Base)
		amount, err = sliced(c.Slices, c.Base.Currency(), c.Rounding)
	case Whole:
		c.Rate = r.tier(c.Base.Minor())
		amount, err = c.Base.MulRate(c.Rate, c.Rounding)
	case Volume:
		c.Rate = r.tier(volume.Minor())
		amount, err = c.Base.MulRate(c.Rate, c.Rounding)
	default:
		amount, err = c.Base.MulRate(r.Rate, c.Rounding)
	}
	if err == nil && !r.Fixed.Absent() {
		amount, err = amount.Add(r.Fixed)
	}
	switch {
	case err != nil:
	case !r.Max.Absent() && amount.Minor() > r.Max.Minor():
		amount, c.Limit = r.Max, "max"
	case !r.Min.Absent() && amount.Minor() < r.Min.Minor():
		amount, c.Limit = r.Min, "min"
	}
	return amount, err
}

// tier is the rate of the tier in which so much lies.
func (r Rule) tier(minor int64) (rate decimal.Decimal) {
	for _, t := range r.Tiers {
		if t.From.Minor() <= minor {
			rate = t.Rate
		}
	}
	return rate
}

// slices are the parts of a base that lie in each tier.
func (r Rule) slices(base platform.Money) (all []Slice) {
	for i, t := range r.Tiers {
		upTo := base
		if i+1 < len(r.Tiers) && r.Tiers[i+1].From.Minor() < base.Minor() {
			upTo = r.Tiers[i+1].From
		}
		if slice := plus(upTo, t.From.Neg()); slice.Sign() > 0 {
			all = append(all, Slice{slice, t.Rate})
		}
	}
	return all
}

// sliced is the sum of slices, each at its rate, exact until it is rounded once.
func sliced(all []Slice, in platform.Currency, mode platform.Rounding) (platform.Money, error) {
	sum, places := decimal.Zero, int32(in.Exponent())
	for _, s := range all {
		sum = sum.Add(s.Base.Decimal().Mul(s.Rate))
	}
	switch mode {
	case platform.HalfUp:
		sum = sum.Round(places)
	case platform.Up:
		sum = sum.RoundUp(places)
	case platform.Down:
		sum = sum.RoundDown(places)
	default:
		sum = sum.RoundBank(places)
	}
	return platform.FromDecimal(sum, in)
}

// inside is the tax in a gross amount.
func inside(gross platform.Money, rate decimal.Decimal, mode platform.Rounding) (platform.Money, error) {
	net, err := gross.DivRate(rate.Add(one), mode)
	if err != nil {
		return platform.Money{}, err
	}
	return gross.Sub(net)
}

var one = decimal.New(1, 0)

// share divides a charge over its lines, by what they cost, and its tax by what
// they bear.
func (q *quoting) share(c *Charge) error {
	if len(c.Parts) == 1 || c.Base.Sign() == 0 {
		zero := plus(c.Base, c.Base.Neg())
		for i := range c.Parts {
			c.Parts[i].Amount, c.Parts[i].Tax = zero, zero
		}
		c.Parts[0].Amount, c.Parts[0].Tax = c.Amount, c.Tax
		return nil
	}
	weights := make([]int64, len(c.Parts))
	for i, p := range c.Parts {
		weights[i] = q.facts.Lines[p.Line-1].Amount.Minor()
	}
	amounts, err := c.Amount.Allocate(weights...)
	if err != nil {
		return err
	}
	for i, a := range amounts {
		c.Parts[i].Amount, c.Parts[i].Tax, weights[i] = a, a, a.Minor()
	}
	if c.Amount.Sign() == 0 {
		return nil
	}
	taxes, err := c.Tax.Allocate(weights...)
	for i := range taxes {
		c.Parts[i].Tax = taxes[i]
	}
	return err
}

// cap takes from the last components what a line would bear above itself.
func (q *quoting) cap() error {
	over := make([]platform.Money, len(q.facts.Lines))
	for i, l := range q.facts.Lines {
		over[i] = l.Amount.Neg()
	}
	for _, c := range q.charges {
		for _, p := range c.Parts {
			if c.Payer == Merchant {
				over[p.Line-1] = plus(over[p.Line-1], p.Amount)
			}
		}
	}
	for i := range over {
		if over[i].Absent() {
			return fmt.Errorf("fees of line %d: %w", i+1, errLine)
		}
		for at := len(q.charges) - 1; at >= 0 && over[i].Sign() > 0; at-- {
			if err := q.charges[at].reduce(i+1, &over[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// reduce takes from what a line bears of the charge, at most what is over.
func (c *Charge) reduce(line int, over *platform.Money) error {
	for i := range c.Parts {
		p := &c.Parts[i]
		if c.Payer != Merchant || p.Line != line || p.Amount.Sign() == 0 {
			continue
		}
		cut := p.Amount
		if over.Minor() < cut.Minor() {
			cut = *over
		}
		was := p.Tax
		p.Amount = plus(p.Amount, cut.Neg())
		tax, err := inside(p.Amount, c.TaxRate, c.Rounding)
		if err != nil {
			return err
		}
		if tax.Minor() < was.Minor() {
			p.Tax = tax
		}
		*over = plus(*over, cut.Neg())
		c.Amount, c.Tax = plus(c.Amount, cut.Neg()), plus(c.Tax, p.Tax, was.Neg())
		c.Reduced = plus(or(c.Reduced, plus(cut, cut.Neg())), cut)
	}
	return nil
}

// plus adds amounts of one currency; the result is absent should they not be, or
// not fit.
func plus(first platform.Money, more ...platform.Money) platform.Money {
	for _, m := range more {
		sum, err := first.Add(m)
		if err != nil {
			return platform.Money{}
		}
		first = sum
	}
	return first
}

// or is a value, or another where there is none.
func or[T comparable](value, other T) T {
	var none T
	if value == none {
		return other
	}
	return value
}
