package receivable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// Debtor is a party that owes or owed something: what stands between all
// decisions on its claims, which each replace it. Its id is made of the party's.
type Debtor struct {
	platform.Head
	Party      platform.ID `json:"party" class:"internal"`
	Written    time.Time   `json:"written,omitzero" class:"internal"`     // when it was last written to
	Restricted []string    `json:"restricted,omitempty" class:"internal"` // capabilities that it lacks because it owes
}

// Ref names the debtor.
func (d Debtor) Ref() platform.Ref { return platform.Ref{Kind: "receivable.debtor", ID: d.ID} }

// debtorOf is the id of a party's debtor: by all of the party's id, since a
// customer may have that of a merchant but for its prefix.
func debtorOf(party platform.ID) platform.ID {
	return platform.NewID("dbt", party.Time(), party.Slot(), random(string(party)))
}

// account is all that one party owes, as one decision sees and changes it.
type account struct {
	Debtor
	claims []Item // the oldest due first, what was written off last

	terms Terms
	at    time.Time
	moved map[platform.ID]bool
	set   []platform.Change // postings, receipts, events
}

// open reads what a party owes. A party that never owed anything is a new debtor.
func (c Claims) open(ctx context.Context, party platform.ID, at time.Time) (*account, error) {
	a := &account{terms: c.Terms.ready(), at: at, moved: map[platform.ID]bool{}}
	var err error
	switch a.Debtor, err = c.Store.Debtor(ctx, debtorOf(party)); {
	case errors.Is(err, platform.ErrNotFound):
		a.Debtor = Debtor{Head: platform.Head{ID: debtorOf(party)}, Party: party}
	case err != nil:
		return nil, fmt.Errorf("debtor %s: %w", party, err)
	}
	if a.claims, err = c.Store.Owed(ctx, party); err != nil {
		return nil, fmt.Errorf("claims on %s: %w", party, err)
	}
	slices.SortFunc(a.claims, byAge)
	return a, nil
}

// put has a claim as it is now, and notes when to look at it again.
func (a *account) put(i Item) Item {
	i.Next = i.next(a.Written, a.terms)
	a.moved[i.ID] = true
	n := slices.IndexFunc(a.claims, func(c Item) bool { return c.ID == i.ID })
	if n < 0 {
		a.claims = append(a.claims, i)
	} else {
		a.claims[n] = i
	}
	return i
}

// tell adds an event on a claim.
func (a *account) tell(what string, i Item, facts map[string]any) {
	facts["debtor"], facts["open"] = i.Debtor, i.Open()
	a.set = append(a.set, platform.Happened(what, i.Ref(), facts))
}

// changes are what the decision writes. The capabilities that the debtor lacks
// become what its claims demand: more as they climb, none once they are paid.
func (a *account) changes(ctx context.Context, standing Standing) ([]platform.Change, error) {
	set := slices.Clone(a.set)
	var want []string
	for _, i := range a.claims {
		want = append(want, i.restricts(a.terms)...)
		if a.moved[i.ID] {
			set = append(set, platform.Put(i))
		}
	}
	slices.Sort(want)
	want = slices.Compact(want)
	more, less := without(want, a.Restricted), without(a.Restricted, want)
	a.Restricted = want
	set = append(set, platform.Put(a.Debtor))
	if standing == nil {
		return set, nil
	}
	if len(more) > 0 {
		done, err := standing.Restrict(ctx, a.Party, more, "arrears", a.at)
		if err != nil {
			return nil, fmt.Errorf("restrict %s: %w", a.Party, err)
		}
		set = append(set, done...)
	}
	if len(less) > 0 {
		done, err := standing.Lift(ctx, a.Party, less, "arrears", a.at)
		if err != nil {
			return nil, fmt.Errorf("lift %s: %w", a.Party, err)
		}
		set = append(set, done...)
	}
	return set, nil
}

// without are those of all that are not among others.
func without(all, others []string) (left []string) {
	for _, one := range all {
		if !slices.Contains(others, one) {
			left = append(left, one)
		}
	}
	return left
}
