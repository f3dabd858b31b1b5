// Package order carries a service order from placing to closing: what was agreed
// and is frozen, the work, the money that the order answers for, cancellation
// and refunds. Payments, books, dispatch and catalogue are others' affairs and
// come in through [Ports]; what the order wants of them joins its own commit.
//
// Begin with [Service.Quote] and [Service.Place]; the payments then call
// [Payable.Secured], the dispatch [Seats.Fill], and [Service.Tick] does what
// happens by itself. The example of the package runs one order through.
//
// Two axes are never mixed: the [State] says how far the work is,
// [Mirrors.Payment] how the money reads. What cannot happen is not in this
// table; each row names who may take it.
//
//	place     new → awaiting_payment; customer operator
//	take_over new stays; operator
//	secure    awaiting_payment → confirmed; system
//	expire    awaiting_payment → expired; system
//	clear     awaiting_payment stays; operator
//	reject    awaiting_payment → declined; operator
//	confirm   confirmed stays; merchant
//	decline   confirmed → declined; merchant system
//	staff     confirmed → assigned; system
//	unstaff   confirmed assigned → confirmed; system
//	start     confirmed assigned → in_progress; staff merchant
//	deliver   in_progress rework → delivered; staff merchant
//	complete  confirmed assigned in_progress rework → completed; staff merchant
//	accept    delivered → completed; customer system
//	rework    delivered → rework; customer
//	change    confirmed assigned in_progress stays; customer merchant operator
//	cancel    awaiting_payment confirmed assigned in_progress → cancelled; customer merchant operator system
//	cancel    delivered rework → cancelled; operator
//	miss      assigned → cancelled; staff operator
//	waive     cancelled stays; merchant operator
//	tip       delivered rework completed stays; customer operator
//	refund    confirmed assigned in_progress delivered rework completed closed declined cancelled stays; customer merchant operator system
//	close     completed → closed; system
//	close     cancelled stays; system
//
// An order that another system has carried so far comes in the state that it had
// there, see [Service.TakeOver].
//
// A refund is a record of its own, reserved on its order until it ends:
//
//	request   new → requested; customer merchant operator system
//	approve   requested → approved; merchant operator system
//	reject    requested → rejected; merchant operator
//	withdraw  requested approved → cancelled; customer merchant operator system
//	send      approved failed → processing; system
//	succeed   approved processing failed → succeeded; system
//	fail      approved processing → failed; system
//
// A change is proposed at the price that [Service.QuoteChange] showed, and leaves
// the order as it is until everybody has agreed and what it costs more is there:
//
//	propose   new → priced; customer merchant operator
//	agree     priced stays; customer merchant
//	approve   priced → approved; customer merchant
//	reject    priced → rejected; customer merchant
//	apply     approved → applied; system
//	fail      approved → failed; system
//	withdraw  priced approved → withdrawn; customer merchant operator
//	expire    priced approved → expired; system
//
// What a cancellation costs is a policy, of which an order keeps the version that
// was in force when it was placed:
//
//	draft     new → draft; operator
//	publish   draft → published; operator
//	discard   draft → discarded; operator
//
// A tip is paid beside the order, and passes through to those who did the work:
//
//	ask       new → asked; customer operator
//	receive   asked → received; system
//	expire    asked → expired; system
//	release   received → released; system
//	refund    received released → refunding; operator
//	refunded  refunding → refunded; system
package order
