package claim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// waits are the times until a voucher that is not known is asked about again;
// after the last, a day each.
var waits = [...]time.Duration{5 * time.Minute, time.Hour, 6 * time.Hour}

type book struct {
	Claim platform.ID `json:"claim"`
}

// examine checks the vouchers of an approved claim, and then books, refuses or
// lets it wait.
func (s *Service) examine(ctx context.Context, c Claim) error {
	verdict, item := s.verdict(ctx, c)
	switch verdict {
	case "fake", "cancelled":
		return s.refuse(ctx, c.ID, "voucher_"+verdict, item)
	case "real":
		err := s.book(ctx, c.ID)
		if err == nil || errors.Is(err, ErrNotApproved) || !errors.Is(err, platform.ErrState) && !errors.Is(err, platform.ErrInvalid) {
			return err
		}
		return s.wait(ctx, c.ID, platform.Code(err), 0) // F24: whoever answers for the budget decides first
	}
	return s.wait(ctx, c.ID, "voucher_unknown", item)
}

// verdict is the worst of those on the claim's vouchers, and which that is, from 1.
func (s *Service) verdict(ctx context.Context, c Claim) (worst string, item int) {
	if worst = "real"; s.ports.Vouchers == nil {
		return worst, 0
	}
	for n, i := range c.Items {
		switch verdict, err := s.ports.Vouchers.Verdict(ctx, i.Kind, i.File); {
		case err == nil && verdict == "real":
		case err == nil && (verdict == "fake" || verdict == "cancelled"):
			return verdict, n + 1
		default:
			worst, item = "unknown", n+1
		}
	}
	return worst, item
}

// refuse rejects an approved claim for a voucher that is none.
func (s *Service) refuse(ctx context.Context, id platform.ID, reason string, item int) error {
	return s.fire(ctx, id, "refuse", func(ctx context.Context, _, next Claim) (Claim, []platform.Change, error) {
		next, set, err := s.release(ctx, next)
		next.Reason, next.Item = reason, item
		return next, append(set, platform.Happened("claim.rejected", next.Ref(), next.facts()).Because(reason)), err
	})
}

// wait leaves an approved claim for later.
func (s *Service) wait(ctx context.Context, id platform.ID, reason string, item int) error {
	return s.fire(ctx, id, "wait", func(_ context.Context, was, next Claim) (Claim, []platform.Change, error) {
		next.Looks = was.Looks + 1
		wait := 24 * time.Hour
		if was.Looks < len(waits) {
			wait = waits[was.Looks]
		}
		next.Due, next.Reason, next.Item = s.w.Now().Add(wait), reason, item
		return next, []platform.Change{platform.Happened("claim.waited", next.Ref(), next.facts()).Because(reason)}, nil
	})
}

// book makes an approved claim payable: the expense in the books, the budget
// spent, and an advance set off first.
func (s *Service) book(ctx context.Context, id platform.ID) error {
	err := s.fire(ctx, id, "book", func(ctx context.Context, was, next Claim) (Claim, []platform.Change, error) {
		now := s.w.Now()
		legs, err := next.expense(s.terms.Tax)
		if err != nil {
			return Claim{}, nil, err
		}
		legs = append(legs, platform.Leg{Role: "payable", Party: next.Claimant, Amount: next.Total.Neg()})
		booked, err := s.ports.Books.Post(ctx, "claim.approved", next.Ref(), now, legs)
		if err != nil {
			return Claim{}, nil, err
		}
		spent, err := s.ports.Budget.Post(ctx, "budget.settled", next.Ref(), now, next.legs())
		if err != nil {
			return Claim{}, nil, err
		}
		next, offset, err := s.offset(ctx, next, now)
		if err != nil {
			return Claim{}, nil, err
		}
		if next.Committed = nil; next.Net.Sign() == 0 {
			if next.State, err = moves.Take(was.State, "settle", platform.System); err != nil {
				return Claim{}, nil, err
			}
			offset = append(offset, platform.Happened("claim.paid", next.Ref(), next.facts()).Because("advance"))
		}
		return next, slices.Concat([]platform.Change{platform.Happened("claim.booked", next.Ref(), next.facts())}, booked, spent, offset), nil
	})
	return s.ports.Budget.Refusal(err)
}

// expense are the legs of what was spent: by centre and category, and the tax.
func (c Claim) expense(tax string) (legs []platform.Leg, err error) {
	add := func(role, party string, amount platform.Money) {
		at := slices.IndexFunc(legs, func(l platform.Leg) bool { return l.Role == role && l.Party == platform.ID(party) })
		if at < 0 {
			legs = append(legs, platform.Leg{Role: role, Party: platform.ID(party), Amount: zero(amount)})
			at = len(legs) - 1
		}
		sum, failed := legs[at].Amount.Add(amount)
		legs[at].Amount, err = sum, errors.Join(err, failed)
	}
	for _, i := range c.Items {
		net, failed := i.Amount.Sub(i.Tax)
		if failed != nil {
			return nil, failed
		}
		add("expense", i.Centre+"."+i.Category, net)
		add("input_tax", tax, i.Tax)
	}
	return legs, err
}

// offset sets off what the claimant's advance has left against the claim.
func (s *Service) offset(ctx context.Context, c Claim, now time.Time) (Claim, []platform.Change, error) {
	c.Offset, c.Net = zero(c.Total), c.Total
	p, err := s.person(ctx, c.Claimant)
	if err != nil || p.Advance == "" {
		return c, nil, err
	}
	a, err := s.store.Advance(ctx, p.Advance)
	if err != nil {
		return Claim{}, nil, err
	}
	if a.Left.Currency() != c.Total.Currency() {
		return c, []platform.Change{platform.Unchanged(p)}, nil
	}
	if c.Offset = a.Left; c.Total.Minor() < a.Left.Minor() {
		c.Offset = c.Total
	}
	if c.Net, err = c.Total.Sub(c.Offset); err != nil {
		return Claim{}, nil, err
	}
	if a, err = a.settle(c.Offset, platform.System); err != nil {
		return Claim{}, nil, err
	}
	set := []platform.Change{platform.Put(a)}
	if a.State == AdvanceSettled {
		p.Advance = ""
		set = append(set, platform.Put(p), a.happened("settled"))
	} else {
		set = append(set, platform.Unchanged(p))
	}
	booked, err := s.ports.Books.Post(ctx, "advance.offset", c.Ref(), now, []platform.Leg{
		{Role: "payable", Party: c.Claimant, Amount: c.Offset}, {Role: "advance", Party: c.Claimant, Amount: c.Offset.Neg()},
	})
	return c, append(set, booked...), err
}

// fire carries out what is due on a claim.
func (s *Service) fire(ctx context.Context, id platform.ID, verb string, decide func(ctx context.Context, was, next Claim) (Claim, []platform.Change, error)) error {
	_, err := platform.Update(ctx, s.w, book{id}, func(ctx context.Context) (Claim, []platform.Change, error) {
		c, err := s.store.Claim(ctx, id)
		if err != nil {
			return Claim{}, nil, err
		}
		next, err := c.move(verb, platform.System)
		if err != nil {
			return Claim{}, nil, err
		}
		if c.Due.IsZero() || c.Due.After(s.w.Now()) {
			return Claim{}, nil, fmt.Errorf("%s claim %s: %w", verb, id, ErrNothingNew)
		}
		next, set, err := decide(ctx, c, next)
		if err != nil {
			return Claim{}, nil, fmt.Errorf("%s claim %s: %w", verb, id, err)
		}
		return next, append(set, platform.Put(next)), nil
	})
	return err
}
