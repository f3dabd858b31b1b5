// Package audit keeps the event log from being rewritten: every event is a leaf
// of a Merkle tree (RFC 6962), a signed checkpoint says which tree that is, and
// anybody with the public key can verify an event, or the whole log, without
// trusting the platform.
//
// Begin with [New]: the log is a sink of the relay, and [Log.Tick] signs what a
// round of it has added. [Log.Receipt] proves one event; [Receipt.Verify], [Verify]
// and [Archive.Verify] check offline. A log that is not the one signed before is a
// [ForkError] until somebody answers for it by [Log.Acknowledge].
//
// The window between the commit of an event and its leaf is the limit of the
// evidence; it is as long as the relay's round, and Options.Window measures it.
package audit
