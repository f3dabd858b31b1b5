// Package settlement tells merchants, staff and employees what they have earned,
// and pays it out. It stands on the books: what is owed to a party is the account
// payable, and nothing else says how much.
//
// # Statements
//
// A party has an [Account] in each currency: where its money goes, and how often
// it is settled. With it begins a chain of statements, each with the entries that
// were booked in its window:
//
//	open → cut → confirmed | queried → confirmed
//
// Opening and the entries make up the closing, to the minor unit, and the closing
// is the next opening. A statement keeps the numbers of its first and last entry
// and the sums by kind of fact; [Service.Lines] pages the entries from the ledger,
// where they never change. A statement that its party does not question for three
// days is confirmed. What turns out wrong is righted in the next one.
//
// # Payouts
//
// A [Run] plans one payout for each party that has something coming: what is free
// on payable, and at most what the last confirmed statement says. Debts to the
// platform are set off first. Two operators at least have a part in every payout;
// above the limits of [Terms], three.
//
//	review → planned → approved → sending → paid → returned
//	                             ↘ unknown, manual ↗ ↘ failed
//
// Sending holds the amount in the books before the institution is called, under
// the payout's id as key, and never under another. The hold ends with the
// institution's word alone: what nobody knows is asked about on a ladder, and
// after a day a person looks; what a bank takes its time with, after a week. A payout that comes back is booked back, and its
// account is not paid to until it was verified anew.
//
// Where no institution pays out, the payouts of a run go to the bank in a [File]
// that one operator drafts and another releases.
//
// Of what natural persons are paid, tax is kept back by the table of [Terms].Taxes:
// in the hold of the payout, beside its amount, so that what fails or comes back owes
// none. What a month's payouts owe they owe together. The statement tells it.
//
// # Reserves
//
// [Reserving] stands between orders and the books and keeps a share of what an
// order brings its merchant until its term is over; Tick releases it.
//
// Start with [Service.Register], [Service.StartRun] and [Service.Purse]; [Verify]
// proves payouts against holds and statements against the ledger.
package settlement
