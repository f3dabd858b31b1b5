// Package access says who may do what, and why (clauses 2.2.1, 6.2.2).
//
// [Rules] say what a role may do: which commands, on which kinds of record, which
// fields it sees, for which purposes and in which view. [Rules.Compile] checks
// them and builds a [Policy], which decides by a few look-ups and explains each
// decision. A [Grant] gives an account a role, for a time: one person proposes it
// and another puts it in force, and every 90 days a [Campaign] asks whether it is
// still needed. A [Break] is emergency access to a few fields of one record.
//
// [Service] keeps all of these and is the [platform.Guard] of every command. The
// domains' own rules of state and ownership hold beside it: it narrows, and never
// widens. Begin with [New] and [Service.Bootstrap]; for fixed roles alone,
// [Standard] and [Rules.Compile] are enough.
//
// # Who may act
//
// Operators give the commands, as far as their roles permit; operators, auditors
// and the system read. For others there is nothing.
package access
