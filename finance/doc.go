// Package finance keeps the books of the platform: double entry, in the same
// set of changes as the business fact that is booked, so that no book is ever
// later than its fact (clause 7.1.2).
//
// Other domains hand over what happened and legs by role through one port,
// which [Books] satisfies. Its Post looks the fact up in a table of recipes,
// resolves each role to an account of the chart, and answers with changes: an
// immutable [Posting] (or a [Pending], where money is only set aside), and the
// additions to the accounts' counters. The caller commits them with its own.
//
//	set, err := books.Post(ctx, "order.completed", order.Ref(), now, []platform.Leg{
//		{Role: "escrow", Of: order.ID, Amount: total},
//		{Role: "earning", Of: order.ID, Party: order.Merchant, Amount: earned},
//		{Role: "commission", Amount: fee},
//	})
//
// # Accounts and counters
//
// An account is a role, the order or the party whose it is, and a currency. It
// lives in counters of the store, which are made by their first addition:
//
//	posted:escrow:ord_…/CNY      debits minus credits; all posted together are zero
//	available:escrow:ord_…/CNY   what is free in the account's normal direction, never below zero
//
// Accounts with a floor have both, the others only the first. A hold lowers
// available alone. Escrow, earning and refund_due belong to an order, so that
// nothing can be given back or released twice however many try at once.
//
// # Holds
//
// A hold is settled in whole or in parts, voided, or expires at its due; what is
// settled, freed and still open always make up what was held.
//
// # The ledger's own desk
//
// [Service.Transfer] books linked steps by their recipes, [Service.Batch] many
// groups of them, each with its own outcome and the balances that it left;
// [Service.Reverse] takes a posting back, in whole or in part. What no recipe has
// is a [Journal] that two accountants write. A [Lock] bars an account, and
// [Service.Tick] gives each posting its [Number], without gaps in its month.
//
// # Months
//
// Months are closed one after the other, as [Periods] says. A fact of a domain that
// comes too late is booked in the next open month; what people date back is
// refused. With the numbers, Tick adds each posting to the [Sums] of its month, and
// to those of accounts and parties, from which [Books.TrialBalanceOf] and all
// statements are made; package closing ends months and years by them.
//
// # Not enough
//
// Post reads no balance, only locks of accounts that can have one, and the fence of
// months that may be closed. The store refuses the set that would take an available
// counter below zero, at commit, with ErrState, code floor; the details counter
// and shortage (in minor units) tell which account lacked how much. Such a
// refusal is final: it is neither retried nor clipped. The service's own commands
// say ErrInsufficient in its place.
//
// # Other books
//
// A marketplace that ran elsewhere brings its balances along by
// [Service.OpenAccounts], and what its orders hold by their own take-over: both
// are booked against the account opening.
//
// Start with [Books]; [Verify] proves the books from their own records. What the
// platform takes for its services is priced in package fee.
package finance
