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
	Voids         string // frees what that fact holds for the subject
}

// recipes by what happened. Every role of the chart is in some recipe.
var recipes = map[string]recipe{
	"pay.captured":  {Debit: roles("clearing"), Credit: roles("escrow")},
	"pay.promotion": {Debit: roles("marketing"), Credit: roles("escrow")},
	"pay.surplus":   {Debit: roles("clearing"), Credit: roles("surplus")},
	"pay.returned":  {Debit: roles("surplus"), Credit: roles("clearing")},

	"tip.captured": {Debit: roles("clearing"), Credit: roles("tips")},
	"tip.released": {Debit: roles("tips"), Credit: roles("payable")},

	"order.completed":  {Debit: roles("escrow"), Credit: roles("earning", "commission", "output_tax")},
	"order.closed":     {Debit: roles("earning"), Credit: roles("payable", "reserve")},
	"order.cancelled":  {Debit: roles("escrow"), Credit: roles("earning", "cancel_fee", "output_tax")},
	"reserve.released": {Debit: roles("reserve"), Credit: roles("payable")},

	"refund.approved": {
		Debit:  roles("escrow", "earning", "payable", "reserve", "tips", "commission", "cancel_fee", "output_tax"),
		Credit: roles("refund_due"), Held: true,
	},
	"refund.withdrawn": {Voids: "refund.approved"},
	"refund.succeeded": {Settles: "refund.approved", Debit: roles("refund_due"), Credit: roles("clearing", "marketing")}, // what a promotion paid goes back to marketing
	"refund.given_up":  {Settles: "refund.approved"},

	"payout.sent":   {Debit: roles("payable"), Credit: roles("clearing", "bank"), Held: true},
	"payout.paid":   {Settles: "payout.sent"},
	"payout.failed": {Voids: "payout.sent"},

	"gateway.fee": {Debit: roles("gateway_fee", "input_tax"), Credit: roles("clearing")},
	"bank.swept":  {Debit: roles("bank"), Credit: roles("clearing")},

	"account.opened": { // what other books left, each account in its normal direction
		Debit:  roles("opening", "bank", "clearing", "input_tax", "gateway_fee", "marketing"),
		Credit: roles("opening", "payable", "reserve", "output_tax", "commission", "cancel_fee"),
	},
	"order.taken_over": {Debit: roles("opening"), Credit: roles("escrow", "earning")},
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
	var of platform.ID
	for _, l := range legs {
		side := r.Debit
		if l.Amount.Sign() < 0 {
			side = r.Credit
		}
		if !slices.Contains(side, l.Role) {
			return fmt.Errorf("%s of %s: %w", l.Role, l.Amount, ErrRecipe)
		}
		if of != "" && l.Of != "" && l.Of != of {
			return fmt.Errorf("legs of %s and %s: %w", of, l.Of, ErrRecipe)
		}
		of = max(of, l.Of)
	}
	return nil
}
