// Package staff keeps the people who carry out services: what they can do,
// where and when they work, and what they are booked for. It decides who may
// take a piece of work.
//
// Begin with [Service.Hire] and [Service.Publish]; the decision itself is
// [Dispatchable], a pure function that answers every reason against. [Members]
// is the port through which order/dispatch asks who is on duty and books them.
//
// A member's booked time lies in one [BookingDay] for each local day. Whoever
// books replaces that record, so two orders never book one member for
// overlapping time, however many try at once.
package staff
