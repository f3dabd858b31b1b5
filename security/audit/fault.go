package audit

import (
	"context"
	"encoding/json"
	"errors"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
)

// Fault is a leaf of the log whose event is not there, or is not what the leaf
// says.
type Fault struct {
	Index   int64       `json:"index"`
	Event   platform.ID `json:"event"`
	Missing bool        `json:"missing,omitempty"`
}

// Faults are all of them, told one by one: what to look at when [Verify] has
// failed. If there are none, what was altered is the tree and not the log. It
// reads everything, a page at a time. An error ends it.
func (l *Log) Faults(ctx context.Context, db platform.Getter) iter.Seq2[Fault, error] {
	return func(yield func(Fault, error) bool) {
		hasher := newHasher()
		for from := int64(0); ; {
			ids, err := l.tree.Leaves(ctx, from, pageSize)
			if err == nil && len(ids) == 0 {
				return
			}
			var faults []Fault
			if err == nil {
				faults, err = l.faults(ctx, db, hasher, from, ids)
			}
			if err != nil {
				yield(Fault{}, err)
				return
			}
			for _, f := range faults {
				if !yield(f, nil) {
					return
				}
			}
			from += int64(len(ids))
		}
	}
}

// faults are those of a page of leaves.
func (l *Log) faults(ctx context.Context, db platform.Getter, hasher *hasher, from int64, ids []platform.ID) ([]Fault, error) {
	leaves, err := l.leaves(ctx, from, int64(len(ids)))
	if err != nil {
		return nil, err
	}
	var refs []platform.Ref
	for _, id := range ids {
		if _, err := platform.ParseID(string(id)); err == nil { // a malformed one names nothing
			refs = append(refs, platform.Ref{Kind: "event", ID: id})
		}
	}
	found, err := platform.Lookup(ctx, db, refs...)
	if err != nil {
		return nil, err
	}
	var faults []Fault
	for i, id := range ids {
		var e platform.Event
		record, there := found[platform.Ref{Kind: "event", ID: id}]
		if there && json.Unmarshal(record.Doc, &e) == nil && e.ID == id {
			if hash, err := hasher.leaf(e); err == nil && hash == leaves[i] {
				continue
			}
		}
		faults = append(faults, Fault{Index: from + int64(i), Event: id, Missing: !there})
	}
	return faults, nil
}

// leaves are the hashes of n leaves.
func (l *Log) leaves(ctx context.Context, from, n int64) ([]tlog.Hash, error) {
	at := make([]int64, n)
	for i := range at {
		at[i] = tlog.StoredHashIndex(0, from+int64(i))
	}
	return reader(ctx, l.tree).ReadHashes(at)
}

// Find is the index of the first event that is missing or not what its leaf
// says, or -1 when there is none: where to look after [Verify] has failed. Events
// after the last leaf are not looked at.
func (l *Log) Find(ctx context.Context, events iter.Seq2[platform.Event, error]) (int64, error) {
	size, err := l.tree.Size(ctx)
	if err != nil {
		return -1, err
	}
	index, hasher := int64(0), newHasher()
	var leaves []tlog.Hash
	for e, err := range events {
		if index == size {
			return -1, nil
		}
		if errors.Is(err, platform.ErrNotFound) {
			return index, nil
		}
		if err != nil {
			return -1, err
		}
		if len(leaves) == 0 {
			if leaves, err = l.leaves(ctx, index, min(pageSize, size-index)); err != nil {
				return -1, err
			}
		}
		if hash, err := hasher.leaf(e); err != nil || leaves[0] != hash {
			return index, nil
		}
		leaves = leaves[1:]
		index++
	}
	if index < size {
		return index, nil
	}
	return -1, nil
}
