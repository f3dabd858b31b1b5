// Package audit keeps the event log from being rewritten: every event is a leaf
// of a Merkle tree (RFC 6962), a signed checkpoint says which tree that is, and
// anybody with the public key can verify an event, or the whole log, without
// trusting the platform.
//
// Begin with [New]: the log is a sink of the relay. [Log.Checkpoint] signs,
// [Log.Receipt] proves one event, [Receipt.Verify] and [Verify] check offline.
//
// The window between the commit of an event and its leaf is the limit of the
// evidence; it is as long as the relay's round.
package audit
