// Package invoice issues invoices (發票) and takes them back by red letters: of
// merchants to customers for services, of the platform to merchants for fees, and,
// where the law allows it, self-billed ones. It never changes an invoice: what was
// wrong is reversed and issued anew.
//
//	requested → issuing → issued → red_pending → partly_red → … → red
//	               ↓ ↑                ↓ lapsed, refused: as before
//	             failed → cancelled
//
// What may be invoiced is what was captured and not refunded, less what is
// invoiced already, plus what red letters took back. A [Tally] of each subject
// counts that, so that of racing requests no two get the same money.
//
// # Numbers
//
// An invoice gets its number when it is sent to whoever issues it, the
// [Invoicer]: the next of its series, in the set that marks it as issuing. So a
// series has no holes and no number twice. An invoice that failed keeps its
// number, is tried again under it, and stays listed if it is given up.
//
// # Order of work
//
// As payments: claim (commit) → call (outside any decision) → record (commit).
// The key at the Invoicer is the record's id, always. An answer that did not come
// tells nothing: [Service.Tick] asks, and sends again under the same key what
// never arrived.
//
// # Red letters and refunds
//
// A refund waits for no red letter. [Service.Reconcile] asks for the letters that
// a subject needs; a letter that the other side must confirm may lapse, and is
// asked for again; an imbalance of more than a day is a finding.
//
// Start with [Service.RequestInvoice] and [Service.Tick]. store/sandbox has an
// Invoicer for demos and tests.
package invoice
