// Package supervision watches over receipts, payments and the use of funds, has
// what is wrong put right, and serves the auditors who come from outside (clauses
// 7.2.3, 7.3.1 to 7.3.3).
//
// # Controls
//
// A [Control] is a question that is asked again and again: was somebody paid
// twice, did one person ask and pay, does money lie on suspense for days. It is a
// pure function of the facts of a window, which other rooms hand out page by page
// through a [Source]. [Service.Tick] runs the controls at their hour, by day or on
// the first workday of a month, from where each left off; [Service.RunControl]
// runs one now. Each time leaves a [Run], with its version and measures, even
// without a hit; that a control did not run is a finding of its own. A hit that is
// known and unchanged is told of once.
//
//	C1 duplicate payment   C4 unusual      C7 account changes      C10 budget
//	C2 segregation         C5 stale        C8 completeness         C11 structure
//	C3 split               C6 unreconciled C9 dormant and frozen   C12 given up
//
// # Findings
//
// Hits on one object are one [Finding]. Its owner plans and fixes it, in 7, 30 or
// 90 days by its severity; a supervisor who is neither its owner nor who fixed it
// verifies it, after the control was asked again and found nothing. What is late
// climbs: to risk, and then to the director. The same within half a year is worse.
// Who did wrong wilfully or again is referred to those who judge people, and the
// outcome is linked. Other rooms raise findings through [Findings].
//
// # Audits from outside
//
// An [Engagement] goes from its plan to an opinion. Auditors are admitted for a
// time; they read records masked, each read an event, and change nothing: their
// [Adjustment] is a proposal that an accountant books. A [Sample] is drawn by a
// seed that follows from a month's close and the auditor's nonce, and is published
// first, so that neither side can choose and both can draw again ([Select]). A
// pack ([Service.MakePack]) is JSON Lines and a manifest, which [CheckPack] checks
// without the platform. What an audit relies on stays closed: [Cutoffs].
//
// # Who supervises
//
// Operators with the role [Supervisor] do, and none of their roles books, approves
// or pays.
package supervision
