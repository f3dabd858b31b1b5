package settlement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/liangding/platform"
)

// Tax is a row of the table of taxes that are kept back of what natural persons are
// paid (代扣代繳). Of the rows of a party's kind and currency the last that has begun
// is in force. Parties whose pay is accrued with its tax must not be in it.
type Tax struct {
	Name     string            // of the tax, and of its account withholding:name: "income"
	Party    string            // of whom: the prefix of their ids, "stf"
	Currency string            // of its amounts
	From     time.Time         // for payouts that are planned from then on
	Bands    []Band            // the lowest first; below the first one nothing is kept back
	Rounding platform.Rounding // if empty, half even
}

// Band is the tax on what a party is paid in a month, if that is above an amount:
// the rate of all of it, less an amount (速算扣除數), both in whole units.
type Band struct {
	Above int64
	Rate  decimal.Decimal // 0 to less than 1
	Less  int64
}

// Exempt knows who is exempt from taxes. closing.Exempt is one.
type Exempt interface {
	// Exempt is the group for which a party is exempt from a duty, here
	// "withholding", at a moment; "" if it is not. Its checks belong in the set that
	// relies on it.
	Exempt(ctx context.Context, party platform.ID, duty string, at time.Time) (group string, checks []platform.Change, err error)
}

// sound tells whether a table can be kept to.
func (t Tax) sound() bool {
	_, err := platform.ParseCurrency(t.Currency)
	above := int64(-1)
	for _, b := range t.Bands {
		if b.Above <= above || b.Less < 0 || b.Rate.Sign() < 0 || !b.Rate.LessThan(decimal.New(1, 0)) {
			return false
		}
		above = b.Above
	}
	return err == nil && t.Name != "" && t.Party != "" && len(t.Bands) > 0
}

// inForce is the tax on a party's payouts that are planned at a moment, if any.
func inForce(table []Tax, party platform.ID, currency string, at time.Time) (last Tax, found bool) {
	for _, t := range table {
		if t.Party == party.Prefix() && t.Currency == currency && !t.From.After(at) && (!found || t.From.After(last.From)) {
			last, found = t, true
		}
	}
	return last, found
}

// Of is the tax on the sum that a party is paid in a month: never negative, nor more
// than the sum.
func (t Tax) Of(sum platform.Money) (platform.Money, error) {
	tax, err := sum.Sub(sum)
	if err != nil {
		return platform.Money{}, err
	}
	for _, b := range slices.Backward(t.Bands) {
		above, one := platform.FromDecimal(decimal.NewFromInt(b.Above), sum.Currency())
		less, two := platform.FromDecimal(decimal.NewFromInt(b.Less), sum.Currency())
		over, three := sum.Cmp(above)
		if err := errors.Join(one, two, three); err != nil {
			return platform.Money{}, err
		}
		if over <= 0 {
			continue
		}
		mode := t.Rounding
		if mode == "" {
			mode = platform.HalfEven
		}
		whole, err := sum.MulRate(b.Rate, mode)
		if err == nil {
			whole, err = whole.Sub(less)
		}
		if err != nil || whole.Sign() <= 0 {
			return tax, err
		}
		return least(whole, sum)
	}
	return tax, nil
}

// withheld is the payout, whose amount is all that the party has coming, with the
// tax on it kept back: what the month's payouts owe together, less what was kept
// back of those before. A payout that failed or came back owes nothing.
func (s *Service) withheld(ctx context.Context, p Payout, a Account) (Payout, []platform.Change, error) {
	t, taxed := inForce(s.opts.Terms.Taxes, p.Party, a.Currency, p.PlannedAt)
	if !taxed || p.Amount.Sign() <= 0 {
		return p, nil, nil
	}
	var checks []platform.Change
	if s.ports.Exempt != nil {
		group, some, err := s.ports.Exempt.Exempt(ctx, p.Party, "withholding", p.PlannedAt)
		if checks = some; err != nil || group != "" {
			p.Exempt = group
			return p, checks, err
		}
	}
	sum, kept, err := s.month(ctx, p, a, t)
	if err != nil {
		return Payout{}, nil, err
	}
	if sum, err = sum.Add(p.Amount); err != nil {
		return Payout{}, nil, err
	}
	owed, err := t.Of(sum)
	if err == nil {
		owed, err = owed.Sub(kept)
	}
	if err != nil || owed.Sign() <= 0 {
		return p, checks, err
	}
	if p.Amount, err = p.Amount.Sub(owed); err == nil && p.Amount.Sign() <= 0 {
		err = ErrMinimum
	}
	p.Withheld, p.Tax = owed, t.Name
	return p, checks, err
}

// month is what the party was paid before the payout in its month, or will be, and
// what was kept back of that.
func (s *Service) month(ctx context.Context, p Payout, a Account, t Tax) (sum, kept platform.Money, err error) {
	zone, err := zoneOf(a.Zone)
	if err != nil {
		return sum, kept, err
	}
	at := p.PlannedAt.In(zone)
	from := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, zone)
	if t.From.After(from) {
		from = t.From
	}
	if sum, err = p.Amount.Sub(p.Amount); err != nil {
		return sum, kept, err
	}
	kept = sum
	q := platform.Query{Kind: payoutKind, By: []string{"account", "planned"}, Equal: []any{a.ID}, From: from, Limit: pageSize}
	for page, err := range all[Payout](ctx, s.db, q) {
		if err != nil {
			return sum, kept, err
		}
		for _, other := range page {
			if other.ID == p.ID || other.Exempt != "" || other.State != PayoutPaid && !slices.Contains(inFlight, other.State) {
				continue
			}
			gross, one := other.gross()
			whole, two := sum.Add(gross)
			if err := errors.Join(one, two); err != nil {
				return sum, kept, fmt.Errorf("month of %s: %w", p.Party, err)
			}
			if sum = whole; other.Withheld.Absent() {
				continue
			}
			if kept, err = kept.Add(other.Withheld); err != nil {
				return sum, kept, err
			}
		}
	}
	return sum, kept, nil
}

// gross is what the payout takes from payable: its amount, and the tax kept back.
func (p Payout) gross() (platform.Money, error) {
	if p.Withheld.Absent() {
		return p.Amount, nil
	}
	return p.Amount.Add(p.Withheld)
}

// transit is a sum with the payout.
func (p Payout) transit(sum platform.Money) (platform.Money, error) {
	gross, err := p.gross()
	if err != nil {
		return sum, err
	}
	return sum.Add(gross)
}

// legs are those of a payout that goes out by an account.
func (p Payout) legs(by platform.Leg) ([]platform.Leg, error) {
	gross, err := p.gross()
	by.Amount = p.Amount.Neg()
	legs := []platform.Leg{{Role: "payable", Party: p.Party, Amount: gross}, by}
	if !p.Withheld.Absent() {
		legs = append(legs, platform.Leg{Role: "withholding", Party: platform.ID(p.Tax), Amount: p.Withheld.Neg()})
	}
	return legs, err
}

// back are the legs of a payout that came back, to where it had gone out: nothing
// was paid, so no tax is owed.
func (p Payout) back(to platform.Leg) ([]platform.Leg, error) {
	legs, err := p.legs(to)
	for i := range legs {
		legs[i].Amount = legs[i].Amount.Neg()
	}
	return legs, err
}

// keptBack is the tax that legs keep back; absent if none.
func keptBack(legs []platform.Leg) (sum platform.Money, err error) {
	for _, l := range legs {
		switch {
		case l.Role != "withholding" || err != nil:
		case sum.Absent():
			sum = l.Amount.Neg()
		default:
			sum, err = sum.Sub(l.Amount)
		}
	}
	return sum, err
}
