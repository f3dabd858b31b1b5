package payment

import (
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// Part is what goes back of one attempt.
type Part struct {
	Attempt     platform.ID    `json:"attempt"`
	Institution string         `json:"institution,omitempty"` // empty for the platform's own money, for which nobody is called
	Reference   string         `json:"reference,omitempty"`   // the institution's own of the charge
	Ours        bool           `json:"ours"`                  // the charge had a key of ours
	Capture     bool           `json:"capture,omitempty"`     // the charge is a capture
	Amount      platform.Money `json:"amount"`
}

// charge is our key of the charge, if it had one.
func (p Part) charge() Key {
	switch {
	case !p.Ours:
		return ""
	case p.Capture:
		return Key(p.Attempt.As("cap"))
	}
	return Key(p.Attempt)
}

func part(a Attempt, amount platform.Money) Part {
	return Part{Attempt: a.ID, Institution: a.Institution, Reference: a.Reference, Ours: a.Intent != "" && !a.Foreign, Capture: a.Of != "", Amount: amount}
}

// own tells whether the part goes back to the platform, which paid it by
// [Service.Promote]. Such parts are the last of a return.
func (p Part) own() bool { return p.Institution == "" }

// leg is the part as it leaves its account.
func (p Part) leg() platform.Leg {
	if p.own() {
		return platform.Leg{Role: "marketing", Amount: p.Amount.Neg()}
	}
	return platform.Leg{Role: "clearing", Party: platform.ID(p.Institution), Amount: p.Amount.Neg()}
}

// legs are the parts as they leave their accounts, each of which is in one leg.
func (r Return) legs() ([]platform.Leg, error) {
	var legs []platform.Leg
	for _, p := range r.Parts {
		leg := p.leg()
		at := slices.IndexFunc(legs, func(l platform.Leg) bool { return l.Role == leg.Role && l.Party == leg.Party })
		if at < 0 {
			legs = append(legs, leg)
			continue
		}
		sum, err := legs[at].Amount.Add(leg.Amount)
		if err != nil {
			return nil, err
		}
		legs[at].Amount = sum
	}
	return legs, nil
}

// purse is what one side paid of a subject: the payer, or the platform itself.
type purse struct {
	attempts   []Attempt // the last payment first
	paid, back int64     // in minor units; back is on its way already
}

func (p purse) left() int64 { return p.paid - p.back }

// purses are those of the payer and of the platform. It fails when an attempt
// is of another currency than the amount to be given back.
func purses(attempts []Attempt, amount platform.Money) (payer, own purse, err error) {
	attempts = slices.Clone(attempts)
	slices.Reverse(attempts) // of those of one moment, too, the last listed comes first
	slices.SortStableFunc(attempts, func(a, b Attempt) int { return b.EndedAt.Compare(a.EndedAt) })
	for _, a := range attempts {
		if a.State != AttemptCaptured {
			continue
		}
		if _, err := a.Received.Cmp(amount); err != nil {
			return purse{}, purse{}, err
		}
		p := &payer
		if a.Institution == "" {
			p = &own
		}
		p.attempts, p.paid, p.back = append(p.attempts, a), p.paid+a.Received.Minor(), p.back+a.gone()
	}
	return payer, own, nil
}

// share is how much of an amount goes back to the payer; the rest is the
// platform's. It follows the whole that is then back, which both share as they
// paid, by largest remainder: a payment given back in parts ends as if given
// back at once.
func share(amount platform.Money, payer, own purse) (int64, error) {
	whole, err := platform.FromMinor(payer.back+own.back+amount.Minor(), amount.Currency())
	if err != nil {
		return 0, err
	}
	parts, err := whole.Allocate(payer.paid, own.paid)
	if err != nil {
		return 0, err
	}
	// A return that was withdrawn in between may have taken the odd unit along:
	// neither side gives more than it has left.
	least, most := max(0, amount.Minor()-own.left()), min(amount.Minor(), payer.left())
	return min(max(parts[0].Minor()-payer.back, least), most), nil
}

// giveBack plans a return over attempts: payer and platform get their shares,
// of each the last payment first. It fails with ErrReturnExceeds when the
// attempts hold less, and with ErrAmount unless the amount is positive. The
// attempts it returns are those that change.
func giveBack(r Return, attempts []Attempt) (Return, []Attempt, error) {
	if r.Amount.Sign() <= 0 {
		return Return{}, nil, fmt.Errorf("return %s: %w", r.ID, ErrAmount)
	}
	payer, own, err := purses(attempts, r.Amount)
	if err != nil {
		return Return{}, nil, fmt.Errorf("return %s: %w", r.ID, err)
	}
	if short := r.Amount.Minor() - payer.left() - own.left(); short > 0 {
		if slices.ContainsFunc(attempts, func(a Attempt) bool { return a.Disputed.Sign() > 0 }) {
			return Return{}, nil, fmt.Errorf("return %s: %w", r.ID, ErrChargebackOpen)
		}
		return Return{}, nil, exceeds(r, short)
	}
	payers, err := share(r.Amount, payer, own)
	if err != nil {
		return Return{}, nil, fmt.Errorf("return %s: %w", r.ID, err)
	}
	r, theirs, err := r.take(payer, payers)
	if err != nil {
		return Return{}, nil, err
	}
	r, ours, err := r.take(own, r.Amount.Minor()-payers)
	return r, append(theirs, ours...), err
}

func exceeds(r Return, short int64) error {
	err := fmt.Errorf("return %s: %w", r.ID, ErrReturnExceeds)
	if missing, invalid := platform.FromMinor(short, r.Amount.Currency()); invalid == nil {
		err = platform.Detail(err, "short", missing)
	}
	return err
}

// take is the return with so much more of a purse, and the attempts that give
// it.
func (r Return) take(p purse, minor int64) (Return, []Attempt, error) {
	var changed []Attempt
	for _, a := range p.attempts {
		amount, err := platform.FromMinor(min(minor, a.Received.Minor()-a.gone()), r.Amount.Currency())
		if err == nil && amount.Sign() == 0 {
			continue
		}
		if err == nil {
			a, err = a.returning(amount)
		}
		if err != nil {
			return Return{}, nil, fmt.Errorf("return %s of %s: %w", r.ID, a.ID, err)
		}
		changed, r.Parts, minor = append(changed, a), append(r.Parts, part(a, amount)), minor-amount.Minor()
	}
	return r, changed, nil
}
