package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"iter"
	"strings"
	"time"

	"github.com/liangding/platform"
)

// Engine is what the adapters under this package offer besides [platform.DB].
type Engine interface {
	platform.DB
	Outbox
	Archive

	// Moment is the store as it is now, however long it is read.
	Moment(ctx context.Context) (Snapshot, error)

	// Tree keeps the audit log's tree beside the records.
	Tree() Tree

	// Sweep forgets answers that were stored before a moment, the oldest first and
	// at most limit of them, and tells how many. A command that comes again under a
	// key that is forgotten is new. Answers that were restored count from then.
	Sweep(ctx context.Context, before time.Time, limit int) (int, error)

	// Stats may be asked for at any time, and waits for nothing.
	Stats() Stats
}

// Snapshot shows one moment of a store. Close frees what holds it.
type Snapshot interface {
	platform.Getter

	// Entries are everything in the store as it lies there, each with what an
	// archive leaves out: counters, the records of each kind in lock order,
	// events, movements counter by counter in the order of their numbers, answers,
	// leaves and hashes of the tree in their order, the events that are not
	// delivered, and the registry of claims. Get and Scan may be called meanwhile.
	// An error ends them.
	Entries(ctx context.Context) iter.Seq2[Entry, error]

	Close() error
}

// Tree is where the audit log's leaves and hashes are kept: the adapter's own
// rows, which never pass Commit. It may be used by several goroutines at once.
type Tree interface {
	// Size is the number of leaves.
	Size(ctx context.Context) (int64, error)

	// Grow appends leaves, named by their events, and the hashes that they add:
	// each leaf's, followed by those of the subtrees that it completes, from the
	// lowest. All are appended or none: it fails with [ErrHead] unless the tree has
	// the given size and none of the leaves.
	Grow(ctx context.Context, size int64, leaves []platform.ID, hashes [][]byte) error

	// Find is the index of each event's leaf, or -1, in the order asked.
	Find(ctx context.Context, events ...platform.ID) ([]int64, error)

	// Leaves are the events of at most limit leaves from the given index on.
	Leaves(ctx context.Context, from int64, limit int) ([]platform.ID, error)

	// Hashes reads stored hashes by their index in storage order. It fails with
	// ErrNotFound beyond the end.
	Hashes(ctx context.Context, at []int64) ([][]byte, error)
}

// ErrHead refuses growth from a size that is no longer the tree's, or a leaf
// that it has already.
var ErrHead = platform.Err(platform.ErrConflict, "tree.head", "the tree has grown meanwhile", "审计树已增长")

// Archive is a store as lines, for backup and restore.
type Archive interface {
	// Lines are everything, as of one moment: the counters, the records of each
	// kind in lock order, the events, the movements, all by id, then answers by
	// scope and name, leaves and hashes of the tree in their order, and the events
	// that are not delivered. Commits go on meanwhile. An error ends them.
	Lines(ctx context.Context) iter.Seq2[Line, error]

	// Load fills an empty store with lines, each as [Kinds.Entry] reads it; claims
	// and indexes are built again. All are loaded or none. It fails with
	// [ErrNotEmpty] when there is anything in the store.
	Load(ctx context.Context, lines iter.Seq2[Line, error]) error
}

// Refusals of an archive: to restore over what is there, and to write what
// nobody could read again.
var (
	ErrNotEmpty   = platform.Err(platform.ErrState, "backup.not_empty", "the store is not empty", "存储非空")
	ErrUnreadable = platform.Err(platform.ErrUnavailable, "backup.unreadable", "something in the store cannot be read; verify tells what", "存储中有无法读取的内容，请运行校验")
)

// Line is one line of an archive: a record, counter or movement, a stored
// answer, a leaf or a hash of the audit tree, or an undelivered event.
type Line struct {
	Kind    string           `json:"kind,omitempty"`
	ID      platform.ID      `json:"id,omitempty"`
	Version int64            `json:"version,omitempty"`
	Schema  int              `json:"schema,omitempty"`
	Doc     json.RawMessage  `json:"doc,omitempty"`
	Key     *platform.Key    `json:"key,omitempty"`
	Answer  *platform.Answer `json:"answer,omitempty"`
	Leaf    platform.ID      `json:"leaf,omitempty"`
	Hash    []byte           `json:"hash,omitempty"`
	Pending platform.ID      `json:"pending,omitempty"`
}

// Table is the name of a kind's table: its own, with "_" for ".".
func Table(kind string) string { return strings.ReplaceAll(kind, ".", "_") }

// CounterUUID is how a durable engine names a counter in 16 bytes: a UUIDv8 cut
// from SHA-256 of its name and unit, with its slot in the place of a record's.
// The layout is frozen.
func CounterUUID(counter platform.Ref) (u [16]byte) {
	sum := sha256.Sum256([]byte(counter.ID))
	copy(u[:], sum[:])
	slot := counter.ID.Slot()
	u[6], u[7] = 8<<4|byte(slot>>8), byte(slot)
	u[8] = u[8]&0x3f | 0x80
	return u
}
