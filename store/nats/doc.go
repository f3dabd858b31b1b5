// Package nats hands events to NATS JetStream, each in the envelope of
// CloudEvents. A [Sink] is a sink of a store's relay, which keeps and repeats
// what the broker did not take. Begin with [New] and [Sink.Ensure].
//
// # Subjects
//
// An event goes to platform.GROUP.TYPE: the prefix, a group of 256 slots as two
// digits from 00 to 15, and the event's type, as in platform.07.order.completed.
// All events of a record, and of what belongs to it, are in one group; so
// platform.*.order.> are all events of orders, and platform.07.> a sixteenth of
// everything, for one of several streams or consumers. What may not stand in a
// subject is percent-encoded, and an empty token is written %; the envelope has
// the type as it is.
//
// Whoever connects must be allowed to publish to platform.> and to subscribe to
// the inbox, and for Ensure to publish to $JS.API.STREAM.>: what is forbidden is
// not answered.
//
// # What an acknowledgement is worth
//
// The relay forgets an event once the broker has acknowledged it. By default a
// JetStream server acknowledges what it has written but not yet synced to disk,
// which it does every two minutes: what lies between is lost with the power, and
// with all servers of a cluster if they lose it together. Every server needs
//
//	jetstream {
//	  sync_interval: always
//	}
//
// [Sink.Ensure] warns unless it sees that. A server that stands alone then syncs
// message by message, as fast as its disk can; three replicas sync many at once.
// The broker is never the source of truth: what was lost in it is still in the
// event log.
//
// # Consumers
//
// Each event arrives at least once, under its id (Nats-Msg-Id, and id in the
// envelope). The broker drops a repeat that comes within the stream's window for
// duplicates, which spares work and proves nothing: the relay may repeat an event
// days later, and a consumer may be handed a message twice. A consumer therefore
// acts under [store.Inbox] and acknowledges afterwards; the example shows it.
//
// Events of one subject are ordered by subjectversion in the envelope, not by
// arrival.
package nats
