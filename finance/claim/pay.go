package claim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Pay pays out what is due on a claim.
type Pay struct {
	Claim platform.ID `json:"claim" validate:"required,id=clm"`
}

// ResolvePayment says how a payment went that no institution answers for.
type ResolvePayment struct {
	Claim     platform.ID `json:"claim" validate:"required,id=clm"`
	Outcome   string      `json:"outcome" validate:"required,oneof=paid failed"`
	Reference string      `json:"reference,omitempty" validate:"text=64"` // the bank's
	Reason    string      `json:"reason" validate:"required,text=64"`     // a code
}

// Reclaim asks a claimant for what was paid.
type Reclaim struct {
	Claim  platform.ID `json:"claim" validate:"required,id=clm"`
	Reason string      `json:"reason" validate:"required,text=64"` // a code: voucher_cancelled, fraud
}

// Subject is the claim.
func (in Pay) Subject() platform.Ref { return about(in.Claim) }

// Subject is the claim.
func (in ResolvePayment) Subject() platform.Ref { return about(in.Claim) }

// Subject is the claim.
func (in Reclaim) Subject() platform.Ref { return about(in.Claim) }

// Pay holds what is due on a claim in the books, sends it, and returns the claim
// as it is then. Operators may who neither claimed nor approved it, and stand in
// for nobody who did: otherwise ErrPayer. A repeat under the same key sends
// nothing again. It fails with ErrNotPayable.
func (s *Service) Pay(ctx context.Context, in Pay) (Claim, error) {
	id := s.w.NewChild("cpy", in.Claim)
	c, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Claim, []platform.Change, error) {
		by, err := s.actor(ctx, office...)
		if err != nil {
			return Claim{}, nil, err
		}
		c, err := s.store.Claim(ctx, in.Claim)
		if err != nil {
			return Claim{}, nil, err
		}
		now := s.w.Now()
		next, p, err := c.pay(id, by, now, now.Add(s.terms.Answer))
		if err != nil {
			return Claim{}, nil, err
		}
		if s.ports.Funds == nil {
			p.State, p.Due = PaymentManual, time.Time{}
		}
		held, err := s.ports.Books.Post(ctx, "claim.sent", p.Ref(), now, s.sending(p))
		if err != nil {
			return Claim{}, nil, err
		}
		return next, append(held, platform.Put(next), platform.Put(p), platform.Happened("claim.sent", c.Ref(), next.facts())), nil
	})
	if err != nil {
		return Claim{}, err
	}
	if c.Payment == id && s.ports.Funds != nil { // a repeat has another
		p, err := s.store.Payment(ctx, id)
		if err == nil {
			err = s.call(s.system(ctx), p)
		}
		if err != nil && !errors.Is(err, platform.ErrState) { // somebody else heard first
			return Claim{}, err // it is on its way; Tick finds out
		}
	}
	return s.store.Claim(ctx, in.Claim)
}

// pay is the claim on its way to be paid, and its payment.
func (c Claim) pay(id platform.ID, by platform.Actor, now, until time.Time) (Claim, Payment, error) {
	next, err := c.move("pay", by.Kind)
	if err == nil && meet(hands(by), slices.Concat([]platform.ID{c.Claimant}, c.Drafters, c.Hands)) {
		err = fmt.Errorf("pay claim %s: %w", c.ID, ErrPayer)
	}
	next.Payment = id
	return next, Payment{
		Head: platform.Head{ID: id}, Claim: c.ID, Payee: c.Claimant, Amount: c.Net, State: PaymentSending,
		Payers: hands(by), Sent: now, Until: until, Due: until,
	}, err
}

// sending are the legs of a payment: from an institution, or by hand from a bank.
func (s *Service) sending(p Payment) []platform.Leg {
	from := platform.Leg{Role: "clearing", Party: platform.ID(s.terms.Institution), Amount: p.Amount.Neg()}
	if s.ports.Funds == nil {
		from.Role, from.Party = "bank", platform.ID(s.terms.Bank)
	}
	return []platform.Leg{{Role: "payable", Party: p.Payee, Amount: p.Amount}, from}
}

// call sends a payment, and records what the institution says.
func (s *Service) call(ctx context.Context, p Payment) error {
	call, cancel := context.WithTimeout(ctx, s.terms.Answer)
	defer cancel()
	in := word{}
	var err error
	if in.Outcome, in.Reference, in.Reason, err = s.ports.Funds.PayOut(call, s.terms.Institution, string(p.ID), string(p.Payee), p.Amount); err != nil {
		in = word{Outcome: "unknown", Reason: platform.Code(err)}
	}
	return s.record(ctx, p, in)
}

// look asks the institution about a payment, and sends it again, under the same
// key, when it never arrived.
func (s *Service) look(ctx context.Context, p Payment) error {
	if s.ports.Funds == nil {
		return s.record(ctx, p, word{Outcome: "unknown", Reason: "no_funds"})
	}
	call, cancel := context.WithTimeout(ctx, s.terms.Answer)
	defer cancel()
	in := word{}
	var err error
	if in.Outcome, in.Reference, in.Reason, err = s.ports.Funds.LookUp(call, s.terms.Institution, string(p.ID), string(p.Payee), p.Amount, p.Until); err != nil {
		in = word{Outcome: "unknown", Reason: platform.Code(err)}
	}
	if in.Outcome == "absent" && p.Absent { // said twice: no call is under way that might still arrive
		return s.call(ctx, p)
	}
	return s.record(ctx, p, in)
}

type record struct {
	Payment platform.ID `json:"payment"`
	word
}

// record writes down what was said of a payment, however often others get in
// between.
func (s *Service) record(ctx context.Context, p Payment, in word) error {
	for {
		_, err := s.learn(ctx, record{p.ID, in}, p.ID, in, nil)
		if code := platform.Code(err); !errors.Is(err, platform.ErrConflict) || code == "exists" || code == "taken" {
			return err
		}
	}
}

// learn commits what is known of a payment, and what it means for its claim and
// for the books.
func (s *Service) learn(ctx context.Context, command any, id platform.ID, in word, may func(Payment, Claim) error) (Claim, error) {
	return platform.Update(ctx, s.w, command, func(ctx context.Context) (Claim, []platform.Change, error) {
		by, err := s.actor(ctx, platform.Operator, platform.System)
		if err != nil {
			return Claim{}, nil, err
		}
		p, err := s.store.Payment(ctx, id)
		if err != nil {
			return Claim{}, nil, err
		}
		c, err := s.store.Claim(ctx, p.Claim)
		if err == nil && may != nil {
			err = may(p, c)
		}
		if err != nil {
			return Claim{}, nil, err
		}
		now := s.w.Now()
		next, err := p.learn(in, by.Kind, now)
		if err != nil {
			return Claim{}, nil, err
		}
		set := []platform.Change{platform.Put(next)}
		if next.State == PaymentSending || next.State == PaymentManual {
			return c, append(set, platform.Unchanged(c), platform.Happened("claim.payment_unknown", c.Ref(), c.facts()).Because(in.Reason)), nil
		}
		verb, what := "arrive", "claim.paid"
		if next.State == PaymentLost {
			verb, what = "fail", "claim.payment_failed"
		}
		if c, err = c.move(verb, by.Kind); err != nil {
			return Claim{}, nil, err
		}
		c.Reason = in.Reason
		booked, err := s.ports.Books.Post(ctx, what, p.Ref(), now, nil)
		if err != nil {
			return Claim{}, nil, err
		}
		return c, slices.Concat(set, booked, []platform.Change{platform.Put(c), platform.Happened(what, c.Ref(), c.facts()).Because(in.Reason)}), nil
	})
}

// ResolvePayment says how a payment went that an operator made at the bank, or
// whose institution did not know for a day. Whoever claimed, approved or sent it
// cannot: ErrPayer. It fails with ErrNotPaying for one that waits for nobody.
func (s *Service) ResolvePayment(ctx context.Context, in ResolvePayment) (Claim, error) {
	by, err := s.actor(ctx, office...)
	if err != nil {
		return Claim{}, err
	}
	c, err := s.store.Claim(ctx, in.Claim)
	if err != nil {
		return Claim{}, err
	}
	if c.Payment == "" {
		return Claim{}, fmt.Errorf("resolve payment of %s: %w", c.ID, ErrNotPaying)
	}
	return s.learn(ctx, in, c.Payment, word{in.Outcome, in.Reference, in.Reason}, func(p Payment, c Claim) error {
		switch {
		case meet(hands(by), slices.Concat([]platform.ID{c.Claimant}, c.Drafters, c.Hands, p.Payers)):
			return fmt.Errorf("resolve payment of %s: %w", c.ID, ErrPayer)
		case p.State != PaymentManual:
			return fmt.Errorf("resolve payment of %s: %w", c.ID, ErrNotPaying)
		}
		return nil
	})
}

// Reclaim makes a paid claim a debt of its claimant, for a voucher that was
// cancelled since, or false. The claimant cannot: ErrSelfApproval. It fails with
// ErrNotReclaimable.
func (s *Service) Reclaim(ctx context.Context, in Reclaim) (Claim, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Claim, []platform.Change, error) {
		by, err := s.actor(ctx, office...)
		if err != nil {
			return Claim{}, nil, err
		}
		c, err := s.store.Claim(ctx, in.Claim)
		if err != nil {
			return Claim{}, nil, err
		}
		next, err := c.move("reclaim", by.Kind)
		if err == nil && slices.Contains(hands(by), c.Claimant) {
			err = fmt.Errorf("reclaim %s: %w", c.ID, ErrSelfApproval)
		}
		if err != nil {
			return Claim{}, nil, err
		}
		legs, err := c.expense(s.terms.Tax)
		if err != nil {
			return Claim{}, nil, err
		}
		for i := range legs {
			legs[i].Amount = legs[i].Amount.Neg()
		}
		legs = append(legs, platform.Leg{Role: "receivable", Party: c.Claimant, Amount: c.Total})
		next.Reason = in.Reason
		booked, err := s.ports.Books.Post(ctx, "claim.reclaimed", c.Ref(), s.w.Now(), legs)
		if err != nil {
			return Claim{}, nil, err
		}
		return next, append(booked, platform.Put(next), platform.Happened("claim.reclaimed", c.Ref(), next.facts()).Because(in.Reason)), nil
	})
}
