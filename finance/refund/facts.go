package refund

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// Stage is how far an order's money has come.
type Stage string

// The stages.
const (
	Paid   Stage = "paid"   // in escrow: nothing is sold, and no fee was taken
	Sold   Stage = "sold"   // earned by the merchant, not yet released
	Closed Stage = "closed" // released to the merchant
)

// Facts are all that a refund is planned on, as of one moment. Amounts are of
// one currency and none is negative; an absent one is zero.
type Facts struct {
	Order, Merchant platform.ID
	Stage           Stage

	Lines    []Line
	Tips     []Tip
	Payments []Payment // in the order in which they were paid
	Invoices []Invoice

	Captured, Refunded, Reserved, ChargedBack platform.Money // of the order, tips apart
	Withheld                                  platform.Money // a fee that its cancellation cost

	Available Available
	Agreement Agreement
}

// Line is one line of the order, as it was frozen, and what refunds that stand
// have taken of it.
type Line struct {
	No       int
	Amount   platform.Money // what the customer paid for it
	Tax      platform.Money // inside Amount
	Discount platform.Money // already off Amount
	Fees     []Fee          // inside Amount; the rest is the merchant's
	Given    platform.Money // of Amount
	Borne    platform.Money // of Given, what the platform bore itself
}

// Fee is one component of the platform's part of a line, as the order froze it.
type Fee struct {
	Component string // commission, payment, service, placement
	Role      string // of the account that the sale books it on; if empty, commission
	Name      platform.ID
	TaxName   platform.ID // by which those accounts are kept apart
	Amount    platform.Money
	Tax       platform.Money // inside Amount
	Back      Behaviour
	Given     platform.Money // of Amount, given back by refunds that stand
	Kept      platform.Money // of Amount, kept although its part of the line was given back
}

// Behaviour is what a refund does to a fee.
type Behaviour string

// The behaviours of fees. Before the sale no fee was taken, and none is kept.
const (
	ProRata     Behaviour = "pro_rata" // goes back with its line; so does a fee that says nothing
	Kept        Behaviour = "kept"
	KeptAtFault Behaviour = "kept_if_customer_fault"
)

// Tip is what the customer gave a member of staff.
type Tip struct {
	Member        platform.ID
	Amount, Given platform.Money
	Payable       platform.Money // what is free of what the platform owes the member
}

// Payment is money that came, or is promised.
type Payment struct {
	ID          platform.ID
	Institution string         // empty for what the platform paid itself
	Amount      platform.Money // captured, or, if it is not Captured, authorised
	Captured    bool
	Returned    platform.Money // of Amount, given back or on its way
	ChargedBack platform.Money // of Amount, lost to the payer's bank or disputed there
	Disputed    bool           // nothing goes back over it meanwhile
	Closed      bool           // the method is gone or its time is over: a person transfers
	Tip         bool           // paid a tip, and nothing else
	Fee         platform.Money // what the institution took for it, and does not give back
	Shares      []Share        // if it was split at the institution
}

// Share is the part of a payment that lies with a receiver at the institution.
type Share struct {
	Receiver         platform.ID
	Amount, Returned platform.Money
	Stuck            bool // cannot be returned
}

// Invoice is what was issued to the customer and not reversed, by line.
type Invoice struct {
	ID    platform.ID
	Lines map[int]platform.Money
}

// Available is what is free on the accounts that may give.
type Available struct{ Escrow, Earning, Payable, Reserve, Deposit, Tips platform.Money }

// Agreement is what was agreed with the merchant.
type Agreement struct {
	Deposit        bool // may be used for refunds
	InstitutionFee bool // the merchant bears what the institution keeps of a refunded payment; otherwise the platform
}

// currency is that of the order.
func (f Facts) currency() platform.Currency { return f.Captured.Currency() }

// sorted is the facts with their lines by number, each of its own.
func (f Facts) sorted() Facts {
	f.Lines = slices.Clone(f.Lines)
	slices.SortStableFunc(f.Lines, func(a, b Line) int { return cmp.Compare(a.No, b.No) })
	return f
}

// check refuses facts that contradict each other.
func (f Facts) check() error {
	whole, at := []platform.Money{f.Captured, f.Refunded, f.Reserved, f.ChargedBack, f.Withheld}, ""
	a := f.Available
	if f.Captured.Absent() || !slices.Contains([]Stage{Paid, Sold, Closed}, f.Stage) || !f.sound(whole...) ||
		!f.sound(a.Escrow, a.Earning, a.Payable, a.Reserve, a.Deposit, a.Tips) {
		at = "order"
	}
	for i, l := range f.Lines {
		if i > 0 && f.Lines[i-1].No == l.No || !f.possible(l) {
			at = fmt.Sprintf("line %d", l.No)
		}
		whole = append(whole, l.Amount, l.Discount)
	}
	for i, p := range f.Payments {
		if !f.payable(p) {
			at = fmt.Sprintf("payment %d", i+1)
		}
		whole = append(whole, p.Amount, p.Fee)
	}
	for i, t := range f.Tips {
		if !f.sound(t.Amount, t.Given, t.Payable) || !within(t.Amount, t.Given) {
			at = fmt.Sprintf("tip %d", i+1)
		}
		whole = append(whole, t.Amount)
	}
	if at != "" {
		return fmt.Errorf("plan refund of order %s: %s: %w", f.Order, at, ErrFacts)
	}
	if _, fits := add(whole...); !fits {
		return fmt.Errorf("plan refund of order %s: its total: %w", f.Order, ErrFacts)
	}
	return nil
}

// possible tells whether refunds can have left a line so.
func (f Facts) possible(l Line) bool {
	fees, gone, fits := l.sums()
	if !fits || !f.sound(l.Amount, l.Given, l.Tax, l.Discount, l.Borne) || !within(l.Amount, l.Given, l.Tax, fees) || !within(l.Given, l.Borne) {
		return false
	}
	for _, fee := range l.Fees {
		decided, fits := add(fee.Given, fee.Kept)
		if !fits || !f.sound(fee.Amount, fee.Tax, fee.Given, fee.Kept) || !within(fee.Amount, fee.Tax, decided) {
			return false
		}
	}
	own := l.drawn() - gone.Minor()
	return own >= 0 && own <= l.Amount.Minor()-fees.Minor()
}

// payable tells whether a payment has not given back more than it brought, nor
// been split into more.
func (f Facts) payable(p Payment) bool {
	gone, fits := add(p.Returned, p.ChargedBack)
	if !fits || !f.sound(p.Amount, p.Returned, p.ChargedBack, p.Fee) || !within(p.Amount, gone) {
		return false
	}
	shares := platform.Money{}
	for _, s := range p.Shares {
		if shares, fits = add(shares, s.Amount); !fits || !f.sound(s.Amount, s.Returned) || !within(s.Amount, s.Returned) {
			return false
		}
	}
	return within(p.Amount, shares)
}

// sound tells whether amounts are of the order's currency and none negative.
func (f Facts) sound(amounts ...platform.Money) bool {
	for _, m := range amounts {
		if m.Sign() < 0 || !m.Absent() && m.Currency() != f.currency() {
			return false
		}
	}
	return true
}

// within tells whether none of the parts is above the whole.
func within(whole platform.Money, parts ...platform.Money) bool {
	return !slices.ContainsFunc(parts, func(p platform.Money) bool { return p.Minor() > whole.Minor() })
}

// add sums what is there of amounts of one currency, and tells whether it fits.
func add(amounts ...platform.Money) (platform.Money, bool) {
	sum := platform.Money{}
	for _, m := range amounts {
		var err error
		switch {
		case m.Absent():
		case sum.Absent():
			sum = m
		default:
			sum, err = sum.Add(m)
		}
		if err != nil {
			return platform.Money{}, false
		}
	}
	return sum, true
}

// Refundable is what can still be given back, tips apart: captured − refunded −
// reserved − charged back − withheld, and, before the sale, what is only
// authorised and need not be captured.
func (f Facts) Refundable() platform.Money { return f.money(f.refundable()) }

func (f Facts) refundable() int64 {
	left := f.Captured.Minor() - f.Refunded.Minor() - f.Reserved.Minor() - f.ChargedBack.Minor() - f.Withheld.Minor()
	for _, p := range f.Payments {
		if !p.Captured && !p.Tip && f.Stage == Paid {
			left += p.Amount.Minor() - p.Returned.Minor()
		}
	}
	lines := int64(0)
	for _, l := range f.Lines {
		lines += l.left()
	}
	return max(0, min(left, lines))
}

// money is an amount of minor units of the order's currency. Amounts that are
// made here lie below a total that fits.
func (f Facts) money(minor int64) platform.Money {
	m, err := platform.FromMinor(minor, f.currency())
	if err != nil {
		return platform.Money{}
	}
	return m
}

// left is what refunds have not yet taken of the line.
func (l Line) left() int64 { return l.Amount.Minor() - l.Given.Minor() }

// drawn is what refunds took of the line's own money.
func (l Line) drawn() int64 { return l.Given.Minor() - l.Borne.Minor() }

// sums are the line's fees, and what refunds have decided of them.
func (l Line) sums() (fees, gone platform.Money, fits bool) {
	for _, f := range l.Fees {
		var one, two bool
		fees, one = add(fees, f.Amount)
		if gone, two = add(gone, f.Given, f.Kept); !one || !two {
			return fees, gone, false
		}
	}
	return fees, gone, true
}
