package platform

import "context"

// Op is what a change does to a record.
type Op uint8

// The operations of a set; see [Committer] for what each demands.
const (
	Create  Op = iota + 1 // the record must not exist, and its claims must be free
	Replace               // the record must still be at Version
	Check                 // as Replace, and nothing is written
	Append                // joins the log of events
	Add                   // Delta joins the counter, which must not fall below Floor
	Delete                // the record at Version goes, with its claims
)

// Change is one step of a set. Make it with [Put], [Unchanged], [Remove],
// [Delta] or [Happened] rather than by hand.
type Change struct {
	Op      Op
	Ref     Ref
	Version int64  // Replace, Check, Delete: the version that was read
	Value   any    // Create, Replace: the document; Append: the Event
	Delta   int64  // Add
	Floor   *int64 // Add: nil for none
	Cause   Ref    // Add: what the movement is for, a posting for instance
}

// Stored is a record that a store keeps. Embed [Head] for all but Ref.
type Stored interface {
	Ref() Ref
	Revision() int64 // the version read; 0 before it was ever stored
}

// Head is what every record begins with: its id, and the version at which it
// was read, which lives outside the document.
type Head struct {
	ID      ID    `json:"id" class:"internal"`
	Version int64 `json:"-"`
}

// Revision is the version at which the record was read; 0 for a new one.
func (h Head) Revision() int64 { return h.Version }

// Receive notes the version that a commit gave the record.
func (h *Head) Receive(r Receipt) {
	for _, v := range r.Versions {
		if v.Ref.ID == h.ID {
			h.Version = v.Version
		}
	}
}

func (h *Head) readAt(version int64) { h.Version = version }

// Put writes the record: it is created if it was never stored, and otherwise
// replaced at the version read.
func Put(v Stored) Change {
	if v.Revision() == 0 {
		return Change{Op: Create, Ref: v.Ref(), Value: v}
	}
	return Change{Op: Replace, Ref: v.Ref(), Version: v.Revision(), Value: v}
}

// Unchanged demands that the record, on which a decision relies, is still as it
// was read when the set commits.
func Unchanged(v Stored) Change {
	return Change{Op: Check, Ref: v.Ref(), Version: v.Revision()}
}

// Remove deletes the record and frees its claims.
func Remove(v Stored) Change {
	return Change{Op: Delete, Ref: v.Ref(), Version: v.Revision()}
}

// Delta adds n to a counter; the movement names its cause. A counter that was
// never added to counts as 0. Adding never conflicts.
func Delta(counter Ref, n int64, cause Ref) Change {
	return Change{Op: Add, Ref: counter, Delta: n, Cause: cause}
}

// Above gives an addition a floor: a negative delta that would leave the
// counter below it fails with ErrState, code floor. A positive one never fails.
func (c Change) Above(floor int64) Change {
	c.Floor = &floor
	return c
}

// Set is all changes of one command, with the key under which it happens once.
type Set struct {
	Key     Key    // zero: none
	Answer  Answer // stored under Key
	Changes []Change
}

// Answer is what a command answered, as stored under its key.
type Answer struct {
	Digest  []byte  // of the command; another digest under the same key is key.reused
	Body    []byte  // JSON
	Receipt Receipt // of the commit
}

// Receipt tells what a commit did.
type Receipt struct {
	Versions []Version // of records written, in the order of the set
	Counters []Count   // after each addition, in the order of the set
	Answer   *Answer   // the stored answer, when the key is a repeat: nothing was written
}

// Version is a record's version after a commit.
type Version struct {
	Ref     Ref   `json:"ref"`
	Version int64 `json:"version"`
}

// Count is a counter after an addition: its value and the number of movements
// so far, without gaps.
type Count struct {
	Ref   Ref   `json:"ref" class:"internal"`
	Value int64 `json:"value" class:"internal"`
	Seq   int64 `json:"seq" class:"internal"`
}

// Committer makes sets durable.
type Committer interface {
	// Commit makes all changes or none, in one call, durable when it returns
	// nil. No reader ever sees half a set. A set has at least one event, no
	// record twice, and 1 to 10,000 changes.
	//
	// It fails with ErrConflict (codes stale, exists, taken) when a record is
	// no longer as it was read, with ErrState (code floor) when a counter would
	// fall too low, with ErrInvalid for a set that is malformed or a key reused
	// for another command, and with ErrUnavailable, code unknown, when only a
	// repeat under the same key can tell whether it happened.
	Commit(ctx context.Context, set Set) (Receipt, error)

	// Recall is the stored answer of a key, or ErrNotFound.
	Recall(ctx context.Context, key Key) (Answer, error)
}

// DB is what an engine offers; everything else is built on it once. It may be
// used by several goroutines at once, and serves one tenant.
type DB interface {
	// Get reads the newest committed records, in the order asked, in one trip.
	// When any is missing it fails with ErrNotFound naming the first, and still
	// returns the others.
	Get(ctx context.Context, refs ...Ref) ([]Record, error)

	// Scan reads a page of one index of one kind. Its result is a hint: a
	// decision that relies on a record reads it again by Get.
	Scan(ctx context.Context, q Query) (Page[Record], error)

	Committer

	// Close refuses new calls and lets those under way finish. A second call
	// returns nil.
	Close() error
}
