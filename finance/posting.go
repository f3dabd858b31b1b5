package finance

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/liangding/platform"
)

const maxLegs = 1000

// Fact is what happened in the business, in the language of the books.
type Fact struct {
	What    string         `json:"what" class:"internal"`           // the recipe: order.completed
	Subject platform.Ref   `json:"subject" class:"internal"`        // to which record it happened
	N       int            `json:"n,omitempty" class:"internal"`    // tells repetitions apart, such as captures in part; 0 is the first
	At      time.Time      `json:"at" class:"internal"`             // when it happened, which may be before it was booked
	Booked  time.Time      `json:"booked" class:"internal"`         // when it was decided to book it; if zero, At
	Memo    string         `json:"memo,omitempty" class:"internal"` // a code: why it was booked so, or a rate and its source
	Legs    []platform.Leg `json:"legs" class:"internal"`           // debits positive, credits negative, zero in sum
}

// Posting is a fact in the books. It is never changed; what turns out wrong is
// righted by another.
type Posting struct {
	platform.Head
	Fact
	Settles  platform.ID `json:"settles,omitempty" class:"internal"`  // the pending record that held its legs; empty if none did
	Reverses platform.ID `json:"reverses,omitempty" class:"internal"` // the posting that it mirrors, in whole or in part
}

// Ref names the posting.
func (p Posting) Ref() platform.Ref { return platform.Ref{Kind: postingKind, ID: p.ID} }

// Post books a fact: the posting and the additions to its accounts. Legs of
// zero are left out; without any other there is nothing to book, and no change.
//
// It fails with ErrLegs, ErrUnbalanced, ErrRole, ErrRecipe (also for a fact
// that must be held first, see [Hold]) or ErrEffective. The commit fails with
// ErrState, code floor, when an account lacks the money, and with ErrConflict,
// code exists, when the fact is in the books already: the posting's id is
// derived from What, Subject and N.
func Post(f Fact) ([]platform.Change, error) {
	f.Legs = nonzero(f.Legs)
	if len(f.Legs) == 0 {
		return nil, nil
	}
	if err := f.check(false); err != nil {
		return nil, err
	}
	if recipes[f.What].Free {
		return nil, fmt.Errorf("book %s of %s: %w", f.What, f.Subject, ErrRecipe)
	}
	return f.posting("").changes(), nil
}

// posting is the fact as it is booked; settles names the hold that it ends.
func (f Fact) posting(settles platform.ID) Posting {
	if f.Booked.IsZero() {
		f.Booked = f.At
	}
	return Posting{Head: platform.Head{ID: f.id()}, Fact: f, Settles: settles}
}

func (p Posting) changes() []platform.Change {
	return append([]platform.Change{platform.Put(p)}, additions(p.entries())...)
}

// id is that of the fact's posting: time and slot of the subject's, and 62 bits
// of what makes the fact one of its own. The formula is frozen.
func (f Fact) id() platform.ID { return PostingID(f.What, f.Subject, f.N) }

// PostingID is the id of the posting of a fact, whether it is booked or not.
func PostingID(what string, subject platform.Ref, n int) platform.ID {
	sum := sha256.Sum256([]byte(what + "\x00" + subject.String() + "\x00" + strconv.Itoa(n)))
	return platform.NewID("pst", subject.ID.Time(), subject.ID.Slot(), binary.BigEndian.Uint64(sum[:8]))
}

// check compares the fact with its recipe, and with the rules of every posting;
// held tells whether it makes a hold, or settles one by its own legs.
func (f Fact) check(held bool) error {
	r, err := recipeOf(f.What)
	if err != nil {
		return err
	}
	if (r.Held || r.Part) != held {
		return fmt.Errorf("book %s of %s, held %t: %w", f.What, f.Subject, held, ErrRecipe)
	}
	if _, err := platform.ParseID(string(f.Subject.ID)); err != nil {
		return fmt.Errorf("book %s of %s: %w", f.What, f.Subject, err)
	}
	if f.At.IsZero() {
		return fmt.Errorf("book %s of %s: %w", f.What, f.Subject, ErrEffective)
	}
	for _, rule := range []func([]platform.Leg) error{formed, apart, balanced, r.allows} {
		if err := rule(f.Legs); err != nil {
			return fmt.Errorf("book %s of %s: %w", f.What, f.Subject, err)
		}
	}
	return nil
}

// formed checks number, accounts and amounts of legs.
func formed(legs []platform.Leg) error {
	if len(legs) < 2 || len(legs) > maxLegs {
		return fmt.Errorf("%d legs: %w", len(legs), ErrLegs)
	}
	type row struct {
		account  Account
		currency platform.Currency
	}
	seen := make(map[row]bool, len(legs))
	for _, l := range legs {
		at := row{accountOf(l), l.Amount.Currency()}
		if _, err := at.account.line(); err != nil {
			return err
		}
		if seen[at] || l.Amount.Sign() == 0 && !l.Amount.Absent() {
			return fmt.Errorf("%s of %q: %w", at.account, l.Amount, ErrLegs)
		}
		seen[at] = true
	}
	return nil
}

// apart checks that memo accounts are not mixed with others.
func apart(legs []platform.Leg) error {
	memos := 0
	for _, l := range legs {
		if row, err := lineOf(l.Role); err == nil && row.Class == Memo {
			memos++
		}
	}
	if memos > 0 && memos < len(legs) {
		return ErrMemoMixed
	}
	return nil
}

// balanced checks that the legs are zero in sum, in each currency.
func balanced(legs []platform.Leg) error {
	amounts := map[platform.Currency][]platform.Money{}
	for _, l := range legs {
		amounts[l.Amount.Currency()] = append(amounts[l.Amount.Currency()], l.Amount)
	}
	for currency, all := range amounts {
		sum, err := platform.Sum(currency, all...)
		if err != nil {
			return err
		}
		if sum.Sign() != 0 {
			return fmt.Errorf("%s too much debit: %w", sum, ErrUnbalanced)
		}
	}
	return nil
}

// nonzero is a copy of the legs without those of zero. Absent money stays in,
// to be refused.
func nonzero(legs []platform.Leg) []platform.Leg {
	return slices.DeleteFunc(slices.Clone(legs), func(l platform.Leg) bool {
		return l.Amount.Sign() == 0 && !l.Amount.Absent()
	})
}

// entry is one addition to a counter of an account, and what caused it.
type entry struct {
	counter platform.Ref
	delta   int64
	cause   platform.Ref
}

// entries is what the posting adds to the counters: each leg to posted, and to
// available unless the hold that it settles has taken it from there already.
func (p Posting) entries() []entry {
	entries := make([]entry, 0, 2*len(p.Legs))
	for _, l := range p.Legs {
		at, currency, amount := accountOf(l), l.Amount.Currency().String(), l.Amount.Minor()
		entries = append(entries, entry{at.counter(posted, currency), amount, p.Ref()})
		row, err := lineOf(l.Role)
		if err != nil || !row.Floored {
			continue
		}
		if growth := grows(l, row); growth > 0 || p.Settles == "" {
			entries = append(entries, entry{at.counter(available, currency), growth, p.Ref()})
		}
	}
	return entries
}

// grows is by how much a leg lets its account grow, in the normal direction.
func grows(l platform.Leg, row line) int64 { return l.Amount.Minor() * int64(row.Normal) }

// additions are entries as changes. Available counters have their floor;
// posted ones need none, since they cannot be below what is available.
func additions(entries []entry) []platform.Change {
	changes := make([]platform.Change, len(entries))
	for i, e := range entries {
		changes[i] = platform.Delta(e.counter, e.delta, e.cause)
		if strings.HasPrefix(string(e.counter.ID), available+":") {
			changes[i] = changes[i].Above(0)
		}
	}
	return changes
}
