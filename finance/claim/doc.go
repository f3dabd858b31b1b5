// Package claim pays back what people spent for the house (費用報銷, clause 7.2.2):
// true, lawful and valid vouchers, paid after approval.
//
// # Life of a claim
//
//	draft → submitted → approving → approved → payable → paying → paid
//	        ↘ returned (and submitted again), rejected, withdrawn
//
// A [Claim] has up to a hundred items, each with its voucher. When it is
// submitted, in one commit: its vouchers are registered, so that none is ever
// claimed twice; its budget is committed; and its chain of approvers is taken from
// the [Matrix] and frozen. Submitting again after a return makes a new chain.
//
// # Four eyes
//
// Whoever claims approves no level, whoever approved one approves no other, and
// neither of them pays: whatever roles they hold or get meanwhile, and for whom
// they stand in. Only who is there counts: when nobody holds the role of a level, or
// all who do are away or tied, its deputies approve; when there are none either,
// the next level does. The last level is never passed over.
//
// # Money
//
// [Service.Tick] books what is approved: the vouchers are checked first, what an
// advance paid already is set off. [Service.Pay] holds the rest in the books and
// sends it through [Funds]; what became of it is asked for until it is known.
//
// Start with [Service.Draft] and [Service.Submit].
package claim
