package finance

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Books turns what happened into changes of the books, and answers for them. It
// is the port through which other domains book, and may be used by several
// goroutines at once.
type Books struct {
	Store  Store
	Tenant string           // whose books they are; actors of others read nothing
	Now    func() time.Time // when a fact is booked; if nil, time.Now in UTC, to the microsecond
	Zone   *time.Location   // in which months are meant; if nil, UTC
}

// Post books what happened to subject, by its recipe. The changes join the
// caller's set, whose event tells the fact; the books add none of their own,
// since posting and movements say the rest.
//
// A recipe that holds sets the legs aside until another ends the hold on the
// same subject: one that settles books them and then its own legs, one that
// voids frees them. Legs of zero are left out, and a fact of zero books
// nothing, unless it holds. Among the changes are a new finance.posting (or
// finance.pending), the replaced finance.pending of a hold that ends, and
// additions to counters.
//
// A fact of a month that is closed is booked in the next one that is open, with
// its day in the memo: "of:2026-03-31".
//
// It fails with ErrLegs, ErrUnbalanced, ErrMemoMixed, ErrRole, ErrRecipe or
// ErrEffective for a fact that is not well formed, or more than a day ahead of
// Now, with ErrFrozen or
// ErrAccountClosed for a locked account, with ErrPendingEnded for a hold that is
// over, with ErrPendingExceeds for more than it has left, and with ErrNotFound
// for one that never was. The commit fails with ErrState,
// code floor, when an account lacks the money, and with ErrConflict, code
// exists, when the same fact is in the books already.
func (b Books) Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error) {
	r, err := recipeOf(what)
	if err != nil {
		return nil, err
	}
	if len(r.Debit) > 0 && len(legs) == 0 && !r.Part {
		return nil, fmt.Errorf("book %s of %s: %w", what, subject, ErrLegs)
	}
	fact := Fact{What: what, Subject: subject, At: at.UTC(), Booked: platform.Writer{Now: b.Now}.Ready().Now(), Legs: legs}
	if b.Now != nil && fact.At.After(fact.Booked.AddDate(0, 0, 1)) {
		return nil, fmt.Errorf("book %s of %s at %s: %w", what, subject, fact.At, ErrEffective)
	}
	x, err := b.bars(ctx, fact)
	if err != nil {
		return nil, err
	}
	fact, enters := x.moved(fact)
	pinned, err := x.pins(enters, fact)
	if err != nil {
		return nil, err
	}
	set, err := b.changes(ctx, r, fact, time.Time{})
	if err != nil {
		return nil, err
	}
	return append(set, pinned...), nil
}

// changes are those of a fact by its recipe; due is when it expires if it is held.
func (b Books) changes(ctx context.Context, r recipe, fact Fact, due time.Time) ([]platform.Change, error) {
	if r.Held {
		return Hold(fact, due)
	}
	ended, err := b.end(ctx, r, fact)
	if err != nil {
		return nil, err
	}
	if r.Part {
		return ended, nil
	}
	own, err := Post(fact)
	if err != nil {
		return nil, err
	}
	return append(ended, own...), nil
}

// end settles or voids the hold that the recipe ends, if it ends one.
func (b Books) end(ctx context.Context, r recipe, f Fact) ([]platform.Change, error) {
	if r.Settles == "" && r.Voids == "" {
		return nil, nil
	}
	p, err := b.Store.Pending(ctx, pendingOf(f.Subject).ID)
	if err != nil {
		return nil, fmt.Errorf("book %s of %s: %w", f.What, f.Subject, err)
	}
	switch {
	case p.Subject != f.Subject, p.What != r.Settles+r.Voids:
		return nil, fmt.Errorf("book %s of %s on hold %s for %s: %w", f.What, f.Subject, p.ID, p.What, ErrRecipe)
	case r.Voids != "":
		return p.Void(f.At)
	case r.Part:
		return p.Part(f, r.Frees)
	}
	p.Memo = strings.TrimSpace(p.Memo + " " + f.Memo) // why it was booked so, as the posting will say
	return p.Settle(f.At)
}
