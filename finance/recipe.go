package finance

import (
	"fmt"
	"slices"

	"github.com/liangding/platform"
)

// recipe is how one business fact is booked: which roles it may debit and
// credit, whether its legs are only held, and whose hold it ends. A role on
// neither side is refused, so no domain can post free legs.
type recipe struct {
	Debit, Credit []string
	Held          bool   // sets its legs aside, in a pending record of the subject
	Settles       string // books what that fact holds for the subject, then its own legs
	Part          bool   // settles as much of the hold as its legs say; without legs the rest
	Frees         bool   // and frees what they leave
	Lapses        bool   // the hold may have a due: it guards no call to an institution, which only its outcome ends
	Ending        bool   // belongs to the end of a period, and may enter one that is soft-closed
	Voids         string // frees what that fact holds for the subject
	Across        bool   // its legs may be of several orders
	Free          bool   // legs of every role; no domain may post it
}

func roles(names ...string) []string { return names }

// recipeOf is the recipe of what happened. It fails with ErrRecipe for anything
// that the books do not know.
func recipeOf(what string) (recipe, error) {
	r, known := recipes[what]
	if !known {
		return recipe{}, fmt.Errorf("book %q: %w", what, ErrRecipe)
	}
	return r, nil
}

// allows checks legs against the recipe: each role on a side that the recipe
// names, and all of one order. It fails with ErrRecipe.
func (r recipe) allows(legs []platform.Leg) error {
	if r.Free {
		return nil
	}
	var of platform.ID
	for _, l := range legs {
		side := r.Debit
		if l.Amount.Sign() < 0 {
			side = r.Credit
		}
		if !slices.Contains(side, l.Role) {
			return fmt.Errorf("%s of %s: %w", l.Role, l.Amount, ErrRecipe)
		}
		if of != "" && l.Of != "" && l.Of != of && !r.Across {
			return fmt.Errorf("legs of %s and %s: %w", of, l.Of, ErrRecipe)
		}
		of = max(of, l.Of)
	}
	return nil
}
