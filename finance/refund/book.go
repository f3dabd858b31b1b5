package refund

import (
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// book makes the plan's legs. What was never captured is in no book.
func (f Facts) book(p *Plan) error {
	b := &booking{facts: f}
	lines, tips := p.sums()
	for _, s := range p.Steps {
		if s.Way == Reduce || s.Way == Void {
			lines -= s.Amount.Minor()
		}
	}
	switch p.What = "refund.approved"; {
	case lines+tips == 0:
		return nil
	case p.Bearer == ByPlatform:
		p.What = "refund.goodwill"
		b.leg("compensation", "", "", lines+tips)
	case f.Stage == Paid:
		b.chain(lines, "escrow")
		b.tips(p.Tips)
	default:
		b.merchant(p, lines)
		b.tips(p.Tips)
	}
	if b.short > 0 {
		return platform.Detail(fmt.Errorf("refund order %s: %w", f.Order, ErrSource), "short", f.money(b.short))
	}
	b.leg("refund_due", f.Order, "", -lines-tips)
	p.Legs = b.legs
	return nil
}

// booking is legs in the making.
type booking struct {
	facts Facts
	legs  []platform.Leg
	short int64
}

// leg adds to an account.
func (b *booking) leg(role string, of, party platform.ID, minor int64) {
	if minor == 0 {
		return
	}
	same := func(l platform.Leg) bool { return l.Role == role && l.Of == of && l.Party == party }
	at := slices.IndexFunc(b.legs, same)
	if at < 0 {
		b.legs = append(b.legs, platform.Leg{Role: role, Of: of, Party: party, Amount: b.facts.money(minor)})
		return
	}
	b.legs[at].Amount = b.facts.money(b.legs[at].Amount.Minor() + minor)
}

// merchant books what merchant and platform give of a sale: the platform its
// fees that go back, the merchant the rest. A share that a receiver cannot
// return is owed by the receiver.
func (b *booking) merchant(p *Plan, lines int64) {
	f, need := b.facts, lines
	for _, l := range p.Lines {
		b.leg("receivable", "", f.Merchant, l.owed)
		need -= l.owed
		for _, fee := range l.Fees {
			if fee.Kept {
				continue
			}
			need -= fee.Amount.Minor()
			b.leg(fee.role, "", fee.name, fee.Amount.Minor()-fee.Tax.Minor())
			b.leg("output_tax", "", fee.taxName, fee.Tax.Minor())
		}
	}
	if p.Lender == ByMerchant {
		need += p.Lost.Minor()
	}
	for _, s := range p.Steps {
		if p.Lender == ByMerchant {
			b.leg("gateway_fee", "", s.institution, -s.Lost.Minor())
		}
		if s.Way == ClaimShare {
			owed := min(need, s.Amount.Minor())
			b.leg("receivable", "", s.Receiver, owed)
			need -= owed
		}
	}
	sources := []string{"earning", "payable", "reserve", "deposit", "receivable"}
	if f.Stage == Closed {
		sources = sources[1:]
	}
	b.chain(need, sources...)
}

// chain takes an amount from the accounts in their order, of each what it has.
func (b *booking) chain(amount int64, roles ...string) {
	f := b.facts
	for _, role := range roles {
		leg := platform.Leg{Role: role, Party: f.Merchant}
		switch role {
		case "escrow":
			leg.Of, leg.Party = f.Order, ""
		case "earning":
			leg.Of = f.Order
		case "deposit":
			if !f.Agreement.Deposit {
				continue
			}
		}
		part := amount
		if free, bounded := f.free(leg); bounded {
			part = min(part, free)
		}
		b.leg(role, leg.Of, leg.Party, part)
		amount -= part
	}
	b.short += amount
}

// tips come out of the order's tips, and once they were handed on, out of what
// is owed to the member, who owes the rest.
func (b *booking) tips(asked []AskTip) {
	f := b.facts
	free := f.Available.Tips.Minor()
	if f.Stage == Closed {
		free = 0
	}
	for _, ask := range asked {
		i := slices.IndexFunc(f.Tips, func(t Tip) bool { return t.Member == ask.Member })
		part := min(free, ask.Amount.Minor())
		b.leg("tips", f.Order, "", part)
		free -= part
		member := min(ask.Amount.Minor()-part, f.Tips[i].Payable.Minor())
		b.leg("payable", "", ask.Member, member)
		b.leg("receivable", "", ask.Member, ask.Amount.Minor()-part-member)
	}
}

// free is what a leg's account has, if it is one that has a floor.
func (f Facts) free(l platform.Leg) (minor int64, bounded bool) {
	a := f.Available
	if l.Role == "payable" && l.Party != f.Merchant {
		for _, t := range f.Tips {
			if t.Member == l.Party {
				return t.Payable.Minor(), true
			}
		}
	}
	of := map[string]platform.Money{
		"escrow": a.Escrow, "earning": a.Earning, "payable": a.Payable, "reserve": a.Reserve, "deposit": a.Deposit, "tips": a.Tips,
	}
	m, bounded := of[l.Role]
	return m.Minor(), bounded
}
