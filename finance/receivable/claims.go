package receivable

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// mostClaims is how many open claims on one party are decided on together.
const mostClaims = 500

// Claims makes claims, and sets them off, in the commits of other domains. It is
// a value over the store, for their ports.
type Claims struct {
	Store    Store
	Books    Books
	Standing Standing // as in [Ports]
	Terms    Terms
}

// Arise is the claim on a party that the caller's own posting put on its account
// receivable, due by the terms. The changes join the caller's set. A source that
// has made this claim before makes no other, and no change.
//
// It fails with ErrAmount, ErrCause, ErrSource, ErrSourceUsed and ErrTooMany.
func (c Claims) Arise(ctx context.Context, cause string, source platform.Ref, party platform.ID, amount platform.Money, at time.Time) ([]platform.Change, error) {
	i := Item{Debtor: party, Cause: Cause(cause), Source: source, Amount: amount, At: at}
	_, set, err := c.arise(ctx, i, nil, at)
	return set, err
}

// SetOff covers claims on a party from what is payable to it, the oldest due
// first, before that is paid out: at most an amount, all of which must be free.
// What the account receivable holds beside the claims is set off after them, and
// booked on the payout. It tells how much that was, which may be nothing; the
// changes join the payout's set.
func (c Claims) SetOff(ctx context.Context, party platform.ID, payout platform.Ref, most platform.Money, at time.Time) (platform.Money, []platform.Change, error) {
	taken := minus(most, most)
	a, err := c.open(ctx, party, at)
	if err != nil {
		return taken, nil, err
	}
	beside, err := c.beside(ctx, a, most.Currency())
	if err != nil {
		return taken, nil, err
	}
	var set []platform.Change
	switch r, err := c.draw(ctx, a, payout.ID.As("rct"), "payable", most); {
	case err == nil:
		taken = r.Amount
		if set, err = a.changes(ctx, c.Standing); err != nil {
			return taken, nil, err
		}
	case !errors.Is(err, ErrNothingFree):
		return taken, nil, fmt.Errorf("set off %s: %w", payout, err)
	}
	if beside = lesser(beside, minus(most, taken)); beside.Sign() <= 0 {
		return taken, set, nil
	}
	rest, err := c.Books.Post(ctx, "receivable.set_off", payout, at, []platform.Leg{
		{Role: "payable", Party: party, Amount: beside}, {Role: "receivable", Party: party, Amount: beside.Neg()},
	})
	return plus(taken, beside), append(set, rest...), err
}

// beside is what the account receivable of a debtor holds that is no claim here.
func (c Claims) beside(ctx context.Context, a *account, currency platform.Currency) (platform.Money, error) {
	left, err := c.Books.Free(ctx, "receivable", "", a.Party, currency)
	if err != nil {
		return platform.Money{}, fmt.Errorf("debts of %s: %w", a.Party, err)
	}
	for _, i := range a.claims {
		if i.Amount.Currency() == currency && err == nil {
			left, err = left.Sub(i.Open())
		}
	}
	return left, err
}

// arise decides on a new claim; credits are the other side of its posting, if it
// is still to be booked.
func (c Claims) arise(ctx context.Context, i Item, credits []platform.Leg, now time.Time) (Item, []platform.Change, error) {
	i, err := i.arisen(c.Terms.ready())
	if err != nil {
		return Item{}, nil, err
	}
	switch was, err := c.Store.Item(ctx, i.ID); {
	case err == nil && was.Debtor == i.Debtor && was.Amount == i.Amount && was.Cause == i.Cause:
		return was, nil, nil
	case err == nil:
		return Item{}, nil, fmt.Errorf("claim from %s: %w", i.Source, ErrSourceUsed)
	case !errors.Is(err, platform.ErrNotFound):
		return Item{}, nil, err
	}
	a, err := c.open(ctx, i.Debtor, now)
	if err != nil {
		return Item{}, nil, err
	}
	if len(a.claims) >= mostClaims {
		return Item{}, nil, fmt.Errorf("claim on %s: %w", i.Debtor, ErrTooMany)
	}
	if a.set, err = c.book(ctx, i, credits); err != nil {
		return Item{}, nil, err
	}
	i = a.put(i)
	spare, err := c.Books.Free(ctx, "unapplied", "", i.Debtor, i.Amount.Currency())
	if err != nil {
		return Item{}, nil, fmt.Errorf("unapplied money of %s: %w", i.Debtor, err)
	}
	if spare.Sign() > 0 { // it is applied at the next tick
		i.Next = now
		a.claims[len(a.claims)-1] = i
	}
	a.tell("receivable.opened", i, map[string]any{"cause": i.Cause, "source": i.Source, "amount": i.Amount, "due": i.Due})
	set, err := a.changes(ctx, nil) // nothing is taken from it yet
	return i, set, err
}

// arisen is a claim as it begins.
func (i Item) arisen(t Terms) (Item, error) {
	if _, err := platform.ParseID(string(i.Debtor)); err != nil {
		return Item{}, fmt.Errorf("debtor of a claim: %w", err)
	}
	if _, err := platform.ParseID(string(i.Source.ID)); err != nil || !plain(i.Source.Kind) {
		return Item{}, fmt.Errorf("source of a claim: %w", errors.Join(err, ErrSource))
	}
	switch i.Cause {
	case Invoice, Negative, Chargeback, Damage:
	default:
		return Item{}, fmt.Errorf("claim from %s: %w", i.Source, ErrCause)
	}
	if i.Amount.Sign() <= 0 {
		return Item{}, fmt.Errorf("claim from %s: %w", i.Source, ErrAmount)
	}
	if i.Due.IsZero() {
		i.Due = t.day(i.At, t.Days)
	}
	i.Due = t.day(i.Due, 0)
	if late := t.days(i.At, i.Due); late < 0 || late > 3660 {
		return Item{}, fmt.Errorf("claim from %s: %w", i.Source, ErrDue)
	}
	var err error
	if i.State, err = moves.Take("", "arise", platform.System); err != nil {
		return Item{}, err
	}
	none := minus(i.Amount, i.Amount)
	i.ID, i.Portfolio = itemOf(i.Source), t.portfolio(i.Debtor)
	i.Paid, i.SetOff, i.WrittenOff, i.Recovered, i.Disputed, i.Fee, i.FeePaid = none, none, none, none, none, none, none
	return i, nil
}

// plain tells whether a text may be the name of a kind of record.
func plain(kind string) bool {
	return kind != "" && len(kind) <= 64 && strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz_.") == ""
}

// itemOf is the id of the one claim that a source makes.
func itemOf(source platform.Ref) platform.ID {
	sum := sha256.Sum256([]byte(source.String()))
	return platform.NewID("rcv", source.ID.Time(), source.ID.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// book posts a claim that is not in the books yet. One that is must be found
// there, beside all others on its debtor.
func (c Claims) book(ctx context.Context, i Item, credits []platform.Leg) ([]platform.Change, error) {
	if len(credits) == 0 {
		return nil, nil
	}
	what := "debt.claimed"
	if i.Cause == Invoice {
		what = "fee.invoiced"
	}
	legs := append([]platform.Leg{{Role: "receivable", Party: i.Debtor, Amount: i.Amount}}, credits...)
	for _, l := range credits {
		if l.Amount.Sign() >= 0 || l.Amount.Currency() != i.Amount.Currency() {
			return nil, fmt.Errorf("claim from %s: %w", i.Source, ErrCredits)
		}
	}
	return c.Books.Post(ctx, what, i.Ref(), i.At, legs)
}

// Arise makes a claim.
type Arise struct {
	Debtor    platform.ID    `json:"debtor" validate:"required,id="`
	Cause     Cause          `json:"cause" validate:"required,oneof=invoice negative_balance chargeback damage" code:"receivable.cause"`
	Source    platform.Ref   `json:"source" validate:"required"` // kind/id of what it arises from
	Amount    platform.Money `json:"amount" validate:"required"`
	Reference string         `json:"reference,omitempty" validate:"max=64,printascii|eq="` // by which payers name it; if empty, its id
	At        time.Time      `json:"at,omitzero"`                                          // the day of the claim; if zero, now
	Due       time.Time      `json:"due,omitzero"`                                         // if zero, by the terms
	Credits   []platform.Leg `json:"credits,omitempty" validate:"max=20"`                  // what it is booked against, below zero; if empty, it is in the books already
}

// Subject is what the claim arises from.
func (in Arise) Subject() platform.Ref { return in.Source }

// Arise makes a claim on a party, once for each source: a repeat answers with the
// claim that it made. With Credits it is booked as fee.invoiced, or debt.claimed
// when the cause is another than an invoice; without, the fact that made it is in
// the books, and so must it be. Operators may, and the system.
//
// It fails with ErrNotBooked when the books hold no such claim, with
// ErrSourceUsed when the source made another one, with ErrSource, ErrCredits,
// ErrDue and ErrTooMany.
func (s *Service) Arise(ctx context.Context, in Arise) (Item, error) {
	if err := s.desk(ctx, in); err != nil {
		return Item{}, err
	}
	i := Item{Debtor: in.Debtor, Cause: in.Cause, Source: in.Source, Amount: in.Amount, Reference: in.Reference, At: in.At, Due: in.Due}
	if i.At.IsZero() {
		i.At = s.w.Now()
	}
	var known Item
	made, err := platform.Update(ctx, s.w, in, func(ctx context.Context) (Item, []platform.Change, error) {
		next, set, err := s.claims.arise(ctx, i, in.Credits, s.w.Now())
		switch {
		case err != nil:
			return Item{}, nil, err
		case set == nil:
			known = next
			return Item{}, nil, errKnown
		case len(in.Credits) == 0:
			if err := s.claims.backed(ctx, next); err != nil {
				return Item{}, nil, err
			}
		}
		return next, set, nil
	})
	if errors.Is(err, errKnown) {
		return known, nil
	}
	return made, err
}

// errKnown ends a command that has nothing left to do.
var errKnown = errors.New("it was done before")

// backed fails unless the books hold a claim beside all others on its debtor.
func (c Claims) backed(ctx context.Context, i Item) error {
	a, err := c.open(ctx, i.Debtor, i.At)
	if err != nil {
		return err
	}
	switch left, err := c.beside(ctx, a, i.Amount.Currency()); {
	case err != nil:
		return err
	case left.Minor() < i.Amount.Minor():
		return fmt.Errorf("claim from %s: %w", i.Source, ErrNotBooked)
	}
	return nil
}
