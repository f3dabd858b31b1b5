// Package receivable follows what is owed to the platform until it is paid or
// given up (clause 7.1.3, 催收).
//
// An [Item] is one claim on one debtor. It arises once from its source: an
// invoice that is due, a balance below zero, a chargeback that was lost, damage.
// Money covers claims, the oldest due first unless its payer names one, and what
// is over waits for the payer's next claim; see [Receipt]. All that one party
// owes is decided on together, behind its [Debtor], so that a payment and a
// dunning step never pass each other.
//
// # Dunning
//
//	open → partly_paid → paid
//	open, partly_paid ⇄ promised
//	open, partly_paid → written_off → recovered
//
// Each claim climbs the ladder of [Terms]: a level is reached so many days after
// the claim was due, once, and only while nobody disputes or has promised what is
// left. A level asks a fee, bars capabilities through [Standing], sets off what
// the platform owes the debtor, and opens tasks for people. All steps of a day
// are told in one [Letter]. What is asked on top, fee and interest, is no claim
// of the books: it is booked when somebody pays it, and let go when the claim is
// paid without.
//
// # Expected loss
//
// [Service.Ageing] sorts what is open by how long it is overdue. At the end of
// each month an [Allowance] of each portfolio is brought to what the rates in
// force expect to be lost, by the difference alone.
//
// # Start
//
// [Service.Arise] and [Service.Receive] are the daily business, [Service.Tick]
// does the rest. Other domains make claims in their own commits through [Claims],
// and ask by [Debts] what a party owes.
package receivable
