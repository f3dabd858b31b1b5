// Package merchant decides who may sell on the platform, under which agreement,
// and what: applications (clauses 3.1.1, 3.1.2), agreements (3.1.3) and
// listings with their review (2.2.2).
//
// An [Application] reserves the id of the merchant that it may become. When an
// operator approves it, the [Merchant] and the [Agreement] offered to it come
// into being in the same set; the merchant signs and, once nothing that blocks
// is missing, is active. An active merchant drafts a [Revision] of a [Listing];
// a reviewer approves it and it goes live in the place of the former one, which
// nothing else ever takes down.
//
// Start with [Service.Apply] and [Service.NewDraft]; the examples run both ways
// to their end. Other domains ask through [Catalogue], which pins what is sold,
// and [Standing], which tells whether a merchant may sell.
//
// # Who may act
//
// A merchant is an actor of kind platform.Merchant whose For() is the merchant's
// id; before there is one, whose For() is who applied. Its own records are all
// that it finds. Operators, auditors and the system find every record, and the
// transition tables say which moves are theirs. Nobody decides on what they
// entered, introduced or own.
//
// # Personal data
//
// A trade name is public. Legal name, licence number and contact are sealed by
// the [platform.Sealer] before they are stored; two applications with one
// licence are told by its blind index alone. Without a sealer these fields are
// refused.
package merchant
