// Package reconciliation compares the books with what institutions and banks say
// (clauses 6.3.2, 7.1.2): the account clearing, or bank, entry by entry with the
// lines of their statements.
//
// # A day
//
//	statement → run → cases → postings
//
// A [Statement] is the day of one account at an institution, as the institution
// hands it out ([Service.Fetch]) or as a file ([Service.Import]). It is immutable
// and comes in once. [Service.Reconcile] compares its lines, and what was left
// open before, with what the books have new:
//
//	1  our key: the record that the operation belongs to
//	2  the institution's reference
//	3  kind, amount and currency within three days, where there is one of it on both sides
//	4  a batch: lines that make up one transfer
//	5  what is open since a week at most, and what a case was resolved by
//	6  fees that differ by a cent or a thousandth: the difference is booked
//
// A pass never opens what an earlier one matched, and what is ambiguous is left
// to a person. Every line and every entry has its place in a [Row] of the [Run].
// A line and an entry near the end of their day wait, as timing, for the other
// side; any other difference is a [Case] with an owner, a due and a proposal,
// which a person resolves by a posting.
//
// # Proof
//
// For each currency, what the books have less the entries that are open is what
// the institution has less the lines that are open: [Proof]. [Verify] recomputes
// it (V7).
//
// # What it costs
//
// Both sides are streamed and held by key only while the other side is missing,
// so memory grows with what is open and not with what is compared. The same
// statements and books give the same rows, to the byte: [Run.Digest].
//
// Start with [Service.Import] and [Service.Reconcile].
package reconciliation
