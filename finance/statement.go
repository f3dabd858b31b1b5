package finance

import (
	"context"
	"fmt"
	"time"

	"github.com/liangding/platform"
)

// Balance is what is on an account, in its normal direction: for a liability
// what is owed, for income what was earned.
type Balance struct {
	Account   Account        `json:"account"`
	Posted    platform.Money `json:"posted"`
	Available platform.Money `json:"available"` // what may be taken; all of Posted for an account without floor
	Held      platform.Money `json:"held"`      // what open holds will take: posted minus available
}

// Entry is one line of an account's statement, in the account's normal
// direction: on a liability a credit is positive.
type Entry struct {
	Seq       int64          `json:"seq"`       // 1, 2, 3 … of this account and currency
	At        time.Time      `json:"at"`        // when it was recorded
	Effective time.Time      `json:"effective"` // when it happened
	What      string         `json:"what"`
	Subject   platform.Ref   `json:"subject"`
	Posting   platform.ID    `json:"posting"`
	Amount    platform.Money `json:"amount"`
	Withheld  platform.Money `json:"withheld,omitzero"` // of a payout: the tax in it that was kept back; told in a party's statement
	After     platform.Money `json:"after"`             // what was on the account then
}

// Balance is what is on an account now; zero on one that was never booked on.
// Operators, auditors and the system read every account, a party its own. It
// fails with ErrNotFound for anybody else, and with ErrRole for an account that
// cannot be.
func (b Books) Balance(ctx context.Context, a Account, currency platform.Currency) (Balance, error) {
	l, err := b.readable(ctx, a)
	if err != nil {
		return Balance{}, err
	}
	code := currency.String()
	counts, err := b.Store.Counts(ctx, a.counter(posted, code), a.counter(available, code))
	if err != nil {
		return Balance{}, fmt.Errorf("balance of %s: %w", a, err)
	}
	total := counts[0].Value * int64(l.Normal)
	free := total
	if l.Floored {
		free = counts[1].Value
	}
	return balanceOf(a, currency, total, free)
}

// Free is what may be taken from an account by a decision that is under way: what
// is posted less what open holds take, or all of it on an account without floor.
// It asks nobody who they are. Money may still come or go until the commit, whose
// floors have the last word. It fails with ErrRole for an account that cannot be.
func (b Books) Free(ctx context.Context, role string, of, party platform.ID, currency platform.Currency) (platform.Money, error) {
	a := Account{Role: role, Of: of, Party: party}
	l, err := a.line()
	if err != nil {
		return platform.Money{}, fmt.Errorf("what is free: %w", err)
	}
	which, sign := available, int64(1)
	if !l.Floored {
		which, sign = posted, int64(l.Normal)
	}
	counts, err := b.Store.Counts(ctx, a.counter(which, currency.String()))
	if err != nil {
		return platform.Money{}, fmt.Errorf("what is free on %s: %w", a, err)
	}
	return platform.FromMinor(counts[0].Value*sign, currency)
}

// Entries is a page of the account's statement, oldest first. It is refused as
// [Books.Balance] is.
func (b Books) Entries(ctx context.Context, a Account, currency platform.Currency, cursor string) (platform.Page[Entry], error) {
	l, err := b.readable(ctx, a)
	if err != nil {
		return platform.Page[Entry]{}, err
	}
	page, err := b.Store.Movements(ctx, a.counter(posted, currency.String()), cursor)
	if err != nil {
		return platform.Page[Entry]{}, fmt.Errorf("entries of %s: %w", a, err)
	}
	items, err := b.entries(ctx, l, currency, page.Items)
	if err != nil {
		return platform.Page[Entry]{}, fmt.Errorf("entries of %s: %w", a, err)
	}
	return platform.Page[Entry]{Items: items, Next: page.Next}, nil
}

// EntriesFrom are at most 500 lines of the account's statement, from the one with
// the number seq on; none once there is no more. It is refused as
// [Books.Balance] is.
func (b Books) EntriesFrom(ctx context.Context, a Account, currency platform.Currency, seq int64) ([]Entry, error) {
	l, err := b.readable(ctx, a)
	if err != nil {
		return nil, err
	}
	moved, err := b.Store.MovementsFrom(ctx, a.counter(posted, currency.String()), seq, pageSize, false)
	if err != nil {
		return nil, fmt.Errorf("entries of %s from %d: %w", a, seq, err)
	}
	items, err := b.entries(ctx, l, currency, moved)
	if err != nil {
		return nil, fmt.Errorf("entries of %s from %d: %w", a, seq, err)
	}
	return items, nil
}

// entries are movements of an account, with what they were for.
func (b Books) entries(ctx context.Context, l line, currency platform.Currency, moved []platform.Movement) ([]Entry, error) {
	ids := make([]platform.ID, len(moved))
	for i, m := range moved {
		ids[i] = m.Cause.ID
	}
	postings, err := b.Store.Postings(ctx, ids...)
	if err != nil {
		return nil, err
	}
	items := make([]Entry, len(moved))
	for i, m := range moved {
		amounts, err := monies(currency, m.Delta*int64(l.Normal), m.After*int64(l.Normal))
		if err != nil {
			return nil, err
		}
		items[i] = Entry{
			Seq: m.Seq, At: m.At, Effective: postings[i].At, What: postings[i].What, Subject: postings[i].Subject,
			Posting: ids[i], Amount: amounts[0], After: amounts[1],
		}
	}
	return items, nil
}

// readable is the chart's line of an account that the actor may read.
func (b Books) readable(ctx context.Context, a Account) (line, error) {
	l, err := a.line()
	if err != nil {
		return line{}, err
	}
	actor, err := platform.ActorOf(ctx)
	if err != nil {
		return line{}, err
	}
	if !b.reads(actor, a.Party) {
		return line{}, platform.NotFound(platform.Ref{Kind: "finance.account", ID: platform.ID(a.String())})
	}
	return l, nil
}

// reads tells whether the actor may read an account of the party.
func (b Books) reads(actor platform.Actor, party platform.ID) bool {
	if actor.Tenant != b.Tenant {
		return false
	}
	switch actor.Kind {
	case platform.Operator, platform.Auditor, platform.System:
		return true
	}
	return actor.For() == party // nobody is the empty party
}

func monies(currency platform.Currency, minors ...int64) ([]platform.Money, error) {
	amounts := make([]platform.Money, len(minors))
	var err error
	for i, minor := range minors {
		if amounts[i], err = platform.FromMinor(minor, currency); err != nil {
			return nil, err
		}
	}
	return amounts, nil
}
