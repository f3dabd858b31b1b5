package audit

import (
	"errors"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
)

// Leaf is a leaf of the log as it was stored.
type Leaf struct {
	Event platform.ID
	Hash  []byte
}

// Archive is the log outside its store, as a backup has it.
type Archive struct {
	Events iter.Seq2[platform.Event, error] // by id
	Leaves iter.Seq2[Leaf, error]           // in the order of the log
}

// Verify checks the archive against a checkpoint with nothing but the public key,
// as [Verify] does, and each leaf behind the checkpoint against its event. When
// it fails with ErrProof, the report names the first leaf that is wrong; none, if
// all leaves are what their events say and the tree is another one.
//
// It reads both once. Memory grows with the logarithm of the events, and with how
// many of them are not where their ids would have them: 48 bytes for each that
// the log has later, or not at all.
func (a Archive) Verify(signed Checkpoint, public note.Verifier) (Report, error) {
	head, err := signed.Open(public)
	if err != nil {
		return Report{}, err
	}
	next, stop := iter.Pull2(a.Events)
	defer stop()
	m := merge{next: next, hasher: newHasher(), ahead: map[platform.ID]tlog.Hash{}}
	var t roots
	root := t.root()
	for leaf, err := range a.Leaves {
		if err != nil {
			return Report{Events: t.size}, err
		}
		hash, there, err := m.take(leaf.Event)
		if err != nil {
			return Report{Events: t.size}, err
		}
		if !there || string(leaf.Hash) != string(hash[:]) {
			fault := &Fault{Index: t.size, Event: leaf.Event, Missing: !there}
			return Report{Events: t.size, Fault: fault}, fmt.Errorf("event %s at %d of %d: %w", leaf.Event, t.size, head.Size, ErrProof)
		}
		if t.add(hash, nil); t.size == head.Size {
			root = t.root()
		}
	}
	if err := m.rest(); err != nil {
		return Report{Events: t.size}, err
	}
	report := Report{Events: min(t.size, head.Size), Root: root, After: max(0, t.size-head.Size), Unlogged: m.read - t.size}
	if t.size < head.Size || root != head.Root {
		return report, fmt.Errorf("%d events against a checkpoint of %d: %w", t.size, head.Size, ErrProof)
	}
	return report, nil
}

// merge brings events that come by id into the order of the leaves.
type merge struct {
	next   func() (platform.Event, error, bool)
	hasher *hasher
	last   platform.ID // that was read
	read   int64
	ended  bool
	ahead  map[platform.ID]tlog.Hash // read, and not taken yet
}

// take is the hash of an event, if it is there. It reads no further than where
// the event would be.
func (m *merge) take(id platform.ID) (tlog.Hash, bool, error) {
	for m.last < id && !m.ended {
		if err := m.one(); err != nil {
			return tlog.Hash{}, false, err
		}
	}
	hash, there := m.ahead[id]
	delete(m.ahead, id)
	return hash, there, nil
}

func (m *merge) one() error {
	e, err, more := m.next()
	if err != nil || !more {
		m.ended = true
		return err
	}
	if m.read > 0 && e.ID <= m.last {
		return fmt.Errorf("event %s after %s: %w", e.ID, m.last, ErrProof)
	}
	hash, err := m.hasher.leaf(e)
	if err != nil && !errors.Is(err, ErrLeaf) {
		return err
	}
	m.last, m.read, m.ahead[e.ID] = e.ID, m.read+1, hash // of what cannot be a leaf, that of none
	return nil
}

// rest reads on to the end.
func (m *merge) rest() error {
	for !m.ended {
		if err := m.one(); err != nil {
			return err
		}
		delete(m.ahead, m.last)
	}
	return nil
}
