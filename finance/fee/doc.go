// Package fee is what the platform takes for its services, by schedules that
// everybody can read beforehand.
//
// A [Schedule] is one version of a tariff: components (commission, payment fee,
// a service fee of the customer, placement …), each an ordered list of rules of
// which the first that matches decides. [Schedule.Quote] is a pure function of
// schedule and [Facts]: the same facts give the same [Statement], byte for byte,
// and [Statement.Explain] tells it in words.
//
// One operator drafts a version, another publishes it, at least seven days before
// it starts; from then on it never changes. Versions of one name and currency
// follow each other on their [Course] without overlap or gap, and the last goes on
// until there is another. A merchant has the standard schedule until the one
// starts that its [Binding] names; [Service.Preview] tells what a draft would have meant to each.
//
//	doc, checks, err := fee.Quotes{Store: fee.StoreOn(db)}.Quote(ctx, merchant, now, lines, seen)
//
// An order keeps the statement that it was placed under. What it is charged and
// given back is decided by that, whatever is published later.
//
// Start with [Schedule.Quote] and [Service.Publish].
package fee
