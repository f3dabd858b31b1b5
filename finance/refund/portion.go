package refund

import (
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// portions are the lines' parts of what is asked.
func (f Facts) portions(r Request, bearer Bearer) ([]Portion, error) {
	parts, err := f.shares(r)
	if err != nil {
		return nil, err
	}
	all := []Portion{}
	for i, part := range parts {
		if part > 0 {
			all = append(all, f.portion(f.Lines[i], part, bearer, r))
		}
	}
	return all, nil
}

// shares are how much each line gives: as named, or else by what is left of it.
func (f Facts) shares(r Request) ([]int64, error) {
	left, most := make([]int64, len(f.Lines)), f.refundable()
	for i, l := range f.Lines {
		left[i] = l.left()
	}
	if !r.Amount.Absent() && (!f.sound(r.Amount) || r.Amount.Sign() == 0) {
		return nil, fmt.Errorf("refund order %s: %w", f.Order, ErrAmount)
	}
	if len(r.Lines) > 0 {
		return f.named(r, left, most)
	}
	amount := r.Amount.Minor()
	if r.Amount.Absent() {
		if len(r.Tips) > 0 { // those and nothing else
			return make([]int64, len(f.Lines)), nil
		}
		amount = most
	}
	if amount > most || amount == 0 {
		return nil, f.exceeds(most)
	}
	return divide(amount, left), nil
}

func (f Facts) named(r Request, left []int64, most int64) ([]int64, error) {
	parts, sum := make([]int64, len(left)), int64(0)
	for _, ask := range r.Lines {
		i := slices.IndexFunc(f.Lines, func(l Line) bool { return l.No == ask.Line })
		switch {
		case i < 0 || parts[i] > 0:
			return nil, fmt.Errorf("refund line %d of order %s: %w", ask.Line, f.Order, ErrLine)
		case !ask.Amount.Absent() && (!f.sound(ask.Amount) || ask.Amount.Sign() == 0):
			return nil, fmt.Errorf("refund line %d of order %s: %w", ask.Line, f.Order, ErrAmount)
		}
		part := ask.Amount.Minor()
		if ask.Amount.Absent() {
			part = left[i]
		}
		if part > left[i] || part == 0 {
			return nil, f.exceeds(left[i])
		}
		parts[i] = part
		sum += part
	}
	if !r.Amount.Absent() && r.Amount.Minor() != sum {
		return nil, fmt.Errorf("refund order %s: %w", f.Order, ErrAmount)
	}
	if sum > most {
		return nil, f.exceeds(most)
	}
	return parts, nil
}

// portion is a line's part: what it draws of the merchant's own and of each fee,
// and the tax and the discount that go with it. What the platform bears draws on
// nothing.
func (f Facts) portion(l Line, part int64, bearer Bearer, r Request) Portion {
	whole, given := l.Amount.Minor(), l.Given.Minor()
	p := Portion{
		Line: l.No, Amount: f.money(part), Own: f.money(0), Fees: []FeePortion{},
		Tax:      f.money(follow(l.Tax.Minor(), given+part, whole) - follow(l.Tax.Minor(), given, whole)),
		Discount: f.money(follow(l.Discount.Minor(), given+part, whole) - follow(l.Discount.Minor(), given, whole)),
	}
	if bearer == ByPlatform {
		return p
	}
	drawn := l.draw(part)
	if at := slices.IndexFunc(r.Lines, func(a Ask) bool { return a.Line == l.No && a.Decided != nil }); at >= 0 {
		return f.divided(p, l, *r.Lines[at].Decided, drawn, r.Fault)
	}
	p.Own = f.money(drawn[0])
	for i, fee := range l.Fees {
		if drawn[i+1] > 0 {
			p.Fees = append(p.Fees, f.feePortion(fee, drawn[i+1], f.Stage != Paid && fee.keeps(r.Fault)))
		}
	}
	return p
}

// divided is the portion as the order has divided it. What is kept is told as far
// as the line draws on it.
func (f Facts) divided(p Portion, l Line, d Division, drawn []int64, fault string) Portion {
	own := p.Amount.Minor()
	for i, fee := range l.Fees {
		if i >= len(d.Fees) || d.Fees[i].Amount.Sign() == 0 {
			continue
		}
		back := f.feePortion(fee, d.Fees[i].Amount.Minor(), false)
		back.Tax = f.money(d.Fees[i].Tax.Minor())
		p.Fees, own = append(p.Fees, back), own-back.Amount.Minor()
	}
	for i, fee := range l.Fees {
		given := i < len(d.Fees) && d.Fees[i].Amount.Sign() != 0
		if part := min(drawn[i+1], own); part > 0 && !given && fee.keeps(fault) {
			p.Fees, own = append(p.Fees, f.feePortion(fee, part, true)), own-part
		}
	}
	if p.Own = f.money(own); f.Stage == Sold {
		p.owed = d.Owed.Minor()
	}
	return p
}

// draw divides a part over the merchant's own and the fees, so that all that was
// drawn is then divided as the line is. A refund that was withdrawn in between may
// have taken an odd unit along: what one has given too much, the last of the
// others do not give.
func (l Line) draw(part int64) []int64 {
	weights, had := []int64{l.Amount.Minor()}, []int64{l.drawn()}
	for _, fee := range l.Fees {
		weights, had = append(weights, fee.Amount.Minor()), append(had, fee.Given.Minor()+fee.Kept.Minor())
		weights[0] -= fee.Amount.Minor()
		had[0] -= had[len(had)-1]
	}
	parts, over := divide(l.drawn()+part, weights), -part
	for i := range parts {
		parts[i] = max(0, parts[i]-had[i])
		over += parts[i]
	}
	for i := len(parts) - 1; i >= 0 && over > 0; i-- {
		less := min(over, parts[i])
		parts[i], over = parts[i]-less, over-less
	}
	return parts
}

// keeps tells whether the platform keeps the fee.
func (f Fee) keeps(fault string) bool {
	return f.Back == Kept || f.Back == KeptAtFault && fault == "customer"
}

func (f Facts) feePortion(fee Fee, part int64, kept bool) FeePortion {
	gone, whole := fee.Given.Minor()+fee.Kept.Minor(), fee.Amount.Minor()
	p := FeePortion{
		Component: fee.Component, Amount: f.money(part), Kept: kept, role: fee.Role, name: fee.Name, taxName: fee.TaxName,
		Tax: f.money(follow(fee.Tax.Minor(), gone+part, whole) - follow(fee.Tax.Minor(), gone, whole)),
	}
	if p.role == "" {
		p.role = "commission"
	}
	return p
}

// tips are the named tips, each up to what is left of it.
func (f Facts) tips(r Request) ([]AskTip, error) {
	all := []AskTip{}
	for _, ask := range r.Tips {
		i := slices.IndexFunc(f.Tips, func(t Tip) bool { return t.Member == ask.Member })
		twice := slices.ContainsFunc(all, func(t AskTip) bool { return t.Member == ask.Member })
		if i < 0 || twice {
			return nil, fmt.Errorf("refund tip of order %s: %w", f.Order, ErrTip)
		}
		left := f.Tips[i].Amount.Minor() - f.Tips[i].Given.Minor()
		if ask.Amount.Absent() {
			ask.Amount = f.money(left)
		}
		switch {
		case !f.sound(ask.Amount):
			return nil, fmt.Errorf("refund tip of order %s: %w", f.Order, ErrAmount)
		case ask.Amount.Minor() > left || ask.Amount.Sign() == 0:
			return nil, f.exceeds(left)
		}
		all = append(all, ask)
	}
	slices.SortFunc(all, func(a, b AskTip) int { return compare(a.Member, b.Member) })
	return all, nil
}

// Letter is what a red letter takes back of an invoice's line.
type Letter struct {
	Invoice platform.ID    `json:"invoice"`
	Line    int            `json:"line"`
	Amount  platform.Money `json:"amount"`
}

// letters are the red letters over the refunded lines: what was invoiced of them
// above what the customer has still paid, the last invoice first.
func (f Facts) letters(portions []Portion) []Letter {
	all := []Letter{}
	for _, p := range portions {
		i := slices.IndexFunc(f.Lines, func(l Line) bool { return l.No == p.Line })
		invoiced := int64(0)
		for _, v := range f.Invoices {
			invoiced += max(0, v.Lines[p.Line].Minor())
		}
		above := min(p.Amount.Minor(), invoiced-f.Lines[i].left()+p.Amount.Minor())
		for _, v := range slices.Backward(f.Invoices) {
			if part := min(above, v.Lines[p.Line].Minor()); part > 0 {
				all, above = append(all, Letter{v.ID, p.Line, f.money(part)}), above-part
			}
		}
	}
	return all
}
