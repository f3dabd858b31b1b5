// Package budget plans what may be spent and keeps it (clause 7.2.1). A [Budget]
// is a centre's plan for a period in one currency; each of its [Line]s has four
// memo accounts in the books, which always balance:
//
//	plan = free + committed + spent
//
// The floor of free is the control. Whoever commits takes from free in the same
// set of changes as the fact itself, so of any number that commit at once exactly
// as many pass as fit; nobody reads a balance first and hopes that it stays.
//
// # Life of a budget
//
//	draft → submitted → approved → active → closed
//
// Two operators approve what a third submitted, and so they do each later edition
// of the plan. [Service.Tick] puts an approved budget in force when its period
// begins, and gives lines that are planned by the month each month's part.
//
// # Commitments
//
// Other rooms commit, spend and release through [Control], whose changes join
// their sets. A source has one [Commitment] a line: what is spent beyond it comes
// from free, and what is left of it goes back when the source is settled.
//
// Above the plan a line stops, or it has a tolerance and tells (budget.warned), or
// it only records. A budget that is closed lets nothing pass any more; what is
// still committed there is carried over, rebooked or released by decision, see
// [Service.Carry].
//
// Start with [Service.Draft] and [Control]; [Service.Forecast] tells where a line
// is heading.
package budget
