package receivable

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Books turns what happened into postings, and tells what is free on an account.
// finance.Books is one.
type Books interface {
	Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error)
	Free(ctx context.Context, role string, of, party platform.ID, currency platform.Currency) (platform.Money, error)
}

// Standing ends capabilities of a party that owes, and gives them back. The
// changes join the set in which it happens.
type Standing interface {
	Restrict(ctx context.Context, party platform.ID, capabilities []string, reason string, at time.Time) ([]platform.Change, error)
	Lift(ctx context.Context, party platform.ID, capabilities []string, reason string, at time.Time) ([]platform.Change, error)
}

// Notify brings a letter to a party, in the languages by which texts has it. It
// is called outside any decision, again until it succeeds; the letter's ref tells
// it which it has brought already.
type Notify interface {
	Notify(ctx context.Context, letter platform.Ref, to platform.ID, texts map[string]string) error
}

// Ports are what the package needs of others.
type Ports struct {
	Books    Books
	Standing Standing // if nil, what a debtor lacks is kept here alone, for [Debts.May]
	Notify   Notify   // if nil, debtors read their letters here
}

// Options are all optional.
type Options struct {
	Terms Terms
}

// Service carries out the commands on claims. It may be used by several
// goroutines at once.
type Service struct {
	w      platform.Writer
	store  Store
	ports  Ports
	terms  Terms
	claims Claims
}

// New is the service over a store. It panics, as a programmer's mistake, without
// Books and with terms that cannot be: levels whose days do not rise, rates
// outside 0 and 1, limits below zero.
func New(w platform.Writer, store Store, ports Ports, o *Options) *Service {
	if ports.Books == nil {
		panic("receivable: New needs Books")
	}
	if o == nil {
		o = &Options{}
	}
	terms := o.Terms.ready()
	if fault := terms.fault(); fault != "" {
		panic("receivable: New: " + fault)
	}
	return &Service{w: w.Ready(), store: store, ports: ports, terms: terms, claims: Claims{store, ports.Books, ports.Standing, terms}}
}

// Terms are those in force.
func (s *Service) Terms() Terms { return s.terms }

// desk lets operators and the system pass, with input that is well formed: what
// somebody else sent is repeated nowhere.
func (s *Service) desk(ctx context.Context, in any) error {
	by, err := s.w.Actor(ctx)
	switch {
	case err != nil:
		return err
	case by.Kind != platform.Operator && by.Kind != platform.System:
		return ErrDesk
	}
	return platform.Validate(in)
}

// sees tells whether the actor may see what a party owes: its own, or as one who
// oversees all.
func sees(by platform.Actor, party platform.ID) bool {
	switch by.Kind {
	case platform.Operator, platform.System, platform.Auditor:
		return true
	}
	return by.For() == party
}

// onItem carries out a command on one claim that moves no money.
func (s *Service) onItem(ctx context.Context, in any, id platform.ID, decide func(context.Context, Item, platform.Actor) (Item, []platform.Change, error)) (Item, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Item, []platform.Change, error) {
		by, err := s.w.Actor(ctx)
		if err != nil {
			return Item{}, nil, err
		}
		i, err := s.store.Item(ctx, id)
		if err == nil && !sees(by, i.Debtor) {
			err = platform.NotFound(i.Ref())
		}
		if err != nil {
			return Item{}, nil, err
		}
		debtor, err := s.store.Debtor(ctx, debtorOf(i.Debtor))
		if err != nil {
			return Item{}, nil, err
		}
		next, set, err := decide(ctx, i, by)
		if err != nil {
			return Item{}, nil, err
		}
		next.Next = next.next(debtor.Written, s.terms)
		return next, append(set, platform.Put(next)), nil
	})
}

// onDebtor carries out a command on all that a party owes.
func (s *Service) onDebtor(ctx context.Context, in any, party platform.ID, decide func(context.Context, *account) error) (Debtor, error) {
	return platform.Update(ctx, s.w, in, func(ctx context.Context) (Debtor, []platform.Change, error) {
		a, err := s.claims.open(ctx, party, s.w.Now())
		if err != nil {
			return Debtor{}, nil, err
		}
		if err := decide(ctx, a); err != nil {
			return Debtor{}, nil, err
		}
		set, err := a.changes(ctx, s.claims.Standing)
		return a.Debtor, set, err
	})
}

// Item is one claim, to its debtor and to those who oversee all.
func (s *Service) Item(ctx context.Context, id platform.ID) (Item, error) {
	i, err := s.store.Item(ctx, id)
	if err == nil {
		err = s.visible(ctx, i.Debtor, i.Ref())
	}
	if err != nil {
		return Item{}, err
	}
	return i, nil
}

// Debtor is how a party stands, to itself and to those who oversee all.
func (s *Service) Debtor(ctx context.Context, party platform.ID) (Debtor, error) {
	d, err := s.store.Debtor(ctx, debtorOf(party))
	if err == nil {
		err = s.visible(ctx, party, d.Ref())
	}
	if err != nil {
		return Debtor{}, err
	}
	return d, nil
}

// Items is a page of the claims on a party, the latest due first.
func (s *Service) Items(ctx context.Context, party platform.ID, cursor string) (platform.Page[Item], error) {
	if err := s.visible(ctx, party, platform.Ref{Kind: "receivable.debtor"}); err != nil {
		return platform.Page[Item]{}, err
	}
	return s.store.Items(ctx, party, cursor)
}

// Proposed is a page of the claims whose write-off is proposed, the longest
// first. Operators and auditors read them.
func (s *Service) Proposed(ctx context.Context, cursor string) (platform.Page[Item], error) {
	if err := s.overseer(ctx); err != nil {
		return platform.Page[Item]{}, err
	}
	return s.store.Proposed(ctx, cursor)
}

// Tasks is a page of the claims about which somebody has to do something, the
// longest first. Operators and auditors read them.
func (s *Service) Tasks(ctx context.Context, cursor string) (platform.Page[Item], error) {
	if err := s.overseer(ctx); err != nil {
		return platform.Page[Item]{}, err
	}
	return s.store.Tasked(ctx, cursor)
}

// visible is the rule of ownership.
func (s *Service) visible(ctx context.Context, party platform.ID, ref platform.Ref) error {
	by, err := s.w.Actor(ctx)
	if err == nil && !sees(by, party) {
		err = platform.NotFound(ref)
	}
	return err
}

// overseer lets those pass who may see all that is owed.
func (s *Service) overseer(ctx context.Context) error {
	by, err := s.w.Actor(ctx)
	if err == nil && !sees(by, "") {
		err = fmt.Errorf("receivables: %w", ErrReader)
	}
	return err
}
