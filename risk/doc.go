// Package risk watches figures and calls people when one leaves its bounds
// (clauses 8.3.1, 8.3.2).
//
// An [Indicator] says which metric is watched, from where on it is a warning or
// critical, and from where on it is safe again. [Indicator.Step] is the whole
// decision, pure: a [Condition], a [Sample] and a moment give the next
// condition. [Service.Tick] samples every indicator once a period, keeps its
// condition in a [Gauge], and raises, lifts or ends an [Alert] in the same
// commit, so that N ticks at once raise one. An alert names whom it calls; the
// [Notifier] is told outside of any commit, at least once under one key.
//
// Start with [New] and [Service.Tick]. [Counts] measures ratios of two types of
// event from the log.
//
// # Who may act
//
// Operators acknowledge and end alerts; operators, auditors and the system read
// them. For others there are none.
package risk
