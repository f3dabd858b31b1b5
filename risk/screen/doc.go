// Package screen judges money commands before they happen (clause 6.3.1): a
// [Ruleset] of amount and velocity rules makes a [Decision] of one of four
// outcomes, allow < step_up < review < block, with its reasons.
//
// Load rules with [Load], or start from [Standard]; then [Service.Screen] is the
// port that order and finance/payment call once before they decide. Its changes
// hold the decision, which is stored in the caller's own set. A repeat of the
// same event id gets the stored decision and counts nothing.
//
// # Windows
//
// Velocity rules look at a customer's attempts of one event type. The newest 32
// are kept exactly, in event time, and an attempt counts when it is screened,
// whatever becomes of it. To count and to read is one critical section per
// customer and type, so of N attempts at once exactly as many pass as a limit
// allows.
//
// On first use of a key its window is read back from the stored decisions
// (index by customer, type and moment), so a restart loses only attempts whose
// set was never committed. Several processes are each exact for the customers
// that are routed to them; another process's attempts are seen when a key is
// first used.
//
// # What cannot be known
//
// Missing is not zero: a rule whose feature or limit is missing is unknown, and
// the [Policy] of the event type says what follows.
package screen
