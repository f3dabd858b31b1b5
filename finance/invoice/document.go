package invoice

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Document is what an invoice says.
type Document struct {
	Lines []Line         `json:"lines" class:"internal"`
	Net   platform.Money `json:"net" class:"internal"` // Σ of the lines, as Tax and Gross
	Tax   platform.Money `json:"tax" class:"internal"`
	Gross platform.Money `json:"gross" class:"internal"`
}

// Line is one line of an invoice: net + tax = gross.
type Line struct {
	No       int             `json:"no" class:"internal"` // as in the subject
	Code     string          `json:"code,omitempty" class:"internal"`
	Name     string          `json:"name" class:"internal"`
	Unit     string          `json:"unit,omitempty" class:"internal"`
	Quantity int64           `json:"quantity" class:"internal"`
	Price    platform.Money  `json:"price" class:"internal"` // of one unit, tax inside
	Rate     decimal.Decimal `json:"rate" class:"internal"`  // 0.06 is 6 %
	Net      platform.Money  `json:"net" class:"internal"`
	Tax      platform.Money  `json:"tax" class:"internal"`
	Gross    platform.Money  `json:"gross" class:"internal"`
	Red      platform.Money  `json:"red" class:"internal"` // of Gross, taken back by issued letters

	Exempt string `json:"exempt,omitempty" class:"internal"` // why there is no tax: the group for which the seller is exempt (免稅), a code
}

// TaxBy is where tax is rounded.
type TaxBy string

// The ways of rounding tax.
const (
	ByLine     TaxBy = "line"     // each line by itself
	ByDocument TaxBy = "document" // once a rate, over its lines together
)

var one = decimal.NewFromInt(1)

// document takes the tax out of the gross amounts of lines. By document, what a
// rate's lines miss of its tax is put on them unit by unit, the largest first, so
// that no line is off by more than one.
func document(lines []Line, by TaxBy, mode platform.Rounding) (Document, error) {
	d := Document{Lines: slices.Clone(lines)}
	for i := range d.Lines {
		l := &d.Lines[i]
		net, err := l.Gross.DivRate(one.Add(l.Rate), mode)
		if err != nil {
			return Document{}, fmt.Errorf("tax of line %d: %w", l.No, err)
		}
		l.Net, l.Tax, l.Red = net, minus(l.Gross, net), minus(l.Gross, l.Gross)
	}
	if by == ByDocument {
		if err := d.level(mode); err != nil {
			return Document{}, err
		}
	}
	return d.totals()
}

// level makes the tax of each rate what it is of the sum of its lines.
func (d Document) level(mode platform.Rounding) error {
	for i, first := range d.Lines {
		same := func(l Line) bool { return l.Rate.Equal(first.Rate) }
		if slices.IndexFunc(d.Lines, same) < i {
			continue
		}
		var at []int
		gross, tax := minus(first.Gross, first.Gross), minus(first.Gross, first.Gross)
		for k, l := range d.Lines {
			if same(l) {
				at = append(at, k)
				gross, tax = plus(gross, l.Gross), plus(tax, l.Tax)
			}
		}
		net, err := gross.DivRate(one.Add(first.Rate), mode)
		if err != nil {
			return fmt.Errorf("tax at %s: %w", first.Rate, err)
		}
		slices.SortStableFunc(at, func(a, b int) int { return cmp.Compare(d.Lines[b].Gross.Minor(), d.Lines[a].Gross.Minor()) })
		d.spread(at, minus(minus(gross, net), tax).Minor())
	}
	return nil
}

// spread adds units of tax to lines, one each, in this order.
func (d Document) spread(at []int, units int64) {
	step := int64(1)
	if units < 0 {
		step = -1
	}
	for _, k := range at {
		if units == 0 {
			return
		}
		unit, err := platform.FromMinor(step, d.Lines[k].Gross.Currency())
		if err != nil {
			return
		}
		d.Lines[k].Tax, d.Lines[k].Net = plus(d.Lines[k].Tax, unit), minus(d.Lines[k].Net, unit)
		units -= step
	}
}

// totals are the sums of the lines.
func (d Document) totals() (Document, error) {
	var nets, taxes, grosses []platform.Money
	for _, l := range d.Lines {
		nets, taxes, grosses = append(nets, l.Net), append(taxes, l.Tax), append(grosses, l.Gross)
	}
	c := d.Lines[0].Gross.Currency()
	var failed [3]error
	d.Net, failed[0] = platform.Sum(c, nets...)
	d.Tax, failed[1] = platform.Sum(c, taxes...)
	d.Gross, failed[2] = platform.Sum(c, grosses...)
	return d, errors.Join(failed[:]...)
}

// part is what a red letter takes back of the document: gross amounts by line,
// their tax in proportion, so that letters over all of a line take all of its
// tax. It fails with ErrLine and ErrRedExceeds.
func (d Document) part(asked []Part) (Document, error) {
	out := Document{}
	for _, ask := range asked {
		i := slices.IndexFunc(d.Lines, func(l Line) bool { return l.No == ask.Line })
		if i < 0 || slices.ContainsFunc(out.Lines, func(l Line) bool { return l.No == ask.Line }) {
			return Document{}, fmt.Errorf("line %d: %w", ask.Line, ErrLine)
		}
		l := d.Lines[i]
		left := minus(l.Gross, l.Red)
		if ask.Amount.Absent() {
			ask.Amount = left
		}
		above, err := ask.Amount.Cmp(left)
		switch {
		case err != nil:
			return Document{}, fmt.Errorf("line %d: %w", ask.Line, err)
		case above > 0 || left.Sign() == 0:
			return Document{}, platform.Detail(fmt.Errorf("line %d: %w", ask.Line, ErrRedExceeds), "left", left)
		case ask.Amount.Sign() <= 0:
			return Document{}, fmt.Errorf("line %d: %w", ask.Line, ErrAmount)
		}
		tax := minus(follow(l.Tax, plus(l.Red, ask.Amount), l.Gross), follow(l.Tax, l.Red, l.Gross))
		l.Quantity, l.Price, l.Red = 1, ask.Amount, minus(l.Gross, l.Gross)
		l.Gross, l.Tax, l.Net = ask.Amount, tax, minus(ask.Amount, tax)
		out.Lines = append(out.Lines, l)
	}
	if len(out.Lines) == 0 {
		return Document{}, fmt.Errorf("a letter over nothing: %w", ErrRedExceeds)
	}
	return out.totals()
}

// all asks for what is left of each line.
func (d Document) all() (asked []Part) {
	for _, l := range d.Lines {
		if minus(l.Gross, l.Red).Sign() > 0 {
			asked = append(asked, Part{Line: l.No})
		}
	}
	return asked
}

// follow is how much of an amount goes with a part of a whole.
func follow(amount, part, whole platform.Money) platform.Money {
	if whole.Sign() == 0 {
		return amount
	}
	shares, err := amount.Allocate(part.Minor(), whole.Minor()-part.Minor())
	if err != nil {
		return platform.Money{}
	}
	return shares[0]
}

// plus and minus are of amounts of one currency below a total that fits. Of
// others they are absent, which no store takes.
func plus(a, b platform.Money) platform.Money {
	sum, err := a.Add(b)
	if err != nil {
		return platform.Money{}
	}
	return sum
}

func minus(a, b platform.Money) platform.Money { return plus(a, b.Neg()) }
