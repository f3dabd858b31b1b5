package receivable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/liangding/platform"
	"github.com/liangding/platform/finance"
)

// Poster is the writing half of [Books].
type Poster interface {
	Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error)
}

// Owing books for other domains, and makes a claim of what a posting puts on a
// party's account receivable, in the same set: what a merchant that was paid owes of
// a refund, what is reclaimed of an expense. So it falls due, ages and is asked for
// like any other debt, and not only taken from the next payout.
//
// The claim's source is the fact's subject. A subject has one claim: what further
// parties owe by the same fact, and what a party with too many open claims owes, is
// on their accounts alone, since a refund waits for no debt.
type Owing struct {
	Books  Poster
	Claims Claims
}

// Post is that of Books, with the claim that follows.
func (o Owing) Post(ctx context.Context, what string, subject platform.Ref, at time.Time, legs []platform.Leg) ([]platform.Change, error) {
	set, err := o.Books.Post(ctx, what, subject, at, legs)
	if err != nil {
		return nil, err
	}
	l, owed := debt(set)
	if !owed {
		return set, nil
	}
	claim, err := o.Claims.Arise(ctx, string(causeOf(what)), subject, l.Party, l.Amount, at)
	switch {
	case errors.Is(err, ErrTooMany), errors.Is(err, ErrSourceUsed):
		return set, nil
	case err != nil:
		return nil, fmt.Errorf("claim after %s of %s: %w", what, subject, err)
	}
	return append(set, claim...), nil
}

// debt is the first leg by which postings of a set make a party owe more.
func debt(set []platform.Change) (platform.Leg, bool) {
	for _, c := range set {
		p, is := c.Value.(finance.Posting)
		if !is {
			continue
		}
		for _, l := range p.Legs {
			if l.Role == "receivable" && l.Party != "" && l.Amount.Sign() > 0 {
				return l, true
			}
		}
	}
	return platform.Leg{}, false
}

// causeOf is why a fact makes somebody owe.
func causeOf(what string) Cause {
	if what == "claim.reclaimed" {
		return Damage
	}
	return Negative
}
