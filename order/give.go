package order

import (
	"slices"

	"github.com/liangding/platform"
)

// give is the line with a share of it given back, and the share with what the
// platform gives of its own part.
//
// Each part that goes back follows the whole that is then given, allocated by
// largest remainder, so that a line given back in parts ends as if given back at
// once, in every account. What is kept stays with the platform: before the sale as
// far as the rest of the line bears it, after it altogether, and what the merchant
// then lacks it owes.
func (l Line) give(s Share, fault Fault, sold bool) (Line, Share, error) {
	parts := l.parts()
	given, stays := make([]Given, len(parts)), make([]bool, len(parts))
	zero := plus(l.Amount, l.Amount.Neg())
	rest := s.Amount // of the share, what no part has given yet
	for i, p := range parts {
		given[i] = Given{Amount: zero, Tax: zero, Kept: p.Back == keptAtFault && fault == CustomerFault}
		if stays[i] = p.Back == kept || given[i].Kept; stays[i] {
			continue
		}
		due, err := p.due(s.Amount, l)
		if err != nil {
			return Line{}, Share{}, err
		}
		given[i].Amount = least(due, rest)
		rest = plus(rest, given[i].Amount.Neg())
	}
	// A refund that was rejected in between may have taken the odd unit along:
	// neither side may give more than it has.
	lack := plus(rest, l.earned().Neg())
	for _, staying := range []bool{false, true} {
		for i := 0; i < len(parts) && lack.Sign() > 0; i++ {
			if stays[i] != staying || staying && sold {
				continue
			}
			more := least(lack, plus(parts[i].Amount, parts[i].Given.Neg(), given[i].Amount.Neg()))
			given[i].Amount, rest, lack = plus(given[i].Amount, more), plus(rest, more.Neg()), plus(lack, more.Neg())
		}
	}
	s.Fee = plus(s.Amount, rest.Neg())
	if lack.Sign() > 0 {
		s.Owed = lack
	}
	for i := range given {
		var err error
		if given[i].Tax, err = parts[i].tax(given[i].Amount); err != nil {
			return Line{}, Share{}, err
		}
	}
	if s.Parts = nil; l.Parts != nil {
		s.Parts = given
	}
	return l.moved(s, false), s, nil
}

// take is the line without a share that is not given back after all.
func (l Line) take(s Share) Line { return l.moved(s, true) }

// moved is the line with what a share gives added, or taken away again.
func (l Line) moved(s Share, back bool) Line {
	signed := func(m platform.Money) platform.Money {
		if back {
			return m.Neg()
		}
		return m
	}
	l.Given, l.FeeGiven = plus(l.Given, signed(s.Amount)), plus(l.FeeGiven, signed(s.Fee))
	if !s.Owed.Absent() {
		if l.Owed = plus(or(l.Owed, plus(s.Owed, s.Owed.Neg())), signed(s.Owed)); l.Owed.Sign() == 0 {
			l.Owed = platform.Money{}
		}
	}
	if l.Parts = slices.Clone(l.Parts); len(s.Parts) == len(l.Parts) {
		for i, g := range s.Parts {
			p := &l.Parts[i]
			p.Given, p.TaxGiven = plus(p.Given, signed(g.Amount)), plus(p.TaxGiven, signed(g.Tax))
			if g.Kept {
				if p.Spared = plus(or(p.Spared, plus(s.Amount, s.Amount.Neg())), signed(s.Amount)); p.Spared.Sign() == 0 {
					p.Spared = platform.Money{}
				}
			}
		}
	}
	return l
}

// earned is what the merchant has left of the line.
func (l Line) earned() platform.Money {
	zero := plus(l.Amount, l.Amount.Neg())
	return plus(l.Amount, l.Fee.Neg(), l.Given.Neg(), l.FeeGiven, or(l.Owed, zero))
}

// due is how much of the part goes back with so much more of its line. What
// depends on the fault follows the shares for which it was not kept.
func (p Part) due(share platform.Money, l Line) (platform.Money, error) {
	before, given := p.Given, plus(l.Given, share)
	if !p.Spared.Absent() {
		given = plus(given, p.Spared.Neg())
	}
	parts, err := given.Allocate(l.Amount.Minor()-p.Amount.Minor(), p.Amount.Minor())
	if err != nil {
		return platform.Money{}, err
	}
	due := plus(parts[1], before.Neg())
	if due.Sign() < 0 {
		due = plus(due, due.Neg())
	}
	return least(due, plus(p.Amount, p.Given.Neg())), nil
}

// tax is how much of the next amount given back is tax, so that all of it is when
// the part is given back as a whole.
func (p Part) tax(amount platform.Money) (platform.Money, error) {
	zero := plus(p.Amount, p.Amount.Neg())
	if p.Tax.Sign() == 0 || amount.Sign() == 0 {
		return zero, nil
	}
	given := plus(p.Given, amount)
	parts, err := given.Allocate(p.Amount.Minor()-p.Tax.Minor(), p.Tax.Minor())
	if err != nil {
		return zero, err
	}
	net := p.Amount.Minor() - p.Tax.Minor() - (p.Given.Minor() - p.TaxGiven.Minor()) // left of what is no tax
	low := max(0, amount.Minor()-net)
	high := min(amount.Minor(), p.Tax.Minor()-p.TaxGiven.Minor())
	return platform.FromMinor(min(max(parts[1].Minor()-p.TaxGiven.Minor(), low), high), amount.Currency())
}

// least is the smaller of two amounts of one currency.
func least(a, b platform.Money) platform.Money {
	if b.Minor() < a.Minor() {
		return b
	}
	return a
}
