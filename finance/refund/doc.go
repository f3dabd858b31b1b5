// Package refund plans how money goes back: how much of each line, what the
// platform gives of its fees and what it keeps, out of which accounts, over
// which payments and in which order, and what everybody feels of it.
//
// [Facts.Plan] is pure and total: the same facts and request give the same
// [Plan], to the bit, or a refusal. A plan is shown before anybody approves it,
// stored, and carried out as it was shown; [Facts.Confirm] plans again at that
// moment and refuses with ErrPlanChanged, and the new plan, when a fact has
// moved meanwhile.
//
//	plan, err := facts.Plan(refund.Request{Amount: thirty})
//	for _, felt := range plan.Explain("en") { … }
//	…
//	plan, err = facts.Confirm(request, plan.Hash) // at approval
//
// # What follows what
//
// A refund without named lines is spread over what is left of the lines. Each
// line's tax, discount and fees follow what was given of it in all, by a
// division that never takes back what it gave: a line refunded in parts ends as
// if refunded at once, in every account, and its last refund takes the odd unit
// along (see [Facts.Plan]).
//
// The money comes out of escrow before the sale and out of the merchant's
// earning after it; then out of payable, reserve and deposit, each as far as it
// reaches, and the rest is owed to the platform. The customer waits for none of
// that. [Chain] is this part alone, for those who book a refund themselves, as
// package order does.
//
// # Stored
//
// [Plan.For] is the plan as a record of the refund, to be written in the set that
// approves it.
package refund
