// Package payment brings money in and gives it back. An [Intent] says what is
// asked for a subject, an order say; an [Attempt] is one try of a payer to pay
// it, or any other money that came; a [Return] is money on its way back. The
// institution that moves the money is behind [Gateway].
//
// # Order of work
//
// What an institution does cannot be undone by a rollback. So every call is
// three steps: claim (commit) → call (outside any decision) → record (commit).
// The claim holds the key under which the institution knows the call, which is
// the id of the attempt or of the return. A crash at any point leaves a record
// that is sent; [Service.Tick] asks the institution about it. An outcome that is
// not known is a state, unknown, that only the institution's word ends: it is
// never taken for a failure, and nothing is tried again under another key.
//
//	sent → captured | failed | requires_action | unknown
//	unknown: asked after 5 s, 15 s, 1 m, 5 m, 15 m, then hourly; after 24 h a person decides
//
// Money that comes and finds nobody to take it (the order is at an end, or paid
// already) is surplus: it is booked and given back by itself. An amount other
// than the one tried is quarantined until an operator resolves it.
//
// Where the institution is an [Authorizer] and Options.Later says so, money is
// only held until [Asks.Capture]: each part that is captured is an attempt of its
// own, and what is not captured is let go of.
//
//	sent → authorized → released
//	             └ a capture: sent → captured | failed | unknown
//
// Money that a payer's bank takes back is a [Chargeback]: booked as gone and held
// against those who bear it, answered through a [Disputer] or by an operator, and
// settled or freed by the bank's decision.
//
// Which institution gets a payment is decided when it is claimed and never after:
// by the record of its licence ([Institution]), by [Route], and by how calls to it
// went lately ([Health]). What no reconciler can end waits in [Service.Queue].
//
// Money goes back where it came from: to the payer through the institution that
// took it, and to the platform what the platform paid by [Service.Promote]. A
// return in part is shared between the two as they paid.
//
// # Funds
//
// Until money is theirs who earn it, it is in one of two places ([FundsMode]): with
// the platform, which needs a licence of its own or another legal basis for that,
// or at the institution, on their own accounts. There [Splits] stands before the
// books: what an order lets parties earn is planned as a [Sharing] in the order's
// own set, and Tick hands it on by a [Splitter]. A share that a refund takes comes
// back as a sharing of its own, before the refund or after it, as the institution
// has it; when the refund fails in the end, the share goes out again. Each way the
// books move it between the clearing accounts of the platform and of the party.
//
//	planned → sent → done | failed → sent … → manual
//	in dispute: planned → frozen, 30 days before the institution lets go by itself
//	a share that does not come back: manual → owed, a debt of its receiver
//
// To whom shares go, an institution is told before ([Service.Onboard],
// [Service.AddRecipient]).
//
// # Start
//
// [Service.Pay] pays an intent, [Service.Receive] takes an institution's notice,
// [Service.Tick] does what is due. Other domains ask for money, cancel and give
// back through [Asks], whose changes join their own set. store/sandbox is an
// institution for demos and tests.
package payment
