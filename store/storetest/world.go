package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/liangding/platform"
)

// dawn is when every law begins.
var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// actor writes whatever the laws write.
var actor = platform.SystemActor("storetest")

// world is what a law is checked in: a store just opened, watched from its
// beginning, and all that varies between runs taken from one seed.
type world struct {
	db      platform.DB // as watched by history
	inner   platform.DB // the adapter itself
	history *History
	clock   *Clock
	ids     platform.IDs
	seed    uint64
	adapter adapter
	label   string   // of this world's goroutines
	gaps    []string // what could not be checked, for the adapter declares it
}

// adapter is how to get at a store.
type adapter struct {
	open   func(kinds []platform.Kind) platform.DB
	reopen func(db platform.DB, kinds []platform.Kind) (platform.DB, error) // nil: cannot
	handle func(db platform.DB, kinds []platform.Kind) platform.DB          // nil: cannot
}

func (w *world) use(db platform.DB) { w.inner, w.db = db, w.history.Watch(db) }

// mayRestart tells whether the adapter keeps data beyond a process; what is then
// left unchecked is noted as a gap.
func (w *world) mayRestart(unchecked string) bool {
	if w.adapter.reopen == nil {
		w.gaps = append(w.gaps, "no restart: "+unchecked)
	}
	return w.adapter.reopen != nil
}

// restart ends the process suddenly and opens the data again for a program of
// the given schema. When that fails, the world stays as it was.
func (w *world) restart(schema int) error {
	db, err := w.adapter.reopen(w.inner, kinds(schema))
	if err != nil {
		return fmt.Errorf("reopen for schema %d: %w", schema, err)
	}
	w.use(db)
	return nil
}

// handles are n ways to the same data, as several processes would have them;
// just the one when the adapter declares that there are no more.
func (w *world) handles(n int, unchecked string) (all []platform.DB, end func() error) {
	all = []platform.DB{w.db}
	var opened []platform.DB
	if w.adapter.handle == nil {
		w.gaps = append(w.gaps, "one handle: "+unchecked)
		n = 1
	}
	for len(all) < n {
		db := w.adapter.handle(w.inner, kinds(newest))
		opened = append(opened, db)
		all = append(all, w.history.Watch(db))
	}
	return all, func() error {
		var failed []error
		for _, db := range opened {
			failed = append(failed, db.Close())
		}
		return errors.Join(failed...)
	}
}

// die is a source of chance of one goroutine's own.
func (w *world) die(i int) *rand.Rand { return rand.New(rand.NewPCG(w.seed, uint64(i))) }

// writer is a writer over the world's store.
func (w *world) writer() platform.Writer {
	return platform.Writer{Store: w.db, Now: w.clock.Now, IDs: w.ids}
}

func (w *world) id(prefix string) platform.ID {
	bits := w.ids()
	return platform.NewID(prefix, w.clock.Now(), platform.Slot(bits>>52), w.ids())
}

func (w *world) below(prefix string, root platform.ID) platform.ID {
	return platform.NewID(prefix, w.clock.Now(), root.Slot(), w.ids())
}

func (w *world) duty(mark string) duty {
	return duty{Head: platform.Head{ID: w.id("dty")}, Team: "red", On: true, Count: 1, Mark: mark}
}

func (w *world) child(of duty, mark string) child {
	return child{Head: platform.Head{ID: w.below("chd", of.ID)}, Duty: of.ID, Mark: mark}
}

// event says that something was written about subject, stamped as Update does it.
func (w *world) event(subject platform.Ref) platform.Change {
	id := w.below("evt", subject.ID)
	e := platform.Event{ID: id, Type: "storetest.wrote", Subject: subject, Actor: actor, At: w.clock.Now()}
	return platform.Change{Op: platform.Append, Ref: platform.Ref{Kind: "event", ID: id}, Value: e}
}

// set is the changes with an event about the first of them.
func (w *world) set(changes ...platform.Change) platform.Set {
	return platform.Set{Changes: append(slices.Clone(changes), w.event(changes[0].Ref))}
}

// keyed is the set under a key, with an answer.
func (w *world) keyed(name, request string, changes ...platform.Change) platform.Set {
	set := w.set(changes...)
	set.Key = platform.Key{Scope: "key/storetest", Name: name}
	set.Answer = platform.Answer{Digest: []byte(request), Body: encoded(map[string]string{"answer": name})}
	return set
}

func (w *world) commit(ctx context.Context, changes ...platform.Change) (platform.Receipt, error) {
	return w.db.Commit(ctx, w.set(changes...))
}

// given commits what a law starts from.
func (w *world) given(ctx context.Context, changes ...platform.Change) error {
	if _, err := w.commit(ctx, changes...); err != nil {
		return fmt.Errorf("given: %w", err)
	}
	return nil
}

// at is a record as it stands at a version.
func (d duty) at(version int64) duty   { d.Version = version; return d }
func (c child) at(version int64) child { c.Version = version; return c }

// stored demands that each record is there at its version with its document.
func (w *world) stored(ctx context.Context, want ...platform.Stored) error {
	for _, v := range want {
		got, err := w.db.Get(ctx, v.Ref())
		if err != nil {
			return fmt.Errorf("should be stored: %w", err)
		}
		if len(got) != 1 || got[0].Version != v.Revision() {
			return fmt.Errorf("%s: %d records, first at version %d, want version %d", v.Ref(), len(got), got[0].Version, v.Revision())
		}
		if !sameJSON(got[0].Doc, encoded(v)) {
			return fmt.Errorf("%s holds %s, want %s", v.Ref(), got[0].Doc, encoded(v))
		}
	}
	return nil
}

// absent demands that nothing is stored under any of the refs.
func (w *world) absent(ctx context.Context, refs ...platform.Ref) error {
	for _, ref := range refs {
		got, err := w.db.Get(ctx, ref)
		if err == nil || len(got) > 0 {
			return fmt.Errorf("%s should not be there", ref)
		}
		if !errors.Is(err, platform.ErrNotFound) {
			return fmt.Errorf("get %s, which is not there: %w", ref, err)
		}
	}
	return nil
}

// count is a counter as stored; zero when it was never added to.
func count(ctx context.Context, db platform.Getter, counter platform.Ref) (platform.Count, error) {
	records, err := db.Get(ctx, counter)
	if errors.Is(err, platform.ErrNotFound) {
		return platform.Count{Ref: counter}, nil
	}
	if err != nil {
		return platform.Count{}, err
	}
	var c platform.Count
	if err := json.Unmarshal(records[0].Doc, &c); err != nil {
		return c, fmt.Errorf("decode %s: %w", counter, err)
	}
	return c, nil
}

// counted demands a counter's value and number of movements.
func (w *world) counted(ctx context.Context, counter platform.Ref, value, seq int64) error {
	c, err := count(ctx, w.db, counter)
	if err != nil {
		return err
	}
	if c.Value != value || c.Seq != seq {
		return fmt.Errorf("%s is %d after %d movements, want %d after %d", counter, c.Value, c.Seq, value, seq)
	}
	return nil
}

// all reads every page of a query.
func all[T any](ctx context.Context, db platform.Getter, q platform.Query) ([]T, error) {
	var items []T
	for {
		page, err := platform.List[T](ctx, db, q)
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.Next == "" {
			return items, nil
		}
		q.Cursor = page.Next
	}
}

// events are all events about a subject.
func (w *world) events(ctx context.Context, subject platform.Ref) ([]platform.Event, error) {
	return all[platform.Event](ctx, w.db, platform.Query{Kind: "event", By: []string{"subject", "id"}, Equal: []any{subject}})
}

// movements are the log of a counter in order.
func (w *world) movements(ctx context.Context, counter platform.Ref) ([]platform.Movement, error) {
	return all[platform.Movement](ctx, w.db, platform.Query{Kind: "movement", By: []string{"counter", "seq"}, Equal: []any{counter}})
}

func sameJSON(a, b []byte) bool { return bytes.Equal(a, b) || bytes.Equal(canonical(a), canonical(b)) }
