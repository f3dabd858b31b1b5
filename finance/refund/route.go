package refund

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// Way is how a step is done.
type Way string

// The ways. Shares come before the payment that they are of.
const (
	ReturnShare Way = "return_share" // a receiver's share goes back at the institution
	ClaimShare  Way = "claim_share"  // it cannot: the receiver owes it
	Refund      Way = "refund"       // at the institution that took the payment
	Manual      Way = "manual"       // by bank transfer
	Reduce      Way = "reduce"       // less is captured
	Void        Way = "void"         // nothing is captured
	Own         Way = "own"          // what the platform had paid goes back to it
)

// Step is one thing to do.
type Step struct {
	Way      Way            `json:"way"`
	Payment  platform.ID    `json:"payment"`
	Receiver platform.ID    `json:"receiver,omitempty"`
	Amount   platform.Money `json:"amount"`
	Lost     platform.Money `json:"lost,omitzero"`   // of its fee, what the institution keeps
	Needs    []string       `json:"needs,omitempty"` // of a manual one: four_eyes, account_proof

	institution platform.ID
}

func compare[T cmp.Ordered](a, b T) int { return cmp.Compare(a, b) }

// rest is what can still go back over the payment.
func (p Payment) rest() int64 {
	if p.Disputed {
		return 0
	}
	return p.Amount.Minor() - p.Returned.Minor() - p.ChargedBack.Minor()
}

// route finds the payments over which lines and tips go back, the newest first.
// What the platform paid itself goes back to it, in the proportion in which it
// and the payer paid.
func (f Facts) route(p *Plan, lines, tips int64) error {
	p.Steps, p.Lost = []Step{}, f.money(0)
	payer, own, promised := f.purse(func(q Payment) bool { return !q.Tip && q.Captured && q.Institution != "" }),
		f.purse(func(q Payment) bool { return !q.Tip && q.Captured && q.Institution == "" }),
		f.purse(func(q Payment) bool { return !q.Tip && !q.Captured && f.Stage == Paid && p.Bearer == ByMerchant })
	uncaptured := min(lines, promised.rest) // what was never taken goes back first, at no cost
	share := payer.share(own, lines-uncaptured)
	short := f.take(p, promised, uncaptured)
	short += f.take(p, payer, share)
	short += f.take(p, own, lines-uncaptured-share)
	short += f.take(p, f.purse(func(q Payment) bool { return q.Tip && q.Captured }), tips)
	if short == 0 {
		if p.Lost.Sign() > 0 {
			p.Lender = ByPlatform
			if f.Agreement.InstitutionFee && p.Bearer == ByMerchant {
				p.Lender = ByMerchant
			}
		}
		return nil
	}
	refusal := ErrSource
	if slices.ContainsFunc(f.Payments, func(q Payment) bool { return q.Disputed }) {
		refusal = ErrChargeback
	}
	return platform.Detail(fmt.Errorf("refund order %s: %w", f.Order, refusal), "short", f.money(short))
}

// purse is payments of one sort, the newest first.
type purse struct {
	payments         []Payment
	paid, back, rest int64
}

func (f Facts) purse(of func(Payment) bool) (p purse) {
	for _, q := range slices.Backward(f.Payments) {
		if of(q) {
			p.payments = append(p.payments, q)
			p.paid, p.back, p.rest = p.paid+q.Amount.Minor(), p.back+q.Returned.Minor(), p.rest+q.rest()
		}
	}
	return p
}

// share is how much of an amount is the payer's: of all that is then back it and
// the platform have what they paid, as far as either has it left.
func (p purse) share(own purse, amount int64) int64 {
	if own.paid == 0 {
		return amount
	}
	whole := min(p.back+own.back+amount, p.paid+own.paid)
	payers := divide(whole, []int64{p.paid, own.paid})[0] - p.back
	return min(max(payers, amount-own.rest, 0), amount, p.rest)
}

// take adds the steps for an amount, and tells how much of it was not there.
func (f Facts) take(p *Plan, from purse, amount int64) (short int64) {
	for _, q := range from.payments {
		part := min(amount, q.rest())
		if part <= 0 {
			continue
		}
		amount -= part
		returned := q.Returned.Minor()
		for _, s := range q.Shares {
			if back := s.step(q, returned+part); back.Amount.Sign() > 0 && p.Bearer == ByMerchant {
				p.Steps = append(p.Steps, back)
			}
		}
		s := Step{Way: q.way(part), Payment: q.ID, Amount: f.money(part), Needs: q.needs(), institution: platform.ID(q.Institution)}
		if lost := follow(q.Fee.Minor(), returned+part, q.Amount.Minor()) - follow(q.Fee.Minor(), returned, q.Amount.Minor()); lost > 0 && q.Captured {
			s.Lost = f.money(lost)
			p.Lost = f.money(p.Lost.Minor() + lost)
		}
		p.Steps = append(p.Steps, s)
	}
	return amount
}

// step is the share's, once so much of the payment is back in all.
func (s Share) step(q Payment, back int64) Step {
	part := max(0, follow(s.Amount.Minor(), back, q.Amount.Minor())-s.Returned.Minor())
	way := ReturnShare
	if s.Stuck {
		way = ClaimShare
	}
	amount, err := platform.FromMinor(part, s.Amount.Currency())
	if err != nil {
		return Step{}
	}
	return Step{Way: way, Payment: q.ID, Receiver: s.Receiver, Amount: amount}
}

func (p Payment) way(part int64) Way {
	switch {
	case !p.Captured && part == p.Amount.Minor()-p.Returned.Minor():
		return Void
	case !p.Captured:
		return Reduce
	case p.Institution == "":
		return Own
	case p.Closed:
		return Manual
	}
	return Refund
}

func (p Payment) needs() []string {
	if p.Captured && p.Closed && p.Institution != "" {
		return []string{"four_eyes", "account_proof"}
	}
	return nil
}
