package market

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/liangding/platform"
	"github.com/liangding/platform/security/audit"
	"github.com/liangding/platform/store"
)

// Archive is the audit log in a backup, to be verified without any store. open
// begins to read the backup; it is called three times, since what belongs
// together lies apart in it.
func Archive(open func() (io.ReadCloser, error)) audit.Archive {
	return audit.Archive{Events: archived(open), Leaves: leaves(open)}
}

func archived(open func() (io.ReadCloser, error)) iter.Seq2[platform.Event, error] {
	return func(yield func(platform.Event, error) bool) {
		for l, err := range lines(open) {
			if err == nil && l.Kind != store.Event {
				continue
			}
			var e platform.Event
			if err == nil {
				e, err = eventOf(l)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func eventOf(l store.Line) (e platform.Event, err error) {
	if l.Schema != 1 || json.Unmarshal(l.Doc, &e) != nil || e.ID != l.ID {
		return e, fmt.Errorf("event %s: %w", l.ID, store.ErrDamaged)
	}
	return e, nil
}

// leaves are those of a backup, each with its stored hash: a tree stores them
// among those of its subtrees.
func leaves(open func() (io.ReadCloser, error)) iter.Seq2[audit.Leaf, error] {
	return func(yield func(audit.Leaf, error) bool) {
		next, stop := iter.Pull2(unchecked(open, `{"hash":`))
		defer stop()
		index, n := int64(0), int64(-1)
		for l, err := range unchecked(open, `{"leaf":`) {
			leaf := audit.Leaf{Event: l.Leaf}
			for at, more := tlog.StoredHashIndex(0, index), true; err == nil && more && n < at; n++ {
				var h store.Line
				h, err, more = next()
				leaf.Hash = h.Hash // none behind the last
			}
			if !yield(leaf, err) || err != nil {
				return
			}
			index++
		}
	}
}

// unchecked are the lines of a backup that begin so. Whoever reads its events
// checks them all.
func unchecked(open func() (io.ReadCloser, error), begin string) iter.Seq2[store.Line, error] {
	return func(yield func(store.Line, error) bool) {
		in, err := open()
		if err != nil {
			yield(store.Line{}, err)
			return
		}
		defer func() { _ = in.Close() }()
		zip, err := gzip.NewReader(in)
		if err != nil {
			yield(store.Line{}, fmt.Errorf("%w: %w", store.ErrDamaged, err))
			return
		}
		text := bufio.NewScanner(zip)
		text.Buffer(nil, 64<<20)
		for text.Scan() {
			if !bytes.HasPrefix(text.Bytes(), []byte(begin)) {
				continue
			}
			var l store.Line
			if json.Unmarshal(text.Bytes(), &l) != nil {
				err = store.ErrDamaged
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
		if err := text.Err(); err != nil {
			yield(store.Line{}, fmt.Errorf("%w: %w", store.ErrDamaged, err))
		}
	}
}

// lines are those of a backup, checked as they are when it is restored.
func lines(open func() (io.ReadCloser, error)) iter.Seq2[store.Line, error] {
	return func(yield func(store.Line, error) bool) {
		in, err := open()
		if err != nil {
			yield(store.Line{}, err)
			return
		}
		defer func() { _ = in.Close() }()
		ctx, enough := context.WithCancel(context.Background())
		defer enough()
		_, err = store.Restore(ctx, reading(func(l store.Line) bool {
			if !yield(l, nil) {
				enough()
			}
			return ctx.Err() == nil
		}), in)
		if err != nil && ctx.Err() == nil {
			yield(store.Line{}, err)
		}
	}
}

// reading is a store that keeps nothing of what it is filled with.
type reading func(store.Line) bool

var _ store.Archive = reading(nil)

// Lines implements [store.Archive]. There are none.
func (reading) Lines(context.Context) iter.Seq2[store.Line, error] {
	return func(func(store.Line, error) bool) {}
}

// Load implements [store.Archive].
func (r reading) Load(ctx context.Context, all iter.Seq2[store.Line, error]) error {
	for l, err := range all {
		if err != nil {
			return err
		}
		if !r(l) {
			return ctx.Err()
		}
	}
	return nil
}
