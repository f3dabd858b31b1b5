package screen

import (
	"time"

	"github.com/liangding/platform"
)

// table declares the features that a rule may name.
var table = map[string]struct{ windowed, money bool }{
	"amount": {money: true},
	"count":  {windowed: true},
	"sum":    {windowed: true, money: true},
}

type feature struct {
	name    string
	minutes int
}

// value is one feature of one event: minor units of the event's currency, or a
// count. The zero value is missing, which is not 0.
type value struct {
	n     int64
	known bool
	more  bool // n is the least that it can be
}

type features struct {
	currency platform.Currency // of the event; none when its amount is missing
	values   []value           // in the order of kind.features
}

// truth has a third value: what a missing feature leaves unknown.
type truth int8

const (
	no truth = iota
	yes
	unknown
)

// predicate is a compiled rule. All that judges a rule goes through it, whatever
// language the rule was written in.
type predicate func(f features, v value) truth

func (r Rule) predicate() predicate {
	if !table[r.Feature].money {
		return func(_ features, v value) truth { return above(v, r.Most) }
	}
	limits := make(map[platform.Currency]int64, len(r.Limits))
	for _, m := range r.Limits {
		limits[m.Currency()] = m.Minor()
	}
	return func(f features, v value) truth {
		limit, known := limits[f.currency]
		if !known {
			return unknown
		}
		return above(v, limit)
	}
}

func above(v value, limit int64) truth {
	switch {
	case v.known && v.n > limit:
		return yes
	case !v.known || v.more:
		return unknown
	}
	return no
}

// fill computes the features of an event. Without a history those over a window
// are missing.
func (k kind) fill(in input, h *history) features {
	f := features{currency: in.facts.Amount.Currency(), values: make([]value, len(k.features))}
	for i, d := range k.features {
		switch {
		case d.name == "amount":
			f.values[i] = value{n: in.facts.Amount.Minor(), known: !in.facts.Amount.Absent()}
		case h == nil:
		case d.name == "count":
			attempts, more := h.since(in.at.Add(-time.Duration(d.minutes) * time.Minute))
			f.values[i] = value{n: int64(len(attempts)), known: true, more: more}
		case d.name == "sum":
			f.values[i] = sum(f.currency, h, in.at.Add(-time.Duration(d.minutes)*time.Minute))
		}
	}
	return f
}

// sum is what was attempted in the currency since then; missing when it does
// not fit.
func sum(c platform.Currency, h *history, since time.Time) value {
	attempts, more := h.since(since)
	amounts := make([]platform.Money, 0, kept)
	for _, a := range attempts {
		if !a.amount.Absent() && a.amount.Currency() == c {
			amounts = append(amounts, a.amount)
		}
	}
	total, err := platform.Sum(c, amounts...)
	return value{n: total.Minor(), known: err == nil && !total.Absent(), more: more}
}
