package claim

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Draft begins a claim.
type Draft struct {
	Items []Voucher `json:"items" validate:"min=1,max=100,dive"`
}

// Amend gives a claim other items.
type Amend struct {
	Claim platform.ID `json:"claim" validate:"required,id=clm"`
	Items []Voucher   `json:"items" validate:"min=1,max=100,dive"`
}

// Submit asks for a claim to be approved.
type Submit struct {
	Claim platform.ID `json:"claim" validate:"required,id=clm"`
}

// Withdraw ends a claim that the claimant wants back.
type Withdraw struct {
	Claim platform.ID `json:"claim" validate:"required,id=clm"`
}

// Subject is the claim.
func (in Amend) Subject() platform.Ref { return about(in.Claim) }

// Subject is the claim.
func (in Submit) Subject() platform.Ref { return about(in.Claim) }

// Subject is the claim.
func (in Withdraw) Subject() platform.Ref { return about(in.Claim) }

// Draft begins a claim of the caller, a member of staff or an operator. What is
// personal in its vouchers is sealed. It fails with ErrAge, ErrCurrency and
// ErrAmount for vouchers that can be no part of a claim.
func (s *Service) Draft(ctx context.Context, in Draft) (Claim, error) {
	id := s.w.NewRoot(ctx, "clm")
	by, told, err := s.admit(ctx, in, id, in.Items)
	if err != nil {
		return Claim{}, fmt.Errorf("draft a claim: %w", err)
	}
	return platform.Update(ctx, s.w, in, func(context.Context) (Claim, []platform.Change, error) {
		c := Claim{Head: platform.Head{ID: id}, State: Drafted, Claimant: by.For(), Kind: by.Kind}.by(by)
		c, err := c.with(told, s.w.Now(), s.terms.Age)
		if err != nil {
			return Claim{}, nil, err
		}
		return c, []platform.Change{platform.Put(c), platform.Happened("claim.drafted", c.Ref(), c.facts())}, nil
	})
}

// Amend gives a draft, or a claim that was returned, other items. It fails as
// [Service.Draft] does, and with ErrNotDraft.
func (s *Service) Amend(ctx context.Context, in Amend) (Claim, error) {
	_, told, err := s.admit(ctx, in, in.Claim, in.Items)
	if err != nil {
		return Claim{}, fmt.Errorf("amend claim %s: %w", in.Claim, err)
	}
	c, err := s.mine(ctx, in, in.Claim, "amend", func(_ context.Context, was, next Claim) (Claim, []platform.Change, error) {
		next.Due = was.Due // of one that was returned: its budget is kept no longer
		next, err := next.with(told, s.w.Now(), s.terms.Age)
		return next, []platform.Change{platform.Happened("claim.amended", next.Ref(), next.facts())}, err
	})
	return c, unregistered(in.Claim, err)
}

// admit finds who claims and seals what they say, which comes before the decision.
func (s *Service) admit(ctx context.Context, in any, id platform.ID, items []Voucher) (platform.Actor, sealed, error) {
	by, err := s.actor(ctx, people...)
	if err == nil {
		err = platform.Validate(in)
	}
	if err != nil {
		return by, sealed{}, err
	}
	told, err := s.seal(ctx, id, by, items)
	return by, told, err
}

// with is the claim with these items.
func (c Claim) with(told sealed, now time.Time, age time.Duration) (Claim, error) {
	if err := check(told.Items, now, age); err != nil {
		return Claim{}, err
	}
	c.Items, c.Details = told.Items, told.Details
	c.Total = zero(c.Items[0].Amount)
	for _, i := range c.Items {
		var err error
		if c.Total, err = c.Total.Add(i.Amount); err != nil {
			return Claim{}, fmt.Errorf("claim %s: %w", c.ID, err)
		}
	}
	return c, nil
}

// Submit asks for a claim to be approved. In one commit its vouchers are
// registered, its budget is committed, and its chain of approvers is frozen: for
// the whole amount, and what the claimant claimed of the same sellers within a
// week.
//
// It fails with ErrVoucher for an item that is not complete, ErrLimit for one
// above a limit without a reason, ErrAge for one that grew too old,
// ErrDuplicateVoucher, which says nothing of the other claim, and with what the
// budget refuses with.
func (s *Service) Submit(ctx context.Context, in Submit) (Claim, error) {
	c, err := s.mine(ctx, in, in.Claim, "submit", func(ctx context.Context, was, next Claim) (Claim, []platform.Change, error) {
		f, err := s.filing(ctx, next)
		if err != nil {
			return Claim{}, nil, err
		}
		next, person, err := next.submit(f, s.terms, s.w.Now())
		if err != nil {
			return Claim{}, nil, err
		}
		next, checks, err := s.pass(ctx, next)
		if err != nil {
			return Claim{}, nil, err
		}
		legs := next.legs()
		for _, line := range was.Committed {
			legs = append(legs, platform.Leg{Of: line, Amount: zero(next.Total)}) // adds nothing to what the items say
		}
		set, err := s.ports.Budget.Post(ctx, "budget.committed", next.Ref(), next.Submitted, legs)
		if err != nil {
			return Claim{}, nil, err
		}
		told := platform.Happened("claim.submitted", next.Ref(), next.facts())
		return next, slices.Concat([]platform.Change{told, platform.Put(person)}, f.checks(), checks, set), nil
	})
	return c, unregistered(in.Claim, s.ports.Budget.Refusal(err))
}

// filing is what a submission is decided on, beside the claim.
type filing struct {
	lines []struct {
		Centre, Account, Currency string
	}
	matrix Matrix
	person Person
	rank   string
}

// checks hold the matrix, if one was published.
func (f filing) checks() []platform.Change {
	if f.matrix.Version == 0 {
		return nil
	}
	return []platform.Change{platform.Unchanged(f.matrix)}
}

func (s *Service) filing(ctx context.Context, c Claim) (f filing, err error) {
	ids := make([]platform.ID, len(c.Items))
	for n, i := range c.Items {
		if ids[n] = i.Line; i.Line == "" {
			return f, platform.Wrong(fmt.Sprintf("items[%d]", n), ErrVoucher)
		}
	}
	doc, err := s.ports.Lines.Lines(ctx, ids...)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(doc, &f.lines); err != nil || len(f.lines) != len(ids) {
		return f, errLines
	}
	if f.matrix, err = s.matrix(ctx); err != nil {
		return f, err
	}
	if f.person, err = s.person(ctx, c.Claimant); err != nil {
		return f, err
	}
	if s.ports.People != nil {
		f.rank, err = s.ports.People.Rank(ctx, c.Claimant)
	}
	return f, err
}

// submit is the claim as it goes to its approvers, and the claimant who has
// claimed so much more.
func (c Claim) submit(f filing, terms Terms, now time.Time) (Claim, Person, error) {
	c.Items, c.Committed = slices.Clone(c.Items), nil
	for n := range c.Items {
		l := f.lines[n]
		if l.Currency != c.Total.Currency().String() {
			return Claim{}, Person{}, platform.Wrong(fmt.Sprintf("items[%d].line", n), ErrCurrency)
		}
		c.Items[n].Centre, c.Items[n].Category = l.Centre, l.Account
		if line := c.Items[n].Line; !slices.Contains(c.Committed, line) {
			c.Committed = append(c.Committed, line)
		}
	}
	if err := limits(terms.Limits).complete(c.Items, f.rank); err != nil {
		return Claim{}, Person{}, err
	}
	if err := check(c.Items, now, terms.Age); err != nil {
		return Claim{}, Person{}, err
	}
	person, other, err := f.person.see(c, now, terms.Split)
	if err != nil {
		return Claim{}, Person{}, err
	}
	counted, err := c.Total.Add(other)
	if err != nil {
		return Claim{}, Person{}, err
	}
	c.Chain, err = f.matrix.chain(c.Items, counted, f.rank)
	c.At, c.Matrix, c.Submitted = 0, f.matrix.Version, now
	return c, person, err
}

// Withdraw ends a claim that nobody has approved yet: its vouchers and its budget
// are free again. It fails with ErrNotWithdrawable.
func (s *Service) Withdraw(ctx context.Context, in Withdraw) (Claim, error) {
	return s.mine(ctx, in, in.Claim, "withdraw", func(ctx context.Context, _, next Claim) (Claim, []platform.Change, error) {
		next, set, err := s.release(ctx, next)
		return next, append(set, platform.Happened("claim.withdrawn", next.Ref(), next.facts())), err
	})
}

// release gives back what the claim has committed.
func (s *Service) release(ctx context.Context, c Claim) (Claim, []platform.Change, error) {
	var legs []platform.Leg
	for _, line := range c.Committed {
		legs = append(legs, platform.Leg{Of: line, Amount: zero(c.Total)})
	}
	if c.Committed = nil; len(legs) == 0 {
		return c, nil, nil
	}
	set, err := s.ports.Budget.Post(ctx, "budget.released", c.Ref(), s.w.Now(), legs)
	return c, set, err
}

// mine runs a command of the claimant on a claim.
func (s *Service) mine(ctx context.Context, in any, id platform.ID, verb string, decide func(ctx context.Context, was, next Claim) (Claim, []platform.Change, error)) (Claim, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Claim, []platform.Change, error) {
		by, err := s.actor(ctx, people...)
		if err != nil {
			return Claim{}, nil, err
		}
		c, err := s.store.Claim(ctx, id)
		if err == nil {
			err = c.own(by)
		}
		if err != nil {
			return Claim{}, nil, err
		}
		next, err := c.move(verb, by.Kind)
		if err != nil {
			return Claim{}, nil, err
		}
		next, set, err := decide(ctx, c, next.by(by))
		if err != nil {
			return Claim{}, nil, fmt.Errorf("%s claim %s: %w", verb, id, err)
		}
		return next, append(set, platform.Put(next)), nil
	})
}

// unregistered says that a voucher is taken, and not by whom.
func unregistered(id platform.ID, err error) error {
	if platform.Code(err) == "taken" {
		return fmt.Errorf("submit claim %s: %w", id, ErrDuplicateVoucher)
	}
	return err
}
