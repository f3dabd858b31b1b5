package fee

import (
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Check is everything that is wrong with the schedule by itself, as FieldErrors,
// or nil: fee.gap, fee.range, fee.tiers, fee.currency, fee.name, fee.choice,
// fee.period, fee.back and fee.size.
func (s Schedule) Check() error {
	c := checking{of: s.Currency}
	c.demand(word.MatchString(s.Name), "name", errName)
	c.demand(s.Until.IsZero() || s.Until.After(s.From), "until", errPeriod)
	c.demand(len(s.Components) >= 1 && len(s.Components) <= 10, "components", errSize)
	for i, comp := range s.Components {
		twice := slices.ContainsFunc(s.Components[:i], func(other Component) bool { return other.Name == comp.Name })
		c.at = "components[" + strconv.Itoa(i) + "]."
		c.demand(!twice, "name", errName)
		c.component(comp)
	}
	if c.wrong == nil {
		return nil
	}
	return c.wrong
}

// checking gathers what is wrong, below a path.
type checking struct {
	of    platform.Currency
	at    string
	wrong platform.FieldErrors
}

func (c *checking) demand(right bool, path string, refusal error) {
	if !right {
		c.wrong = append(c.wrong, platform.Wrong(c.at+path, refusal)...)
	}
}

func (c *checking) component(comp Component) {
	below := c.at
	c.demand(word.MatchString(comp.Name), "name", errName)
	c.demand(slices.Contains([]Payer{"", Merchant, Customer}, comp.Payer), "payer", errChoice)
	c.demand(slices.Contains([]Per{"", Order, Line}, comp.Per), "per", errChoice)
	c.demand(slices.Contains([]Back{"", ProRata, Kept, KeptAtFault}, comp.Back), "back", errChoice)
	c.demand(comp.Payer != Customer || comp.Back == "" || comp.Back == ProRata, "back", errBack)
	c.demand(slices.Contains([]platform.Rounding{"", platform.HalfEven, platform.HalfUp, platform.Up, platform.Down}, comp.Rounding), "rounding", errChoice)
	c.demand(share(comp.Tax), "tax", ErrRange)
	c.demand(len(comp.Rules) >= 1 && len(comp.Rules) <= 50, "rules", errSize)
	if last := len(comp.Rules) - 1; last >= 0 {
		c.demand(comp.Rules[last].When.all(), "rules", ErrGap)
	}
	for i, r := range comp.Rules {
		twice := slices.ContainsFunc(comp.Rules[:i], func(other Rule) bool { return other.ID == r.ID })
		c.at = below + "rules[" + strconv.Itoa(i) + "]."
		c.demand(word.MatchString(r.ID) && !twice, "id", errName)
		c.rule(r)
	}
	c.at = below
}

func (c *checking) rule(r Rule) {
	c.demand(share(r.Rate), "rate", ErrRange)
	for _, m := range []struct {
		path string
		of   platform.Money
	}{{"fixed", r.Fixed}, {"min", r.Min}, {"max", r.Max}, {"when.from", r.When.From}, {"when.below", r.When.Below}} {
		c.amount(m.of, m.path)
	}
	c.demand(ordered(r.Min, r.Max), "min", ErrRange)
	c.demand(ordered(r.When.From, r.When.Below), "when.from", ErrRange)
	c.demand(len(r.Tiers) <= 20, "tiers", errSize)
	c.demand(len(r.Tiers) == 0 == (r.By == "") && slices.Contains([]Tiering{"", Marginal, Whole, Volume}, r.By), "by", errChoice)
	for i, t := range r.Tiers {
		path := "tiers[" + strconv.Itoa(i) + "]."
		c.demand(share(t.Rate), path+"rate", ErrRange)
		c.amount(t.From, path+"from")
		rises := i == 0 && t.From.Minor() == 0 || i > 0 && t.From.Minor() > r.Tiers[i-1].From.Minor()
		c.demand(rises && !t.From.Absent(), path+"from", ErrTiers)
	}
}

// amount is one of the schedule's currency and not below zero, or absent.
func (c *checking) amount(m platform.Money, path string) {
	c.demand(m.Absent() || m.Currency() == c.of, path, ErrCurrency)
	c.demand(m.Sign() >= 0, path, ErrRange)
}

// ordered tells whether two bounds, of which either may be absent, are in order.
func ordered(low, high platform.Money) bool {
	return low.Absent() || high.Absent() || low.Minor() <= high.Minor()
}

// share tells whether a rate is 0 to 1 with six decimals at most.
func share(rate decimal.Decimal) bool {
	return !rate.IsNegative() && rate.Exponent() <= 0 && rate.Exponent() >= -20 && rate.LessThanOrEqual(decimal.New(1, 0)) && rate.Equal(rate.Truncate(6))
}

// all tells whether there is nothing that does not match.
func (m Match) all() bool {
	lists := len(m.Kinds) + len(m.Categories) + len(m.Cities) + len(m.Tiers) + len(m.Channels) + len(m.Orders)
	return lists == 0 && m.From.Absent() && m.Below.Absent()
}

// volumes tells whether any rule asks for the merchant's volume.
func (s Schedule) volumes() bool {
	return slices.ContainsFunc(s.Components, func(c Component) bool {
		return slices.ContainsFunc(c.Rules, func(r Rule) bool { return r.By == Volume })
	})
}
