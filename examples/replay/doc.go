// Replay reads the records of a real marketplace and drives them through the
// public API of the platform on a virtual clock: sellers become merchants,
// products listings, and each order is placed, paid, started, delivered,
// reviewed or cancelled at its own moments.
//
//	go run ./examples/replay -data DIR [-json FILE]
//
// DIR holds the files of the public Olist dataset, olist_*_dataset.csv or
// .csv.gz, as they were published or as spreadsheets re-wrote them.
//
// Memory is spent for speed; GOGC=100 halves both.
//
// # Rules
//
// What the records say that cannot be is a [Finding], with one of the codes in
// findings.go; nothing is put right silently and nothing stops the run. Where
// the records are silent these rules hold:
//
//   - moments are UTC; a step comes at its own moment, but not before the step
//     that it needs
//   - an order with items of k sellers is k orders of one checkout; a review is
//     of the first of them
//   - a seller without a won lead applies, and is admitted, just before its
//     first order
//   - there is one listing for each product, seller and price
//   - payments are captured at the moment of approval; payments that were never
//     approved are not played
//   - a customer accepts what it received when it receives it
//   - a cancellation has no moment of its own: it comes at the last that the
//     order has, by an operator and without a fee, since nobody is named
//   - money beyond the price, and money for an order without items, goes back
//   - a merchant who has earned 300 tells where its money goes, and is settled
//     weekly: by statements, with 5 % in reserve for a month, and payouts that one
//     person approves, large ones two
//   - the institution's statement of each day is compared with the books the day
//     after; by seed it has differences, and somebody gives money back or sends some
//     at the institution itself. What is found is resolved at once
//   - orders whose records stop short stay where they are; one that was never
//     paid expires after 60 days
package main
