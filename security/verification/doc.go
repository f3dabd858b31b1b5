// Package verification decides what merchants, staff and customers have to prove
// before they may do something (clauses 2.2.1, 3.1.1, 3.1.2), and whether they have.
//
// # One question, one pure answer
//
// A [Set] of requirements is published for a kind of party and never changes; the
// next version says from when on it holds. [Evaluate] looks at a party, the sets,
// its evidence, its waivers and the moment, and tells what is due, by when, and
// for each capability whether it is enabled, in grace, restricted or disabled: per
// capability, never per account. The same values give the same bytes, and Next is
// the exact moment at which the answer changes without a new fact: the one timer of
// the party.
//
// # From draft to proof
//
//	draft → pending → verified → expired, revoked, superseded
//	                ↘ rejected   ↘ pending again, when a fact changed
//
// [Service.Begin] and [Service.Submit] hand a [Submission] in: its number and fields
// sealed, its files by hash and size only. Numbers are checked by form ([Number]
// says what is accepted where authorities differ); a [Checker] outside is asked
// after the commit, and what it does not answer is never taken for a yes. Reviewers
// differ from who entered, from who introduced, and from each other. The same number
// or file in two parties' hands is a signal, and no rejection.
//
// # Who relies on it
//
// [Standings] answers other domains: may this party list, sell, receive a payout?
// With its answer come checks of the party's [Standing] and of the [Rules], so that
// a proof which lapses or is revoked between their reading and their commit fails
// the commit. Time is compared, not awaited: a late tick widens nothing.
//
// Start with [Service.Publish] and [Evaluate].
package verification
