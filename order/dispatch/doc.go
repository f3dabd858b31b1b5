// Package dispatch finds who carries out which order. It gathers what is known
// into a [Snapshot], plans purely ([Policy.Plan]), offers each pair in a commit
// of its own, and lets members accept or decline.
//
// A plan is advice; the commit decides. Whoever accepts replaces the order, whose
// seat names the winner, and the booking days of the member, so that of many
// who accept one seat one gets it, and of many orders that want one hour of a
// member one gets that.
//
// Begin with [Service.DispatchOrder] and [Service.Accept]; [Plan.Explain] tells
// why it was this member and not another. What happens by itself, an offer that
// nobody answers and the round after it, happens in [Service.Tick], and what an
// order does shows in its assignments once the relay hands its events to
// [Service.Publish]. For both the platform itself gives commands of its own,
// dispatch.expire, dispatch.look, dispatch.conclude and dispatch.follow, which a
// guard must allow to the system.
package dispatch
