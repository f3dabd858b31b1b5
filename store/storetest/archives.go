package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/liangding/platform"
	"github.com/liangding/platform/store"
)

// archive is the adapter's, unless it has none, which is noted as a gap.
func (w *world) archive(unchecked string) (store.Archive, bool) {
	a, offers := w.inner.(store.Archive)
	if !offers {
		w.gaps = append(w.gaps, "no archive: "+unchecked)
	}
	return a, offers
}

// another is an empty store of the same adapter, for the newest program.
func (w *world) another() (platform.DB, store.Archive) {
	db := w.adapter.open(kinds(newest))
	return db, db.(store.Archive)
}

// shelf is an archive of lines.
type shelf []store.Line

func (s shelf) Lines(context.Context) iter.Seq2[store.Line, error] {
	return func(yield func(store.Line, error) bool) {
		for _, l := range s {
			if !yield(l, nil) {
				return
			}
		}
	}
}

func (s *shelf) Load(_ context.Context, lines iter.Seq2[store.Line, error]) error {
	for l, err := range lines {
		if err != nil {
			return err
		}
		*s = append(*s, l)
	}
	return nil
}

// backedUp is a backup, and what is in it.
func backedUp(ctx context.Context, a store.Archive) (file []byte, lines shelf, err error) {
	var out bytes.Buffer
	if _, err := store.Backup(ctx, a, &out); err != nil {
		return nil, nil, fmt.Errorf("back up: %w", err)
	}
	_, err = store.Restore(ctx, &lines, bytes.NewReader(out.Bytes()))
	return out.Bytes(), lines, err
}

// oneMomentArchived checks law 37 for a backup that is taken while writers add
// duties with a child each, and move one counter up and another down.
func oneMomentArchived(ctx context.Context, w *world) error {
	a, offers := w.archive("a backup under load is one moment")
	if !offers {
		return nil
	}
	for range 4 {
		if err := w.archivedUnderLoad(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

var upwards, downwards = platform.Counter("upwards", "piece"), platform.Counter("downwards", "piece")

// archivedUnderLoad takes a backup once the first of its writers has written.
func (w *world) archivedUnderLoad(ctx context.Context, a store.Archive) error {
	const writers, sets = 4, 60
	begun := make(chan struct{}, writers*sets)
	var busy sync.WaitGroup
	failed := make([]error, writers)
	for i := range writers {
		busy.Go(func() {
			for range sets {
				d := w.duty("under load")
				set := w.set(platform.Put(d), platform.Put(w.child(d, "")), platform.Delta(upwards, 3, d.Ref()), platform.Delta(downwards, -3, d.Ref()))
				if _, failed[i] = w.inner.Commit(ctx, set); failed[i] != nil {
					break
				}
				begun <- struct{}{}
			}
		})
	}
	go func() {
		busy.Wait()
		close(begun)
	}()
	<-begun
	_, lines, err := backedUp(ctx, a)
	busy.Wait()
	if err := errors.Join(errors.Join(failed...), err); err != nil {
		return err
	}
	return lines.oneMoment()
}

// oneMoment demands that the lines fit together as every commit left them.
func (s shelf) oneMoment() error {
	counts, there := map[platform.Ref]platform.Count{}, map[platform.ID]bool{}
	var events, pending, moved int64
	for _, l := range s {
		switch there[l.ID] = true; {
		case l.Kind == store.Counter:
			var c platform.Count
			if err := json.Unmarshal(l.Doc, &c); err != nil {
				return err
			}
			counts[c.Ref] = c
		case l.Kind == store.Movement:
			moved++
		case l.Kind == store.Event:
			events++
		case l.Pending != "":
			pending++
		}
	}
	up, down := counts[upwards], counts[downwards]
	if up.Value != -down.Value || up.Seq != down.Seq || moved != 2*up.Seq || events != up.Seq || pending != events {
		return fmt.Errorf("a backup of several moments: %+v, %+v, %d movements, %d events, %d undelivered", up, down, moved, events, pending)
	}
	for _, l := range s {
		var c child
		if l.Kind == childKind && (json.Unmarshal(l.Doc, &c) != nil || !there[c.Duty]) {
			return fmt.Errorf("a backup has %s and not its root", l.ID)
		}
	}
	return nil
}
